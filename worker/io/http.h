/* http.h - calls to one provider: libcurl's multi interface on a worker's loop.
 *
 * HTTP/1.1, handles pooled and set up once, connection cache >= calls in flight, no redirects, proxy only when set,
 * answers capped, NOSIGNAL, http and https only, no Expect. A request leaves at most once a try: the PREREQFUNCTION
 * refuses libcurl's own second transmission on a reused connection (RELIABILITY.md section 7). */
#ifndef TVB_IO_HTTP_H
#define TVB_IO_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "core/call.h"
#include "io/loop.h"

struct http;
struct http_call;

struct http_options {
    unsigned max_in_flight;    /* http_call() beyond it is a caller's error */
    int64_t connect_ms;
    int64_t request_ms;        /* the whole transfer */
    int64_t max_age_conn_ms;   /* an idle connection older than this is not used again; 0: libcurl's default */
    size_t answer_max_bytes;
    const char *proxy;         /* NULL: none, environment ignored */
    const char *ca_file;       /* NULL: the system's */
    bool tls_verify;
    const char *user_agent;
};

struct http *http_new(struct loop *l, const struct http_options *o, struct err *reterr);
/* Aborts what is in flight (their callbacks are not called). */
void http_free(struct http *h);

/* Asked in the PREREQFUNCTION, just before the first byte leaves: false stops the call (CALL_ABORTED, nothing sent,
 * call_reply.not_allowed). */
typedef bool http_may_send_fn(void *arg);
/* The reply is borrowed for the callback. */
typedef void http_done_fn(void *arg, const struct call_reply *reply);

/* Starts @req, which must live until the callback. NULL: out of memory or over max_in_flight.
 * The callback comes from the loop, never from inside this call. `never` requests use a fresh connection.
 * @may_send may be NULL. */
struct http_call *http_call(struct http *h, const struct call_request *req, http_may_send_fn *may_send,
                            http_done_fn *done, void *arg);
/* Another limit from now. What is in flight beyond it goes on. */
void http_set_max(struct http *h, unsigned max_in_flight);
/* Stops it: the callback comes with CALL_ABORTED and how much had left. */
void http_abort(struct http_call *c);
unsigned http_in_flight(const struct http *h);
unsigned http_connections(const struct http *h); /* sockets open now */

/* libcurl_version and its TLS library, for --version. */
const char *http_version(void);
int http_global_init(struct err *reterr); /* once, before threads */
void http_global_cleanup(void);

#endif

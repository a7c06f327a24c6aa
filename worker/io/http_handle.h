/* http_handle.h - one pooled libcurl handle: set up once, loaded for each call, read when it ended.
 *
 * Private to http.c and http_handle.c. A handle belongs to its struct http and goes back to its pool after the
 * callback of its call. */
#ifndef TVB_IO_HTTP_HANDLE_H
#define TVB_IO_HTTP_HANDLE_H

#include <curl/curl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "core/call.h"
#include "io/http.h"
#include "io/http_url.h"

#define HTTP_ANSWER_HEADERS_MAX 64          /* more are not kept */
#define HTTP_ANSWER_HEADER_BYTES ((size_t)64 * 1024) /* all lines together; more ends the call as CALL_CUT */
#define HTTP_EXTRA_HEADERS 4                 /* ours beside the request's */

struct http_call {
    struct http *http;
    struct http_call *prev, *next; /* the pool, or the calls in flight */
    CURL *easy;
    const struct call_request *req;
    http_may_send_fn *may_send;
    http_done_fn *done;
    void *arg;
    int64_t started_ns;

    unsigned transmissions; /* how often the request was let through */
    bool resend_refused, not_allowed, too_large, aborted;
    int64_t aborted_bytes; /* what had left when it was aborted */

    struct http_url url;
    bool proxied;
    const char *user_agent; /* borrowed from http's options */
    struct buf lines; /* the request's header lines, NUL after each */
    struct curl_slist nodes[CALL_HEADERS_MAX + HTTP_EXTRA_HEADERS];

    struct buf body;
    struct buf head; /* the answer's headers: name NUL value NUL ... */
    size_t head_at[2 * HTTP_ANSWER_HEADERS_MAX];
    size_t header_count, header_bytes;
    struct call_header headers[HTTP_ANSWER_HEADERS_MAX];
    char error[CURL_ERROR_SIZE];
};

/* What http.c gives to each handle's sockets. */
struct http_socket_functions {
    curl_opensocket_callback opened;
    curl_closesocket_callback closed;
    void *arg;
};

/* NULL when out of memory. */
struct http_call *http_handle_new(const struct http_options *o, const struct http_socket_functions *f);
void http_handle_free(struct http_call *c); /* NULL is fine; not while it is in a multi handle */
/* Loads c->req. -1 when out of memory. */
int http_handle_load(struct http_call *c);
/* Fills @ret from the ended transfer; it borrows from @c. */
void http_handle_read(struct http_call *c, CURLcode code, struct call_reply *ret);
/* Forgets the call; gives back buffers that grew large. */
void http_handle_reset(struct http_call *c);
/* Bytes of requests that libcurl handed to the system: 0 is the proof that nothing left. */
int64_t http_handle_sent(const struct http_call *c);

#endif

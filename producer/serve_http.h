/* serve_http.h - the gateway's HTTP server (libmicrohttpd), on the loop's own thread: nothing is shared, nothing is locked.
 *
 * A request comes in two calls: when its head was read, and when its body is there. Each may answer; what is not answered by
 * then waits, without a thread, until serve_answer_done(). A request that is refused by its head alone is read to its end all
 * the same, up to a bound, so that its sender gets to read why. Bodies are bounded, each and all together. */
#ifndef TVB_PRODUCER_SERVE_HTTP_H
#define TVB_PRODUCER_SERVE_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "io/loop.h"

struct serve_http;
struct serve_request;

struct serve_http_handlers {
    void *arg;
    void (*head)(void *arg, struct serve_request *r);
    void (*whole)(void *arg, struct serve_request *r);
    /* Its body is larger than serve_request_limit() allows (413), or with it all bodies are (@all: 503): must answer. */
    void (*too_large)(void *arg, struct serve_request *r, bool all);
    /* It was answered, or its sender left; it is gone when this returns. @status 0: not answered. */
    void (*gone)(void *arg, struct serve_request *r, unsigned status);
};

struct serve_http_options {
    struct loop *loop;
    const char *host; /* an address */
    int port;         /* 0: a free one */
    unsigned connections;
    size_t buffered_bytes; /* of all bodies */
    struct serve_http_handlers handlers;
};

struct serve_http *serve_http_new(const struct serve_http_options *o, struct err *reterr);
/* Cuts what is still open. NULL is fine. */
void serve_http_free(struct serve_http *h);
int serve_http_port(const struct serve_http *h);
/* Takes no further connections; each answer from now on ends its connection. */
void serve_http_drain(struct serve_http *h);
size_t serve_http_requests(const struct serve_http *h);    /* under way */
/* Those that a stop should wait for: all but those whose sender has said nothing for some seconds in the midst of its body. (When
 * a peer sends a part and closes at once, libmicrohttpd 0.9.75 notices it only after the idle time.) */
size_t serve_http_lively(const struct serve_http *h);
size_t serve_http_connections(const struct serve_http *h); /* open */
size_t serve_http_buffered(const struct serve_http *h);    /* bytes of bodies */
const char *serve_http_version(void);

/* ---- a request ---- */

const char *serve_request_method(const struct serve_request *r);
const char *serve_request_path(const struct serve_request *r);
/* NULL: there is no such header, no such argument of the query (percent-decoded). Borrowed until the request is gone. */
const char *serve_request_header(const struct serve_request *r, const char *name);
const char *serve_request_query(const struct serve_request *r, const char *name);
typedef void serve_header_fn(void *arg, const char *name, const char *value);
void serve_request_each_header(const struct serve_request *r, serve_header_fn *fn, void *arg);
/* The body, whole in whole() and after it; NUL-terminated. */
const char *serve_request_body(struct serve_request *r, size_t *ret_len);
/* In head(): how much of a body there may be; 0 unless said. Answers at once where its head says that there is more. */
void serve_request_limit(struct serve_request *r, size_t bytes);
/* What the caller hangs on it; NULL at first. */
void *serve_request_user(const struct serve_request *r);
void serve_request_set_user(struct serve_request *r, void *user);
int64_t serve_request_began_ns(const struct serve_request *r);

/* ---- its answer ---- */

/* Begins it, and gives the buffer for its body. An earlier one of the same request is forgotten. @content_type lives for ever. */
struct buf *serve_answer(struct serve_request *r, unsigned status, const char *content_type);
/* A header more; both live for ever, but @value is copied. At most 4. */
void serve_answer_header(struct serve_request *r, const char *name, const char *value);
bool serve_answered(const struct serve_request *r);
/* For an answer that came later than whole() returned: it may leave. */
void serve_answer_done(struct serve_request *r);

#endif

/* serve_http.c - see serve_http.h. The only file of the producer that includes libmicrohttpd.
 *
 * libmicrohttpd polls by an epoll descriptor of its own, which hangs on our loop. It runs once a turn, in the loop's hook: when
 * that descriptor had something, when an answer became ready, when it left work of its last run, or when its timer ran out. */
#include "serve_http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/attr.h"
#include "base/clock.h"

#define ANSWER_MAX ((size_t)16 << 20)
#define ANSWER_HEADERS_MAX 4
#define IDLE_S 60u
#define HEAD_BYTES ((size_t)32 * 1024) /* a connection's memory in libmicrohttpd: the head, and what of a body comes at once */
#define DISCARD_BYTES ((size_t)64 << 20) /* of a refused request's body: more cuts the connection */
#define SILENCE_NS (INT64_C(5) * 1000 * 1000 * 1000)
#define RUNS_A_TURN 4
#define BACKLOG 1024u

enum request_state {
    REQUEST_READING,    /* its body is kept */
    REQUEST_DISCARDING, /* it is answered; what of its body still comes is thrown away */
    REQUEST_WAITING,    /* whole, not answered yet: its connection is suspended */
    REQUEST_QUEUED,     /* the answer was handed to libmicrohttpd */
};

struct answer {
    unsigned status; /* 0: none yet */
    const char *content_type;
    struct buf body;
    struct {
        const char *name;
        char value[128];
    } headers[ANSWER_HEADERS_MAX];
    size_t header_count;
};

struct serve_request {
    struct serve_request *prev, *next;
    struct serve_http *http;
    struct MHD_Connection *conn;
    const char *method, *path; /* libmicrohttpd's, until it is gone */
    enum request_state state;
    bool in_handler; /* an answer that comes now needs no waking */
    size_t limit, counted, discarded;
    struct buf body;
    struct answer answer;
    int64_t began_ns, heard_ns; /* its head; the last of its body */
    void *user;
};

struct serve_http {
    struct serve_http_options o;
    struct MHD_Daemon *daemon;
    struct loop_poll *poll;
    struct loop_hook *hook;
    struct loop_timer *timer;
    struct serve_request *requests;
    size_t request_count, buffered;
    int port;
    bool due, draining;
};

/* ---- requests ---- */

static struct serve_request *request_new(struct serve_http *h, struct MHD_Connection *conn, const char *path, const char *method)
{
    struct serve_request *r = calloc(1, sizeof(*r));
    if (r == NULL)
        return NULL;
    r->http = h;
    r->conn = conn;
    r->path = path;
    r->method = method;
    r->began_ns = r->heard_ns = clock_mono_ns();
    buf_init(&r->body, h->o.buffered_bytes);
    buf_init(&r->answer.body, ANSWER_MAX);
    r->next = h->requests;
    if (h->requests != NULL)
        h->requests->prev = r;
    h->requests = r;
    h->request_count++;
    return r;
}

static void uncount(struct serve_request *r)
{
    r->http->buffered -= r->counted;
    r->counted = 0;
}

static void request_free(struct serve_request *r)
{
    struct serve_http *h = r->http;
    *(r->prev != NULL ? &r->prev->next : &h->requests) = r->next;
    if (r->next != NULL)
        r->next->prev = r->prev;
    h->request_count--;
    uncount(r);
    buf_fini(&r->body);
    buf_fini(&r->answer.body);
    free(r);
}

const char *serve_request_method(const struct serve_request *r)
{
    return r->method;
}

const char *serve_request_path(const struct serve_request *r)
{
    return r->path;
}

const char *serve_request_header(const struct serve_request *r, const char *name)
{
    return MHD_lookup_connection_value(r->conn, MHD_HEADER_KIND, name);
}

const char *serve_request_query(const struct serve_request *r, const char *name)
{
    return MHD_lookup_connection_value(r->conn, MHD_GET_ARGUMENT_KIND, name);
}

struct each {
    serve_header_fn *fn;
    void *arg;
};

static enum MHD_Result on_header(void *arg, enum MHD_ValueKind kind, const char *name, const char *value)
{
    struct each *e = arg;
    (void)kind;
    e->fn(e->arg, name, value != NULL ? value : "");
    return MHD_YES;
}

void serve_request_each_header(const struct serve_request *r, serve_header_fn *fn, void *arg)
{
    MHD_get_connection_values(r->conn, MHD_HEADER_KIND, on_header, &(struct each){fn, arg});
}

const char *serve_request_body(struct serve_request *r, size_t *ret_len)
{
    *ret_len = r->body.len;
    return buf_cstr(&r->body);
}

void serve_request_limit(struct serve_request *r, size_t bytes)
{
    const char *said = serve_request_header(r, MHD_HTTP_HEADER_CONTENT_LENGTH);
    r->limit = bytes;
    if (said != NULL && strtoull(said, NULL, 10) > bytes)
        r->http->o.handlers.too_large(r->http->o.handlers.arg, r, false);
}

void *serve_request_user(const struct serve_request *r)
{
    return r->user;
}

void serve_request_set_user(struct serve_request *r, void *user)
{
    r->user = user;
}

int64_t serve_request_began_ns(const struct serve_request *r)
{
    return r->began_ns;
}

/* ---- answers ---- */

struct buf *serve_answer(struct serve_request *r, unsigned status, const char *content_type)
{
    r->answer.status = status;
    r->answer.content_type = content_type;
    r->answer.header_count = 0;
    buf_reset(&r->answer.body);
    return &r->answer.body;
}

void serve_answer_header(struct serve_request *r, const char *name, const char *value)
{
    struct answer *a = &r->answer;
    if (a->header_count == ANSWER_HEADERS_MAX)
        return;
    a->headers[a->header_count].name = name;
    size_t n = strnlen(value, sizeof(a->headers[0].value) - 1);
    memcpy(a->headers[a->header_count].value, value, n);
    a->headers[a->header_count++].value[n] = '\0';
}

bool serve_answered(const struct serve_request *r)
{
    return r->answer.status != 0;
}

void serve_answer_done(struct serve_request *r)
{
    if (r->state != REQUEST_WAITING || r->in_handler)
        return;
    MHD_resume_connection(r->conn);
    r->http->due = true;
    loop_wake(r->http->o.loop);
}

static void add_headers(struct MHD_Response *to, const struct serve_request *r)
{
    const struct answer *a = &r->answer;
    MHD_add_response_header(to, MHD_HTTP_HEADER_CONTENT_TYPE, a->content_type);
    MHD_add_response_header(to, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
    for (size_t i = 0; i < a->header_count; i++)
        MHD_add_response_header(to, a->headers[i].name, a->headers[i].value);
    if (r->http->draining)
        MHD_add_response_header(to, MHD_HTTP_HEADER_CONNECTION, "close");
}

static enum MHD_Result queue_answer(struct serve_request *r)
{
    size_t len = 0;
    char *body = buf_steal(&r->answer.body, &len);
    r->state = REQUEST_QUEUED;
    uncount(r);
    buf_fini(&r->body);
    if (body == NULL)
        return MHD_NO;
    struct MHD_Response *to = MHD_create_response_from_buffer(len, body, MHD_RESPMEM_MUST_FREE);
    if (to == NULL) {
        free(body);
        return MHD_NO;
    }
    add_headers(to, r);
    enum MHD_Result done = MHD_queue_response(r->conn, r->answer.status, to); /* for HEAD it leaves the body out by itself */
    MHD_destroy_response(to);
    return done;
}

/* ---- what libmicrohttpd calls ---- */

/* A peer that asks before it sends (RFC 9110 section 10.1.1) is told at once; any other would not read before it has sent. */
static bool asks_first(const struct serve_request *r)
{
    const char *expect = serve_request_header(r, MHD_HTTP_HEADER_EXPECT);
    return expect != NULL && strcasecmp(expect, "100-continue") == 0;
}

static enum MHD_Result begin(struct serve_http *h, struct MHD_Connection *conn, const char *path, const char *method, void **user)
{
    struct serve_request *r = request_new(h, conn, path, method);
    if (r == NULL)
        return MHD_NO;
    *user = r;
    h->o.handlers.head(h->o.handlers.arg, r);
    r->state = serve_answered(r) ? REQUEST_DISCARDING : REQUEST_READING;
    return serve_answered(r) && asks_first(r) ? queue_answer(r) : MHD_YES;
}

static void refuse_body(struct serve_request *r, bool all)
{
    struct serve_http *h = r->http;
    uncount(r);
    buf_fini(&r->body);
    r->state = REQUEST_DISCARDING;
    h->o.handlers.too_large(h->o.handlers.arg, r, all);
}

static void keep_body(struct serve_request *r, const char *data, size_t n)
{
    struct serve_http *h = r->http;
    if (r->body.len + n > r->limit) {
        refuse_body(r, false);
        return;
    }
    if (h->buffered + n <= h->o.buffered_bytes)
        buf_add(&r->body, data, n);
    if (h->buffered + n > h->o.buffered_bytes || !buf_ok(&r->body)) {
        refuse_body(r, true);
        return;
    }
    r->counted += n;
    h->buffered += n;
}

static enum MHD_Result take_body(struct serve_request *r, const char *data, size_t *len)
{
    size_t n = *len;
    *len = 0;
    r->heard_ns = loop_now_ns(r->http->o.loop);
    if (r->state == REQUEST_READING) {
        keep_body(r, data, n);
        return MHD_YES;
    }
    r->discarded += n;
    return r->discarded <= DISCARD_BYTES ? MHD_YES : MHD_NO;
}

static enum MHD_Result end(struct serve_request *r)
{
    struct serve_http *h = r->http;
    if (r->state == REQUEST_READING) {
        r->in_handler = true;
        h->o.handlers.whole(h->o.handlers.arg, r);
        r->in_handler = false;
    }
    if (serve_answered(r))
        return queue_answer(r);
    r->state = REQUEST_WAITING;
    MHD_suspend_connection(r->conn);
    return MHD_YES;
}

/* The first call is with the head, more come while there is a body, the last is without data; and one more when a connection
 * was resumed. */
static enum MHD_Result on_request(void *arg, struct MHD_Connection *conn, const char *path, const char *method,
                                  const char *version, const char *data, size_t *len, void **user)
{
    (void)version;
    if (*user == NULL)
        return begin(arg, conn, path, method, user);
    struct serve_request *r = *user;
    if (*len > 0)
        return take_body(r, data, len);
    return end(r);
}

static void on_completed(void *arg, struct MHD_Connection *conn, void **user, enum MHD_RequestTerminationCode why)
{
    struct serve_http *h = arg;
    struct serve_request *r = *user;
    (void)conn;
    if (r == NULL)
        return;
    bool sent = r->state == REQUEST_QUEUED && why == MHD_REQUEST_TERMINATED_COMPLETED_OK;
    h->o.handlers.gone(h->o.handlers.arg, r, sent ? r->answer.status : 0);
    request_free(r);
    *user = NULL;
}

/* ---- on the loop ---- */

static void on_readable(void *arg, int events)
{
    struct serve_http *h = arg;
    (void)events;
    h->due = true;
}

static void on_timer(void *arg)
{
    ((struct serve_http *)arg)->due = true;
}

/* When it wants to run again by itself: at once, or for a connection that says nothing. */
static void look_ahead(struct serve_http *h)
{
    MHD_UNSIGNED_LONG_LONG ms = 0;
    if (MHD_get_timeout(h->daemon, &ms) != MHD_YES)
        return;
    if (ms == 0) {
        h->due = true;
        loop_wake(h->o.loop);
        return;
    }
    loop_timer_start(h->timer, ms < 1000 ? 1000 : (int64_t)ms); /* idle connections: a second more is as well */
}

static void on_turn(void *arg)
{
    struct serve_http *h = arg;
    for (int i = 0; h->due && i < RUNS_A_TURN; i++) {
        h->due = false;
        MHD_run(h->daemon);
        look_ahead(h);
    }
    if (h->due)
        loop_wake(h->o.loop);
}

/* ---- life ---- */

union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

static int parse_address(const struct serve_http_options *o, union address *ret, struct err *reterr)
{
    memset(ret, 0, sizeof(*ret));
    if (inet_pton(AF_INET, o->host, &ret->v4.sin_addr) == 1) {
        ret->v4.sin_family = AF_INET;
        ret->v4.sin_port = htons((uint16_t)o->port);
        return 0;
    }
    if (inet_pton(AF_INET6, o->host, &ret->v6.sin6_addr) == 1) {
        ret->v6.sin6_family = AF_INET6;
        ret->v6.sin6_port = htons((uint16_t)o->port);
        return 0;
    }
    return err_set(reterr, ERR_INVAL, "serve.host: '%s' is no IPv4 or IPv6 address", o->host);
}

static int listen_at(struct serve_http *h, struct err *reterr)
{
    union address at;
    if (parse_address(&h->o, &at, reterr) < 0)
        return -1;
    unsigned flags = MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME;
    if (at.any.sa_family == AF_INET6)
        flags |= MHD_USE_IPv6;
    errno = 0;
    h->daemon = MHD_start_daemon(flags, 0, NULL, NULL, on_request, h, MHD_OPTION_SOCK_ADDR, &at.any,
                                 MHD_OPTION_CONNECTION_LIMIT, h->o.connections, MHD_OPTION_CONNECTION_TIMEOUT, IDLE_S,
                                 MHD_OPTION_CONNECTION_MEMORY_LIMIT, HEAD_BYTES, MHD_OPTION_LISTEN_BACKLOG_SIZE, BACKLOG,
                                 MHD_OPTION_NOTIFY_COMPLETED, on_completed, h, MHD_OPTION_END);
    const union MHD_DaemonInfo *info = h->daemon != NULL ? MHD_get_daemon_info(h->daemon, MHD_DAEMON_INFO_BIND_PORT) : NULL;
    if (info == NULL)
        return err_set(reterr, ERR_IO, "cannot listen on %s port %d: %s", h->o.host, h->o.port,
                       errno != 0 ? strerror(errno) : "refused");
    h->port = info->port;
    return 0;
}

static int hang_on_loop(struct serve_http *h, struct err *reterr)
{
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(h->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    if (info == NULL)
        return err_set(reterr, ERR_IO, "libmicrohttpd has no epoll here");
    h->poll = loop_poll_new(h->o.loop, info->epoll_fd, on_readable, h, reterr);
    h->hook = h->poll != NULL ? loop_hook_new(h->o.loop, on_turn, h, reterr) : NULL;
    h->timer = h->hook != NULL ? loop_timer_new(h->o.loop, on_timer, h, reterr) : NULL;
    if (h->timer == NULL)
        return -1;
    loop_poll_set(h->poll, LOOP_READABLE);
    return 0;
}

struct serve_http *serve_http_new(const struct serve_http_options *o, struct err *reterr)
{
    struct serve_http *h = calloc(1, sizeof(*h));
    if (h == NULL) {
        err_nomem(reterr);
        return NULL;
    }
    h->o = *o;
    if (listen_at(h, reterr) == 0 && hang_on_loop(h, reterr) == 0)
        return h;
    serve_http_free(h);
    return NULL;
}

void serve_http_free(struct serve_http *h)
{
    if (h == NULL)
        return;
    for (struct serve_request *r = h->requests; r != NULL; r = r->next)
        if (r->state == REQUEST_WAITING && !serve_answered(r)) /* else it was resumed already */
            MHD_resume_connection(r->conn);
    loop_poll_free(h->poll);
    loop_timer_free(h->timer);
    loop_hook_free(h->hook);
    if (h->daemon != NULL)
        MHD_stop_daemon(h->daemon); /* ends each request by on_completed() */
    free(h);
}

/* Who is connected by now, though not accepted yet, must not be cut: the queue of those is let run dry first. */
void serve_http_drain(struct serve_http *h)
{
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(h->daemon, MHD_DAEMON_INFO_LISTEN_FD);
    if (h->draining)
        return;
    h->draining = true;
    if (info != NULL)
        (void)listen(info->listen_fd, 0);
    for (int i = 0; i < RUNS_A_TURN; i++)
        MHD_run(h->daemon);
    MHD_socket fd = MHD_quiesce_daemon(h->daemon);
    if (fd != MHD_INVALID_SOCKET)
        close(fd);
    h->due = true;
    loop_wake(h->o.loop);
}

int serve_http_port(const struct serve_http *h)
{
    return h->port;
}

size_t serve_http_requests(const struct serve_http *h)
{
    return h->request_count;
}

size_t serve_http_lively(const struct serve_http *h)
{
    int64_t since = loop_now_ns(h->o.loop) - SILENCE_NS;
    size_t n = 0;
    for (const struct serve_request *r = h->requests; r != NULL; r = r->next)
        n += (r->state != REQUEST_READING && r->state != REQUEST_DISCARDING) || r->heard_ns > since;
    return n;
}

size_t serve_http_connections(const struct serve_http *h)
{
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(h->daemon, MHD_DAEMON_INFO_CURRENT_CONNECTIONS);
    return info != NULL ? info->num_connections : 0;
}

size_t serve_http_buffered(const struct serve_http *h)
{
    return h->buffered;
}

const char *serve_http_version(void)
{
    return MHD_get_version();
}

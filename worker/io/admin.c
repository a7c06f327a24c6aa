/* admin.c - see admin.h. The only file that includes libmicrohttpd. */
#include "io/admin.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"

#define CONNECTIONS_MAX 32
#define IDLE_S 15
#define METRICS_MAX (16u << 20)
#define WHY_MAX (64u << 10)

struct admin {
    struct admin_handlers h;
    struct MHD_Daemon *daemon;
    int port;
};

struct answer {
    unsigned status;
    const char *content_type;
    struct buf body;
};

static const char text_plain[] = "text/plain; charset=utf-8";

/* ---- what stands at which path ---- */

typedef void page_fn(struct admin *a, struct answer *ans);

static void page_metrics(struct admin *a, struct answer *ans)
{
    ans->content_type = "text/plain; version=0.0.4; charset=utf-8";
    ans->body.max = METRICS_MAX;
    a->h.metrics(a->h.arg, &ans->body);
}

static void page_healthz(struct admin *a, struct answer *ans)
{
    (void)a;
    buf_adds(&ans->body, "ok\n");
}

static void page_readyz(struct admin *a, struct answer *ans)
{
    struct buf why;
    buf_init(&why, WHY_MAX);
    if (a->h.ready(a->h.arg, &why)) {
        buf_adds(&ans->body, "ready\n");
    } else {
        ans->status = MHD_HTTP_SERVICE_UNAVAILABLE;
        buf_adds(&ans->body, "not ready\n");
        buf_add(&ans->body, why.data, why.len);
        if (why.len > 0 && why.data[why.len - 1] != '\n')
            buf_addc(&ans->body, '\n');
    }
    buf_fini(&why);
}

static const struct page {
    const char *path;
    page_fn *fn;
} pages[] = {
    {"/metrics", page_metrics},
    {"/healthz", page_healthz},
    {"/readyz", page_readyz},
};

static const struct page *page_at(const char *path)
{
    for (size_t i = 0; i < ARRAY_LEN(pages); i++)
        if (strcmp(path, pages[i].path) == 0)
            return &pages[i];
    return NULL;
}

static void page_missing(struct answer *ans)
{
    ans->status = MHD_HTTP_NOT_FOUND;
    buf_adds(&ans->body, "not here; there are:\n");
    for (size_t i = 0; i < ARRAY_LEN(pages); i++)
        buf_addf(&ans->body, "%s\n", pages[i].path);
}

static bool is_read(const char *method)
{
    return strcmp(method, MHD_HTTP_METHOD_GET) == 0 || strcmp(method, MHD_HTTP_METHOD_HEAD) == 0;
}

static void make_answer(struct admin *a, const char *path, const char *method, struct answer *ans)
{
    const struct page *p = page_at(path);
    if (p == NULL) {
        page_missing(ans);
    } else if (!is_read(method)) {
        ans->status = MHD_HTTP_METHOD_NOT_ALLOWED;
        buf_adds(&ans->body, "GET or HEAD only\n");
    } else {
        p->fn(a, ans);
    }
    if (!buf_ok(&ans->body)) { /* half a page of metrics would be a lie */
        buf_reset(&ans->body);
        ans->status = MHD_HTTP_INTERNAL_SERVER_ERROR;
        ans->content_type = text_plain;
        buf_adds(&ans->body, "out of memory\n");
    }
}

/* ---- libmicrohttpd ---- */

static enum MHD_Result send_answer(struct MHD_Connection *conn, struct answer *ans)
{
    size_t len = 0;
    char *body = buf_steal(&ans->body, &len);
    if (body == NULL)
        return MHD_NO;
    struct MHD_Response *r = MHD_create_response_from_buffer(len, body, MHD_RESPMEM_MUST_FREE);
    if (r == NULL) {
        free(body);
        return MHD_NO;
    }
    MHD_add_response_header(r, MHD_HTTP_HEADER_CONTENT_TYPE, ans->content_type);
    MHD_add_response_header(r, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
    if (ans->status == MHD_HTTP_METHOD_NOT_ALLOWED)
        MHD_add_response_header(r, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
    enum MHD_Result res = MHD_queue_response(conn, ans->status, r); /* for HEAD it leaves the body out by itself */
    MHD_destroy_response(r);
    return res;
}

/* libmicrohttpd's calls: the first with the headers, more while a body comes, the last without data. */
static enum MHD_Result on_request(void *arg, struct MHD_Connection *conn, const char *path, const char *method,
                                  const char *version, const char *data, size_t *data_len, void **seen)
{
    (void)version;
    (void)data;
    if (*seen == NULL) {
        *seen = arg; /* any non-NULL: the headers were seen */
        return MHD_YES;
    }
    if (*data_len > 0) { /* a body is read and thrown away, so that the peer gets to read our answer */
        *data_len = 0;
        return MHD_YES;
    }
    struct answer ans = {.status = MHD_HTTP_OK, .content_type = text_plain};
    buf_init(&ans.body, WHY_MAX * 2);
    make_answer(arg, path, method, &ans);
    enum MHD_Result res = send_answer(conn, &ans);
    buf_fini(&ans.body);
    return res;
}

union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

static int parse_address(const char *host, int port, union address *ret, struct err *reterr)
{
    memset(ret, 0, sizeof *ret);
    if (inet_pton(AF_INET, host, &ret->v4.sin_addr) == 1) {
        ret->v4.sin_family = AF_INET;
        ret->v4.sin_port = htons((uint16_t)port);
        return 0;
    }
    if (inet_pton(AF_INET6, host, &ret->v6.sin6_addr) == 1) {
        ret->v6.sin6_family = AF_INET6;
        ret->v6.sin6_port = htons((uint16_t)port);
        return 0;
    }
    return err_set(reterr, ERR_INVAL, "admin address: '%s' is no IPv4 or IPv6 address", host);
}

static struct MHD_Daemon *listen_at(struct admin *a, const union address *at)
{
    unsigned flags = MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_AUTO;
    if (at->any.sa_family == AF_INET6)
        flags |= MHD_USE_IPv6;
    /* Signals are the main thread's: the new thread inherits this mask. */
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    errno = 0;
    struct MHD_Daemon *d =
        MHD_start_daemon(flags, 0, NULL, NULL, on_request, a, MHD_OPTION_SOCK_ADDR, &at->any,
                         MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS_MAX, MHD_OPTION_CONNECTION_TIMEOUT,
                         (unsigned)IDLE_S, MHD_OPTION_END);
    int saved = errno;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    errno = saved;
    return d;
}

struct admin *admin_start(const char *host, int port, const struct admin_handlers *h, struct err *reterr)
{
    union address at;
    if (parse_address(host, port, &at, reterr) < 0)
        return NULL;
    struct admin *a = calloc(1, sizeof *a);
    if (a == NULL) {
        err_nomem(reterr);
        return NULL;
    }
    a->h = *h;
    a->daemon = listen_at(a, &at);
    const union MHD_DaemonInfo *info = a->daemon ? MHD_get_daemon_info(a->daemon, MHD_DAEMON_INFO_BIND_PORT) : NULL;
    if (info == NULL) {
        err_set(reterr, ERR_IO, "admin server cannot listen on %s port %d: %s", host, port,
                errno ? strerror(errno) : "refused");
        admin_stop(a);
        return NULL;
    }
    a->port = info->port;
    return a;
}

int admin_port(const struct admin *a)
{
    return a->port;
}

void admin_stop(struct admin *a)
{
    if (a == NULL)
        return;
    if (a->daemon)
        MHD_stop_daemon(a->daemon);
    free(a);
}

const char *admin_version(void)
{
    return MHD_get_version();
}

/* serve_route.c - which path leads where, who may go there and how fast; and the pages of the machine. */
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "base/clock.h"
#include "serve.h"

#define PAGE_TYPE "text/plain; charset=utf-8"
#define WHY_MAX ((size_t)64 * 1024)

/* A request on its way. */
struct visit {
    const struct route *route; /* NULL: there is none at this path */
    struct serve_key *key;
    void *work;
};

struct route {
    const char *path, *methods; /* " GET HEAD " */
    enum serve_route_kind kind;
    /* The head is there: what is checked before the body; false: refused. NULL: nothing. */
    bool (*head)(struct gateway *g, struct serve_request *r);
    void (*whole)(struct gateway *g, struct serve_request *r);
};

static struct visit *visit_of(const struct serve_request *r)
{
    return serve_request_user(r);
}

struct serve_key *serve_route_key(const struct serve_request *r)
{
    return visit_of(r)->key;
}

void *serve_route_work(const struct serve_request *r)
{
    return visit_of(r)->work;
}

void serve_route_set_work(struct serve_request *r, void *work)
{
    visit_of(r)->work = work;
}

size_t gateway_provider_index(const struct gateway *g, const struct settings_provider *p)
{
    return (size_t)(p - g->settings->providers);
}

/* ---- refusals ---- */

/* Strangers, and a key's pace, could fill a disk; what a caller that is known does wrong is worth a line. */
static enum log_level level_of(const struct visit *v, unsigned status)
{
    if (v->key == NULL || status == 429)
        return LOG_LEVEL_DEBUG;
    return status >= 500 ? LOG_LEVEL_WARN : LOG_LEVEL_INFO;
}

static void log_refusal(struct gateway *g, const struct serve_request *r, unsigned status, const char *detail,
                        const struct serve_faults *faults)
{
    const struct visit *v = visit_of(r);
    if (!log_begin(g->log, level_of(v, status), "request_refused"))
        return;
    log_int(g->log, "status", status);
    log_str(g->log, "path", v->route != NULL ? v->route->path : NULL);
    log_str(g->log, "key", v->key != NULL ? v->key->of->name : NULL);
    log_str(g->log, "detail", detail);
    if (faults != NULL && faults->seen > 0) {
        log_str(g->log, "pointer", faults->list[0].pointer);
        log_str(g->log, "fault", faults->list[0].reason);
        log_int(g->log, "faults", (int64_t)faults->seen);
    }
    log_end(g->log);
}

void serve_refuse(struct gateway *g, struct serve_request *r, unsigned status, const char *detail,
                  const struct serve_faults *faults)
{
    serve_problem_add(serve_answer(r, status, SERVE_PROBLEM_TYPE), status, detail, faults);
    log_refusal(g, r, status, detail, faults);
    serve_answer_done(r);
}

void serve_refuse_for_now(struct gateway *g, struct serve_request *r, unsigned status, const char *detail, int64_t wait_ms)
{
    char seconds[24];
    serve_problem_add(serve_answer(r, status, SERVE_PROBLEM_TYPE), status, detail, NULL);
    snprintf(seconds, sizeof(seconds), "%lld", (long long)(wait_ms > 1000 ? (wait_ms + 999) / 1000 : 1));
    serve_answer_header(r, "Retry-After", seconds);
    log_refusal(g, r, status, detail, NULL);
    serve_answer_done(r);
}

/* ---- who ---- */

static bool refuse_stranger(struct gateway *g, struct serve_request *r)
{
    serve_problem_add(serve_answer(r, 401, SERVE_PROBLEM_TYPE), 401,
                      "wanted Authorization: Bearer with a key of this gateway", NULL);
    serve_answer_header(r, "WWW-Authenticate", "Bearer realm=\"tvbridge\"");
    log_refusal(g, r, 401, "no such key", NULL);
    return false;
}

/* A key that may do this, and has not come too often. */
static bool admits(struct gateway *g, struct serve_request *r, bool to_publish)
{
    struct visit *v = visit_of(r);
    v->key = serve_keys_find(g->keys, serve_request_header(r, "Authorization"));
    if (v->key == NULL)
        return refuse_stranger(g, r);
    if (!(to_publish ? v->key->of->may_publish : v->key->of->may_ask)) {
        serve_refuse(g, r, 403, to_publish ? "this key may not publish" : "this key may not ask for entitlements", NULL);
        return false;
    }
    int64_t wait_ms = serve_key_wait_ms(v->key, loop_now_ms(g->loop));
    if (wait_ms == 0)
        return true;
    serve_refuse_for_now(g, r, 429, "this key comes more often than it may", wait_ms);
    return false;
}

static bool events_head(struct gateway *g, struct serve_request *r)
{
    return admits(g, r, true) && serve_events_head(g, r);
}

#define QUESTION_BYTES ((size_t)16 * 1024)

static bool ask_head(struct gateway *g, struct serve_request *r)
{
    if (!admits(g, r, false))
        return false;
    serve_request_limit(r, QUESTION_BYTES);
    return !serve_answered(r);
}

/* ---- pages ---- */

static void page_healthz(struct gateway *g, struct serve_request *r)
{
    (void)g;
    buf_adds(serve_answer(r, 200, PAGE_TYPE), "ok\n");
}

static void page_readyz(struct gateway *g, struct serve_request *r)
{
    struct buf why;
    buf_init(&why, WHY_MAX);
    if (g->draining)
        buf_adds(&why, "stopping\n");
    bool ready = serve_topics_ready(g->topics, &why);
    ready = serve_asks_ready(g->asks, &why) && ready && !g->draining;
    struct buf *out = serve_answer(r, ready ? 200 : 503, PAGE_TYPE);
    buf_adds(out, ready ? "ready\n" : "not ready\n");
    buf_add(out, why.data, why.len);
    buf_fini(&why);
}

static void page_metrics(struct gateway *g, struct serve_request *r)
{
    serve_stats_gauge(g->stats, SERVE_GAUGE_CONNECTIONS, (int64_t)serve_http_connections(g->http));
    serve_stats_gauge(g->stats, SERVE_GAUGE_REQUESTS, (int64_t)serve_http_requests(g->http));
    serve_stats_gauge(g->stats, SERVE_GAUGE_BUFFERED, (int64_t)serve_http_buffered(g->http));
    serve_stats_gauge(g->stats, SERVE_GAUGE_UNACKED, (int64_t)producer_pending(g->producer));
    serve_asks_measure(g->asks);
    serve_stats_render(g->stats, serve_answer(r, 200, "text/plain; version=0.0.4; charset=utf-8"));
}

/* ---- where ---- */

static const struct route routes[] = {
    {"/v1/events", " POST ", SERVE_ROUTE_EVENTS, events_head, serve_events_whole},
    {"/v1/entitlement", " POST GET ", SERVE_ROUTE_ENTITLEMENT, ask_head, serve_asks_whole},
    {"/healthz", " GET HEAD ", SERVE_ROUTE_PAGES, NULL, page_healthz},
    {"/readyz", " GET HEAD ", SERVE_ROUTE_PAGES, NULL, page_readyz},
    {"/metrics", " GET HEAD ", SERVE_ROUTE_PAGES, NULL, page_metrics},
};

static const struct route *route_at(const char *path)
{
    for (size_t i = 0; i < ARRAY_LEN(routes); i++)
        if (strcmp(path, routes[i].path) == 0)
            return &routes[i];
    return NULL;
}

static bool allows(const struct route *route, const char *method)
{
    char word[24];
    int n = snprintf(word, sizeof(word), " %s ", method);
    return n > 0 && (size_t)n < sizeof(word) && strstr(route->methods, word) != NULL;
}

static void refuse_method(struct gateway *g, struct serve_request *r, const struct route *route)
{
    char allow[24] = "";
    for (const char *c = route->methods + 1; c[0] != '\0' && c[1] != '\0'; c++) /* "POST GET " as "POST, GET" */
        snprintf(allow + strlen(allow), sizeof(allow) - strlen(allow), *c == ' ' ? ", " : "%c", *c);
    serve_problem_add(serve_answer(r, 405, SERVE_PROBLEM_TYPE), 405, "this path takes other methods", NULL);
    serve_answer_header(r, "Allow", allow);
    log_refusal(g, r, 405, "another method", NULL);
}

static void on_head(void *arg, struct serve_request *r)
{
    struct gateway *g = arg;
    struct visit *v = calloc(1, sizeof(*v));
    if (v == NULL) { /* without it nothing can be said */
        buf_adds(serve_answer(r, 503, PAGE_TYPE), "out of memory\n");
        return;
    }
    serve_request_set_user(r, v);
    v->route = route_at(serve_request_path(r));
    if (v->route == NULL)
        serve_refuse(g, r, 404, "there are /v1/events, /v1/entitlement, /healthz, /readyz, /metrics", NULL);
    else if (!allows(v->route, serve_request_method(r)))
        refuse_method(g, r, v->route);
    else if (v->route->head != NULL)
        (void)v->route->head(g, r);
}

static void on_whole(void *arg, struct serve_request *r)
{
    visit_of(r)->route->whole(arg, r);
}

static void on_too_large(void *arg, struct serve_request *r, bool all)
{
    if (all)
        serve_refuse_for_now(arg, r, 503, "too much is under way", 1000);
    else
        serve_refuse(arg, r, 413, "the body is larger than it may be", NULL);
}

static void on_gone(void *arg, struct serve_request *r, unsigned status)
{
    struct gateway *g = arg;
    struct visit *v = visit_of(r);
    enum serve_route_kind kind = v != NULL && v->route != NULL ? v->route->kind : SERVE_ROUTE_NONE;
    serve_stats_request(g->stats, kind, status, clock_mono_ns() - serve_request_began_ns(r));
    free(v);
}

struct serve_http_handlers serve_route_handlers(struct gateway *g)
{
    return (struct serve_http_handlers){
        .arg = g, .head = on_head, .whole = on_whole, .too_large = on_too_large, .gone = on_gone};
}

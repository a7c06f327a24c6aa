/* sim_http.c - io/http.h over the simulated platform: a call's way there and back, and every way to lose it. The request
 * is asked for (http_may_send_fn) in the loop, right before it leaves; from then on it is in the world. */
#include <string.h>

#include "base/crash_point.h"
#include "io/http.h"
#include "oracle.h"
#include "platform.h"

struct http {
    struct proc *p;
    struct loop *loop;
    struct http_options o;
    unsigned in_flight;
    bool freed;
};

struct http_call {
    struct http *http;
    const struct call_request *req;
    http_may_send_fn *may_send;
    http_done_fn *done;
    void *arg;
    int64_t started_ns, bytes;
    bool over;
    struct request r;
    struct call_reply reply; /* on its way back */
};

/* What becomes of a request. */
enum fate { FATE_WELL, FATE_CUT, FATE_5XX, FATE_429, FATE_HANG, FATE_GARBAGE, FATE_LATE };

/* ---- the end of a call ---- */

static void end(struct http_call *c, struct call_reply *reply)
{
    struct http *h = c->http;
    if (c->over || h->freed || !h->p->alive)
        return;
    c->over = true;
    h->in_flight--;
    if (c->bytes > 0)
        h->p->in_flight--;
    c->r.given_up = true;
    reply->request_bytes = c->bytes;
    reply->took_ns = loop_now_ns(h->loop) - c->started_ns;
    if (!reply->body)
        reply->body = "";
    reply->body_len = strlen(reply->body);
    reply->content_type = reply->body[0] ? "application/json" : "";
    sim_note(h->p->sim, h->p, "answer", op_entry(c->r.op)->name, c->r.event, reply->result == CALL_OK ? reply->status : -(int64_t)reply->result);
    oracle_answered(h->p->sim, &c->r, reply);
    if (oracle_is_poison(h->p->sim, c->r.event) && c->r.op != OP_PING && c->bytes > 0) {
        proc_poison(h->p);
        return;
    }
    oracle_call_ended(h->p->sim, &c->r, reply);
    c->done(c->arg, reply);
}

static void end_as(struct http_call *c, enum call_result result, const char *why)
{
    struct call_reply reply = {.result = result, .retry_after_ms = -1};
    snprintf(reply.error, sizeof(reply.error), "%s", why);
    end(c, &reply);
}

static void on_reply(void *arg)
{
    struct http_call *c = arg;
    end(c, &c->reply);
}

static void on_timeout(void *arg)
{
    end_as(arg, CALL_TIMED_OUT, "timed out");
}

static void on_connect_failed(void *arg)
{
    end_as(arg, CALL_NO_CONNECTION, "connection refused");
}

/* ---- at the platform ---- */

static void answer_with(struct sim *s, struct http_call *c, enum call_result result, int status, const char *body)
{
    c->reply.result = result;
    c->reply.status = status;
    c->reply.body = body;
    if (c->reply.retry_after_ms == 0)
        c->reply.retry_after_ms = -1;
    proc_post_after(c->http->p, sim_latency(s), on_reply, c);
}

static void answer_5xx(struct sim *s, struct http_call *c)
{
    static const int statuses[] = {500, 502, 503, 504, 408};
    if (sim_chance(s, 500))
        platform_do(s->platform, &c->r);
    answer_with(s, c, CALL_OK, statuses[sim_range(s, 0, 4)], "oops, " PERSONAL "name");
}

static void answer_429(struct sim *s, struct http_call *c)
{
    c->reply.retry_after_ms = sim_range(s, 1, 20) * 1000;
    answer_with(s, c, CALL_OK, sim_chance(s, 500) ? 429 : 503, "{\"ok\":false,\"busy\":true}");
}

static void on_late(struct sim *s, void *arg)
{
    struct http_call *c = arg;
    platform_do(s->platform, &c->r);
    answer_with(s, c, CALL_OK, 200, platform_answer(s->platform, &c->r));
}

static bool may_be_late(const struct sim *s, const struct http_call *c)
{
    enum call_repeat repeat = op_entry(c->r.op)->repeat;
    if (repeat == CALL_READ)
        return false;
    if (repeat == CALL_SAFE)
        return s->cfg.on[FAULT_HTTP_LATE_SAFE];
    return c->r.op != OP_LIMIT || s->cfg.on[FAULT_HTTP_LATE_DEAD];
}

static enum fate choose(struct sim *s, const struct http_call *c)
{
    static const struct {
        enum trouble trouble;
        enum fate fate;
    } rows[] = {
        {FAULT_HTTP_CUT, FATE_CUT},         {FAULT_HTTP_5XX, FATE_5XX},         {FAULT_HTTP_429, FATE_429},
        {FAULT_HTTP_HANG, FATE_HANG},       {FAULT_HTTP_GARBAGE, FATE_GARBAGE}, {FAULT_HTTP_LATE, FATE_LATE},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (sim_fault(s, rows[i].trouble, s->cfg.http_bad) && (rows[i].fate != FATE_LATE || may_be_late(s, c)))
            return rows[i].fate;
    return FATE_WELL;
}

/* From when it left: a request's whole time and what the platform may take (section 9). */
static int64_t lateness(struct sim *s)
{
    const struct settings_numbers *n = &s->env->provider->numbers;
    return sim_range(s, 0, n->request_ms + n->provider_max_ms) * SIM_MS;
}

static void on_request(struct sim *s, void *arg)
{
    struct http_call *c = arg;
    bool half = sim_chance(s, 500);
    if (platform_is_away(s->platform)) {
        if (half)
            answer_with(s, c, CALL_CUT, 0, "");
        return;
    }
    if (op_entry(c->r.op)->repeat != CALL_READ && oracle_is_refused(s, c->r.event)) {
        answer_with(s, c, CALL_OK, 422, "{\"ok\":false,\"login\":\"" PERSONAL "login\"}");
        return;
    }
    if (op_entry(c->r.op)->repeat != CALL_READ && oracle_is_put_off(s, c->r.event)) {
        answer_429(s, c);
        return;
    }
    switch (choose(s, c)) {
    case FATE_WELL:
        platform_do(s->platform, &c->r);
        answer_with(s, c, CALL_OK, 200, platform_answer(s->platform, &c->r));
        return;
    case FATE_CUT:
        if (half)
            platform_do(s->platform, &c->r);
        answer_with(s, c, CALL_CUT, 0, "");
        return;
    case FATE_5XX:
        answer_5xx(s, c);
        return;
    case FATE_429:
        answer_429(s, c);
        return;
    case FATE_HANG:
        if (half)
            platform_do(s->platform, &c->r);
        return;
    case FATE_GARBAGE:
        if (half)
            platform_do(s->platform, &c->r);
        answer_with(s, c, CALL_OK, 200, "<html>It works, " PERSONAL "name!</html>");
        return;
    case FATE_LATE:
        sim_after(s, lateness(s), on_late, c);
        return;
    }
}

/* ---- leaving ---- */

static void on_connected(void *arg)
{
    struct http_call *c = arg;
    struct http *h = c->http;
    struct sim *s = h->p->sim;
    if (c->over || h->freed)
        return;
    bool may = !c->may_send || c->may_send(c->arg);
    if (!h->p->alive)
        return; /* it crashed while it was asked */
    if (!may) {
        struct call_reply reply = {.result = CALL_ABORTED, .not_allowed = true, .retry_after_ms = -1};
        end(c, &reply);
        return;
    }
    const struct request begun = c->r;
    if (!platform_read(s->platform, c->req, &c->r))
        return;
    c->r.p = h->p;
    c->r.left_at = s->now;
    c->r.period = begun.period;
    c->r.asks = begun.asks;
    c->bytes = 200;
    h->p->in_flight++;
    sim_note(s, h->p, "request", op_entry(c->r.op)->name, c->r.event, c->r.value);
    oracle_left(s, &c->r);
    sim_after(s, sim_latency(s), on_request, c);
    crash_point("left");
}

struct http_call *http_call(struct http *h, const struct call_request *req, http_may_send_fn *may_send,
                            http_done_fn *done, void *arg)
{
    struct sim *s = h->p->sim;
    if (h->in_flight >= h->o.max_in_flight)
        return NULL;
    struct http_call *c = sim_alloc(s, sizeof(*c));
    *c = (struct http_call){.http = h, .req = req, .may_send = may_send, .done = done, .arg = arg,
                            .started_ns = loop_now_ns(h->loop)};
    h->in_flight++;
    if (!platform_read(s->platform, req, &c->r))
        return c;
    c->r.p = h->p;
    oracle_call_begins(s, &c->r);
    bool refused = platform_is_away(s->platform) ? sim_chance(s, 500) : sim_fault(s, FAULT_HTTP_REFUSED, s->cfg.http_bad);
    proc_post_after(h->p, sim_latency(s), refused ? on_connect_failed : on_connected, c);
    proc_post_after(h->p, h->o.request_ms * SIM_MS, on_timeout, c);
    return c;
}

static void on_aborted(void *arg)
{
    end_as(arg, CALL_ABORTED, "aborted");
}

void http_abort(struct http_call *c)
{
    loop_defer(c->http->loop, on_aborted, c);
}

/* ---- life ---- */

struct http *http_new(struct loop *l, const struct http_options *o, struct err *reterr)
{
    (void)reterr;
    struct proc *p = sim_current_proc();
    struct http *h = sim_alloc(p->sim, sizeof(*h));
    *h = (struct http){.p = p, .loop = l, .o = *o};
    return h;
}

void http_free(struct http *h)
{
    if (h)
        h->freed = true;
}

void http_set_max(struct http *h, unsigned max_in_flight)
{
    h->o.max_in_flight = max_in_flight;
}

unsigned http_in_flight(const struct http *h)
{
    return h->in_flight;
}

unsigned http_connections(const struct http *h)
{
    return h->in_flight;
}

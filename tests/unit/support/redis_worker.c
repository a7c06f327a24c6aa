#include "redis_worker.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include <stdio.h>
#include <string.h>

static void on_event(void *arg, enum redis_event ev, const char *why)
{
    struct worker *w = arg;
    snprintf(w->why, sizeof(w->why), "%s", why);
    switch (ev) {
    case REDIS_UP:
        w->ups++;
        break;
    case REDIS_DOWN:
        w->downs++;
        break;
    case REDIS_FORGOT:
        w->forgots++;
        return;
    case REDIS_WARNING:
        snprintf(w->warning[w->warnings++ % 2], sizeof(w->warning[0]), "%s", why);
        return;
    }
    if (w->expected == 0)
        loop_stop(w->loop);
}

void answered(struct worker *w)
{
    if (w->expected > 0 && --w->expected == 0)
        loop_stop(w->loop);
}

void on_claim(void *arg, const struct claim_reply *r)
{
    struct worker *w = arg;
    w->claims++;
    w->a = (struct answer){.state = r->state, .wait_ms = r->wait_ms, .sent_ms = r->sent_ms, .crashes = r->crashes};
    snprintf(w->a.fence, sizeof(w->a.fence), "%s", r->fence);
    snprintf(w->a.record, sizeof(w->a.record), "%s", r->record);
    snprintf(w->a.outcome, sizeof(w->a.outcome), "%s", r->outcome);
    snprintf(w->a.steps, sizeof(w->a.steps), "%s", r->steps);
    snprintf(w->a.first, sizeof(w->a.first), "%s", r->first);
    snprintf(w->a.error, sizeof(w->a.error), "%s", r->error);
    answered(w);
}

void on_done(void *arg, enum redis_result res)
{
    struct worker *w = arg;
    w->dones++;
    w->result = res;
    answered(w);
}

void worker_new(struct worker *w, struct redis_options o)
{
    struct err err = {0};
    *w = (struct worker){.loop = loop_new(&err)};
    o.prefix = "t:";
    o.provider = "p";
    o.id_memory_ms = 600000;
    if (!o.timeout_ms)
        o.timeout_ms = 20000; /* a busy machine must not look like a lost Redis */
    if (!o.lease_ms)
        o.lease_ms = 20000;
    w->redis = redis_new(w->loop, &o, on_event, w, &err);
    cr_assert(ne(ptr, w->redis, NULL), "%s", err.msg);
}

void worker_start(struct worker *w, struct redis_server *s, const char *owner)
{
    worker_new(w, (struct redis_options){.unix_path = redis_server_unix_path(s), .owner = owner});
    loop_run(w->loop);
    cr_assert(eq(uint, w->ups, 1u), "%s", w->why);
}

void worker_end(struct worker *w)
{
    redis_free(w->redis);
    loop_free(w->loop);
}

void run_for(struct worker *w, unsigned answers)
{
    w->expected = answers;
    loop_run(w->loop);
}

void run_to_up(struct worker *w, unsigned ups)
{
    while (w->ups < ups)
        run_for(w, 0);
}

void run_to_down(struct worker *w, unsigned downs)
{
    while (w->downs < downs)
        run_for(w, 0);
}

/* ---- events ---- */

static const char block[1][72] = {"block"};

struct claim_request event(const char *key, const char *order)
{
    return (struct claim_request){.service = "s1",
                                  .event_key = key,
                                  .event_id = key,
                                  .fingerprint = "f",
                                  .order = order,
                                  .order_by = ORDER_BY_SEQUENCE,
                                  .axes = block,
                                  .axis_count = 1};
}

enum claim_state claim(struct worker *w, const struct claim_request *c)
{
    cr_assert(zero(int, redis_claim(w->redis, c, on_claim, w)));
    run_for(w, 1);
    return w->a.state;
}

struct decide_request decision(const struct claim_request *c, const char *fence)
{
    static const char facts[] = "{\"kind\":\"applied\"}", record[] = "{\"block\":\"blocked\"}";
    return (struct decide_request){.service = c->service,
                                   .event_key = c->event_key,
                                   .event_id = c->event_id,
                                   .fence = fence,
                                   .outcome = facts,
                                   .outcome_len = strlen(facts),
                                   .record = record,
                                   .record_len = strlen(record),
                                   .order = c->order,
                                   .order_by = c->order_by,
                                   .axes = c->axes,
                                   .axis_count = c->axis_count};
}

enum redis_result decide(struct worker *w, const struct claim_request *c, const char *fence)
{
    struct decide_request d = decision(c, fence);
    cr_assert(zero(int, redis_decide(w->redis, &d, on_done, w)));
    run_for(w, 1);
    return w->result;
}

enum redis_result release(struct worker *w, const struct claim_request *c, const char *fence)
{
    cr_assert(zero(int, redis_release(w->redis, c->service, c->event_key, fence, on_done, w)));
    run_for(w, 1);
    return w->result;
}

enum redis_result step(struct worker *w, const struct claim_request *c, const char *fence, const char *steps)
{
    cr_assert(zero(int, redis_step(w->redis, c->service, c->event_key, fence, steps, strlen(steps), on_done, w)));
    run_for(w, 1);
    return w->result;
}

enum redis_result renew(struct worker *w, const struct claim_request *c, const char *fence)
{
    cr_assert(zero(int, redis_renew(w->redis, c->service, c->event_key, fence, on_done, w)));
    run_for(w, 1);
    return w->result;
}

void expire(struct redis_server *s)
{
    redis_server_ask(s, "HSET " LANE " until 1");
}

/* pace.c - how hard the provider is called: breaker, budget of retries, adaptive limit, whose turn it is.
 * RELIABILITY.md section 8; the decisions are those of core/. */
#include <limits.h>

#include "core/call.h"
#include "engine/state.h"

/* ---- what is let through now ---- */

static unsigned bearable(const struct worker *w)
{
    return w->plan->limits.adaptive ? adapt_limit(&w->pace.adapt, w->limit.max_in_flight) : UINT_MAX;
}

static void apply(struct worker *w)
{
    unsigned room = breaker_room(&w->pace.breaker), slots = bearable(w);
    limit_cap(&w->limit, room < slots ? room : slots, w->pace.breaker.state != BREAKER_CLOSED);
}

bool pace_is_open(const struct worker *w)
{
    return w->pace.breaker.state == BREAKER_OPEN || w->pace.breaker.state == BREAKER_ASKING;
}

bool pace_is_down(const struct worker *w)
{
    return w->pace.breaker.state != BREAKER_CLOSED;
}

int64_t pace_up_ms(const struct worker *w)
{
    const struct pace *p = &w->pace;
    int64_t now = loop_now_ms(w->loop);
    return now - p->down_ms - (pace_is_down(w) ? now - p->down_since_ms : 0);
}

/* ---- the breaker ---- */

static void log_breaker(struct worker *w, enum log_level level, const char *event, const char *why)
{
    const struct breaker *b = &w->pace.breaker;
    if (!log_begin(w->log, level, event))
        return;
    log_str(w->log, "error", why);
    if (b->state == BREAKER_OPEN) {
        log_int(w->log, "open_ms", b->open_ms);
        log_str(w->log, "next", "nothing is called, then the platform is asked; no event pays for it");
    }
    log_end(w->log);
}

/* Others read it for /readyz and the metrics. */
static void tell(struct worker *w)
{
    atomic_store_explicit(&w->is_breaker_open, pace_is_open(w), memory_order_relaxed);
    telemetry_gauge(w->tel, GAUGE_BREAKER, pace_is_down(w));
    apply(w);
    loop_wake(w->loop);
}

static void opened(struct worker *w, enum breaker_state before, const char *why)
{
    if (before == BREAKER_CLOSED)
        w->pace.down_since_ms = loop_now_ms(w->loop);
    telemetry_count(w->tel, COUNTER_BREAKER_OPENED, 1);
    log_breaker(w, LOG_LEVEL_WARN, "breaker_opened", why);
    tell(w);
}

static void closed(struct worker *w)
{
    w->pace.outages++;
    w->pace.down_ms += loop_now_ms(w->loop) - w->pace.down_since_ms;
    log_breaker(w, LOG_LEVEL_INFO, "breaker_closed", NULL);
    tell(w);
}

static void probing(struct worker *w)
{
    breaker_probe(&w->pace.breaker);
    log_breaker(w, LOG_LEVEL_INFO, "breaker_probing", NULL);
    tell(w);
}

static void refused(struct worker *w, const char *why)
{
    breaker_refuse(&w->pace.breaker, &w->plan->breaker, loop_now_ms(w->loop));
    opened(w, BREAKER_ASKING, why);
}

static void on_probe(struct worker *w, void *arg, const struct run_result *result, const char *why)
{
    (void)arg;
    w->pace.probe = NULL;
    if (result != NULL)
        probing(w);
    else
        refused(w, why);
}

/* `probe` is a read, and no customer's: it is risked first. Where it would need a login before, an event's call shows. */
static void ask(struct worker *w)
{
    struct plan *plan = w->plan;
    struct run_inputs in = {.token = token_valid(w) ? w->token : NULL};
    if (plan->probe == NULL || (plan->authenticate != NULL && in.token == NULL)) {
        probing(w);
        return;
    }
    breaker_ask(&w->pace.breaker);
    w->pace.probe = errand_start(w, plan, plan->probe, &in, on_probe, NULL);
    if (w->pace.probe == NULL)
        refused(w, "out of memory");
}

void pace_tick(struct worker *w)
{
    if (w->drain == DRAIN_NONE && breaker_is_due(&w->pace.breaker, loop_now_ms(w->loop)))
        ask(w);
    apply(w); /* the share or the plan may have changed */
}

void pace_fini(struct worker *w)
{
    errand_cancel(w->pace.probe);
    w->pace.probe = NULL;
}

/* ---- what a call tells ---- */

void pace_again(struct worker *w, struct job *j)
{
    j->again = true;
    j->outage = w->pace.outages;
}

void pace_sent(struct worker *w, struct job *j)
{
    struct work *k = j->work;
    k->ticket = breaker_ticket(&w->pace.breaker);
    if (!k->called && j->failures == 0)
        budget_first(&w->pace.budget, loop_now_ms(w->loop));
    j->again = false;
}

static void note(struct worker *w, const struct work *k, bool good, const char *why)
{
    struct breaker *b = &w->pace.breaker;
    enum breaker_state before = b->state;
    if (breaker_note(b, &w->plan->breaker, k->ticket, good, loop_now_ms(w->loop)))
        opened(w, before, why);
    else if (before != BREAKER_CLOSED && b->state == BREAKER_CLOSED)
        closed(w);
}

static void adapt(struct worker *w, const struct work *k, bool overload)
{
    struct adapt_call call = {
        .began_ns = k->call_started_ns,
        .ended_ns = loop_now_ns(w->loop),
        .saturated = w->limit.in_flight >= limit_slots(&w->limit),
        .overload = overload,
    };
    adapt_note(&w->pace.adapt, w->limit.max_in_flight, &call);
}

void pace_answered(struct worker *w, const struct job *j, const struct call_reply *reply, bool again)
{
    adapt(w, j->work, again && (reply->status == 429 || reply->status == 503));
    note(w, j->work, !again || reply->status < 500, "server_error");
    apply(w);
}

static bool is_overload(const struct call_reply *reply)
{
    return reply->status == 429 || reply->status == 503 || reply->result == CALL_TIMED_OUT;
}

void pace_failed(struct worker *w, const struct job *j, const struct call_reply *reply, enum judgement what, const char *why)
{
    if (reply->not_allowed || what == JUDGE_IMPOSSIBLE)
        return; /* nothing left us */
    bool business = what == JUDGE_AUTH || what == JUDGE_REJECT;
    bool throttled = what == JUDGE_LATER && reply->status < 500; /* it is there, and says so */
    if (business || is_overload(reply))
        adapt(w, j->work, !business);
    note(w, j->work, business || throttled, why);
    apply(w);
}

/* ---- whose turn it is ---- */

enum lane_rank pace_rank(const struct job *j)
{
    if (j->verify)
        return RANK_VERIFY;
    if (j->again)
        return j->restores ? RANK_RESTORE_AGAIN : RANK_AGAIN;
    return j->restores ? RANK_RESTORE : RANK_OTHER;
}

static double share(const struct worker *w)
{
    return w->part_count > 0 ? (double)w->assigned / w->part_count : 0;
}

static bool may_verify(const struct worker *w)
{
    return w->pace.verifying < adapt_verification_slots(limit_slots(&w->limit));
}

static void verify(struct worker *w, struct job *j)
{
    j->verifies = true;
    w->pace.verifying++;
}

/* An outage is over since it failed. That the provider was down is not the event's failure, and whoever ran into it is
 * tried again as if for the first time: from the budget alone, a long queue of these would take hours. */
static bool is_forgiven(const struct worker *w, const struct job *j)
{
    return j->outage != w->pace.outages;
}

static bool may_retry(struct worker *w, enum lane_rank rank)
{
    const struct job *j = (const struct job *)lanes_first(w->lanes, rank); /* its first member */
    if (pace_is_down(w) || is_forgiven(w, j)) /* the breaker lets few through, by its own count */
        return true;
    bool may = budget_allows(&w->pace.budget, &w->plan->retry, share(w), loop_now_ms(w->loop));
    if (!may && !w->pace.out_of_budget)
        telemetry_count(w->tel, COUNTER_OUT_OF_BUDGET, 1);
    w->pace.out_of_budget = !may;
    return may;
}

unsigned pace_ready(struct worker *w)
{
    unsigned ready = lanes_ready(w->lanes);
    if ((ready & 1U << RANK_VERIFY) != 0 && !may_verify(w))
        ready &= ~(1U << RANK_VERIFY);
    if ((ready & 1U << RANK_AGAIN) != 0 && !may_retry(w, RANK_AGAIN))
        ready &= ~(1U << RANK_AGAIN);
    if ((ready & 1U << RANK_RESTORE_AGAIN) != 0 && !may_retry(w, RANK_RESTORE_AGAIN))
        ready &= ~(1U << RANK_RESTORE_AGAIN);
    return ready;
}

struct job *pace_next(struct worker *w)
{
    int rank = turns_next(&w->pace.turns, pace_ready(w), pace_is_down(w));
    return rank >= 0 ? job_of_item(lanes_take(w->lanes, (enum lane_rank)rank)) : NULL;
}

void pace_starts(struct worker *w, struct job *j)
{
    if (j->again && !is_forgiven(w, j))
        budget_spend(&w->pace.budget, loop_now_ms(w->loop));
    if (j->verify)
        verify(w, j);
}

/* ---- reads that look what came of a doubtful call ---- */

bool pace_may_verify(struct worker *w, struct job *j)
{
    j->verify = true;
    if (j->verifies)
        return true;
    if (may_verify(w)) {
        verify(w, j);
        return true;
    }
    job_wait(w, j, 0, false); /* to its lane: pace_next() takes it when there is room */
    return false;
}

void pace_verified(struct worker *w, struct job *j)
{
    w->pace.verifying -= j->verifies;
    j->verifies = false;
}

/* ---- a provider that is down, or paused ---- */

bool pace_holds(struct worker *w, struct job *j)
{
    struct work *k = j->work;
    if (!pace_is_open(w) && !wide_is_paused(j->part))
        return false;
    if (!k->changed && !j->doubt)
        call_release(w, j);
    job_wait(w, j, 0, false); /* back to its lane, which starts when the breaker lets it */
    return true;
}

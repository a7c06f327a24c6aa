/* oracle_pace.c - 15: how hard each worker calls. Its calls are judged here once more, by their answers alone, and by the clock that
 * the worker itself has: when the provider has to count as down, what may be called then, and how many tries may be retries. */
#include <string.h>

#include "io/loop.h"
#include "io/redis_scripts.h"
#include "oracle_state.h"

enum { SECONDS = 10, SHARE_OLD_MS = 20000 };

/* As long as these are few at once, the provider is only probed. */
static const unsigned probes[] = {1, 3, 10};

enum health { HEALTH_UP, HEALTH_DOWN, HEALTH_ASKED, HEALTH_PROBED };

/* What a second saw. */
struct second {
    int64_t at;
    unsigned calls, bad; /* since it was up last */
    unsigned tries, retries;
};

/* Of an event, for the worker. */
struct tried {
    bool again;          /* it failed, and was not claimed since */
    unsigned outage;     /* it failed in that one, or after it */
};

struct seen_pace {
    struct second seconds[SECONDS];
    struct tried tried[EVENTS_MAX];
    enum health health;
    unsigned period;     /* a call of an earlier one tells nothing */
    unsigned in_a_row, outages;
    int64_t until_ms, down_ms;
    unsigned stage, good, bad, under_way;
    unsigned owned, owned_before;
    int64_t owned_since_ms;
};

static struct seen_pace *pace_of(struct proc *p)
{
    if (!p->pace)
        p->pace = sim_alloc(p->sim, sizeof(*p->pace));
    return p->pace;
}

static int64_t now_ms(const struct proc *p)
{
    return loop_now_ms(p->loop);
}

static struct second *second_of(struct seen_pace *x, int64_t now)
{
    struct second *at = &x->seconds[now / 1000 % SECONDS];
    if (at->at != now / 1000)
        *at = (struct second){.at = now / 1000};
    return at;
}

/* Of the last ten seconds. */
static struct second sum_of(const struct seen_pace *x, int64_t now)
{
    struct second all = {0};
    for (int i = 0; i < SECONDS; i++) {
        const struct second *s = &x->seconds[i];
        if (s->at <= now / 1000 - SECONDS)
            continue;
        all.calls += s->calls;
        all.bad += s->bad;
        all.tries += s->tries;
        all.retries += s->retries;
    }
    return all;
}

/* ---- the breaker ---- */

static bool is_probe(const struct request *r)
{
    return r->op == OP_PING;
}

/* Its call is no event's try: it asks what came of one. */
static bool is_question(const struct request *r)
{
    return r->op == OP_DONE;
}

static void goes_down(struct sim *s, struct seen_pace *x, bool doubled, int64_t now)
{
    const struct settings_breaker *b = &s->env->plan->breaker;
    x->down_ms = x->down_ms == 0 ? b->open_ms : doubled ? 2 * x->down_ms : x->down_ms;
    if (x->down_ms > b->open_max_ms)
        x->down_ms = b->open_max_ms;
    x->health = HEALTH_DOWN;
    x->until_ms = now + x->down_ms;
    x->period++;
    x->under_way = 0;
    sim_mark(s, MARK_BREAKER_OPENED);
}

static void is_probed(struct seen_pace *x, unsigned stage)
{
    x->health = HEALTH_PROBED;
    x->stage = stage;
    x->good = x->bad = 0;
}

static void comes_up(struct sim *s, struct seen_pace *x)
{
    x->health = HEALTH_UP;
    x->down_ms = 0;
    x->in_a_row = 0;
    x->outages++;
    for (int i = 0; i < SECONDS; i++)
        x->seconds[i].calls = x->seconds[i].bad = 0;
    sim_mark(s, MARK_BREAKER_CLOSED);
}

static void judge_up(struct sim *s, struct seen_pace *x, bool good, int64_t now)
{
    const struct settings_breaker *b = &s->env->plan->breaker;
    struct second *second = second_of(x, now);
    second->calls++;
    second->bad += !good;
    x->in_a_row = good ? 0 : x->in_a_row + 1;
    const struct second all = sum_of(x, now);
    if (good || all.calls < b->calls)
        return;
    if (all.bad * 100 >= all.calls * b->bad_percent || (x->in_a_row >= b->calls && all.bad >= b->calls))
        goes_down(s, x, false, now);
}

static void judge_probed(struct sim *s, struct seen_pace *x, bool good, int64_t now)
{
    x->good += good;
    x->bad += !good;
    if (x->bad * 100 >= probes[x->stage] * s->env->plan->breaker.bad_percent && x->bad > 0)
        goes_down(s, x, x->stage == 0 && x->good == 0, now);
    else if (x->good + x->bad >= probes[x->stage] && x->stage + 1 == ARRAY_LEN(probes))
        comes_up(s, x);
    else if (x->good + x->bad >= probes[x->stage])
        is_probed(x, x->stage + 1);
}

/* The provider's own word, whatever it was, is a good one but for 5xx. */
static bool is_good(const struct call_reply *reply)
{
    if (reply->result != CALL_OK)
        return false;
    return reply->status == 422 || reply->status == 429 || (reply->status == 200 && reply->body[0] == '{');
}

/* It is tried again for its sake: not what may not be sent twice, nor what its pack itself sends again. */
static bool is_failure(const struct request *r, const struct call_reply *reply)
{
    bool later = reply->result == CALL_OK && reply->retry_after_ms >= 0;
    if (op_entry(r->op)->repeat == CALL_NEVER && reply->request_bytes > 0 && !later)
        return false;
    return !is_good(reply) || (reply->status == 429 && r->op != OP_LABEL);
}

static void probe_ended(struct sim *s, struct seen_pace *x, const struct call_reply *reply, int64_t now)
{
    if (reply->result == CALL_OK && reply->status == 200)
        is_probed(x, 0);
    else
        goes_down(s, x, true, now);
}

/* 15: nothing but a probe is begun while the provider is down, and then a few calls. */
void oracle_call_begins(struct sim *s, struct request *r)
{
    struct seen_pace *x = pace_of(r->p);
    int64_t now = now_ms(r->p);
    oracle_count_call(r);
    r->period = x->period;
    if (is_probe(r) && x->health == HEALTH_DOWN && now >= x->until_ms) {
        x->health = HEALTH_ASKED;
        r->asks = true;
    }
    if (is_probe(r) || is_question(r))
        return;
    const char *name = op_entry(r->op)->name;
    if (x->health == HEALTH_DOWN && now >= x->until_ms)
        sim_broken(s, "15: %s of e%u is begun though the provider was down and nobody has asked it since", name, r->event);
    else if (x->health == HEALTH_DOWN)
        sim_broken(s, "15: %s of e%u is begun though the provider is down, for %lld ms more at least", name, r->event,
                   (long long)(x->until_ms - now));
    else if (x->health == HEALTH_ASKED)
        sim_broken(s, "15: %s of e%u is begun though the provider is down and `probe` was not answered yet", name, r->event);
    x->under_way++;
    if (x->health == HEALTH_PROBED && x->under_way > probes[x->stage])
        sim_broken(s, "15: %s of e%u is probe %u at once, of %u", name, r->event, x->under_way, probes[x->stage]);
    if (r->event < EVENTS_MAX) {
        second_of(x, now)->tries += !x->tried[r->event].again;
        x->tried[r->event].again = false;
    }
}

void oracle_call_ended(struct sim *s, const struct request *r, const struct call_reply *reply)
{
    struct seen_pace *x = pace_of(r->p);
    int64_t now = now_ms(r->p);
    oracle_count_answer(r, reply);
    if (r->asks && r->period == x->period)
        probe_ended(s, x, reply, now);
    if (is_probe(r) || is_question(r))
        return;
    if (r->period == x->period)
        x->under_way--;
    if (reply->not_allowed || reply->result == CALL_ABORTED) /* it says nothing of the provider, or nobody waits for it */
        return;
    if (r->period == x->period && x->health == HEALTH_UP)
        judge_up(s, x, is_good(reply), now);
    else if (r->period == x->period && x->health == HEALTH_PROBED)
        judge_probed(s, x, is_good(reply), now);
    if (r->event < EVENTS_MAX && is_failure(r, reply))
        x->tried[r->event] = (struct tried){true, x->outages};
}

/* ---- the budget ---- */

void oracle_pace_assigned(struct sim *s, const struct kmember *m)
{
    struct seen_pace *x = pace_of(m->p);
    unsigned owned = 0;
    for (int32_t i = 0; i < s->kafka->partitions; i++)
        owned += m->owns[i];
    x->owned_before = x->owned;
    x->owned = owned;
    x->owned_since_ms = s->now / SIM_MS;
    for (unsigned i = 0; i < EVENTS_MAX; i++)
        x->tried[i].again = false; /* it begins anew with all that it is given */
}

/* It left for the waiting topic: what comes back is another try, and not counted. */
void oracle_pace_aside(struct sim *s, const struct oevent *e)
{
    for (unsigned i = 0; i < s->slot_count; i++)
        if (s->slots[i]->pace)
            s->slots[i]->pace->tried[e->number].again = false;
}

static double granted(const struct sim *s, const struct seen_pace *x, const struct second *all)
{
    const struct settings_retry *r = &s->env->plan->retry;
    bool fresh = s->now / SIM_MS - x->owned_since_ms < SHARE_OLD_MS;
    unsigned owned = fresh && x->owned_before > x->owned ? x->owned_before : x->owned;
    double n = all->tries * (double)r->budget_percent / 100 + r->budget_per_s * SECONDS * owned / s->kafka->partitions;
    return n < 1 ? 1 : n;
}

/* Which come before all others, with slots of their own. */
static bool asks_first(const struct oevent *e)
{
    for (unsigned i = 0; i < steps_of(e); i++)
        if (e->steps[i].doubts > 0 && op_entry(kind_entry(e->kind)->ops[i])->repeat == CALL_QUERY)
            return true;
    return false;
}

/* 15: who is out of budget waits. Whoever ran into an outage that is over is tried again as if for the first time. */
void oracle_pace_claims(struct sim *s, struct proc *p, const struct oevent *e)
{
    struct seen_pace *x = pace_of(p);
    struct tried *t = &x->tried[e->number];
    int64_t now = now_ms(p);
    if (!t->again || t->outage != x->outages)
        return;
    t->again = false;
    second_of(x, now)->retries++;
    const struct second all = sum_of(x, now);
    if (x->health == HEALTH_UP && !asks_first(e) && e->crashes == 0 && all.retries > granted(s, x, &all))
        sim_broken(s, "15: e%u is retry %u of ten seconds, beside %u first tries, of %.1f", e->number, all.retries, all.tries,
                   granted(s, x, &all));
}

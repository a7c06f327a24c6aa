#include "core/leases.h"

static int64_t sooner(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t poll_at(uint32_t rnd, int64_t now_ms)
{
    return now_ms + LEASES_POLL_MS + rnd % (LEASES_POLL_MS + 1);
}

unsigned leases_good(const struct leases *l, const struct leases_times *t, int64_t now_ms)
{
    return now_ms + t->call_ms <= l->until_ms ? l->held : 0;
}

void leases_yield(struct leases *l, unsigned used, int64_t now_ms)
{
    unsigned left = l->held > used ? l->held - used : 0;
    if (l->is_asking || now_ms - l->turn_ms < LEASES_TURN_MS)
        return;
    unsigned n = left < l->others ? left : l->others;
    l->held -= n;
    l->others -= n;
}

/* A call that is under way is had, whatever is held: so Redis knows what the platform bears. */
static struct leases_question question(const struct leases *l, const struct leases_use *use)
{
    unsigned has = l->held < use->needed ? l->held : use->needed;
    if (has < use->in_flight)
        has = use->in_flight;
    return (struct leases_question){has, use->needed > has ? use->needed - has : 0};
}

/* When that is to be asked. */
static int64_t due_ms(const struct leases *l, const struct leases_use *use, const struct leases_question *q)
{
    int64_t due = INT64_MAX;
    if (l->unsure)
        return l->again_ms;
    if (q->has < l->told || (l->is_in_line && q->wants == 0))
        return use->now_ms;
    if (q->wants > 0 || q->has > l->told)
        due = l->again_ms;
    if (q->has > 0)
        due = sooner(due, l->renew_ms);
    if (q->has > 0 && use->waits)
        due = sooner(due, l->look_ms);
    return due;
}

bool leases_ask(struct leases *l, const struct leases_use *use, struct leases_question *ret, int64_t *ret_wait_ms)
{
    *ret_wait_ms = INT64_MAX;
    if (l->is_asking)
        return false;
    *ret = question(l, use);
    if (l->is_fresh && ret->has < l->held) /* what it came for cannot begin after all: not asked for again at once */
        l->again_ms = poll_at(use->rnd, use->now_ms);
    l->is_fresh = false;
    int64_t due = due_ms(l, use, ret);
    if (due > use->now_ms) {
        *ret_wait_ms = due == INT64_MAX ? due : due - use->now_ms;
        return false;
    }
    l->is_asking = true;
    l->asked = *ret;
    l->asked_ms = use->now_ms;
    if (l->held > ret->has)
        l->held = ret->has;
    return true;
}

void leases_answered(struct leases *l, const struct leases_times *t, unsigned has, unsigned others, uint32_t rnd, int64_t now_ms)
{
    if (l->stale > 0) {
        l->stale--;
        return;
    }
    bool refused = has < l->asked.has + l->asked.wants;
    l->is_asking = l->unsure = false;
    l->is_fresh = has > l->asked.has;
    if (l->is_fresh)
        l->turn_ms = now_ms;
    l->is_in_line = refused && l->asked.wants > 0;
    l->held = l->told = has;
    l->others = others;
    l->until_ms = l->asked_ms + t->lease_ms;
    l->renew_ms = l->asked_ms + (t->lease_ms - t->call_ms) / 2;
    l->look_ms = poll_at(rnd, now_ms);
    l->again_ms = refused ? l->look_ms : now_ms;
}

void leases_not_asked(struct leases *l, uint32_t rnd, int64_t now_ms)
{
    l->is_asking = false;
    l->unsure = true;
    l->again_ms = poll_at(rnd, now_ms);
}

void leases_failed(struct leases *l, uint32_t rnd, int64_t now_ms)
{
    if (l->stale > 0)
        l->stale--;
    else
        leases_not_asked(l, rnd, now_ms);
}

static bool has_any(const struct leases *l)
{
    return l->held > 0 || l->told > 0 || l->is_asking || l->is_in_line || l->unsure;
}

void leases_forgotten(struct leases *l)
{
    l->unsure = has_any(l);
    l->until_ms = 0;
}

bool leases_end(struct leases *l)
{
    bool any = has_any(l);
    *l = (struct leases){.stale = l->stale + l->is_asking};
    return any;
}

#include "core/limit.h"

#include <limits.h>

void limit_set(struct limit *l, unsigned in_flight, double rate_per_s, unsigned burst, int32_t mine, int32_t all,
               int64_t now_ms)
{
    double share = all > 0 ? (double)mine / all : 0;
    uint64_t slots = all > 0 ? (uint64_t)in_flight * (uint64_t)mine / (uint64_t)all : 0;
    l->is_leased = mine > 0 && in_flight < (unsigned)all;
    l->max_in_flight = l->is_leased ? in_flight : (unsigned)slots;
    l->rate_per_s = rate_per_s * share;
    l->burst = burst * share < 1 ? 1 : burst * share;
    if (l->tokens > l->burst || l->filled_ms == 0)
        l->tokens = l->burst;
    l->filled_ms = now_ms;
}

void limit_cap(struct limit *l, unsigned cap, bool probing)
{
    l->cap = cap;
    l->is_capped = cap != UINT_MAX;
    l->is_probing = probing;
}

void limit_lease(struct limit *l, unsigned leases)
{
    l->leases = leases;
}

/* Whatever leases there are. */
static unsigned bound(const struct limit *l)
{
    return l->is_capped && l->cap < l->max_in_flight ? l->cap : l->max_in_flight;
}

unsigned limit_slots(const struct limit *l)
{
    return l->is_leased && l->leases < bound(l) ? l->leases : bound(l);
}

unsigned limit_used(const struct limit *l)
{
    return l->in_flight + l->ahead;
}

static double tokens_at(const struct limit *l, int64_t now_ms)
{
    double tokens = l->tokens + (double)(now_ms - l->filled_ms) * l->rate_per_s / 1000;
    return tokens > l->burst ? l->burst : tokens;
}

bool limit_take(struct limit *l, int64_t now_ms)
{
    if (l->in_flight >= limit_slots(l) || now_ms < l->paused_until_ms)
        return false;
    if (l->rate_per_s > 0) {
        double tokens = tokens_at(l, now_ms);
        if (tokens < 1)
            return false;
        l->tokens = tokens - 1;
        l->filled_ms = now_ms;
    }
    l->in_flight++;
    return true;
}

/* Of @slots, those that limit_take() would give now. */
static unsigned room(const struct limit *l, unsigned slots, int64_t now_ms)
{
    if (now_ms < l->paused_until_ms || l->in_flight >= slots)
        return 0;
    unsigned left = slots - l->in_flight;
    if (l->rate_per_s <= 0)
        return left;
    double tokens = tokens_at(l, now_ms);
    return tokens >= left ? left : (unsigned)(tokens > 0 ? tokens : 0);
}

unsigned limit_needs(const struct limit *l, unsigned events, int64_t now_ms)
{
    unsigned left = room(l, bound(l), now_ms);
    unsigned more = left > l->ahead ? left - l->ahead : 0;
    return limit_used(l) + (events < more ? events : more);
}

static unsigned expected_back(const struct limit *l)
{
    if (l->rate_per_s > 0 || l->is_probing || l->is_leased)
        return 0;
    if (l->call_ms <= LIMIT_AHEAD_MS)
        return limit_slots(l);
    return (unsigned)(limit_slots(l) * LIMIT_AHEAD_MS / l->call_ms);
}

bool limit_claim(struct limit *l, int64_t now_ms)
{
    if (now_ms < l->paused_until_ms || l->ahead >= room(l, limit_slots(l), now_ms) + expected_back(l))
        return false;
    l->ahead++;
    return true;
}

void limit_unclaim(struct limit *l)
{
    if (l->ahead > 0)
        l->ahead--;
}

void limit_called(struct limit *l, double ms)
{
    l->call_ms += (ms - l->call_ms) / 16;
}

void limit_spend(struct limit *l, int64_t now_ms)
{
    if (l->rate_per_s <= 0)
        return;
    l->tokens = tokens_at(l, now_ms) - 1;
    l->filled_ms = now_ms;
}

void limit_give(struct limit *l)
{
    if (l->in_flight > 0)
        l->in_flight--;
}

void limit_pause(struct limit *l, int64_t until_ms)
{
    if (until_ms > l->paused_until_ms)
        l->paused_until_ms = until_ms;
}

int64_t limit_wait_ms(const struct limit *l, int64_t now_ms)
{
    int64_t wait = l->paused_until_ms > now_ms ? l->paused_until_ms - now_ms : 0;
    if (l->rate_per_s > 0) {
        double tokens = tokens_at(l, now_ms);
        int64_t fill = tokens >= 1 ? 0 : (int64_t)((1 - tokens) * 1000 / l->rate_per_s) + 1;
        if (fill > wait)
            wait = fill;
    }
    return wait;
}

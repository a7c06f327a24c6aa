/* limit.h - how much a worker may ask of its provider at once and in a second. RELIABILITY.md section 8.
 *
 * A slot is held for a call, not for the claim before it: so that a slot that comes free is taken at once, as many events
 * are claimed ahead as slots are expected back within LIMIT_AHEAD_MS, by the mean time of the calls.
 *
 * Below the share of the settings there may be a cap: what the provider bears now (adapt.h), or what a breaker lets through
 * (breaker.h). Zeroed memory plus limit_set() has none.
 *
 * A worker's share is its share of the partitions. Where the provider takes fewer calls at once than there are partitions, a
 * partition's share is below one call, and no split is right: each slot is a lease (leases.h) then, any worker may come to have
 * all of them, and nothing is claimed ahead of those that it has. All workers reckon alike, by the settings alone.
 * Pure: the time is an argument. Not thread-safe. */
#ifndef TVB_CORE_LIMIT_H
#define TVB_CORE_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

#define LIMIT_AHEAD_MS 10

struct limit {
    unsigned max_in_flight;
    unsigned cap;      /* with is_capped: no more calls at once than that */
    unsigned leases;   /* with is_leased: the same */
    bool is_capped, is_probing, is_leased;
    unsigned in_flight;
    double rate_per_s; /* 0: no limit */
    double burst;      /* tokens kept at most */
    double tokens;
    int64_t filled_ms; /* when tokens were counted last */
    int64_t paused_until_ms;
    unsigned ahead;    /* claimed, or being claimed, and without a slot yet */
    double call_ms;    /* mean time of the last calls; 0: none yet */
};

/* Sets this worker's share of the provider's limits: @mine of @all partitions. With fewer @in_flight than partitions its slots
 * are leases, up to all of them, and there are none before limit_lease(). What is in flight stays counted. */
void limit_set(struct limit *l, unsigned in_flight, double rate_per_s, unsigned burst, int32_t mine, int32_t all,
               int64_t now_ms);
/* At most @cap calls at once; UINT_MAX: no cap. @probing: and no more events at work than that, nothing is claimed ahead. */
void limit_cap(struct limit *l, unsigned cap, bool probing);
/* It has @leases, which nobody looks at unless its slots are leases. */
void limit_lease(struct limit *l, unsigned leases);
/* Slots that calls are made with, and claims were made for. */
unsigned limit_used(const struct limit *l);
/* The same with @events more, as many of them as could be claimed now if there was a lease for each. */
unsigned limit_needs(const struct limit *l, unsigned events, int64_t now_ms);
/* Calls at once that are allowed now. */
unsigned limit_slots(const struct limit *l);
/* Takes a slot; false when none is free, the bucket is empty, or calls are paused. */
bool limit_take(struct limit *l, int64_t now_ms);
/* One event may be claimed, for a slot that is free or soon will be; false: not now. limit_unclaim() when it has got its
 * slot or needs none. With a rate limit only what may be called now is claimed. */
bool limit_claim(struct limit *l, int64_t now_ms);
void limit_unclaim(struct limit *l);
/* A call took @ms. */
void limit_called(struct limit *l, double ms);
/* A further call with a slot that is held: its token is taken, on credit where there is none. */
void limit_spend(struct limit *l, int64_t now_ms);
/* A slot comes back. */
void limit_give(struct limit *l);
/* No slot before @until_ms (a Retry-After). Never shortens a longer pause. */
void limit_pause(struct limit *l, int64_t until_ms);
/* How long until limit_take() may succeed by time alone: 0 = now or when a slot comes back. */
int64_t limit_wait_ms(const struct limit *l, int64_t now_ms);

#endif

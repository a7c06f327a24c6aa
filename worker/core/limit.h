/* limit.h - how much a worker may ask of its provider at once and in a second. RELIABILITY.md section 8.
 *
 * A worker's share is its share of the partitions. Pure: the time is an argument. Not thread-safe. */
#ifndef TVB_CORE_LIMIT_H
#define TVB_CORE_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

struct limit {
    unsigned max_in_flight;
    unsigned in_flight;
    double rate_per_s; /* 0: no limit */
    double burst;      /* tokens kept at most */
    double tokens;
    int64_t filled_ms; /* when tokens were counted last */
    int64_t paused_until_ms;
};

/* Sets this worker's share of the provider's limits: @mine of @all partitions. In flight is at least 1 when
 * @mine > 0. What is in flight stays counted. */
void limit_set(struct limit *l, unsigned in_flight, double rate_per_s, unsigned burst, int32_t mine, int32_t all,
               int64_t now_ms);
/* Takes a slot; false when none is free, the bucket is empty, or calls are paused. */
bool limit_take(struct limit *l, int64_t now_ms);
/* A further call with a slot that is held: its token is taken, on credit where there is none. */
void limit_spend(struct limit *l, int64_t now_ms);
/* A slot comes back. */
void limit_give(struct limit *l);
/* No slot before @until_ms (a Retry-After). Never shortens a longer pause. */
void limit_pause(struct limit *l, int64_t until_ms);
/* How long until limit_take() may succeed by time alone: 0 = now or when a slot comes back. */
int64_t limit_wait_ms(const struct limit *l, int64_t now_ms);

#endif

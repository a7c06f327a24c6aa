/* tally.h - two counts over the last ten seconds, by the second.
 *
 * Zeroed memory is an empty tally. O(1), no allocation; the time is an argument and may stand still or jump ahead. */
#ifndef TVB_CORE_TALLY_H
#define TVB_CORE_TALLY_H

#include <stdint.h>

#define TALLY_SECONDS 10

struct tally {
    int64_t second; /* of the newest slice */
    uint32_t a[TALLY_SECONDS], b[TALLY_SECONDS];
    uint32_t all_a, all_b; /* sums over the slices */
};

/* Forgets what is older than ten seconds. The sums hold from then on. */
void tally_move(struct tally *t, int64_t now_ms);
void tally_add(struct tally *t, int64_t now_ms, uint32_t a, uint32_t b);

#endif

/* adapt.h - how many calls at once the provider bears. RELIABILITY.md section 8.
 *
 * Below the hard limit of the settings: one more a round trip while all are in use; a tenth fewer when the round trip has
 * grown past 2.5 deviations, twice in a row, for once may be a stall of ours; half when the provider throttles or a call times out, once for all calls that were under way
 * then. It begins at the hard limit, which a person chose.
 * Zeroed memory is a fresh one. O(1) a call. Pure: times are arguments, ns of one clock. */
#ifndef TVB_CORE_ADAPT_H
#define TVB_CORE_ADAPT_H

#include <stdbool.h>
#include <stdint.h>

struct adapt {
    double limit;          /* 0: nothing was wrong yet, the hard limit holds */
    int64_t round_ns;      /* when the present round trip began */
    int64_t cut_ns;        /* when it was halved last */
    bool has_grown;        /* the round trip, when it was looked at last */
    bool saturated;        /* all slots were in use within this round */
    double mean_ms, deviation_ms; /* of calls, over many rounds; mean 0: nothing is known yet */
    double sum_ms, off_ms; /* of the calls that are not in the mean yet: their times, and how far off the mean each was */
    unsigned n;            /* how many these are */
};

struct adapt_call {
    int64_t began_ns, ended_ns;
    bool saturated; /* no slot was free while it ran */
    bool overload;  /* 429, 503, or no answer in time */
};

/* A call has ended. @hard: the limit of the settings, for this worker. */
void adapt_note(struct adapt *a, unsigned hard, const struct adapt_call *call);
/* Calls at once, 1 to @hard (0 when that is 0). */
unsigned adapt_limit(const struct adapt *a, unsigned hard);
/* Of @slots, how many may be in use by reads that look what came of a doubtful call: a tenth, at least one. */
unsigned adapt_verification_slots(unsigned slots);

#endif

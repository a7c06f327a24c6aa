/* turns.h - whose turn it is among the services that are ready. RELIABILITY.md section 8.
 *
 * When a limit binds, what gives a customer the service back goes before all else; but after nine of these in a row one
 * other gets its turn. Within a lane the order never changes: only the event at its head is looked at. Pure. */
#ifndef TVB_CORE_TURNS_H
#define TVB_CORE_TURNS_H

#include <stdbool.h>

#define TURNS_IN_A_ROW 9

/* What stands at the head of a ready lane. */
enum lane_rank {
    RANK_VERIFY,        /* a doubtful call: the provider is to be asked what came of it */
    RANK_RESTORE_AGAIN, /* a restore that failed before: needs the budget of retries */
    RANK_RESTORE,
    RANK_AGAIN,         /* anything else that failed before */
    RANK_OTHER,
    RANK_COUNT
};

struct turns {
    unsigned in_a_row; /* restores that went while others were ready; zeroed memory is a fresh one */
};

/* One of @ready (a bit for each rank that has a lane and may go now); -1 when there is none. What failed before goes
 * before its like, since it is older; with @fresh_first after all others. */
int turns_next(struct turns *t, unsigned ready, bool fresh_first);

#endif

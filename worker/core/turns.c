#include "core/turns.h"

#include <stddef.h>

#include "base/attr.h"

static const unsigned restores = 1U << RANK_RESTORE | 1U << RANK_RESTORE_AGAIN;

static int first_of(unsigned ready, const enum lane_rank *order, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if ((ready & 1U << order[i]) != 0)
            return (int)order[i];
    return -1;
}

/* What has failed is tried last: it may be what fails. */
static int fresh(unsigned ready)
{
    static const enum lane_rank order[] = {RANK_RESTORE, RANK_OTHER, RANK_RESTORE_AGAIN, RANK_AGAIN, RANK_VERIFY};
    return first_of(ready, order, ARRAY_LEN(order));
}

static int restore(unsigned ready)
{
    static const enum lane_rank order[] = {RANK_RESTORE_AGAIN, RANK_RESTORE};
    return first_of(ready, order, ARRAY_LEN(order));
}

static int other(unsigned ready)
{
    static const enum lane_rank order[] = {RANK_VERIFY, RANK_AGAIN, RANK_OTHER};
    return first_of(ready, order, ARRAY_LEN(order));
}

int turns_next(struct turns *t, unsigned ready, bool fresh_first)
{
    if (fresh_first)
        return fresh(ready);
    bool has_others = (ready & ~restores) != 0;
    if ((ready & restores) == 0 || (has_others && t->in_a_row >= TURNS_IN_A_ROW)) {
        t->in_a_row = 0;
        return other(ready);
    }
    t->in_a_row = has_others ? t->in_a_row + 1 : 0;
    return restore(ready);
}

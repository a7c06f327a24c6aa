/* guard.h - too many accounts cut off at once is a mistake until a person says otherwise. RELIABILITY.md section 8.
 *
 * Counts the accounts of one partition that were cut within the last hour; an account counts once. A cut above the limit
 * is to be held. An approval given ahead (a planned dunning run) pays for cuts while it lasts, and these are not counted.
 * Memory: an entry for each account that was cut within the hour, so at most the limit and what is approved.
 * Pure: the time is an argument (Unix ms). */
#ifndef TVB_CORE_GUARD_H
#define TVB_CORE_GUARD_H

#include <stddef.h>
#include <stdint.h>

#include "contract/settings.h"

#define GUARD_WINDOW_MS INT64_C(3600000)

struct guard;

struct guard *guard_new(void); /* NULL: out of memory */
void guard_free(struct guard *g);

/* How many accounts of one of @partitions partitions may be cut in an hour, where @accounts exist in that one (0: not known): the
 * policy's percentage of them, or the partition's share of the policy's number, whichever is more. So each partition is judged by what
 * it has, however uneven they are; all together may come to the percentage and the number, not to more. At least 1; INT64_MAX: no
 * limit. */
int64_t guard_limit(const struct settings_guard *policy, int64_t accounts, int32_t partitions);

/* The part of `approve --until --max` that is this partition's. */
struct guard_approval {
    int64_t until_ms;
    int64_t max, used; /* accounts */
};

enum guard_answer {
    GUARD_ALLOWED,
    GUARD_APPROVED, /* the approval paid: approval->used has grown and is to be kept */
    GUARD_HELD,
};

/* May @service be cut now? When it may, it is counted. @approval: NULL, or what was approved ahead. */
enum guard_answer guard_cut(struct guard *g, const char *service, int64_t limit, struct guard_approval *approval,
                            int64_t now_ms);
/* It was cut at @at_ms: how a new owner fills it, from Redis or from the last hour's outcomes, the oldest first. */
void guard_note(struct guard *g, const char *service, int64_t at_ms, int64_t now_ms);
/* Accounts that count at @now_ms. */
int64_t guard_count(struct guard *g, int64_t now_ms);

#endif

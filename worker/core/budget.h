/* budget.h - how many tries may be retries. RELIABILITY.md section 8.
 *
 * Within ten seconds: a share of the first tries, and some a second on top. Who is out of budget waits, and never fails.
 * Zeroed memory is a fresh budget. O(1). Pure: the time is an argument. */
#ifndef TVB_CORE_BUDGET_H
#define TVB_CORE_BUDGET_H

#include <stdbool.h>
#include <stdint.h>

#include "contract/settings.h"
#include "core/tally.h"

struct budget {
    struct tally tries; /* a: first ones, b: retries */
};

/* An event is tried for the first time. */
void budget_first(struct budget *b, int64_t now_ms);
/* May an event be tried again? @share: this worker's of the provider, 0 to 1, for what is granted a second. One retry in
 * ten seconds is granted whatever the share is, so that nothing waits for ever. */
bool budget_allows(struct budget *b, const struct settings_retry *policy, double share, int64_t now_ms);
/* It is tried again. */
void budget_spend(struct budget *b, int64_t now_ms);

#endif

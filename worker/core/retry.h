/* retry.h - when to try again, and when to stop. RELIABILITY.md section 8. Pure: time and randomness are arguments. */
#ifndef TVB_CORE_RETRY_H
#define TVB_CORE_RETRY_H

#include <stdbool.h>
#include <stdint.h>

#include "contract/settings.h"

/* Delay before retry @attempt (1 = the first retry), in ms, within [0, cap_ms]: full jitter over base * 2^(attempt-1).
 * The caller passes @rnd, so a test chooses it. */
int64_t backoff_ms(unsigned attempt, int64_t base_ms, int64_t cap_ms, uint32_t rnd);

struct retry_ask {
    unsigned attempts;       /* tries that counted so far */
    unsigned failures;       /* all failed tries, also those that did not count: the delay grows with them */
    int64_t age_ms;          /* since the first try */
    int64_t retry_after_ms;  /* the provider's word; -1: none */
    uint32_t rnd;
};

/* True and the delay when there is another try; false when attempts or age are used up. */
bool retry_again(const struct settings_retry *policy, const struct retry_ask *ask, int64_t *ret_delay_ms);

#endif

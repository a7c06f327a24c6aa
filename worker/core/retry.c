#include "core/retry.h"

int64_t backoff_ms(unsigned attempt, int64_t base_ms, int64_t cap_ms, uint32_t rnd)
{
    int64_t span = base_ms;
    for (unsigned i = 1; i < attempt && span < cap_ms; i++)
        span *= 2;
    if (span > cap_ms)
        span = cap_ms;
    return (int64_t)(((uint64_t)rnd * (uint64_t)(span + 1)) >> 32);
}

bool retry_again(const struct settings_retry *policy, const struct retry_ask *ask, int64_t *ret_delay_ms)
{
    if (ask->attempts >= policy->attempts)
        return false;
    int64_t delay = backoff_ms(ask->failures > 0 ? ask->failures : ask->attempts, policy->base_ms, policy->cap_ms, ask->rnd);
    if (ask->retry_after_ms >= 0) {
        int64_t wish = ask->retry_after_ms;
        if (wish > policy->retry_after_cap_ms)
            wish = policy->retry_after_cap_ms;
        delay += wish; /* the jitter on top spreads those that were all told the same time */
    }
    if (ask->age_ms + delay > policy->max_age_ms)
        return false;
    *ret_delay_ms = delay;
    return true;
}

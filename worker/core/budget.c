#include "core/budget.h"

void budget_first(struct budget *b, int64_t now_ms)
{
    tally_add(&b->tries, now_ms, 1, 0);
}

static double granted(const struct budget *b, const struct settings_retry *policy, double share)
{
    double n = b->tries.all_a * (double)policy->budget_percent / 100 + policy->budget_per_s * TALLY_SECONDS * share;
    return n < 1 ? 1 : n;
}

bool budget_allows(struct budget *b, const struct settings_retry *policy, double share, int64_t now_ms)
{
    tally_move(&b->tries, now_ms);
    return b->tries.all_b + 1 <= granted(b, policy, share);
}

void budget_spend(struct budget *b, int64_t now_ms)
{
    tally_add(&b->tries, now_ms, 0, 1);
}

#include "core/tally.h"

#include <string.h>

void tally_move(struct tally *t, int64_t now_ms)
{
    int64_t second = now_ms / 1000;
    if (second <= t->second)
        return;
    if (second - t->second >= TALLY_SECONDS) {
        memset(t, 0, sizeof(*t));
        t->second = second;
        return;
    }
    while (t->second < second) {
        int64_t i = ++t->second % TALLY_SECONDS;
        t->all_a -= t->a[i];
        t->all_b -= t->b[i];
        t->a[i] = t->b[i] = 0;
    }
}

void tally_add(struct tally *t, int64_t now_ms, uint32_t a, uint32_t b)
{
    tally_move(t, now_ms);
    int64_t i = t->second % TALLY_SECONDS;
    t->a[i] += a;
    t->b[i] += b;
    t->all_a += a;
    t->all_b += b;
}

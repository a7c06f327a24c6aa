#include "core/bits.h"

#include <stdlib.h>
#include <string.h>

struct bits {
    uint64_t *words;
    uint64_t count; /* of words */
};

struct bits *bits_new(void)
{
    return calloc(1, sizeof(struct bits));
}

void bits_free(struct bits *b)
{
    if (b == NULL)
        return;
    free(b->words);
    free(b);
}

static bool grow(struct bits *b, uint64_t count)
{
    uint64_t want = b->count < 16 ? 16 : b->count;
    while (want < count)
        want *= 2;
    uint64_t *words = realloc(b->words, want * sizeof(*words));
    if (words == NULL)
        return false;
    memset(words + b->count, 0, (want - b->count) * sizeof(*words));
    b->words = words;
    b->count = want;
    return true;
}

void bits_set(struct bits *b, uint64_t n)
{
    if (n >= BITS_MAX || (n / 64 >= b->count && !grow(b, n / 64 + 1)))
        return;
    b->words[n / 64] |= UINT64_C(1) << (n % 64);
}

bool bits_has(const struct bits *b, uint64_t n)
{
    return n / 64 < b->count && (b->words[n / 64] >> (n % 64) & 1) != 0;
}

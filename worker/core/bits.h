/* bits.h - a set of small numbers, one bit each, that grows as they come. Not thread-safe. */
#ifndef TVB_CORE_BITS_H
#define TVB_CORE_BITS_H

#include <stdbool.h>
#include <stdint.h>

struct bits;

struct bits *bits_new(void); /* NULL: out of memory */
void bits_free(struct bits *b);
/* Without memory, or beyond BITS_MAX, the number is not in the set afterwards. */
void bits_set(struct bits *b, uint64_t n);
bool bits_has(const struct bits *b, uint64_t n);

#define BITS_MAX (UINT64_C(1) << 28) /* 32 MiB */

#endif

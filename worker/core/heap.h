/* heap.h - what is due next: a binary heap of items that know their own place.
 *
 * An item is part of its owner's struct; the heap frees none. Removal is O(log n).
 * Not thread-safe. */
#ifndef TVB_CORE_HEAP_H
#define TVB_CORE_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"

struct heap_item {
    int64_t due;  /* in the caller's unit */
    size_t place; /* 1-based; 0: not in a heap. Zeroed memory is a valid item. */
};

struct heap {
    struct heap_item **items;
    size_t n, cap;
};

void heap_fini(struct heap *h); /* a zeroed heap is empty; items are not touched */
/* Puts @item in, or moves it when it is in already. -1: out of memory. */
ATTR_MUST_USE int heap_set(struct heap *h, struct heap_item *item, int64_t due);
void heap_remove(struct heap *h, struct heap_item *item); /* not in: nothing */
struct heap_item *heap_first(const struct heap *h);       /* NULL: empty */
/* Removes and returns the first item that is due at @now; NULL: none is. */
struct heap_item *heap_pop_due(struct heap *h, int64_t now);

#endif

#include "core/heap.h"

#include <stdlib.h>

void heap_fini(struct heap *h)
{
    free(h->items);
    *h = (struct heap){0};
}

static void put(struct heap *h, size_t place, struct heap_item *item)
{
    h->items[place - 1] = item;
    item->place = place;
}

static void sift_up(struct heap *h, struct heap_item *item)
{
    size_t at = item->place;
    for (; at > 1 && h->items[at / 2 - 1]->due > item->due; at /= 2)
        put(h, at, h->items[at / 2 - 1]);
    put(h, at, item);
}

static void sift_down(struct heap *h, struct heap_item *item)
{
    size_t at = item->place;
    while (2 * at <= h->n) {
        size_t child = 2 * at;
        if (child < h->n && h->items[child]->due < h->items[child - 1]->due)
            child++;
        if (h->items[child - 1]->due >= item->due)
            break;
        put(h, at, h->items[child - 1]);
        at = child;
    }
    put(h, at, item);
}

static int grow(struct heap *h)
{
    if (h->n < h->cap)
        return 0;
    size_t cap = h->cap == 0 ? 64 : h->cap * 2;
    struct heap_item **items = realloc(h->items, cap * sizeof(*items));
    if (items == NULL)
        return -1;
    h->items = items;
    h->cap = cap;
    return 0;
}

int heap_set(struct heap *h, struct heap_item *item, int64_t due)
{
    if (item->place == 0) {
        if (grow(h) != 0)
            return -1;
        item->due = due;
        put(h, ++h->n, item);
        sift_up(h, item);
        return 0;
    }
    item->due = due;
    sift_up(h, item);
    sift_down(h, item);
    return 0;
}

void heap_remove(struct heap *h, struct heap_item *item)
{
    if (item->place == 0)
        return;
    struct heap_item *last = h->items[--h->n];
    if (last != item) {
        put(h, item->place, last);
        sift_up(h, last);
        sift_down(h, last);
    }
    item->place = 0;
}

struct heap_item *heap_first(const struct heap *h)
{
    return h->n == 0 ? NULL : h->items[0];
}

struct heap_item *heap_pop_due(struct heap *h, int64_t now)
{
    struct heap_item *first = heap_first(h);
    if (first == NULL || first->due > now)
        return NULL;
    heap_remove(h, first);
    return first;
}

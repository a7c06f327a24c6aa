/* split.h - a long JSON answer cut into short ones of the same form: everything around its longest list, with some of its elements
 * in each. So a list of 100,000 accounts is read piece by piece, and its whole tree is never in memory.
 *
 * Only where lists and elements begin and end is looked at; whether a part is JSON is for its reader. Pure. */
#ifndef TVB_PRODUCER_SPLIT_H
#define TVB_PRODUCER_SPLIT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

struct split {
    const char *body;     /* borrowed */
    size_t len;
    size_t list, end;     /* the list's bytes, without its brackets */
    size_t at;            /* of the next element */
    size_t part_bytes;
};

/* False: @body has no list that is longer than @part_bytes, below objects alone; or it is broken off. */
bool split_begin(struct split *s, const char *body, size_t len, size_t part_bytes);
/* The next part, with elements of @part_bytes together or one that is longer, replaces what is in @out. False: that was the last one
 * before. */
bool split_next(struct split *s, struct buf *out);
/* All elements were given out. */
bool split_is_over(const struct split *s);

#endif

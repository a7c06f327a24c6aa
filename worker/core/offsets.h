/* offsets.h - which offset of one partition may be committed. RELIABILITY.md section 4.
 *
 * Events finish out of order; Kafka keeps one number. The watermark is the lowest offset
 * that is not settled, so a crash replays events but never skips one. What is settled above the
 * watermark goes into the commit's metadata as a map of runs, so a crash replays little.
 * Not thread-safe: the worker's loop owns it. */
#ifndef TVB_CORE_OFFSETS_H
#define TVB_CORE_OFFSETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/buf.h"

struct offsets;

/* Starts at @watermark, the next offset to read; at most @window offsets span from the watermark
 * to the newest open one. NULL: out of memory. */
struct offsets *offsets_new(int64_t watermark, size_t window);
void offsets_free(struct offsets *o);

enum offsets_opened {
    OFFSETS_OPENED, /* work it, then offsets_settle() */
    OFFSETS_DONE,   /* below the watermark, seen before, or done by an earlier owner: nothing to do */
    OFFSETS_FULL,   /* the window is full: pause the partition and open it again later */
};
/* Opens @offset. Offsets between the newest open one and @offset do not exist in the log (gaps) and count as settled. */
ATTR_MUST_USE enum offsets_opened offsets_open(struct offsets *o, int64_t offset);

/* Settles an open @offset. True when the watermark moved: there is something to commit. */
bool offsets_settle(struct offsets *o, int64_t offset);

bool offsets_is_open(const struct offsets *o, int64_t offset); /* opened, and not settled */
int64_t offsets_watermark(const struct offsets *o); /* the offset to commit: the next to read */
int64_t offsets_next(const struct offsets *o);      /* one above the newest that was opened */
size_t offsets_open_count(const struct offsets *o);

/* Appends the map of what is done above the watermark: runs "<open>.<done>,..." counted from
 * the watermark, as many as fit into @max_bytes; the rest is dropped (it would be worked again, safely). */
void offsets_add_done(const struct offsets *o, size_t max_bytes, struct buf *out);
/* Reads such a map for a fresh object. -1 when @text is not one (then nothing is taken over). */
int offsets_load_done(struct offsets *o, const char *text, size_t len);

#endif

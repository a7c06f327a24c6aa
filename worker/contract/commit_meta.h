/* commit_meta.h - what a commit says beside the offset. RELIABILITY.md section 4.
 *
 *   v1;ceil=<offset>;out=<offset in outcomes>;fence=<highest>;redis=<identity>;done=<runs>
 *
 * At most CONSUMER_METADATA_MAX bytes (io/consumer.h). `done` stands last: it takes the room that is left, and what does
 * not fit is left out, which is safe. Names that are not known are passed over, so that a later version may add some. */
#ifndef TVB_CONTRACT_COMMIT_META_H
#define TVB_CONTRACT_COMMIT_META_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

#define COMMIT_META_FENCE_SIZE 24  /* decimal text and the NUL */
#define COMMIT_META_REDIS_SIZE 160 /* "<run id> <replication id> <birth mark>" and the NUL */

struct commit_meta {
    int64_t ceiling; /* no event at or past it was ever sent by anyone; -1: not said */
    int64_t out;     /* outcomes of what is not settled stand at or past it; -1: not said */
    char fence[COMMIT_META_FENCE_SIZE]; /* "" when not said */
    char redis[COMMIT_META_REDIS_SIZE]; /* the Redis that knows all that was sent; "" when not said */
    const char *done; /* offsets_load_done(); points into the text; "" when not said */
    size_t done_len;
};

/* 0, or -1 when @text is not such metadata: then *@ret says nothing. A value that is too long or no number is passed over. */
int commit_meta_parse(const char *text, size_t len, struct commit_meta *ret);
/* Appends all but the runs; the caller appends these. */
void commit_meta_write(const struct commit_meta *m, struct buf *out);
/* The higher of two fences, as their decimal texts. */
const char *commit_meta_higher_fence(const char *a, const char *b);

#endif

/* post_queue.h - outcomes on their way to a web hook: in order for each service, none skipped, bounded.
 *
 * A lane is one service's outcomes; its first one must be done before the second is tried, and no lane waits for
 * another. The watermark of a partition is what a restart begins with. Pure: time is an argument. Not thread-safe. */
#ifndef TVB_PRODUCER_POST_QUEUE_H
#define TVB_PRODUCER_POST_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct post_queue;
struct post_lane;

struct post_item {
    char *body; /* owned by the queue; NULL once done */
    size_t len;
    char id[40];  /* the outcome's: the Idempotency-Key */
    int32_t partition;
    int64_t offset;
    uint64_t number; /* in the order of adding */
    unsigned tries;
    bool done;
    struct post_lane *lane;
    struct post_item *next_in_lane, *next_in_partition;
};

/* Takes at most about @max_items items or @max_bytes bytes: see post_queue_is_full(). NULL: out of memory. */
struct post_queue *post_queue_new(size_t max_items, size_t max_bytes);
void post_queue_free(struct post_queue *q);

/* Adds what follows in its partition; what was added before is not taken again. Copies. -1: out of memory. */
int post_queue_add(struct post_queue *q, int32_t partition, int64_t offset, const char *key, size_t key_len,
                   const char *body, size_t len, const char *id);
/* When it is, reading should stop; adding still works. */
bool post_queue_is_full(const struct post_queue *q);
size_t post_queue_count(const struct post_queue *q);

/* The next to try at @now_ms; NULL: none is due, and in @ret_wait_ms how long until one is (-1: there is none). */
struct post_item *post_queue_next(struct post_queue *q, int64_t now_ms, int64_t *ret_wait_ms);
/* Delivered, or given up: frees it, its lane goes on. True when its partition's watermark moved. */
bool post_queue_done(struct post_queue *q, struct post_item *it);
/* Failed: its lane waits until @due_ms. */
void post_queue_retry(struct post_queue *q, struct post_item *it, int64_t due_ms);

/* The offset to go on from after a restart; -1: nothing of that partition was added yet. */
int64_t post_queue_watermark(const struct post_queue *q, int32_t partition);
/* Forgets a partition that went to another member. */
void post_queue_drop(struct post_queue *q, int32_t partition);

#endif

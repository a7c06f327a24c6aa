/* reader.h - reads a stretch of a topic's partition from start to end, outside of every consumer group.
 *
 * For what a new owner has to know: outcomes, records, waiting entries, control. One reader (one Kafka client) serves a
 * worker; several reads may be under way, each of another topic partition. Nothing is committed. RELIABILITY.md section 4. */
#ifndef TVB_IO_READER_H
#define TVB_IO_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "contract/event.h"
#include "contract/settings.h"
#include "io/loop.h"

struct reader;
struct reader_read;

struct reader_message {
    int64_t offset;
    int64_t timestamp_ms;         /* -1: none */
    struct event_message message; /* borrowed for the callback; value NULL: a tombstone */
};

enum reader_from {
    READER_OFFSET,    /* from @offset; below the log's start: from its start */
    READER_BEGINNING,
    READER_TIME,      /* from the first message at or after @time_ms (Unix ms) */
};

struct reader_range {
    const char *topic;
    int32_t partition;
    enum reader_from from;
    int64_t offset, time_ms;
};

/* @error: for the log, as consumer's. The Kafka client is made with the first read and lives until reader_free(). */
struct reader *reader_new(struct loop *l, const struct settings *s, void (*error)(void *arg, const char *why),
                          void *arg, struct err *reterr);
/* Ends what is under way without callbacks. May block up to 2 s. */
void reader_free(struct reader *r);

/* One message, in the partition's order. */
typedef void reader_message_fn(void *arg, const struct reader_message *m);
/* The read has come to the end that the partition had when it began (the last stable offset, asked of the broker after
 * reader_start() was called): @end is that offset. @ok false: @why says what failed for good (the topic does not exist);
 * what can pass is tried again without end. The read is gone when this returns. */
typedef void reader_done_fn(void *arg, bool ok, int64_t end, const char *why);

/* Starts a read; callbacks come from the loop, never from inside. At most a small bounded number of messages a turn, so
 * that the loop's other work goes on. NULL: out of memory, or this topic partition is being read already. */
struct reader_read *reader_start(struct reader *r, const struct reader_range *range, reader_message_fn *message,
                                 reader_done_fn *done, void *arg);
/* Ends it without another callback; NULL is fine. */
void reader_cancel(struct reader_read *read);

#endif

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
    READER_OFFSET,    /* from @offset; below the log's start: from its start; at or past the end: nothing is read */
    READER_BEGINNING,
    READER_TIME,      /* from the first message at or after @time_ms (Unix ms, >= 0); none: nothing is read */
};

struct reader_range {
    const char *topic;
    int32_t partition;
    enum reader_from from;
    int64_t offset, time_ms;
};

/* @error: for the log, as consumer's; repeats are held back to one in 30 s. @s must outlive it. The Kafka client is made
 * with the first read and lives until reader_free(). */
struct reader *reader_new(struct loop *l, const struct settings *s, void (*error)(void *arg, const char *why),
                          void *arg, struct err *reterr);
/* Ends what is under way without callbacks. May block up to 2 s. NULL is fine; never from inside a callback. */
void reader_free(struct reader *r);

/* One message, in the partition's order, each offset at most once, whatever happens to the connection in between.
 * Offsets that are missing (compacted away, markers of transactions, messages of aborted ones) are left out. */
typedef void reader_message_fn(void *arg, const struct reader_message *m);
/* The read has come to the end that the partition had when it began (the last stable offset, asked of the broker after
 * reader_start() was called): @end is that offset. @ok false: @why says what failed for good (the topic does not exist);
 * what can pass is tried again without end, and told by error(). Where the log has become
 * shorter than @end (another log under the same name, or a loss in Kafka) and stays so for some seconds, the read ends
 * there: @ok, and error() says so. The read is gone when this returns; reader_cancel() inside of it does nothing. */
typedef void reader_done_fn(void *arg, bool ok, int64_t end, const char *why);

/* Starts a read; callbacks come from the loop, never from inside. At most a small bounded number of messages a turn, so
 * that the loop's other work goes on. From inside callbacks too. NULL: out of memory, this topic partition is being read
 * already, or librdkafka refuses the settings (error() says so). */
struct reader_read *reader_start(struct reader *r, const struct reader_range *range, reader_message_fn *message,
                                 reader_done_fn *done, void *arg);
/* While it is held no read calls back, so that whoever cannot keep up need not keep what comes; Kafka has it. From inside
 * callbacks too: the one that is under way is then followed by few. Before the first read it does nothing. */
void reader_hold(struct reader *r, bool hold);
/* Ends it without another callback; NULL is fine. From inside callbacks too, also the read's own. */
void reader_cancel(struct reader_read *read);

#endif

/* consumer.h - one member of the consumer group, on a worker's loop. RELIABILITY.md sections 4 and 13.
 *
 * Rebalances come through the event API; the revoke is answered by consumer_revoke_done() after the drain. Commits
 * are asynchronous, at most one is outstanding, with metadata; `enable.auto.commit` and offset store are off;
 * assignor `range`; auto.offset.reset=error handled here: no committed offset starts at the beginning.
 *
 * Two topics: events, and control with the operators' acts. `range` goes over each topic by itself, with the same
 * members in the same order, since all subscribe to the same topics: where both have as many partitions, a member gets
 * the same numbers of both. That is checked with each assignment, and told as an error where it is not so. A control
 * topic that is missing is told as an error too; events flow all the same, and it comes with a rebalance as soon as it
 * is made. */
#ifndef TVB_IO_CONSUMER_H
#define TVB_IO_CONSUMER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "contract/event.h"
#include "contract/settings.h"
#include "io/loop.h"

#define CONSUMER_METADATA_MAX 4096 /* bytes; the broker refuses more */

struct consumer;

struct consumer_partition {
    bool control;         /* of the control topic; false: of the events topic */
    int32_t partition;
    int64_t offset;       /* assigned: the committed one, or -1; commit: the next to read */
    const char *metadata; /* of the commit; "" when none */
    size_t metadata_len;
};

struct consumer_delivery {
    bool control; /* as consumer_partition's */
    int32_t partition;
    int64_t offset;
    int64_t timestamp_ms;      /* -1: none */
    struct event_message message; /* borrowed for the callback: copy what is kept */
};

struct consumer_handlers {
    void *arg;
    /* New partitions of both topics with their committed offsets and metadata; reading starts when this returns. Where
     * the topics do not fit together a partition may come of one topic only: error() was told before. */
    void (*assigned)(void *arg, const struct consumer_partition *p, size_t n);
    /* Everything goes away: @partitions are the numbers of the events topic, and those of control go with them (@n may
     * be 0). Drain, commit, then consumer_revoke_done(). @lost: they are gone already, commit nothing. */
    void (*revoked)(void *arg, const int32_t *partitions, size_t n, bool lost);
    void (*delivery)(void *arg, const struct consumer_delivery *d);
    /* The end of a commit. @fenced: the group has another member for these: forget the partitions. */
    void (*committed)(void *arg, bool ok, bool fenced, const char *why);
    /* @fatal: this client is finished. Else for the log; repeats of the same text are held back to one in 30 s. */
    void (*error)(void *arg, bool fatal, const char *why);
};

/* @topic: events topic. @control_topic: NULL for none. @group: "<prefix><provider>". @thread tells static members apart. */
struct consumer *consumer_new(struct loop *l, const struct settings *s, const struct settings_provider *p,
                              const char *topic, const char *control_topic, const char *group, unsigned thread,
                              const struct consumer_handlers *h, struct err *reterr);
/* Leaves the group (may block up to 2 s) and frees. */
void consumer_free(struct consumer *c);

/* Hold back one partition of the events topic and let it go; repeats do nothing. What was fetched of it is thrown away and fetched again. */
void consumer_pause(struct consumer *c, int32_t partition);
void consumer_resume(struct consumer *c, int32_t partition);
/* The same for the control topic's. */
void consumer_pause_acts(struct consumer *c, int32_t partition);
void consumer_resume_acts(struct consumer *c, int32_t partition);
/* Hold back everything, and lose nothing of what was fetched: for a moment only, since rebalances and the ends of
 * commits wait as well. */
void consumer_hold(struct consumer *c, bool hold);
/* Commits, of one topic or of both together, in one request. -1 when one is outstanding (try again from `committed`) or it cannot be queued. */
int consumer_commit(struct consumer *c, const struct consumer_partition *p, size_t n, struct err *reterr);
bool consumer_commit_outstanding(const struct consumer *c);
void consumer_revoke_done(struct consumer *c);
/* Offset after the newest message of @partition of the events topic, as last told by the broker; -1: not known. */
int64_t consumer_high_watermark(const struct consumer *c, int32_t partition);
/* True once the group has given this member an assignment (maybe an empty one). */
bool consumer_is_member(const struct consumer *c);

const char *kafka_version(void); /* librdkafka's, for --version */

/* Asks the cluster for a topic's number of partitions: >= 1; 0: it does not exist; -1 and @reterr: not reached.
 * Blocks up to @timeout_ms: not on a worker's loop. */
int kafka_topic_partitions(const struct settings *s, const char *topic, int64_t timeout_ms, struct err *reterr);
/* Whether librdkafka takes the settings: 0, or -1 and @reterr names the property. Asks no broker. */
int kafka_settings_check(const struct settings *s, struct err *reterr);

#endif

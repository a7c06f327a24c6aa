/* scan.h - reads topics from where one says to the end that they have now, outside of every consumer group.
 *
 * For the commands that look: what waits, what is dead, what was asked for. Blocking; nothing is committed. */
#ifndef TVB_PRODUCER_SCAN_H
#define TVB_PRODUCER_SCAN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "contract/event.h"
#include "contract/topics.h"
#include "kafka_client.h"

struct scanner;

/* Connects: ERR_IO when no broker answers in time. @place must outlive it. */
struct scanner *scanner_new(const struct kafka_place *place, struct err *reterr);
void scanner_free(struct scanner *s); /* NULL is fine */

/* The partitions of a topic; -1 and ERR_INVAL when it is not there or has another number than the settings say. */
int32_t scanner_partitions(const struct scanner *s, enum topic_kind kind, const char *provider, struct err *reterr);
/* The partition where the service's messages are, in all topics of the provider. */
int32_t scanner_partition_of(const struct scanner *s, const char *provider, const char *service, struct err *reterr);

struct scan_message {
    enum topic_kind kind;
    const char *provider;         /* as it was asked for; of outcomes the one named with it */
    int32_t partition;
    int64_t offset, timestamp_ms; /* -1: none */
    struct event_message message; /* borrowed for the callback; value NULL: a tombstone */
};
/* Messages of a partition come in order. False: enough, the scan ends well. */
typedef bool scan_fn(void *arg, const struct scan_message *m);

#define SCAN_SOURCES_MAX 256
#define SCAN_ALL (-1)
struct scan_source {
    enum topic_kind kind;
    const char *provider;
    int32_t partition; /* SCAN_ALL: every one */
    int64_t from;      /* an offset, with one partition; SCAN_BEGINNING */
};
#define SCAN_BEGINNING ((int64_t)-1)

/* Reads the sources up to their present ends. -1: not all of it was read. */
int scan(struct scanner *s, const struct scan_source *sources, size_t n, scan_fn *fn, void *arg, struct err *reterr);

/* The end that the partition has now. -1 and @reterr. */
int64_t scanner_end(struct scanner *s, enum topic_kind kind, const char *provider, int32_t partition, struct err *reterr);
/* Reads the sources and what still comes, until @fn says enough (1), or @wait_ms are over (0). -1: failed. */
int scan_follow(struct scanner *s, const struct scan_source *sources, size_t n, int64_t wait_ms, scan_fn *fn, void *arg,
                struct err *reterr);

#endif

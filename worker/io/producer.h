/* producer.h - outcomes, records and dead letters: idempotent, acks=all, to a given partition.
 *
 * A fatal error of the idempotent producer makes it anew and what was not acknowledged ends as failed
 * (RELIABILITY.md section 13): the caller produces it again. */
#ifndef TVB_IO_PRODUCER_H
#define TVB_IO_PRODUCER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "contract/event.h"
#include "contract/settings.h"
#include "io/loop.h"

struct producer;

/* @offset: where it stands in its partition, -1 when not known. @ok false: not acknowledged (it may still have been
 * written); @why for the log. */
typedef void producer_ack_fn(void *arg, bool ok, int64_t offset, const char *why);

/* linger.ms is 5: at 2 a batch held one message and the broker thread cost 6 us an event more.
 * @error: for the log, as consumer's. */
struct producer *producer_new(struct loop *l, const struct settings *s, int64_t message_timeout_ms,
                              void (*error)(void *arg, const char *why), void *arg, struct err *reterr);
/* Waits up to @flush_ms for acknowledgements (their callbacks are called), then frees. */
void producer_free(struct producer *p, int64_t flush_ms);

struct producer_message {
    const char *topic;
    int32_t partition;   /* -1: by the key and the setting `partitioner` */
    const char *key;
    size_t key_len;
    const char *value;   /* NULL: a tombstone */
    size_t value_len;
    const struct event_header *headers;
    size_t header_count;
};
/* Copies and queues. @ack comes from the loop, never from inside. -1: queue full (ERR_TIMEOUT) or refused. */
int producer_send(struct producer *p, const struct producer_message *m, producer_ack_fn *ack, void *arg,
                  struct err *reterr);
/* Throws away what has not left yet, for a partition that is lost; what is on its way goes on. Their acks come as not ok,
 * from the loop. */
void producer_purge(struct producer *p);
/* Messages not yet acknowledged. */
size_t producer_pending(const struct producer *p);

#endif

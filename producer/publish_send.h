/* publish_send.h - events, and operators' acts, to Kafka: idempotent, acknowledged by all replicas, each to the partition of its key.
 *
 * One thread. The number of events on their way is bounded: sender_send() waits when there are too many. */
#ifndef TVB_PRODUCER_PUBLISH_SEND_H
#define TVB_PRODUCER_PUBLISH_SEND_H

#include <stdint.h>

#include "base/err.h"
#include "contract/event.h"
#include "contract/topics.h"
#include "kafka_client.h"

struct sender;

struct sender_message {
    enum topic_kind kind; /* TOPIC_EVENTS unless said */
    const char *provider; /* whose topic */
    const char *key;
    size_t key_len;
    const char *value;
    size_t value_len;
    const struct event_header *headers;
    size_t header_count;
    int32_t partition;    /* -1: that of the key */
};

struct sender_counts {
    int64_t sent, acked, failed;
    char topic[TOPIC_NAME_SIZE]; /* of the last acknowledgement, with its place */
    int32_t partition;
    int64_t offset;
    char why[256];        /* the first failure */
    enum err_code code;   /* its code */
};

/* Connects: ERR_IO when no broker answers in time. @place must outlive it. */
struct sender *sender_new(const struct kafka_place *place, int64_t delivery_ms, struct err *reterr);
void sender_free(struct sender *s); /* NULL is fine; what is not acknowledged is given up */

/* Copies and queues. -1: the topic is not there or has another number of partitions, the event is refused, or an
 * earlier one has failed (later ones of its service must not overtake it). */
int sender_send(struct sender *s, const struct sender_message *m, struct err *reterr);
/* Waits up to @wait_ms for acknowledgements. Returns how many events are still on their way. */
int64_t sender_wait(struct sender *s, int wait_ms);
const struct sender_counts *sender_counts(const struct sender *s);

#endif

/* kafka_left.h - the queues of partitions that were given back, emptied before their client is destroyed.
 *
 * librdkafka 2.0.2: where a partition vanished from the cluster while it was assigned, an operation stays behind in the
 * partition's own queue and holds on to the partition, which holds on to the queue: rd_kafka_destroy() never returns
 * (mended in 2.1.1 and 2.6.1). Taking it out by hand opens the ring. That waits for the end: the queue of a partition
 * that is assigned again is the client's, with messages in it. Private to the kafka family of files. */
#ifndef TVB_IO_KAFKA_LEFT_H
#define TVB_IO_KAFKA_LEFT_H

#include <librdkafka/rdkafka.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct kafka_left_queue;

/* Zeroed is empty. At most one queue a partition, and one more for each time that it vanished. */
struct kafka_left {
    struct kafka_left_queue *queues;
    size_t n, cap;
};

/* Just before the partition is given back. @vanished: the cluster no longer has it; one of its name is another one. */
void kafka_left_add(struct kafka_left *l, rd_kafka_t *rk, const char *topic, int32_t partition, bool vanished);
/* After the last partition was given back, and before rd_kafka_destroy(). */
void kafka_left_fini(struct kafka_left *l, rd_kafka_t *rk);

#endif

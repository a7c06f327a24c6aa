/* kafka_ops.h - what tests do to a real broker besides consuming: topics, deleted records, transactions. Each call waits
 * for its end and exits the program with a message when it fails. */
#ifndef TESTS_KAFKA_OPS_H
#define TESTS_KAFKA_OPS_H

#include <stddef.h>
#include <stdint.h>

struct kafka_ops;

struct kafka_ops *kafka_ops_new(const char *brokers);
void kafka_ops_free(struct kafka_ops *o);

/* @config: "name=value" texts, ends with NULL; may be NULL. */
void kafka_ops_create(struct kafka_ops *o, const char *topic, int partitions, const char *const *config);
void kafka_ops_delete(struct kafka_ops *o, const char *topic);
/* The log of partition 0 starts at @offset from now on. */
void kafka_ops_delete_before(struct kafka_ops *o, const char *topic, int64_t offset);
/* @n messages of @bytes each to a partition, with the keys "k<i modulo keys>". */
void kafka_ops_produce(struct kafka_ops *o, const char *topic, int32_t partition, unsigned n, size_t bytes,
                       unsigned keys);
/* A tombstone for key "k<i>" in partition 0. */
void kafka_ops_tombstone(struct kafka_ops *o, const char *topic, unsigned i);

/* A transaction with @n messages in partition 0 that is committed, aborted, or left open until kafka_ops_free(). */
enum kafka_ops_end { KAFKA_COMMIT, KAFKA_ABORT, KAFKA_LEAVE_OPEN };
void kafka_ops_transaction(struct kafka_ops *o, const char *topic, unsigned n, enum kafka_ops_end end);

#endif

/* mock_kafka.h - librdkafka's mock cluster in this process, for tests. */
#ifndef TESTS_MOCK_KAFKA_H
#define TESTS_MOCK_KAFKA_H

#include <stddef.h>

struct mock_kafka;

/* One broker; aborts the test when it cannot be made. */
struct mock_kafka *mock_kafka_new(void);
void mock_kafka_free(struct mock_kafka *m);
const char *mock_kafka_brokers(const struct mock_kafka *m);
void mock_kafka_topic(struct mock_kafka *m, const char *name, int partitions);
/* The next @count requests of this kind (the Kafka protocol's number) fail with this error (the protocol's number). */
void mock_kafka_fail(struct mock_kafka *m, int api_key, int error, size_t count);
/* Answers take this long from now on. */
void mock_kafka_delay(struct mock_kafka *m, int rtt_ms);

#endif

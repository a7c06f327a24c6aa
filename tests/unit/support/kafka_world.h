/* kafka_world.h - a mock cluster with one topic, a loop, and the settings of a small installation on it, for tests. */
#ifndef TESTS_KAFKA_WORLD_H
#define TESTS_KAFKA_WORLD_H

#include "support/kafka_member.h"
#include "support/mock_kafka.h"

struct world {
    struct mock_kafka *kafka;
    struct loop *loop;
    struct settings settings;
    struct settings_provider provider;
};

struct world world_new(const char *topic, int partitions);
void world_free(struct world *w);

#endif

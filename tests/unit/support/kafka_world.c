#include "support/kafka_world.h"

struct world world_new(const char *topic, int partitions)
{
    struct world w = {.kafka = mock_kafka_new(), .loop = loop_new(NULL)};
    mock_kafka_topic(w.kafka, topic, partitions);
    member_settings(&w.settings, &w.provider, mock_kafka_brokers(w.kafka));
    return w;
}

void world_free(struct world *w)
{
    loop_free(w->loop);
    mock_kafka_free(w->kafka);
}

#include "support/mock_kafka.h"

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <stdio.h>
#include <stdlib.h>

struct mock_kafka {
    rd_kafka_t *rk;
    rd_kafka_mock_cluster_t *cluster;
};

struct mock_kafka *mock_kafka_new(void)
{
    char why[256];
    struct mock_kafka *m = calloc(1, sizeof *m);
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set(conf, "log_level", "0", why, sizeof why);
    if (m)
        m->rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof why);
    if (m && m->rk)
        m->cluster = rd_kafka_mock_cluster_new(m->rk, 1);
    if (m == NULL || m->cluster == NULL) {
        fprintf(stderr, "no mock cluster\n");
        abort();
    }
    return m;
}

void mock_kafka_free(struct mock_kafka *m)
{
    rd_kafka_mock_cluster_destroy(m->cluster);
    rd_kafka_destroy(m->rk);
    free(m);
}

const char *mock_kafka_brokers(const struct mock_kafka *m)
{
    return rd_kafka_mock_cluster_bootstraps(m->cluster);
}

void mock_kafka_topic(struct mock_kafka *m, const char *name, int partitions)
{
    rd_kafka_mock_topic_create(m->cluster, name, partitions, 1);
}

void mock_kafka_fail(struct mock_kafka *m, int api_key, int error, size_t count)
{
    for (size_t i = 0; i < count; i++)
        rd_kafka_mock_push_request_errors(m->cluster, (int16_t)api_key, 1, (rd_kafka_resp_err_t)error);
}

void mock_kafka_delay(struct mock_kafka *m, int rtt_ms)
{
    rd_kafka_mock_broker_set_rtt(m->cluster, 1, rtt_ms);
}

/* load_publish.c - the backlog: events of exactly 512 bytes, the services in turn, as fast as Kafka takes them. */
#include "load.h"

#include <stdio.h>
#include <string.h>

void load_event_make(const struct load *l, char kind, uint64_t service, uint64_t sequence, struct load_event *ret)
{
    /* Each has a field that no other has: none is superseded by a later one, and each makes its call. */
    static const char type[] = "contract.unblocked";
    ret->key_len = (size_t)snprintf(ret->key, sizeof(ret->key), "%c%llu", kind, (unsigned long long)service);
    int n = snprintf(ret->value, sizeof(ret->value),
                     "{\"specversion\":\"1.0\",\"id\":\"%s-%llu\",\"source\":\"/bench\",\"type\":\"tvbridge.%s\","
                     "\"subject\":\"%s\",\"time\":\"2026-11-22T10:00:00Z\",\"datacontenttype\":\"application/json\","
                     "\"provider\":\"%s\",\"sequence\":\"%llu\",\"data\":{\"reason\":\"delinquency\",\"scope\":\"total\","
                     "\"extra\":{\"turn_%llu\":\"x\"},\"note\":\"",
                     ret->key, (unsigned long long)sequence, type, ret->key, l->provider, (unsigned long long)sequence,
                     (unsigned long long)sequence);
    static const char end[] = "\"}}";
    size_t padding = LOAD_EVENT_BYTES - (size_t)n - (sizeof(end) - 1);
    for (size_t i = 0; i < padding; i++)
        ret->value[(size_t)n + i] = "a long note about the contract "[i % 31];
    memcpy(ret->value + LOAD_EVENT_BYTES - (sizeof(end) - 1), end, sizeof(end));
}

static void on_delivery(rd_kafka_t *rk, const rd_kafka_message_t *m, void *opaque)
{
    (void)rk, (void)opaque;
    if (m->err != RD_KAFKA_RESP_ERR_NO_ERROR)
        ++*(uint64_t *)m->_private;
}

/* Waits while the queue is full. */
static rd_kafka_resp_err_t produce(rd_kafka_t *rk, const struct load *l, struct load_event *e, uint64_t *failed)
{
    rd_kafka_resp_err_t err;
    while ((err = rd_kafka_producev(rk, RD_KAFKA_V_TOPIC(l->events_topic), RD_KAFKA_V_KEY(e->key, e->key_len),
                                    RD_KAFKA_V_VALUE(e->value, LOAD_EVENT_BYTES),
                                    RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_OPAQUE(failed),
                                    RD_KAFKA_V_END)) == RD_KAFKA_RESP_ERR__QUEUE_FULL)
        rd_kafka_poll(rk, 100);
    return err;
}

int load_publish(const struct load *l)
{
    static const char *const properties[] = {"acks", "all", "enable.idempotence", "true", "linger.ms", "20",
                                             "partitioner", "murmur2_random", "queue.buffering.max.messages",
                                             "200000", NULL};
    rd_kafka_t *rk = load_client(l, RD_KAFKA_PRODUCER, properties, on_delivery);
    if (rk == NULL)
        return 1;

    uint64_t failed = 0;
    int64_t from = load_now_ns();
    for (uint64_t i = 0; i < l->events; i++) {
        struct load_event e;
        load_event_make(l, 's', i % l->services, i / l->services + 1, &e);
        failed += produce(rk, l, &e, &failed) != RD_KAFKA_RESP_ERR_NO_ERROR;
        rd_kafka_poll(rk, 0);
    }
    failed += rd_kafka_flush(rk, (int)l->timeout_s * 1000) != RD_KAFKA_RESP_ERR_NO_ERROR;
    rd_kafka_destroy(rk);
    printf("{\"published\":%llu,\"failed\":%llu,\"seconds\":%.3f}\n", (unsigned long long)l->events,
           (unsigned long long)failed, (double)(load_now_ns() - from) / 1e9);
    return failed == 0 ? 0 : 1;
}

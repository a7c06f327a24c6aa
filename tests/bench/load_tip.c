/* load_tip.c - how long one event takes on an idle system: publish it, wait for its outcome, pause, again. */
#include "load.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Reads outcomes until that of t<@service> comes; its time, or 0 when it does not within the time-out. */
static int64_t await_outcome(rd_kafka_t *reader, uint64_t service, int64_t until)
{
    int64_t at = 0;
    while (at == 0 && load_now_ns() < until) {
        struct load_outcome o;
        rd_kafka_message_t *m = rd_kafka_consumer_poll(reader, 200);
        int64_t now = load_now_ns();
        if (m == NULL)
            continue;
        if (m->err == RD_KAFKA_RESP_ERR_NO_ERROR && load_outcome_read(m->payload, m->len, &o) &&
            o.kind_of_service == 't' && o.service == service && o.is_final)
            at = now;
        rd_kafka_message_destroy(m);
    }
    return at;
}

static bool one_tip(const struct load *l, rd_kafka_t *writer, rd_kafka_t *reader, uint64_t service)
{
    struct load_event e;
    load_event_make(l, 't', service, 1, &e);
    int64_t from = load_now_ns();
    if (rd_kafka_producev(writer, RD_KAFKA_V_TOPIC(l->events_topic), RD_KAFKA_V_KEY(e.key, e.key_len),
                          RD_KAFKA_V_VALUE(e.value, LOAD_EVENT_BYTES), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
                          RD_KAFKA_V_END) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return false;
    int64_t at = await_outcome(reader, service, from + (int64_t)l->timeout_s * 1000000000);
    if (at == 0)
        return false;
    printf("tip %llu %lld %lld\n", (unsigned long long)service, (long long)from, (long long)at);
    rd_kafka_poll(writer, 0);
    return true;
}

/* Prints "tip N PUBLISHED_NS OUTCOME_NS" for each event; the sink prints when the request came. */
int load_tip(const struct load *l)
{
    static const char *const properties[] = {"acks", "all", "linger.ms", "0", "partitioner", "murmur2_random", NULL};
    rd_kafka_t *writer = load_client(l, RD_KAFKA_PRODUCER, properties, NULL);
    rd_kafka_t *reader = writer != NULL ? load_outcomes_reader(l, true) : NULL;
    if (reader == NULL || load_partitions(writer, l->events_topic) == 0)
        return 1;
    rd_kafka_consumer_poll(reader, 1000); /* the reader stands at the end before the first event leaves */
    bool ok = true;
    for (uint64_t i = 0; ok && i < l->events; i++) {
        ok = one_tip(l, writer, reader, i);
        /* Not in step with anybody's timer: 50 % to 150 % of the interval. */
        usleep((useconds_t)(l->interval_ms * (500 + i * 7919 % 1000)));
    }
    if (!ok)
        fprintf(stderr, "bench-load: a tip event got no outcome\n");
    rd_kafka_flush(writer, 1000);
    rd_kafka_destroy(writer);
    rd_kafka_destroy(reader);
    return ok ? 0 : 1;
}

/* load.h - the benchmark's Kafka side: what the modes of bench-load share. */
#ifndef TVB_BENCH_LOAD_H
#define TVB_BENCH_LOAD_H

#include <librdkafka/rdkafka.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { LOAD_EVENT_BYTES = 512 };

struct load {
    const char *brokers, *events_topic, *outcomes_topic, *provider;
    uint64_t events, services;
    unsigned timeout_s, interval_ms;
};

/* The modes; each returns the program's exit status. */
int load_publish(const struct load *l);  /* load_publish.c */
int load_wait(const struct load *l);     /* load_wait.c */
int load_outcomes(const struct load *l); /* load_wait.c */
int load_tip(const struct load *l);      /* load_tip.c */

int64_t load_now_ns(void); /* CLOCK_MONOTONIC, as the sink's */

typedef void load_delivered_fn(rd_kafka_t *rk, const rd_kafka_message_t *m, void *opaque);
/* A client; NULL after a line on stderr. @properties: name, value, ..., NULL. @delivered may be NULL. */
rd_kafka_t *load_client(const struct load *l, rd_kafka_type_t type, const char *const *properties,
                        load_delivered_fn *delivered);
/* How many partitions @topic has; 0 after a line on stderr. */
int load_partitions(rd_kafka_t *rk, const char *topic);
/* A consumer of all partitions of the outcomes topic, from their beginning or their present end. */
rd_kafka_t *load_outcomes_reader(const struct load *l, bool from_end);

/* Event @sequence of service <kind><number>: its id is "<kind><number>-<sequence>", its value LOAD_EVENT_BYTES long. */
struct load_event {
    char key[24];
    size_t key_len;
    char value[LOAD_EVENT_BYTES + 1];
};
void load_event_make(const struct load *l, char kind, uint64_t service, uint64_t sequence, struct load_event *ret);

struct load_outcome {
    char kind_of_service;   /* 's' or 't' */
    uint64_t service, sequence;
    char kind[16];
    bool is_final;
};
/* False: not an outcome of one of our events. */
bool load_outcome_read(const void *value, size_t len, struct load_outcome *ret); /* load_outcome.c */

#endif

/* load_wait.c - waits, cheaply, until as many outcomes are there as events; then reads and counts them all. */
#include "load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LOOK_EVERY_MS = 20, KINDS = 16 };

/* The sum of the partitions' ends; -1 when a broker does not answer. One request to a broker for all of them, since what this
 * costs is taken from what is measured. */
static int64_t outcomes_there(rd_kafka_t *rk, const struct load *l, int partitions)
{
    rd_kafka_topic_partition_list_t *ends = rd_kafka_topic_partition_list_new(partitions);
    for (int p = 0; p < partitions; p++)
        rd_kafka_topic_partition_list_add(ends, l->outcomes_topic, p)->offset = RD_KAFKA_OFFSET_END;
    bool good = rd_kafka_offsets_for_times(rk, ends, 5000) == RD_KAFKA_RESP_ERR_NO_ERROR;
    int64_t sum = 0;
    for (int p = 0; p < partitions && good; p++) {
        good = ends->elems[p].err == RD_KAFKA_RESP_ERR_NO_ERROR && ends->elems[p].offset >= 0;
        sum += ends->elems[p].offset;
    }
    rd_kafka_topic_partition_list_destroy(ends);
    return good ? sum : -1;
}

/* Prints "outcomes NS" when --events outcomes were written, "timeout" when they were not. */
int load_wait(const struct load *l)
{
    static const char *const none[] = {NULL};
    rd_kafka_t *rk = load_client(l, RD_KAFKA_PRODUCER, none, NULL);
    int partitions = rk != NULL ? load_partitions(rk, l->outcomes_topic) : 0;
    int64_t until = load_now_ns() + (int64_t)l->timeout_s * 1000000000;
    bool there = false;
    while (partitions > 0 && !there && load_now_ns() < until) {
        there = outcomes_there(rk, l, partitions) >= (int64_t)l->events;
        if (!there)
            usleep(LOOK_EVERY_MS * 1000);
    }
    if (there)
        printf("outcomes %lld\n", (long long)load_now_ns());
    else
        puts("timeout");
    if (rk != NULL)
        rd_kafka_destroy(rk);
    return there ? 0 : 1;
}

struct tally {
    uint8_t *finals; /* how many final outcomes by event */
    uint64_t unknown, notices, repeated;
    struct {
        char name[16];
        uint64_t n;
    } kinds[KINDS];
};

static void tally_kind(struct tally *t, const char *kind)
{
    for (size_t i = 0; i < KINDS; i++) {
        if (t->kinds[i].n == 0)
            snprintf(t->kinds[i].name, sizeof(t->kinds[i].name), "%s", kind);
        if (strcmp(t->kinds[i].name, kind) == 0) {
            t->kinds[i].n++;
            return;
        }
    }
}

static void tally_message(struct tally *t, const struct load *l, const rd_kafka_message_t *m)
{
    struct load_outcome o;
    if (!load_outcome_read(m->payload, m->len, &o)) {
        t->unknown++;
        return;
    }
    if (o.kind_of_service != 's')
        return;
    uint64_t event = (o.sequence - 1) * l->services + o.service;
    tally_kind(t, o.kind);
    if (!o.is_final)
        t->notices++;
    else if (event >= l->events)
        t->unknown++;
    else if (t->finals[event]++ > 0)
        t->repeated++;
}

static void tally_print(const struct tally *t, const struct load *l)
{
    uint64_t missing = 0;
    for (uint64_t i = 0; i < l->events; i++)
        missing += t->finals[i] == 0;
    printf("{\"missing\":%llu,\"repeated\":%llu,\"unknown\":%llu,\"notices\":%llu,\"kinds\":{",
           (unsigned long long)missing, (unsigned long long)t->repeated, (unsigned long long)t->unknown,
           (unsigned long long)t->notices);
    for (size_t i = 0; i < KINDS && t->kinds[i].n > 0; i++)
        printf("%s\"%s\":%llu", i > 0 ? "," : "", t->kinds[i].name, (unsigned long long)t->kinds[i].n);
    puts("}}");
}

/* Prints one JSON line: events without a final outcome, with more than one, and how many of each kind. */
int load_outcomes(const struct load *l)
{
    struct tally t = {.finals = calloc(l->events, 1)};
    rd_kafka_t *rk = load_outcomes_reader(l, false);
    int partitions = rk != NULL ? load_partitions(rk, l->outcomes_topic) : 0;
    int64_t want = rk != NULL ? outcomes_there(rk, l, partitions) : 0, seen = 0;
    int64_t until = load_now_ns() + (int64_t)l->timeout_s * 1000000000;
    while (t.finals != NULL && seen < want && load_now_ns() < until) {
        rd_kafka_message_t *m = rd_kafka_consumer_poll(rk, 1000);
        if (m == NULL)
            continue;
        if (m->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
            seen++;
            tally_message(&t, l, m);
        }
        rd_kafka_message_destroy(m);
    }
    if (rk == NULL || t.finals == NULL || seen < want) {
        fprintf(stderr, "bench-load: read %lld of %lld outcomes\n", (long long)seen, (long long)want);
        return 1;
    }
    tally_print(&t, l);
    rd_kafka_destroy(rk);
    free(t.finals);
    return 0;
}

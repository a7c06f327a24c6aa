/* What one message costs: bench-kafka BROKERS TOPIC [MESSAGES]. The topic exists and is empty. Prints CPU us a message of
 * the calling thread and of the whole process (librdkafka's threads too), first producing, then consuming. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "base/clock.h"
#include "support/kafka_member.h"

#define VALUE_BYTES 512

static double seconds(clockid_t id)
{
    struct timespec t;
    clock_gettime(id, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

struct lap {
    double thread_s, process_s, wall_s;
};

static struct lap lap_start(void)
{
    return (struct lap){seconds(CLOCK_THREAD_CPUTIME_ID), seconds(CLOCK_PROCESS_CPUTIME_ID), seconds(CLOCK_MONOTONIC)};
}

static void lap_print(const struct lap *from, const char *what, size_t n)
{
    struct lap to = lap_start();
    struct rusage use;
    getrusage(RUSAGE_SELF, &use);
    printf("%-8s %8.0f msg/s  %6.2f us/msg caller  %6.2f us/msg process  peak %ld MB\n", what,
           (double)n / (to.wall_s - from->wall_s), (to.thread_s - from->thread_s) * 1e6 / (double)n,
           (to.process_s - from->process_s) * 1e6 / (double)n, use.ru_maxrss / 1024);
}

struct run {
    struct producer *p;
    struct member *m;
    struct acks acks;
    const char *topic;
    size_t wanted, sent;
    int32_t partitions;
    bool pausing; /* all partitions are paused and resumed now and then, as at a full window */
    size_t next_pause;
};

/* As an engine does it: a batch a turn. */
static bool send_more(void *arg)
{
    static const char value[VALUE_BYTES] = "{\"specversion\":\"1.0\"}";
    struct run *r = arg;
    for (int i = 0; i < 500 && r->sent < r->wanted; i++) {
        char key[16];
        int len = snprintf(key, sizeof key, "%zu", r->sent % 20000);
        struct producer_message m = {.topic = r->topic, .partition = (int32_t)(r->sent % (size_t)r->partitions),
                                     .key = key, .key_len = (size_t)len, .value = value, .value_len = sizeof value};
        if (producer_send(r->p, &m, count_ack, &r->acks, NULL) < 0)
            break;
        r->sent++;
    }
    return r->acks.ok + r->acks.failed == r->wanted;
}

static bool has_all(void *arg)
{
    struct run *r = arg;
    if (r->pausing && r->m->delivered >= r->next_pause) {
        for (int32_t i = 0; i < r->partitions; i++)
            consumer_pause(r->m->consumer, i);
        for (int32_t i = 0; i < r->partitions; i++)
            consumer_resume(r->m->consumer, i);
        r->next_pause = r->m->delivered + 25000;
    }
    return r->m->delivered >= r->wanted;
}

int main(int argc, char **argv)
{
    if (argc < 3)
        return fprintf(stderr, "usage: bench-kafka BROKERS TOPIC [MESSAGES]\n"), 2;
    struct settings s;
    struct settings_provider p;
    member_settings(&s, &p, argv[1]);
    struct loop *l = loop_new(NULL);
    struct run r = {.topic = argv[2], .wanted = argc > 3 ? strtoul(argv[3], NULL, 10) : 200000};
    r.partitions = kafka_topic_partitions(&s, r.topic, 10000, NULL);
    if (r.partitions < 1)
        return fprintf(stderr, "no topic %s\n", r.topic), 1;

    struct lap lap = lap_start();
    r.p = producer_new(l, &s, 30000, NULL, NULL, NULL);
    while (!run_until(l, send_more, &r, 60000)) {
    }
    lap_print(&lap, "produce", r.wanted);
    producer_free(r.p, 1000);
    for (int i = 0; i < 2; i++) {
        r.pausing = i == 1;
        r.m = member_new(l, &s, &p, r.topic, i == 0 ? "bench.a" : "bench.b", 0);
        (void)run_until(l, member_has_assignment, r.m, 60000);
        lap = lap_start();
        (void)run_until(l, has_all, &r, 120000);
        if (r.m->out_of_order > 0)
            printf("OUT OF ORDER: %zu\n", r.m->out_of_order);
        lap_print(&lap, r.pausing ? "pausing" : "consume", r.m->delivered);
        member_free(r.m);
    }
    loop_free(l);
    return 0;
}

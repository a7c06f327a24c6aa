/* race_metrics.c - each set of metrics is written by one thread while another renders all: nothing is lost, and a
 * counter never goes back. */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/metrics.h"
#include "support/race.h"

#define WRITERS 4
#define ROUNDS 200000
#define KINDS 100

struct shared {
    struct metrics *sets[WRITERS];
    _Atomic int writing;
    _Atomic int renders;
};

static void write_set(struct shared *s, struct metrics *m)
{
    struct metric *done = metrics_counter(m, "t_done_total", "h", "");
    struct metric *open = metrics_gauge(m, "t_open", "h", "");
    struct metric *took = metrics_histogram(m, "t_took_seconds", "h", "");
    for (int i = 0; i < ROUNDS; i++) {
        metric_add(done, 1);
        metric_set(open, i);
        metric_observe_ns(took, (int64_t)i * 1000);
        if (i % (ROUNDS / KINDS) == 0) { /* a series that is new while the set is rendered */
            char labels[40];
            snprintf(labels, sizeof(labels), "kind=\"%d\"", i / (ROUNDS / KINDS));
            metric_add(metrics_counter(m, "t_kinds_total", "h", labels), 1);
        }
    }
    atomic_fetch_sub(&s->writing, 1);
}

static long long counter_of(struct shared *s, const char *name)
{
    struct buf out;
    buf_init(&out, 1024 * 1024);
    metrics_render(s->sets, WRITERS, &out);
    race_expect(buf_ok(&out), "the text did not fit");
    char head[64];
    snprintf(head, sizeof(head), "\n%s ", name);
    const char *at = strstr(buf_cstr(&out), head);
    long long v = at != NULL ? atoll(at + strlen(head)) : 0;
    buf_fini(&out);
    return v;
}

static void render(struct shared *s)
{
    long long before = 0;
    while (atomic_load(&s->writing) > 0) {
        long long now = counter_of(s, "t_done_total");
        race_expect(now >= before, "a counter went from %lld back to %lld", before, now);
        before = now;
        atomic_fetch_add(&s->renders, 1);
    }
}

static void run(void *arg, int thread)
{
    struct shared *s = arg;
    if (thread < WRITERS)
        write_set(s, s->sets[thread]);
    else
        render(s);
}

int main(void)
{
    struct shared s = {.writing = WRITERS};
    for (int i = 0; i < WRITERS; i++) {
        s.sets[i] = metrics_new();
        race_need(s.sets[i] != NULL, "no memory");
    }
    race_run(WRITERS + 1, run, &s);
    race_expect(counter_of(&s, "t_done_total") == (long long)WRITERS * ROUNDS, "a counter lost something");
    race_expect(counter_of(&s, "t_took_seconds_count") == (long long)WRITERS * ROUNDS, "a histogram lost something");
    race_expect(counter_of(&s, "t_kinds_total{kind=\"99\"}") == WRITERS, "a series is missing");
    for (int i = 0; i < WRITERS; i++)
        metrics_free(s.sets[i]);
    return race_end("%d threads wrote a set of metrics each, %d rounds; one rendered all of them %d times", WRITERS,
                    ROUNDS, atomic_load(&s.renders));
}

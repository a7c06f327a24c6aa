/* race.c - see race.h. */
#include "support/race.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#define SHOWN_MAX 20

static _Atomic int failures;

struct runner {
    pthread_t id;
    pthread_barrier_t *start;
    race_fn *fn;
    void *arg;
    int thread;
};

static void *run_one(void *arg)
{
    const struct runner *r = arg;
    pthread_barrier_wait(r->start);
    r->fn(r->arg, r->thread);
    return NULL;
}

void race_run(int n, race_fn *fn, void *arg)
{
    struct runner runners[RACE_THREADS_MAX];
    pthread_barrier_t start;
    race_need(n <= RACE_THREADS_MAX, "too many threads: %d", n);
    pthread_barrier_init(&start, NULL, (unsigned)n);
    for (int i = 0; i < n; i++) {
        runners[i] = (struct runner){.start = &start, .fn = fn, .arg = arg, .thread = i};
        race_need(pthread_create(&runners[i].id, NULL, run_one, &runners[i]) == 0, "no thread");
    }
    for (int i = 0; i < n; i++)
        pthread_join(runners[i].id, NULL);
    pthread_barrier_destroy(&start);
}

ATTR_PRINTF(2, 0)
static void print_line(const char *head, const char *fmt, va_list ap)
{
    char text[400];
    vsnprintf(text, sizeof(text), fmt, ap);
    printf("%s%s\n", head, text);
}

void race_expect(bool ok, const char *fmt, ...)
{
    if (ok || atomic_fetch_add(&failures, 1) >= SHOWN_MAX)
        return;
    va_list ap;
    va_start(ap, fmt);
    print_line("FAIL ", fmt, ap);
    va_end(ap);
}

void race_need(bool ok, const char *fmt, ...)
{
    if (ok)
        return;
    va_list ap;
    va_start(ap, fmt);
    print_line("cannot go on: ", fmt, ap);
    va_end(ap);
    exit(2);
}

int race_end(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    print_line("", fmt, ap);
    va_end(ap);
    printf("%d failed\n", atomic_load(&failures));
    return atomic_load(&failures) == 0 ? 0 : 1;
}

/* bench_redis.c - CPU of one event's two round trips to Redis: CLAIM and DECIDE, M events under way.
 *
 *   bench-redis [events] [under way] [host:port]
 * Starts a redis-server of its own where none is given. Prints microseconds an event, of this process and of Redis. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "io/redis.h"
#include "../unit/support/redis_server.h"

#define SERVICES 20000

struct job {
    struct bench *bench;
    char service[16], key[72], id[24], order[40], fence[32];
};

struct bench {
    struct loop *loop;
    struct redis *redis;
    struct redis_server *server;
    struct job *jobs;
    unsigned under_way, running;
    unsigned long next, total, done, bad;
};

static const char axes[1][72] = {"block"};
static const char fingerprint[] = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
static const char record[] = "{\"service\":\"70001\",\"status\":\"active\","
                             "\"axes\":{\"block\":{\"value\":\"blocked\",\"order\":"
                             "\"000000-000000000000000017-000000\"}},"
                             "\"packages\":[\"1\",\"2\",\"3\"],\"ids\":{\"account\":\"70001\"}}";
static const char facts[] = "{\"kind\":\"applied\",\"attempts\":1,\"round\":1,\"status\":200,\"answer\":\"OK\"}";

static void start(struct job *j);

static void on_decided(void *arg, enum redis_result res)
{
    struct job *j = arg;
    struct bench *b = j->bench;
    b->bad += res != REDIS_OK;
    b->done++;
    b->running--;
    if (b->next < b->total)
        start(j);
    else if (b->running == 0)
        loop_stop(b->loop);
}

static void on_claimed(void *arg, const struct claim_reply *r)
{
    struct job *j = arg;
    j->bench->bad += r->state != CLAIM_FRESH;
    snprintf(j->fence, sizeof(j->fence), "%s", r->fence);
    struct decide_request d = {.service = j->service,
                               .event_key = j->key,
                               .event_id = j->id,
                               .fence = j->fence,
                               .outcome = facts,
                               .outcome_len = sizeof(facts) - 1,
                               .record = record,
                               .record_len = sizeof(record) - 1,
                               .order = j->order,
                               .order_by = ORDER_BY_SEQUENCE,
                               .axes = axes,
                               .axis_count = 1};
    if (redis_decide(j->bench->redis, &d, on_decided, j))
        abort();
}

static void start(struct job *j)
{
    struct bench *b = j->bench;
    unsigned long n = b->next++;
    snprintf(j->service, sizeof(j->service), "7%05lu", n % SERVICES);
    snprintf(j->key, sizeof(j->key), "%064lx", n);
    snprintf(j->id, sizeof(j->id), "bill-%lu", n);
    snprintf(j->order, sizeof(j->order), "000000-%018lu-000000", n + 1);
    struct claim_request c = {.service = j->service,
                              .event_key = j->key,
                              .event_id = j->id,
                              .fingerprint = fingerprint,
                              .order = j->order,
                              .order_by = ORDER_BY_SEQUENCE,
                              .axes = axes,
                              .axis_count = 1};
    b->running++;
    if (redis_claim(b->redis, &c, on_claimed, j))
        abort();
}

static void on_event(void *arg, enum redis_event ev, const char *why)
{
    struct bench *b = arg;
    if (ev == REDIS_UP)
        loop_stop(b->loop);
    else if (ev == REDIS_DOWN)
        fprintf(stderr, "redis: %s\n", why);
}

static double cpu_us(const struct rusage *r)
{
    return (double)(r->ru_utime.tv_sec + r->ru_stime.tv_sec) * 1e6 + (double)(r->ru_utime.tv_usec + r->ru_stime.tv_usec);
}

static double redis_cpu_us(struct redis_server *s)
{
    const char *info = s ? redis_server_ask(s, "INFO cpu") : "";
    const char *sys = strstr(info, "used_cpu_sys:"), *user = strstr(info, "used_cpu_user:");
    return sys && user ? (strtod(sys + 13, NULL) + strtod(user + 14, NULL)) * 1e6 : 0;
}

static void measure(struct bench *b, unsigned long events)
{
    struct rusage before, after;
    b->total = b->next + events;
    b->done = b->bad = 0;
    double redis_before = redis_cpu_us(b->server);
    int64_t began = clock_mono_ns();
    getrusage(RUSAGE_SELF, &before);
    for (unsigned i = 0; i < b->under_way && b->next < b->total; i++)
        start(&b->jobs[i]);
    loop_run(b->loop);
    getrusage(RUSAGE_SELF, &after);
    double n = (double)events;
    printf("events=%lu under_way=%u bad=%lu events_per_s=%.0f user_us=%.2f sys_us=%.2f cpu_us=%.2f redis_cpu_us=%.2f\n",
           b->done, b->under_way, b->bad, n * 1e9 / (double)(clock_mono_ns() - began),
           ((double)(after.ru_utime.tv_sec - before.ru_utime.tv_sec) * 1e6 +
            (double)(after.ru_utime.tv_usec - before.ru_utime.tv_usec)) / n,
           ((double)(after.ru_stime.tv_sec - before.ru_stime.tv_sec) * 1e6 +
            (double)(after.ru_stime.tv_usec - before.ru_stime.tv_usec)) / n,
           (cpu_us(&after) - cpu_us(&before)) / n, (redis_cpu_us(b->server) - redis_before) / n);
}

int main(int argc, char **argv)
{
    unsigned long events = argc > 1 ? strtoul(argv[1], NULL, 10) : 200000;
    struct bench b = {.under_way = argc > 2 ? (unsigned)atoi(argv[2]) : 100};
    struct redis_options o = {.timeout_ms = 5000, .prefix = "tvbridge:", .provider = "stalker", .owner = "w1/1",
                              .lease_ms = 20000, .id_memory_ms = 604800000, .host = "127.0.0.1"};
    struct err err = {0};
    if (argc > 3) {
        char *colon = strchr(argv[3], ':');
        *colon = '\0';
        o.host = argv[3];
        o.port = atoi(colon + 1);
    } else {
        b.server = redis_server_start(NULL);
        o.port = redis_server_port(b.server);
    }
    b.loop = loop_new(&err);
    b.jobs = calloc(b.under_way, sizeof(*b.jobs));
    b.redis = redis_new(b.loop, &o, on_event, &b, &err);
    for (unsigned i = 0; i < b.under_way; i++)
        b.jobs[i].bench = &b;
    loop_run(b.loop);
    measure(&b, events);
    redis_free(b.redis);
    loop_free(b.loop);
    free(b.jobs);
    if (b.server)
        redis_server_stop(b.server);
    return b.bad > 0;
}

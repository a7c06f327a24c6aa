/* bench_schema.c - CPU of validating one event of 512 bytes: the envelope's schema and its type's.
 *
 * Usage: bench_schema [ROUNDS]. Prints nanoseconds of CPU for each validation (both schemas). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "contract/schema.h"

static const char event[] =
    "{\"specversion\":\"1.0\",\"id\":\"3f0c9a52-7d1e-4f6b-9a35-2f1f6f0f8c11\",\"source\":\"/"
    "billing/abills/main\","
    "\"type\":\"tvbridge.package.added\",\"subject\":\"70001\",\"provider\":\"stalker\","
    "\"sequence\":\"1048577\","
    "\"time\":\"2026-11-22T10:00:00.000Z\",\"partitionkey\":\"70001\",\"datacontenttype\":"
    "\"application/json\","
    "\"traceparent\":\"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\","
    "\"data\":{\"packages\":[{\"id\":\"1203\",\"valid_from\":\"2026-11-22T00:00:00Z\",\"valid_to\":"
    "\"2026-12-22T00:00:00Z\","
    "\"price\":\"12.50\",\"currency\":\"EUR\"}],\"extra\":{\"note\":\"x1\"}}}";

static int64_t cpu_ns(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
    return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static struct schema *load(const char *name)
{
    char path[4096];
    struct err e;
    snprintf(path, sizeof(path), "%s/%s", schema_dir(NULL), name);
    struct schema *s = schema_load(path, &e);
    if (s == NULL)
        fprintf(stderr, "%s\n", e.msg);
    return s;
}

/* CPU ns of one validation, the best of ten rounds; -1 when the event is refused. */
static double measure(const struct schema *envelope, const struct schema *data, const json_t *v,
                      long rounds)
{
    double best = -1;
    struct fault f;
    for (int turn = 0; turn < 10; turn++) {
        int64_t from = cpu_ns();
        for (long i = 0; i < rounds; i++) {
            if (!schema_check(envelope, v, &f) ||
                !schema_check(data, json_object_get(v, "data"), &f)) {
                fprintf(stderr, "refused: %s: %s\n", f.pointer, f.reason);
                return -1;
            }
        }
        double each = (double)(cpu_ns() - from) / (double)rounds;
        if (best < 0 || each < best)
            best = each;
    }
    return best;
}

int main(int argc, char **argv)
{
    long rounds = argc > 1 ? strtol(argv[1], NULL, 10) : 100000;
    struct schema *envelope = load("event.schema.json"),
                  *data = load("events/package.added.schema.json");
    json_t *v = json_loads(event, 0, NULL);
    double ns = envelope != NULL && data != NULL && v != NULL && rounds > 0
                    ? measure(envelope, data, v, rounds)
                    : -1;
    printf("event_bytes=%zu ns_per_validation=%.0f\n", strlen(event), ns);
    json_decref(v);
    schema_free(envelope);
    schema_free(data);
    return ns < 0;
}

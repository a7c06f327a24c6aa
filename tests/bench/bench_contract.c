/* bench_contract.c - what the contract costs: CPU ns for one 512-byte contract.blocked event, decoded, validated,
 * fingerprinted and its axes found, and for the outcome that answers it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "contract/event.h"
#include "contract/outcome.h"
#include "contract/schema.h"

#define EVENT_BYTES 512

static double cpu_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* A structured event, its note filled up to EVENT_BYTES. */
static size_t make_event(char *text, size_t size)
{
    static const char head[] =
        "{\"specversion\":\"1.0\",\"id\":\"bill-2026-000001\",\"source\":\"/billing/"
        "main\",\"type\":\"tvbridge.contract.blocked\","
        "\"subject\":\"70001\",\"time\":\"2026-11-22T10:00:00Z\",\"datacontenttype\":\"application/"
        "json\",\"provider\":\"stalker\","
        "\"sequence\":\"101\",\"traceparent\":\"00-4bf92f3577b34da6a3ce929d0e0e4736-"
        "00f067aa0ba902b7-01\","
        "\"data\":{\"reason\":\"delinquency\",\"scope\":\"total\",\"note\":\"";
    static const char note[] = "invoice 4711 is 30 days late; ";
    int n = snprintf(text, size, "%s", head);
    for (; n < EVENT_BYTES - 3; n++)
        text[n] = note[n % (int)(sizeof(note) - 1)];
    memcpy(text + n, "\"}}", 4);
    return (size_t)n + 3;
}

static void fail(const char *why)
{
    fprintf(stderr, "bench-contract: %s\n", why);
    exit(1);
}

static double decode_ns(const struct event_schemas *s, const struct event_message *m, long rounds)
{
    static struct event e; /* reused, as a worker's jobs are */
    struct fault f;
    double from = cpu_ns();
    for (long i = 0; i < rounds; i++) {
        if (event_decode(s, m, &e, &f) != 0)
            fail(f.reason);
        event_fini(&e);
    }
    return (cpu_ns() - from) / (double)rounds;
}

static double encode_ns(const struct event *e, const char *record, long rounds)
{
    struct outcome o = {.kind = OUTCOME_APPLIED,
                        .attempts = 1,
                        .round = 1,
                        .status = 200,
                        .answer = "{\"status\":\"OK\",\"results\":true}"};
    struct outcome_place at = {.partition = 4,
                               .offset = 1812,
                               .order = {.number = 101},
                               .fence = "1795342800000001",
                               .now_ms = 1795341601250};
    struct buf out;
    buf_init(&out, 1 << 20);
    double from = cpu_ns();
    for (long i = 0; i < rounds; i++) {
        buf_reset(&out);
        at.now_ms++;
        outcome_encode(&o, e, &at, record, strlen(record), &out);
    }
    double each = (cpu_ns() - from) / (double)rounds;
    if (!buf_ok(&out))
        fail("the outcome did not fit");
    buf_fini(&out);
    return each;
}

int main(int argc, char **argv)
{
    static const char record[] =
        "{\"service\":\"70001\",\"provider\":\"stalker\",\"status\":\"active\",\"login\":\"70001\","
        "\"plan\":\"3\","
        "\"block\":\"blocked\",\"order_by\":\"sequence\",\"fence\":\"1795342800000001\",\"axes\":{"
        "\"block\":{\"order\":"
        "\"000000-000000000000000101-000000\",\"id\":\"bill-2026-000001\"}}}";
    long rounds = argc > 1 ? atol(argv[1]) : 200000;
    char text[EVENT_BYTES + 8];
    struct err err = {.code = ERR_NONE};
    struct fault f;
    struct event e;
    struct event_schemas *s = event_schemas_load(TVB_ROOT "/schemas", &err);
    if (s == NULL)
        fail(err.msg);
    struct event_message m = {
        .key = "70001", .key_len = 5, .value = text, .value_len = make_event(text, sizeof(text))};
    if (event_decode(s, &m, &e, &f) != 0)
        fail(f.reason);
    printf("event: %zu bytes, %ld rounds\n", m.value_len, rounds);
    decode_ns(s, &m, rounds / 10 + 1); /* warm */
    printf("decode + validate + fingerprint + axes: %.0f ns\n", decode_ns(s, &m, rounds));
    printf("outcome encode: %.0f ns\n", encode_ns(&e, record, rounds));
    event_fini(&e);
    event_schemas_free(s);
    return 0;
}

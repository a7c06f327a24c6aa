/* A Kafka message becomes an event, or is refused with the place of its fault. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "event_help.h"

static struct event_schemas *schemas;

static void setup(void)
{
    schemas = load_schemas();
}

static void teardown(void)
{
    event_schemas_free(schemas);
}

TestSuite(event, .init = setup, .fini = teardown);

/* Decodes and checks that it is refused at @pointer. */
static void expect_fault(const struct event_message *m, const char *pointer, const char *why)
{
    struct event e;
    struct fault f = {.pointer = "(none)"};
    int rc = event_decode(schemas, m, &e, &f);
    cr_expect(eq(int, rc, -1), "%s", why);
    cr_expect(eq(str, f.pointer, (char *)pointer), "%s: %s", why, f.reason);
    if (rc == 0)
        event_fini(&e);
}

static void expect_event(const struct event_message *m, struct event *e, const char *why)
{
    struct fault f = {.pointer = ""};
    cr_assert(eq(int, event_decode(schemas, m, e, &f), 0), "%s: %s %s", why, f.pointer, f.reason);
}

/* ---- structured mode ---- */

Test(event, structured_mode_is_decoded_whole)
{
    struct event e;
    struct event_header h = header("content-type", "application/cloudevents+json; charset=UTF-8");
    struct event_message m = message(
        BLOCKED_HEAD
        ",\"sequence\":\"7\",\"time\":\"2026-11-22T10:00:00Z\","
        "\"expirytime\":\"1970-01-01T00:00:01.5Z\",\"partitionkey\":\"70001\",\"myext\":true,"
        "\"traceparent\":\"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\"" BLOCKED_TAIL);
    m.headers = &h;
    m.header_count = 1;
    expect_event(&m, &e, "structured");
    cr_expect(eq(int, e.type, EVENT_CONTRACT_BLOCKED));
    cr_expect(eq(str, (char *)e.id, "e1"));
    cr_expect(eq(str, (char *)e.source, "/billing"));
    cr_expect(eq(str, (char *)e.service, "70001"));
    cr_expect(eq(str, (char *)e.provider, "stalker"));
    cr_expect(eq(str, (char *)e.time, "2026-11-22T10:00:00Z"));
    cr_expect(eq(str, (char *)e.sequence, "7"));
    cr_expect(
        eq(str, (char *)e.traceparent, "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"));
    cr_expect(eq(i64, e.expires_ms, 1500));
    cr_expect(eq(str, (char *)json_string_value(json_object_get(e.data, "reason")), "delinquency"));
    cr_expect(eq(sz, e.axes.n, 1));
    cr_expect(eq(str, e.axes.name[0], "block"));
    cr_expect(eq(sz, strlen(e.key), 64));
    event_fini(&e);
}

Test(event, what_is_absent_is_null_and_data_is_an_empty_object)
{
    struct event e;
    struct event_message m =
        message("{\"specversion\":\"1.0\",\"id\":\"e1\",\"source\":\"/b\",\"subject\":\"70001\","
                "\"type\":\"tvbridge.contract.unblocked\",\"provider\":\"stalker\"}");
    expect_event(&m, &e, "no data");
    cr_expect(eq(ptr, (void *)e.time, NULL));
    cr_expect(eq(ptr, (void *)e.sequence, NULL));
    cr_expect(eq(ptr, (void *)e.traceparent, NULL));
    cr_expect(eq(i64, e.expires_ms, 0));
    cr_expect(eq(int, json_is_object(e.data), 1));
    cr_expect(eq(sz, json_object_size(e.data), 0));
    event_fini(&e);
}

Test(event, an_attribute_that_is_null_is_unset)
{
    struct event e;
    struct event_message m =
        message(BLOCKED_HEAD ",\"sequence\":null,\"time\":null,\"myext\":null" BLOCKED_TAIL);
    expect_event(&m, &e, "null attributes");
    cr_expect(eq(ptr, (void *)e.sequence, NULL));
    event_fini(&e);
}

Test(event, content_types_name_the_mode)
{
    static const struct {
        const char *type, *pointer;
    } rows[] = {
        {"application/cloudevents+json", NULL},
        {"Application/CloudEvents+JSON", NULL},
        {"application/cloudevents+json;charset=utf-8", NULL},
        {"application/cloudevents-batch+json", ""},
        {"application/cloudevents", ""},
        {"application/cloudevents+avro", ""},
        {"application/cloudevents+jsonx", ""},
        {"application/json", "/specversion"},
        {"text/plain", "/specversion"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct event e;
        struct event_header h = header("content-type", rows[i].type);
        struct event_message m = message(BLOCKED);
        m.headers = &h;
        m.header_count = 1;
        if (rows[i].pointer != NULL) {
            expect_fault(&m, rows[i].pointer, rows[i].type);
            continue;
        }
        expect_event(&m, &e, rows[i].type);
        event_fini(&e);
    }
}

Test(event, messages_that_are_no_single_event_are_refused)
{
    static const struct {
        const char *why, *text, *pointer;
    } rows[] = {
        {"not JSON", "hello", ""},
        {"empty", "", ""},
        {"a batch", "[" BLOCKED "]", ""},
        {"a text", "\"hello\"", ""},
        {"no CloudEvent", "{\"id\":\"1\"}", "/specversion"},
        {"base64", BLOCKED_HEAD ",\"data_base64\":\"e30=\"}", "/data_base64"},
        {"something after it", BLOCKED " x", ""},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct event_message m = message(rows[i].text);
        expect_fault(&m, rows[i].pointer, rows[i].why);
    }
}

Test(event, a_tombstone_is_refused)
{
    struct event_message m = message("");
    m.value = NULL;
    expect_fault(&m, "", "tombstone");
}

Test(event, more_than_one_mebibyte_is_refused)
{
    size_t n = JSON_EVENT_MAX_BYTES + 1;
    char *text = malloc(n);
    memset(text, ' ', n);
    memcpy(text, BLOCKED, strlen(BLOCKED));
    struct event_message m = {.key = "70001", .key_len = 5, .value = text, .value_len = n};
    expect_fault(&m, "", "1 MiB and a byte");
    m.value_len = n - 1;
    struct event e;
    expect_event(&m, &e, "1 MiB");
    event_fini(&e);
    free(text);
}

/* ---- binary mode ---- */

#define BINARY_MAX 12
struct binary {
    struct event_header h[BINARY_MAX];
    struct event_message m;
};

static void binary_init(struct binary *b, const char *data)
{
    *b = (struct binary){.h = {header("ce_specversion", "1.0"), header("ce_id", "e1"),
                               header("ce_source", "/billing"),
                               header("ce_type", "tvbridge.contract.blocked"),
                               header("ce_subject", "70001"), header("ce_provider", "stalker")}};
    b->m = message(data);
    b->m.headers = b->h;
    b->m.header_count = 6;
}

static void binary_add(struct binary *b, const char *name, const char *value)
{
    b->h[b->m.header_count++] = header(name, value);
}

Test(event, binary_mode_says_the_same_as_structured)
{
    struct event s, e;
    struct binary b;
    struct event_message m = message(BLOCKED);
    expect_event(&m, &s, "structured");
    binary_init(&b, " {\"reason\": \"delinquency\"} ");
    binary_add(&b, "content-type", "application/json; charset=utf-8");
    binary_add(&b, "ce_sequence", "7");
    binary_add(&b, "ce_time", "2026-11-22T10:00:00Z");
    binary_add(&b, "x-other", "kept out");
    expect_event(&b.m, &e, "binary");
    cr_expect(eq(str, e.key, s.key));
    cr_expect(eq(int, memcmp(e.fingerprint, s.fingerprint, sizeof(e.fingerprint)), 0));
    cr_expect(eq(str, (char *)e.time, "2026-11-22T10:00:00Z"));
    cr_expect(eq(ptr, json_object_get(e.root, "x-other"), NULL));
    cr_expect(eq(str, (char *)json_string_value(json_object_get(e.root, "datacontenttype")),
                 "application/json; charset=utf-8"));
    event_fini(&s);
    event_fini(&e);
}

Test(event, binary_mode_without_a_value_is_an_event_without_data)
{
    struct event e;
    struct binary b;
    binary_init(&b, "");
    expect_fault(&b.m, "/data", "blocked wants a reason");
    b.h[3] = header("ce_type", "tvbridge.contract.unblocked");
    expect_event(&b.m, &e, "unblocked wants nothing");
    event_fini(&e);
    b.m.value = NULL;
    expect_fault(&b.m, "", "a null value is a tombstone");
}

Test(event, binary_mode_refuses_by_the_pointer_of_the_structured_form)
{
    static const struct {
        const char *why, *name, *value, *data, *pointer;
    } rows[] = {
        {"two ids", "ce_id", "e2", "{}", "/id"},
        {"upper case", "ce_MyExt", "1", "{}", NULL},
        {"not UTF-8", "ce_myext", "\xff\xfe", "{}", "/myext"},
        {"sequence", "ce_sequence", "x", "{}", "/sequence"},
        {"not JSON by type", "content-type", "text/xml", "{}", "/datacontenttype"},
        {"json in another place", "content-type", "jsonx/foo", "{}", "/datacontenttype"},
        {"type said twice", "ce_datacontenttype", "application/json", "{}", "/datacontenttype"},
        {"data as an attribute", "ce_data", "{}", "{}", "/data"},
        {"not JSON", "content-type", "application/json", "{", "/data"},
        {"no object", "content-type", "application/json", "[]", "/data"},
        {"a field of data", "content-type", "application/json", "{\"reason\":\"whim\"}",
         "/data/reason"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct binary b;
        struct event e;
        struct fault f = {.pointer = ""};
        binary_init(&b, rows[i].data);
        binary_add(&b, rows[i].name, rows[i].value);
        cr_expect(eq(int, event_decode(schemas, &b.m, &e, &f), -1), "%s", rows[i].why);
        if (rows[i].pointer != NULL)
            cr_expect(eq(str, f.pointer, (char *)rows[i].pointer), "%s: %s", rows[i].why, f.reason);
    }
}

Test(event, a_header_with_a_nul_byte_is_refused)
{
    struct binary b;
    binary_init(&b, "{}");
    b.h[1].value = "e\0"
                   "1";
    b.h[1].len = 3;
    expect_fault(&b.m, "/id", "NUL");
}

Test(event, any_type_that_ends_with_json_is_data_in_binary_mode)
{
    static const char *const types[] = {"application/json", "APPLICATION/JSON",
                                        "application/vnd.isp+json", "text/x+json;v=1"};
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        struct binary b;
        struct event e;
        binary_init(&b, "{\"reason\":\"delinquency\"}");
        binary_add(&b, "Content-Type", types[i]);
        expect_event(&b.m, &e, types[i]);
        event_fini(&e);
    }
}

/* ---- identity ---- */

static struct event decoded(const char *text)
{
    struct event e;
    struct event_message m = message(text);
    expect_event(&m, &e, text);
    return e;
}

static bool same_fingerprint(const char *a, const char *b)
{
    struct event x = decoded(a), y = decoded(b);
    bool same = memcmp(x.fingerprint, y.fingerprint, sizeof(x.fingerprint)) == 0;
    event_fini(&x);
    event_fini(&y);
    return same;
}

Test(event, fingerprint_is_of_what_is_said_not_of_how_or_when)
{
    cr_expect(
        eq(int,
           same_fingerprint(BLOCKED, BLOCKED_HEAD
                            ",\"time\":\"2026-11-22T10:00:00Z\",\"sequence\":\"7\","
                            "\"expirytime\":\"2027-01-01T00:00:00Z\",\"traceparent\":\"00-"
                            "4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\"" BLOCKED_TAIL),
           true),
        "time, expiry and trace");
    cr_expect(eq(int,
                 same_fingerprint(
                     BLOCKED_HEAD ",\"data\":{\"reason\":\"delinquency\",\"scope\":\"total\"}}",
                     BLOCKED_HEAD ",\"data\":{ \"scope\":\"total\", \"reason\":\"delinquency\"}}"),
                 true),
              "order of members");
    cr_expect(eq(int,
                 same_fingerprint(
                     BLOCKED_HEAD ",\"data\":{\"reason\":\"delinquency\",\"note\":\"\\u00e9\"}}",
                     BLOCKED_HEAD ",\"data\":{\"reason\":\"delinquency\",\"note\":\"\xc3\xa9\"}}"),
                 true),
              "escapes");
}

Test(event, fingerprint_moves_with_type_sequence_and_data)
{
    cr_expect(zero(int, same_fingerprint(BLOCKED, BLOCKED_HEAD ",\"sequence\":\"8\"" BLOCKED_TAIL)),
              "sequence");
    cr_expect(zero(int, same_fingerprint(BLOCKED, BLOCKED_HEAD BLOCKED_TAIL)), "no sequence");
    cr_expect(zero(int, same_fingerprint(
                            BLOCKED, BLOCKED_HEAD
                            ",\"sequence\":\"7\",\"data\":{\"reason\":\"administrative\"}}")),
              "data");
    cr_expect(
        zero(int,
             same_fingerprint(
                 BLOCKED,
                 "{\"specversion\":\"1.0\",\"id\":\"e1\",\"source\":\"/"
                 "billing\",\"type\":\"tvbridge.contract.unblocked\","
                 "\"subject\":\"70001\",\"provider\":\"stalker\",\"sequence\":\"7\"" BLOCKED_TAIL)),
        "type");
}

Test(event, key_is_of_service_source_and_id_alone)
{
    struct event a = decoded(BLOCKED),
                 b = decoded(BLOCKED_HEAD ",\"data\":{\"reason\":\"administrative\"}}");
    struct event c = decoded("{\"specversion\":\"1.0\",\"id\":\"e\",\"source\":\"/"
                             "billing1\",\"type\":\"tvbridge.contract.blocked\","
                             "\"subject\":\"70001\",\"provider\":\"stalker\"" BLOCKED_TAIL);
    cr_expect(eq(str, a.key, b.key));
    cr_expect(ne(str, a.key, c.key));
    event_fini(&a);
    event_fini(&b);
    event_fini(&c);
}

/* ---- subject, key, place ---- */

Test(event, partitionkey_must_be_the_key)
{
    struct event e;
    struct event_message m = message(BLOCKED_HEAD ",\"partitionkey\":\"70001\"" BLOCKED_TAIL);
    expect_event(&m, &e, "same");
    event_fini(&e);
    m.key = "70002";
    expect_fault(&m, "/partitionkey", "another");
    m.key_len = 4;
    expect_fault(&m, "/partitionkey", "shorter");
    m.key = NULL;
    expect_fault(&m, "/partitionkey", "none");
}

Test(event, lists_are_about_a_provider_and_the_others_about_a_service)
{
    static const struct {
        const char *why, *subject, *type;
        bool ok;
    } rows[] = {
        {"list of this provider", "provider:stalker", "catalog.requested", true},
        {"list of another", "provider:ole", "catalog.requested", false},
        {"list of a service", "70001", "accounts.requested", false},
        {"service event about a provider", "provider:stalker", "contract.unblocked", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char text[512];
        struct event e;
        snprintf(
            text, sizeof(text),
            "{\"specversion\":\"1.0\",\"id\":\"e1\",\"source\":\"/b\",\"type\":\"tvbridge.%s\","
            "\"subject\":\"%s\",\"provider\":\"stalker\"}",
            rows[i].type, rows[i].subject);
        struct event_message m = message(text);
        if (!rows[i].ok) {
            expect_fault(&m, "/subject", rows[i].why);
            continue;
        }
        expect_event(&m, &e, rows[i].why);
        event_fini(&e);
    }
}

/* Partitions of java.org.apache.kafka's own hash: Utils.murmur2("21") = -973932308, ("abc") = 479470107. */
Test(partition, is_that_of_javas_default_partitioner)
{
    cr_expect(
        eq(i32, partition_of(PARTITIONER_MURMUR2, "21", 2, 12), (-973932308 & 0x7fffffff) % 12));
    cr_expect(eq(i32, partition_of(PARTITIONER_MURMUR2, "abc", 3, 12), 479470107 % 12));
    cr_expect(
        eq(i32, partition_of(PARTITIONER_CRC32, "123456789", 9, 12), (int32_t)(0xcbf43926u % 12)));
}

Test(event, is_misplaced_when_key_provider_or_partition_differ)
{
    struct event e;
    struct fault f = {.pointer = ""};
    struct event_message m = message(BLOCKED);
    int32_t home = partition_of(PARTITIONER_MURMUR2, "70001", 5, 12);
    expect_event(&m, &e, "as it should be");
    cr_expect(zero(int, event_is_misplaced(&e, &m, "stalker", PARTITIONER_MURMUR2, home, 12, &f)));
    cr_expect(eq(int, event_is_misplaced(&e, &m, "ole", PARTITIONER_MURMUR2, home, 12, &f), true));
    cr_expect(eq(str, f.pointer, "/provider"));
    cr_expect(
        eq(int, event_is_misplaced(&e, &m, "stalker", PARTITIONER_MURMUR2, (home + 1) % 12, 12, &f),
           true));
    cr_expect(eq(str, f.pointer, "/subject"));
    m.key = "70002";
    cr_expect(
        eq(int, event_is_misplaced(&e, &m, "stalker", PARTITIONER_MURMUR2, home, 12, &f), true));
    m.key = NULL;
    m.key_len = 0;
    cr_expect(
        eq(int, event_is_misplaced(&e, &m, "stalker", PARTITIONER_MURMUR2, home, 12, &f), true));
    event_fini(&e);
}

Test(event, order_is_the_sequence_or_else_the_offset)
{
    struct event with = decoded(BLOCKED), without = decoded(BLOCKED_HEAD BLOCKED_TAIL);
    cr_expect(
        eq(int, order_cmp(event_order(&with, 2, 900), (struct order){.epoch = 2, .number = 7}), 0));
    cr_expect(
        eq(int, order_cmp(event_order(&without, 2, 900), (struct order){.epoch = 2, .number = 900}),
           0));
    event_fini(&with);
    event_fini(&without);
}

#define BASED(basis) BLOCKED_HEAD ",\"basis\":\"" basis "\"" BLOCKED_TAIL

Test(event, that_tvbridge_made_stands_just_above_its_basis_wherever_it_lies)
{
    struct event by = decoded(BASED("sequence:000001-000000000000000101-000000+2"));
    struct event none = decoded(BASED("none:000000-000000000000000000-000000+1")), plain = decoded(BLOCKED_HEAD BLOCKED_TAIL);
    struct order want = {.epoch = 1, .number = 101, .sub = 2};
    cr_expect(zero(int, order_cmp(event_order(&by, 7, 900), want)));
    cr_expect(eq(int, event_order_by(&by), ORDER_BY_SEQUENCE));
    cr_expect(zero(int, order_cmp(event_order(&none, 7, 900), (struct order){.sub = 1})));
    cr_expect(eq(int, event_order_by(&none), ORDER_BY_NOTHING));
    cr_expect(eq(int, event_order_by(&plain), ORDER_BY_OFFSET));
    cr_expect(zero(int, memcmp(by.fingerprint, none.fingerprint, sizeof(by.fingerprint))), "it says the same");
    event_fini(&by);
    event_fini(&none);
    event_fini(&plain);
}

/* ---- properties ---- */

Test(event, a_missing_schema_is_an_error_that_names_it)
{
    struct err err = {.code = ERR_NONE};
    cr_expect(eq(ptr, event_schemas_load("/nowhere", &err), NULL));
    cr_expect(ne(ptr, strstr(err.msg, "event.schema.json"), NULL), "%s", err.msg);
}

static void try_bytes(const char *bytes, size_t n)
{
    struct event e;
    struct fault f;
    char *exact = malloc(n == 0 ? 1 : n); /* so that a read past the end is seen */
    memcpy(exact, bytes, n);
    struct event_message m = {.key = "70001", .key_len = 5, .value = exact, .value_len = n};
    if (event_decode(schemas, &m, &e, &f) == 0)
        event_fini(&e);
    free(exact);
}

Test(event, no_changed_byte_of_a_valid_event_breaks_the_decoder)
{
    char text[] = BLOCKED_HEAD
        ",\"sequence\":\"7\",\"expirytime\":\"2027-01-01T00:00:00Z\",\"data\":{\"reason\":"
        "\"delinquency\",\"note\":\"\\u00e9\\ud83d\\ude00 "
        "\xc3\xa9\",\"extra\":{\"n\":-1.5e3,\"a\":[1,true,null]}}}";
    size_t n = sizeof(text) - 1;
    static const unsigned char bytes[] = {0,   1,   ' ', '"', '\\', '{',  '}',  '[', ']',
                                          ',', ':', '0', 'u', 0x7f, 0x80, 0xc3, 0xff};
    for (size_t i = 0; i < n; i++) {
        char was = text[i];
        for (size_t k = 0; k < sizeof(bytes); k++) {
            text[i] = (char)bytes[k];
            try_bytes(text, n);
        }
        text[i] = was;
        try_bytes(text, i); /* and cut there */
    }
}

Test(event, no_random_change_of_a_valid_event_breaks_the_decoder)
{
    unsigned seed = 20261122;
    for (int round = 0; round < 20000; round++) {
        char text[] = BLOCKED_HEAD ",\"sequence\":\"7\",\"partitionkey\":\"70001\"" BLOCKED_TAIL;
        size_t n = sizeof(text) - 1;
        for (int k = rand_r(&seed) % 4; k >= 0; k--)
            text[(size_t)rand_r(&seed) % n] = (char)(rand_r(&seed) % 256);
        try_bytes(text, n);
    }
}

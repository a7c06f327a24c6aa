/* test_publish_event.c - an event from flags, and ready to be sent. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

#include "contract/json.h"
#include "publish_event.h"

#define NOW_MS 1795341600000 /* 2026-11-22T10:00:00Z */

static json_t *write_flags(const struct event_flags *f, struct err *reterr)
{
    struct buf out;
    struct fault fault;
    json_t *v = NULL;
    buf_init(&out, 1 << 20);
    if (event_flags_write(f, NOW_MS, &out, reterr) == 0)
        v = json_parse_strict(out.data, out.len, &fault);
    buf_fini(&out);
    return v;
}

static const char *text(const json_t *v, const char *name)
{
    const char *s = json_string_value(json_object_get(v, name));
    return s != NULL ? s : "";
}

Test(publish_event, flags_make_a_whole_cloudevent)
{
    struct err error = {0};
    const struct event_flags f = {.provider = "stalker", .service = "70001", .type = "contract.blocked",
                                  .expires = "10m", .data = "{\"reason\":\"delinquency\"}"};
    json_t *v = write_flags(&f, &error);
    cr_assert(ne(ptr, v, NULL), "%s", error.msg);
    cr_expect(eq(str, (char *)text(v, "specversion"), "1.0"));
    cr_expect(eq(str, (char *)text(v, "type"), "tvbridge.contract.blocked"));
    cr_expect(eq(str, (char *)text(v, "subject"), "70001"));
    cr_expect(eq(str, (char *)text(v, "time"), "2026-11-22T10:00:00.000Z"));
    cr_expect(eq(str, (char *)text(v, "expirytime"), "2026-11-22T10:10:00.000Z"));
    cr_expect(eq(sz, strlen(text(v, "id")), 36));
    cr_expect(eq(str, (char *)text(json_object_get(v, "data"), "reason"), "delinquency"));
    json_t *again = write_flags(&f, &error);
    cr_expect(ne(str, (char *)text(v, "id"), (char *)text(again, "id")), "ids are random");
    json_decref(again);
    json_decref(v);
}

Test(publish_event, lists_are_about_the_provider)
{
    struct err error = {0};
    const struct event_flags f = {.provider = "stalker", .type = "tvbridge.catalog.requested"};
    json_t *v = write_flags(&f, &error);
    cr_expect(eq(str, (char *)text(v, "subject"), "provider:stalker"));
    cr_expect(eq(str, (char *)text(v, "type"), "tvbridge.catalog.requested"));
    json_decref(v);
}

Test(publish_event, flags_that_are_missing_are_named)
{
    static const struct { struct event_flags f; const char *want; } rows[] = {
        {{.provider = "stalker", .service = "1"}, "--type"},
        {{.service = "1", .type = "contract.blocked"}, "--provider"},
        {{.provider = "stalker", .type = "contract.blocked"}, "--service"},
        {{.provider = "stalker", .service = "1", .type = "contract.blocked", .data = "{"}, "--data"},
        {{.provider = "stalker", .service = "1", .type = "contract.blocked", .data = "@/no/such/file"}, "/no/such/file"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct err error = {0};
        cr_expect(eq(ptr, write_flags(&rows[i].f, &error), NULL));
        cr_expect(strstr(error.msg, rows[i].want) != NULL, "%s: %s", rows[i].want, error.msg);
        cr_expect(eq(int, error.code, ERR_INVAL), "%s", rows[i].want);
    }
}

static const char an_event[] = "{\"specversion\":\"1.0\",\"id\":\"i\",\"source\":\"/s\",\"type\":\"tvbridge.contract.blocked\","
                               "\"subject\":\"70001\",\"provider\":\"stalker\",\"partitionkey\":\"70001\","
                               "\"datacontenttype\":\"application/json\","
                               "\"data\":{\"reason\":\"delinquency\",\"scope\":\"total\"}}";

static struct event_schemas *schemas(void)
{
    struct err error = {0};
    struct event_schemas *s = event_schemas_load(TVB_ROOT "/schemas", &error);
    cr_assert(ne(ptr, s, NULL), "%s", error.msg);
    return s;
}

Test(publish_event, structured_mode_sends_the_bytes_as_they_are)
{
    struct publish_event e;
    struct fault fault = {0};
    struct event_schemas *s = schemas();
    const struct publish_rules rules = {.schemas = s, .partition = -1};
    cr_assert(eq(int, publish_event_init(&e, &rules, an_event, strlen(an_event), &fault), 0), "%s %s", fault.pointer,
              fault.reason);
    cr_expect(eq(ptr, (void *)e.message.value, (void *)an_event));
    cr_expect(eq(str, (char *)e.message.key, "70001"));
    cr_expect(eq(str, (char *)e.message.provider, "stalker"));
    cr_expect(eq(sz, e.message.header_count, 1));
    publish_event_fini(&e);
    event_schemas_free(s);
}

Test(publish_event, binary_mode_can_be_decoded_again)
{
    struct publish_event e;
    struct event back;
    struct fault fault = {0};
    struct event_schemas *s = schemas();
    const struct publish_rules rules = {.schemas = s, .binary = true, .partition = -1};
    cr_assert(eq(int, publish_event_init(&e, &rules, an_event, strlen(an_event), &fault), 0));
    const struct event_message m = {e.message.key, e.message.key_len, e.message.value, e.message.value_len,
                                    e.message.headers, e.message.header_count};
    cr_assert(eq(int, event_decode(s, &m, &back, &fault), 0), "%s %s", fault.pointer, fault.reason);
    cr_expect(eq(str, (char *)back.id, "i"));
    cr_expect(eq(str, (char *)text(back.data, "scope"), "total"));
    event_fini(&back);
    publish_event_fini(&e);
    event_schemas_free(s);
}

Test(publish_event, faults_have_their_pointer)
{
    static const struct { const char *text, *pointer; } rows[] = {
        {"{", ""},
        {"[]", ""},
        {"{\"specversion\":\"1.0\",\"id\":\"i\",\"source\":\"/s\",\"type\":\"tvbridge.contract.blocked\",\"subject\":\"1\","
         "\"provider\":\"stalker\",\"data\":{\"reason\":\"none\",\"scope\":\"total\"}}", "/data/reason"},
        {"{\"specversion\":\"1.0\",\"id\":\"i\",\"source\":\"/s\",\"type\":\"tvbridge.contract.late_notice\",\"subject\":\"1\","
         "\"provider\":\"stalker\",\"partitionkey\":\"2\",\"data\":{}}", "/partitionkey"},
    };
    struct event_schemas *s = schemas();
    const struct publish_rules rules = {.schemas = s, .partition = -1};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct publish_event e;
        struct fault fault = {0};
        cr_expect(eq(int, publish_event_init(&e, &rules, rows[i].text, strlen(rows[i].text), &fault), -1));
        cr_expect(eq(str, fault.pointer, (char *)rows[i].pointer), "%s", fault.reason);
    }
    event_schemas_free(s);
}

Test(publish_event, without_schemas_broken_bytes_need_to_be_told_where_to_go)
{
    struct publish_event e;
    struct fault fault = {0};
    const struct publish_rules blind = {.partition = -1}, told = {.partition = 3, .provider = "stalker", .key = "k"};
    cr_expect(eq(int, publish_event_init(&e, &blind, "{", 1, &fault), -1));
    cr_assert(eq(int, publish_event_init(&e, &told, "{", 1, &fault), 0));
    cr_expect(eq(str, (char *)e.message.key, "k"));
    cr_expect(eq(int, e.message.partition, 3));
    publish_event_fini(&e);
}

/* The headers of a dead letter. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <jansson.h>
#include <string.h>

#include "contract/deadletter.h"
#include "contract/schema.h"

static const struct dead_letter full = {
    .reason = DEAD_INVALID,
    .detail = "want one of 3 values",
    .pointer = "/data/reason",
    .topic = "tvbridge.events.stalker",
    .partition = 4,
    .offset = 1812,
    .attempts = 0,
    .round = 1,
    .now_ms = 1795341601250,
};

static json_t *as_object(const struct dead_letter *d)
{
    struct dead_store store;
    struct event_header headers[DEAD_HEADERS_MAX];
    size_t n = dead_letter_headers(d, &store, headers);
    json_t *o = json_object();
    for (size_t i = 0; i < n; i++)
        json_object_set_new(o, headers[i].name, json_stringn(headers[i].value, headers[i].len));
    cr_assert(eq(sz, json_object_size(o), n));
    return o;
}

static const char *text(const json_t *o, const char *name)
{
    const char *s = json_string_value(json_object_get(o, name));
    return s == NULL ? "absent" : s;
}

Test(deadletter, says_why_where_and_when)
{
    json_t *o = as_object(&full);
    cr_expect(eq(sz, json_object_size(o), DEAD_HEADERS_MAX));
    cr_expect(eq(str, (char *)text(o, "tvbridge-reason"), "invalid"));
    cr_expect(eq(str, (char *)text(o, "tvbridge-detail"), "want one of 3 values"));
    cr_expect(eq(str, (char *)text(o, "tvbridge-pointer"), "/data/reason"));
    cr_expect(eq(str, (char *)text(o, "tvbridge-topic"), "tvbridge.events.stalker"));
    cr_expect(eq(str, (char *)text(o, "tvbridge-partition"), "4"));
    cr_expect(eq(str, (char *)text(o, "tvbridge-offset"), "1812"));
    cr_expect(eq(str, (char *)text(o, "tvbridge-attempts"), "0"));
    cr_expect(eq(str, (char *)text(o, "tvbridge-round"), "1"));
    cr_expect(eq(str, (char *)text(o, "tvbridge-time"), "2026-11-22T10:00:01.250Z"));
    json_decref(o);
}

Test(deadletter, leaves_out_what_there_is_not)
{
    struct dead_letter d = full;
    d.detail = d.pointer = NULL;
    json_t *o = as_object(&d);
    cr_expect(eq(sz, json_object_size(o), DEAD_HEADERS_MAX - 2));
    json_decref(o);
}

Test(deadletter, cuts_a_long_detail_at_a_whole_character)
{
    char detail[400] = "";
    for (int i = 0; i < 130; i++)
        strcat(detail, "\xe2\x82\xac"); /* three bytes: 319 is no multiple of it */
    struct dead_letter d = full;
    d.detail = detail;
    json_t *o = as_object(&d);
    const char *cut = text(o, "tvbridge-detail");
    cr_expect(eq(sz, strlen(cut), 318));
    cr_expect(eq(int, strncmp(cut, detail, 318), 0));
    json_decref(o);
}

Test(deadletter, every_reason_is_one_of_the_schema)
{
    struct err err = {.code = ERR_NONE};
    struct schema *s = schema_load(TVB_ROOT "/schemas/dead-letter.schema.json", &err);
    cr_assert(ne(ptr, s, NULL), "%s", err.msg);
    for (int r = DEAD_INVALID; r <= DEAD_IN_DOUBT; r++) {
        struct dead_letter d = full;
        struct fault f = {.pointer = ""};
        d.reason = (enum dead_reason)r;
        json_t *o = as_object(&d);
        cr_expect(eq(int, schema_check(s, o, &f), true), "%s: %s %s", dead_reason_name(d.reason),
                  f.pointer, f.reason);
        json_decref(o);
    }
    schema_free(s);
}

Test(deadletter, a_number_is_that_of_the_last_header_of_its_name)
{
    const struct event_header headers[] = {
        {"tvbridge-offset", "7", 1}, {"tvbridge-offset", "1812", 4}, {"tvbridge-round", "2nd", 3}, {"tvbridge-attempts", NULL, 0}};
    const struct event_message m = {.headers = headers, .header_count = 4};
    cr_expect(eq(i64, dead_letter_number(&m, "tvbridge-offset"), 1812));
    cr_expect(eq(i64, dead_letter_number(&m, "tvbridge-round"), -1), "not a number");
    cr_expect(eq(i64, dead_letter_number(&m, "tvbridge-attempts"), -1), "without a value");
    cr_expect(eq(i64, dead_letter_number(&m, "tvbridge-partition"), -1), "not there");
}

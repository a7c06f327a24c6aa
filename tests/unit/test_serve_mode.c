/* A request's body as CloudEvents: modes, batches, headers; and how a refusal reads. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/attr.h"
#include "serve_mode.h"
#include "serve_problem.h"

Test(serve_mode, the_content_type_says_the_mode)
{
    static const struct {
        const char *type;
        bool ce;
        enum serve_mode want;
    } rows[] = {
        {"application/cloudevents+json", false, SERVE_STRUCTURED},
        {"Application/CloudEvents+JSON; charset=utf-8", false, SERVE_STRUCTURED},
        {"application/cloudevents+json ;charset=utf-8", true, SERVE_STRUCTURED},
        {"application/cloudevents-batch+json", false, SERVE_BATCH},
        {"application/json", true, SERVE_BINARY},
        {"application/vnd.x+json;v=1", true, SERVE_BINARY},
        {NULL, true, SERVE_BINARY},
        {"application/json", false, SERVE_UNKNOWN},
        {NULL, false, SERVE_UNKNOWN},
        {"", false, SERVE_UNKNOWN},
        {"text/plain", true, SERVE_UNKNOWN},
        {"application/cloudevents+avro", true, SERVE_UNKNOWN},
        {"application/cloudevents", true, SERVE_UNKNOWN},
        {"application/cloudevents+jsonx", false, SERVE_UNKNOWN},
        {"application/x-www-form-urlencoded", false, SERVE_UNKNOWN},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        cr_expect(eq(int, serve_mode_of(rows[i].type, rows[i].ce), rows[i].want), "%s", rows[i].type != NULL ? rows[i].type : "none");
}

/* The elements with '|' between them; "!" and the fault's reason where it is broken. */
static void split(const char *text, size_t len, char *ret, size_t size)
{
    struct serve_batch b;
    struct fault f;
    const char *one;
    size_t n;
    int more;
    serve_batch_init(&b, text, len);
    *ret = '\0';
    while ((more = serve_batch_next(&b, &one, &n, &f)) > 0)
        snprintf(ret + strlen(ret), size - strlen(ret), "%.*s|", (int)n, one);
    if (more < 0)
        snprintf(ret + strlen(ret), size - strlen(ret), "!%s", f.reason);
    else
        cr_expect(eq(int, serve_batch_next(&b, &one, &n, &f), 0), "the end stays the end: %s", text);
}

Test(serve_mode, a_batch_is_cut_into_its_events)
{
    static const struct {
        const char *text, *want;
    } rows[] = {
        {"[]", ""},
        {" [ ] \n", ""},
        {"[{}]", "{}|"},
        {"[ {\"a\":1} ,\n{\"b\":[2,{}]} ]", "{\"a\":1}|{\"b\":[2,{}]}|"},
        {"[{\"a\":\"]},{\"},{\"b\":\"\\\"]\"}]", "{\"a\":\"]},{\"}|{\"b\":\"\\\"]\"}|"},
        {"[{\"a\":\"\\\\\"},{}]", "{\"a\":\"\\\\\"}|{}|"},
        {"[1,\"x\",null,[],true]", "1|\"x\"|null|[]|true|"},
        {"", "!wanted a JSON array of events"},
        {"{}", "!wanted a JSON array of events"},
        {"[", "!the array does not end: ] is missing"},
        {"[{}", "!the array does not end: ] is missing"},
        {"[{},", "!the array does not end: ] is missing"},
        {"[{}{}]", "{}|!a , or ] is missing after the event before"},
        {"[{},]", "{}|!an event is missing between [ , and ]"},
        {"[,{}]", "!an event is missing between [ , and ]"},
        {"[{},,{}]", "{}|!an event is missing between [ , and ]"},
        {"[}]", "!an event is missing between [ , and ]"},
        {"[{\"a\":]", "{\"a\":]|!the array does not end: ] is missing"},
        {"[{\"a", "!an event does not end"},
        {"[\"a\\\"]", "!an event does not end"},
        {"[1", "!an event does not end"},
        {"[{}] x", "{}|!something stands after the end of the array"},
        {"[{}]]", "{}|!something stands after the end of the array"},
        {"[]{}", "!something stands after the end of the array"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char got[200], want[200];
        split(rows[i].text, strlen(rows[i].text), got, sizeof(got));
        snprintf(want, sizeof(want), "%s", rows[i].want);
        if (strcmp(rows[i].text, "[{}") == 0 || strcmp(rows[i].text, "[{},") == 0)
            snprintf(want, sizeof(want), "{}|%s", rows[i].want);
        cr_expect(eq(str, got, want), "%s", rows[i].text);
    }
}

Test(serve_mode, what_stands_behind_its_length_is_not_looked_at)
{
    char got[100];
    split("[{}]", 3, got, sizeof(got));
    cr_expect(eq(str, got, "{}|!the array does not end: ] is missing"));
    split("[\"a\"]", 3, got, sizeof(got));
    cr_expect(eq(str, got, "!an event does not end"));
    split("[1]\0x", 5, got, sizeof(got));
    cr_expect(eq(str, got, "1|!something stands after the end of the array"));
}

struct header {
    const char *name, *value;
};

static const struct header usual[] = {
    {"Ce-Specversion", "1.0"}, {"ce-id", "e1"}, {"CE-SOURCE", "/b"}, {"ce-type", "tvbridge.contract.blocked"},
    {"ce-subject", "70001"}, {"ce-provider", "stalker"}, {"Content-Type", "application/json; charset=utf-8"}, {"X-Other", "no"},
};

/* What the headers and @body give, as sorted JSON, or "!pointer: reason". The caller frees. */
static char *read_binary(const struct header *more, size_t n, const char *body)
{
    struct serve_headers h;
    struct buf out;
    struct fault f;
    char *text = NULL;
    buf_init(&out, 100000);
    serve_headers_init(&h);
    for (size_t i = 0; i < ARRAY_LEN(usual); i++)
        serve_headers_add(&h, usual[i].name, usual[i].value);
    for (size_t i = 0; i < n; i++)
        serve_headers_add(&h, more[i].name, more[i].value);
    if (serve_headers_done(&h, body, strlen(body), &out, &f) != 0) {
        cr_assert(asprintf(&text, "!%s: %s", f.pointer, f.reason) > 0);
    } else {
        json_t *v = json_loads(buf_cstr(&out), 0, NULL);
        cr_assert(ne(ptr, v, NULL), "%s", buf_cstr(&out));
        text = json_dumps(v, JSON_COMPACT | JSON_SORT_KEYS);
        json_decref(v);
    }
    serve_headers_fini(&h);
    buf_fini(&out);
    return text;
}

Test(serve_mode, headers_and_body_become_an_event)
{
    char *text = read_binary(NULL, 0, "{\"reason\":\"delinquency\"}");
    cr_expect(eq(str, text,
                 "{\"data\":{\"reason\":\"delinquency\"},\"datacontenttype\":\"application/json; charset=utf-8\",\"id\":\"e1\","
                 "\"provider\":\"stalker\",\"source\":\"/b\",\"specversion\":\"1.0\",\"subject\":\"70001\",\"type\":\"tvbridge.contract.blocked\"}"));
    free(text);
}

/* http-protocol-binding.md section 3.1.3.2: unquoted first, then percent-decoded once. */
Test(serve_mode, header_values_are_decoded_as_the_binding_says)
{
    static const struct {
        const char *value, *want;
    } rows[] = {
        {"plain", "plain"},
        {"Euro%20%E2%82%AC%20%F0%9F%98%80", "Euro \xE2\x82\xAC \xF0\x9F\x98\x80"},
        {"%2541", "%41"},
        {"\"a\\\"b\\\\c\"", "a\"b\\c"},
        {"\"\"", ""},
        {"\"", "\""},
        {"100%", "100%"},
        {"100%4", "100%4"},
        {"%zz", "%zz"},
        {"\"quoted%20one\"", "quoted one"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct header more = {"ce-note", rows[i].value};
        char *text = read_binary(&more, 1, "");
        json_t *v = json_loads(text, 0, NULL);
        cr_expect(eq(str, (char *)json_string_value(json_object_get(v, "note")), (char *)rows[i].want), "%s: %s", rows[i].value, text);
        json_decref(v);
        free(text);
    }
}

Test(serve_mode, headers_that_are_no_event_are_refused_with_their_place)
{
    static const struct {
        struct header more;
        const char *body, *want;
    } rows[] = {
        {{"ce-data", "x"}, "", "!/data: "},
        {{"ce-id", "again"}, "", "!/id: there are two headers"},
        {{"ce-note", "%ff"}, "", "!/note: the header's value is not UTF-8 text"},
        {{"ce-note", "a%00b"}, "", "!/note: the header's value is not UTF-8 text"},
        {{"ce-datacontenttype", "x"}, "", "!/datacontenttype: "},
        {{"X-Nothing", ""}, "{half", "!/data: "},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char *text = read_binary(&rows[i].more, 1, rows[i].body);
        cr_expect(strncmp(text, rows[i].want, strlen(rows[i].want)) == 0, "%s", text);
        free(text);
    }
}

Test(serve_mode, so_many_headers_are_none)
{
    struct header many[SERVE_HEADERS_MAX];
    char names[SERVE_HEADERS_MAX][16];
    for (size_t i = 0; i < SERVE_HEADERS_MAX; i++) {
        snprintf(names[i], sizeof(names[i]), "ce-x%zu", i);
        many[i] = (struct header){names[i], "v"};
    }
    char *text = read_binary(many, SERVE_HEADERS_MAX, "");
    cr_expect(eq(str, text, "!: too many ce-* headers, or too long ones"));
    free(text);
}

Test(serve_problem, names_each_fault_with_pointer_and_what_was_wanted)
{
    struct serve_faults faults = {0};
    struct fault f;
    struct buf out;
    buf_init(&out, 100000);
    fault_set(&f, "/data/reason", "wanted one of \"a\"");
    serve_faults_add(&faults, "/3", &f);
    for (int i = 0; i < 30; i++)
        serve_faults_add(&faults, "", &f);
    serve_problem_add(&out, 400, "31 of 40 events are refused", &faults);
    json_t *v = json_loads(buf_cstr(&out), JSON_REJECT_DUPLICATES, NULL);
    const json_t *errors = json_object_get(v, "errors");
    cr_expect(eq(i64, json_integer_value(json_object_get(v, "status")), 400));
    cr_expect(eq(str, (char *)json_string_value(json_object_get(v, "title")), "Bad Request"));
    cr_expect(eq(sz, json_array_size(errors), SERVE_FAULTS_MAX));
    cr_expect(eq(i64, json_integer_value(json_object_get(v, "error_count")), 31));
    cr_expect(eq(str, (char *)json_string_value(json_object_get(json_array_get(errors, 0), "pointer")), "/3/data/reason"));
    cr_expect(eq(str, (char *)json_string_value(json_object_get(json_array_get(errors, 0), "detail")), "wanted one of \"a\""));
    cr_expect(eq(str, (char *)json_string_value(json_object_get(json_array_get(errors, 1), "pointer")), "/data/reason"));
    json_decref(v);
    buf_fini(&out);
}

Test(serve_problem, is_json_whatever_a_member_is_called)
{
    static const char *const pointers[] = {"/data/\xff\xfe", "/a\"b\\c\n", "/\xE2\x82", "/\xE2\x82\xAC"};
    static const char *const wanted[] = {"/data/??", "/a\"b\\c\n", "/??", "/\xE2\x82\xAC"};
    struct serve_faults faults = {0};
    struct fault f;
    struct buf out;
    char longest[400];
    buf_init(&out, 100000);
    for (size_t i = 0; i < ARRAY_LEN(pointers); i++) {
        fault_set(&f, pointers[i], "x");
        serve_faults_add(&faults, "", &f);
    }
    memset(longest, '/', sizeof(longest));
    for (size_t i = 1; i + 2 < sizeof(longest); i += 2)
        memcpy(longest + i, "\xC3\xA4", 2);
    longest[sizeof(longest) - 1] = '\0';
    fault_set(&f, longest, "cut within a character");
    serve_faults_add(&faults, "/3", &f);
    serve_problem_add(&out, 400, "x", &faults);
    json_t *v = json_loads(buf_cstr(&out), JSON_REJECT_DUPLICATES, NULL);
    cr_assert(ne(ptr, v, NULL), "%s", buf_cstr(&out));
    for (size_t i = 0; i < ARRAY_LEN(wanted); i++)
        cr_expect(eq(str, (char *)json_string_value(json_object_get(json_array_get(json_object_get(v, "errors"), i), "pointer")), (char *)wanted[i]));
    json_decref(v);
    buf_fini(&out);
}

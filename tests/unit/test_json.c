#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "contract/json.h"

static void refused(const char *text, size_t len, const char *pointer, const char *reason)
{
    struct fault f = {.nomem = false};
    json_t *v = json_parse_strict(text, len, &f);
    cr_expect(v == NULL, "%.60s: must be refused", text);
    cr_expect(eq(str, f.pointer, (char *)pointer), "%.60s", text);
    cr_expect(strstr(f.reason, reason) != NULL, "%.60s: \"%s\" does not say \"%s\"", text, f.reason,
              reason);
    json_decref(v);
}

Test(json, a_fault_is_named_with_its_place)
{
    static const struct {
        const char *text, *pointer, *reason;
    } rows[] = {
        {"", "", "empty"},
        {"   ", "", "ends too early"},
        {"{\"a\":1,\"a\":2}", "/a", "twice"},
        {"{\"a\":[{},{\"b\":1,\"\\u0062\":2}]}", "/a/1/b", "twice"},
        {"{\"a/b~c\":{\"x\":1,\"x\":1}}", "/a~1b~0c/x", "twice"},
        {"{\"a\":1} x", "", "more bytes follow"},
        {"{\"a\":1}{}", "", "more bytes follow"},
        {"{\"a\":\"\x80\"}", "/a", "invalid UTF-8"},
        {"{\"a\":\"\xed\xa0\x80\"}", "/a", "invalid UTF-8"},
        {"{\"a\":\"\xc0\xaf\"}", "/a", "invalid UTF-8"},
        {"{\"a\":\"\xf4\x90\x80\x80\"}", "/a", "invalid UTF-8"},
        {"{\"a\":\"\\ud800\"}", "/a", "surrogate"},
        {"{\"a\":\"\\u0000\"}", "/a", "\\u0000"},
        {"{\"a\":\"\\x\"}", "/a", "escape"},
        {"{\"a\":\"\n\"}", "/a", "control character"},
        {"{\"a\":\"x", "/a", "closing quote"},
        {"{\"a\":[1,2", "/a", "ends too early"},
        {"{\"a\":[1 2]}", "/a", "',' or ']'"},
        {"{\"a\":[1,]}", "/a/1", "a JSON value is wanted"},
        {"{\"a\" 1}", "/a", "':'"},
        {"{a:1}", "", "key in quotes"},
        {"{\"a\":01}", "/a", "may not begin with 0"},
        {"{\"a\":1.}", "/a", "after the point"},
        {"{\"a\":1e}", "/a", "exponent"},
        {"{\"a\":99999999999999999999}", "/a", "64 bits"},
        {"{\"a\":1e999}", "/a", "64 bits"},
        {"{\"a\":nul}", "/a", "a JSON value is wanted"},
        {"\xef\xbb\xbf{}", "", "a JSON value is wanted"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        refused(rows[i].text, strlen(rows[i].text), rows[i].pointer, rows[i].reason);
}

Test(json, a_reason_never_quotes_the_text)
{
    struct fault f;
    const char *text = "{\"password\":\"hunter2\" oops}";
    cr_assert(json_parse_strict(text, strlen(text), &f) == NULL);
    cr_expect(strstr(f.reason, "hunter2") == NULL && strstr(f.reason, "oops") == NULL, "%s",
              f.reason);
}

static json_t *nested(unsigned depth, struct fault *ret_fault)
{
    char text[8192];
    memset(text, '[', depth);
    memset(text + depth, ']', depth);
    return json_parse_strict(text, 2 * depth, ret_fault);
}

Test(json, sixteen_levels_are_taken_and_seventeen_are_not)
{
    struct fault f;
    json_t *v = nested(16, &f);
    cr_expect(v != NULL);
    json_decref(v);
    cr_expect(nested(17, &f) == NULL);
    cr_expect(eq(str, f.pointer, "/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0/0"));
    cr_expect(eq(str, f.reason, "nested deeper than 16 levels"));
    cr_expect(nested(4000, &f) == NULL, "deeper than the parser itself goes");
    cr_expect(eq(str, f.reason, "nested deeper than 16 levels"));
}

Test(json, a_mebibyte_is_taken_and_a_byte_more_is_not)
{
    size_t n = JSON_EVENT_MAX_BYTES;
    char *text = malloc(n + 1);
    cr_assert(text != NULL);
    memset(text, ' ', n + 1);
    text[0] = '7';
    struct fault f;
    json_t *v = json_parse_strict(text, n, &f);
    cr_expect(v != NULL);
    json_decref(v);
    cr_expect(json_parse_strict(text, n + 1, &f) == NULL);
    cr_expect(eq(str, f.reason, "1048577 bytes, wanted at most 1048576"));
    free(text);
}

Test(json, many_keys_of_which_one_stands_twice_are_searched_quickly)
{
    struct buf b;
    buf_init(&b, JSON_EVENT_MAX_BYTES);
    buf_addc(&b, '{');
    for (unsigned i = 0; i < 60000; i++)
        buf_addf(&b, "\"k%u\":0,", i);
    buf_adds(&b, "\"k59999\":0}");
    cr_assert(buf_ok(&b));
    refused(b.data, b.len, "/k59999", "twice");
    buf_fini(&b);
}

static char *written(const char *text, void add(struct buf *, const json_t *))
{
    struct fault f;
    json_t *v = json_parse_strict(text, strlen(text), &f);
    cr_assert(v != NULL, "%s: %s", text, f.reason);
    struct buf b;
    buf_init(&b, 65536);
    add(&b, v);
    json_decref(v);
    return buf_steal(&b, NULL);
}

Test(json, canonical_form_sorts_keys_by_utf16_and_drops_space)
{
    static const struct {
        const char *why, *text, *want;
    } rows[] = {
        {"sorted, no space", "{ \"b\": 1, \"a\": [1, {\"d\":null,\"c\":true}] }",
         "{\"a\":[1,{\"c\":true,\"d\":null}],\"b\":1}"},
        {"RFC 8785's escapes", "\"\\u0008\\u0009\\n\\f\\r\\u001F\\\"\\\\\\/\\u00e9\"",
         "\"\\b\\t\\n\\f\\r\\u001f\\\"\\\\/\xc3\xa9\""},
        {"a surrogate pair sorts before U+FB33",
         "{\"\\ufb33\":1,\"\\ud83d\\ude00\":2,\"\\u20ac\":3}",
         "{\"\xe2\x82\xac\":3,\"\xf0\x9f\x98\x80\":2,\"\xef\xac\xb3\":1}"},
        {"a prefix sorts first", "{\"ab\":1,\"a\":2,\"\":3}", "{\"\":3,\"a\":2,\"ab\":1}"},
        {"numbers", "[0,-1,9223372036854775807,1.5,0.1]",
         "[0,-1,9223372036854775807,1.5,0.10000000000000001]"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char *got = written(rows[i].text, json_add_canonical);
        cr_expect(eq(str, got, (char *)rows[i].want), "%s", rows[i].why);
        free(got);
    }
}

Test(json, canonical_form_of_many_keys_is_the_same_in_any_order)
{
    json_t *a = json_object(), *b = json_object();
    char key[16];
    for (int i = 0; i < 100; i++) {
        snprintf(key, sizeof(key), "k%d", i);
        json_object_set_new(a, key, json_integer(i));
    }
    for (int i = 99; i >= 0; i--) {
        snprintf(key, sizeof(key), "k%d", i);
        json_object_set_new(b, key, json_integer(i));
    }
    struct buf x, y;
    buf_init(&x, 65536);
    buf_init(&y, 65536);
    json_add_canonical(&x, a);
    json_add_canonical(&y, b);
    cr_expect(eq(str, (char *)buf_cstr(&x), (char *)buf_cstr(&y)));
    buf_fini(&x);
    buf_fini(&y);
    json_decref(a);
    json_decref(b);
}

Test(json, compact_form_keeps_the_order)
{
    char *got = written("{ \"b\": [], \"a\": {}, \"c\" : [1 , false] }", json_add_compact);
    cr_expect(eq(str, got, "{\"b\":[],\"a\":{},\"c\":[1,false]}"));
    free(got);
}

Test(json, a_pointer_finds_its_value)
{
    struct fault f;
    const char *text = "{\"a\":[10,{\"x/y\":1,\"m~n\":2}],\"\":3,\"01\":4}";
    json_t *v = json_parse_strict(text, strlen(text), &f);
    static const struct {
        const char *pointer;
        int want; /* -1: none */
    } rows[] = {{"/a/0", 10}, {"/a/1/x~1y", 1}, {"/a/1/m~0n", 2}, {"/", 3},
                {"/01", 4},   {"/a/01", -1},    {"/a/2", -1},     {"/a/-", -1},
                {"/b", -1},   {"a", -1},        {"/a/0/x", -1},   {"/a/99999999999", -1}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const json_t *at = json_at_pointer(v, rows[i].pointer);
        cr_expect(eq(int, at != NULL ? (int)json_integer_value(at) : -1, rows[i].want), "%s",
                  rows[i].pointer);
    }
    cr_expect(json_at_pointer(v, "") == v);
    json_decref(v);
}

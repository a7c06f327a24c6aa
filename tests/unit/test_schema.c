#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/attr.h"
#include "contract/schema.h"

static json_t *json(const char *text)
{
    json_error_t e;
    json_t *v = json_loads(text, JSON_DECODE_ANY, &e);
    cr_assert(v != NULL, "%s: %s", text, e.text);
    return v;
}

static struct schema *compile(const char *text, const char *dir, struct err *reterr)
{
    json_t *root = json(text);
    struct schema *s = schema_compile("s", root, dir, reterr);
    json_decref(root); /* the schema keeps what it needs */
    return s;
}

struct row {
    const char *schema, *value, *pointer, *reason; /* pointer NULL: valid */
};

static void expect(const struct row *r)
{
    struct err e = {0};
    struct schema *s = compile(r->schema, NULL, &e);
    cr_assert(s != NULL, "%s: %s", r->schema, e.msg);
    json_t *v = json(r->value);
    struct fault f = {.nomem = false};
    bool ok = schema_check(s, v, &f);
    cr_expect(eq(int, ok, r->pointer == NULL), "%s: %s", r->value, f.reason);
    if (r->pointer != NULL) {
        cr_expect(eq(str, f.pointer, (char *)r->pointer), "%s", r->value);
        cr_expect(strstr(f.reason, r->reason) != NULL, "%s: \"%s\", wanted \"%s\"", r->value,
                  f.reason, r->reason);
    }
    cr_expect(eq(int, schema_check(s, v, NULL), ok),
              "without a fault to fill, the answer is the same");
    json_decref(v);
    schema_free(s);
}

Test(schema, a_refusal_names_the_place_and_what_was_wanted)
{
    static const struct row rows[] = {
        {"{\"type\":\"integer\"}", "\"x\"", "", "wanted an integer, found a text"},
        {"{\"type\":[\"string\",\"null\"]}", "1", "", "wanted a text or null, found an integer"},
        {"{\"type\":\"integer\"}", "1.0", NULL, NULL},
        {"{\"type\":\"integer\"}", "1.5", "", "wanted an integer, found a number"},
        {"{\"properties\":{\"a\":{\"items\":{\"maximum\":3}}}}", "{\"a\":[1,2,9]}", "/a/2",
         "wanted at most 3"},
        {"{\"properties\":{\"a/b\":{\"minimum\":2.5}}}", "{\"a/b\":2}", "/a~1b",
         "wanted at least 2.5"},
        {"{\"required\":[\"x\",\"y\"]}", "{\"x\":1}", "",
         "wanted the member \"y\", which is missing"},
        {"{\"properties\":{\"brokers\":true},\"additionalProperties\":false}", "{\"brokes\":1}",
         "/brokes", "unknown member; did you mean \"brokers\"?"},
        {"{\"properties\":{\"brokers\":true},\"additionalProperties\":false}", "{\"zebra\":1}",
         "/zebra", "unknown member"},
        {"{\"enum\":[\"a\",1,null]}", "2", "", "wanted one of \"a\", 1, null"},
        {"{\"const\":{\"a\":1}}", "{\"a\":1.0}", NULL, NULL},
        {"{\"const\":false}", "0", "", "wanted false"},
        {"{\"maxLength\":2}", "\"\\u00e9\\u00e9\"", NULL, NULL},
        {"{\"maxLength\":2}", "\"\\u00e9\\u00e9x\"", "", "at most 2 characters"},
        {"{\"minLength\":3}", "\"\\u00e9\\u00e9\"", "", "at least 3 characters"},
        {"{\"format\":\"uuid\"}", "\"3f0c9a52-7d1e-4f6b-9a35-2f1f6f0f8c11\"", NULL, NULL},
        {"{\"format\":\"uuid\"}", "\"3f0c9a52-7d1e-4f6b-9a35-2f1f6f0f8c1\"", "", "format uuid"},
        {"{\"not\":{\"required\":[\"a\"]}}", "{\"a\":1}", "", "rules out"},
        {"{\"propertyNames\":{\"pattern\":\"^[a-z]+$\"}}", "{\"A\":1}", "/A", "matches ^[a-z]+$"},
        {"{\"propertyNames\":{\"enum\":[\"a\"]}}", "{\"b\":1}", "/b", "wanted one of \"a\""},
        {"{\"dependencies\":{\"a\":[\"b\"]}}", "{\"a\":1}", "",
         "wanted the member \"b\" beside \"a\""},
        {"{\"contains\":{\"const\":1}}", "[2,3]", "", "at least one item"},
        {"{\"uniqueItems\":true}", "[1,{\"a\":[2]},{\"a\":[2.0]}]", "", "all differ"},
        {"{\"if\":{\"required\":[\"a\"]},\"then\":{\"required\":[\"b\"]}}", "{\"a\":1}", "",
         "\"b\", which is missing"},
        {"{\"patternProperties\":{\"^x\":{\"type\":\"string\"}}}", "{\"x1\":1}", "/x1",
         "wanted a text"},
        {"{\"properties\":{\"a\":false}}", "{\"a\":1}", "/a", "nothing is allowed"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        expect(&rows[i]);
}

Test(schema, of_several_alternatives_the_deepest_fault_is_told)
{
    static const struct row rows[] = {
        {"{\"anyOf\":[{\"const\":\"off\"},{\"type\":\"object\",\"properties\":{\"a\":{\"type\":"
         "\"integer\"}}}]}",
         "{\"a\":\"x\"}", "/a", "wanted an integer"},
        {"{\"anyOf\":[{\"const\":\"off\"},{\"type\":\"integer\"}]}", "[]", "",
         "wanted \"off\"; or wanted an integer, found a list"},
        {"{\"oneOf\":[{\"type\":\"integer\"},{\"minimum\":2}]}", "3", "", "more than one"},
        {"{\"properties\":{\"a\":{\"anyOf\":[{\"items\":{\"items\":{\"type\":\"null\"}}},{}]}},"
         "\"required\":[\"b\"]}",
         "{\"a\":[[1]]}", "", "\"b\", which is missing"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        expect(&rows[i]);
}

Test(schema, the_instance_is_never_quoted)
{
    static const char *const schemas[] = {
        "{\"type\":\"integer\"}",
        "{\"enum\":[1]}",
        "{\"const\":1}",
        "{\"maxLength\":2}",
        "{\"pattern\":\"^x$\"}",
        "{\"format\":\"email\"}",
        "{\"anyOf\":[{\"type\":\"null\"},{\"maxLength\":1}]}",
    };
    json_t *v = json("\"hunter2\"");
    for (size_t i = 0; i < ARRAY_LEN(schemas); i++) {
        struct err e = {0};
        struct fault f = {.nomem = false};
        struct schema *s = compile(schemas[i], NULL, &e);
        cr_assert(s != NULL, "%s", e.msg);
        cr_expect(eq(int, schema_check(s, v, &f), false));
        cr_expect(strstr(f.reason, "hunter2") == NULL, "%s", f.reason);
        schema_free(s);
    }
    json_decref(v);
}

Test(schema, what_is_not_supported_is_refused_when_compiled)
{
    static const struct {
        const char *schema, *want;
    } rows[] = {
        {"{\"properties\":{\"a\":{\"contentEncoding\":\"base64\"}}}",
         "s: at \"/properties/a/contentEncoding\": the keyword"},
        {"{\"definitions\":{\"x\":{\"unevaluatedItems\":false}}}",
         "s: at \"/definitions/x/unevaluatedItems\": the keyword"},
        {"{\"type\":\"strin\"}", "s: at \"/type\": unknown type"},
        {"{\"format\":\"idn-email\"}",
         "s: at \"/format\": the format \"idn-email\" is not supported"},
        {"{\"minLength\":-1}", "s: at \"/minLength\": wants a whole number"},
        {"{\"multipleOf\":0}", "s: at \"/multipleOf\": wants a number above 0"},
        {"{\"required\":\"a\"}", "s: at \"/required\": wants a list of names"},
        {"{\"items\":3}", "s: at \"/items\": a schema must be an object, true or false"},
        {"{\"enum\":[]}", "s: at \"/enum\": wants a list"},
        {"{\"$schema\":\"https://json-schema.org/draft/2020-12/schema\"}",
         "s: at \"/$schema\": another dialect"},
        {"{\"$ref\":\"#/definitions/none\"}",
         "s: at \"\": $ref to \"#/definitions/none\": no such place"},
        {"{\"$ref\":\"other.json\"}", "s: at \"\": $ref to \"other.json\": not in this document"},
        {"{\"$ref\":\"http://example.com/x\"}",
         "s: at \"\": $ref to \"http://example.com/x\": not in this document"},
        {"{\"$ref\":\"#\"}", "s: a $ref leads back to itself without end"},
        {"{\"allOf\":[{\"$ref\":\"#/definitions/"
         "a\"}],\"definitions\":{\"a\":{\"not\":{\"$ref\":\"#/definitions/a\"}}}}",
         "s: a $ref leads back to itself without end"},
        {"{\"pattern\":\"(\"}", "s: at \"/pattern\": not a pattern: "},
        {"{\"pattern\":\"a++\"}", "s: at \"/pattern\": a possessive + is not ECMA-262"},
        {"{\"pattern\":\"\\\\Aa\\\\Z\"}", "s: at \"/pattern\": \\A is not ECMA-262"},
        {"{\"pattern\":\"(?i)a\"}", "s: at \"/pattern\": (?i is not ECMA-262"},
        {"{\"pattern\":\"(*UTF)a\"}", "s: at \"/pattern\": (* is not ECMA-262"},
        {"[]", "s: at \"\": a schema must be"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct err e = {0};
        struct schema *s = compile(rows[i].schema, NULL, &e);
        cr_expect(s == NULL, "%s", rows[i].schema);
        cr_expect(strncmp(e.msg, rows[i].want, strlen(rows[i].want)) == 0, "\"%s\", wanted \"%s\"",
                  e.msg, rows[i].want);
        schema_free(s);
    }
}

Test(schema, annotations_are_kept_and_ignored)
{
    struct row r = {
        "{\"$comment\":\"c\",\"title\":\"t\",\"description\":\"d\",\"default\":1,\"examples\":[1],"
        "\"readOnly\":true,\"writeOnly\":false,\"x-unit\":\"ms\",\"$id\":\"http://h/s\"}",
        "[1]", NULL, NULL};
    expect(&r);
}

Test(schema, patterns_mean_what_ecma_262_means)
{
    static const struct {
        const char *pattern, *text;
        bool match;
    } rows[] = {
        {"^\\\\d$", "\"1\"", true},
        {"^\\\\d$", "\"\\u0661\"", false},
        {"^\\\\w$", "\"\\u00e9\"", false},
        {"^a$", "\"a\\n\"", false},
        {"^.$", "\"\\n\"", false},
        {"^.$", "\"\\ud83d\\ude00\"", true},
        {"^\\\\s$", "\"\\u00a0\"", true},
        {"^\\\\s$", "\"\\ufeff\"", true},
        {"^\\\\S$", "\"\\u2003\"", false},
        {"^[\\\\s]$", "\"\\t\"", true},
        {"^\\\\v$", "\"\\u000b\"", true},
        {"^\\\\v$", "\"\\n\"", false},
        {"^\\\\u0041$", "\"A\"", true},
        {"^\\\\x41$", "\"A\"", true},
        {"^[[:a]$", "\":\"", true},
        {"^\\\\p{L}+$", "\"\\u00e9\"", true},
        {"b", "\"abc\"", true},
        {"^(?:a|b)+$", "\"abab\"", true},
        {"^[^]]$", "\"x\"", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char schema[100];
        snprintf(schema, sizeof(schema), "{\"pattern\":\"%s\"}", rows[i].pattern);
        struct err e = {0};
        struct schema *s = compile(schema, NULL, &e);
        cr_assert(s != NULL, "%s: %s", rows[i].pattern, e.msg);
        json_t *v = json(rows[i].text);
        cr_expect(eq(int, schema_check(s, v, NULL), rows[i].match), "%s %s", rows[i].pattern,
                  rows[i].text);
        json_decref(v);
        schema_free(s);
    }
}

Test(schema, a_pattern_that_backtracks_without_end_is_stopped)
{
    struct err e = {0};
    struct schema *s = compile("{\"pattern\":\"^(a+)+$\"}", NULL, &e);
    cr_assert(s != NULL, "%s", e.msg);
    json_t *v = json(
        "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!\"");
    cr_expect(eq(int, schema_check(s, v, NULL), false));
    json_decref(v);
    schema_free(s);
}

Test(schema, a_list_of_many_items_is_checked_for_doubles_quickly)
{
    struct err e = {0};
    struct schema *s = compile("{\"uniqueItems\":true}", NULL, &e);
    json_t *v = json_array();
    for (int i = 0; i < 200000; i++)
        json_array_append_new(v, json_integer(i));
    cr_expect(eq(int, schema_check(s, v, NULL), true));
    json_array_append_new(v, json_real(77777.0));
    cr_expect(eq(int, schema_check(s, v, NULL), false));
    json_decref(v);
    schema_free(s);
}

Test(schema, a_deep_instance_is_refused_and_not_crashed_on)
{
    struct err e = {0};
    struct schema *s = compile("{\"items\":{\"$ref\":\"#\"}}", NULL, &e);
    cr_assert(s != NULL, "%s", e.msg);
    char text[4001];
    memset(text, '[', 2000);
    memset(text + 2000, ']', 2000);
    text[4000] = '\0';
    json_t *v = json(text);
    struct fault f = {.nomem = false};
    cr_expect(eq(int, schema_check(s, v, &f), false));
    cr_expect(eq(str, f.reason, "nested too deep"));
    json_decref(v);
    schema_free(s);
}

Test(schema, more_than_64_required_members_are_all_required)
{
    struct buf b;
    buf_init(&b, 65536);
    buf_adds(&b, "{\"required\":[\"m0\"");
    for (unsigned i = 1; i < 100; i++)
        buf_addf(&b, ",\"m%u\"", i);
    buf_adds(&b, "]}");
    struct err e = {0};
    struct schema *s = compile(buf_cstr(&b), NULL, &e);
    json_t *v = json_object();
    char key[16];
    for (unsigned i = 0; i < 100; i++) {
        cr_expect(eq(int, schema_check(s, v, NULL), false), "%u", i);
        snprintf(key, sizeof(key), "m%u", i);
        json_object_set_new(v, key, json_null());
    }
    cr_expect(eq(int, schema_check(s, v, NULL), true));
    json_object_del(v, "m80");
    struct fault f = {.nomem = false};
    schema_check(s, v, &f);
    cr_expect(eq(str, f.reason, "wanted the member \"m80\", which is missing"));
    json_decref(v);
    schema_free(s);
    buf_fini(&b);
}

static void put(const char *folder, const char *name, const char *text)
{
    char path[200];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    FILE *f = fopen(path, "w");
    cr_assert(f != NULL);
    fputs(text, f);
    fclose(f);
}

Test(schema, refs_lead_into_other_files_of_the_folder)
{
    char folder[] = "/tmp/tvb-schema-XXXXXX", path[200];
    cr_assert(mkdtemp(folder) != NULL);
    put(folder, "a.json",
        "{\"$id\":\"https://example.com/s/a.json\",\"properties\":{\"x\":{\"$ref\":\"b.yaml#/"
        "definitions/n\"}}}");
    put(folder, "b.yaml", "definitions:\n  n: {$ref: '#/definitions/m'}\n  m: {type: integer}\n");
    put(folder, "c.json", "{\"$ref\":\"d.json\"}");
    put(folder, "d.json", "{\"typo\":1}");
    struct err e = {0};
    snprintf(path, sizeof(path), "%s/a.json", folder);
    struct schema *s = schema_load(path, &e);
    cr_assert(s != NULL, "%s", e.msg);
    json_t *v = json("{\"x\":\"y\"}");
    struct fault f = {.nomem = false};
    cr_expect(eq(int, schema_check(s, v, &f), false));
    cr_expect(eq(str, f.pointer, "/x"));
    json_decref(v);
    schema_free(s);
    snprintf(path, sizeof(path), "%s/c.json", folder);
    cr_expect(schema_load(path, &e) == NULL);
    cr_expect(strstr(e.msg, "d.json: at \"/typo\": the keyword \"typo\" is not supported") != NULL,
              "%s", e.msg);
    static const char *const names[] = {"a.json", "b.yaml", "c.json", "d.json"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
        unlink(path);
    }
    rmdir(folder);
}

Test(schema, the_folder_is_the_one_asked_for_then_the_environments_then_the_trees)
{
    unsetenv("TVBRIDGE_SCHEMAS");
    cr_expect(eq(str, (char *)schema_dir(NULL), TVB_ROOT "/schemas"));
    setenv("TVBRIDGE_SCHEMAS", "/e", 1);
    cr_expect(eq(str, (char *)schema_dir(NULL), "/e"));
    cr_expect(eq(str, (char *)schema_dir("/o"), "/o"));
}

/* Patterns of one class are looked at without PCRE2. In a group they are the same pattern, and PCRE2 is asked. */
static struct schema *of_pattern(const char *before, const char *class, const char *after)
{
    char pattern[100];
    struct err e = {0};
    snprintf(pattern, sizeof(pattern), "%s%s%s", before, class, after);
    json_t *root = json_pack("{s:s}", "pattern", pattern);
    struct schema *s = schema_compile("s", root, NULL, &e);
    cr_assert(s != NULL, "%s: %s", pattern, e.msg);
    json_decref(root);
    return s;
}

static void expect_same(const struct schema *fast, const struct schema *slow, const char *text, const char *class)
{
    json_t *v = json_string(text);
    cr_assert(v != NULL);
    cr_expect(eq(int, schema_check(fast, v, NULL), schema_check(slow, v, NULL)), "^%s$: \"%s\"", class, text);
    json_decref(v);
}

Test(schema, a_pattern_of_one_class_matches_what_pcre2_matches)
{
    static const char *const rows[] = {
        "[a]",           "[abc]",         "[a-z]",          "[a-z0-9_-]{1,20}", "[A-Za-z0-9._-]{0,3}", "[0-9]{3,12}",
        "[0-9]{2}",      "[0-9]{2,}",     "[0-9]*",         "[0-9]?",           "[^a]",                "[^a-c]{1,3}",
        "[^\\x00-\\x1f\\x7f]+",           "[^\\x00-\\x20\\x7f]+",             "[!-.0-z|~]{1,128}",   "[-a]+",
        "[a-]+",         "[+-]",          "[-+0-9 ()./]*",  "[,-.]",            "[\\x41-Z]+",          "[a$]+",
        "[a{2}]",        "[a^]",          "[a\\-z]+",       "[\\d]+",           "[\\w.]+",             "[a-c-e]+",
        "[--a]+",        "[!--]+",        "[[]+",           "[\\]]+",           "[[:alpha:]]+",        "[\\x4]+",
        "[\\x4g]+",      "[\\xe9]+",      "[\\u00e9-\\u00ff]", "[a]+?",            "[a]{1,2}?",           "[a]{,2}",
        "[a]{x}",        "[a]{2",         "[]",             "[^]+",             "[a]|b",               "[a]+b",
        "[a-z][0-9]{1,2}", "[\t-~]",      "[^\\n]+",        "[.]",              "[a]{0}",
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct schema *fast = of_pattern("^", rows[i], "$"), *slow = of_pattern("(?:^", rows[i], "$)");
        for (int c = 1; c < 128; c++)
            for (int n = 0; n < 5; n++) {
                char text[8] = "", *at = text;
                for (int k = 0; k < n; k++)
                    *at++ = (char)(k == n / 2 ? c : 'a');
                expect_same(fast, slow, text, rows[i]);
            }
        static const char *const texts[] = {
            "\xc3\xa9", "a\xc3\xa9", "\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac", "\xf0\x9f\x98\x80",
            "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9", "0123456789", "a1", "a-z", "ab", "x\n", "\n", "a{2}", "a{,2}",
            "aaaaaaaaaaaaaaaaaaaa", "aaaaaaaaaaaaaaaaaaaaa"};
        for (size_t k = 0; k < ARRAY_LEN(texts); k++)
            expect_same(fast, slow, texts[k], rows[i]);
        schema_free(fast);
        schema_free(slow);
    }
}

Test(schema, a_nul_in_a_text_is_a_character_like_any_other)
{
    json_t *v = json_stringn("a\0b", 3);
    static const struct {
        const char *class;
        bool ok;
    } rows[] = {{"[^c]{3}", true}, {"[^c]{1}", false}, {"[ab]+", false}, {"[\\x00ab]+", true},
                {"[^\\x00-\\x1f]+", false}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct schema *fast = of_pattern("^", rows[i].class, "$"), *slow = of_pattern("(?:^", rows[i].class, "$)");
        cr_expect(eq(int, schema_check(fast, v, NULL), rows[i].ok), "%s", rows[i].class);
        cr_expect(eq(int, schema_check(slow, v, NULL), rows[i].ok), "%s", rows[i].class);
        schema_free(fast);
        schema_free(slow);
    }
    json_decref(v);
}

/* Half an escape at the end of a $ref: nothing behind it is read. */
Test(schema, half_an_escape_in_a_ref_stands_for_itself)
{
    static const char *const rows[] = {"#/definitions/%", "#/definitions/%2", "#/definitions/%2g", "#/definitions/%%"};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct err e = {.code = ERR_NONE};
        json_t *root = json_pack("{s:s, s:{s:{}, s:{}, s:{}, s:{}}}", "$ref", rows[i], "definitions", "%", "%2", "%2g", "%%");
        struct schema *s = schema_compile("s", root, NULL, &e);
        cr_expect(ne(ptr, s, NULL), "%s: %s", rows[i], e.msg);
        schema_free(s);
        json_decref(root);
    }
}

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/attr.h"
#include "contract/json.h"
#include "contract/yaml.h"

static struct yaml_doc *load(const char *text)
{
    struct err e = {0};
    struct yaml_doc *d = yaml_load_text("f.yaml", text, strlen(text), &e);
    cr_assert(d != NULL, "%s", e.msg);
    return d;
}

static void expect_json(const char *text, const char *want)
{
    struct yaml_doc *d = load(text);
    struct buf b;
    buf_init(&b, 65536);
    json_add_compact(&b, yaml_root(d));
    cr_expect(eq(str, (char *)buf_cstr(&b), (char *)want), "%s", text);
    buf_fini(&b);
    yaml_doc_free(d);
}

Test(yaml, plain_scalars_follow_the_core_schema)
{
    static const struct {
        const char *text, *want;
    } rows[] = {
        {"a: true", "{\"a\":true}"},
        {"a: False", "{\"a\":false}"},
        {"a: yes", "{\"a\":\"yes\"}"},
        {"a: no", "{\"a\":\"no\"}"},
        {"a: off", "{\"a\":\"off\"}"},
        {"a: ~", "{\"a\":null}"},
        {"a:", "{\"a\":null}"},
        {"a: Null", "{\"a\":null}"},
        {"a: 12", "{\"a\":12}"},
        {"a: -7", "{\"a\":-7}"},
        {"a: +7", "{\"a\":7}"},
        {"a: 0o17", "{\"a\":15}"},
        {"a: 0xfF", "{\"a\":255}"},
        {"a: 0x", "{\"a\":\"0x\"}"},
        {"a: 1.5", "{\"a\":1.5}"},
        {"a: .5", "{\"a\":0.5}"},
        {"a: 1e3", "{\"a\":1000.0}"},
        {"a: 1e", "{\"a\":\"1e\"}"},
        {"a: .", "{\"a\":\".\"}"},
        {"a: 1.2.3", "{\"a\":\"1.2.3\"}"},
        {"a: 12:30", "{\"a\":\"12:30\"}"},
        {"a: 2026-11-22", "{\"a\":\"2026-11-22\"}"},
        {"a: \"1\"", "{\"a\":\"1\"}"},
        {"a: 'true'", "{\"a\":\"true\"}"},
        {"a: ''", "{\"a\":\"\"}"},
        {"200: x", "{\"200\":\"x\"}"},
        {"true: x", "{\"true\":\"x\"}"},
        {"a: |\n  x\n  y\n", "{\"a\":\"x\\ny\\n\"}"},
        {"[1, {b: 2}]", "[1,{\"b\":2}]"},
        {"- a\n- - b\n", "[\"a\",[\"b\"]]"},
        {"--- 1\n...\n", "1"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        expect_json(rows[i].text, rows[i].want);
}

Test(yaml, json_is_read_as_it_is_tabs_and_surrogate_pairs_too)
{
    expect_json("{\n\t\"a\": \"\\ud83d\\ude00\",\n\t\"b\": [1e2]\n}",
                "{\"a\":\"\xf0\x9f\x98\x80\",\"b\":[100.0]}");
    expect_json("{a: 1, b: [c, d]}", "{\"a\":1,\"b\":[\"c\",\"d\"]}");
}

Test(yaml, what_is_refused_is_named_with_its_line)
{
    static const struct {
        const char *text, *want;
    } rows[] = {
        {"", "f.yaml:1: the file is empty"},
        {"a: 1\nb: 2\na: 3\n", "f.yaml:3: the key \"a\" stands twice"},
        {"{\"a\": 1,\n \"a\": 2}", "f.yaml:2: the key \"a\" stands twice"},
        {"a: &x 1\n", "f.yaml:1: the anchor &x"},
        {"a: 1\nb: *x\n", "f.yaml:2: the alias *x"},
        {"a: 1\nb: !!str 2\n", "f.yaml:2: the tag tag:yaml.org,2002:str"},
        {"a: !mine {}\n", "f.yaml:1: the tag !mine"},
        {"a: 1\n---\nb: 2\n", "f.yaml:2: a second document"},
        {"a: 99999999999999999999\n", "f.yaml:1: a number beyond 64 bits"},
        {"a: 1e999\n", "f.yaml:1: a number too large"},
        {"a: .inf\n", "f.yaml:1: infinity"},
        {"a: \"x\\0y\"\n", "f.yaml:1: a NUL byte"},
        {"? [a]\n: 1\n", "f.yaml:1: a key must be a text"},
        {"a: 1\n b: 2\n", "f.yaml:2: not YAML: mapping values are not allowed"},
        {"a: [1, 2\n", "f.yaml:2: not YAML"},
        {"a: \"\x80\"\n", "f.yaml: byte 4: "},
        {"a:\n\t- 1\n", "f.yaml:2: not YAML: found character that cannot start any token"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct err e = {0};
        struct yaml_doc *d = yaml_load_text("f.yaml", rows[i].text, strlen(rows[i].text), &e);
        cr_expect(d == NULL, "%s", rows[i].text);
        cr_expect(strncmp(e.msg, rows[i].want, strlen(rows[i].want)) == 0, "\"%s\": wanted \"%s\"",
                  e.msg, rows[i].want);
        yaml_doc_free(d);
    }
}

Test(yaml, the_error_is_written_on_failure_only)
{
    struct err e = {.code = ERR_NONE, .msg = "untouched"};
    struct yaml_doc *d = yaml_load_text("f.yaml", "a: 1", 4, &e);
    cr_expect(eq(int, e.code, ERR_NONE));
    cr_expect(eq(str, e.msg, "untouched"));
    yaml_doc_free(d);
}

Test(yaml, deep_nesting_is_refused)
{
    char text[200];
    struct err e = {0};
    memset(text, '[', 70);
    memset(text + 70, ']', 70);
    cr_expect(yaml_load_text("f", text, 140, &e) == NULL);
    cr_expect(eq(str, e.msg, "f:1: nested deeper than 64 levels"));
}

static void expect_lines(struct yaml_doc *d)
{
    static const struct {
        const char *pointer;
        int line;
    } rows[] = {{"", 1},     {"/a", 1},     {"/b", 2},       {"/b/c", 3},
                {"/b/d", 4}, {"/b/d/0", 5}, {"/b/d/1/x", 6}, {"/b/nothing/here", 2},
                {"/zz", 1}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        cr_expect(eq(int, yaml_line(d, rows[i].pointer), rows[i].line), "%s", rows[i].pointer);
    yaml_doc_free(d);
}

Test(yaml, the_line_of_each_node_is_known)
{
    expect_lines(load("a: 1\nb:\n  c: 2\n  d:\n    - 3\n    - x: 4\n"));
    expect_lines(load("{\"a\": 1,\n\"b\": {\n\"c\": 2,\n\"d\": [\n3,\n{\"x\": 4}]}}"));
}

Test(yaml, a_file_that_cannot_be_read_is_named)
{
    struct err e = {0};
    cr_expect(yaml_load_file("/nonexistent/x.yaml", &e) == NULL);
    cr_expect(eq(int, e.code, ERR_IO));
    cr_expect(eq(str, e.msg, "/nonexistent/x.yaml: No such file or directory"));
}

Test(yaml, a_file_is_read_under_its_name)
{
    char path[] = "/tmp/tvb-yaml-XXXXXX";
    int fd = mkstemp(path);
    cr_assert(fd >= 0 && write(fd, "a: 1\n", 5) == 5);
    close(fd);
    struct err e = {0};
    struct yaml_doc *d = yaml_load_file(path, &e);
    cr_assert(d != NULL, "%s", e.msg);
    cr_expect(eq(str, (char *)yaml_name(d), path));
    yaml_doc_free(d);
    unlink(path);
}

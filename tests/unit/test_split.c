/* A long JSON answer is cut into short ones of the same form. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <jansson.h>
#include <stdlib.h>

#include "base/attr.h"
#include "split.h"

/* All parts, one a line. */
static char *parts_of(const char *body, size_t part_bytes)
{
    struct split s;
    struct buf part, all;
    buf_init(&part, 1 << 20);
    buf_init(&all, 1 << 20);
    if (split_begin(&s, body, strlen(body), part_bytes))
        while (split_next(&s, &part)) {
            buf_add(&all, part.data, part.len);
            buf_addc(&all, '\n');
        }
    char *text = strdup(buf_cstr(&all));
    buf_fini(&part);
    buf_fini(&all);
    return text;
}

Test(split, gives_parts_of_the_same_form)
{
    static const struct {
        const char *why, *body;
        size_t bytes;
        const char *want;
    } rows[] = {
        {"an element each", "{\"status\":\"OK\",\"results\":[{\"a\":1},{\"a\":2}],\"n\":2}", 3,
         "{\"status\":\"OK\",\"results\":[{\"a\":1}],\"n\":2}\n{\"status\":\"OK\",\"results\":[{\"a\":2}],\"n\":2}\n"},
        {"as many as fit", "[1,2,3,4,5]", 4, "[1,2,3]\n[4,5]\n"},
        {"brackets and quotes in texts", "[\"],[\",\"a\\\"],\",\"b\\\\\"]", 3, "[\"],[\"]\n[\"a\\\"],\"]\n[\"b\\\\\"]\n"},
        {"lists in elements stay whole", "{\"r\":[[1,2],[3,4]]}", 3, "{\"r\":[[1,2]]}\n{\"r\":[[3,4]]}\n"},
        {"the longest of several", "{\"a\":[1,2],\"b\":{\"c\":[10,20,30]}}", 3,
         "{\"a\":[1,2],\"b\":{\"c\":[10,20]}}\n{\"a\":[1,2],\"b\":{\"c\":[30]}}\n"},
        {"white space", "[ 1 ,\n 2 ]", 2, "[ 1 ]\n[\n 2 ]\n"},
        {"short enough", "[1,2,3]", 7, ""},
        {"a short list in a long answer", "{\"text\":\"long enough to be split\",\"r\":[1,2]}", 8, ""},
        {"no list", "{\"status\":\"OK\",\"results\":true}", 4, ""},
        {"broken off", "{\"r\":[1,2,3,4,5,6,7,8,9", 4, ""},
        {"broken off in a text", "{\"r\":[\"1,2,3,4,5,6,7,8,9", 4, ""},
        {"closed too often", "[1,2,3,4,5]]", 4, ""},
        {"nothing", "", 0, ""},
        {"not JSON", "<html><body>503</body></html>", 4, ""},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char *got = parts_of(rows[i].body, rows[i].bytes);
        cr_expect(eq(str, got, (char *)rows[i].want), "%s", rows[i].why);
        free(got);
    }
}

/* Whatever the size of the parts, their elements together are those of the whole. */
Test(split, loses_and_doubles_nothing)
{
    enum { ELEMENTS = 200 };
    json_t *list = json_array();
    for (int i = 0; i < ELEMENTS; i++)
        json_array_append_new(list, i % 3 == 0 ? json_pack("{s:i, s:[i,s]}", "n", i, "more", i, "\"],\\[{") :
                                    i % 3 == 1 ? json_sprintf("%*d", i % 40, i) : json_integer(i));
    json_t *whole = json_pack("{s:s, s:{s:o}, s:[i]}", "status", "OK", "data", "list", list, "other", 1);
    for (size_t flags = 0; flags < 2; flags++) {
        char *body = json_dumps(whole, flags == 0 ? JSON_COMPACT : JSON_INDENT(2));
        for (size_t bytes = 1; bytes < 700; bytes += 13) {
            struct split s;
            struct buf part;
            size_t n = 0;
            buf_init(&part, 1 << 20);
            cr_assert(split_begin(&s, body, strlen(body), bytes));
            while (split_next(&s, &part)) {
                json_t *one = json_loadb(part.data, part.len, 0, NULL), *e;
                size_t i;
                cr_assert(one != NULL, "%.*s", (int)part.len, part.data);
                cr_expect(json_equal(json_object_get(one, "other"), json_object_get(whole, "other")));
                json_array_foreach(json_object_get(json_object_get(one, "data"), "list"), i, e)
                    cr_expect(json_equal(e, json_array_get(list, n++)));
                json_decref(one);
            }
            cr_expect(eq(sz, n, ELEMENTS));
            cr_expect(split_is_over(&s));
            buf_fini(&part);
        }
        free(body);
    }
    json_decref(whole);
}

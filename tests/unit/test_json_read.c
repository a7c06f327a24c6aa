/* The fast reader against jansson's own: whatever it takes, it takes in the same way. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <dirent.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "base/file.h"
#include "contract/json_read.h"

/* True when it was taken, and then jansson must agree. */
static bool same_as_jansson(const char *text, size_t n)
{
    char *exact = malloc(n == 0 ? 1 : n); /* so that a read past the end is seen */
    memcpy(exact, text, n);
    json_t *fast = json_read(exact, n);
    json_t *slow = json_loadb(exact, n, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, NULL);
    bool taken = fast != NULL;
    if (taken) {
        cr_assert(ne(ptr, slow, NULL), "jansson refuses: %.*s", (int)n, text);
        cr_assert(eq(int, json_equal(fast, slow), 1), "%.*s", (int)n, text);
    }
    json_decref(fast);
    json_decref(slow);
    free(exact);
    return taken;
}

Test(json_read, takes_the_usual)
{
    static const char *const rows[] = {
        "{}",
        "[]",
        " [ 1 , -2 , 0 ] ",
        "\"\"",
        "true",
        "false",
        "null",
        "-0",
        "999999999999999999",
        "{\"\":1}",
        "{\"a\":{\"b\":[{\"c\":\"d\"}]},\"e\":null}",
        "\"caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80\"",
        "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"",
        "\"\\u00e9\\u20ac\\ud83d\\ude00x\"",
        "{\"a\\u0062\":1}",
        "\t\r\n1\n",
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        cr_expect(eq(int, same_as_jansson(rows[i], strlen(rows[i])), true), "%s", rows[i]);
}

Test(json_read, leaves_the_rest_to_jansson)
{
    static const char *const rows[] = {
        "",
        " ",
        "1.5",
        "1e3",
        "1000000000000000000",
        "01",
        "-",
        "+1",
        "nul",
        "truex",
        "[1,]",
        "[1 2]",
        "{\"a\":1,}",
        "{a:1}",
        "{\"a\" 1}",
        "{\"a\":1,\"a\":2}",
        "{\"a\":1,\"\\u0061\":2}",
        "\"",
        "\"a",
        "\"\x01\"",
        "\"\\x\"",
        "\"\\u12\"",
        "\"\\u0000\"",
        "\"\\ud83d\"",
        "\"\\ud83dx\"",
        "\"\\ude00\"",
        "\"\xff\"",
        "\"\xc3\"",
        "\"\xed\xa0\x80\"",
        "1 2",
        "{}x",
        "[",
        "{",
        "]",
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        cr_expect(zero(int, same_as_jansson(rows[i], strlen(rows[i]))), "%s", rows[i]);
}

Test(json_read, what_it_leaves_is_taken_the_slow_way)
{
    json_t *v = json_read_any("{\"a\":1.5}", 9);
    cr_expect(eq(dbl, json_real_value(json_object_get(v, "a")), 1.5));
    json_decref(v);
    cr_expect(eq(ptr, json_read_any("{\"a\":1,\"a\":2}", 13), NULL));
}

Test(json_read, sixty_four_levels_are_taken_and_one_more_is_left)
{
    char text[200];
    for (int depth = 64; depth <= 65; depth++) {
        memset(text, '[', (size_t)depth);
        memset(text + depth, ']', (size_t)depth);
        cr_expect(eq(int, same_as_jansson(text, 2 * (size_t)depth), depth == 64), "%d", depth);
    }
}

Test(json_read, a_long_text_with_escapes_is_left_or_the_same)
{
    static char text[20000];
    for (size_t n = 4000; n < 4200; n++) {
        memset(text, 'x', n);
        text[0] = '"';
        memcpy(text + n - 9, "\\ud83d\\n", 8);
        text[n - 1] = '"';
        same_as_jansson(text, n);
        memcpy(text + n - 9, "\\u20ac\\n", 8);
        same_as_jansson(text, n);
    }
    memset(text, 'x', sizeof(text));
    text[0] = text[sizeof(text) - 1] = '"';
    cr_expect(eq(int, same_as_jansson(text, sizeof(text)), true),
              "without escapes any length is taken");
}

/* What may stand in a text, and where it must not: at every place of texts of every length up to 40, as a value and
 * as a name. */
static void try_at_every_place(const char *piece, size_t len)
{
    char text[64];
    for (size_t n = 0; n <= 40; n++)
        for (size_t at = 0; at <= n; at++) {
            size_t end = 0;
            text[end++] = '"';
            memset(text + end, 'a', n);
            memcpy(text + end + at, piece, len);
            memset(text + end + at + len, 'b', n - at);
            end += n + len;
            same_as_jansson(text, end); /* no end */
            text[end++] = '"';
            json_t *slow = json_loadb(text, end, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, NULL);
            cr_assert(eq(int, same_as_jansson(text, end), slow != NULL), "%.*s", (int)end, text);
            memmove(text + 1, text, end);
            text[0] = '{';
            memcpy(text + end + 1, ":1}", 3);
            cr_assert(eq(int, same_as_jansson(text, end + 4), slow != NULL), "%.*s", (int)end + 4, text);
            json_decref(slow);
        }
}

Test(json_read, a_character_is_taken_or_left_wherever_in_a_text_it_stands)
{
    static const char *const rows[] = {
        "\\\"",         "\\n",          "\\u20ac",     "\xc3\xa9",         "\xe2\x82\xac", "\xf0\x9f\x98\x80",
        "\xc3\xa9\xc3\xa9", "\xc3",          "\xe2\x82",    "\xed\xa0\x80",     "\xc0\x80",     "\xf5\x80\x80\x80",
        "\xc3\xa9\x01",   "\xc3\xa9\\t\xff",
    };
    for (int c = 1; c < 256; c++)
        try_at_every_place(&(char){(char)c}, 1);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        try_at_every_place(rows[i], strlen(rows[i]));
}

Test(json_read, long_names_with_and_without_escapes_are_taken)
{
    char text[600];
    for (size_t n = 0; n < 200; n++) {
        int len = snprintf(text, sizeof(text),
                           "{\"%0*d\":{\"%0*d\\n\":\"\\u20ac\"},\"b\\t\":\"c\\t\"}", (int)n, 1, (int)n, 2);
        cr_assert(eq(int, same_as_jansson(text, (size_t)len), true), "%s", text);
    }
}

static void each_vector(void (*fn)(char *text, size_t n))
{
    struct dirent **list;
    int n = scandir(TVB_ROOT "/schemas/vectors/valid", &list, NULL, alphasort);
    cr_assert(lt(int, 50, n));
    for (int i = 0; i < n; i++) {
        char path[1024];
        size_t len;
        snprintf(path, sizeof(path), TVB_ROOT "/schemas/vectors/valid/%s", list[i]->d_name);
        char *text = list[i]->d_name[0] == '.' ? NULL : file_read(path, 1 << 20, &len, NULL);
        if (text != NULL)
            fn(text, len);
        free(text);
        free(list[i]);
    }
    free(list);
}

static void expect_taken(char *text, size_t n)
{
    cr_expect(eq(int, same_as_jansson(text, n), true), "%s", text);
}

static void mutate(char *text, size_t n)
{
    unsigned seed = (unsigned)n;
    static const char bytes[] = "\"\\{}[],:0u1-.eE \n\x01\x80\xc3\xff";
    for (int round = 0; round < 600; round++) {
        size_t a = (size_t)rand_r(&seed) % n, b = (size_t)rand_r(&seed) % n;
        char was_a = text[a], was_b = text[b];
        text[a] = bytes[(size_t)rand_r(&seed) % (sizeof(bytes) - 1)];
        text[b] = bytes[(size_t)rand_r(&seed) % (sizeof(bytes) - 1)];
        same_as_jansson(text, n);
        text[b] = was_b;
        text[a] = was_a;
    }
}

Test(json_read, every_valid_vector_is_taken)
{
    each_vector(expect_taken);
}

Test(json_read, no_changed_vector_is_taken_otherwise_than_by_jansson)
{
    each_vector(mutate);
}

/* No JSON text has a NUL in it (RFC 8259 section 2), but jansson passes over one that stands behind a number. */
Test(json_read, a_nul_is_refused_wherever_it_stands)
{
    static const struct {
        const char *text;
        size_t n;
    } rows[] = {{"8\0", 2}, {"1.5\0", 4}, {"{\"a\":1.5\0}", 10}, {"[1e3\0,2]", 8}, {"\0{}", 3}, {"{}\0", 3}, {"\"\0\"", 3}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        cr_expect(eq(ptr, json_read_any(rows[i].text, rows[i].n), NULL), "row %zu", i);
}

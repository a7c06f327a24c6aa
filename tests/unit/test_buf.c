#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

static void expect(struct buf *b, const char *want)
{
    cr_expect(eq(str, (char *)buf_cstr(b), (char *)want));
    buf_reset(b);
}

Test(buf, bytes_and_numbers_are_appended)
{
    struct buf b;
    buf_init(&b, 1000);
    expect(&b, "");
    buf_adds(&b, "a");
    buf_addc(&b, 'b');
    buf_addu(&b, 0);
    buf_addu(&b, UINT64_MAX);
    expect(&b, "ab018446744073709551615");
    buf_addi(&b, INT64_MIN);
    buf_addc(&b, ' ');
    buf_addi(&b, INT64_MAX);
    expect(&b, "-9223372036854775808 9223372036854775807");
    buf_addf(&b, "%d-%s", 7, "x");
    expect(&b, "7-x");
    buf_fini(&b);
    buf_fini(&b);
}

Test(buf, a_formatted_text_longer_than_the_stack_is_whole)
{
    char text[901];
    memset(text, 'x', 900);
    text[900] = '\0';
    struct buf b;
    buf_init(&b, 1000);
    buf_addf(&b, "<%s>", text);
    cr_expect(eq(sz, b.len, 902));
    cr_expect(eq(sz, strlen(buf_cstr(&b)), 902));
    cr_expect(eq(chr, buf_cstr(&b)[901], '>'));
    buf_fini(&b);
}

Test(buf, the_maximum_is_a_sticky_end)
{
    struct buf b;
    buf_init(&b, 4);
    buf_adds(&b, "1234");
    cr_expect(eq(int, buf_ok(&b), true));
    buf_addc(&b, '5');
    cr_expect(eq(int, buf_ok(&b), false));
    buf_reset(&b);
    buf_adds(&b, "12");
    buf_adds(&b, "345");
    buf_addc(&b, '3');
    cr_expect(eq(int, buf_ok(&b), false), "what would fit after a failure is not added");
    cr_expect(eq(str, (char *)buf_cstr(&b), ""));
    cr_expect(buf_steal(&b, NULL) == NULL);
    cr_expect(buf_reserve(&b, SIZE_MAX) == NULL);
    buf_fini(&b);
}

Test(buf, reserved_room_may_be_filled_by_hand)
{
    struct buf b;
    buf_init(&b, 1000);
    buf_adds(&b, "aaaaaaaaaa");
    b.len = 1;
    char *to = buf_reserve(&b, 3);
    cr_assert(to != NULL);
    memcpy(to, "xyz", 3);
    b.len += 3;
    expect(&b, "axyz");
    buf_fini(&b);
}

Test(buf, stolen_bytes_belong_to_the_caller)
{
    struct buf b;
    size_t len = 99;
    buf_init(&b, 100);
    char *empty = buf_steal(&b, &len);
    cr_expect(eq(str, empty, ""));
    cr_expect(eq(sz, len, 0));
    buf_adds(&b, "abc");
    char *text = buf_steal(&b, &len);
    cr_expect(eq(str, text, "abc"));
    cr_expect(eq(sz, len, 3));
    expect(&b, "");
    free(empty);
    free(text);
    buf_fini(&b);
}

Test(buf, json_texts_are_escaped_as_rfc_8785_says)
{
    struct buf b;
    buf_init(&b, 1000);
    buf_add_json_str(&b, "a\"b\\c/\b\f\n\r\t\x01\x1f\x7f\xc3\xa9");
    expect(&b, "\"a\\\"b\\\\c/\\b\\f\\n\\r\\t\\u0001\\u001f\x7f\xc3\xa9\"");
    buf_add_json(&b, "x\0y", 3);
    expect(&b, "\"x\\u0000y\"");
    buf_add_json_inner(&b, "q\"", 2);
    expect(&b, "q\\\"");
    buf_fini(&b);
}

/* Byte by byte, as the standard has it. */
static size_t escaped(const char *s, size_t n, char *to)
{
    static const char special[] = "\"\\\b\f\n\r\t", letters[] = "\"\\bfnrt";
    char *end = to;
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)s[i];
        const char *at = c == '\0' ? NULL : strchr(special, c);
        if (at != NULL)
            end += sprintf(end, "\\%c", letters[at - special]);
        else if (c < 0x20)
            end += sprintf(end, "\\u%04x", c);
        else
            *end++ = (char)c;
    }
    return (size_t)(end - to);
}

/* Room for @room bytes to begin with, so that both the ways with and without room are gone. */
static void expect_escaped(const char *s, size_t n, size_t room)
{
    char want[300], *exact = malloc(n == 0 ? 1 : n); /* so that a read past the end is seen */
    struct buf b;
    memcpy(exact, s, n);
    buf_init(&b, 1000);
    buf_reserve(&b, 127);
    b.len = 127 - room;
    memset(b.data, 'x', b.len);
    want[0] = '"';
    size_t len = 1 + escaped(s, n, want + 1);
    want[len++] = '"';
    buf_add_json(&b, exact, n);
    cr_assert(eq(sz, b.len, 127 - room + len), "length %zu", n);
    cr_assert(zero(int, memcmp(b.data + 127 - room, want, len)), "length %zu: %.*s", n, (int)len, want);
    cr_assert(zero(chr, b.data[b.len]));
    buf_fini(&b);
    free(exact);
}

Test(buf, json_texts_are_escaped_wherever_in_a_text_the_byte_stands)
{
    char text[40];
    for (size_t n = 0; n <= sizeof(text); n++) {
        memset(text, 'a', sizeof(text));
        for (size_t room = 1; room <= n + 4; room++)
            expect_escaped(text, n, room);
        for (size_t at = 0; at < n; at++)
            for (int c = 0; c < 256; c++) {
                text[at] = (char)c;
                expect_escaped(text, n, 127);
                text[at] = 'a';
            }
    }
}

Test(buf, two_bytes_to_escape_are_both_escaped)
{
    char text[24];
    for (size_t a = 0; a < sizeof(text); a++)
        for (size_t b = 0; b < sizeof(text); b++) {
            memset(text, '~', sizeof(text));
            text[a] = '"';
            text[b] = '\x1f';
            expect_escaped(text, sizeof(text), 127);
        }
}

Test(buf, numbers_of_every_length_are_whole)
{
    struct buf b;
    buf_init(&b, 100);
    for (uint64_t v = 1; v < UINT64_MAX / 10; v *= 10)
        for (uint64_t n = v - 1; n <= v + 1; n++) {
            char want[24];
            snprintf(want, sizeof(want), "%llu", (unsigned long long)n);
            buf_addu(&b, n);
            expect(&b, want);
        }
    buf_addu(&b, 9999999999999999999U);
    expect(&b, "9999999999999999999");
    buf_addu(&b, 10000000000000000000U);
    expect(&b, "10000000000000000000");
    buf_fini(&b);
}

Test(buf, digits_are_as_many_as_asked_for)
{
    char text[24] = "xxxxxxxxx";
    cr_expect(eq(ptr, buf_put_digits(text, 1234567, 5), text + 5));
    cr_expect(eq(str, text, "34567xxxx"));
    buf_put_digits(text, 89, 4);
    cr_expect(eq(str, text, "00897xxxx"));
    buf_put_digits(text, 12, 1);
    cr_expect(eq(str, text, "20897xxxx"));
    cr_expect(eq(ptr, buf_put_digits(text, 5, 0), text));
    cr_expect(eq(str, text, "20897xxxx"));
}

Test(buf, form_and_percent_encoding_differ_where_the_standards_do)
{
    struct buf b;
    buf_init(&b, 1000);
    buf_add_form(&b, "a b+c&d=*-._~/\xc3\xa9", 16);
    expect(&b, "a+b%2Bc%26d%3D*-._%7E%2F%C3%A9");
    buf_add_percent(&b, "a b+c&d=*-._~/\xc3\xa9", 16);
    expect(&b, "a%20b%2Bc%26d%3D%2A-._~%2F%C3%A9");
    buf_fini(&b);
}

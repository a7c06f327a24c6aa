#include <criterion/criterion.h>
#include <criterion/new/assert.h>
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

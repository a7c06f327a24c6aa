#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/attr.h"
#include "base/err.h"
#include "base/file.h"
#include "base/utf8.h"

Test(err, an_error_has_a_code_and_a_text)
{
    struct err e;
    cr_expect(eq(int, err_set(&e, ERR_TIMEOUT, "no answer in %d ms", 5), -1));
    cr_expect(eq(int, e.code, ERR_TIMEOUT));
    cr_expect(eq(str, e.msg, "no answer in 5 ms"));
    cr_expect(eq(int, err_prefix(&e, "call %d", 2), -1));
    cr_expect(eq(str, e.msg, "call 2: no answer in 5 ms"));
    cr_expect(eq(int, err_nomem(&e), -1));
    cr_expect(eq(int, e.code, ERR_NOMEM));
}

Test(err, the_old_text_may_be_part_of_the_new_one)
{
    struct err e;
    err_set(&e, ERR_IO, "inner");
    err_set(&e, ERR_INVAL, "outer: %s", e.msg);
    cr_expect(eq(str, e.msg, "outer: inner"));
}

Test(err, a_long_text_is_cut_and_ended)
{
    struct err e;
    char big[2000];
    memset(big, 'x', sizeof(big) - 1);
    big[sizeof(big) - 1] = '\0';
    err_set(&e, ERR_IO, "%s", big);
    cr_expect(eq(sz, strlen(e.msg), sizeof(e.msg) - 1));
    err_prefix(&e, "%s", big);
    cr_expect(eq(sz, strlen(e.msg), sizeof(e.msg) - 1));
    err_prefix(&e, "a");
    cr_expect(eq(int, strncmp(e.msg, "a: xxx", 6), 0));
}

Test(err, a_text_is_one_line_of_utf8_whatever_is_quoted)
{
    static const struct { const char *why, *text, *want; } rows[] = {
        {"letters stay", "a\u00e9\u20ac\U0001F600", "a\u00e9\u20ac\U0001F600"},
        {"a line end and an escape", "a\nb\x1b[2J\x7f", "a?b?[2J?"},
        {"a late control", "a\xc2\x9b" "b", "a?b"},
        {"no UTF-8", "\xff\xc3(\xed\xa0\x80", "?" "?(" "???"},
        {"one that is not whole at the end", "ab\xf0\x9f\x98", "ab"},
    };
    struct err e;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        err_set(&e, ERR_INVAL, "%s", rows[i].text);
        cr_expect(eq(str, e.msg, (char *)rows[i].want), "%s", rows[i].why);
    }
    for (size_t n = 1; n <= 4; n++) { /* wherever the cut falls */
        char big[800] = "abcd";
        big[n] = '\0';
        while (strlen(big) + 3 < sizeof(big))
            strcat(big, "\u20ac");
        err_set(&e, ERR_INVAL, "%s", big);
        size_t len = strlen(e.msg), left = len;
        for (const char *s = e.msg; left > 0 && utf8_len(s, left) > 0;) {
            size_t one = utf8_len(s, left);
            s += one;
            left -= one;
        }
        cr_expect(zero(sz, left), "after %zu bytes", n);
        cr_expect(ge(sz, len, sizeof(e.msg) - 4), "after %zu bytes", n);
    }
}

Test(err, nobody_has_to_listen)
{
    cr_expect(eq(int, err_set(NULL, ERR_IO, "x"), -1));
    cr_expect(eq(int, err_prefix(NULL, "x"), -1));
}

Test(file, a_file_is_read_whole_or_refused)
{
    char path[] = "/tmp/tvb-file-XXXXXX";
    int fd = mkstemp(path);
    cr_assert(fd >= 0 && write(fd, "a\0b", 3) == 3);
    close(fd);
    struct err e;
    size_t len = 0;
    char *data = file_read(path, 3, &len, &e);
    cr_assert(data != NULL, "%s", e.msg);
    cr_expect(eq(sz, len, 3));
    cr_expect(eq(int, memcmp(data, "a\0b", 4), 0));
    free(data);
    cr_expect(file_read(path, 2, &len, &e) == NULL);
    cr_expect(eq(int, e.code, ERR_INVAL));
    cr_expect(strstr(e.msg, "more than 2 bytes") != NULL, "%s", e.msg);
    unlink(path);
    cr_expect(file_read(path, 2, &len, &e) == NULL);
    cr_expect(eq(int, e.code, ERR_IO));
    cr_expect(file_read("/", 2, &len, &e) == NULL);
    cr_expect(eq(str, e.msg, "/: Is a directory"));
}

Test(utf8, only_well_formed_sequences_have_a_length)
{
    static const struct {
        const char *bytes;
        size_t want;
    } rows[] = {
        {"a", 1},
        {"\xc3\xa9", 2},
        {"\xe2\x82\xac", 3},
        {"\xf0\x9f\x98\x80", 4},
        {"\xed\x9f\xbf", 3},
        {"\x80", 0},
        {"\xc0\xaf", 0},
        {"\xc3", 0},
        {"\xc3(", 0},
        {"\xe0\x80\xaf", 0},
        {"\xed\xa0\x80", 0},
        {"\xf0\x80\x80\xaf", 0},
        {"\xf4\x90\x80\x80", 0},
        {"\xf5\x80\x80\x80", 0},
        {"\xe2\x82", 0},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        cr_expect(eq(sz, utf8_len(rows[i].bytes, strlen(rows[i].bytes)), rows[i].want), "%zu", i);
}

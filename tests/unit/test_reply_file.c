/* test_reply_file.c - answers from files, for `tvbridge pack try`. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "reply_file.h"

static int read_text(const char *text, struct reply_file *ret, struct err *err)
{
    char path[] = "/tmp/tvb-reply-XXXXXX";
    int fd = mkstemp(path);
    cr_assert(fd >= 0);
    cr_assert(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    close(fd);
    int rc = reply_file_read(path, ret, err);
    unlink(path);
    return rc;
}

Test(reply_file, a_body_alone_is_a_200_and_a_head_says_more)
{
    static const struct {
        const char *text, *body;
        int status;
        size_t headers;
        int64_t retry_after_ms;
    } rows[] = {
        {"{\"status\":\"OK\"}\n", "{\"status\":\"OK\"}\n", 200, 0, -1},
        {"", "", 200, 0, -1},
        {"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 7\r\nX: y\r\n\r\nbusy\n", "busy\n", 503, 2, 7000},
        {"HTTP/1.1 503 x\nRetry-After: 99999999999999999999\n\nbusy", "busy", 503, 1, -1},
        {"HTTP/1.1 204 No Content\n\n", "", 204, 0, -1},
        {"HTTP/2 401\nContent-Type: text/plain", "", 401, 1, -1},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct reply_file f;
        struct err err = {0};
        cr_assert(eq(int, read_text(rows[i].text, &f, &err), 0), "%s", err.msg);
        cr_expect(eq(int, f.reply.status, rows[i].status));
        cr_expect(eq(str, (char *)f.reply.body, (char *)rows[i].body));
        cr_expect(eq(sz, f.reply.body_len, strlen(rows[i].body)));
        cr_expect(eq(sz, f.reply.header_count, rows[i].headers));
        cr_expect(eq(i64, f.reply.retry_after_ms, rows[i].retry_after_ms));
        reply_file_fini(&f);
    }
}

Test(reply_file, what_is_no_answer_is_refused)
{
    static const char *const rows[] = {"HTTP/1.1", "HTTP/1.1 abc\n\n", "HTTP/1.1 200 OK\nno header\n\n", "HTTP/1.1 999 X\n\n"};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct reply_file f;
        struct err err = {0};
        cr_expect(eq(int, read_text(rows[i], &f, &err), -1), "%s", rows[i]);
        cr_expect(err.msg[0] != '\0');
    }
}

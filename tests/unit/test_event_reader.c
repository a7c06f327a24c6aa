/* test_event_reader.c - where an event begins and ends. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "event_reader.h"

static int input_of(const char *text, size_t len)
{
    FILE *f = tmpfile();
    fwrite(text, 1, len, f);
    fflush(f);
    int fd = dup(fileno(f));
    fclose(f);
    lseek(fd, 0, SEEK_SET);
    return fd;
}

/* All that is read, as "line:text" joined by '|', then '!' and the error when it ends with one. */
static char *read_all(const char *text, size_t len)
{
    struct event_text t;
    struct err error = {0};
    struct buf out;
    int more = 0;
    int fd = input_of(text, len);
    struct event_reader *r = event_reader_new(fd);
    buf_init(&out, 1 << 24);
    while ((more = event_reader_next(r, &t, &error)) > 0) {
        buf_addf(&out, "%s%ld:", out.len > 0 ? "|" : "", t.line);
        buf_add(&out, t.fault != NULL ? "fault" : t.data, t.fault != NULL ? 5 : t.len);
    }
    if (more < 0)
        buf_addf(&out, "!%s", error.msg);
    event_reader_free(r);
    close(fd);
    buf_cstr(&out);
    return buf_steal(&out, NULL);
}

Test(event_reader, finds_the_form_by_itself)
{
    static const struct { const char *why, *text, *want; } rows[] = {
        {"lines", "{\"a\":1}\n{\"a\":2}\n", "1:{\"a\":1}|2:{\"a\":2}"},
        {"no newline at the end", "{\"a\":1}\n{\"a\":2}", "1:{\"a\":1}|2:{\"a\":2}"},
        {"empty lines and CR are no events", "\n\n{\"a\":1}\r\n\r\n  {\"a\":2}  \r\n", "3:{\"a\":1}|5:{\"a\":2}"},
        {"a broken first line is one event's fault", "{\"a\":\n{\"a\":2}\n", "1:{\"a\":|2:{\"a\":2}"},
        {"a broken middle line too", "{\"a\":1}\n{\"a\n{\"a\":3}\n", "1:{\"a\":1}|2:{\"a|3:{\"a\":3}"},
        {"words are lines", "hello\nworld", "1:hello|2:world"},
        {"one event over lines", "{\n \"a\": {\n \"b\": 1}\n}\n", "1:{\n \"a\": {\n \"b\": 1}\n}"},
        {"more of them", "{\n}\n\n{\n}\n", "1:{\n}|4:{\n}"},
        {"brackets in texts do not count", "{\n\"a\":\"}{\\\"]\"}", "1:{\n\"a\":\"}{\\\"]\"}"},
        {"an array", "[{\"a\":1},\n {\"a\":2}]\n", "1:{\"a\":1}|2:{\"a\":2}"},
        {"an array of anything", "[1, \"x\" ,[2]]", "1:1|1:\"x\"|1:[2]"},
        {"an empty array", " [ ] \n", ""},
        {"nothing", "", ""},
        {"only white space", " \n\n", ""},
        {"a byte order mark", "\xEF\xBB\xBF{\"a\":1}\n", "1:{\"a\":1}"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char *got = read_all(rows[i].text, strlen(rows[i].text));
        cr_expect(eq(str, got != NULL ? got : (char *)"", (char *)rows[i].want), "%s", rows[i].why);
        free(got);
    }
}

Test(event_reader, broken_inputs_end_with_their_line)
{
    static const struct { const char *text, *want; } rows[] = {
        {"[{\"a\":1}", "1:{\"a\":1}!line 1: the array does not end: ] is missing"},
        {"[{\"a\":1}\n{\"a\":2}]", "1:{\"a\":1}!line 2: a , or ] is missing after the event before"},
        {"[]\nx", "!line 2: something stands after the end of the array"},
        {"[,]", "!line 1: this is not the beginning of an event"},
        {"{\n\"a\":1\n", "!line 1: the event that begins here does not end"},
        {"{\n}\n}", "1:{\n}!line 3: this is not the beginning of an event"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char *got = read_all(rows[i].text, strlen(rows[i].text));
        cr_expect(eq(str, got, (char *)rows[i].want));
        free(got);
    }
}

Test(event_reader, a_line_that_is_too_long_is_a_fault_and_the_next_one_is_read)
{
    size_t n = 5 * 1024 * 1024;
    char *text = malloc(n + 64);
    memset(text, 'x', n);
    size_t head = (size_t)sprintf(text, "{\"a\":1}\n{\"a\":\"");
    text[head] = 'x';
    strcpy(text + n, "\n{\"a\":3}\n");
    char *got = read_all(text, strlen(text));
    cr_expect(eq(str, got, (char *)"1:{\"a\":1}|2:fault|3:{\"a\":3}"));
    free(got);
    free(text);
}

Test(event_reader, a_document_that_is_too_long_ends_it)
{
    size_t n = 3 * 1024 * 1024;
    char *text = malloc(n + 1);
    memset(text, ' ', n);
    memcpy(text, "{\n\"", 3);
    text[n] = '\0';
    char *got = read_all(text, n);
    cr_expect(eq(str, got, (char *)"!line 1: this event is larger than 1 MiB"));
    free(got);
    free(text);
}

Test(event_reader, many_lines_come_whole_over_the_ends_of_chunks)
{
    struct buf in;
    buf_init(&in, 1 << 24);
    for (int i = 0; i < 20000; i++)
        buf_addf(&in, "{\"n\":%d,\"pad\":\"%*s\"}\n", i, i % 97, "");
    int fd = input_of(in.data, in.len);
    struct event_reader *r = event_reader_new(fd);
    struct event_text t;
    struct err error = {0};
    int n = 0;
    while (event_reader_next(r, &t, &error) > 0) {
        char head[32];
        int len = snprintf(head, sizeof(head), "{\"n\":%d,", n++);
        cr_assert(strncmp(t.data, head, (size_t)len) == 0 && t.data[t.len - 1] == '}', "event %d", n);
        cr_assert(eq(long, t.line, n));
    }
    cr_expect(eq(int, n, 20000));
    event_reader_free(r);
    close(fd);
    buf_fini(&in);
}

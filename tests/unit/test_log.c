#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/attr.h"
#include "base/log.h"

struct probe {
    int fd;
    struct log_sink *sink;
    struct log *log;
    char text[65536];
};

static void probe_init(struct probe *p, enum log_format format, enum log_level least)
{
    p->fd = memfd_create("log", 0);
    p->sink = log_sink_new(p->fd);
    p->log = log_new(p->sink, format, least);
    cr_assert(p->fd >= 0 && p->sink != NULL && p->log != NULL);
}

/* What came out, with the times made the same. */
static const char *probe_read(struct probe *p)
{
    log_flush(p->log);
    ssize_t n = pread(p->fd, p->text, sizeof(p->text) - 1, 0);
    p->text[n > 0 ? n : 0] = '\0';
    for (char *t = p->text; (t = strstr(t, "20")) != NULL; t++)
        if (strlen(t) > 24 && t[10] == 'T' && t[23] == 'Z')
            memcpy(t, "TTTTTTTTTTTTTTTTTTTTTTTT", 24);
    return p->text;
}

static void probe_fini(struct probe *p)
{
    log_free(p->log);
    log_sink_free(p->sink);
    close(p->fd);
}

#define T "TTTTTTTTTTTTTTTTTTTTTTTT"

static void write_line(struct log *l)
{
    cr_assert(log_begin(l, LOG_LEVEL_WARN, "call_failed"));
    log_str(l, "service", "70001");
    log_str(l, "absent", NULL);
    log_str(l, "why", "a \"b\"\n=c\\");
    log_str(l, "empty", "");
    log_strn(l, "cut", "abcdef", 3);
    log_int(l, "n", -5);
    log_us_as_ms(l, "took_ms", 1250);
    log_us_as_ms(l, "odd_ms", -3);
    log_bool(l, "ok", false);
    log_end(l);
}

Test(log, a_logfmt_line_quotes_what_needs_it)
{
    struct probe p;
    probe_init(&p, LOG_FORMAT_LOGFMT, LOG_LEVEL_INFO);
    log_set_context(p.log, "pool", "stalker");
    write_line(p.log);
    cr_expect(eq(str, (char *)probe_read(&p),
                 "level=warn event=call_failed time=" T
                 " pool=stalker service=70001 why=\"a \\\"b\\\"\\n=c\\\\\" empty=\"\" "
                 "cut=abc n=-5 took_ms=1.250 odd_ms=0.000 ok=false\n"));
    probe_fini(&p);
}

Test(log, a_json_line_is_json)
{
    struct probe p;
    probe_init(&p, LOG_FORMAT_JSON, LOG_LEVEL_INFO);
    log_set_context(p.log, "pool", "stalker");
    write_line(p.log);
    const char *text = probe_read(&p);
    cr_expect(eq(str, (char *)text,
                 "{\"level\":\"warn\",\"event\":\"call_failed\",\"time\":\"" T
                 "\",\"pool\":\"stalker\",\"service\":\"70001\","
                 "\"why\":\"a "
                 "\\\"b\\\"\\n=c\\\\\",\"empty\":\"\",\"cut\":\"abc\",\"n\":-5,\"took_ms\":1.250,"
                 "\"odd_ms\":0.000,"
                 "\"ok\":false}\n"));
    probe_fini(&p);
}

Test(log, a_level_below_the_least_is_left_out)
{
    struct probe p;
    probe_init(&p, LOG_FORMAT_LOGFMT, LOG_LEVEL_WARN);
    cr_expect(eq(int, log_begin(p.log, LOG_LEVEL_INFO, "x"), false));
    log_set_level(p.log, LOG_LEVEL_DEBUG);
    cr_expect(eq(int, log_begin(p.log, LOG_LEVEL_DEBUG, "y"), true));
    log_end(p.log);
    cr_expect(eq(str, (char *)probe_read(&p), "level=debug event=y time=" T "\n"));
    probe_fini(&p);
}

Test(log, bytes_that_are_no_utf8_are_shown_and_the_line_stays_json)
{
    struct probe p;
    probe_init(&p, LOG_FORMAT_JSON, LOG_LEVEL_INFO);
    log_begin(p.log, LOG_LEVEL_INFO, "e");
    log_strn(p.log, "v", "a\xff\xc3\xa9\xed\xa0\x80z\0\xe2\x82", 11);
    log_end(p.log);
    json_t *v = json_loads(probe_read(&p), JSON_ALLOW_NUL, NULL);
    cr_assert(v != NULL, "%s", p.text);
    const json_t *got = json_object_get(v, "v");
    static const char want[] =
        "a\xef\xbf\xbd\xc3\xa9\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbdz\0\xef\xbf\xbd\xef\xbf\xbd";
    cr_expect(eq(sz, json_string_length(got), sizeof(want) - 1));
    cr_expect(eq(int, memcmp(json_string_value(got), want, sizeof(want) - 1), 0));
    json_decref(v);
    probe_fini(&p);
}

Test(log, what_a_terminal_would_obey_is_escaped)
{
    struct probe p;
    probe_init(&p, LOG_FORMAT_LOGFMT, LOG_LEVEL_INFO);
    log_begin(p.log, LOG_LEVEL_INFO, "e");
    log_str(p.log, "v", "a\x7f\xc2\x9b"
                        "2J\xc2\xa0\x1b[m");
    log_end(p.log);
    cr_expect(eq(str, (char *)probe_read(&p),
                 "level=info event=e time=" T " v=\"a\\u007f\\u009b2J\xc2\xa0\\u001b[m\"\n"));
    probe_fini(&p);
}

Test(log, context_that_does_not_fit_is_left_out)
{
    struct probe p;
    char big[5000];
    memset(big, 'x', sizeof(big) - 1);
    big[sizeof(big) - 1] = '\0';
    probe_init(&p, LOG_FORMAT_LOGFMT, LOG_LEVEL_INFO);
    log_set_context(p.log, "a", "1");
    log_set_context(p.log, "big", big);
    log_set_context(p.log, "b", "2");
    log_begin(p.log, LOG_LEVEL_INFO, "e");
    log_end(p.log);
    cr_expect(eq(str, (char *)probe_read(&p), "level=info event=e time=" T " a=1 b=2\n"));
    probe_fini(&p);
}

Test(log, a_line_that_is_too_long_is_dropped_whole)
{
    struct probe p;
    size_t n = 2 * 1024 * 1024;
    char *big = malloc(n);
    cr_assert(big != NULL);
    memset(big, 'x', n);
    probe_init(&p, LOG_FORMAT_LOGFMT, LOG_LEVEL_INFO);
    log_begin(p.log, LOG_LEVEL_INFO, "before");
    log_end(p.log);
    log_begin(p.log, LOG_LEVEL_INFO, "big");
    log_strn(p.log, "v", big, n);
    log_end(p.log);
    log_begin(p.log, LOG_LEVEL_INFO, "after");
    log_end(p.log);
    cr_expect(eq(str, (char *)probe_read(&p),
                 "level=info event=before time=" T "\nlevel=info event=after time=" T "\n"));
    free(big);
    probe_fini(&p);
}

Test(log, names_of_levels_and_formats_are_read)
{
    enum log_level level = LOG_LEVEL_ERROR;
    enum log_format format = LOG_FORMAT_LOGFMT;
    cr_expect(eq(int, log_level_parse("debug", &level), 0));
    cr_expect(eq(int, level, LOG_LEVEL_DEBUG));
    cr_expect(eq(int, log_level_parse("loud", &level), -1));
    cr_expect(eq(int, log_format_parse("json", &format), 0));
    cr_expect(eq(int, format, LOG_FORMAT_JSON));
    cr_expect(eq(int, log_format_parse("xml", &format), -1));
}

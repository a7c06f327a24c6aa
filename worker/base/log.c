#include "base/log.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/utf8.h"

#define LINES_MAX_BYTES (1024 * 1024)
#define FLUSH_AT_BYTES (64 * 1024)

struct log_sink {
    int fd;
    pthread_mutex_t lock;
};

struct log {
    struct log_sink *sink;
    enum log_format format;
    enum log_level least;
    struct buf lines;
    size_t line_start;  /* of the line that is being written */
    struct buf context; /* already in the format, with its leading separator */
};

static const char *const level_names[] = {"debug", "info", "warn", "error"};

struct log_sink *log_sink_new(int fd)
{
    struct log_sink *s = calloc(1, sizeof(*s));
    if (s == NULL)
        return NULL;
    s->fd = fd;
    pthread_mutex_init(&s->lock, NULL);
    return s;
}

void log_sink_free(struct log_sink *s)
{
    if (s == NULL)
        return;
    pthread_mutex_destroy(&s->lock);
    free(s);
}

struct log *log_new(struct log_sink *sink, enum log_format format, enum log_level least)
{
    struct log *l = calloc(1, sizeof(*l));
    if (l == NULL)
        return NULL;
    l->sink = sink;
    l->format = format;
    l->least = least;
    buf_init(&l->lines, LINES_MAX_BYTES);
    buf_init(&l->context, 4096);
    return l;
}

void log_free(struct log *l)
{
    if (l == NULL)
        return;
    log_flush(l);
    buf_fini(&l->lines);
    buf_fini(&l->context);
    free(l);
}

/* A log that cannot be written must not stop the work: what does not go out is dropped. */
static void write_all(int fd, const char *p, size_t n)
{
    while (n > 0) {
        ssize_t w = write(fd, p, n);
        if (w < 0 && errno == EINTR)
            continue;
        if (w <= 0)
            return;
        p += w;
        n -= (size_t)w;
    }
}

void log_flush(struct log *l)
{
    if (l->lines.len > 0) {
        pthread_mutex_lock(&l->sink->lock);
        write_all(l->sink->fd, l->lines.data, l->lines.len);
        pthread_mutex_unlock(&l->sink->lock);
    }
    buf_reset(&l->lines);
}

void log_set_level(struct log *l, enum log_level least)
{
    l->least = least;
}

static void add_key(struct buf *b, enum log_format format, const char *key)
{
    if (format == LOG_FORMAT_JSON) {
        buf_addc(b, ',');
        buf_add_json_str(b, key);
        buf_addc(b, ':');
    } else {
        buf_addc(b, ' ');
        buf_adds(b, key);
        buf_addc(b, '=');
    }
}

static bool needs_quotes(const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)s[i];
        if (c <= ' ' || c == '"' || c == '=' || c == '\\')
            return true;
    }
    return n == 0;
}

/* Controls that JSON takes as they are and terminals obey: DEL and C1, U+007F to U+009F. The number of @s when it is one,
 * else 0. */
static unsigned late_control(const char *s, size_t left)
{
    unsigned char c = (unsigned char)s[0], next = left > 1 ? (unsigned char)s[1] : 0;
    if (c == 0x7f)
        return c;
    return c == 0xc2 && next >= 0x80 && next <= 0x9f ? next : 0;
}

static size_t valid_bytes(const char *s, size_t n)
{
    size_t at = 0;
    for (size_t len; at < n && (len = utf8_len(s + at, n - at)) > 0 && late_control(s + at, n - at) == 0;)
        at += len;
    return at;
}

/* A value may come from anywhere: what is not UTF-8 in it is shown as U+FFFD, so that the line stays readable, and what a
 * terminal would obey as an escape. */
static void add_mended(struct buf *b, const char *value, size_t n)
{
    buf_addc(b, '"');
    while (n > 0) {
        size_t valid = valid_bytes(value, n);
        buf_add_json_inner(b, value, valid);
        if (valid == n)
            break;
        unsigned control = late_control(value + valid, n - valid);
        size_t bad = control >= 0x80 ? 2 : 1;
        if (control != 0)
            buf_addf(b, "\\u%04x", control);
        else
            buf_adds(b, "\\ufffd");
        value += valid + bad;
        n -= valid + bad;
    }
    buf_addc(b, '"');
}

static void add_value(struct buf *b, enum log_format format, const char *value, size_t n)
{
    bool valid = valid_bytes(value, n) == n;
    if (valid && format == LOG_FORMAT_LOGFMT && !needs_quotes(value, n))
        buf_add(b, value, n);
    else
        add_mended(b, value, n);
}

void log_set_context(struct log *l, const char *key, const char *value)
{
    struct buf *b = &l->context;
    size_t before = b->len;
    add_key(b, l->format, key);
    add_value(b, l->format, value, strlen(value));
    if (buf_ok(b))
        return;
    buf_truncate(b, before); /* what does not fit is left out whole */
    b->failed = b->no_memory = false;
}

bool log_begin(struct log *l, enum log_level level, const char *event)
{
    if (level < l->least)
        return false;
    char now[CLOCK_RFC3339_SIZE];
    clock_format_rfc3339(clock_real_ms(), now);
    struct buf *b = &l->lines;
    bool json = l->format == LOG_FORMAT_JSON;
    l->line_start = b->len;
    buf_adds(b, json ? "{\"level\":\"" : "level=");
    buf_adds(b, level_names[level]);
    buf_adds(b, json ? "\",\"event\":\"" : " event=");
    buf_adds(b, event);
    buf_adds(b, json ? "\",\"time\":\"" : " time=");
    buf_adds(b, now);
    if (json)
        buf_addc(b, '"');
    buf_add(b, buf_cstr(&l->context), l->context.len);
    return true;
}

void log_strn(struct log *l, const char *key, const char *value, size_t n)
{
    if (value == NULL)
        return;
    add_key(&l->lines, l->format, key);
    add_value(&l->lines, l->format, value, n);
}

void log_str(struct log *l, const char *key, const char *value)
{
    if (value != NULL)
        log_strn(l, key, value, strlen(value));
}

void log_int(struct log *l, const char *key, int64_t value)
{
    add_key(&l->lines, l->format, key);
    buf_addi(&l->lines, value);
}

void log_us_as_ms(struct log *l, const char *key, int64_t us)
{
    add_key(&l->lines, l->format, key);
    if (us < 0)
        us = 0;
    buf_addi(&l->lines, us / 1000);
    const char frac[4] = {'.', (char)('0' + us / 100 % 10), (char)('0' + us / 10 % 10),
                          (char)('0' + us % 10)};
    buf_add(&l->lines, frac, sizeof(frac));
}

void log_bool(struct log *l, const char *key, bool value)
{
    add_key(&l->lines, l->format, key);
    buf_adds(&l->lines, value ? "true" : "false");
}

void log_end(struct log *l)
{
    buf_adds(&l->lines, l->format == LOG_FORMAT_JSON ? "}\n" : "\n");
    if (!buf_ok(&l->lines)) /* it did not fit: whole lines only */
        l->lines.len = l->line_start;
    if (!buf_ok(&l->lines) || l->lines.len >= FLUSH_AT_BYTES)
        log_flush(l);
}

int log_level_parse(const char *name, enum log_level *ret)
{
    for (size_t i = 0; i < ARRAY_LEN(level_names); i++) {
        if (strcmp(name, level_names[i]) == 0) {
            *ret = (enum log_level)i;
            return 0;
        }
    }
    return -1;
}

int log_format_parse(const char *name, enum log_format *ret)
{
    if (strcmp(name, "logfmt") == 0)
        *ret = LOG_FORMAT_LOGFMT;
    else if (strcmp(name, "json") == 0)
        *ret = LOG_FORMAT_JSON;
    else
        return -1;
    return 0;
}

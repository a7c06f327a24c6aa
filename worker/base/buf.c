#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"

void buf_init(struct buf *b, size_t max_bytes)
{
    *b = (struct buf){.max = max_bytes};
}

void buf_fini(struct buf *b)
{
    free(b->data);
    b->data = NULL;
    b->len = b->cap = 0;
}

void buf_reset(struct buf *b)
{
    b->len = 0;
    b->failed = b->no_memory = false;
}

bool buf_ok(const struct buf *b)
{
    return !b->failed;
}

void buf_truncate(struct buf *b, size_t len)
{
    if (len >= b->len)
        return;
    b->len = len;
    b->data[len] = '\0';
}

static char *fail(struct buf *b)
{
    b->failed = true;
    return NULL;
}

char *buf_reserve(struct buf *b, size_t n)
{
    if (b->failed || n > b->max || b->len > b->max - n)
        return fail(b);
    size_t need = b->len + n + 1;
    if (need <= b->cap)
        return b->data + b->len;
    size_t cap = b->cap < 128 ? 128 : b->cap;
    while (cap < need)
        cap *= 2;
    if (cap - 1 > b->max) /* buf_add() looks at cap alone */
        cap = b->max + 1;
    char *data = realloc(b->data, cap);
    if (data == NULL) {
        b->no_memory = true;
        return fail(b);
    }
    b->data = data;
    b->cap = cap;
    return b->data + b->len;
}

void buf_add_slow(struct buf *b, const void *data, size_t n)
{
    char *to = buf_reserve(b, n);
    if (to == NULL)
        return;
    if (n > 0)
        memcpy(to, data, n);
    b->len += n;
    b->data[b->len] = '\0';
}

char *buf_put_digits(char *to, uint64_t v, size_t n)
{
    static const char pairs[] = "0001020304050607080910111213141516171819202122232425262728293031323334353637383940"
                                "4142434445464748495051525354555657585960616263646566676869707172737475767778798081"
                                "828384858687888990919293949596979899";
    size_t left = n;
    for (; left >= 2 && v > 0; left -= 2) {
        memcpy(to + left - 2, pairs + 2 * (v % 100), 2);
        v /= 100;
    }
    if (left == 1)
        *to = (char)('0' + v % 10);
    else if (left > 1)
        memset(to, '0', left);
    return to + n;
}

char *buf_put_u(char *to, uint64_t v)
{
    if (v < 10) {
        *to = (char)('0' + v);
        return to + 1;
    }
    size_t n = 1;
    for (uint64_t above = 10; n < 20 && v >= above; above *= 10) /* 10^20 is past any @v: not multiplied out */
        n++;
    return buf_put_digits(to, v, n);
}

void buf_addu(struct buf *b, uint64_t v)
{
    char digits[20];
    buf_add(b, digits, (size_t)(buf_put_u(digits, v) - digits));
}

void buf_addi(struct buf *b, int64_t v)
{
    if (v < 0)
        buf_addc(b, '-');
    buf_addu(b, v < 0 ? 0 - (uint64_t)v : (uint64_t)v);
}

void buf_addf(struct buf *b, const char *fmt, ...)
{
    char text[512];
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    if (n < 0) {
        b->failed = true;
        return;
    }
    if ((size_t)n < sizeof(text)) {
        buf_add(b, text, (size_t)n);
        return;
    }
    char *to = buf_reserve(b, (size_t)n);
    if (to == NULL)
        return;
    va_start(ap, fmt);
    vsnprintf(to, (size_t)n + 1, fmt, ap);
    va_end(ap);
    b->len += (size_t)n;
}

static const char hex_digits[] = "0123456789ABCDEF";

/* As RFC 8785 section 3.2.2.2 writes them: short forms where there are, else lower-case hex. */
static void add_json_escape(struct buf *b, unsigned char c)
{
    static const char hex[] = "0123456789abcdef";
    switch (c) {
    case '\b':
        buf_add(b, "\\b", 2);
        return;
    case '\f':
        buf_add(b, "\\f", 2);
        return;
    case '"':
        buf_add(b, "\\\"", 2);
        return;
    case '\\':
        buf_add(b, "\\\\", 2);
        return;
    case '\n':
        buf_add(b, "\\n", 2);
        return;
    case '\r':
        buf_add(b, "\\r", 2);
        return;
    case '\t':
        buf_add(b, "\\t", 2);
        return;
    default:
        break;
    }
    const char esc[6] = {'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]};
    buf_add(b, esc, sizeof(esc));
}

static uint64_t marks_at(const char *s)
{
    uint64_t w;
    memcpy(&w, s, sizeof(w));
    return utf8_json_marks(w);
}

static size_t short_plain_run(const char *s, size_t n)
{
    size_t i = 0;
    while (i < n && (unsigned char)s[i] >= 0x20 && s[i] != '"' && s[i] != '\\')
        i++;
    return i;
}

/* How many bytes at the beginning of @s need no escape. The last eight are looked at as one, over some again. */
static size_t plain_run(const char *s, size_t n)
{
    if (n < 8)
        return short_plain_run(s, n);
    for (size_t i = 0; i < n; i += 8) {
        size_t at = i < n - 8 ? i : n - 8;
        uint64_t marks = marks_at(s + at);
        if (marks != 0)
            return at + utf8_first_mark(marks);
    }
    return n;
}

void buf_add_json_inner(struct buf *b, const char *s, size_t n)
{
    for (;;) {
        size_t run = plain_run(s, n);
        buf_add(b, s, run);
        if (run == n)
            return;
        add_json_escape(b, (unsigned char)s[run]);
        s += run + 1;
        n -= run + 1;
    }
}

static void add_json_slow(struct buf *b, const char *s, size_t n)
{
    buf_addc(b, '"');
    buf_add_json_inner(b, s, n);
    buf_addc(b, '"');
}

void buf_add_json(struct buf *b, const char *s, size_t n)
{
    size_t room = b->cap - b->len; /* two quotes and the NUL take three of it */
    if (b->failed || n == 0 || room < 3 || n > room - 3 || plain_run(s, n) < n) {
        add_json_slow(b, s, n);
        return;
    }
    char *to = b->data + b->len;
    *to++ = '"';
    memcpy(to, s, n);
    memcpy(to + n, "\"", 2);
    b->len += n + 2;
}

void buf_add_json_str(struct buf *b, const char *s)
{
    buf_add_json(b, s, strlen(s));
}

static bool is_unreserved(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

static void add_percent(struct buf *b, unsigned char c)
{
    const char esc[3] = {'%', hex_digits[c >> 4], hex_digits[c & 15]};
    buf_add(b, esc, sizeof(esc));
}

void buf_add_form(struct buf *b, const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)s[i];
        if (c == ' ')
            buf_addc(b, '+');
        else if ((is_unreserved(c) && c != '~') || c == '*')
            buf_addc(b, (char)c);
        else
            add_percent(b, c);
    }
}

void buf_add_percent(struct buf *b, const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)s[i];
        if (is_unreserved(c))
            buf_addc(b, (char)c);
        else
            add_percent(b, c);
    }
}

const char *buf_cstr(struct buf *b)
{
    if (b->failed || b->len == 0)
        return "";
    b->data[b->len] = '\0'; /* who filled buf_reserve()d room may have left it out */
    return b->data;
}

char *buf_steal(struct buf *b, size_t *ret_len)
{
    buf_add(b, "", 0);
    if (b->failed)
        return NULL;
    char *data = b->data;
    if (ret_len != NULL)
        *ret_len = b->len;
    b->data = NULL;
    b->len = b->cap = 0;
    return data;
}

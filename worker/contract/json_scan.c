#include "contract/json_scan.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "contract/json_read.h"

#define POINTER_MAX_BYTES (64 * 1024)

struct scan {
    const char *start, *at, *end;
    struct buf pointer; /* of the value that is being looked at */
    unsigned depth, max_depth;
    json_node_fn *fn;
    void *arg;
    struct fault *fault;
};

static int scan_value(struct scan *s);

static int refuse(struct scan *s, const char *reason)
{
    return fault_set(s->fault, buf_cstr(&s->pointer), "%s (byte %zu)", reason,
                     (size_t)(s->at - s->start));
}

static void skip_space(struct scan *s)
{
    while (s->at < s->end && (*s->at == ' ' || *s->at == '\t' || *s->at == '\n' || *s->at == '\r'))
        s->at++;
}

/* The next byte; 0 at the end (a NUL byte is no part of any token either). */
static char peek(const struct scan *s)
{
    return s->at < s->end ? *s->at : '\0';
}

static bool take(struct scan *s, char c)
{
    if (peek(s) != c || s->at == s->end)
        return false;
    s->at++;
    return true;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

void json_pointer_add(struct buf *b, const char *token)
{
    buf_addc(b, '/');
    for (; *token != '\0'; token++) {
        if (*token == '~')
            buf_adds(b, "~0");
        else if (*token == '/')
            buf_adds(b, "~1");
        else
            buf_addc(b, *token);
    }
}

/* Back to the parent's pointer. */
static void pointer_cut(struct scan *s, size_t len)
{
    s->pointer.failed = false;
    s->pointer.len = len;
    if (s->pointer.data != NULL)
        s->pointer.data[len] = '\0';
}

/* Four hex digits at @p as a number; -1 when there are not that many. */
static int hex4(const char *p, const char *end)
{
    if (end - p < 4)
        return -1;
    int v = 0;
    for (int i = 0; i < 4; i++) {
        char c = p[i];
        int d = is_digit(c)            ? c - '0'
                : c >= 'a' && c <= 'f' ? c - 'a' + 10
                : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                       : -1;
        if (d < 0)
            return -1;
        v = v * 16 + d;
    }
    return v;
}

/* Behind "\u". */
static int scan_unicode(struct scan *s)
{
    int high = hex4(s->at, s->end);
    if (high < 0)
        return refuse(s, "\\u wants four hex digits");
    if (high == 0)
        return refuse(s, "\\u0000 is not taken in texts");
    s->at += 4;
    if (high >= 0xdc00 && high <= 0xdfff)
        return refuse(s, "half of a surrogate pair");
    if (high < 0xd800 || high > 0xdbff)
        return 0;
    int low =
        s->end - s->at >= 6 && s->at[0] == '\\' && s->at[1] == 'u' ? hex4(s->at + 2, s->end) : -1;
    if (low < 0xdc00 || low > 0xdfff)
        return refuse(s, "half of a surrogate pair");
    s->at += 6;
    return 0;
}

static int scan_escape(struct scan *s)
{
    char c = peek(s);
    if (c == '\0' || strchr("\"\\/bfnrtu", c) == NULL)
        return refuse(s, "unknown escape in a text");
    s->at++;
    return c == 'u' ? scan_unicode(s) : 0;
}

/* At the opening quote; ends behind the closing one. */
static int scan_string(struct scan *s)
{
    s->at++;
    for (;;) {
        if (s->at == s->end)
            return refuse(s, "the text has no closing quote");
        unsigned char c = (unsigned char)*s->at;
        if (c == '"') {
            s->at++;
            return 0;
        }
        if (c < 0x20)
            return refuse(s, "control character in a text");
        size_t n = utf8_len(s->at, (size_t)(s->end - s->at));
        if (n == 0)
            return refuse(s, "invalid UTF-8");
        s->at += n;
        if (c == '\\' && scan_escape(s) != 0)
            return -1;
    }
}

static size_t scan_digits(struct scan *s)
{
    size_t n = 0;
    for (; is_digit(peek(s)); s->at++)
        n++;
    return n;
}

/* Grammar of RFC 8259 section 6. *ret_real: it has a fraction or an exponent. */
static int scan_number_text(struct scan *s, bool *ret_real)
{
    *ret_real = false;
    take(s, '-');
    bool zero = take(s, '0');
    if (!zero && scan_digits(s) == 0)
        return refuse(s, "a digit is wanted here");
    if (zero && is_digit(peek(s)))
        return refuse(s, "a number may not begin with 0");
    if (take(s, '.')) {
        *ret_real = true;
        if (scan_digits(s) == 0)
            return refuse(s, "a digit is wanted after the point");
    }
    if (take(s, 'e') || take(s, 'E')) {
        *ret_real = true;
        if (!take(s, '+'))
            take(s, '-');
        if (scan_digits(s) == 0)
            return refuse(s, "a digit is wanted in the exponent");
    }
    return 0;
}

static int scan_number(struct scan *s)
{
    const char *from = s->at;
    bool real;
    if (scan_number_text(s, &real) != 0)
        return -1;
    char *text = strndup(from, (size_t)(s->at - from));
    if (text == NULL)
        return fault_nomem(s->fault);
    errno = 0;
    if (real) {
        double d = strtod(text, NULL);
        errno = isinf(d) ? ERANGE : 0;
    } else {
        (void)strtoll(text, NULL, 10);
    }
    bool too_big = errno == ERANGE;
    free(text);
    return too_big ? refuse(s, "number beyond 64 bits") : 0;
}

static int scan_literal(struct scan *s)
{
    static const char *const words[] = {"true", "false", "null"};
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        size_t n = strlen(words[i]);
        if ((size_t)(s->end - s->at) >= n && memcmp(s->at, words[i], n) == 0) {
            s->at += n;
            return 0;
        }
    }
    return refuse(s, s->at == s->end ? "ends too early" : "a JSON value is wanted here");
}

static int scan_items(struct scan *s)
{
    size_t base = s->pointer.len;
    skip_space(s);
    if (take(s, ']'))
        return 0;
    for (uint64_t i = 0;; i++) {
        buf_addc(&s->pointer, '/');
        buf_addu(&s->pointer, i);
        if (scan_value(s) != 0)
            return -1;
        pointer_cut(s, base);
        skip_space(s);
        if (take(s, ']'))
            return 0;
        if (!take(s, ','))
            return refuse(s, s->at == s->end ? "ends too early" : "',' or ']' is wanted here");
    }
}

/* jansson's own reader writes where it must not when a long text cannot grow: it gets only what our own cannot read. */
static json_t *read_key(const char *quoted, size_t len)
{
    bool has_escapes = memchr(quoted, '\\', len) != NULL;
    return has_escapes ? json_loadb(quoted, len, JSON_DECODE_ANY, NULL) : json_read(quoted, len);
}

/* A key and its colon; the pointer is then the member's. @seen holds the object's keys so far. */
static int scan_key(struct scan *s, json_t *seen)
{
    skip_space(s);
    const char *from = s->at;
    if (peek(s) != '"')
        return refuse(s, s->at == s->end ? "ends too early" : "a key in quotes is wanted here");
    if (scan_string(s) != 0)
        return -1;
    json_t *key = read_key(from, (size_t)(s->at - from));
    if (key == NULL)
        return fault_nomem(s->fault);
    const char *text = json_string_value(key);
    json_pointer_add(&s->pointer, text);
    bool twice = json_object_get(seen, text) != NULL;
    bool kept = twice || json_object_set_new_nocheck(seen, text, json_true()) == 0;
    json_decref(key);
    if (twice)
        return refuse(s, "the same key twice in one object");
    if (!kept)
        return fault_nomem(s->fault);
    if (s->fn != NULL)
        s->fn(s->arg, buf_cstr(&s->pointer), (size_t)(from - s->start));
    skip_space(s);
    return take(s, ':') ? 0 : refuse(s, "':' is wanted here");
}

static int scan_members(struct scan *s, json_t *seen)
{
    size_t base = s->pointer.len;
    skip_space(s);
    if (take(s, '}'))
        return 0;
    for (;;) {
        if (scan_key(s, seen) != 0 || scan_value(s) != 0)
            return -1;
        pointer_cut(s, base);
        skip_space(s);
        if (take(s, '}'))
            return 0;
        if (!take(s, ','))
            return refuse(s, s->at == s->end ? "ends too early" : "',' or '}' is wanted here");
    }
}

static int scan_container(struct scan *s)
{
    if (++s->depth > s->max_depth)
        return fault_set(s->fault, buf_cstr(&s->pointer), "nested deeper than %u levels",
                         s->max_depth);
    int rc = -1;
    if (take(s, '[')) {
        rc = scan_items(s);
    } else {
        s->at++;
        json_t *seen = json_object();
        rc = seen != NULL ? scan_members(s, seen) : fault_nomem(s->fault);
        json_decref(seen);
    }
    s->depth--;
    return rc;
}

static int scan_value(struct scan *s)
{
    skip_space(s);
    if (s->fn != NULL)
        s->fn(s->arg, buf_cstr(&s->pointer), (size_t)(s->at - s->start));
    char c = peek(s);
    if (c == '{' || c == '[')
        return scan_container(s);
    if (c == '"')
        return scan_string(s);
    if (c == '-' || is_digit(c))
        return scan_number(s);
    return scan_literal(s);
}

int json_scan(const char *data, size_t len, unsigned max_depth, json_node_fn *fn, void *arg,
              struct fault *ret_fault)
{
    struct scan s = {.start = data,
                     .at = data,
                     .end = data + len,
                     .max_depth = max_depth,
                     .fn = fn,
                     .arg = arg,
                     .fault = ret_fault};
    buf_init(&s.pointer, POINTER_MAX_BYTES);
    int rc = scan_value(&s);
    if (rc == 0) {
        skip_space(&s);
        if (s.at != s.end)
            rc = refuse(&s, "more bytes follow the value");
    }
    buf_fini(&s.pointer);
    return rc;
}

#include "contract/json_read.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "contract/json_scan.h"

enum { DEPTH_MAX = 64, DIGITS_MAX = 18, UNESCAPED_MAX = 4096, JANSSON_DEPTH_MAX = 2048 };

struct reader {
    const unsigned char *at, *end;
    unsigned depth;
    char text[UNESCAPED_MAX]; /* a text that had escapes, without them */
};

static json_t *read_value(struct reader *r);

static void skip_space(struct reader *r)
{
    while (r->at < r->end && (*r->at == ' ' || *r->at == '\n' || *r->at == '\t' || *r->at == '\r'))
        r->at++;
}

/* Takes @c when it comes next, after white space. */
static bool take(struct reader *r, char c)
{
    skip_space(r);
    if (r->at == r->end || *r->at != (unsigned char)c)
        return false;
    r->at++;
    return true;
}

/* ---- texts ---- */

static int read_hex4(struct reader *r, uint32_t *ret)
{
    uint32_t v = 0;
    if (r->end - r->at < 4)
        return -1;
    for (int i = 0; i < 4; i++, r->at++) {
        unsigned char c = *r->at, low = c | 0x20;
        if (c >= '0' && c <= '9')
            v = v << 4 | (uint32_t)(c - '0');
        else if (low >= 'a' && low <= 'f')
            v = v << 4 | (uint32_t)(low - 'a' + 10);
        else
            return -1;
    }
    *ret = v;
    return 0;
}

/* After "\u": one code point, from one escape or a surrogate pair. NUL is not taken. */
static int read_unicode(struct reader *r, uint32_t *ret)
{
    uint32_t low;
    if (read_hex4(r, ret) != 0 || *ret == 0 || (*ret >= 0xdc00 && *ret <= 0xdfff))
        return -1;
    if (*ret < 0xd800 || *ret > 0xdbff)
        return 0;
    if (r->end - r->at < 2 || r->at[0] != '\\' || r->at[1] != 'u')
        return -1;
    r->at += 2;
    if (read_hex4(r, &low) != 0 || low < 0xdc00 || low > 0xdfff)
        return -1;
    *ret = 0x10000 + ((*ret - 0xd800) << 10) + (low - 0xdc00);
    return 0;
}

/* After a backslash: the character as UTF-8 into @to (room for 4). Its length, or 0. */
static size_t read_escape(struct reader *r, char *to)
{
    static const char names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
    uint32_t code;
    if (r->at == r->end)
        return 0;
    unsigned char c = *r->at++;
    if (c == 'u')
        return read_unicode(r, &code) == 0 ? utf8_put(code, to) : 0;
    const char *found = c == '\0' ? NULL : strchr(names, c);
    if (found == NULL)
        return 0;
    *to = values[found - names];
    return 1;
}

/* The end of the run of ASCII that stands for itself. */
static const unsigned char *ascii_end(const unsigned char *p, const unsigned char *end)
{
    for (; end - p >= 8; p += 8) {
        uint64_t w;
        memcpy(&w, p, sizeof(w));
        uint64_t stops = utf8_json_marks(w) | (w & 0x80 * UTF8_EACH);
        if (stops != 0)
            return p + utf8_first_mark(stops);
    }
    while (p < end && *p >= 0x20 && *p < 0x80 && *p != '"' && *p != '\\')
        p++;
    return p;
}

/* The end of the run of characters that stand for themselves, or NULL when one is not UTF-8 or a control. */
static const unsigned char *plain_end(const unsigned char *p, const unsigned char *end)
{
    for (;;) {
        p = ascii_end(p, end);
        if (p == end || *p == '"' || *p == '\\')
            return p;
        do {
            size_t n = *p < 0x80 ? 0 : utf8_len((const char *)p, (size_t)(end - p));
            if (n == 0)
                return NULL;
            p += n;
        } while (p < end && *p >= 0x80);
    }
}

/* A text that has escapes, from @from on, into r->text. */
static int read_escaped(struct reader *r, const unsigned char *from, size_t *ret_len)
{
    size_t n = 0;
    r->at = from;
    for (;;) {
        const unsigned char *stop = plain_end(r->at, r->end);
        size_t run = stop == NULL ? 0 : (size_t)(stop - r->at);
        if (stop == NULL || stop == r->end || run + 4 > sizeof(r->text) - n)
            return -1;
        memcpy(r->text + n, r->at, run);
        n += run;
        r->at = stop + 1;
        if (*stop == '"')
            break;
        size_t wrote = read_escape(r, r->text + n);
        if (wrote == 0)
            return -1;
        n += wrote;
    }
    *ret_len = n;
    return 0;
}

/* After the opening quote: the text, in the message itself or in r->text, up to and over the closing quote. */
static int read_text(struct reader *r, const char **ret, size_t *ret_len)
{
    const unsigned char *from = r->at, *stop = plain_end(from, r->end);
    if (stop == NULL || stop == r->end)
        return -1;
    if (*stop == '"') {
        *ret = (const char *)from;
        *ret_len = (size_t)(stop - from);
        r->at = stop + 1;
        return 0;
    }
    *ret = r->text;
    return read_escaped(r, from, ret_len);
}

static json_t *read_string(struct reader *r)
{
    const char *text;
    size_t n;
    return read_text(r, &text, &n) == 0 ? json_stringn_nocheck(text, n) : NULL;
}

/* ---- the rest ---- */

static json_t *read_number(struct reader *r)
{
    bool minus = *r->at == '-';
    const unsigned char *from = r->at += minus;
    json_int_t v = 0;
    while (r->at < r->end && *r->at >= '0' && *r->at <= '9' && r->at - from < DIGITS_MAX)
        v = v * 10 + (*r->at++ - '0');
    size_t digits = (size_t)(r->at - from);
    bool more = r->at < r->end && (*r->at == '.' || *r->at == 'e' || *r->at == 'E' || (*r->at >= '0' && *r->at <= '9'));
    if (digits == 0 || (digits > 1 && *from == '0') || more)
        return NULL;
    return json_integer(minus ? -v : v);
}

static json_t *read_word(struct reader *r, const char *word, json_t *value)
{
    size_t n = strlen(word);
    if ((size_t)(r->end - r->at) < n || memcmp(r->at, word, n) != 0)
        return NULL;
    r->at += n;
    return value;
}

static int read_element(struct reader *r, json_t *array)
{
    return json_array_append_new(array, read_value(r)); /* takes a NULL as a failure */
}

/* After its name. */
static int read_member_value(struct reader *r, json_t *object, const char *key, size_t n)
{
    size_t before = json_object_size(object);
    json_t *value = take(r, ':') ? read_value(r) : NULL;
    if (value == NULL || json_object_setn_new_nocheck(object, key, n, value) != 0)
        return -1;
    return json_object_size(object) > before ? 0 : -1; /* no growth: the key stood there already */
}

static int read_member(struct reader *r, json_t *object)
{
    const char *key;
    size_t n;
    if (!take(r, '"') || read_text(r, &key, &n) != 0)
        return -1;
    if (key != r->text)
        return read_member_value(r, object, key, n);
    char *copy = malloc(n + 1); /* the value may need r->text */
    int rc = copy == NULL ? -1 : read_member_value(r, object, memcpy(copy, key, n), n);
    free(copy);
    return rc;
}

static json_t *read_container(struct reader *r, json_t *v, char close,
                              int (*read_one)(struct reader *, json_t *))
{
    r->depth++;
    bool ok = v != NULL && r->depth <= DEPTH_MAX;
    if (ok && !take(r, close)) {
        do
            ok = read_one(r, v) == 0;
        while (ok && take(r, ','));
        ok = ok && take(r, close);
    }
    r->depth--;
    if (ok)
        return v;
    json_decref(v);
    return NULL;
}

static json_t *read_value(struct reader *r)
{
    skip_space(r);
    if (r->at == r->end)
        return NULL;
    switch (*r->at) {
    case '"':
        r->at++;
        return read_string(r);
    case '{':
        r->at++;
        return read_container(r, json_object(), '}', read_member);
    case '[':
        r->at++;
        return read_container(r, json_array(), ']', read_element);
    case 't':
        return read_word(r, "true", json_true());
    case 'f':
        return read_word(r, "false", json_false());
    case 'n':
        return read_word(r, "null", json_null());
    default:
        return *r->at == '-' || (*r->at >= '0' && *r->at <= '9') ? read_number(r) : NULL;
    }
}

json_t *json_read(const char *data, size_t len)
{
    struct reader r;
    r.at = (const unsigned char *)data;
    r.end = r.at + len;
    r.depth = 0;
    json_t *v = read_value(&r);
    skip_space(&r);
    if (v != NULL && r.at == r.end)
        return v;
    json_decref(v);
    return NULL;
}

json_t *json_read_any(const char *data, size_t len)
{
    json_t *v = json_read(data, len);
    if (v != NULL || (len > 0 && memchr(data, '\0', len) != NULL)) /* jansson loses a NUL behind a number */
        return v;
    return json_loadb(data, len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, NULL);
}

bool json_read_lacked_memory(const char *data, size_t len)
{
    struct fault f = {.nomem = false};
    return json_scan(data, len, JANSSON_DEPTH_MAX, NULL, NULL, &f) == 0 || f.nomem;
}

#include "contract/json.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "contract/json_read.h"
#include "contract/json_scan.h"

int fault_set(struct fault *ret, const char *pointer, const char *fmt, ...)
{
    if (ret == NULL)
        return -1;
    struct fault f = {.nomem = false};
    snprintf(f.pointer, sizeof(f.pointer), "%s", pointer);
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(f.reason, sizeof(f.reason), fmt, ap);
    va_end(ap);
    utf8_make_line(f.reason);
    *ret = f;
    return -1;
}

int fault_nomem(struct fault *ret)
{
    fault_set(ret, "", "out of memory");
    if (ret != NULL)
        ret->nomem = true;
    return -1;
}

/* True when @v holds more than @left containers inside each other. */
static bool is_deeper(const json_t *v, unsigned left)
{
    if (!json_is_object(v) && !json_is_array(v))
        return false;
    if (left == 0)
        return true;
    json_t *it = json_unconst(v);
    const char *key;
    json_t *item;
    size_t i;
    json_object_foreach(it, key, item) if (is_deeper(item, left - 1)) return true;
    json_array_foreach(v, i, item) if (is_deeper(item, left - 1)) return true;
    return false;
}

json_t *json_parse_strict(const char *data, size_t len, struct fault *ret_fault)
{
    if (len > JSON_EVENT_MAX_BYTES) {
        fault_set(ret_fault, "", "%zu bytes, wanted at most %d", len, JSON_EVENT_MAX_BYTES);
        return NULL;
    }
    if (len == 0) {
        fault_set(ret_fault, "", "empty, wanted a JSON value");
        return NULL;
    }
    json_t *v = json_read_any(data, len);
    if (v != NULL && !is_deeper(v, JSON_EVENT_MAX_DEPTH))
        return v;
    json_decref(v);
    struct fault f;
    if (json_scan(data, len, JSON_EVENT_MAX_DEPTH, NULL, NULL, &f) == 0)
        fault_nomem(&f);
    if (ret_fault != NULL)
        *ret_fault = f;
    return NULL;
}

/* ---- writing ---- */

static void add_value(struct buf *out, const json_t *v, bool sorted);

/* One UTF-16 code unit sequence against another, both given in UTF-8. They order as bytes do, but for code points
 * past U+FFFF, which stand as surrogates below U+E000. */
static int utf16_cmp(const char *a, const char *b)
{
    while (*a != '\0' && *a == *b) {
        a++;
        b++;
    }
    unsigned char x = (unsigned char)*a, y = (unsigned char)*b;
    bool x_pair = x >= 0xf0, y_pair = y >= 0xf0;
    if (x_pair != y_pair && x >= 0xee && y >= 0xee)
        return x_pair ? -1 : 1;
    return (int)x - (int)y;
}

struct member {
    const char *key;
    size_t key_len;
    const json_t *value;
};

static int member_cmp(const void *a, const void *b)
{
    return utf16_cmp(((const struct member *)a)->key, ((const struct member *)b)->key);
}

static void add_member(struct buf *out, const struct member *m, bool sorted)
{
    buf_add_json(out, m->key, m->key_len);
    buf_addc(out, ':');
    add_value(out, m->value, sorted);
}

static void add_members_sorted(struct buf *out, const json_t *v)
{
    struct member few[32];
    size_t n = json_object_size(v), at = 0;
    struct member *m = n <= ARRAY_LEN(few) ? few : calloc(n, sizeof(*m));
    if (m == NULL) {
        out->failed = out->no_memory = true;
        return;
    }
    const char *key;
    size_t key_len;
    json_t *item, *it = json_unconst(v);
    json_object_keylen_foreach(it, key, key_len, item) m[at++] =
        (struct member){key, key_len, item};
    qsort(m, n, sizeof(*m), member_cmp);
    for (size_t i = 0; i < n; i++) {
        if (i > 0)
            buf_addc(out, ',');
        add_member(out, &m[i], true);
    }
    if (m != few)
        free(m);
}

static void add_members(struct buf *out, const json_t *v)
{
    bool first = true;
    const char *key;
    size_t key_len;
    json_t *item, *it = json_unconst(v);
    json_object_keylen_foreach(it, key, key_len, item)
    {
        if (!first)
            buf_addc(out, ',');
        first = false;
        add_member(out, &(struct member){key, key_len, item}, false);
    }
}

static void add_object(struct buf *out, const json_t *v, bool sorted)
{
    buf_addc(out, '{');
    if (sorted)
        add_members_sorted(out, v);
    else
        add_members(out, v);
    buf_addc(out, '}');
}

static void add_array(struct buf *out, const json_t *v, bool sorted)
{
    size_t i;
    json_t *item;
    buf_addc(out, '[');
    json_array_foreach(v, i, item)
    {
        if (i > 0)
            buf_addc(out, ',');
        add_value(out, item, sorted);
    }
    buf_addc(out, ']');
}

/* Through jansson, which writes a real with 17 digits whatever the locale says. */
static void add_real(struct buf *out, const json_t *v)
{
    char text[64];
    size_t n = json_dumpb(v, text, sizeof(text), JSON_ENCODE_ANY);
    if (n == 0 || n > sizeof(text))
        out->failed = true;
    else
        buf_add(out, text, n);
}

static void add_value(struct buf *out, const json_t *v, bool sorted)
{
    switch (json_typeof(v)) {
    case JSON_OBJECT:
        add_object(out, v, sorted);
        return;
    case JSON_ARRAY:
        add_array(out, v, sorted);
        return;
    case JSON_STRING:
        buf_add_json(out, json_string_value(v), json_string_length(v));
        return;
    case JSON_INTEGER:
        buf_addi(out, json_integer_value(v));
        return;
    case JSON_REAL:
        add_real(out, v);
        return;
    case JSON_TRUE:
        buf_adds(out, "true");
        return;
    case JSON_FALSE:
        buf_adds(out, "false");
        return;
    case JSON_NULL:
        buf_adds(out, "null");
        return;
    }
}

void json_add_canonical(struct buf *out, const json_t *v)
{
    add_value(out, v, true);
}

int json_digest(const struct hash_part *before, size_t n, const json_t *v, char ret[JSON_DIGEST_SIZE])
{
    struct hash_part parts[JSON_DIGEST_BEFORE_MAX + 1];
    uint8_t digest[HASH_SHA256_SIZE];
    struct buf text;
    buf_init(&text, (size_t)8 * JSON_EVENT_MAX_BYTES);
    json_add_canonical(&text, v);
    bool good = buf_ok(&text);
    if (good) {
        if (n > 0)
            memcpy(parts, before, n * sizeof(*before));
        parts[n] = (struct hash_part){text.data, text.len};
        hash_sha256_parts(parts, n + 1, digest);
        hash_hex(digest, (JSON_DIGEST_SIZE - 1) / 2, ret);
    }
    buf_fini(&text);
    return good ? 0 : -1;
}

void json_add_compact(struct buf *out, const json_t *v)
{
    add_value(out, v, false);
}

/* ---- pointers ---- */

/* Compares the escaped token [@t, @end) with @key. */
static bool token_is(const char *t, const char *end, const char *key)
{
    for (; t < end; t++, key++) {
        char c = *t;
        if (c == '~' && t + 1 < end && (t[1] == '0' || t[1] == '1'))
            c = *++t == '0' ? '~' : '/';
        if (c != *key)
            return false;
    }
    return *key == '\0';
}

static json_t *member_at(const json_t *v, const char *t, const char *end)
{
    if (memchr(t, '~', (size_t)(end - t)) == NULL)
        return json_object_getn(v, t, (size_t)(end - t));
    const char *key;
    json_t *item, *it = json_unconst(v);
    json_object_foreach(it, key, item) if (token_is(t, end, key)) return item;
    return NULL;
}

static json_t *item_at(const json_t *v, const char *t, const char *end)
{
    size_t i = 0;
    if (t == end || end - t > 9 || (*t == '0' && end - t > 1))
        return NULL;
    for (; t < end; t++) {
        if (*t < '0' || *t > '9')
            return NULL;
        i = i * 10 + (size_t)(*t - '0');
    }
    return json_array_get(v, i);
}

const char *json_text(const json_t *object, const char *name)
{
    const char *s = json_string_value(json_object_get(object, name));
    return s != NULL ? s : "";
}

json_t *json_at_pointer(const json_t *root, const char *pointer)
{
    json_t *v = json_unconst(root);
    while (v != NULL && *pointer != '\0') {
        if (*pointer != '/')
            return NULL;
        const char *t = pointer + 1;
        pointer = strchrnul(t, '/');
        if (json_is_object(v))
            v = member_at(v, t, pointer);
        else
            v = json_is_array(v) ? item_at(v, t, pointer) : NULL;
    }
    return v;
}

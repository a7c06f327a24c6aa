/* value.c - conversions and comparisons of values. Pure; nothing is owned. */
#include "workflow/value.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "contract/json.h"
#include "workflow/fold.h"

struct value value_nothing(void)
{
    return (struct value){.kind = VALUE_NOTHING};
}

struct value value_int(int64_t i)
{
    return (struct value){.kind = VALUE_INT, .i = i};
}

struct value value_text(const char *s, size_t n)
{
    return (struct value){.kind = VALUE_TEXT, .text = {s, n}};
}

struct value value_of_json(const json_t *v)
{
    if (v == NULL)
        return value_nothing();
    struct value r = {.json = v};
    switch (json_typeof(v)) {
    case JSON_OBJECT:
    case JSON_ARRAY:
        r.kind = VALUE_TREE;
        break;
    case JSON_STRING:
        r.kind = VALUE_TEXT;
        r.text.s = json_string_value(v);
        r.text.n = json_string_length(v);
        break;
    case JSON_INTEGER:
        r.kind = VALUE_INT;
        r.i = json_integer_value(v);
        break;
    case JSON_REAL:
        r.kind = VALUE_REAL;
        r.d = json_real_value(v);
        break;
    case JSON_TRUE:
    case JSON_FALSE:
        r.kind = VALUE_BOOL;
        r.b = json_is_true(v);
        break;
    case JSON_NULL:
        r.kind = VALUE_NULL;
        break;
    }
    return r;
}

void value_add_mended(struct buf *out, const char *s, size_t n)
{
    for (size_t len; n > 0; s += len, n -= len) {
        len = *s == '\0' ? 0 : utf8_len(s, n);
        buf_add(out, len == 0 ? "\xEF\xBF\xBD" : s, len == 0 ? 3 : len);
        len += len == 0;
    }
}

static json_t *text_to_json(const char *s, size_t n)
{
    json_t *plain = n == 0 || memchr(s, '\0', n) == NULL ? json_stringn(s, n) : NULL;
    if (plain != NULL || n == 0)
        return plain;
    struct buf text;
    buf_init(&text, 3 * n);
    value_add_mended(&text, s, n);
    json_t *v = buf_ok(&text) ? json_stringn(text.data, text.len) : NULL;
    buf_fini(&text);
    return v;
}

json_t *value_to_json(const struct value *v)
{
    if (v->kind == VALUE_TREE)
        return json_incref((json_t *)(uintptr_t)v->json);
    if (v->json != NULL)
        return json_deep_copy(v->json);
    switch (v->kind) {
    case VALUE_NOTHING:
    case VALUE_TREE:
        break;
    case VALUE_NULL:
        return json_null();
    case VALUE_BOOL:
        return json_boolean(v->b);
    case VALUE_INT:
        return json_integer(v->i);
    case VALUE_REAL:
        return json_real(v->d);
    case VALUE_TEXT:
        return text_to_json(v->text.s, v->text.n);
    }
    return NULL;
}

bool value_is_empty(const struct value *v)
{
    return v->kind == VALUE_NOTHING || v->kind == VALUE_NULL;
}

bool value_is_true(const struct value *v)
{
    switch (v->kind) {
    case VALUE_NOTHING:
    case VALUE_NULL:
        return false;
    case VALUE_BOOL:
        return v->b;
    case VALUE_INT:
        return v->i != 0;
    case VALUE_REAL:
        return v->d < 0 || v->d > 0;
    case VALUE_TEXT:
        return v->text.n > 0;
    case VALUE_TREE:
        return true;
    }
    return false;
}

void value_add_real(struct buf *out, double d)
{
    char text[40];
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof(text), "%.*g", digits, d);
        double back = strtod(text, NULL);
        if (!(back < d) && !(back > d))
            break;
    }
    buf_adds(out, text);
}

void value_add_text(const struct value *v, struct buf *out)
{
    switch (v->kind) {
    case VALUE_NOTHING:
    case VALUE_NULL:
        return;
    case VALUE_BOOL:
        buf_adds(out, v->b ? "true" : "false");
        return;
    case VALUE_INT:
        buf_addi(out, v->i);
        return;
    case VALUE_REAL:
        value_add_real(out, v->d);
        return;
    case VALUE_TEXT:
        buf_add(out, v->text.s, v->text.n);
        return;
    case VALUE_TREE:
        json_add_compact(out, v->json);
        return;
    }
}

void value_add_json(const struct value *v, struct buf *out)
{
    if (v->kind == VALUE_TEXT)
        buf_add_json(out, v->text.s, v->text.n);
    else if (value_is_empty(v))
        buf_adds(out, "null");
    else
        value_add_text(v, out);
}

static bool json_number_grammar(const char *s, size_t n)
{
    size_t i = 0;
    if (i < n && s[i] == '-')
        i++;
    size_t digits = i;
    while (i < n && s[i] >= '0' && s[i] <= '9')
        i++;
    if (i == digits || (s[digits] == '0' && i > digits + 1))
        return false;
    if (i < n && s[i] == '.') {
        size_t from = ++i;
        while (i < n && s[i] >= '0' && s[i] <= '9')
            i++;
        if (i == from)
            return false;
    }
    if (i < n && (s[i] == 'e' || s[i] == 'E')) {
        i++;
        if (i < n && (s[i] == '+' || s[i] == '-'))
            i++;
        size_t from = i;
        while (i < n && s[i] >= '0' && s[i] <= '9')
            i++;
        if (i == from)
            return false;
    }
    return i == n;
}

/* A number, or a text that is one (RFC 8259 section 6). Integers stay exact. */
static bool as_number(const struct value *v, struct value *ret)
{
    if (v->kind == VALUE_INT || v->kind == VALUE_REAL) {
        *ret = *v;
        return true;
    }
    char text[64];
    if (v->kind != VALUE_TEXT || v->text.n >= sizeof(text) || !json_number_grammar(v->text.s, v->text.n))
        return false;
    memcpy(text, v->text.s, v->text.n);
    text[v->text.n] = '\0';
    if (strpbrk(text, ".eE") == NULL) {
        errno = 0;
        *ret = value_int(strtoll(text, NULL, 10));
        if (errno == 0)
            return true;
    }
    *ret = (struct value){.kind = VALUE_REAL, .d = strtod(text, NULL)};
    return true;
}

bool value_as_int(const struct value *v, int64_t *ret)
{
    struct value n;
    if (!as_number(v, &n) || n.kind != VALUE_INT)
        return false;
    *ret = n.i;
    return true;
}

static bool is_number(const struct value *v)
{
    return v->kind == VALUE_INT || v->kind == VALUE_REAL;
}

static int order_numbers(const struct value *a, const struct value *b)
{
    if (a->kind == VALUE_INT && b->kind == VALUE_INT)
        return (a->i > b->i) - (a->i < b->i);
    double x = a->kind == VALUE_INT ? (double)a->i : a->d;
    double y = b->kind == VALUE_INT ? (double)b->i : b->d;
    return (x > y) - (x < y);
}

int value_compare_text(const char *a, size_t an, const char *b, size_t bn)
{
    struct fold x = {a, a + an}, y = {b, b + bn};
    for (;;) {
        uint32_t c = fold_next(&x), d = fold_next(&y);
        if (c != d)
            return c < d ? -1 : 1;
        if (c == FOLD_END)
            return 0;
    }
}

bool value_order(const struct value *a, const struct value *b, int *ret)
{
    if (a->kind == VALUE_TEXT && b->kind == VALUE_TEXT) {
        *ret = value_compare_text(a->text.s, a->text.n, b->text.s, b->text.n);
        return true;
    }
    struct value x, y;
    if ((!is_number(a) && !is_number(b)) || !as_number(a, &x) || !as_number(b, &y))
        return false;
    *ret = order_numbers(&x, &y);
    return true;
}

static bool bool_equals(bool b, const struct value *v)
{
    if (v->kind == VALUE_BOOL)
        return v->b == b;
    const char *word = b ? "true" : "false";
    return v->kind == VALUE_TEXT && value_compare_text(v->text.s, v->text.n, word, strlen(word)) == 0;
}

bool value_equal(const struct value *a, const struct value *b)
{
    if (value_is_empty(a) || value_is_empty(b))
        return value_is_empty(a) && value_is_empty(b);
    if (a->kind == VALUE_BOOL)
        return bool_equals(a->b, b);
    if (b->kind == VALUE_BOOL)
        return bool_equals(b->b, a);
    if (a->kind == VALUE_TREE || b->kind == VALUE_TREE)
        return a->kind == b->kind && json_equal(a->json, b->json);
    int order;
    return value_order(a, b, &order) && order == 0;
}

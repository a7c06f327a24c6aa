/* template.c - compiles values with expressions in them. */
#include "workflow/template.h"

#include <ctype.h>
#include <string.h>

#include "workflow/criteria.h"
#include "workflow/format.h"

static struct tmpl *new_tmpl(struct loader *l, enum tmpl_kind kind, const struct at *at)
{
    struct tmpl *t = load_alloc(l, 1, sizeof(*t));
    if (t == NULL)
        return NULL;
    t->kind = kind;
    t->pointer = at_keep(l, at);
    return t;
}

static const struct tmpl *new_literal(struct loader *l, const json_t *v, const struct at *at)
{
    struct tmpl *t = new_tmpl(l, TMPL_LITERAL, at);
    if (t != NULL)
        t->literal = v;
    return t;
}

/* --- text --- */

static const char *next_brace(const char *s, size_t n)
{
    return memmem(s, n, "{$", 2);
}

static size_t count_braces(const char *s, size_t n)
{
    size_t count = 0;
    for (const char *p = s; (p = next_brace(p, (size_t)(s + n - p))) != NULL; p += 2)
        count++;
    return count;
}

static int add_expr_part(struct loader *l, const struct where *w, struct text_part *part, const char *brace,
                         size_t n, const struct at *at)
{
    const char *close = memchr(brace, '}', n);
    if (close == NULL) {
        load_fault(l, at, "`{$` without `}`");
        return -1;
    }
    part->len = (size_t)(close - brace) + 1;
    part->expr = expr_compile(l, w, brace + 1, part->len - 2, EXPR_WHOLE, NULL, at);
    return part->expr == NULL ? -1 : 0;
}

static const struct tmpl *compile_parts(struct loader *l, const struct where *w, const char *s, size_t n,
                                        const struct at *at)
{
    struct tmpl *t = new_tmpl(l, TMPL_TEXT, at);
    struct text_part *parts = load_alloc(l, 2 * count_braces(s, n) + 1, sizeof(*parts));
    if (t == NULL || parts == NULL)
        return NULL;
    for (const char *end = s + n; s < end;) {
        const char *brace = next_brace(s, (size_t)(end - s));
        size_t plain = brace == NULL ? (size_t)(end - s) : (size_t)(brace - s);
        if (plain > 0)
            parts[t->n++] = (struct text_part){.text = s, .len = plain};
        s += plain;
        if (brace == NULL)
            break;
        if (add_expr_part(l, w, &parts[t->n], s, (size_t)(end - s), at) != 0)
            return NULL;
        s += parts[t->n++].len;
    }
    t->parts = parts;
    return t;
}

static const struct tmpl *compile_expr(struct loader *l, const struct where *w, const char *s, size_t n,
                                       const struct at *at)
{
    struct tmpl *t = new_tmpl(l, TMPL_EXPR, at);
    if (t == NULL)
        return NULL;
    t->expr = expr_compile(l, w, s, n, EXPR_WHOLE, NULL, at);
    return t->expr == NULL ? NULL : t;
}

static const json_t *own_text(struct loader *l, const char *s, size_t n)
{
    json_t *v = json_stringn(s, n);
    return v != NULL && json_array_append_new(l->pack->owned, v) == 0 ? v : NULL;
}

static bool is_expression(const char *s, size_t n)
{
    return n > 1 && s[0] == '$' && isalpha((unsigned char)s[1]);
}

const struct tmpl *tmpl_compile_text(struct loader *l, const struct where *w, const char *s, size_t n,
                                     const struct at *at)
{
    if (is_expression(s, n))
        return compile_expr(l, w, s, n, at);
    if (next_brace(s, n) != NULL)
        return compile_parts(l, w, s, n, at);
    const json_t *text = own_text(l, s, n);
    if (text == NULL) {
        l->out_of_memory = true; /* a document's text is UTF-8 */
        return NULL;
    }
    return new_literal(l, text, at);
}

static const struct tmpl *compile_string(struct loader *l, const struct where *w, const json_t *v, const struct at *at)
{
    const char *s = json_string_value(v);
    size_t n = json_string_length(v);
    if (!is_expression(s, n) && next_brace(s, n) == NULL)
        return new_literal(l, v, at);
    return tmpl_compile_text(l, w, s, n, at);
}

/* --- lists and objects --- */

static const struct tmpl *compile_list(struct loader *l, const struct where *w, const json_t *v, const struct at *at)
{
    struct tmpl *t = new_tmpl(l, TMPL_LIST, at);
    size_t n = json_array_size(v);
    const struct tmpl **items = load_alloc(l, n, sizeof(*items));
    if (t == NULL || items == NULL)
        return NULL;
    bool literal = true, good = true;
    for (size_t i = 0; i < n; i++) {
        struct at here = at_index(at, i);
        items[i] = tmpl_compile(l, w, json_array_get(v, i), &here);
        good = good && items[i] != NULL;
        literal = literal && good && items[i]->kind == TMPL_LITERAL;
    }
    t->items = items;
    t->n = n;
    return !good ? NULL : literal ? new_literal(l, v, at) : t;
}

static const struct tmpl *compile_members(struct loader *l, const struct where *w, const json_t *v,
                                          const struct at *at)
{
    struct tmpl *t = new_tmpl(l, TMPL_OBJECT, at);
    struct member *members = load_alloc(l, json_object_size(v), sizeof(*members));
    if (t == NULL || members == NULL)
        return NULL;
    bool literal = true, good = true;
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)v, key, value) {
        struct at here = at_key(at, key);
        struct member *m = &members[t->n++];
        m->key = tmpl_compile_text(l, w, key, strlen(key), &here);
        m->value = tmpl_compile(l, w, value, &here);
        good = good && m->key != NULL && m->value != NULL;
        literal = literal && good && m->key->kind == TMPL_LITERAL && m->value->kind == TMPL_LITERAL;
    }
    t->members = members;
    return !good ? NULL : literal ? new_literal(l, v, at) : t;
}

/* --- x-case, x-each, x-format --- */

static int compile_branch(struct loader *l, const struct where *w, const json_t *v, struct branch *ret,
                          const struct at *at)
{
    load_known(l, v, " when value ", at, "x-case");
    const json_t *when = json_object_get(v, "when"), *value = json_object_get(v, "value");
    struct at here = at_key(at, "value");
    if (value == NULL) {
        load_fault(l, at, "each of x-case needs a `value`");
        return -1;
    }
    ret->value = tmpl_compile(l, w, value, &here);
    if (when != NULL && (ret->when = cond_member(l, w, v, "when", at)) == NULL)
        return -1;
    return ret->value == NULL ? -1 : 0;
}

static const struct tmpl *compile_case(struct loader *l, const struct where *w, const json_t *v, const struct at *at)
{
    load_known(l, v, " x-case ", at, "x-case");
    const json_t *list = load_list(l, v, "x-case", at, true);
    struct tmpl *t = new_tmpl(l, TMPL_CASE, at);
    struct branch *branches = load_alloc(l, json_array_size(list), sizeof(*branches));
    if (list == NULL || t == NULL || branches == NULL)
        return NULL;
    struct at up = at_key(at, "x-case");
    for (size_t i = 0; i < json_array_size(list); i++) {
        struct at here = at_index(&up, i);
        if (compile_branch(l, w, json_array_get(list, i), &branches[t->n++], &here) != 0)
            return NULL;
    }
    t->branches = branches;
    return t;
}

static const struct tmpl *compile_each(struct loader *l, const struct where *w, const json_t *v, const struct at *at)
{
    load_known(l, v, " value ", at, "x-each");
    struct where inner = *w;
    inner.item = true;
    struct tmpl *t = new_tmpl(l, TMPL_EACH, at);
    const json_t *value = json_object_get(v, "value"), *key = json_object_get(v, "x-key");
    if (t == NULL)
        return NULL;
    if (value == NULL) {
        load_fault(l, at, "x-each needs a `value`");
        return NULL;
    }
    struct at value_at = at_key(at, "value"), key_at = at_key(at, "x-key");
    t->each.list = expr_member(l, w, v, "x-each", at);
    t->each.value = tmpl_compile(l, &inner, value, &value_at);
    if (key != NULL && (t->each.key = tmpl_compile(l, &inner, key, &key_at)) == NULL)
        return NULL;
    if (json_object_get(v, "x-where") != NULL && (t->each.where = cond_member(l, &inner, v, "x-where", at)) == NULL)
        return NULL;
    return t->each.list == NULL || t->each.value == NULL ? NULL : t;
}

static const struct tmpl *compile_format(struct loader *l, const struct where *w, const json_t *v, const struct at *at)
{
    load_known(l, v, " value ", at, "x-format");
    const char *name = load_string(l, v, "x-format", at, true);
    struct tmpl *t = new_tmpl(l, TMPL_FORMAT, at);
    if (name == NULL || t == NULL)
        return NULL;
    struct at name_at = at_key(at, "x-format"), here = at_key(at, "value");
    if (format_parse(name, &t->format.format) != 0) {
        load_fault(l, &name_at, "there is no format `%s`: mac, digits, upper, lower, cpf_cnpj, date_dmy", name);
        return NULL;
    }
    const json_t *value = json_object_get(v, "value");
    if (value == NULL) {
        load_fault(l, at, "x-format needs a `value`");
        return NULL;
    }
    t->format.value = tmpl_compile(l, w, value, &here);
    return t->format.value == NULL ? NULL : t;
}

static const struct tmpl *compile_object(struct loader *l, const struct where *w, const json_t *v, const struct at *at)
{
    if (json_object_get(v, "x-case") != NULL)
        return compile_case(l, w, v, at);
    if (json_object_get(v, "x-each") != NULL)
        return compile_each(l, w, v, at);
    if (json_object_get(v, "x-format") != NULL)
        return compile_format(l, w, v, at);
    return compile_members(l, w, v, at);
}

const struct tmpl *tmpl_compile(struct loader *l, const struct where *w, const json_t *v, const struct at *at)
{
    if (at->depth > LOAD_DEPTH_MAX) {
        load_fault(l, at, "nested deeper than %d", LOAD_DEPTH_MAX);
        return NULL;
    }
    if (json_is_string(v))
        return compile_string(l, w, v, at);
    if (json_is_array(v))
        return compile_list(l, w, v, at);
    if (json_is_object(v))
        return compile_object(l, w, v, at);
    return new_literal(l, v, at);
}

/* template.c - compiles values with expressions in them. */
#include "workflow/template.h"

#include <ctype.h>
#include <string.h>

#include "workflow/criteria.h"
#include "workflow/format.h"
#include "workflow/regex.h"

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

/* --- x-case, x-each, x-format, x-match, x-merge --- */

static const char *const specials[] = {"x-case", "x-each", "x-format", "x-match", "x-merge"};

bool tmpl_is_special(const json_t *v)
{
    for (size_t i = 0; i < ARRAY_LEN(specials); i++)
        if (json_object_get(v, specials[i]) != NULL)
            return true;
    return false;
}

/* The member `value`; NULL: a fault was noted. */
static const struct tmpl *compile_value(struct loader *l, const struct where *w, const json_t *v, const char *what,
                                        const struct at *at)
{
    const json_t *value = json_object_get(v, "value");
    struct at here = at_key(at, "value");
    if (value != NULL)
        return tmpl_compile(l, w, value, &here);
    load_fault(l, at, "%s needs a `value`", what);
    return NULL;
}

static int compile_branch(struct loader *l, const struct where *w, const json_t *v, struct branch *ret,
                          const struct at *at)
{
    load_known(l, v, " when value ", at, "x-case");
    ret->value = compile_value(l, w, v, "each of x-case", at);
    int rc = criteria_member(l, w, v, "when", &ret->when, at);
    return ret->value == NULL ? -1 : rc;
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

/* How often V is given for an item. */
static int compile_times(struct loader *l, const struct where *inner, const json_t *v, struct tmpl *t, const struct at *at)
{
    const json_t *times = json_object_get(v, "x-times");
    struct at here = at_key(at, "x-times");
    if (times == NULL)
        return 0;
    if (t->each.key != NULL)
        load_fault(l, &here, "x-times is for lists: an object has each key once");
    t->each.times = tmpl_compile(l, inner, times, &here);
    return t->each.times == NULL ? -1 : 0;
}

static const struct tmpl *compile_each(struct loader *l, const struct where *w, const json_t *v, const struct at *at)
{
    load_known(l, v, " value ", at, "x-each");
    struct where inner = where_in_loop(w);
    struct tmpl *t = new_tmpl(l, TMPL_EACH, at);
    const json_t *key = json_object_get(v, "x-key");
    struct at key_at = at_key(at, "x-key");
    if (t == NULL)
        return NULL;
    t->each.value = compile_value(l, &inner, v, "x-each", at);
    if (t->each.value == NULL)
        return NULL;
    t->each.list = expr_member(l, w, v, "x-each", at);
    if (key != NULL && (t->each.key = tmpl_compile(l, &inner, key, &key_at)) == NULL)
        return NULL;
    int rc = criteria_member(l, &inner, v, "x-where", &t->each.where, at);
    return compile_times(l, &inner, v, t, at) != 0 || rc != 0 || t->each.list == NULL ? NULL : t;
}

static const struct tmpl *compile_format(struct loader *l, const struct where *w, const json_t *v, const struct at *at)
{
    load_known(l, v, " value ", at, "x-format");
    const char *name = load_string(l, v, "x-format", at, true);
    struct tmpl *t = new_tmpl(l, TMPL_FORMAT, at);
    if (name == NULL || t == NULL)
        return NULL;
    struct at name_at = at_key(at, "x-format");
    if (format_parse(name, &t->format.format) != 0) {
        load_fault(l, &name_at, "there is no format `%s`: mac, digits, upper, lower, cpf_cnpj, date_dmy", name);
        return NULL;
    }
    t->format.value = compile_value(l, w, v, "x-format", at);
    return t->format.value == NULL ? NULL : t;
}

static const struct tmpl *compile_match(struct loader *l, const struct where *w, const json_t *v, const struct at *at)
{
    load_known(l, v, " give value ", at, "x-match");
    const char *pattern = load_string(l, v, "x-match", at, true), *give = load_string(l, v, "give", at, false);
    struct at pattern_at = at_key(at, "x-match"), give_at = at_key(at, "give");
    struct tmpl *t = new_tmpl(l, TMPL_MATCH, at);
    if (pattern == NULL || t == NULL || (t->match.regex = regex_compile(l, pattern, &pattern_at)) == NULL)
        return NULL;
    t->match.give = give == NULL ? "$0" : give;
    if (!regex_gives(t->match.regex, t->match.give)) {
        load_fault(l, &give_at, "`give` is text with $0 to $9 for groups that the pattern has, and $$ for a dollar");
        return NULL;
    }
    t->match.value = compile_value(l, w, v, "x-match", at);
    return t->match.value == NULL ? NULL : t;
}

/* A list of values, or a value that is one when it is known. */
static const struct tmpl *compile_merge(struct loader *l, const struct where *w, const json_t *v, const struct at *at)
{
    load_known(l, v, "", at, "x-merge");
    const json_t *list = json_object_get(v, "x-merge");
    struct at here = at_key(at, "x-merge");
    struct tmpl *t = new_tmpl(l, TMPL_MERGE, at);
    bool expression = json_is_string(list) && is_expression(json_string_value(list), json_string_length(list));
    if (t == NULL)
        return NULL;
    if (!json_is_array(list) && !expression && !tmpl_is_special(list)) {
        load_fault(l, &here, "x-merge is a list of values, or a value that gives one");
        return NULL;
    }
    t->merged = tmpl_compile(l, w, list, &here);
    return t->merged == NULL ? NULL : t;
}

static const struct tmpl *compile_object(struct loader *l, const struct where *w, const json_t *v, const struct at *at)
{
    if (json_object_get(v, "x-case") != NULL)
        return compile_case(l, w, v, at);
    if (json_object_get(v, "x-each") != NULL)
        return compile_each(l, w, v, at);
    if (json_object_get(v, "x-format") != NULL)
        return compile_format(l, w, v, at);
    if (json_object_get(v, "x-match") != NULL)
        return compile_match(l, w, v, at);
    if (json_object_get(v, "x-merge") != NULL)
        return compile_merge(l, w, v, at);
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

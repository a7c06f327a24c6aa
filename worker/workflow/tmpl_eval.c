/* tmpl_eval.c - evaluates values with expressions in them: as a value, as JSON, as JSON text. */
#include <string.h>

#include "contract/json.h"
#include "contract/record.h"
#include "workflow/criteria.h"
#include "workflow/format.h"
#include "workflow/pointer.h"
#include "workflow/regex.h"
#include "workflow/template.h"

#define TIMES_MAX 1000

/* Moves what was put into the scratch buffer since @mark into the arena. */
static struct value keep_text(struct scope *s, size_t mark)
{
    size_t n = s->scratch->len - mark;
    char *text = buf_ok(s->scratch) ? arena_text(s->arena, n == 0 ? "" : s->scratch->data + mark, n) : NULL;
    if (text == NULL && (buf_ok(s->scratch) || s->scratch->no_memory))
        scope_out_of_memory(s);
    if (buf_ok(s->scratch))
        s->scratch->len = mark;
    if (text == NULL) {
        s->failed = true;
        return value_nothing();
    }
    return value_text(text, n);
}

static bool add_parts(struct scope *s, const struct tmpl *t, struct buf *out)
{
    for (size_t i = 0; i < t->n; i++) {
        const struct text_part *p = &t->parts[i];
        if (p->text != NULL) {
            buf_add(out, p->text, p->len);
            continue;
        }
        struct value v = expr_eval(s, p->expr);
        if (value_is_empty(&v))
            return false;
        value_add_text(&v, out);
    }
    return true;
}

static struct value text_value(struct scope *s, const struct tmpl *t)
{
    size_t mark = s->scratch->len;
    if (add_parts(s, t, s->scratch))
        return keep_text(s, mark);
    s->scratch->len = mark;
    return value_nothing();
}

static struct value format_value(struct scope *s, const struct tmpl *t)
{
    struct value v = tmpl_value(s, t->format.value);
    if (value_is_empty(&v))
        return v;
    size_t mark = s->scratch->len;
    value_add_text(&v, s->scratch);
    struct value plain = keep_text(s, mark);
    if (s->failed)
        return plain;
    if (v.kind != VALUE_TREE && format_add(t->format.format, plain.text.s, plain.text.n, s->scratch))
        return keep_text(s, mark);
    s->scratch->len = mark;
    if (s->bad == NULL)
        s->bad = t;
    return value_nothing();
}

/* Lists and objects match nothing. */
static struct value match_value(struct scope *s, const struct tmpl *t)
{
    struct value v = tmpl_value(s, t->match.value);
    if (value_is_empty(&v) || v.kind == VALUE_TREE)
        return value_nothing();
    size_t mark = s->scratch->len;
    value_add_text(&v, s->scratch);
    struct value plain = keep_text(s, mark);
    if (s->failed)
        return plain;
    enum regex_result res = regex_give(t->match.regex, plain.text.s, plain.text.n, t->match.give, s->scratch);
    if (res == REGEX_YES)
        return keep_text(s, mark);
    if (res == REGEX_NO_MEMORY)
        scope_out_of_memory(s);
    return value_nothing();
}

static const struct tmpl *pick_branch(struct scope *s, const struct tmpl *t)
{
    for (size_t i = 0; i < t->n; i++)
        if (criteria_hold(s, &t->branches[i].when))
            return t->branches[i].value;
    return NULL;
}

struct value tmpl_value(struct scope *s, const struct tmpl *t)
{
    const struct tmpl *branch;
    switch (t->kind) {
    case TMPL_LITERAL:
        return value_of_json(t->literal);
    case TMPL_EXPR:
        return expr_eval(s, t->expr);
    case TMPL_TEXT:
        return text_value(s, t);
    case TMPL_FORMAT:
        return format_value(s, t);
    case TMPL_MATCH:
        return match_value(s, t);
    case TMPL_CASE:
        branch = pick_branch(s, t);
        return branch == NULL ? value_nothing() : tmpl_value(s, branch);
    case TMPL_LIST:
    case TMPL_OBJECT:
    case TMPL_EACH:
    case TMPL_MERGE:
    case TMPL_REPLACE:
        return value_of_json(scope_keep(s, tmpl_json(s, t)));
    }
    return value_nothing();
}

bool tmpl_key(struct scope *s, const struct tmpl *t, struct value *ret)
{
    *ret = tmpl_value(s, t);
    if (value_is_empty(ret))
        return false;
    if (ret->kind == VALUE_TEXT)
        return true;
    size_t mark = s->scratch->len;
    value_add_text(ret, s->scratch);
    *ret = keep_text(s, mark);
    return ret->kind == VALUE_TEXT;
}

/* --- as JSON --- */

/* @v, which is NULL only for want of memory. */
static json_t *made(struct scope *s, json_t *v)
{
    if (v == NULL)
        scope_out_of_memory(s);
    return v;
}

static json_t *list_json(struct scope *s, const struct tmpl *t)
{
    json_t *list = made(s, json_array());
    for (size_t i = 0; i < t->n && list != NULL; i++) {
        json_t *v = tmpl_json(s, t->items[i]);
        if (v != NULL && json_array_append_new(list, v) != 0)
            scope_out_of_memory(s);
    }
    return list;
}

/* Sets a member by a key that need not end in NUL; keys with a NUL in them are left out. */
static void set_member(struct scope *s, json_t *object, const struct value *key, json_t *v)
{
    if (v == NULL)
        return;
    char *name = arena_text(s->arena, key->text.s, key->text.n);
    if (name == NULL)
        json_decref(v);
    if (name == NULL || json_object_set_new(object, name, v) != 0)
        scope_out_of_memory(s);
}

static json_t *object_json(struct scope *s, const struct tmpl *t)
{
    json_t *object = made(s, json_object());
    for (size_t i = 0; i < t->n && object != NULL; i++) {
        struct value key;
        if (tmpl_key(s, t->members[i].key, &key))
            set_member(s, object, &key, tmpl_json(s, t->members[i].value));
    }
    return object;
}

/* Once, where x-times says nothing. */
static int64_t times_of(struct scope *s, const struct tmpl *t)
{
    int64_t n = 1;
    struct value v = t->each.times == NULL ? value_nothing() : tmpl_value(s, t->each.times);
    if (value_is_empty(&v) || (value_as_int(&v, &n) && n >= 0 && n <= TIMES_MAX))
        return n;
    if (s->bad == NULL)
        s->bad = t;
    return 0;
}

/* @v is taken over; NULL: nothing. */
static void add_times(struct scope *s, const struct tmpl *t, json_t *v, json_t *into)
{
    for (int64_t n = v == NULL ? 0 : times_of(s, t); n > 0; n--)
        if (json_array_append_new(into, n > 1 ? json_deep_copy(v) : json_incref(v)) != 0)
            scope_out_of_memory(s);
    json_decref(v);
}

static void each_item(struct scope *s, const struct tmpl *t, const json_t *item, json_t *into)
{
    struct loop_place before = scope_enter(s, item);
    struct value key;
    if (!criteria_hold(s, &t->each.where))
        ;
    else if (t->each.key == NULL)
        add_times(s, t, tmpl_json(s, t->each.value), into);
    else if (tmpl_key(s, t->each.key, &key))
        set_member(s, into, &key, tmpl_json(s, t->each.value));
    scope_leave(s, before);
}

static json_t *each_json(struct scope *s, const struct tmpl *t)
{
    json_t *items = scope_items(s, t->each.list);
    json_t *into = made(s, t->each.key != NULL ? json_object() : json_array());
    for (size_t i = 0; i < json_array_size(items) && into != NULL; i++)
        each_item(s, t, json_array_get(items, i), into);
    json_decref(items);
    return into;
}

/* --- x-merge --- */

/* Objects one over the other; -1: no memory, or (s->bad) one of them is none. */
static int merge_object(struct scope *s, const struct tmpl *t, json_t *into, json_t *v)
{
    if (json_is_object(v))
        return json_merge_patch(into, v);
    if (s->bad == NULL)
        s->bad = t;
    return 0;
}

static int merge_list(json_t *into, json_t *v)
{
    return json_is_array(v) ? json_array_extend(into, v) : json_array_append(into, v);
}

/* What the first one that is there is, all become: an object, or a list. */
static json_t *merge_json(struct scope *s, const struct tmpl *t)
{
    json_t *list = tmpl_json(s, t->merged), *into = NULL, *v;
    size_t i;
    json_array_foreach(list, i, v)
    {
        if (json_is_null(v))
            continue;
        if (into == NULL)
            into = made(s, json_is_object(v) ? json_object() : json_array());
        if (into != NULL && (json_is_object(into) ? merge_object(s, t, into, v) : merge_list(into, v)) != 0)
            scope_out_of_memory(s);
    }
    json_decref(list);
    return into;
}

static json_t *replace_json(struct scope *s, const struct tmpl *t)
{
    json_t *base = tmpl_json(s, t->replace.base);
    json_t *v = base == NULL ? NULL : tmpl_json(s, t->replace.value);
    if (v == NULL)
        return base;
    if (pointer_set(&base, t->replace.target, v) == 0)
        return base;
    if (s->bad == NULL)
        s->bad = t; /* or there was no memory: a request that is not made either way */
    json_decref(base);
    return NULL;
}

json_t *tmpl_json(struct scope *s, const struct tmpl *t)
{
    struct value v;
    const struct tmpl *branch;
    switch (t->kind) {
    case TMPL_LIST:
        return list_json(s, t);
    case TMPL_OBJECT:
        return object_json(s, t);
    case TMPL_EACH:
        return each_json(s, t);
    case TMPL_MERGE:
        return merge_json(s, t);
    case TMPL_REPLACE:
        return replace_json(s, t);
    case TMPL_CASE:
        branch = pick_branch(s, t);
        return branch == NULL ? NULL : tmpl_json(s, branch);
    case TMPL_LITERAL:
    case TMPL_EXPR:
    case TMPL_TEXT:
    case TMPL_FORMAT:
    case TMPL_MATCH:
        break;
    }
    v = tmpl_value(s, t);
    /* Trees are copied: what is made here may be changed by its owner, the plan and the inputs may not. */
    if (v.kind == VALUE_NOTHING)
        return NULL;
    return made(s, v.kind == VALUE_TREE ? json_deep_copy(v.json) : value_to_json(&v));
}

/* --- as JSON text --- */

static bool write_object(struct scope *s, const struct tmpl *t, struct buf *out)
{
    bool first = true;
    buf_addc(out, '{');
    for (size_t i = 0; i < t->n; i++) {
        struct value key;
        size_t mark = out->len;
        if (!tmpl_key(s, t->members[i].key, &key))
            continue;
        if (!first)
            buf_addc(out, ',');
        buf_add_json(out, key.text.s, key.text.n);
        buf_addc(out, ':');
        if (tmpl_write_json(s, t->members[i].value, out))
            first = false;
        else if (buf_ok(out))
            out->len = mark;
    }
    buf_addc(out, '}');
    return true;
}

static bool write_list(struct scope *s, const struct tmpl *t, struct buf *out)
{
    bool first = true;
    buf_addc(out, '[');
    for (size_t i = 0; i < t->n; i++) {
        size_t mark = out->len;
        if (!first)
            buf_addc(out, ',');
        if (tmpl_write_json(s, t->items[i], out))
            first = false;
        else if (buf_ok(out))
            out->len = mark;
    }
    buf_addc(out, ']');
    return true;
}

bool tmpl_write_json(struct scope *s, const struct tmpl *t, struct buf *out)
{
    if (t->kind == TMPL_OBJECT)
        return write_object(s, t, out);
    if (t->kind == TMPL_LIST)
        return write_list(s, t, out);
    struct value v = tmpl_value(s, t);
    if (v.kind == VALUE_NOTHING)
        return false;
    value_add_json(&v, out);
    return true;
}

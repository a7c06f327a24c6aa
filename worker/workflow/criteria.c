/* criteria.c - Criterion Objects: simple (with x-any and x-none) and regex. */
#include "workflow/criteria.h"

#include <string.h>

#include "workflow/regex.h"

static int compile_type(struct loader *l, const struct where *w, const json_t *v, struct criterion *ret,
                        const struct at *at)
{
    const json_t *type = json_object_get(v, "type");
    const json_t *type_name = json_is_object(type) ? json_object_get(type, "type") : type;
    const char *name = type == NULL ? "simple" : json_string_value(type_name);
    const char *condition = load_string(l, v, "condition", at, true);
    struct at here = at_key(at, "condition"), type_at = at_key(at, "type");
    if (condition == NULL)
        return -1;
    if (name != NULL && strcmp(name, "simple") == 0) {
        ret->cond = cond_compile(l, w, condition, &here);
        return ret->cond == NULL ? -1 : 0;
    }
    if (name != NULL && strcmp(name, "regex") == 0) {
        ret->context = expr_member(l, w, v, "context", at);
        ret->regex = regex_compile(l, condition, &here);
        return ret->regex == NULL || ret->context == NULL ? -1 : 0;
    }
    load_fault(l, &type_at, "criteria of type `%s` are not supported: simple and regex are", name == NULL ? "?" : name);
    return -1;
}

static int compile_quantifier(struct loader *l, const struct where *w, const json_t *v, struct criterion *ret,
                              const struct at *at)
{
    bool any = json_object_get(v, "x-any") != NULL, none = json_object_get(v, "x-none") != NULL;
    if (!any && !none)
        return 0;
    if (any && none) {
        load_fault(l, at, "x-any and x-none cannot stand together");
        return -1;
    }
    ret->quant = any ? QUANT_ANY : QUANT_NO;
    ret->list = expr_member(l, w, v, any ? "x-any" : "x-none", at);
    return ret->list == NULL ? -1 : 0;
}

static int compile_one(struct loader *l, const struct where *w, const json_t *v, struct criterion *ret,
                       const struct at *at)
{
    if (!json_is_object(v)) {
        load_fault(l, at, "a criterion must be an object");
        return -1;
    }
    load_known(l, v, " context condition type ", at, "a criterion");
    if (compile_quantifier(l, w, v, ret, at) != 0)
        return -1;
    struct where inner = ret->quant == QUANT_NONE ? *w : where_in_loop(w);
    return compile_type(l, &inner, v, ret, at);
}

int criteria_compile(struct loader *l, const struct where *w, const json_t *list, struct criteria *ret,
                     const struct at *at)
{
    *ret = (struct criteria){NULL, 0};
    if (list == NULL)
        return 0;
    if (!json_is_array(list)) {
        load_fault(l, at, "criteria must be a list");
        return -1;
    }
    struct criterion *c = load_alloc(l, json_array_size(list), sizeof(*c));
    if (c == NULL)
        return -1;
    int rc = 0;
    for (size_t i = 0; i < json_array_size(list); i++) {
        struct at here = at_index(at, i);
        if (compile_one(l, w, json_array_get(list, i), &c[i], &here) != 0)
            rc = -1;
    }
    *ret = (struct criteria){c, json_array_size(list)};
    return rc;
}

int criteria_member(struct loader *l, const struct where *w, const json_t *object, const char *key,
                    struct criteria *ret, const struct at *at)
{
    const json_t *v = json_object_get(object, key);
    struct at here = at_key(at, key);
    if (!json_is_string(v))
        return criteria_compile(l, w, v, ret, &here);
    struct criterion *c = load_alloc(l, 1, sizeof(*c));
    if (c == NULL || (c->cond = cond_member(l, w, object, key, at)) == NULL)
        return -1;
    *ret = (struct criteria){c, 1};
    return 0;
}

/* --- evaluation --- */

static bool regex_matches(struct scope *s, const struct criterion *c)
{
    struct value v = expr_eval(s, c->context);
    if (value_is_empty(&v))
        return false;
    size_t mark = s->scratch->len;
    if (v.kind != VALUE_TEXT) {
        value_add_text(&v, s->scratch);
        v = buf_ok(s->scratch) ? value_text(buf_cstr(s->scratch) + mark, s->scratch->len - mark) : value_text("", 0);
    }
    enum regex_result res = buf_ok(s->scratch) ? regex_search(c->regex, v.text.s, v.text.n) : REGEX_NO;
    if (res == REGEX_NO_MEMORY || s->scratch->no_memory)
        scope_out_of_memory(s);
    if (buf_ok(s->scratch))
        s->scratch->len = mark;
    return res == REGEX_YES;
}

static bool holds(struct scope *s, const struct criterion *c)
{
    return c->cond != NULL ? cond_holds(s, c->cond) : regex_matches(s, c);
}

static bool holds_for_any(struct scope *s, const struct criterion *c)
{
    json_t *items = scope_items(s, c->list);
    bool found = false;
    for (size_t i = 0; i < json_array_size(items) && !found; i++) {
        struct loop_place before = scope_enter(s, json_array_get(items, i));
        found = holds(s, c);
        scope_leave(s, before);
    }
    json_decref(items);
    return found;
}

bool criteria_hold(struct scope *s, const struct criteria *c)
{
    for (size_t i = 0; i < c->n; i++) {
        const struct criterion *one = &c->list[i];
        bool good = one->quant == QUANT_NONE ? holds(s, one) : holds_for_any(s, one) == (one->quant == QUANT_ANY);
        if (!good)
            return false;
    }
    return true;
}

static json_t *entries(const json_t *object)
{
    json_t *list = json_array();
    const char *key;
    json_t *v;
    json_object_foreach((json_t *)(uintptr_t)object, key, v) {
        json_t *entry = json_object();
        bool good = json_object_set_new(entry, "key", json_string(key)) == 0 && json_object_set(entry, "value", v) == 0;
        if (json_array_append(list, entry) != 0 || !good) {
            json_decref(entry);
            json_decref(list);
            return NULL;
        }
        json_decref(entry);
    }
    return list;
}

/* Takes @v. */
static json_t *list_of(json_t *v)
{
    json_t *list = json_array();
    if (json_array_append_new(list, v) == 0) /* NULL for either is a failure */
        return list;
    json_decref(list);
    return NULL;
}

json_t *scope_items(struct scope *s, const struct expr *list)
{
    struct value v = expr_eval(s, list);
    json_t *items;
    if (v.kind == VALUE_TREE && json_is_array(v.json))
        return json_incref((json_t *)(uintptr_t)v.json);
    if (v.kind == VALUE_TREE)
        items = entries(v.json);
    else if (value_is_empty(&v))
        items = json_array();
    else
        items = list_of(value_to_json(&v));
    if (items == NULL)
        scope_out_of_memory(s);
    return items;
}

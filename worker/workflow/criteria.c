/* criteria.c - Criterion Objects: simple (with x-any and x-none) and regex. The only user of PCRE2 in this layer. */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdlib.h>
#include <string.h>

#include "workflow/criteria.h"
#include "workflow/regex.h"

#define MATCH_LIMIT 1000000u

void regex_free(void *regex)
{
    pcre2_code_free(regex);
}

static int keep_regex(struct loader *l, pcre2_code *code)
{
    struct pack *p = l->pack;
    void **list = realloc(p->regexes, (p->regex_count + 1) * sizeof(*list));
    if (list == NULL) {
        pcre2_code_free(code);
        l->out_of_memory = true;
        return -1;
    }
    p->regexes = list;
    p->regexes[p->regex_count++] = code;
    return 0;
}

static int compile_regex(struct loader *l, const char *pattern, struct criterion *ret, const struct at *at)
{
    int code;
    PCRE2_SIZE offset;
    pcre2_code *re = pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED, PCRE2_UTF, &code, &offset, NULL);
    if (re == NULL) {
        PCRE2_UCHAR text[120];
        pcre2_get_error_message(code, text, sizeof(text));
        load_fault(l, at, "the regex is wrong at character %zu: %s", (size_t)offset, (const char *)text);
        return -1;
    }
    pcre2_jit_compile(re, PCRE2_JIT_COMPLETE);
    ret->regex = re;
    return keep_regex(l, re);
}

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
        return compile_regex(l, condition, ret, &here) != 0 || ret->context == NULL ? -1 : 0;
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
    struct where inner = *w;
    inner.item = inner.item || ret->quant != QUANT_NONE;
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
    pcre2_match_data *data = pcre2_match_data_create(1, NULL);
    pcre2_match_context *limits = pcre2_match_context_create(NULL);
    int rc = PCRE2_ERROR_NOMEMORY;
    if (data != NULL && limits != NULL && buf_ok(s->scratch)) {
        pcre2_set_match_limit(limits, MATCH_LIMIT);
        rc = pcre2_match(c->regex, (PCRE2_SPTR)v.text.s, v.text.n, 0, 0, data, limits);
    }
    pcre2_match_context_free(limits);
    pcre2_match_data_free(data);
    if (rc == PCRE2_ERROR_NOMEMORY && (buf_ok(s->scratch) || s->scratch->no_memory))
        scope_out_of_memory(s);
    if (buf_ok(s->scratch))
        s->scratch->len = mark;
    return rc >= 0;
}

static bool holds(struct scope *s, const struct criterion *c)
{
    return c->cond != NULL ? cond_holds(s, c->cond) : regex_matches(s, c);
}

static bool holds_for_any(struct scope *s, const struct criterion *c)
{
    const json_t *before = s->item;
    json_t *items = scope_items(s, c->list);
    bool found = false;
    for (size_t i = 0; i < json_array_size(items) && !found; i++) {
        s->item = json_array_get(items, i);
        found = holds(s, c);
    }
    s->item = before;
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

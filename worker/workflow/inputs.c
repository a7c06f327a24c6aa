/* inputs.c - a workflow's `inputs`: what is required, as a tree of names; the rest through the contract's validator. */
#include "workflow/inputs.h"

#include <stdio.h>
#include <string.h>

#include "workflow/arazzo.h"

static const char *const top_names[] = {"data", "event", "record", "settings"};

/* --- compiling --- */

static bool is_nullable(const json_t *schema)
{
    const json_t *type = json_object_get(schema, "type");
    for (size_t i = 0; i < json_array_size(type); i++) {
        const char *name = json_string_value(json_array_get(type, i));
        if (name != NULL && strcmp(name, "null") == 0)
            return true;
    }
    return false;
}

static struct need *find_need(struct need *list, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(list[i].name, name) == 0)
            return &list[i];
    return NULL;
}

static void compile_needs(struct loader *l, const json_t *schema, const struct need **ret, size_t *ret_n,
                          const struct at *at)
{
    const json_t *properties = load_object(l, schema, "properties", at, false);
    const json_t *required = load_list(l, schema, "required", at, false);
    struct need *list = load_alloc(l, json_object_size(properties) + json_array_size(required), sizeof(*list));
    struct at up = at_key(at, "properties"), required_at = at_key(at, "required");
    size_t n = 0;
    const char *name;
    json_t *v;
    if (list == NULL || at->depth > LOAD_DEPTH_MAX)
        return;
    json_object_foreach((json_t *)(uintptr_t)properties, name, v) {
        struct at here = at_key(&up, name);
        struct node node = load_resolve(l, v, &here);
        struct need *one = &list[n++];
        *one = (struct need){.name = name, .nullable = is_nullable(node.v)};
        if (node.v != NULL && node.v == v)
            compile_needs(l, v, &one->members, &one->n, &here);
    }
    for (size_t i = 0; i < json_array_size(required); i++) {
        name = json_string_value(json_array_get(required, i));
        struct need *one = name == NULL ? NULL : find_need(list, n, name);
        if (name == NULL)
            load_fault(l, &required_at, "`required` lists names");
        else if (one != NULL)
            one->required = true;
        else
            list[n++] = (struct need){.name = name, .required = true};
    }
    *ret = list;
    *ret_n = n;
}

/* Whether @schema says more than what the tree of needs says. */
static bool says_more(const json_t *schema, unsigned depth)
{
    const char *key;
    json_t *v;
    json_object_foreach((json_t *)(uintptr_t)schema, key, v) {
        if (strcmp(key, "properties") == 0 && depth < LOAD_DEPTH_MAX) {
            const char *name;
            json_t *sub;
            json_object_foreach(v, name, sub)
                if (says_more(sub, depth + 1))
                    return true;
            continue;
        }
        bool object = strcmp(key, "type") == 0 && json_is_string(v) && strcmp(json_string_value(v), "object") == 0;
        if (!object && strcmp(key, "required") != 0 && strcmp(key, "description") != 0 && strcmp(key, "title") != 0 &&
            strncmp(key, "x-", 2) != 0)
            return true;
    }
    return false;
}

static void compile_schema(struct loader *l, const char *name, const json_t *v, struct workflow *ret,
                           const struct at *at)
{
    struct err err = {0};
    if (!says_more(v, 0))
        return;
    struct schema *s = schema_compile(name, v, NULL, &err);
    if (s == NULL) {
        load_fault(l, at, "%s", err.msg);
        return;
    }
    ret->schemas[ret->schema_count++] = (struct input_schema){name, s};
}

void arazzo_inputs(struct loader *l, const json_t *v, struct workflow *ret, const struct at *at)
{
    const json_t *inputs = load_object(l, v, "inputs", at, false);
    struct at here = at_key(at, "inputs");
    struct node n = load_resolve(l, inputs, &here);
    if (n.v == NULL)
        return;
    compile_needs(l, n.v, &ret->needs, &ret->need_count, &n.at);
    const json_t *properties = json_object_get(n.v, "properties");
    struct at up = at_key(&n.at, "properties");
    ret->schemas = load_alloc(l, ARRAY_LEN(top_names), sizeof(*ret->schemas));
    if (ret->schemas == NULL)
        return;
    for (size_t i = 0; i < ret->need_count; i++) {
        bool known = false;
        for (size_t k = 0; k < ARRAY_LEN(top_names); k++)
            known = known || strcmp(ret->needs[i].name, top_names[k]) == 0;
        if (!known)
            load_fault(l, &n.at, "inputs are data, event, record and settings, not `%s`", ret->needs[i].name);
    }
    for (size_t i = 0; i < ARRAY_LEN(top_names); i++) {
        struct at at_name = at_key(&up, top_names[i]);
        const json_t *sub = json_object_get(properties, top_names[i]);
        if (sub != NULL)
            compile_schema(l, top_names[i], sub, ret, &at_name);
    }
}

void inputs_fini(struct workflow *w)
{
    for (size_t i = 0; i < w->schema_count; i++)
        schema_free(w->schemas[i].schema);
    w->schema_count = 0;
}

/* --- checking --- */

static bool find_missing(const json_t *v, const struct need *needs, size_t n, struct buf *path)
{
    for (size_t i = 0; i < n; i++) {
        const json_t *member = json_object_get(v, needs[i].name);
        size_t mark = path->len;
        buf_addf(path, "%s%s", mark == 0 ? "" : ".", needs[i].name);
        bool missing = member == NULL || (json_is_null(member) && !needs[i].nullable);
        if (missing ? needs[i].required
                    : json_is_object(member) && find_missing(member, needs[i].members, needs[i].n, path))
            return true;
        path->len = mark;
    }
    return false;
}

static const json_t *top_value(const struct scope *s, const char *name)
{
    if (strcmp(name, "data") == 0)
        return s->in->data;
    if (strcmp(name, "event") == 0)
        return s->in->event;
    return strcmp(name, "record") == 0 ? s->in->record : s->bound->settings;
}

static bool top_missing(const struct scope *s, const struct workflow *w, struct buf *path)
{
    for (size_t i = 0; i < w->need_count; i++) {
        const json_t *v = top_value(s, w->needs[i].name);
        path->len = 0;
        buf_adds(path, w->needs[i].name);
        bool missing = v == NULL || json_is_null(v);
        if (missing ? w->needs[i].required : find_missing(v, w->needs[i].members, w->needs[i].n, path))
            return true;
    }
    buf_reset(path);
    return false;
}

const char *inputs_check(const struct scope *s, const struct workflow *w, struct buf *detail)
{
    if (top_missing(s, w, detail))
        return "missing_input";
    for (size_t i = 0; i < w->schema_count; i++) {
        const json_t *v = top_value(s, w->schemas[i].name);
        struct fault fault;
        if (v == NULL || schema_check(w->schemas[i].schema, v, &fault))
            continue;
        buf_reset(detail);
        buf_addf(detail, "%s%s: %s", w->schemas[i].name, fault.pointer, fault.reason);
        return "invalid_input";
    }
    return NULL;
}

/* arazzo_keep.c - a step's x-record: what is remembered before the next request leaves. */
#include <string.h>

#include "contract/record.h"
#include "workflow/arazzo.h"
#include "workflow/template.h"

bool arazzo_is_errand(const char *workflow_id)
{
    static const char *const names[] = {"read", "list", "accounts", "catalog", "authenticate", "probe"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (strcmp(names[i], workflow_id) == 0)
            return true;
    return false;
}

static bool is_run_by_a_retry(const struct workflow *w, size_t step)
{
    for (size_t i = 0; i < w->step_count; i++)
        for (size_t k = 0; k < w->steps[i].on_failure.n; k++)
            if (w->steps[i].on_failure.list[k].type == ACTION_RETRY && w->steps[i].on_failure.list[k].step == step)
                return true;
    return false;
}

/* Whether another request can follow when @s has succeeded. */
static bool is_followed(const struct workflow *w, const struct step *s)
{
    size_t at = (size_t)(s - w->steps);
    for (size_t i = 0; i < s->on_success.n; i++)
        if (s->on_success.list[i].type == ACTION_GOTO)
            return true;
    return at + 1 < w->step_count || s->for_each != NULL || is_run_by_a_retry(w, at);
}

/* Null would forget, and the knowledge could be the only one that there is. */
static bool has_null(const json_t *v)
{
    const char *key;
    json_t *inner;
    json_object_foreach((json_t *)(uintptr_t)v, key, inner) {
        if (json_is_null(inner) || has_null(inner))
            return true;
    }
    return false;
}

static void check_fields(struct loader *l, const json_t *fields, const struct at *at)
{
    const char *name;
    json_t *v;
    if (json_object_size(fields) == 0)
        load_fault(l, at, "x-record of a step says what is to be remembered, and here is nothing");
    json_object_foreach((json_t *)(uintptr_t)fields, name, v) {
        struct at here = at_key(at, name);
        if (record_member_is_ours(name))
            load_fault(l, &here, "`%s` is written by tvbridge itself", name);
        else if (json_is_null(v) || has_null(v))
            load_fault(l, &here, "null forgets, and before a request things are remembered: say it in the workflow's x-record");
    }
}

static void check_place(struct loader *l, const struct workflow *w, const struct step *s, const json_t *x,
                        const struct at *at)
{
    struct at before_at = at_key(at, "before");
    const char *before = load_string(l, x, "before", at, true);
    if (before != NULL && strcmp(before, "next") != 0)
        load_fault(l, &before_at, "must be `next`: what is remembered is safe before the next request leaves");
    if (arazzo_is_errand(w->id))
        load_fault(l, at, "the workflow `%s` belongs to no event: there is no record to write", w->id);
    else if (!is_followed(w, s))
        load_fault(l, at, "no request follows this step: say it in the workflow's x-record");
}

void arazzo_keep(struct loader *l, const struct making *m, const struct where *after, struct step *ret, const json_t *v,
                 const struct at *at)
{
    const json_t *x = load_object(l, v, "x-record", at, false);
    struct at here = at_key(at, "x-record");
    if (x == NULL)
        return;
    check_place(l, m->workflow, ret, x, &here);
    json_t *fields = json_copy((json_t *)(uintptr_t)x);
    if (fields == NULL || json_array_append_new(l->pack->owned, fields) != 0) {
        l->out_of_memory = true;
        return;
    }
    (void)json_object_del(fields, "before");
    check_fields(l, fields, &here);
    ret->keep = tmpl_compile(l, after, fields, &here);
}

void arazzo_keep_misplaced(struct loader *l, const json_t *workflow, const struct at *at)
{
    struct at up = at_key(at, "x-record"), here = at_key(&up, "before");
    const char *before = json_string_value(json_object_get(json_object_get(workflow, "x-record"), "before"));
    if (before != NULL && strcmp(before, "next") == 0)
        load_fault(l, &here, "`before: next` belongs to the x-record of a step");
}

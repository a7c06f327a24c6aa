/* arazzo_shared.c - steps that several workflows have in common: x-step names one of /components/x-steps. */
#include <string.h>

#include "contract/json.h"
#include "workflow/arazzo.h"

static const json_t *shared_steps(const struct loader *l)
{
    return json_at_pointer(yaml_root(l->doc), "/components/x-steps");
}

/* The shared step that @v names; NULL: it names none, or a fault was noted. */
static const json_t *find_shared(struct loader *l, const json_t *v, const struct at *at)
{
    struct at here = at_key(at, "x-step");
    const char *name = json_object_get(v, "x-step") == NULL ? NULL : load_string(l, v, "x-step", at, true);
    const json_t *shared = name == NULL ? NULL : json_object_get(shared_steps(l), name);
    if (name != NULL && !json_is_object(shared))
        load_fault(l, &here, "there is no step `%s` in /components/x-steps", name);
    else if (json_object_get(shared, "x-step") != NULL || json_object_get(shared, "stepId") != NULL)
        load_fault(l, &here, "the step `%s` of /components/x-steps must have neither stepId nor x-step", name);
    else
        return shared;
    return NULL;
}

/* @v's members, and those of @shared that it has not. NULL: out of memory. */
static json_t *joined(const json_t *v, const json_t *shared)
{
    json_t *step = json_object(); /* json_copy() does not say what it had no memory for */
    if (step != NULL && json_object_update(step, (json_t *)(uintptr_t)shared) == 0 &&
        json_object_update(step, (json_t *)(uintptr_t)v) == 0)
        return step;
    json_decref(step);
    return NULL;
}

/* The step as it is compiled; its own outputs come to those of @shared. NULL: out of memory. */
static json_t *joined_step(const json_t *v, const json_t *shared)
{
    static const char outputs[] = "x-outputs";
    const json_t *own = json_object_get(v, outputs), *more = json_object_get(shared, outputs);
    json_t *step = joined(v, shared);
    if (step == NULL)
        return NULL;
    (void)json_object_del(step, "x-step");
    if (!json_is_object(own) || !json_is_object(more) || json_object_set_new(step, outputs, joined(own, more)) == 0)
        return step;
    json_decref(step);
    return NULL;
}

const json_t *arazzo_steps(struct loader *l, const json_t *workflow, const struct at *at)
{
    const json_t *steps = json_object_get(workflow, "steps");
    struct at up = at_key(at, "steps");
    json_t *list = json_array();
    for (size_t i = 0; i < json_array_size(steps) && list != NULL; i++) {
        struct at here = at_index(&up, i);
        json_t *v = json_array_get(steps, i);
        const json_t *shared = find_shared(l, v, &here);
        if (json_array_append_new(list, shared == NULL ? json_incref(v) : joined_step(v, shared)) != 0)
            l->out_of_memory = true;
    }
    if (list != NULL && json_array_append_new(l->pack->owned, list) == 0)
        return list;
    l->out_of_memory = true;
    return NULL;
}

static bool is_used(const json_t *workflows, const char *name)
{
    const json_t *workflow, *step;
    size_t i, k;
    json_array_foreach(workflows, i, workflow)
        json_array_foreach(json_object_get(workflow, "steps"), k, step)
            if (strcmp(json_text(step, "x-step"), name) == 0)
                return true;
    return false;
}

void arazzo_shared_used(struct loader *l)
{
    const json_t *workflows = json_object_get(yaml_root(l->doc), "workflows");
    struct at up = at_root("/components/x-steps");
    const char *name;
    json_t *v;
    json_object_foreach((json_t *)(uintptr_t)shared_steps(l), name, v) {
        struct at here = at_key(&up, name);
        if (!is_used(workflows, name))
            load_fault(l, &here, "no step uses `%s`: what is never compiled is never checked", name);
    }
}

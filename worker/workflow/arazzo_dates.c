/* arazzo_dates.c - x-dates of a workflow, compiled: what is not to be done yet, and what is to be undone one day. */
#include "contract/axes.h"
#include "workflow/arazzo.h"
#include "workflow/template.h"

static const struct tmpl *member(struct loader *l, const struct where *w, const json_t *x, const char *key, const struct at *up)
{
    const json_t *v = json_object_get(x, key);
    struct at here = at_key(up, key);
    return v == NULL ? NULL : tmpl_compile(l, w, v, &here);
}

static bool is_event(const char *workflow_id)
{
    enum event_type ignored;
    return event_type_of_name(workflow_id, &ignored) == 0;
}

static const char *event_type_in(struct loader *l, const json_t *x, const struct at *at)
{
    const char *type = load_string(l, x, "type", at, true);
    if (type != NULL && (!is_event(type) || pack_workflow(l->pack, type) == NULL))
        load_fault(l, at, "the type `%s` is none of an event for which the pack has a workflow", type);
    return type;
}

static void compile_ends(struct loader *l, const struct where *w, const json_t *x, struct dates *ret, const struct at *at)
{
    load_known(l, x, " type events ", at, "x-dates.ends");
    ret->type = event_type_in(l, x, at);
    if (json_object_get(x, "events") == NULL)
        load_fault(l, at, "`events` is missing: a list of { at, data }");
    ret->events = member(l, w, x, "events", at);
}

static void compile_later(struct loader *l, const struct where *w, const json_t *x, struct dates *ret, const struct at *at)
{
    load_known(l, x, " type of begins ", at, "x-dates.later");
    ret->later_type = event_type_in(l, x, at);
    ret->later_of = load_string(l, x, "of", at, true);
    if (json_object_get(x, "begins") == NULL)
        load_fault(l, at, "`begins` is missing: a list of times, a place for each item of `of`");
    ret->later = member(l, w, x, "begins", at);
}

/* `begins`, or `after`: the same, when the last day is over. */
static void compile_begins(struct loader *l, const struct where *w, const json_t *x, bool has_steps, struct dates *ret,
                           const struct at *at)
{
    ret->whole_day = json_object_get(x, "after") != NULL;
    if (ret->whole_day && json_object_get(x, "begins") != NULL)
        load_fault(l, at, "`begins` or `after`, not both");
    ret->begins = member(l, w, x, ret->whole_day ? "after" : "begins", at);
    if (ret->whole_day && !has_steps)
        load_fault(l, at, "`after`: a workflow with no step is done at once, and its record says the day");
}

void arazzo_dates(struct loader *l, const struct where *w, const json_t *v, const char *workflow_id, struct dates *ret,
                  const struct at *at)
{
    const json_t *x = load_object(l, v, "x-dates", at, false);
    struct at here = at_key(at, "x-dates"), ends_at = at_key(&here, "ends"), later_at = at_key(&here, "later");
    if (x == NULL)
        return;
    if (!is_event(workflow_id))
        load_fault(l, &here, "x-dates belongs to the workflow of an event");
    load_known(l, x, " begins after ends later ", &here, "x-dates");
    compile_begins(l, w, x, json_array_size(json_object_get(v, "steps")) > 0, ret, &here);
    const json_t *ends = load_object(l, x, "ends", &here, false);
    if (ends != NULL)
        compile_ends(l, w, ends, ret, &ends_at);
    const json_t *later = load_object(l, x, "later", &here, false);
    if (later != NULL)
        compile_later(l, w, later, ret, &later_at);
    if (ret->begins == NULL && ends == NULL && later == NULL)
        load_fault(l, &here, "want `begins` or `after`, `ends`, or both, or `later`");
}

/* run_keep.c - what a step remembers before the next request leaves. */
#include "contract/record.h"
#include "workflow/run_parts.h"
#include "workflow/template.h"

/* The run's own view of the record, once something was remembered: the one that it was given is the caller's. */
static bool own_record(struct run *r)
{
    if (r->own_record != NULL)
        return true;
    r->own_record = r->in.record == NULL ? json_object() : json_deep_copy(r->in.record);
    if (r->own_record != NULL)
        r->in.record = r->own_record;
    return r->own_record != NULL;
}

bool run_remember(struct run *r, const json_t *patch)
{
    if (r->kept == NULL)
        r->kept = json_object();
    bool whole = r->kept != NULL && own_record(r) && record_remember(r->own_record, patch, NULL) == 0 &&
                 record_remember(r->kept, patch, NULL) == 0;
    if (!whole)
        scope_out_of_memory(&r->scope);
    return whole;
}

bool run_take_knowledge(struct run *r)
{
    r->scope.bad = NULL;
    json_t *patch = tmpl_json(&r->scope, run_present(r)->keep);
    if (r->scope.bad != NULL) {
        json_decref(patch);
        buf_reset(&r->detail);
        buf_addf(&r->detail, "step %s: a value cannot be rewritten, see %s", r->step_name, r->scope.bad->pointer);
        run_refuse(r, "invalid_input");
        return false;
    }
    if (json_object_size(patch) > 0)
        (void)run_remember(r, patch);
    json_decref(patch);
    return true;
}

const json_t *run_kept(const struct run *r)
{
    return r->state == RUN_END ? NULL : r->kept;
}

void run_kept_done(struct run *r)
{
    json_decref(r->kept);
    r->kept = NULL;
}

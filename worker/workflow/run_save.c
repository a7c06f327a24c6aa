/* run_save.c - a run as compact JSON, for the event's entry in Redis, and back. Tokens and inputs are not in it. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "contract/json_read.h"
#include "workflow/run_parts.h"

/* Each of these returns 0, or -1 without memory; jansson takes a NULL for a value as a failure. */

static int save_loop(const struct frame *f, json_t *v)
{
    if (f->items == NULL)
        return 0;
    int rc = json_object_set_new(v, "item", json_integer((json_int_t)f->item_at));
    return rc == 0 ? json_object_set(v, "gathered", f->gathered) : rc;
}

static int save_tries(const struct step *s, const struct frame *f, json_t *list)
{
    int rc = 0;
    for (size_t i = 0; i < s->on_failure.n && rc == 0; i++)
        rc = json_array_append_new(list, json_integer(f->tries == NULL ? 0 : f->tries[i]));
    return rc;
}

static int save_frame(const struct run *r, const struct frame *f, json_t *to, const char *name)
{
    const struct step *s = &r->w->steps[f->step];
    json_t *v = json_object(), *tries = json_array();
    int rc = json_object_set_new(v, "step", json_string(s->id)) == 0 && save_loop(f, v) == 0 && save_tries(s, f, tries) == 0 ? 0 : -1;
    if (json_object_set_new(v, "tries", tries) != 0 || rc != 0) {
        json_decref(v);
        return -1;
    }
    return json_object_set_new(to, name, v);
}

static int save_outputs(const struct run *r, json_t *v)
{
    json_t *outputs = json_object();
    int rc = 0;
    for (size_t i = 0; i < r->w->step_count && rc == 0; i++)
        if (r->outputs[i] != NULL)
            rc = json_object_set(outputs, r->w->steps[i].id, r->outputs[i]);
    return json_object_set_new(v, "outputs", outputs) == 0 ? rc : -1;
}

static int save(const struct run *r, json_t *v)
{
    if (r->cur.step < r->w->step_count && r->state != RUN_END && save_frame(r, &r->cur, v, "at") != 0)
        return -1;
    if (r->back.step < r->w->step_count && save_frame(r, &r->back, v, "back") != 0)
        return -1;
    if (r->kept != NULL && json_object_set(v, "kept", r->kept) != 0)
        return -1;
    if (save_outputs(r, v) != 0 || json_object_set_new(v, "changed", json_boolean(r->changed)) != 0)
        return -1;
    return json_object_set_new(v, "jumps", json_integer(r->jumps));
}

void run_save(const struct run *r, struct buf *out)
{
    json_t *v = json_object();
    if (v != NULL && save(r, v) == 0)
        json_add_compact(out, v);
    else
        out->failed = out->no_memory = true;
    json_decref(v);
}

void run_saved_step(const char *text, size_t len, char *ret, size_t size)
{
    json_t *v = json_read_any(text, len);
    const char *step = json_string_value(json_object_get(json_object_get(v, "at"), "step"));
    snprintf(ret, size, "%s", step != NULL ? step : "");
    json_decref(v);
}

static size_t step_of(const struct workflow *w, const char *id)
{
    for (size_t i = 0; id != NULL && i < w->step_count; i++)
        if (strcmp(w->steps[i].id, id) == 0)
            return i;
    return RUN_NO_STEP;
}

/* The lists of a loop must be those that the step declares. */
static bool take_gathered(struct run *r, struct frame *f, const struct step *s, json_t *saved)
{
    for (size_t i = 0; i < s->outputs.n; i++)
        if (!json_is_array(json_object_get(saved, s->outputs.list[i].name)))
            return false;
    json_t *copy = json_deep_copy(saved);
    if (saved != NULL && copy == NULL)
        scope_out_of_memory(&r->scope);
    if (copy == NULL)
        return false;
    json_decref(f->gathered);
    f->gathered = copy;
    return true;
}

static bool restore_frame(struct run *r, struct frame *f, const json_t *v)
{
    size_t i = step_of(r->w, json_string_value(json_object_get(v, "step")));
    if (i == RUN_NO_STEP)
        return false;
    const struct step *s = &r->w->steps[i];
    const json_t *tries = json_object_get(v, "tries");
    frame_open(r, f, i);
    for (size_t k = 0; k < s->on_failure.n && f->tries != NULL; k++)
        f->tries[k] = (unsigned)json_integer_value(json_array_get(tries, k));
    if (f->items == NULL)
        return true;
    json_int_t item = json_integer_value(json_object_get(v, "item"));
    if (item < 0 || (size_t)item >= json_array_size(f->items))
        return false;
    f->item_at = (size_t)item;
    return take_gathered(r, f, s, json_object_get(v, "gathered"));
}

static bool restore_outputs(struct run *r, const json_t *outputs)
{
    const char *id;
    json_t *v;
    json_object_foreach((json_t *)(uintptr_t)outputs, id, v) {
        size_t i = step_of(r->w, id);
        if (i == RUN_NO_STEP || !json_is_object(v))
            return false;
        r->outputs[i] = json_incref(v);
    }
    return true;
}

/* Before any step looks at the record. */
static bool restore_kept(struct run *r, const json_t *kept)
{
    return kept == NULL || (json_is_object(kept) && run_remember(r, kept));
}

static bool restore(struct run *r, const json_t *v)
{
    const json_t *back = json_object_get(v, "back");
    json_int_t jumps = json_integer_value(json_object_get(v, "jumps"));
    if (!run_leave_later(r) || !json_is_object(v) || !restore_outputs(r, json_object_get(v, "outputs")) || jumps < 0 || jumps > RUN_JUMPS_MAX)
        return false;
    if (!restore_kept(r, json_object_get(v, "kept")) || !restore_frame(r, &r->cur, json_object_get(v, "at")))
        return false;
    if (back != NULL && !restore_frame(r, &r->back, back))
        return false;
    r->changed = json_is_true(json_object_get(v, "changed"));
    r->jumps = (unsigned)jumps;
    run_prepare(r, RUN_CALL);
    return true;
}

struct run *run_restore(const struct bound_pack *b, const struct workflow *w, const struct run_inputs *in,
                        const char *text, size_t len)
{
    json_t *v = json_read_any(text, len);
    bool no_memory = v == NULL && json_read_lacked_memory(text, len);
    struct run *r = v == NULL ? NULL : run_make(b, w, in);
    bool good = r != NULL && restore(r, v);
    no_memory = no_memory || (v != NULL && r == NULL) || (r != NULL && run_is_out_of_memory(r));
    json_decref(v);
    if (good)
        return r;
    run_free(r);
    errno = no_memory ? ENOMEM : EINVAL;
    return NULL;
}

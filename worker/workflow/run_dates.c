/* run_dates.c - x-dates: when an event is to be done, and what it implies for later. */
#include <string.h>

#include "base/clock.h"
#include "contract/json_scan.h"
#include "workflow/run_parts.h"
#include "workflow/template.h"

static bool refuse(struct run *r, const char *what)
{
    buf_reset(&r->detail);
    buf_adds(&r->detail, what);
    run_refuse(r, "invalid_input");
    return false;
}

/* One time, or a list of times that are the same; nothing, or one that has come: at once. */
static bool take_begin(struct run *r, const json_t *v, bool first, int64_t now_ms, int64_t *ret_ms)
{
    int64_t at = 0;
    bool whole_day = r->w->dates.whole_day;
    if (v != NULL && !json_is_null(v) && (!json_is_string(v) || clock_parse_when(json_string_value(v), whole_day, &at) != 0))
        return refuse(r, "x-dates: no day and no instant of RFC 3339");
    at = at > now_ms ? at : 0;
    if (!first && at != *ret_ms)
        return refuse(r, "x-dates: what one event brings begins at different times; send an event for each");
    *ret_ms = at;
    return true;
}

/* One without a step is at its end as soon as it begins, and waits all the same. */
static bool may_wait(const struct run *r)
{
    return r->state != RUN_END || (r->w->step_count == 0 && outcome_kind_moves_record(r->result.kind));
}

bool run_begins(struct run *r, int64_t now_ms, int64_t *ret_ms)
{
    *ret_ms = 0;
    if (r->w->dates.begins == NULL || !may_wait(r))
        return true;
    json_t *v = tmpl_json(&r->scope, r->w->dates.begins), *item;
    bool good = json_is_array(v) || take_begin(r, v, true, now_ms, ret_ms);
    size_t i;
    json_array_foreach(v, i, item)
        good = good && take_begin(r, item, i == 0, now_ms, ret_ms);
    json_decref(v);
    return good;
}

/* ---- what begins later ---- */

/* When each item begins, a place for each; NULL: none is later. The caller owns it. */
static json_t *later_times(struct run *r, const json_t *list)
{
    json_t *times = tmpl_json(&r->scope, r->w->dates.later);
    if (json_array_size(times) == json_array_size(list))
        return times;
    json_decref(times);
    return NULL;
}

static bool put_off(struct run *r, size_t n, int64_t at_ms, json_t *item)
{
    if (r->later == NULL)
        r->later = json_array();
    json_t *one = json_pack("{s:I, s:I, s:{s:[O]}}", "n", (json_int_t)n, "at_ms", (json_int_t)at_ms, "data", r->w->dates.later_of, item);
    return json_array_append_new(r->later, one) == 0;
}

/* The items for now into @now, the others into r->later. False: one has no time that can be read, or there is no memory. */
static bool sort_items(struct run *r, const json_t *list, const json_t *times, json_t *now)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        json_t *item = json_array_get(list, i), *when = json_array_get(times, i);
        int64_t at = 0;
        if (!json_is_null(when) && (!json_is_string(when) || clock_parse_when(json_string_value(when), false, &at) != 0))
            return refuse(r, "x-dates: no day and no instant of RFC 3339");
        bool kept = at > r->in.came_ms ? put_off(r, i, at, item) : json_array_append(now, item) == 0;
        if (!kept) {
            scope_out_of_memory(&r->scope);
            return false;
        }
    }
    return true;
}

/* As billing would have sent it without them: with nothing left, without the list. */
static bool without_later(struct run *r, json_t *now)
{
    const char *of = r->w->dates.later_of;
    r->own_data = json_object(); /* json_copy() would leave out what there is no memory for */
    int rc = r->own_data == NULL ? -1 : json_object_update(r->own_data, json_unconst(r->in.data));
    if (rc == 0)
        rc = json_array_size(now) > 0 ? json_object_set(r->own_data, of, now) : json_object_del(r->own_data, of);
    if (rc != 0)
        scope_out_of_memory(&r->scope);
    else
        r->in.data = r->own_data;
    return rc == 0;
}

bool run_leave_later(struct run *r)
{
    const json_t *list = r->w->dates.later != NULL ? json_object_get(r->in.data, r->w->dates.later_of) : NULL;
    json_t *times = json_array_size(list) > 0 ? later_times(r, list) : NULL, *now = json_array();
    bool good = times == NULL || (sort_items(r, list, times, now) && (r->later == NULL || without_later(r, now)));
    json_decref(times);
    json_decref(now);
    return good;
}

const char *run_later_type(const struct run *r)
{
    return r->w->dates.later_type;
}

const json_t *run_later(const struct run *r)
{
    return r->later;
}

/* ---- what ends ---- */

const char *run_ends_type(const struct run *r)
{
    return r->w->dates.type;
}

json_t *run_ends(struct run *r)
{
    json_t *ends = json_array();
    json_t *v = r->w->dates.events == NULL ? NULL : tmpl_json(&r->scope, r->w->dates.events), *item;
    size_t i;
    bool whole = ends != NULL;
    json_array_foreach(v, i, item) {
        const char *text = json_string_value(json_object_get(item, "at"));
        json_t *data = json_object_get(item, "data");
        int64_t at;
        if (text != NULL && json_is_object(data) && clock_parse_when(text, true, &at) == 0)
            whole = whole && json_array_append_new(ends, json_pack("{s:I, s:O}", "at_ms", (json_int_t)at, "data", data)) == 0;
    }
    json_decref(v);
    if (whole && !r->scope.failed)
        return ends;
    scope_out_of_memory(&r->scope);
    json_decref(ends);
    return NULL;
}

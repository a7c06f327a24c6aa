/* run_dates.c - x-dates: when an event is to be done, and what it implies for later. */
#include <string.h>

#include "base/clock.h"
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

bool run_begins(struct run *r, int64_t now_ms, int64_t *ret_ms)
{
    *ret_ms = 0;
    if (r->w->dates.begins == NULL || r->state == RUN_END)
        return true;
    json_t *v = tmpl_json(&r->scope, r->w->dates.begins), *item;
    bool good = json_is_array(v) || take_begin(r, v, true, now_ms, ret_ms);
    size_t i;
    json_array_foreach(v, i, item)
        good = good && take_begin(r, item, i == 0, now_ms, ret_ms);
    json_decref(v);
    return good;
}

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

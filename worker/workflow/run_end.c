/* run_end.c - the end of a run: outcome, outputs, the record's patch, the token. */
#include <stdlib.h>
#include <string.h>

#include "workflow/run_parts.h"
#include "workflow/template.h"

#define TOKEN_LIFE_MAX_S 1e9
#define TOKEN_MARGIN_MS 5000 /* refreshed this long before it ends */

static json_t *make_outputs(struct run *r)
{
    const struct workflow *w = r->w;
    if (w->outputs.n == 0 && w->more_outputs == NULL)
        return NULL;
    json_t *object = json_object();
    bool whole = object != NULL;
    for (size_t i = 0; i < w->outputs.n && whole; i++) {
        struct value v = tmpl_value(&r->scope, w->outputs.list[i].value);
        if (v.kind != VALUE_NOTHING)
            whole = json_object_set_new(object, w->outputs.list[i].name, value_to_json(&v)) == 0;
    }
    r->scope.outputs = object;
    json_t *more = w->more_outputs == NULL ? NULL : tmpl_json(&r->scope, w->more_outputs);
    if (json_is_object(more))
        whole = json_object_update(object, more) == 0 && whole;
    if (!whole)
        scope_out_of_memory(&r->scope);
    json_decref(more);
    return object;
}

static void take_token(struct run *r)
{
    const struct token_rule *t = &r->w->token;
    if (t->scheme == NULL)
        return;
    struct value v = tmpl_value(&r->scope, t->value);
    if (v.kind == VALUE_TEXT && v.text.n > 0)
        r->result.token = arena_text(&r->arena, v.text.s, v.text.n);
    if (v.kind == VALUE_TEXT && v.text.n > 0 && r->result.token == NULL)
        scope_out_of_memory(&r->scope);
    if (t->expires_in == NULL)
        return;
    json_t *life = tmpl_json(&r->scope, t->expires_in);
    double seconds = json_is_string(life) ? strtod(json_string_value(life), NULL) : json_number_value(life);
    if (seconds > 0 && seconds < TOKEN_LIFE_MAX_S)
        r->result.token_life_ms = (int64_t)(seconds * 1000);
    json_decref(life);
}

int64_t run_token_use_ms(const struct run_result *x)
{
    return x->token_life_ms > 2 * TOKEN_MARGIN_MS ? x->token_life_ms - TOKEN_MARGIN_MS : x->token_life_ms;
}

static void take_detail(struct run *r, const struct tmpl *t)
{
    if (t == NULL)
        return;
    struct value v = tmpl_value(&r->scope, t);
    buf_reset(&r->detail);
    value_add_text(&v, &r->detail);
}

void run_finish(struct run *r, const struct ending *end)
{
    take_detail(r, end->detail);
    r->result.kind = end->kind;
    r->result.reason = end->reason == NULL ? "" : end->reason;
    r->scope.item = r->scope.loop = NULL;
    json_decref(r->result_outputs); /* of one without a step, which is refused for its times */
    json_decref(r->result_record);
    r->result_record = NULL;
    r->result_outputs = make_outputs(r);
    r->scope.outputs = r->result_outputs;
    if (outcome_kind_moves_record(end->kind) && r->w->record != NULL)
        r->result_record = tmpl_json(&r->scope, r->w->record);
    take_token(r);
    r->scope.outputs = NULL;
    r->result.outputs = r->result_outputs != NULL ? r->result_outputs : r->w->pack->empty;
    r->result.record = json_is_object(r->result_record) ? r->result_record : r->w->pack->empty;
    r->result.detail = buf_cstr(&r->detail);
    run_enter(r, RUN_END);
}

void run_refuse(struct run *r, const char *reason)
{
    const struct ending end = {.kind = r->changed ? OUTCOME_DEAD : OUTCOME_REJECTED, .reason = reason};
    run_finish(r, &end);
}

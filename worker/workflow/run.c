/* run.c - one workflow at work: which step is next, and what a reply means. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "workflow/criteria.h"
#include "workflow/inputs.h"
#include "workflow/run_parts.h"
#include "workflow/template.h"

#define URL_MAX_BYTES (64 * 1024)
#define BODY_MAX_BYTES (8 * 1024 * 1024)
#define DETAIL_MAX_BYTES 1024

static void go_to(struct run *r, size_t step);

void run_enter(struct run *r, enum run_state state)
{
    r->state = state;
}

const struct step *run_present(const struct run *r)
{
    return r->cur.step < r->w->step_count ? &r->w->steps[r->cur.step] : NULL;
}

/* --- frames --- */

void frame_close(struct frame *f)
{
    json_decref(f->items);
    json_decref(f->gathered);
    *f = (struct frame){.step = RUN_NO_STEP};
}

void frame_open(struct run *r, struct frame *f, size_t step)
{
    const struct step *s = &r->w->steps[step];
    frame_close(f);
    f->step = step;
    if (s->on_failure.n > 0) {
        f->tries = arena_alloc(&r->arena, s->on_failure.n * sizeof(*f->tries));
        if (f->tries == NULL)
            scope_out_of_memory(&r->scope);
    }
    if (s->for_each == NULL)
        return;
    f->items = scope_items(&r->scope, s->for_each);
    f->gathered = json_object();
    bool whole = f->gathered != NULL;
    for (size_t i = 0; i < s->outputs.n && whole; i++)
        whole = json_object_set_new(f->gathered, s->outputs.list[i].name, json_array()) == 0;
    if (!whole)
        scope_out_of_memory(&r->scope);
}

static void look_at_item(struct run *r)
{
    const struct step *s = run_present(r);
    r->scope.step = s;
    r->scope.loop = r->cur.items == NULL ? NULL : json_array_get(r->cur.items, r->cur.item_at);
    r->scope.item = r->scope.loop;
    if (r->cur.items == NULL)
        snprintf(r->step_name, sizeof(r->step_name), "%s", s->id);
    else
        snprintf(r->step_name, sizeof(r->step_name), "%s[%zu]", s->id, r->cur.item_at);
}

/* --- requests --- */

void run_prepare(struct run *r, enum run_state state)
{
    buf_reset(&r->detail);
    look_at_item(r);
    struct request_maker m = {.scope = &r->scope,
                              .token = r->token,
                              .step_name = r->step_name,
                              .url = &r->url,
                              .body = &r->body,
                              .detail = &r->detail,
                              .request = &r->request};
    const char *reason = request_make(&m);
    if (r->scope.keep != NULL)
        json_array_clear(r->scope.keep);
    r->scope.url = r->request.url;
    if (reason != NULL) {
        run_refuse(r, reason);
        return;
    }
    bool needs_token = r->scope.bound->ops[run_present(r)->op->index].needs_token;
    run_enter(r, needs_token && m.token == NULL ? RUN_TOKEN : state);
}

/* --- outputs --- */

static json_t *step_outputs(struct run *r)
{
    const struct outputs *o = &run_present(r)->outputs;
    json_t *object = json_object();
    bool whole = object != NULL;
    for (size_t i = 0; i < o->n && whole; i++) {
        struct value v = tmpl_value(&r->scope, o->list[i].value);
        if (v.kind != VALUE_NOTHING)
            whole = json_object_set_new(object, o->list[i].name, value_to_json(&v)) == 0;
    }
    if (!whole)
        scope_out_of_memory(&r->scope);
    return object;
}

static void keep_outputs(struct run *r, json_t *v)
{
    json_decref(r->outputs[r->cur.step]);
    r->outputs[r->cur.step] = v;
}

/* One place for the present item in each of the loop's lists; null where there is nothing. */
static void gather(struct run *r, const json_t *of_item)
{
    const struct outputs *o = &run_present(r)->outputs;
    for (size_t i = 0; i < o->n; i++) {
        json_t *v = json_object_get(of_item, o->list[i].name);
        json_t *list = json_object_get(r->cur.gathered, o->list[i].name);
        if (json_array_append_new(list, v == NULL ? json_null() : json_incref(v)) != 0)
            scope_out_of_memory(&r->scope);
    }
}

static void take_outputs(struct run *r)
{
    if (run_present(r)->outputs.n == 0)
        return;
    json_t *outputs = step_outputs(r);
    if (r->cur.items == NULL) {
        keep_outputs(r, outputs);
        return;
    }
    gather(r, outputs);
    json_decref(outputs);
}

/* --- from step to step --- */

/* Goes on to the first item, from the present one, that is not skipped. False: none is left. */
static bool seek_item(struct run *r)
{
    const struct step *s = run_present(r);
    for (;;) {
        if (r->cur.items != NULL && r->cur.item_at >= json_array_size(r->cur.items))
            return false;
        look_at_item(r);
        if (criteria_hold(&r->scope, &s->when))
            return true;
        if (r->cur.items == NULL)
            return false;
        gather(r, NULL);
        r->cur.item_at++;
    }
}

static void leave_loop(struct run *r)
{
    if (r->cur.items == NULL)
        return;
    keep_outputs(r, r->cur.gathered);
    r->cur.gathered = NULL;
}

/* Opens the frame of @step. False when all of it is skipped. */
static bool open_step(struct run *r, size_t step, enum run_state state)
{
    frame_open(r, &r->cur, step);
    r->scope.reply = NULL;
    if (!seek_item(r)) {
        if (r->cur.items == NULL)
            keep_outputs(r, NULL);
        leave_loop(r);
        return false;
    }
    run_prepare(r, state);
    return true;
}

static void come_back(struct run *r, enum run_state state)
{
    frame_close(&r->cur);
    r->cur = r->back;
    r->back = (struct frame){.step = RUN_NO_STEP};
    run_prepare(r, state);
}

static void go_to(struct run *r, size_t step)
{
    while (step < r->w->step_count) {
        if (open_step(r, step, RUN_CALL))
            return;
        if (r->back.step != RUN_NO_STEP) {
            come_back(r, RUN_CALL);
            return;
        }
        step++;
    }
    run_finish(r, &r->w->ending);
}

static bool may_jump(struct run *r)
{
    if (++r->jumps <= RUN_JUMPS_MAX)
        return true;
    static const struct ending end = {.kind = OUTCOME_DEAD, .reason = "too_many_jumps"};
    run_finish(r, &end);
    return false;
}

static void jump(struct run *r, size_t step)
{
    frame_close(&r->back);
    if (may_jump(r))
        go_to(r, step);
}

static const struct action *pick(struct run *r, const struct actions *a, const unsigned *tries)
{
    for (size_t i = 0; i < a->n; i++) {
        bool used_up = a->list[i].type == ACTION_RETRY && tries != NULL && tries[i] >= a->list[i].retry_limit;
        if (!used_up && criteria_hold(&r->scope, &a->list[i].criteria))
            return &a->list[i];
    }
    return NULL;
}

static void succeed(struct run *r)
{
    const struct step *s = run_present(r);
    r->changed = r->changed || s->op->repeat != CALL_READ;
    take_outputs(r);
    if (s->keep != NULL && !run_take_knowledge(r))
        return;
    if (r->cur.items != NULL) {
        r->cur.item_at++;
        if (seek_item(r)) {
            run_prepare(r, RUN_CALL);
            return;
        }
        leave_loop(r);
    }
    const struct action *a = pick(r, &s->on_success, NULL);
    if (a != NULL && a->type == ACTION_END)
        run_finish(r, a->has_ending ? &a->ending : &r->w->ending);
    else if (a != NULL)
        jump(r, a->step);
    else if (r->back.step != RUN_NO_STEP)
        come_back(r, RUN_CALL);
    else
        go_to(r, r->cur.step + 1);
}

/* The step that the retry names comes first, then the present one again. */
static void retry_through(struct run *r, size_t step)
{
    r->back = r->cur;
    r->cur = (struct frame){.step = RUN_NO_STEP};
    if (!open_step(r, step, RUN_RETRY))
        come_back(r, RUN_RETRY);
}

static void retry(struct run *r, const struct action *a)
{
    int64_t asked_ms = r->scope.reply == NULL ? -1 : r->scope.reply->retry_after_ms;
    r->retry_after_ms = asked_ms >= 0 ? asked_ms : a->retry_after_ms;
    if (r->cur.tries != NULL)
        r->cur.tries[a - run_present(r)->on_failure.list]++;
    if (!may_jump(r))
        return;
    if (a->token)
        run_enter(r, RUN_TOKEN);
    else if (a->step != SIZE_MAX)
        retry_through(r, a->step);
    else
        run_prepare(r, RUN_RETRY);
}

static void fail(struct run *r)
{
    const struct action *a = pick(r, &run_present(r)->on_failure, r->cur.tries);
    if (a == NULL || a->status != 0) {
        r->judged_status = a == NULL ? r->scope.reply->status : a->status;
        run_enter(r, RUN_UNKNOWN);
        return;
    }
    switch (a->type) {
    case ACTION_END:
        run_finish(r, &a->ending);
        return;
    case ACTION_GOTO:
        jump(r, a->step);
        return;
    case ACTION_RETRY:
        retry(r, a);
        return;
    }
}

/* --- replies --- */

static bool is_declared(const struct operation *op, int status)
{
    char exact[16];
    const char *key;
    json_t *v;
    bool any = false;
    snprintf(exact, sizeof(exact), "%d", status);
    json_object_foreach((json_t *)(uintptr_t)op->responses, key, v) {
        any = any || key[0] == '2';
        if (strcmp(key, exact) == 0 || strcmp(key, "2XX") == 0 || strcmp(key, "default") == 0)
            return true;
    }
    return !any;
}

static bool is_success(struct run *r)
{
    const struct step *s = run_present(r);
    int status = r->scope.reply->status;
    if (s->success.n > 0)
        return criteria_hold(&r->scope, &s->success);
    return status >= 200 && status <= 299 && is_declared(s->op, status);
}

static bool wants_token(struct run *r)
{
    int status = r->scope.reply->status;
    bool uses_token = r->scope.bound->ops[run_present(r)->op->index].needs_token;
    if ((status != 401 && status != 403) || r->token_refused || !uses_token)
        return false;
    r->token_refused = true;
    return true;
}

static void forget_reply(struct run *r)
{
    r->scope.reply = NULL;
    r->scope.body_read = false;
    json_decref(r->scope.body);
    r->scope.body = NULL;
    if (r->scope.keep != NULL)
        json_array_clear(r->scope.keep);
}

enum run_state run_reply(struct run *r, const struct call_reply *reply)
{
    if (r->state == RUN_END || run_present(r) == NULL)
        return r->state;
    look_at_item(r);
    r->scope.reply = reply;
    if (wants_token(r))
        run_enter(r, RUN_TOKEN);
    else if (is_success(r))
        succeed(r);
    else
        fail(r);
    forget_reply(r);
    return r->state;
}

enum run_state run_step_done(struct run *r)
{
    if (r->state == RUN_END || run_present(r) == NULL)
        return r->state;
    look_at_item(r);
    succeed(r);
    forget_reply(r);
    return r->state;
}

void run_set_token(struct run *r, const char *token)
{
    char *copy = strdup(token);
    if (copy == NULL)
        scope_out_of_memory(&r->scope);
    if (copy == NULL || r->state == RUN_END) {
        free(copy);
        return;
    }
    free(r->token);
    r->token = copy;
    run_prepare(r, RUN_CALL);
}

const char *run_token(const struct run *r)
{
    return r->token;
}

const struct call_request *run_request(struct run *r)
{
    if (r->state == RUN_RETRY || r->state == RUN_UNKNOWN)
        run_enter(r, RUN_CALL);
    return r->state == RUN_CALL ? &r->request : NULL;
}

/* --- birth and death --- */

struct run *run_make(const struct bound_pack *b, const struct workflow *w, const struct run_inputs *in)
{
    struct run *r = malloc(sizeof(*r));
    if (r == NULL)
        return NULL;
    memset(r, 0, offsetof(struct run, memory));
    r->w = w;
    r->in = *in;
    r->in.token = NULL;
    r->token = in->token != NULL ? strdup(in->token) : NULL; /* without memory: a fresh one is asked for */
    arena_init(&r->arena, r->memory, sizeof(r->memory));
    buf_init(&r->url, URL_MAX_BYTES);
    buf_init(&r->body, BODY_MAX_BYTES);
    buf_init(&r->scratch, BODY_MAX_BYTES);
    buf_init(&r->detail, DETAIL_MAX_BYTES);
    r->cur.step = r->back.step = RUN_NO_STEP;
    r->outputs = arena_alloc(&r->arena, (w->step_count + 1) * sizeof(*r->outputs));
    r->scope = (struct scope){.in = &r->in, .bound = b, .step_outputs = r->outputs, .arena = &r->arena,
                              .scratch = &r->scratch};
    if (r->outputs != NULL)
        return r;
    run_free(r);
    return NULL;
}

struct run *run_new(const struct bound_pack *b, const struct workflow *w, const struct run_inputs *in)
{
    struct run *r = run_make(b, w, in);
    if (r == NULL)
        return NULL;
    const char *reason = run_leave_later(r) ? inputs_check(&r->scope, w, &r->detail) : NULL;
    if (r->state == RUN_END)
        return r;
    if (reason != NULL)
        run_refuse(r, reason);
    else
        go_to(r, 0);
    return r;
}

void run_free(struct run *r)
{
    if (r == NULL)
        return;
    forget_reply(r);
    for (size_t i = 0; r->outputs != NULL && i < r->w->step_count; i++)
        json_decref(r->outputs[i]);
    frame_close(&r->cur);
    frame_close(&r->back);
    json_decref(r->scope.keep);
    json_decref(r->result_outputs);
    json_decref(r->result_record);
    json_decref(r->kept);
    json_decref(r->own_record);
    json_decref(r->own_data);
    json_decref(r->later);
    free(r->token);
    buf_fini(&r->url);
    buf_fini(&r->body);
    buf_fini(&r->scratch);
    buf_fini(&r->detail);
    arena_fini(&r->arena);
    free(r);
}

enum run_state run_state(const struct run *r)
{
    return r->state;
}

bool run_is_out_of_memory(const struct run *r)
{
    return r->scope.no_memory || r->detail.no_memory;
}

bool run_changed(const struct run *r)
{
    return r->changed;
}

bool run_did_safe(const struct run *r)
{
    for (size_t i = 0; r->changed && i < r->w->step_count; i++)
        if (r->w->steps[i].op != NULL && r->w->steps[i].op->repeat == CALL_SAFE)
            return true;
    return false;
}

const char *run_step(const struct run *r)
{
    return r->state == RUN_END ? "" : r->step_name;
}

int64_t run_retry_after_ms(const struct run *r)
{
    return r->state == RUN_RETRY ? r->retry_after_ms : 0;
}

int run_judged_status(const struct run *r)
{
    return r->state == RUN_UNKNOWN ? r->judged_status : 0;
}

const struct workflow *run_confirm(const struct run *r)
{
    const struct step *s = r->state == RUN_END ? NULL : run_present(r);
    return s == NULL || s->confirm.cond == NULL ? NULL : s->confirm.workflow;
}

bool run_confirmed(struct run *r, const json_t *outputs)
{
    const struct step *s = run_present(r);
    if (r->state == RUN_END || s == NULL || s->confirm.cond == NULL)
        return false;
    look_at_item(r);
    r->scope.outputs = outputs;
    bool holds = cond_holds(&r->scope, s->confirm.cond);
    r->scope.outputs = NULL;
    return holds;
}

const struct run_result *run_result(const struct run *r)
{
    return r->state == RUN_END ? &r->result : NULL;
}

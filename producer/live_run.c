/* live_run.c - one workflow at work on a platform: requests out, replies in, and what follows from them; the worker's way
 * (engine/call.c) without claims. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "contract/record.h"
#include "core/judge.h"
#include "core/retry.h"
#include "live_parts.h"
#include "play_report.h"

#define HANDLE_AGAIN_MS 100
#define SAVED_MAX_BYTES (16 * 1024 * 1024)

static void resolve_doubt(struct live_run *r);

/* ---- the report ---- */

static void note(struct live_run *r, const char *key, json_t *v)
{
    if (r->note != NULL)
        json_object_set_new(r->note, key, v);
    else
        json_decref(v);
}

static json_t *last_note(const json_t *report)
{
    const json_t *calls = json_object_get(report, "calls");
    return json_array_get(calls, json_array_size(calls) - 1); /* NULL when there is no report */
}

static bool is_login(const struct live_run *r)
{
    return strcmp(workflow_id(r->w), "authenticate") == 0;
}

struct run_inputs live_run_inputs(const struct live_run *r, const json_t *record, const char *token)
{
    return (struct run_inputs){.event = r->in.event, .data = r->in.data, .record = record, .key = r->in.key, .came_ms = r->came_ms,
                               .token = token};
}

/* The run as it would be with credentials that are all ***; NULL: it is not shown. */
static struct run *shown_run(const struct live_run *r)
{
    const struct run_inputs in = live_run_inputs(r, r->record_now, run_token(r->run) == NULL ? NULL : PLAY_HIDDEN);
    struct buf text;
    buf_init(&text, SAVED_MAX_BYTES);
    run_save(r->run, &text);
    struct run *shown = buf_ok(&text) ? run_restore(r->live->shown, r->w, &in, text.data, text.len) : NULL;
    buf_fini(&text);
    return shown;
}

/* A login is all secrets: its step alone is shown. */
static void note_request(struct live_run *r, const struct call_request *q)
{
    if (r->report == NULL)
        return;
    struct run *shown = is_login(r) ? NULL : shown_run(r);
    const struct call_request *safe = shown == NULL ? NULL : run_request(shown);
    if (safe != NULL) {
        r->note = play_report_call(r->report, shown, safe);
    } else {
        json_array_append_new(json_object_get(r->report, "calls"),
                              json_pack("{s:s, s:s, s:s}", "step", run_step(r->run), "repeat", call_repeat_name(q->repeat),
                                        "method", q->method));
        r->note = last_note(r->report);
    }
    run_free(shown);
    if (r->asked_for)
        note(r, "workflow", json_string(workflow_id(r->w)));
}

static void report_end(struct live_run *r, const struct live_end *e)
{
    static const struct run_result none = {.kind = OUTCOME_REJECTED, .reason = "", .detail = ""};
    bool of_pack = e->state == LIVE_ENDED && run_state(r->run) == RUN_END;
    struct run_result x = of_pack ? *run_result(r->run) : none;
    json_t *empty = json_object();
    x.kind = e->kind;
    x.reason = e->reason;
    x.detail = e->detail;
    if (!of_pack || is_login(r)) /* a login's outputs are secrets */
        x.outputs = x.record = empty;
    if (e->state == LIVE_ENDED) {
        play_report_result(r->report, &x);
    } else {
        play_report_state(r->report, live_state_name(e->state), run_step(r->run));
        json_object_set_new(r->report, "reason", json_string(e->reason));
        json_object_set_new(r->report, "detail", json_string(e->detail));
    }
    json_object_set_new(r->report, "record_after", json_deep_copy(e->record));
    if (r->read_back)
        json_object_set_new(r->report, "resolved", json_string("read_back"));
    if (r->in.lose > 0)
        json_object_set_new(r->report, "lost", json_boolean(r->changing >= r->in.lose));
    json_decref(empty);
}

/* ---- ends ---- */

static bool has_effect(enum outcome_kind kind)
{
    return kind == OUTCOME_APPLIED || kind == OUTCOME_UNCHANGED;
}

/* What the worker would write; without the order of its axes. */
static void patch_record(struct live_run *r, const struct run_result *x)
{
    json_t *after = json_deep_copy(r->record_now); /* the patch may hold parts of it */
    if (after == NULL || json_merge_patch(after, x->record) != 0) {
        json_decref(after);
        return;
    }
    enum event_type type;
    if (event_type_of_name(workflow_id(r->w), &type) == 0)
        (void)record_keep_prices(after, type, r->in.data);
    if (strcmp(workflow_id(r->w), "service.deleted") == 0 && json_object_get(x->record, "status") == NULL)
        json_object_set_new(after, "status", json_string("terminated"));
    json_decref(r->record_now);
    r->record_now = after;
}

void live_run_end(struct live_run *r, enum live_state state, const char *reason, const char *detail)
{
    struct live_end end = {.state = state, .kind = OUTCOME_REJECTED, .calls = r->calls, .status = r->status};
    const struct run_result *x = state == LIVE_ENDED && run_state(r->run) == RUN_END ? run_result(r->run) : NULL;
    snprintf(end.reason, sizeof(end.reason), "%s", reason);
    snprintf(end.detail, sizeof(end.detail), "%s", detail);
    if (x != NULL) {
        end.kind = x->kind;
        if (x->kind == OUTCOME_UNCHANGED && r->was_doubt) { /* found done after a doubt: it was us */
            end.kind = OUTCOME_APPLIED;
            r->read_back = true;
        }
        end.outputs = json_incref((json_t *)(uintptr_t)x->outputs);
        if (has_effect(x->kind))
            patch_record(r, x);
    }
    end.record = json_incref(r->record_now);
    if (r->report != NULL && !r->asked_for) {
        report_end(r, &end);
        end.report = json_incref(r->report);
    }
    if (r->done != NULL)
        r->done(r->arg, &end);
    live_end_fini(&end);
    live_run_retire(r);
}

static void end_of_run(struct live_run *r)
{
    const struct run_result *x = run_result(r->run);
    live_run_end(r, LIVE_ENDED, x->reason, x->detail);
}

/* ---- waiting ---- */

static void wait_for(struct live_run *r, int64_t ms)
{
    loop_timer_start(r->timer, r->live->never_wait ? 0 : ms);
}

/* No provider's word holds it for longer than the settings allow. */
static int64_t capped(const struct live_run *r, int64_t wish_ms)
{
    int64_t cap = r->live->sp->retry.retry_after_cap_ms;
    return wish_ms > cap ? cap : wish_ms;
}

static void again_later(struct live_run *r, int64_t retry_after_ms, const char *why)
{
    struct live *l = r->live;
    int64_t delay, now = loop_now_ms(l->loop);
    if (r->failures++ == 0)
        r->first_failure_ms = now;
    const struct retry_ask ask = {
        .attempts = r->failures,
        .failures = r->failures,
        .age_ms = now - r->first_failure_ms,
        .retry_after_ms = retry_after_ms,
        .rnd = live_random(l),
    };
    if (retry_again(&l->sp->retry, &ask, &delay))
        wait_for(r, delay);
    else
        live_run_end(r, r->doubt ? LIVE_IN_DOUBT : LIVE_GAVE_UP, r->doubt ? "attempts_exhausted" : why, "");
}

/* ---- going on ---- */

static bool is_alive(struct live_run *r)
{
    if (!run_is_out_of_memory(r->run))
        return true;
    live_run_end(r, LIVE_GAVE_UP, "out_of_memory", "");
    return false;
}

void live_run_go_on(struct live_run *r)
{
    if (!is_alive(r))
        return;
    switch (run_state(r->run)) {
    case RUN_CALL:
    case RUN_RETRY: /* it has been waited for */
    case RUN_UNKNOWN:
        if (r->doubt && run_request(r->run)->repeat != CALL_READ)
            resolve_doubt(r);
        else
            live_want_slot(r);
        return;
    case RUN_TOKEN:
        live_need_token(r);
        return;
    case RUN_END:
        end_of_run(r);
        return;
    }
}

static void on_timer(void *arg)
{
    live_run_go_on(arg);
}

/* ---- asking: x-confirm, probe ---- */

static void ask(struct live_run *r, const struct workflow *w, live_done_fn *done)
{
    const struct live_inputs in = {.type = workflow_id(w), .event = r->in.event, .data = r->in.data, .record = r->record_now};
    struct live_run *asked = live_run_new(r->live, w, &in, done, r);
    if (asked == NULL) {
        live_run_end(r, r->doubt ? LIVE_IN_DOUBT : LIVE_GAVE_UP, "out_of_memory", "");
        return;
    }
    asked->asked_for = true;
    asked->report = json_incref(r->report);
}

static void on_confirm(void *arg, struct live_end *end)
{
    struct live_run *r = arg;
    r->calls += end->calls;
    if (end->state == LIVE_NOT_LET_IN) {
        live_run_end(r, LIVE_IN_DOUBT, "credentials_refused", end->reason);
        return;
    }
    if (end->state != LIVE_ENDED || !has_effect(end->kind)) {
        again_later(r, -1, end->reason);
        return;
    }
    r->doubt = r->unsent = r->lost = false;
    if (run_confirmed(r->run, end->outputs)) {
        r->read_back = true;
        r->note = last_note(r->report); /* of the question */
        note(r, "confirmed", json_true());
        run_step_done(r->run);
    }
    live_run_go_on(r);
}

/* The present request changes something, and may have been done. */
static void resolve_doubt(struct live_run *r)
{
    struct live *l = r->live;
    int64_t wait, age = loop_now_ms(l->loop) - r->doubt_since_ms;
    bool no_wait = l->never_wait || r->lost || r->unsent;
    enum call_repeat repeat = run_request(r->run)->repeat;
    enum judgement what = judge_doubt(repeat, true, age, no_wait ? 0 : l->sp->numbers.quarantine_ms, &wait);
    if (wait > 0)
        wait_for(r, wait);
    else if (what == JUDGE_RESEND || (what == JUDGE_PERSON && r->unsent))
        live_want_slot(r);
    else if (what == JUDGE_PERSON)
        live_run_end(r, LIVE_IN_DOUBT, "never_repeated", "");
    else if (run_confirm(r->run) == NULL)
        live_run_end(r, LIVE_IN_DOUBT, "cannot_be_asked", "");
    else
        ask(r, run_confirm(r->run), on_confirm);
}

static void on_probe(void *arg, struct live_end *end)
{
    struct live_run *r = arg;
    r->calls += end->calls;
    r->auth_checked = true;
    if (end->state == LIVE_ENDED && has_effect(end->kind))
        live_run_go_on(r); /* ours are good: whether it is refused again shows what is meant */
    else
        live_run_end(r, end->state == LIVE_GAVE_UP ? LIVE_GAVE_UP : LIVE_NOT_LET_IN, end->reason, end->detail);
}

/* ---- crashes ---- */

static struct run *restored(struct live_run *r)
{
    const struct run_inputs in = live_run_inputs(r, r->record_now, live_token(r->live));
    struct buf text;
    buf_init(&text, SAVED_MAX_BYTES);
    run_save(r->run, &text);
    struct run *run = buf_ok(&text) ? run_restore(r->live->bound, r->w, &in, text.data, text.len) : NULL;
    buf_fini(&text);
    return run;
}

/* As after a crash: only what was saved is left, and whether the next request left is not known. */
static bool crash(struct live_run *r)
{
    if (!r->in.crash || run_state(r->run) == RUN_END || run_state(r->run) == RUN_TOKEN)
        return true;
    struct run *run = restored(r);
    if (run == NULL)
        return false;
    run_free(r->run);
    r->run = run;
    json_decref(r->record);
    r->record = json_incref(r->record_now); /* which is only ever replaced */
    note(r, "crash", json_true());
    if (!r->doubt && run_state(run) == RUN_CALL && run_request(run)->repeat != CALL_READ && run_changed(run)) {
        r->doubt = r->unsent = true;
        r->doubt_since_ms = loop_now_ms(r->live->loop);
    }
    return true;
}

/* ---- replies ---- */

/* Are our credentials good? */
static void refused(struct live_run *r, const struct call_reply *reply)
{
    const struct workflow *probe = pack_workflow(r->live->pack, "probe");
    char word[32];
    snprintf(word, sizeof(word), "http_%d", reply->status);
    if (is_login(r) || r->w == probe)
        live_run_end(r, LIVE_NOT_LET_IN, word, "");
    else if (r->auth_checked || probe == NULL)
        live_run_end(r, LIVE_ENDED, "unauthorized", "the platform refuses this account, and takes our credentials");
    else
        ask(r, probe, on_probe);
}

static void later(struct live_run *r, const struct call_reply *reply)
{
    int64_t wait = capped(r, reply->retry_after_ms >= 0 ? reply->retry_after_ms : 1000);
    if (!r->live->never_wait)
        limit_pause(&r->live->limit, loop_now_ms(r->live->loop) + wait);
    again_later(r, reply->retry_after_ms, "throttled");
}

static void begin_doubt(struct live_run *r)
{
    r->doubt = r->was_doubt = true;
    r->unsent = false;
    r->doubt_since_ms = loop_now_ms(r->live->loop);
}

static void failed(struct live_run *r, const struct call_reply *reply, enum judgement what)
{
    const char *why = judge_error_class(reply);
    char word[32];
    switch (what) {
    case JUDGE_RETRY:
        again_later(r, reply->retry_after_ms, why);
        return;
    case JUDGE_LATER:
        later(r, reply);
        return;
    case JUDGE_RESEND:
    case JUDGE_ASK:
    case JUDGE_PERSON:
        begin_doubt(r);
        if (what == JUDGE_PERSON)
            live_run_end(r, LIVE_IN_DOUBT, "never_repeated", why);
        else if (crash(r))
            again_later(r, -1, why);
        else
            live_run_end(r, LIVE_IN_DOUBT, "not_restored", why);
        return;
    case JUDGE_AUTH:
        refused(r, reply);
        return;
    case JUDGE_REJECT:
    case JUDGE_IMPOSSIBLE:
        snprintf(word, sizeof(word), "http_%d", reply->status);
        live_run_end(r, LIVE_ENDED, what == JUDGE_REJECT ? word : "impossible_request", reply->error);
        return;
    case JUDGE_READ_ANSWER:
        return;
    }
}

/* What the worker writes before the next request leaves. */
static bool remember(struct live_run *r)
{
    if (run_kept(r->run) == NULL)
        return true;
    json_t *more = json_deep_copy(r->record_now);
    if (more == NULL || record_remember(more, run_kept(r->run), NULL) != 0) {
        json_decref(more);
        return false;
    }
    json_decref(r->record_now);
    r->record_now = more;
    note(r, "remembered", json_deep_copy(run_kept(r->run)));
    run_kept_done(r->run);
    return true;
}

/* The pack has looked at the answer. */
static void answered(struct live_run *r, enum call_repeat repeat)
{
    enum run_state state = run_state(r->run);
    int64_t wait = state == RUN_RETRY ? capped(r, run_retry_after_ms(r->run)) : 0;
    if (repeat != CALL_READ && state != RUN_TOKEN && state != RUN_RETRY) /* those two settle nothing */
        r->doubt = r->unsent = r->lost = false;
    if (state == RUN_RETRY)
        note(r, "again_after_ms", json_integer(run_retry_after_ms(r->run)));
    if (!remember(r) || !crash(r))
        live_run_end(r, r->doubt ? LIVE_IN_DOUBT : LIVE_GAVE_UP, "not_restored", "");
    else if (state == RUN_RETRY)
        wait_for(r, wait);
    else
        live_run_go_on(r);
}

/* True: the answer is as if it had never come. */
static bool loses(struct live_run *r, const struct call_reply *reply, enum call_repeat repeat)
{
    if (r->in.lose == 0 || repeat == CALL_READ || call_fate_of(reply) != CALL_ANSWERED || ++r->changing != r->in.lose)
        return false;
    note(r, "answer", json_string("lost"));
    r->lost = true;
    return true;
}

static void lose(struct live_run *r, enum call_repeat repeat)
{
    const struct call_reply cut = {.result = CALL_CUT, .request_bytes = 1, .body = "", .retry_after_ms = -1};
    failed(r, &cut, judge_call(&cut, repeat));
}

/* The pack reads the answer. False: it is over. */
static bool read_answer(struct live_run *r, const struct call_reply *reply)
{
    struct call_reply own = *reply;
    struct buf text;
    buf_init(&text, reply->body_len + 1);
    int rc = r->in.part != NULL ? live_long_answer(r, &own, &text) : 0;
    if (rc == 0)
        run_reply(r->run, &own);
    buf_fini(&text);
    if (rc != 0)
        live_run_end(r, LIVE_GAVE_UP, "part_not_understood", "the pack reads the beginning of this long answer, and not all of it");
    return rc == 0 && is_alive(r);
}

static void on_reply(void *arg, const struct call_reply *reply)
{
    struct live_run *r = arg;
    enum call_repeat repeat = run_request(r->run)->repeat;
    r->call = NULL;
    r->status = reply->status;
    live_slot_back(r->live);
    if (reply->status != 0)
        note(r, "status", json_integer(reply->status));
    if (loses(r, reply, repeat)) {
        lose(r, repeat);
        return;
    }
    if (r->in.look != NULL)
        r->in.look(r->in.arg, r->run, reply);
    enum judgement what = judge_call(reply, repeat);
    if (what != JUDGE_READ_ANSWER) {
        note(r, "failed", json_string(judge_error_class(reply)));
        failed(r, reply, what);
        return;
    }
    if (!read_answer(r, reply))
        return;
    if (run_state(r->run) == RUN_UNKNOWN) {
        struct call_reply judged = *reply;
        judged.status = run_judged_status(r->run);
        note(r, "failed", json_string(judge_error_class(&judged)));
        failed(r, &judged, judge_unknown(&judged, repeat));
        return;
    }
    answered(r, repeat);
}

void live_run_send(struct live_run *r)
{
    struct live *l = r->live;
    const struct call_request *q = run_request(r->run);
    r->call = http_call(l->http, q, NULL, on_reply, r);
    if (r->call == NULL) { /* out of memory: nothing was tried */
        live_slot_back(l);
        loop_timer_start(r->timer, HANDLE_AGAIN_MS);
        return;
    }
    r->calls++;
    note_request(r, q);
}

/* ---- birth and death ---- */

void live_run_free(void *arg)
{
    struct live_run *r = arg;
    if (r == NULL)
        return;
    loop_timer_free(r->timer);
    run_free(r->run);
    json_decref(r->record);
    json_decref(r->record_now);
    json_decref(r->report);
    free(r);
}

static bool make(struct live_run *r)
{
    const struct run_inputs in = live_run_inputs(r, r->record, live_token(r->live));
    struct err err;
    r->timer = loop_timer_new(r->live->loop, on_timer, r, &err);
    r->run = r->record == NULL || r->record_now == NULL ? NULL : run_new(r->live->bound, r->w, &in);
    r->report = r->in.report ? play_report_new(r->w) : NULL;
    return r->timer != NULL && r->run != NULL && (r->report != NULL || !r->in.report);
}

/* It begins from the loop, so that no callback ever comes from inside whoever starts it. */
struct live_run *live_run_new(struct live *l, const struct workflow *w, const struct live_inputs *in, live_done_fn *done,
                              void *arg)
{
    struct live_run *r = calloc(1, sizeof(*r));
    if (r == NULL)
        return NULL;
    *r = (struct live_run){.live = l, .w = w, .in = *in, .done = done, .arg = arg, .next = l->runs,
                          .came_ms = clock_real_ms()};
    r->record = in->record == NULL ? json_object() : json_deep_copy(in->record);
    r->record_now = json_deep_copy(r->record);
    if (!make(r)) {
        live_run_free(r);
        return NULL;
    }
    if (r->next != NULL)
        r->next->prev = r;
    l->runs = r;
    loop_timer_start(r->timer, 0);
    return r;
}

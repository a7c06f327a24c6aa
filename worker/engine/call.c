/* call.c - the job's run at work: requests out, replies in, and what follows from them. */
#include <stdio.h>
#include <string.h>

#include "base/crash_point.h"
#include "core/judge.h"
#include "core/retry.h"
#include "engine/aside.h"
#include "engine/state.h"

#define HANDLE_AGAIN_MS 100
#define ASK_FIRST_MS 250 /* `probe` has this long to answer before the next try */
#define PUT_OFF_EARLY_MS 10000
#define STEP_WHEN_OLDER_NS (INT64_C(2) * 1000 * 1000 * 1000)

static void on_reply(void *arg, const struct call_reply *reply);

/* Asked just before the first byte leaves: nothing is sent for a job that was dropped meanwhile, nor when the partition, or
 * the slot, may be another's by now. */
static bool may_send(void *arg)
{
    const struct job *j = arg;
    crash_point("checking");
    if (j->state != JOB_CALLING || !commits_own(j->worker) || wide_is_paused(j->part))
        return false;
    if (!slots_may_call(j->worker))
        return false;
    crash_point("sending");
    return true;
}

static void send_request(struct worker *w, struct job *j)
{
    struct work *k = j->work;
    const struct call_request *req = run_request(k->run);
    k->call = http_call(w->http, req, may_send, on_reply, j);
    if (k->call == NULL) { /* out of memory, or a limit that was raised a moment ago: nothing was tried */
        job_wait(w, j, HANDLE_AGAIN_MS, false);
        return;
    }
    j->pending++;
    pace_sent(w, j);
    if (k->called)
        limit_spend(&w->limit, loop_now_ms(w->loop));
    k->called = true;
    k->call_started_ns = loop_now_ns(w->loop);
    telemetry_count(w->tel, COUNTER_CALLS, 1);
}

/* ---- doubt: what was maybe sent before is resolved before it is sent again ---- */

static void on_confirm(struct worker *w, void *arg, const struct run_result *result, const char *why)
{
    struct job *j = arg;
    struct work *k = j->work;
    if (job_callback_is_late(w, j))
        return;
    pace_verified(w, j);
    if (result == NULL) {
        call_retry_later(w, j, false, -1, why);
        return;
    }
    j->doubt = j->verify = false;
    job_go(w, j, JOB_CALLING);
    if (run_confirmed(k->run, result->outputs)) {
        snprintf(k->outcome.resolved, sizeof(k->outcome.resolved), "read_back");
        k->changed = true;
        run_step_done(k->run);
        j->doubt = j->doubt_all && run_state(k->run) != RUN_END;
    }
    call_advance(w, j);
}

static void ask_provider(struct worker *w, struct job *j)
{
    struct work *k = j->work;
    const struct workflow *confirm = run_confirm(k->run);
    if (confirm == NULL) {
        park_doubt(w, j, "cannot_be_asked");
        return;
    }
    if (!slots_may_call(w)) {
        job_wait(w, j, HANDLE_AGAIN_MS, true);
        return;
    }
    if (!pace_may_verify(w, j))
        return;
    struct run_inputs in = {.event = k->event.root,
                            .data = k->event.data,
                            .record = k->record,
                            .token = token_valid(w) ? w->token : NULL};
    job_go(w, j, JOB_CONFIRMING);
    if (errand_start(w, k->plan, confirm, &in, on_confirm, j) == NULL)
        call_retry_later(w, j, false, -1, "out of memory");
    else
        j->pending++;
}

/* A request that may have been done: True when it may be sent now; else its way is decided. */
static bool resolve_doubt(struct worker *w, struct job *j)
{
    struct work *k = j->work;
    int64_t wait, age = loop_now_ms(w->loop) - j->doubt_since_ms;
    enum call_repeat repeat = run_request(k->run)->repeat;
    if (repeat == CALL_READ)
        return true; /* the doubtful request comes later in the run */
    if (j->act != PARK_NO_ACT)
        return park_resolve_doubt(w, j);
    enum judgement what = judge_doubt(repeat, j->doubt_own, age, w->numbers->quarantine_ms, &wait);
    if (wait > 0) {
        job_wait(w, j, wait, false);
        return false;
    }
    /* Somebody else's: he may have published its outcome since this one began. Where Redis has forgotten what he decided, that may be
     * one without any call. */
    if (!j->doubt_own && (repeat != CALL_KEYED || j->doubt_forgotten) && !takeover_is_quiet(w, j))
        return false;
    if (what == JUDGE_PERSON)
        park_doubt(w, j, "never_repeated");
    else if (what == JUDGE_ASK)
        ask_provider(w, j);
    return what == JUDGE_RESEND;
}

void call_doubt(struct worker *w, struct job *j, bool own)
{
    j->doubt = j->was_doubt = true;
    j->doubt_own = own;
    j->doubt_since_ms = loop_now_ms(w->loop);
}

/* ---- ends ---- */

/* RELIABILITY.md section 6: a `safe` request that was sent again may still have its first packet on the way, which must not
 * land after what the lane does next. */
static int64_t late_packet_ms(const struct worker *w, const struct job *j)
{
    int64_t left = j->doubt_since_ms + w->numbers->quarantine_ms - loop_now_ms(w->loop);
    return j->doubt_safe && left > 0 ? left : 0;
}

static bool late_packet_waits(struct worker *w, struct job *j)
{
    int64_t left = late_packet_ms(w, j);
    if (left == 0)
        return false;
    job_wait(w, j, left, true);
    return true;
}

void call_drop_run(struct work *k)
{
    run_free(k->run);
    k->run = NULL;
    plan_unref(k->plan);
    k->plan = NULL;
}

static void finish_run(struct worker *w, struct job *j)
{
    struct work *k = j->work;
    const struct run_result *r = run_result(k->run);
    if (late_packet_waits(w, j))
        return;
    if (r->kind == OUTCOME_HELD) {
        hold_start(w, j, r->reason);
        return;
    }
    if (k->event.type == EVENT_SERVICE_SNAPSHOT && r->kind != OUTCOME_DEAD) {
        snapshot_start(w, j, r);
        return;
    }
    k->outcome.kind = r->kind;
    if (j->was_doubt && r->kind == OUTCOME_UNCHANGED) { /* found done after a doubt: it was us */
        k->outcome.kind = OUTCOME_APPLIED;
        snprintf(k->outcome.resolved, sizeof(k->outcome.resolved), "read_back");
    }
    snprintf(k->outcome.reason, sizeof(k->outcome.reason), "%s", r->reason);
    if (r->detail[0] != '\0')
        snprintf(k->outcome.answer, sizeof(k->outcome.answer), "%s", r->detail);
    json_decref(k->outcome.given); /* of a decision that was fenced */
    k->outcome.given = NULL;
    if (json_object_size(r->outputs) > 0)
        k->outcome.given = json_deep_copy(r->outputs);
    if (k->outcome.kind == OUTCOME_DEAD)
        decide_dead(w, j, DEAD_EXHAUSTED, r->reason);
    else
        decide_start(w, j, r->record);
}

/* ---- between steps ---- */

static void on_step(void *arg, enum redis_result res)
{
    struct job *j = arg;
    struct worker *w = j->worker;
    if (job_callback_is_late(w, j))
        return;
    if (res == REDIS_OK && (pace_is_open(w) || wide_is_paused(j->part))) {
        job_wait(w, j, 0, true); /* the provider went down or was paused meanwhile */
        return;
    }
    if (res == REDIS_OK) {
        crash_point("stepped");
        job_go(w, j, JOB_CALLING);
        send_request(w, j);
        return;
    }
    /* Not noted: this owner keeps the run; the next one, who knows no better, finds the finished step in doubt. */
    job_wait(w, j, res == REDIS_FENCED ? 1000 : 200, true);
}

/* The claim said SENT at its own time. A changing request that leaves well after it says so anew, since the quarantine
 * of whoever finds it in doubt runs from there. */
static bool must_note(const struct worker *w, const struct job *j)
{
    const struct work *k = j->work;
    if (k->changed)
        return true;
    if (run_request(k->run)->repeat == CALL_READ)
        return false;
    return j->was_doubt || loop_now_ns(w->loop) - k->claimed_ns > STEP_WHEN_OLDER_NS;
}

/* What is done is noted in Redis before the next request leaves. Reads are simply made again. */
static void next_step(struct worker *w, struct job *j)
{
    struct work *k = j->work;
    if (run_kept(k->run) != NULL) {
        keep_start(w, j);
        return;
    }
    if (!must_note(w, j)) {
        send_request(w, j);
        return;
    }
    struct buf *text = &w->scratch;
    buf_reset(text);
    run_save(k->run, text);
    job_go(w, j, JOB_STEPPING);
    if (buf_ok(text) && redis_step(w->redis, k->event.service, k->event.key, k->fence, text->data, text->len,
                                   on_step, j) == 0)
        j->pending++;
    else
        job_wait(w, j, 200, true);
}

void call_kept(struct worker *w, struct job *j)
{
    if (pace_is_open(w)) { /* the provider went down meanwhile */
        job_wait(w, j, 0, true);
        return;
    }
    job_go(w, j, JOB_CALLING);
    next_step(w, j);
}

/* ---- slots ---- */

static void take_slot(struct worker *w, struct job *j)
{
    struct work *k = j->work;
    limit_unclaim(&w->limit);
    k->place = PLACE_SLOT;
    if (j->first_try_ms == 0) {
        k->slot_ns += loop_now_ns(w->loop) - k->claimed_ns;
        telemetry_stage(w->tel, STAGE_SLOT, k->slot_ns);
    }
}

/* True when the job has one; else it goes on when one is free. */
static bool has_slot(struct worker *w, struct job *j)
{
    if (j->work->place == PLACE_SLOT)
        return true;
    if (w->claimed.n == 0 && limit_take(&w->limit, loop_now_ms(w->loop))) {
        take_slot(w, j);
        return true;
    }
    job_go(w, j, JOB_CLAIMED);
    job_list_add(&w->claimed, j);
    return false;
}

static void go_on(struct worker *w, struct job *j)
{
    if (pace_holds(w, j))
        return;
    if (!j->doubt || resolve_doubt(w, j))
        next_step(w, j);
}

/* No request of it left under this claim, nor ever under one that might have been done. */
static bool is_untouched(const struct job *j)
{
    const struct work *k = j->work;
    return !j->doubt && !k->called && !k->changed && run_state(k->run) != RUN_RETRY;
}

void call_release(struct worker *w, const struct job *j)
{
    struct work *k = j->work;
    if (redis_is_up(w->redis))
        (void)redis_release(w->redis, k->event.service, k->event.key, k->fence, NULL, NULL);
    k->fence[0] = '\0';
}

void call_give_back(struct worker *w, struct job *j)
{
    if (is_untouched(j))
        call_release(w, j);
    job_drop(w, j);
}

/* What would wait for long is not kept as sent: after a crash it would be in doubt, though nothing left. */
static void give_back_untouched(struct worker *w, int64_t pause_ms)
{
    struct job_list list = w->claimed;
    struct job *j;
    w->claimed = (struct job_list){0};
    while ((j = job_list_take(&list)) != NULL) {
        if (job_callback_is_late(w, j))
            continue;
        if (!is_untouched(j)) {
            job_list_add(&w->claimed, j);
        } else if (w->drain != DRAIN_NONE) {
            call_give_back(w, j);
        } else {
            call_release(w, j);
            job_wait(w, j, pause_ms, false);
        }
    }
}

void call_pump(struct worker *w)
{
    int64_t now = loop_now_ms(w->loop), pause_ms = w->limit.paused_until_ms - now;
    if (w->claimed.n > 0 && (w->drain != DRAIN_NONE || pause_ms > 0 || pace_is_open(w)))
        give_back_untouched(w, pause_ms > 0 ? pause_ms : 0);
    while (w->claimed.n > 0) {
        bool dropped = w->claimed.first->state == JOB_DROPPED;
        if (!dropped && !limit_take(&w->limit, now))
            return;
        struct job *j = job_list_take(&w->claimed);
        if (job_callback_is_late(w, j))
            continue;
        take_slot(w, j);
        job_go(w, j, JOB_CALLING);
        go_on(w, j);
    }
}

/* No provider's word holds a lane for longer than the settings allow. */
static int64_t capped(const struct worker *w, int64_t wish_ms)
{
    int64_t cap = w->plan->retry.retry_after_cap_ms;
    return wish_ms > cap ? cap : wish_ms;
}

void call_resume(struct worker *w, struct job *j)
{
    enum run_state state = run_state(j->work->run);
    if (state == RUN_END)
        finish_run(w, j);
    else if (state == RUN_TOKEN)
        token_need(w, j);
    else if (has_slot(w, j))
        go_on(w, j);
}

void call_advance(struct worker *w, struct job *j)
{
    struct work *k = j->work;
    switch (run_state(k->run)) {
    case RUN_CALL:
    case RUN_UNKNOWN: /* the same step again */
        call_resume(w, j);
        return;
    case RUN_RETRY:
        telemetry_count(w->tel, COUNTER_RETRIES, 1);
        job_wait(w, j, capped(w, run_retry_after_ms(k->run)), true);
        return;
    case RUN_TOKEN:
        token_need(w, j);
        return;
    case RUN_END:
        finish_run(w, j);
        return;
    }
}

/* ---- tries ---- */

static void log_retry(struct worker *w, const struct job *j, int64_t delay_ms, const char *why)
{
    const struct work *k = j->work;
    if (!log_begin(w->log, LOG_LEVEL_WARN, "call_failed"))
        return;
    log_str(w->log, "service", k->event.service);
    log_str(w->log, "type", event_type_name(k->event.type));
    log_str(w->log, "step", k->run != NULL ? run_step(k->run) : NULL);
    log_int(w->log, "attempt", j->failures);
    log_int(w->log, "counted", j->tries);
    log_int(w->log, "status", k->outcome.status);
    log_str(w->log, "error", why);
    log_int(w->log, "retry_in_ms", delay_ms);
    log_end(w->log);
}

static bool others_were_answered(const struct worker *w, const struct job *j)
{
    return w->goods - j->goods_seen > j->own_goods;
}

static void count_failure(struct worker *w, struct job *j)
{
    j->uncounted = false;
    if (j->first_try_ms == 0)
        j->first_try_ms = pace_up_ms(w);
    if (j->tries < UINT8_MAX)
        j->tries++;
}

/* RELIABILITY.md section 5: a failure counts against the event only if the provider was there at that time: it answered
 * somebody else during the try, or the `probe` that is asked now. An answer of later on proves nothing. */
static void note_failure(struct worker *w, struct job *j)
{
    if (j->failures < UINT8_MAX)
        j->failures++;
    j->uncounted = false;
    bool unproven = !others_were_answered(w, j);
    if (unproven && pace_is_down(w))
        return; /* it is the provider's, whatever `probe` would say */
    j->uncounted = unproven && provider_ask(w, &j->asked);
    if (!j->uncounted)
        count_failure(w, j);
}

bool call_count_late(struct worker *w, struct job *j)
{
    if (j->uncounted && provider_answered(w, j->asked))
        count_failure(w, j);
    return j->tries < w->plan->retry.attempts;
}

static bool another_try(struct worker *w, struct job *j, int64_t retry_after_ms, int64_t *ret_delay)
{
    note_failure(w, j);
    struct retry_ask ask = {
        .attempts = j->tries,
        .failures = j->failures,
        .age_ms = j->uncounted || j->first_try_ms == 0 ? 0 : pace_up_ms(w) - j->first_try_ms,
        .retry_after_ms = retry_after_ms,
        .rnd = worker_random(w),
    };
    if (!retry_again(&w->plan->retry, &ask, ret_delay))
        return false;
    if (j->uncounted && *ret_delay < ASK_FIRST_MS)
        *ret_delay = ASK_FIRST_MS;
    return true;
}

/* What was maybe sent is in doubt there too: Redis keeps the steps. False: not now. */
static bool set_aside(struct worker *w, struct job *j, enum entry_reason reason, int64_t delay_ms)
{
    struct work *k = j->work;
    bool doubt = j->doubt || k->changed;
    if (!j->part->waits_ready)
        return false;
    if (doubt)
        park_save_steps(w, j);
    if (doubt && (!redis_is_up(w->redis) ||
                  redis_doubt(w->redis, k->event.service, k->event.key, k->fence, NULL, NULL) != 0))
        return false;
    aside_set(w, j, &(struct aside){.state = doubt ? ENTRY_DOUBT : ENTRY_UNSENT,
                                    .reason = reason,
                                    .claimed = doubt,
                                    .release_at_ms = clock_real_ms() + delay_ms});
    return true;
}

void call_put_off(struct worker *w, struct job *j, enum entry_reason reason, int64_t ms)
{
    call_drop_run(j->work);
    if (!j->doubt)
        call_release(w, j);
    if (!set_aside(w, j, reason, ms)) /* early after an assignment */
        job_wait(w, j, ms < PUT_OFF_EARLY_MS ? ms : PUT_OFF_EARLY_MS, false);
}

/* RELIABILITY.md section 5: a long wait leaves the input topic, so that one account never stops a partition. */
static bool is_long(const struct worker *w, const struct job *j, int64_t delay_ms)
{
    return j->first_try_ms != 0 && pace_up_ms(w) + delay_ms - j->first_try_ms > w->numbers->aside_after_ms;
}

/* No further try. What was maybe done is not called dead: that would let it be sent again. */
static void give_up(struct worker *w, struct job *j)
{
    if (j->doubt) {
        park_doubt(w, j, "attempts_exhausted");
        return;
    }
    if (j->work->changed)
        park_save_steps(w, j);
    decide_dead(w, j, DEAD_EXHAUSTED, "attempts_exhausted");
}

void call_retry_later(struct worker *w, struct job *j, bool release, int64_t retry_after_ms, const char *why)
{
    struct work *k = j->work;
    int64_t delay;
    if (!another_try(w, j, retry_after_ms, &delay)) {
        give_up(w, j);
        return;
    }
    pace_again(w, j);
    log_retry(w, j, delay, why);
    telemetry_count(w->tel, COUNTER_RETRIES, 1);
    if (release && !j->doubt && late_packet_ms(w, j) == 0) /* else whoever is next has to know that there is one */
        call_release(w, j);
    bool in_run = k->run != NULL && run_state(k->run) == RUN_RETRY;
    if (in_run || !is_long(w, j, delay) || !set_aside(w, j, ENTRY_FOR_RETRY, delay))
        job_wait(w, j, delay, in_run);
}

static void doubtful(struct worker *w, struct job *j, enum judgement what, const char *why)
{
    telemetry_count(w->tel, COUNTER_DOUBTS, 1);
    call_doubt(w, j, true);
    j->doubt_safe |= run_request(j->work->run)->repeat == CALL_SAFE;
    if (what == JUDGE_PERSON)
        park_doubt(w, j, "never_repeated");
    else
        call_retry_later(w, j, false, -1, why);
}

static void later(struct worker *w, struct job *j, const struct call_reply *reply)
{
    int64_t wait = capped(w, reply->retry_after_ms >= 0 ? reply->retry_after_ms : 1000);
    limit_pause(&w->limit, loop_now_ms(w->loop) + wait);
    if (redis_is_up(w->redis))
        (void)redis_pause_provider(w->redis, wait);
    call_retry_later(w, j, true, reply->retry_after_ms, "throttled");
}

static void failed(struct worker *w, struct job *j, const struct call_reply *reply, enum judgement what)
{
    struct work *k = j->work;
    const char *why = judge_error_class(reply);
    telemetry_call_failed(w->tel, why);
    pace_failed(w, j, reply, what, why);
    switch (what) {
    case JUDGE_RETRY:
        call_retry_later(w, j, !k->changed, reply->retry_after_ms, why);
        return;
    case JUDGE_LATER:
        later(w, j, reply);
        return;
    case JUDGE_RESEND:
    case JUDGE_ASK:
    case JUDGE_PERSON:
        doubtful(w, j, what, why);
        return;
    case JUDGE_AUTH:
        credentials_doubt(w, j);
        return;
    case JUDGE_REJECT:
    case JUDGE_IMPOSSIBLE:
        snprintf(k->outcome.reason, sizeof(k->outcome.reason), "http_%d", reply->status);
        decide_refused(w, j, what == JUDGE_REJECT ? k->outcome.reason : "impossible_request", reply->error);
        return;
    case JUDGE_READ_ANSWER:
        return;
    }
}

/* Answered, and there was no memory to tell what it means: nothing of the run can be believed, and what Redis has of it is as a crash
 * would have left it. */
static void answer_lost(struct worker *w, struct job *j, enum call_repeat repeat)
{
    if (repeat != CALL_READ) {
        telemetry_count(w->tel, COUNTER_DOUBTS, 1);
        call_doubt(w, j, true);
        j->doubt_safe |= repeat == CALL_SAFE;
    }
    job_release_run(j);
    j->work->changed = false;
    if (repeat == CALL_NEVER)
        park_doubt(w, j, "no_memory");
    else
        call_retry_later(w, j, false, -1, "out of memory");
}

/* The pack looks at the answer. */
static void judge_answer(struct worker *w, struct job *j, const struct call_reply *reply, enum call_repeat repeat)
{
    struct work *k = j->work;
    enum run_state state = run_reply(k->run, reply);
    if (run_is_out_of_memory(k->run)) {
        answer_lost(w, j, repeat);
        return;
    }
    if (state == RUN_UNKNOWN) {
        struct call_reply judged = *reply;
        judged.status = run_judged_status(k->run);
        failed(w, j, &judged, judge_unknown(&judged, repeat));
        return;
    }
    pace_answered(w, j, reply, state == RUN_RETRY);
    w->goods++;
    j->own_goods++;
    if (repeat != CALL_READ && state != RUN_TOKEN && state != RUN_RETRY) { /* those two settle nothing */
        j->doubt = j->doubt_all && state != RUN_END;
        k->changed = true;
    }
    call_advance(w, j);
}

/* The proof of ownership, or the slot's lease, ran out before the first byte left, or an operator paused the provider. */
static void not_allowed(struct worker *w, struct job *j)
{
    bool kept = j->work->changed || j->doubt;
    if (!kept)
        call_release(w, j);
    job_wait(w, j, HANDLE_AGAIN_MS, kept);
}

static void on_reply(void *arg, const struct call_reply *reply)
{
    struct job *j = arg;
    struct worker *w = j->worker;
    if (j->work != NULL)
        j->work->call = NULL;
    if (job_callback_is_late(w, j))
        return;
    struct work *k = j->work;
    crash_point("answered");
    enum call_repeat repeat = run_request(k->run)->repeat;
    int64_t took_ns = loop_now_ns(w->loop) - k->call_started_ns;
    k->call_ns += took_ns;
    limit_called(&w->limit, (double)took_ns / 1e6);
    k->outcome.status = reply->status;
    if (reply->request_bytes > 0 && j->calls < UINT8_MAX)
        j->calls++;
    if (reply->not_allowed) { /* it says nothing about the provider */
        not_allowed(w, j);
        return;
    }
    if (reply->resend_refused)
        telemetry_count(w->tel, COUNTER_RESEND_REFUSED, 1);
    enum judgement what = judge_call(reply, repeat);
    if (what == JUDGE_READ_ANSWER)
        judge_answer(w, j, reply, repeat);
    else
        failed(w, j, reply, what);
}

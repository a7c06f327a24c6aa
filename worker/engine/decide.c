/* decide.c - what came of an event, told to Redis: DECIDE; or, when Redis was away or forgot, MERGE once it is published.
 * publish.c does the rest. */
#include <stdio.h>
#include <string.h>

#include "base/crash_point.h"
#include "engine/state.h"

#define DECIDE_AGAIN_MS 500

static void on_decided(void *arg, enum redis_result res);

/* The record after the event, as text; without memory none is published and none is kept: the axes are not moved. */
static bool make_record(const struct worker *w, struct work *k, int64_t offset, const json_t *patch)
{
    struct order order;
    bool existed = record_exists(k->record);
    buf_reset(&k->record_text);
    if (order_parse(k->order, &order) != 0 ||
        record_apply(k->record, &k->event, order, offset, patch, k->fence, NULL) != 0 ||
        (k->outcome.kind == OUTCOME_UNCHANGED && record_say_unchanged(k->record, &k->event) != 0) ||
        (k->event.type != EVENT_SERVICE_SNAPSHOT && /* sets nothing itself: its parts do */
         record_keep_password(k->record, &k->event, w->provider->password_key) != 0))
        return false;
    json_add_compact(&k->record_text, k->record);
    if (record_exists(k->record) != existed)
        k->account = existed ? REDIS_ACCOUNT_GONE : REDIS_ACCOUNT_EXISTS;
    return buf_ok(&k->record_text);
}

static int send_decide(struct worker *w, struct job *j)
{
    struct work *k = j->work;
    struct decide_request d = {
        .service = k->event.service,
        .event_key = k->event.key,
        .event_id = k->event.id,
        .fence = k->fence,
        .outcome = buf_cstr(&k->facts),
        .outcome_len = buf_ok(&k->facts) ? k->facts.len : 0,
        .dead = k->outcome.kind == OUTCOME_DEAD,
        .record = k->record_text.len > 0 ? k->record_text.data : NULL,
        .record_len = k->record_text.len,
        .account = k->account,
        .partition = j->partition,
        .order = k->order,
        .place = k->offset,
        .unchanged = k->outcome.kind == OUTCOME_UNCHANGED,
        .order_by = event_order_by(&k->event),
        .axes = (const char(*)[AXIS_NAME_SIZE])k->event.axes.name,
        .axis_count = k->event.axes.n,
    };
    if (redis_decide(w->redis, &d, on_decided, j) != 0)
        return -1;
    j->pending++;
    return 0;
}

/* Applied, and not to be noted: too large, or no memory. It must not be called again, so a person is told. */
static void record_failed(struct work *k)
{
    buf_reset(&k->record_text);
    k->account = REDIS_ACCOUNT_SAME;
    k->outcome.kind = OUTCOME_DEAD;
    k->dead_letter = true;
    k->dead_reason = DEAD_EXHAUSTED;
    snprintf(k->outcome.reason, sizeof(k->outcome.reason), "record_not_kept");
    fault_set(&k->fault, "", "applied at the platform, but its record passes 1 MiB or there was no memory for it");
}

/* What the provider gave back may be too much for Redis: then the facts do without it. */
static void make_facts(struct work *k)
{
    buf_reset(&k->facts);
    outcome_facts_encode(&k->outcome, &k->facts);
    if (buf_ok(&k->facts))
        return;
    json_decref(k->outcome.given);
    k->outcome.given = NULL;
    buf_reset(&k->facts);
    outcome_facts_encode(&k->outcome, &k->facts);
}

void decide_start(struct worker *w, struct job *j, const json_t *patch)
{
    struct work *k = j->work;
    k->judged_ns = loop_now_ns(w->loop);
    job_release_place(w, j);
    telemetry_stage(w->tel, STAGE_CALL, k->call_ns);
    k->outcome.attempts = j->calls;
    k->account = REDIS_ACCOUNT_SAME;
    buf_reset(&k->record_text);
    if (outcome_kind_moves_record(k->outcome.kind) && !make_record(w, k, j->offset, patch))
        record_failed(k);
    make_facts(k);
    job_go(w, j, JOB_DECIDING);
    if (k->redis_life != w->redis_life || send_decide(w, j) != 0) {
        k->owes_decide = true;
        publish_start(w, j);
    }
}

void decide_refused(struct worker *w, struct job *j, const char *reason, const char *detail)
{
    struct work *k = j->work;
    char word[sizeof(k->outcome.reason)];
    snprintf(word, sizeof(word), "%s", reason); /* it may be the outcome's own text */
    k->outcome.kind = OUTCOME_REJECTED;
    memcpy(k->outcome.reason, word, sizeof(word));
    snprintf(k->outcome.answer, sizeof(k->outcome.answer), "%s", detail);
    decide_start(w, j, NULL);
}

void decide_dead(struct worker *w, struct job *j, enum dead_reason why, const char *reason)
{
    struct work *k = j->work;
    k->outcome.kind = OUTCOME_DEAD;
    k->dead_letter = true;
    k->dead_reason = why;
    fault_set(&k->fault, "", "%s", reason);
    snprintf(k->outcome.reason, sizeof(k->outcome.reason), "%s",
             why == DEAD_IN_DOUBT || why == DEAD_IMPLAUSIBLE ? dead_reason_name(why) : reason);
    decide_start(w, j, NULL);
}

static void wait_owing(struct worker *w, struct job *j)
{
    if (heap_set(&w->timers, &j->timer, loop_now_ms(w->loop) + DECIDE_AGAIN_MS) != 0)
        partitions_drain(w, DRAIN_STOP); /* settled without Redis knowing, its lane would be blocked for ever */
}

static void on_decided(void *arg, enum redis_result res)
{
    struct job *j = arg;
    struct worker *w = j->worker;
    if (job_callback_is_late(w, j))
        return;
    bool forgotten = j->work->redis_life != w->redis_life;
    switch (res) {
    case REDIS_OK:
        crash_point("decided");
        guard_account(j->part, j->work->account);
        break;
    case REDIS_FENCED: /* a fenced owner decides nothing; what it knows it keeps, should the claim be its own again */
        if (!forgotten) {
            if (!j->doubt)
                call_doubt(w, j, true);
            job_wait(w, j, 1000, j->work->run != NULL && run_state(j->work->run) == RUN_END);
            return;
        }
        j->work->owes_decide = true; /* it was Redis that lost the claim */
        break;
    case REDIS_LOST:
    case REDIS_FAILED: /* Kafka is the truth: publish all the same, Redis is told after that */
        j->work->owes_decide = true;
        break;
    }
    publish_start(w, j);
}

/* ---- what Redis was not told, told when it is published: it may have forgotten the claim by then ---- */

static void on_owed(void *arg, enum redis_result res)
{
    struct job *j = arg;
    struct worker *w = j->worker;
    if (job_callback_is_late(w, j))
        return;
    if (res != REDIS_OK) {
        wait_owing(w, j);
        return;
    }
    if (j->work->account != REDIS_ACCOUNT_SAME) /* its DECIDE may have been done */
        guard_recount(j->part);
    publish_done(w, j);
}

static int send_owed(struct worker *w, struct job *j)
{
    struct work *k = j->work;
    bool moves = k->record_text.len > 0;
    /* The record's own axes: what is published again was decided at another place, or others have moved them since. */
    struct merge_axis axes[RECORD_AXES_MAX];
    json_t *record = moves ? record_parse(k->record_text.data, k->record_text.len) : NULL;
    size_t axis_count = record != NULL ? takeover_axes_of(record, axes) : 0;
    if (moves && record == NULL)
        return -1;
    struct merge_request m = {
        .service = k->event.service,
        .fence = k->fence,
        .event_key = k->event.key,
        .fingerprint = k->fingerprint,
        .outcome = buf_cstr(&k->facts),
        .outcome_len = k->facts.len,
        .dead = k->outcome.kind == OUTCOME_DEAD,
        .record = moves ? k->record_text.data : NULL,
        .record_len = k->record_text.len,
        .account = takeover_account_of(record),
        .partition = j->partition,
        .order_by = record != NULL ? json_text(record, "order_by") : "",
        .axes = axes,
        .axis_count = axis_count,
    };
    int res = redis_merge(w->redis, &m, on_owed, j);
    json_decref(record);
    if (res != 0)
        return -1;
    j->pending++;
    return 0;
}

void decide_owed(struct worker *w, struct job *j)
{
    make_facts(j->work);
    if (!redis_is_up(w->redis) || send_owed(w, j) != 0)
        wait_owing(w, j);
}

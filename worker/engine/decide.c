/* decide.c - the end of an event: DECIDE in Redis, then outcome, record and dead letter in Kafka, then its offset. */
#include <stdio.h>
#include <string.h>

#include "engine/state.h"

#define PUBLISH_AGAIN_MS 500

static void on_decided(void *arg, enum redis_result res);

/* The record after the event, as text; without memory none is published and none is kept: the axes are not moved. */
static bool make_record(struct work *k, const json_t *patch)
{
    struct order order;
    buf_reset(&k->record_text);
    if (order_parse(k->order, &order) != 0 ||
        record_apply(k->record, &k->event, order, patch, k->fence, NULL) != 0)
        return false;
    json_add_compact(&k->record_text, k->record);
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
        .order = k->order,
        .by_sequence = k->event.sequence != NULL,
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
    job_release_slot(w, j);
    telemetry_stage(w->tel, STAGE_CALL, k->call_ns);
    k->outcome.attempts = j->calls;
    buf_reset(&k->record_text);
    if (outcome_kind_moves_record(k->outcome.kind) && !make_record(k, patch))
        record_failed(k);
    make_facts(k);
    job_go(w, j, JOB_DECIDING);
    if (send_decide(w, j) != 0) {
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

/* All that is durable is durable. Until Redis knows it too the offset stays open: after a crash the event is delivered
 * again, since what Redis holds as sent and nobody ever decides would block its lane for ever. */
static void done(struct worker *w, struct job *j)
{
    offsets_settle(j->part->offsets, j->offset);
    j->part->dirty = true;
    atomic_store_explicit(&w->moved_at_ms, clock_boot_ms(), memory_order_relaxed);
    job_settle(w, j);
}

static void on_decided(void *arg, enum redis_result res)
{
    struct job *j = arg;
    struct worker *w = j->worker;
    if (job_callback_is_late(w, j))
        return;
    bool owing = j->state == JOB_OWING;
    switch (res) {
    case REDIS_OK:
        break;
    case REDIS_FENCED: /* a fenced owner decides nothing; what it knows it keeps, should the claim be its own again */
        if (!owing) {
            if (!j->doubt)
                call_doubt(w, j, true);
            job_wait(w, j, 1000, j->work->run != NULL && run_state(j->work->run) == RUN_END);
            return;
        }
        break;
    case REDIS_LOST:
    case REDIS_FAILED: /* Kafka is the truth: publish all the same, DECIDE follows */
        j->work->owes_decide = true;
        break;
    }
    if (!owing) {
        publish_start(w, j);
    } else if (res == REDIS_FAILED) {
        if (heap_set(&w->timers, &j->timer, loop_now_ms(w->loop) + PUBLISH_AGAIN_MS) != 0)
            partitions_drain(w, DRAIN_STOP);
    } else {
        done(w, j);
    }
}

void decide_owed(struct worker *w, struct job *j)
{
    if (redis_is_up(w->redis) && send_decide(w, j) == 0)
        return;
    if (heap_set(&w->timers, &j->timer, loop_now_ms(w->loop) + PUBLISH_AGAIN_MS) != 0)
        partitions_drain(w, DRAIN_STOP); /* settled without Redis knowing, its lane would be blocked for ever */
}

/* ---- publishing ---- */

static void log_outcome(struct worker *w, const struct job *j)
{
    const struct work *k = j->work;
    const struct outcome *o = &k->outcome;
    bool bad = o->kind == OUTCOME_DEAD || o->kind == OUTCOME_CONFLICT;
    if (!log_begin(w->log, bad ? LOG_LEVEL_WARN : LOG_LEVEL_INFO, "outcome"))
        return;
    int64_t now = loop_now_ns(w->loop);
    log_str(w->log, "service", k->event.service);
    log_str(w->log, "type", event_type_name(k->event.type));
    log_str(w->log, "id", k->event.id);
    log_str(w->log, "outcome", outcome_kind_name(o->kind));
    log_str(w->log, "reason", o->reason[0] != '\0' ? o->reason : NULL);
    log_str(w->log, "resolved", o->resolved[0] != '\0' ? o->resolved : NULL);
    log_int(w->log, "attempts", o->attempts);
    if (o->status != 0)
        log_int(w->log, "status", o->status);
    log_int(w->log, "partition", j->partition);
    log_int(w->log, "offset", j->offset);
    log_us_as_ms(w->log, "lane_ms", (k->started_ns - j->arrived_ns) / 1000);
    log_us_as_ms(w->log, "claim_ms", (k->claimed_ns - k->started_ns) / 1000);
    log_us_as_ms(w->log, "call_ms", k->call_ns / 1000);
    log_us_as_ms(w->log, "outcome_ms", (now - k->judged_ns) / 1000);
    log_end(w->log);
}

static void log_dead_letter(struct worker *w, const struct job *j)
{
    const struct work *k = j->work;
    if (!log_begin(w->log, LOG_LEVEL_WARN, "dead_letter"))
        return;
    log_str(w->log, "reason", dead_reason_name(k->dead_reason));
    log_str(w->log, "pointer", k->fault.pointer[0] != '\0' ? k->fault.pointer : NULL);
    log_str(w->log, "detail", k->fault.reason[0] != '\0' ? k->fault.reason : NULL);
    log_int(w->log, "partition", j->partition);
    log_int(w->log, "offset", j->offset);
    log_end(w->log);
}

/* Everything is acknowledged. */
static void settle(struct worker *w, struct job *j)
{
    struct work *k = j->work;
    if (k->judged_ns != 0)
        telemetry_stage(w->tel, STAGE_OUTCOME, loop_now_ns(w->loop) - k->judged_ns);
    if (k->dead_letter) {
        telemetry_dead_letter(w->tel, dead_reason_name(k->dead_reason));
        log_dead_letter(w, j);
    }
    if (k->decoded && k->judged_ns != 0) {
        telemetry_outcome(w->tel, k->event.type, k->outcome.kind);
        log_outcome(w, j);
    }
    if (k->owes_decide) {
        job_go(w, j, JOB_OWING);
        decide_owed(w, j);
    } else {
        done(w, j);
    }
}

static void on_ack(void *arg, bool ok, const char *why)
{
    struct job *j = arg;
    struct worker *w = j->worker;
    if (job_callback_is_late(w, j))
        return;
    struct work *k = j->work;
    k->unacked--;
    if (!ok) {
        k->ack_failed = true;
        telemetry_count(w->tel, COUNTER_PUBLISH_FAILURES, 1);
        if (log_begin(w->log, LOG_LEVEL_WARN, "publish_failed")) {
            log_int(w->log, "partition", j->partition);
            log_int(w->log, "offset", j->offset);
            log_str(w->log, "error", why);
            log_int(w->log, "retry_in_ms", PUBLISH_AGAIN_MS);
            log_end(w->log);
        }
    }
    if (k->unacked > 0)
        return;
    if (!k->ack_failed)
        settle(w, j);
    else if (heap_set(&w->timers, &j->timer, loop_now_ms(w->loop) + PUBLISH_AGAIN_MS) != 0)
        publish_start(w, j);
}

static bool send(struct worker *w, struct job *j, const struct producer_message *m)
{
    if (producer_send(w->producer, m, on_ack, j, NULL) != 0)
        return false;
    j->pending++;
    j->work->unacked++;
    return true;
}

static bool send_outcome(struct worker *w, struct job *j)
{
    struct work *k = j->work;
    struct outcome_place at = {
        .partition = j->partition,
        .offset = j->offset,
        .order = event_order(&k->event, w->o.settings->epoch, j->offset),
        .fence = k->fence,
        .now_ms = clock_real_ms(),
    };
    char key[512];
    int key_len = snprintf(key, sizeof(key), "%s/%s", w->provider->name, k->event.service);
    buf_reset(&w->scratch);
    outcome_encode(&k->outcome, &k->event, &at, k->record_text.len > 0 ? k->record_text.data : NULL,
                   k->record_text.len, &w->scratch);
    struct event_header type = {"content-type", "application/cloudevents+json", 28};
    struct producer_message m = {
        .topic = w->topic[TOPIC_OUTCOMES],
        .partition = j->partition,
        .key = key,
        .key_len = (size_t)key_len,
        .value = buf_cstr(&w->scratch),
        .value_len = w->scratch.len,
        .headers = &type,
        .header_count = 1,
    };
    return buf_ok(&w->scratch) && send(w, j, &m);
}

static bool send_record(struct worker *w, struct job *j)
{
    struct work *k = j->work;
    struct producer_message m = {
        .topic = w->topic[TOPIC_RECORDS],
        .partition = j->partition,
        .key = k->event.service,
        .key_len = strlen(k->event.service),
        .value = k->record_text.data,
        .value_len = k->record_text.len,
    };
    return send(w, j, &m);
}

static bool send_dead_letter(struct worker *w, struct job *j)
{
    struct work *k = j->work;
    struct event_message original;
    struct event_header headers[JOB_HEADERS_MAX + DEAD_HEADERS_MAX];
    struct dead_store store;
    struct dead_letter d = {
        .reason = k->dead_reason,
        .detail = k->fault.reason,
        .pointer = k->fault.pointer,
        .topic = w->topic[TOPIC_EVENTS],
        .partition = j->partition,
        .offset = j->offset,
        .attempts = k->outcome.attempts,
        .round = k->outcome.round,
        .now_ms = clock_real_ms(),
    };
    job_message(j, &original, headers);
    size_t added = dead_letter_headers(&d, &store, headers + original.header_count);
    struct producer_message m = {
        .topic = w->topic[TOPIC_DEAD],
        .partition = j->partition,
        .key = original.key,
        .key_len = original.key_len,
        .value = original.value,
        .value_len = original.value_len,
        .headers = headers,
        .header_count = original.header_count + added,
    };
    return send(w, j, &m);
}

void publish_start(struct worker *w, struct job *j)
{
    struct work *k = j->work;
    job_release_slot(w, j);
    if (j->state != JOB_PUBLISHING)
        job_go(w, j, JOB_PUBLISHING);
    k->ack_failed = false;
    bool sent = true;
    if (k->decoded && k->judged_ns != 0)
        sent = send_outcome(w, j);
    if (sent && k->record_text.len > 0)
        sent = send_record(w, j);
    if (sent && k->dead_letter)
        sent = send_dead_letter(w, j);
    if (sent)
        return;
    k->ack_failed = true; /* queue full: what went out is waited for, then all goes out again */
    if (k->unacked == 0 && heap_set(&w->timers, &j->timer, loop_now_ms(w->loop) + PUBLISH_AGAIN_MS) != 0)
        partitions_drain(w, DRAIN_STOP);
}

/* publish.c - the end of an event in Kafka: outcome, record and dead letter, and when all are acknowledged its offset.
 *
 * While more waits than there are slots, what is to be published gathers for a moment: the messages of a partition then
 * go in one request where each would have its own, which is most of their cost here and at the broker. A lane goes on
 * only after its event is published, so a long lane is not made to wait. */
#include <stdio.h>
#include <string.h>

#include "base/crash_point.h"
#include "engine/aside.h"
#include "engine/dates.h"
#include "engine/state.h"

#define PUBLISH_AGAIN_MS 500
#define GATHER_MS 10
#define GATHER_MAX 500
#define LONG_LANE 8
#define NOT_OURS_MS 100

static void log_outcome(struct worker *w, const struct job *j)
{
    const struct work *k = j->work;
    const struct outcome *o = &k->outcome;
    bool bad = o->kind == OUTCOME_DEAD || o->kind == OUTCOME_CONFLICT;
    if (!log_begin(w->log, bad ? LOG_LEVEL_WARN : LOG_LEVEL_INFO, "outcome"))
        return;
    int64_t now = loop_now_ns(w->loop);
    job_log_event(w, j);
    log_str(w->log, "outcome", outcome_kind_name(o->kind));
    log_str(w->log, "reason", o->reason[0] != '\0' ? o->reason : NULL);
    log_str(w->log, "resolved", o->resolved[0] != '\0' ? o->resolved : NULL);
    log_int(w->log, "attempts", o->attempts);
    if (o->status != 0)
        log_int(w->log, "status", o->status);
    log_int(w->log, "partition", j->partition);
    log_int(w->log, "offset", j->offset);
    log_us_as_ms(w->log, "lane_ms", (k->started_ns - j->arrived_ns) / 1000);
    log_us_as_ms(w->log, "slot_ms", k->slot_ns / 1000);
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

/* A lane has become shorter. What is no event, or is misplaced, stood in the lane of its key, though that may be a service of another
 * partition: what was set aside there waits for the lane, too. */
static void look_aside(struct worker *w, struct partition *p, const char *service, bool is_of_service)
{
    if (is_of_service) {
        aside_look(w, p, service);
        return;
    }
    for (int32_t i = 0; i < w->part_count; i++)
        if (w->parts[i] != NULL)
            aside_look(w, w->parts[i], service);
}

/* All that is durable is durable. Until Redis knows it too the offset stays open: after a crash the event is delivered
 * again, since what Redis holds as sent and nobody ever decides would block its lane for ever. */
void publish_done(struct worker *w, struct job *j)
{
    struct partition *p = j->part;
    char service[ENTRY_SERVICE_SIZE] = "";
    bool is_of_service = j->work->judged_ns != 0;
    if (waits_count(p->waits) > 0 || !is_of_service)
        snprintf(service, sizeof(service), "%s", j->bytes);
    if (j->wait != NULL && park_holds(w, j))
        aside_is_dead(j);
    else if (j->wait != NULL)
        aside_finished(w, j);
    supersede_settled(j);
    bool later = aside_supersede(j);
    if (!j->from_entry && !later) {
        offsets_settle(p->offsets, j->offset);
        p->dirty = true;
    }
    atomic_store_explicit(&w->moved_at_ms, clock_boot_ms(), memory_order_relaxed);
    job_settle(w, j);
    if (service[0] != '\0')
        look_aside(w, p, service, is_of_service);
}

/* It was decided in another life of Redis, and may not have been among the outcomes that were merged into this one. */
static bool was_forgotten(const struct worker *w, const struct work *k)
{
    bool is_no_result = k->dead_letter && (k->dead_reason == DEAD_CONFLICT || k->dead_reason == DEAD_MIXED_ORDER);
    return k->decoded && k->judged_ns != 0 && !is_no_result && k->redis_life != w->redis_life;
}

static void publish_again(struct worker *w, struct job *j)
{
    if (heap_set(&w->timers, &j->timer, loop_now_ms(w->loop) + PUBLISH_AGAIN_MS) != 0)
        partitions_drain(w, DRAIN_STOP);
}

static void on_entry_ack(void *arg, bool ok, int64_t offset, const char *why);

/* The entry of the waiting topic ends only when the outcome is there, and that of a dead event is not written before: a crash
 * between the two leaves an entry, or an event of the input topic, whose outcome is known, and not one that nobody has. */
static void bury(struct worker *w, struct job *j)
{
    if (!j->part->waits_ready) { /* an earlier owner may still write there */
        if (w->drain == DRAIN_NONE)
            publish_again(w, j);
        else
            job_drop(w, j);
        return;
    }
    crash_point("entry_decided");
    j->work->buried = true;
    bool sent = commits_own(w) && (park_holds(w, j) ? aside_send_dead(w, j, on_entry_ack) : aside_send_tombstone(w, j, on_entry_ack));
    if (!sent)
        publish_again(w, j);
}

/* Everything is acknowledged. */
static void settle(struct worker *w, struct job *j)
{
    struct work *k = j->work;
    k->published = true;
    aside_take_late(j);
    if (!k->buried && (j->wait != NULL || park_holds(w, j))) {
        bury(w, j);
        return;
    }
    crash_point("acknowledged");
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
    if (k->owes_decide || was_forgotten(w, k)) {
        job_go(w, j, JOB_OWING);
        decide_owed(w, j);
    } else {
        publish_done(w, j);
    }
}

void publish_log_failure(struct worker *w, const struct job *j, const char *why)
{
    telemetry_count(w->tel, COUNTER_PUBLISH_FAILURES, 1);
    if (!log_begin(w->log, LOG_LEVEL_WARN, "publish_failed"))
        return;
    log_int(w->log, "partition", j->partition);
    log_int(w->log, "offset", j->offset);
    log_str(w->log, "error", why);
    log_int(w->log, "retry_in_ms", PUBLISH_AGAIN_MS);
    log_end(w->log);
}

static void acked(struct worker *w, struct job *j, bool ok, const char *why)
{
    struct work *k = j->work;
    k->unacked--;
    if (!ok) {
        k->ack_failed = true;
        publish_log_failure(w, j, why);
    }
    if (k->unacked > 0)
        return;
    if (!k->ack_failed)
        settle(w, j);
    else if (heap_set(&w->timers, &j->timer, loop_now_ms(w->loop) + PUBLISH_AGAIN_MS) != 0)
        publish_start(w, j);
}

static void on_ack(void *arg, bool ok, int64_t offset, const char *why)
{
    struct job *j = arg;
    (void)offset;
    if (!job_callback_is_late(j->worker, j))
        acked(j->worker, j, ok, why);
}

static void on_entry_ack(void *arg, bool ok, int64_t offset, const char *why)
{
    struct job *j = arg;
    if (job_callback_is_late(j->worker, j))
        return;
    if (ok)
        j->wait->at = offset;
    acked(j->worker, j, ok, why);
}

void publish_note_outcome(struct job *j, bool ok, int64_t offset)
{
    if (!ok || offset < 0)
        return;
    if (offset >= j->part->out_end)
        j->part->out_end = offset + 1;
    takeover_note_own(j->part, offset);
}

static void on_outcome_ack(void *arg, bool ok, int64_t offset, const char *why)
{
    struct job *j = arg;
    if (job_callback_is_late(j->worker, j))
        return;
    publish_note_outcome(j, ok, offset);
    acked(j->worker, j, ok, why);
}

bool publish_send(struct worker *w, struct job *j, const struct producer_message *m, producer_ack_fn *on)
{
    if (producer_send(w->producer, m, on, j, NULL) != 0)
        return false;
    j->pending++;
    j->work->unacked++;
    return true;
}

bool publish_event(struct worker *w, struct job *j, const json_t *event, producer_ack_fn *on)
{
    static const struct event_header type = {"content-type", "application/cloudevents+json", 28};
    const char *service = j->work->event.service;
    buf_reset(&w->scratch);
    json_add_compact(&w->scratch, event);
    struct producer_message m = {
        .topic = w->topic[TOPIC_EVENTS],
        .partition = j->partition,
        .key = service,
        .key_len = strlen(service),
        .value = buf_cstr(&w->scratch),
        .value_len = w->scratch.len,
        .headers = &type,
        .header_count = 1,
    };
    return buf_ok(&w->scratch) && publish_send(w, j, &m, on);
}

bool publish_notice(struct worker *w, struct job *j, producer_ack_fn *fn)
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
    return buf_ok(&w->scratch) && publish_send(w, j, &m, fn);
}

bool publish_record(struct worker *w, struct job *j, producer_ack_fn *fn)
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
    return publish_send(w, j, &m, fn);
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
    return publish_send(w, j, &m, on_ack);
}

static void publish_now(struct worker *w, struct job *j)
{
    struct work *k = j->work;
    k->ack_failed = k->buried = false;
    if (k->published) {
        settle(w, j);
        return;
    }
    if (k->out_floor < 0)
        k->out_floor = j->part->out_end;
    bool sent = true;
    if (k->decoded && k->judged_ns != 0)
        sent = publish_notice(w, j, on_outcome_ack);
    if (sent && k->record_text.len > 0)
        sent = publish_record(w, j, on_ack);
    if (sent && k->dead_letter)
        sent = send_dead_letter(w, j);
    sent = sent && dates_send_implied(w, j, on_ack);
    if (sent) {
        crash_point("produced");
        return;
    }
    k->ack_failed = true; /* queue full: what went out is waited for, then all goes out again */
    if (k->unacked == 0)
        publish_again(w, j);
}

/* ---- gathering ---- */

void publish_start(struct worker *w, struct job *j)
{
    job_release_place(w, j);
    job_release_run(j);
    if (j->state != JOB_PUBLISHING)
        job_go(w, j, JOB_PUBLISHING);
    struct gathering *g = &w->gathering;
    job_list_add(&g->jobs, j);
    if (g->jobs.n == 1)
        g->since_ms = loop_now_ms(w->loop);
    if (lane_depth(j->item.lane) >= LONG_LANE)
        g->urgent = true;
}

int64_t publish_wait_ms(const struct worker *w)
{
    const struct gathering *g = &w->gathering;
    int64_t wait = g->since_ms + GATHER_MS - loop_now_ms(w->loop);
    if (!commits_own(w))
        return NOT_OURS_MS;
    bool gathers = w->drain == DRAIN_NONE && lanes_any_ready(w->lanes) && !g->urgent && g->jobs.n < GATHER_MAX;
    return gathers && wait > 0 ? wait : 0;
}

void publish_gathered(struct worker *w)
{
    if (w->gathering.jobs.n == 0 || publish_wait_ms(w) > 0)
        return;
    struct job_list jobs = w->gathering.jobs;
    w->gathering = (struct gathering){0}; /* what cannot be sent gathers anew */
    struct job *j;
    while ((j = job_list_take(&jobs)) != NULL)
        if (!job_callback_is_late(w, j))
            publish_now(w, j);
}

/* aside.c - events that wait for long leave the input topic for the waiting topic, so that one account never stops a
 * partition; and come back. RELIABILITY.md section 5.
 *
 * The index of a partition's entries (core/waits.h) is read before its first claim. An entry is called only after the
 * quarantine that follows an assignment, when the waiting topic was read to its end once more: the group does not fence
 * who writes there. Before its call it is rewritten as `sending`, since the ceiling does not cover it. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/crash_point.h"
#include "engine/aside.h"
#include "engine/state.h"

#define AGAIN_MS 500
#define ALARM_EACH 1000 /* entries of one service: somebody should look at it */

/* ---- an entry, written ---- */

static uint64_t fence_of(const char *text)
{
    return strtoull(text, NULL, 10);
}

/* Not below any that was ever read of this partition: all others had written by then. */
static void entry_fence(const struct worker *w, const struct job *j, char ret[ENTRY_FENCE_SIZE])
{
    uint64_t fence = j->part->waits_fence, own = fence_of(j->work->fence), seen = fence_of(w->fence);
    fence = own > fence ? own : fence;
    fence = seen > fence ? seen : fence;
    snprintf(ret, ENTRY_FENCE_SIZE, "%" PRIu64, fence);
}

static bool fill(struct worker *w, const struct job *j, struct entry *e)
{
    const struct work *k = j->work;
    int64_t now = clock_real_ms();
    *e = (struct entry){
        .place = {.partition = j->partition, .offset = j->offset},
        .state = k->aside.state,
        .reason = k->aside.reason,
        .behind = k->aside.behind,
        .order = event_order(&k->event, w->o.settings->epoch, j->offset),
        .round = k->outcome.round,
        .try_no = j->wait != NULL ? j->wait->try_no : 0,
        .attempts = j->calls,
        .counted = j->tries,
        .status = k->outcome.status,
        .release_at_ms = k->aside.release_at_ms,
        .came_ms = j->came_ms,
        .since_ms = j->wait != NULL && j->wait->since_ms != 0 ? j->wait->since_ms : now,
        .now_ms = now,
    };
    if (j->first_try_ms != 0)
        e->first_try_ms = now - (pace_up_ms(w) - j->first_try_ms);
    if (j->doubt)
        e->sent_ms = now - (loop_now_ms(w->loop) - j->doubt_since_ms);
    snprintf(e->detail, sizeof(e->detail), "%s", k->outcome.reason);
    if (k->run != NULL)
        snprintf(e->step, sizeof(e->step), "%s", run_step(k->run));
    else if (j->steps != NULL && !j->doubt_all)
        run_saved_step(j->steps, j->steps_len, e->step, sizeof(e->step));
    if (!j->doubt_all) { /* else nobody knows to which step it came */
        e->steps = j->steps;
        e->steps_len = j->steps_len;
    }
    entry_fence(w, j, e->fence);
    return entry_of_event(&k->event, e) == 0;
}

static void acked(struct worker *w, struct job *j, bool ok, const char *why);

static void on_entry_ack(void *arg, bool ok, int64_t offset, const char *why)
{
    struct job *j = arg;
    if (job_callback_is_late(j->worker, j))
        return;
    if (ok)
        j->wait->at = offset;
    acked(j->worker, j, ok, why);
}

static void on_notice_ack(void *arg, bool ok, int64_t offset, const char *why)
{
    struct job *j = arg;
    if (job_callback_is_late(j->worker, j))
        return;
    publish_note_outcome(j, ok, offset);
    acked(j->worker, j, ok, why);
}

static bool send_entry(struct worker *w, struct job *j, const struct entry *e, producer_ack_fn *fn)
{
    struct event_message original;
    struct event_header headers[JOB_HEADERS_MAX + ENTRY_HEADERS_MAX];
    struct entry_store store;
    char key[ENTRY_KEY_SIZE];
    job_message(j, &original, headers);
    size_t added = entry_headers(e, &store, headers + original.header_count);
    struct producer_message m = {
        .topic = w->topic[TOPIC_WAITING],
        .partition = j->partition,
        .key = key,
        .key_len = entry_key_format(e->service, e->place, key),
        .value = original.value,
        .value_len = original.value_len,
        .headers = headers,
        .header_count = original.header_count + added,
    };
    return added != 0 && publish_send(w, j, &m, fn);
}

static void again(struct worker *w, struct job *j)
{
    if (heap_set(&w->timers, &j->timer, loop_now_ms(w->loop) + AGAIN_MS) != 0)
        partitions_drain(w, DRAIN_STOP);
}

/* What comes behind it in its lane must find it there. False: no memory, and it is out of the index. */
static bool put_in_index(struct job *j, const struct entry *e)
{
    struct wait *x = waits_put(j->part->waits, e, j->wait != NULL ? j->wait->at : -1);
    j->wait = x;
    if (x == NULL)
        return false;
    x->busy = true;
    x->unsure = false;
    return true;
}

/* In the index first. */
static void write_entry(struct worker *w, struct job *j)
{
    struct work *k = j->work;
    struct entry e;
    k->ack_failed = false;
    if (k->aside.drop) {
        if (!commits_own(w) || !aside_send_tombstone(w, j, on_entry_ack))
            again(w, j);
        return;
    }
    if (!commits_own(w) || !fill(w, j, &e) || !put_in_index(j, &e)) {
        again(w, j);
        return;
    }
    bool sent = send_entry(w, j, &e, on_entry_ack);
    if (sent && k->aside.notice)
        sent = publish_notice(w, j, on_notice_ack);
    k->ack_failed = !sent;
    if (k->unacked == 0)
        again(w, j);
}

void aside_again(struct worker *w, struct job *j)
{
    write_entry(w, j);
}

/* ---- set aside ---- */

static void log_aside(struct worker *w, const struct job *j)
{
    const struct work *k = j->work;
    size_t n = waits_count_of(j->part->waits, wait_service_name(j->wait));
    if (!log_begin(w->log, n > 0 && n % ALARM_EACH == 0 ? LOG_LEVEL_WARN : LOG_LEVEL_INFO, "set_aside"))
        return;
    job_log_event(w, j);
    log_int(w->log, "waiting_of_service", (int64_t)n);
    log_str(w->log, "state", entry_state_name(k->aside.state));
    log_str(w->log, "waits_for", entry_reason_name(k->aside.reason));
    log_int(w->log, "partition", j->partition);
    log_int(w->log, "offset", j->offset);
    log_end(w->log);
}

static void log_dropped(struct worker *w, const struct job *j)
{
    if (!log_begin(w->log, LOG_LEVEL_INFO, "dead_closed"))
        return;
    job_log_event(w, j);
    log_str(w->log, "why", j->wait->act == PARK_DROP ? "dropped" : "covered");
    log_int(w->log, "partition", j->partition);
    log_int(w->log, "offset", j->offset);
    log_end(w->log);
}

static enum outcome_kind notice_of(const struct aside *a)
{
    if (a->reason == ENTRY_FOR_DOUBT)
        return OUTCOME_IN_DOUBT;
    return a->reason == ENTRY_FOR_GUARD || entry_reason_is_polled(a->reason) ? OUTCOME_HELD : OUTCOME_WAITING;
}

void aside_keep(struct worker *w, struct job *j)
{
    const struct wait *x = j->wait;
    bool begun = x->state == ENTRY_SENDING, timed = begun || entry_reason_is_timed(x->reason);
    struct aside a = {.state = begun ? ENTRY_DOUBT : x->state,
                      .reason = begun ? ENTRY_FOR_RETRY : x->reason,
                      .release_at_ms = timed ? clock_real_ms() : 0};
    const struct wait *before = aside_blocker(j);
    if (a.reason == ENTRY_FOR_BEHIND && before != NULL)
        a.behind = before->place;
    else if (a.reason == ENTRY_FOR_BEHIND && a.state == ENTRY_DOUBT)
        a = (struct aside){.state = ENTRY_DOUBT, .reason = ENTRY_FOR_RETRY, .release_at_ms = clock_real_ms()};
    else if (a.reason == ENTRY_FOR_BEHIND)
        a = (struct aside){.state = ENTRY_UNSENT, .reason = ENTRY_FOR_FLOOD};
    takeover_unpresume(j);
    aside_set(w, j, &a);
}

/* Whether it may have been sent, when it has to wait for @before. One from the input topic that an older one holds back, and held back
 * before that was worked, was not. */
static bool may_be_sent(const struct job *j, const struct wait *before)
{
    if (j->from_entry)
        return j->presumed;
    return (j->wait != NULL && j->wait->state == ENTRY_DOUBT) || (j->presumed && aside_may_have_passed(j, before));
}

void aside_behind(struct worker *w, struct job *j, const struct wait *before)
{
    struct aside a = {.state = may_be_sent(j, before) ? ENTRY_DOUBT : ENTRY_UNSENT, .reason = ENTRY_FOR_BEHIND, .behind = before->place};
    j->act = PARK_NO_ACT;
    takeover_unpresume(j);
    aside_set(w, j, &a);
}

void aside_set(struct worker *w, struct job *j, const struct aside *a)
{
    struct work *k = j->work;
    job_release_place(w, j);
    k->aside = *a;
    enum outcome_kind notice = notice_of(a);
    k->aside.notice = j->wait == NULL || (notice != OUTCOME_WAITING && j->wait->reason != a->reason);
    if (k->aside.notice)
        k->outcome.kind = notice;
    if (k->out_floor < 0)
        k->out_floor = j->part->out_end;
    job_go(w, j, JOB_ASIDE);
    write_entry(w, j);
}

/* @x is settled, or stands in its topic again: the last of those that an event superseded settles that event. */
static void pay(struct partition *p, struct wait *x)
{
    int64_t offset = waits_pay(x);
    if (offset < 0)
        return;
    offsets_settle(p->offsets, offset);
    p->dirty = true;
}

/* Whoever is next finds it: nothing has to be delivered again for its sake. */
static void stands_again(struct partition *p, struct wait *x)
{
    x->busy = false;
    waits_stand(x);
    pay(p, x);
}

/* Its offset is settled: the waiting topic has it. */
static void is_aside(struct worker *w, struct job *j)
{
    struct partition *p = j->part;
    crash_point("set_aside");
    park_stands(w, j);
    log_aside(w, j);
    telemetry_count(w->tel, COUNTER_SET_ASIDE, 1);
    stands_again(p, j->wait);
    j->wait->act = PARK_NO_ACT;
    j->wait->uncounted = j->uncounted;
    j->wait->asked = j->asked;
    if (waits_is_over(j->wait) && waits_set_due(p->waits, j->wait, clock_real_ms()) != 0) /* due while it was written */
        partitions_drain(w, DRAIN_STOP);
    if (!j->from_entry) {
        offsets_settle(p->offsets, j->offset);
        p->dirty = true;
    }
    atomic_store_explicit(&w->moved_at_ms, clock_boot_ms(), memory_order_relaxed);
    char service[ENTRY_SERVICE_SIZE];
    snprintf(service, sizeof(service), "%s", wait_service_name(j->wait));
    job_settle(w, j);
    aside_look(w, p, service); /* one that covers it may have been called back in vain while it was at work */
}

/* ---- called back ---- */

/* Behind what is in its lane. Without memory the worker stops: its entry is found as it is by the next owner. */
static void push(struct worker *w, struct job *j)
{
    job_release_work(w, j);
    if (lanes_push(w->lanes, j->bytes, j->key_len, &j->item) != 0) {
        job_go(w, j, JOB_DROPPED);
        job_free(w, j);
        partitions_drain(w, DRAIN_STOP);
        return;
    }
    if (lane_depth(j->item.lane) == 1)
        j->ready_ns = loop_now_ns(w->loop);
    if (j->state != JOB_QUEUED)
        job_go(w, j, JOB_QUEUED);
}

/* `sending` is acknowledged: it may be claimed. */
static void is_back(struct worker *w, struct job *j)
{
    crash_point("entry_sending");
    j->wait->act = PARK_NO_ACT;
    j->is_sending = true;
    if (j->item.lane == NULL) {
        push(w, j);
        return;
    }
    job_release_work(w, j);
    job_requeue(w, j);
}

/* A person dropped it, or a newer event that covers it was applied: there is no other outcome. */
static void is_dropped(struct worker *w, struct job *j)
{
    struct partition *p = j->part;
    char service[ENTRY_SERVICE_SIZE];
    snprintf(service, sizeof(service), "%s", wait_service_name(j->wait));
    log_dropped(w, j);
    pay(p, j->wait);
    waits_remove(p->waits, j->wait);
    j->wait = NULL;
    job_settle(w, j);
    aside_look(w, p, service);
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
    if (k->ack_failed)
        again(w, j);
    else if (k->aside.drop)
        is_dropped(w, j);
    else if (k->aside.state == ENTRY_SENDING)
        is_back(w, j);
    else
        is_aside(w, j);
}

struct job *aside_job_of(struct partition *p, const char *service, struct entry_place place, const struct reader_message *rm)
{
    struct event_header headers[JOB_HEADERS_MAX + ENTRY_HEADERS_MAX];
    if (rm->message.header_count > sizeof(headers) / sizeof(headers[0]))
        return NULL;
    struct consumer_delivery d = {
        .partition = p->number, .offset = place.offset, .timestamp_ms = rm->timestamp_ms, .message = rm->message};
    d.message.header_count = entry_original_headers(&rm->message, headers);
    d.message.headers = headers;
    d.message.key = service;
    d.message.key_len = strlen(service);
    struct job *j = job_new(p->worker, p, &d);
    if (j == NULL)
        return NULL;
    j->from_entry = true;
    j->ready_ns = j->arrived_ns;
    return j;
}

bool aside_decode_letter(struct worker *w, struct job *j)
{
    enum dead_reason why;
    return j->work != NULL || (job_work(w, j) != NULL && intake_decode(w, j, &why));
}

void aside_redrive_letter(struct worker *w, struct job *j, unsigned round)
{
    struct work *k = j->work;
    j->round = k->outcome.round = round;
    k->aside = (struct aside){.state = ENTRY_SENDING, .reason = ENTRY_FOR_DEAD};
    job_go(w, j, JOB_ASIDE);
    write_entry(w, j);
    if (j->wait != NULL)
        j->wait->act = PARK_REDRIVE;
}

static uint8_t small(unsigned n)
{
    return n > UINT8_MAX ? UINT8_MAX : (uint8_t)n;
}

/* It goes on where it was; after a person's word its tries begin anew. */
static void resume(struct worker *w, struct job *j, const struct entry *e)
{
    struct wait *x = j->wait;
    bool redrive = x->act == PARK_REDRIVE;
    bool kept = x->act == PARK_APPLIED || x->act == PARK_NOT_APPLIED || x->act == PARK_SUPERSEDED;
    j->act = kept ? (enum park_act)x->act : PARK_NO_ACT;
    j->act_step = park_step_mark(e->step);
    j->goes_first = x->act == PARK_HOLDER;
    j->released = x->act == PARK_RELEASE || (e->state == ENTRY_SENDING && e->reason == ENTRY_FOR_DATE);
    j->round = j->work->outcome.round = e->round + redrive;
    j->calls = redrive ? 0 : small(e->attempts);
    if (x->act == PARK_NO_ACT || x->act == PARK_SUPERSEDED || x->act == PARK_HOLDER) {
        j->tries = small(e->counted);
        if (e->first_try_ms != 0)
            j->first_try_ms = pace_up_ms(w) - (clock_real_ms() - e->first_try_ms);
        j->uncounted = x->uncounted;
        j->asked = x->asked;
    }
    if (e->steps_len > 0)
        park_keep_steps(j, e->steps, e->steps_len);
    j->steps_known = e->state == ENTRY_DOUBT && e->steps_len > 0;
    if (e->state == ENTRY_DOUBT || e->state == ENTRY_SENDING) /* or an earlier owner was about to call it */
        takeover_presume(j);
}

/* As it was, under a fence of today. */
static void rewrite(struct worker *w, struct job *j, const struct entry *e)
{
    struct work *k = j->work;
    k->aside.state = e->state;
    k->aside.release_at_ms = e->release_at_ms;
    k->outcome.status = e->status;
    snprintf(k->outcome.reason, sizeof(k->outcome.reason), "%s", e->detail);
    j->wait->overwritten = false;
    takeover_unpresume(j);
    job_go(w, j, JOB_ASIDE);
    write_entry(w, j);
}

/* What it waited for has not come: its claim is only to tell what became of it, and it is held anew. What says of such a reason that it is
 * being sent was let go: by a person's word, by its date, or by an earlier owner for one of these. */
static bool only_looked_at(const struct wait *x)
{
    if (x->act == PARK_RELEASE)
        return false;
    if (x->reason == ENTRY_FOR_GUARD)
        return x->unsure || x->state != ENTRY_SENDING;
    return x->reason == ENTRY_FOR_DATE && (x->unsure || x->act == PARK_HOLDER);
}

static struct aside sending(const struct wait *x)
{
    enum entry_reason reason = only_looked_at(x) ? ENTRY_FOR_RETRY : x->reason;
    return (struct aside){.state = ENTRY_SENDING, .reason = reason, .behind = x->behind,
                          .drop = x->act == PARK_DROP || (x->act == PARK_SUPERSEDED && x->state == ENTRY_DEAD)};
}

void aside_begin_again(struct worker *w, struct job *j, const struct entry *e)
{
    struct wait *x = j->wait;
    struct work *k = job_work(w, j);
    enum dead_reason why;
    if (k == NULL || !intake_decode(w, j, &why)) { /* it was read once: memory, or a later version's schema */
        x->busy = false;
        waits_stand(x);
        if (waits_set_due(j->part->waits, x, clock_real_ms() + 60000) != 0)
            partitions_drain(w, DRAIN_STOP);
        job_go(w, j, JOB_DROPPED);
        job_free(w, j);
        return;
    }
    k->aside = sending(x);
    j->came_ms = e->came_ms;
    resume(w, j, e);
    if (x->act == PARK_REWRITE) {
        rewrite(w, j, e);
        return;
    }
    if (k->aside.drop && redis_is_up(w->redis))
        (void)redis_close(w->redis, e->service, e->key, e->round, NULL, NULL);
    x->try_no++;
    if ((x->in_order || x->act == PARK_SUPERSEDED) && !k->aside.drop) { /* with others, of which one is sent at a time */
        push(w, j);
        return;
    }
    job_go(w, j, JOB_ASIDE);
    write_entry(w, j);
}

bool aside_says_sending(struct worker *w, struct job *j)
{
    if (!j->from_entry || j->is_sending)
        return false;
    job_release_place(w, j);
    j->work->aside = sending(j->wait);
    job_go(w, j, JOB_ASIDE);
    write_entry(w, j);
    return true;
}

/* ---- the index ---- */

static void log_void(struct worker *w, const struct entry *e, const char *why)
{
    if (!log_begin(w->log, LOG_LEVEL_WARN, "waiting_entry_void"))
        return;
    log_str(w->log, "service", e->service);
    log_int(w->log, "partition", e->place.partition);
    log_int(w->log, "offset", e->place.offset);
    log_str(w->log, "why", why);
    log_end(w->log);
}

/* An entry that another owner wrote after this one had read all: he had lost the partition by then. Its event, where it comes from
 * the input topic still, takes it up; where it has come and is done, it is called back, and found decided. */
static void took_late(struct partition *p, struct wait *x)
{
    if (!offsets_is_open(p->offsets, x->place.offset) && x->place.offset < offsets_next(p->offsets))
        x->unsure = true;
}

/* The group fences nobody who writes there. Of one key the write with the highest fence counts, and of two with the same the later;
 * one below it came too late, and what it overwrote is written again. */
static void take_entry(struct partition *p, const struct entry *e, struct wait *x, int64_t at)
{
    uint64_t fence = fence_of(e->fence);
    bool is_new = x == NULL;
    if (!is_new && fence < x->fence && x->gone) {
        is_new = true; /* its tombstone was overwritten: it is called back, and found decided */
    } else if (!is_new && fence < x->fence) {
        x->overwritten = true;
        return;
    }
    bool again = x != NULL && x->gone && is_new;
    if ((x = waits_put(p->waits, e, at)) == NULL) {
        partitions_drain(p->worker, DRAIN_STOP);
        return;
    }
    x->gone = x->overwritten = false;
    x->unsure |= again;
    if (is_new && p->waits_loaded)
        took_late(p, x);
}

static void take_tombstone(struct wait *x, uint64_t fence)
{
    if (x == NULL || x->busy)
        return;
    if (fence < x->fence) {
        x->overwritten = true;
        return;
    }
    x->fence = fence;
    x->gone = true; /* until all is read: what it ended may have been written late */
}

static void on_index(void *arg, const struct reader_message *rm)
{
    struct partition *p = arg;
    struct worker *w = p->worker;
    struct entry e;
    struct fault fault;
    if (wide_load(p, rm))
        return;
    enum entry_decoded what = entry_decode(&rm->message, &e, &fault);
    if (what == ENTRY_IS_INVALID) {
        log_void(w, &e, fault.reason);
        return;
    }
    struct wait *x = waits_find(p->waits, e.service, e.place);
    uint64_t fence = fence_of(e.fence);
    if (fence > p->waits_fence)
        p->waits_fence = fence;
    if (what == ENTRY_IS_TOMBSTONE)
        take_tombstone(x, fence);
    else
        take_entry(p, &e, x, rm->offset);
}

static bool is_gone(void *arg, const struct wait *x)
{
    (void)arg;
    return x->gone;
}

static void on_index_end(void *arg, bool ok, int64_t end, const char *why)
{
    struct partition *p = arg;
    (void)why; /* the takeover asks again */
    p->waits_read = NULL;
    if (!ok)
        return;
    waits_remove_if(p->waits, is_gone, NULL);
    p->waits_end = end;
    p->waits_ready = p->waits_loaded;
    p->waits_loaded = true;
    loop_wake(p->worker->loop);
}

bool aside_load(struct worker *w, struct partition *p)
{
    struct reader_range r = {.topic = w->topic[TOPIC_WAITING],
                             .partition = p->number,
                             .from = p->waits_loaded ? READER_OFFSET : READER_BEGINNING,
                             .offset = p->waits_end};
    if (p->waits_read == NULL)
        p->waits_read = reader_start(w->reader, &r, on_index, on_index_end, p);
    return p->waits_read != NULL;
}

void aside_end(struct partition *p)
{
    reader_cancel(p->waits_read);
    p->waits_read = NULL;
    waits_free(p->waits);
    p->waits = NULL;
}

/* ---- one that is delivered again ---- */

void aside_take_late(struct job *j)
{
    bool looks = !j->from_entry && j->wait == NULL && j->work->decoded && waits_count(j->part->waits) > 0;
    struct wait *x = looks ? aside_entry_of(j) : NULL;
    if (x == NULL || x->busy)
        return;
    x->busy = true;
    j->wait = x;
}

bool aside_leaves_it(struct worker *w, struct job *j)
{
    struct partition *p = j->part;
    const struct wait *x = aside_entry_of(j);
    if (x == NULL || !(x->in_order || x->superseded))
        return false;
    job_release_place(w, j);
    offsets_settle(p->offsets, j->offset);
    p->dirty = true;
    job_go(w, j, JOB_ASIDE);
    job_settle(w, j);
    return true;
}

bool aside_take(struct job *j)
{
    if (j->from_entry || j->wait != NULL || waits_count(j->part->waits) == 0)
        return true;
    struct wait *x = aside_entry_of(j);
    if (x == NULL)
        return true;
    if (x->busy)
        return false;
    x->busy = true;
    j->wait = x;
    j->round = j->work->outcome.round = x->round;
    if (x->state == ENTRY_DOUBT || x->state == ENTRY_SENDING)
        takeover_presume(j);
    return true;
}

void aside_finished(struct worker *w, struct job *j)
{
    struct partition *p = j->part;
    struct wait *x = j->wait;
    j->wait = NULL;
    pay(p, x);
    waits_remove(p->waits, x);
    telemetry_count(w->tel, COUNTER_CALLED_BACK, 1);
}

bool aside_send_tombstone(struct worker *w, struct job *j, producer_ack_fn *fn)
{
    char key[ENTRY_KEY_SIZE], text[ENTRY_FENCE_SIZE];
    entry_fence(w, j, text);
    struct event_header fence = entry_tombstone_header(text);
    struct producer_message m = {
        .topic = w->topic[TOPIC_WAITING], .partition = j->partition, .key = key, .headers = &fence, .header_count = 1};
    m.key_len = entry_key_format(j->work->event.service, j->wait->place, key);
    return publish_send(w, j, &m, fn);
}

bool aside_send_dead(struct worker *w, struct job *j, producer_ack_fn *fn)
{
    struct entry e;
    j->work->aside = (struct aside){.state = ENTRY_DEAD, .reason = ENTRY_FOR_DEAD};
    if (!fill(w, j, &e))
        return false;
    e.attempts = j->work->outcome.attempts;
    return put_in_index(j, &e) && send_entry(w, j, &e, fn);
}

void aside_is_dead(struct job *j)
{
    stands_again(j->part, j->wait);
    j->wait = NULL;
}

/* intake.c - from Kafka into the lanes, and from the lanes to work; windows by holding back. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/crash_point.h"
#include "engine/aside.h"
#include "engine/state.h"

#define NOMEM_AGAIN_MS 1000
#define HOLD_MS 500
#define UNCOVERED_MAX 256 /* more would hardly find one that is covered */

/* Of its events that are open, or of those that wait in its topic, which are kept in memory, too. */
static bool holds_as_many(const struct partition *p, int64_t window, int64_t waiting)
{
    return offsets_next(p->offsets) - offsets_watermark(p->offsets) >= window || (int64_t)waits_count(p->waits) >= waiting;
}

/* What an earlier owner may have begun comes whatever waits: it may hold a lane in Redis, or entries may wait for it. Others come once it is
 * known how many wait. */
static bool is_begun_next(const struct partition *p)
{
    return takeover_was_begun(p, offsets_next(p->offsets));
}

bool intake_holds_all(const struct worker *w, const struct partition *p)
{
    return p->phase != PART_OPEN || holds_as_many(p, w->numbers->window_events, w->numbers->waiting_limit);
}

static bool partition_is_full(const struct worker *w, const struct partition *p)
{
    return intake_holds_all(w, p) && !is_begun_next(p);
}

static bool partition_has_room(const struct worker *w, const struct partition *p)
{
    bool few = !holds_as_many(p, w->numbers->window_events / 2 + 1, w->numbers->waiting_limit / 2 + 1);
    return (p->phase == PART_OPEN && few) || is_begun_next(p);
}

static void pause_partition(struct worker *w, struct partition *p)
{
    if (p->paused)
        return;
    p->paused = true;
    consumer_pause(w->consumer, p->number);
}

/* Paused at full, let go at half, so that a partition is not switched at each event. */
static void resume_partitions(struct worker *w)
{
    for (int32_t i = 0; i < w->part_count; i++) {
        struct partition *p = w->parts[i];
        if (p != NULL && p->paused && partition_has_room(w, p) && !wide_is_paused(p)) {
            p->paused = false;
            consumer_resume(w->consumer, p->number);
        }
    }
}

void intake_flow_open(struct worker *w)
{
    if (w->flow == FLOW_HELD)
        consumer_hold(w->consumer, false);
    w->flow = FLOW_OPEN;
}

static void hold_back(struct worker *w)
{
    w->flow = FLOW_HELD;
    w->held_ms = loop_now_ms(w->loop);
    consumer_hold(w->consumer, true);
}

/* It has been so for too long: rebalances and commits wait behind what is held. */
static void pause_all(struct worker *w)
{
    for (int32_t i = 0; i < w->part_count; i++)
        if (w->parts[i] != NULL && !is_begun_next(w->parts[i]))
            pause_partition(w, w->parts[i]);
    consumer_hold(w->consumer, false);
    telemetry_count(w->tel, COUNTER_PAUSED, 1);
    w->flow = FLOW_PAUSED;
}

void intake_flow(struct worker *w)
{
    int64_t bytes = (int64_t)w->window_bytes, full = w->numbers->window_bytes;
    bool is_down = pace_is_open(w);
    if (w->drain != DRAIN_NONE)
        return;
    switch (w->flow) {
    case FLOW_OPEN:
        if (is_down) /* what would come now would only wait */
            hold_back(w);
        break;
    case FLOW_HELD:
        if (bytes <= full - full / 8 && !is_down)
            intake_flow_open(w);
        else if (loop_now_ms(w->loop) - w->held_ms >= HOLD_MS)
            pause_all(w);
        break;
    case FLOW_PAUSED:
        if (bytes <= full / 2 && !is_down)
            intake_flow_open(w);
        break;
    }
    if (w->flow == FLOW_OPEN)
        resume_partitions(w);
}

static void hold_if_full(struct worker *w, struct partition *p)
{
    if ((w->flow == FLOW_PAUSED && !is_begun_next(p)) || partition_is_full(w, p) || (wide_is_paused(p) && p->phase == PART_OPEN))
        pause_partition(w, p);
    if (w->flow == FLOW_OPEN && w->drain == DRAIN_NONE && (int64_t)w->window_bytes >= w->numbers->window_bytes) {
        telemetry_count(w->tel, COUNTER_HELD, 1);
        hold_back(w);
    }
}

void intake_begin(struct worker *w, struct partition *p)
{
    if (partition_is_full(w, p))
        pause_partition(w, p);
}

static void log_intake_failure(struct worker *w, const struct consumer_delivery *d, const char *why)
{
    if (!log_begin(w->log, LOG_LEVEL_ERROR, "intake_failed"))
        return;
    log_int(w->log, "partition", d->partition);
    log_int(w->log, "offset", d->offset);
    log_str(w->log, "error", why);
    log_str(w->log, "next", "the worker stops, so that the event is delivered again");
    log_end(w->log);
}

/* Out of memory: the event is open and will not be settled, so nothing behind it is committed. */
static void intake_give_up(struct worker *w, const struct consumer_delivery *d)
{
    log_intake_failure(w, d, "out of memory");
    partitions_drain(w, DRAIN_STOP);
}

/* RELIABILITY.md section 5: a lane this long would stop its partition. But of what an earlier owner may have sent an entry that says
 * `unsent` would be the end of that knowledge. */
static bool is_flood(const struct worker *w, const struct job *j)
{
    size_t limit = (size_t)w->numbers->lane_limit;
    return lanes_items(w->lanes) >= limit && j->part->waits_ready && !takeover_was_begun(j->part, j->offset) &&
           lanes_depth_of(w->lanes, j->bytes, j->key_len) >= limit;
}

/* False: it cannot be read, or an earlier owner wrote an entry of it; and its lane will see to that. */
static bool set_flood_aside(struct worker *w, struct job *j)
{
    enum dead_reason why;
    if (job_work(w, j) == NULL || !intake_decode(w, j, &why) || aside_entry_of(j) != NULL) {
        job_release_work(w, j);
        return false;
    }
    aside_set(w, j, &(struct aside){.state = ENTRY_UNSENT, .reason = ENTRY_FOR_FLOOD});
    return true;
}

void intake_delivery(struct worker *w, const struct consumer_delivery *d)
{
    struct partition *p = d->partition < w->part_count ? w->parts[d->partition] : NULL;
    if (p == NULL)
        return;
    telemetry_count(w->tel, COUNTER_DELIVERED, 1);
    switch (offsets_open(p->offsets, d->offset)) {
    case OFFSETS_DONE:
        telemetry_count(w->tel, COUNTER_REDELIVERED, 1);
        p->dirty = true;
        hold_if_full(w, p); /* it takes room in the window, where one before it is open */
        return;
    case OFFSETS_FULL:
        intake_give_up(w, d);
        return;
    case OFFSETS_OPENED:
        break;
    }
    struct job *j = job_new(w, p, d);
    if (j != NULL && is_flood(w, j) && set_flood_aside(w, j)) {
        hold_if_full(w, p);
        return;
    }
    if (j == NULL || lanes_push(w->lanes, j->bytes, j->key_len, &j->item) != 0) {
        free(j);
        intake_give_up(w, d);
        return;
    }
    if (j->offset < p->doubt_end && p->phase == PART_OPEN)
        takeover_presume(j);
    if (lane_depth(j->item.lane) == 1)
        j->ready_ns = j->arrived_ns;
    hold_if_full(w, p);
    crash_point("polled");
}

bool intake_decode(struct worker *w, struct job *j, enum dead_reason *ret_why)
{
    struct work *k = j->work;
    struct event_message m;
    struct event_header headers[JOB_HEADERS_MAX];
    job_message(j, &m, headers);
    *ret_why = DEAD_INVALID;
    if (event_decode(w->o.schemas, &m, &k->event, &k->fault) != 0)
        return false;
    k->decoded = true;
    *ret_why = DEAD_MISPLACED;
    if (event_is_misplaced(&k->event, &m, w->provider->name, w->o.settings->partitioner, j->partition,
                           w->o.settings->partitions, &k->fault))
        return false;
    order_format(event_order(&k->event, w->o.settings->epoch, j->offset), k->order);
    snprintf(k->offset, sizeof(k->offset), "%" PRId64, j->offset);
    hash_hex(k->event.fingerprint, HASH_SHA256_SIZE, k->fingerprint);
    return true;
}

void intake_start(struct worker *w, struct job *j)
{
    struct work *k = j->work;
    if (k == NULL && (k = job_work(w, j)) == NULL) {
        limit_unclaim(&w->limit);
        job_wait(w, j, NOMEM_AGAIN_MS, false);
        return;
    }
    job_unkeep(w, j);
    commits_note_claim(w, j);
    k->place = PLACE_AHEAD;
    k->started_ns = loop_now_ns(w->loop);
    if (j->first_try_ms == 0) {
        telemetry_stage(w->tel, STAGE_LANE, j->ready_ns - j->arrived_ns);
        k->slot_ns = k->started_ns - j->ready_ns;
    }
    enum dead_reason why;
    if (k->decoded || intake_decode(w, j, &why)) {
        claim_start(w, j);
        return;
    }
    job_release_place(w, j);
    if (k->fault.nomem) { /* not the event's fault: it is looked at again */
        job_wait(w, j, NOMEM_AGAIN_MS, false);
        return;
    }
    k->dead_letter = true;
    k->dead_reason = why;
    publish_start(w, j);
}

/* In the order in which they were taken, before all others. */
static void give_back(struct worker *w, struct job_list *from)
{
    struct job_list list = *from, reversed = {0};
    struct job *j;
    *from = (struct job_list){0};
    while ((j = job_list_take(&list)) != NULL) {
        j->next_listed = reversed.first;
        reversed.first = j;
    }
    while ((j = reversed.first) != NULL) {
        reversed.first = j->next_listed;
        j->pending--; /* queued as before: in its lane alone */
        lanes_give_back(w->lanes, &j->item);
    }
}

void intake_uncover(struct worker *w)
{
    give_back(w, &w->uncovered);
}

void intake_unstop(struct worker *w)
{
    give_back(w, &w->stopped);
}

static bool may_start(const struct worker *w)
{
    return !(w->drain != DRAIN_NONE || !redis_is_up(w->redis) || !commits_own(w) || isolate_holds(w));
}

struct waiting {
    struct worker *worker;
    unsigned ranks, n, max;
};

static void count_waiting(void *arg, struct lane_item *head)
{
    struct waiting *c = arg;
    const struct job *j = job_of_item(head);
    if (c->n < c->max && (c->ranks & 1U << head->rank) != 0 && !acts_stop(j) && commits_cover(c->worker, j))
        c->n++;
}

unsigned intake_waiting(struct worker *w, unsigned max)
{
    struct waiting c = {.worker = w, .max = max};
    if (!may_start(w))
        return 0;
    c.ranks = pace_ready(w);
    if (c.ranks != 0)
        (void)lanes_each_ready(w->lanes, UNCOVERED_MAX, count_waiting, &c);
    return c.n;
}

void intake_pump(struct worker *w)
{
    int64_t now = loop_now_ms(w->loop);
    if (!may_start(w))
        return;
    while (lanes_any_ready(w->lanes) && w->uncovered.n < UNCOVERED_MAX && limit_claim(&w->limit, now)) {
        struct job *j = pace_next(w);
        if (j != NULL && acts_stop(j)) {
            limit_unclaim(&w->limit);
            job_list_add(&w->stopped, j);
            continue;
        }
        bool covered = j != NULL && commits_cover(w, j);
        if (covered && lane_depth(j->item.lane) > 1 && supersede_look(w, j)) {
            limit_unclaim(&w->limit);
            continue;
        }
        if (covered) {
            pace_starts(w, j);
            intake_start(w, j);
            continue;
        }
        limit_unclaim(&w->limit);
        if (j == NULL)
            return;
        job_list_add(&w->uncovered, j);
    }
}

/* partitions.c - assignment and drain. RELIABILITY.md section 4. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/aside.h"
#include "engine/state.h"

/* Spans of more than this many offsets between watermark and newest are refused; windows are far smaller. */
#define SPAN_MAX ((size_t)1 << 24)

/* ---- assignment ---- */

static void share_changed(struct worker *w)
{
    const struct settings_limits *l = &w->plan->limits;
    limit_set(&w->limit, l->in_flight, l->rate_per_s, l->burst, w->assigned, w->part_count,
              loop_now_ms(w->loop));
    telemetry_gauge(w->tel, GAUGE_PARTITIONS, w->assigned);
}

static void partition_free(struct partition *p)
{
    if (p == NULL)
        return;
    takeover_end(p);
    park_end(p->worker, p);
    aside_end(p);
    guard_unwatch(p);
    acts_end(p);
    offsets_free(p->offsets);
    free(p);
}

static struct partition *partition_new(struct worker *w, const struct consumer_partition *from)
{
    struct partition *p = calloc(1, sizeof(*p));
    if (p == NULL)
        return NULL;
    p->number = from->partition;
    p->worker = w;
    p->offsets = offsets_new(from->offset < 0 ? 0 : from->offset, SPAN_MAX);
    p->waits = waits_new();
    if (p->waits != NULL && !w->provider->park_always)
        waits_let_dead_be_covered(p->waits);
    if (p->offsets != NULL && p->waits != NULL && acts_begin(w, p))
        return p;
    partition_free(p);
    return NULL;
}

/* Owner = worker and number of the assignment: a partition that went away and came back does not take its
 * old claim for its own. */
static void new_owner(struct worker *w)
{
    snprintf(w->owner, sizeof(w->owner), "%s-%u", w->name, ++w->assignment);
    redis_set_owner(w->redis, w->owner);
}

void partitions_assigned(void *arg, const struct consumer_partition *list, size_t n)
{
    struct worker *w = arg;
    new_owner(w);
    for (size_t i = 0; i < n; i++) {
        if (list[i].control || list[i].partition >= w->part_count || w->parts[list[i].partition] != NULL)
            continue;
        struct partition *p = partition_new(w, &list[i]);
        if (p == NULL) {
            partitions_drain(w, DRAIN_STOP);
            return;
        }
        w->parts[p->number] = p;
        w->assigned++;
        commits_inherit(w, p, &list[i]);
        takeover_begin(p);
        intake_begin(w, p);
    }
    for (size_t i = 0; i < n; i++)
        if (list[i].control && list[i].partition < w->part_count && w->parts[list[i].partition] != NULL)
            acts_assigned(w->parts[list[i].partition], list[i].offset);
    share_changed(w);
    commits_begin(w);
    atomic_store_explicit(&w->is_member, true, memory_order_relaxed);
    if (log_begin(w->log, LOG_LEVEL_INFO, "partitions_assigned")) {
        log_int(w->log, "count", w->assigned);
        log_int(w->log, "slots", w->limit.max_in_flight);
        log_bool(w->log, "leased", w->limit.is_leased);
        log_str(w->log, "owner", w->owner);
        log_end(w->log);
    }
}

/* ---- drain ---- */

static bool drop_queued(void *arg, struct lane_item *item)
{
    struct worker *w = arg;
    struct job *j = job_of_item(item);
    if (j->state != JOB_QUEUED)
        return false;
    job_free(w, j);
    return true;
}

/* What waits for its next try is as good as queued: whoever is next reads it again. */
static void drop_waiting(struct worker *w)
{
    struct heap_item *first;
    struct job **list = calloc(w->timers.n + 1, sizeof(struct job *));
    size_t n = 0;
    if (list == NULL)
        return;
    for (size_t i = 0; i < w->timers.n; i++) {
        first = w->timers.items[i];
        struct job *j = (struct job *)((char *)first - offsetof(struct job, timer));
        if (j->state == JOB_WAITING)
            list[n++] = j;
    }
    for (size_t i = 0; i < n; i++)
        job_drop(w, list[i]);
    free(list);
}

void partitions_drain(struct worker *w, enum drain_why why)
{
    if (w->drain >= why)
        return;
    bool going_on = w->drain != DRAIN_NONE;
    w->drain = why;
    if (going_on)
        return;
    w->drain_until_ms = loop_now_ms(w->loop) + w->numbers->drain_ms;
    w->final_commit = false;
    intake_flow_open(w);
    intake_uncover(w);
    intake_unstop(w);
    for (int32_t i = 0; i < w->part_count; i++)
        if (w->parts[i] != NULL)
            consumer_pause(w->consumer, i);
    lanes_remove_if(w->lanes, drop_queued, w);
    drop_waiting(w);
    loop_wake(w->loop);
}

void partitions_revoked(void *arg, const int32_t *numbers, size_t n, bool lost)
{
    struct worker *w = arg;
    (void)numbers;
    if (log_begin(w->log, lost ? LOG_LEVEL_WARN : LOG_LEVEL_INFO, lost ? "partitions_lost" : "partitions_revoked")) {
        log_int(w->log, "count", (int64_t)n);
        log_int(w->log, "in_flight", w->active_count);
        log_end(w->log);
    }
    partitions_drain(w, DRAIN_REVOKE);
    if (lost)
        partitions_forget_all(w);
}

void partitions_forget_all(struct worker *w)
{
    intake_uncover(w);
    intake_unstop(w);
    lanes_remove_if(w->lanes, drop_queued, w);
    drop_waiting(w);
    while (w->active != NULL) {
        struct job *j = w->active;
        while (j != NULL && j->state == JOB_DROPPED)
            j = j->next;
        if (j == NULL)
            break;
        if (j->state == JOB_CLAIMED)
            call_give_back(w, j);
        else
            job_drop(w, j);
    }
    for (int32_t i = 0; i < w->part_count; i++) {
        partition_free(w->parts[i]);
        w->parts[i] = NULL;
    }
    w->assigned = 0;
    wide_tell(w);
    producer_purge(w->producer); /* what has not left must not come late: the next owner says it */
    commits_end(w);
    intake_flow_open(w);
    share_changed(w);
    slots_end(w);
}

static unsigned undropped(const struct worker *w)
{
    unsigned n = 0;
    for (const struct job *j = w->active; j != NULL; j = j->next)
        n += j->state != JOB_DROPPED;
    return n;
}

static void drain_end(struct worker *w)
{
    enum drain_why why = w->drain;
    unsigned left = undropped(w);
    if (left > 0 && log_begin(w->log, LOG_LEVEL_WARN, "drain_timed_out")) {
        log_int(w->log, "left", left);
        log_str(w->log, "next", "the next owner takes them up from their claims");
        log_end(w->log);
    }
    partitions_forget_all(w);
    if (why == DRAIN_STOP) {
        loop_stop(w->loop);
        return;
    }
    w->drain = DRAIN_NONE;
    w->final_commit = false;
    consumer_revoke_done(w->consumer);
}

void partitions_drain_tick(struct worker *w)
{
    if (w->drain == DRAIN_NONE)
        return;
    if (undropped(w) > 0 && loop_now_ms(w->loop) < w->drain_until_ms)
        return;
    if (consumer_commit_outstanding(w->consumer) && loop_now_ms(w->loop) < w->drain_until_ms + 2000)
        return;
    if (!w->final_commit) {
        w->final_commit = true;
        if (commits_now(w))
            return;
    }
    drain_end(w);
}

/* commits.c - commits and what hangs on them: the watermark, the dispatch ceiling, the proof that the partitions are ours.
 * RELIABILITY.md section 4.
 *
 * The ceiling of a partition is raised ahead of the claims, in blocks, so that hardly any event waits for a commit:
 * BLOCK_FACTOR times the provider's calls in flight, for each partition, counted in lanes that can be claimed. */
#include <stdlib.h>
#include <string.h>

#include "base/crash_point.h"
#include "engine/state.h"

#define BLOCK_FACTOR 4
#define RENEW_DIVISOR 3 /* idle, the proof is renewed each third of its time */

static int64_t block_size(const struct worker *w)
{
    return (int64_t)BLOCK_FACTOR * w->plan->limits.in_flight;
}

/* ---- ownership ---- */

bool commits_own(const struct worker *w)
{
    return w->proven_ms != 0 && clock_boot_ms() - w->proven_ms < w->numbers->ownership_ms;
}

void commits_begin(struct worker *w)
{
    w->assigned_ms = clock_boot_ms();
    w->proven_ms = 0;
    w->want_commit = w->assigned > 0;
    loop_wake(w->loop);
}

void commits_end(struct worker *w)
{
    w->proven_ms = 0;
    w->want_commit = false;
}

/* ---- the ceiling ---- */

void commits_inherit(struct worker *w, struct partition *p, const struct consumer_partition *from)
{
    struct commit_meta m;
    int64_t watermark = offsets_watermark(p->offsets);
    bool ours = commit_meta_parse(from->metadata, from->metadata_len, &m) == 0;
    p->had_commit = from->offset >= 0;
    p->had_meta = ours;
    p->ceiling = ours && m.ceiling > watermark ? m.ceiling : watermark;
    p->ceiling_asked = p->top = p->inherited = p->ceiling;
    p->out = m.out;
    p->out_end = p->out_read = -1;
    p->dirty = true; /* the first commit proves that it is ours */
    memcpy(p->redis, m.redis, sizeof(p->redis));
    (void)offsets_load_done(p->offsets, m.done, m.done_len);
    const char *higher = commit_meta_higher_fence(w->fence, m.fence);
    if (higher != w->fence) {
        memcpy(w->fence, m.fence, sizeof(w->fence));
        redis_raise_fence(w->redis, w->fence);
    }
}

bool commits_cover(struct worker *w, const struct job *j)
{
    if (j->part->phase != PART_OPEN)
        return false;
    if (j->from_entry || j->offset < j->part->ceiling) /* an entry says itself when it is being sent */
        return true;
    w->want_commit = true;
    return false;
}

void commits_note_claim(struct worker *w, const struct job *j)
{
    struct partition *p = j->part;
    if (!j->from_entry && j->offset >= p->top)
        p->top = j->offset + 1;
    if (++w->since_aim >= block_size(w) * w->assigned / 2)
        w->want_commit = true;
}

static void aim_at(void *arg, struct lane_item *item)
{
    const struct job *j = job_of_item(item);
    (void)arg;
    if (j->part != NULL && !j->from_entry && j->offset >= j->part->ceiling_asked)
        j->part->ceiling_asked = j->offset + 1;
}

/* Over a block of events that have not come yet, if they may come; no further than a window goes, since whoever is next takes in all that is
 * below the ceiling. */
static void aim_ahead(const struct worker *w, struct partition *p, int64_t block)
{
    int64_t next = offsets_next(p->offsets), most = offsets_watermark(p->offsets) + w->numbers->window_events;
    int64_t ahead = next + block < most ? next + block : most;
    if (!intake_holds_all(w, p) && p->ceiling_asked < next + block / 2 && p->ceiling_asked < ahead)
        p->ceiling_asked = ahead;
}

/* Over the next lanes that can be claimed; where these are fewer than a block, over events that have not come yet, too. */
static void aim(struct worker *w)
{
    int64_t block = block_size(w);
    size_t max = (size_t)(block * w->assigned);
    for (struct job *j = w->uncovered.first; j != NULL; j = j->next_listed)
        aim_at(w, &j->item);
    bool all = lanes_each_ready(w->lanes, max, aim_at, w) < max;
    for (int32_t i = 0; i < w->part_count && all; i++)
        if (w->parts[i] != NULL)
            aim_ahead(w, w->parts[i], block);
    w->since_aim = 0;
}

/* A clean hand-over lowers it to what was sent. */
static int64_t ceiling_to_commit(struct worker *w, struct partition *p)
{
    int64_t watermark = offsets_watermark(p->offsets);
    if (w->final_commit)
        p->ceiling_asked = p->ceiling = p->top > watermark ? p->top : watermark;
    else if (p->ceiling_asked < watermark)
        p->ceiling_asked = watermark;
    return p->ceiling_asked;
}

/* ---- outcomes ---- */

/* At or below the first outcome of anything that is not settled: so far a new owner must read back. */
static void lower_outs(const struct worker *w)
{
    for (int32_t i = 0; i < w->part_count; i++)
        if (w->parts[i] != NULL && w->parts[i]->out_read >= 0)
            w->parts[i]->out = w->parts[i]->out_quiet ? w->parts[i]->out_end : w->parts[i]->out_read;
    for (const struct job *j = w->active; j != NULL; j = j->next)
        if (j->part != NULL && (j->state == JOB_PUBLISHING || j->state == JOB_OWING) && j->work->out_floor >= 0 &&
            j->work->out_floor < j->part->out)
            j->part->out = j->work->out_floor;
}

/* ---- commits ---- */

/* At the end of w->metadata, whose room was reserved once: it does not move while it fills. Its length. */
static size_t meta_write(struct worker *w, const struct partition *p, int64_t ceiling)
{
    struct buf *b = &w->metadata;
    size_t from = b->len;
    struct commit_meta m = {.ceiling = ceiling, .out = p->out};
    memcpy(m.fence, w->fence, sizeof(m.fence));
    memcpy(m.redis, p->redis, sizeof(m.redis));
    commit_meta_write(&m, b);
    size_t used = b->len - from;
    if (used < CONSUMER_METADATA_MAX)
        offsets_add_done(p->offsets, CONSUMER_METADATA_MAX - used, b);
    return b->len - from;
}

/* The control topic's offsets: what they say needs no metadata. */
static size_t fill_control(struct worker *w, struct consumer_partition *list)
{
    size_t n = 0;
    for (int32_t i = 0; i < w->part_count; i++)
        if (w->parts[i] != NULL && acts_take_commit(w->parts[i]))
            list[n++] = (struct consumer_partition){
                .control = true, .partition = i, .offset = acts_offset(w->parts[i]), .metadata = ""};
    return n;
}

static size_t fill(struct worker *w, struct consumer_partition *list)
{
    size_t n = 0;
    buf_reset(&w->metadata);
    for (int32_t i = 0; i < w->part_count; i++) {
        struct partition *p = w->parts[i];
        if (p == NULL)
            continue;
        int64_t was = p->ceiling, ceiling = ceiling_to_commit(w, p);
        if (!p->dirty && ceiling == was)
            continue;
        list[n].metadata = w->metadata.data + w->metadata.len;
        list[n].metadata_len = meta_write(w, p, ceiling);
        list[n].partition = p->number;
        list[n].offset = offsets_watermark(p->offsets);
        p->dirty = false;
        p->in_commit = true;
        n++;
    }
    return n + fill_control(w, list + n);
}

static void not_sent(struct worker *w)
{
    for (int32_t i = 0; i < w->part_count; i++) {
        struct partition *p = w->parts[i];
        if (p != NULL)
            acts_committed(p, false);
        if (p != NULL && p->in_commit) {
            p->in_commit = false;
            p->dirty = true;
        }
    }
}

bool commits_now(struct worker *w)
{
    if (consumer_commit_outstanding(w->consumer) || w->assigned == 0)
        return false;
    struct consumer_partition *list = calloc((size_t)w->part_count * 2, sizeof(*list));
    if (list == NULL)
        return false;
    w->want_commit = false;
    if (!w->final_commit)
        aim(w);
    lower_outs(w);
    size_t n = fill(w, list);
    struct err e = {0};
    int64_t now = clock_boot_ms();
    bool sent = n > 0 && buf_ok(&w->metadata) && consumer_commit(w->consumer, list, n, &e) == 0;
    free(list);
    if (!sent) {
        not_sent(w);
        return false;
    }
    w->commit_began_ms = now;
    w->commit_assignment = w->assignment;
    crash_point("committing");
    return true;
}

void commits_pump(struct worker *w)
{
    if (w->want_commit && w->drain == DRAIN_NONE)
        (void)commits_now(w);
}

static void renew_if_old(struct worker *w)
{
    int64_t age = clock_boot_ms() - w->commit_began_ms;
    if (age < w->numbers->ownership_ms / RENEW_DIVISOR)
        return;
    for (int32_t i = 0; i < w->part_count; i++) {
        if (w->parts[i] != NULL) {
            w->parts[i]->dirty = true;
            return;
        }
    }
}

void commits_tick(struct worker *w)
{
    if (w->drain == DRAIN_NONE || !w->final_commit) {
        renew_if_old(w);
        (void)commits_now(w);
    }
    int64_t renew = w->numbers->ownership_ms / RENEW_DIVISOR;
    loop_timer_start(w->commit_timer, w->numbers->commit_ms < renew ? w->numbers->commit_ms : renew);
}

static void committed(struct worker *w)
{
    bool raised = false;
    for (int32_t i = 0; i < w->part_count; i++) {
        struct partition *p = w->parts[i];
        if (p != NULL)
            acts_committed(p, true);
        if (p == NULL || !p->in_commit)
            continue;
        p->in_commit = false;
        raised = raised || p->ceiling_asked > p->ceiling;
        p->ceiling = p->ceiling_asked;
    }
    crash_point(raised ? "ceiling_raised" : "committed");
    w->proven_ms = w->commit_began_ms;
    intake_uncover(w);
}

static void log_failure(struct worker *w, bool fenced, const char *why)
{
    if (!log_begin(w->log, LOG_LEVEL_WARN, "commit_failed"))
        return;
    log_str(w->log, "error", why);
    log_bool(w->log, "fenced", fenced);
    log_str(w->log, "next", fenced ? "another member has these partitions: forgotten here" : "committed again");
    log_end(w->log);
}

void commits_ended(void *arg, bool ok, bool fenced, const char *why)
{
    struct worker *w = arg;
    bool present = w->commit_assignment == w->assignment; /* else it tells nothing of what is ours now */
    telemetry_count(w->tel, ok ? COUNTER_COMMITS : COUNTER_COMMIT_FAILURES, 1);
    if (!ok)
        log_failure(w, fenced, why);
    if (ok && present) {
        committed(w);
    } else if (!ok) {
        not_sent(w);
        if (fenced && present)
            partitions_forget_all(w);
    }
    loop_wake(w->loop); /* the pump or the drain may wait for this */
}

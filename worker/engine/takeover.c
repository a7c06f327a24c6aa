/* takeover.c - what a new owner has to know before it claims anything of a partition, and what is learnt again when Redis
 * forgot. RELIABILITY.md sections 3 and 4.
 *
 * When the Redis in use is the one that the last commit names, it knows all that was sent; only outcomes that it was not
 * told of are read, from the place that the commit says. Otherwise Kafka is read back: records, the outcomes of the whole
 * id_memory, and then every offset below the inherited ceiling that has no outcome may have been sent: the first of each
 * lane is in doubt. A worker that lives on when Redis forgets knows what it sent itself. */
#include <stdlib.h>
#include <string.h>

#include "contract/covers.h"
#include "contract/outcome_read.h"
#include "engine/aside.h"
#include "engine/state.h"

#define MERGES_MOST 2048      /* asked for at once, of all partitions: some 100 ms of Redis */
#define AGAIN_MS 500          /* after a failure */
#define DELIVERY_STILL_MS 3000 /* nothing more comes below the ceiling: the rest are gaps in the log */
#define QUIET_POLL_MS 200

/* One read of a topic's partition into Redis. It lives until its last reply, also when the partition is gone. */
struct merging {
    struct merging *prev, *next; /* in worker.mergings */
    struct worker *worker;
    struct partition *part; /* NULL: gone */
    struct reader_read *read; /* NULL: done */
    unsigned pending;
    bool failed;
    uint64_t merged;
    int64_t end;
};

static void step(struct worker *w, struct partition *p);

/* ---- life of a merging ---- */

static void merging_free(struct merging *m)
{
    *(m->prev != NULL ? &m->prev->next : &m->worker->mergings) = m->next;
    if (m->next != NULL)
        m->next->prev = m->prev;
    free(m);
}

static void merging_free_if_done(struct merging *m)
{
    if (m->part == NULL && m->pending == 0)
        merging_free(m);
}

void takeover_free_all(struct worker *w)
{
    /* The analyzer does not know that the first one has no `prev`, so that freeing it moves the head. */
    while (w->mergings != NULL)
        merging_free(w->mergings); /* NOLINT(clang-analyzer-unix.Malloc) */
}

static void give_up(struct partition *p)
{
    struct merging *m = p->merging;
    if (m == NULL)
        return;
    p->merging = NULL;
    reader_cancel(m->read);
    m->read = NULL;
    m->part = NULL;
    merging_free_if_done(m);
}

/* Kafka gives records faster than Redis takes them: more than Redis does within its timeout would never be merged. */
static void hold_reader(struct worker *w)
{
    if (w->merges_pending >= MERGES_MOST)
        reader_hold(w->reader, true);
    else if (w->merges_pending <= MERGES_MOST / 2)
        reader_hold(w->reader, false);
}

static void on_merged(void *arg, enum redis_result res)
{
    struct merging *m = arg;
    m->pending--;
    m->worker->merges_pending--;
    hold_reader(m->worker);
    if (res != REDIS_OK)
        m->failed = true;
    if (m->part == NULL)
        merging_free_if_done(m);
    else if (m->read == NULL && m->pending == 0)
        step(m->worker, m->part);
}

static void merge(struct merging *m, const struct merge_request *req)
{
    if (redis_merge(m->worker->redis, req, on_merged, m) == 0) {
        m->pending++;
        m->worker->merges_pending++;
        hold_reader(m->worker);
    } else {
        m->failed = true;
    }
    m->merged++;
}

/* A Redis that was emptied a moment ago is not noticed before a script finds another birth mark. */
static void check_mark(struct merging *m)
{
    struct merge_request nothing = {.service = "", .fence = "", .order_by = ""};
    merge(m, &nothing);
    m->merged--;
}

static void on_read(void *arg, bool ok, int64_t end, const char *why)
{
    struct merging *m = arg;
    struct worker *w = m->worker;
    m->read = NULL;
    m->end = end;
    if (m->part->phase == PART_CATCHING)
        check_mark(m);
    if (!ok) {
        m->failed = true;
        if (log_begin(w->log, LOG_LEVEL_ERROR, "takeover_read_failed")) {
            log_int(w->log, "partition", m->part->number);
            log_str(w->log, "error", why);
            log_end(w->log);
        }
    }
    if (m->pending == 0)
        step(w, m->part);
}

static bool start_read(struct worker *w, struct partition *p, const struct reader_range *range, reader_message_fn *fn)
{
    struct merging *m = calloc(1, sizeof(*m));
    if (m == NULL)
        return false;
    m->worker = w;
    m->part = p;
    m->next = w->mergings;
    if (m->next != NULL)
        m->next->prev = m;
    w->mergings = m;
    m->read = reader_start(w->reader, range, fn, on_read, m);
    if (m->read == NULL) {
        merging_free(m);
        return false;
    }
    p->merging = m;
    return true;
}

/* ---- records and outcomes ---- */

size_t takeover_axes_of(const json_t *record, struct merge_axis ret[RECORD_AXES_MAX])
{
    size_t n = 0;
    const char *axis;
    json_t *last;
    json_object_foreach (json_object_get(record, "axes"), axis, last) {
        const char *order = json_string_value(json_object_get(last, "order"));
        const char *id = json_string_value(json_object_get(last, "id"));
        if (order == NULL || id == NULL || n == RECORD_AXES_MAX)
            continue;
        const json_t *offset = json_object_get(last, "offset");
        ret[n] = (struct merge_axis){
            .name = axis, .order = order, .event_id = id, .unchanged = json_is_true(json_object_get(last, "unchanged"))};
        if (json_is_integer(offset) && json_integer_value(offset) >= 0)
            snprintf(ret[n].place, sizeof(ret[n].place), "%lld", (long long)json_integer_value(offset));
        n++;
    }
    return n;
}

enum redis_account takeover_account_of(const json_t *record)
{
    return record_exists(record) ? REDIS_ACCOUNT_EXISTS : REDIS_ACCOUNT_GONE;
}

static void add_record(struct merge_request *req, const json_t *record, struct buf *text,
                       struct merge_axis axes[RECORD_AXES_MAX])
{
    buf_reset(text);
    json_add_compact(text, record);
    if (!buf_ok(text))
        return;
    req->record = text->data;
    req->record_len = text->len;
    req->account = takeover_account_of(record);
    req->order_by = json_text(record, "order_by");
    req->axes = axes;
    req->axis_count = takeover_axes_of(record, axes);
}

static void on_record(void *arg, const struct reader_message *rm)
{
    struct merging *m = arg;
    const struct event_message *msg = &rm->message;
    json_t *record = msg->value != NULL ? record_parse(msg->value, msg->value_len) : NULL;
    const char *service = json_text(record, "service");
    struct merge_axis axes[RECORD_AXES_MAX];
    struct merge_request req = {
        .service = service, .fence = json_text(record, "fence"), .partition = m->part->number, .order_by = ""};
    if (service[0] != '\0') {
        add_record(&req, record, &m->worker->scratch, axes);
        merge(m, &req);
    }
    json_decref(record);
}

static bool is_of(const struct worker *w, const struct event_message *msg)
{
    size_t n = strlen(w->provider->name);
    return msg->value != NULL && msg->key_len > n && memcmp(msg->key, w->provider->name, n) == 0 && msg->key[n] == '/';
}

/* Redis that has forgotten must be told of these too. */
static bool is_own(const struct partition *p, int64_t offset)
{
    return p->phase == PART_OPEN && p->own != NULL && offset >= p->out_read && bits_has(p->own, (uint64_t)(offset - p->out_read));
}

/* Redis forgot whom it had seen cut off within the hour. */
static void note_cut(struct partition *p, const struct outcome_seen *seen, int64_t timestamp_ms)
{
    const char *type = json_text(json_object_get(json_object_get(seen->root, "data"), "event"), "type");
    enum event_type t;
    bool cut = seen->facts.kind == OUTCOME_APPLIED && event_type_parse(type, &t) == 0 && event_is_cut(t);
    int64_t ago_ms = clock_real_ms() - timestamp_ms;
    if (cut && ago_ms < REDIS_GUARD_MS)
        guard_saw(p, seen->service, ago_ms > 0 ? ago_ms : 0);
}

static void on_outcome(void *arg, const struct reader_message *rm)
{
    struct merging *m = arg;
    struct worker *w = m->worker;
    struct outcome_seen seen;
    if (!is_of(w, &rm->message) || is_own(m->part, rm->offset) || outcome_read(rm->message.value, rm->message.value_len, &seen) != 0)
        return;
    if (m->part->phase == PART_OUTCOMES)
        note_cut(m->part, &seen, rm->timestamp_ms);
    struct buf facts;
    struct merge_axis axes[RECORD_AXES_MAX];
    buf_init(&facts, 1024 * 1024);
    outcome_facts_encode(&seen.facts, &facts);
    struct merge_request req = {
        .service = seen.service,
        .fence = seen.fence,
        .event_key = seen.key,
        .fingerprint = seen.fingerprint,
        .outcome = buf_cstr(&facts),
        .outcome_len = facts.len,
        .dead = seen.facts.kind == OUTCOME_DEAD,
        .partition = m->part->number,
        .order_by = "",
    };
    if (seen.record != NULL)
        add_record(&req, seen.record, &w->scratch, axes);
    if (!buf_ok(&facts))
        m->failed = true;
    else if (seen.final && seen.facts.kind != OUTCOME_CONFLICT) /* a conflict is not what came of that key */
        merge(m, &req);
    buf_fini(&facts);
    outcome_seen_fini(&seen);
}

/* Asked only for the partition's end. */
static void on_event(void *arg, const struct reader_message *rm)
{
    (void)arg, (void)rm;
}

static bool read_records(struct worker *w, struct partition *p)
{
    struct reader_range r = {.topic = w->topic[TOPIC_RECORDS], .partition = p->number, .from = READER_BEGINNING};
    return start_read(w, p, &r, on_record);
}

static bool read_outcomes(struct worker *w, struct partition *p, int64_t from)
{
    struct reader_range r = {
        .topic = w->topic[TOPIC_OUTCOMES],
        .partition = p->number,
        .from = from >= 0 ? READER_OFFSET : READER_TIME,
        .offset = from,
        .time_ms = clock_real_ms() - w->numbers->id_memory_ms,
    };
    return start_read(w, p, &r, on_outcome);
}

static bool read_end(struct worker *w, struct partition *p)
{
    struct reader_range r = {
        .topic = w->topic[TOPIC_EVENTS], .partition = p->number, .from = READER_OFFSET, .offset = INT64_MAX};
    return start_read(w, p, &r, on_event);
}

/* ---- what may have been sent ---- */

void takeover_presume(struct job *j)
{
    if (j->presumed || j->part == NULL)
        return;
    j->presumed = true;
    j->part->presumed++;
}

void takeover_unpresume(struct job *j)
{
    if (!j->presumed)
        return;
    j->presumed = false;
    if (j->part != NULL)
        j->part->presumed--;
}

/* Its entry says that it may have been sent: before its lane went on without it. */
static bool is_aside_in_doubt(const struct job *j)
{
    return j->wait != NULL && (j->wait->state == ENTRY_DOUBT || j->wait->state == ENTRY_SENDING);
}

/* A snapshot shares an axis with all, but for a preview, and passes no doubts: it stands before an older one that may have been
 * sent only where Redis says that it was sent itself, and whoever sent it knew that the older one was not. */
static bool is_passed_by_snapshot(const struct job *j, const struct job *claimed)
{
    const struct event *e = &claimed->work->event;
    return !covers_doubts(e->type) && e->axes.n > 0 && j->offset < claimed->offset;
}

/* What came back from the waiting topic is no part of that order. */
static void behind_claimed(void *arg, struct lane_item *item)
{
    struct job *j = job_of_item(item);
    if (j->from_entry || (j->may_cover && !is_passed_by_snapshot(j, arg)) || is_aside_in_doubt(j))
        return;
    takeover_unpresume(j);
    j->not_sent = true;
}

bool takeover_was_begun(const struct partition *p, int64_t offset)
{
    return offset < p->inherited || offset < p->doubt_end;
}

bool takeover_is_doubtful(const struct partition *p)
{
    return p->presumed > 0 || offsets_next(p->offsets) < p->doubt_end;
}

void takeover_claimed(struct job *j)
{
    if (j->from_entry || j->wait != NULL) /* set aside before: its lane went on without it */
        return;
    if (takeover_was_begun(j->part, j->offset))
        lane_each_behind(&j->item, behind_claimed, j);
}

static void presume_item(void *arg, struct lane_item *item)
{
    const struct partition *p = arg;
    struct job *j = job_of_item(item);
    if (j->part == p && j->offset < p->doubt_end && !j->not_sent && !j->claimed_before)
        takeover_presume(j);
}

/* Waits, or is to be claimed again: in doubt, or with steps that are done. */
static void presume_kept(void *arg, struct lane_item *item)
{
    struct job *j = job_of_item(item);
    if (j->part == arg && (j->doubt || (j->work != NULL && j->work->run != NULL)))
        takeover_presume(j);
}

/* Of another life of Redis: until it is claimed again there, Redis does not know that it may have been sent. Nor what an
 * earlier owner sent of that which was not claimed here yet. */
static void presume_own(struct worker *w, struct partition *p)
{
    if (!p->end_read && p->doubt_end < p->inherited)
        p->doubt_end = p->inherited;
    lanes_each(w->lanes, presume_item, p);
    for (struct job *j = w->active; j != NULL; j = j->next)
        if (j->part == p && j->state != JOB_CLAIMING)
            takeover_presume(j);
    lanes_each(w->lanes, presume_kept, p);
}

/* ---- phases ---- */

static void enter(struct worker *w, struct partition *p, enum part_phase next)
{
    p->phase = next;
    p->phase_ms = clock_boot_ms();
    loop_wake(w->loop);
}

static void log_open(struct worker *w)
{
    size_t presumed = 0;
    uint64_t merged = 0;
    for (int32_t i = 0; i < w->part_count; i++) {
        const struct partition *p = w->parts[i];
        if (p != NULL && p->phase != PART_OPEN)
            return;
        presumed += p != NULL ? p->presumed : 0;
        merged += p != NULL ? p->merged : 0;
    }
    if (!log_begin(w->log, LOG_LEVEL_INFO, "partitions_open"))
        return;
    log_int(w->log, "count", w->assigned);
    log_int(w->log, "merged", (int64_t)merged);
    log_int(w->log, "maybe_sent", (int64_t)presumed);
    log_int(w->log, "took_ms", clock_boot_ms() - w->assigned_ms);
    log_end(w->log);
}

static void open_up(struct worker *w, struct partition *p)
{
    if (!p->waits_loaded) {
        enter(w, p, PART_ENTRIES);
        (void)aside_load(w, p);
        return;
    }
    p->known = true;
    guard_recount(p); /* records were merged */
    enter(w, p, PART_OPEN);
    intake_uncover(w);
    log_open(w);
}

/* No commit, no record and no outcome: nobody ever owned it. Nothing is sent before the first commit. */
static bool is_first_start(const struct partition *p)
{
    return !p->had_commit && p->merged == 0;
}

static void begin_read(struct worker *w, struct partition *p, enum part_phase phase)
{
    bool started = false;
    if (phase == PART_RECORDS)
        started = read_records(w, p);
    else if (phase == PART_OUTCOMES) {
        guard_watch(w, p);
        started = read_outcomes(w, p, -1);
    }
    else if (phase == PART_CATCHING)
        started = read_outcomes(w, p, p->out);
    else if (phase == PART_ENDING)
        started = read_end(w, p);
    enter(w, p, started ? phase : PART_NEW);
}

static void choose(struct worker *w, struct partition *p)
{
    if (!redis_is_up(w->redis) || clock_boot_ms() - p->phase_ms < p->again_ms)
        return;
    p->again_ms = AGAIN_MS;
    p->merged = 0;
    bool remembers = p->had_meta && !p->known && strcmp(p->redis, redis_identity(w->redis)) == 0;
    if (remembers)
        begin_read(w, p, PART_CATCHING);
    else if (p->known || !p->had_commit)
        begin_read(w, p, PART_RECORDS);
    else
        enter(w, p, PART_QUIET);
}

static void note_read(struct partition *p, int64_t end)
{
    bits_free(p->own);
    p->own = NULL;
    p->out_read = end;
    if (end > p->out_end)
        p->out_end = end;
}

/* So far not all has come that an earlier owner may have sent. Where he can send no more that is below the partition's end. */
static bool has_more_to_come(const struct worker *w, const struct partition *p)
{
    return !p->end_read && offsets_next(p->offsets) < p->doubt_end &&
           clock_boot_ms() - w->assigned_ms >= w->numbers->ownership_ms;
}

/* All has been merged: what is left is to know which offsets may have been sent. */
static void outcomes_read(struct worker *w, struct partition *p, int64_t end)
{
    note_read(p, end);
    if (p->known) {
        presume_own(w, p);
        if (has_more_to_come(w, p))
            begin_read(w, p, PART_ENDING);
        else
            open_up(w, p);
    } else if (is_first_start(p)) {
        open_up(w, p);
    } else if (p->quiet) {
        begin_read(w, p, PART_ENDING);
    } else {
        enter(w, p, PART_QUIET); /* it was somebody's: all is read again when he can send no more */
    }
}

static void end_known(struct worker *w, struct partition *p, int64_t end)
{
    p->end_read = true;
    p->doubt_end = p->had_meta && p->inherited < end ? p->inherited : end;
    p->delivered_next = offsets_next(p->offsets);
    enter(w, p, PART_DELIVERING);
}

/* All that may have been sent is in its lanes: who goes first there is told by what stands behind. Where nothing more comes for a
 * while, there are gaps in the log. */
static bool is_delivered(struct partition *p)
{
    int64_t next = offsets_next(p->offsets), now = clock_boot_ms();
    if (next >= p->doubt_end || wide_is_paused(p))
        return true;
    if (next != p->delivered_next) {
        p->delivered_next = next;
        p->phase_ms = now;
    }
    return now - p->phase_ms >= DELIVERY_STILL_MS;
}

static void take_merged(struct worker *w, struct partition *p)
{
    struct merging *m = p->merging;
    int64_t end = m->end;
    bool failed = m->failed;
    p->merged += m->merged;
    give_up(p);
    if (failed) {
        enter(w, p, PART_NEW);
    } else if (p->phase == PART_CATCHING) {
        note_read(p, end);
        open_up(w, p);
    } else if (p->phase == PART_RECORDS) {
        begin_read(w, p, PART_OUTCOMES);
    } else if (p->phase == PART_OUTCOMES) {
        outcomes_read(w, p, end);
    } else if (p->phase == PART_ENDING) {
        end_known(w, p, end);
    }
}

/* What others could publish was read once more. */
static void quiet_read(struct partition *p)
{
    if (!p->merging->failed) {
        note_read(p, p->merging->end);
        p->out_quiet = true;
    }
    give_up(p);
}

static void become_quiet(struct worker *w, struct partition *p)
{
    if (p->out_quiet || clock_boot_ms() - w->assigned_ms < w->numbers->quarantine_ms || !redis_is_up(w->redis))
        return;
    (void)read_outcomes(w, p, p->out_read);
}

static void step(struct worker *w, struct partition *p)
{
    if (p->merging != NULL && (p->merging->read != NULL || p->merging->pending > 0))
        return;
    if (p->merging != NULL && p->phase == PART_OPEN) {
        quiet_read(p);
        return;
    }
    switch (p->phase) {
    case PART_NEW:
        choose(w, p);
        return;
    case PART_QUIET:
        if (clock_boot_ms() - w->assigned_ms >= w->numbers->ownership_ms) {
            p->quiet = true;
            p->merged = 0;
            begin_read(w, p, PART_RECORDS);
        }
        return;
    case PART_CATCHING:
    case PART_RECORDS:
    case PART_OUTCOMES:
    case PART_ENDING:
        if (p->merging != NULL)
            take_merged(w, p);
        return;
    case PART_DELIVERING:
        if (is_delivered(p)) {
            lanes_each(w->lanes, presume_item, p);
            open_up(w, p);
        }
        return;
    case PART_ENTRIES:
        if (p->waits_loaded)
            open_up(w, p);
        else
            (void)aside_load(w, p);
        return;
    case PART_OPEN:
        become_quiet(w, p);
        return;
    }
}

void takeover_begin(struct partition *p)
{
    p->phase = PART_NEW;
}

void takeover_end(struct partition *p)
{
    give_up(p);
    bits_free(p->own);
}

void takeover_tick(struct worker *w)
{
    for (int32_t i = 0; i < w->part_count; i++)
        if (w->parts[i] != NULL)
            step(w, w->parts[i]);
}

/* From now the commit says that this Redis knows all that was sent. Not in a drain: what is in doubt and waits was dropped
 * by then, and nobody marks it in a Redis that forgets now. */
void takeover_tag(struct worker *w)
{
    const char *identity = redis_identity(w->redis);
    if (!redis_is_up(w->redis) || w->drain != DRAIN_NONE)
        return;
    for (int32_t i = 0; i < w->part_count; i++) {
        struct partition *p = w->parts[i];
        if (p == NULL || p->phase != PART_OPEN || takeover_is_doubtful(p) || strcmp(p->redis, identity) == 0)
            continue;
        snprintf(p->redis, sizeof(p->redis), "%s", identity);
        p->dirty = true;
    }
}

void takeover_forgot(struct worker *w)
{
    w->redis_life++;
    for (int32_t i = 0; i < w->part_count; i++) {
        if (w->parts[i] == NULL)
            continue;
        give_up(w->parts[i]);
        bits_free(w->parts[i]->own); /* this Redis knows nothing of our own outcomes either */
        w->parts[i]->own = NULL;
        w->parts[i]->again_ms = 0;
        enter(w, w->parts[i], PART_NEW);
    }
}

/* ---- outcomes that somebody else may have published meanwhile ---- */

bool takeover_is_quiet(struct worker *w, struct job *j)
{
    if (j->part->out_quiet)
        return true;
    job_wait(w, j, QUIET_POLL_MS, false);
    return false;
}

/* Without memory it is read again, which does no harm. */
void takeover_note_own(struct partition *p, int64_t offset)
{
    if (p->out_quiet || p->out_read < 0 || offset < p->out_read)
        return;
    if (p->own == NULL)
        p->own = bits_new();
    if (p->own != NULL)
        bits_set(p->own, (uint64_t)(offset - p->out_read));
}

/* job.c - life of the jobs: made from a delivery, moved by job_go(), freed when nobody calls back any more. */
#include <stdlib.h>
#include <string.h>

#include "contract/event_peek.h"
#include "contract/record.h"
#include "engine/state.h"

#define FACTS_MAX_BYTES ((size_t)2 * 1024 * 1024)
#define RECORD_MAX_BYTES ((size_t)1024 * 1024)
#define KEPT_MAX 1000 /* some 6 KB each */

/* ---- the message, packed behind the struct ---- */

static size_t packed_size(const struct event_message *m)
{
    size_t n = m->key_len + 1 + m->value_len + 1;
    for (size_t i = 0; i < m->header_count; i++)
        n += strlen(m->headers[i].name) + 1 + sizeof(uint32_t) + m->headers[i].len;
    return n;
}

static char *put(char *to, const void *from, size_t n)
{
    if (n > 0)
        memcpy(to, from, n);
    return to + n;
}

static void pack(struct job *j, const struct event_message *m)
{
    char *at = put(j->bytes, m->key, m->key_len);
    *at++ = '\0';
    at = put(at, m->value, m->value_len);
    *at++ = '\0';
    for (size_t i = 0; i < j->header_count; i++) {
        uint32_t len = (uint32_t)m->headers[i].len;
        at = put(at, m->headers[i].name, strlen(m->headers[i].name) + 1);
        at = put(at, &len, sizeof(len));
        at = put(at, m->headers[i].value, len);
    }
}

void job_message(const struct job *j, struct event_message *ret, struct event_header *headers)
{
    const char *at = j->bytes + j->key_len + 1 + j->value_len + 1;
    for (size_t i = 0; i < j->header_count; i++) {
        uint32_t len;
        headers[i].name = at;
        at += strlen(at) + 1;
        memcpy(&len, at, sizeof(len));
        at += sizeof(len);
        headers[i].value = at;
        headers[i].len = len;
        at += len;
    }
    *ret = (struct event_message){
        .key = j->bytes,
        .key_len = j->key_len,
        .value = j->tombstone ? NULL : j->bytes + j->key_len + 1,
        .value_len = j->value_len,
        .headers = headers,
        .header_count = j->header_count,
    };
}

/* ---- life ---- */

struct job *job_new(struct worker *w, struct partition *part, const struct consumer_delivery *d)
{
    struct event_message m = d->message;
    if (m.header_count > JOB_HEADERS_MAX)
        m.header_count = JOB_HEADERS_MAX;
    size_t size = sizeof(struct job) + packed_size(&m);
    struct job *j = malloc(size);
    if (j == NULL)
        return NULL;
    memset(j, 0, sizeof(*j));
    j->size = (uint32_t)size;
    j->key_len = (uint32_t)m.key_len;
    j->value_len = (uint32_t)m.value_len;
    j->header_count = (uint16_t)m.header_count;
    j->tombstone = m.value == NULL;
    j->worker = w;
    j->part = part;
    j->partition = d->partition;
    j->offset = d->offset;
    j->came_ms = d->timestamp_ms > 0 ? d->timestamp_ms : 0;
    j->state = JOB_QUEUED;
    j->arrived_ns = loop_now_ns(w->loop);
    enum event_type type = EVENT_TYPE_COUNT;
    bool seen = event_peek_type(&m, &type);
    j->type = (uint8_t)type;
    j->restores = seen && event_is_restore(type);
    j->item.rank = pace_rank(j);
    pack(j, &m);
    w->window_bytes += size;
    return j;
}

struct job *job_of_item(struct lane_item *item)
{
    return (struct job *)item; /* its first member */
}

static bool is_active(enum job_state s)
{
    return s != JOB_QUEUED && s != JOB_WAITING;
}

static void active_add(struct worker *w, struct job *j)
{
    j->prev = NULL;
    j->next = w->active;
    if (w->active != NULL)
        w->active->prev = j;
    w->active = j;
    w->active_count++;
}

static void active_remove(struct worker *w, struct job *j)
{
    *(j->prev != NULL ? &j->prev->next : &w->active) = j->next;
    if (j->next != NULL)
        j->next->prev = j->prev;
    j->prev = j->next = NULL;
    w->active_count--;
}

void job_unkeep(struct worker *w, struct job *j)
{
    if (!j->kept)
        return;
    *(j->kept_prev != NULL ? &j->kept_prev->kept_next : &w->kept_first) = j->kept_next;
    *(j->kept_next != NULL ? &j->kept_next->kept_prev : &w->kept_last) = j->kept_prev;
    j->kept = false;
    w->kept_count--;
}

void job_go(struct worker *w, struct job *j, enum job_state next)
{
    enum job_state before = j->state;
    job_unkeep(w, j);
    if (!job_enter(&j->state, next)) {
        if (log_begin(w->log, LOG_LEVEL_ERROR, "job_step_refused")) {
            log_str(w->log, "from", job_state_name(before));
            log_str(w->log, "to", job_state_name(next));
            log_int(w->log, "partition", j->partition);
            log_int(w->log, "offset", j->offset);
            log_end(w->log);
        }
        return;
    }
    if (!is_active(before) && is_active(next))
        active_add(w, j);
    else if (is_active(before) && !is_active(next))
        active_remove(w, j);
}

/* ---- what it needs at work ---- */

void job_keep_work(struct worker *w, struct job *j)
{
    job_unkeep(w, j);
    j->kept = true;
    j->kept_next = NULL;
    j->kept_prev = w->kept_last;
    *(w->kept_last != NULL ? &w->kept_last->kept_next : &w->kept_first) = j;
    w->kept_last = j;
    w->kept_count++;
}

void job_trim_kept(struct worker *w)
{
    while (w->kept_count > KEPT_MAX)
        job_release_work(w, w->kept_first);
}

struct work *job_work(struct worker *w, struct job *j)
{
    struct work *k = w->free_works;
    if (k != NULL) {
        w->free_works = k->next_free;
    } else {
        k = calloc(1, sizeof(*k));
        if (k == NULL)
            return NULL;
        buf_init(&k->facts, FACTS_MAX_BYTES);
        buf_init(&k->record_text, RECORD_MAX_BYTES);
    }
    k->next_free = NULL;
    k->out_floor = -1;
    k->outcome.round = j->round > 0 ? j->round : 1;
    j->work = k;
    return k;
}

void job_release_place(struct worker *w, struct job *j)
{
    pace_verified(w, j);
    if (j->work == NULL)
        return;
    if (j->work->place == PLACE_SLOT)
        limit_give(&w->limit);
    else if (j->work->place == PLACE_AHEAD)
        limit_unclaim(&w->limit);
    j->work->place = PLACE_NONE;
}

void job_list_add(struct job_list *l, struct job *j)
{
    j->pending++;
    j->next_listed = NULL;
    *(l->last != NULL ? &l->last->next_listed : &l->first) = j;
    l->last = j;
    l->n++;
}

struct job *job_list_take(struct job_list *l)
{
    struct job *j = l->first;
    if (j == NULL)
        return NULL;
    l->first = j->next_listed;
    if (l->first == NULL)
        l->last = NULL;
    l->n--;
    return j;
}

void job_release_run(struct job *j)
{
    struct work *k = j->work;
    run_free(k->run);
    plan_unref(k->plan);
    json_decref(k->record);
    json_decref(k->run_record);
    json_decref(k->parts);
    k->parts = NULL;
    k->run = NULL;
    k->plan = NULL;
    k->record = k->run_record = NULL;
}

/* Back to the state in which job_work() gives it out; the event's 3 KB are not wiped, only freed. */
static void work_clear(struct work *k)
{
    if (k->decoded)
        event_fini(&k->event);
    outcome_fini(&k->outcome);
    buf_reset(&k->facts);
    buf_reset(&k->record_text);
    k->call = NULL;
    k->decoded = k->changed = k->called = k->dead_letter = k->ack_failed = k->owes_decide = false;
    k->published = k->dropped = k->decided_before = false;
    k->unacked = 0;
    k->fault.pointer[0] = k->fault.reason[0] = '\0';
    k->order[0] = k->fence[0] = '\0';
    k->outcome = (struct outcome){0};
    k->started_ns = k->claimed_ns = k->judged_ns = k->slot_ns = k->call_ns = k->call_started_ns = 0;
}

void job_release_work(struct worker *w, struct job *j)
{
    struct work *k = j->work;
    if (k == NULL)
        return;
    job_unkeep(w, j);
    job_release_place(w, j);
    job_release_run(j);
    work_clear(k);
    k->next_free = w->free_works;
    w->free_works = k;
    j->work = NULL;
}

void job_free(struct worker *w, struct job *j)
{
    token_forget_job(w, j);
    isolate_forget(w, j);
    takeover_unpresume(j);
    heap_remove(&w->timers, &j->timer);
    job_release_work(w, j);
    if (is_active(j->state))
        active_remove(w, j);
    w->window_bytes -= j->size;
    free(j->steps);
    free(j->covered);
    free(j);
}

static void lane_goes_on(struct worker *w, struct job *j)
{
    if (j->item.lane == NULL) /* set aside before it came into one */
        return;
    struct lane_item *next = lanes_finish(w->lanes, &j->item);
    if (next != NULL)
        job_of_item(next)->ready_ns = loop_now_ns(w->loop);
}

void job_log_event(struct worker *w, const struct job *j)
{
    const struct event *e = &j->work->event;
    log_str(w->log, "service", e->service);
    log_str(w->log, "type", event_type_name(e->type));
    log_str(w->log, "id", e->id);
}

/* The record stands at @j's order, or above it. A repeat of what was decided long ago moves nothing: it is only later by its place. */
static bool record_is_there(const struct job *j)
{
    const struct work *k = j->work;
    struct order order = event_order(&k->event, j->worker->o.settings->epoch, j->offset);
    json_t *record = record_parse(k->record_text.data, k->record_text.len);
    bool is = record != NULL;
    for (size_t i = 0; is && i < k->event.axes.n; i++) {
        struct order o;
        const char *text = json_string_value(json_object_get(json_object_get(json_object_get(record, "axes"), k->event.axes.name[i]), "order"));
        is = text != NULL && order_parse(text, &o) == 0 && order_cmp(o, order) >= 0;
    }
    json_decref(record);
    return is;
}

bool job_moved_record(const struct job *j)
{
    const struct work *k = j->work;
    if (!k->decoded || k->judged_ns == 0 || !outcome_kind_moves_record(k->outcome.kind))
        return false;
    return !k->decided_before || record_is_there(j);
}

void job_settle(struct worker *w, struct job *j)
{
    job_go(w, j, JOB_SETTLED);
    lane_goes_on(w, j);
    job_free(w, j);
}

void job_requeue(struct worker *w, struct job *j)
{
    heap_remove(&w->timers, &j->timer);
    job_go(w, j, JOB_QUEUED);
    j->item.rank = pace_rank(j);
    if (j->again || j->verify) /* these wait for their turn among their like */
        lanes_put_last(w->lanes, &j->item);
    else
        lanes_give_back(w->lanes, &j->item);
}

void job_wait(struct worker *w, struct job *j, int64_t delay_ms, bool keep_work)
{
    isolate_rest(w, j);
    job_release_place(w, j);
    bool half_done = j->work != NULL && j->work->run != NULL && j->work->changed;
    if (!keep_work && !half_done)
        job_release_work(w, j);
    job_go(w, j, JOB_WAITING);
    if (heap_set(&w->timers, &j->timer, loop_now_ms(w->loop) + delay_ms) != 0)
        job_requeue(w, j); /* no memory for a timer: at once is the safe direction, the claim still guards */
}

void job_drop(struct worker *w, struct job *j)
{
    if (j->state == JOB_DROPPED)
        return;
    struct http_call *call = j->work != NULL ? j->work->call : NULL;
    heap_remove(&w->timers, &j->timer);
    token_forget_job(w, j);
    isolate_rest(w, j);
    job_go(w, j, JOB_DROPPED);
    lane_goes_on(w, j);
    takeover_unpresume(j);
    j->part = NULL;
    job_release_place(w, j);
    if (call != NULL)
        http_abort(call);
    if (j->pending == 0)
        job_free(w, j);
}

bool job_callback_is_late(struct worker *w, struct job *j)
{
    j->pending--;
    if (j->state != JOB_DROPPED)
        return false;
    if (j->pending == 0)
        job_free(w, j);
    return true;
}

/* xorshift64*: jitter needs no better. */
uint32_t worker_random(struct worker *w)
{
    uint64_t x = w->random;
    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    w->random = x;
    return (uint32_t)((x * UINT64_C(0x2545f4914f6cdd1d)) >> 32);
}

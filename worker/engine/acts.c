/* acts.c - operators' acts: from the control topic to their answers. RELIABILITY.md section 5, schemas/README.md.
 *
 * Only an owner past its takeover carries acts out, and what touches entries only after the quarantine. An act that was
 * done and whose answer was lost comes again: what it names (place, round, try, the record's fence, the offset in the
 * partition's record) is no longer so then, and nothing is done twice. Acts with an answer are not looked at again. */
#include "engine/acts.h"

#include <stdlib.h>
#include <string.h>

#define ITEMS_MAX 64 /* acts of a partition that are taken at once; the topic keeps the others */
#define ANSWER_AGAIN_MS 500

/* ---- life ---- */

static struct act_item *unlink_item(struct control *c, struct act_item *it)
{
    struct act_item **at = &c->first, *before = NULL;
    while (*at != it) {
        before = *at;
        at = &before->next;
    }
    *at = it->next;
    if (c->last == it)
        c->last = before;
    c->count--;
    return it;
}

static void item_free(struct act_item *it)
{
    if (it->rebase != NULL)
        rebase_end(it);
    if (it->letter != NULL)
        letter_end(it);
    free(it);
}

static void control_free(struct control *c)
{
    *(c->prev != NULL ? &c->prev->next : &c->worker->controls) = c->next;
    if (c->next != NULL)
        c->next->prev = c->prev;
    while (c->first != NULL)
        item_free(unlink_item(c, c->first));
    free(c->answered);
    free(c);
}

bool control_callback_is_late(struct control *c)
{
    c->pending--;
    if (c->part != NULL)
        return false;
    if (c->pending == 0)
        control_free(c);
    return true;
}

bool acts_begin(struct worker *w, struct partition *p)
{
    struct control *c = calloc(1, sizeof(*c));
    if (c == NULL)
        return false;
    c->worker = w;
    c->part = p;
    c->next_offset = -1;
    partition_record_init(&c->record, w->provider->name, p->number);
    c->next = w->controls;
    if (c->next != NULL)
        c->next->prev = c;
    w->controls = c;
    p->control = c;
    return true;
}

void acts_assigned(struct partition *p, int64_t offset)
{
    p->control->assigned = true;
    p->control->next_offset = offset;
}

void acts_end(struct partition *p)
{
    struct control *c = p->control;
    if (c == NULL)
        return;
    p->control = NULL;
    reader_cancel(c->read);
    c->read = NULL;
    c->part = NULL;
    if (c->pending == 0)
        control_free(c);
}

void acts_free_all(struct worker *w)
{
    /* The analyzer does not know that the first one has no `prev`, so that freeing it moves the head. */
    while (w->controls != NULL)
        control_free(w->controls); /* NOLINT(clang-analyzer-unix.Malloc) */
}

/* ---- what was answered before this assignment ---- */

static int by_offset(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

static bool was_answered(const struct control *c, int64_t offset)
{
    return c->answered_count > 0 && bsearch(&offset, c->answered, c->answered_count, sizeof(offset), by_offset) != NULL;
}

static void note_answered(struct control *c, int64_t offset)
{
    if (c->answered_count == c->answered_room) {
        size_t room = c->answered_room > 0 ? 2 * c->answered_room : 64;
        int64_t *more = realloc(c->answered, room * sizeof(*more));
        if (more == NULL)
            return; /* it is answered once more, which does no harm */
        c->answered = more;
        c->answered_room = room;
    }
    c->answered[c->answered_count++] = offset;
}

static void on_earlier(void *arg, const struct reader_message *rm)
{
    struct control *c = arg;
    struct act act;
    struct act_answer answer;
    struct fault fault;
    if (control_decode(c->worker->o.acts, &rm->message, &act, &answer, &fault) == CONTROL_IS_ANSWER)
        note_answered(c, answer.offset);
}

static void on_earlier_end(void *arg, bool ok, int64_t end, const char *why)
{
    struct control *c = arg;
    (void)end, (void)why; /* it is asked again */
    c->read = NULL;
    c->read_done = ok;
    if (!ok) {
        c->answered_count = 0;
        return;
    }
    if (c->answered_count > 0)
        qsort(c->answered, c->answered_count, sizeof(*c->answered), by_offset);
    loop_wake(c->worker->loop);
}

static void read_earlier(struct worker *w, struct control *c)
{
    struct reader_range r = {.topic = w->topic[TOPIC_CONTROL],
                             .partition = c->part->number,
                             .from = c->first->offset > 0 ? READER_OFFSET : READER_BEGINNING,
                             .offset = c->first->offset};
    if (c->read == NULL)
        c->read = reader_start(w->reader, &r, on_earlier, on_earlier_end, c);
}

/* ---- taken ---- */

static void log_invalid(struct worker *w, const struct consumer_delivery *d, const struct fault *f)
{
    telemetry_count(w->tel, COUNTER_ACTS_INVALID, 1);
    if (!log_begin(w->log, LOG_LEVEL_WARN, "act_invalid"))
        return;
    log_int(w->log, "partition", d->partition);
    log_int(w->log, "offset", d->offset);
    log_str(w->log, "pointer", f->pointer);
    log_str(w->log, "error", f->reason);
    log_end(w->log);
}

static void give_up(struct worker *w, const struct consumer_delivery *d)
{
    if (log_begin(w->log, LOG_LEVEL_ERROR, "act_failed")) {
        log_int(w->log, "partition", d->partition);
        log_int(w->log, "offset", d->offset);
        log_str(w->log, "error", "out of memory");
        log_str(w->log, "next", "the worker stops, so that the act is delivered again");
        log_end(w->log);
    }
    partitions_drain(w, DRAIN_STOP);
}

static void take(struct worker *w, struct control *c, struct act_item *it)
{
    it->control = c;
    *(c->last != NULL ? &c->last->next : &c->first) = it;
    c->last = it;
    c->count++;
    if (c->count >= ITEMS_MAX && !c->paused) {
        c->paused = true;
        consumer_pause_acts(w->consumer, c->part->number);
    }
}

void acts_delivery(struct worker *w, const struct consumer_delivery *d)
{
    struct partition *p = d->partition < w->part_count ? w->parts[d->partition] : NULL;
    struct act_answer answer;
    struct fault fault = {0};
    if (p == NULL || !p->control->assigned || w->drain != DRAIN_NONE)
        return;
    struct control *c = p->control;
    struct act_item *it = calloc(1, sizeof(*it));
    if (it == NULL) {
        give_up(w, d);
        return;
    }
    enum control_decoded what = control_decode(w->o.acts, &d->message, &it->act, &answer, &fault);
    if (what == CONTROL_IS_ACT && strcmp(it->act.provider, w->provider->name) != 0) {
        fault_set(&fault, "/provider", "this is the topic of %s", w->provider->name);
        what = CONTROL_IS_INVALID;
    }
    it->offset = d->offset;
    c->next_offset = d->offset + 1;
    c->dirty = true;
    if (what == CONTROL_IS_ACT)
        take(w, c, it);
    else
        free(it);
    if (what == CONTROL_IS_INVALID)
        log_invalid(w, d, &fault);
}

/* ---- answered ---- */

static void log_answer(struct worker *w, const struct act_item *it)
{
    const struct act *a = &it->act;
    char place[ENTRY_PLACE_SIZE];
    telemetry_count(w->tel, it->result == ACT_DONE ? COUNTER_ACTS_DONE : COUNTER_ACTS_NOT_DONE, 1);
    if (!log_begin(w->log, LOG_LEVEL_INFO, "act"))
        return;
    log_str(w->log, "act", act_kind_name(a->kind));
    log_str(w->log, "id", a->id);
    log_str(w->log, "service", a->service[0] != '\0' ? a->service : NULL);
    if (a->of_entry) {
        entry_place_format(a->place, place);
        log_str(w->log, "place", place);
    }
    log_int(w->log, "partition", it->control->part->number);
    log_int(w->log, "offset", it->offset);
    log_str(w->log, "result", act_result_name(it->result));
    log_str(w->log, "why", it->why[0] != '\0' ? it->why : NULL);
    log_end(w->log);
}

static void ended(struct worker *w, struct control *c, struct act_item *it)
{
    item_free(unlink_item(c, it));
    c->dirty = true;
    if (c->paused && c->count <= ITEMS_MAX / 2) {
        c->paused = false;
        consumer_resume_acts(w->consumer, c->part->number);
    }
    loop_wake(w->loop);
}

static void on_answered(void *arg, bool ok, int64_t offset, const char *why)
{
    struct act_item *it = arg;
    struct control *c = it->control;
    (void)offset, (void)why; /* the producer tells what is wrong */
    if (control_callback_is_late(c))
        return;
    it->answering = false;
    if (!ok) {
        (void)act_later(it, ANSWER_AGAIN_MS);
        return;
    }
    log_answer(c->worker, it);
    ended(c->worker, c, it);
}

static void answer(struct worker *w, struct act_item *it)
{
    struct act_answer a;
    char key[ACT_KEY_SIZE];
    static const struct event_header type = {"content-type", "application/cloudevents+json", 28};
    act_answer_init(&a, &it->act, it->offset, it->result, it->why, clock_real_ms());
    act_answer_key(&a, key);
    buf_reset(&w->scratch);
    act_answer_encode(&a, &w->scratch);
    struct producer_message m = {
        .topic = w->topic[TOPIC_CONTROL],
        .partition = it->control->part->number,
        .key = key,
        .key_len = strlen(key),
        .value = w->scratch.data,
        .value_len = w->scratch.len,
        .headers = &type,
        .header_count = 1,
    };
    if (!buf_ok(&w->scratch) || producer_send(w->producer, &m, on_answered, it, NULL) != 0) {
        (void)act_later(it, ANSWER_AGAIN_MS);
        return;
    }
    it->answering = true;
    it->control->pending++;
}

/* ---- carried out ---- */

bool act_is(struct act_item *it, enum act_result result, const char *why)
{
    it->result = result;
    it->why = why;
    return true;
}

bool act_later(struct act_item *it, int64_t delay_ms)
{
    it->again_ms = loop_now_ms(it->control->worker->loop) + delay_ms;
    return false;
}

/* Any act on a service or event is for the owner of its partition. */
static bool is_misplaced(const struct worker *w, const struct act_item *it)
{
    const struct act *a = &it->act;
    int32_t number = it->control->part->number;
    if (act_is_provider_wide(a))
        return a->partition != number;
    int32_t at = partition_of(w->o.settings->partitioner, a->service, strlen(a->service), w->o.settings->partitions);
    return at != number || (a->of_entry && a->place.partition != number);
}

static bool step(struct worker *w, struct act_item *it)
{
    const struct act *a = &it->act;
    if (is_misplaced(w, it))
        return act_is(it, ACT_REFUSED, "other_partition");
    switch (a->kind) {
    case ACT_PAUSE:
    case ACT_RESUME:
        return wide_act_step(w, it);
    case ACT_APPROVE:
        return a->of_entry ? entry_act_step(w, it) : wide_act_step(w, it);
    case ACT_REBASE_ORDER:
        return rebase_step(w, it);
    case ACT_RELEASE:
    case ACT_RESOLVE_DOUBT:
    case ACT_REDRIVE:
    case ACT_DROP:
        return entry_act_step(w, it);
    case ACT_KIND_COUNT:
        break;
    }
    return act_is(it, ACT_REFUSED, "not_known");
}

/* One of the same service, or of the whole partition, comes before it. */
static bool has_earlier(const struct control *c, const struct act_item *it)
{
    const struct act_item *e = c->first;
    while (e != it && strcmp(e->act.service, it->act.service) != 0)
        e = e->next;
    return e != it;
}

static void go_on(struct worker *w, struct control *c, struct act_item *it)
{
    int64_t now = loop_now_ms(w->loop);
    if (it->answering || now < it->again_ms || has_earlier(c, it))
        return;
    if (it->since_ms == 0 && was_answered(c, it->offset)) {
        ended(w, c, it);
        return;
    }
    if (it->since_ms == 0)
        it->since_ms = now;
    it->decided = it->decided || step(w, it);
    if (it->decided)
        answer(w, it);
}

static void tick(struct worker *w, struct control *c)
{
    wide_tick(w, c);
    if (c->first == NULL || c->part->phase != PART_OPEN)
        return;
    if (!c->read_done) {
        read_earlier(w, c);
        return;
    }
    struct act_item *next;
    for (struct act_item *it = c->first; it != NULL; it = next) {
        next = it->next;
        go_on(w, c, it);
    }
}

void acts_tick(struct worker *w)
{
    if (w->drain != DRAIN_NONE || !commits_own(w))
        return;
    for (int32_t i = 0; i < w->part_count; i++)
        if (w->parts[i] != NULL)
            tick(w, w->parts[i]->control);
}

/* ---- the offset ---- */

int64_t acts_offset(const struct partition *p)
{
    const struct control *c = p->control;
    return c->first != NULL ? c->first->offset : c->next_offset;
}

bool acts_take_commit(struct partition *p)
{
    struct control *c = p->control;
    if (!c->dirty || !c->assigned || acts_offset(p) < 0)
        return false;
    c->dirty = false;
    c->in_commit = true;
    return true;
}

void acts_committed(struct partition *p, bool ok)
{
    struct control *c = p->control;
    c->dirty |= c->in_commit && !ok;
    c->in_commit = false;
}

/* ---- what an act holds up ---- */

bool acts_stop(const struct job *j)
{
    const struct control *c = j->part->control;
    if (wide_is_paused(j->part))
        return true;
    if (c->rebasing == NULL)
        return false;
    const char *service = c->rebasing->act.service;
    return strlen(service) == j->key_len && memcmp(service, j->bytes, j->key_len) == 0;
}

/* rebase.c - the act `rebase_order`: a service's events are ordered anew. schemas/README.md, "Sequence".
 *
 * 1 Redis is asked for the record, when no event of the service is worked there. 2 The service is held: none of its events
 * starts here, and none is under way. 3 The record is set in Redis, if it is still the same. 4 It is written to Kafka, before
 * any later one of the service. A crash after 3: the record names the act, which goes on at 4 when it comes again. */
#include <stdlib.h>
#include <string.h>

#include "contract/json_read.h"
#include "engine/acts.h"

#define BUSY_AGAIN_MS 200
#define GIVE_UP_MS 120000 /* an event of the service is worked all the time */
#define RECORD_MAX_BYTES ((size_t)1024 * 1024)

enum { LOOK, LOOKING, SETTING, PUBLISH, PUBLISHING, PUBLISHED };

struct rebase {
    struct act_item *item;
    struct redis_rebase_look look;
    struct redis_rebase set;
    struct buf was, text;
    char fence[FENCE_SIZE];
    json_t *record;
    struct merge_axis axes[RECORD_AXES_MAX];
};

static void let_go(struct control *c)
{
    c->rebasing = NULL;
    if (c->part != NULL)
        intake_unstop(c->worker);
}

void rebase_end(struct act_item *it)
{
    struct rebase *b = it->rebase;
    it->rebase = NULL;
    if (it->control->rebasing == it)
        let_go(it->control);
    json_decref(b->record);
    buf_fini(&b->was);
    buf_fini(&b->text);
    free(b);
}

/* From the beginning, after a while. */
static void again(struct act_item *it)
{
    it->stage = LOOK;
    if (it->control->rebasing == it)
        let_go(it->control);
    (void)act_later(it, BUSY_AGAIN_MS);
}

static void refuse(struct act_item *it, enum act_result result, const char *why)
{
    it->decided = act_is(it, result, why);
    if (it->control->rebasing == it)
        let_go(it->control);
    loop_wake(it->control->worker->loop);
}

static void busy(struct act_item *it)
{
    if (loop_now_ms(it->control->worker->loop) - it->since_ms >= GIVE_UP_MS)
        refuse(it, ACT_REFUSED, "busy");
    else
        again(it);
}

/* ---- 4 ---- */

static void on_published(void *arg, bool ok, int64_t offset, const char *why)
{
    struct act_item *it = arg;
    struct control *c = it->control;
    (void)offset, (void)why;
    if (control_callback_is_late(c))
        return;
    it->stage = ok ? PUBLISHED : PUBLISH;
    if (!ok)
        (void)act_later(it, BUSY_AGAIN_MS);
}

static void publish(struct worker *w, struct act_item *it)
{
    struct producer_message m = {
        .topic = w->topic[TOPIC_RECORDS],
        .partition = it->control->part->number,
        .key = it->act.service,
        .key_len = strlen(it->act.service),
        .value = it->rebase->text.data,
        .value_len = it->rebase->text.len,
    };
    if (producer_send(w->producer, &m, on_published, it, NULL) != 0) {
        (void)act_later(it, BUSY_AGAIN_MS);
        return;
    }
    it->control->pending++;
    it->stage = PUBLISHING;
}

/* ---- 3 ---- */

static void on_set(void *arg, enum redis_result res)
{
    struct act_item *it = arg;
    if (control_callback_is_late(it->control))
        return;
    if (res == REDIS_OK)
        it->stage = PUBLISH;
    else
        again(it); /* also when the answer was lost: the record says whether it was set */
}

/* ---- 2 ---- */

/* The record as it is to be, and its axes. */
static bool make_record(struct worker *w, struct act_item *it)
{
    struct rebase *b = it->rebase;
    struct order order = {.epoch = (uint32_t)w->o.settings->epoch, .number = it->act.number};
    if (record_rebase(b->record, it->act.by_sequence, order, b->fence, it->act.id) != 0)
        return false;
    b->set.axis_count = takeover_axes_of(b->record, b->axes);
    buf_reset(&b->text);
    json_add_compact(&b->text, b->record);
    return buf_ok(&b->text);
}

static void set(struct worker *w, struct act_item *it)
{
    struct rebase *b = it->rebase;
    if (!make_record(w, it)) {
        again(it);
        return;
    }
    b->set = (struct redis_rebase){
        .service = it->act.service,
        .fence = b->fence,
        .was = b->was.data,
        .was_len = b->was.len,
        .record = b->text.data,
        .record_len = b->text.len,
        .order_by = it->act.by_sequence ? ORDER_BY_SEQUENCE : ORDER_BY_OFFSET,
        .axes = b->axes,
        .axis_count = b->set.axis_count,
        .done = on_set,
        .arg = it,
    };
    if (redis_rebase(w->redis, &b->set) != 0) {
        again(it);
        return;
    }
    it->control->pending++;
    it->stage = SETTING;
}

/* An event of the service was taken up before it was held. */
static bool is_worked(const struct worker *w, const struct act_item *it)
{
    size_t n = strlen(it->act.service);
    for (const struct job *j = w->active; j != NULL; j = j->next)
        if (j->state != JOB_DROPPED && j->key_len == n && memcmp(j->bytes, it->act.service, n) == 0)
            return true;
    return false;
}

/* What may have been sent must be told from what is stale: its claim is to say so before the order changes. */
static bool may_be_doubtful(const struct partition *p, const char *service)
{
    if (takeover_is_doubtful(p))
        return true;
    for (const struct wait *x = waits_first(p->waits, service); x != NULL; x = x->next)
        if (x->state != ENTRY_UNSENT) /* a dead one may have done some of its steps */
            return true;
    return false;
}

/* ---- 1 ---- */

static bool take_look(struct rebase *b, const char *record, size_t len, const char *fence)
{
    buf_reset(&b->was);
    buf_add(&b->was, record, len);
    snprintf(b->fence, sizeof(b->fence), "%s", fence);
    json_decref(b->record);
    b->record = record_parse(record, len);
    return buf_ok(&b->was) && b->record != NULL;
}

static void looked(struct worker *w, struct act_item *it, const char *record, size_t len, const char *fence)
{
    struct rebase *b = it->rebase;
    if (len == 0) {
        refuse(it, ACT_REFUSED, "no_record");
    } else if (!take_look(b, record, len, fence)) {
        again(it);
    } else if (strcmp(json_text(b->record, "rebased"), it->act.id) == 0) { /* it was done: its answer was lost */
        it->control->rebasing = it;
        buf_reset(&b->text);
        buf_add(&b->text, record, len);
        it->stage = PUBLISH;
        if (is_worked(w, it))
            again(it);
    } else if (strcmp(json_text(b->record, "fence"), it->act.fence) != 0) {
        refuse(it, ACT_TOO_LATE, "other_fence");
    } else {
        it->control->rebasing = it;
        if (is_worked(w, it) || may_be_doubtful(it->control->part, it->act.service))
            busy(it);
        else
            set(w, it);
    }
}

static void on_look(void *arg, enum redis_result res, const char *record, size_t len, const char *fence)
{
    struct act_item *it = arg;
    if (control_callback_is_late(it->control))
        return;
    if (res == REDIS_OK)
        looked(it->control->worker, it, record, len, fence);
    else if (res == REDIS_FENCED)
        busy(it);
    else
        again(it);
}

static void look(struct worker *w, struct act_item *it)
{
    struct control *c = it->control;
    if (it->rebase == NULL) {
        it->rebase = calloc(1, sizeof(*it->rebase));
        if (it->rebase == NULL) {
            (void)act_later(it, BUSY_AGAIN_MS);
            return;
        }
        buf_init(&it->rebase->was, RECORD_MAX_BYTES);
        buf_init(&it->rebase->text, RECORD_MAX_BYTES);
    }
    it->rebase->look = (struct redis_rebase_look){on_look, it};
    if (c->rebasing != NULL || !redis_is_up(w->redis) ||
        redis_rebase_look(w->redis, it->act.service, &it->rebase->look) != 0) {
        (void)act_later(it, BUSY_AGAIN_MS);
        return;
    }
    c->pending++;
    it->stage = LOOKING;
}

bool rebase_step(struct worker *w, struct act_item *it)
{
    if (it->stage == LOOK)
        look(w, it);
    else if (it->stage == PUBLISH)
        publish(w, it);
    if (it->stage != PUBLISHED)
        return false;
    let_go(it->control);
    return act_is(it, ACT_DONE, "");
}

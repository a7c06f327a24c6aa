/* entry_acts.c - acts on what waits or is dead: release, resolve_doubt, redrive, drop, and approve of one event.
 * schemas/README.md, "Operators' acts", has the words.
 *
 * An act names place, round and try of the entry that its operator saw; any other there is too late. What park.c and aside.c
 * do with the entry changes one of these, so that the same act once more finds another. */
#include <stdlib.h>
#include <string.h>

#include "contract/deadletter.h"
#include "engine/acts.h"
#include "engine/aside.h"

#define POLL_MS 20
#define READ_AGAIN_MS 200
#define BUSY_MS 5000      /* it is being read or written; longer, and it is being worked */
#define BEHIND_MS 30000   /* one before it was redriven a moment ago */
#define BEGUN_MS 60000    /* an entry that cannot be read does not begin */

enum { LOOK, READ, READING, HAS_LETTER, BEGUN };

/* A dead letter on its way back. */
struct letter {
    struct act_item *item;
    struct reader_read *read;
    struct job *job; /* its event; NULL: none yet */
    bool found;
    unsigned round;
};

static struct wait *find(const struct act_item *it)
{
    return waits_find(it->control->part->waits, it->act.service, it->act.place);
}

static int64_t age_ms(const struct act_item *it)
{
    return loop_now_ms(it->control->worker->loop) - it->since_ms;
}

/* ---- an entry ---- */

/* The word for what does not fit; NULL: it is as the act says. */
static const char *misfit(const struct act *a, const struct wait *x)
{
    if (x->round != a->round)
        return "other_round";
    if (x->try_no != a->try_no)
        return "other_try";
    bool held = x->reason == ENTRY_FOR_GUARD;
    switch (a->kind) {
    case ACT_RELEASE:
        return x->state == ENTRY_DEAD ? "other_state" : NULL;
    case ACT_RESOLVE_DOUBT:
        return x->state == ENTRY_DOUBT && x->reason == ENTRY_FOR_DOUBT ? NULL : "other_state";
    case ACT_REDRIVE:
    case ACT_DROP:
        return x->state == ENTRY_DEAD ? NULL : "other_state";
    case ACT_APPROVE:
        return held && x->state == ENTRY_UNSENT ? NULL : "other_state";
    case ACT_PAUSE:
    case ACT_RESUME:
    case ACT_REBASE_ORDER:
    case ACT_KIND_COUNT:
        break;
    }
    return "other_state";
}

static bool begin(struct partition *p, const struct act *a, struct wait *x)
{
    switch (a->kind) {
    case ACT_RELEASE:
    case ACT_APPROVE:
        return park_release(p, x);
    case ACT_RESOLVE_DOUBT:
        return park_resolve(p, x, a->applied);
    case ACT_REDRIVE:
        return park_redrive(p, x);
    case ACT_DROP:
        return park_drop(p, x);
    case ACT_PAUSE:
    case ACT_RESUME:
    case ACT_REBASE_ORDER:
    case ACT_KIND_COUNT:
        break;
    }
    return false;
}

/* Of an entry that is as the act says. */
static const char *refusal(const struct worker *w, const struct act *a, const struct wait *x)
{
    if (a->kind == ACT_RELEASE && x->reason == ENTRY_FOR_GUARD)
        return "held";
    if (a->kind == ACT_RESOLVE_DOUBT && clock_real_ms() - x->since_ms < w->numbers->quarantine_ms)
        return "in_quarantine";
    bool sends = a->kind != ACT_DROP && !(a->kind == ACT_RESOLVE_DOUBT && a->applied);
    return sends && waits_blocker_of(x) != NULL ? "behind" : NULL;
}

static bool act_on(struct worker *w, struct act_item *it, struct wait *x)
{
    const struct act *a = &it->act;
    const char *why = misfit(a, x);
    if (why != NULL)
        return act_is(it, ACT_TOO_LATE, why);
    if (x->busy)
        return age_ms(it) < BUSY_MS ? act_later(it, POLL_MS) : act_is(it, ACT_TOO_LATE, "other_try");
    why = refusal(w, a, x);
    if (why != NULL && a->kind == ACT_REDRIVE && age_ms(it) < BEHIND_MS)
        return act_later(it, READ_AGAIN_MS);
    if (why != NULL)
        return act_is(it, ACT_REFUSED, why);
    if (!begin(it->control->part, a, x))
        return act_later(it, READ_AGAIN_MS);
    it->stage = BEGUN;
    it->since_ms = loop_now_ms(w->loop);
    return false;
}

/* Durable: its tombstone, or the entry as `sending`, is acknowledged. */
static bool is_done(struct act_item *it)
{
    const struct wait *x = find(it);
    if (x == NULL || x->act == PARK_NO_ACT)
        return act_is(it, ACT_DONE, "");
    if (!x->busy && age_ms(it) >= BEGUN_MS)
        return act_is(it, ACT_REFUSED, "unreadable");
    return act_later(it, POLL_MS);
}

/* ---- a dead letter ---- */

static bool is_of(const struct act *a, const struct event_message *m)
{
    return dead_letter_number(m, "tvbridge-partition") == a->place.partition &&
           dead_letter_number(m, "tvbridge-offset") == a->place.offset && m->key_len == strlen(a->service) &&
           memcmp(m->key, a->service, m->key_len) == 0;
}

static void take_letter(struct letter *l, const struct reader_message *rm)
{
    const struct act *a = &l->item->act;
    if (rm->offset != a->letter || !is_of(a, &rm->message))
        return;
    int64_t round = dead_letter_number(&rm->message, "tvbridge-round");
    l->found = true;
    l->round = round < 1 ? 1 : (unsigned)round;
    l->job = aside_job_of(l->item->control->part, a->service, a->place, rm);
}

/* The first message at or behind its place is it, or there is none. */
static void on_letter(void *arg, const struct reader_message *rm)
{
    struct letter *l = arg;
    take_letter(l, rm);
    reader_cancel(l->read);
    l->read = NULL;
    l->item->stage = HAS_LETTER;
}

static void on_letter_end(void *arg, bool ok, int64_t end, const char *why)
{
    struct letter *l = arg;
    (void)end, (void)why;
    l->read = NULL;
    l->item->stage = ok ? HAS_LETTER : READ;
}

void letter_end(struct act_item *it)
{
    struct letter *l = it->letter;
    it->letter = NULL;
    reader_cancel(l->read);
    if (l->job != NULL)
        job_free(it->control->worker, l->job);
    free(l);
}

static bool read_letter(struct worker *w, struct act_item *it)
{
    if (it->letter == NULL)
        it->letter = calloc(1, sizeof(*it->letter));
    if (it->letter == NULL)
        return act_later(it, READ_AGAIN_MS);
    it->letter->item = it;
    struct reader_range r = {.topic = w->topic[TOPIC_DEAD],
                             .partition = it->control->part->number,
                             .from = READER_OFFSET,
                             .offset = it->act.letter};
    it->letter->read = reader_start(w->reader, &r, on_letter, on_letter_end, it->letter);
    if (it->letter->read == NULL)
        return act_later(it, READ_AGAIN_MS);
    it->stage = READING;
    return false;
}

/* Redis may know that it was tried again already: its claim says so, and no call is made. */
static bool redrive_letter(struct worker *w, struct act_item *it)
{
    struct letter *l = it->letter;
    struct partition *p = it->control->part;
    if (!l->found)
        return act_is(it, ACT_REFUSED, "no_letter");
    if (l->round != it->act.round)
        return act_is(it, ACT_TOO_LATE, "other_round");
    if (l->job == NULL) {
        it->stage = READ;
        return act_later(it, READ_AGAIN_MS);
    }
    if (!aside_decode_letter(w, l->job))
        return act_is(it, ACT_REFUSED, "unreadable");
    const struct event *e = &l->job->work->event;
    if (waits_blocker(p->waits, e->service, &e->axes, it->act.place) != NULL)
        return age_ms(it) < BEHIND_MS ? act_later(it, READ_AGAIN_MS) : act_is(it, ACT_REFUSED, "behind");
    struct job *j = l->job;
    l->job = NULL;
    aside_redrive_letter(w, j, it->act.round + 1);
    it->stage = BEGUN;
    it->since_ms = loop_now_ms(w->loop);
    return false;
}

static bool letter_step(struct worker *w, struct act_item *it)
{
    if (it->stage == LOOK && find(it) != NULL)
        return act_is(it, ACT_TOO_LATE, "has_entry");
    if (it->act.kind == ACT_DROP)
        return act_is(it, ACT_DONE, "");
    if (it->stage == LOOK || it->stage == READ)
        return read_letter(w, it);
    return it->stage == HAS_LETTER && redrive_letter(w, it);
}

/* ---- */

bool entry_act_step(struct worker *w, struct act_item *it)
{
    if (!it->control->part->waits_ready)
        return act_later(it, READ_AGAIN_MS);
    if (it->stage == BEGUN)
        return is_done(it);
    if (it->act.letter >= 0)
        return letter_step(w, it);
    struct wait *x = find(it);
    return x != NULL ? act_on(w, it, x) : act_is(it, ACT_TOO_LATE, "no_entry");
}

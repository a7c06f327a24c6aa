/* supersede.c - a newer event goes before the older ones of its lane that it covers. RELIABILITY.md section 1.
 *
 * Nothing is decided here. The newest event that covers the lane's head, and passes none that it does not cover but shares an
 * axis with, becomes the head; those it covers wait behind it, proven unsent. What becomes of them is what came of it: once
 * the record says that it was applied, their own claims answer `superseded`; refused or dead, they run; set aside, they are
 * set aside behind it (aside.c). So their outcomes follow its own, which is acknowledged by then.
 *
 * After a take-over by an owner whom Redis cannot tell what was sent, the head and the newer ones that cover it may all have
 * been sent: the newest is resolved first, and not before the quarantine. Section 4.
 *
 * It costs an event that is alone in its lane nothing, and others a look at the types of those behind. */
#include <stdlib.h>
#include <string.h>

#include "base/crash_point.h"
#include "contract/covers.h"
#include "contract/event_peek.h"
#include "engine/aside.h"
#include "engine/state.h"

#define LOOK_DEPTH 64
#define NOMEM_AGAIN_MS 1000

/* The head of a lane and those behind it, in order. */
struct look {
    struct worker *w;
    struct job **jobs; /* the head first */
    size_t n;
    bool doubt;        /* the head may have been sent, and so may newer ones that cover it */
    bool nomem;        /* something could not be looked at */
};

static bool has_run(const struct job *j)
{
    return j->work != NULL && j->work->run != NULL;
}

/* Its work is there, and it is an event. *@ret_nomem is set where there was no memory to see that. */
static bool decoded(struct worker *w, struct job *j, bool *ret_nomem)
{
    enum dead_reason why;
    if (j->work != NULL && j->work->decoded) {
        if (j->kept)
            job_keep_work(w, j);
        return true;
    }
    if (j->work == NULL && job_work(w, j) == NULL) {
        *ret_nomem = true;
        return false;
    }
    if (intake_decode(w, j, &why)) {
        if (j->state == JOB_QUEUED)
            job_keep_work(w, j);
        return true;
    }
    *ret_nomem |= j->work->fault.nomem;
    job_release_work(w, j);
    return false;
}

static void forget(struct worker *w, struct job *j)
{
    if (j->work != NULL && !has_run(j) && !j->kept)
        job_release_work(w, j);
}

/* ---- what is looked at ---- */

/* A bit for each axis, so that most that do not cover need not be decoded again. */
static uint32_t bits_of(const struct event *e)
{
    uint32_t bits = 0;
    if (e->type == EVENT_SERVICE_DELETED || e->type == EVENT_SERVICE_SNAPSHOT || e->type == EVENT_CONTRACT_CANCELLED)
        return UINT32_MAX;
    for (size_t i = 0; i < e->axes.n; i++)
        bits |= 1U << hash_murmur2(e->axes.name[i], strlen(e->axes.name[i])) % 31;
    return bits;
}

static bool is_newer(const struct work *a, const struct work *b)
{
    return event_order_by(&a->event) == event_order_by(&b->event) && strcmp(a->order, b->order) > 0 &&
           strcmp(a->event.key, b->event.key) != 0;
}

static bool does_cover(const struct work *newer, const struct work *older)
{
    struct covers_event n = {.type = newer->event.type, .axes = &newer->event.axes, .data = newer->event.data};
    struct covers_event o = {.type = older->event.type, .axes = &older->event.axes, .data = older->event.data};
    return is_newer(newer, older) && covers(&n, &o);
}

/* A number that is too far ahead is seen by the record of those before it: claim.c. */
static bool is_plausible(const struct worker *w, const struct work *newer, const struct work *head)
{
    struct order n, h;
    int64_t jump = w->numbers->sequence_jump;
    return jump == 0 || newer->event.sequence == NULL || order_parse(newer->order, &n) != 0 ||
           order_parse(head->order, &h) != 0 || n.number - h.number <= (uint64_t)jump;
}

/* Of one that stands behind in its lane: it could go first. */
static bool may_go_first(const struct job *j, const struct job *head)
{
    return j->state == JOB_QUEUED && !j->from_entry && !j->doubt && j->presumed == head->presumed && !has_run(j) &&
           covers_may(j->type, head->type) && (!head->presumed || covers_doubts(j->type));
}

/* Nothing of it was sent, or, in a look at doubts, its quarantine is waited for. */
static bool may_be_passed(const struct look *l, const struct job *j)
{
    return j->state == JOB_QUEUED && !j->from_entry && !j->doubt && !has_run(j) && (!j->presumed || l->doubt);
}

/* The jobs that are looked at. An owner that resolves doubts looks at all: another one may have seen a shorter lane. */
static bool take(struct look *l, struct job *head)
{
    size_t max = lane_depth(head->item.lane);
    if (!l->doubt && max > LOOK_DEPTH)
        max = LOOK_DEPTH;
    l->jobs = malloc(max * sizeof(struct job *));
    if (l->jobs == NULL) {
        l->nomem = true;
        return false;
    }
    l->jobs[l->n++] = head;
    for (struct lane_item *i = head->item.next; i != NULL && l->n < max; i = i->next)
        l->jobs[l->n++] = job_of_item(i);
    return true;
}

static bool any_may_go_first(const struct job *head, bool doubt)
{
    size_t n = 1;
    for (struct lane_item *i = head->item.next; i != NULL && (doubt || n < LOOK_DEPTH); i = i->next, n++)
        if (may_go_first(job_of_item(i), head))
            return true;
    return false;
}

/* ---- who goes first ---- */

static uint64_t names_of(struct job *j)
{
    if (j->names == 0)
        j->names = event_peek_names(j->bytes + j->key_len + 1, j->value_len);
    return j->names;
}

/* False: of one type, and the older one has a field that the newer one has not. Most that do not cover need not be decoded so. */
static bool may_have_fields(struct job *newer, struct job *older)
{
    if (newer->type != older->type || newer->type == EVENT_SERVICE_DELETED || newer->type == EVENT_SERVICE_SNAPSHOT)
        return true;
    uint64_t n = names_of(newer), o = names_of(older);
    return o == UINT64_MAX || (o & ~n) == 0;
}

static bool covers_head(struct look *l, struct job *j)
{
    const struct work *head = l->jobs[0]->work;
    if (!may_go_first(j, l->jobs[0]) || (j->axes_bits != 0 && (bits_of(&head->event) & ~j->axes_bits) != 0) ||
        !may_have_fields(j, l->jobs[0]) || !decoded(l->w, j, &l->nomem))
        return false;
    j->axes_bits = bits_of(&j->work->event) | 1U << 31; /* never 0 */
    return does_cover(j->work, head) && is_plausible(l->w, j->work, head);
}

static bool passes(struct look *l, const struct job *j, struct job *older)
{
    if (!decoded(l->w, older, &l->nomem))
        return !l->nomem; /* it will be a dead letter, and is of no service */
    if (does_cover(j->work, older->work))
        return may_be_passed(l, older);
    return strcmp(j->work->event.key, older->work->event.key) != 0 &&
           !entry_axes_share(&j->work->event.axes, &older->work->event.axes);
}

/* It waits for none that was set aside. */
static bool is_free(const struct job *j)
{
    return aside_blocker(j) == NULL;
}

/* The newest that covers the head and can pass what is before it; 0: none. */
static size_t find_first(struct look *l)
{
    for (size_t i = l->n - 1; i > 0; i--) {
        struct job *j = l->jobs[i];
        bool may = covers_head(l, j) && is_free(j);
        for (size_t k = 0; may && k < i; k++)
            may = passes(l, j, l->jobs[k]);
        if (may)
            return i;
    }
    return 0;
}

/* An earlier owner sent the lane's first one or one that covers it, and no other. One that goes first now is one of them. */
static void note_doubts(struct look *l)
{
    l->jobs[0]->may_cover = true;
    for (size_t i = 1; i < l->n; i++)
        l->jobs[i]->may_cover |= covers_head(l, l->jobs[i]);
}

/* ---- places in the lane ---- */

static bool is_after(const void *arg, struct lane_item *item)
{
    const struct job *j = arg, *other = job_of_item(item);
    return j->from_entry || (!other->from_entry && other->offset > j->offset);
}

/* It covers nothing for now: when it is looked at again, what is decided by then is gone. */
static void passes_none(struct job *j)
{
    free(j->covered);
    j->covered = NULL;
    j->covered_count = 0;
}

/* Something of it is done, or may have been sent under a claim of ours. */
static bool has_begun(const struct job *j)
{
    return j->doubt || (has_run(j) && j->work->changed);
}

/* @j is the head of its lane, which is ready, and @from, which was, is where it stood before it passed others. But one that has
 * begun has passed them: they do not come before it any more. */
static void let_before(struct worker *w, struct job *from, struct job *j)
{
    lanes_let_before(w->lanes, &from->item, &j->item);
    if (from->covered == NULL || has_begun(from))
        return;
    passes_none(from);
    lanes_put_back(&j->item, &from->item, is_after, from);
}

/* CLAIM is to look at these before it gives the right to send @first. */
static bool note_covered(const struct look *l, size_t first)
{
    struct job *j = l->jobs[first];
    free(j->covered);
    j->covered_count = 0;
    j->covered_life = l->w->redis_life;
    j->covered = malloc(first * sizeof(j->covered[0]));
    if (j->covered == NULL)
        return false;
    for (size_t i = 0; i < first; i++) {
        struct job *older = l->jobs[i];
        if (older->work == NULL || !older->work->decoded || !does_cover(j->work, older->work))
            continue;
        memcpy(j->covered[j->covered_count++], older->work->event.key, EVENT_KEY_SIZE);
        older->passed_by = j->offset + 1;
    }
    return true;
}

static bool go_first(struct look *l)
{
    struct job *head = l->jobs[0];
    size_t first = find_first(l);
    if (first == 0)
        return false;
    struct job *j = l->jobs[first];
    if (l->doubt && !takeover_is_quiet(l->w, head))
        return true; /* it waits */
    if (!note_covered(l, first)) {
        l->nomem = true;
        return false;
    }
    let_before(l->w, head, j);
    return true;
}

/* It passed others, Redis has forgotten since, and no claim has proven them unsent: they may be in doubt now. */
static bool passed_in_another_life(const struct worker *w, const struct job *head)
{
    return head->covered != NULL && head->covered_life != w->redis_life && !head->claimed_before && !head->doubt &&
           head->item.next != NULL;
}

bool supersede_look(struct worker *w, struct job *head)
{
    if (passed_in_another_life(w, head)) {
        let_before(w, head, job_of_item(head->item.next));
        return true;
    }
    struct look l = {.w = w, .doubt = head->presumed};
    bool gone = false;
    if (head->from_entry || head->goes_first || head->doubt || has_run(head) || !any_may_go_first(head, l.doubt))
        return false;
    if (decoded(w, head, &l.nomem) && take(&l, head)) {
        if (l.doubt)
            note_doubts(&l);
        gone = go_first(&l);
        for (size_t i = gone ? 0 : 1; i < l.n; i++)
            forget(w, l.jobs[i]);
        free(l.jobs);
    }
    job_trim_kept(w);
    if (l.doubt && l.nomem && !gone) { /* it must not go before a newer one that was sent */
        job_wait(w, head, NOMEM_AGAIN_MS, false);
        return true;
    }
    return gone;
}

/* ---- what its claim looks at ---- */

/* By an earlier owner: in this life it would be settled before another of its lane is claimed. */
static bool may_be_decided(const struct job *older)
{
    if (older->state != JOB_QUEUED || older->claimed_before || has_run(older) || older->looked)
        return false;
    return older->from_entry ? older->wait->state == ENTRY_SENDING : takeover_was_begun(older->part, older->offset);
}

static bool add_key(struct covered_keys *k, const char *key)
{
    char(*more)[EVENT_KEY_SIZE] = realloc(k->key, (k->n + 1) * sizeof(k->key[0]));
    if (more == NULL)
        return false;
    k->key = more;
    memcpy(k->key[k->n++], key, EVENT_KEY_SIZE);
    return true;
}

/* Those that stand behind @j in its lane, where it came back from the waiting topic before them. */
static bool add_begun(struct worker *w, struct job *j, struct covered_keys *k)
{
    bool nomem = false;
    for (struct lane_item *i = j->item.next; i != NULL && !nomem; i = i->next) {
        struct job *older = job_of_item(i);
        if (!may_be_decided(older) || !covers_may(j->type, older->type))
            continue;
        if (decoded(w, older, &nomem) && does_cover(j->work, older->work)) {
            nomem |= !add_key(k, older->work->event.key);
            older->asked_by = j->offset + 1;
        }
        forget(w, older);
    }
    return !nomem;
}

/* Entries that were never called back here. */
static bool add_sending(const struct job *j, struct covered_keys *k)
{
    char key[EVENT_KEY_SIZE];
    for (const struct wait *x = aside_covered(j, NULL); x != NULL; x = aside_covered(j, x)) {
        if (x->state != ENTRY_SENDING || !x->keyed)
            continue;
        hash_hex(x->key, sizeof(x->key), key);
        if (!add_key(k, key))
            return false;
    }
    return true;
}

static bool add_waiting(const struct job *j, struct covered_keys *k)
{
    for (uint32_t i = 0; i < j->covered_count; i++)
        if (!add_key(k, j->covered[i]))
            return false;
    k->waiting = k->n;
    return true;
}

bool supersede_keys(struct worker *w, struct job *j, struct covered_keys *ret)
{
    bool first = !j->claimed_before && !j->work->changed;
    *ret = (struct covered_keys){0};
    bool whole = add_waiting(j, ret) && (!first || (add_sending(j, ret) && (!j->from_entry || add_begun(w, j, ret))));
    job_trim_kept(w);
    if (!whole)
        supersede_keys_free(ret);
    return whole;
}

void supersede_keys_free(struct covered_keys *k)
{
    free(k->key);
    *k = (struct covered_keys){0};
}

void supersede_claimed(struct job *j)
{
    for (struct lane_item *i = j->from_entry ? j->item.next : NULL; i != NULL; i = i->next)
        if (job_of_item(i)->asked_by == j->offset + 1)
            job_of_item(i)->looked = true;
}

/* ---- what came of it ---- */

void supersede_settled(struct job *j)
{
    if (j->covered == NULL || !job_moved_record(j))
        return;
    crash_point("superseding");
    for (struct lane_item *i = j->item.next; i != NULL; i = i->next)
        if (job_of_item(i)->passed_by == j->offset + 1)
            job_of_item(i)->goes_first = true;
}

/* *@ret_apart: it came back from the waiting topic, and sets nothing that @j sets: it is no part of the lane's order. */
static struct job *find_key(struct worker *w, struct job *j, const char *key, bool *ret_apart)
{
    for (struct lane_item *i = j->item.next; i != NULL; i = i->next) {
        struct job *other = job_of_item(i);
        bool nomem = false, is = decoded(w, other, &nomem) && strcmp(other->work->event.key, key) == 0;
        if (is)
            *ret_apart = other->from_entry && j->work->decoded && !entry_axes_share(&j->work->event.axes, &other->work->event.axes);
        forget(w, other);
        if (is)
            return other;
    }
    return NULL;
}

/* One of those that wait for what comes of @j. */
static bool waits_for(const struct job *j, const char *key)
{
    for (uint32_t i = 0; i < j->covered_count; i++)
        if (strcmp(j->covered[i], key) == 0)
            return true;
    return false;
}

/* It is looked at by its own claim, before @j or never. */
static void no_longer_covers(struct job *j, const char *key)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < j->covered_count; i++)
        if (strcmp(j->covered[i], key) != 0)
            memmove(j->covered[kept++], j->covered[i], sizeof(j->covered[i]));
    j->covered_count = kept;
}

bool supersede_let_before(struct worker *w, struct job *j, const char *key, bool covered)
{
    bool apart = false;
    struct job *other = key[0] != '\0' ? find_key(w, j, key, &apart) : NULL;
    if (has_run(j) && j->work->changed && !apart) { /* a part of it is done: nothing older comes before it any more */
        if (covered)
            j->covered_count = 0;
        return false;
    }
    bool waits = waits_for(j, key);
    job_trim_kept(w);
    if (covered && j->doubt)
        no_longer_covers(j, key);
    if (key[0] == '\0' || j->item.next == NULL)
        return false;
    if (other == NULL && (!covered || !waits || j->doubt)) /* not of this lane: it would be the head again at once */
        return false;
    if (other != NULL)
        other->goes_first = true;
    if (other != NULL && covered && !waits) /* of which only what is decided counts */
        other->decided_life = w->redis_life + 1;
    if (other == NULL)
        other = job_of_item(j->item.next);
    job_release_place(w, j);
    forget(w, j);
    job_go(w, j, JOB_QUEUED);
    let_before(w, j, other);
    return true;
}

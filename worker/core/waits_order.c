/* waits_order.c - who holds back whom: core/waits.h. */
#include "core/waits_private.h"

#include <string.h>

#include "base/hash.h"

static bool is_all(const char *name)
{
    return strcmp(name, "existence") == 0 || strcmp(name, "all") == 0;
}

static bool has(const char *axes, size_t len, const char *name)
{
    for (const char *at = axes; at < axes + len; at += strlen(at) + 1)
        if (strcmp(at, name) == 0)
            return true;
    return false;
}

static bool touches_all(const char *axes, size_t len)
{
    for (const char *at = axes; at < axes + len; at += strlen(at) + 1)
        if (is_all(at))
            return true;
    return false;
}

static bool shares(const struct wait *x, const struct axes *axes)
{
    if (touches_all(x->axes, x->axes_len))
        return true;
    for (size_t i = 0; i < axes->n; i++)
        if (is_all(axes->name[i]) || has(x->axes, x->axes_len, axes->name[i]))
            return true;
    return false;
}

struct wait *waits_blocker(const struct waits *ws, const char *service, const struct axes *axes, struct entry_place place)
{
    struct wait_service *s = wait_service_find(ws, service);
    for (struct wait *x = s != NULL ? s->last : NULL; x != NULL; x = x->prev)
        if (entry_place_cmp(x->place, place) < 0 && shares(x, axes))
            return x;
    return NULL;
}

static bool has_key(const struct wait *x, const uint8_t key[HASH_SHA256_SIZE])
{
    return x->keyed && memcmp(x->key, key, HASH_SHA256_SIZE) == 0;
}

struct wait *waits_same(const struct waits *ws, const char *service, const char *key, struct entry_place place)
{
    struct wait_service *s = wait_service_find(ws, service);
    uint8_t k[HASH_SHA256_SIZE];
    if (s == NULL || !wait_key_parse(key, k))
        return NULL;
    for (struct wait *x = s->last; x != NULL; x = x->prev)
        if (entry_place_cmp(x->place, place) < 0 && has_key(x, k))
            return x;
    return NULL;
}

struct wait *waits_of_key(const struct waits *ws, const char *service, const char *key)
{
    struct wait *first = NULL;
    uint8_t k[HASH_SHA256_SIZE];
    if (!wait_key_parse(key, k))
        return NULL;
    for (struct wait *x = waits_first(ws, service); x != NULL; x = x->next) {
        bool is = has_key(x, k);
        if (is && x->state != ENTRY_UNSENT)
            return x;
        if (is && first == NULL)
            first = x;
    }
    return first;
}

static bool is_repeat(const struct wait *a, const struct wait *b)
{
    return a->keyed && has_key(b, a->key);
}

static bool share(const struct wait *a, const struct wait *b)
{
    if (touches_all(a->axes, a->axes_len) || touches_all(b->axes, b->axes_len))
        return true;
    for (const char *at = b->axes; at < b->axes + b->axes_len; at += strlen(at) + 1)
        if (has(a->axes, a->axes_len, at))
            return true;
    return false;
}

/* The data is in the topic: what is of one type is not compared. */
static struct covers_event event_of(const struct wait *x, struct axes *axes)
{
    axes->n = 0;
    for (const char *at = x->axes; at < x->axes + x->axes_len && axes->n < AXES_MAX; at += strlen(at) + 1)
        memcpy(axes->name[axes->n++], at, strlen(at) + 1);
    return (struct covers_event){.type = x->type, .axes = axes, .order = &x->order};
}

/* It takes away before its day what the entry would then: whatever else the two say of it. */
static bool is_before_its_day(const struct covers_event *e, const struct wait *older, const struct covers_event *o)
{
    return older->reason == ENTRY_FOR_DATE && e->type == o->type &&
           (e->type == EVENT_PACKAGE_REMOVED || e->type == EVENT_DEVICE_REMOVED) && covers_axes(e, o);
}

bool waits_covers_idle(const struct covers_event *e, const struct wait *older)
{
    const struct waits *ws = older->service->waits;
    struct axes axes;
    struct covers_event o = event_of(older, &axes);
    switch (older->state) {
    case ENTRY_UNSENT:
        return covers(e, &o) || is_before_its_day(e, older, &o);
    case ENTRY_DEAD:
        return ws->dead_is_covered && covers_axes(e, &o);
    case ENTRY_DOUBT:
        return covers_doubts(e->type) && wait_is_for_person(older) && older->written_ms <= ws->quiet_ms && covers(e, &o);
    case ENTRY_SENDING:
    case ENTRY_STATE_COUNT:
        break;
    }
    return false;
}

static bool covers_entry(const struct covers_event *e, const struct wait *older)
{
    return !older->busy && waits_covers_idle(e, older);
}

/* Whether an entry passes an older event. One that may have been sent, though the older one is unsent, did. */
static bool entry_passes(enum entry_state newer, const struct covers_event *n, const struct covers_event *older)
{
    return covers(n, older) || (newer != ENTRY_UNSENT && n->type == older->type && covers_axes(n, older));
}

static bool may_be_sent(enum entry_state s)
{
    return s == ENTRY_SENDING || s == ENTRY_DOUBT;
}

/* Of two that are one event the first goes first, but for one that may have been sent while the first was not. */
static bool holds_repeat(const struct wait *older, const struct wait *x, enum entry_state as)
{
    return is_repeat(older, x) && (older->busy || older->state != ENTRY_UNSENT || !may_be_sent(as));
}

/* It waits for the first one: its own order, where that is its place, says nothing. */
static bool is_repeat_held(const struct wait *x, enum entry_state as)
{
    for (const struct wait *b = x->prev; b != NULL; b = b->prev)
        if (holds_repeat(b, x, as))
            return true;
    return false;
}

static bool holds(const struct wait *older, const struct wait *x, enum entry_state as, const struct covers_event *e)
{
    struct axes axes;
    struct covers_event o = event_of(older, &axes);
    bool sent = may_be_sent(older->state) && may_be_sent(as) && covers_doubts(x->type);
    bool passable = !older->busy && (older->state == ENTRY_UNSENT || sent);
    if (is_repeat(older, x))
        return holds_repeat(older, x, as);
    if (!share(older, x) || (passable && entry_passes(as, e, &o)))
        return false;
    if (passable && older->state == ENTRY_UNSENT && may_be_sent(as) && order_cmp(older->order, x->order) > 0)
        return false; /* the older one only by its place; and those that the doubt covers wait for it */
    return !covers_entry(e, older);
}

/* One that waits for an entry before it. */
static bool is_held(const struct wait *x, const struct covers_event *e)
{
    for (const struct wait *b = x->prev; b != NULL; b = b->prev)
        if (holds(b, x, x->state, e))
            return true;
    return false;
}

/* What was set aside before it came into a lane waits for those before it, and what is dead was not applied. One that is held
 * by another in between does not hold what that one waits for, unless it may have been sent already. */
static bool covered_by(const struct covers_event *e, const struct wait *newer)
{
    struct axes axes;
    if (newer->state == ENTRY_DEAD || newer->reason == ENTRY_FOR_FLOOD)
        return false;
    struct covers_event n = event_of(newer, &axes);
    return entry_passes(newer->state, &n, e) && (may_be_sent(newer->state) ? !is_repeat_held(newer, newer->state) : !is_held(newer, &n));
}

struct wait *waits_holder(const struct waits *ws, const char *service, const struct covers_event *e, struct entry_place place)
{
    struct wait_service *s = wait_service_find(ws, service);
    struct wait *x = s != NULL ? s->last_holder : NULL;
    for (; x != NULL && entry_place_cmp(x->place, place) > 0; x = x->holder_prev)
        if (covered_by(e, x))
            return x;
    for (x = s != NULL ? wait_last_before(s, place) : NULL; x != NULL; x = x->prev)
        if (shares(x, e->axes) && !covers_entry(e, x))
            return x;
    return NULL;
}

/* What is decided of the first one is decided of it, too: it goes on after that. */
static bool repeats_another(const struct wait *x)
{
    const struct wait *b = x->reason == ENTRY_FOR_BEHIND ? x->prev : NULL;
    while (b != NULL && !is_repeat(b, x))
        b = b->prev;
    return b != NULL;
}

struct wait *waits_covered(const struct waits *ws, const char *service, const struct covers_event *e, struct entry_place place,
                           const struct wait *after)
{
    struct wait *x = after != NULL ? after->next : waits_first(ws, service);
    while (x != NULL && entry_place_cmp(x->place, place) < 0 && (!covers_entry(e, x) || repeats_another(x)))
        x = x->next;
    return x != NULL && entry_place_cmp(x->place, place) < 0 ? x : NULL;
}

/* Called back as one of many, it was not sent while another is here, after @older, that it does not pass in any state: that one's
 * turn would have come first. Of one whose tombstone was overwritten nobody knows. */
static bool was_held_after(const struct wait *x, const struct wait *older)
{
    struct axes axes, other;
    struct covers_event e = event_of(x, &axes);
    for (const struct wait *b = x->prev; b != older; b = b->prev) {
        struct covers_event o = event_of(b, &other);
        if (!b->unsure && !entry_passes(x->state, &e, &o) && holds(b, x, x->state, &e))
            return true;
    }
    return false;
}

/* Of @older, which may have been sent: the newer @x that covers it may have been, too, and is decided first. */
static bool goes_before_doubt(const struct wait *x, const struct wait *older)
{
    return may_be_sent(x->state) && covers_doubts(x->type) && !was_held_after(x, older);
}

/* @behind: it will stand in its lane behind those that were called back in order. */
static struct wait *blocker(const struct wait *x, enum entry_state as, bool behind)
{
    struct axes axes;
    if (x->prev == NULL && x->next == NULL)
        return NULL;
    struct covers_event e = event_of(x, &axes);
    for (struct wait *b = x->prev; b != NULL; b = b->prev)
        if (!(behind && b->in_order) && holds(b, x, as, &e))
            return b;
    for (struct wait *b = x->service->last_holder; b != NULL && entry_place_cmp(b->place, x->place) > 0; b = b->holder_prev)
        if ((as == ENTRY_UNSENT || (as == ENTRY_DOUBT && goes_before_doubt(b, x))) && covered_by(&e, b))
            return b;
    return NULL;
}

struct wait *waits_blocker_as(const struct wait *x, enum entry_state as)
{
    return blocker(x, as, false);
}

struct wait *waits_blocker_of(const struct wait *x)
{
    return waits_blocker_as(x, x->state);
}

struct wait *waits_blocker_in_order(const struct wait *x)
{
    return blocker(x, x->state, x->state == ENTRY_UNSENT);
}


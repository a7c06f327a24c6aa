#include "core/waits.h"

#include <stdlib.h>
#include <string.h>
#define HASH_NONFATAL_OOM 1 /* else it would end the program: hh.tbl of what could not be added is NULL */
#include <uthash.h>

struct wait_service {
    UT_hash_handle hh;
    const struct waits *waits;
    struct wait *first, *last;
    size_t count;
    char name[];
};

struct waits {
    struct wait_service *services;
    struct heap due;
    size_t count;
    int64_t quiet_ms, quarantine_ms;
    bool dead_is_covered;
};

struct waits *waits_new(void)
{
    return calloc(1, sizeof(struct waits));
}

static void service_free(struct waits *ws, struct wait_service *s)
{
    while (s->first != NULL) {
        struct wait *x = s->first;
        s->first = x->next;
        free(x);
    }
    HASH_DEL(ws->services, s); /* NOLINT(clang-analyzer-unix.Malloc) */
    free(s);
}

void waits_free(struct waits *ws)
{
    if (ws == NULL)
        return;
    struct wait_service *s, *tmp;
    HASH_ITER (hh, ws->services, s, tmp)
        service_free(ws, s);
    heap_fini(&ws->due);
    free(ws);
}

size_t waits_count(const struct waits *ws)
{
    return ws->count;
}

void waits_let_dead_be_covered(struct waits *ws)
{
    ws->dead_is_covered = true;
}

void waits_set_quiet(struct waits *ws, int64_t now_ms, int64_t quarantine_ms)
{
    ws->quarantine_ms = quarantine_ms;
    ws->quiet_ms = now_ms - quarantine_ms;
}

/* ---- services ---- */

static struct wait_service *service_find(const struct waits *ws, const char *name)
{
    struct wait_service *s;
    HASH_FIND_STR(ws->services, name, s);
    return s;
}

static struct wait_service *service_get(struct waits *ws, const char *name)
{
    struct wait_service *s = service_find(ws, name);
    if (s != NULL)
        return s;
    size_t len = strlen(name);
    s = calloc(1, sizeof(*s) + len + 1);
    if (s == NULL)
        return NULL;
    memcpy(s->name, name, len + 1);
    s->waits = ws;
    HASH_ADD_STR(ws->services, name, s);
    if (s->hh.tbl != NULL)
        return s;
    free(s);
    return NULL;
}

static void service_end_if_empty(struct waits *ws, struct wait_service *s)
{
    if (s->count == 0)
        service_free(ws, s);
}

/* By place; new ones mostly come last. */
static void link_in(struct wait_service *s, struct wait *x)
{
    struct wait *before = s->last;
    while (before != NULL && entry_place_cmp(before->place, x->place) > 0)
        before = before->prev;
    x->prev = before;
    x->next = before != NULL ? before->next : s->first;
    *(before != NULL ? &before->next : &s->first) = x;
    *(x->next != NULL ? &x->next->prev : &s->last) = x;
    x->service = s;
    s->count++;
}

/* ---- entries ---- */

static size_t packed_axes(const struct axes *axes)
{
    size_t n = 0;
    for (size_t i = 0; i < axes->n; i++)
        n += strlen(axes->name[i]) + 1;
    return n;
}

static void pack_axes(const struct axes *axes, char *to)
{
    for (size_t i = 0; i < axes->n; i++) {
        size_t n = strlen(axes->name[i]) + 1;
        memcpy(to, axes->name[i], n);
        to += n;
    }
}

static struct wait *wait_new(struct waits *ws, const struct entry *e)
{
    size_t len = packed_axes(&e->axes);
    struct wait_service *s = service_get(ws, e->service);
    struct wait *x = s != NULL ? calloc(1, sizeof(*x) + len) : NULL;
    if (x == NULL) {
        if (s != NULL)
            service_end_if_empty(ws, s);
        return NULL;
    }
    x->place = e->place;
    x->settles = -1;
    x->axes_len = len;
    pack_axes(&e->axes, x->axes);
    link_in(s, x);
    ws->count++;
    return x;
}

static int nibble(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* False: it is no such text. */
static bool key_of_hex(const char *hex, uint8_t ret[HASH_SHA256_SIZE])
{
    for (size_t i = 0; i < HASH_SHA256_SIZE; i++) {
        int high = nibble(hex[2 * i]), low = high < 0 ? -1 : nibble(hex[2 * i + 1]);
        if (low < 0)
            return false;
        ret[i] = (uint8_t)(high << 4 | low);
    }
    return hex[(size_t)2 * HASH_SHA256_SIZE] == '\0';
}

struct wait *waits_put(struct waits *ws, const struct entry *e, int64_t at)
{
    struct wait *x = waits_find(ws, e->service, e->place);
    if (x == NULL && (x = wait_new(ws, e)) == NULL)
        return NULL;
    x->at = at;
    x->state = e->state;
    x->reason = e->reason;
    x->type = e->type;
    x->order = e->order;
    x->round = e->round;
    x->try_no = e->try_no;
    x->fence = strtoull(e->fence, NULL, 10);
    x->keyed = key_of_hex(e->key, x->key);
    x->since_ms = e->since_ms;
    x->written_ms = e->now_ms;
    x->first_try_ms = e->first_try_ms;
    heap_remove(&ws->due, &x->timer);
    if (entry_reason_is_timed(e->reason) && heap_set(&ws->due, &x->timer, e->release_at_ms) != 0) {
        waits_remove(ws, x);
        return NULL;
    }
    return x;
}

struct wait *waits_find(const struct waits *ws, const char *service, struct entry_place place)
{
    struct wait *x = waits_first(ws, service);
    while (x != NULL && !entry_place_equal(x->place, place))
        x = x->next;
    return x;
}

void waits_remove(struct waits *ws, struct wait *x)
{
    struct wait_service *s = x->service;
    heap_remove(&ws->due, &x->timer);
    *(x->prev != NULL ? &x->prev->next : &s->first) = x->next;
    *(x->next != NULL ? &x->next->prev : &s->last) = x->prev;
    s->count--;
    ws->count--;
    free(x);
    service_end_if_empty(ws, s);
}

const char *wait_service_name(const struct wait *x)
{
    return x->service->name;
}

struct wait *waits_first(const struct waits *ws, const char *service)
{
    struct wait_service *s = service_find(ws, service);
    return s != NULL ? s->first : NULL;
}

size_t waits_count_of(const struct waits *ws, const char *service)
{
    struct wait_service *s = service_find(ws, service);
    return s != NULL ? s->count : 0;
}

/* ---- who holds back whom ---- */

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
    struct wait_service *s = service_find(ws, service);
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
    struct wait_service *s = service_find(ws, service);
    uint8_t k[HASH_SHA256_SIZE];
    if (s == NULL || !key_of_hex(key, k))
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
    if (!key_of_hex(key, k))
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

static bool covers_entry(const struct covers_event *e, const struct wait *older)
{
    const struct waits *ws = older->service->waits;
    struct axes axes;
    if (older->busy) /* before its axes are copied */
        return false;
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
    if (newer->state == ENTRY_DEAD || newer->reason == ENTRY_FOR_FLOOD) /* before its axes are copied: floods are long */
        return false;
    struct covers_event n = event_of(newer, &axes);
    return entry_passes(newer->state, &n, e) && (may_be_sent(newer->state) ? !is_repeat_held(newer, newer->state) : !is_held(newer, &n));
}

struct wait *waits_holder(const struct waits *ws, const char *service, const struct covers_event *e, struct entry_place place)
{
    struct wait_service *s = service_find(ws, service);
    for (struct wait *x = s != NULL ? s->last : NULL; x != NULL; x = x->prev) {
        int cmp = entry_place_cmp(x->place, place);
        if (cmp > 0 ? covered_by(e, x) : cmp < 0 && shares(x, e->axes) && !covers_entry(e, x))
            return x;
    }
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

struct wait *waits_blocker_as(const struct wait *x, enum entry_state as)
{
    struct axes axes;
    if (x->prev == NULL && x->next == NULL)
        return NULL;
    struct covers_event e = event_of(x, &axes);
    for (struct wait *b = x->prev; b != NULL; b = b->prev)
        if (holds(b, x, as, &e))
            return b;
    for (struct wait *b = x->next; b != NULL; b = b->next)
        if ((as == ENTRY_UNSENT || (as == ENTRY_DOUBT && goes_before_doubt(b, x))) && covered_by(&e, b))
            return b;
    return NULL;
}

struct wait *waits_blocker_of(const struct wait *x)
{
    return waits_blocker_as(x, x->state);
}

/* ---- the clock ---- */

int waits_set_due(struct waits *ws, struct wait *x, int64_t at_ms)
{
    return heap_set(&ws->due, &x->timer, at_ms);
}

int64_t waits_quiet_at(const struct wait *x)
{
    const struct waits *ws = x->service->waits;
    bool will_be = x->state == ENTRY_DOUBT && wait_is_for_person(x) && x->written_ms > ws->quiet_ms;
    return will_be ? x->written_ms + ws->quarantine_ms + 1 : 0;
}

struct wait *waits_pop_due(struct waits *ws, int64_t now_ms)
{
    struct heap_item *item;
    while ((item = heap_pop_due(&ws->due, now_ms)) != NULL) {
        struct wait *x = (struct wait *)((char *)item - offsetof(struct wait, timer));
        if (x->busy)
            continue;
        const struct wait *b = waits_blocker_of(x);
        if (b == NULL)
            return x;
        int64_t quiet = waits_quiet_at(b);
        if (quiet > now_ms && heap_set(&ws->due, &x->timer, quiet) != 0) /* never: it has just left room for one */
            return NULL;
    }
    return NULL;
}

bool wait_is_for_person(const struct wait *x)
{
    return (x->state == ENTRY_DEAD && x->reason == ENTRY_FOR_DEAD) || (x->state == ENTRY_DOUBT && x->reason == ENTRY_FOR_DOUBT);
}

bool waits_is_over(const struct wait *x)
{
    return entry_reason_is_timed(x->reason) && x->timer.place == 0;
}

void waits_remove_if(struct waits *ws, bool (*fn)(void *arg, const struct wait *x), void *arg)
{
    struct wait_service *s, *tmp;
    HASH_ITER (hh, ws->services, s, tmp) {
        size_t left = s->count; /* the last one takes the service with it */
        for (struct wait *x = s->first, *next; left > 0; left--, x = next) {
            next = x->next;
            if (fn(arg, x))
                waits_remove(ws, x);
        }
    }
}

void waits_each(const struct waits *ws, void (*fn)(void *arg, struct wait *x), void *arg)
{
    struct wait_service *s, *tmp;
    HASH_ITER (hh, ws->services, s, tmp)
        for (struct wait *x = s->first; x != NULL; x = x->next)
            fn(arg, x);
}

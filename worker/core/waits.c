#include "core/waits_private.h"

#include <stdlib.h>
#include <string.h>

struct waits *waits_new(void)
{
    return calloc(1, sizeof(struct waits));
}

static void look_out(struct waits *ws, struct wait_service *s)
{
    if (!s->is_looked_at)
        return;
    *(s->look_prev != NULL ? &s->look_prev->look_next : &ws->looks) = s->look_next;
    if (s->look_next != NULL)
        s->look_next->look_prev = s->look_prev;
    s->is_looked_at = false;
}

static void service_free(struct waits *ws, struct wait_service *s)
{
    while (s->first != NULL) {
        struct wait *x = s->first;
        s->first = x->next;
        (void)waits_pay(x);
        free(x);
    }
    look_out(ws, s);
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

struct wait_service *wait_service_find(const struct waits *ws, const char *name)
{
    struct wait_service *s;
    HASH_FIND_STR(ws->services, name, s);
    return s;
}

static struct wait_service *service_get(struct waits *ws, const char *name)
{
    struct wait_service *s = wait_service_find(ws, name);
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
    x->axes_len = len;
    pack_axes(&e->axes, x->axes);
    link_in(s, x);
    ws->count++;
    return x;
}

bool wait_key_parse(const char *hex, uint8_t ret[HASH_SHA256_SIZE])
{
    return hash_unhex(hex, HASH_SHA256_SIZE, ret) == 0 && hex[(size_t)2 * HASH_SHA256_SIZE] == '\0';
}

/* ---- those for which an older one may have to wait ---- */

/* Floods, and what waits behind others, are long rows: they are not looked through for each that is older. */
static bool is_holder(const struct wait *x)
{
    bool in_row = x->reason == ENTRY_FOR_FLOOD || x->reason == ENTRY_FOR_BEHIND;
    return x->state != ENTRY_DEAD && !(x->state == ENTRY_UNSENT && in_row);
}

static void holder_out(struct wait *x)
{
    struct wait_service *s = x->service;
    if (!x->is_holder)
        return;
    if (x->holder_prev != NULL)
        x->holder_prev->holder_next = x->holder_next;
    *(x->holder_next != NULL ? &x->holder_next->holder_prev : &s->last_holder) = x->holder_prev;
    x->is_holder = false;
}

/* By place. */
static void holder_in(struct wait *x)
{
    struct wait_service *s = x->service;
    struct wait *after = NULL, *before = s->last_holder;
    if (x->is_holder)
        return;
    while (before != NULL && entry_place_cmp(before->place, x->place) > 0) {
        after = before;
        before = before->holder_prev;
    }
    x->holder_prev = before;
    x->holder_next = after;
    if (before != NULL)
        before->holder_next = x;
    *(after != NULL ? &after->holder_prev : &s->last_holder) = x;
    x->is_holder = true;
}

struct wait *waits_put(struct waits *ws, const struct entry *e, int64_t at)
{
    struct wait *x = waits_find(ws, e->service, e->place);
    if (x == NULL && (x = wait_new(ws, e)) == NULL)
        return NULL;
    x->at = at;
    x->state = e->state;
    x->reason = e->reason;
    x->behind = e->behind;
    x->type = e->type;
    x->order = e->order;
    x->round = e->round;
    x->try_no = e->try_no;
    x->fence = strtoull(e->fence, NULL, 10);
    x->keyed = wait_key_parse(e->key, x->key);
    x->since_ms = e->since_ms;
    x->written_ms = e->now_ms;
    x->first_try_ms = e->first_try_ms;
    (is_holder(x) ? holder_in : holder_out)(x);
    heap_remove(&ws->due, &x->timer);
    if (entry_reason_is_timed(e->reason) && heap_set(&ws->due, &x->timer, e->release_at_ms) != 0) {
        waits_remove(ws, x);
        return NULL;
    }
    return x;
}

/* From both ends: a place is at one of them, or outside, mostly. A service has an entry. */
struct wait *wait_last_before(const struct wait_service *s, struct entry_place place)
{
    struct wait *a = s->first, *z = s->last;
    while (entry_place_cmp(a->place, place) < 0 && entry_place_cmp(z->place, place) >= 0) {
        a = a->next;
        z = z->prev;
    }
    return entry_place_cmp(a->place, place) < 0 ? z : a->prev;
}

struct wait *waits_find(const struct waits *ws, const char *service, struct entry_place place)
{
    struct wait_service *s = wait_service_find(ws, service);
    struct wait *before = s != NULL ? wait_last_before(s, place) : NULL;
    struct wait *x = before != NULL ? before->next : waits_first(ws, service);
    return x != NULL && entry_place_equal(x->place, place) ? x : NULL;
}

void waits_remove(struct waits *ws, struct wait *x)
{
    struct wait_service *s = x->service;
    (void)waits_pay(x);
    waits_stand(x);
    holder_out(x);
    if (s->cursor == x)
        s->cursor = x->next;
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
    struct wait_service *s = wait_service_find(ws, service);
    return s != NULL ? s->first : NULL;
}

size_t waits_count_of(const struct waits *ws, const char *service)
{
    struct wait_service *s = wait_service_find(ws, service);
    return s != NULL ? s->count : 0;
}

/* ---- what an event that superseded them waits for ---- */

struct wait_debt {
    int64_t offset;
    size_t left;
};

struct wait_debt *waits_debt_new(int64_t offset)
{
    struct wait_debt *d = malloc(sizeof(*d));
    if (d != NULL)
        *d = (struct wait_debt){.offset = offset};
    return d;
}

void waits_owe(struct wait *x, struct wait_debt *d)
{
    (void)waits_pay(x);
    x->debt = d;
    d->left++;
}

int64_t waits_pay(struct wait *x)
{
    struct wait_debt *d = x->debt;
    x->debt = NULL;
    if (d == NULL || --d->left > 0)
        return -1;
    int64_t offset = d->offset;
    free(d);
    return offset;
}

/* ---- called back, and looked at ---- */

void waits_call(struct wait *x, bool in_order)
{
    x->service->called += !x->called;
    x->called = true;
    x->in_order = in_order;
}

void waits_stand(struct wait *x)
{
    x->service->called -= x->called;
    x->called = x->in_order = false;
}

size_t waits_called(const struct waits *ws, const char *service)
{
    struct wait_service *s = wait_service_find(ws, service);
    return s != NULL ? s->called : 0;
}

bool waits_look(struct waits *ws, const char *service)
{
    struct wait_service *s = wait_service_find(ws, service);
    if (s == NULL)
        return false;
    s->again = true;
    if (s->is_looked_at)
        return true;
    s->look_prev = NULL;
    s->look_next = ws->looks;
    if (s->look_next != NULL)
        s->look_next->look_prev = s;
    ws->looks = s;
    s->is_looked_at = true;
    s->cursor = NULL;
    return true;
}

/* Up to @max of them, from @x on; false: @fn has had enough. *@ret_next: where it stopped. */
static bool look_from(struct wait *x, size_t max, bool (*fn)(void *arg, struct wait *x), void *arg, struct wait **ret_next)
{
    bool goes_on = true;
    for (size_t n = 0; x != NULL && n < max && goes_on; n++) {
        struct wait *next = x->next;
        goes_on = fn(arg, x);
        x = goes_on ? next : x;
    }
    *ret_next = x;
    return goes_on;
}

/* First those at the front, of which something has mostly come to its end; then some further on. */
static void look_at(struct waits *ws, struct wait_service *s, size_t max, bool (*fn)(void *arg, struct wait *x), void *arg)
{
    struct wait *next;
    bool begins = s->cursor == NULL;
    if (begins)
        s->again = false;
    if (!look_from(s->first, max, fn, arg, &next))
        return;
    if (next == NULL) {
        look_out(ws, s);
        return;
    }
    if (!begins && entry_place_cmp(s->cursor->place, next->place) > 0)
        next = s->cursor;
    bool goes_on = look_from(next, max, fn, arg, &s->cursor);
    if (goes_on && s->cursor == NULL && !s->again)
        look_out(ws, s);
}

void waits_look_on(struct waits *ws, const char *service, size_t max, bool (*fn)(void *arg, struct wait *x), void *arg)
{
    struct wait_service *s = wait_service_find(ws, service);
    if (s != NULL && s->is_looked_at)
        look_at(ws, s, max, fn, arg);
}

void waits_each_look(struct waits *ws, void (*fn)(void *arg, const char *service), void *arg)
{
    struct wait_service *next;
    for (struct wait_service *s = ws->looks; s != NULL; s = next) {
        next = s->look_next;
        fn(arg, s->name);
    }
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

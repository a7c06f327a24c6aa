#include "core/lanes.h"

#include <stdlib.h>
#include <string.h>
#define HASH_NONFATAL_OOM 1 /* else it would end the program: hh.tbl of what could not be added is NULL */
#include <uthash.h>

enum lane_state {
    LANE_READY, /* in the ready list */
    LANE_BUSY,  /* its head is being worked */
};

struct lane {
    UT_hash_handle hh;
    struct lane_item *head, *tail;
    struct lane *prev, *next; /* in the ready list */
    size_t depth;
    enum lane_state state;
    enum lane_rank rank; /* of the queue in which it stands */
    char key[]; /* NUL-terminated */
};

struct queue {
    struct lane *first, *last;
};

struct lanes {
    struct lane *by_key;
    struct queue ready[RANK_COUNT];
    unsigned ready_mask; /* a bit for each queue that is not empty */
    size_t items;
};

struct lanes *lanes_new(void)
{
    return calloc(1, sizeof(struct lanes));
}

void lanes_free(struct lanes *ls)
{
    if (ls == NULL)
        return;
    struct lane *l, *tmp;
    HASH_ITER (hh, ls->by_key, l, tmp) {
        /* The analyzer does not see that the next one's `prev` decides whether it is the last. */
        HASH_DEL(ls->by_key, l); /* NOLINT(clang-analyzer-unix.Malloc) */
        free(l);
    }
    free(ls);
}

static struct queue *ready_enter(struct lanes *ls, struct lane *l)
{
    l->state = LANE_READY;
    l->rank = l->head->rank;
    ls->ready_mask |= 1U << l->rank;
    return &ls->ready[l->rank];
}

static void ready_append(struct lanes *ls, struct lane *l)
{
    struct queue *q = ready_enter(ls, l);
    l->next = NULL;
    l->prev = q->last;
    *(q->last != NULL ? &q->last->next : &q->first) = l;
    q->last = l;
}

static void ready_prepend(struct lanes *ls, struct lane *l)
{
    struct queue *q = ready_enter(ls, l);
    l->prev = NULL;
    l->next = q->first;
    *(q->first != NULL ? &q->first->prev : &q->last) = l;
    q->first = l;
}

static void ready_remove(struct lanes *ls, struct lane *l)
{
    struct queue *q = &ls->ready[l->rank];
    *(l->prev != NULL ? &l->prev->next : &q->first) = l->next;
    *(l->next != NULL ? &l->next->prev : &q->last) = l->prev;
    l->prev = l->next = NULL;
    if (q->first == NULL)
        ls->ready_mask &= ~(1U << l->rank);
}

static struct lane *lane_new(struct lanes *ls, const char *key, size_t key_len)
{
    struct lane *l = calloc(1, sizeof(*l) + key_len + 1);
    if (l == NULL)
        return NULL;
    memcpy(l->key, key, key_len);
    HASH_ADD_KEYPTR(hh, ls->by_key, l->key, key_len, l);
    if (l->hh.tbl != NULL)
        return l;
    free(l);
    return NULL;
}

int lanes_push(struct lanes *ls, const char *key, size_t key_len, struct lane_item *item)
{
    struct lane *l;
    HASH_FIND(hh, ls->by_key, key, key_len, l);
    if (l == NULL && (l = lane_new(ls, key, key_len)) == NULL)
        return -1;
    item->lane = l;
    item->next = NULL;
    if (l->head == NULL) {
        l->head = item;
        ready_append(ls, l);
    } else {
        l->tail->next = item;
    }
    l->tail = item;
    l->depth++;
    ls->items++;
    return 0;
}

struct lane_item *lanes_take(struct lanes *ls, enum lane_rank rank)
{
    struct lane *l = ls->ready[rank].first;
    if (l == NULL)
        return NULL;
    ready_remove(ls, l);
    l->state = LANE_BUSY;
    return l->head;
}

const struct lane_item *lanes_first(const struct lanes *ls, enum lane_rank rank)
{
    return ls->ready[rank].first != NULL ? ls->ready[rank].first->head : NULL;
}

bool lanes_any_ready(const struct lanes *ls)
{
    return ls->ready_mask != 0;
}

unsigned lanes_ready(const struct lanes *ls)
{
    return ls->ready_mask;
}

size_t lanes_each_ready(const struct lanes *ls, size_t max, void (*fn)(void *arg, struct lane_item *head), void *arg)
{
    size_t n = 0;
    for (int rank = 0; rank < RANK_COUNT; rank++)
        for (const struct lane *l = ls->ready[rank].first; l != NULL && n < max; l = l->next, n++)
            fn(arg, l->head);
    return n;
}

void lanes_give_back(struct lanes *ls, struct lane_item *item)
{
    ready_prepend(ls, item->lane);
}

void lanes_put_last(struct lanes *ls, struct lane_item *item)
{
    ready_append(ls, item->lane);
}

static void lane_unlink(struct lane *l, struct lane_item *item)
{
    struct lane_item *before = l->head;
    while (before->next != item)
        before = before->next;
    before->next = item->next;
    if (l->tail == item)
        l->tail = before;
}

void lanes_let_before(struct lanes *ls, struct lane_item *head, struct lane_item *behind)
{
    struct lane *l = head->lane;
    lane_unlink(l, behind);
    behind->next = head;
    l->head = behind;
    ready_prepend(ls, l);
}

void lanes_put_back(struct lane_item *head, struct lane_item *item, bool (*is_after)(const void *arg, struct lane_item *item),
                    const void *arg)
{
    struct lane *l = head->lane;
    lane_unlink(l, item);
    struct lane_item *before = head;
    while (before->next != NULL && !is_after(arg, before->next))
        before = before->next;
    item->next = before->next;
    before->next = item;
    if (l->tail == before)
        l->tail = item;
}

static void lane_end(struct lanes *ls, struct lane *l)
{
    HASH_DEL(ls->by_key, l);
    free(l);
}

struct lane_item *lanes_finish(struct lanes *ls, struct lane_item *item)
{
    struct lane *l = item->lane;
    l->head = item->next;
    l->depth--;
    ls->items--;
    item->lane = NULL;
    struct lane_item *next = l->head;
    if (next == NULL)
        lane_end(ls, l);
    else
        ready_append(ls, l);
    return next;
}

static void lane_remove_if(struct lanes *ls, struct lane *l, bool (*drop)(void *, struct lane_item *),
                           void *arg)
{
    struct lane_item **link = l->state == LANE_BUSY ? &l->head->next : &l->head;
    l->tail = l->state == LANE_BUSY ? l->head : NULL;
    while (*link != NULL) {
        struct lane_item *item = *link, *next = item->next;
        if (drop(arg, item)) {
            *link = next;
            l->depth--;
            ls->items--;
        } else {
            l->tail = item;
            link = &item->next;
        }
    }
}

void lanes_remove_if(struct lanes *ls, bool (*drop)(void *arg, struct lane_item *item), void *arg)
{
    struct lane *l, *tmp;
    HASH_ITER (hh, ls->by_key, l, tmp) {
        lane_remove_if(ls, l, drop, arg);
        if (l->head == NULL) {
            ready_remove(ls, l);
            lane_end(ls, l);
        } else if (l->state == LANE_READY && l->head->rank != l->rank) {
            ready_remove(ls, l);
            ready_append(ls, l);
        }
    }
}

void lane_each_behind(const struct lane_item *item, void (*fn)(void *arg, struct lane_item *item), void *arg)
{
    for (struct lane_item *i = item->next; i != NULL; i = i->next)
        fn(arg, i);
}

void lanes_each(const struct lanes *ls, void (*fn)(void *arg, struct lane_item *item), void *arg)
{
    struct lane *l, *tmp;
    HASH_ITER (hh, ls->by_key, l, tmp) {
        fn(arg, l->head);
        lane_each_behind(l->head, fn, arg);
    }
}

const char *lane_key(const struct lane *l)
{
    return l->key;
}

size_t lane_depth(const struct lane *l)
{
    return l->depth;
}

size_t lanes_depth_of(const struct lanes *ls, const char *key, size_t key_len)
{
    struct lane *l;
    HASH_FIND(hh, ls->by_key, key, key_len, l);
    return l != NULL ? l->depth : 0;
}

size_t lanes_count(const struct lanes *ls)
{
    return HASH_COUNT(ls->by_key);
}

size_t lanes_items(const struct lanes *ls)
{
    return ls->items;
}

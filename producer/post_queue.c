#include "post_queue.h"

#include <stdlib.h>
#include <string.h>
#define HASH_NONFATAL_OOM 1 /* else it would end the program: hh.tbl of what could not be added is NULL */
#include <uthash.h>

#define HELD_PER_ITEM 50 /* done ones that may wait behind an old one: small, but not without end */

struct post_lane {
    struct post_item *first, *last;
    int64_t due_ms; /* of the first */
    size_t key_len;
    UT_hash_handle hh;
    char key[];
};

/* Items in the order of their offsets; those at the front that are done are let go. */
struct part {
    struct post_item *first, *last;
    int64_t next; /* offset after the last one that was added */
    int32_t partition;
    UT_hash_handle hh;
};

struct post_queue {
    struct post_lane *lanes;
    struct part *parts;
    size_t count, bytes; /* not yet done */
    size_t held;         /* with those that are done and wait for an older one of their partition */
    size_t max_items, max_bytes;
    uint64_t added; /* since the beginning: the next one's number */
};

struct post_queue *post_queue_new(size_t max_items, size_t max_bytes)
{
    struct post_queue *q = calloc(1, sizeof(*q));
    if (q == NULL)
        return NULL;
    q->max_items = max_items;
    q->max_bytes = max_bytes;
    return q;
}

static void item_free(struct post_item *it)
{
    free(it->body);
    free(it);
}

static struct part *part_of(const struct post_queue *q, int32_t partition)
{
    struct part *p = NULL;
    HASH_FIND_INT(q->parts, &partition, p);
    return p;
}

static struct part *part_get(struct post_queue *q, int32_t partition)
{
    struct part *p = part_of(q, partition);
    if (p != NULL || (p = calloc(1, sizeof(*p))) == NULL)
        return p;
    p->partition = partition;
    HASH_ADD_INT(q->parts, partition, p);
    if (p->hh.tbl != NULL)
        return p;
    free(p);
    return NULL;
}

static struct post_lane *lane_get(struct post_queue *q, const char *key, size_t key_len)
{
    struct post_lane *l = NULL;
    HASH_FIND(hh, q->lanes, key, key_len, l);
    if (l != NULL || (l = calloc(1, sizeof(*l) + key_len)) == NULL)
        return l;
    memcpy(l->key, key, key_len);
    l->key_len = key_len;
    HASH_ADD_KEYPTR(hh, q->lanes, l->key, l->key_len, l);
    if (l->hh.tbl != NULL)
        return l;
    free(l);
    return NULL;
}

static struct post_item *item_new(const char *body, size_t len, const char *id)
{
    struct post_item *it = calloc(1, sizeof(*it));
    char *copy = malloc(len + 1);
    if (it == NULL || copy == NULL) {
        free(copy);
        free(it);
        return NULL;
    }
    memcpy(copy, body, len);
    copy[len] = '\0';
    it->body = copy;
    it->len = len;
    size_t n = strnlen(id, sizeof(it->id) - 1);
    memcpy(it->id, id, n);
    return it;
}

int post_queue_add(struct post_queue *q, int32_t partition, int64_t offset, const char *key, size_t key_len,
                   const char *body, size_t len, const char *id)
{
    const struct part *known = part_of(q, partition);
    if (known != NULL && offset < known->next)
        return 0;
    struct post_item *it = item_new(body, len, id);
    struct part *p = it != NULL ? part_get(q, partition) : NULL;
    struct post_lane *l = p != NULL ? lane_get(q, key, key_len) : NULL;
    if (l == NULL) {
        if (it != NULL)
            item_free(it);
        return -1;
    }
    it->partition = partition;
    it->offset = offset;
    it->lane = l;
    it->number = q->added++;
    *(l->last != NULL ? &l->last->next_in_lane : &l->first) = it;
    l->last = it;
    *(p->last != NULL ? &p->last->next_in_partition : &p->first) = it;
    p->last = it;
    p->next = offset + 1;
    q->count++;
    q->held++;
    q->bytes += len;
    return 0;
}

bool post_queue_is_full(const struct post_queue *q)
{
    return q->count >= q->max_items || q->bytes >= q->max_bytes || q->held >= HELD_PER_ITEM * q->max_items;
}

size_t post_queue_count(const struct post_queue *q)
{
    return q->count;
}

/* The oldest of those that are due: so the watermarks stay close behind what is delivered. */
struct post_item *post_queue_next(struct post_queue *q, int64_t now_ms, int64_t *ret_wait_ms)
{
    struct post_item *oldest = NULL;
    int64_t soonest_ms = INT64_MAX;
    for (struct post_lane *l = q->lanes; l != NULL; l = l->hh.next) {
        if (l->due_ms <= now_ms && (oldest == NULL || l->first->number < oldest->number))
            oldest = l->first;
        if (l->due_ms < soonest_ms)
            soonest_ms = l->due_ms;
    }
    *ret_wait_ms = q->lanes == NULL ? -1 : soonest_ms > now_ms ? soonest_ms - now_ms : 0;
    return oldest;
}

void post_queue_retry(struct post_queue *q, struct post_item *it, int64_t due_ms)
{
    (void)q;
    it->lane->due_ms = due_ms;
}

/* Takes the first of its lane off; a lane without items goes. */
static void leave_lane(struct post_queue *q, struct post_item *it)
{
    struct post_lane *l = it->lane;
    l->first = it->next_in_lane;
    l->due_ms = 0;
    if (l->first != NULL)
        return;
    HASH_DEL(q->lanes, l);
    free(l);
}

bool post_queue_done(struct post_queue *q, struct post_item *it)
{
    struct part *p = part_of(q, it->partition);
    bool moved = false;
    leave_lane(q, it);
    q->count--;
    q->bytes -= it->len;
    it->done = true;
    free(it->body);
    it->body = NULL;
    while (p->first != NULL && p->first->done) {
        struct post_item *gone = p->first;
        p->first = gone->next_in_partition;
        item_free(gone);
        q->held--;
        moved = true;
    }
    if (p->first == NULL)
        p->last = NULL;
    return moved;
}

int64_t post_queue_watermark(const struct post_queue *q, int32_t partition)
{
    const struct part *p = part_of(q, partition);
    if (p == NULL)
        return -1;
    return p->first != NULL ? p->first->offset : p->next;
}

/* A lane may hold items of one partition only (a service has one): its place in the list does not matter. */
static void unlink_from_lane(struct post_queue *q, struct post_item *it)
{
    struct post_lane *l = it->lane;
    struct post_item *before = NULL;
    for (struct post_item *i = l->first; i != it; i = i->next_in_lane)
        before = i;
    if (before == NULL) {
        leave_lane(q, it);
        return;
    }
    before->next_in_lane = it->next_in_lane;
    if (l->last == it)
        l->last = before;
}

void post_queue_drop(struct post_queue *q, int32_t partition)
{
    struct part *p = part_of(q, partition);
    if (p == NULL)
        return;
    while (p->first != NULL) {
        struct post_item *it = p->first;
        p->first = it->next_in_partition;
        if (!it->done) {
            unlink_from_lane(q, it);
            q->count--;
            q->bytes -= it->len;
        }
        item_free(it);
        q->held--;
    }
    HASH_DEL(q->parts, p);
    free(p);
}

void post_queue_free(struct post_queue *q)
{
    if (q == NULL)
        return;
    for (struct part *p = q->parts, *next = NULL; p != NULL; p = next) {
        next = p->hh.next;
        post_queue_drop(q, p->partition);
    }
    free(q);
}

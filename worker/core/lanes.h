/* lanes.h - the queues of the services: one event of a service is worked at a time, in order.
 *
 * An item is part of its owner's struct (a job); lanes free none. A lane is idle (nothing waits), ready
 * (its head may start), or busy (its head is being worked). It lives while it has items. Ready lanes stand in a queue
 * for each rank, by their heads' (turns.h says whose turn it is). Not thread-safe. */
#ifndef TVB_CORE_LANES_H
#define TVB_CORE_LANES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "core/turns.h"

struct lane;
struct lanes;

struct lane_item {
    struct lane *lane;
    struct lane_item *next;
    enum lane_rank rank; /* its owner's; read when the item becomes the head of a ready lane */
};

struct lanes *lanes_new(void); /* NULL: out of memory */
void lanes_free(struct lanes *ls); /* items are not touched */

/* Appends @item to the lane of @key (copied). -1: out of memory. */
ATTR_MUST_USE int lanes_push(struct lanes *ls, const char *key, size_t key_len, struct lane_item *item);
/* The head of the lane of that rank that has been ready longest; its lane is busy from now. NULL: none is ready. */
struct lane_item *lanes_take(struct lanes *ls, enum lane_rank rank);
/* The same without taking it. */
const struct lane_item *lanes_first(const struct lanes *ls, enum lane_rank rank);
bool lanes_any_ready(const struct lanes *ls);
/* Calls @fn for the heads of the next @max lanes that are ready, those of a rank in the order in which they would be
 * taken, and the ranks in theirs. Returns for how many. */
size_t lanes_each_ready(const struct lanes *ls, size_t max, void (*fn)(void *arg, struct lane_item *head), void *arg);
/* A bit for each rank of which a lane is ready. */
unsigned lanes_ready(const struct lanes *ls);
/* @item, the head of a busy lane, cannot start yet: its lane is ready again, before all others of its rank. */
void lanes_give_back(struct lanes *ls, struct lane_item *item);
/* The same, but behind all others of its rank. */
void lanes_put_last(struct lanes *ls, struct lane_item *item);
/* @item, the head of a busy lane, is finished: the lane goes on with the next, which is returned, or ends (NULL). */
struct lane_item *lanes_finish(struct lanes *ls, struct lane_item *item);
/* Removes every item for which @drop says yes; of a busy lane the head stays. @drop may free the item. */
void lanes_remove_if(struct lanes *ls, bool (*drop)(void *arg, struct lane_item *item), void *arg);

/* @behind, which waits behind @head in its busy lane, comes before it: it is the head of the lane, which is ready again. */
void lanes_let_before(struct lanes *ls, struct lane_item *head, struct lane_item *behind);
/* @item, which waits in @head's lane, goes to its place there: behind @head, and before the first for which @is_after says
 * so. */
void lanes_put_back(struct lane_item *head, struct lane_item *item, bool (*is_after)(const void *arg, struct lane_item *item),
                    const void *arg);
/* Calls @fn for every item, of each lane in order; it must not change the lanes. */
void lanes_each(const struct lanes *ls, void (*fn)(void *arg, struct lane_item *item), void *arg);
/* The same for those behind @item in its lane. */
void lane_each_behind(const struct lane_item *item, void (*fn)(void *arg, struct lane_item *item), void *arg);

const char *lane_key(const struct lane *l); /* NUL-terminated */
size_t lane_depth(const struct lane *l);    /* items, the head included */
size_t lanes_depth_of(const struct lanes *ls, const char *key, size_t key_len); /* 0: no such lane */
size_t lanes_count(const struct lanes *ls);
size_t lanes_items(const struct lanes *ls);

#endif

/* covers.h - whether a newer event of a service says all that an older one says, so that the older one need not be sent.
 * RELIABILITY.md section 1.
 *
 * A deletion and a snapshot in mode apply cover every event that has an axis, a cancellation what blocks or suspends, any other
 * event those whose axes it has all; two of one type only where the newer one has also each field of the older. A creation
 * covers nothing, and an event without an axis neither covers nor is covered. Pure. */
#ifndef TVB_CONTRACT_COVERS_H
#define TVB_CONTRACT_COVERS_H

#include <jansson.h>
#include <stdbool.h>

#include "contract/axes.h"

/* What counts of an event. */
struct covers_event {
    enum event_type type;
    const struct axes *axes;
    const json_t *data; /* NULL: not known, then it covers none of its own type and is covered by none */
};

/* False: certainly not, by their types alone. EVENT_TYPE_COUNT is a type that is not known, and covers nothing. O(1). */
bool covers_may(enum event_type newer, enum event_type older);
/* @newer is the newer one by order, and another event: that is the caller's. */
bool covers(const struct covers_event *newer, const struct covers_event *older);
/* The same without a look at their fields. */
bool covers_axes(const struct covers_event *newer, const struct covers_event *older);

#endif

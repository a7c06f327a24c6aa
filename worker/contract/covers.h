/* covers.h - whether a newer event of a service says all that an older one says, so that the older one need not be sent.
 * RELIABILITY.md section 1.
 *
 * A snapshot in mode apply covers every event that has an axis; a deletion too, but for a creation: what the creation would
 * have brought may be what the deletion needs, and one that is refused must not let the older creation run; a cancellation what blocks or suspends, any other
 * event those whose axes it has all; two of one type only where the newer one has also each field of the older. A creation
 * covers nothing, and an event without an axis neither covers nor is covered. Pure. */
#ifndef TVB_CONTRACT_COVERS_H
#define TVB_CONTRACT_COVERS_H

#include <jansson.h>
#include <stdbool.h>

#include "contract/axes.h"
#include "contract/order.h"

/* What counts of an event. */
struct covers_event {
    enum event_type type;
    const struct axes *axes;
    const json_t *data; /* NULL: not known, then it covers none of its own type and is covered by none */
    const struct order *order; /* NULL: that it is the newer one, or the older, is its caller's knowledge */
};

/* False: certainly not, by their types alone. EVENT_TYPE_COUNT is a type that is not known, and covers nothing. O(1). */
bool covers_may(enum event_type newer, enum event_type older);
/* @newer comes later, and is another event: that is the caller's. By order it must be the newer one too. */
bool covers(const struct covers_event *newer, const struct covers_event *older);
/* The same without a look at their fields. */
bool covers_axes(const struct covers_event *newer, const struct covers_event *older);
/* Whether it may also pass an older one that it covers and that may have been done. Not a snapshot, which says nothing of what it finds
 * as it is to be: what is known must be true before it is compared. */
bool covers_doubts(enum event_type newer);

#endif

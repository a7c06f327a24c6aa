/* event_peek.h - an event's type, before it is decoded.
 *
 * A guess for the order in which services get their turn and for nothing else: it reads the header `ce_type`, or looks for
 * the first member `type` of the body's beginning that names one of our types. O(1): a bounded look, no allocation. */
#ifndef TVB_CONTRACT_EVENT_PEEK_H
#define TVB_CONTRACT_EVENT_PEEK_H

#include <stdbool.h>

#include "contract/event.h"

/* How far into the body it looks. */
#define EVENT_PEEK_BYTES 1024

/* False: not to be seen. */
bool event_peek_type(const struct event_message *m, enum event_type *ret);

#endif

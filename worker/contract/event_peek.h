/* event_peek.h - what can be told of an event before it is decoded. No allocation.
 *
 * The type is a guess, for the order in which services get their turn and for nothing else: it reads the header `ce_type`, or
 * looks for the first member `type` of the body's beginning that names one of our types. O(1): a bounded look. */
#ifndef TVB_CONTRACT_EVENT_PEEK_H
#define TVB_CONTRACT_EVENT_PEEK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "contract/event.h"

/* How far into the body it looks. */
#define EVENT_PEEK_BYTES 1024

/* False: not to be seen. */
bool event_peek_type(const struct event_message *m, enum event_type *ret);

/* Two bits for each name of a member, at any depth of the body: of two well-formed ones whose first has a bit that the second has not,
 * the first has a member that the second has not. UINT64_MAX: nothing can be told. O(len). */
uint64_t event_peek_names(const char *body, size_t len);

#endif

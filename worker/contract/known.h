/* known.h - a record cut down to what a comparison needs:
 *
 *   { fence, by ("sequence"|"offset"|"none"), top (the highest order of its axes, ""), known (made or adopted here), status, login, plan,
 *     block, suspended, packages (id -> { ours: billing's events put it there; valid_from, valid_to }), ids }
 *
 * Pure. */
#ifndef TVB_CONTRACT_KNOWN_H
#define TVB_CONTRACT_KNOWN_H

#include <jansson.h>

#include "contract/order.h"

/* The above of a whole record. The caller owns it. NULL: out of memory. */
json_t *known_of(const json_t *record);

/* The basis of the @n-th event (from 1) that is made from @known, which may be NULL. It stands above what the record's
 * last event implies for later days (engine/dates.c), beginnings and ends, which stand just above that event: at most AXES_MAX. */
void known_basis(const json_t *known, unsigned n, char ret[BASIS_TEXT_SIZE]);

#endif

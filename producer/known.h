/* known.h - what tvbridge knows of each service of a provider: its records, read from Kafka and cut down to what a comparison needs.
 *
 *   { fence, by ("sequence"|"offset"|"none"), top (the highest order of its axes, ""), known (made or adopted here), status, login, plan,
 *     block, suspended, packages (id -> { ours: billing's events put it there; valid_from, valid_to }), ids } */
#ifndef TVB_PRODUCER_KNOWN_H
#define TVB_PRODUCER_KNOWN_H

#include <jansson.h>

#include "base/err.h"
#include "book.h"
#include "contract/order.h"
#include "scan.h"

/* Service -> the above. -1: not all records were read. */
int known_read(struct scanner *s, const char *provider, struct book *into, struct err *reterr);
/* What is kept of a whole record: owned by the caller, JSON null for nothing. NULL: out of memory. */
typedef json_t *known_fn(const void *arg, const json_t *record);
/* The same with another form than the above. */
int known_read_as(struct scanner *s, const char *provider, known_fn *of, const void *arg, struct book *into, struct err *reterr);
/* That of a service, owned by the caller; NULL: it has no record. */
json_t *known_get(const struct book *known, const char *service);
/* The above of a whole record. NULL: out of memory. */
json_t *known_of(const json_t *record);

/* The basis of the @n-th event (from 1) that is made from @known, which may be NULL. It stands above the ends that the record's
 * last event implies for later days (engine/dates.c), which stand just above that event: at most one for each of its axes. */
void known_basis(const json_t *known, unsigned n, char ret[BASIS_TEXT_SIZE]);

#endif

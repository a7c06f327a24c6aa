/* known.h - what tvbridge knows of each service of a provider: its records, read from Kafka and cut down to what a comparison needs
 * (contract/known.h). */
#ifndef TVB_PRODUCER_KNOWN_H
#define TVB_PRODUCER_KNOWN_H

#include <jansson.h>

#include "base/err.h"
#include "book.h"
#include "contract/known.h"
#include "scan.h"

/* Service -> known_of(). -1: not all records were read. */
int known_read(struct scanner *s, const char *provider, struct book *into, struct err *reterr);
/* What is kept of a whole record: owned by the caller, JSON null for nothing. NULL: out of memory. */
typedef json_t *known_fn(const void *arg, const json_t *record);
/* The same with another form than the above. */
int known_read_as(struct scanner *s, const char *provider, known_fn *of, const void *arg, struct book *into, struct err *reterr);
/* That of a service, owned by the caller; NULL: it has no record. */
json_t *known_get(const struct book *known, const char *service);

#endif

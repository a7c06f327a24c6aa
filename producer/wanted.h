/* wanted.h - what billing wants of a service, from a row of its list. schemas/README.md, "The desired state". Pure.
 *
 * What a row does not say is left as it is at the platform; an empty list of packages says that none is wanted. */
#ifndef TVB_PRODUCER_WANTED_H
#define TVB_PRODUCER_WANTED_H

#include <jansson.h>

#include "base/err.h"
#include "contract/wanted.h"
#include "rows.h"

/* The names of a row: of the desired state, and of a map (what `adopt` needs to find an account). */
extern const struct rows_form wanted_form, map_form;

#define WANTED_SERVICE_SIZE 129
/* The row's `service`, checked. -1 and @reterr: it is missing, or could not be a service's id. */
int wanted_service(const json_t *row, char ret[WANTED_SERVICE_SIZE], struct err *reterr);
/* The row's service into @ret_service, and the rest of it in the form of contract/wanted.h. The caller owns it. NULL and @reterr. */
json_t *wanted_read(const json_t *row, char ret_service[WANTED_SERVICE_SIZE], struct err *reterr);

#endif

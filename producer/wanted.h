/* wanted.h - what billing wants of a service, from a row of its list. schemas/README.md, "The desired state". Pure.
 *
 * What a row does not say is left as it is at the platform; an empty list of packages says that none is wanted. */
#ifndef TVB_PRODUCER_WANTED_H
#define TVB_PRODUCER_WANTED_H

#include <jansson.h>
#include <stdint.h>

#include "base/err.h"
#include "rows.h"

/* The names of a row: of the desired state, and of a map (what `adopt` needs to find an account). */
extern const struct rows_form wanted_form, map_form;

#define WANTED_SERVICE_SIZE 129
/* The row's `service`, checked. -1 and @reterr: it is missing, or could not be a service's id. */
int wanted_service(const json_t *row, char ret[WANTED_SERVICE_SIZE], struct err *reterr);
/* The row's service into @ret_service, and the rest of it in one form:
 *   login, plan, account_number, external_id, client, name: text
 *   status: active, blocked, suspended or terminated
 *   packages: id -> { valid_from, valid_to, price, currency, quantity }
 *   and, for a service that is made, as in the event service.created: password, subscriber, devices, device_limit, language, extra
 * The caller owns it. NULL and @reterr. */
json_t *wanted_read(const json_t *row, char ret_service[WANTED_SERVICE_SIZE], struct err *reterr);

/* When a package of @wanted begins and ends, in Unix ms; without: 0 and INT64_MAX. A day begins, and ends with its last instant before
 * that day, in UTC: valid_to 2026-12-31 ends when that day begins. -1: not such a time. */
int wanted_times(const json_t *package, int64_t *ret_from_ms, int64_t *ret_to_ms);

#endif

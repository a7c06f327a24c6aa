/* wanted.h - what billing wants of a service, in the one form that diff.h compares:
 *
 *   login, plan, account_number, external_id, client, name: text
 *   status: active, blocked, suspended or terminated; scope: "partial" with blocked, where not all of it is cut off
 *   packages: id -> { valid_from, valid_to, price, currency, quantity }
 *   and, as in the event service.created: password, pin, subscriber, devices, device_limit, language, extra
 *
 * What it does not say is left as it is at the platform; an empty set of packages says that none is wanted. Pure. */
#ifndef TVB_CONTRACT_WANTED_H
#define TVB_CONTRACT_WANTED_H

#include <jansson.h>
#include <stdint.h>

/* That of the data of a valid service.snapshot. The caller owns it. NULL: out of memory. */
json_t *wanted_of_snapshot(const json_t *data);

/* When a package begins and ends, in Unix ms; without: 0 and INT64_MAX. A day is one in UTC, and the last one counts whole: valid_to
 * 2026-12-31 ends when 2027 begins. -1: not such a time. */
int wanted_times(const json_t *package, int64_t *ret_from_ms, int64_t *ret_to_ms);

#endif

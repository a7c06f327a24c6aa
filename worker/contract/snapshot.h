/* snapshot.h - what a service.snapshot is compared with, and the events that its changes become. Pure.
 *
 * An event made here is a function of the snapshot and of one change that it asks for: its id says so, and what it says does not depend
 * on what else differs, on what is done by then, or on the time. So a snapshot that is compared once more, after a crash, makes the same
 * events with the same ids for what still differs. */
#ifndef TVB_CONTRACT_SNAPSHOT_H
#define TVB_CONTRACT_SNAPSHOT_H

#include <jansson.h>

#include "contract/event.h"

/* The account as the platform has it, for diff_ask.real: @account, what the pack's `read` gave, and from @record what that does not
 * say; without @account (NULL) what @record says. The caller owns it. *@ret NULL: there is no account. -1: out of memory. */
int snapshot_real(const json_t *account, const json_t *record, json_t **ret);
/* For diff_ask.record: known_of() with devices and device_limit; the latter as @account has it, where it does (NULL: not asked). The
 * caller owns it. NULL: out of memory. */
json_t *snapshot_known(const json_t *account, const json_t *record);

#define SNAPSHOT_PART_ID_SIZE 71 /* "part/", 32 digits, "/", 32 digits, NUL */
/* The id of the event that a change (of diff_find()) becomes. -1: out of memory. */
int snapshot_part_id(const struct event *snapshot, const json_t *change, char ret[SNAPSHOT_PART_ID_SIZE]);
/* The event. Its order stands just above the snapshot's, @order: a creation first, so that the rest is not stale behind it. The caller
 * owns it. NULL: out of memory. */
json_t *snapshot_part(const struct event *snapshot, struct order order, const json_t *change);

#endif

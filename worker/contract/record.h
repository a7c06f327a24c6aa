/* record.h - what is known of a service: schemas/record.schema.json.
 *
 * A json object: service, provider, status, plan, block, packages (id -> {..}), devices (id -> {..}), ids (what the
 * provider gave), remembered sets, adopted, password_hmac, order_by ("sequence" or "offset"), fence, and axes: for each axis order, id and
 * offset of the event last applied. A deleted service keeps its record (status "terminated"). */
#ifndef TVB_CONTRACT_RECORD_H
#define TVB_CONTRACT_RECORD_H

#include <jansson.h>
#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"
#include "contract/event.h"
#include "contract/order.h"

/* A record of a service that nothing is known of. The caller owns it. NULL: out of memory. */
json_t *record_new(const char *provider, const char *service);
/* Parses a record's text; NULL when it is not one. */
json_t *record_parse(const char *text, size_t len);
/* Whether the account exists at the platform, as far as it says so: not once its status is terminated, and not while nothing is known
 * but what was remembered (status unknown, no axis), or what a snapshot asks for (only that one). */
bool record_exists(const json_t *record);

/* After @e was applied (or found unchanged) at @order, which stands at @offset: merges @patch (what the pack's x-record says; RFC 7396 JSON
 * merge patch, so null removes a member) and sets order, id and offset on each of the event's axes, order_by and fence.
 * `existence` by service.deleted sets status terminated unless the patch says otherwise. An adoption sets `adopted`, a billing run `billed`,
 * and packages that are added keep their price (record_keep_prices()). -1: out of memory. */
int record_apply(json_t *record, const struct event *e, struct order order, int64_t offset, const json_t *patch,
                 const char *fence, struct err *reterr);

/* After record_apply(), where @e found all as it was to be: its axes say so, for an outcome that is to be told again. -1: out of memory. */
int record_say_unchanged(json_t *record, const struct event *e);

/* The packages of @record that an event of type @t with @data adds keep what billing said of them: price, currency, quantity, whatever the
 * pack keeps. -1: out of memory. */
int record_keep_prices(json_t *record, enum event_type t, const json_t *data);

/* After record_apply(), with the installation's @key: the password that @e sets is kept as password.h says, in `password_hmac`.
 * Without a key (NULL) none is, and what was kept of an older one goes, since it is not the account's any more; so it does when the
 * service is deleted. -1: out of memory. */
int record_keep_password(json_t *record, const struct event *e, const char *key);

/* Orders the service anew, by `sequence` or by offset: each axis of @record counts as applied at @order from now. @act is the id
 * of the act that says so, kept as `rebased`. -1: out of memory. */
int record_rebase(json_t *record, bool by_sequence, struct order order, const char *fence, const char *act);
/* What an event is about to destroy is remembered: members of @patch that the record does not have, or has as null, are
 * added, in objects member by member; what is there stays, so that whoever reads again what is destroyed by then forgets
 * nothing. Null and tvbridge's own members are passed over. The axes stay, and what record_exists() says. With @fence (NULL: neither) it says `fence` and
 * `unfinished`: that of the same claim which says what came of the event is newer, though their fences are equal.
 * -1: out of memory. */
int record_remember(json_t *record, const json_t *patch, const char *fence);
/* The patch that makes the packages and devices of @record those of @seen, and its other members too where @seen has them. The
 * caller owns it. NULL: out of memory. */
json_t *record_adoption(const json_t *record, const json_t *seen);
/* The account is one that tvbridge made, or adopted: what it has at the platform is known here. */
bool record_is_known(const json_t *record);
/* Members that a pack cannot write, or (status) that are always there. */
bool record_member_is_ours(const char *name);

/* RFC 7396 on two objects. -1: out of memory. */
int json_merge_patch(json_t *target, const json_t *patch);

#endif

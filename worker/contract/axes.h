/* axes.h - what an event sets: the unit of staleness and of superseding. RELIABILITY.md section 1. */
#ifndef TVB_CONTRACT_AXES_H
#define TVB_CONTRACT_AXES_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "contract/json.h"

enum event_type {
    EVENT_SERVICE_CREATED,
    EVENT_SERVICE_DELETED,
    EVENT_SERVICE_UPDATED,
    EVENT_PLAN_CHANGED,
    EVENT_CREDENTIALS_CHANGED,
    EVENT_SUBSCRIBER_UPDATED,
    EVENT_SERVICE_CONVERTED,
    EVENT_SERVICE_ADOPTED,
    EVENT_CONTRACT_ACTIVATED,
    EVENT_CONTRACT_BLOCKED,
    EVENT_CONTRACT_UNBLOCKED,
    EVENT_CONTRACT_SUSPENDED,
    EVENT_CONTRACT_REACTIVATED,
    EVENT_CONTRACT_CANCELLED,
    EVENT_CONTRACT_AWAITING_SIGNATURE,
    EVENT_CONTRACT_LATE_NOTICE,
    EVENT_PACKAGE_ADDED,
    EVENT_PACKAGE_REMOVED,
    EVENT_DEVICE_ADDED,
    EVENT_DEVICE_REMOVED,
    EVENT_DEVICE_REPLACED,
    EVENT_PAIRING_CODE_REQUESTED,
    EVENT_DEVICE_LIMIT_CHANGED,
    EVENT_MESSAGE_REQUESTED,
    EVENT_SERVICE_SNAPSHOT,
    EVENT_BILLING_PROCESSED,
    EVENT_CATALOG_REQUESTED,
    EVENT_ACCOUNTS_REQUESTED,
    EVENT_TYPE_COUNT
};

#define EVENT_TYPE_PREFIX "tvbridge."

/* "contract.blocked": the type without its prefix; also the workflowId and the schema's file name. */
const char *event_type_name(enum event_type t);
/* @type with its prefix, or @name without. -1 when there is no such type. */
int event_type_parse(const char *type, enum event_type *ret);
int event_type_of_name(const char *name, enum event_type *ret);
/* @type without its prefix, if it has it: part of @type. */
const char *event_type_short(const char *type);

/* What takes the service from a customer, wholly or in part: the guard counts these. */
bool event_is_cut(enum event_type t);
/* What gives it (back): these go first when a limit binds. */
bool event_is_restore(enum event_type t);

#define AXES_MAX 40
#define AXIS_NAME_SIZE 72 /* "package:" and an id of at most 63 bytes */

/* The axes that one event touches. Each name is "existence", "block", "suspension", "plan",
 * "credentials:<field>", "profile:<field>", "package:<id>", "device:<id>", "device_limit" or "all". */
struct axes {
    size_t n;
    char name[AXES_MAX][AXIS_NAME_SIZE];
};

bool axes_has(const struct axes *a, const char *name);

/* The axes of an event of type @t with @data (already valid by its schema). A device's id is its
 * mac (normalised: 17 characters, upper case, colons) or else its serial. 0, or -1 and @ret_fault when
 * there would be more than AXES_MAX of them. */
int axes_of(enum event_type t, const json_t *data, struct axes *ret, struct fault *ret_fault);

/* Normalises a MAC address in any usual writing to "AA:BB:CC:DD:EE:FF". -1 when it is none. */
int mac_normalise(const char *s, char ret[18]);

#endif

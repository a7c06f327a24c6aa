#include "contract/covers.h"

#include <stdint.h>
#include <string.h>

/* Kinds of axes, a bit each. */
enum {
    OF_BLOCK = 1 << 0,
    OF_SUSPENSION = 1 << 1,
    OF_PLAN = 1 << 2,
    OF_CREDENTIALS = 1 << 3,
    OF_PROFILE = 1 << 4,
    OF_PACKAGE = 1 << 5,
    OF_DEVICE = 1 << 6,
    OF_DEVICE_LIMIT = 1 << 7,
    OF_CREATION = 1 << 8,
    OF_CANCELLATION = 1 << 9,
    OF_ALL = (1 << 10) - 1,
};

static unsigned kinds_of(enum event_type t)
{
    switch (t) {
    case EVENT_SERVICE_CREATED:
        return OF_CREATION;
    case EVENT_SERVICE_DELETED:
    case EVENT_SERVICE_SNAPSHOT:
        return OF_ALL;
    case EVENT_CONTRACT_CANCELLED:
        return OF_CANCELLATION;
    case EVENT_SERVICE_UPDATED:
    case EVENT_SUBSCRIBER_UPDATED:
        return OF_PROFILE;
    case EVENT_PLAN_CHANGED:
        return OF_PLAN;
    case EVENT_CREDENTIALS_CHANGED:
        return OF_CREDENTIALS;
    case EVENT_CONTRACT_ACTIVATED:
        return OF_BLOCK | OF_SUSPENSION;
    case EVENT_CONTRACT_BLOCKED:
    case EVENT_CONTRACT_UNBLOCKED:
    case EVENT_CONTRACT_AWAITING_SIGNATURE:
    case EVENT_CONTRACT_LATE_NOTICE:
        return OF_BLOCK;
    case EVENT_CONTRACT_SUSPENDED:
    case EVENT_CONTRACT_REACTIVATED:
        return OF_SUSPENSION;
    case EVENT_PACKAGE_ADDED:
    case EVENT_PACKAGE_REMOVED:
        return OF_PACKAGE;
    case EVENT_DEVICE_ADDED:
    case EVENT_DEVICE_REMOVED:
        return OF_DEVICE;
    case EVENT_DEVICE_LIMIT_CHANGED:
        return OF_DEVICE_LIMIT;
    case EVENT_SERVICE_CONVERTED:
    case EVENT_SERVICE_ADOPTED:
    case EVENT_DEVICE_REPLACED:
    case EVENT_PAIRING_CODE_REQUESTED:
    case EVENT_MESSAGE_REQUESTED:
    case EVENT_BILLING_PROCESSED:
    case EVENT_CATALOG_REQUESTED:
    case EVENT_ACCOUNTS_REQUESTED:
    case EVENT_TYPE_COUNT:
        return 0;
    }
    return 0;
}

static unsigned covered_by(enum event_type t)
{
    if (t == EVENT_SERVICE_CREATED)
        return 0;
    if (t == EVENT_SERVICE_DELETED)
        return OF_ALL & ~(unsigned)OF_CREATION;
    if (t == EVENT_CONTRACT_CANCELLED)
        return OF_BLOCK | OF_SUSPENSION | OF_CANCELLATION;
    return kinds_of(t);
}

bool covers_may(enum event_type newer, enum event_type older)
{
    unsigned kinds = kinds_of(older);
    return kinds != 0 && (kinds & ~covered_by(newer)) == 0;
}

bool covers_doubts(enum event_type newer)
{
    return newer != EVENT_SERVICE_SNAPSHOT;
}

static bool has_axes(const struct axes *a, const struct axes *of)
{
    for (size_t i = 0; i < of->n; i++)
        if (!axes_has(a, of->name[i]))
            return false;
    return true;
}

static bool has_fields(const json_t *newer, const json_t *older);

/* The element of @list with that id; NULL: none. */
static const json_t *element_of(const json_t *list, const json_t *id)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *one = json_array_get(list, i);
        if (json_equal(json_object_get(one, "id"), id))
            return one;
    }
    return NULL;
}

/* Of lists what has an id is looked at one by one; any other list is a value as a whole. */
static bool has_elements(const json_t *newer, const json_t *older)
{
    for (size_t i = 0; i < json_array_size(older); i++) {
        const json_t *one = json_array_get(older, i), *id = json_object_get(one, "id");
        const json_t *other = id != NULL ? element_of(newer, id) : NULL;
        if (id != NULL && (other == NULL || !has_fields(other, one)))
            return false;
    }
    return true;
}

/* The depth is that of an event that was read, which is bounded. */
static bool has_fields(const json_t *newer, const json_t *older)
{
    if (json_is_array(older))
        return json_is_array(newer) && has_elements(newer, older);
    if (!json_is_object(older))
        return newer != NULL;
    if (!json_is_object(newer))
        return false;
    json_t *o = (json_t *)(uintptr_t)older; /* jansson's iterators take no const; nothing is written */
    for (void *it = json_object_iter(o); it != NULL; it = json_object_iter_next(o, it)) {
        const json_t *other = json_object_get(newer, json_object_iter_key(it));
        if (other == NULL || !has_fields(other, json_object_iter_value(it)))
            return false;
    }
    return true;
}

static bool says_all(const struct covers_event *e)
{
    return e->type == EVENT_SERVICE_DELETED || e->type == EVENT_SERVICE_SNAPSHOT;
}

static bool is_newer(const struct covers_event *newer, const struct covers_event *older)
{
    return newer->order == NULL || older->order == NULL || order_cmp(*newer->order, *older->order) > 0;
}

bool covers_axes(const struct covers_event *newer, const struct covers_event *older)
{
    if (newer->axes->n == 0 || older->axes->n == 0 || !covers_may(newer->type, older->type) || !is_newer(newer, older))
        return false;
    return says_all(newer) || newer->type == EVENT_CONTRACT_CANCELLED || has_axes(newer->axes, older->axes);
}

bool covers(const struct covers_event *newer, const struct covers_event *older)
{
    if (!covers_axes(newer, older))
        return false;
    return says_all(newer) || newer->type != older->type ||
           (newer->data != NULL && older->data != NULL && has_fields(newer->data, older->data));
}

#include "contract/axes.h"

#include <stdint.h>
#include <string.h>

#include "base/attr.h"

static const char *const names[EVENT_TYPE_COUNT] = {
    [EVENT_SERVICE_CREATED] = "service.created",
    [EVENT_SERVICE_DELETED] = "service.deleted",
    [EVENT_SERVICE_UPDATED] = "service.updated",
    [EVENT_PLAN_CHANGED] = "plan.changed",
    [EVENT_CREDENTIALS_CHANGED] = "credentials.changed",
    [EVENT_SUBSCRIBER_UPDATED] = "subscriber.updated",
    [EVENT_SERVICE_CONVERTED] = "service.converted",
    [EVENT_SERVICE_ADOPTED] = "service.adopted",
    [EVENT_CONTRACT_ACTIVATED] = "contract.activated",
    [EVENT_CONTRACT_BLOCKED] = "contract.blocked",
    [EVENT_CONTRACT_UNBLOCKED] = "contract.unblocked",
    [EVENT_CONTRACT_SUSPENDED] = "contract.suspended",
    [EVENT_CONTRACT_REACTIVATED] = "contract.reactivated",
    [EVENT_CONTRACT_CANCELLED] = "contract.cancelled",
    [EVENT_CONTRACT_AWAITING_SIGNATURE] = "contract.awaiting_signature",
    [EVENT_CONTRACT_LATE_NOTICE] = "contract.late_notice",
    [EVENT_PACKAGE_ADDED] = "package.added",
    [EVENT_PACKAGE_REMOVED] = "package.removed",
    [EVENT_DEVICE_ADDED] = "device.added",
    [EVENT_DEVICE_REMOVED] = "device.removed",
    [EVENT_DEVICE_REPLACED] = "device.replaced",
    [EVENT_PAIRING_CODE_REQUESTED] = "pairing_code.requested",
    [EVENT_DEVICE_LIMIT_CHANGED] = "device_limit.changed",
    [EVENT_MESSAGE_REQUESTED] = "message.requested",
    [EVENT_SERVICE_SNAPSHOT] = "service.snapshot",
    [EVENT_BILLING_PROCESSED] = "billing.processed",
    [EVENT_CATALOG_REQUESTED] = "catalog.requested",
    [EVENT_ACCOUNTS_REQUESTED] = "accounts.requested",
};

const char *event_type_name(enum event_type t)
{
    return (size_t)t < ARRAY_LEN(names) ? names[t] : "";
}

const char *event_type_short(const char *type)
{
    size_t n = strlen(EVENT_TYPE_PREFIX);
    return strncmp(type, EVENT_TYPE_PREFIX, n) == 0 ? type + n : type;
}

int event_type_of_name(const char *name, enum event_type *ret)
{
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (strcmp(name, names[i]) == 0) {
            *ret = (enum event_type)i;
            return 0;
        }
    return -1;
}

int event_type_parse(const char *type, enum event_type *ret)
{
    const char *name = event_type_short(type);
    return name != type ? event_type_of_name(name, ret) : -1;
}

bool event_is_cut(enum event_type t)
{
    return t == EVENT_SERVICE_DELETED || t == EVENT_CONTRACT_BLOCKED || t == EVENT_CONTRACT_SUSPENDED ||
           t == EVENT_CONTRACT_CANCELLED || t == EVENT_PACKAGE_REMOVED;
}

bool event_is_restore(enum event_type t)
{
    return t == EVENT_SERVICE_CREATED || t == EVENT_CONTRACT_ACTIVATED || t == EVENT_CONTRACT_UNBLOCKED ||
           t == EVENT_CONTRACT_REACTIVATED || t == EVENT_PACKAGE_ADDED;
}

bool axes_has(const struct axes *a, const char *name)
{
    for (size_t i = 0; i < a->n; i++)
        if (strcmp(a->name[i], name) == 0)
            return true;
    return false;
}

/* Adds "<kind><id>" once. */
static int add(struct axes *a, const char *kind, const char *id, struct fault *ret_fault)
{
    if (a->n == AXES_MAX)
        return fault_set(ret_fault, "/data",
                         "touches more than %d things at once: send several events", AXES_MAX);
    size_t kind_len = strlen(kind), id_len = strlen(id);
    if (kind_len + id_len >= AXIS_NAME_SIZE)
        return fault_set(ret_fault, "/data", "the name of what it touches is longer than %d bytes",
                         AXIS_NAME_SIZE - 1);
    char *name = a->name[a->n];
    memcpy(name, kind, kind_len);
    memcpy(name + kind_len, id, id_len);
    name[kind_len + id_len] = '\0';
    if (!axes_has(a, name))
        a->n++;
    return 0;
}

static void add_plain(struct axes *a, const char *name)
{
    struct fault none;
    (void)add(a, name, "", &none); /* a handful of short names: cannot fail */
}

static int add_members(struct axes *a, const char *kind, const json_t *object,
                       struct fault *ret_fault)
{
    void *it = json_object_iter(
        (json_t *)(uintptr_t)object); /* jansson's iterators take no const; nothing is written */
    for (; it != NULL; it = json_object_iter_next((json_t *)(uintptr_t)object, it))
        if (add(a, kind, json_object_iter_key(it), ret_fault) != 0)
            return -1;
    return 0;
}

/* Members of data.subscriber are fields of their own; the rest counts by its own name. */
static int add_profile(struct axes *a, const json_t *data, struct fault *ret_fault)
{
    void *it = json_object_iter((json_t *)(uintptr_t)data);
    for (; it != NULL; it = json_object_iter_next((json_t *)(uintptr_t)data, it)) {
        const char *field = json_object_iter_key(it);
        int rc = strcmp(field, "subscriber") == 0
                     ? add_members(a, "profile:", json_object_iter_value(it), ret_fault)
                     : add(a, "profile:", field, ret_fault);
        if (rc != 0)
            return -1;
    }
    return 0;
}

static int add_credentials(struct axes *a, const json_t *data, struct fault *ret_fault)
{
    static const char *const fields[] = {"login", "password", "pin"};
    for (size_t i = 0; i < ARRAY_LEN(fields); i++)
        if (json_object_get(data, fields[i]) != NULL &&
            add(a, "credentials:", fields[i], ret_fault) != 0)
            return -1;
    return 0;
}

static int add_packages(struct axes *a, const json_t *data, struct fault *ret_fault)
{
    const json_t *packages = json_object_get(data, "packages");
    size_t n = json_array_size(packages);
    for (size_t i = 0; i < n; i++) {
        const char *id = json_string_value(json_object_get(json_array_get(packages, i), "id"));
        if (id != NULL && add(a, "package:", id, ret_fault) != 0)
            return -1;
    }
    return 0;
}

static int add_device(struct axes *a, const json_t *data, struct fault *ret_fault)
{
    const json_t *device = json_object_get(data, "device");
    const char *mac = json_string_value(json_object_get(device, "mac"));
    char normal[18];
    if (mac != NULL && mac_normalise(mac, normal) == 0)
        return add(a, "device:", normal, ret_fault);
    const char *serial = json_string_value(json_object_get(device, "serial"));
    return serial == NULL ? 0 : add(a, "device:", serial, ret_fault);
}

static void add_snapshot(struct axes *a, const json_t *data)
{
    const char *mode = json_string_value(json_object_get(data, "mode"));
    if (mode != NULL && strcmp(mode, "apply") == 0)
        add_plain(a, "all");
}

int axes_of(enum event_type t, const json_t *data, struct axes *ret, struct fault *ret_fault)
{
    ret->n = 0;
    switch (t) {
    case EVENT_SERVICE_CREATED:
    case EVENT_SERVICE_DELETED:
    case EVENT_CONTRACT_CANCELLED:
        add_plain(ret, "existence");
        return 0;
    case EVENT_SERVICE_UPDATED:
    case EVENT_SUBSCRIBER_UPDATED:
        return add_profile(ret, data, ret_fault);
    case EVENT_PLAN_CHANGED:
        add_plain(ret, "plan");
        return 0;
    case EVENT_CREDENTIALS_CHANGED:
        return add_credentials(ret, data, ret_fault);
    case EVENT_CONTRACT_ACTIVATED:
        add_plain(ret, "block");
        add_plain(ret, "suspension");
        return 0;
    case EVENT_CONTRACT_BLOCKED:
    case EVENT_CONTRACT_UNBLOCKED:
    case EVENT_CONTRACT_AWAITING_SIGNATURE:
    case EVENT_CONTRACT_LATE_NOTICE:
        add_plain(ret, "block");
        return 0;
    case EVENT_CONTRACT_SUSPENDED:
    case EVENT_CONTRACT_REACTIVATED:
        add_plain(ret, "suspension");
        return 0;
    case EVENT_PACKAGE_ADDED:
    case EVENT_PACKAGE_REMOVED:
        return add_packages(ret, data, ret_fault);
    case EVENT_DEVICE_ADDED:
    case EVENT_DEVICE_REMOVED:
        return add_device(ret, data, ret_fault);
    case EVENT_DEVICE_LIMIT_CHANGED:
        add_plain(ret, "device_limit");
        return 0;
    case EVENT_SERVICE_SNAPSHOT:
        add_snapshot(ret, data);
        return 0;
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

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* Usual writings: AA:BB:CC:DD:EE:FF, aa-bb-.., aabb.ccdd.eeff, aabbccddeeff: groups of even length, one separator. */
int mac_normalise(const char *s, char ret[18])
{
    static const char digits[] = "0123456789ABCDEF";
    size_t n = strlen(s);
    size_t group = n == 17 ? 2 : n == 14 ? 4 : n == 12 ? 12 : 0; /* digits between separators */
    if (group == 0)
        return -1;
    const char *separator = s + group;
    if (group != 12 && strchr(":-.", *separator) == NULL)
        return -1;
    char *to = ret;
    for (size_t i = 0, d = 0; i < n; i++) {
        if (group != 12 && i % (group + 1) == group) {
            if (s[i] != *separator)
                return -1;
            continue;
        }
        int v = hex_value(s[i]);
        if (v < 0)
            return -1;
        if (d > 0 && d % 2 == 0)
            *to++ = ':';
        *to++ = digits[v];
        d++;
    }
    *to = '\0';
    return 0;
}

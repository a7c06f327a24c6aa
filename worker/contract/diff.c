#include "contract/diff.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/attr.h"
#include "base/clock.h"
#include "base/utf8.h"
#include "contract/account.h"
#include "contract/axes.h"
#include "contract/json.h"
#include "contract/json_scan.h"
#include "contract/wanted.h"

#define PACKAGES_MAX 32 /* of one event: schemas/events/definitions.schema.json */
#define ID_MAX 63       /* of a package or a serial number: the same */

struct diff {
    const struct diff_rules *rules;
    const struct diff_ask *ask;
    json_t *changes, *left;
    bool failed;
};

/* Whatever could not be kept, the comparison has failed. */
static void keep(struct diff *d, int rc)
{
    d->failed = d->failed || rc != 0;
}

static void ATTR_PRINTF(2, 3) leave(struct diff *d, const char *fmt, ...)
{
    char text[256];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    utf8_make_line(text);
    keep(d, json_array_append_new(d->left, json_string(text)));
}

static bool is_supported(const struct diff *d, const char *type)
{
    return d->rules->can == NULL || d->rules->can(d->rules->can_arg, type);
}

static bool is_cut(const char *type)
{
    enum event_type t;
    return event_type_of_name(type, &t) == 0 && event_is_cut(t);
}

static bool is_known(const struct diff_ask *ask)
{
    return json_is_true(json_object_get(ask->record, "known"));
}

/* Takes over @data, which may be NULL. @notbefore_ms: 0: at once. @what may have been cut. */
static void add_change(struct diff *d, const char *type, json_t *data, int64_t notbefore_ms, char *what)
{
    char when[CLOCK_RFC3339_SIZE];
    utf8_make_line(what);
    if (!is_supported(d, type)) {
        leave(d, "%s: the pack has no workflow %s", what, type);
        json_decref(data);
        return;
    }
    if (d->rules->cuts_known && is_cut(type) && !is_known(d->ask)) {
        leave(d, "%s: not adopted, and the settings say `cuts: known`", what);
        json_decref(data);
        return;
    }
    json_t *one = json_pack("{s:s, s:o, s:s}", "type", type, "data", data, "what", what);
    clock_format_rfc3339(notbefore_ms, when);
    if (notbefore_ms != 0 && json_object_set_new(one, "notbefore", json_string(when)) != 0)
        d->failed = true;
    keep(d, json_array_append_new(d->changes, one));
}

/* Takes over @data, which may be NULL. */
static void ATTR_PRINTF(4, 5) change(struct diff *d, const char *type, json_t *data, const char *fmt, ...)
{
    char what[256];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(what, sizeof(what), fmt, ap);
    va_end(ap);
    add_change(d, type, data, 0, what);
}

/* The same, to be done then. */
static void ATTR_PRINTF(5, 6) change_at(struct diff *d, const char *type, json_t *data, int64_t at_ms, const char *fmt, ...)
{
    char what[256], when[CLOCK_RFC3339_SIZE];
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(what, sizeof(what), fmt, ap);
    va_end(ap);
    clock_format_rfc3339(at_ms, when);
    if (n >= 0 && (size_t)n < sizeof(what))
        snprintf(what + n, sizeof(what) - (size_t)n, " at %s", when);
    add_change(d, type, data, at_ms, what);
}

/* ---- the catalogue ---- */

static bool is_in_catalog(struct diff *d, const char *kind, const char *id)
{
    const json_t *list = json_object_get(d->rules->catalog, kind);
    if (list == NULL || json_object_get(list, id) != NULL)
        return true;
    leave(d, "%s %s is not in the platform's catalogue", strcmp(kind, "plans") == 0 ? "plan" : "package", id);
    return false;
}

/* ---- packages ---- */

enum { OFF, ON, LATER };

static int state_of(const struct diff *d, const json_t *package)
{
    int64_t from = 0, to = INT64_MAX;
    (void)wanted_times(package, &from, &to); /* was looked at when it was read */
    if (d->rules->now_ms >= to)
        return OFF;
    return d->rules->now_ms < from ? LATER : ON;
}

static json_t *package_data(const char *id, const json_t *of)
{
    json_t *one = json_object();
    if (one != NULL && (of == NULL || json_object_update(one, json_unconst(of)) == 0) && json_object_set_new(one, "id", json_string(id)) == 0)
        return one;
    json_decref(one);
    return NULL;
}

/* One event for so many of @list, which it takes over. */
static void change_packages(struct diff *d, const char *type, json_t *list, const char *word)
{
    size_t max = d->rules->whole != NULL ? 1 : PACKAGES_MAX;
    while (json_array_size(list) > 0) {
        json_t *some = json_array();
        char ids[160] = "";
        while (json_array_size(list) > 0 && json_array_size(some) < max) {
            json_t *one = json_array_get(list, 0);
            size_t n = strlen(ids);
            snprintf(ids + n, sizeof(ids) - n, "%s%s", n > 0 ? " " : "", json_text(one, "id"));
            keep(d, json_array_append(some, one));
            json_array_remove(list, 0);
        }
        change(d, type, json_pack("{s:o}", "packages", some), "%s %s", word, ids);
    }
    json_decref(list);
}

static json_t *packages_to_add(struct diff *d)
{
    json_t *list = json_array(), *v;
    const char *id;
    keep(d, list == NULL);
    const json_t *have = json_object_get(d->ask->real, "packages");
    json_object_foreach(json_unconst(json_object_get(d->ask->wanted, "packages")), id, v)
        if (state_of(d, v) == ON && json_object_get(have, id) == NULL && is_in_catalog(d, "packages", id))
            keep(d, json_array_append_new(list, package_data(id, v)));
    return list;
}

static json_t *one_package(const char *id, const json_t *of)
{
    return json_pack("{s:[o]}", "packages", package_data(id, of));
}

/* What a snapshot says of later days. Its own order is above that of what was implied before it, which is stale by that. */
static void add_later(struct diff *d)
{
    const json_t *have = json_object_get(d->ask->real, "packages");
    const char *id;
    json_t *v;
    json_object_foreach(json_unconst(json_object_get(d->ask->wanted, "packages")), id, v)
    {
        int64_t from = 0, to = INT64_MAX;
        (void)wanted_times(v, &from, &to);
        if (state_of(d, v) == LATER && json_object_get(have, id) == NULL)
            change_at(d, "package.added", one_package(id, v), from, "add %s", id);
    }
}

static void end_later(struct diff *d)
{
    const json_t *have = json_object_get(d->ask->real, "packages");
    const char *id;
    json_t *v;
    json_object_foreach(json_unconst(json_object_get(d->ask->wanted, "packages")), id, v)
    {
        int64_t from = 0, to = INT64_MAX;
        (void)wanted_times(v, &from, &to);
        if (d->rules->whole->ends_follow && to != INT64_MAX && state_of(d, v) != OFF && json_object_get(have, id) != NULL)
            change_at(d, "package.removed", one_package(id, NULL), to, "remove %s", id);
    }
}

/* Billing knows of it: it names it, or its events put it there. */
static bool is_billings(const struct diff *d, const char *id)
{
    const json_t *known = json_object_get(json_object_get(d->ask->record, "packages"), id);
    return json_object_get(json_object_get(d->ask->wanted, "packages"), id) != NULL || json_is_true(json_object_get(known, "ours"));
}

/* As schemas/events/definitions.schema.json has a package's id: the platform made this one. */
static bool can_be_said(const char *id)
{
    size_t n = strlen(id);
    for (const char *c = id; *c != '\0'; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7F)
            return false;
    return n > 0 && n <= ID_MAX;
}

static const char *remove_word(const struct diff *d)
{
    return d->rules->whole != NULL ? "remove_unknown" : "--remove-unknown";
}

static json_t *packages_to_remove(struct diff *d)
{
    json_t *list = json_array(), *v;
    const char *id;
    keep(d, list == NULL);
    const json_t *wanted = json_object_get(d->ask->wanted, "packages");
    json_object_foreach(json_unconst(json_object_get(d->ask->real, "packages")), id, v)
    {
        const json_t *one = json_object_get(wanted, id);
        if (one != NULL && state_of(d, one) != OFF)
            continue;
        if (!can_be_said(id))
            leave(d, "a package whose id no event can bear stays");
        else if (is_billings(d, id) || d->rules->remove_unknown)
            keep(d, json_array_append_new(list, package_data(id, NULL)));
        else
            leave(d, "package %s is unknown to billing: %s removes it", id, remove_word(d));
    }
    return list;
}

/* ---- devices, of a snapshot ---- */

static bool wants_device(const struct diff *d, const char *id)
{
    const json_t *list = json_object_get(d->ask->wanted, "devices");
    char one[ACCOUNT_TEXT_SIZE];
    for (size_t i = 0; i < json_array_size(list); i++) {
        account_device_id(json_array_get(list, i), one);
        if (strcmp(one, id) == 0)
            return true;
    }
    return false;
}

static void add_devices(struct diff *d)
{
    const json_t *list = json_object_get(d->ask->wanted, "devices"), *have = json_object_get(d->ask->real, "devices");
    char id[ACCOUNT_TEXT_SIZE];
    for (size_t i = 0; i < json_array_size(list); i++) {
        json_t *one = json_array_get(list, i);
        account_device_id(one, id);
        if (json_object_get(have, id) == NULL)
            change(d, "device.added", json_pack("{s:O}", "device", one), "add device %s", id);
    }
}

static void remove_devices(struct diff *d)
{
    const json_t *ours = json_object_get(d->ask->record, "devices");
    const char *id;
    char mac[18];
    json_t *v;
    json_object_foreach(json_unconst(json_object_get(d->ask->real, "devices")), id, v)
    {
        bool has_mac = mac_normalise(id, mac) == 0;
        if (wants_device(d, id))
            continue;
        if (!has_mac && (!can_be_said(id) || strchr(id, ' ') != NULL))
            leave(d, "a device whose serial number no event can bear stays");
        else if (json_object_get(ours, id) != NULL || d->rules->remove_unknown)
            change(d, "device.removed", json_pack("{s:{s:s}}", "device", has_mac ? "mac" : "serial", id), "remove device %s", id);
        else
            leave(d, "device %s is unknown to billing: %s removes it", id, remove_word(d));
    }
}

static bool compares_devices(const struct diff *d)
{
    return json_object_get(d->ask->wanted, "devices") != NULL && json_object_get(d->ask->real, "devices") != NULL;
}

/* More before they are added, fewer after they are removed. */
static void change_device_limit(struct diff *d, bool more)
{
    json_t *wanted = json_object_get(d->ask->wanted, "device_limit");
    const json_t *is = json_object_get(d->ask->record, "device_limit");
    if (!json_is_integer(wanted) || json_equal(wanted, json_unconst(is)))
        return;
    bool is_more = !json_is_integer(is) || json_integer_value(wanted) > json_integer_value(is);
    if (is_more == more)
        change(d, "device_limit.changed", json_pack("{s:O}", "device_limit", wanted), "device limit %" JSON_INTEGER_FORMAT,
               json_integer_value(wanted));
}

/* ---- a whole account ---- */

static json_t *subscriber_of(struct diff *d)
{
    const json_t *wanted = d->ask->wanted;
    json_t *s = json_object_get(wanted, "subscriber") != NULL ? json_deep_copy(json_object_get(wanted, "subscriber")) : json_object();
    static const struct {
        const char *row, *member;
    } from[] = {{"name", "name"}, {"account_number", "account_number"}, {"client", "external_id"}};
    for (size_t i = 0; i < ARRAY_LEN(from); i++)
        if (json_text(wanted, from[i].row)[0] != '\0' && json_object_get(s, from[i].member) == NULL)
            keep(d, json_object_set(s, from[i].member, json_object_get(wanted, from[i].row)));
    keep(d, s == NULL);
    return s;
}

static void create(struct diff *d)
{
    static const char *const kept[] = {"login", "password", "pin", "plan", "devices", "device_limit", "language", "extra"};
    const json_t *wanted = d->ask->wanted;
    json_t *data = json_object(), *packages = packages_to_add(d), *subscriber = subscriber_of(d);
    for (size_t i = 0; i < ARRAY_LEN(kept); i++)
        if (json_object_get(wanted, kept[i]) != NULL)
            keep(d, json_object_set(data, kept[i], json_object_get(wanted, kept[i])));
    if (json_array_size(packages) > 0)
        keep(d, json_object_set(data, "packages", packages));
    if (json_object_size(subscriber) > 0)
        keep(d, json_object_set(data, "subscriber", subscriber));
    json_decref(packages);
    json_decref(subscriber);
    if (json_object_size(data) == 0)
        keep(d, json_object_set_new(data, "login", json_string(d->ask->service))); /* the event says something, or is none */
    const char *plan = json_text(wanted, "plan");
    if (plan[0] != '\0' && !is_in_catalog(d, "plans", plan))
        json_decref(data);
    else
        change(d, "service.created", data, "create%s%s", plan[0] != '\0' ? ", plan " : "", plan);
}

static void cut(struct diff *d, const char *wanted)
{
    bool partial = strcmp(json_text(d->ask->wanted, "scope"), "partial") == 0;
    if (strcmp(wanted, "suspended") == 0)
        change(d, "contract.suspended", json_pack("{s:s}", "reason", "administrative"), "suspend");
    else if (partial)
        change(d, "contract.blocked", json_pack("{s:s, s:s}", "reason", "administrative", "scope", "partial"), "block in part");
    else
        change(d, "contract.blocked", json_pack("{s:s}", "reason", "administrative"), "block");
}

static bool is_blocked(const json_t *record)
{
    const char *block = json_text(record, "block");
    return block[0] != '\0' && strcmp(block, "none") != 0;
}

/* What was both suspended and blocked is given back both ways, where the platform has no one way for that. */
static void restore(struct diff *d)
{
    bool suspended = json_is_true(json_object_get(d->ask->record, "suspended")) && is_supported(d, "contract.reactivated");
    if (is_supported(d, "contract.activated")) {
        change(d, "contract.activated", json_object(), "switch on");
        return;
    }
    if (suspended)
        change(d, "contract.reactivated", json_object(), "switch on");
    if (!suspended || is_blocked(d->ask->record))
        change(d, "contract.unblocked", json_object(), suspended ? "unblock" : "switch on");
}

static bool is_off(const char *status)
{
    return strcmp(status, "suspended") == 0 || strcmp(status, "inactive") == 0;
}

/* How much is cut off. A platform that tells its own account blocked in part says that it is active, or not. */
enum { CUT_NOTHING, CUT_PART, CUT_ALL, CUT_UNKNOWN };

static int cut_is(const struct diff *d)
{
    const char *is = json_text(d->ask->real, "status");
    if (d->rules->whole != NULL && strcmp(json_text(d->ask->record, "block"), "partial") == 0)
        return CUT_PART;
    if (is_off(is))
        return CUT_ALL;
    return strcmp(is, "active") == 0 ? CUT_NOTHING : CUT_UNKNOWN;
}

static int cut_wanted(const struct diff *d)
{
    const char *status = json_text(d->ask->wanted, "status");
    if (strcmp(status, "active") == 0)
        return CUT_NOTHING;
    if (strcmp(status, "suspended") != 0 && strcmp(status, "blocked") != 0)
        return CUT_UNKNOWN;
    return strcmp(json_text(d->ask->wanted, "scope"), "partial") == 0 ? CUT_PART : CUT_ALL;
}

static void change_credentials(struct diff *d)
{
    const char *login = json_text(d->ask->wanted, "login"), *has = json_text(d->ask->real, "login");
    if (login[0] != '\0' && has[0] != '\0' && strcmp(login, has) != 0)
        change(d, "credentials.changed", json_pack("{s:s}", "login", login), "login %s -> %s", has, login);
    if (d->rules->whole != NULL && d->rules->whole->password_differs)
        change(d, "credentials.changed", json_pack("{s:s}", "password", json_text(d->ask->wanted, "password")), "password");
}

/* More before less, and of a snapshot devices behind the packages that they may need. */
static void change_sets(struct diff *d)
{
    bool whole = d->rules->whole != NULL, packages, devices = whole && compares_devices(d);
    packages = json_object_get(d->ask->wanted, "packages") != NULL && json_object_get(d->ask->real, "packages") != NULL;
    if (packages)
        change_packages(d, "package.added", packages_to_add(d), "add");
    if (whole)
        change_device_limit(d, true);
    if (devices)
        add_devices(d);
    if (packages)
        change_packages(d, "package.removed", packages_to_remove(d), "remove");
    if (devices)
        remove_devices(d);
    if (whole)
        change_device_limit(d, false);
    if (whole && packages) {
        add_later(d);
        end_later(d);
    }
}

/* The safe order: on before anything, a plan before its packages, more before less, off at the end. */
static void change_account(struct diff *d)
{
    const json_t *wanted = d->ask->wanted, *real = d->ask->real;
    const char *plan = json_text(wanted, "plan"), *on = json_text(real, "plan");
    int is = cut_is(d), to_be = cut_wanted(d);
    change_credentials(d);
    if (to_be == CUT_NOTHING && (is == CUT_ALL || is == CUT_PART))
        restore(d);
    if (plan[0] != '\0' && strcmp(plan, on) != 0 && is_in_catalog(d, "plans", plan))
        change(d, "plan.changed", json_pack("{s:s}", "plan", plan), "plan %s -> %s", on[0] != '\0' ? on : "none", plan);
    change_sets(d);
    bool differs = is != to_be && is != CUT_UNKNOWN && (is != CUT_ALL || d->rules->whole != NULL);
    if (differs && (to_be == CUT_ALL || to_be == CUT_PART))
        cut(d, json_text(wanted, "status"));
}

static bool is_gone(const json_t *real)
{
    return real == NULL || strcmp(json_text(real, "status"), "terminated") == 0;
}

/* The calls for it go where they should: its record says where, or it bears the service's id. */
static bool can_be_reached(const struct diff_ask *ask)
{
    const char *login = json_text(ask->real, "login"), *noted = json_text(ask->record, "login");
    return is_known(ask) || strcmp(noted[0] != '\0' ? noted : ask->service, login) == 0;
}

static void compare(struct diff *d)
{
    const struct diff_ask *ask = d->ask;
    const char *status = json_text(ask->wanted, "status");
    bool wants_none = ask->wanted == NULL || strcmp(status, "terminated") == 0;
    if (is_gone(ask->real) && wants_none)
        return;
    if (is_gone(ask->real)) {
        create(d);
        bool made = json_array_size(d->changes) > 0;
        if (made && d->rules->whole != NULL)
            add_later(d);
        if (made && strcmp(status, "active") != 0 && status[0] != '\0')
            cut(d, status);
    } else if (!can_be_reached(ask)) {
        leave(d, "not adopted: `tvbridge adopt` reads it first");
    } else if (ask->wanted == NULL && !d->rules->remove_unknown) {
        leave(d, "billing does not name it: --remove-unknown deletes it");
    } else if (wants_none) {
        change(d, "service.deleted", json_pack("{s:s}", "reason", "administrative"), "delete");
    } else {
        change_account(d);
    }
}

static const char *kind_of(const struct diff *d)
{
    const json_t *first = json_array_get(d->changes, 0);
    const char *type = json_text(first, "type");
    if (first == NULL)
        return "left";
    if (strcmp(type, "service.created") == 0)
        return "create";
    return strcmp(type, "service.deleted") == 0 ? "remove" : "change";
}

static json_t *result(const struct diff *d)
{
    json_t *ret = json_object();
    if (ret != NULL && json_object_set_new(ret, "service", json_string(d->ask->service)) == 0 &&
        json_object_set_new(ret, "kind", json_string(kind_of(d))) == 0 && json_object_set(ret, "changes", d->changes) == 0 &&
        json_object_set(ret, "left", d->left) == 0)
        return ret;
    json_decref(ret);
    return NULL;
}

int diff_find(const struct diff_rules *rules, const struct diff_ask *ask, json_t **ret)
{
    struct diff d = {.rules = rules, .ask = ask, .changes = json_array(), .left = json_array()};
    compare(&d);
    bool same = json_array_size(d.changes) == 0 && json_array_size(d.left) == 0;
    json_t *found = same || d.failed ? NULL : result(&d);
    bool nomem = d.failed || d.changes == NULL || d.left == NULL || (!same && found == NULL);
    json_decref(d.changes);
    json_decref(d.left);
    *ret = found;
    return nomem ? -1 : !same;
}

/* ---- --from-records ---- */

json_t *diff_wanted_of_record(const json_t *record)
{
    static const char *const kept[] = {"login", "plan"};
    json_t *ret = json_object(), *packages = json_object(), *v;
    const char *status = json_text(record, "status"), *block = json_text(record, "block"), *id;
    bool blocked = strcmp(block, "blocked") == 0 || strcmp(block, "late") == 0 || strcmp(block, "total") == 0;
    if (strcmp(status, "suspended") == 0 && blocked && !json_is_true(json_object_get(record, "suspended")))
        status = "blocked";
    if (strcmp(status, "active") == 0 || strcmp(status, "blocked") == 0 || strcmp(status, "suspended") == 0 ||
        strcmp(status, "terminated") == 0)
        json_object_set_new(ret, "status", json_string(status));
    for (size_t i = 0; i < ARRAY_LEN(kept); i++)
        if (json_text(record, kept[i])[0] != '\0')
            json_object_set(ret, kept[i], json_object_get(record, kept[i]));
    if (!json_is_true(json_object_get(record, "known"))) { /* nobody has seen which packages it has */
        json_decref(packages);
        return ret;
    }
    json_object_foreach(json_unconst(json_object_get(record, "packages")), id, v)
    {
        json_t *one = json_copy(v);
        json_object_del(one, "ours");
        json_object_set_new(packages, id, one);
    }
    if (json_object_set_new(ret, "packages", packages) == 0)
        return ret;
    json_decref(ret);
    return NULL;
}

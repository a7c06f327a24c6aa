#include "diff.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/attr.h"
#include "contract/json.h"
#include "wanted.h"
#include "workflow/pack.h"

#define PACKAGES_MAX 32 /* of one event: schemas/events/definitions.schema.json */

struct diff {
    const struct diff_rules *rules;
    const struct diff_ask *ask;
    json_t *changes, *left;
    bool failed;
};

static json_t *unconst(const json_t *v)
{
    return (json_t *)(uintptr_t)v; /* jansson's iterators take no const; nothing is written */
}

static void ATTR_PRINTF(2, 3) leave(struct diff *d, const char *fmt, ...)
{
    char text[256];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    d->failed = d->failed || json_array_append_new(d->left, json_string(text)) != 0;
}

static bool is_supported(const struct diff *d, const char *type)
{
    return d->rules->pack == NULL || pack_workflow(d->rules->pack, type) != NULL;
}

static bool is_cut(const char *type)
{
    static const char *const cuts[] = {"service.deleted", "contract.blocked", "contract.suspended", "package.removed"};
    for (size_t i = 0; i < ARRAY_LEN(cuts); i++)
        if (strcmp(cuts[i], type) == 0)
            return true;
    return false;
}

static bool is_known(const struct diff_ask *ask)
{
    return json_is_true(json_object_get(ask->record, "known"));
}

/* Takes over @data, which may be NULL. */
static void ATTR_PRINTF(4, 5) change(struct diff *d, const char *type, json_t *data, const char *fmt, ...)
{
    char what[256];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(what, sizeof(what), fmt, ap);
    va_end(ap);
    if (!is_supported(d, type)) {
        leave(d, "%s: the pack has no workflow %s", what, type);
        json_decref(data);
    } else if (d->rules->cuts_known && is_cut(type) && !is_known(d->ask)) {
        leave(d, "%s: not adopted, and the settings say `cuts: known`", what);
        json_decref(data);
    } else {
        d->failed = d->failed || json_array_append_new(d->changes, json_pack("{s:s, s:o, s:s}", "type", type, "data", data, "what",
                                                                             what)) != 0;
    }
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
    if (one != NULL && of != NULL)
        json_object_update(one, unconst(of));
    json_object_set_new(one, "id", json_string(id));
    return one;
}

/* One event for so many of @list, which it empties. */
static void change_packages(struct diff *d, const char *type, json_t *list, const char *word)
{
    while (json_array_size(list) > 0) {
        json_t *some = json_array();
        char ids[160] = "";
        while (json_array_size(list) > 0 && json_array_size(some) < PACKAGES_MAX) {
            json_t *one = json_array_get(list, 0);
            size_t n = strlen(ids);
            snprintf(ids + n, sizeof(ids) - n, "%s%s", n > 0 ? " " : "", json_text(one, "id"));
            json_array_append(some, one);
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
    const json_t *have = json_object_get(d->ask->real, "packages");
    json_object_foreach(unconst(json_object_get(d->ask->wanted, "packages")), id, v)
        if (state_of(d, v) == ON && json_object_get(have, id) == NULL && is_in_catalog(d, "packages", id))
            json_array_append_new(list, package_data(id, v));
    return list;
}

/* Billing knows of it: it names it, or its events put it there. */
static bool is_billings(const struct diff *d, const char *id)
{
    const json_t *known = json_object_get(json_object_get(d->ask->record, "packages"), id);
    return json_object_get(json_object_get(d->ask->wanted, "packages"), id) != NULL || json_is_true(json_object_get(known, "ours"));
}

static json_t *packages_to_remove(struct diff *d)
{
    json_t *list = json_array(), *v;
    const char *id;
    const json_t *wanted = json_object_get(d->ask->wanted, "packages");
    json_object_foreach(unconst(json_object_get(d->ask->real, "packages")), id, v)
    {
        const json_t *one = json_object_get(wanted, id);
        if (one != NULL && state_of(d, one) != OFF)
            continue;
        if (is_billings(d, id) || d->rules->remove_unknown)
            json_array_append_new(list, package_data(id, NULL));
        else
            leave(d, "package %s is unknown to billing: --remove-unknown removes it", id);
    }
    return list;
}

/* ---- a whole account ---- */

static json_t *subscriber_of(const json_t *wanted)
{
    json_t *s = json_object_get(wanted, "subscriber") != NULL ? json_deep_copy(json_object_get(wanted, "subscriber")) : json_object();
    static const struct {
        const char *row, *member;
    } from[] = {{"name", "name"}, {"account_number", "account_number"}, {"client", "external_id"}};
    for (size_t i = 0; i < ARRAY_LEN(from); i++)
        if (json_text(wanted, from[i].row)[0] != '\0' && json_object_get(s, from[i].member) == NULL)
            json_object_set(s, from[i].member, json_object_get(wanted, from[i].row));
    return s;
}

static void create(struct diff *d)
{
    static const char *const kept[] = {"login", "password", "plan", "devices", "device_limit", "language", "extra"};
    const json_t *wanted = d->ask->wanted;
    json_t *data = json_object(), *packages = packages_to_add(d), *subscriber = subscriber_of(wanted);
    for (size_t i = 0; i < ARRAY_LEN(kept); i++)
        if (json_object_get(wanted, kept[i]) != NULL)
            json_object_set(data, kept[i], json_object_get(wanted, kept[i]));
    if (json_array_size(packages) > 0)
        json_object_set(data, "packages", packages);
    if (json_object_size(subscriber) > 0)
        json_object_set(data, "subscriber", subscriber);
    json_decref(packages);
    json_decref(subscriber);
    if (json_object_size(data) == 0)
        json_object_set_new(data, "login", json_string(d->ask->service)); /* the event says something, or is none */
    const char *plan = json_text(wanted, "plan");
    if (plan[0] != '\0' && !is_in_catalog(d, "plans", plan))
        json_decref(data);
    else
        change(d, "service.created", data, "create%s%s", plan[0] != '\0' ? ", plan " : "", plan);
}

static void cut(struct diff *d, const char *wanted)
{
    if (strcmp(wanted, "suspended") == 0)
        change(d, "contract.suspended", json_pack("{s:s}", "reason", "administrative"), "suspend");
    else
        change(d, "contract.blocked", json_pack("{s:s}", "reason", "administrative"), "block");
}

static void restore(struct diff *d)
{
    bool whole = is_supported(d, "contract.activated");
    change(d, whole ? "contract.activated" : "contract.unblocked", json_object(), "switch on");
}

static bool is_off(const char *status)
{
    return strcmp(status, "suspended") == 0 || strcmp(status, "inactive") == 0;
}

/* The safe order: on before anything, a plan before its packages, more before less, off at the end. */
static void change_account(struct diff *d)
{
    const json_t *wanted = d->ask->wanted, *real = d->ask->real;
    const char *status = json_text(wanted, "status"), *is = json_text(real, "status");
    const char *login = json_text(wanted, "login"), *has = json_text(real, "login");
    const char *plan = json_text(wanted, "plan"), *on = json_text(real, "plan");
    if (login[0] != '\0' && has[0] != '\0' && strcmp(login, has) != 0)
        change(d, "credentials.changed", json_pack("{s:s}", "login", login), "login %s -> %s", has, login);
    if (strcmp(status, "active") == 0 && is_off(is))
        restore(d);
    if (plan[0] != '\0' && strcmp(plan, on) != 0 && is_in_catalog(d, "plans", plan))
        change(d, "plan.changed", json_pack("{s:s}", "plan", plan), "plan %s -> %s", on[0] != '\0' ? on : "none", plan);
    if (json_object_get(wanted, "packages") != NULL && json_object_get(real, "packages") != NULL) {
        change_packages(d, "package.added", packages_to_add(d), "add");
        change_packages(d, "package.removed", packages_to_remove(d), "remove");
    }
    if ((strcmp(status, "blocked") == 0 || strcmp(status, "suspended") == 0) && strcmp(is, "active") == 0)
        cut(d, status);
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
        if (strcmp(status, "active") != 0 && status[0] != '\0' && json_array_size(d->changes) > 0)
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

int diff_find(const struct diff_rules *rules, const struct diff_ask *ask, json_t **ret)
{
    struct diff d = {.rules = rules, .ask = ask, .changes = json_array(), .left = json_array()};
    compare(&d);
    bool same = json_array_size(d.changes) == 0 && json_array_size(d.left) == 0;
    json_t *found = same || d.failed ? NULL : json_pack("{s:s, s:s, s:O, s:O}", "service", ask->service, "kind", kind_of(&d),
                                                        "changes", d.changes, "left", d.left);
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
    json_object_foreach(unconst(json_object_get(record, "packages")), id, v)
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

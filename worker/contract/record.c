#include "contract/record.h"

#include <stdint.h>
#include <string.h>

#include "base/attr.h"
#include "contract/billed.h"
#include "contract/json_read.h"
#include "contract/password.h"

/* What tvbridge keeps the books with: a pack's patch cannot touch these. */
static const char *const reserved[] = {"service", "provider", "order_by", "fence", "unfinished", "axes", "rebased", "adopted",
                                       "password_hmac", "billed"};

static bool is_reserved(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(reserved); i++)
        if (strcmp(name, reserved[i]) == 0)
            return true;
    return false;
}

/* @name: one of ours, so known to be UTF-8. */
static int set_text(json_t *object, const char *name, const char *text)
{
    return json_object_set_new_nocheck(object, name, json_string(text)); /* a NULL value fails the set */
}

json_t *record_new(const char *provider, const char *service)
{
    json_t *r = json_object();
    if (r != NULL && set_text(r, "service", service) == 0 &&
        set_text(r, "provider", provider) == 0 && set_text(r, "status", "unknown") == 0 &&
        json_object_set_new_nocheck(r, "axes", json_object()) == 0)
        return r;
    json_decref(r);
    return NULL;
}

json_t *record_parse(const char *text, size_t len)
{
    json_t *r = json_read_any(text, len);
    const json_t *axes = json_object_get(r, "axes");
    if (json_is_string(json_object_get(r, "service")) &&
        json_is_string(json_object_get(r, "provider")) && (axes == NULL || json_is_object(axes)))
        return r;
    json_decref(r);
    return NULL;
}

/* A snapshot alone says nothing of that: what it asks for are other events. */
static bool was_touched(const json_t *axes)
{
    return json_object_size(axes) > (json_object_get(axes, "all") != NULL ? 1 : 0);
}

bool record_exists(const json_t *record)
{
    const char *status = json_string_value(json_object_get(record, "status"));
    if (status == NULL || strcmp(status, "unknown") == 0)
        return was_touched(json_object_get(record, "axes"));
    return strcmp(status, "terminated") != 0;
}

static int merge_member(json_t *target, const char *name, json_t *value);

/* RFC 7396 section 2; the depth is that of a pack's document or of an answer that was parsed: bounded by both. */
static int merge_members(json_t *target, const json_t *patch, bool keep_reserved)
{
    json_t *p =
        (json_t *)(uintptr_t)patch; /* jansson's iterators take no const; nothing is written */
    for (void *it = json_object_iter(p); it != NULL; it = json_object_iter_next(p, it)) {
        const char *name = json_object_iter_key(it);
        if (keep_reserved && is_reserved(name))
            continue;
        if (merge_member(target, name, json_object_iter_value(it)) != 0)
            return -1;
    }
    return 0;
}

/* Of what is no object. json_deep_copy() looks out for a value that holds itself, which costs more than most copies. */
static json_t *copy_of(json_t *value)
{
    return json_is_array(value) ? json_deep_copy(value) : json_copy(value);
}

static int merge_member(json_t *target, const char *name, json_t *value)
{
    if (json_is_null(value)) {
        (void)json_object_del(target, name); /* -1: there was none, which is as well */
        return 0;
    }
    if (!json_is_object(value))
        return json_object_set_new_nocheck(target, name, copy_of(value)); /* a name of an object is UTF-8 */
    json_t *inner = json_object_get(target, name);
    if (!json_is_object(inner)) {
        inner = json_object();
        if (json_object_set_new_nocheck(target, name, inner) != 0)
            return -1;
    }
    return merge_members(inner, value, false);
}

int json_merge_patch(json_t *target, const json_t *patch)
{
    return merge_members(target, patch, false);
}

/* What an event says of the status where the pack is silent. */
static const char *status_after(enum event_type t)
{
    if (t == EVENT_SERVICE_DELETED)
        return "terminated";
    return t == EVENT_SERVICE_CREATED ? "active" : NULL;
}

static int apply_status(json_t *record, const struct event *e, const json_t *patch)
{
    const char *status = status_after(e->type);
    if (status == NULL || json_object_get(patch, "status") != NULL)
        return 0;
    return set_text(record, "status", status);
}

static int apply_axes(json_t *record, const struct event *e, struct order order, int64_t offset)
{
    json_t *axes = json_object_get(record, "axes");
    if (!json_is_object(axes)) {
        axes = json_object();
        if (json_object_set_new_nocheck(record, "axes", axes) != 0)
            return -1;
    }
    char text[ORDER_TEXT_SIZE];
    order_format(order, text);
    for (size_t i = 0; i < e->axes.n; i++) {
        json_t *last = json_object();
        if (json_object_set_new(axes, e->axes.name[i], last) != 0 ||
            set_text(last, "order", text) != 0 || set_text(last, "id", e->id) != 0 ||
            json_object_set_new_nocheck(last, "offset", json_integer(offset)) != 0)
            return -1;
    }
    return 0;
}

int record_say_unchanged(json_t *record, const struct event *e)
{
    const json_t *axes = json_object_get(record, "axes");
    for (size_t i = 0; i < e->axes.n; i++)
        if (json_object_set_new_nocheck(json_object_get(axes, e->axes.name[i]), "unchanged", json_true()) != 0)
            return -1;
    return 0;
}

static bool adds_packages(enum event_type t)
{
    return t == EVENT_PACKAGE_ADDED || t == EVENT_SERVICE_CREATED || t == EVENT_SERVICE_SNAPSHOT;
}

/* What billing said of it last; silent, it said that there is none. */
static int keep_price(json_t *kept, const json_t *said)
{
    static const char *const names[] = {"price", "currency", "quantity"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        json_t *v = json_object_get(said, names[i]);
        if (v == NULL)
            (void)json_object_del(kept, names[i]);
        else if (json_object_set_nocheck(kept, names[i], v) != 0)
            return -1;
    }
    return 0;
}

int record_keep_prices(json_t *record, enum event_type t, const json_t *data)
{
    const json_t *packages = json_object_get(record, "packages"), *said = json_object_get(data, "packages");
    for (size_t i = 0; adds_packages(t) && i < json_array_size(said); i++) {
        const json_t *one = json_array_get(said, i), *id = json_object_get(one, "id");
        json_t *kept = json_is_string(id) ? json_object_get(packages, json_string_value(id)) : NULL;
        if (json_is_object(kept) && keep_price(kept, one) != 0)
            return -1;
    }
    return 0;
}

int record_apply(json_t *record, const struct event *e, struct order order, int64_t offset, const json_t *patch,
                 const char *fence, struct err *reterr)
{
    if (patch != NULL && merge_members(record, patch, true) != 0)
        return err_nomem(reterr);
    if (record_keep_prices(record, e->type, e->data) != 0 || apply_status(record, e, patch) != 0 ||
        apply_axes(record, e, order, offset) != 0)
        return err_nomem(reterr);
    enum order_by by = event_order_by(e);
    if (by != ORDER_BY_NOTHING && set_text(record, "order_by", order_by_name(by)) != 0)
        return err_nomem(reterr);
    if (fence != NULL && fence[0] != '\0' && set_text(record, "fence", fence) != 0)
        return err_nomem(reterr);
    (void)json_object_del(record, "unfinished");
    if (e->type == EVENT_SERVICE_ADOPTED && set_text(record, "adopted", e->id) != 0)
        return err_nomem(reterr);
    if (e->type == EVENT_BILLING_PROCESSED && billed_note(record, e->data, e->id) != 0)
        return err_nomem(reterr);
    return 0;
}

/* Each member of @from that @of does not have, as null. */
static int forget_others(json_t *of, const json_t *from)
{
    json_t *p = (json_t *)(uintptr_t)from;
    for (void *it = json_object_iter(p); it != NULL; it = json_object_iter_next(p, it)) {
        const char *name = json_object_iter_key(it);
        if (json_object_get(of, name) == NULL && json_object_set_new_nocheck(of, name, json_null()) != 0)
            return -1;
    }
    return 0;
}

json_t *record_adoption(const json_t *record, const json_t *seen)
{
    static const char *const sets[] = {"packages", "devices"};
    json_t *patch = json_deep_copy(seen);
    for (size_t i = 0; patch != NULL && i < ARRAY_LEN(sets); i++) {
        json_t *set = json_object_get(patch, sets[i]);
        bool made = set != NULL || json_object_set_new_nocheck(patch, sets[i], json_object()) == 0;
        set = json_object_get(patch, sets[i]);
        if (made && forget_others(set, json_object_get(record, sets[i])) == 0)
            continue;
        json_decref(patch);
        patch = NULL;
    }
    return patch;
}

bool record_is_known(const json_t *record)
{
    return json_object_get(record, "adopted") != NULL || json_object_get(json_object_get(record, "axes"), "existence") != NULL;
}

/* What it sets the account's password to; NULL: nothing. */
static const char *password_of(const struct event *e)
{
    bool sets = e->type == EVENT_SERVICE_CREATED || e->type == EVENT_CREDENTIALS_CHANGED || e->type == EVENT_SERVICE_SNAPSHOT;
    return sets ? json_string_value(json_object_get(e->data, "password")) : NULL;
}

int record_keep_password(json_t *record, const struct event *e, const char *key)
{
    const char *password = password_of(e);
    if (e->type == EVENT_SERVICE_DELETED || (password != NULL && key == NULL))
        (void)json_object_del(record, "password_hmac");
    if (password == NULL || key == NULL)
        return 0;
    struct password_kept kept;
    char text[PASSWORD_TEXT_SIZE];
    password_keep(key, &(struct password_of){e->provider, e->service, password}, &kept);
    password_format(&kept, text);
    return set_text(record, "password_hmac", text);
}

int record_rebase(json_t *record, bool by_sequence, struct order order, const char *fence, const char *act)
{
    char text[ORDER_TEXT_SIZE];
    const char *axis;
    json_t *last;
    order_format(order, text);
    json_object_foreach (json_object_get(record, "axes"), axis, last) {
        (void)json_object_del(last, "offset"); /* no event's place: what is below is stale by a person's word */
        if (set_text(last, "order", text) != 0)
            return -1;
    }
    if (set_text(record, "order_by", by_sequence ? "sequence" : "offset") != 0 || set_text(record, "fence", fence) != 0)
        return -1;
    return set_text(record, "rebased", act);
}

bool record_member_is_ours(const char *name)
{
    return is_reserved(name) || strcmp(name, "status") == 0;
}

static int add_member(json_t *target, const char *name, json_t *value);

static int add_members(json_t *target, const json_t *patch)
{
    json_t *p = (json_t *)(uintptr_t)patch;
    for (void *it = json_object_iter(p); it != NULL; it = json_object_iter_next(p, it))
        if (add_member(target, json_object_iter_key(it), json_object_iter_value(it)) != 0)
            return -1;
    return 0;
}

static int add_member(json_t *target, const char *name, json_t *value)
{
    json_t *there = json_object_get(target, name);
    if (json_is_null(value))
        return 0;
    if (json_is_object(value) && json_is_object(there))
        return add_members(there, value);
    if (there != NULL && !json_is_null(there))
        return 0;
    if (!json_is_object(value))
        return json_object_set_new_nocheck(target, name, copy_of(value));
    json_t *inner = json_object();
    if (json_object_set_new_nocheck(target, name, inner) != 0)
        return -1;
    return add_members(inner, value);
}

int record_remember(json_t *record, const json_t *patch, const char *fence)
{
    json_t *p = (json_t *)(uintptr_t)patch;
    for (void *it = json_object_iter(p); it != NULL; it = json_object_iter_next(p, it)) {
        const char *name = json_object_iter_key(it);
        if (!record_member_is_ours(name) && add_member(record, name, json_object_iter_value(it)) != 0)
            return -1;
    }
    if (fence == NULL || fence[0] == '\0')
        return 0;
    return set_text(record, "fence", fence) == 0 ? set_text(record, "unfinished", fence) : -1;
}

#include "redact.h"

#include <stdint.h>
#include <string.h>

#include "base/attr.h"

/* Members whose values say what is to be done, with which product or box, and nothing of who has it. */
static const char *const harmless[] = {
    "reason",   "scope",      "mode",     "plan",  "id",     "mac",      "serial",   "model",        "valid_from",
    "valid_to", "status",     "block",    "price", "what",   "currency", "quantity", "device_limit", "limit",
    "ttl",      "order_by",   "location", "until", "order",  "fence",    "service",  "provider",     "not_before",
    "due",      "value",
};

/* Of a record: ids and books of ours, not persons' data. */
static const char *const harmless_parts[] = {"packages", "devices", "ids", "axes", "remembered", "billed"};

/* CloudEvents attributes that the envelope's schema knows. */
static const char *const attributes[] = {
    "specversion", "id",           "source",     "type",        "subject",    "time",    "datacontenttype",
    "provider",    "partitionkey", "expirytime", "notbefore", "traceparent", "tracestate", "sequence", "basis",   "dataschema",
};

static bool is_one_of(const char *const *names, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

static json_t *members(const json_t *v, bool person);

/* @person: inside of `subscriber` and the like, where even an id is somebody's. */
static json_t *hide(const json_t *v, const char *name, bool person)
{
    if (json_is_object(v))
        return members(v, person || strcmp(name, "subscriber") == 0 || strcmp(name, "extra") == 0);
    if (json_is_array(v)) {
        json_t *list = json_array();
        for (size_t i = 0; i < json_array_size(v); i++)
            json_array_append_new(list, hide(json_array_get(v, i), name, person));
        return list;
    }
    if (json_is_null(v) || json_is_boolean(v) || (!person && is_one_of(harmless, ARRAY_LEN(harmless), name)))
        return json_deep_copy(v);
    return json_string(REDACTED);
}

static json_t *members(const json_t *v, bool person)
{
    json_t *o = json_object(), *from = (json_t *)(uintptr_t)v; /* jansson's iterators take no const; nothing is written */
    const char *name;
    json_t *member;
    json_object_foreach(from, name, member)
        json_object_set_new(o, name, hide(member, name, person));
    return o;
}

json_t *redact_data(const json_t *data, bool show)
{
    return show ? json_deep_copy(data) : hide(data, "data", false);
}

json_t *redact_event(const json_t *event, bool show)
{
    if (show || !json_is_object(event))
        return show ? json_deep_copy(event) : json_string(REDACTED);
    json_t *o = json_object(), *from = (json_t *)(uintptr_t)event;
    const char *name;
    json_t *member;
    json_object_foreach(from, name, member)
    {
        bool known = is_one_of(attributes, ARRAY_LEN(attributes), name);
        json_t *shown = strcmp(name, "data") == 0 ? redact_data(member, false)
                        : known                   ? json_deep_copy(member)
                                                  : json_string(REDACTED);
        json_object_set_new(o, name, shown);
    }
    return o;
}

json_t *redact_record(const json_t *record, bool show)
{
    if (show || !json_is_object(record))
        return json_deep_copy(record);
    json_t *o = json_object(), *from = (json_t *)(uintptr_t)record;
    const char *name;
    json_t *member;
    json_object_foreach(from, name, member)
    {
        bool ours = is_one_of(harmless_parts, ARRAY_LEN(harmless_parts), name);
        json_object_set_new(o, name, ours ? json_deep_copy(member) : hide(member, name, false));
    }
    return o;
}

json_t *redact_steps(const json_t *steps, bool show)
{
    static const char *const given[] = {"outputs", "gathered"};
    json_t *copy = json_deep_copy(steps);
    if (copy == NULL || show)
        return copy;
    json_t *parts[] = {copy, json_object_get(copy, "at"), json_object_get(copy, "back")};
    for (size_t i = 0; i < ARRAY_LEN(parts); i++)
        for (size_t k = 0; k < ARRAY_LEN(given); k++) {
            const json_t *v = json_object_get(parts[i], given[k]);
            if (v != NULL)
                json_object_set_new(parts[i], given[k], members(v, true));
        }
    return copy;
}

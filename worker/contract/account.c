#include "contract/account.h"

#include <stdio.h>
#include <string.h>

#include "base/attr.h"
#include "contract/axes.h"
#include "contract/json.h"

const char *account_text(const json_t *v, char ret[ACCOUNT_TEXT_SIZE])
{
    int n = 0;
    ret[0] = '\0';
    if (json_is_string(v))
        n = snprintf(ret, ACCOUNT_TEXT_SIZE, "%s", json_string_value(v));
    else if (json_is_integer(v))
        n = snprintf(ret, ACCOUNT_TEXT_SIZE, "%" JSON_INTEGER_FORMAT, json_integer_value(v));
    if (n >= ACCOUNT_TEXT_SIZE)
        ret[0] = '\0';
    return ret;
}

static bool set_text(json_t *o, const char *name, const char *text)
{
    return text[0] == '\0' || json_object_set_new(o, name, json_string(text)) == 0;
}

static bool take_text(json_t *ret, const json_t *from, const char *name)
{
    char text[ACCOUNT_TEXT_SIZE];
    return set_text(ret, name, account_text(json_object_get(from, name), text));
}

static bool take_status(json_t *ret, const json_t *from)
{
    static const char *const words[] = {"pending", "inactive", "active", "suspended", "terminated"};
    const char *status = json_text(from, "status");
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (strcmp(words[i], status) == 0)
            return set_text(ret, "status", status);
    return true;
}

/* @set[@id] = what @of says of it, in a few members. */
static bool add_one(json_t *set, const char *id, const json_t *of)
{
    static const char *const kept[] = {"valid_from", "valid_to", "serial", "model"};
    if (id[0] == '\0')
        return true; /* what has no id cannot be kept, nor named */
    json_t *one = json_object();
    if (json_object_set_new(set, id, one) != 0)
        return false;
    for (size_t i = 0; json_is_object(of) && i < ARRAY_LEN(kept); i++)
        if (!take_text(one, of, kept[i]))
            return false;
    return true;
}

/* The device's id: its MAC address of one writing, else its serial number. */
void account_device_id(const json_t *device, char ret[ACCOUNT_TEXT_SIZE])
{
    char mac[18];
    const json_t *first = json_is_object(device) ? json_object_get(device, "mac") : device;
    account_text(first, ret);
    if (mac_normalise(ret, mac) == 0)
        memcpy(ret, mac, sizeof(mac));
    else if (json_is_object(device))
        account_text(json_object_get(device, "serial"), ret);
}

static bool add_element(json_t *set, const json_t *v, bool device)
{
    char id[ACCOUNT_TEXT_SIZE];
    if (device)
        account_device_id(v, id);
    else
        account_text(json_is_object(v) ? json_object_get(v, "id") : v, id);
    return add_one(set, id, v);
}

/* A list of ids or of objects, or an object by id. */
static bool take_set(json_t *ret, const json_t *from, const char *name, bool device)
{
    json_t *v = json_object_get(from, name), *set = json_object(), *one;
    const char *id;
    size_t i;
    bool good = set != NULL;
    if (good && json_is_array(v))
        json_array_foreach(v, i, one) good = good && add_element(set, one, device);
    if (good && json_is_object(v))
        json_object_foreach(v, id, one) good = good && add_one(set, id, one);
    if (good && (json_is_array(v) || json_is_object(v)))
        return json_object_set_new(ret, name, set) == 0;
    json_decref(set);
    return good;
}

/* Platforms with one box an account say `mac`, `serial` and `model` of the account itself. */
static bool take_devices(json_t *ret, const json_t *from)
{
    char id[ACCOUNT_TEXT_SIZE];
    if (json_object_get(from, "devices") != NULL)
        return take_set(ret, from, "devices", true);
    if (json_object_get(from, "mac") == NULL)
        return true;
    account_device_id(from, id);
    json_t *set = json_object();
    if (json_object_set_new(ret, "devices", set) != 0)
        return false;
    return add_one(set, id, from);
}

static bool take_ids(json_t *ret, const json_t *from)
{
    static const char *const own[] = {"account_number", "external_id"};
    json_t *ids = json_object(), *v;
    const char *name;
    bool good = ids != NULL;
    json_object_foreach(json_object_get(from, "ids"), name, v) good = good && take_text(ids, json_object_get(from, "ids"), name);
    for (size_t i = 0; i < ARRAY_LEN(own); i++)
        good = good && take_text(ids, from, own[i]);
    if (good && json_object_size(ids) > 0)
        return json_object_set_new(ret, "ids", ids) == 0;
    json_decref(ids);
    return good;
}

json_t *account_record(const json_t *account)
{
    json_t *ret = json_object();
    if (ret != NULL && take_status(ret, account) && take_text(ret, account, "login") && take_text(ret, account, "plan") &&
        take_set(ret, account, "packages", false) && take_devices(ret, account) && take_ids(ret, account))
        return ret;
    json_decref(ret);
    return NULL;
}

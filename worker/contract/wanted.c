#include "contract/wanted.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/attr.h"
#include "base/clock.h"
#include "contract/json.h"
#include "contract/json_scan.h"

/* ---- of a snapshot ---- */

static bool take_state(json_t *ret, const json_t *data)
{
    const char *status = json_text(data, "status"), *block = json_text(data, "block");
    bool partial = strcmp(block, "partial") == 0;
    bool blocked = strcmp(status, "active") == 0 && (partial || strcmp(block, "total") == 0);
    if (json_object_set_new(ret, "status", json_string(blocked ? "blocked" : status)) != 0)
        return false;
    return !blocked || !partial || json_object_set_new(ret, "scope", json_string("partial")) == 0;
}

/* A package that stands there twice, with other words, is the last one. */
static bool take_packages(json_t *ret, const json_t *data)
{
    const json_t *list = json_object_get(data, "packages");
    json_t *set;
    if (list == NULL)
        return true;
    set = json_object();
    if (json_object_set_new(ret, "packages", set) != 0)
        return false;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *v = json_array_get(list, i);
        json_t *one = json_object(); /* json_copy() would leave out what there is no memory for */
        if (json_object_set_new(set, json_text(v, "id"), one) != 0 || json_object_update(one, json_unconst(v)) != 0)
            return false;
        (void)json_object_del(one, "id");
    }
    return true;
}

json_t *wanted_of_snapshot(const json_t *data)
{
    static const char *const kept[] = {"login", "password", "pin", "plan", "subscriber", "devices", "device_limit", "language", "extra"};
    json_t *ret = json_object();
    bool good = ret != NULL && take_state(ret, data) && take_packages(ret, data);
    for (size_t i = 0; good && i < ARRAY_LEN(kept); i++) {
        json_t *v = json_object_get(data, kept[i]);
        good = v == NULL || json_object_set(ret, kept[i], v) == 0;
    }
    if (good)
        return ret;
    json_decref(ret);
    return NULL;
}

/* ---- dates ---- */

/* A day, or an instant. */
static int time_of(const json_t *package, const char *name, bool whole_day, int64_t absent, int64_t *ret)
{
    const char *text = json_text(package, name);
    *ret = absent;
    return text[0] == '\0' ? 0 : clock_parse_when(text, whole_day, ret);
}

int wanted_times(const json_t *package, int64_t *ret_from_ms, int64_t *ret_to_ms)
{
    if (time_of(package, "valid_from", false, 0, ret_from_ms) != 0)
        return -1;
    return time_of(package, "valid_to", true, INT64_MAX, ret_to_ms);
}

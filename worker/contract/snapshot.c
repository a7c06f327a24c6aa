#include "contract/snapshot.h"

#include <stdio.h>
#include <string.h>

#include "base/attr.h"
#include "contract/account.h"
#include "contract/known.h"
#include "contract/record.h"

enum { STEP_CREATION = 1, STEP_CHANGE = 2 };

/* ---- what it is compared with ---- */

/* @name of @record, unless @ret has it; with @set, an empty set where neither has. */
static bool fill(json_t *ret, const json_t *record, const char *name, bool set)
{
    json_t *v = json_object_get(record, name);
    if (json_object_get(ret, name) != NULL)
        return true;
    if (v != NULL && !json_is_null(v))
        return json_object_set(ret, name, v) == 0;
    return !set || json_object_set_new(ret, name, json_object()) == 0;
}

int snapshot_real(const json_t *account, const json_t *record, json_t **ret)
{
    *ret = NULL;
    if (account == NULL && !record_exists(record))
        return 0;
    json_t *real = account != NULL ? account_record(account) : json_object();
    if (real != NULL && fill(real, record, "status", false) && fill(real, record, "login", false) && fill(real, record, "plan", false) &&
        fill(real, record, "packages", true) && fill(real, record, "devices", true)) {
        *ret = real;
        return 0;
    }
    json_decref(real);
    return -1;
}

json_t *snapshot_known(const json_t *account, const json_t *record)
{
    json_t *known = known_of(record), *limit = json_object_get(account, "device_limit");
    bool good = known != NULL && (!json_is_integer(limit) || json_object_set(known, "device_limit", limit) == 0);
    if (good && fill(known, record, "devices", false) && fill(known, record, "device_limit", false))
        return known;
    json_decref(known);
    return NULL;
}

/* ---- the events ---- */

int snapshot_part_id(const struct event *snapshot, const json_t *change, char ret[SNAPSHOT_PART_ID_SIZE])
{
    const char *type = json_text(change, "type"), *when = json_text(change, "notbefore");
    char digest[JSON_DIGEST_SIZE];
    const struct hash_part of[] = {{type, strlen(type) + 1}, {when, strlen(when) + 1}};
    if (json_digest(of, ARRAY_LEN(of), json_object_get(change, "data"), digest) != 0)
        return -1;
    snprintf(ret, SNAPSHOT_PART_ID_SIZE, "part/%.32s/%s", snapshot->key, digest);
    return 0;
}

static bool set_text(json_t *event, const char *name, const char *text)
{
    return text == NULL || text[0] == '\0' || json_object_set_new(event, name, json_string(text)) == 0;
}

json_t *snapshot_part(const struct event *snapshot, struct order order, const json_t *change)
{
    const char *type = json_text(change, "type");
    struct basis b = {.by = event_order_by(snapshot), .order = order, .step = STEP_CHANGE};
    char id[SNAPSHOT_PART_ID_SIZE], basis[BASIS_TEXT_SIZE];
    if (strcmp(type, "service.created") == 0)
        b.step = STEP_CREATION;
    basis_format(&b, basis);
    if (snapshot_part_id(snapshot, change, id) != 0)
        return NULL;
    json_t *event = json_pack("{s:s, s:s, s:s, s:s+, s:s, s:s, s:s, s:s, s:O}", "specversion", "1.0", "id", id, "source", snapshot->source,
                              "type", EVENT_TYPE_PREFIX, type, "subject", snapshot->service, "provider", snapshot->provider,
                              "datacontenttype", "application/json", "basis", basis, "data", json_object_get(change, "data"));
    if (event != NULL && set_text(event, "notbefore", json_text(change, "notbefore")) && set_text(event, "traceparent", snapshot->traceparent))
        return event;
    json_decref(event);
    return NULL;
}

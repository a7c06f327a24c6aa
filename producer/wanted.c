#include "wanted.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "contract/account.h"
#include "contract/json.h"

static const char *const wanted_names[] = {
    "service", "login",   "account_number", "external_id", "client",   "name",         "status",   "plan",
    "packages", "password", "subscriber",   "devices",     "device_limit", "language", "extra",
};
static const char *const map_names[] = {"service", "login", "account_number", "external_id", "client", "name", "service_name"};

const struct rows_form wanted_form = {.names = wanted_names, .n = ARRAY_LEN(wanted_names)};
const struct rows_form map_form = {.names = map_names, .n = ARRAY_LEN(map_names)};

static const char *const package_texts[] = {"valid_from", "valid_to", "price", "currency"};

int wanted_service(const json_t *row, char ret[WANTED_SERVICE_SIZE], struct err *reterr)
{
    char text[ACCOUNT_TEXT_SIZE];
    account_text(json_object_get(row, "service"), text);
    if (text[0] == '\0')
        return err_set(reterr, ERR_INVAL, "service is missing");
    bool good = strlen(text) < WANTED_SERVICE_SIZE && strncmp(text, "partition:", 10) != 0 && strncmp(text, "provider:", 9) != 0;
    for (const char *s = text; *s != '\0'; s++)
        good = good && *s > 0x20 && *s < 0x7F && strchr("/{}", *s) == NULL;
    if (!good)
        return err_set(reterr, ERR_INVAL, "service: want 1 to 128 visible characters, without space, slash or brace");
    memcpy(ret, text, strlen(text) + 1);
    return 0;
}

static int take_texts(const json_t *row, json_t *ret, struct err *reterr)
{
    static const char *const names[] = {"login", "account_number", "external_id", "client", "name", "service_name", "plan", "password"};
    char text[ACCOUNT_TEXT_SIZE];
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        const json_t *v = json_object_get(row, names[i]);
        if (v == NULL || json_is_null(v))
            continue;
        if (account_text(v, text)[0] == '\0')
            return err_set(reterr, ERR_INVAL, "%s: want text of 1 to %d bytes", names[i], ACCOUNT_TEXT_SIZE - 1);
        if (json_object_set_new(ret, names[i], json_string(text)) != 0)
            return err_nomem(reterr);
    }
    return 0;
}

static int take_status(const json_t *row, json_t *ret, struct err *reterr)
{
    static const char *const words[] = {"active", "blocked", "suspended", "terminated"};
    const json_t *v = json_object_get(row, "status");
    if (v == NULL || json_is_null(v))
        return 0;
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (strcmp(json_text(row, "status"), words[i]) == 0)
            return json_object_set_new(ret, "status", json_string(words[i])) == 0 ? 0 : err_nomem(reterr);
    return err_set(reterr, ERR_INVAL, "status: want active, blocked, suspended or terminated");
}

/* ---- packages ---- */

static int check_times(const json_t *package, const char *id, struct err *reterr)
{
    int64_t from, to;
    if (wanted_times(package, &from, &to) != 0)
        return err_set(reterr, ERR_INVAL, "package %s: want days (2026-12-31) or RFC 3339 times", id);
    return from < to ? 0 : err_set(reterr, ERR_INVAL, "package %s: it ends before it begins", id);
}

/* Takes over @package, which may be NULL. */
static int add_package(json_t *set, const char *id, json_t *package, struct err *reterr)
{
    int rc = package == NULL ? err_nomem(reterr) : 0;
    if (rc == 0 && (id[0] == '\0' || strlen(id) > 63))
        rc = err_set(reterr, ERR_INVAL, "packages: an id of 1 to 63 bytes is wanted");
    if (rc == 0 && json_object_get(set, id) != NULL)
        rc = err_set(reterr, ERR_INVAL, "package %s is there twice", id);
    if (rc == 0)
        rc = check_times(package, id, reterr);
    if (rc != 0) {
        json_decref(package);
        return -1;
    }
    return json_object_set_new(set, id, package) == 0 ? 0 : err_set(reterr, ERR_INVAL, "packages: want UTF-8 text");
}

static int take_package(json_t *set, const json_t *v, struct err *reterr)
{
    char id[ACCOUNT_TEXT_SIZE], text[ACCOUNT_TEXT_SIZE];
    json_t *one = json_object();
    account_text(json_is_object(v) ? json_object_get(v, "id") : v, id);
    for (size_t i = 0; json_is_object(v) && i < ARRAY_LEN(package_texts); i++)
        if (account_text(json_object_get(v, package_texts[i]), text)[0] != '\0')
            json_object_set_new(one, package_texts[i], json_string(text));
    if (json_is_integer(json_object_get(v, "quantity")))
        json_object_set(one, "quantity", json_object_get(v, "quantity"));
    return add_package(set, id, one, reterr);
}

/* "P2", "P2@2026-12-01..2026-12-31", "P2@..2026-12-31". */
static int take_word(json_t *set, char *word, struct err *reterr)
{
    json_t *one = json_object();
    char *dates = strchr(word, '@');
    if (dates != NULL)
        *dates++ = '\0';
    char *to = dates != NULL ? strstr(dates, "..") : NULL;
    if (to != NULL) {
        *to = '\0';
        to += 2;
    }
    if (dates != NULL && dates[0] != '\0')
        json_object_set_new(one, "valid_from", json_string(dates));
    if (to != NULL && to[0] != '\0')
        json_object_set_new(one, "valid_to", json_string(to));
    return add_package(set, word, one, reterr);
}

static int take_words(json_t *set, const char *text, struct err *reterr)
{
    char *copy = strdup(text), *rest = copy, *word;
    int rc = copy == NULL ? err_nomem(reterr) : 0;
    while (rc == 0 && (word = strsep(&rest, " ;|,")) != NULL)
        if (word[0] != '\0' && strcmp(word, "-") != 0)
            rc = take_word(set, word, reterr);
    free(copy);
    return rc;
}

/* "-" in a cell: none is wanted, since an empty cell says nothing. */
static int take_packages(const json_t *row, json_t *ret, struct err *reterr)
{
    json_t *v = json_object_get(row, "packages"), *set = json_object(), *one;
    size_t i;
    int rc = set == NULL || json_object_set_new(ret, "packages", set) != 0 ? err_nomem(reterr) : 0;
    if (rc == 0 && json_is_array(v))
        json_array_foreach(v, i, one) rc = rc == 0 ? take_package(set, one, reterr) : rc;
    else if (rc == 0 && json_is_string(v))
        rc = take_words(set, json_string_value(v), reterr);
    else if (rc == 0)
        rc = err_set(reterr, ERR_INVAL, "packages: want a list of ids or of {id, valid_from, valid_to}");
    return rc;
}

/* ---- what only a creation says ---- */

static int take_rest(const json_t *row, json_t *ret, struct err *reterr)
{
    static const struct {
        const char *name;
        json_type type;
        const char *want;
    } rest[] = {{"subscriber", JSON_OBJECT, "an object"},
                {"devices", JSON_ARRAY, "a list"},
                {"device_limit", JSON_INTEGER, "a number"},
                {"language", JSON_STRING, "text"},
                {"extra", JSON_OBJECT, "an object"}};
    for (size_t i = 0; i < ARRAY_LEN(rest); i++) {
        json_t *v = json_object_get(row, rest[i].name);
        if (v == NULL || json_is_null(v))
            continue;
        if (json_typeof(v) != rest[i].type)
            return err_set(reterr, ERR_INVAL, "%s: want %s", rest[i].name, rest[i].want);
        if (json_object_set_new(ret, rest[i].name, json_deep_copy(v)) != 0)
            return err_nomem(reterr);
    }
    return 0;
}

json_t *wanted_read(const json_t *row, char ret_service[WANTED_SERVICE_SIZE], struct err *reterr)
{
    json_t *ret = json_object();
    bool packages = json_object_get(row, "packages") != NULL && !json_is_null(json_object_get(row, "packages"));
    if (ret == NULL) {
        err_nomem(reterr);
        return NULL;
    }
    if (wanted_service(row, ret_service, reterr) == 0 && take_texts(row, ret, reterr) == 0 && take_status(row, ret, reterr) == 0 &&
        (!packages || take_packages(row, ret, reterr) == 0) && take_rest(row, ret, reterr) == 0)
        return ret;
    json_decref(ret);
    return NULL;
}

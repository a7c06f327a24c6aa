#include "convert_state.h"

#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/hash.h"
#include "contract/json.h"
#include "known.h"
#include "link.h"
#include "rows.h"
#include "wanted.h"

#define ROW_MAX_BYTES ((size_t)65536)
#define NAME_SIZE 128

/* ---- the map ---- */

static int on_row(void *arg, const json_t *row, long line, struct err *reterr)
{
    struct convert_state *s = arg;
    char service[WANTED_SERVICE_SIZE], name[NAME_SIZE];
    size_t len;
    (void)line;
    json_t *r = wanted_read(row, service, reterr);
    int rc = r == NULL ? -1 : 0;
    if (rc == 0 && json_text(r, "client")[0] == '\0')
        rc = err_set(reterr, ERR_INVAL, "client is missing: the id that the account bears now");
    if (rc == 0 && book_get(s->rows, service, &len) != NULL)
        rc = err_set(reterr, ERR_INVAL, "service %s is there twice", service);
    if (rc == 0)
        rc = convert_fill(s->first_name, service, r, name, sizeof(name), reterr);
    if (rc == 0)
        rc = convert_fill(s->last_name, service, r, name, sizeof(name), reterr);
    if (rc == 0 && book_put_json(s->rows, service, r) != 0)
        rc = err_nomem(reterr);
    json_decref(r);
    return rc;
}

int convert_read_map(struct convert_state *s, const char *path, struct err *reterr)
{
    return rows_read(path, &map_form, on_row, s, reterr);
}

/* ---- names ---- */

static const char *word_of(const char *word, size_t n, const char *service, const json_t *row)
{
    static const char *const words[] = {"name", "service_name", "client"};
    if (n == 7 && strncmp(word, "service", n) == 0)
        return service;
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (strlen(words[i]) == n && strncmp(words[i], word, n) == 0)
            return json_text(row, words[i]);
    return NULL;
}

int convert_fill(const char *template, const char *service, const json_t *row, char *ret, size_t size, struct err *reterr)
{
    struct buf out;
    buf_init(&out, size - 1);
    bool silent = false;
    for (const char *at = template; *at != '\0';) {
        size_t n = at[0] == '{' ? strcspn(at + 1, "}") : 0;
        const char *value = at[0] == '{' && at[n + 1] == '}' ? word_of(at + 1, n, service, row) : NULL;
        if (at[0] == '{' && value == NULL) {
            buf_fini(&out);
            return err_set(reterr, ERR_INVAL, "{%.*s}: a name is made of {name}, {service}, {service_name} and {client}", (int)n, at + 1);
        }
        if (value == NULL) {
            buf_addc(&out, *at++);
            continue;
        }
        silent = silent || value[0] == '\0';
        buf_adds(&out, value);
        at += n + 2;
    }
    bool long_enough = buf_ok(&out);
    snprintf(ret, size, "%s", silent ? "" : buf_cstr(&out));
    buf_fini(&out);
    return long_enough ? 0 : err_set(reterr, ERR_INVAL, "service %s: a name of more than %zu bytes", service, size - 1);
}

/* The new names into @data; false: the map does not say them, and they stay. */
static bool rename_to(const struct convert_state *s, const char *service, const json_t *row, json_t *data)
{
    char first[NAME_SIZE] = "", last[NAME_SIZE] = "";
    struct err none;
    if (convert_fill(s->first_name, service, row, first, sizeof(first), &none) != 0 ||
        convert_fill(s->last_name, service, row, last, sizeof(last), &none) != 0)
        return false;
    if (first[0] != '\0')
        json_object_set_new(data, "subscriber", json_pack("{s:s}", "name", first));
    if (last[0] != '\0')
        json_object_set_new(data, "extra", json_pack("{s:s}", "surname", last));
    return first[0] != '\0' || last[0] != '\0';
}

/* ---- links ---- */

/* The only account that bears @id; *@ret_several: there are more. */
static struct account *bearing(const struct accounts *all, const char *id, bool *ret_several)
{
    static const enum account_key keys[] = {ACCOUNT_EXTERNAL_ID, ACCOUNT_NUMBER};
    *ret_several = false;
    for (size_t k = 0; k < ARRAY_LEN(keys); k++) {
        struct account *a = accounts_find(all, keys[k], id);
        if (a == NULL)
            continue;
        *ret_several = account_same(a, keys[k]) != NULL;
        return a;
    }
    return NULL;
}

static void own_known(struct convert_state *s, const char *service)
{
    json_t *record = known_get(s->known, service);
    struct link l = {0};
    if (json_is_true(json_object_get(record, "known")))
        link_find(s->accounts, &(struct link_ask){service, NULL, record, false}, &l);
    if (l.result == LINK_ONE)
        account_set_owner(l.account, service);
    json_decref(record);
}

void convert_link(struct convert_state *s)
{
    for (size_t i = 0; i < book_count(s->known); i++)
        own_known(s, book_key(s->known, i));
    for (size_t i = 0; i < book_count(s->rows); i++) {
        bool several;
        json_t *row = book_get_json(s->rows, book_key(s->rows, i));
        struct account *a = bearing(s->accounts, json_text(row, "client"), &several);
        if (a != NULL && !several && account_owner(a)[0] == '\0')
            account_set_owner(a, book_key(s->rows, i));
        json_decref(row);
    }
}

/* ---- one service ---- */

static void hash_of(const struct convert_state *s, const char *service, const struct account *a, char ret[SYNC_HASH_SIZE])
{
    struct hash_part row = {.data = ""}, known = {.data = ""}, real = {.data = ""};
    uint8_t digest[HASH_SHA256_SIZE];
    const char *text = book_get(s->rows, service, &row.len);
    row.data = text != NULL ? text : "";
    text = book_get(s->known, service, &known.len);
    known.data = text != NULL ? text : "";
    if (a != NULL)
        real.data = account_state(a, &real.len);
    const struct hash_part parts[] = {{service, strlen(service)}, row, known, real,
                                      {s->first_name, strlen(s->first_name)}, {s->last_name, strlen(s->last_name)}};
    hash_sha256_parts(parts, ARRAY_LEN(parts), digest);
    hash_hex(digest, (SYNC_HASH_SIZE - 1) / 2, ret);
}

/* What a person looks at before he converts it. */
static json_t *details(const json_t *state)
{
    json_t *o = json_object(), *ids = json_object_get(state, "ids"), *v;
    static const char *const own[] = {"login", "status", "plan", "packages", "devices"};
    const char *name;
    json_object_foreach(ids, name, v) json_object_set(o, name, v);
    for (size_t i = 0; i < ARRAY_LEN(own); i++)
        if (json_object_get(state, own[i]) != NULL)
            json_object_set(o, own[i], json_object_get(state, own[i]));
    return o;
}

static json_t *change(const char *type, json_t *data, const char *what)
{
    return json_pack("{s:s, s:o, s:s}", "type", type, "data", data, "what", what);
}

static json_t *adoption(const json_t *record, const json_t *state)
{
    json_t *data = json_pack("{s:s, s:O}", "fence", json_text(record, "fence"), "record", state);
    return change("service.adopted", data, "adopt");
}

static json_t *conversion(const struct convert_state *s, const char *service, const json_t *row)
{
    char what[300];
    const char *client = json_text(row, "client");
    json_t *data = json_pack("{s:s, s:s}", "old_external_id", client, "new_external_id", service);
    bool renames = rename_to(s, service, row, data);
    snprintf(what, sizeof(what), "id %s -> %s%s", client, service, renames ? ", rename" : "");
    return change("service.converted", data, what);
}

static const char *why_not(const char *service, const struct account *a, bool several, const struct account *new_one)
{
    if (a == NULL)
        return "the platform has no account with this client's id";
    if (several)
        return "several accounts have this client's id";
    if (new_one != NULL)
        return "the platform has an account with the service's id too";
    return strcmp(account_owner(a), service) != 0 ? "this account is that of another service" : NULL;
}

int convert_find(const struct convert_state *s, const char *service, json_t **ret, char ret_hash[SYNC_HASH_SIZE])
{
    bool several, both;
    size_t len;
    json_t *row = book_get_json(s->rows, service), *record = known_get(s->known, service), *state = NULL;
    const char *client = json_text(row, "client");
    const struct account *a = bearing(s->accounts, client, &several), *new_one = bearing(s->accounts, service, &both);
    const char *why = why_not(service, a, several, new_one != a ? new_one : NULL);
    hash_of(s, service, a, ret_hash);
    *ret = NULL;
    if (a != NULL) {
        const char *text = account_state(a, &len);
        state = json_loadb(text, len, 0, NULL);
    }
    bool done = a == NULL && new_one != NULL && !both;
    if (!done) {
        json_t *changes = json_array(), *left = json_array();
        if (why != NULL)
            json_array_append_new(left, json_string(why));
        if (why == NULL && !json_is_true(json_object_get(record, "known")))
            json_array_append_new(changes, adoption(record, state));
        if (why == NULL && strcmp(client, service) != 0)
            json_array_append_new(changes, conversion(s, service, row));
        *ret = json_pack("{s:s, s:s, s:s, s:o, s:o, s:o}", "service", service, "client", client, "kind", why == NULL ? "convert" : "left",
                         "read", details(state), "changes", changes, "left", left);
    }
    json_decref(row);
    json_decref(record);
    json_decref(state);
    return done ? 0 : *ret == NULL ? -1 : 1;
}

#include "sync_state.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/hash.h"
#include "contract/json.h"
#include "contract/json_read.h"
#include "known.h"
#include "link.h"
#include "rows.h"
#include "wanted.h"

#define ROW_MAX_BYTES ((size_t)1024 * 1024)

/* ---- billing's side ---- */

static int put_wanted(struct sync_state *s, const char *service, const json_t *wanted, struct err *reterr)
{
    struct buf text;
    buf_init(&text, ROW_MAX_BYTES);
    json_add_canonical(&text, wanted);
    int rc = buf_ok(&text) ? book_put(s->wanted, service, strlen(service), text.data, text.len) : -1;
    buf_fini(&text);
    return rc == 0 ? 0 : err_nomem(reterr);
}

static int on_row(void *arg, const json_t *row, long line, struct err *reterr)
{
    struct sync_state *s = arg;
    char service[WANTED_SERVICE_SIZE];
    size_t len;
    (void)line;
    json_t *wanted = wanted_read(row, service, reterr);
    int rc = wanted == NULL ? -1 : 0;
    if (rc == 0 && s->catalogue != NULL)
        rc = catalogue_apply_wanted(s->catalogue, s->provider, wanted, reterr);
    if (rc == 0 && book_get(s->wanted, service, &len) != NULL)
        rc = err_set(reterr, ERR_INVAL, "service %s is there twice", service);
    if (rc == 0)
        rc = put_wanted(s, service, wanted, reterr);
    json_decref(wanted);
    return rc;
}

/* What is terminated, or nobody knows anything of, is wanted by nobody. */
static int want_records(struct sync_state *s, struct err *reterr)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < book_count(s->known); i++) {
        json_t *record = known_get(s->known, book_key(s->known, i));
        if (record == NULL)
            continue;
        json_t *wanted = diff_wanted_of_record(record);
        rc = wanted == NULL ? err_nomem(reterr) : put_wanted(s, book_key(s->known, i), wanted, reterr);
        json_decref(wanted);
        json_decref(record);
    }
    return rc;
}

/* ---- the platform's side ---- */

static json_t *by_id(const json_t *list, size_t *ret_unnamed)
{
    json_t *ret = json_object(), *v;
    size_t i;
    char id[ACCOUNT_TEXT_SIZE], name[ACCOUNT_TEXT_SIZE];
    json_array_foreach(list, i, v)
    {
        if (account_text(json_object_get(v, "id"), id)[0] == '\0')
            ++*ret_unnamed;
        else
            json_object_set_new(ret, id, json_string(account_text(json_object_get(v, "name"), name)));
    }
    return ret;
}

static int read_catalog(struct sync_state *s, struct platform *p, struct err *reterr)
{
    if (!platform_has(p, "catalog"))
        return 0;
    json_t *all = platform_catalog(p, false, reterr);
    if (all == NULL)
        return -1;
    s->catalog = json_pack("{s:o, s:o}", "plans", by_id(json_object_get(all, "plans"), &s->unnamed), "packages",
                           by_id(json_object_get(all, "packages"), &s->unnamed));
    json_decref(all);
    return s->catalog == NULL ? err_nomem(reterr) : 0;
}

/* ---- whose account is whose ---- */

/* What the two books say of a service; a text that is not there is NULL. */
struct said {
    const char *service, *wanted, *known;
    size_t wanted_len, known_len;
};

static struct said said_of(const struct sync_state *s, const char *service)
{
    struct said t = {.service = service};
    t.wanted = book_get(s->wanted, service, &t.wanted_len);
    t.known = book_get(s->known, service, &t.known_len);
    return t;
}

static json_t *parsed(const char *text, size_t len)
{
    json_t *v = text == NULL ? NULL : json_read_any(text, len);
    if (json_is_object(v))
        return v;
    json_decref(v);
    return NULL;
}

static void find_link(const struct sync_state *s, const char *service, const json_t *wanted, const json_t *record, struct link *ret)
{
    const struct link_ask ask = {service, s->from_records ? NULL : wanted, record, false};
    link_find(s->accounts, &ask, ret);
}

static void own(struct sync_state *s, const struct said *t)
{
    struct link l = {0};
    json_t *wanted = parsed(t->wanted, t->wanted_len), *record = parsed(t->known, t->known_len);
    bool over = strcmp(json_text(record, "status"), "terminated") == 0 && wanted == NULL;
    if (!over && (record != NULL || wanted != NULL))
        find_link(s, t->service, wanted, record, &l);
    if (l.result == LINK_ONE)
        account_set_owner(l.account, t->service);
    json_decref(wanted);
    json_decref(record);
}

/* Those that are known come first: what billing wants of others does not take their accounts. */
static void own_all(struct sync_state *s)
{
    size_t len;
    for (size_t i = 0; i < book_count(s->known); i++) {
        const struct said t = said_of(s, book_key(s->known, i));
        own(s, &t);
    }
    for (size_t i = 0; i < book_count(s->wanted); i++) {
        struct said t = {.service = book_key(s->wanted, i)};
        if (book_get(s->known, t.service, &len) != NULL)
            continue; /* it was among the known */
        t.wanted = book_at(s->wanted, i, &t.wanted_len);
        own(s, &t);
    }
}

static int read_all(struct sync_state *s, const struct sync_ask *ask, struct err *reterr)
{
    if (known_read(ask->scanner, ask->provider, s->known, reterr) != 0 || read_catalog(s, ask->platform, reterr) != 0)
        return -1;
    if (!ask->catalog_only && platform_accounts(ask->platform, s->accounts, ask->progress, ask->arg, reterr) != 0)
        return -1;
    if (s->from_records)
        return want_records(s, reterr);
    return rows_read(ask->desired, &wanted_form, on_row, s, reterr);
}

int sync_state_read(struct sync_state *s, const struct sync_ask *ask, struct err *reterr)
{
    *s = (struct sync_state){.known = book_new(),
                             .wanted = book_new(),
                             .accounts = accounts_new(),
                             .from_records = ask->desired == NULL,
                             .catalogue = ask->catalogue,
                             .provider = ask->provider};
    if (s->known == NULL || s->wanted == NULL || s->accounts == NULL)
        return err_nomem(reterr);
    if (read_all(s, ask, reterr) != 0)
        return -1;
    s->rules.can = platform_can;
    s->rules.can_arg = ask->platform;
    s->rules.cuts_known = ask->platform->place.cuts_known;
    s->rules.catalog = s->catalog;
    own_all(s);
    return 0;
}

void sync_state_fini(struct sync_state *s)
{
    book_free(s->known);
    book_free(s->wanted);
    accounts_free(s->accounts);
    json_decref(s->catalog);
    *s = (struct sync_state){0};
}

/* ---- one service ---- */

static struct hash_part part_of(const char *text, size_t len)
{
    return (struct hash_part){.data = text != NULL ? text : "", .len = text != NULL ? len : 0};
}

static void hash_of(const struct said *t, const struct account *a, char ret[SYNC_HASH_SIZE])
{
    uint8_t digest[HASH_SHA256_SIZE];
    size_t len = 0;
    const char *real = a != NULL ? account_state(a, &len) : NULL;
    const struct hash_part parts[] = {
        part_of(t->service, strlen(t->service)), part_of(t->wanted, t->wanted_len), part_of(t->known, t->known_len), part_of(real, len)};
    hash_sha256_parts(parts, ARRAY_LEN(parts), digest);
    hash_hex(digest, (SYNC_HASH_SIZE - 1) / 2, ret);
}

static json_t *doubtful(const char *service, const char *why)
{
    return json_pack("{s:s, s:s, s:[], s:[s]}", "service", service, "kind", "left", "changes", "left", why);
}

static int compare(const struct sync_state *s, const struct said *t, json_t **ret, char ret_hash[SYNC_HASH_SIZE])
{
    struct link l;
    json_t *wanted = parsed(t->wanted, t->wanted_len), *record = parsed(t->known, t->known_len), *real = NULL;
    size_t len;
    int rc = 0;
    *ret = NULL;
    find_link(s, t->service, wanted, record, &l);
    if (l.account != NULL) {
        const char *state = account_state(l.account, &len);
        real = json_read_any(state, len);
    }
    if (l.result != LINK_DOUBTFUL) {
        const struct diff_ask ask = {.service = t->service, .wanted = wanted, .real = real, .record = record};
        rc = diff_find(&s->rules, &ask, ret);
    } else if (wanted != NULL) { /* else nobody wants anything of it */
        *ret = doubtful(t->service, l.why);
        rc = *ret == NULL ? -1 : 1;
    }
    if (rc > 0)
        hash_of(t, l.account, ret_hash);
    json_decref(wanted);
    json_decref(record);
    json_decref(real);
    return rc;
}

int sync_state_one(const struct sync_state *s, const char *service, json_t **ret, char ret_hash[SYNC_HASH_SIZE])
{
    const struct said t = said_of(s, service);
    ret_hash[0] = '\0';
    return compare(s, &t, ret, ret_hash);
}

/* 0: go on; 1: enough; -1: out of memory. */
static int tell(const struct sync_state *s, const struct said *t, sync_found_fn *fn, void *arg)
{
    char hash[SYNC_HASH_SIZE];
    json_t *found = NULL;
    int rc = compare(s, t, &found, hash);
    bool more = rc <= 0 || fn(arg, found, hash);
    json_decref(found);
    return rc < 0 ? -1 : !more;
}

/* The next service of the two sorted books, and where they stand behind it. */
static struct said next_of(const struct sync_state *s, size_t *wanted, size_t *known)
{
    struct said t = {0};
    const char *a = *wanted < book_count(s->wanted) ? book_key(s->wanted, *wanted) : NULL;
    const char *b = *known < book_count(s->known) ? book_key(s->known, *known) : NULL;
    int order = a == NULL ? 1 : b == NULL ? -1 : strcmp(a, b);
    t.service = order <= 0 ? a : b;
    if (order <= 0)
        t.wanted = book_at(s->wanted, (*wanted)++, &t.wanted_len);
    if (order >= 0)
        t.known = book_at(s->known, (*known)++, &t.known_len);
    return t;
}

int sync_state_each(const struct sync_state *s, sync_found_fn *fn, void *arg)
{
    int rc = 0;
    size_t wanted = 0, known = 0;
    book_sort(s->wanted);
    book_sort(s->known);
    while (rc == 0 && (wanted < book_count(s->wanted) || known < book_count(s->known))) {
        const struct said t = next_of(s, &wanted, &known);
        rc = tell(s, &t, fn, arg);
    }
    return rc < 0 ? -1 : 0;
}

/* ---- what autosync must not run over ---- */

static void note_unlinked(const struct sync_state *s, json_t *found, const char *kind, const char *word, const char *id)
{
    char text[128];
    if (json_object_get(json_object_get(s->catalog, kind), id) != NULL)
        return;
    snprintf(text, sizeof(text), "%s %.100s", word, id);
    json_object_set_new(found, text, json_true());
}

static json_t *names_of(json_t *set)
{
    json_t *list = json_array(), *v;
    const char *name;
    json_object_foreach(set, name, v) json_array_append_new(list, json_string(name));
    json_decref(set);
    return list;
}

json_t *sync_state_unlinked(const struct sync_state *s)
{
    json_t *found = json_object(), *v;
    const char *id;
    for (size_t i = 0; s->catalog != NULL && i < book_count(s->wanted); i++) {
        json_t *wanted = book_get_json(s->wanted, book_key(s->wanted, i));
        const char *plan = json_text(wanted, "plan");
        if (plan[0] != '\0')
            note_unlinked(s, found, "plans", "plan", plan);
        json_object_foreach(json_object_get(wanted, "packages"), id, v) note_unlinked(s, found, "packages", "package", id);
        json_decref(wanted);
    }
    return names_of(found);
}

/* The account that bears the client's id is not one that bears the service's, and nobody else's. */
static bool is_unconverted(const struct sync_state *s, const char *service, const char *client)
{
    static const enum account_key keys[] = {ACCOUNT_EXTERNAL_ID, ACCOUNT_NUMBER};
    for (size_t k = 0; client[0] != '\0' && k < ARRAY_LEN(keys); k++) {
        const struct account *a = accounts_find(s->accounts, keys[k], client);
        const char *owner = a == NULL ? "" : account_owner(a);
        if (a != NULL && strcmp(client, service) != 0 && (owner[0] == '\0' || strcmp(owner, service) == 0))
            return true;
    }
    return false;
}

json_t *sync_state_unconverted(const struct sync_state *s)
{
    json_t *list = json_array();
    for (size_t i = 0; i < book_count(s->wanted); i++) {
        json_t *wanted = book_get_json(s->wanted, book_key(s->wanted, i));
        if (is_unconverted(s, book_key(s->wanted, i), json_text(wanted, "client")))
            json_array_append_new(list, json_string(book_key(s->wanted, i)));
        json_decref(wanted);
    }
    return list;
}

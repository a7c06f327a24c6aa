/* Snapshots. Input: words of the rules (sequence, ends, cuts, password, and numbers: how many of the changes are done by the second
 * comparison); a line "%%"; the snapshot's data; then the account as the platform tells it, or nothing; then the record. */
#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "contract/account.h"
#include "contract/diff.h"
#include "contract/json_read.h"
#include "contract/json_scan.h"
#include "contract/known.h"
#include "contract/record.h"
#include "contract/snapshot.h"
#include "contract/wanted.h"

#define SECRET "Zq7-never-told"
#define SERVICE "70001"

enum { OFFSET = 7 };

struct given {
    bool sequence, ends, cuts, password, no_activation, is_secret;
    unsigned done; /* of the changes */
    json_t *data, *account, *record;
};

static bool has(struct fuzz_text t, const char *word)
{
    return t.len > 0 && memmem(t.data, t.len, word, strlen(word)) != NULL;
}

static json_t *object_of(struct fuzz_text t)
{
    json_t *v = json_read_any(t.data, t.len);
    if (json_is_object(v))
        return v;
    json_decref(v);
    return NULL;
}

static void given_init(struct given *ret, struct fuzz_text rest)
{
    bool told = has(rest, SECRET);
    struct fuzz_text words = fuzz_part(&rest);
    *ret = (struct given){.sequence = has(words, "sequence"), .ends = has(words, "ends"), .cuts = has(words, "cuts"),
                          .password = has(words, "password"), .no_activation = has(words, "reactivate")};
    for (size_t i = 0; i < words.len; i++)
        if (words.data[i] >= '0' && words.data[i] <= '9')
            ret->done = ret->done % 100 * 10 + (unsigned)(words.data[i] - '0');
    ret->data = object_of(fuzz_part(&rest));
    ret->account = object_of(fuzz_part(&rest));
    struct fuzz_text record = fuzz_part(&rest);
    ret->record = record_parse(record.data, record.len);
    if (ret->record == NULL)
        ret->record = record_new("stalker", SERVICE);
    ret->is_secret = !told && json_is_string(json_object_get(ret->data, "password"));
    if (ret->is_secret)
        json_object_set_new(ret->data, "password", json_string(SECRET));
}

static void given_fini(struct given *g)
{
    json_decref(g->data);
    json_decref(g->account);
    json_decref(g->record);
}

/* ---- comparing ---- */

static bool can(const void *arg, const char *type)
{
    const struct given *g = arg;
    return !g->no_activation || strcmp(type, "contract.activated") != 0;
}

static json_t *find(const struct given *g, const struct diff_ask *ask)
{
    const struct diff_whole whole = {.ends_follow = g->ends, .password_differs = g->password && json_object_get(g->data, "password") != NULL};
    struct diff_rules rules = {.remove_unknown = json_is_true(json_object_get(g->data, "remove_unknown")), .cuts_known = g->cuts, .can = can,
                               .can_arg = g, .whole = &whole};
    json_t *found = NULL;
    (void)clock_parse_rfc3339("2026-11-22T10:00:00Z", &rules.now_ms);
    int rc = diff_find(&rules, ask, &found);
    fuzz_check(rc >= 0 && (rc == 1) == (found != NULL), "it cannot be compared: %d", rc);
    return found;
}

/* ---- the parts ---- */

struct snapshot {
    const struct given *g;
    struct event event;
    struct order order;
    json_t *ids; /* of its parts */
};

static bool snapshot_init(struct snapshot *ret, const struct given *g)
{
    struct fault f;
    json_t *e = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:O}", "specversion", "1.0", "id", "snap", "source", "/b", "subject", SERVICE,
                          "provider", "stalker", "type", "tvbridge.service.snapshot", "data", g->data);
    if (g->sequence)
        json_object_set_new(e, "sequence", json_string("100"));
    char *text = fuzz_json(e);
    const struct event_message m = {.key = SERVICE, .key_len = strlen(SERVICE), .value = text, .value_len = strlen(text)};
    *ret = (struct snapshot){.g = g};
    bool good = event_decode(fuzz_schemas(), &m, &ret->event, &f) == 0;
    free(text);
    json_decref(e);
    if (!good)
        return false;
    ret->order = event_order(&ret->event, 3, OFFSET);
    ret->ids = json_object();
    return true;
}

static void snapshot_fini(struct snapshot *s)
{
    json_decref(s->ids);
    event_fini(&s->event);
}

/* Above the snapshot, and below whatever billing says next. */
static void stands_above(const struct snapshot *s, const struct event *part, bool creation)
{
    const struct order next = {.epoch = s->order.epoch, .number = s->order.number + 1}, is = event_order(part, 3, OFFSET + 50);
    struct order created = s->order;
    created.sub++;
    fuzz_check(event_order_by(part) == event_order_by(&s->event), "a part is ordered otherwise");
    fuzz_check(order_cmp(is, s->order) > 0 && order_cmp(is, next) < 0, "a part is out of its place");
    fuzz_check(order_cmp(is, created) == (creation ? 0 : 1), "a creation does not come first");
}

/* Of a package that is there by now the end is said, too: that of its addition is behind it. */
static bool is_end(const json_t *change)
{
    return strcmp(json_text(change, "type"), "package.removed") == 0 && json_object_get(change, "notbefore") != NULL;
}

static void look_at_part(struct snapshot *s, const json_t *change, bool second)
{
    char id[SNAPSHOT_PART_ID_SIZE];
    struct event part;
    json_t *e = snapshot_part(&s->event, s->order, change);
    const char *type = json_text(change, "type");
    fuzz_check(e != NULL && snapshot_part_id(&s->event, change, id) == 0 && strcmp(json_text(e, "id"), id) == 0, "no part, or of another id");
    fuzz_valid_event(e, &part);
    fuzz_check(strcmp(event_type_name(part.type), type) == 0 && json_equal(part.data, json_object_get(change, "data")), "a part says other things");
    fuzz_check(strcmp(part.service, SERVICE) == 0 && strcmp(part.provider, "stalker") == 0, "a part of another service");
    stands_above(s, &part, strcmp(type, "service.created") == 0);
    if (second && !is_end(change))
        fuzz_check(json_object_get(s->ids, id) != NULL, "what still differs is another event: %s %s", type, json_text(change, "what"));
    if (!second)
        fuzz_check(json_object_get(s->ids, id) == NULL, "two parts of one id: %s %s", type, json_text(change, "what"));
    json_object_set_new(s->ids, id, json_true());
    event_fini(&part);
    json_decref(e);
}

/* What an outcome tells: all but the data. */
static void is_told(const struct given *g, const json_t *found)
{
    json_t *told = json_deep_copy(found), *v;
    size_t i;
    if (told == NULL)
        return;
    json_array_foreach(json_object_get(told, "changes"), i, v) json_object_del(v, "data");
    char *text = fuzz_json(told);
    fuzz_check(!g->is_secret || strstr(text, SECRET) == NULL, "a password is told: %s", text);
    free(text);
    json_decref(told);
}

static void look_at_all(struct snapshot *s, const json_t *found, bool second)
{
    const json_t *changes = json_object_get(found, "changes");
    for (size_t i = 0; i < json_array_size(changes); i++)
        look_at_part(s, json_array_get(changes, i), second);
    is_told(s->g, found);
}

/* ---- doing them ---- */

static void set(json_t *of, const char *name, const char *text)
{
    json_object_set_new(of, name, json_string(text));
}

static json_t *set_of(json_t *real, const char *name)
{
    if (!json_is_object(json_object_get(real, name)))
        json_object_set_new(real, name, json_object());
    return json_object_get(real, name);
}

/* One list of one, as a part has it. */
static void put_package(json_t *real, const json_t *data, bool on)
{
    const char *id = json_text(json_array_get(json_object_get(data, "packages"), 0), "id");
    if (on)
        json_object_set_new(set_of(real, "packages"), id, json_object());
    else
        json_object_del(set_of(real, "packages"), id);
}

static void put_device(json_t *real, const json_t *data, bool on)
{
    char id[ACCOUNT_TEXT_SIZE];
    const char *name;
    json_t *v;
    void *next;
    account_device_id(json_object_get(data, "device"), id);
    if (on)
        json_object_set_new(set_of(real, "devices"), id, json_object());
    else
        json_object_foreach_safe(set_of(real, "devices"), next, name, v)
        {
            char mac[18];
            if (strcmp(name, id) == 0 || (mac_normalise(name, mac) == 0 && strcmp(mac, id) == 0))
                json_object_del(set_of(real, "devices"), name);
        }
}

static void put_state(json_t *real, json_t *known, const char *type, const json_t *data)
{
    bool on = strcmp(type, "contract.activated") == 0, partial = strcmp(json_text(data, "scope"), "partial") == 0;
    if (on || strcmp(type, "contract.reactivated") == 0)
        json_object_set_new(known, "suspended", json_false());
    if (on || strcmp(type, "contract.unblocked") == 0)
        set(known, "block", "none");
    if (strcmp(type, "contract.blocked") == 0)
        set(known, "block", partial ? "partial" : "blocked");
    if (strcmp(type, "contract.suspended") == 0) {
        json_object_set_new(known, "suspended", json_true());
        set(known, "block", "none"); /* all of it is off, which is more */
    }
    bool off = json_is_true(json_object_get(known, "suspended")) || strcmp(json_text(known, "block"), "blocked") == 0;
    set(real, "status", off ? "suspended" : "active");
}

static void carry_out(json_t *real, json_t *known, const json_t *change)
{
    const char *type = json_text(change, "type");
    const json_t *data = json_object_get(change, "data");
    if (json_object_get(change, "notbefore") != NULL)
        return;
    if (strncmp(type, "package.", 8) == 0)
        put_package(real, data, strcmp(type, "package.added") == 0);
    else if (strncmp(type, "device.", 7) == 0)
        put_device(real, data, strcmp(type, "device.added") == 0);
    else if (strcmp(type, "device_limit.changed") == 0)
        json_object_set(known, "device_limit", json_object_get(data, "device_limit"));
    else if (strcmp(type, "plan.changed") == 0)
        json_object_set(real, "plan", json_object_get(data, "plan"));
    else if (strcmp(type, "credentials.changed") == 0 && json_object_get(data, "login") != NULL)
        json_object_set(real, "login", json_object_get(data, "login"));
    else if (strncmp(type, "contract.", 9) == 0)
        put_state(real, known, type, data);
    else if (strcmp(type, "service.deleted") == 0)
        set(real, "status", "terminated");
}

/* Once all is done nothing is to be done now, but a password, which nobody sees. */
static void nothing_now(const json_t *found)
{
    const json_t *changes = json_object_get(found, "changes");
    for (size_t i = 0; i < json_array_size(changes); i++) {
        const json_t *one = json_array_get(changes, i);
        fuzz_check(json_object_get(one, "notbefore") != NULL || json_object_get(json_object_get(one, "data"), "password") != NULL,
                   "it was done, and is to be done again: %s %s", json_text(one, "type"), json_text(one, "what"));
    }
}

/* Some are done, in their order: what still differs is what it was. An account that was not there has none that it could be done to. */
static void compare_again(struct snapshot *s, const struct diff_ask *ask, const json_t *found)
{
    const json_t *changes = json_object_get(found, "changes");
    json_t *real = json_deep_copy(ask->real), *known = json_deep_copy(ask->record);
    size_t n = json_array_size(changes), done = s->g->done < n ? s->g->done : n;
    if (real == NULL || strcmp(json_text(found, "kind"), "create") == 0) {
        json_decref(real);
        json_decref(known);
        return;
    }
    for (size_t i = 0; i < done; i++)
        carry_out(real, known, json_array_get(changes, i));
    json_t *rest = find(s->g, &(struct diff_ask){SERVICE, ask->wanted, real, known});
    look_at_all(s, rest, true);
    if (done == n)
        nothing_now(rest);
    json_decref(rest);
    json_decref(real);
    json_decref(known);
}

static void take_snapshot(const struct given *g)
{
    struct snapshot s;
    json_t *real = NULL;
    if (g->data == NULL || !snapshot_init(&s, g))
        return;
    json_t *wanted = wanted_of_snapshot(s.event.data), *known = snapshot_known(g->account, g->record);
    fuzz_check(wanted != NULL && known != NULL && snapshot_real(g->account, g->record, &real) == 0, "no sides to compare");
    fuzz_check(real != NULL || (g->account == NULL && !record_exists(g->record)), "an account is missing");
    const struct diff_ask ask = {SERVICE, wanted, real, known};
    json_t *found = find(g, &ask), *again = find(g, &ask);
    fuzz_check((found == NULL && again == NULL) || json_equal(found, again), "the second time it differs otherwise");
    look_at_all(&s, found, false);
    compare_again(&s, &ask, found);
    json_decref(found);
    json_decref(again);
    json_decref(wanted);
    json_decref(known);
    json_decref(real);
    snapshot_fini(&s);
}

/* ---- with itself ---- */

/* Dates run out by themselves. */
static void forget_dates(json_t *record)
{
    const char *id;
    json_t *v;
    json_object_foreach(json_object_get(record, "packages"), id, v)
    {
        json_object_del(v, "valid_from");
        json_object_del(v, "valid_to");
    }
}

/* What a record says is what is wanted: nothing is to be done. */
static void same_as_itself(const struct given *g)
{
    const struct diff_rules rules = {.now_ms = INT64_C(1795342800000)};
    json_t *record = json_deep_copy(g->record), *real = NULL, *found = NULL;
    forget_dates(record);
    json_t *known = known_of(record), *wanted = diff_wanted_of_record(known);
    fuzz_check(known != NULL && wanted != NULL && snapshot_real(NULL, record, &real) == 0, "no sides to compare");
    int rc = diff_find(&rules, &(struct diff_ask){json_text(record, "service"), wanted, real, known}, &found);
    fuzz_check(rc >= 0, "a record cannot be compared with itself");
    if (record_exists(record) && json_array_size(json_object_get(found, "changes")) > 0) {
        char *text = fuzz_json(found);
        fuzz_check(false, "a record differs from itself: %s", text);
    }
    json_decref(record);
    json_decref(real);
    json_decref(found);
    json_decref(known);
    json_decref(wanted);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct given g;
    if (size > 64 * 1024)
        return -1;
    given_init(&g, fuzz_input(data, size));
    take_snapshot(&g);
    same_as_itself(&g);
    given_fini(&g);
    return 0;
}

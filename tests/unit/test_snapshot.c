/* What a snapshot asks for, against what there is, and the events that its changes become. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>

#include "base/attr.h"
#include "base/clock.h"
#include "contract/diff.h"
#include "contract/known.h"
#include "contract/snapshot.h"
#include "contract/wanted.h"
#include "event_help.h"

static json_t *json(const char *text)
{
    json_error_t e;
    json_t *v = json_loads(text, JSON_DECODE_ANY, &e);
    cr_assert(v != NULL, "%s: %s", text, e.text);
    return v;
}

static void expect_json(const char *why, const json_t *got, const char *want)
{
    json_t *w = json(want);
    char *text = got == NULL ? strdup("nothing") : json_dumps(got, JSON_SORT_KEYS | JSON_ENCODE_ANY);
    cr_expect(json_equal(got, w), "%s: %s, want %s", why, text, want);
    free(text);
    json_decref(w);
}

/* "what, what | left; left", or "same". */
static void told(const json_t *found, char *ret, size_t size)
{
    const json_t *changes = json_object_get(found, "changes"), *left = json_object_get(found, "left");
    size_t n = 0;
    snprintf(ret, size, "%s", found == NULL ? "same" : "");
    for (size_t i = 0; i < json_array_size(changes); i++)
        n += (size_t)snprintf(ret + n, size - n, "%s%s", i > 0 ? ", " : "", json_text(json_array_get(changes, i), "what"));
    for (size_t i = 0; i < json_array_size(left); i++)
        n += (size_t)snprintf(ret + n, size - n, " | %s", json_string_value(json_array_get(left, i)));
}

static bool can_all_but_activate(const void *arg, const char *type)
{
    (void)arg;
    return strcmp(type, "contract.activated") != 0;
}

/* The end as the engine comes to it. */
static json_t *found_of(const char *data, const char *account, const char *record, const struct diff_rules *rules)
{
    json_t *d = json(data), *r = json(record), *a = account == NULL ? NULL : json(account), *real = NULL, *found = NULL;
    json_t *wanted = wanted_of_snapshot(d), *known = snapshot_known(a, r);
    cr_assert(zero(int, snapshot_real(a, r, &real)));
    int rc = diff_find(rules, &(struct diff_ask){"70001", wanted, real, known}, &found);
    cr_expect(eq(int, rc, found != NULL));
    json_decref(d);
    json_decref(r);
    json_decref(a);
    json_decref(real);
    json_decref(wanted);
    json_decref(known);
    return found;
}

#define AXES "\"axes\":{\"existence\":{\"order\":\"000000-000000000000000001-000000\",\"id\":\"c\"}}"
#define RECORD "{\"service\":\"70001\",\"provider\":\"p\",\"status\":\"active\",\"login\":\"ann\",\"plan\":\"3\",\"packages\":{\"P1\":{}," \
               "\"P2\":{}},\"devices\":{\"S1\":{}},\"device_limit\":2," AXES "}"
#define ACTIVE "{\"status\":\"active\",\"login\":\"ann\",\"plan\":\"3\",\"packages\":[\"P1\",\"P2\"],\"devices\":[{\"serial\":\"S1\"}]}"
#define OFF "{\"status\":\"suspended\",\"login\":\"ann\",\"plan\":\"3\",\"packages\":[\"P1\",\"P2\"]}"
#define WITH(more) "{\"service\":\"70001\",\"provider\":\"p\",\"status\":\"active\",\"login\":\"ann\"," more "," AXES "}"
#define NONE "{\"service\":\"70001\",\"provider\":\"p\",\"status\":\"unknown\",\"axes\":{}}"
#define SAY(more) "{\"mode\":\"apply\",\"status\":\"active\"" more "}"
#define GONE "{\"service\":\"70001\",\"provider\":\"p\",\"status\":\"terminated\"," AXES "}"

Test(snapshot, differs_by_what_it_says_and_in_a_safe_order)
{
    static const struct {
        const char *why, *data, *account, *record;
        bool remove_unknown, ends_follow, no_activation;
        const char *want;
    } rows[] = {
        {"all is there", SAY(",\"block\":\"none\",\"login\":\"ann\",\"plan\":\"3\",\"packages\":[{\"id\":\"P1\"},{\"id\":\"P2\"}],\"devices\":[{\"serial\":\"S1\"}],\"device_limit\":2"),
         ACTIVE, RECORD, false, false, false, "same"},
        {"what is not said stays", SAY(""), ACTIVE, RECORD, false, false, false, "same"},
        {"all at once: on, plan, more, fewer",
         SAY(",\"login\":\"anna\",\"plan\":\"7\",\"packages\":[{\"id\":\"P1\"},{\"id\":\"P3\"},{\"id\":\"P4\"}],\"devices\":[{\"serial\":\"S2\"}],\"device_limit\":3"), OFF,
         RECORD, false, false, false,
         "login ann -> anna, switch on, plan 3 -> 7, add P3, add P4, device limit 3, add device S2, remove P2, remove device S1"},
        {"fewer devices: the limit last", SAY(",\"devices\":[],\"device_limit\":1"), ACTIVE, RECORD, false, false, false,
         "remove device S1, device limit 1"},
        {"off last", SAY(",\"block\":\"total\",\"packages\":[{\"id\":\"P1\"},{\"id\":\"P2\"},{\"id\":\"P3\"}]"), ACTIVE, RECORD, false, false, false,
         "add P3, block"},
        {"off already", SAY(",\"block\":\"total\""), OFF, RECORD, false, false, false, "same"},
        {"suspended", "{\"mode\":\"apply\",\"status\":\"suspended\",\"block\":\"total\"}", ACTIVE, RECORD, false, false, false, "suspend"},
        {"blocked in part", SAY(",\"block\":\"partial\""), ACTIVE, RECORD, false, false, false, "block in part"},
        {"blocked in part already", SAY(",\"block\":\"partial\""), ACTIVE, WITH("\"block\":\"partial\""), false, false, false, "same"},
        {"from a part to all", SAY(",\"block\":\"total\""), ACTIVE, WITH("\"block\":\"partial\""), false, false, false, "block"},
        {"from all to a part", SAY(",\"block\":\"partial\""), OFF, WITH("\"block\":\"blocked\""), false, false, false, "block in part"},
        {"from a part to nothing", SAY(""), ACTIVE, WITH("\"block\":\"partial\""), false, false, false, "switch on"},
        {"gone", "{\"mode\":\"apply\",\"status\":\"terminated\"}", ACTIVE, RECORD, false, false, false, "delete"},
        {"gone already", "{\"mode\":\"apply\",\"status\":\"terminated\"}", NULL, GONE, false, false, false, "same"},
        {"never there", "{\"mode\":\"apply\",\"status\":\"terminated\"}", NULL, NONE, false, false, false, "same"},
        {"made, and what comes later", SAY(",\"plan\":\"3\",\"block\":\"total\",\"packages\":[{\"id\":\"P1\"},{\"id\":\"P9\",\"valid_from\":\"2026-12-01\"}]"), NULL,
         NONE, false, false, false, "create, plan 3, add P9 at 2026-12-01T00:00:00.000Z, block"},
        {"made again", SAY(",\"plan\":\"3\""), "{\"status\":\"terminated\"}", RECORD, false, false, false, "create, plan 3"},
        {"by hand", SAY(",\"packages\":[]"), "{\"status\":\"active\",\"packages\":[\"P8\"]}", RECORD, false, false, false,
         " | package P8 is unknown to billing: remove_unknown removes it"},
        {"by hand, and it goes", SAY(",\"packages\":[],\"devices\":[]"), "{\"status\":\"active\",\"packages\":[\"P8\"],\"devices\":[\"001a794d2b11\"]}", RECORD, true,
         false, false, "remove P8, remove device 00:1A:79:4D:2B:11"},
        {"without an answer the record is compared", SAY(",\"plan\":\"7\",\"packages\":[{\"id\":\"P1\"}]"), NULL, RECORD, false, false, false,
         "plan 3 -> 7, remove P2"},
        {"the whole last day", SAY(",\"packages\":[{\"id\":\"P1\",\"valid_to\":\"2026-11-22\"},{\"id\":\"P2\",\"valid_to\":\"2026-11-21\"}]"), ACTIVE, RECORD, false, false,
         false, "remove P2"},
        {"an end is made anew where the pack makes ends", SAY(",\"packages\":[{\"id\":\"P1\",\"valid_to\":\"2026-11-22\"},{\"id\":\"P2\"}]"), ACTIVE, RECORD, false, true,
         false, "remove P1 at 2026-11-23T00:00:00.000Z"},
        {"suspended, and the pack knows no activation", SAY(""), OFF, WITH("\"suspended\":true"), false, false, true, "switch on"},
        {"suspended and blocked", SAY(""), OFF, WITH("\"suspended\":true,\"block\":\"blocked\""), false, false, true, "switch on, unblock"},
        {"suspended, and blocked no more", SAY(""), OFF, WITH("\"suspended\":true,\"block\":\"none\""), false, false, true, "switch on"},
        {"blocked by taking packages away: what comes back with the release is not known yet", SAY(",\"packages\":[{\"id\":\"P1\"}]"),
         "{\"status\":\"suspended\",\"packages\":{}}", RECORD, false, false, false, "switch on, add P1"},
        {"and the next one takes away what is too much", SAY(",\"packages\":[{\"id\":\"P1\"}]"), ACTIVE, RECORD, false, false, false, "remove P2"},
        {"blocked so, and it stays", SAY(",\"block\":\"total\",\"packages\":[{\"id\":\"P1\"}]"), "{\"status\":\"suspended\",\"packages\":{}}", RECORD,
         false, false, false, "add P1"},
        {"an id that no event bears", SAY(",\"packages\":[]"), "{\"status\":\"active\",\"packages\":[\"a\\u0001b\"]}", RECORD, true, false, false,
         " | a package whose id no event can bear stays"},
    };
    int64_t now;
    cr_assert(zero(int, clock_parse_rfc3339("2026-11-22T10:00:00Z", &now)));
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct diff_whole whole = {.ends_follow = rows[i].ends_follow};
        const struct diff_rules rules = {.now_ms = now, .remove_unknown = rows[i].remove_unknown, .whole = &whole,
                                         .can = rows[i].no_activation ? can_all_but_activate : NULL};
        json_t *found = found_of(rows[i].data, rows[i].account, rows[i].record, &rules);
        char text[1024];
        told(found, text, sizeof(text));
        cr_expect(eq(str, text, (char *)rows[i].want), "%s", rows[i].why);
        if (rows[i].no_activation)
            cr_expect(eq(str, (char *)json_text(json_array_get(json_object_get(found, "changes"), 0), "type"), "contract.reactivated"));
        json_decref(found);
    }
}

/* 85 characters, 255 bytes. */
#define EUROS_17 "\u20ac\u20ac\u20ac\u20ac\u20ac\u20ac\u20ac\u20ac\u20ac\u20ac\u20ac\u20ac\u20ac\u20ac\u20ac\u20ac\u20ac"
#define EUROS EUROS_17 EUROS_17 EUROS_17 EUROS_17 EUROS_17

Test(snapshot, is_compared_however_long_the_platforms_texts_are)
{
    static const struct {
        const char *why, *data, *account;
        size_t changes, left;
    } rows[] = {
        {"a login", SAY(",\"login\":\"ann\""), "{\"status\":\"active\",\"login\":\"" EUROS "\"}", 1, 0},
        {"a package that is unknown", SAY(",\"packages\":[]"), "{\"status\":\"active\",\"packages\":[\"" EUROS_17 "\"]}", 0, 1},
        {"a device that is unknown", SAY(",\"devices\":[]"), "{\"status\":\"active\",\"devices\":[{\"serial\":\"" EUROS "\"}]}", 0, 1},
        {"a plan that goes", SAY(",\"plan\":\"3\""), "{\"status\":\"active\",\"plan\":\"" EUROS "\"}", 1, 0},
    };
    const struct diff_whole whole = {.ends_follow = false};
    const struct diff_rules rules = {.whole = &whole};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        json_t *found = found_of(rows[i].data, rows[i].account, WITH("\"plan\":\"3\""), &rules);
        cr_expect(eq(sz, json_array_size(json_object_get(found, "changes")), rows[i].changes), "%s", rows[i].why);
        cr_expect(eq(sz, json_array_size(json_object_get(found, "left")), rows[i].left), "%s", rows[i].why);
        json_decref(found);
    }
}

Test(snapshot, is_compared_with_what_the_platform_says_and_the_record_for_the_rest)
{
    json_t *record = json(RECORD), *account = json("{\"status\":\"suspended\",\"plan\":\"9\",\"device_limit\":5}"), *real = NULL;
    cr_assert(zero(int, snapshot_real(account, record, &real)));
    expect_json("real", real, "{\"status\":\"suspended\",\"plan\":\"9\",\"login\":\"ann\",\"packages\":{\"P1\":{},\"P2\":{}},\"devices\":{\"S1\":{}}}");
    json_t *known = snapshot_known(account, record);
    cr_expect(eq(int, (int)json_integer_value(json_object_get(known, "device_limit")), 5));
    json_decref(known);
    json_decref(real);
    json_decref(account);
    json_decref(record);
    record = json(GONE);
    cr_assert(zero(int, snapshot_real(NULL, record, &real)));
    cr_expect(real == NULL, "a deleted one has no account");
    json_decref(record);
}

Test(snapshot, password_is_set_only_where_it_is_known_to_be_another)
{
    const struct diff_whole same = {0}, other = {.password_differs = true};
    const struct diff_rules rules[] = {{.whole = &same}, {.whole = &other}};
    static const char *const want[] = {"same", "password"};
    for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
        json_t *found = found_of(SAY(",\"password\":\"s3cret\""), ACTIVE, RECORD, &rules[i]);
        char text[256];
        told(found, text, sizeof(text));
        cr_expect(eq(str, text, (char *)want[i]));
        json_decref(found);
    }
}

/* ---- the events ---- */

static struct event_schemas *schemas;

static void load(void)
{
    schemas = load_schemas();
}

static void unload(void)
{
    event_schemas_free(schemas);
}

static void decode(const json_t *root, struct event *ret)
{
    struct fault fault = {.pointer = ""};
    char *text = json_dumps(root, JSON_COMPACT);
    const struct event_message m = message(text);
    cr_assert(zero(int, event_decode(schemas, &m, ret, &fault)), "%s: %s: %s", fault.pointer, fault.reason, text);
    free(text);
}

static void decode_snapshot(const char *id, const char *data, struct event *ret)
{
    json_t *root = json_pack("{ss ss ss ss ss ss ss ss so}", "specversion", "1.0", "id", id, "source", "/billing", "type",
                             "tvbridge.service.snapshot", "subject", "70001", "provider", "p", "sequence", "17", "traceparent",
                             "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "data", json(data));
    decode(root, ret);
    json_decref(root);
}

#define MANY SAY(",\"login\":\"anna\",\"plan\":\"7\",\"packages\":[{\"id\":\"P3\",\"price\":\"1.00\"},{\"id\":\"P4\",\"valid_from\":\"2099-01-01\"}],"       \
                 "\"devices\":[{\"serial\":\"S2\"}],\"device_limit\":3")

Test(snapshot, changes_are_valid_events_above_it_with_ids_of_their_own, .init = load, .fini = unload)
{
    const struct diff_whole whole = {0};
    const struct diff_rules rules = {.whole = &whole};
    struct event s, e;
    char ids[16][SNAPSHOT_PART_ID_SIZE];
    decode_snapshot("s1", MANY, &s);
    const struct order order = event_order(&s, 3, 5);
    json_t *found = found_of(MANY, OFF, RECORD, &rules), *changes = json_object_get(found, "changes");
    size_t n = json_array_size(changes);
    cr_assert(eq(sz, n, 10));
    for (size_t i = 0; i < n; i++) {
        json_t *part = snapshot_part(&s, order, json_array_get(changes, i));
        decode(part, &e);
        struct order own = event_order(&e, 0, 99);
        cr_expect(lt(int, 0, order_cmp(own, order)), "%s", e.id);
        cr_expect(lt(int, order_cmp(own, (struct order){3, 18, 0}), 0), "billing's next one is above");
        cr_expect(eq(int, event_order_by(&e), ORDER_BY_SEQUENCE));
        cr_expect(eq(str, (char *)e.source, (char *)s.source));
        cr_expect(eq(str, (char *)e.traceparent, (char *)s.traceparent));
        cr_expect(eq(str, (char *)json_text(e.root, "notbefore"), (char *)json_text(json_array_get(changes, i), "notbefore")));
        snprintf(ids[i], sizeof(ids[i]), "%s", e.id);
        for (size_t k = 0; k < i; k++)
            cr_expect(ne(str, ids[k], ids[i]));
        json_decref(part);
        event_fini(&e);
    }
    json_decref(found);
    event_fini(&s);
}

/* The rest of it is done, the time has gone on, the record has moved: what is left is the same event. */
Test(snapshot, change_is_the_same_event_whatever_else_differs, .init = load, .fini = unload)
{
    const struct diff_whole whole = {0};
    const struct diff_rules rules = {.whole = &whole}, later = {.whole = &whole, .now_ms = INT64_C(1800000000000)};
    struct event s, other;
    decode_snapshot("s1", MANY, &s);
    decode_snapshot("s2", MANY, &other);
    const struct order order = event_order(&s, 0, 5);
    json_t *all = found_of(MANY, OFF, RECORD, &rules);
    json_t *rest = found_of(MANY, "{\"status\":\"active\",\"login\":\"anna\",\"plan\":\"7\",\"packages\":[],\"devices\":[\"S2\"],\"device_limit\":3}",
                            WITH("\"devices\":{\"S2\":{}}"), &later);
    json_t *of_all = json_object_get(all, "changes"), *one = json_array_get(json_object_get(rest, "changes"), 0);
    cr_assert(eq(str, (char *)json_text(one, "what"), "add P3"));
    for (size_t i = 0; i < json_array_size(of_all); i++) {
        if (strcmp(json_text(json_array_get(of_all, i), "what"), "add P3") != 0)
            continue;
        json_t *before = snapshot_part(&s, order, json_array_get(of_all, i)), *after = snapshot_part(&s, order, one);
        json_t *of_other = snapshot_part(&other, order, one);
        cr_expect(json_equal(before, after), "one and the same");
        cr_expect(ne(str, (char *)json_text(after, "id"), (char *)json_text(of_other, "id")));
        json_decref(before);
        json_decref(after);
        json_decref(of_other);
    }
    json_decref(all);
    json_decref(rest);
    event_fini(&s);
    event_fini(&other);
}

Test(snapshot, creation_stands_below_the_changes_that_need_it, .init = load, .fini = unload)
{
    struct event s;
    decode_snapshot("s1", SAY(",\"plan\":\"3\",\"block\":\"total\""), &s);
    const struct diff_whole whole = {0};
    const struct diff_rules rules = {.whole = &whole};
    json_t *found = found_of(SAY(",\"plan\":\"3\",\"block\":\"total\""), NULL, NONE, &rules), *changes = json_object_get(found, "changes");
    cr_assert(eq(sz, json_array_size(changes), 2));
    json_t *created = snapshot_part(&s, event_order(&s, 0, 5), json_array_get(changes, 0));
    json_t *blocked = snapshot_part(&s, event_order(&s, 0, 5), json_array_get(changes, 1));
    cr_expect(eq(str, (char *)json_text(created, "basis"), "sequence:000000-000000000000000017-000000+1"));
    cr_expect(eq(str, (char *)json_text(blocked, "basis"), "sequence:000000-000000000000000017-000000+2"));
    json_decref(created);
    json_decref(blocked);
    json_decref(found);
    event_fini(&s);
}

/* What is known of a service, as events change it. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>

#include "contract/password.h"
#include "contract/record.h"
#include "contract/schema.h"
#include "event_help.h"

static struct event made(enum event_type type, const char *id, const char *sequence,
                         const char *axis)
{
    struct event e = {.type = type,
                      .id = id,
                      .source = "/b",
                      .service = "70001",
                      .provider = "stalker",
                      .sequence = sequence};
    if (axis != NULL) {
        strcpy(e.axes.name[0], axis);
        e.axes.n = 1;
    }
    return e;
}

static json_t *json(const char *text)
{
    json_t *v = json_loads(text, 0, NULL);
    cr_assert(ne(ptr, v, NULL), "%s", text);
    return v;
}

static void apply(json_t *record, const struct event *e, uint64_t number, const char *patch,
                  const char *fence)
{
    struct err err;
    json_t *p = patch == NULL ? NULL : json(patch);
    cr_assert(
        eq(int, record_apply(record, e, (struct order){.number = number}, (int64_t)number, p, fence, &err), 0));
    json_decref(p);
}

static void expect_json(const json_t *v, const char *want)
{
    json_t *w = json(want);
    char *text = json_dumps(v, JSON_ENCODE_ANY | JSON_SORT_KEYS);
    cr_expect(eq(int, json_equal(v, w), 1), "%s instead of %s", text, want);
    free(text);
    json_decref(w);
}

/* The examples of RFC 7396, appendix A, whose target is an object. */
Test(merge_patch, does_what_its_rfc_shows)
{
    static const struct {
        const char *target, *patch, *want;
    } rows[] = {
        {"{\"a\":\"b\"}", "{\"a\":\"c\"}", "{\"a\":\"c\"}"},
        {"{\"a\":\"b\"}", "{\"b\":\"c\"}", "{\"a\":\"b\",\"b\":\"c\"}"},
        {"{\"a\":\"b\"}", "{\"a\":null}", "{}"},
        {"{\"a\":\"b\",\"b\":\"c\"}", "{\"a\":null}", "{\"b\":\"c\"}"},
        {"{\"a\":[\"b\"]}", "{\"a\":\"c\"}", "{\"a\":\"c\"}"},
        {"{\"a\":\"c\"}", "{\"a\":[\"b\"]}", "{\"a\":[\"b\"]}"},
        {"{\"a\":{\"b\":\"c\"}}", "{\"a\":{\"b\":\"d\",\"c\":null}}", "{\"a\":{\"b\":\"d\"}}"},
        {"{\"a\":[{\"b\":\"c\"}]}", "{\"a\":[1]}", "{\"a\":[1]}"},
        {"{\"e\":null}", "{\"a\":1}", "{\"e\":null,\"a\":1}"},
        {"{\"a\":\"foo\"}", "{\"a\":{\"b\":{\"c\":null}}}", "{\"a\":{\"b\":{}}}"},
        {"{}", "{\"a\":{\"bb\":{\"ccc\":null}}}", "{\"a\":{\"bb\":{}}}"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        json_t *target = json(rows[i].target), *patch = json(rows[i].patch);
        cr_expect(eq(int, json_merge_patch(target, patch), 0));
        expect_json(target, rows[i].want);
        expect_json(patch, rows[i].patch);
        json_decref(target);
        json_decref(patch);
    }
}

Test(record, a_new_one_knows_nothing)
{
    json_t *r = record_new("stalker", "70001");
    expect_json(
        r, "{\"service\":\"70001\",\"provider\":\"stalker\",\"status\":\"unknown\",\"axes\":{}}");
    json_decref(r);
}

Test(record, keeps_order_id_and_offset_of_the_last_event_on_each_axis)
{
    json_t *r = record_new("stalker", "70001");
    struct event blocked = made(EVENT_CONTRACT_BLOCKED, "e1", "7", "block");
    struct event package = made(EVENT_PACKAGE_ADDED, "e2", "8", "package:P1");
    struct event unblocked = made(EVENT_CONTRACT_UNBLOCKED, "e3", "9", "block");
    apply(r, &blocked, 7, "{\"block\":\"blocked\"}", "100");
    apply(r, &package, 8, "{\"packages\":{\"P1\":{}}}", "101");
    apply(r, &unblocked, 9, "{\"block\":null}", "102");
    expect_json(r,
                "{\"service\":\"70001\",\"provider\":\"stalker\",\"status\":\"unknown\",\"order_"
                "by\":\"sequence\","
                "\"fence\":\"102\",\"packages\":{\"P1\":{}},\"axes\":{"
                "\"block\":{\"order\":\"000000-000000000000000009-000000\",\"id\":\"e3\",\"offset\":9},"
                "\"package:P1\":{\"order\":\"000000-000000000000000008-000000\",\"id\":\"e2\",\"offset\":8}}}");
    json_decref(r);
}

Test(record, says_of_the_last_event_that_it_changed_nothing)
{
    json_t *r = record_new("stalker", "70001");
    struct event blocked = made(EVENT_CONTRACT_BLOCKED, "e1", "7", "block");
    struct event unblocked = made(EVENT_CONTRACT_UNBLOCKED, "e2", "8", "block");
    apply(r, &blocked, 7, NULL, "100");
    cr_assert(zero(int, record_say_unchanged(r, &blocked)));
    expect_json(json_object_get(r, "axes"),
                "{\"block\":{\"order\":\"000000-000000000000000007-000000\",\"id\":\"e1\",\"offset\":7,\"unchanged\":true}}");
    apply(r, &unblocked, 8, NULL, "101");
    expect_json(json_object_get(r, "axes"), "{\"block\":{\"order\":\"000000-000000000000000008-000000\",\"id\":\"e2\",\"offset\":8}}");
    json_decref(r);
}

Test(record, status_follows_existence_unless_the_pack_says_otherwise)
{
    static const struct {
        enum event_type type;
        const char *patch, *want;
    } rows[] = {
        {EVENT_SERVICE_CREATED, NULL, "active"},
        {EVENT_SERVICE_CREATED, "{\"status\":\"pending\"}", "pending"},
        {EVENT_SERVICE_DELETED, "{}", "terminated"},
        {EVENT_SERVICE_DELETED, "{\"status\":\"inactive\"}", "inactive"},
        {EVENT_CONTRACT_CANCELLED, NULL, "unknown"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        json_t *r = record_new("stalker", "70001");
        struct event e = made(rows[i].type, "e1", NULL, "existence");
        apply(r, &e, 1, rows[i].patch, "1");
        cr_expect(
            eq(str, (char *)json_string_value(json_object_get(r, "status")), (char *)rows[i].want));
        cr_expect(eq(str, (char *)json_string_value(json_object_get(r, "order_by")), "offset"));
        json_decref(r);
    }
}

Test(record, a_patch_cannot_touch_the_books)
{
    json_t *r = record_new("stalker", "70001");
    struct event e = made(EVENT_CONTRACT_BLOCKED, "e1", "7", "block");
    apply(r, &e, 7,
          "{\"service\":\"x\",\"provider\":null,\"axes\":null,\"fence\":\"9\",\"order_by\":\"x\","
          "\"ids\":{\"a\":\"1\"}}",
          "5");
    expect_json(r, "{\"service\":\"70001\",\"provider\":\"stalker\",\"status\":\"unknown\",\"order_"
                   "by\":\"sequence\","
                   "\"fence\":\"5\",\"ids\":{\"a\":\"1\"},\"axes\":{"
                   "\"block\":{\"order\":\"000000-000000000000000007-000000\",\"id\":\"e1\",\"offset\":7}}}");
    json_decref(r);
}

Test(record, text_comes_back_and_other_texts_are_refused)
{
    static const char *const bad[] = {
        "", "[]", "{}", "{\"service\":\"1\"}", "{\"service\":\"1\",\"provider\":\"p\",\"axes\":[]}",
        "{"};
    json_t *r = record_new("stalker", "70001");
    char *text = json_dumps(r, JSON_COMPACT);
    json_t *back = record_parse(text, strlen(text));
    cr_expect(eq(int, json_equal(r, back), 1));
    json_decref(back);
    json_decref(r);
    free(text);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        cr_expect(eq(ptr, record_parse(bad[i], strlen(bad[i])), NULL), "%s", bad[i]);
}

Test(record, is_what_its_schema_says)
{
    struct err err = {.code = ERR_NONE};
    struct fault f = {.pointer = ""};
    struct schema *s = schema_load(TVB_ROOT "/schemas/record.schema.json", &err);
    cr_assert(ne(ptr, s, NULL), "%s", err.msg);
    json_t *r = record_new("stalker", "70001");
    cr_expect(eq(int, schema_check(s, r, &f), true), "%s %s", f.pointer, f.reason);
    struct event e = made(EVENT_DEVICE_ADDED, "e1", "7", "device:00:1A:79:4D:2B:11");
    apply(r, &e, 7,
          "{\"login\":\"70001\",\"plan\":\"3\",\"block\":\"blocked\",\"packages\":{\"P1\":{}}}",
          "5");
    cr_expect(eq(int, schema_check(s, r, &f), true), "%s %s", f.pointer, f.reason);
    json_decref(r);
    schema_free(s);
}

/* ---- what is remembered before it is destroyed ---- */

Test(record, what_is_remembered_is_added_and_never_replaces)
{
    static const struct {
        const char *why, *record, *patch, *want;
    } rows[] = {
        {"new", "{}", "{\"remembered\":{\"P1\":{\"to\":\"x\"}}}", "{\"remembered\":{\"P1\":{\"to\":\"x\"}}}"},
        {"beside what is there", "{\"remembered\":{\"P1\":{}}}", "{\"remembered\":{\"P2\":{}}}", "{\"remembered\":{\"P1\":{},\"P2\":{}}}"},
        {"deep inside", "{\"remembered\":{\"P1\":{\"to\":\"x\"}}}", "{\"remembered\":{\"P1\":{\"to\":\"y\",\"by\":\"z\"}}}",
         "{\"remembered\":{\"P1\":{\"to\":\"x\",\"by\":\"z\"}}}"},
        {"a list stays as it is", "{\"remembered\":[1,2]}", "{\"remembered\":[]}", "{\"remembered\":[1,2]}"},
        {"a number too", "{\"extras\":7}", "{\"extras\":0}", "{\"extras\":7}"},
        {"no object in the place of a text", "{\"a\":\"b\"}", "{\"a\":{\"c\":1}}", "{\"a\":\"b\"}"},
        {"null is nothing, on both sides", "{\"a\":null,\"b\":1}", "{\"a\":2,\"b\":null,\"c\":null}", "{\"a\":2,\"b\":1}"},
        {"the books are ours", "{\"status\":\"active\"}", "{\"status\":\"x\",\"axes\":{},\"fence\":\"9\",\"unfinished\":\"9\"}", "{\"status\":\"active\"}"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        json_t *r = json(rows[i].record), *patch = json(rows[i].patch);
        cr_expect(eq(int, record_remember(r, patch, NULL), 0), "%s", rows[i].why);
        expect_json(r, rows[i].want);
        json_decref(r);
        json_decref(patch);
    }
}

Test(record, is_unfinished_from_then_to_the_events_end)
{
    json_t *r = record_new("stalker", "70001"), *patch = json("{\"remembered\":{\"P1\":{}}}");
    struct event first = made(EVENT_CONTRACT_BLOCKED, "e1", "7", "block"), second = made(EVENT_CONTRACT_BLOCKED, "e2", "8", "block");
    apply(r, &first, 7, "{}", "100");
    json_t *axes = json_deep_copy(json_object_get(r, "axes"));
    cr_expect(eq(int, record_remember(r, patch, "101"), 0));
    cr_expect(eq(int, json_equal(axes, json_object_get(r, "axes")), 1));
    cr_expect(eq(str, (char *)json_string_value(json_object_get(r, "fence")), "101"));
    cr_expect(eq(str, (char *)json_string_value(json_object_get(r, "unfinished")), "101"));
    apply(r, &second, 8, "{\"unfinished\":\"1\"}", "101");
    cr_expect(json_object_get(r, "unfinished") == NULL);
    cr_expect(json_object_get(r, "remembered") != NULL);
    json_decref(axes);
    json_decref(patch);
    json_decref(r);
}

Test(record, of_an_adopted_account_is_what_was_seen_and_what_only_we_know)
{
    static const struct {
        const char *why, *record, *seen, *want;
    } rows[] = {
        {"a first look", "{\"status\":\"unknown\"}",
         "{\"status\":\"active\",\"login\":\"ann\",\"plan\":\"3\",\"packages\":{\"P1\":{}},\"ids\":{\"account_number\":\"7\"}}",
         "{\"status\":\"active\",\"login\":\"ann\",\"plan\":\"3\",\"packages\":{\"P1\":{}},\"devices\":{},\"ids\":{\"account_number\":\"7\"}}"},
        {"what is not there any more is gone, and what we know of the rest stays",
         "{\"status\":\"active\",\"block\":\"none\",\"plan\":\"3\",\"packages\":{\"P1\":{\"valid_to\":\"2027-01-01\"},\"P2\":{}},"
         "\"devices\":{\"A\":{}},\"remembered\":{\"P9\":{}}}",
         "{\"status\":\"suspended\",\"packages\":{\"P1\":{},\"P3\":{}}}",
         "{\"status\":\"suspended\",\"block\":\"none\",\"plan\":\"3\",\"packages\":{\"P1\":{\"valid_to\":\"2027-01-01\"},\"P3\":{}},"
         "\"devices\":{},\"remembered\":{\"P9\":{}}}"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        json_t *r = json(rows[i].record), *seen = json(rows[i].seen), *patch = record_adoption(r, seen);
        cr_assert(zero(int, json_merge_patch(r, patch)));
        json_t *want = json(rows[i].want);
        char *text = json_dumps(r, JSON_SORT_KEYS);
        cr_expect(json_equal(r, want), "%s: %s", rows[i].why, text);
        free(text);
        json_decref(want);
        json_decref(patch);
        json_decref(seen);
        json_decref(r);
    }
}

Test(record, is_known_once_it_was_made_or_adopted_and_an_adoption_leaves_the_order_alone)
{
    json_t *r = record_new("stalker", "70001"), *made_here = record_new("stalker", "70002");
    struct event block = made(EVENT_CONTRACT_BLOCKED, "e1", NULL, "block"), adopt = made(EVENT_SERVICE_ADOPTED, "a1", NULL, NULL),
                 create = made(EVENT_SERVICE_CREATED, "e2", "2", "existence");
    adopt.basis = "none:000000-000000000000000000-000000+1";
    apply(r, &block, 3, NULL, "7");
    cr_expect(not(record_is_known(r)));
    json_t *axes = json_deep_copy(json_object_get(r, "axes"));
    apply(r, &adopt, 9, "{\"status\":\"active\",\"adopted\":\"a lie\"}", "8");
    cr_expect(record_is_known(r));
    cr_expect(eq(str, (char *)json_string_value(json_object_get(r, "adopted")), "a1"));
    cr_expect(eq(str, (char *)json_string_value(json_object_get(r, "order_by")), "offset"));
    cr_expect(json_equal(axes, json_object_get(r, "axes")));
    cr_expect(not(record_is_known(made_here)));
    apply(made_here, &adopt, 1, NULL, "7");
    cr_expect(json_object_get(made_here, "order_by") == NULL);
    apply(made_here, &create, 2, NULL, "8");
    cr_expect(record_is_known(made_here));
    json_decref(axes);
    json_decref(made_here);
    json_decref(r);
}

Test(record, keeps_what_billing_said_of_a_packages_price)
{
    static const char *const patch = "{\"packages\":{\"P1\":{\"valid_to\":\"2026-12-31\"},\"P2\":{}}}";
    json_t *r = record_new("stalker", "70001");
    struct event add = made(EVENT_PACKAGE_ADDED, "e1", "1", "package:P1"), create = made(EVENT_SERVICE_CREATED, "e0", "0", "existence"),
                 removed = made(EVENT_PACKAGE_REMOVED, "e2", "2", "package:P1");
    create.data = json("{\"packages\":[{\"id\":\"P1\",\"price\":\"9.90\",\"quantity\":2}]}");
    apply(r, &create, 1, "{\"packages\":{\"P1\":{}}}", "7");
    expect_json(json_object_get(r, "packages"), "{\"P1\":{\"price\":\"9.90\",\"quantity\":2}}");
    add.data = json("{\"packages\":[{\"id\":\"P1\",\"price\":\"4.90\",\"currency\":\"BRL\"},{\"id\":\"P2\"},{\"id\":\"P3\",\"price\":\"1\"}]}");
    apply(r, &add, 2, patch, "8");
    expect_json(json_object_get(r, "packages"), "{\"P1\":{\"valid_to\":\"2026-12-31\",\"price\":\"4.90\",\"currency\":\"BRL\"},\"P2\":{}}");
    removed.data = add.data;
    apply(r, &removed, 3, "{\"packages\":{\"P1\":null}}", "9");
    expect_json(json_object_get(r, "packages"), "{\"P2\":{}}");
    json_decref(add.data);
    json_decref(create.data);
    json_decref(r);
}

Test(record, notes_a_billing_run_and_no_pack_may)
{
    json_t *r = record_new("stalker", "70001");
    struct event bill = made(EVENT_BILLING_PROCESSED, "b1", "1", NULL), block = made(EVENT_CONTRACT_BLOCKED, "e1", "2", "block");
    bill.data = json("{\"due\":\"2026-12-10\",\"value\":\"4.90\",\"currency\":\"BRL\"}");
    apply(r, &bill, 1, NULL, "7");
    apply(r, &block, 2, "{\"billed\":{\"2026-12-10\":null}}", "8");
    expect_json(json_object_get(r, "billed"), "{\"2026-12-10\":{\"value\":\"4.90\",\"currency\":\"BRL\",\"event\":\"b1\"}}");
    json_decref(bill.data);
    json_decref(r);
}

Test(record, says_whether_the_account_exists)
{
    static const struct {
        const char *why, *text;
        bool want;
    } rows[] = {
        {"nothing was applied", "{\"status\":\"unknown\",\"axes\":{}}", false},
        {"something was remembered", "{\"status\":\"unknown\",\"axes\":{},\"fence\":\"7\",\"unfinished\":\"7\",\"remembered\":{\"a\":1}}", false},
        {"the pack says nothing of the status", "{\"status\":\"unknown\",\"axes\":{\"block\":{}}}", true},
        {"a snapshot was taken up, and nothing of it was applied", "{\"status\":\"unknown\",\"axes\":{\"all\":{}}}", false},
        {"and something of it was", "{\"status\":\"unknown\",\"axes\":{\"all\":{},\"existence\":{}}}", true},
        {"the platform waits for the subscriber", "{\"status\":\"pending\",\"axes\":{\"existence\":{}}}", true},
        {"off, but there", "{\"status\":\"inactive\",\"axes\":{\"block\":{}}}", true},
        {"active", "{\"status\":\"active\",\"axes\":{\"existence\":{}}}", true},
        {"blocked", "{\"status\":\"suspended\",\"axes\":{\"block\":{}}}", true},
        {"over", "{\"status\":\"terminated\",\"axes\":{\"existence\":{},\"block\":{}}}", false},
        {"no record", "{}", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        json_t *r = json(rows[i].text);
        cr_expect(eq(int, record_exists(r), rows[i].want), "%s", rows[i].why);
        json_decref(r);
    }
    cr_expect(not(record_exists(NULL)));
}

Test(record, of_a_service_exists_from_its_first_event_to_its_deletion)
{
    json_t *r = record_new("stalker", "70001"), *kept = json("{\"remembered\":{\"packages\":[]}}");
    struct event block = made(EVENT_CONTRACT_BLOCKED, "e1", "1", "block"), gone = made(EVENT_SERVICE_DELETED, "e2", "2", "existence"),
                 again = made(EVENT_SERVICE_CREATED, "e3", "3", "existence");
    cr_expect(not(record_exists(r)));
    cr_assert(zero(int, record_remember(r, kept, "7")));
    cr_expect(not(record_exists(r)));
    apply(r, &block, 1, NULL, "7");
    cr_expect(record_exists(r));
    cr_assert(zero(int, record_rebase(r, true, (struct order){.number = 1}, "8", "act1")));
    cr_expect(record_exists(r));
    apply(r, &gone, 2, NULL, "9");
    cr_expect(not(record_exists(r)));
    cr_assert(zero(int, record_remember(r, kept, "10")));
    cr_assert(zero(int, record_rebase(r, true, (struct order){.number = 2}, "11", "act2")));
    cr_expect(not(record_exists(r)));
    apply(r, &again, 3, NULL, "12");
    cr_expect(record_exists(r));
    json_decref(kept);
    json_decref(r);
}

/* ---- the password ---- */

static const char password_key[] = "0123456789abcdef0123456789abcdef";

static void tell(json_t *record, enum event_type type, const char *data, const char *key)
{
    struct event e = made(type, "e1", "1", "existence");
    e.data = json(data);
    cr_assert(eq(int, record_keep_password(record, &e, key), 0));
    json_decref(e.data);
}

static bool keeps(const json_t *record, const char *password)
{
    const char *text = json_string_value(json_object_get(record, "password_hmac"));
    struct password_kept kept;
    return text != NULL && password_parse(text, &kept) == 0 &&
           password_fits(&kept, password_key, &(struct password_of){"stalker", "70001", password});
}

Test(record, keeps_what_checks_the_password_and_not_the_password)
{
    json_t *r = record_new("stalker", "70001");
    tell(r, EVENT_SERVICE_CREATED, "{\"login\":\"ann\",\"password\":\"s3cret-1\"}", password_key);
    cr_expect(keeps(r, "s3cret-1"));
    char *text = json_dumps(r, JSON_COMPACT);
    cr_expect(strstr(text, "s3cret-1") == NULL, "%s", text);
    free(text);
    tell(r, EVENT_CREDENTIALS_CHANGED, "{\"password\":\"s3cret-2\"}", password_key);
    cr_expect(keeps(r, "s3cret-2"));
    tell(r, EVENT_SERVICE_SNAPSHOT, "{\"password\":\"s3cret-3\"}", password_key);
    cr_expect(keeps(r, "s3cret-3"));
    json_decref(r);
}

Test(record, keeps_the_password_while_nobody_sets_another)
{
    static const struct {
        const char *why, *data;
        enum event_type type;
    } rows[] = {
        {"another login", "{\"login\":\"bea\"}", EVENT_CREDENTIALS_CHANGED},
        {"created once more, without one", "{\"login\":\"ann\"}", EVENT_SERVICE_CREATED},
        {"a type that sets none", "{\"password\":\"x\"}", EVENT_SERVICE_UPDATED},
        {"blocked", "{\"reason\":\"delinquency\"}", EVENT_CONTRACT_BLOCKED},
    };
    json_t *r = record_new("stalker", "70001");
    tell(r, EVENT_SERVICE_CREATED, "{\"password\":\"s3cret-1\"}", password_key);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        tell(r, rows[i].type, rows[i].data, password_key);
        cr_expect(keeps(r, "s3cret-1"), "%s", rows[i].why);
    }
    json_decref(r);
}

Test(record, a_password_that_is_the_accounts_no_more_is_forgotten)
{
    json_t *r = record_new("stalker", "70001");
    tell(r, EVENT_SERVICE_CREATED, "{\"password\":\"s3cret-1\"}", password_key);
    tell(r, EVENT_CREDENTIALS_CHANGED, "{\"password\":\"s3cret-2\"}", NULL);
    cr_expect(json_object_get(r, "password_hmac") == NULL, "an older one, where the new one cannot be kept");
    tell(r, EVENT_SERVICE_CREATED, "{\"password\":\"s3cret-1\"}", password_key);
    tell(r, EVENT_SERVICE_DELETED, "{}", password_key);
    cr_expect(json_object_get(r, "password_hmac") == NULL, "deleted");
    json_decref(r);
}

Test(record, a_pack_can_neither_write_nor_forget_the_password)
{
    json_t *r = record_new("stalker", "70001");
    struct event e = made(EVENT_CONTRACT_BLOCKED, "e1", "7", "block");
    apply(r, &e, 7, "{\"password_hmac\":\"mine\"}", "100");
    cr_expect(json_object_get(r, "password_hmac") == NULL);
    tell(r, EVENT_SERVICE_CREATED, "{\"password\":\"s3cret-1\"}", password_key);
    apply(r, &e, 8, "{\"password_hmac\":null}", "100");
    cr_expect(keeps(r, "s3cret-1"));
    json_decref(r);
}

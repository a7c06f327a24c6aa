/* Which newer event says all that an older one says. RELIABILITY.md section 1. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "base/attr.h"
#include "contract/covers.h"

struct side {
    enum event_type type;
    const char *data;
};

static bool does(struct side newer, struct side older)
{
    struct axes na, oa;
    struct fault fault;
    json_t *nd = json_loads(newer.data, 0, NULL), *od = json_loads(older.data, 0, NULL);
    cr_assert(ne(ptr, nd, NULL));
    cr_assert(ne(ptr, od, NULL));
    cr_assert(zero(int, axes_of(newer.type, nd, &na, &fault)));
    cr_assert(zero(int, axes_of(older.type, od, &oa, &fault)));
    struct covers_event n = {.type = newer.type, .axes = &na, .data = nd}, o = {.type = older.type, .axes = &oa, .data = od};
    bool ret = covers(&n, &o);
    cr_expect(eq(int, ret && !covers_may(newer.type, older.type), 0), "the look at the types alone must let it through");
    cr_expect(eq(int, ret && !covers_axes(&n, &o), 0));
    json_decref(nd);
    json_decref(od);
    return ret;
}

Test(covers, by_type_axes_and_fields)
{
    static const struct {
        const char *why;
        struct side newer, older;
        bool want;
    } rows[] = {
        {"the opposite", {EVENT_CONTRACT_UNBLOCKED, "{}"}, {EVENT_CONTRACT_BLOCKED, "{\"reason\":\"delinquency\"}"}, true},
        {"the same again", {EVENT_PLAN_CHANGED, "{\"plan\":\"2\"}"}, {EVENT_PLAN_CHANGED, "{\"plan\":\"1\"}"}, true},
        {"another axis", {EVENT_PLAN_CHANGED, "{\"plan\":\"2\"}"}, {EVENT_CONTRACT_BLOCKED, "{}"}, false},
        {"one axis of two", {EVENT_CONTRACT_BLOCKED, "{}"}, {EVENT_CONTRACT_ACTIVATED, "{}"}, false},
        {"both axes", {EVENT_CONTRACT_ACTIVATED, "{}"}, {EVENT_CONTRACT_SUSPENDED, "{}"}, true},
        {"more fields than the older", {EVENT_CREDENTIALS_CHANGED, "{\"login\":\"a\",\"pin\":\"1\"}"},
         {EVENT_CREDENTIALS_CHANGED, "{\"pin\":\"2\"}"}, true},
        {"a field of the older is missing", {EVENT_CREDENTIALS_CHANGED, "{\"login\":\"a\"}"},
         {EVENT_CREDENTIALS_CHANGED, "{\"login\":\"a\",\"pin\":\"2\"}"}, false},
        {"the same axis with less to say", {EVENT_CONTRACT_BLOCKED, "{}"}, {EVENT_CONTRACT_BLOCKED, "{\"scope\":\"partial\"}"},
         false},
        {"the same package", {EVENT_PACKAGE_REMOVED, "{\"packages\":[{\"id\":\"P1\"}]}"},
         {EVENT_PACKAGE_ADDED, "{\"packages\":[{\"id\":\"P1\",\"valid_to\":\"2027-01-01T00:00:00Z\"}]}"}, true},
        {"another package", {EVENT_PACKAGE_REMOVED, "{\"packages\":[{\"id\":\"P2\"}]}"},
         {EVENT_PACKAGE_ADDED, "{\"packages\":[{\"id\":\"P1\"}]}"}, false},
        {"one package of two", {EVENT_PACKAGE_REMOVED, "{\"packages\":[{\"id\":\"P2\"}]}"},
         {EVENT_PACKAGE_ADDED, "{\"packages\":[{\"id\":\"P1\"},{\"id\":\"P2\"}]}"}, false},
        {"the same package without its price", {EVENT_PACKAGE_ADDED, "{\"packages\":[{\"id\":\"P1\"}]}"},
         {EVENT_PACKAGE_ADDED, "{\"packages\":[{\"id\":\"P1\",\"price\":\"9\"}]}"}, false},
        {"packages in another order", {EVENT_PACKAGE_ADDED, "{\"packages\":[{\"id\":\"P2\"},{\"id\":\"P1\"}]}"},
         {EVENT_PACKAGE_ADDED, "{\"packages\":[{\"id\":\"P1\"},{\"id\":\"P2\"}]}"}, true},
        {"a deletion needs what the creation brings", {EVENT_SERVICE_DELETED, "{}"}, {EVENT_SERVICE_CREATED, "{\"plan\":\"1\"}"}, false},
        {"a deletion covers what a field sets", {EVENT_SERVICE_DELETED, "{}"}, {EVENT_SERVICE_UPDATED, "{\"comment\":\"x\"}"}, true},
        {"a creation covers no deletion", {EVENT_SERVICE_CREATED, "{}"}, {EVENT_SERVICE_DELETED, "{}"}, false},
        {"nor another creation", {EVENT_SERVICE_CREATED, "{}"}, {EVENT_SERVICE_CREATED, "{}"}, false},
        {"a cancellation covers a block", {EVENT_CONTRACT_CANCELLED, "{}"}, {EVENT_CONTRACT_BLOCKED, "{}"}, true},
        {"and what activates", {EVENT_CONTRACT_CANCELLED, "{}"}, {EVENT_CONTRACT_ACTIVATED, "{}"}, true},
        {"but no plan", {EVENT_CONTRACT_CANCELLED, "{}"}, {EVENT_PLAN_CHANGED, "{\"plan\":\"1\"}"}, false},
        {"and no creation", {EVENT_CONTRACT_CANCELLED, "{}"}, {EVENT_SERVICE_CREATED, "{}"}, false},
        {"a snapshot that is applied", {EVENT_SERVICE_SNAPSHOT, "{\"mode\":\"apply\"}"},
         {EVENT_PLAN_CHANGED, "{\"plan\":\"1\"}"}, true},
        {"one that is only looked at", {EVENT_SERVICE_SNAPSHOT, "{\"mode\":\"preview\"}"},
         {EVENT_PLAN_CHANGED, "{\"plan\":\"1\"}"}, false},
        {"a message is never superseded", {EVENT_SERVICE_DELETED, "{}"}, {EVENT_MESSAGE_REQUESTED, "{}"}, false},
        {"and supersedes none", {EVENT_MESSAGE_REQUESTED, "{}"}, {EVENT_MESSAGE_REQUESTED, "{}"}, false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        cr_expect(eq(int, does(rows[i].newer, rows[i].older), rows[i].want), "%s", rows[i].why);
}

Test(covers, of_one_type_only_what_is_known_is_compared)
{
    struct axes plan = {.n = 1, .name = {"plan"}}, block = {.n = 1, .name = {"block"}};
    struct covers_event a = {.type = EVENT_PLAN_CHANGED, .axes = &plan}, b = a;
    struct covers_event cut = {.type = EVENT_CONTRACT_BLOCKED, .axes = &block};
    struct covers_event restore = {.type = EVENT_CONTRACT_UNBLOCKED, .axes = &block};
    cr_expect(eq(int, covers(&a, &b), 0));
    cr_expect(eq(int, covers_axes(&a, &b), 1));
    cr_expect(eq(int, covers(&restore, &cut), 1));
}

Test(covers, what_comes_later_with_an_older_order_covers_nothing)
{
    struct axes block = {.n = 1, .name = {"block"}};
    struct order low = {.number = 7}, high = {.number = 8};
    struct covers_event cut = {.type = EVENT_CONTRACT_BLOCKED, .axes = &block, .order = &high};
    struct covers_event restore = {.type = EVENT_CONTRACT_UNBLOCKED, .axes = &block, .order = &low};
    cr_expect(eq(int, covers(&restore, &cut), 0));
    cr_expect(eq(int, covers(&cut, &restore), 1));
}

Test(covers, all_but_a_snapshot_may_cover_what_may_have_been_done)
{
    for (int t = 0; t < EVENT_TYPE_COUNT; t++)
        cr_expect(eq(int, covers_doubts((enum event_type)t), t != EVENT_SERVICE_SNAPSHOT));
}

Test(covers, a_type_that_is_not_known_covers_nothing)
{
    for (int t = 0; t <= EVENT_TYPE_COUNT; t++) {
        cr_expect(eq(int, covers_may(EVENT_TYPE_COUNT, (enum event_type)t), 0));
        cr_expect(eq(int, covers_may((enum event_type)t, EVENT_TYPE_COUNT), 0));
    }
}

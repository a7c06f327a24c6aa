/* What the packages of a service come to for a due day, by its record alone. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/attr.h"
#include "bill.h"

static json_t *json(const char *text)
{
    json_t *v = json_loads(text, JSON_DECODE_ANY, NULL);
    cr_assert(ne(ptr, v, NULL), "%s", text);
    return v;
}

static json_t *row_of(const char *members)
{
    char text[1000];
    struct bill_day day;
    cr_assert(eq(int, bill_day_parse("2026-12-10", &day), 0));
    snprintf(text, sizeof(text), "{\"service\":\"7\",\"status\":\"active\",%s}", members);
    json_t *record = json(text), *row = bill_row(record, &day);
    cr_assert(ne(ptr, row, NULL));
    json_decref(record);
    return row;
}

/* @want: members besides service and due; NULL: the service has nothing for the day. */
static void expect(const char *why, const char *members, const char *want)
{
    char text[1000] = "null";
    if (want != NULL)
        snprintf(text, sizeof(text), "{\"service\":\"7\",\"due\":\"2026-12-10\",%s}", want);
    json_t *row = row_of(members), *w = json(text);
    char *got = json_dumps(row, JSON_ENCODE_ANY | JSON_SORT_KEYS);
    cr_expect(json_equal(row, w), "%s: %s", why, got);
    free(got);
    json_decref(w);
    json_decref(row);
}

Test(bill, a_package_counts_when_it_has_a_price_and_is_on_that_day)
{
    static const struct {
        const char *why, *dates;
        bool counts;
    } rows[] = {
        {"without dates", "", true},
        {"from that day on", ",\"valid_from\":\"2026-12-10\"", true},
        {"from its last second on", ",\"valid_from\":\"2026-12-10T23:59:59Z\"", true},
        {"from the next day on", ",\"valid_from\":\"2026-12-11\"", false},
        {"with that day as its last", ",\"valid_to\":\"2026-12-10\"", true},
        {"with the day before as its last", ",\"valid_to\":\"2026-12-09\"", false},
        {"until its first second", ",\"valid_to\":\"2026-12-10T00:00:01Z\"", true},
        {"in another zone, after it", ",\"valid_from\":\"2026-12-10T22:00:00-03:00\"", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char members[300];
        snprintf(members, sizeof(members), "\"packages\":{\"P1\":{\"price\":\"4.90\"%s}}", rows[i].dates);
        expect(rows[i].why, members,
               rows[i].counts ? "\"state\":\"Pendente\",\"value\":\"4.90\",\"packages\":\"P1 4.90\",\"items\":[{\"id\":\"P1\",\"price\":\"4.90\"}]" : NULL);
    }
    expect("no packages", "\"plan\":\"3\"", NULL);
    expect("a price of none", "\"packages\":{\"P1\":{}}", "\"unpriced\":1");
}

Test(bill, prices_are_added_exactly)
{
    expect("several, with a quantity", "\"packages\":{\"A\":{\"price\":\"0.1\",\"currency\":\"BRL\",\"quantity\":3},\"B\":{\"price\":\"0.2\",\"currency\":\"BRL\"},\"C\":{}}",
           "\"state\":\"Pendente\",\"value\":\"0.50\",\"currency\":\"BRL\",\"packages\":\"A 3 x 0.1, B 0.2\",\"unpriced\":1,"
           "\"items\":[{\"id\":\"A\",\"price\":\"0.1\",\"currency\":\"BRL\",\"quantity\":3},{\"id\":\"B\",\"price\":\"0.2\",\"currency\":\"BRL\"}]");
    expect("what no price is", "\"packages\":{\"A\":{\"price\":4.9}}", "\"fault\":\"a package's price is no decimal text\"");
    expect("what no date is", "\"packages\":{\"A\":{\"price\":\"1\",\"valid_to\":\"soon\"}}", "\"fault\":\"a package's dates are no dates\"");
}

Test(bill, two_currencies_or_too_much_is_a_fault_and_no_value)
{
    static const struct {
        const char *members, *fault;
    } rows[] = {
        {"\"packages\":{\"A\":{\"price\":\"1\",\"currency\":\"BRL\"},\"B\":{\"price\":\"1\",\"currency\":\"EUR\"}}", "packages in several currencies"},
        {"\"packages\":{\"A\":{\"price\":\"1\"},\"B\":{\"price\":\"1\",\"currency\":\"EUR\"}}", "packages in several currencies"},
        {"\"packages\":{\"A\":{\"price\":\"999999999999.9999\",\"quantity\":2}}", "too large a sum"},
        {"\"packages\":{\"A\":{\"price\":\"999999999999.9999\",\"quantity\":1000}}", "too large a sum"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        json_t *row = row_of(rows[i].members);
        cr_expect(eq(str, (char *)json_string_value(json_object_get(row, "fault")), (char *)rows[i].fault), "%s", rows[i].members);
        cr_expect(json_object_get(row, "state") == NULL && json_object_get(row, "value") == NULL, "%s", rows[i].members);
        json_decref(row);
    }
}

Test(bill, what_was_processed_stays_and_a_service_that_is_over_has_nothing_new)
{
    expect("as it was billed", "\"packages\":{\"A\":{\"price\":\"1\"}},\"billed\":{\"2026-12-10\":{\"value\":\"1.00\",\"event\":\"e\"}}",
           "\"state\":\"Processado\",\"value\":\"1.00\",\"packages\":\"A 1\",\"items\":[{\"id\":\"A\",\"price\":\"1\"}]");
    expect("it would be another now", "\"packages\":{\"A\":{\"price\":\"2\"}},\"billed\":{\"2026-12-10\":{\"value\":\"1\",\"currency\":\"BRL\",\"event\":\"e\"}}",
           "\"state\":\"Processado\",\"value\":\"1\",\"currency\":\"BRL\",\"now\":\"2.00\",\"packages\":\"A 2\",\"items\":[{\"id\":\"A\",\"price\":\"2\"}]");
    expect("another day's says nothing", "\"packages\":{\"A\":{\"price\":\"1\"}},\"billed\":{\"2026-11-10\":{\"value\":\"1\",\"event\":\"e\"}}",
           "\"state\":\"Pendente\",\"value\":\"1.00\",\"packages\":\"A 1\",\"items\":[{\"id\":\"A\",\"price\":\"1\"}]");
    static const struct {
        const char *status;
        bool billed;
    } rows[] = {{"active", true}, {"suspended", true}, {"pending", true}, {"inactive", false}, {"terminated", false}, {"unknown", true}};
    struct bill_day day;
    cr_assert(eq(int, bill_day_parse("2026-12-10", &day), 0));
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        json_t *record = json("{\"service\":\"7\",\"packages\":{\"A\":{\"price\":\"1\"}}}");
        json_object_set_new(record, "status", json_string(rows[i].status));
        json_t *row = bill_row(record, &day);
        cr_expect(eq(int, json_is_object(row), rows[i].billed), "%s", rows[i].status);
        json_decref(row);
        json_decref(record);
    }
}

Test(bill, sums_are_by_currency_and_state)
{
    static const char *const rows[] = {
        "{\"state\":\"Pendente\",\"value\":\"0.10\",\"currency\":\"BRL\"}",  "{\"state\":\"Pendente\",\"value\":\"0.20\",\"currency\":\"BRL\",\"unpriced\":2}",
        "{\"state\":\"Processado\",\"value\":\"1\",\"currency\":\"BRL\"}",   "{\"state\":\"Pendente\",\"value\":\"999999999999.99\"}",
        "{\"state\":\"Pendente\",\"value\":\"999999999999.99\"}",             "{\"fault\":\"x\"}", "{\"unpriced\":1}",
    };
    struct bill_sums s;
    cr_assert(eq(int, bill_sums_init(&s), 0));
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        json_t *row = json(rows[i]);
        cr_expect(eq(int, bill_sums_add(&s, row), 0), "%s", rows[i]);
        json_decref(row);
    }
    json_t *list = bill_sums_list(&s), *want = json("[{\"currency\":\"BRL\",\"state\":\"Pendente\",\"services\":2,\"value\":\"0.30\"},"
                                                    "{\"currency\":\"BRL\",\"state\":\"Processado\",\"services\":1,\"value\":\"1.00\"},"
                                                    "{\"state\":\"Pendente\",\"services\":2,\"value\":\"1999999999999.98\"}]");
    char *got = json_dumps(list, 0);
    cr_expect(json_equal(list, want), "%s", got);
    cr_expect(eq(i64, s.faults, 1));
    cr_expect(eq(i64, s.unpriced, 3));
    free(got);
    json_decref(list);
    json_decref(want);
    bill_sums_fini(&s);
}

Test(bill, a_due_day_is_a_day)
{
    static const char *const wrong[] = {"", "2026-12", "2026-13-01", "2026-02-30", "10/12/2026", "2026-12-10T00:00:00Z"};
    struct bill_day day;
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
        cr_expect(eq(int, bill_day_parse(wrong[i], &day), -1), "%s", wrong[i]);
    cr_expect(eq(int, bill_day_parse("2028-02-29", &day), 0));
}

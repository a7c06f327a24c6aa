/* A due day is processed once, whoever says it again. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <jansson.h>
#include <stdio.h>

#include "base/attr.h"
#include "contract/billed.h"
#include "contract/json.h"

static json_t *json(const char *text)
{
    json_t *v = json_loads(text, 0, NULL);
    cr_assert(ne(ptr, v, NULL), "%s", text);
    return v;
}

Test(billed, what_the_record_says_of_a_due_day)
{
    static const struct {
        const char *why, *id, *data;
        enum billed want;
    } rows[] = {
        {"another day", "e2", "{\"due\":\"2027-01-10\",\"value\":\"14.80\"}", BILLED_NEW},
        {"this event again", "e1", "{\"due\":\"2026-12-10\",\"value\":\"14.80\",\"currency\":\"BRL\"}", BILLED_BY_IT},
        {"another event, the same amount", "e2", "{\"due\":\"2026-12-10\",\"value\":\"14.8\",\"currency\":\"BRL\"}", BILLED_BEFORE},
        {"another amount", "e2", "{\"due\":\"2026-12-10\",\"value\":\"14.81\",\"currency\":\"BRL\"}", BILLED_OTHER},
        {"another currency", "e2", "{\"due\":\"2026-12-10\",\"value\":\"14.80\",\"currency\":\"EUR\"}", BILLED_OTHER},
        {"no currency", "e2", "{\"due\":\"2026-12-10\",\"value\":\"14.80\"}", BILLED_OTHER},
    };
    json_t *r = json("{\"billed\":{\"2026-12-10\":{\"value\":\"14.80\",\"currency\":\"BRL\",\"event\":\"e1\"}}}");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        json_t *data = json(rows[i].data);
        cr_expect(eq(int, (int)billed_judge(r, data, rows[i].id), (int)rows[i].want), "%s", rows[i].why);
        json_decref(data);
    }
    json_decref(r);
}

Test(billed, the_first_value_stays)
{
    json_t *r = json("{}"), *first = json("{\"due\":\"2026-12-10\",\"value\":\"14.80\"}"), *other = json("{\"due\":\"2026-12-10\",\"value\":\"9\"}");
    cr_assert(eq(int, billed_note(r, first, "e1"), 0));
    cr_assert(eq(int, billed_note(r, other, "e2"), 0));
    json_t *want = json("{\"billed\":{\"2026-12-10\":{\"value\":\"14.80\",\"event\":\"e1\"}}}");
    cr_expect(json_equal(r, want));
    json_decref(want);
    json_decref(first);
    json_decref(other);
    json_decref(r);
}

static void note_day(json_t *r, int year, int month, enum billed want)
{
    char text[80];
    snprintf(text, sizeof(text), "{\"due\":\"%d-%02d-10\",\"value\":\"1\"}", year, month);
    json_t *data = json(text);
    cr_expect(eq(int, (int)billed_judge(r, data, "e"), (int)want), "%s", text);
    cr_assert(eq(int, billed_note(r, data, "e"), 0));
    json_decref(data);
}

Test(billed, the_newest_days_are_kept_and_one_before_them_is_not_billed)
{
    json_t *r = json("{}");
    for (int i = 0; i < 20; i++)
        note_day(r, 2026 + i / 12, 1 + i % 12, BILLED_NEW);
    const json_t *days = json_object_get(r, "billed");
    cr_expect(eq(sz, json_object_size(days), (size_t)BILLED_MAX));
    cr_expect(json_object_get(days, "2026-07-10") == NULL);
    cr_expect(json_object_get(days, "2026-08-10") != NULL);
    cr_expect(json_object_get(days, "2027-08-10") != NULL);
    note_day(r, 2026, 7, BILLED_TOO_OLD);
    cr_expect(eq(sz, json_object_size(days), (size_t)BILLED_MAX));
    cr_expect(json_object_get(days, "2026-07-10") == NULL);
    json_decref(r);
}

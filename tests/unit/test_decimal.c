/* Amounts of money are counted, never rounded. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdint.h>

#include "base/attr.h"
#include "contract/decimal.h"

Test(decimal, text_is_an_amount_or_is_refused)
{
    static const struct {
        const char *text;
        int64_t want; /* -1: refused */
        const char *shown;
    } rows[] = {
        {"4.90", 49000, "4.90"},
        {"4.9", 49000, "4.90"},
        {"0", 0, "0.00"},
        {"0.0001", 1, "0.0001"},
        {"0.0125", 125, "0.0125"},
        {"1.230", 12300, "1.23"},
        {"007", 70000, "7.00"},
        {"999999999999.9999", 9999999999999999, "999999999999.9999"},
        {"", -1, ""}, {".5", -1, ""}, {"5.", -1, ""}, {"1.23456", -1, ""}, {"1000000000000", -1, ""}, {"-1", -1, ""}, {"+1", -1, ""},
        {"1,50", -1, ""}, {"1e3", -1, ""}, {" 1", -1, ""}, {"1 ", -1, ""}, {"1.5.0", -1, ""},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        int64_t got = -7;
        char text[DECIMAL_TEXT_SIZE];
        int rc = decimal_parse(rows[i].text, &got);
        cr_expect(eq(int, rc, rows[i].want < 0 ? -1 : 0), "%s", rows[i].text);
        if (rc != 0)
            continue;
        cr_expect(eq(i64, got, rows[i].want), "%s", rows[i].text);
        cr_expect(eq(str, (char *)decimal_format(got, text), (char *)rows[i].shown), "%s", rows[i].text);
    }
}

Test(decimal, sums_are_exact_or_refused)
{
    int64_t sum = 0, one = 0;
    char text[DECIMAL_TEXT_SIZE];
    cr_assert(eq(int, decimal_parse("0.1", &one), 0));
    for (int i = 0; i < 1000000; i++)
        cr_assert(eq(int, decimal_add(&sum, one, 3), 0));
    cr_expect(eq(str, (char *)decimal_format(sum, text), (char *)"300000.00"));
    sum = INT64_MAX - 5;
    cr_expect(eq(int, decimal_add(&sum, 6, 1), -1));
    cr_expect(eq(int, decimal_add(&sum, INT64_MAX / 2, 3), -1));
    cr_expect(eq(i64, sum, INT64_MAX - 5));
}

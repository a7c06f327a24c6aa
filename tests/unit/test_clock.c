#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>

#include "base/attr.h"
#include "base/clock.h"

Test(clock, rfc3339_is_read_and_written)
{
    static const struct {
        const char *text;
        int64_t ms;
        const char *utc;
    } rows[] = {
        {"1970-01-01T00:00:00Z", 0, "1970-01-01T00:00:00.000Z"},
        {"1969-12-31T23:59:59.999Z", -1, "1969-12-31T23:59:59.999Z"},
        {"2026-11-22T10:00:00.5+02:00", 1795334400500, "2026-11-22T08:00:00.500Z"},
        {"2026-11-22t10:00:00z", 1795341600000, "2026-11-22T10:00:00.000Z"},
        {"2024-02-29T12:00:00Z", 1709208000000, "2024-02-29T12:00:00.000Z"},
        {"2000-02-29T00:00:00Z", 951782400000, "2000-02-29T00:00:00.000Z"},
        {"2000-03-01T00:00:00-00:30", 951870600000, "2000-03-01T00:30:00.000Z"},
        {"1900-03-01T00:00:00Z", -2203891200000, "1900-03-01T00:00:00.000Z"},
        {"2026-01-01T00:00:00.123456789Z", 1767225600123, "2026-01-01T00:00:00.123Z"},
        {"9999-12-31T23:59:59.999Z", 253402300799999, "9999-12-31T23:59:59.999Z"},
        {"2016-12-31T23:59:60Z", 1483228800000, "2017-01-01T00:00:00.000Z"},
        {"2017-01-01T01:59:60+02:00", 1483228800000, "2017-01-01T00:00:00.000Z"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        int64_t ms = -42;
        char text[CLOCK_RFC3339_SIZE];
        cr_expect(eq(int, clock_parse_rfc3339(rows[i].text, &ms), 0), "%s", rows[i].text);
        cr_expect(eq(i64, ms, rows[i].ms), "%s", rows[i].text);
        clock_format_rfc3339(ms, text);
        cr_expect(eq(str, text, (char *)rows[i].utc), "%s", rows[i].text);
    }
}

Test(clock, what_is_no_rfc3339_time_is_refused)
{
    static const char *const rows[] = {
        "",
        "2026",
        "2026-11-22",
        "2026-11-22T10:00:00",
        "2026-11-22 10:00:00Z",
        "2026-11-22T10:00Z",
        "2026-11-22T10:00:00.Z",
        "2026-11-22T10:00:00Zx",
        "2026-11-22T10:00:00+0200",
        "2026-11-22T10:00:00+24:00",
        "2026-11-22T10:00:00+01:60",
        "2026-11-22T24:00:00Z",
        "2026-11-22T10:60:00Z",
        "2026-11-22T10:00:61Z",
        "2026-11-22T10:00:60Z",
        "2026-11-22T23:59:60+01:00",
        "2026-00-22T10:00:00Z",
        "2026-13-22T10:00:00Z",
        "2026-11-00T10:00:00Z",
        "2026-11-31T10:00:00Z",
        "2026-02-29T10:00:00Z",
        "1900-02-29T10:00:00Z",
        "2100-02-29T10:00:00Z",
        "26-11-22T10:00:00Z",
        "+2026-11-22T10:00:00Z",
        "2026-11-22T1:00:00Z",
        "2026-11-2\xd9\xa2T10:00:00Z",
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        int64_t ms = -42;
        cr_expect(eq(int, clock_parse_rfc3339(rows[i], &ms), -1), "%s", rows[i]);
        cr_expect(eq(i64, ms, -42), "%s: written in spite of failure", rows[i]);
    }
}

Test(clock, every_day_of_four_centuries_is_read_as_it_was_written)
{
    for (int64_t day = -135140; day < 146097; day++) {
        char text[CLOCK_RFC3339_SIZE];
        int64_t ms = 0;
        clock_format_rfc3339(day * 86400000, text);
        cr_assert(eq(int, clock_parse_rfc3339(text, &ms), 0), "%s", text);
        cr_assert(eq(i64, ms, day * 86400000), "%s", text);
    }
}

Test(clock, a_year_past_9999_keeps_its_last_four_digits)
{
    char text[CLOCK_RFC3339_SIZE];
    clock_format_rfc3339(253402300800000, text);
    cr_expect(eq(str, text, "0000-01-01T00:00:00.000Z"));
}

Test(clock, every_second_and_millisecond_is_written_as_printf_would)
{
    for (int ms = 0; ms < 86400000; ms += 997) {
        char text[CLOCK_RFC3339_SIZE], want[CLOCK_RFC3339_SIZE + 40];
        clock_format_rfc3339(1795305600000 + ms, text);
        snprintf(want, sizeof(want), "2026-11-22T%02d:%02d:%02d.%03dZ", ms / 3600000, ms / 60000 % 60, ms / 1000 % 60,
                 ms % 1000);
        cr_assert(eq(str, text, want));
    }
}

Test(clock, the_clocks_go_forward)
{
    int64_t mono = clock_mono_ns(), boot = clock_boot_ms();
    cr_expect(ge(i64, clock_mono_ns(), mono));
    cr_expect(ge(i64, clock_boot_ms(), boot));
    cr_expect(lt(i64, 1600000000000, clock_real_ms()));
}

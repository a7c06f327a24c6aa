#include "base/clock.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"

/* Days since 1970-01-01 of a proleptic Gregorian date (month 1-12). */
static int64_t days_from_civil(int64_t y, int64_t m, int64_t d)
{
    y -= m <= 2;
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t yoe = y - era * 400;
    int64_t doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
    int64_t doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
    return era * 146097 + doe - 719468;
}

/* @n digits and what stands behind them. */
static char *put_field(char *to, int64_t v, size_t n, char after)
{
    to = buf_put_digits(to, (uint64_t)v, n);
    *to = after;
    return to + 1;
}

static void put_time(char *at, uint32_t ms_in_day)
{
    uint32_t s = ms_in_day / 1000;
    at = put_field(at, s / 3600, 2, ':');
    at = put_field(at, s / 60 % 60, 2, ':');
    at = put_field(at, s % 60, 2, '.');
    at = put_field(at, ms_in_day % 1000, 3, 'Z');
    *at = '\0';
}

void clock_format_rfc3339(int64_t real_ms, char ret[CLOCK_RFC3339_SIZE])
{
    int64_t days = real_ms / 86400000;
    int64_t in_day = real_ms % 86400000;
    if (in_day < 0) {
        in_day += 86400000;
        days--;
    }
    int64_t z = days + 719468;
    int64_t era = (z >= 0 ? z : z - 146096) / 146097;
    int64_t doe = z - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    int64_t mp = (5 * doy + 2) / 153;
    int64_t d = doy - (153 * mp + 2) / 5 + 1;
    int64_t m = mp < 10 ? mp + 3 : mp - 9;
    int64_t y = yoe + era * 400 + (m <= 2);
    char *at = put_field(ret, y % 10000 + (y < 0 ? 10000 : 0), 4, '-');
    at = put_field(at, m, 2, '-');
    at = put_field(at, d, 2, 'T');
    put_time(at, (uint32_t)in_day);
}

/* @n digits at *@s as a number; -1 when there are not that many. Advances *@s. */
static int digits(const char **s, int n)
{
    int v = 0;
    for (int i = 0; i < n; i++, (*s)++) {
        if (**s < '0' || **s > '9')
            return -1;
        v = v * 10 + (**s - '0');
    }
    return v;
}

static int literal(const char **s, char c)
{
    if (**s != c)
        return -1;
    (*s)++;
    return 0;
}

static int parse_offset(const char **s, int *ret_minutes)
{
    *ret_minutes = 0;
    if (**s == 'Z' || **s == 'z') {
        (*s)++;
        return 0;
    }
    if (**s != '+' && **s != '-')
        return -1;
    int sign = **s == '-' ? -1 : 1;
    (*s)++;
    int h = digits(s, 2);
    if (h < 0 || h > 23 || literal(s, ':') != 0)
        return -1;
    int m = digits(s, 2);
    if (m < 0 || m > 59)
        return -1;
    *ret_minutes = sign * (h * 60 + m);
    return 0;
}

static int days_in_month(int y, int m)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (m == 2 && y % 4 == 0 && (y % 100 != 0 || y % 400 == 0))
        return 29;
    return days[m - 1];
}

static int parse_fraction(const char **s, int *ret_ms)
{
    *ret_ms = 0;
    if (**s != '.')
        return 0;
    (*s)++;
    int n = 0;
    for (int scale = 100; **s >= '0' && **s <= '9'; (*s)++, n++, scale /= 10)
        *ret_ms += (**s - '0') * scale;
    return n > 0 ? 0 : -1;
}

int clock_parse_rfc3339(const char *s, int64_t *ret_real_ms)
{
    int y = digits(&s, 4);
    if (y < 0 || literal(&s, '-') != 0)
        return -1;
    int mo = digits(&s, 2);
    if (mo < 1 || mo > 12 || literal(&s, '-') != 0)
        return -1;
    int d = digits(&s, 2);
    if (d < 1 || d > days_in_month(y, mo) || (*s != 'T' && *s != 't'))
        return -1;
    s++;
    int h = digits(&s, 2);
    if (h < 0 || h > 23 || literal(&s, ':') != 0)
        return -1;
    int mi = digits(&s, 2);
    if (mi < 0 || mi > 59 || literal(&s, ':') != 0)
        return -1;
    int sec = digits(&s, 2);
    int ms, zone;
    if (sec < 0 || sec > 60 || parse_fraction(&s, &ms) != 0 || parse_offset(&s, &zone) != 0 || *s != '\0')
        return -1;
    if (sec == 60 && ((h * 60 + mi - zone + 2880) % 1440) != 1439)
        return -1; /* a leap second is the last one of a UTC day (RFC 3339 appendix D) */
    int64_t minutes = days_from_civil(y, mo, d) * 1440 + h * 60 + mi - zone;
    *ret_real_ms = (minutes * 60 + sec) * 1000 + ms;
    return 0;
}

int clock_parse_when(const char *s, bool whole_day, int64_t *ret_real_ms)
{
    char text[CLOCK_RFC3339_SIZE];
    if (strlen(s) != 10)
        return clock_parse_rfc3339(s, ret_real_ms);
    snprintf(text, sizeof(text), "%sT00:00:00Z", s);
    if (clock_parse_rfc3339(text, ret_real_ms) != 0)
        return -1;
    *ret_real_ms += whole_day ? INT64_C(86400000) : 0;
    return 0;
}

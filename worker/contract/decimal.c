#include "contract/decimal.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

enum { DIGITS_MAX = 12, DECIMALS = 4, ONE = 10000 };

/* The number in @n digits. */
static int64_t digits(const char *s, size_t n)
{
    int64_t v = 0;
    for (size_t i = 0; i < n; i++)
        v = v * 10 + (s[i] - '0');
    return v;
}

int decimal_parse(const char *text, int64_t *ret)
{
    size_t whole = strspn(text, "0123456789"), part = 0;
    const char *rest = text + whole;
    if (whole == 0 || whole > DIGITS_MAX)
        return -1;
    if (*rest == '.') {
        part = strspn(++rest, "0123456789");
        if (part == 0 || part > DECIMALS)
            return -1;
    }
    if (rest[part] != '\0')
        return -1;
    int64_t below = digits(rest, part);
    for (size_t i = part; i < DECIMALS; i++)
        below *= 10;
    *ret = digits(text, whole) * ONE + below;
    return 0;
}

int decimal_add(int64_t *sum, int64_t amount, int64_t times)
{
    int64_t product, total;
    if (__builtin_mul_overflow(amount, times, &product) || __builtin_add_overflow(*sum, product, &total))
        return -1;
    *sum = total;
    return 0;
}

const char *decimal_format(int64_t amount, char ret[DECIMAL_TEXT_SIZE])
{
    int n = snprintf(ret, DECIMAL_TEXT_SIZE, "%" PRId64 ".%04" PRId64, amount / ONE, amount % ONE);
    for (int i = 0; i < DECIMALS - 2 && ret[n - 1] == '0'; i++)
        ret[--n] = '\0';
    return ret;
}

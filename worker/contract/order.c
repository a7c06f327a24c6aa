#include "contract/order.h"

#include <string.h>

#include "base/buf.h"

enum { EPOCH_DIGITS = 6, NUMBER_DIGITS = 18, SUB_DIGITS = 6 };

/* Reads exactly @digits digits. NULL when there are fewer. */
static const char *take_digits(const char *s, int digits, uint64_t *ret)
{
    uint64_t v = 0;
    for (int i = 0; i < digits; i++, s++) {
        if (*s < '0' || *s > '9')
            return NULL;
        v = v * 10 + (uint64_t)(*s - '0');
    }
    *ret = v;
    return s;
}

void order_format(struct order o, char ret[ORDER_TEXT_SIZE])
{
    char *at = buf_put_digits(ret, o.epoch, EPOCH_DIGITS);
    *at++ = '-';
    at = buf_put_digits(at, o.number, NUMBER_DIGITS);
    *at++ = '-';
    *buf_put_digits(at, o.sub, SUB_DIGITS) = '\0';
}

int order_parse(const char *s, struct order *ret)
{
    uint64_t epoch, number, sub;
    s = take_digits(s, EPOCH_DIGITS, &epoch);
    if (s == NULL || *s++ != '-')
        return -1;
    s = take_digits(s, NUMBER_DIGITS, &number);
    if (s == NULL || *s++ != '-')
        return -1;
    s = take_digits(s, SUB_DIGITS, &sub);
    if (s == NULL || *s != '\0')
        return -1;
    *ret = (struct order){.epoch = (uint32_t)epoch, .number = number, .sub = (uint32_t)sub};
    return 0;
}

int order_cmp(struct order a, struct order b)
{
    if (a.epoch != b.epoch)
        return a.epoch < b.epoch ? -1 : 1;
    if (a.number != b.number)
        return a.number < b.number ? -1 : 1;
    if (a.sub != b.sub)
        return a.sub < b.sub ? -1 : 1;
    return 0;
}

int order_parse_sequence(const char *s, uint64_t *ret)
{
    size_t n = strlen(s);
    if (n < 1 || n > NUMBER_DIGITS)
        return -1;
    return take_digits(s, (int)n, ret) == NULL ? -1 : 0;
}

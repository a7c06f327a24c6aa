#include "contract/order.h"

#include <stdio.h>
#include <string.h>

#include "base/attr.h"
#include "base/buf.h"

enum { EPOCH_DIGITS = 6, NUMBER_DIGITS = 18, SUB_DIGITS = 6, SUB_MAX = 999999, STEP_DIGITS = 3 };

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

/* ---- basis ---- */

static const char *const by_names[] = {
    [ORDER_BY_OFFSET] = "offset",
    [ORDER_BY_SEQUENCE] = "sequence",
    [ORDER_BY_NOTHING] = "none",
};

const char *order_by_name(enum order_by by)
{
    return by_names[by];
}

void basis_format(const struct basis *b, char ret[BASIS_TEXT_SIZE])
{
    char order[ORDER_TEXT_SIZE];
    order_format(b->order, order);
    snprintf(ret, BASIS_TEXT_SIZE, "%s:%s+%u", order_by_name(b->by), order, b->step % (BASIS_STEP_MAX + 1));
}

/* After the word and the colon; NULL: it begins with no such word. */
static const char *take_by(const char *s, enum order_by *ret)
{
    for (size_t i = 0; i < ARRAY_LEN(by_names); i++) {
        size_t n = strlen(by_names[i]);
        if (strncmp(s, by_names[i], n) == 0 && s[n] == ':') {
            *ret = (enum order_by)i;
            return s + n + 1;
        }
    }
    return NULL;
}

int basis_parse(const char *s, struct basis *ret)
{
    char order[ORDER_TEXT_SIZE];
    uint64_t step;
    struct basis b = {0};
    s = take_by(s, &b.by);
    if (s == NULL || strlen(s) < sizeof(order))
        return -1;
    memcpy(order, s, sizeof(order) - 1);
    order[sizeof(order) - 1] = '\0';
    s += sizeof(order) - 1;
    if (order_parse(order, &b.order) != 0 || *s++ != '+' || *s == '0' || strlen(s) > STEP_DIGITS || order_parse_sequence(s, &step) != 0)
        return -1;
    if (b.order.sub + step > SUB_MAX)
        return -1;
    b.step = (unsigned)step;
    *ret = b;
    return 0;
}

struct order basis_order(const struct basis *b)
{
    struct order o = b->order;
    o.sub += b->step;
    return o;
}

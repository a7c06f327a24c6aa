/* order.h - the order of a service's events: (epoch, number, sub). RELIABILITY.md section 1.
 *
 * The number is the CloudEvents `sequence` (decimal text, compared as a number, at most 18 digits) or, where a
 * service sends none, the Kafka offset; never the time. As text it is fixed-width, so that
 * the text's byte order is the order. */
#ifndef TVB_CONTRACT_ORDER_H
#define TVB_CONTRACT_ORDER_H

#include <stdbool.h>
#include <stdint.h>

struct order {
    uint32_t epoch;  /* raised by `topics move`; at most 999999 */
    uint64_t number; /* at most 18 decimal digits */
    uint32_t sub;    /* events that tvbridge makes stand just above their basis; at most 999999 */
};

#define ORDER_TEXT_SIZE 33 /* "000000-000000000000000000-000000" and the NUL */
void order_format(struct order o, char ret[ORDER_TEXT_SIZE]);
/* 0, or -1 when @s is not such a text. */
int order_parse(const char *s, struct order *ret);
/* <0, 0, >0 */
int order_cmp(struct order a, struct order b);
/* `sequence` as a number: 0, or -1 when it is not 1 to 18 decimal digits. */
int order_parse_sequence(const char *s, uint64_t *ret);

/* What orders the events of a service: only those of one kind can be compared. */
enum order_by {
    ORDER_BY_OFFSET,
    ORDER_BY_SEQUENCE,
    ORDER_BY_NOTHING, /* an event that tvbridge makes for a service that had none: it leaves the choice to billing's first */
};
const char *order_by_name(enum order_by by); /* "offset", "sequence", "none" */

/* Where an event that tvbridge makes stands: @step above @order, the highest that the service's record had when the event was
 * computed. As text "sequence:000000-000000000000000101-000000+1". */
struct basis {
    enum order_by by;
    struct order order;
    unsigned step; /* 1 for the first event that was computed from that record, then 2 ... BASIS_STEP_MAX */
};
#define BASIS_STEP_MAX 999
#define BASIS_TEXT_SIZE 48
void basis_format(const struct basis *b, char ret[BASIS_TEXT_SIZE]);
int basis_parse(const char *s, struct basis *ret); /* 0, or -1 when @s is not such a text */
/* The event's own order. */
struct order basis_order(const struct basis *b);

#endif

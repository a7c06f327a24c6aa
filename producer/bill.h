/* bill.h - a TV billing run: what the packages of a service come to for a due day, by its record. Pure.
 *
 * A package counts when it has a price and is on at some time of the due day (UTC); its price is for one, `quantity` times. A
 * service that was cancelled (inactive) or deleted has nothing new. The plan's price is billing's own affair. */
#ifndef TVB_PRODUCER_BILL_H
#define TVB_PRODUCER_BILL_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#define BILL_PENDING "Pendente"
#define BILL_PROCESSED "Processado"

#define BILL_DUE_SIZE 11
struct bill_day {
    char due[BILL_DUE_SIZE]; /* "2026-12-10" */
    int64_t begins_ms, ends_ms;
};
/* -1: no such day. */
int bill_day_parse(const char *text, struct bill_day *ret);

/* What @record (borrowed) has for the day; owned by the caller. JSON null: nothing. NULL: out of memory.
 *   { service, due, state, value, currency, packages (text), items: [{ id, price, currency, quantity }], now, unpriced, fault }
 * state: Pendente, or Processado, whose value is what was billed; now: what it would come to, where that is another. unpriced: the packages that
 * are on and have no price. fault: why it cannot be billed (no state then). Members that say nothing are left out. */
json_t *bill_row(const json_t *record, const struct bill_day *day);

/* Sums by currency and state; owned: bill_sums_fini(). */
struct bill_sums {
    json_t *by; /* currency -> state -> { services, value in ten-thousandths } */
    int64_t faults, unpriced;
};
int bill_sums_init(struct bill_sums *s); /* -1: out of memory */
void bill_sums_fini(struct bill_sums *s);
/* -1: a sum is too large, or out of memory. */
int bill_sums_add(struct bill_sums *s, const json_t *row);
/* [{ currency, state, services, value (decimal text) }]; owned by the caller. */
json_t *bill_sums_list(const struct bill_sums *s);

#endif

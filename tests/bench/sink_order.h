/* sink_order.h - does every event reach the platform once and in its service's order?
 *
 * Lanes are numbered by the caller, events of a lane by their sequence from 1. Not thread-safe. */
#ifndef TVB_BENCH_SINK_ORDER_H
#define TVB_BENCH_SINK_ORDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sink_order;

struct sink_counts {
    uint64_t begun;     /* requests */
    uint64_t done;      /* events whose effect took place, each counted once */
    uint64_t refused;   /* requests that were answered with a failure */
    uint64_t doubled;   /* requests for an event that is done or still being answered */
    uint64_t overtaken; /* requests for an event while an earlier one of its service is not done */
};

struct sink_order *sink_order_new(void); /* NULL: out of memory */
void sink_order_free(struct sink_order *o);

/* A request for that event came: counts it and returns which try it is, from 1. 0: out of memory, or a number out
 * of bounds (lanes below 16 million, sequences from 1 to 1 million). */
unsigned sink_order_begin(struct sink_order *o, uint32_t lane, uint32_t sequence);
/* Its answer is about to leave. A failure (@ok false) has no effect: the event may come again. */
void sink_order_end(struct sink_order *o, uint32_t lane, uint32_t sequence, bool ok);

const struct sink_counts *sink_order_counts(const struct sink_order *o);

#endif

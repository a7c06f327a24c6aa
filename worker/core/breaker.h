/* breaker.h - a provider that is down is left alone. RELIABILITY.md section 8.
 *
 *   closed --(enough calls of ten seconds were bad)--> open --(its time is over)--> asking --(the pack's `probe` was
 *   answered)--> probing: 1, 3, then 10 calls of ordinary events --> closed; and from asking and probing back to open.
 *
 * Bad is a call that was not sent, is in doubt, or was answered 5xx; any other answer is good: the provider is there.
 * Enough: as many calls as the settings say within ten seconds, and their share of all or so many in a row; for after a
 * busy time the share alone would let thousands of events run into the wall first.
 * A call of before the breaker opened tells nothing about later: each call carries a ticket.
 * A round that brought no good call doubles the time of the next. Pure: the time is an argument. One a worker. */
#ifndef TVB_CORE_BREAKER_H
#define TVB_CORE_BREAKER_H

#include <stdbool.h>
#include <stdint.h>

#include "contract/settings.h"
#include "core/tally.h"

enum breaker_state {
    BREAKER_CLOSED,  /* all is well */
    BREAKER_OPEN,    /* nothing is called */
    BREAKER_ASKING,  /* nothing but the pack's `probe` */
    BREAKER_PROBING, /* a few calls of ordinary events */
};

/* Zeroed memory is a closed breaker. */
struct breaker {
    enum breaker_state state; /* written by breaker.c alone */
    struct tally calls;       /* a: all, b: bad */
    unsigned in_a_row;        /* bad ones since the last good one */
    int64_t until_ms;         /* open until then */
    int64_t open_ms;          /* how long it was open last; 0: not since it was closed */
    uint32_t ticket;          /* of the calls that count */
    unsigned stage, good, bad; /* probing */
};

/* To be kept with a call that starts now. */
uint32_t breaker_ticket(const struct breaker *b);
/* How a call ended. True when the breaker opened by it. */
bool breaker_note(struct breaker *b, const struct settings_breaker *policy, uint32_t ticket, bool good, int64_t now_ms);
/* It is open, and its time is over: breaker_ask() or, without a `probe`, breaker_probe(). */
bool breaker_is_due(const struct breaker *b, int64_t now_ms);
void breaker_ask(struct breaker *b);
/* Lets the first probe go: the pack's `probe` was answered, or there is none. */
void breaker_probe(struct breaker *b);
/* The pack's `probe` was not answered: open again. */
void breaker_refuse(struct breaker *b, const struct settings_breaker *policy, int64_t now_ms);
/* How many events may be at work at once; UINT_MAX: the breaker does not matter. */
unsigned breaker_room(const struct breaker *b);
const char *breaker_state_name(enum breaker_state s);

#endif

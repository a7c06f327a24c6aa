/* leases.h - a worker's slots where they are leases in Redis (io/redis_slots.c), and what is to be asked there.
 * RELIABILITY.md section 8; limit.h says when they are.
 *
 * One question says it all: so many I have, so many more I want. It renews what is had, gives back what is not, and keeps the
 * worker's place among those who wait; one is under way at a time. All leases of a worker end together, a lease's time after
 * the question left that was answered last, so that they end here before they do in Redis. A call begins only if it will be
 * over by then.
 *
 * Nothing is kept for later: what nobody here waits for goes back at once. Where others wait, a lease goes back after a call,
 * and its worker asks again and comes behind them; but not before LEASES_TURN_MS are over, for handing one on costs what a
 * poll costs, and a platform that answers within milliseconds would stand still most of the time.
 * Zeroed memory has none. Pure; times are ms of CLOCK_BOOTTIME, which goes on while a process or its machine sleeps. */
#ifndef TVB_CORE_LEASES_H
#define TVB_CORE_LEASES_H

#include <stdbool.h>
#include <stdint.h>

#define LEASES_POLL_MS 50  /* to twice that: who waits, or could be waited for, asks again */
#define LEASES_TURN_MS 200

struct leases_times {
    int64_t lease_ms; /* how long one lasts; above call_ms */
    int64_t call_ms;  /* how long a call may take */
};

struct leases_question {
    unsigned has, wants; /* wants: more */
};

/* Written by leases.c alone. */
struct leases {
    unsigned held;     /* ours */
    unsigned others;   /* workers with fewer that wait for one of these */
    unsigned told;     /* how many Redis has under our name, if not `unsure` */
    bool is_asking;    /* a question is under way */
    bool is_in_line;   /* Redis has us among those who wait */
    bool unsure;       /* a question was not answered, or Redis forgot */
    bool is_fresh;     /* some came since the last leases_ask() */
    unsigned stale;    /* answers under way that do not count any more */
    struct leases_question asked; /* the last question */
    int64_t asked_ms;  /* when it left */
    int64_t until_ms;  /* the end of what is held */
    int64_t renew_ms;  /* to be asked for then */
    int64_t turn_ms;   /* when the last one came */
    int64_t again_ms;  /* no question for more before then */
    int64_t look_ms;   /* whether others wait is asked then */
};

/* What the worker does with its slots, at one moment. */
struct leases_use {
    unsigned in_flight; /* calls are made with so many */
    unsigned used;      /* these, and those that claims were made for */
    unsigned needed;    /* these, and those that could be used now: limit_needs() */
    bool waits;         /* somebody would take one that comes free */
    uint32_t rnd;
    int64_t now_ms;
};

/* Those that a call may begin with now. */
unsigned leases_good(const struct leases *l, const struct leases_times *t, int64_t now_ms);
/* Before anything begins: what others wait for, and is free, is not ours any more; leases_ask() will say so. */
void leases_yield(struct leases *l, unsigned used, int64_t now_ms);
/* After all has begun that could. True: @ret is to be asked now. False: not before *@ret_wait_ms, INT64_MAX: for no reason
 * that is known yet. */
bool leases_ask(struct leases *l, const struct leases_use *use, struct leases_question *ret, int64_t *ret_wait_ms);
/* Redis says: it has @has, and @others wait for some of them. */
void leases_answered(struct leases *l, const struct leases_times *t, unsigned has, unsigned others, uint32_t rnd, int64_t now_ms);
/* The question could not be asked; or no answer came. */
void leases_not_asked(struct leases *l, uint32_t rnd, int64_t now_ms);
void leases_failed(struct leases *l, uint32_t rnd, int64_t now_ms);
/* Redis may not know any more what it answered: nothing begins before it has said so again. */
void leases_forgotten(struct leases *l);
/* Nothing is wanted any more. True: Redis is to be told that we have none. */
bool leases_end(struct leases *l);

#endif

/* platform.h - the simulated TV platform: what it has done, in order, and what goes wrong with its answers.
 *
 * Its API is tests/sim/pack. Each changing request names the event (id), the step (op) and the value; the platform keeps
 * for each service and axis the last effect, and tells oracle.c of each one as it happens. */
#ifndef TVB_SIM_PLATFORM_H
#define TVB_SIM_PLATFORM_H

#include "core/call.h"
#include "sim.h"

/* The order is that of the table in platform.c. */
enum op {
    OP_PING,
    OP_DONE,    /* was it done? */
    OP_EXTRAS,  /* what is switched on? */
    OP_SEEN,    /* was its user there? */
    OP_ACCOUNT, /* what has it? */
    OP_BLOCK,   /* safe */
    OP_CUT,     /* safe: takes all extras away */
    OP_BACK,    /* safe: gives extras back */
    OP_DELETE,  /* safe */
    OP_LABEL,   /* safe: second step of service.updated */
    OP_PLAN,    /* keyed */
    OP_TAG,     /* keyed: first step of service.updated */
    OP_PACKAGE, /* query */
    OP_NOTE,    /* query: third step of service.updated */
    OP_MESSAGE, /* never */
    OP_LIMIT,   /* never */
    OP_COUNT
};

struct op_entry {
    const char *name;
    enum call_repeat repeat;
};
const struct op_entry *op_entry(enum op op);

/* A request, understood. */
struct request {
    enum op op;
    unsigned service, event, value; /* value: which variant of the event, from 0 */
    unsigned part;                  /* package's number; of OP_BACK: the extras */
    const char *key;                /* Idempotency-Key, or "" */
    uint64_t number;                /* of this transmission */
    int64_t left_at;
    struct proc *p;
    bool given_up;                  /* its sender waits no more */
    unsigned period;                /* oracle_pace.c: of the breaker, when it began */
    bool asks;                      /* the same: whether the provider is there again */
};

struct platform;
struct platform *platform_new(struct sim *s);
/* Reads @req; false: it is none of the API (a violation was told). */
bool platform_read(struct platform *pl, const struct call_request *req, struct request *ret);
/* Carries it out. True: done, now or before (keyed). */
void platform_do(struct platform *pl, struct request *r);
/* The answer's body for a request that went well. */
const char *platform_answer(struct platform *pl, const struct request *r);
void platform_go_away(struct platform *pl, int64_t ns);
bool platform_is_away(const struct platform *pl);
/* Its user was there, or nobody asks for that. */
bool platform_has_seen(const struct sim *s, unsigned service);

#endif

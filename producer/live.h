/* live.h - a pack's workflows really run against a platform, each to its end: what the worker does for one event, without
 * Kafka and Redis. For plays of packs, and for what asks a platform on an operator's behalf.
 *
 * Calls keep to the provider's limits (in_flight, rate_per_s), to a Retry-After and to the pack's own waits; a request that
 * may have been done is resolved as the worker does (RELIABILITY.md sections 6 and 7). Single-threaded: everything happens
 * in live_wait() and live_play(), callbacks too. http_global_init() comes first. */
#ifndef TVB_PRODUCER_LIVE_H
#define TVB_PRODUCER_LIVE_H

#include <jansson.h>
#include <stdbool.h>

#include "base/err.h"
#include "contract/outcome.h"
#include "contract/settings.h"
#include "core/call.h"
#include "workflow/pack.h"
#include "workflow/run.h"

struct live;

/* A platform: its pack, its address, our credentials, as a provider of the settings has them, or as
 * settings_provider_defaults() and the caller do. @sp must outlive it. NULL and @reterr when the pack is refused. */
struct live *live_open(const struct settings_provider *sp, struct err *reterr);
/* NULL is fine. What is still at work is given up without a callback. */
void live_close(struct live *l);
const struct pack *live_pack(const struct live *l);
/* For tests: nothing is waited for, neither the pack's retries nor quarantines nor the limit of the rate; what would have been
 * waited for stands in the report. */
void live_never_wait(struct live *l);

/* An answer as it came, before the pack reads it; @run stands at the step that it answers. */
typedef void live_look_fn(void *arg, const struct run *run, const struct call_reply *reply);
/* What the workflow gives for a part of a long answer, live_long.c: borrowed for the call. */
typedef void live_part_fn(void *arg, const json_t *outputs);
#define LIVE_PART_BYTES ((size_t)1024 * 1024)

/* All borrowed until the end; any may be NULL but type. */
struct live_inputs {
    const char *type; /* the workflow: an event's type without prefix, or `read`, `list`, ... */
    const json_t *event, *data, *record;
    const char *key;  /* the event's idempotency key */
    bool report;      /* gather what was sent, play_report.h; credentials are shown as *** */
    unsigned lose;    /* the answer to the N-th request that changes something is thrown away after it came; 0: none */
    live_look_fn *look;
    live_part_fn *part; /* long answers come in parts, the last of them as the end's outputs; for lists */
    void *arg;          /* of both */
    bool crash;       /* after each answer the run is saved, thrown away, and restored with the record as it is by then */
};

enum live_state {
    LIVE_ENDED,      /* the workflow, or the status of an answer, said what came of it */
    LIVE_IN_DOUBT,   /* something was maybe done, and only a person can tell */
    LIVE_GAVE_UP,    /* tries were used up; nothing is in doubt */
    LIVE_NOT_LET_IN, /* our credentials are refused */
};
/* "end", "in doubt", "gave up", "credentials refused". */
const char *live_state_name(enum live_state s);

struct live_end {
    enum live_state state;
    enum outcome_kind kind; /* of LIVE_ENDED */
    char reason[64];        /* a word, maybe ""; for the other states why */
    char detail[256];
    json_t *outputs;        /* owned; NULL: none */
    json_t *record;         /* owned: the record after it (object) */
    json_t *report;         /* owned; NULL unless wanted */
    unsigned calls;         /* that were made, of its logins and questions too */
    int status;             /* of the last answer; 0: none */
};
void live_end_fini(struct live_end *e);

/* @end is borrowed for the call; what is taken out of it is set to NULL. Others may be started from here. */
typedef void live_done_fn(void *arg, struct live_end *end);
/* Starts one; @done comes from live_wait(). -1 and @reterr: the pack has no such workflow, or out of memory. */
int live_start(struct live *l, const struct live_inputs *in, live_done_fn *done, void *arg, struct err *reterr);
/* Until none is left, or live_stop(). */
void live_wait(struct live *l);
void live_stop(struct live *l);
unsigned live_at_work(const struct live *l);

/* Starts one and waits for it. *ret: the caller's, live_end_fini(). */
int live_play(struct live *l, const struct live_inputs *in, struct live_end *ret, struct err *reterr);

#endif

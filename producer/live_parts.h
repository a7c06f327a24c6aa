/* live_parts.h - the inside of live.c (the platform) and live_run.c (one workflow at work). */
#ifndef TVB_PRODUCER_LIVE_PARTS_H
#define TVB_PRODUCER_LIVE_PARTS_H

#include "core/limit.h"
#include "io/http.h"
#include "io/loop.h"
#include "live.h"
#include "workflow/run.h"

struct live_run {
    struct live *live;
    struct live_run *prev, *next;  /* in live.runs */
    struct live_run *next_waiting; /* in live.first_waiting */
    const struct workflow *w;
    struct live_inputs in;
    json_t *record;     /* owned: what the run sees */
    json_t *record_now; /* owned: with what was remembered since */
    struct run *run;
    struct http_call *call;
    struct loop_timer *timer;
    json_t *report;     /* owned, or shared with whom it asks for; NULL: not wanted */
    json_t *note;       /* borrowed: of the last call, in the report */
    bool asked_for;     /* by another run, or to log in */
    bool waits_for_token;
    bool doubt;         /* its present request may have been done */
    bool was_doubt;
    bool unsent;        /* the doubt is only that of a crash: this request did not leave */
    bool lost;          /* the doubt is that of an answer thrown away: it was served */
    bool read_back;
    bool auth_checked;
    unsigned failures, calls, changing;
    int64_t came_ms;    /* run_inputs.came_ms */
    int64_t first_failure_ms, doubt_since_ms;
    int status;
    live_done_fn *done;
    void *arg;
};

struct live {
    const struct settings_provider *sp;
    struct pack *pack;
    struct bound_pack *bound;
    struct bound_pack *shown; /* the same with credentials that are all *** */
    struct loop *loop;
    struct http *http;
    struct loop_timer *timer; /* for the next token of the rate */
    struct limit limit;
    struct live_run *runs, *first_waiting, **last_waiting;
    struct live_run *login;
    char *token;              /* owned; NULL: none */
    int64_t token_until_ms;   /* 0: until it is refused */
    unsigned at_work;         /* that the caller started */
    bool never_wait, stopped;
    uint64_t random;
};

/* ---- live.c ---- */

/* Sends its present request as soon as there is a slot: live_run_send(). */
void live_want_slot(struct live_run *r);
void live_slot_back(struct live *l);
uint32_t live_random(struct live *l);
const char *live_token(const struct live *l);
/* It goes on with a session token: live_run_go_on(), or live_run_end() when there is none to be had. */
void live_need_token(struct live_run *r);
/* The run is over: off the lists, freed at the end of the turn. */
void live_run_retire(struct live_run *r);

/* ---- live_run.c ---- */

struct live_run *live_run_new(struct live *l, const struct workflow *w, const struct live_inputs *in, live_done_fn *done,
                              void *arg);
void live_run_free(void *run);
/* What its run, or a copy of it, is made with: @record, one of its two, and @token, which may be NULL. */
struct run_inputs live_run_inputs(const struct live_run *r, const json_t *record, const char *token);
void live_run_send(struct live_run *r);
void live_run_go_on(struct live_run *r);
void live_run_end(struct live_run *r, enum live_state state, const char *reason, const char *detail);

/* ---- live_long.c ---- */

/* Where @reply is long: gives all of it but the last part to in.part, and makes @reply that part, which then stands in @text. -1: some
 * were given, and the next one was not taken as they were. */
int live_long_answer(struct live_run *r, struct call_reply *reply, struct buf *text);

#endif

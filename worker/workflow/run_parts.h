/* run_parts.h - a run's inside, shared by run*.c. */
#ifndef TVB_WORKFLOW_RUN_PARTS_H
#define TVB_WORKFLOW_RUN_PARTS_H

#include <stdalign.h>

#include "workflow/expr.h"
#include "workflow/request.h"

#define RUN_JUMPS_MAX 1000
#define RUN_NO_STEP SIZE_MAX

/* A step at work. */
struct frame {
    size_t step;
    json_t *items;   /* owned: what x-for-each goes over; NULL: no loop */
    size_t item_at;
    json_t *gathered; /* owned: outputs of the items so far, lists by name */
    unsigned *tries;  /* by failure action; in the arena */
};

struct run {
    const struct workflow *w;
    struct run_inputs in;
    struct scope scope;
    enum run_state state;
    struct frame cur;
    struct frame back;  /* whose retry runs the present step first; step RUN_NO_STEP: none */
    json_t **outputs;   /* by step, owned; in the arena */
    unsigned jumps;
    json_t *kept;       /* owned: what is to be remembered before the next request; NULL: nothing */
    json_t *own_data;   /* owned: in.data without what begins later; NULL: all of it is for now */
    json_t *later;      /* owned: what begins later; NULL: nothing */
    json_t *own_record; /* owned: in.record with all that was remembered since; NULL: nothing was */
    bool changed;       /* a changing call has succeeded */
    bool token_refused; /* a fresh token was asked for after a refusal */
    char *token;        /* owned; NULL: none yet */
    int64_t retry_after_ms;
    int judged_status; /* of the last answer that no action knew, or what x-status says of it */
    struct call_request request;
    struct run_result result;
    json_t *result_outputs, *result_record; /* owned */
    struct buf url, body, scratch, detail;
    struct arena arena;
    char step_name[160];
    alignas(max_align_t) char memory[1024]; /* the arena's first block; not zeroed */
};

/* The only writer of r->state. */
void run_enter(struct run *r, enum run_state state);
/* A run without a first step; NULL: out of memory. */
struct run *run_make(const struct bound_pack *b, const struct workflow *w, const struct run_inputs *in);
/* Begins a frame at @step: its loop and counters. */
void frame_open(struct run *r, struct frame *f, size_t step);
void frame_close(struct frame *f);
const struct step *run_present(const struct run *r);
/* Makes the request of the present frame and enters @state, or RUN_TOKEN, or the end. */
void run_prepare(struct run *r, enum run_state state);

/* Leaves what begins later out of what the run sees. False: the times are none, and the run has ended. */
bool run_leave_later(struct run *r);

/* Takes what the present step's x-record says, while its answer is there. False: a value cannot be made, and the run has ended. */
bool run_take_knowledge(struct run *r);
/* @patch is to be remembered, and from now the run sees it in the record. False: out of memory. */
bool run_remember(struct run *r, const json_t *patch);

/* Ends the run. */
void run_finish(struct run *r, const struct ending *end);
/* Ends it because something is missing or wrong: rejected, or dead when a changing call has succeeded. @reason: static. */
void run_refuse(struct run *r, const char *reason);

#endif

/* run.h - one workflow at work: (plan, inputs, record, replies so far) -> (request | result).
 *
 * Pure: no socket, clock or log. The caller sends the request and gives the reply back. Not thread-safe; one owner. */
#ifndef TVB_WORKFLOW_RUN_H
#define TVB_WORKFLOW_RUN_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "contract/outcome.h"
#include "core/call.h"
#include "workflow/pack.h"

struct run;

/* Borrowed by the run until run_free(). Any may be NULL: then expressions that need it find nothing. */
struct run_inputs {
    const json_t *event;  /* the CloudEvent: $inputs.event.id ... */
    const json_t *data;   /* $inputs.data */
    const json_t *record; /* $inputs.record */
    const char *key;      /* the event's idempotency key, for keyed requests */
    int64_t came_ms;      /* Unix ms, the same at each try of the event: what begins after it is later (x-dates); 0: all that bears a time */
    const char *token;    /* session token, when the pack needs one and there is one; copied */
};

enum run_state {
    RUN_CALL,    /* run_request() says what to send */
    RUN_RETRY,   /* the pack wants this step again after run_retry_after_ms(); then run_request() */
    RUN_UNKNOWN, /* an answer that no criterion of the pack knows, or that an action gives a status (x-status): the caller judges by
                    run_judged_status(). It may call run_request() to send the step again, or give the run up */
    RUN_TOKEN,   /* a session token is needed (none, or refused with 401/403 for the first time): fetch one with the
                    workflow `authenticate`, run_set_token(), then run_request() */
    RUN_END,     /* run_result() */
};

/* Starts. Never fails but for memory (NULL, or run_is_out_of_memory()): missing inputs end the run as `rejected`, reason
 * `missing_input`, with the detail saying which. */
struct run *run_new(const struct bound_pack *b, const struct workflow *w, const struct run_inputs *in);
void run_free(struct run *r);

enum run_state run_state(const struct run *r);
/* There was no memory while it was at work: neither its state, nor its request, nor its result can be believed, a criterion
 * may have looked as if it did not hold. It stays so; the caller gives the run up as a crash would have: what was answered
 * is in doubt, the steps before it are in what was saved. To be asked after each of the calls below. */
bool run_is_out_of_memory(const struct run *r);
/* The request to send now; borrowed, valid until the next call on @r. States CALL, RETRY, UNKNOWN. May be asked for again. */
const struct call_request *run_request(struct run *r);
/* A request that changes something was carried out: the run is not begun from the start any more. */
bool run_changed(const struct run *r);
/* The name of the present step ("" at the end) and how often x-for-each came round: names a try in logs. */
const char *run_step(const struct run *r);
/* An answer was read (call_fate_of() is CALL_ANSWERED). Returns the new state. */
enum run_state run_reply(struct run *r, const struct call_reply *reply);
/* The present step is known to have been done (x-confirm held, or read back): goes on as if it had succeeded. */
enum run_state run_step_done(struct run *r);
void run_set_token(struct run *r, const char *token); /* copied */
/* The session token that its requests bear; NULL: none yet. */
const char *run_token(const struct run *r);
int64_t run_retry_after_ms(const struct run *r);
/* In the state UNKNOWN: the answer's HTTP status, or the one that it counts as. */
int run_judged_status(const struct run *r);
/* Something was done, and a request of class `safe` may be among it: sent more than once, it may still be on its way. */
bool run_did_safe(const struct run *r);

/* What must be in the record, acknowledged by Kafka and Redis, before the present request leaves (x-record with before: next):
 * only what the record does not have yet is added, record_remember(). Borrowed; NULL: nothing. It stays so, over saving and
 * restoring too, until run_kept_done(). */
const json_t *run_kept(const struct run *r);
void run_kept_done(struct run *r);

/* x-dates, of a run that has just begun. When it is to be done (Unix ms; 0: at once, as is what is not after @now_ms). False: the
 * times are none, and the run has ended. */
bool run_begins(struct run *r, int64_t now_ms, int64_t *ret_ms);
/* What it implies for later, once it is applied: events of run_ends_type() as a list of { at_ms, data }, a function of the event
 * alone where the pack says so. The caller owns the list; NULL: out of memory. */
const char *run_ends_type(const struct run *r); /* NULL: it implies nothing */
json_t *run_ends(struct run *r);

/* What of its data is not to be done yet, and left out of what the run sees: each of the list { n, at_ms, data } becomes an event of
 * run_later_type() once it is applied; @n: its place in data.<of>. A function of the event and came_ms. Borrowed; NULL: nothing. */
const char *run_later_type(const struct run *r);
const json_t *run_later(const struct run *r);

/* x-confirm of the present step: the workflow that asks whether it was done; NULL when it has none. */
const struct workflow *run_confirm(const struct run *r);
/* Whether the condition of x-confirm holds over the outputs of that workflow's run. */
bool run_confirmed(struct run *r, const json_t *outputs);

/* The end. Everything is borrowed and lives as long as the run. */
struct run_result {
    enum outcome_kind kind; /* APPLIED, UNCHANGED, REJECTED, HELD, DEAD */
    const char *reason;     /* a word, "" when none */
    const char *detail;     /* for a person, "" when none */
    const json_t *outputs;  /* the workflow's outputs: object, maybe empty; what the provider gave back */
    const json_t *record;   /* merge patch for the record: object, maybe empty */
    /* of `authenticate`: */
    const char *token;      /* NULL: none */
    int64_t token_life_ms;  /* 0: not said */
};
const struct run_result *run_result(const struct run *r);
/* For how long its token is to be used: till a little before its end; 0: until it is refused. */
int64_t run_token_use_ms(const struct run_result *x);

/* For resuming after a crash: the step's name and outputs so far as compact JSON; and a run that starts at that
 * place. NULL when the text does not fit the workflow (errno EINVAL) or there is no memory (ENOMEM; or
 * run_is_out_of_memory(), or for run_save() buf_ok() is false). */
void run_save(const struct run *r, struct buf *out);
/* The name of the step at which the saved run stands, without restoring it; "" when the text does not say. */
void run_saved_step(const char *text, size_t len, char *ret, size_t size);
struct run *run_restore(const struct bound_pack *b, const struct workflow *w, const struct run_inputs *in,
                        const char *text, size_t len);

#endif

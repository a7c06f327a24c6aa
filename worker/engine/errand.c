/* errand.c - a workflow run that belongs to no event: authenticate, probe, x-confirm. Made of reads and logins, tried once;
 * who asked for it decides about another try. */
#include <stdio.h>
#include <stdlib.h>

#include "core/judge.h"
#include "engine/state.h"

struct errand {
    struct worker *worker;
    struct errand *prev, *next; /* in worker.errands */
    struct plan *plan;
    struct run *run;
    struct http_call *call;
    errand_fn *fn; /* NULL: cancelled */
    void *arg;
};

static void on_reply(void *arg, const struct call_reply *reply);

static void errand_free(void *arg)
{
    struct errand *e = arg;
    *(e->prev != NULL ? &e->prev->next : &e->worker->errands) = e->next;
    if (e->next != NULL)
        e->next->prev = e->prev;
    run_free(e->run);
    plan_unref(e->plan);
    free(e);
}

static void finish(struct errand *e, const struct run_result *result, const char *why)
{
    if (e->fn != NULL)
        e->fn(e->worker, e->arg, result, why);
    errand_free(e);
}

static void go_on(struct errand *e)
{
    switch (run_state(e->run)) {
    case RUN_CALL:
        e->call = http_call(e->worker->http, run_request(e->run), NULL, on_reply, e);
        if (e->call == NULL)
            finish(e, NULL, "no connection handle left");
        return;
    case RUN_END: {
        const struct run_result *r = run_result(e->run);
        bool good = r->kind == OUTCOME_APPLIED || r->kind == OUTCOME_UNCHANGED;
        finish(e, good ? r : NULL, good ? "" : r->reason);
        return;
    }
    case RUN_TOKEN:
        token_forget(e->worker);
        finish(e, NULL, "the session token was refused");
        return;
    case RUN_RETRY:
    case RUN_UNKNOWN:
        finish(e, NULL, "an answer that the pack does not know");
        return;
    }
}

static void on_reply(void *arg, const struct call_reply *reply)
{
    struct errand *e = arg;
    e->call = NULL;
    if (e->fn == NULL) {
        errand_free(e);
        return;
    }
    if (call_fate_of(reply) != CALL_ANSWERED) {
        finish(e, NULL, reply->error[0] != '\0' ? reply->error : judge_error_class(reply));
        return;
    }
    if (run_reply(e->run, reply) == RUN_UNKNOWN) {
        char why[64];
        struct call_reply judged = *reply;
        judged.status = run_judged_status(e->run);
        snprintf(why, sizeof(why), "%s, status %d", judge_error_class(&judged), reply->status);
        finish(e, NULL, why);
        return;
    }
    e->worker->goods++;
    go_on(e);
}

/* The first step runs from the loop, so that the callback never comes from inside errand_start(). */
static void begin(void *arg)
{
    struct errand *e = arg;
    if (e->fn == NULL)
        errand_free(e);
    else
        go_on(e);
}

struct errand *errand_start(struct worker *w, struct plan *plan, const struct workflow *wf,
                            const struct run_inputs *in, errand_fn *fn, void *arg)
{
    struct errand *e = calloc(1, sizeof(*e));
    if (e == NULL)
        return NULL;
    e->worker = w;
    e->next = w->errands;
    if (e->next != NULL)
        e->next->prev = e;
    w->errands = e;
    e->plan = plan_ref(plan);
    e->fn = fn;
    e->arg = arg;
    e->run = run_new(plan->bound, wf, in);
    if (e->run == NULL) {
        errand_free(e);
        return NULL;
    }
    loop_defer(w->loop, begin, e);
    return e;
}

void errand_cancel(struct errand *e)
{
    if (e == NULL)
        return;
    e->fn = NULL;
    if (e->call != NULL)
        http_abort(e->call);
}

void errand_free_all(struct worker *w)
{
    /* The analyzer does not know that the first one has no `prev`, so that freeing it moves the head. */
    while (w->errands != NULL)
        errand_free(w->errands); /* NOLINT(clang-analyzer-unix.Malloc) */
}

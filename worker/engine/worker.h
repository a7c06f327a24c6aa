/* worker.h - one thread of a provider's pool: its own consumer, loop, Redis and HTTP connections; shares nothing.
 *
 * worker_new() makes everything, worker_run() is the thread's whole life. The other calls may come from any thread. */
#ifndef TVB_ENGINE_WORKER_H
#define TVB_ENGINE_WORKER_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"
#include "base/metrics.h"
#include "contract/act.h"
#include "contract/event.h"
#include "contract/settings.h"
#include "engine/plan.h"

struct worker;

struct worker_options {
    const struct settings *settings;          /* these live longer than the worker */
    const struct settings_provider *provider;
    const struct event_schemas *schemas;
    const struct act_schemas *acts;
    struct log_sink *log;
    struct plan *plan;                         /* a reference is taken */
    unsigned index;                            /* of the thread in its pool, from 0 */
    _Atomic bool *one_alone;                   /* of all workers of the process: one works an event alone. NULL: the only one */
};

struct worker *worker_new(const struct worker_options *o, struct err *reterr);
void worker_free(struct worker *w); /* after worker_run() has returned; NULL is fine */

/* Works until worker_drain() is through or worker_stop(). */
void worker_run(struct worker *w);
/* Its two ends, for a loop that somebody else turns (tests/sim). */
void worker_begin(struct worker *w);
void worker_end(struct worker *w);
/* Starts nothing new, finishes what is in flight within the drain time, commits, leaves the group, returns. */
void worker_drain(struct worker *w);
/* Takes this plan for all that starts from now; the worker takes a reference. */
void worker_replan(struct worker *w, struct plan *plan);

struct metrics *worker_metrics(struct worker *w);
/* False: @ret_why says, a line each, what is missing (Kafka, Redis, the provider), or that nothing moves. */
bool worker_ready(const struct worker *w, struct buf *ret_why);

#endif

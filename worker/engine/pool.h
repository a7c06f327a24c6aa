/* pool.h - a provider's worker threads in this process. */
#ifndef TVB_ENGINE_POOL_H
#define TVB_ENGINE_POOL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"
#include "base/metrics.h"
#include "contract/event.h"
#include "contract/settings.h"
#include "engine/plan.h"

struct pool;

struct pool_options {
    const struct settings *settings; /* these live longer than the pool */
    const struct settings_provider *provider;
    const struct event_schemas *schemas;
    const struct act_schemas *acts;
    struct log_sink *log;
    struct plan *plan; /* a reference is taken */
    _Atomic bool *one_alone; /* of all pools of the process; worker.h */
    void (*ended)(void *arg); /* any thread: the last worker has ended, by a drain or because it could not go on */
    void *arg;
};

/* Starts the threads. Each waits, saying so, until Kafka answers and the topics are there with the right number of
 * partitions; then it joins the group. */
struct pool *pool_start(const struct pool_options *o, struct err *reterr);
/* Finishes what is in flight, commits, ends the threads. Returns at once. */
void pool_drain(struct pool *p);
/* True when all threads have ended. */
bool pool_has_ended(const struct pool *p);
/* Joins the threads (waits for them) and frees. NULL is fine. */
void pool_free(struct pool *p);

void pool_replan(struct pool *p, struct plan *plan);
const char *pool_name(const struct pool *p);
/* Any thread. Puts at most @max metric sets into @ret; they live as long as the pool. */
size_t pool_metrics(const struct pool *p, struct metrics **ret, size_t max);
/* Any thread. False: @ret_why says what is missing, a line each. */
bool pool_ready(struct pool *p, struct buf *ret_why);

#endif

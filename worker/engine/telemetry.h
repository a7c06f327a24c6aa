/* telemetry.h - a worker's metric series, looked up once, and the log line of a final outcome. */
#ifndef TVB_ENGINE_TELEMETRY_H
#define TVB_ENGINE_TELEMETRY_H

#include <stdint.h>

#include "base/log.h"
#include "base/metrics.h"
#include "contract/event.h"
#include "contract/outcome.h"

enum stage { STAGE_LANE, STAGE_SLOT, STAGE_CLAIM, STAGE_CALL, STAGE_OUTCOME, STAGE_COUNT };

enum gauge {
    GAUGE_IN_FLIGHT,   /* calls */
    GAUGE_LANES,
    GAUGE_WINDOW_EVENTS,
    GAUGE_WINDOW_BYTES,
    GAUGE_LAG,
    GAUGE_OLDEST_MS,   /* shown in seconds */
    GAUGE_WAITING,     /* for their next try */
    GAUGE_ENTRIES,     /* of the waiting topic */
    GAUGE_PARTITIONS,
    GAUGE_REDIS_UP,
    GAUGE_PROVIDER_OK,
    GAUGE_CONNECTIONS,
    GAUGE_BREAKER,     /* not closed */
    GAUGE_SLOTS,       /* calls at once that are allowed now */
    GAUGE_LEASES,      /* of slots, held */
    GAUGE_PAUSED,      /* partitions whose provider an operator paused */
    GAUGE_COUNT
};

enum counter {
    COUNTER_DELIVERED,
    COUNTER_HELD,
    COUNTER_PAUSED,
    COUNTER_REDELIVERED, /* known as done by the commit's map */
    COUNTER_CALLS,
    COUNTER_RETRIES,
    COUNTER_DOUBTS,
    COUNTER_RESEND_REFUSED,
    COUNTER_COMMITS,
    COUNTER_COMMIT_FAILURES,
    COUNTER_REDIS_DOWN,
    COUNTER_REDIS_FORGOT,
    COUNTER_PUBLISH_FAILURES,
    COUNTER_SET_ASIDE,
    COUNTER_CALLED_BACK,
    COUNTER_BREAKER_OPENED,
    COUNTER_OUT_OF_BUDGET,
    COUNTER_GUARD_HELD,
    COUNTER_ACTS_DONE,
    COUNTER_ACTS_NOT_DONE,
    COUNTER_ACTS_INVALID,
    COUNTER_COUNT
};

struct telemetry;

struct telemetry *telemetry_new(struct metrics *m, const char *provider); /* NULL: out of memory */
void telemetry_free(struct telemetry *t);

void telemetry_count(struct telemetry *t, enum counter c, uint64_t n);
void telemetry_gauge(struct telemetry *t, enum gauge g, int64_t v);
void telemetry_stage(struct telemetry *t, enum stage s, int64_t ns);
void telemetry_outcome(struct telemetry *t, enum event_type type, enum outcome_kind kind);
void telemetry_dead_letter(struct telemetry *t, const char *reason);
/* @class: judge_error_class(): a constant. */
void telemetry_call_failed(struct telemetry *t, const char *error_class);

#endif

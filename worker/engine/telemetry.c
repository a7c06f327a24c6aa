#include "engine/telemetry.h"

#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "base/buf.h"

#define CLASSES_MAX 16

/* One series of a family that has one label beside the provider; made when first seen. */
struct labelled {
    const char *value; /* a constant */
    struct metric *metric;
};

struct telemetry {
    struct metrics *metrics;
    char *provider; /* escaped label text */
    struct metric *counters[COUNTER_COUNT];
    struct metric *gauges[GAUGE_COUNT];
    struct metric *stages[STAGE_COUNT];
    struct metric *outcomes[EVENT_TYPE_COUNT][OUTCOME_KIND_COUNT]; /* made when first seen */
    struct labelled classes[CLASSES_MAX], dead[CLASSES_MAX];
};

static const struct {
    const char *name, *help;
} counter_texts[COUNTER_COUNT] = {
    [COUNTER_DELIVERED] = {"tvbridge_deliveries_total", "Messages taken from the events topic."},
    [COUNTER_HELD] = {"tvbridge_window_held_total", "Times that the window was full and reading was held back."},
    [COUNTER_PAUSED] = {"tvbridge_window_paused_total",
                        "Times that the window stayed full and what was fetched ahead was thrown away."},
    [COUNTER_REDELIVERED] = {"tvbridge_redeliveries_skipped_total",
                             "Messages that the commit's map says are done."},
    [COUNTER_CALLS] = {"tvbridge_provider_calls_total", "HTTP requests started to the provider."},
    [COUNTER_RETRIES] = {"tvbridge_retries_total", "Events set to be tried again."},
    [COUNTER_DOUBTS] = {"tvbridge_doubts_total", "Requests that left without a usable answer."},
    [COUNTER_RESEND_REFUSED] = {"tvbridge_resends_refused_total",
                                "Second transmissions by the HTTP library that were stopped."},
    [COUNTER_COMMITS] = {"tvbridge_commits_total", "Offset commits acknowledged."},
    [COUNTER_COMMIT_FAILURES] = {"tvbridge_commit_failures_total", "Offset commits refused or lost."},
    [COUNTER_REDIS_DOWN] = {"tvbridge_redis_disconnects_total", "Times that Redis was lost."},
    [COUNTER_REDIS_FORGOT] = {"tvbridge_redis_forgot_total", "Times that Redis was found emptied or rolled back."},
    [COUNTER_PUBLISH_FAILURES] = {"tvbridge_publish_failures_total",
                                  "Outcome, record or dead letter not acknowledged at first."},
    [COUNTER_SET_ASIDE] = {"tvbridge_set_aside_total", "Times that an event left for the waiting topic."},
    [COUNTER_CALLED_BACK] = {"tvbridge_waiting_finished_total", "Events of the waiting topic that ended."},
    [COUNTER_BREAKER_OPENED] = {"tvbridge_breaker_opened_total", "Times that the provider was found down, failed probes included."},
    [COUNTER_OUT_OF_BUDGET] = {"tvbridge_retry_budget_spent_total", "Times that the budget of retries was used up, and retries waited."},
    [COUNTER_GUARD_HELD] = {"tvbridge_guard_held_total", "Cuts above what the guard allows in an hour."},
    [COUNTER_ACTS_DONE] = {"tvbridge_acts_done_total", "Operators' acts that were carried out."},
    [COUNTER_ACTS_NOT_DONE] = {"tvbridge_acts_not_done_total", "Operators' acts that came too late or were refused."},
    [COUNTER_ACTS_INVALID] = {"tvbridge_acts_invalid_total", "Messages of the control topic that are no acts."},
};

static const struct {
    const char *name, *help;
} gauge_texts[GAUGE_COUNT] = {
    [GAUGE_IN_FLIGHT] = {"tvbridge_in_flight", "Slots to the provider in use."},
    [GAUGE_LANES] = {"tvbridge_lanes", "Services with events in the window."},
    [GAUGE_WINDOW_EVENTS] = {"tvbridge_window_events", "Events taken and not settled."},
    [GAUGE_WINDOW_BYTES] = {"tvbridge_window_bytes", "Bytes of the events taken and not settled."},
    [GAUGE_LAG] = {"tvbridge_lag_events", "Events in the topic that are not settled."},
    [GAUGE_OLDEST_MS] = {"tvbridge_oldest_undone_age_seconds", "Age of the oldest event at work."},
    [GAUGE_WAITING] = {"tvbridge_waiting_tries", "Events that wait for their next try."},
    [GAUGE_ENTRIES] = {"tvbridge_waiting_entries", "Events in the waiting topic."},
    [GAUGE_PARTITIONS] = {"tvbridge_assigned_partitions", "Partitions that this process works."},
    [GAUGE_REDIS_UP] = {"tvbridge_redis_connections_up", "Worker threads whose Redis is usable."},
    [GAUGE_PROVIDER_OK] = {"tvbridge_provider_credentials_ok", "Worker threads whose credentials are good."},
    [GAUGE_CONNECTIONS] = {"tvbridge_provider_connections", "Open connections to the provider."},
    [GAUGE_BREAKER] = {"tvbridge_breakers_open", "Worker threads for which the provider counts as down."},
    [GAUGE_SLOTS] = {"tvbridge_in_flight_limit", "Slots to the provider that may be used now."},
    [GAUGE_LEASES] = {"tvbridge_slot_leases", "Leases of slots held, where the platform takes fewer calls at once than there are partitions."},
    [GAUGE_PAUSED] = {"tvbridge_paused_partitions", "Partitions whose provider an operator paused."},
};

static const struct {
    const char *name, *help;
} stage_texts[STAGE_COUNT] = {
    [STAGE_LANE] = {"tvbridge_stage_lane_seconds", "From arrival until it is the head of its lane."},
    [STAGE_SLOT] = {"tvbridge_stage_slot_seconds", "Wait for a slot to the provider with the lane free."},
    [STAGE_CLAIM] = {"tvbridge_stage_claim_seconds", "Claim in Redis."},
    [STAGE_CALL] = {"tvbridge_stage_call_seconds", "Calls to the provider, all tries of a claim."},
    [STAGE_OUTCOME] = {"tvbridge_stage_outcome_seconds", "From judged to outcome and record acknowledged."},
};

static struct metric *series(struct telemetry *t,
                             struct metric *(*make)(struct metrics *, const char *, const char *, const char *),
                             const char *name, const char *help)
{
    struct buf labels;
    buf_init(&labels, 512);
    buf_addf(&labels, "provider=\"%s\"", t->provider);
    struct metric *m = make(t->metrics, name, help, buf_cstr(&labels));
    buf_fini(&labels);
    return m;
}

struct telemetry *telemetry_new(struct metrics *m, const char *provider)
{
    struct telemetry *t = calloc(1, sizeof(*t));
    struct buf label;
    buf_init(&label, 256);
    metrics_escape(&label, provider);
    if (t != NULL)
        t->provider = buf_steal(&label, NULL);
    buf_fini(&label);
    if (t == NULL || t->provider == NULL) {
        free(t);
        return NULL;
    }
    t->metrics = m;
    for (size_t i = 0; i < COUNTER_COUNT; i++)
        t->counters[i] = series(t, metrics_counter, counter_texts[i].name, counter_texts[i].help);
    for (size_t i = 0; i < GAUGE_COUNT; i++)
        t->gauges[i] = series(t, metrics_gauge, gauge_texts[i].name, gauge_texts[i].help);
    for (size_t i = 0; i < STAGE_COUNT; i++)
        t->stages[i] = series(t, metrics_histogram, stage_texts[i].name, stage_texts[i].help);
    return t;
}

void telemetry_free(struct telemetry *t)
{
    if (t == NULL)
        return;
    free(t->provider);
    free(t);
}

void telemetry_count(struct telemetry *t, enum counter c, uint64_t n)
{
    metric_add(t->counters[c], n);
}

void telemetry_gauge(struct telemetry *t, enum gauge g, int64_t v)
{
    if (g == GAUGE_OLDEST_MS)
        metric_set_ms(t->gauges[g], v);
    else
        metric_set(t->gauges[g], v);
}

void telemetry_stage(struct telemetry *t, enum stage s, int64_t ns)
{
    metric_observe_ns(t->stages[s], ns);
}

void telemetry_outcome(struct telemetry *t, enum event_type type, enum outcome_kind kind)
{
    struct metric **slot = &t->outcomes[type][kind];
    if (*slot == NULL) {
        struct buf labels;
        buf_init(&labels, 512);
        buf_addf(&labels, "provider=\"%s\",type=\"%s\",outcome=\"%s\"", t->provider, event_type_name(type),
                 outcome_kind_name(kind));
        *slot = metrics_counter(t->metrics, "tvbridge_outcomes_total", "Outcomes acknowledged.",
                                buf_cstr(&labels));
        buf_fini(&labels);
    }
    metric_add(*slot, 1);
}

static struct metric *labelled_new(struct telemetry *t, const char *name, const char *help, const char *key,
                                   const char *value)
{
    struct buf labels;
    buf_init(&labels, 512);
    buf_addf(&labels, "provider=\"%s\",%s=\"%s\"", t->provider, key, value);
    struct metric *m = metrics_counter(t->metrics, name, help, buf_cstr(&labels));
    buf_fini(&labels);
    return m;
}

/* The place of @value among @list, or the first free one. */
static struct labelled *labelled_of(struct labelled *list, const char *value)
{
    size_t i = 0;
    while (i < CLASSES_MAX - 1 && list[i].value != NULL && list[i].value != value)
        i++;
    return &list[i];
}

void telemetry_dead_letter(struct telemetry *t, const char *reason)
{
    struct labelled *l = labelled_of(t->dead, reason);
    if (l->value == NULL)
        *l = (struct labelled){reason, labelled_new(t, "tvbridge_dead_letters_total",
                                                    "Messages written to the dead letter topic.", "reason", reason)};
    metric_add(l->metric, 1);
}

void telemetry_call_failed(struct telemetry *t, const char *error_class)
{
    struct labelled *l = labelled_of(t->classes, error_class);
    if (l->value == NULL)
        *l = (struct labelled){error_class,
                               labelled_new(t, "tvbridge_call_failures_total",
                                            "Calls without a usable answer, by what went wrong.", "class", error_class)};
    metric_add(l->metric, 1);
}

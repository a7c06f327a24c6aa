#include "serve_stats.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/attr.h"
#include "base/metrics.h"

#define ROUTES 4
#define STATUSES_MAX 600
#define EVENT_ENDS 4

struct serve_stats {
    const struct settings *settings;
    struct metrics *metrics;
    struct metric *requests[ROUTES][STATUSES_MAX]; /* made when first seen */
    struct metric *seconds[ROUTES];
    struct metric *events[EVENT_ENDS];
    struct metric *gauges[SERVE_GAUGE_COUNT];
    struct metric *questions[][ENTITLEMENT_VERDICTS]; /* by provider; made when first seen */
};

static const char *const routes[ROUTES] = {"events", "entitlement", "pages", "none"};

struct serve_stats *serve_stats_new(const struct settings *settings)
{
    static const char *const ends[EVENT_ENDS] = {"accepted", "invalid", "unsure", "unsent"};
    static const struct {
        const char *name, *help;
    } gauges[SERVE_GAUGE_COUNT] = {
        [SERVE_GAUGE_CONNECTIONS] = {"tvbridge_serve_connections", "Open HTTP connections."},
        [SERVE_GAUGE_REQUESTS] = {"tvbridge_serve_requests_under_way", "HTTP requests that are not answered yet."},
        [SERVE_GAUGE_BUFFERED] = {"tvbridge_serve_buffered_bytes", "Bytes of bodies under way."},
        [SERVE_GAUGE_UNACKED] = {"tvbridge_serve_events_unacknowledged", "Events sent to Kafka and not acknowledged yet."},
    };
    char labels[64];
    struct serve_stats *s = calloc(1, sizeof(*s) + settings->provider_count * sizeof(s->questions[0]));
    if (s == NULL || (s->metrics = metrics_new()) == NULL) {
        free(s);
        return NULL;
    }
    s->settings = settings;
    for (size_t i = 0; i < ROUTES; i++) {
        snprintf(labels, sizeof(labels), "route=\"%s\"", routes[i]);
        s->seconds[i] = metrics_histogram(s->metrics, "tvbridge_serve_request_seconds", "From an HTTP request's head to the end of its answer.", labels);
    }
    for (size_t i = 0; i < EVENT_ENDS; i++) {
        snprintf(labels, sizeof(labels), "result=\"%s\"", ends[i]);
        s->events[i] = metrics_counter(s->metrics, "tvbridge_serve_events_total", "Events that came over HTTP, by what came of them.", labels);
    }
    for (size_t i = 0; i < SERVE_GAUGE_COUNT; i++)
        s->gauges[i] = metrics_gauge(s->metrics, gauges[i].name, gauges[i].help, "");
    return s;
}

void serve_stats_free(struct serve_stats *s)
{
    if (s == NULL)
        return;
    metrics_free(s->metrics);
    free(s);
}

void serve_stats_request(struct serve_stats *s, enum serve_route_kind route, unsigned status, int64_t took_ns)
{
    char labels[64];
    struct metric **m = &s->requests[route][status < STATUSES_MAX ? status : 0];
    if (*m == NULL) {
        snprintf(labels, sizeof(labels), "route=\"%s\",status=\"%u\"", routes[route], status);
        *m = metrics_counter(s->metrics, "tvbridge_serve_requests_total", "HTTP requests, by path and status; 0: the peer left.", labels);
    }
    metric_add(*m, 1);
    metric_observe_ns(s->seconds[route], took_ns);
}

void serve_stats_events(struct serve_stats *s, enum serve_event_end end, uint64_t n)
{
    metric_add(s->events[end], n);
}

void serve_stats_question(struct serve_stats *s, size_t provider, enum entitlement_verdict answer)
{
    char labels[200]; /* both are words without quotes */
    struct metric **m = &s->questions[provider][answer];
    if (*m == NULL) {
        snprintf(labels, sizeof(labels), "provider=\"%s\",answer=\"%s\"", s->settings->providers[provider].name,
                 entitlement_verdict_name(answer));
        *m = metrics_counter(s->metrics, "tvbridge_serve_questions_total", "Questions for an entitlement, by answer.", labels);
    }
    metric_add(*m, 1);
}

void serve_stats_gauge(struct serve_stats *s, enum serve_gauge g, int64_t v)
{
    metric_set(s->gauges[g], v);
}

void serve_stats_records(struct serve_stats *s, const char *provider, int64_t services, int64_t age_ms)
{
    char labels[128];
    snprintf(labels, sizeof(labels), "provider=\"%s\"", provider);
    metric_set(metrics_gauge(s->metrics, "tvbridge_serve_services", "Services whose records are known.", labels), services);
    if (age_ms >= 0)
        metric_set_ms(metrics_gauge(s->metrics, "tvbridge_serve_records_age_seconds", "How old what is known is at most.", labels), age_ms);
}

void serve_stats_render(struct serve_stats *s, struct buf *out)
{
    metrics_render(&s->metrics, 1, out);
}

/* serve_stats.h - what the gateway counts; Prometheus text. On the gateway's thread alone. */
#ifndef TVB_PRODUCER_SERVE_STATS_H
#define TVB_PRODUCER_SERVE_STATS_H

#include <stdint.h>

#include "base/buf.h"
#include "contract/settings.h"
#include "entitlement.h"

struct serve_stats;

enum serve_route_kind { SERVE_ROUTE_EVENTS, SERVE_ROUTE_ENTITLEMENT, SERVE_ROUTE_PAGES, SERVE_ROUTE_NONE };

enum serve_event_end {
    SERVE_EVENT_ACCEPTED, /* acknowledged by Kafka and answered 202 */
    SERVE_EVENT_INVALID,  /* refused by the checks */
    SERVE_EVENT_UNSURE,   /* sent, and not acknowledged in time: may or may not be there */
    SERVE_EVENT_UNSENT,   /* refused or given up before it was sent */
};

enum serve_gauge {
    SERVE_GAUGE_CONNECTIONS,
    SERVE_GAUGE_REQUESTS,
    SERVE_GAUGE_BUFFERED,
    SERVE_GAUGE_UNACKED,
    SERVE_GAUGE_COUNT,
};

/* @s: for the providers' names; must outlive it. NULL: out of memory. */
struct serve_stats *serve_stats_new(const struct settings *s);
void serve_stats_free(struct serve_stats *s);

void serve_stats_request(struct serve_stats *s, enum serve_route_kind route, unsigned status, int64_t took_ns);
void serve_stats_events(struct serve_stats *s, enum serve_event_end end, uint64_t n);
/* @provider: its place in the settings. */
void serve_stats_question(struct serve_stats *s, size_t provider, enum entitlement_verdict answer);
void serve_stats_gauge(struct serve_stats *s, enum serve_gauge g, int64_t v);
/* @age_ms -1: never read yet; then it is not shown. */
void serve_stats_records(struct serve_stats *s, const char *provider, int64_t services, int64_t age_ms);
void serve_stats_render(struct serve_stats *s, struct buf *out);

#endif

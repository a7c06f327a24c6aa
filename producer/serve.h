/* serve.h - `tvbridge serve` as its parts see it. One thread, one loop: HTTP, Kafka's acknowledgements and the records.
 *
 *   serve.c          life: start, signals, stop
 *   serve_http.c     libmicrohttpd on the loop
 *   serve_route.c    which path leads where, and who may
 *   serve_events.c   events in: checked, sent, answered when they are acknowledged
 *   serve_ask.c      questions for an entitlement
 *   serve_topics.c   is Kafka there, and are the topics as the settings say
 *   serve_stats.c    counters
 *   serve_words.c    each key's dialect and catalogue
 *   serve_keys.c, serve_mode.c, serve_problem.c, entitlement.c   pure */
#ifndef TVB_PRODUCER_SERVE_H
#define TVB_PRODUCER_SERVE_H

#include <stdbool.h>

#include "base/log.h"
#include "contract/event.h"
#include "contract/settings.h"
#include "io/loop.h"
#include "io/producer.h"
#include "io/reader.h"
#include "serve_http.h"
#include "serve_keys.h"
#include "serve_problem.h"
#include "serve_stats.h"
#include "serve_words.h"

struct serve_events;
struct serve_asks;
struct serve_topics;

struct gateway {
    struct settings *settings;
    struct event_schemas *schemas;
    struct log_sink *sink;
    struct log *log;
    struct loop *loop;
    struct producer *producer;
    struct reader *reader;
    struct serve_http *http;
    struct serve_keys *keys;
    struct serve_words *words;
    struct serve_stats *stats;
    struct serve_events *events;
    struct serve_asks *asks;
    struct serve_topics *topics;
    bool draining;
};

/* The place of a provider in the settings. */
size_t gateway_provider_index(const struct gateway *g, const struct settings_provider *p);

/* ---- serve_route.c ---- */

/* What libmicrohttpd's requests are given to; @arg: the gateway. */
struct serve_http_handlers serve_route_handlers(struct gateway *g);
/* Whose request it is, once its head was taken. */
struct serve_key *serve_route_key(const struct serve_request *r);
/* What hangs on the request beside that; NULL at first. */
void *serve_route_work(const struct serve_request *r);
void serve_route_set_work(struct serve_request *r, void *work);
/* Answers with a problem; @faults may be NULL. */
void serve_refuse(struct gateway *g, struct serve_request *r, unsigned status, const char *detail,
                  const struct serve_faults *faults);
/* The same with Retry-After, in whole seconds, at least 1. */
void serve_refuse_for_now(struct gateway *g, struct serve_request *r, unsigned status, const char *detail, int64_t wait_ms);

/* ---- serve_events.c: POST /v1/events ---- */

struct serve_events *serve_events_new(struct gateway *g, struct err *reterr);
void serve_events_free(struct serve_events *e); /* after the producer: its callbacks; NULL is fine */
/* The head is there; false: refused. */
bool serve_events_head(struct gateway *g, struct serve_request *r);
void serve_events_whole(struct gateway *g, struct serve_request *r);
/* Requests that are not answered yet. */
size_t serve_events_count(const struct serve_events *e);

/* ---- serve_ask.c: /v1/entitlement ---- */

/* Begins to read the records of the providers that say `entitlement`. */
struct serve_asks *serve_asks_new(struct gateway *g, struct err *reterr);
void serve_asks_free(struct serve_asks *a); /* before the reader; NULL is fine */
void serve_asks_whole(struct gateway *g, struct serve_request *r);
/* False, and why in @ret_why: records that were never read to their end yet. */
bool serve_asks_ready(const struct serve_asks *a, struct buf *ret_why);
/* Sets the gauges. */
void serve_asks_measure(const struct serve_asks *a);

/* ---- serve_topics.c ---- */

/* Begins to ask for the topics of all providers. */
struct serve_topics *serve_topics_new(struct gateway *g, struct err *reterr);
void serve_topics_free(struct serve_topics *t); /* NULL is fine; the settings must live until the loop is freed */
/* NULL: events of this provider may be sent; else why not. */
const char *serve_topics_fault(const struct serve_topics *t, const struct settings_provider *p);
/* Kafka did not acknowledge: not ready until it answers again. */
void serve_topics_doubt(struct serve_topics *t);
/* It did. */
void serve_topics_trust(struct serve_topics *t);
bool serve_topics_ready(const struct serve_topics *t, struct buf *ret_why);

#endif

/* own_events.h - events that a command makes itself: checked, paced, acknowledged, and what came of each.
 *
 * An event's id is a function of what it was made from, so that sending it again is harmless. One thread. */
#ifndef TVB_PRODUCER_OWN_EVENTS_H
#define TVB_PRODUCER_OWN_EVENTS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "contract/outcome.h"
#include "kafka_client.h"
#include "scan.h"

struct own_events;

/* @rate_per_s: events a second; 0: as fast as Kafka takes them. Notes where the outcomes topic ends now. @scanner and @place must
 * outlive it. */
struct own_events *own_events_new(struct scanner *scanner, const struct kafka_place *place, const char *provider, const char *source,
                                  int64_t rate_per_s, struct err *reterr);
void own_events_free(struct own_events *o); /* NULL is fine */

struct own_event {
    const char *service, *type; /* without prefix */
    const char *id, *basis;     /* basis NULL: billing's own order holds */
    const json_t *data;
};
/* The event as structured JSON into @out, which is emptied first. -1: out of memory. */
int own_event_write(const struct own_event *e, const char *provider, const char *source, struct buf *out, struct err *reterr);
/* Waits for its turn, and sends it. -1: it is invalid, or Kafka does not take it; nothing later may be sent then. */
int own_events_send(struct own_events *o, const struct own_event *e, struct err *reterr);
/* Until all are acknowledged. -1: not all were. */
int own_events_flush(struct own_events *o, struct err *reterr);
size_t own_events_count(const struct own_events *o);

/* What came of them, for @wait_ms at most; @fn for each final outcome, once. Returns how many had none yet; -1: reading failed. */
typedef void own_outcome_fn(void *arg, const char *service, const char *id, enum outcome_kind kind, const char *reason);
int64_t own_events_follow(struct own_events *o, int64_t wait_ms, own_outcome_fn *fn, void *arg, struct err *reterr);

#endif

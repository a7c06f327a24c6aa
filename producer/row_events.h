/* row_events.h - an event for each row of a list: checked one by one, sent in the rows' order with the records' order as their basis, and
 * what came of each noted in its row.
 *
 * Ids are functions of what the events say, so that a list may be sent again, after a crash too. One thread. */
#ifndef TVB_PRODUCER_ROW_EVENTS_H
#define TVB_PRODUCER_ROW_EVENTS_H

#include <jansson.h>
#include <stdint.h>

#include "base/err.h"
#include "cli.h"
#include "contract/json.h"
#include "kafka_client.h"

struct row_events;

/* @type: without prefix; @schemas: the folder that the settings name, or NULL. The texts must outlive it. NULL and @reterr. */
struct row_events *row_events_new(const char *provider, const char *source, const char *type, const char *schemas, struct err *reterr);
void row_events_free(struct row_events *r); /* NULL is fine */

/* Checks the event by its schema and keeps it with @row (borrowed), which gets a member `result`, "". 0; 1 and @ret_fault: it is
 * invalid, and not kept; -1: out of memory. */
int row_events_add(struct row_events *r, json_t *row, const char *service, const char *id, const json_t *data, struct fault *ret_fault);
/* The rows that were kept; borrowed. */
const json_t *row_events_rows(const struct row_events *r);
/* The events as CloudEvents, one a line on stdout, without a basis. */
int row_events_print(struct row_events *r, struct err *reterr);

struct row_sending {
    const struct kafka_place *place;
    int64_t rate, wait_ms; /* events a second, 0: no limit; for the outcomes */
    struct cli_progress *progress;
};
/* Sends all, and waits for what comes of them. Returns how many had no outcome; -1: it stopped, and `result` is "sent" where one left. */
int64_t row_events_send(struct row_events *r, const struct row_sending *s, struct err *reterr);
/* Events whose outcome is neither applied nor unchanged. */
size_t row_events_not_done(const struct row_events *r);

#endif

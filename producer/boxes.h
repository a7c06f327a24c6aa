/* boxes.h - set-top boxes from a list that billing or a store keeps: rows into the data of device.added. Pure.
 *
 * A box is its MAC address, or else its serial number (CASN). One list names each box once: one MAC or one serial at two places is a
 * fault, whichever service is meant. Not thread-safe. */
#ifndef TVB_PRODUCER_BOXES_H
#define TVB_PRODUCER_BOXES_H

#include <jansson.h>

#include "base/err.h"
#include "event_id.h"
#include "rows.h"
#include "wanted.h"

/* service; mac, serial (one of them); model, location, patrimony (billing's number of the thing). */
#define BOXES_NAMES 6
extern const char *const boxes_names[BOXES_NAMES];
/* What ABillS and ISP-Integrator call some of them. */
#define BOXES_ALIASES 4
extern const struct rows_alias boxes_aliases[BOXES_ALIASES];

struct boxes;
struct boxes *boxes_new(void); /* NULL: out of memory */
void boxes_free(struct boxes *b); /* NULL is fine */

struct box {
    char service[WANTED_SERVICE_SIZE];
    char id[EVENT_ID_SIZE]; /* of its event */
    json_t *data;         /* of device.added; owned: json_decref() */
};
/* One row. 0 and @ret, or -1 and @reterr, "<column>: found ..., wanted ...". */
int boxes_take(struct boxes *b, const json_t *row, long line, const char *provider, struct box *ret, struct err *reterr);
/* The column that a place in the event's JSON comes from: "/data/device/serial" is "serial". */
const char *boxes_column(const char *pointer);

#endif

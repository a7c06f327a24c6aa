/* event_id.h - the id of an event that a command makes: a function of what it says, so that saying it again is the same event. Pure. */
#ifndef TVB_PRODUCER_EVENT_ID_H
#define TVB_PRODUCER_EVENT_ID_H

#include <jansson.h>

#include "base/err.h"

#define EVENT_ID_SIZE 48
/* "<prefix>-" (at most 14 bytes) and 32 hexadecimal digits. -1: out of memory. */
int event_id_of(const char *prefix, const char *provider, const char *service, const json_t *data, char ret[EVENT_ID_SIZE],
                struct err *reterr);

#endif

/* redact.h - events and records as they may be shown: what says nothing of a person stays, all else becomes "***". */
#ifndef TVB_PRODUCER_REDACT_H
#define TVB_PRODUCER_REDACT_H

#include <jansson.h>
#include <stdbool.h>

#define REDACTED "***"

/* Copies, which the caller owns; NULL: out of memory. @show: as they are. */
/* A CloudEvent in structured form. */
json_t *redact_event(const json_t *event, bool show);
/* `data` of an event. */
json_t *redact_data(const json_t *data, bool show);
/* A service's record. */
json_t *redact_record(const json_t *record, bool show);
/* What a workflow knows so far (run_save()): what the platform gave is hidden. NULL for NULL. */
json_t *redact_steps(const json_t *steps, bool show);

#endif

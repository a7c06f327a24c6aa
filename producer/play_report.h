/* play_report.h - what a workflow did, gathered as one JSON report: workflow, calls, state, outcome, reason, detail, outputs,
 * record; of x-dates: waits_until, later. Made by a trial, which sends nothing, and by a live run; for people it is written out from that. */
#ifndef TVB_PRODUCER_PLAY_REPORT_H
#define TVB_PRODUCER_PLAY_REPORT_H

#include <jansson.h>
#include <stdio.h>

#include "core/call.h"
#include "workflow/run.h"

#define PLAY_HIDDEN "***"

/* The caller owns it. NULL: out of memory. */
json_t *play_report_new(const struct workflow *w);

/* The request of the present step of @r; @q: what is shown of it. The note of it, borrowed: more may be set in it. */
json_t *play_report_call(json_t *report, const struct run *r, const struct call_request *q);

/* How it ended: "end", "waits for a reply", ...; at which step (NULL: none). */
void play_report_state(json_t *report, const char *state, const char *step);
/* The end itself. A token is shown as ***. */
void play_report_result(json_t *report, const struct run_result *x);

/* x-dates: it is not to be done before; and an event that it implies for then, @data borrowed. In Unix ms. */
void play_report_wait(json_t *report, int64_t at_ms);
void play_report_later(json_t *report, const char *type, int64_t at_ms, json_t *data);

/* For people; each line begins with @indent. @hint: what is said of a call that waits for its reply; may be "". */
void play_report_print(const json_t *report, const char *indent, const char *hint, FILE *out);

#endif

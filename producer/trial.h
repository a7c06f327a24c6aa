/* trial.h - a pack's workflow played for one event without sending: the exact requests, and what would come of it, as a report
 * (play_report.h). Credentials are shown as ***. */
#ifndef TVB_PRODUCER_TRIAL_H
#define TVB_PRODUCER_TRIAL_H

#include <jansson.h>
#include <stdbool.h>

#include "base/err.h"
#include "reply_file.h"
#include "workflow/pack.h"

struct trial_pack {
    struct pack *pack;
    struct bound_pack *bound;
};
/* Loads DIR with credentials that are all ***. @base_url, @settings: NULL: the pack's own, none. */
int trial_pack_load(struct trial_pack *ret, const char *dir, const char *base_url, const json_t *settings,
                    struct err *reterr);
void trial_pack_fini(struct trial_pack *p);

/* All borrowed; any may be NULL but type and event. */
struct trial_inputs {
    const char *type; /* without prefix: the workflow */
    const json_t *event, *data, *record;
    const char *key;   /* the event's idempotency key */
    int64_t came_ms;   /* run_inputs.came_ms: what begins after it is shown as later */
    const char *steps; /* run_save(): goes on there */
    size_t steps_len;
    bool step_done;    /* the step at which it begins is known to be done: goes on after it */
    const struct reply_file *replies;
    size_t reply_count;
};
/* The report, which the caller owns; its state: "end", "waits for a reply" or "unknown answer";
 * *@ret_used: how many replies were asked for (may be NULL). NULL and @reterr: no such workflow, or out of memory. */
json_t *trial_run(const struct trial_pack *p, const struct trial_inputs *in, size_t *ret_used, struct err *reterr);

#endif

/* adopt.c - which accounts are ours: what the platform was seen to have becomes a service's record, and what nobody has looked at
 * is not cut off. RELIABILITY.md section 5: only the owner writes records.
 *
 * `service.adopted` makes no call, so nothing of it can be in doubt. It names the fence of the record that was read before the
 * platform was: whatever was applied since has moved the record, and may have changed the platform after it was seen. */
#include <stdio.h>
#include <string.h>

#include "contract/record.h"
#include "engine/state.h"

static bool is_of_this_record(const struct work *k)
{
    return strcmp(json_text(k->record, "fence"), json_text(k->event.data, "fence")) == 0;
}

void adopt_start(struct worker *w, struct job *j)
{
    struct work *k = j->work;
    if (!is_of_this_record(k)) {
        decide_refused(w, j, "other_fence", "the record has moved since the platform was read: adopt it again");
        return;
    }
    json_t *patch = record_adoption(k->record, json_object_get(k->event.data, "record"));
    if (patch == NULL) {
        call_retry_later(w, j, false, -1, "out of memory");
        return;
    }
    k->outcome.kind = OUTCOME_APPLIED;
    decide_start(w, j, patch);
    json_decref(patch);
}

bool adopt_refuses(struct worker *w, struct job *j)
{
    const struct work *k = j->work;
    bool cuts = event_is_cut(k->event.type) || k->event.type == EVENT_CONTRACT_LATE_NOTICE;
    if (!w->plan->cuts_known || !cuts || record_is_known(k->record))
        return false;
    job_go(w, j, JOB_CALLING);
    decide_refused(w, j, "not_adopted", "tvbridge neither made this account nor adopted it, and the settings say `cuts: known`");
    return true;
}

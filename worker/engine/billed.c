/* billed.c - what went through billing's TV run is noted in the service's record: `billing.processed`. The platform is not called.
 *
 * A due day is processed once, whatever the event's id: the first is `applied`, the same again `unchanged`, another value is refused.
 * It is decided under the lane's claim like every event, so that two runs at once are one after the other. */
#include <stdio.h>

#include "contract/billed.h"
#include "contract/record.h"
#include "engine/state.h"

static void decide(struct worker *w, struct job *j, enum outcome_kind kind, const char *reason)
{
    struct work *k = j->work;
    k->outcome.kind = kind;
    snprintf(k->outcome.reason, sizeof(k->outcome.reason), "%s", reason);
    decide_start(w, j, NULL);
}

/* Something was applied to it once, or it was adopted. */
static bool is_known(const json_t *record)
{
    return json_object_size(json_object_get(record, "axes")) > 0 || record_is_known(record);
}

void billed_start(struct worker *w, struct job *j)
{
    const struct work *k = j->work;
    if (!is_known(k->record)) {
        decide_refused(w, j, "unknown_account", "tvbridge knows nothing of this service");
        return;
    }
    switch (billed_judge(k->record, k->event.data, k->event.id)) {
    case BILLED_NEW:
    case BILLED_BY_IT:
        decide(w, j, OUTCOME_APPLIED, "");
        return;
    case BILLED_BEFORE:
        decide(w, j, OUTCOME_UNCHANGED, "already_processed");
        return;
    case BILLED_OTHER:
        decide_refused(w, j, "processed_otherwise", "this due day was processed with another value");
        return;
    case BILLED_TOO_OLD:
        decide_refused(w, j, "due_too_old", "the record keeps later due days only");
        return;
    }
}

/* dates.h - what is not to be done yet, and what is to be done or undone one day. RELIABILITY.md section 5. Of the worker's loop. */
#ifndef TVB_ENGINE_DATES_H
#define TVB_ENGINE_DATES_H

#include <stdbool.h>

#include "engine/state.h"

/* @j was claimed, and nothing of it was ever sent. True: it is not done before the time that it bears. */
bool dates_event_waits(struct worker *w, struct job *j);
/* The same for the time that its pack finds in it; its run stands before the first step, or had none. */
bool dates_pack_waits(struct worker *w, struct job *j);
/* @j was decided: the events that it implies for other days leave, each with an acknowledgement. False: not all, none may be missing. */
bool dates_send_implied(struct worker *w, struct job *j, producer_ack_fn *fn);

#endif

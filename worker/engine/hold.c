/* hold.c - an account that is not active yet: before its user's first access, or before a subscription's activation. RELIABILITY.md
 * section 5.
 *
 * The platform would take what an event asks for and forget it. So the pack's workflow asks first, by reads, and ends `held`,
 * before it changed anything. Nothing has failed and no attempt is used up: the event is set aside, and its workflow is run
 * again from its start, until it ends in another way or a newer event supersedes it. An eighth of the time that it has waited
 * lies between two looks, and no less than held_poll_ms nor more than twelve times that: who was made today is seen soon, who
 * never comes costs little. */
#include "engine/state.h"

enum { SLOWER_BY = 8, SLOWEST = 12 };

static int64_t poll_ms(struct worker *w, const struct job *j)
{
    int64_t least = w->numbers->held_poll_ms, most = SLOWEST * least;
    int64_t waited = j->wait != NULL && j->wait->since_ms != 0 ? clock_real_ms() - j->wait->since_ms : 0;
    int64_t ms = waited / SLOWER_BY;
    ms = ms < least ? least : ms > most ? most : ms;
    return ms - (int64_t)(worker_random(w) % ((uint64_t)ms / 8 + 1)); /* not all at once */
}

void hold_start(struct worker *w, struct job *j, const char *reason)
{
    struct work *k = j->work;
    enum entry_reason waits_for;
    if (run_changed(k->run) || entry_reason_parse(reason, &waits_for) != 0) { /* the pack's fault: a part is done, the rest is not held */
        decide_dead(w, j, DEAD_EXHAUSTED, "held_after_a_change");
        return;
    }
    snprintf(k->outcome.reason, sizeof(k->outcome.reason), "%s", reason);
    call_put_off(w, j, waits_for, poll_ms(w, j));
}

/* isolate.c - an event whose work kills the process must not take its partition down for ever. RELIABILITY.md section 8.
 *
 * Redis counts for each event the crashes that fell on it: a claim that takes over what another owner was at work on and
 * never laid down. What only waits is laid down (REST), so that neither a hand-over nor a crash while it waits counts. All
 * that is in flight when a process dies gets the count, so the third one proves nothing yet:
 * 1. from three on it is worked alone: nothing new is started until what is at work has come to an end, then it is claimed
 *    anew as the only one;
 * 2. if the process dies again, it was this one: it waits for a person, as a doubt (something of it may be done) with the
 *    detail `crashed`, and is worked only when he says so;
 * 3. if it does not, it was innocent.
 * Not covered: what kills the process before the claim (decoding), and after the decision; a call of another thread that was
 * under way already when this one's turn began. A Redis that forgets begins to count anew. */
#include "engine/state.h"

#define NEVER_MS (INT64_MAX / 4)

enum { ALONE_FROM = 3, GUILTY_FROM = 4 };

/* Claimed and not decided: what a crash now would be blamed on. */
static bool is_at_work(enum job_state s)
{
    return s == JOB_CLAIMING || s == JOB_CLAIMED || s == JOB_CALLING || s == JOB_CONFIRMING || s == JOB_STEPPING || s == JOB_DECIDING;
}

void isolate_rest(struct worker *w, const struct job *j)
{
    const struct work *k = j->work;
    if (k == NULL || k->fence[0] == '\0' || k->redis_life != w->redis_life || !is_at_work(j->state) || !redis_is_up(w->redis))
        return;
    (void)redis_rest(w->redis, k->event.service, k->event.key, k->fence, NULL, NULL);
}

/* Until it is alone. The timer never ends: by it a drain finds all that wait. */
static void wait_in_line(struct worker *w, struct job *j)
{
    job_wait(w, j, NEVER_MS, j->work->run != NULL);
    if (j->state == JOB_WAITING) /* else there was no memory for a timer, and it comes back by itself */
        job_list_add(&w->isolating, j);
}

/* Once for each time that the number grew: it may have to be claimed again and again before it is worked, or parked. */
static void log_isolated(struct worker *w, struct job *j, const char *word, unsigned crashes)
{
    if (j->crashes_told >= crashes || !log_begin(w->log, LOG_LEVEL_WARN, word))
        return;
    j->crashes_told = (uint8_t)crashes;
    job_log_event(w, j);
    log_int(w->log, "crashes", crashes);
    log_int(w->log, "partition", j->partition);
    log_int(w->log, "offset", j->offset);
    log_end(w->log);
}

static void put_away(struct worker *w, struct job *j, const struct claim_reply *r)
{
    log_isolated(w, j, "crash_culprit", r->crashes);
    job_go(w, j, JOB_CALLING);
    if (r->steps_len > 0)
        park_keep_steps(j, r->steps, r->steps_len);
    park_doubt(w, j, "crashed");
}

bool isolate_admits(struct worker *w, struct job *j, const struct claim_reply *r)
{
    if (j->act == PARK_APPLIED || j->act == PARK_NOT_APPLIED) /* a person's word */
        return true;
    if (r->crashes >= GUILTY_FROM) {
        put_away(w, j, r);
        return false;
    }
    if (r->crashes < ALONE_FROM || w->alone == j)
        return true;
    log_isolated(w, j, "crash_isolated", r->crashes);
    wait_in_line(w, j);
    return false;
}

/* A crash ends all threads of the process: one event alone in all of them, and nothing new beside it. */
static bool take_turn(struct worker *w)
{
    bool nobody = false;
    return w->o.one_alone == NULL || atomic_compare_exchange_strong(w->o.one_alone, &nobody, true);
}

static void give_turn(struct worker *w)
{
    w->alone = NULL;
    if (w->o.one_alone != NULL)
        atomic_store(w->o.one_alone, false);
}

/* A worker of the process has it. */
static bool turn_is_taken(const struct worker *w)
{
    const _Atomic bool *one = w->o.one_alone;
    return one != NULL && atomic_load_explicit(one, memory_order_relaxed);
}

static bool others_are_at_work(const struct worker *w)
{
    for (const struct job *j = w->active; j != NULL; j = j->next)
        if (is_at_work(j->state))
            return true;
    return false;
}

static void start_alone(struct worker *w, struct job *j)
{
    if (!commits_cover(w, j)) { /* its partition has to learn something first */
        give_turn(w);
        limit_unclaim(&w->limit);
        job_requeue(w, j);
        return;
    }
    w->alone = j;
    heap_remove(&w->timers, &j->timer);
    job_go(w, j, JOB_QUEUED);
    pace_starts(w, j);
    intake_start(w, j);
}

bool isolate_waits(const struct worker *w)
{
    if (w->isolating.n == 0 || w->alone != NULL || others_are_at_work(w))
        return false;
    return !turn_is_taken(w) && w->drain == DRAIN_NONE && redis_is_up(w->redis) && commits_own(w) && !pace_is_open(w);
}

void isolate_pump(struct worker *w)
{
    if (w->alone != NULL && !is_at_work(w->alone->state))
        give_turn(w);
    if (!isolate_waits(w) || !limit_claim(&w->limit, loop_now_ms(w->loop)))
        return;
    struct job *j = take_turn(w) ? job_list_take(&w->isolating) : NULL;
    if (j != NULL && !job_callback_is_late(w, j)) {
        start_alone(w, j);
        return;
    }
    limit_unclaim(&w->limit);
    if (j != NULL)
        give_turn(w);
}

bool isolate_holds(const struct worker *w)
{
    return w->isolating.n > 0 || w->alone != NULL || turn_is_taken(w);
}

void isolate_forget(struct worker *w, const struct job *j)
{
    if (w->alone == j)
        give_turn(w);
}

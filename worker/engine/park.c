/* park.c - what waits for a person: doubts that no rule resolves, and dead events. RELIABILITY.md sections 5 and 6.
 *
 * They are entries of the waiting topic (aside.c) that neither the clock nor the lane calls back, and that hold back what shares
 * an axis with them. What ends them is an act, or what comes of the event elsewhere. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/aside.h"
#include "engine/state.h"

#define PARK_AGAIN_MS 1000

/* ---- a doubt ---- */

/* Without memory for them Redis has them still. */
void park_keep_steps(struct job *j, const char *text, size_t len)
{
    char *copy = malloc(len + 1);
    if (copy == NULL)
        return;
    memcpy(copy, text, len);
    copy[len] = '\0';
    free(j->steps);
    j->steps = copy;
    j->steps_len = len;
}

static void on_parked(void *arg, enum redis_result res)
{
    struct job *j = arg;
    struct worker *w = j->worker;
    if (job_callback_is_late(w, j))
        return;
    if (res == REDIS_OK)
        aside_set(w, j, &(struct aside){.state = ENTRY_DOUBT, .reason = ENTRY_FOR_DOUBT, .claimed = true});
    else /* it is claimed anew: decided meanwhile, or in doubt as before */
        job_wait(w, j, PARK_AGAIN_MS, false);
}

/* Where this gets lost, the next claim in the lane is told whom it waits for: park_free_lane(). */
void park_stands(struct worker *w, const struct job *j)
{
    const struct work *k = j->work;
    if (k->aside.claimed && redis_is_up(w->redis))
        (void)redis_park(w->redis, k->event.service, k->event.key, k->fence, NULL, NULL);
}

static bool may_park(struct worker *w, struct job *j)
{
    if (!j->doubt_own && !takeover_is_quiet(w, j)) /* somebody else's: he may have published its outcome meanwhile */
        return false;
    if (j->part->waits_ready && redis_is_up(w->redis))
        return true;
    job_wait(w, j, PARK_AGAIN_MS, false);
    return false;
}

uint32_t park_step_mark(const char *step)
{
    return hash_murmur2(step, strlen(step));
}

void park_save_steps(struct worker *w, struct job *j)
{
    struct work *k = j->work;
    if (k->run == NULL || run_is_out_of_memory(k->run) || run_state(k->run) == RUN_END)
        return;
    buf_reset(&w->scratch);
    run_save(k->run, &w->scratch);
    if (buf_ok(&w->scratch) && w->scratch.len <= ENTRY_STEPS_MAX)
        park_keep_steps(j, buf_cstr(&w->scratch), w->scratch.len);
}

void park_doubt(struct worker *w, struct job *j, const char *detail)
{
    struct work *k = j->work;
    if (!j->doubt)
        call_doubt(w, j, true);
    if (!may_park(w, j))
        return;
    park_save_steps(w, j);
    snprintf(k->outcome.reason, sizeof(k->outcome.reason), "%s", detail);
    k->outcome.attempts = j->calls;
    j->act = PARK_NO_ACT;
    job_release_place(w, j);
    job_go(w, j, JOB_DECIDING);
    if (redis_doubt(w->redis, k->event.service, k->event.key, k->fence, on_parked, j) == 0)
        j->pending++;
    else
        job_wait(w, j, PARK_AGAIN_MS, false);
}

struct park_check {
    struct park_check *prev, *next; /* in worker.checks */
    struct worker *worker;
    struct partition *part; /* NULL: gone */
    struct entry_place place;
    enum park_act act; /* as what it is called back */
    char service[ENTRY_SERVICE_SIZE];
};

static void check_free(struct park_check *c)
{
    *(c->prev != NULL ? &c->prev->next : &c->worker->checks) = c->next;
    if (c->next != NULL)
        c->next->prev = c->prev;
    free(c);
}

void park_end(struct worker *w, const struct partition *p)
{
    for (struct park_check *c = w->checks; c != NULL; c = c->next)
        if (c->part == p)
            c->part = NULL;
}

void park_free_all(struct worker *w)
{
    while (w->checks != NULL)
        check_free(w->checks); /* NOLINT(clang-analyzer-unix.Malloc) */
}

static void on_checked(void *arg, enum redis_result res)
{
    struct park_check *c = arg;
    struct partition *p = c->part;
    struct wait *x = p != NULL ? waits_find(p->waits, c->service, c->place) : NULL;
    if (x != NULL && !x->busy && x->state == ENTRY_DOUBT && res != REDIS_OK)
        aside_call_back(p, x, c->act);
    check_free(c);
}

/* Names of an entry's claim. */
struct claim_names {
    char key[2 * HASH_SHA256_SIZE + 1], fence[ENTRY_FENCE_SIZE];
};

static struct claim_names names_of(const struct wait *x)
{
    struct claim_names n;
    hash_hex(x->key, sizeof(x->key), n.key);
    snprintf(n.fence, sizeof(n.fence), "%" PRIu64, x->fence);
    return n;
}

static bool ask_redis(struct worker *w, const struct wait *x, struct park_check *c)
{
    struct claim_names n = names_of(x);
    return redis_park(w->redis, wait_service_name(x), n.key, n.fence, c != NULL ? on_checked : NULL, c) == 0;
}

static void check(struct worker *w, struct partition *p, struct wait *x, enum park_act act)
{
    struct park_check *c = x->state == ENTRY_DOUBT && x->keyed ? calloc(1, sizeof(*c)) : NULL;
    if (c == NULL)
        return;
    *c = (struct park_check){.worker = w, .part = p, .place = x->place, .act = act, .next = w->checks};
    snprintf(c->service, sizeof(c->service), "%s", wait_service_name(x));
    if (c->next != NULL)
        c->next->prev = c;
    w->checks = c;
    if (redis_is_up(w->redis) && ask_redis(w, x, c))
        return;
    check_free(c);
    aside_call_back(p, x, act);
}

void park_check(struct worker *w, struct partition *p, struct wait *x)
{
    check(w, p, x, PARK_NO_ACT);
}

/* Redis says that this entry was sent: its own claim tells what is to become of it, whatever holds it back. An earlier owner had sent
 * it, and it was set aside here before it was claimed; or its RELEASE was lost; or that Redis is from before it. */
static void call_holder(struct worker *w, struct partition *p, const char *service, const char *holder)
{
    struct wait *x = waits_of_key(p->waits, service, holder);
    if (x != NULL && x->superseded)
        aside_call_superseded(p, x);
    if (x == NULL || x->busy)
        return;
    if (x->state == ENTRY_DOUBT)
        check(w, p, x, PARK_HOLDER); /* its lane may be let go: then it stays where it is; else it was claimed after it was written */
    else if (x->state != ENTRY_DEAD)
        aside_call_back(p, x, PARK_HOLDER);
}

void park_free_lane(struct worker *w, struct partition *p, const char *service, const char *holder)
{
    for (const struct wait *x = waits_first(p->waits, service); x != NULL; x = x->next)
        if (x->state == ENTRY_DOUBT && x->keyed && !x->busy)
            (void)ask_redis(w, x, NULL);
    call_holder(w, p, service, holder);
}

bool park_resolve_doubt(struct worker *w, struct job *j)
{
    struct work *k = j->work;
    int64_t left = j->doubt_since_ms + w->numbers->quarantine_ms - loop_now_ms(w->loop);
    if (left > 0) { /* its packet may still come */
        job_wait(w, j, left, false);
        return false;
    }
    bool applied = j->act == PARK_APPLIED;
    j->act = PARK_NO_ACT;
    if (j->act_step != park_step_mark(run_step(k->run))) { /* Redis has forgotten, or knew better, how far it came */
        park_doubt(w, j, "another_step");
        return false;
    }
    if (!applied) {
        j->doubt = j->doubt_all = false;
        return true;
    }
    snprintf(k->outcome.resolved, sizeof(k->outcome.resolved), "operator");
    k->changed = true;
    run_step_done(k->run);
    j->doubt = j->doubt_all && run_state(k->run) != RUN_END;
    call_advance(w, j);
    return false;
}

/* ---- dead ---- */

bool park_holds(const struct worker *w, const struct job *j)
{
    const struct work *k = j->work;
    return k->decoded && k->judged_ns != 0 && k->outcome.kind == OUTCOME_DEAD && !k->dropped && w->provider->park_dead;
}

/* ---- acts ---- */

static bool may_act(const struct partition *p, const struct wait *x)
{
    return p->phase == PART_OPEN && p->waits_ready && !x->busy && x->at >= 0;
}

bool park_release(struct partition *p, struct wait *x)
{
    if (!may_act(p, x) || x->state == ENTRY_DEAD || waits_blocker_of(x) != NULL)
        return false;
    aside_call_back(p, x, PARK_RELEASE);
    return true;
}

bool park_resolve(struct partition *p, struct wait *x, bool applied)
{
    if (!may_act(p, x) || x->state != ENTRY_DOUBT || x->reason != ENTRY_FOR_DOUBT)
        return false;
    aside_call_back(p, x, applied ? PARK_APPLIED : PARK_NOT_APPLIED);
    return true;
}

bool park_redrive(struct partition *p, struct wait *x)
{
    if (!may_act(p, x) || x->state != ENTRY_DEAD || waits_blocker_of(x) != NULL)
        return false;
    aside_call_back(p, x, PARK_REDRIVE);
    return true;
}

bool park_drop(struct partition *p, struct wait *x)
{
    if (!may_act(p, x) || x->state != ENTRY_DEAD)
        return false;
    aside_call_back(p, x, PARK_DROP);
    return true;
}

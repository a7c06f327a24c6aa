/* guard.c - the guard of each partition: core/guard.h counts, Redis keeps the count for the next owner.
 *
 * A watch is made before the first claim of a partition: its Redis answers in the order of the questions, so what earlier
 * owners cut, and how many accounts there are, is known before that claim is answered. Where Redis forgot it, the outcomes of the last
 * hour and the records say it. From then on the number of accounts follows what this owner decides, and is asked for again now and
 * then, before a claim, so that its answer is there before the claim's. */
#include <stdlib.h>

#include "core/guard.h"
#include "engine/aside.h"
#include "engine/state.h"

#define AGAIN_MS 200
#define RECOUNT_MS 60000

struct watch {
    struct watch *prev, *next; /* in worker.watches */
    struct worker *worker;
    struct partition *part; /* NULL: it went away; freed when what was asked has ended */
    struct guard *guard;
    struct redis_guard_load load;
    struct redis_guard_count count;
    int64_t accounts;        /* that exist */
    int64_t recount_ms;      /* loop time from which they are to be asked for again */
    bool loading, counting;
    bool held;              /* the last answer: said once */
};

static void watch_free(struct watch *s)
{
    *(s->prev != NULL ? &s->prev->next : &s->worker->watches) = s->next;
    if (s->next != NULL)
        s->next->prev = s->prev;
    guard_free(s->guard);
    free(s);
}

static void on_cut(void *arg, const char *service, int64_t ago_ms)
{
    struct watch *s = arg;
    int64_t now = loop_now_ms(s->worker->loop);
    if (s->part != NULL)
        guard_note(s->guard, service, now - ago_ms, now);
}

static void counted(struct watch *s, int64_t accounts)
{
    s->accounts = accounts;
    s->recount_ms = loop_now_ms(s->worker->loop) + RECOUNT_MS;
}

static void on_end(void *arg, enum redis_result res, int64_t accounts)
{
    struct watch *s = arg;
    s->loading = false;
    if (s->part != NULL && res == REDIS_OK) {
        counted(s, accounts);
        return;
    }
    if (s->part != NULL)
        s->part->watch = NULL; /* made anew before the next claim */
    watch_free(s);
}

/* Without an answer the last one stays until the next claim asks again. */
static void on_count(void *arg, enum redis_result res, int64_t accounts)
{
    struct watch *s = arg;
    s->counting = false;
    if (res == REDIS_OK)
        counted(s, accounts);
    else
        s->recount_ms = 0;
    if (s->part == NULL)
        watch_free(s);
}

void guard_recount(struct partition *p)
{
    struct watch *s = p->watch;
    if (s == NULL || s->loading || s->counting)
        return;
    s->counting = redis_guard_count(s->worker->redis, p->number, &s->count) == 0;
    if (!s->counting)
        s->recount_ms = 0;
}

void guard_account(struct partition *p, enum redis_account account)
{
    if (p->watch == NULL || account == REDIS_ACCOUNT_SAME)
        return;
    p->watch->accounts += account == REDIS_ACCOUNT_EXISTS ? 1 : -1;
}

void guard_watch(struct worker *w, struct partition *p)
{
    if (p->watch != NULL) {
        if (loop_now_ms(w->loop) >= p->watch->recount_ms)
            guard_recount(p);
        return;
    }
    struct watch *s = calloc(1, sizeof(*s));
    if (s == NULL)
        return;
    *s = (struct watch){.worker = w, .part = p, .guard = guard_new(), .load = {on_cut, on_end, s}, .count = {on_count, s}};
    s->next = w->watches;
    if (s->next != NULL)
        s->next->prev = s;
    w->watches = s;
    if (s->guard == NULL || redis_guard_load(w->redis, p->number, &s->load) != 0) {
        watch_free(s);
        return;
    }
    s->loading = true;
    p->watch = s;
}

void guard_unwatch(struct partition *p)
{
    struct watch *s = p->watch;
    p->watch = NULL;
    if (s == NULL)
        return;
    s->part = NULL;
    if (!s->loading && !s->counting)
        watch_free(s);
}

void guard_free_all(struct worker *w)
{
    /* The analyzer does not know that the first one has no `prev`, so that freeing it moves the head. */
    while (w->watches != NULL)
        watch_free(w->watches); /* NOLINT(clang-analyzer-unix.Malloc) */
}

void guard_saw(struct partition *p, const char *service, int64_t ago_ms)
{
    if (p->watch == NULL)
        return;
    on_cut(p->watch, service, ago_ms);
    (void)redis_guard_note(p->watch->worker->redis, p->number, service, NULL, NULL);
}

static void give_back(struct worker *w, struct job *j, int64_t wait_ms)
{
    call_release(w, j);
    job_wait(w, j, wait_ms, false);
}

static void say_held(struct worker *w, const struct partition *p, int64_t limit)
{
    if (!log_begin(w->log, LOG_LEVEL_ERROR, "guard_holds"))
        return;
    log_int(w->log, "partition", p->number);
    log_int(w->log, "accounts", p->watch->accounts);
    log_int(w->log, "accounts_an_hour", limit);
    log_str(w->log, "next", "further cuts are held until a person approves them");
    log_end(w->log);
}

/* ---- asked ---- */

static enum guard_answer ask(struct worker *w, const struct job *j, struct watch *s, bool is_paid)
{
    const char *service = j->work->event.service;
    int64_t now = loop_now_ms(w->loop);
    int64_t limit = guard_limit(&w->plan->guard, s->accounts, w->part_count);
    struct guard_approval paid = {.until_ms = INT64_MAX, .max = is_paid};
    enum guard_answer answer = guard_cut(s->guard, service, limit, &paid, now);
    if (answer == GUARD_APPROVED)
        wide_spend(j->part);
    if (answer == GUARD_HELD && !s->held)
        say_held(w, j->part, limit);
    s->held = answer == GUARD_HELD;
    return answer;
}

/* The next owner of the partition counts it: it may leave. */
static void on_noted(void *arg, enum redis_result res)
{
    struct job *j = arg;
    struct worker *w = j->worker;
    if (job_callback_is_late(w, j))
        return;
    if (res == REDIS_OK)
        claim_go_on(w, j);
    else
        give_back(w, j, AGAIN_MS);
}

static void note(struct worker *w, struct job *j)
{
    if (redis_guard_note(w->redis, j->part->number, j->work->event.service, on_noted, j) == 0)
        j->pending++;
    else
        give_back(w, j, AGAIN_MS);
}

/* A person said so, of this very event: only an act calls such an entry back. One from the input topic was only delivered again. */
static bool is_approved(const struct job *j)
{
    return j->from_entry && j->wait != NULL && j->wait->reason == ENTRY_FOR_GUARD;
}

static void on_released(void *arg, enum redis_result res)
{
    struct job *j = arg;
    struct worker *w = j->worker;
    if (job_callback_is_late(w, j))
        return;
    if (res != REDIS_OK) { /* it is claimed again, and looked at again */
        job_wait(w, j, AGAIN_MS, false);
        return;
    }
    telemetry_count(w->tel, COUNTER_GUARD_HELD, 1);
    aside_set(w, j, &(struct aside){.state = ENTRY_UNSENT, .reason = ENTRY_FOR_GUARD});
}

/* Set aside only when Redis has let its lane go, and by an owner past the quarantine. */
static void hold(struct worker *w, struct job *j)
{
    const struct work *k = j->work;
    job_go(w, j, JOB_CALLING);
    job_release_place(w, j);
    if (j->part->waits_ready && redis_release(w->redis, k->event.service, k->event.key, k->fence, on_released, j) == 0)
        j->pending++;
    else
        give_back(w, j, AGAIN_MS);
}

bool guard_stops(struct worker *w, struct job *j)
{
    struct watch *s = j->part->watch;
    if (!event_is_cut(j->work->event.type) || j->calls > 0 || is_approved(j))
        return false;
    if (s == NULL || s->loading) { /* its Redis was lost meanwhile */
        give_back(w, j, AGAIN_MS);
        return true;
    }
    bool is_paid = wide_pays(j->part);
    int64_t wait = is_paid ? wide_buy(j->part) : 0;
    if (wait > 0) {
        give_back(w, j, wait);
        return true;
    }
    switch (ask(w, j, s, is_paid)) {
    case GUARD_ALLOWED:
        note(w, j);
        return true;
    case GUARD_HELD:
        hold(w, j);
        return true;
    case GUARD_APPROVED:
        break;
    }
    return false;
}

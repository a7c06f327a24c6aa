/* guard.c - the guard of each partition: core/guard.h counts, Redis keeps the count for the next owner.
 *
 * A watch is made before the first claim of a partition: its Redis answers in the order of the questions, so what earlier
 * owners cut is known before that claim is answered. Where Redis forgot it, the outcomes of the last hour say it. */
#include <stdlib.h>

#include "core/guard.h"
#include "engine/state.h"

struct watch {
    struct worker *worker;
    struct partition *part; /* NULL: it went away; freed when the load has ended */
    struct guard *guard;
    struct redis_guard_load load;
    bool loading;
    bool held;              /* the last answer: said once */
};

static void watch_free(struct watch *s)
{
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

static void on_end(void *arg, enum redis_result res)
{
    struct watch *s = arg;
    s->loading = false;
    if (s->part != NULL && res == REDIS_OK)
        return;
    if (s->part != NULL)
        s->part->watch = NULL; /* made anew before the next claim */
    watch_free(s);
}

void guard_watch(struct worker *w, struct partition *p)
{
    if (p->watch != NULL)
        return;
    struct watch *s = calloc(1, sizeof(*s));
    if (s == NULL)
        return;
    *s = (struct watch){.worker = w, .part = p, .guard = guard_new(), .load = {on_cut, on_end, s}};
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
    if (!s->loading)
        watch_free(s);
}

void guard_saw(struct partition *p, const char *service, int64_t ago_ms)
{
    if (p->watch == NULL)
        return;
    on_cut(p->watch, service, ago_ms);
    (void)redis_guard_note(p->watch->worker->redis, p->number, service);
}

static void say_held(struct worker *w, const struct partition *p, int64_t limit)
{
    if (!log_begin(w->log, LOG_LEVEL_ERROR, "guard_holds"))
        return;
    log_int(w->log, "partition", p->number);
    log_int(w->log, "accounts_an_hour", limit);
    log_str(w->log, "next", "further cuts are held until a person approves them");
    log_end(w->log);
}

bool guard_allows(struct worker *w, const struct job *j, int64_t accounts, struct guard_approval *approval)
{
    const struct event *e = &j->work->event;
    struct watch *s = j->part->watch;
    if (!event_is_cut(e->type) || s == NULL)
        return true;
    int64_t limit = guard_limit(&w->plan->guard, accounts, w->part_count);
    enum guard_answer answer = guard_cut(s->guard, e->service, limit, approval, loop_now_ms(w->loop));
    if (answer == GUARD_ALLOWED)
        (void)redis_guard_note(w->redis, j->part->number, e->service);
    if (answer == GUARD_HELD) {
        telemetry_count(w->tel, COUNTER_GUARD_HELD, 1);
        if (!s->held)
            say_held(w, j->part, limit);
    }
    s->held = answer == GUARD_HELD;
    return answer != GUARD_HELD;
}

/* sim_loop.c - io/loop.h without a system below it: proc.c turns it, part by part, in the order of io/loop.c (I/O, timers,
 * hooks and deferred calls). Its objects are the seed's memory. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "io/loop.h"
#include "sim.h"

struct loop_timer {
    struct loop_timer *next;
    struct loop *loop;
    loop_fn *fn; /* NULL: freed */
    void *arg;
    int64_t due; /* SIM_NEVER: not started */
    uint64_t order;
};

struct loop_hook {
    struct loop_hook *next;
    loop_fn *fn; /* NULL: freed */
    void *arg;
};

struct loop_async {
    struct loop *loop;
    loop_fn *fn;
    void *arg;
    bool sent;
};

struct deferred {
    struct deferred *next;
    loop_fn *fn;
    void *arg;
};

struct loop {
    struct proc *proc;
    struct loop_timer *timers;
    struct loop_hook *hooks;
    struct deferred *first, *last;
    uint64_t order;
    bool known, wake, stopped, ended;
    int64_t now_ns;
};

struct loop *loop_new(struct err *reterr)
{
    (void)reterr;
    struct proc *p = sim_current_proc();
    struct loop *l = sim_alloc(p->sim, sizeof(*l));
    l->proc = p;
    p->loop = l;
    return l;
}

static bool run_deferred(struct loop *l)
{
    bool any = l->first != NULL;
    while (l->first) {
        struct deferred *d = l->first;
        l->first = d->next;
        if (!l->first)
            l->last = NULL;
        d->fn(d->arg);
    }
    return any;
}

void loop_free(struct loop *l)
{
    while (run_deferred(l))
        ;
}

/* proc.c runs it. */
void loop_run(struct loop *l)
{
    (void)l;
    abort();
}

void loop_stop(struct loop *l)
{
    l->stopped = true;
}

bool loop_has_stopped(const struct loop *l)
{
    return l->stopped;
}

static struct loop *not_const(const struct loop *l)
{
    return (struct loop *)(uintptr_t)l;
}

int64_t loop_now_ns(const struct loop *l)
{
    if (!l->known) {
        not_const(l)->now_ns = clock_mono_ns();
        not_const(l)->known = true;
    }
    return l->now_ns;
}

int64_t loop_now_ms(const struct loop *l)
{
    return loop_now_ns(l) / SIM_MS;
}

/* ---- timers ---- */

struct loop_timer *loop_timer_new(struct loop *l, loop_fn *fn, void *arg, struct err *reterr)
{
    (void)reterr;
    struct loop_timer *t = sim_alloc(l->proc->sim, sizeof(*t));
    *t = (struct loop_timer){.next = l->timers, .loop = l, .fn = fn, .arg = arg, .due = SIM_NEVER};
    l->timers = t;
    return t;
}

void loop_timer_start(struct loop_timer *t, int64_t after_ms)
{
    t->due = t->loop->proc->sim->now + (after_ms > 0 ? after_ms : 0) * SIM_MS;
    t->order = ++t->loop->order;
}

void loop_timer_stop(struct loop_timer *t)
{
    t->due = SIM_NEVER;
}

void loop_timer_free(struct loop_timer *t)
{
    if (!t)
        return;
    t->fn = NULL;
    for (struct loop_timer **at = &t->loop->timers; *at; at = &(*at)->next) {
        if (*at == t) {
            *at = t->next;
            return;
        }
    }
}

static struct loop_timer *first_due(const struct loop *l, int64_t now, uint64_t until)
{
    struct loop_timer *first = NULL;
    for (struct loop_timer *t = l->timers; t; t = t->next)
        if (t->due <= now && t->order <= until && (!first || t->due < first->due || (t->due == first->due && t->order < first->order)))
            first = t;
    return first;
}

/* One that starts itself again is not run twice in a turn. */
void loop_turn_timers(struct loop *l)
{
    uint64_t until = l->order;
    struct loop_timer *t;
    while (l->proc->alive && (t = first_due(l, l->proc->sim->now, until))) {
        t->due = SIM_NEVER;
        t->fn(t->arg);
    }
}

/* ---- hooks, deferred calls ---- */

struct loop_hook *loop_hook_new(struct loop *l, loop_fn *fn, void *arg, struct err *reterr)
{
    (void)reterr;
    struct loop_hook *h = sim_alloc(l->proc->sim, sizeof(*h));
    *h = (struct loop_hook){.fn = fn, .arg = arg};
    struct loop_hook **at = &l->hooks;
    while (*at)
        at = &(*at)->next;
    *at = h;
    return h;
}

void loop_hook_free(struct loop_hook *h)
{
    if (h)
        h->fn = NULL;
}

static void sweep_hooks(struct loop *l)
{
    struct loop_hook **at = &l->hooks;
    while (*at) {
        if ((*at)->fn)
            at = &(*at)->next;
        else
            *at = (*at)->next;
    }
}

enum { END_ROUNDS_MAX = 16 };

void loop_turn_end(struct loop *l)
{
    int rounds = 0;
    do {
        for (struct loop_hook *h = l->hooks; h && l->proc->alive; h = h->next)
            if (h->fn)
                h->fn(h->arg);
        if (++rounds == END_ROUNDS_MAX) {
            l->wake = true;
            break;
        }
    } while (l->proc->alive && run_deferred(l));
    sweep_hooks(l);
}

void loop_turn_sleep(struct loop *l, bool *ret_wake, int64_t *ret_due)
{
    *ret_wake = l->wake;
    l->wake = l->known = false;
    *ret_due = SIM_NEVER;
    for (const struct loop_timer *t = l->timers; t; t = t->next)
        if (t->due < *ret_due)
            *ret_due = t->due;
}

void loop_wake(struct loop *l)
{
    l->wake = true;
}

void loop_defer(struct loop *l, loop_fn *fn, void *arg)
{
    struct deferred *d = sim_alloc(l->proc->sim, sizeof(*d));
    *d = (struct deferred){.fn = fn, .arg = arg};
    *(l->last ? &l->last->next : &l->first) = d;
    l->last = d;
}

/* ---- wake-ups ---- */

struct loop_async *loop_async_new(struct loop *l, loop_fn *fn, void *arg, struct err *reterr)
{
    (void)reterr;
    struct loop_async *a = sim_alloc(l->proc->sim, sizeof(*a));
    *a = (struct loop_async){.loop = l, .fn = fn, .arg = arg};
    return a;
}

static void on_async(void *arg)
{
    struct loop_async *a = arg;
    a->sent = false;
    if (a->fn)
        a->fn(a->arg);
}

void loop_async_send(struct loop_async *a)
{
    if (!a->sent)
        proc_post(a->loop->proc, on_async, a);
    a->sent = true;
}

void loop_async_free(struct loop_async *a)
{
    if (a)
        a->fn = NULL;
}

/* proc.c - one life of a worker process: its turns, its crash, its pauses. A turn is I/O, timers, hooks; a crash or a pause
 * may fall between any two callbacks of the I/O and between the parts, and a crash also in the middle of a callback.
 *
 * Nothing jumps out of a callback: from the crash on the io does nothing any more (proc.alive), so the world sees nothing of
 * what the callback still does, and its memory is freed once it has returned. */
#include <stdio.h>
#include <string.h>

#include "engine/state.h"
#include "kafka.h"
#include "oracle.h"
#include "proc_name.h"
#include "sim.h"

enum phase { PHASE_IO, PHASE_TIMERS, PHASE_END };

void proc_name(const struct proc *p, char *ret, size_t size)
{
    snprintf(ret, size, "w%u.%u", p->slot, p->life);
}

/* ---- waking ---- */

static void turn(struct proc *p);

static void on_wake(struct sim *s, void *arg)
{
    struct proc *p = arg;
    if (p->wake_at != s->now)
        return; /* it was woken earlier meanwhile */
    p->wake_at = SIM_NEVER;
    if (p->alive && !p->paused)
        turn(p);
}

void proc_wake(struct proc *p, int64_t at)
{
    struct sim *s = p->sim;
    if (at < s->now)
        at = s->now;
    if (!p->alive || p->paused || at >= p->wake_at)
        return;
    p->wake_at = at;
    sim_after(s, at - s->now, on_wake, p);
}

void proc_post(struct proc *p, sim_call *fn, void *arg)
{
    if (!p->alive)
        return;
    struct closure *c = sim_alloc(p->sim, sizeof(*c));
    *c = (struct closure){.fn = fn, .arg = arg};
    *(p->last ? &p->last->next : &p->first) = c;
    p->last = c;
    proc_wake(p, p->sim->now);
}

struct late_post {
    struct proc *p;
    sim_call *fn;
    void *arg;
};

static void on_late_post(struct sim *s, void *arg)
{
    (void)s;
    struct late_post *l = arg;
    proc_post(l->p, l->fn, l->arg);
}

void proc_post_after(struct proc *p, int64_t after, sim_call *fn, void *arg)
{
    struct late_post *l = sim_alloc(p->sim, sizeof(*l));
    *l = (struct late_post){p, fn, arg};
    sim_after(p->sim, after, on_late_post, l);
}

/* ---- the end of a life ---- */

static void on_start_again(struct sim *s, void *arg)
{
    struct proc *old = arg;
    if (s->ending)
        return;
    s->restarts++;
    proc_start(s, old->slot);
}

static void end_of_life(struct proc *p)
{
    struct sim *s = p->sim;
    p->alive = false;
    oracle_proc_ended(s, p, p->poisoned);
    sim_after(s, sim_range(s, 500, s->healed ? 2000 : 20000) * SIM_MS, on_start_again, p);
}

/* A crash frees nothing, but this process lives on. */
static void free_life(struct proc *p)
{
    struct proc *before = p->sim->current;
    p->sim->current = p;
    partitions_forget_all(p->worker);
    worker_free(p->worker);
    p->sim->current = before;
    p->worker = NULL;
}

void proc_crash(struct proc *p, const char *why)
{
    if (!p->alive)
        return;
    sim_note(p->sim, p, "crash", why, -1, -1);
    p->sim->crashes++;
    kafka_proc_gone(p);
    end_of_life(p);
    if (p->sim->current != p)
        free_life(p);
}

/* The drain is through. */
static void finish(struct proc *p)
{
    loop_turn_end(p->loop);
    if (!p->alive)
        return;
    worker_end(p->worker);
    sim_note(p->sim, p, "stopped", "", -1, -1);
    sim_mark(p->sim, MARK_DRAINED);
    end_of_life(p);
}

/* ---- a turn ---- */

bool proc_goes_on(struct proc *p)
{
    if (p->pause_ns > 0)
        proc_pause(p, p->pause_ns);
    p->pause_ns = 0;
    return p->alive && !p->paused && !p->sim->failure[0];
}

static bool turn_io(struct proc *p)
{
    struct closure *until = p->last;
    bool last = until == NULL;
    while (!last) {
        struct closure *c = p->first;
        last = c == until;
        p->first = c->next;
        if (!p->first)
            p->last = NULL;
        c->fn(c->arg);
        if (!proc_goes_on(p))
            return false;
    }
    return true;
}

static void sleep_again(struct proc *p)
{
    bool wake;
    int64_t due;
    loop_turn_sleep(p->loop, &wake, &due);
    int64_t soonest = p->sim->now + 50 * SIM_US; /* a turn takes its time */
    if (wake || p->first)
        due = soonest;
    if (due != SIM_NEVER)
        proc_wake(p, due < soonest ? soonest : due);
}

static void turn_parts(struct proc *p)
{
    if (p->phase == PHASE_IO && !turn_io(p))
        return;
    p->phase = PHASE_TIMERS;
    loop_turn_timers(p->loop);
    if (!proc_goes_on(p))
        return;
    p->phase = PHASE_END;
    loop_turn_end(p->loop);
    if (!proc_goes_on(p))
        return;
    p->phase = PHASE_IO;
    if (loop_has_stopped(p->loop))
        finish(p);
    else
        sleep_again(p);
}

/* A turn that a pause cut short goes on where it was, with the time that it had read. */
static void turn(struct proc *p)
{
    p->sim->current = p;
    turn_parts(p);
    p->sim->current = NULL;
    if (!p->alive)
        free_life(p);
    oracle_log(p->sim, p);
}

/* ---- birth ---- */

struct proc *proc_start(struct sim *s, unsigned slot)
{
    struct proc *p = sim_alloc(s, sizeof(*p));
    struct proc *old = s->slots[slot];
    *p = (struct proc){.sim = s, .slot = slot, .life = old ? old->life + 1 : 1, .alive = true, .wake_at = SIM_NEVER};
    snprintf(p->host, sizeof(p->host), "host%u", slot);
    p->pid = s->cfg.on[FAULT_SAME_PID] ? 1 : (int)(100 + s->lives++);
    p->real_offset_ms = old ? old->real_offset_ms : 0;
    if (!old && s->cfg.on[FAULT_CLOCK])
        p->real_offset_ms = sim_range(s, -60000, 60000);
    s->slots[slot] = p;
    struct worker_options o = {
        .settings = s->env->settings,
        .provider = s->env->provider,
        .schemas = s->env->schemas,
        .acts = s->env->acts,
        .log = s->env->log,
        .plan = s->env->plan,
        .index = 0,
    };
    struct err e = {0};
    s->current = p;
    p->worker = worker_new(&o, &e);
    if (!p->worker)
        sim_broken(s, "a worker could not be made: %s", e.msg);
    else
        worker_begin(p->worker);
    s->current = NULL;
    sim_note(s, p, "started", p->host, p->pid, -1);
    proc_wake(p, s->now);
    return p;
}

/* ---- pauses, drains, poison ---- */

struct pause {
    struct proc *p;
    unsigned number;
};

static void on_resume(struct sim *s, void *arg)
{
    struct pause *pause = arg;
    struct proc *p = pause->p;
    if (!p->alive || !p->paused || p->pauses != pause->number)
        return;
    p->paused = false;
    sim_note(s, p, "goes on", "", -1, -1);
    kafka_proc_resumed(p);
    proc_wake(p, s->now);
}

void proc_pause(struct proc *p, int64_t ns)
{
    if (!p->alive || p->paused)
        return;
    sim_note(p->sim, p, "paused", "ms", ns / SIM_MS, -1);
    struct pause *pause = sim_alloc(p->sim, sizeof(*pause));
    *pause = (struct pause){p, ++p->pauses};
    p->paused = true;
    p->wake_at = SIM_NEVER;
    kafka_proc_paused(p);
    sim_after(p->sim, ns, on_resume, pause);
}

void proc_drain(struct proc *p)
{
    if (!p->alive || p->leaving)
        return;
    p->leaving = true;
    sim_note(p->sim, p, "told to stop", "", -1, -1);
    worker_drain(p->worker);
}

void proc_poison(struct proc *p)
{
    p->poisoned = true;
    sim_mark(p->sim, MARK_POISONED);
    proc_crash(p, "poisoned");
}

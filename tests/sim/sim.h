/* sim.h - a whole installation in one thread: what its files share. tests/sim/README.md tells how it works.
 *
 * A struct sim is one seed: one virtual clock, one random generator, one queue of what will happen, and memory that is
 * freed as a whole at the end (sim_alloc()), so that nothing in it is ever freed singly or dangles. A struct proc is one
 * life of one worker process: the real engine on a simulated loop. Times are nanoseconds of the virtual clock unless the
 * name says otherwise. */
#ifndef TVB_SIM_SIM_H
#define TVB_SIM_SIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/attr.h"
#include "base/log.h"
#include "contract/act.h"
#include "contract/event.h"
#include "contract/settings.h"
#include "engine/plan.h"
#include "faults.h"
#include "marks.h"

#define SIM_US INT64_C(1000)
#define SIM_MS INT64_C(1000000)
#define SIM_S INT64_C(1000000000)
#define SIM_NEVER INT64_MAX
#define PERSONAL "Zq-" /* begins what is a secret or says who somebody is: events, answers, settings.yaml */

struct sim;
struct proc;
struct loop;
struct kafka;
struct rserver;
struct platform;
struct oracle;
struct seen_pace;
struct seen_counts;
struct lua_State;

/* What all seeds share: loaded once. */
struct sim_env {
    struct settings *settings;
    struct settings_provider *provider;
    struct settings_numbers numbers; /* as the settings say */
    struct event_schemas *schemas;
    struct act_schemas *acts;
    struct plan *plan;
    struct lua_State *lua;
    struct log_sink *log;
    int log_fd; /* a file in memory */
};

/* How the seed's world is. Chosen by scenario.c. */
struct scenario {
    bool on[FAULT_COUNT];
    unsigned workers, services, events;
    int32_t partitions;
    int64_t publish_ms;   /* over how long the events come */
    int64_t faults_ms;    /* when the faults stop */
    unsigned mix[11];      /* weights of the kinds of events below KIND_MIXED */
    unsigned http_bad;    /* of 1000 calls, for each http fault that is on */
    unsigned wire_bad;    /* of 1000 messages, for each lost-message fault that is on */
    unsigned in_flight;
    int64_t net_us;       /* typical latency */
    int64_t calm_ms;      /* between two mischiefs, at most */
    bool by_offset;       /* some services send no sequence */
    unsigned guard;       /* accounts that may be cut in an hour; 0: any number */
    unsigned guard_percent; /* of all */
};

struct sim_event {
    int64_t at;
    uint64_t seq;
    void (*fn)(struct sim *s, void *arg);
    void *arg;
};

struct sim {
    struct sim_env *env;
    struct scenario cfg;
    uint64_t seed, random, hash, steps;
    int64_t now;
    struct sim_event *queue;
    size_t queued, queue_cap;
    uint64_t next_seq;
    struct sim_block *blocks;
    struct proc *current;       /* whose code runs */
    struct proc **slots;        /* the present life of each worker */
    unsigned slot_count, lives;
    struct kafka *kafka;
    struct rserver *redis;
    struct platform *platform;
    struct oracle *oracle;
    bool healed;                /* the faults have stopped */
    bool ending;                /* all is settled: the workers are drained */
    bool tracing;
    FILE *out;
    char failure[512];          /* "": none */
    uint32_t marks[MARK_COUNT];
    uint32_t crashes, restarts;
    unsigned letters;           /* that billing has still to write */
    unsigned entries_seen;      /* operator.c */
    unsigned acts, acts_said;   /* that the operator has still to write; that he has */
    unsigned points[POINT_COUNT]; /* passes of each point until something happens there; 0: nothing does */
};

/* ---- sim.c: time, chance, memory ---- */
void sim_init(struct sim *s, struct sim_env *env, uint64_t seed);
void sim_fini(struct sim *s); /* ends the seed; its memory is kept for the next */
void sim_free(struct sim *s); /* gives that back too */
/* @fn(@arg) at @after from now. What it needs must be alive then: it is never called off. */
void sim_after(struct sim *s, int64_t after, void (*fn)(struct sim *s, void *arg), void *arg);
/* Does the next thing. False: nothing is left, or an invariant is broken. */
bool sim_step(struct sim *s);
void *sim_alloc(struct sim *s, size_t size); /* zeroed; freed with the seed */
char *sim_copy(struct sim *s, const void *data, size_t len); /* NUL behind; NULL stays NULL */
uint64_t sim_random(struct sim *s);
/* What the seed says of @what: the same always, and apart from the numbers above, which it does not move on. */
uint64_t sim_pick(const struct sim *s, uint64_t what);
int64_t sim_range(struct sim *s, int64_t low, int64_t high); /* both included */
bool sim_chance(struct sim *s, unsigned per_mille);
/* A fault of that kind now? Never after the faults have stopped. */
bool sim_fault(struct sim *s, enum trouble f, unsigned per_mille);
/* A usual way over the network. */
int64_t sim_latency(struct sim *s);
void sim_mark(struct sim *s, enum mark m);
/* An invariant is broken: the first one ends the seed. */
void sim_broken(struct sim *s, const char *fmt, ...) ATTR_PRINTF(2, 3);
/* A step of the trace: always in the hash, printed only when tracing. @p may be NULL. */
void sim_note(struct sim *s, const struct proc *p, const char *what, const char *text, int64_t a, int64_t b);

/* ---- sim_clock.c: the engine's clocks and what else it asks the system ---- */
void sim_clock_use(struct sim *s);
struct proc *sim_current_proc(void); /* whose code runs */
int64_t sim_real_ms(const struct sim *s); /* the true time, as Redis and Kafka have it */

/* ---- proc.c: a worker process ---- */
typedef void sim_call(void *arg);

struct closure {
    struct closure *next;
    sim_call *fn;
    void *arg;
};

struct worker;
struct consumer;

struct proc {
    struct sim *sim;
    unsigned slot, life;
    char host[24];
    int pid;
    int64_t real_offset_ms;
    bool alive;   /* false: has ended or crashed; its io does nothing any more, though a callback may be under way */
    bool paused;  /* SIGSTOP */
    bool poisoned; /* by an event: its crash is nobody else's */
    bool leaving; /* told to drain */
    unsigned pauses;
    int64_t pause_ns; /* that begins once the present callback has returned; 0: none */
    struct loop *loop;
    struct worker *worker;
    struct consumer *consumer;
    struct closure *first, *last; /* I/O that has come */
    unsigned phase;
    int64_t wake_at;
    unsigned in_flight; /* calls that have left and are waited for */
    struct seen_pace *pace; /* oracle_pace.c */
    struct seen_counts *counts; /* oracle_count.c */
};

struct proc *proc_start(struct sim *s, unsigned slot);
void proc_crash(struct proc *p, const char *why); /* at once, also in the middle of one of its callbacks */
void proc_pause(struct proc *p, int64_t ns);
void proc_drain(struct proc *p);
bool proc_goes_on(struct proc *p); /* false: nothing of this turn comes after the callback that has just returned */
/* I/O for it: @fn runs on its loop, now or when it wakes from a pause; never once it is dead. */
void proc_post(struct proc *p, sim_call *fn, void *arg);
void proc_post_after(struct proc *p, int64_t after, sim_call *fn, void *arg);
void proc_wake(struct proc *p, int64_t at);
void proc_poison(struct proc *p); /* an event kills it */

/* ---- points.c: the named places of base/crash_point.h ---- */
void points_choose(struct sim *s); /* at which of them, and at which pass, this seed crashes or pauses */

/* ---- sim_loop.c, for proc.c ---- */
bool loop_has_stopped(const struct loop *l);
/* The parts of a turn. */
void loop_turn_timers(struct loop *l);
void loop_turn_end(struct loop *l);
void loop_turn_sleep(struct loop *l, bool *ret_wake, int64_t *ret_due);

#endif

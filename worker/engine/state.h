/* state.h - what the engine's files share of one worker. Private to engine/.
 *
 * A job is one event on its way. While it only waits (in its lane, or for its next try) it is just its
 * bytes; what it needs at work (decoded event, record, run) is a struct work, which exists from the moment it has a
 * place in the limit until it is settled or waits again. So memory follows the calls in flight and the claims ahead of them, not the backlog. */
#ifndef TVB_ENGINE_STATE_H
#define TVB_ENGINE_STATE_H

#include <jansson.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "contract/act.h"
#include "contract/commit_meta.h"
#include "contract/deadletter.h"
#include "contract/event.h"
#include "contract/outcome.h"
#include "contract/record.h"
#include "contract/settings.h"
#include "contract/topics.h"
#include "core/adapt.h"
#include "core/breaker.h"
#include "core/budget.h"
#include "core/guard.h"
#include "core/heap.h"
#include "core/job.h"
#include "core/judge.h"
#include "core/bits.h"
#include "core/lanes.h"
#include "core/leases.h"
#include "core/limit.h"
#include "core/offsets.h"
#include "core/waits.h"
#include "core/turns.h"
#include "engine/plan.h"
#include "engine/telemetry.h"
#include "engine/worker.h"
#include "io/consumer.h"
#include "io/http.h"
#include "io/loop.h"
#include "io/producer.h"
#include "io/reader.h"
#include "io/redis.h"
#include "workflow/run.h"

#define FENCE_SIZE COMMIT_META_FENCE_SIZE

/* What a new owner knows of a partition. Claims go only when it is open. */
enum part_phase {
    PART_NEW,        /* nothing yet; or Redis is away, or a read failed: again soon */
    PART_CATCHING,   /* Redis knows what was sent: outcomes that it was not told of are read */
    PART_QUIET,      /* Redis does not know: until no other owner can send */
    PART_RECORDS,    /* records are merged into Redis */
    PART_OUTCOMES,   /* outcomes of the whole id_memory are merged */
    PART_ENDING,     /* the partition's end is asked for */
    PART_ENTRIES,    /* the index of the waiting topic is read */
    PART_DELIVERING, /* until all that may have been sent has come from Kafka */
    PART_OPEN,
};

struct merging; /* takeover.c */
struct park_check; /* park.c */

struct watch;   /* guard.c */

struct control; /* acts.h */

/* One assigned partition. */
struct partition {
    int32_t number;
    bool paused;
    bool dirty;          /* the watermark or the map moved since the last commit */
    bool in_commit;      /* is in the commit that is under way */
    int64_t ceiling;     /* durable: no event at or past it was ever sent by anyone */
    int64_t ceiling_asked; /* of the commit under way, or of one whose end is not known */
    int64_t top;         /* one above what may have been sent */
    int64_t out;         /* where a new owner begins to read outcomes, as inherited; -1: not known */
    int64_t out_end;     /* one above the newest outcome that is known to be written; -1: not known */
    int64_t out_read;    /* all below it was read into Redis, or is this assignment's own; -1: nothing yet */
    bool out_quiet;      /* no other owner publishes any more: what he did was read after the quarantine */
    struct bits *own;    /* until then: offsets from out_read on that are this assignment's own */
    char redis[COMMIT_META_REDIS_SIZE]; /* the Redis that knows all that was sent */
    /* takeover.c */
    enum part_phase phase;
    int64_t phase_ms;    /* CLOCK_BOOTTIME */
    int64_t again_ms;    /* PART_NEW: not before phase_ms + this */
    bool had_commit, had_meta; /* of an earlier owner */
    bool known;          /* it was open: this worker knows what was sent of all that it has claimed */
    int64_t inherited;   /* the ceiling as it was inherited: an earlier owner may have sent what is below it */
    bool quiet;          /* PART_QUIET is over */
    struct merging *merging;
    uint64_t merged;
    int64_t doubt_end;   /* events below it may have been sent by an earlier owner, though Redis may not know */
    bool end_read;       /* it is no further than the partition's end was when no earlier owner could send any more */
    int64_t delivered_next;
    size_t presumed;     /* jobs of which that is so and that were not claimed since */
    /* aside.h */
    struct worker *worker;
    struct waits *waits;
    struct reader_read *waits_read; /* of the waiting topic, whatever for; NULL: none */
    int64_t waits_end;   /* the index knows the topic up to it */
    uint64_t waits_fence; /* the highest that was read there */
    bool waits_loaded;   /* the index is there: claims may go */
    bool waits_ready;    /* read again after the quarantine: entries may be called back */
    bool waits_swept;
    size_t wanted;       /* entries to be read */
    int64_t wanted_from; /* none of them stands below */
    struct offsets *offsets;
    struct watch *watch; /* guard.c; NULL: none yet */
    struct control *control; /* acts.c */
};

/* What a job holds of the provider's limit. */
enum place {
    PLACE_NONE,
    PLACE_AHEAD, /* claimed, or being claimed: may wait for a slot */
    PLACE_SLOT,
};

/* What a person's act does with an entry: park.c. */
enum park_act {
    PARK_NO_ACT,
    PARK_RELEASE,     /* tried again now */
    PARK_APPLIED,     /* the doubtful request was carried out */
    PARK_NOT_APPLIED, /* it was not: sent again */
    PARK_REDRIVE,     /* dead: tried again in the next round */
    PARK_DROP,        /* dead: never tried again */
    PARK_SUPERSEDED,  /* nobody's act: a newer event that covers it was applied. Its claim will say so; dead, it is closed */
    PARK_HOLDER,      /* nobody's act: Redis says that it was sent, and its lane waits for what its claim says */
    PARK_REWRITE,     /* nobody's act: a write of an earlier owner came too late and overwrote it */
};

/* How an event is set aside. */
struct aside {
    enum entry_state state;
    enum entry_reason reason;
    struct entry_place behind; /* with ENTRY_FOR_BEHIND */
    int64_t release_at_ms;     /* Unix ms; 0: not by the clock */
    bool notice;               /* billing is told; aside_set() decides */
    bool drop;                 /* a person drops it: its tombstone is written, and nothing else */
    bool claimed;              /* Redis lets its lane wait until the entry is there */
};

/* What a job needs while it is at work. Pooled. */
struct work {
    struct work *next_free;
    struct event event;
    bool decoded;
    struct plan *plan;       /* the plan that the run was started with */
    struct run *run;         /* NULL before the claim and when the claim answered by itself */
    json_t *record;          /* as the last claim gave it */
    json_t *run_record;      /* as the claim gave it that the run was started with, where that is an older one */
    char order[ORDER_TEXT_SIZE];
    char offset[21];         /* decimal text */
    char fingerprint[2 * HASH_SHA256_SIZE + 1];
    char fence[FENCE_SIZE];
    unsigned redis_life;     /* of the claim: worker.redis_life */
    enum place place;
    bool changed;            /* a step that changes something is done: STEP before the next one, and the run is kept */
    bool called;             /* a request left since the last claim: each further one takes a token of the rate */
    uint32_t ticket;         /* of the call, for the breaker */
    struct http_call *call;
    struct outcome outcome;
    struct buf facts;        /* outcome facts for Redis */
    struct buf record_text;  /* record after it; empty: no record is published */
    enum redis_account account; /* what that changes */
    bool dead_letter;
    enum dead_reason dead_reason;
    struct fault fault;      /* why the event is refused: for the dead letter */
    unsigned unacked;        /* messages that are not acknowledged */
    int64_t out_floor;       /* its outcome stands at or past it; -1: not known */
    bool ack_failed;
    json_t *parts;           /* snapshot.c: the events that are to be published before it is decided, owned; NULL: none */
    size_t parts_sent;       /* so many of them are acknowledged */
    bool published;          /* outcome, record and dead letter are acknowledged: its entry is left */
    bool buried;             /* the tombstone of its entry, or the entry of a dead one, was sent */
    bool dropped;            /* it died before, and was closed since */
    bool decided_before;     /* its claim said what became of it */
    bool owes_decide;        /* Redis was away: it is told when all is published */
    struct aside aside;      /* JOB_ASIDE */
    int64_t started_ns, claimed_ns, judged_ns; /* loop time */
    int64_t slot_ns;         /* waited for a slot, before and after the claim */
    int64_t call_ns;         /* in calls, all tries of this claim */
    int64_t call_started_ns;
};

struct job {
    struct lane_item item;   /* first: a job is found from its item */
    struct heap_item timer;
    struct worker *worker;   /* callbacks get the job alone */
    struct partition *part;  /* NULL: dropped */
    int32_t partition;
    int64_t offset;
    int64_t came_ms;         /* when Kafka says that the event came, Unix ms, the same for ever; 0: it does not say */
    enum job_state state;
    struct wait *wait;       /* its entry of the index; NULL: none */
    bool from_entry;         /* it came from the waiting topic: its offset is settled */
    bool is_sending;         /* and its entry says so */
    bool released;           /* its date has come, or a person does not wait for it */
    unsigned round;          /* of an entry; 0: the first */
    bool round_decided;      /* Redis says so: what it keeps is the outcome of that round */
    enum park_act act;       /* what its entry was called back for, until it is carried out: a word on its doubt, or PARK_SUPERSEDED */
    uint32_t act_step;       /* park_step_mark() of the step that the word is about */
    bool steps_known;        /* its entry says up to which step it is done */
    char *steps;             /* run_save() text of its entry, or for it; NULL: none. Owned */
    size_t steps_len;
    unsigned pending;        /* callbacks that still come: the job lives until they have */
    struct work *work;
    struct job *next_listed; /* in worker.claimed or worker.gathering */
    struct job *prev, *next; /* in worker.active: all that are neither queued nor waiting */
    int64_t arrived_ns;      /* loop time */
    int64_t ready_ns;        /* head of its lane since: loop time; 0: not yet */
    int64_t first_try_ms;    /* when the first try that counted failed, pace_up_ms(); 0: none */
    uint64_t goods_seen;     /* worker.goods when this try began */
    uint64_t asked;          /* the `probe` that tells whether the last failure counts */
    uint32_t own_goods;      /* of these, answers to this event's own requests since then */
    int64_t doubt_since_ms;  /* when the doubtful request left, loop time */
    uint8_t tries;           /* that counted against the event */
    uint8_t failures;        /* all: for the growing delay */
    bool uncounted;          /* the last failure counts only if the provider turns out to be there */
    uint8_t calls;           /* that left, for the outcome */
    bool doubt;              /* a request of this event may have been done */
    bool doubt_all;          /* any step may have been done: nobody knows which it came to */
    bool doubt_forgotten;    /* it was claimed in a Redis that had forgotten what became of it */
    uint8_t crashes_told;    /* isolate.c: logged so far */
    bool was_doubt;          /* ever: what is found done then was done by us */
    bool doubt_own;          /* it was sent by this worker under this claim */
    bool doubt_safe;         /* a request of class `safe` was in doubt: its packet may come late */
    bool claimed_before;
    bool again;              /* the next try is a retry */
    uint16_t outage;         /* pace.outages when it failed last */
    bool restores;           /* as far as its type can be seen before it is decoded */
    bool verify, verifies;   /* it has to ask what came of its call; and has one of the slots for that */
    bool tombstone;          /* the message has no value */
    bool not_sent;           /* by an earlier owner: one before it in its lane was claimed since */
    bool may_cover;          /* supersede.c: the lane's first one, or one that covers it: may have been sent all the same */
    bool looked;             /* claim.c: Redis has said whether it is decided */
    unsigned decided_life;   /* worker.redis_life + 1 when it said that it is; 0: it did not */
    bool goes_first;         /* the next claim of its lane is its own, whatever covers it */
    bool presumed;           /* may have been sent though this Redis does not know: partition.presumed counts it */
    bool auth_checked;       /* our credentials were found good after it was refused with 401 */
    uint8_t type;            /* enum event_type, as far as it can be seen before it is decoded; else EVENT_TYPE_COUNT */
    uint64_t names;          /* supersede.c: event_peek_names(); 0: not known */
    uint32_t axes_bits;      /* supersede.c: a bit for each of its axes; 0: not known */
    char (*covered)[EVENT_KEY_SIZE]; /* keys of the older ones that wait for what comes of it; NULL: none */
    uint32_t covered_count;
    unsigned covered_life;   /* worker.redis_life when it passed them */
    struct job *kept_prev, *kept_next;
    bool kept;               /* it waits in its lane, and has its event decoded: worker.kept_first */
    int64_t passed_by;       /* it is one of those; the other's offset + 1 */
    int64_t asked_by;        /* the other's claim, which does not wait for it, asks whether it is decided; that one's offset + 1 */
    uint32_t size;           /* of the whole block */
    uint32_t key_len, value_len;
    uint16_t header_count;
    char bytes[];            /* key, NUL, value, NUL, then each header: name, NUL, length (4), value */
};

/* A workflow run that belongs to no event: authenticate, probe, x-confirm. */
struct errand;

/* Whether events are taken from Kafka, by the window's bytes. Pausing throws away what librdkafka has fetched ahead, so a
 * full window first only holds back for a moment: with a provider that keeps up it is soon not full any more. */
enum intake_flow { FLOW_OPEN, FLOW_HELD, FLOW_PAUSED };

/* Jobs in the order in which they came. To be in a list counts as a callback that still comes: a job that is dropped lives
 * on until its turn. */
struct job_list {
    struct job *first, *last;
    unsigned n;
};

/* Events whose outcome is to be published. */
struct gathering {
    struct job_list jobs;
    int64_t since_ms; /* loop time of the first */
    bool urgent;
};

enum drain_why { DRAIN_NONE, DRAIN_REVOKE, DRAIN_STOP };

/* How hard the provider is called. Of pace.c alone. */
struct pace {
    struct breaker breaker;
    struct budget budget;
    struct adapt adapt;
    struct turns turns;
    struct errand *probe;    /* the breaker's */
    unsigned verifying;      /* jobs with `verifies` */
    bool out_of_budget;
    uint16_t outages;        /* that are over */
    int64_t down_since_ms;   /* the breaker is not closed since then: loop time */
    int64_t down_ms;         /* how long it was so before */
};

struct worker {
    struct worker_options o;
    const struct settings_provider *provider;
    const struct settings_numbers *numbers;
    struct plan *plan;
    struct loop *loop;
    struct loop_hook *turn;
    struct loop_timer *timer; /* for the heap and the housekeeping */
    struct loop_timer *commit_timer;
    struct loop_async *wake;
    struct consumer *consumer;
    struct producer *producer;
    struct redis *redis;
    struct reader *reader;
    struct merging *mergings; /* takeover.c: all of them */
    struct park_check *checks; /* park.c: all of them */
    struct control *controls; /* acts.c: all of them */
    struct watch *watches;    /* guard.c: all of them */
    unsigned merges_pending;  /* takeover.c: what they asked Redis for and have no reply to */
    unsigned redis_life;      /* counts how often Redis forgot */
    struct http *http;
    struct log *log;
    struct metrics *metrics;
    struct telemetry *tel;
    struct lanes *lanes;
    struct heap timers;
    struct limit limit;
    struct leases leases;    /* slots.c */
    struct redis_slots slots; /* what was asked last */
    int64_t slots_wait_ms;   /* until something is to be asked by the clock alone; INT64_MAX: not */
    struct pace pace;
    struct job *active;
    unsigned active_count;
    struct work *free_works;
    struct job *kept_first, *kept_last; /* job_keep_work(), the one whose work was needed last at the end */
    unsigned kept_count;
    struct partition **parts; /* by partition number; NULL: not ours */
    int32_t part_count, assigned;
    size_t window_bytes;      /* of all jobs */
    enum intake_flow flow;
    int64_t held_ms;          /* loop time when it became FLOW_HELD */
    unsigned assignment;      /* number of the assignment: part of the owner's name */
    char name[176];           /* of this life */
    char owner[192];          /* that, and the assignment */
    char fence[FENCE_SIZE];   /* highest seen */
    char topic[TOPIC_KIND_COUNT][TOPIC_NAME_SIZE];
    struct job_list claimed; /* JOB_CLAIMED */
    struct job_list isolating; /* JOB_WAITING until nothing else is at work */
    struct job *alone;       /* isolate.c: the only one that is at work; NULL: no such rule now */
    struct job_list uncovered; /* JOB_QUEUED, heads of their lanes: at or past their partition's ceiling */
    struct job_list stopped; /* the same, because an operator's act holds them up */
    struct gathering gathering;
    struct buf scratch, metadata;
    uint64_t random;          /* state of the jitter's generator */

    /* commits.c; CLOCK_BOOTTIME */
    int64_t assigned_ms;      /* when this assignment began */
    int64_t proven_ms;        /* when the last acknowledged commit of this assignment began; 0: none yet */
    int64_t commit_began_ms;  /* the one that is under way, or the last */
    unsigned commit_assignment; /* whose it is */
    unsigned since_aim;       /* events claimed since the ceilings were raised */
    bool want_commit;         /* at the end of this turn */

    enum drain_why drain;
    int64_t drain_until_ms;
    bool final_commit;        /* the drain's last commit is under way */

    /* session token and credentials */
    char *token;
    int64_t token_until_ms;
    struct errand *auth_errand, *probe_errand, *ask_errand;
    uint64_t asks, ask_answers; /* probes asked so far; a bit for each of the last 64: it was answered */
    struct errand *errands;   /* all that are under way */
    uint64_t goods;           /* answers of the provider that a pack knew: it is there */
    bool credentials_bad;
    int64_t probe_at_ms;
    int64_t housekept_ns;
    struct job **token_waiters;
    size_t token_waiter_count, token_waiter_cap;

    /* crossing threads */
    _Atomic bool want_drain;
    _Atomic(struct plan *) next_plan;
    _Atomic bool is_member, is_redis_up, is_provider_ok, is_breaker_open;
    _Atomic int paused_parts;
    _Atomic int64_t open_events, moved_at_ms; /* for worker_ready() */
};

/* ---- job.c: life and lists ---- */
struct job *job_new(struct worker *w, struct partition *part, const struct consumer_delivery *d);
struct job *job_of_item(struct lane_item *item);
void job_message(const struct job *j, struct event_message *ret, struct event_header *headers);
#define JOB_HEADERS_MAX 64
/* The only way to another state; keeps the list of the active. A wrong step is a bug: logged, and the job is kept as it is. */
void job_go(struct worker *w, struct job *j, enum job_state next);
/* Gives the job something to work with; NULL: out of memory. */
struct work *job_work(struct worker *w, struct job *j);
void job_release_work(struct worker *w, struct job *j);
/* @j, JOB_QUEUED and just decoded, was looked at for another's sake, and its own turn has not come: its work is kept as long as there is
 * room for it, since others will look at it again. Nothing of it goes before job_trim_kept(). */
void job_keep_work(struct worker *w, struct job *j);
void job_trim_kept(struct worker *w);
void job_unkeep(struct worker *w, struct job *j); /* its turn has come */
/* It is decided: nothing of its run is needed any more, and to free it now, while it is in the cache, is cheaper. */
void job_release_run(struct job *j);
/* Waits for no slot any more, or gives it back. */
void job_release_place(struct worker *w, struct job *j);
void job_list_add(struct job_list *l, struct job *j);
/* The first one, or NULL. It is to be asked job_callback_is_late(). */
struct job *job_list_take(struct job_list *l);
/* Frees a job that nobody calls back any more and that is in no lane. */
void job_free(struct worker *w, struct job *j);
/* Ends the lane's turn and frees. */
void job_settle(struct worker *w, struct job *j);
/* service, type and id of its event, which is decoded, in the line that was begun. */
void job_log_event(struct worker *w, const struct job *j);
/* Its outcome is there, and the service's record has it: what is older and covered is superseded. A dead letter alone is no outcome. */
bool job_moved_record(const struct job *j);
/* The job goes back to the head of its lane, to be taken again when it can start. */
void job_requeue(struct worker *w, struct job *j);
/* Holds its lane until @delay_ms from now, then job_requeue(). What it has for work is freed unless @keep_work or
 * its run has done a step that changes something: that is never done again from the start. */
void job_wait(struct worker *w, struct job *j, int64_t delay_ms, bool keep_work);
/* Nothing more is sent or published for it; freed once its callbacks have come. */
void job_drop(struct worker *w, struct job *j);
/* At the head of every callback: true when the job was dropped meanwhile (it may be freed by this). */
bool job_callback_is_late(struct worker *w, struct job *j);
uint32_t worker_random(struct worker *w);

/* ---- intake.c: from Kafka into the lanes ---- */
/* @p was just assigned, and is not read yet. */
void intake_begin(struct worker *w, struct partition *p);
void intake_delivery(struct worker *w, const struct consumer_delivery *d);
/* It has as many events as it may have, or it is not known yet how many wait: no new one is taken. */
bool intake_holds_all(const struct worker *w, const struct partition *p);
/* Once a turn: takes more, or nothing at all, as the window has room. */
void intake_flow(struct worker *w);
/* Forgets that it held back. */
void intake_flow_open(struct worker *w);
/* Claims what can be claimed: lanes that are ready, for the slots that are free or soon will be. */
void intake_pump(struct worker *w);
/* How many of these, @max at most, could be claimed now, whatever the limit says. */
unsigned intake_waiting(struct worker *w, unsigned max);
/* Claims @j, which is queued; the caller has taken its claim's place in the limit. */
void intake_start(struct worker *w, struct job *j);
/* Decodes the bytes into work->event; false when the event is refused: work->fault says why and *@ret_why which kind. */
bool intake_decode(struct worker *w, struct job *j, enum dead_reason *ret_why);
/* Those that were not covered are looked at again; and those that an act held up. */
void intake_uncover(struct worker *w);
void intake_unstop(struct worker *w);

/* ---- claim.c, call.c, decide.c: one event's way ---- */
void claim_start(struct worker *w, struct job *j);
/* @j, of which nothing was ever sent, is claimed, and what its claim waited for is there. */
void claim_go_on(struct worker *w, struct job *j);
/* Does what the run asks for after a reply or at its start. */
void call_advance(struct worker *w, struct job *j);
/* Makes the run's present request as soon as there is a slot, or first resolves what may have been done. */
void call_resume(struct worker *w, struct job *j);
/* Once a turn: slots that are free go to those that wait for one. In a drain or a pause, claims under which nothing left
 * are given back. */
void call_pump(struct worker *w);
/* What was to be remembered before the next request is safe: it may leave. */
void call_kept(struct worker *w, struct job *j);
/* Gives the claim back, where Redis can be told: nothing that it was asked for was applied. The job stays. */
void call_release(struct worker *w, const struct job *j);
/* The next claim begins the workflow anew. */
void call_drop_run(struct work *k);
/* Nothing of it was done in this claim, and nothing is to be for @ms: it is set aside and begins anew then; early after an assignment
 * it waits with its owner first. */
void call_put_off(struct worker *w, struct job *j, enum entry_reason reason, int64_t ms);
/* Drops a claimed job; the claim is released if nothing left under it: whoever is next claims it without a doubt. */
void call_give_back(struct worker *w, struct job *j);
/* Ends the event with the outcome that stands in work->outcome and, for one that moves the record, @patch. */
void decide_start(struct worker *w, struct job *j, const json_t *patch);
void decide_refused(struct worker *w, struct job *j, const char *reason, const char *detail);
void decide_dead(struct worker *w, struct job *j, enum dead_reason why, const char *reason);
/* Tells Redis what was decided while it was away. */
void decide_owed(struct worker *w, struct job *j);
/* A request of this event may have been done: until that is resolved its class says what may be sent. */
void call_doubt(struct worker *w, struct job *j, bool own);
/* Counts the last failure where the provider has answered since. False: the tries are used up. */
bool call_count_late(struct worker *w, struct job *j);
/* Tries again later, or ends as dead when tries or time are used up. @release: proven not applied. A failure counts
 * against the event only if the provider is known to answer others: its outage buries nothing. */
void call_retry_later(struct worker *w, struct job *j, bool release, int64_t retry_after_ms, const char *why);

/* ---- keep.c: what the next request destroys ---- */
/* Makes safe what run_kept() says, then call_kept(). */
void keep_start(struct worker *w, struct job *j);

/* ---- isolate.c: events that kill the process ---- */
/* @j, while it is still in the state in which it was at work, waits or is dropped: a crash from now is not its doing. */
void isolate_rest(struct worker *w, const struct job *j);
/* @j was claimed: @r->crashes fell on it so far. False: its way is decided. */
bool isolate_admits(struct worker *w, struct job *j, const struct claim_reply *r);
/* Once a turn: the next one that is to be worked alone, when it is. */
void isolate_pump(struct worker *w);
/* It could be now, but for a slot. */
bool isolate_waits(const struct worker *w);
/* Nothing else may be started. */
bool isolate_holds(const struct worker *w);
void isolate_forget(struct worker *w, const struct job *j);

/* ---- pace.c: how hard the provider is called ---- */
/* Once a turn, before anything starts. */
void pace_tick(struct worker *w);
void pace_fini(struct worker *w);
/* The next event that may start, taken from its lane; NULL: what is ready has to wait. */
struct job *pace_next(struct worker *w);
/* A bit for each rank of which a lane is ready and may start. */
unsigned pace_ready(struct worker *w);
/* It starts: it is counted as a retry or as one that asks, where it is one. */
void pace_starts(struct worker *w, struct job *j);
/* Whose turn it is, by what stands at the head. */
enum lane_rank pace_rank(const struct job *j);
/* The job is to be tried again. */
void pace_again(struct worker *w, struct job *j);
/* A request of the job leaves; before work->called is set. */
void pace_sent(struct worker *w, struct job *j);
/* It was answered as the pack knows; @again: the answer is that it be tried again. */
void pace_answered(struct worker *w, const struct job *j, const struct call_reply *reply, bool again);
/* It was not: @what follows from it. */
void pace_failed(struct worker *w, const struct job *j, const struct call_reply *reply, enum judgement what, const char *why);
/* Nothing may be called. */
bool pace_is_open(const struct worker *w);
/* The provider counts as down: at most a few probes are let through, and what fails is its fault. */
bool pace_is_down(const struct worker *w);
/* A clock, ms, that stands still while the provider is down: no event grows old by an outage. */
int64_t pace_up_ms(const struct worker *w);
/* True: nothing may be called, and the job is back in its lane; its claim is given back where nothing was changed. */
bool pace_holds(struct worker *w, struct job *j);
/* The job is about to ask what came of its call. False: too many do, and it is back in its lane. */
bool pace_may_verify(struct worker *w, struct job *j);
void pace_verified(struct worker *w, struct job *j);

/* ---- slots.c: slots that are leases in Redis (core/leases.h) ---- */
/* Once a turn, before anything starts: how many calls may begin. */
void slots_tick(struct worker *w);
/* Once a turn, after all has started that could: asks for what is lacking, gives back what nobody here waits for. Writes
 * worker.slots_wait_ms. */
void slots_pump(struct worker *w);
/* Just before a request leaves with a slot: it will be over before the slot's lease is. */
bool slots_may_call(const struct worker *w);
/* Nothing is called any more, or not with leases: all are given back. */
void slots_end(struct worker *w);

/* ---- guard.c: too many accounts cut off within an hour ---- */
/* Before a claim in that partition: what earlier owners cut, and how many accounts there are, is known when it is answered. */
void guard_watch(struct worker *w, struct partition *p);
/* The partition goes away. */
void guard_unwatch(struct partition *p);
/* When Redis' connection is gone: no reply comes any more. */
void guard_free_all(struct worker *w);
/* An outcome says that the service was cut: how the count is put together again where Redis forgot it, the oldest first. */
void guard_saw(struct partition *p, const char *service, int64_t ago_ms);
/* Redis was told so: the number of the partition's accounts follows. */
void guard_account(struct partition *p, enum redis_account account);
/* Redis was told something of which is not known what it changed there: the number is asked for again. */
void guard_recount(struct partition *p);
/* @j was just claimed, and nothing of it was ever sent. True: it is a cut. Above the limit its claim is given back, and it is
 * set aside as held, or comes again when the approval that pays for it is durable; else it is counted, and goes on when Redis has
 * that: claim_go_on(). */
bool guard_stops(struct worker *w, struct job *j);

/* ---- adopt.c: which accounts are ours ---- */
/* @j is a `service.adopted`, claimed: decides it. */
void adopt_start(struct worker *w, struct job *j);
/* @j was just claimed, and nothing of it was ever sent. True: it would cut off an account that nobody made or adopted here, which the
 * settings do not want: it is decided. */
bool adopt_refuses(struct worker *w, struct job *j);

/* ---- billed.c: what went through a billing run ---- */
/* @j is a `billing.processed`, claimed: decides it. */
void billed_start(struct worker *w, struct job *j);

/* ---- hold.c: an account that is not active yet ---- */
/* Its workflow ended `held`, and waits for @reason (first_access, activation): it is set aside and run again later. */
void hold_start(struct worker *w, struct job *j, const char *reason);

/* ---- snapshot.c: what is to be done is found by a comparison ---- */
/* @j is a `service.snapshot`, just claimed. True: it goes on as any event, with the workflow that reads; else it waits, or what came of
 * it is decided without a call. */
bool snapshot_reads(struct worker *w, struct job *j);
/* Its reading has ended: compares, and decides, or first publishes the events of its changes. */
void snapshot_start(struct worker *w, struct job *j, const struct run_result *read);

/* ---- supersede.c: newer events that cover older ones ---- */
/* Before @head, just taken from its lane, is claimed. True: not now: a newer one that covers it is the head, or the lane waits. */
bool supersede_look(struct worker *w, struct job *head);
/* @j is settled: those that it covers are told what came of it, before any newer one. */
void supersede_settled(struct job *j);
/* @j cannot be claimed before the event of that key, one that it covers where @covered. True: it is of the same lane, and its
 * head now. */
bool supersede_let_before(struct worker *w, struct job *j, const char *key, bool covered);

/* Of older events that an event covers. */
struct covered_keys {
    char (*key)[EVENT_KEY_SIZE];
    uint32_t n, waiting; /* the first @waiting wait for what comes of it; the others an earlier owner may have decided, and not published */
};

/* What @j's claim is to look at. False: no memory. */
bool supersede_keys(struct worker *w, struct job *j, struct covered_keys *ret);
void supersede_keys_free(struct covered_keys *k);
/* @j is claimed: none of these is decided. */
void supersede_claimed(struct job *j);

/* ---- publish.c: outcome, record, dead letter; then the offset ---- */
/* Publishes them soon. Again after a failure. */
void publish_start(struct worker *w, struct job *j);
/* Once a turn: publishes what has gathered, when it is time. */
void publish_gathered(struct worker *w);
/* How long until then at most; 0 when nothing has gathered or it is time. */
int64_t publish_wait_ms(const struct worker *w);
void publish_done(struct worker *w, struct job *j); /* and Redis knows: the event is settled */
/* For aside.c: a notice is an outcome with its own ack, which tells publish_note_outcome(). */
bool publish_notice(struct worker *w, struct job *j, producer_ack_fn *fn);
/* One of the job's messages: @fn is called with it, as for the two beside it. False: it did not leave. */
bool publish_send(struct worker *w, struct job *j, const struct producer_message *m, producer_ack_fn *fn);
/* The same with an event of our own for the job's service, which comes behind what billing has sent. */
bool publish_event(struct worker *w, struct job *j, const json_t *event, producer_ack_fn *fn);
/* For keep.c: the record in work->record_text, with its own ack. */
bool publish_record(struct worker *w, struct job *j, producer_ack_fn *fn);
void publish_note_outcome(struct job *j, bool ok, int64_t offset);
void publish_log_failure(struct worker *w, const struct job *j, const char *why);

/* ---- token.c: session tokens and our credentials ---- */
void token_need(struct worker *w, struct job *j);
void token_forget_job(struct worker *w, const struct job *j);
bool token_valid(const struct worker *w);
/* The provider did not take it: the next request that needs one logs in. */
void token_forget(struct worker *w);
/* A 401 or 403 that was not about a token: asks `probe` whether our credentials are good. */
void credentials_doubt(struct worker *w, struct job *j);
void credentials_tick(struct worker *w);
/* Asks `probe` whether the provider answers at all, or joins the one that is under way; @ret_asked is its number.
 * False: the pack has none. */
bool provider_ask(struct worker *w, uint64_t *ret_asked);
/* Whether that probe was answered; false also while it is under way, and once 64 others have been asked since. */
bool provider_answered(const struct worker *w, uint64_t asked);
void token_fini(struct worker *w);

/* ---- errand.c ---- */
/* @result NULL: it failed; @why says how. Both borrowed for the callback. */
typedef void errand_fn(struct worker *w, void *arg, const struct run_result *result, const char *why);
struct errand *errand_start(struct worker *w, struct plan *plan, const struct workflow *wf,
                            const struct run_inputs *in, errand_fn *fn, void *arg);
void errand_cancel(struct errand *e); /* no callback any more; NULL is fine */
void errand_free_all(struct worker *w); /* when the loop and the connections are gone */

/* ---- commits.c: commits, the ceiling, the proof of ownership ---- */
/* What the last owner's commit says of a partition that was just assigned. */
void commits_inherit(struct worker *w, struct partition *p, const struct consumer_partition *from);
/* A new assignment: the first commit proves it. */
void commits_begin(struct worker *w);
/* The assignment is over: nothing is proven. */
void commits_end(struct worker *w);
/* Commits what moved. False: nothing to do, or one is outstanding. */
bool commits_now(struct worker *w);
/* Once a turn: commits when somebody waits for it. */
void commits_pump(struct worker *w);
void commits_tick(struct worker *w);
void commits_ended(void *arg, bool ok, bool fenced, const char *why);
/* Whether this assignment is proven to be ours still: a commit of it that was acknowledged began less than
 * numbers.ownership_ms ago. Nothing is claimed, sent or published otherwise. RELIABILITY.md section 4. */
bool commits_own(const struct worker *w);
/* Whether @j may be claimed: its partition is open, and it is below the durable ceiling, which will be raised if not. */
bool commits_cover(struct worker *w, const struct job *j);
/* @j is being claimed: from now it may have been sent. */
void commits_note_claim(struct worker *w, const struct job *j);

/* ---- takeover.c: what a new owner has to know ---- */
#define RECORD_AXES_MAX 512 /* a record with more of them is not one of ours */
/* The axes of @record, whose texts they borrow, into @ret; how many. */
size_t takeover_axes_of(const json_t *record, struct merge_axis ret[RECORD_AXES_MAX]);
/* EXISTS or GONE: for a merge. */
enum redis_account takeover_account_of(const json_t *record);
void takeover_begin(struct partition *p);
void takeover_end(struct partition *p);
/* Once a turn: goes on where a partition is not open yet. */
void takeover_tick(struct worker *w);
/* Now and then: where Redis knows all that was sent, the next commit says so. */
void takeover_tag(struct worker *w);
/* When Redis' connection is gone: no reply comes any more. */
void takeover_free_all(struct worker *w);
/* Redis lost what it knew, or a part of it. */
void takeover_forgot(struct worker *w);
/* @j may have been sent though this Redis does not know; and: that is known now, by a claim or since it is settled. */
void takeover_presume(struct job *j);
void takeover_unpresume(struct job *j);
/* @j was claimed: those behind it in its lane were not sent by an earlier owner, since a lane's next call waits for the
 * outcome before it. */
void takeover_claimed(struct job *j);
/* An earlier owner may have begun to work the event at @offset. */
bool takeover_was_begun(const struct partition *p, int64_t offset);
/* Some of that has not come yet or was not claimed since Redis forgot. */
bool takeover_is_doubtful(const struct partition *p);
/* True when all that other owners can have published of @j's partition was read. False: the job waits, and asks again. */
bool takeover_is_quiet(struct worker *w, struct job *j);
/* An outcome of ours stands at @offset: it need not be read. */
void takeover_note_own(struct partition *p, int64_t offset);

/* ---- park.c: what waits for a person ---- */
/* Nothing but a person can tell whether @j's request was done: it is set aside with its doubt and its steps, and its lane goes
 * on with what shares no axis with it. @detail: a word. It may have to wait before that, and comes here again. */
void park_doubt(struct worker *w, struct job *j, const char *detail);
/* @j's entry stands: its lane goes on in Redis, too. Not before, since whoever reads no entry has to find it there. */
void park_stands(struct worker *w, const struct job *j);
/* @j's outcome stands: whether its entry is to hold back what comes after (`park: dead`). */
bool park_holds(const struct worker *w, const struct job *j);
/* The steps that @j's run has done are kept with its entry. */
void park_save_steps(struct worker *w, struct job *j);
void park_keep_steps(struct job *j, const char *text, size_t len);
/* Tells steps' names apart; "": the event as a whole. */
uint32_t park_step_mark(const char *step);
/* The lane of @service is held by an event in Redis that lies in the waiting topic: Redis came back from before it was set
 * aside. Its lane is let go; and if @holder, its key, is sent, it is called back. */
void park_free_lane(struct worker *w, struct partition *p, const char *service, const char *holder);
/* An entry that waits for a person, read by a new owner: if Redis does not say that its event is in doubt, it is called back, to be
 * found decided, or to be marked there. */
void park_check(struct worker *w, struct partition *p, struct wait *x);
/* The partition goes away; and when Redis' connection is gone: no reply comes any more. */
void park_end(struct worker *w, const struct partition *p);
void park_free_all(struct worker *w);
/* A person's word on the doubtful request that the run stands at. True: it may be sent. */
bool park_resolve_doubt(struct worker *w, struct job *j);

/* For acts. A partition's entries may be acted upon when waits_ready; else, and where the entry is not what the act is for, or
 * is busy (being written, read or worked), or is held back by another, these answer false and do nothing. True: begun. It is done,
 * and durable, when the entry is gone or its `act` is PARK_NO_ACT again; its try_no has grown then, which tells a repeated
 * act from a new one. If the partition goes away before, nothing was done. Their event's way then is that of every other: what
 * comes of it is an outcome, of the next round for a redrive. */
/* What waits for the clock, the lane or a poll goes on now; a doubt is looked into once more, where its platform can be asked. Not
 * for what is dead. */
bool park_release(struct partition *p, struct wait *x);
/* A doubt that waits for a person: @applied, it goes on after that request, and an event that ends there is applied,
 * `resolved: operator`; else the request is sent again, in the same round. Not before Q after it was sent. */
bool park_resolve(struct partition *p, struct wait *x, bool applied);
/* A dead event: tried again from where it was, in the next round. */
bool park_redrive(struct partition *p, struct wait *x);
/* A dead event: its entry ends without another outcome, and what waits behind it goes on. */
bool park_drop(struct partition *p, struct wait *x);

/* ---- acts.c: operators' acts ---- */
bool acts_begin(struct worker *w, struct partition *p); /* false: out of memory */
/* The control topic's partition came with it; read from @offset, or from its beginning (-1). */
void acts_assigned(struct partition *p, int64_t offset);
void acts_end(struct partition *p);
void acts_free_all(struct worker *w);
void acts_delivery(struct worker *w, const struct consumer_delivery *d);
/* Once a turn: carries out what can be. */
void acts_tick(struct worker *w);
/* All acts below it have their answer: what may be committed of the control topic. True when that is to be committed: it is
 * in a commit then, until its end is told. */
bool acts_take_commit(struct partition *p);
int64_t acts_offset(const struct partition *p);
void acts_committed(struct partition *p, bool ok);
/* An act holds up @j, which has not started: its provider is paused, or its service is being rebased. */
bool acts_stop(const struct job *j);

/* ---- wide_acts.c: how the provider stands in a partition ---- */
/* A message of the waiting topic. False: it is an entry's. */
bool wide_load(struct partition *p, const struct reader_message *rm);
/* Nothing is called. */
bool wide_is_paused(const struct partition *p);
/* In how many partitions it is so, for worker_ready() and the metrics: it has changed. */
void wide_tell(struct worker *w);
/* A cut of now is paid by an approval that was given ahead. */
bool wide_pays(struct partition *p);
/* 0: one is paid for; wide_spend() takes it. Else it is not durable yet: to be asked again after so many ms. */
int64_t wide_buy(struct partition *p);
void wide_spend(struct partition *p);

/* ---- partitions.c: assignment, drain ---- */
void partitions_assigned(void *arg, const struct consumer_partition *p, size_t n);
void partitions_revoked(void *arg, const int32_t *numbers, size_t n, bool lost);
void partitions_drain(struct worker *w, enum drain_why why);
/* Goes on with a drain: once what was in flight is finished, the last commit, then the end. */
void partitions_drain_tick(struct worker *w);
void partitions_forget_all(struct worker *w);

#endif

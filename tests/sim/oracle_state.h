/* oracle_state.h - what the oracle's files share. Private to oracle*.c. */
#ifndef TVB_SIM_ORACLE_STATE_H
#define TVB_SIM_ORACLE_STATE_H

#include <jansson.h>

#include "contract/act.h"
#include "contract/outcome.h"
#include "io/redis_link.h"
#include "oracle.h"

enum { EXTRAS_ALL = 7, VARIANTS = 2, EVENTS_MAX = 256, SERVICES_MAX = 16, PARTS_MAX = 4, STEPS = 3, ROUNDS_MAX = 8, ORDER_STEPS = 10 };

/* One changing request of an event. */
struct ostep {
    unsigned effects;
    unsigned doubts;     /* transmissions whose end is not known */
    int64_t last_left;
    unsigned try_no;     /* in which that was */
    char key[64];        /* of keyed */
};

struct oevent {
    unsigned number, service, part;
    enum event_kind kind;
    int64_t order;        /* ten times what billing says, and of a snapshot's part its step; -1: its first offset, not known yet */
    bool refused, put_off, poison, culprit;
    int64_t begins_ms;    /* notbefore; 0: none */
    bool begun;           /* Redis took a step of it when that had come, by the clock of who did it */
    unsigned crashes;     /* while it was claimed, and not by another that is poison */
    int64_t expires_ms;
    char key[72];
    int variant;          /* that left, or -1 */
    struct ostep steps[STEPS];
    struct proc *granted_to; /* by the last CLAIM that Redis did */
    bool decides;            /* he has sent DECIDE, which Redis did not do yet */
    struct proc *claimed_by; /* the same, once its answer has come */
    bool fresh;           /* its last claim was no doubtful one */
    unsigned tries;       /* CLAIMs and STEPs of it that were answered: each lets a request leave once */
    unsigned sent;        /* calls of it that left, reads too */
    bool step_owed;       /* a step was answered and is not noted yet */
    int final[VARIANTS];  /* enum outcome_kind, of the present round; -1: none yet */
    unsigned round[VARIANTS], asked; /* the present round less one; of the round that an operator asked for, the same */
    int past[VARIANTS][ROUNDS_MAX];  /* enum outcome_kind, of rounds before it */
    bool in_doubt;        /* it was set aside for a person, or died between two steps: nobody knows where the platform stands */
    bool dropped;         /* by an operator, or closed once a newer one that covers it was applied */
    bool produced;        /* an outcome was handed to a Kafka client */
    bool excused;         /* claimed again after that: FAULT_REDIS_OWED is off */
    bool recorded, record_acked;
    bool decided;         /* Redis knows what came of it */
    struct snapshot_ask ask; /* of a snapshot */
    bool compared;        /* with what the platform said */
    const struct oevent *of; /* the snapshot that it is a part of; NULL: billing's */
    const char *id, *text; /* of a part */
    bool was_released, was_held; /* ever; by the guard */
    uint64_t least;       /* that the guard let go when it was released, at least: the fewest of all times */
};

struct place {
    enum place_kind kind;
    unsigned event, variant;
    bool outcome_written, outcome_acked, dead_written, dead_acked;
    bool waits; /* an entry of the waiting topic stands for it, acknowledged, and no tombstone does */
    enum entry_state state;  /* of that entry */
    bool parked, was_parked; /* it waits for a person; it did */
    int64_t behind; /* the place that it waits for; -1: none, or not known */
    int64_t entry_at; /* where its newest version that is acknowledged stands */
    bool was_dead; /* ever an entry `dead`, acknowledged */
    enum outcome_kind outcome;
};

/* The last effect of an axis. */
struct slot {
    int event; /* -1: none */
    int64_t order;
};

enum slot_name { SLOT_BLOCK, SLOT_DELETE, SLOT_PLAN, SLOT_LIMIT, SLOT_TAG, SLOT_LABEL, SLOT_NOTE, SLOT_SUSPENSION, SLOT_PACKAGE, SLOT_COUNT = SLOT_PACKAGE + PARTS_MAX };

struct flight {
    struct flight *next;
    struct request *r;
    unsigned pauses; /* of its process, when it left */
};

/* An operator's act, as it stands in the control topic. */
struct oact {
    struct oact *next; /* in its partition */
    int64_t offset;
    struct act act;
    int result;        /* enum act_result of its answer, written; -1: none yet */
    int64_t answered;  /* when that was */
    bool acked;
    struct proc *by;   /* who answered it last */
};

/* What Redis and the workers know of a service's account. */
struct oaccount {
    bool was_given;     /* something at the platform, ever */
    bool member;        /* of Redis' set, after the last script */
    const char *record; /* of Redis, after it; texts of the arena are never written again */
    bool exists;        /* what that says */
    struct proc *adder; /* whose DECIDE, of that event, added it; NULL: something else did */
    unsigned event;
    struct proc *told;  /* he knows so; NULL: nobody, certainly */
    int64_t told_at;
};

struct owner {
    struct proc *p;
    int64_t since;
};

struct oracle {
    struct sim *sim;
    struct oevent *events[EVENTS_MAX];
    unsigned event_count;
    struct place **places[KAFKA_PARTS_MAX]; /* a place stays where it is */
    int64_t place_count[KAFKA_PARTS_MAX], place_cap[KAFKA_PARTS_MAX];
    struct slot slots[SERVICES_MAX][SLOT_COUNT];
    unsigned extras[SERVICES_MAX];     /* at the platform */
    unsigned remembered[SERVICES_MAX]; /* by the newest record in Kafka */
    struct flight *flights[SERVICES_MAX];
    struct flight *calls;              /* of all services, reads too */
    struct owner owners[KAFKA_PARTS_MAX];
    int64_t committed[KAFKA_PARTS_MAX];
    int64_t ceiling[KAFKA_PARTS_MAX];  /* of the newest commit */
    int64_t settled[KAFKA_PARTS_MAX]; /* all places below are */
    bool redis_lost;
    int64_t redis_lost_at;
    unsigned cut[KAFKA_PARTS_MAX];     /* a bit for each service that lost something within the hour */
    unsigned cut_in_doubt;             /* the same, of services of which one may have been sent before */
    unsigned changes[KAFKA_PARTS_MAX]; /* of the partition's owner, after the first */
    struct oaccount accounts[SERVICES_MAX];
    char redis_prefix[40];
    struct oact *acts[KAFKA_PARTS_MAX]; /* in the order of the topic */
    bool *rests; /* oracle_all_settled() alone */
    int64_t rests_cap;
};

void oracle_control_written(struct sim *s, int32_t partition, const struct kmessage *m);
void oracle_control_produced(struct sim *s, const struct producer_message *m);
void oracle_control_acked(struct sim *s, int32_t partition, const struct kmessage *m);
void oracle_control_commit(struct sim *s, const struct consumer_partition *c);
void oracle_acts_left(struct sim *s, const struct request *r, int32_t partition);
/* oracle_guard.c */
/* A script was done on @key, for @e; NULL: for no event that is known. */
void oracle_accounts_did(struct sim *s, struct proc *p, int script, const char *key, const struct oevent *e);
/* @p is told that his DECIDE of @e was done. */
void oracle_accounts_told(struct sim *s, struct proc *p, const struct oevent *e);
void oracle_accounts_effect(struct sim *s, const struct oevent *e);
void oracle_accounts_final(struct sim *s);
void oracle_cut_left(struct sim *s, const struct oevent *e, int32_t partition);
void oracle_released(struct sim *s, struct proc *p, struct oevent *e);
void oracle_held(struct sim *s, struct oevent *e, int32_t partition);
size_t oracle_tell_acts(const struct sim *s, char *ret, size_t size);
/* oracle_pace.c */
void oracle_pace_assigned(struct sim *s, const struct kmember *m);
void oracle_pace_aside(struct sim *s, const struct oevent *e);
void oracle_pace_claims(struct sim *s, struct proc *p, const struct oevent *e); /* CLAIM leaves */
/* oracle_count.c */
void oracle_count_delivered(struct proc *p);
void oracle_count_assigned(const struct kmember *m);
void oracle_count_commit_sent(const struct sim *s, struct proc *p);
void oracle_check_proof(struct sim *s, const struct request *r);
void oracle_count_call(const struct request *r);
void oracle_count_answer(const struct request *r, const struct call_reply *reply);
/* What the event's outcome says. */
void oracle_count_attempts(struct sim *s, const struct oevent *e, unsigned attempts);
void oracle_counts_ended(struct sim *s, struct proc *p);
/* oracle_kafka.c: the place that an outcome is about; NULL: none, or it is no final one. */
const struct place *oracle_final_of(struct sim *s, const struct kmessage *m, enum outcome_kind *ret_kind, unsigned *ret_round);
/* oracle_parts.c */
void oracle_part_written(struct sim *s, int32_t partition, const struct kmessage *m);
void oracle_snapshot_ended(struct sim *s, struct oevent *e, const json_t *data); /* what its outcome says */
void oracle_check_passed(struct sim *s, const struct oevent *e); /* it leaves */
void oracle_snapshots_final(struct sim *s);
void oracle_tell_ask(struct sim *s, const struct oevent *e);
bool says_all(const struct oevent *e);
bool has_no_axis(const struct oevent *e);
/* Applied, or unchanged as a snapshot can be. */
bool moved_record(const struct oevent *e);
/* It sets all that the older one does. */
bool may_cover(const struct oevent *newer, const struct oevent *older);
/* An act says that all of the service up to there counts as applied. */
bool oracle_is_rebased(const struct oracle *o, unsigned service, int64_t order);
bool place_is_settled(const struct oracle *o, const struct place *p);
int32_t partition_of_service(const struct sim *s, unsigned service);
/* oracle_bounds.c: one of the partition's entries was acknowledged. */
void oracle_entries(struct sim *s, int32_t partition);
struct place *place_at(struct oracle *o, int32_t partition, int64_t offset); /* NULL: none */
struct oevent *event_of_key(struct oracle *o, const char *redis_key);       /* NULL: none of ours */
int step_of(const struct oevent *e, enum op op);                             /* -1: none */
enum slot_name slot_of(const struct request *r);
unsigned effects_of(const struct oevent *e);
unsigned doubts_of(const struct oevent *e);
unsigned steps_of(const struct oevent *e);
/* One that is newer, of the same axis, was applied; @done: or done at the platform. */
bool has_newer(const struct oracle *o, const struct oevent *e, bool done);
/* The later one has to wait for the earlier. */
bool holds_back(const struct oevent *earlier, const struct oevent *later);
/* It sets that axis of its service: for what is stale, and for records. */
bool same_axis(const struct oevent *a, const struct oevent *b);

#endif

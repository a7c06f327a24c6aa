/* oracle.h - RELIABILITY.md section 11 as code: it sees every step of the simulated world, and says which invariant broke.
 *
 * It knows what billing sent (oracle_sent()), what left the workers, what the platform did, what stands in Kafka and in
 * Redis. The numbers in the texts are the invariants'. */
#ifndef TVB_SIM_ORACLE_H
#define TVB_SIM_ORACLE_H

#include "contract/entry.h"
#include "io/redis_link.h"
#include "kafka.h"
#include "platform.h"

/* What billing sends. The order is that of the table in oracle.c. */
enum event_kind {
    KIND_BLOCK, KIND_UNBLOCK, KIND_DELETE, KIND_PLAN, KIND_PACKAGE, KIND_MESSAGE, KIND_LIMIT, KIND_UPDATE, KIND_CUT, KIND_BACK, KIND_UNPACK,
    KIND_MIXED, /* those before it are, by their weights */
    KIND_SNAPSHOT = KIND_MIXED,
    KIND_COUNT
};

/* What a snapshot asks for. */
struct snapshot_ask {
    bool preview;
    enum { ASK_ON, ASK_BLOCKED, ASK_SUSPENDED } status;
    int plan;     /* v<plan>; -1: not said */
    int packages; /* a bit for each; -1: not said */
};

struct kind_entry {
    const char *type; /* "contract.blocked" */
    enum op ops[3];   /* its steps; OP_PING: none */
};
const struct kind_entry *kind_entry(enum event_kind k);

enum { EVENTS_NONE = 100000 }; /* the number of what is no event */

enum place_kind { PLACE_EVENT, PLACE_INVALID, PLACE_MISPLACED };

struct oracle *oracle_new(struct sim *s);
/* Registers an event; its number. @order: its sequence, or -1: its first offset. */
unsigned oracle_event(struct sim *s, enum event_kind kind, unsigned service, unsigned part, int64_t order, bool refused,
                      bool put_off, int64_t expires_ms);
void oracle_key(struct sim *s, unsigned event, const char *key); /* the idempotency key */
void oracle_snapshot(struct sim *s, unsigned event, const struct snapshot_ask *ask);
/* The event with that id, of billing or of a snapshot, as it stands in an URL; EVENTS_NONE: none. */
unsigned oracle_event_of_id(const struct sim *s, const char *id, size_t len);
/* What the platform says of an account. */
void oracle_account(struct sim *s, unsigned service, char *ret, size_t size);
/* It stands in the log now. */
void oracle_sent(struct sim *s, int32_t partition, int64_t offset, enum place_kind kind, unsigned event, unsigned variant);
bool oracle_is_refused(struct sim *s, unsigned event);
bool oracle_is_put_off(struct sim *s, unsigned event);
void oracle_poison(struct sim *s, unsigned event);
void oracle_begins(struct sim *s, unsigned event, int64_t at_ms); /* Unix ms: nothing of it leaves before that */
bool oracle_is_poison(struct sim *s, unsigned event);
unsigned oracle_extras(struct sim *s, unsigned service); /* that are switched on at the platform: a bit for each */
bool oracle_was_done(struct sim *s, unsigned event, enum op op);

/* Kafka */
void oracle_written(struct sim *s, const struct ktopic *t, int32_t partition, const struct kmessage *m);
void oracle_produced(struct sim *s, const struct producer_message *m); /* handed to a client */
/* The client tells @p that it is acknowledged. */
void oracle_told(struct sim *s, struct proc *p, const char *topic, int32_t partition, int64_t offset);
void oracle_acked(struct sim *s, const char *topic, int32_t partition, int64_t offset);
void oracle_assigned(struct sim *s, const struct kmember *m);
void oracle_unassigned(struct sim *s, const struct kmember *m);
void oracle_commit_sent(struct sim *s, struct proc *p, const struct consumer_partition *c);
void oracle_committed(struct sim *s, const struct kmember *m, int64_t generation, const struct consumer_partition *c);
/* @m takes an event from there. */
void oracle_delivered(struct sim *s, const struct kmember *m, int32_t partition, int64_t offset);
void oracle_count_committed(struct proc *p, bool ok);
/* Redis; @key: the event's whole key there */
void oracle_event_state(struct sim *s, const char *key, char before, char after);
void oracle_redis_lost(struct sim *s);
void oracle_redis_did(struct sim *s, struct proc *p, int script, const char *key, const struct reply *a);
void oracle_script_sent(struct sim *s, struct proc *p, const char *key, int script);
void oracle_claim(struct sim *s, struct proc *p, const char *key, int code, size_t steps_len);
void oracle_script(struct sim *s, struct proc *p, const char *key, int script, int result);
/* the platform; a call begins, may leave, and ends */
void oracle_call_begins(struct sim *s, struct request *r);
void oracle_call_ended(struct sim *s, const struct request *r, const struct call_reply *reply);
void oracle_left(struct sim *s, struct request *r);
void oracle_answered(struct sim *s, const struct request *r, const struct call_reply *reply);
void oracle_effect(struct sim *s, const struct request *r);
/* workers */
void oracle_proc_ended(struct sim *s, struct proc *p, bool poisoned);
/* 19: no secret and nothing personal stands in @text, which is a part of @where. */
void oracle_private(struct sim *s, const char *where, const char *text);
void oracle_log(struct sim *s, struct proc *p); /* new lines, while tracing */

/* What a person finds at the platform: whether the step of the event at that place was done. */
bool oracle_entry_done(const struct sim *s, struct entry_place at, const char *step);
/* Every act has its answer. */
bool oracle_acts_answered(const struct sim *s);
/* True when every message has its end and is committed. */
bool oracle_all_settled(struct sim *s);
/* What is not, for a person. */
void oracle_tell_unsettled(struct sim *s, char *ret, size_t size);
/* When all is over. */
void oracle_final(struct sim *s);

#endif

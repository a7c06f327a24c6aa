/* redis.h - claims: the right to work one event, held in Redis under a fence. RELIABILITY.md section 3.
 *
 * hiredis' non-blocking connect and reader on a worker's loop (redis_link.h); commands gather and leave with one
 * write a turn; every command has a deadline. All keys of a service share a hash tag:
 *   <prefix>{<provider>/<service>}:e:<event key>   one event: st, fp, fence, tries, sent, steps, out
 *   <prefix>{<provider>/<service>}:l               its lane: owner, fence, until, sent (the undecided event), rec, by, a:<axis>
 *   <prefix>birth                                  the birth mark;  <prefix>pause:<provider>  a provider-wide wait
 *   <prefix>guard:<provider>:<partition>           accounts cut within the last hour
 *   <prefix>accounts:<provider>:<partition>        services whose lane's rec says that the account exists; set in one step
 *   <prefix>slots:<provider>                       leases of slots, and who waits for one
 * The Lua scripts stand in redis_scripts.c, each with its contract. They are idempotent for the same fence and
 * take the expected birth mark: with another or none they do nothing and say so. */
#ifndef TVB_IO_REDIS_H
#define TVB_IO_REDIS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "contract/order.h"
#include "io/loop.h"

struct redis;

struct redis_options {
    const char *host, *unix_path, *user, *password; /* NULL where not set; unix_path first */
    int port, db;
    /* Redis Sentinel, in place of host, port and unix_path: it is asked where the master is, and watched all the time. A
     * fail-over ends the connection about half a second after Sentinel has switched (DOWN), also when the old master
     * hangs; the new one is found by itself (FORGOT, UP). "host:port" each, see redis_sentinel.h; copied. */
    const char *const *sentinels;
    size_t sentinel_count; /* 0: none */
    const char *master_name, *sentinel_password;
    int64_t timeout_ms;      /* of one command and of a connect */
    const char *prefix;      /* of the keys, e.g. "tvbridge:" */
    const char *provider;
    const char *owner;       /* worker and number of the assignment: redis_set_owner() changes it */
    int64_t lease_ms, id_memory_ms;
};

/* What the connection tells its owner. */
enum redis_event {
    REDIS_UP,     /* connected, checked, scripts loaded, birth mark known: claims may go */
    REDIS_DOWN,   /* lost or refused: every command under way has ended with REDIS_FAILED; reconnects by itself */
    REDIS_FORGOT, /* the birth mark, run id or replication id is another than before: what was written last may be gone. UP
                   * follows */
    REDIS_WARNING, /* it works, but @why should be changed: said once. Also while no sentinel answers: once each time */
};
/* @why: for a person; "" when none. */
typedef void redis_event_fn(void *arg, enum redis_event ev, const char *why);

struct redis *redis_new(struct loop *l, const struct redis_options *o, redis_event_fn *fn, void *arg,
                        struct err *reterr);
/* Ends what is under way without callbacks. */
void redis_free(struct redis *r);
bool redis_is_up(const struct redis *r);
void redis_set_owner(struct redis *r, const char *owner);
/* "<run id> <replication id> <birth mark>" of the Redis in use; "" when unknown. */
const char *redis_identity(const struct redis *r);
/* Fences start above this one (decimal text); for an emptied Redis. */
void redis_raise_fence(struct redis *r, const char *fence);

/* ---- CLAIM: lane's lease and event in one script; marks SENT ---- */
enum claim_state {
    CLAIM_FRESH,    /* ours; @record, @fence */
    CLAIM_DOUBT,    /* ours; another owner (or an earlier life) may have sent it: @record, @fence, @steps, @sent_ms */
    CLAIM_DECIDED,  /* @outcome holds the facts (outcome.h); @record; @dropped */
    CLAIM_BUSY,     /* another owner has the lane, or another event of it is undecided, @first: @wait_ms left */
    CLAIM_COVERED,  /* one that it covers, @first, is decided or may have been sent: that one comes first; nothing was done */
    CLAIM_STALE,    /* not above the last applied, of an earlier place; decided as stale in the same step; @record */
    CLAIM_SUPERSEDED, /* the same, passed by events of later places: decided as superseded; @record, @outcome holds the facts */
    CLAIM_REPEATED, /* equal to the last applied of an axis, in order and id: decided as applied from the record; @record */
    CLAIM_CONFLICT, /* the same key with another fingerprint */
    CLAIM_MIXED,    /* the service's order was by sequence and now by offset, or the reverse */
    CLAIM_PAUSED,   /* the provider asked all to wait: @wait_ms */
    CLAIM_FORGOT,   /* another birth mark: nothing was done */
    CLAIM_FAILED,   /* no answer, or an error: @error; what the script did is unknown (it is idempotent) */
};

struct claim_request {
    const char *service;
    const char *event_key;   /* idempotency key, hex */
    const char *event_id;    /* for `repeated` */
    const char *fingerprint; /* hex */
    const char *order;       /* order_format() */
    const char *place;       /* its offset, as decimal text; NULL: not known, then it is never superseded */
    enum order_by order_by;  /* ORDER_BY_NOTHING: any service takes it, and none is ordered by it */
    const char (*axes)[72];  /* AXIS_NAME_SIZE; touched axes */
    size_t axis_count;
    bool retry;              /* claimed before by this owner and released or judged */
    bool alone;              /* nothing else of this owner is at work: a crash is its doing */
    bool maybe_sent;         /* by somebody whose mark this Redis does not have: CLAIM_DOUBT instead of CLAIM_FRESH */
    const char (*covered)[65]; /* EVENT_KEY_SIZE; older ones that it covers, of which one that is decided is published first */
    size_t covered_count;
    size_t waiting_count;      /* of these, the first: they wait for what comes of this one, and one that was sent goes on first */
};

struct claim_reply {
    enum claim_state state;
    const char *fence;   /* decimal text; "" when none */
    const char *record;  /* JSON, "" when the service has none */
    size_t record_len;
    const char *first;   /* key of the event that comes first, "" when not known */
    const char *outcome; /* facts, "" when none */
    size_t outcome_len;
    const char *steps;   /* run_save() text, "" when none */
    size_t steps_len;
    int64_t wait_ms;
    bool any_step;       /* doubt: nobody knows which of its steps may be done */
    unsigned crashes;    /* ours: of owners who were at work on it, at most 3; 4: on it alone */
    bool dropped;        /* decided: it died, and a person dropped it */
    int64_t sent_ms;     /* doubt: how long ago it was marked SENT, by Redis' clock */
    const char *error;
};
typedef void claim_fn(void *arg, const struct claim_reply *reply); /* reply borrowed for the callback */

/* Queues the command; the callback comes from the loop, never from inside. -1: not up. */
int redis_claim(struct redis *r, const struct claim_request *c, claim_fn *fn, void *arg);

/* ---- the other scripts: their result ---- */
enum redis_result {
    REDIS_OK,
    REDIS_FENCED, /* the fence is not ours any more: nothing was done */
    REDIS_LOST,   /* another birth mark: nothing was done */
    REDIS_FAILED, /* no answer, or an error */
};
typedef void redis_done_fn(void *arg, enum redis_result res);

/* What a record that is set changes in the partition's set of accounts. */
enum redis_account {
    REDIS_ACCOUNT_SAME, /* nothing: it says what the record before it said */
    REDIS_ACCOUNT_EXISTS,
    REDIS_ACCOUNT_GONE,
};

struct decide_request {
    const char *service, *event_key, *event_id, *fence;
    const char *outcome; /* facts */
    size_t outcome_len;
    bool dead;           /* state DEAD instead of DECIDED */
    const char *record;  /* NULL: leave it */
    size_t record_len;
    enum redis_account account; /* with record: compared with the one that CLAIM gave */
    int32_t partition;   /* with account */
    const char *order;   /* with record: what each axis is set to */
    const char *place;   /* offset as decimal text; NULL: not known */
    bool unchanged;      /* the event found all as it was to be */
    enum order_by order_by; /* as in CLAIM */
    const char (*axes)[72];
    size_t axis_count;
};
int redis_decide(struct redis *r, const struct decide_request *d, redis_done_fn *fn, void *arg);
/* A workflow's step is done: outputs so far, next step SENT, lease renewed. */
int redis_step(struct redis *r, const char *service, const char *event_key, const char *fence, const char *steps,
               size_t steps_len, redis_done_fn *fn, void *arg);
/* The same, and what was remembered before the next step: the lane's record with it, of an account that exists as before. */
struct redis_kept {
    const char *steps;
    size_t steps_len;
    const char *record;
    size_t record_len;
};
int redis_keep(struct redis *r, const char *service, const char *event_key, const char *fence, const struct redis_kept *kept,
               redis_done_fn *fn, void *arg);
/* Only when proven not sent, or judged: gives lane and event back (state HELD). @fn may be NULL. */
int redis_release(struct redis *r, const char *service, const char *event_key, const char *fence,
                  redis_done_fn *fn, void *arg);
/* In doubt, and about to be set aside: its lane waits for whoever claims it next, or for redis_park(). @fn may be NULL. */
int redis_doubt(struct redis *r, const char *service, const char *event_key, const char *fence,
                redis_done_fn *fn, void *arg);
/* In doubt, and set aside in the waiting topic: its lane goes on without it. Holds under an older fence too: for what is set aside,
 * in a Redis that came back from before that. @fn may be NULL. */
int redis_park(struct redis *r, const char *service, const char *event_key, const char *fence,
               redis_done_fn *fn, void *arg);
/* The claim stays, and nothing is done under it until it is taken anew: a crash is not its doing. @fn may be NULL. */
int redis_rest(struct redis *r, const char *service, const char *event_key, const char *fence,
               redis_done_fn *fn, void *arg);
/* Its next round begins. REDIS_FENCED: it was decided in @round or a later one, or dropped. With 1, nothing begins: it is only asked. */
int redis_reopen(struct redis *r, const char *service, const char *event_key, unsigned round, redis_done_fn *fn, void *arg);
/* It died in @round, and a person dropped it: whoever brings it again is told so. @fn may be NULL. */
int redis_close(struct redis *r, const char *service, const char *event_key, unsigned round, redis_done_fn *fn, void *arg);
/* Renews the lane's lease for a claim that waits in doubt. */
int redis_renew(struct redis *r, const char *service, const char *event_key, const char *fence,
                redis_done_fn *fn, void *arg);

/* What Kafka says of an event that is done, or of a service, into a Redis that may have forgotten it: moves forward only. */
struct merge_axis {
    const char *name, *order, *event_id;
    char place[21]; /* offset as decimal text; "": not known */
    bool unchanged; /* that event found all as it was to be */
};
struct merge_request {
    const char *service, *fence; /* fence: "" when not known */
    const char *event_key;       /* NULL: a record alone; then the next four are not looked at */
    const char *fingerprint;     /* "" when not known: then no event is merged */
    const char *outcome;         /* facts */
    size_t outcome_len;
    bool dead;
    const char *record;          /* NULL: none */
    size_t record_len;
    enum redis_account account;  /* with record: EXISTS or GONE, since nobody knows what was there before */
    int32_t partition;           /* with account */
    const char *order_by;        /* "sequence", "offset" or "" */
    const struct merge_axis *axes;
    size_t axis_count;
};
int redis_merge(struct redis *r, const struct merge_request *m, redis_done_fn *fn, void *arg);
/* ---- redis_guard.c: the accounts of a partition: how many exist, and those cut within the last hour (core/guard.h) ---- */
#define REDIS_GUARD_MS INT64_C(3600000)
/* @service is cut now. @fn may be NULL. -1: not up. */
int redis_guard_note(struct redis *r, int32_t partition, const char *service, redis_done_fn *fn, void *arg);
/* @accounts: how many exist; with REDIS_OK. */
typedef void redis_accounts_fn(void *arg, enum redis_result res, int64_t accounts);
/* Borrowed until end(). */
struct redis_guard_load {
    void (*cut)(void *arg, const char *service, int64_t ago_ms); /* for each, the oldest first */
    redis_accounts_fn *end;
    void *arg;
};
int redis_guard_load(struct redis *r, int32_t partition, struct redis_guard_load *l);
/* Borrowed until end(). */
struct redis_guard_count {
    redis_accounts_fn *end;
    void *arg;
};
int redis_guard_count(struct redis *r, int32_t partition, struct redis_guard_count *c);

/* ---- redis_rebase.c: a service is ordered anew ---- */
/* Borrowed until end(). REDIS_FENCED: an event of the service is being worked. @record: "" when it has none. @fence: what the
 * new record may have. */
struct redis_rebase_look {
    void (*end)(void *arg, enum redis_result res, const char *record, size_t record_len, const char *fence);
    void *arg;
};
int redis_rebase_look(struct redis *r, const char *service, struct redis_rebase_look *l);
/* Sets record, of an account that exists as before, order and axes, also to lower ones, if the record is still @was and no event of the service is worked;
 * REDIS_FENCED: not so. Borrowed until done(). */
struct redis_rebase {
    const char *service, *fence;
    const char *was, *record;
    size_t was_len, record_len;
    enum order_by order_by; /* not ORDER_BY_NOTHING */
    const struct merge_axis *axes;
    size_t axis_count;
    redis_done_fn *done;
    void *arg;
};
int redis_rebase(struct redis *r, struct redis_rebase *b);

/* ---- redis_slots.c: slots that are leases (core/leases.h) ---- */
/* What a worker has and wants; borrowed until end(). A lease lasts lease_ms from when it was asked for, or for anew. */
struct redis_slots {
    const char *worker; /* the same for all of a worker's life */
    unsigned has, wants; /* wants: more */
    unsigned max;        /* that there are in all; all workers say the same */
    /* REDIS_OK: it has @has now, fewer than before where there are too many; @others wait for one of them. Else nothing is known. */
    void (*end)(void *arg, enum redis_result res, unsigned has, unsigned others);
    void *arg;
};
int redis_slots(struct redis *r, const struct redis_slots *s);
/* It has none and wants none. Fire and forget; after it, an answer that is still to come says nothing. */
void redis_slots_give(struct redis *r, const char *worker);

/* All workers of the provider wait @ms (a Retry-After). Fire and forget. */
int redis_pause_provider(struct redis *r, int64_t ms);

#endif

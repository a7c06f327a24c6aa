/* redis_private.h - what redis.c (the connection's life) and redis_claim.c (the commands) share. */
#ifndef TVB_IO_REDIS_PRIVATE_H
#define TVB_IO_REDIS_PRIVATE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "io/redis.h"
#include "io/redis_link.h"
#include "io/redis_scripts.h"
#include "io/redis_sentinel.h"

#define REDIS_MARK_SIZE 33 /* 16 random bytes as hex and the NUL */

enum redis_state {
    REDIS_STATE_WAITING,    /* for the next try to connect */
    REDIS_STATE_CONNECTING, /* connecting, or asking who is there */
    REDIS_STATE_READY,      /* claims may go */
};

struct redis {
    struct loop *loop;
    struct redis_options options; /* strings are ours */
    redis_event_fn *fn;
    void *arg;
    enum redis_state state;
    struct redis_link *link;
    struct redis_sentinel *sentinel; /* NULL: the address is in the options */
    struct loop_timer *retry;
    int64_t backoff_ms;
    bool freed, warned, told_up;
    char why[160]; /* last told; the same is not told twice */

    struct redis_script scripts[SCRIPT_COUNT];
    char run_id[64], replication_id[64], mark[REDIS_MARK_SIZE];
    char known_run_id[64], known_replication_id[64], known_mark[REDIS_MARK_SIZE]; /* of the last time it was up */
    char identity[200];
    char fence_floor[24];
    struct buf stale_facts, repeated_facts, unchanged_facts, superseded_facts;
    int64_t slots_asked; /* redis_slots.c: questions so far */
    struct redis_request *requests, *spare; /* redis_claim.c: all of its objects, and those to use again */
};

/* No more claims on this connection: it ends with @why at the end of the turn, and the next one asks who is there. */
void redis_unusable(struct redis *r, const char *why);
/* The master became a replica, or is loading: nothing will go here until somebody asks again who is there. */
void redis_look_at_error(struct redis *r, const struct reply *a);
void redis_requests_fini(struct redis *r);
/* As the scripts and records have it. */
const char *redis_order_by(enum order_by by);
/* An argument of the command that is being written: the key of the partition's set of accounts. */
void redis_key_accounts(struct redis *r, int32_t partition);
/* A command whose answer is a script's number: one is taken before the command is begun (NULL: not up, or no memory), and ends it. */
struct redis_request *redis_request_take(struct redis *r);
int redis_request_end(struct redis *r, redis_done_fn *fn, void *arg, struct redis_request *q);

#endif

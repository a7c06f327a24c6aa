/* redis_worker.h - for tests of redis.h: one loop, one connection, and the last answer kept. */
#ifndef TVB_TEST_REDIS_WORKER_H
#define TVB_TEST_REDIS_WORKER_H

#include <stdint.h>

#include "io/redis.h"
#include "redis_server.h"

#define ORDER(n) "000000-00000000000000000" #n "-000000"
#define LANE "t:{p/s1}:l"

struct answer {
    enum claim_state state;
    char fence[32], record[256], outcome[256], steps[256], first[65], error[160];
    int64_t wait_ms, sent_ms;
    unsigned crashes;
};

struct worker {
    struct loop *loop;
    struct redis *redis;
    struct answer a;
    enum redis_result result;
    unsigned claims, dones, ups, downs, forgots, warnings;
    unsigned expected; /* answers until the loop stops; 0: an event stops it */
    char why[200], warning[2][160];
};

/* Makes it; the first event is still to come. Prefix, provider and id_memory are set here. */
void worker_new(struct worker *w, struct redis_options o);
/* Makes it and waits until it is up. */
void worker_start(struct worker *w, struct redis_server *s, const char *owner);
void worker_end(struct worker *w);
/* Runs until @answers came, or with 0 until an UP or DOWN. */
void run_for(struct worker *w, unsigned answers);
/* Runs until as many UPs or DOWNs have come in all. */
void run_to_up(struct worker *w, unsigned ups);
void run_to_down(struct worker *w, unsigned downs);
/* Counts one, for callbacks of the tests' own. */
void answered(struct worker *w);
void on_claim(void *arg, const struct claim_reply *r);
void on_done(void *arg, enum redis_result res);

/* An event of service s1 that touches the axis block, ordered by sequence. */
struct claim_request event(const char *key, const char *order);
struct decide_request decision(const struct claim_request *c, const char *fence);

enum claim_state claim(struct worker *w, const struct claim_request *c);
enum redis_result decide(struct worker *w, const struct claim_request *c, const char *fence);
enum redis_result release(struct worker *w, const struct claim_request *c, const char *fence);
enum redis_result step(struct worker *w, const struct claim_request *c, const char *fence, const char *steps);
enum redis_result renew(struct worker *w, const struct claim_request *c, const char *fence);
/* The lease of the lane ends now, as if the owner had been silent for long. */
void expire(struct redis_server *s);

#define STATE(w, c, want) cr_expect(eq(int, (int)claim((w), (c)), (int)(want)))
#define RESULT(call, want) cr_expect(eq(int, (int)(call), (int)(want)))

#endif

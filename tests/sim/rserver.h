/* rserver.h - the simulated Redis server: its keys, its identity, and what goes wrong with it. sim_link.c is the client. */
#ifndef TVB_SIM_RSERVER_H
#define TVB_SIM_RSERVER_H

#include "io/redis_scripts.h"
#include "rstore.h"

struct rserver {
    struct sim *sim;
    struct rstore *store;
    char run_id[41], replication_id[41];
    bool away, loading, oom;
    int64_t slow_until;
    int64_t offset_ms; /* of its clock */
    struct redis_link *links;
    const char *scripts[SCRIPT_COUNT]; /* NULL: not sent yet */
    struct rstore *snapshot; /* what a fail-over would bring back; NULL: none taken yet */
};

struct rserver *rserver_new(struct sim *s);
/* All connections end, what they were at is done or not. */
void rserver_cut(struct rserver *r);
void rserver_go_away(struct rserver *r, int64_t ns);
void rserver_restart(struct rserver *r, int64_t ns); /* another run id */
void rserver_load(struct rserver *r, int64_t ns);
void rserver_fill(struct rserver *r, int64_t ns);
void rserver_take_snapshot(struct rserver *r);
void rserver_roll_back(struct rserver *r);
void rserver_empty(struct rserver *r, bool same_run);
/* One command as it comes. @script: its text in place of EVALSHA's digest, or NULL. */
const struct reply *rserver_command(struct rserver *r, const char *script, const struct rtext *a, size_t n);
int64_t rserver_latency(struct rserver *r);

/* sim_link.c */
void redis_link_cut(struct redis_link *k, const char *why);
struct redis_link *redis_link_next(struct redis_link *k);

#endif

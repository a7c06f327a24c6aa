/* rstore.h - a Redis of the commands that the scripts of io/redis_scripts.c use, with the real Lua 5.1 below it.
 *
 * Pure but for the time, which is an argument. Values are the arena's (sim_alloc) and never change, so that a snapshot
 * shares them. tests/sim/diff.c holds it against a real redis-server. A script that asks for another command ends with
 * an error that names it: add it to the table in rstore.c. */
#ifndef TVB_SIM_RSTORE_H
#define TVB_SIM_RSTORE_H

#include "io/redis_link.h"
#include "sim.h"

struct rtext {
    const char *data;
    size_t len;
};

struct rfield {
    struct rfield *next;
    struct rtext name, value;
};

struct rkey {
    struct rkey *next;
    struct rtext name;
    bool is_hash; /* or a set, by score or not, which is kept as one */
    bool is_set;
    struct rtext value;
    struct rfield *fields; /* in the order in which they came */
    int64_t expires_ms;    /* -1: never */
};

enum { RSTORE_BUCKETS = 256 };

struct rstore {
    struct sim *sim;
    struct rkey *buckets[RSTORE_BUCKETS];
    int64_t now_us; /* the time of the command */
    /* Called for each field that a script sets: @old is NULL when there was none. */
    void (*on_set)(struct rstore *r, const struct rkey *k, const struct rtext *field, const struct rtext *old,
                   const struct rtext *value);
};

struct lua_State *rstore_lua_new(void);

/* Runs one command, script or not; the answer is the arena's. */
const struct reply *rstore_command(struct rstore *r, const struct rtext *args, size_t n);
/* The same for a script's text with its keys and arguments as EVAL has them after the text. */
const struct reply *rstore_eval(struct rstore *r, const char *text, const struct rtext *args, size_t n);
struct rkey *rstore_find(struct rstore *r, const char *name, size_t len); /* NULL: none, or it has ended */
const struct rtext *rstore_field(const struct rkey *k, const char *name); /* NULL: none */
struct rstore *rstore_copy(const struct rstore *r);
void rstore_clear(struct rstore *r);

#endif

/* The connection to a real redis-server: whom it accepts, how it ends, and that every command is answered once. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/redis_worker.h"

/* ---- the connection ---- */

Test(redis, a_killed_server_ends_what_is_under_way_and_is_found_again)
{
    struct redis_server *s = redis_server_start(NULL);
    struct worker w;
    struct claim_request c = event("e5", ORDER(5));
    worker_start(&w, s, "w1");
    redis_server_kill(s);
    cr_assert(zero(int, redis_claim(w.redis, &c, on_claim, &w)));
    cr_assert(zero(int, redis_claim(w.redis, &c, on_claim, &w)));
    run_to_down(&w, 1);
    cr_expect(eq(uint, w.claims, 2u), "each exactly once, before the event");
    cr_expect(eq(int, (int)w.a.state, (int)CLAIM_FAILED));
    cr_expect(ne(str, w.a.error, ""));
    cr_expect(eq(uint, w.downs, 1u));
    cr_expect(not(redis_is_up(w.redis)));
    cr_expect(eq(int, redis_claim(w.redis, &c, on_claim, &w), -1));
    redis_server_again(s);
    run_to_up(&w, 2);
    cr_expect(eq(uint, w.forgots, 1u));
    STATE(&w, &c, CLAIM_FRESH);
    worker_end(&w);
    redis_server_stop(s);
}

Test(redis, a_refused_connection_is_told)
{
    struct worker w;
    worker_new(&w, (struct redis_options){.host = "127.0.0.1", .port = 1, .owner = "w1"});
    run_to_down(&w, 1);
    cr_expect(eq(uint, w.downs, 1u));
    cr_expect(ne(ptr, strstr(w.why, "refused"), NULL), "%s", w.why);
    worker_end(&w);
}

Test(redis, a_missing_socket_is_told)
{
    struct worker w;
    worker_new(&w, (struct redis_options){.unix_path = "/nonexistent/redis.sock", .owner = "w1"});
    run_to_down(&w, 1);
    cr_expect(eq(uint, w.downs, 1u));
    cr_expect(ne(ptr, strstr(w.why, "No such file"), NULL), "%s", w.why);
    worker_end(&w);
}

Test(redis, a_wrong_password_is_told_without_it)
{
    static const char *const args[] = {"--requirepass", "right", NULL};
    struct redis_server *s = redis_server_start(args);
    struct worker w;
    worker_new(&w, (struct redis_options){
                       .host = "127.0.0.1", .port = redis_server_port(s), .password = "secret-word", .owner = "w1"});
    run_to_down(&w, 1);
    cr_expect(eq(uint, w.downs, 1u));
    cr_expect(ne(ptr, strstr(w.why, "password"), NULL), "%s", w.why);
    cr_expect(eq(ptr, strstr(w.why, "secret-word"), NULL));
    worker_end(&w);
    worker_new(&w, (struct redis_options){
                       .host = "127.0.0.1", .port = redis_server_port(s), .password = "right", .db = 3, .owner = "w1"});
    run_to_up(&w, 1);
    cr_expect(eq(uint, w.ups, 1u), "%s", w.why);
    worker_end(&w);
    redis_server_stop(s);
}

Test(redis, a_cluster_and_a_replica_are_refused)
{
    static const char *const cluster[] = {"--cluster-enabled", "yes", "--cluster-config-file", "nodes.conf", NULL};
    static const char *const replica[] = {"--replicaof", "127.0.0.1", "1", NULL};
    struct worker w;
    struct redis_server *s = redis_server_start(cluster);
    worker_new(&w, (struct redis_options){.host = "127.0.0.1", .port = redis_server_port(s), .owner = "w1"});
    run_to_down(&w, 1);
    cr_expect(zero(uint, w.ups));
    cr_expect(ne(ptr, strstr(w.why, "Cluster"), NULL), "%s", w.why);
    worker_end(&w);
    redis_server_stop(s);
    s = redis_server_start(replica);
    worker_new(&w, (struct redis_options){.host = "127.0.0.1", .port = redis_server_port(s), .owner = "w1"});
    run_to_down(&w, 1);
    cr_expect(zero(uint, w.ups));
    cr_expect(ne(ptr, strstr(w.why, "replica"), NULL), "%s", w.why);
    worker_end(&w);
    redis_server_stop(s);
}

Test(redis, a_master_that_became_a_replica_is_left)
{
    struct redis_server *s = redis_server_start(NULL);
    struct worker w;
    struct claim_request c = event("e5", ORDER(5));
    worker_start(&w, s, "w1");
    STATE(&w, &c, CLAIM_FRESH);
    redis_server_ask(s, "REPLICAOF 127.0.0.1 1");
    cr_assert(zero(int, redis_claim(w.redis, &c, on_claim, &w)));
    run_to_down(&w, 2); /* the error, then the refusal */
    cr_expect(eq(int, (int)w.a.state, (int)CLAIM_FAILED));
    cr_expect(ne(ptr, strstr(w.why, "replica"), NULL), "%s", w.why);
    redis_server_ask(s, "REPLICAOF NO ONE");
    run_to_up(&w, 2);
    cr_expect(eq(uint, w.forgots, 1u), "another replication history");
    worker_end(&w);
    redis_server_stop(s);
}

Test(redis, a_server_that_forgets_is_warned_of_once)
{
    static const char *const args[] = {"--maxmemory-policy", "allkeys-lru", NULL};
    struct redis_server *s = redis_server_start(args);
    struct worker w;
    worker_start(&w, s, "w1");
    cr_expect(eq(uint, w.warnings, 2u));
    cr_expect(ne(ptr, strstr(w.warning[0], "noeviction"), NULL), "%s", w.warning[0]);
    cr_expect(ne(ptr, strstr(w.warning[1], "appendonly"), NULL), "%s", w.warning[1]);
    redis_server_ask(s, "CLIENT KILL TYPE normal SKIPME yes");
    run_to_up(&w, 2);
    cr_expect(eq(uint, w.ups, 2u));
    cr_expect(eq(uint, w.warnings, 2u));
    worker_end(&w);
    redis_server_stop(s);
    static const char *const good[] = {"--appendonly", "no", "--save", "3600 1", NULL};
    s = redis_server_start(good);
    worker_start(&w, s, "w1");
    cr_expect(zero(uint, w.warnings), "%s", w.warning[0]);
    worker_end(&w);
    redis_server_stop(s);
}

Test(redis, scripts_that_were_flushed_are_sent_again)
{
    struct redis_server *s = redis_server_start(NULL);
    struct worker w;
    struct claim_request c = event("e5", ORDER(5));
    worker_start(&w, s, "w1");
    redis_server_ask(s, "SCRIPT FLUSH");
    STATE(&w, &c, CLAIM_FRESH);
    RESULT(decide(&w, &c, w.a.fence), REDIS_OK);
    cr_expect(eq(uint, w.ups, 1u));
    worker_end(&w);
    redis_server_stop(s);
}

Test(redis, a_flush_in_the_middle_of_many_loses_none)
{
    enum { MANY = 200 };
    struct redis_server *s = redis_server_start(NULL);
    struct worker w;
    char keys[MANY][16];
    worker_start(&w, s, "w1");
    redis_server_ask(s, "SCRIPT FLUSH");
    for (int i = 0; i < MANY; i++) {
        snprintf(keys[i], sizeof(keys[i]), "k%d", i);
        struct claim_request c = event(keys[i], ORDER(5));
        c.service = keys[i];
        cr_assert(zero(int, redis_claim(w.redis, &c, on_claim, &w)));
    }
    run_for(&w, MANY);
    cr_expect(eq(uint, w.claims, (unsigned)MANY));
    cr_expect(eq(str, (char *)redis_server_ask(s, "DBSIZE"), "401"));
    worker_end(&w);
    redis_server_stop(s);
}

struct sequence {
    unsigned next, wrong;
    struct worker *w;
};

struct numbered {
    struct sequence *order;
    unsigned i;
};

static void in_order(void *arg, const struct claim_reply *r)
{
    struct numbered *n = arg;
    if (n->i != n->order->next++ || r->state != CLAIM_FRESH)
        n->order->wrong++;
    answered(n->order->w);
}

Test(redis, many_commands_leave_together_and_come_back_in_order)
{
    enum { MANY = 5000 };
    struct redis_server *s = redis_server_start(NULL);
    struct worker w;
    struct sequence order = {.w = &w};
    struct numbered *n = calloc(MANY, sizeof(*n));
    worker_start(&w, s, "w1");
    for (unsigned i = 0; i < MANY; i++) {
        char service[16];
        snprintf(service, sizeof(service), "s%u", i);
        struct claim_request c = event("e5", ORDER(5));
        c.service = service;
        n[i] = (struct numbered){&order, i};
        cr_assert(zero(int, redis_claim(w.redis, &c, in_order, &n[i])));
    }
    run_for(&w, MANY);
    cr_expect(eq(uint, order.next, (unsigned)MANY));
    cr_expect(zero(uint, order.wrong));
    free(n);
    worker_end(&w);
    redis_server_stop(s);
}

Test(redis, an_answer_that_does_not_come_in_time_ends_the_connection)
{
    struct redis_server *s = redis_server_start(NULL);
    struct worker w;
    struct claim_request c = event("e5", ORDER(5));
    worker_new(&w, (struct redis_options){
                       .host = "127.0.0.1", .port = redis_server_port(s), .timeout_ms = 300, .owner = "w1"});
    run_to_up(&w, 1);
    cr_assert(eq(uint, w.ups, 1u), "%s", w.why);
    redis_server_ask(s, "CLIENT PAUSE 1500 ALL");
    cr_assert(zero(int, redis_claim(w.redis, &c, on_claim, &w)));
    run_to_down(&w, 1);
    cr_expect(eq(int, (int)w.a.state, (int)CLAIM_FAILED));
    cr_expect(eq(uint, w.downs, 1u));
    cr_expect(ne(ptr, strstr(w.why, "in time"), NULL), "%s", w.why);
    run_to_up(&w, 2);
    cr_expect(zero(uint, w.forgots), "the same Redis as before");
    STATE(&w, &c, CLAIM_FRESH);
    worker_end(&w);
    redis_server_stop(s);
}

static void claim_again_inside(void *arg, const struct claim_reply *r)
{
    struct worker *w = arg;
    struct claim_request c = event("e5", ORDER(5));
    w->claims++;
    w->a.state = r->state;
    cr_expect(eq(int, redis_claim(w->redis, &c, on_claim, w), -1), "no more on a connection that ended");
}

Test(redis, nothing_is_queued_from_the_callbacks_of_a_lost_connection)
{
    struct redis_server *s = redis_server_start(NULL);
    struct worker w;
    struct claim_request c = event("e5", ORDER(5));
    worker_start(&w, s, "w1");
    redis_server_kill(s);
    cr_assert(zero(int, redis_claim(w.redis, &c, claim_again_inside, &w)));
    run_to_down(&w, 1);
    cr_expect(eq(uint, w.claims, 1u));
    worker_end(&w);
    redis_server_stop(s);
}

Test(redis, what_is_under_way_ends_silently_with_its_owner)
{
    struct redis_server *s = redis_server_start(NULL);
    struct worker w;
    struct claim_request c = event("e5", ORDER(5));
    worker_start(&w, s, "w1");
    cr_assert(zero(int, redis_claim(w.redis, &c, on_claim, &w)));
    worker_end(&w);
    cr_expect(zero(uint, w.claims));
    redis_server_stop(s);
}

static void free_inside(void *arg, const struct claim_reply *r)
{
    struct worker *w = arg;
    w->claims++;
    cr_expect(eq(int, (int)r->state, (int)CLAIM_FRESH));
    redis_free(w->redis);
    w->redis = NULL;
    loop_stop(w->loop);
}

Test(redis, it_may_be_freed_inside_a_callback)
{
    struct redis_server *s = redis_server_start(NULL);
    struct worker w;
    struct claim_request c = event("e5", ORDER(5));
    worker_start(&w, s, "w1");
    cr_assert(zero(int, redis_claim(w.redis, &c, free_inside, &w)));
    cr_assert(zero(int, redis_claim(w.redis, &c, free_inside, &w)));
    run_for(&w, 5);
    cr_expect(eq(uint, w.claims, 1u));
    worker_end(&w);
    redis_server_stop(s);
}

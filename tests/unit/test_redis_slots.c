/* Leases of slots on a real redis-server: who gets one, who waits, who has to give one back. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/redis_worker.h"

#define KEY "t:slots:p"
#define LATER "9999999999999" /* ms since 1970: not in this test's time */
#define PAST "1"

/* One connection speaks for all workers: the name alone counts. */
struct world {
    struct redis_server *server;
    struct worker worker;
    unsigned max;
    unsigned has, others;
};

static void start(struct world *o, unsigned max)
{
    *o = (struct world){.server = redis_server_start(NULL), .max = max};
    worker_start(&o->worker, o->server, "w");
}

static void stop(struct world *o)
{
    worker_end(&o->worker);
    redis_server_stop(o->server);
}

static void on_slots(void *arg, enum redis_result res, unsigned has, unsigned others)
{
    struct world *o = arg;
    o->worker.result = res;
    o->has = has;
    o->others = others;
    answered(&o->worker);
}

static unsigned ask(struct world *o, const char *name, unsigned has, unsigned wants)
{
    struct redis_slots s = {.worker = name, .has = has, .wants = wants, .max = o->max, .end = on_slots, .arg = o};
    cr_assert(zero(int, redis_slots(o->worker.redis, &s)));
    run_for(&o->worker, 1);
    return o->has;
}

/* As if @name had stood there since its first question: leases, their end, place, when it asked. */
static void put(struct world *o, const char *name, unsigned leases, const char *end, unsigned place, const char *asked)
{
    redis_server_ask(o->server, "HSET " KEY " %s %u/%s/%u/%s/1", name, leases, end, place, asked);
}

static bool is_known(struct world *o, const char *name)
{
    return strcmp(redis_server_ask(o->server, "HEXISTS " KEY " %s", name), "1") == 0;
}

#define HAS(call, want) cr_expect(eq(uint, (call), (unsigned)(want)))
#define OTHERS(o, want) cr_expect(eq(uint, (o)->others, (unsigned)(want)))

Test(redis_slots, there_are_no_more_than_there_may_be)
{
    struct world o;
    start(&o, 3);
    HAS(ask(&o, "a", 0, 1), 1);
    RESULT(o.worker.result, REDIS_OK);
    HAS(ask(&o, "b", 0, 5), 2);
    HAS(ask(&o, "c", 0, 1), 0);
    HAS(ask(&o, "a", 1, 1), 1);
    HAS(ask(&o, "b", 2, 0), 2);
    stop(&o);
}

Test(redis_slots, what_is_given_back_is_the_next_ones)
{
    struct world o;
    start(&o, 1);
    HAS(ask(&o, "a", 0, 1), 1);
    HAS(ask(&o, "b", 0, 1), 0);
    HAS(ask(&o, "a", 0, 0), 0);
    HAS(ask(&o, "b", 0, 1), 1);
    redis_slots_give(o.worker.redis, "b");
    HAS(ask(&o, "a", 0, 1), 1);
    stop(&o);
}

Test(redis_slots, who_waits_longest_is_first)
{
    struct world o;
    start(&o, 1);
    ask(&o, "a", 0, 1);
    ask(&o, "b", 0, 1);
    ask(&o, "c", 0, 1);
    ask(&o, "a", 0, 0);
    HAS(ask(&o, "d", 0, 1), 0);
    HAS(ask(&o, "c", 0, 1), 0);
    HAS(ask(&o, "b", 0, 1), 1);
    ask(&o, "b", 0, 0);
    HAS(ask(&o, "d", 0, 1), 0);
    HAS(ask(&o, "c", 0, 1), 1);
    stop(&o);
}

Test(redis_slots, who_gives_back_and_asks_again_comes_behind_those_who_wait)
{
    struct world o;
    start(&o, 1);
    ask(&o, "a", 0, 1);
    ask(&o, "b", 0, 1);
    HAS(ask(&o, "a", 0, 1), 0);
    HAS(ask(&o, "a", 0, 1), 0);
    HAS(ask(&o, "b", 0, 1), 1);
    HAS(ask(&o, "b", 0, 1), 0);
    HAS(ask(&o, "a", 0, 1), 1);
    stop(&o);
}

Test(redis_slots, alone_it_gets_at_once_again_what_it_gave_back)
{
    struct world o;
    start(&o, 1);
    ask(&o, "a", 0, 1);
    HAS(ask(&o, "a", 0, 1), 1);
    stop(&o);
}

Test(redis_slots, each_that_waits_is_given_one_before_anybody_is_given_a_second)
{
    struct world o;
    start(&o, 3);
    ask(&o, "x", 0, 3);
    ask(&o, "a", 0, 3);
    ask(&o, "b", 0, 3);
    ask(&o, "x", 0, 0);
    HAS(ask(&o, "a", 0, 3), 2);
    HAS(ask(&o, "b", 0, 3), 1);
    ask(&o, "c", 0, 1);
    HAS(ask(&o, "a", 1, 1), 1);
    HAS(ask(&o, "b", 1, 2), 1);
    HAS(ask(&o, "c", 0, 1), 1);
    stop(&o);
}

Test(redis_slots, who_has_least_is_first)
{
    struct world o;
    start(&o, 3);
    ask(&o, "a", 0, 2);
    ask(&o, "b", 0, 1);
    ask(&o, "a", 2, 1);
    ask(&o, "c", 0, 1);
    ask(&o, "b", 0, 0);
    HAS(ask(&o, "a", 2, 1), 2);
    HAS(ask(&o, "c", 0, 1), 1);
    stop(&o);
}

Test(redis_slots, says_how_many_wait_for_what_it_has)
{
    struct world o;
    start(&o, 4);
    HAS(ask(&o, "a", 0, 4), 4);
    OTHERS(&o, 0);
    ask(&o, "b", 0, 1);
    OTHERS(&o, 0);
    ask(&o, "c", 0, 1);
    ask(&o, "a", 4, 0);
    OTHERS(&o, 2);
    HAS(ask(&o, "a", 3, 1), 3);
    OTHERS(&o, 1);
    stop(&o);
}

Test(redis_slots, nobody_gives_back_to_who_has_almost_as_many)
{
    struct world o;
    start(&o, 3);
    ask(&o, "a", 0, 2);
    ask(&o, "b", 0, 1);
    ask(&o, "b", 1, 1);
    ask(&o, "a", 2, 1);
    OTHERS(&o, 0);
    put(&o, "a", 3, LATER, 0, PAST);
    ask(&o, "a", 3, 0);
    cr_expect(eq(uint, o.has, 2u));
    OTHERS(&o, 0);
    o.max = 4;
    HAS(ask(&o, "a", 3, 0), 3);
    OTHERS(&o, 1);
    stop(&o);
}

Test(redis_slots, who_died_keeps_his_until_they_end)
{
    struct world o;
    start(&o, 1);
    ask(&o, "a", 0, 1);
    HAS(ask(&o, "b", 0, 1), 0);
    put(&o, "a", 1, PAST, 0, PAST);
    HAS(ask(&o, "b", 0, 1), 1);
    cr_expect(not(is_known(&o, "a")), "and is forgotten");
    stop(&o);
}

Test(redis_slots, a_lease_lasts_from_when_it_was_asked_for_last)
{
    struct world o;
    start(&o, 1);
    ask(&o, "a", 0, 1);
    put(&o, "a", 1, PAST, 0, PAST);
    HAS(ask(&o, "a", 1, 0), 1);
    HAS(ask(&o, "b", 0, 1), 0);
    long end = 0, asked = 0;
    sscanf(redis_server_ask(o.server, "HGET " KEY " a"), "1/%ld/0/%ld", &end, &asked);
    cr_expect(eq(long, end - asked, 20000L));
    cr_expect(lt(int, 15000, atoi(redis_server_ask(o.server, "PTTL " KEY))));
    stop(&o);
}

Test(redis_slots, who_asks_no_more_waits_no_more)
{
    struct world o;
    start(&o, 1);
    put(&o, "b", 0, PAST, 1, PAST);
    put(&o, "c", 0, PAST, 2, LATER);
    HAS(ask(&o, "d", 0, 1), 0);
    cr_expect(not(is_known(&o, "b")));
    HAS(ask(&o, "c", 0, 1), 1);
    put(&o, "d", 0, PAST, 3, PAST);
    ask(&o, "e", 0, 1);
    HAS(ask(&o, "d", 0, 1), 0);
    ask(&o, "c", 0, 0);
    HAS(ask(&o, "d", 0, 1), 0);
    HAS(ask(&o, "e", 0, 1), 1);
    stop(&o);
}

Test(redis_slots, who_wants_nothing_leaves_the_line)
{
    struct world o;
    start(&o, 1);
    ask(&o, "a", 0, 1);
    ask(&o, "b", 0, 1);
    ask(&o, "a", 1, 0);
    OTHERS(&o, 1);
    ask(&o, "b", 0, 0);
    cr_expect(not(is_known(&o, "b")));
    ask(&o, "a", 1, 0);
    OTHERS(&o, 0);
    ask(&o, "a", 0, 0);
    cr_expect(eq(str, (char *)redis_server_ask(o.server, "EXISTS " KEY), "0"), "and nothing is left when nobody calls");
    stop(&o);
}

/* "has none, wants none" of a connection that is no more, read behind the next one's question that was given the slot. */
Test(redis_slots, a_question_that_comes_late_takes_nothing_away)
{
    struct world o;
    start(&o, 1);
    redis_server_ask(o.server, "HSET " KEY " a 1/" LATER "/0/" LATER "/2");
    HAS(ask(&o, "a", 0, 0), 0);
    HAS(ask(&o, "b", 0, 1), 0);
    HAS(ask(&o, "a", 0, 0), 0);
    HAS(ask(&o, "b", 0, 1), 1);
    stop(&o);
}

Test(redis_slots, after_a_loss_there_are_too_many_until_who_says_so_last_has_ended_his)
{
    struct world o;
    start(&o, 2);
    ask(&o, "a", 0, 2);
    redis_server_ask(o.server, "DEL " KEY);
    HAS(ask(&o, "b", 0, 1), 1);
    HAS(ask(&o, "a", 2, 0), 1);
    HAS(ask(&o, "c", 0, 1), 0);
    HAS(ask(&o, "a", 2, 0), 1);
    HAS(ask(&o, "a", 1, 0), 1);
    HAS(ask(&o, "b", 1, 1), 1);
    ask(&o, "d", 2, 0);
    HAS(o.has, 0);
    stop(&o);
}

Test(redis_slots, an_answer_that_was_lost_gives_nothing)
{
    struct world o;
    start(&o, 2);
    ask(&o, "a", 0, 2);
    HAS(ask(&o, "a", 0, 0), 0);
    HAS(ask(&o, "b", 0, 2), 2);
    stop(&o);
}

Test(redis_slots, the_longest_names_and_numbers_come_through)
{
    struct world o;
    char name[176];
    memset(name, 'n', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    start(&o, 10000);
    HAS(ask(&o, name, 0, 10000), 10000);
    HAS(ask(&o, name, 9999, 0), 9999);
    HAS(ask(&o, "b", 0, 2), 1);
    stop(&o);
}

Test(redis_slots, an_emptied_redis_is_no_free_slot)
{
    struct world o;
    start(&o, 1);
    redis_server_ask(o.server, "SET t:birth another");
    ask(&o, "a", 0, 1);
    RESULT(o.worker.result, REDIS_LOST);
    cr_expect(eq(str, (char *)redis_server_ask(o.server, "EXISTS " KEY), "0"));
    stop(&o);
}

Test(redis_slots, a_broken_connection_answers_nothing)
{
    struct world o;
    start(&o, 1);
    redis_server_freeze(o.server, true);
    struct redis_slots s = {.worker = "a", .wants = 1, .max = 1, .end = on_slots, .arg = &o};
    cr_assert(zero(int, redis_slots(o.worker.redis, &s)));
    redis_server_kill(o.server);
    run_for(&o.worker, 1);
    RESULT(o.worker.result, REDIS_FAILED);
    cr_expect(eq(int, redis_slots(o.worker.redis, &s), -1));
    redis_slots_give(o.worker.redis, "a");
    stop(&o);
}

Test(redis_slots, what_is_no_answer_is_none)
{
    struct world o;
    start(&o, 1);
    redis_server_ask(o.server, "SET " KEY " x");
    ask(&o, "a", 0, 1);
    RESULT(o.worker.result, REDIS_FAILED);
    redis_server_ask(o.server, "DEL " KEY);
    put(&o, "b", 1, "x", 0, PAST);
    ask(&o, "a", 0, 1);
    RESULT(o.worker.result, REDIS_FAILED);
    stop(&o);
}

/* The guard's count on a real redis-server. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/redis_worker.h"

struct seen {
    struct worker *worker;
    struct redis_guard_load load;
    char services[200];
    size_t n;
    int64_t oldest_ms;
};

static void on_cut(void *arg, const char *service, int64_t ago_ms)
{
    struct seen *seen = arg;
    size_t n = strlen(seen->services);
    if (seen->n++ == 0)
        seen->oldest_ms = ago_ms;
    snprintf(seen->services + n, sizeof(seen->services) - n, "%s ", service);
}

static void on_end(void *arg, enum redis_result res)
{
    struct seen *seen = arg;
    seen->worker->result = res;
    answered(seen->worker);
}

static enum redis_result load(struct worker *w, int32_t partition, struct seen *ret)
{
    *ret = (struct seen){.worker = w, .load = {on_cut, on_end, NULL}};
    ret->load.arg = ret;
    cr_assert(zero(int, redis_guard_load(w->redis, partition, &ret->load)));
    run_for(w, 1);
    return w->result;
}

static enum redis_result note(struct worker *w, const char *service)
{
    cr_assert(zero(int, redis_guard_note(w->redis, 3, service, on_done, w)));
    run_for(w, 1);
    return w->result;
}

Test(redis_guard, a_partitions_next_owner_finds_who_was_cut_the_oldest_first)
{
    struct redis_server *s = redis_server_start(NULL);
    struct worker w, next;
    struct seen seen;
    worker_start(&w, s, "w1");
    worker_start(&next, s, "w2");
    RESULT(load(&next, 3, &seen), REDIS_OK);
    cr_expect(eq(str, seen.services, ""));
    RESULT(note(&w, "a"), REDIS_OK);
    redis_guard_note(w.redis, 4, "of another partition", NULL, NULL);
    RESULT(load(&w, 3, &seen), REDIS_OK);
    redis_server_ask(s, "ZINCRBY t:guard:p:3 -2000 a");
    redis_guard_note(w.redis, 3, "b", NULL, NULL);
    RESULT(load(&w, 3, &seen), REDIS_OK);
    RESULT(load(&next, 3, &seen), REDIS_OK);
    cr_expect(eq(str, seen.services, "a b "));
    cr_expect(all(ge(i64, seen.oldest_ms, 2000), lt(i64, seen.oldest_ms, 60000)));
    redis_server_ask(s, "ZINCRBY t:guard:p:3 -500 b");
    redis_guard_note(w.redis, 3, "a", NULL, NULL);
    RESULT(load(&w, 3, &seen), REDIS_OK);
    cr_expect(eq(str, seen.services, "b a "), "counted once, by its last cut");
    worker_end(&w);
    worker_end(&next);
    redis_server_stop(s);
}

Test(redis_guard, what_is_older_than_an_hour_is_forgotten)
{
    struct redis_server *s = redis_server_start(NULL);
    struct worker w;
    struct seen seen;
    worker_start(&w, s, "w1");
    redis_guard_note(w.redis, 0, "old", NULL, NULL);
    redis_guard_note(w.redis, 0, "new", NULL, NULL);
    RESULT(load(&w, 0, &seen), REDIS_OK);
    redis_server_ask(s, "ZINCRBY t:guard:p:0 -3000000 old");
    RESULT(load(&w, 0, &seen), REDIS_OK);
    cr_expect(eq(str, seen.services, "old new "));
    redis_server_ask(s, "ZINCRBY t:guard:p:0 -600000 old");
    RESULT(load(&w, 0, &seen), REDIS_OK);
    cr_expect(eq(str, seen.services, "new "));
    cr_expect(eq(str, (char *)redis_server_ask(s, "ZCARD t:guard:p:0"), "2"));
    redis_guard_note(w.redis, 0, "third", NULL, NULL);
    RESULT(load(&w, 0, &seen), REDIS_OK);
    cr_expect(eq(str, (char *)redis_server_ask(s, "ZCARD t:guard:p:0"), "2"), "and removed");
    cr_expect(gt(int, atoi(redis_server_ask(s, "PTTL t:guard:p:0")), 3500000));
    worker_end(&w);
    redis_server_stop(s);
}

Test(redis_guard, many_accounts_are_one_answer)
{
    enum { MANY = 20000 };
    struct redis_server *s = redis_server_start(NULL);
    struct worker w;
    struct seen seen;
    worker_start(&w, s, "w1");
    for (int i = 1; i < MANY; i++) {
        char service[16];
        snprintf(service, sizeof(service), "%d", i);
        cr_assert(zero(int, redis_guard_note(w.redis, 3, service, NULL, NULL)));
    }
    RESULT(note(&w, "last"), REDIS_OK);
    RESULT(load(&w, 3, &seen), REDIS_OK);
    cr_expect(eq(sz, seen.n, MANY));
    RESULT(load(&w, 4, &seen), REDIS_OK);
    cr_expect(eq(sz, seen.n, 0), "and the next one is read, too");
    worker_end(&w);
    redis_server_stop(s);
}

Test(redis_guard, an_emptied_redis_is_no_empty_count)
{
    struct redis_server *s = redis_server_start(NULL);
    struct worker w;
    struct seen seen;
    worker_start(&w, s, "w1");
    redis_server_ask(s, "SET t:birth another");
    RESULT(load(&w, 0, &seen), REDIS_LOST);
    cr_expect(eq(str, seen.services, ""));
    RESULT(note(&w, "a"), REDIS_LOST);
    cr_expect(eq(str, (char *)redis_server_ask(s, "EXISTS t:guard:p:3"), "0"));
    worker_end(&w);
    redis_server_stop(s);
}

/* The guard's count, and that of the accounts, on a real redis-server. */
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
    int64_t oldest_ms, accounts;
};

static void on_cut(void *arg, const char *service, int64_t ago_ms)
{
    struct seen *seen = arg;
    size_t n = strlen(seen->services);
    if (seen->n++ == 0)
        seen->oldest_ms = ago_ms;
    snprintf(seen->services + n, sizeof(seen->services) - n, "%s ", service);
}

static void on_end(void *arg, enum redis_result res, int64_t accounts)
{
    struct seen *seen = arg;
    seen->worker->result = res;
    seen->accounts = accounts;
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
    cr_expect(lt(int, 3500000, atoi(redis_server_ask(s, "PTTL t:guard:p:0"))));
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

/* ---- how many accounts exist ---- */

enum { PART = 3 };
#define ACCOUNTS "t:accounts:p:3"
#define MEMBER(s, service) ((char *)redis_server_ask((s), "SISMEMBER " ACCOUNTS " " service))

static int64_t count(struct worker *w)
{
    struct seen seen = {.worker = w, .accounts = -1};
    struct redis_guard_count c = {on_end, &seen};
    cr_assert(zero(int, redis_guard_count(w->redis, PART, &c)));
    run_for(w, 1);
    return w->result == REDIS_OK ? seen.accounts : -1;
}

static struct claim_request event_of(const char *service, const char *key, const char *order)
{
    struct claim_request c = event(key, order);
    c.service = service;
    return c;
}

/* Decides what was claimed as @c. */
static enum redis_result ends(struct worker *w, const struct claim_request *c, const char *fence, enum redis_account account)
{
    struct decide_request d = decision(c, fence);
    d.account = account;
    d.partition = PART;
    cr_assert(zero(int, redis_decide(w->redis, &d, on_done, w)));
    run_for(w, 1);
    return w->result;
}

static void does(struct worker *w, const struct claim_request *c, enum redis_account account)
{
    char fence[32];
    STATE(w, c, CLAIM_FRESH);
    snprintf(fence, sizeof(fence), "%s", w->a.fence);
    RESULT(ends(w, c, fence, account), REDIS_OK);
}

Test(redis_accounts, follow_what_is_decided)
{
    struct redis_server *s = redis_server_start(NULL);
    struct worker w;
    struct seen seen;
    worker_start(&w, s, "w1");
    cr_expect(zero(i64, count(&w)));
    struct claim_request a = event_of("a", "a1", ORDER(1)), b = event_of("b", "b1", ORDER(1));
    does(&w, &a, REDIS_ACCOUNT_EXISTS);
    does(&w, &b, REDIS_ACCOUNT_EXISTS);
    cr_expect(eq(i64, count(&w), 2));
    a = event_of("a", "a2", ORDER(2));
    does(&w, &a, REDIS_ACCOUNT_SAME);
    cr_expect(eq(i64, count(&w), 2));
    cr_expect(eq(str, (char *)redis_server_ask(s, "HGET t:{p/a}:l a:block"), ORDER(2) " a2"), "the axes come after it");
    a = event_of("a", "a3", ORDER(3));
    does(&w, &a, REDIS_ACCOUNT_GONE);
    cr_expect(eq(i64, count(&w), 1));
    cr_expect(eq(str, (char *)redis_server_ask(s, "HGET t:{p/a}:l a:block"), ORDER(3) " a3"));
    cr_expect(eq(str, MEMBER(s, "b"), "1"));
    RESULT(load(&w, PART, &seen), REDIS_OK);
    cr_expect(eq(i64, seen.accounts, 1));
    RESULT(load(&w, PART + 1, &seen), REDIS_OK);
    cr_expect(zero(i64, seen.accounts), "each partition has its own");
    worker_end(&w);
    redis_server_stop(s);
}

Test(redis_accounts, stay_as_they_are_where_the_record_does)
{
    struct redis_server *s = redis_server_start(NULL);
    struct worker w, other;
    char fence[32];
    worker_start(&w, s, "w1");
    worker_start(&other, s, "w2");
    struct claim_request c = event_of("s1", "e1", ORDER(1));
    STATE(&w, &c, CLAIM_FRESH);
    snprintf(fence, sizeof(fence), "%s", w.a.fence);
    expire(s);
    STATE(&other, &c, CLAIM_DOUBT);
    RESULT(ends(&w, &c, fence, REDIS_ACCOUNT_EXISTS), REDIS_FENCED);
    cr_expect(zero(i64, count(&w)), "of a fenced owner");
    RESULT(ends(&other, &c, other.a.fence, REDIS_ACCOUNT_EXISTS), REDIS_OK);
    RESULT(ends(&other, &c, other.a.fence, REDIS_ACCOUNT_GONE), REDIS_OK);
    cr_expect(eq(i64, count(&w), 1), "what is decided is not decided again");
    struct decide_request d = decision(&c, fence);
    d.record = NULL;
    d.account = REDIS_ACCOUNT_EXISTS;
    d.partition = PART;
    c = event_of("s2", "e2", ORDER(1));
    STATE(&w, &c, CLAIM_FRESH);
    snprintf(fence, sizeof(fence), "%s", w.a.fence);
    d.service = "s2";
    d.event_key = "e2";
    cr_assert(zero(int, redis_decide(w.redis, &d, on_done, &w)));
    run_for(&w, 1);
    RESULT(w.result, REDIS_OK);
    cr_expect(eq(str, MEMBER(s, "s2"), "0"), "without a record");
    redis_server_ask(s, "SET t:birth another");
    cr_expect(eq(i64, count(&w), -1), "an emptied Redis is no empty set");
    RESULT(w.result, REDIS_LOST);
    worker_end(&w);
    worker_end(&other);
    redis_server_stop(s);
}

static enum redis_result merged(struct worker *w, const char *fence, const char *record, enum redis_account account)
{
    struct merge_axis axis = {.name = "existence", .order = ORDER(5), .event_id = "e5"};
    struct merge_request m = {.service = "s1", .fence = fence, .record = record, .record_len = strlen(record),
                              .account = account, .partition = PART, .order_by = "sequence", .axes = &axis, .axis_count = 1};
    cr_assert(zero(int, redis_merge(w->redis, &m, on_done, w)));
    run_for(w, 1);
    return w->result;
}

Test(redis_accounts, come_back_by_a_merge_which_moves_them_forward_only)
{
    static const struct {
        const char *why, *fence, *record;
        enum redis_account account;
        int64_t want;
    } rows[] = {
        {"a Redis that forgot", "1700000000000005", "{\"fence\":\"1700000000000005\"}", REDIS_ACCOUNT_EXISTS, 1},
        {"the same again", "1700000000000005", "{\"fence\":\"1700000000000005\"}", REDIS_ACCOUNT_EXISTS, 1},
        {"an older one", "1700000000000004", "{\"fence\":\"1700000000000004\"}", REDIS_ACCOUNT_GONE, 1},
        {"a newer one", "1700000000000006", "{\"fence\":\"1700000000000006\"}", REDIS_ACCOUNT_GONE, 0},
        {"one that its claim had ended", "1700000000000006", "{\"fence\":\"1700000000000006\",\"unfinished\":\"1700000000000006\"}",
         REDIS_ACCOUNT_EXISTS, 0},
        {"the newest", "1700000000000007", "{\"fence\":\"1700000000000007\"}", REDIS_ACCOUNT_EXISTS, 1},
    };
    struct redis_server *s = redis_server_start(NULL);
    struct worker w;
    worker_start(&w, s, "w1");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        RESULT(merged(&w, rows[i].fence, rows[i].record, rows[i].account), REDIS_OK);
        cr_expect(eq(i64, count(&w), rows[i].want), "%s", rows[i].why);
    }
    cr_expect(eq(str, (char *)redis_server_ask(s, "HGET " LANE " a:existence"), ORDER(5) " e5"));
    cr_expect(eq(str, (char *)redis_server_ask(s, "HLEN " LANE), "4"), "rec, by, fence and the axis: nothing else");
    worker_end(&w);
    redis_server_stop(s);
}

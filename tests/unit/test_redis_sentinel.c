/* Following Redis Sentinel: whom to believe, with stand-ins; then real servers with real sentinels that fail over. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/attr.h"
#include "io/redis_sentinel.h"
#include "support/fake_sentinel.h"
#include "support/redis_worker.h"

/* ---- with stand-ins ---- */

enum { FAKES = 3 };

struct fixture {
    struct loop *loop;
    struct fake_sentinel fakes[FAKES];
    char addresses[FAKES][64];
    const char *list[FAKES];
    struct redis_sentinel *sentinel;
    unsigned moves, silences;
    char why[400];
    bool stop_at_move;
    struct loop_timer *timer;
};

static void on_moved(void *arg)
{
    struct fixture *f = arg;
    f->moves++;
    if (f->stop_at_move)
        loop_stop(f->loop);
}

static void on_silent(void *arg, const char *why)
{
    struct fixture *f = arg;
    f->silences++;
    snprintf(f->why, sizeof f->why, "%s", why);
}

static void stop(void *arg)
{
    loop_stop(arg);
}

static void run_ms(struct fixture *f, int64_t ms)
{
    loop_timer_start(f->timer, ms);
    loop_run(f->loop);
}

static void begin(struct fixture *f)
{
    *f = (struct fixture){.loop = loop_new(NULL)};
    f->timer = loop_timer_new(f->loop, stop, f->loop, NULL);
    for (int i = 0; i < FAKES; i++) {
        fake_sentinel_start(&f->fakes[i], f->loop);
        snprintf(f->addresses[i], sizeof f->addresses[i], "127.0.0.1:%d", f->fakes[i].port);
        f->list[i] = f->addresses[i];
    }
}

static void watch(struct fixture *f, const char *password)
{
    struct redis_sentinel_options o = {
        .addresses = f->list, .count = FAKES, .master_name = "mymaster", .password = password, .timeout_ms = 20000};
    struct redis_sentinel_handlers h = {.arg = f, .moved = on_moved, .silent = on_silent};
    f->sentinel = redis_sentinel_new(f->loop, &o, &h, NULL);
    cr_assert(ne(ptr, f->sentinel, NULL));
}

static void end(struct fixture *f)
{
    redis_sentinel_free(f->sentinel);
    for (int i = 0; i < FAKES; i++)
        fake_sentinel_stop(&f->fakes[i]);
    loop_timer_free(f->timer);
    loop_free(f->loop);
}

static int master_port(const struct fixture *f)
{
    const char *host;
    int port;
    return redis_sentinel_master(f->sentinel, &host, &port) && strcmp(host, "127.0.0.1") == 0 ? port : -1;
}

static void all_say(struct fixture *f, int port, unsigned epoch)
{
    for (int i = 0; i < FAKES; i++)
        fake_sentinel_says(&f->fakes[i], "127.0.0.1", port, epoch);
}

Test(sentinel, the_master_is_known_once_all_have_answered)
{
    struct fixture f;
    begin(&f);
    all_say(&f, 7001, 1);
    watch(&f, NULL);
    cr_expect(eq(int, master_port(&f), -1));
    run_ms(&f, 400);
    cr_expect(eq(int, master_port(&f), 7001));
    cr_expect(eq(u32, f.moves, 1u));
    end(&f);
}

Test(sentinel, one_that_was_cut_off_and_names_the_old_master_is_not_heard)
{
    struct fixture f;
    begin(&f);
    all_say(&f, 7002, 5);
    fake_sentinel_says(&f.fakes[0], "127.0.0.1", 7001, 4);
    watch(&f, NULL);
    run_ms(&f, 1300);
    cr_expect(eq(int, master_port(&f), 7002));
    cr_expect(eq(u32, f.moves, 1u), "not even at first");
    fake_sentinel_stop(&f.fakes[1]);
    fake_sentinel_stop(&f.fakes[2]);
    run_ms(&f, 4500);
    cr_expect(eq(int, master_port(&f), 7002), "also when it is the only one left");
    cr_expect(eq(u32, f.moves, 1u));
    end(&f);
}

Test(sentinel, a_higher_number_from_one_of_them_is_believed_at_once)
{
    struct fixture f;
    begin(&f);
    all_say(&f, 7001, 1);
    watch(&f, NULL);
    run_ms(&f, 800);
    fake_sentinel_says(&f.fakes[2], "127.0.0.1", 7002, 2);
    run_ms(&f, 900);
    cr_expect(eq(int, master_port(&f), 7002));
    cr_expect(eq(u32, f.moves, 2u));
    end(&f);
}

Test(sentinel, lower_numbers_are_believed_when_all_of_them_say_so)
{
    struct fixture f;
    begin(&f);
    all_say(&f, 7001, 9);
    watch(&f, NULL);
    run_ms(&f, 800);
    fake_sentinel_says(&f.fakes[0], "127.0.0.1", 7002, 0);
    fake_sentinel_says(&f.fakes[1], "127.0.0.1", 7002, 0);
    run_ms(&f, 900);
    cr_expect(eq(int, master_port(&f), 7001), "one still knows better");
    all_say(&f, 7002, 0);
    run_ms(&f, 900);
    cr_expect(eq(int, master_port(&f), 7002), "set up anew");
    end(&f);
}

Test(sentinel, one_that_hangs_or_is_away_keeps_nobody_waiting)
{
    struct fixture f;
    begin(&f);
    all_say(&f, 7001, 1);
    f.fakes[0].mute = true;
    fake_sentinel_stop(&f.fakes[1]);
    watch(&f, NULL);
    run_ms(&f, 2200);
    cr_expect(eq(int, master_port(&f), 7001));
    fake_sentinel_says(&f.fakes[2], "127.0.0.1", 7002, 2);
    run_ms(&f, 900);
    cr_expect(eq(int, master_port(&f), 7002));
    end(&f);
}

Test(sentinel, a_master_that_none_knows_is_told_with_its_name)
{
    struct fixture f;
    begin(&f);
    watch(&f, NULL);
    run_ms(&f, 1000);
    cr_expect(eq(int, master_port(&f), -1));
    const char *why = redis_sentinel_why(f.sentinel);
    cr_expect(strstr(why, "mymaster") && strstr(why, "does not know") && strstr(why, f.addresses[0]), "%s", why);
    end(&f);
}

Test(sentinel, silence_of_all_is_told_once_and_the_master_stays)
{
    struct fixture f;
    begin(&f);
    all_say(&f, 7001, 1);
    watch(&f, NULL);
    run_ms(&f, 700);
    for (int i = 0; i < FAKES; i++)
        fake_sentinel_stop(&f.fakes[i]);
    run_ms(&f, 12500);
    cr_expect(eq(u32, f.silences, 1u));
    cr_expect(strstr(f.why, "refused") != NULL, "%s", f.why);
    cr_expect(eq(int, master_port(&f), 7001));
    end(&f);
}

Test(sentinel, the_password_is_sent_first_and_names_are_looked_up)
{
    struct fixture f;
    begin(&f);
    all_say(&f, 7001, 1);
    snprintf(f.addresses[0], sizeof f.addresses[0], "localhost:%d", f.fakes[0].port);
    watch(&f, "open sesame");
    run_ms(&f, 700);
    cr_expect(eq(int, master_port(&f), 7001));
    cr_expect(lt(u32, 0u, f.fakes[0].asked));
    static const char want[] = "*2\r\n$4\r\nAUTH\r\n$11\r\nopen sesame\r\n*3\r\n$8\r\nSENTINEL\r\n";
    cr_expect(zero(int, strncmp(f.fakes[1].first, want, sizeof want - 1)), "%s", f.fakes[1].first);
    end(&f);
}

Test(sentinel, a_name_that_is_none_is_an_error_and_not_a_wait)
{
    struct fixture f;
    begin(&f);
    all_say(&f, 7001, 1);
    snprintf(f.addresses[0], sizeof f.addresses[0], "no-such-host.invalid:1");
    watch(&f, NULL);
    run_ms(&f, 2000);
    cr_expect(eq(int, master_port(&f), 7001));
    end(&f);
}

Test(sentinel, a_wrong_address_is_refused)
{
    static const char *const bad[] = {"", ":1", "h:0", "h:65536", "h:x"};
    struct loop *l = loop_new(NULL);
    struct redis_sentinel_handlers h = {.moved = on_moved, .silent = on_silent};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct err err = {0};
        struct redis_sentinel_options o = {.addresses = &bad[i], .count = 1, .master_name = "m", .timeout_ms = 1000};
        cr_expect(eq(ptr, redis_sentinel_new(l, &o, &h, &err), NULL), "%s", bad[i]);
        cr_expect(strstr(err.msg, "host:port") != NULL, "%s", err.msg);
    }
    loop_free(l);
}

Test(sentinel, redis_says_that_it_is_down_when_no_sentinel_answers)
{
    static const char *const nobody[] = {"127.0.0.1:1"};
    struct worker w;
    worker_new(&w, (struct redis_options){
                       .sentinels = nobody, .sentinel_count = 1, .master_name = "mymaster", .owner = "w1"});
    run_to_down(&w, 1);
    cr_expect(strstr(w.why, "refused") && strstr(w.why, "mymaster"), "%s", w.why);
    worker_end(&w);
}

/* ---- real ones: a master, a replica, three sentinels ---- */

enum { SENTINELS = 3 };

struct house {
    struct redis_server *a, *b; /* a: the master at first */
    struct redis_server *sentinels[SENTINELS];
    char addresses[SENTINELS + 1][64];
    const char *list[SENTINELS + 1];
};

static bool answers(struct redis_server *s, const char *what, const char *want)
{
    for (int i = 0; i < 600; i++) {
        if (strstr(redis_server_ask(s, "%s", what), want))
            return true;
        usleep(50000);
    }
    return false;
}

static void house_begin(struct house *h)
{
    char port[16], monitor[64];
    h->a = redis_server_start(NULL);
    snprintf(port, sizeof port, "%d", redis_server_port(h->a));
    const char *const replica[] = {"--replicaof", "127.0.0.1", port, NULL};
    h->b = redis_server_start(replica);
    cr_assert(answers(h->b, "INFO replication", "master_link_status:up"));
    snprintf(monitor, sizeof monitor, "mymaster 127.0.0.1 %s 2", port);
    snprintf(h->addresses[0], sizeof h->addresses[0], "127.0.0.1:1"); /* one that is always away */
    h->list[0] = h->addresses[0];
    for (int i = 0; i < SENTINELS; i++) {
        h->sentinels[i] = redis_sentinel_start(monitor);
        snprintf(h->addresses[i + 1], sizeof h->addresses[0], "127.0.0.1:%d", redis_server_port(h->sentinels[i]));
        h->list[i + 1] = h->addresses[i + 1];
    }
    for (int i = 0; i < SENTINELS; i++)
        cr_assert(answers(h->sentinels[i], "SENTINEL CKQUORUM mymaster", "OK 3 usable"));
    for (int i = 0; i < SENTINELS; i++)
        cr_assert(answers(h->sentinels[i], "INFO sentinel", "slaves=1,sentinels=3"));
}

static void house_end(struct house *h)
{
    for (int i = 0; i < SENTINELS; i++)
        redis_server_stop(h->sentinels[i]);
    redis_server_stop(h->a);
    redis_server_stop(h->b);
}

static void house_worker(struct worker *w, struct house *h)
{
    worker_new(w, (struct redis_options){
                      .sentinels = h->list, .sentinel_count = SENTINELS + 1, .master_name = "mymaster", .owner = "w1"});
    run_to_up(w, 1);
    cr_assert(eq(uint, w->downs, 0u), "%s", w->why);
}

/* The new master is known, was noticed to be another Redis, and claims go there. */
static void expect_on_b(struct worker *w, struct house *h)
{
    struct claim_request c = event("e6", ORDER(6));
    run_to_up(w, 2);
    cr_expect(eq(uint, w->forgots, 1u));
    STATE(w, &c, CLAIM_FRESH);
    cr_expect(ne(str, (char *)redis_server_ask(h->b, "HGET t:{p/s1}:e:e6 st"), ""), "it stands in the new master");
}

Test(sentinel, a_killed_master_is_followed_to_its_replica)
{
    struct house h;
    struct worker w;
    struct claim_request c = event("e5", ORDER(5));
    house_begin(&h);
    house_worker(&w, &h);
    STATE(&w, &c, CLAIM_FRESH);
    RESULT(decide(&w, &c, w.a.fence), REDIS_OK);
    redis_server_kill(h.a);
    run_to_down(&w, 1);
    expect_on_b(&w, &h);
    worker_end(&w);
    house_end(&h);
}

/* A command's answer is awaited for 20 s in these tests: it is Sentinel's word that ends the connection. */
Test(sentinel, a_master_that_hangs_is_left_when_sentinel_has_switched)
{
    struct house h;
    struct worker w;
    struct claim_request c = event("e5", ORDER(5));
    house_begin(&h);
    house_worker(&w, &h);
    redis_server_freeze(h.a, true);
    cr_assert(zero(int, redis_claim(w.redis, &c, on_claim, &w)));
    run_to_down(&w, 1);
    cr_expect(eq(int, (int)w.a.state, (int)CLAIM_FAILED));
    cr_expect(strstr(w.why, "Sentinel names another master") != NULL, "%s", w.why);
    expect_on_b(&w, &h);
    redis_server_freeze(h.a, false);
    cr_assert(answers(h.a, "INFO replication", "role:slave"), "the old one is made a replica");
    c = event("e7", ORDER(7));
    c.service = "s2";
    STATE(&w, &c, CLAIM_FRESH);
    cr_expect(eq(uint, w.ups, 2u), "and nobody went back to it");
    worker_end(&w);
    house_end(&h);
}

Test(sentinel, a_planned_fail_over_is_followed)
{
    struct house h;
    struct worker w;
    house_begin(&h);
    house_worker(&w, &h);
    redis_server_ask(h.sentinels[1], "SENTINEL FAILOVER mymaster");
    run_to_down(&w, 1);
    expect_on_b(&w, &h);
    worker_end(&w);
    house_end(&h);
}

/* What the record says of an event that was passed, and what a claim looks at before it passes others. RELIABILITY.md
 * section 1, "Superseding"; on a real redis-server. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "contract/outcome.h"
#include "support/redis_worker.h"

static struct claim_request event_at(const char *key, const char *order, const char *place)
{
    struct claim_request c = event(key, order);
    c.place = place;
    return c;
}

static void apply(struct worker *w, const struct claim_request *c)
{
    STATE(w, c, CLAIM_FRESH);
    char fence[32];
    snprintf(fence, sizeof(fence), "%s", w->a.fence);
    struct decide_request d = decision(c, fence);
    d.place = c->place;
    cr_assert(zero(int, redis_decide(w->redis, &d, on_done, w)));
    run_for(w, 1);
    RESULT(w->result, REDIS_OK);
}

static void expect_by(const struct worker *w, const char *by)
{
    struct outcome o;
    cr_assert(zero(int, outcome_facts_decode(w->a.outcome, strlen(w->a.outcome), &o)), "%s", w->a.outcome);
    cr_expect(eq(int, (int)o.kind, (int)OUTCOME_SUPERSEDED));
    cr_expect(eq(str, o.by, (char *)by));
    outcome_fini(&o);
}

Test(redis_supersede, one_that_was_passed_by_a_later_place_is_superseded_and_stays_so)
{
    struct redis_server *s = redis_server_start(NULL);
    struct worker w;
    struct claim_request older = event_at("e4", ORDER(4), "9"), newer = event_at("e5", ORDER(5), "10");
    worker_start(&w, s, "w1");
    apply(&w, &newer);
    cr_expect(eq(str, (char *)redis_server_ask(s, "HGET " LANE " a:block"), ORDER(5) "@10 e5"));
    STATE(&w, &older, CLAIM_SUPERSEDED);
    expect_by(&w, "e5");
    cr_expect(ne(str, w.a.fence, ""));
    STATE(&w, &older, CLAIM_DECIDED);
    expect_by(&w, "e5");
    cr_expect(lt(int, 500000, atoi(redis_server_ask(s, "PTTL t:{p/s1}:e:e4"))));
    STATE(&w, &newer, CLAIM_DECIDED);
    worker_end(&w);
    redis_server_stop(s);
}

/* Its repeat, which knows only of the first round, is answered from this. */
Test(redis_supersede, one_that_was_passed_in_its_second_round_is_superseded_in_that)
{
    struct redis_server *s = redis_server_start(NULL);
    struct worker w;
    struct claim_request older = event_at("e4", ORDER(4), "9"), newer = event_at("e5", ORDER(5), "10");
    struct outcome o;
    worker_start(&w, s, "w1");
    STATE(&w, &older, CLAIM_FRESH);
    struct decide_request dead = decision(&older, w.a.fence);
    dead.dead = true;
    dead.record = NULL;
    cr_assert(zero(int, redis_decide(w.redis, &dead, on_done, &w)));
    run_for(&w, 1);
    RESULT(w.result, REDIS_OK);
    apply(&w, &newer);
    cr_assert(zero(int, redis_reopen(w.redis, "s1", "e4", 2, on_done, &w)));
    run_for(&w, 1);
    RESULT(w.result, REDIS_OK);
    for (int i = 0; i < 2; i++) {
        STATE(&w, &older, i == 0 ? CLAIM_SUPERSEDED : CLAIM_DECIDED);
        expect_by(&w, "e5");
        cr_assert(zero(int, outcome_facts_decode(w.a.outcome, strlen(w.a.outcome), &o)), "%s", w.a.outcome);
        cr_expect(eq(uint, o.round, 2));
        outcome_fini(&o);
    }
    worker_end(&w);
    redis_server_stop(s);
}

Test(redis_supersede, one_that_came_after_what_passed_it_is_stale)
{
    struct redis_server *s = redis_server_start(NULL);
    struct worker w;
    struct claim_request newer = event_at("e5", ORDER(5), "10"), late = event_at("e4", ORDER(4), "11"),
                         unknown = event_at("e3", ORDER(3), NULL);
    worker_start(&w, s, "w1");
    apply(&w, &newer);
    STATE(&w, &late, CLAIM_STALE);
    STATE(&w, &unknown, CLAIM_STALE);
    worker_end(&w);
    redis_server_stop(s);
}

Test(redis_supersede, stale_on_one_axis_is_stale)
{
    static const char both[2][72] = {"block", "plan"}, plan[1][72] = {"plan"};
    struct redis_server *s = redis_server_start(NULL);
    struct worker w;
    struct claim_request before = event_at("e5", ORDER(5), "8"), after = event_at("e6", ORDER(6), "12"),
                         older = event_at("e4", ORDER(4), "9");
    before.axes = plan;
    older.axes = both;
    older.axis_count = 2;
    worker_start(&w, s, "w1");
    apply(&w, &before);
    apply(&w, &after);
    STATE(&w, &older, CLAIM_STALE);
    worker_end(&w);
    redis_server_stop(s);
}

Test(redis_supersede, an_id_that_json_escapes_is_named_as_it_is)
{
    struct redis_server *s = redis_server_start(NULL);
    struct worker w;
    struct claim_request older = event_at("e4", ORDER(4), "9"), newer = event_at("e5", ORDER(5), "10");
    newer.event_id = "a \"b\" \\c";
    worker_start(&w, s, "w1");
    apply(&w, &newer);
    STATE(&w, &older, CLAIM_SUPERSEDED);
    expect_by(&w, "a \"b\" \\c");
    STATE(&w, &newer, CLAIM_DECIDED);
    worker_end(&w);
    redis_server_stop(s);
}

static const char covered[1][65] = {"e4"};

static struct claim_request covering(bool maybe_sent)
{
    struct claim_request c = event_at("e5", ORDER(5), "10");
    c.covered = covered;
    c.covered_count = c.waiting_count = 1;
    c.maybe_sent = maybe_sent;
    return c;
}

Test(redis_supersede, one_that_it_covers_and_that_is_decided_comes_first)
{
    struct redis_server *s = redis_server_start(NULL);
    struct worker w;
    struct claim_request older = event_at("e4", ORDER(4), "9"), newer = covering(false), doubt = covering(true);
    worker_start(&w, s, "w1");
    apply(&w, &older);
    STATE(&w, &newer, CLAIM_COVERED);
    cr_expect(eq(str, w.a.first, "e4"));
    STATE(&w, &doubt, CLAIM_COVERED);
    cr_expect(eq(str, (char *)redis_server_ask(s, "EXISTS t:{p/s1}:e:e5"), "0"), "nothing was done");
    worker_end(&w);
    redis_server_stop(s);
}

Test(redis_supersede, of_one_that_does_not_wait_for_it_only_what_is_decided_counts)
{
    struct redis_server *s = redis_server_start(NULL);
    struct worker w;
    struct claim_request older = event_at("e4", ORDER(4), "9"), newer = covering(false), doubt = covering(true);
    newer.waiting_count = doubt.waiting_count = 0;
    worker_start(&w, s, "w1");
    STATE(&w, &older, CLAIM_FRESH);
    char fence[32];
    snprintf(fence, sizeof(fence), "%s", w.a.fence);
    STATE(&w, &doubt, CLAIM_BUSY);
    cr_expect(eq(str, (char *)w.a.first, "e4"), "the lane is its own as ever");
    struct decide_request d = decision(&older, fence);
    cr_assert(zero(int, redis_decide(w.redis, &d, on_done, &w)));
    run_for(&w, 1);
    STATE(&w, &doubt, CLAIM_COVERED);
    STATE(&w, &newer, CLAIM_COVERED);
    cr_expect(eq(str, w.a.first, "e4"));
    worker_end(&w);
    redis_server_stop(s);
}

Test(redis_supersede, one_that_was_given_back_is_passed_and_one_with_a_step_done_is_not)
{
    struct redis_server *s = redis_server_start(NULL);
    struct worker w;
    struct claim_request older = event_at("e4", ORDER(4), "9"), newer = covering(false);
    char fence[32];
    worker_start(&w, s, "w1");
    STATE(&w, &older, CLAIM_FRESH);
    snprintf(fence, sizeof(fence), "%s", w.a.fence);
    RESULT(release(&w, &older, fence), REDIS_OK);
    STATE(&w, &newer, CLAIM_FRESH);
    snprintf(fence, sizeof(fence), "%s", w.a.fence);
    RESULT(release(&w, &newer, fence), REDIS_OK);
    STATE(&w, &older, CLAIM_FRESH);
    snprintf(fence, sizeof(fence), "%s", w.a.fence);
    RESULT(step(&w, &older, fence, "[1]"), REDIS_OK);
    RESULT(release(&w, &older, fence), REDIS_OK);
    STATE(&w, &newer, CLAIM_COVERED);
    worker_end(&w);
    redis_server_stop(s);
}

Test(redis_supersede, one_that_is_sent_comes_first_unless_the_quarantine_was_waited_for)
{
    struct redis_server *s = redis_server_start(NULL);
    struct worker w;
    struct claim_request older = event_at("e4", ORDER(4), "9"), newer = covering(false), doubt = covering(true);
    worker_start(&w, s, "w1");
    STATE(&w, &older, CLAIM_FRESH);
    STATE(&w, &newer, CLAIM_BUSY);
    cr_expect(eq(str, w.a.first, "e4"));
    STATE(&w, &doubt, CLAIM_DOUBT);
    cr_expect(eq(str, (char *)redis_server_ask(s, "HGET " LANE " sent"), "e5"), "the newest is the lane's undecided one");
    worker_end(&w);
    redis_server_stop(s);
}

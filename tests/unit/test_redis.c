/* Claims on a real redis-server: every state, and who may say what came of it. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "contract/outcome.h"
#include "support/redis_worker.h"

static const char everything[1][72] = {"all"};

/* ---- claim and decide ---- */

Test(redis, an_event_is_claimed_decided_and_answered_from_what_was_decided)
{
    struct redis_server *s = redis_server_start(NULL);
    struct worker w;
    struct claim_request c = event("e1", ORDER(5));
    char fence[32];
    worker_start(&w, s, "w1");
    STATE(&w, &c, CLAIM_FRESH);
    cr_expect(eq(str, w.a.record, ""));
    cr_expect(lt(sz, (size_t)14, strlen(w.a.fence)));
    snprintf(fence, sizeof(fence), "%s", w.a.fence);
    RESULT(decide(&w, &c, fence), REDIS_OK);
    RESULT(decide(&w, &c, fence), REDIS_OK);
    STATE(&w, &c, CLAIM_DECIDED);
    cr_expect(eq(str, w.a.outcome, "{\"kind\":\"applied\"}"));
    cr_expect(eq(str, w.a.record, "{\"block\":\"blocked\"}"));
    cr_expect(eq(str, w.a.fence, fence));
    cr_expect(eq(str, (char *)redis_server_ask(s, "HGET " LANE " a:block"), ORDER(5) " e1"));
    cr_expect(eq(str, (char *)redis_server_ask(s, "HGET " LANE " sent"), ""));
    worker_end(&w);
    redis_server_stop(s);
}

Test(redis, only_events_expire)
{
    struct redis_server *s = redis_server_start(NULL);
    struct worker w;
    struct claim_request c = event("e1", ORDER(5));
    worker_start(&w, s, "w1");
    STATE(&w, &c, CLAIM_FRESH);
    cr_expect(eq(str, (char *)redis_server_ask(s, "PTTL t:{p/s1}:e:e1"), "-1"), "not while undecided");
    RESULT(decide(&w, &c, w.a.fence), REDIS_OK);
    cr_expect(lt(int, 500000, atoi(redis_server_ask(s, "PTTL t:{p/s1}:e:e1"))));
    cr_expect(eq(str, (char *)redis_server_ask(s, "PTTL " LANE), "-1"));
    cr_expect(eq(str, (char *)redis_server_ask(s, "PTTL t:birth"), "-1"));
    worker_end(&w);
    redis_server_stop(s);
}

Test(redis, the_same_owner_gets_the_same_answer_again)
{
    struct redis_server *s = redis_server_start(NULL);
    struct worker w;
    struct claim_request c = event("e1", ORDER(5));
    char fence[32];
    worker_start(&w, s, "w1");
    STATE(&w, &c, CLAIM_FRESH);
    snprintf(fence, sizeof(fence), "%s", w.a.fence);
    STATE(&w, &c, CLAIM_FRESH);
    cr_expect(lt(int, 0, strcmp(w.a.fence, fence)));
    cr_expect(eq(str, (char *)redis_server_ask(s, "HGET t:{p/s1}:e:e1 tries"), "1"));
    snprintf(fence, sizeof(fence), "%s", w.a.fence);
    c.retry = true;
    STATE(&w, &c, CLAIM_FRESH);
    cr_expect(lt(int, 0, strcmp(w.a.fence, fence)));
    cr_expect(eq(str, (char *)redis_server_ask(s, "HGET t:{p/s1}:e:e1 tries"), "2"));
    RESULT(release(&w, &c, fence), REDIS_FENCED); /* of the try before, come late: this one is sent */
    cr_expect(eq(str, (char *)redis_server_ask(s, "HGET t:{p/s1}:e:e1 st"), "S"));
    worker_end(&w);
    redis_server_stop(s);
}

static long long number(struct redis_server *s, const char *service, const char *key, const char *field)
{
    return atoll(redis_server_ask(s, "HGET t:{p/%s}:%s %s", service, key, field));
}

/* Redis tells the time without the zeros of a fraction: in the first tenth of a second they are put back. */
Test(redis, fence_and_times_of_a_claim_are_those_of_one_moment_whatever_its_fraction)
{
    struct redis_server *s = redis_server_start(NULL);
    struct worker w;
    bool early = false, late = false;
    worker_start(&w, s, "w1");
    for (int i = 0; i < 500 && !(early && late); i++) {
        char service[16];
        struct claim_request c = event("e1", ORDER(5));
        snprintf(service, sizeof(service), "s%d", i);
        c.service = service;
        STATE(&w, &c, CLAIM_FRESH);
        long long fence = atoll(w.a.fence), sent = number(s, service, "e:e1", "sent");
        cr_assert(eq(sz, strlen(w.a.fence), 16), "%s", w.a.fence);
        cr_assert(eq(llong, sent, fence / 1000));
        cr_assert(eq(llong, number(s, service, "l", "until"), sent + 20000));
        cr_assert(eq(llong, number(s, service, "l", "fence"), fence));
        early |= fence % 1000000 < 100000;
        late |= fence % 1000000 >= 100000;
        usleep(10000);
    }
    cr_expect(early && late);
    worker_end(&w);
    redis_server_stop(s);
}

Test(redis, a_released_event_is_fresh_under_a_higher_fence)
{
    struct redis_server *s = redis_server_start(NULL);
    struct worker w, other;
    struct claim_request c = event("e1", ORDER(5)), next = event("e2", ORDER(6));
    char fence[32];
    worker_start(&w, s, "w1");
    worker_start(&other, s, "w2");
    STATE(&w, &c, CLAIM_FRESH);
    snprintf(fence, sizeof(fence), "%s", w.a.fence);
    RESULT(release(&w, &c, fence), REDIS_OK);
    RESULT(release(&w, &c, fence), REDIS_OK);
    STATE(&other, &c, CLAIM_FRESH);
    cr_expect(lt(int, 0, strcmp(other.a.fence, fence)));
    RESULT(release(&w, &c, fence), REDIS_FENCED);
    RESULT(decide(&w, &c, fence), REDIS_FENCED);
    RESULT(step(&w, &c, fence, "{}"), REDIS_FENCED);
    RESULT(renew(&w, &c, fence), REDIS_FENCED);
    STATE(&w, &next, CLAIM_BUSY);
    cr_expect(lt(i64, 0, w.a.wait_ms));
    cr_expect(le(i64, w.a.wait_ms, 20000));
    RESULT(decide(&other, &c, other.a.fence), REDIS_OK);
    STATE(&w, &next, CLAIM_FRESH);
    worker_end(&w);
    worker_end(&other);
    redis_server_stop(s);
}

Test(redis, what_another_owner_may_have_sent_is_in_doubt)
{
    struct redis_server *s = redis_server_start(NULL);
    struct worker w, other;
    struct claim_request c = event("e1", ORDER(5)), next = event("e2", ORDER(6));
    char fence[32];
    worker_start(&w, s, "w1/1");
    worker_start(&other, s, "w1/2"); /* the same worker in its next assignment is another owner */
    STATE(&w, &c, CLAIM_FRESH);
    RESULT(step(&w, &c, w.a.fence, "{\"step\":1}"), REDIS_OK);
    STATE(&other, &c, CLAIM_BUSY);
    expire(s);
    STATE(&other, &next, CLAIM_BUSY); /* the undecided one first */
    STATE(&other, &c, CLAIM_DOUBT);
    snprintf(fence, sizeof(fence), "%s", other.a.fence);
    cr_expect(lt(int, 0, strcmp(fence, w.a.fence)));
    cr_expect(eq(str, other.a.steps, "{\"step\":1}"));
    cr_expect(ge(i64, other.a.sent_ms, 0));
    STATE(&other, &c, CLAIM_DOUBT);
    cr_expect(lt(int, 0, strcmp(other.a.fence, fence)), "asked again, the doubt stays");
    RESULT(decide(&w, &c, w.a.fence), REDIS_FENCED);
    RESULT(decide(&other, &c, fence), REDIS_FENCED);
    RESULT(decide(&other, &c, other.a.fence), REDIS_OK);
    STATE(&w, &c, CLAIM_DECIDED);
    worker_end(&w);
    worker_end(&other);
    redis_server_stop(s);
}

Test(redis, a_step_of_ours_ends_the_inherited_doubt)
{
    struct redis_server *s = redis_server_start(NULL);
    struct worker w, other;
    struct claim_request c = event("e1", ORDER(5));
    worker_start(&w, s, "w1");
    worker_start(&other, s, "w2");
    STATE(&w, &c, CLAIM_FRESH);
    expire(s);
    STATE(&other, &c, CLAIM_DOUBT);
    RESULT(step(&other, &c, other.a.fence, "{\"step\":2}"), REDIS_OK);
    STATE(&other, &c, CLAIM_FRESH);
    cr_expect(eq(str, other.a.steps, "{\"step\":2}"));
    expire(s);
    STATE(&w, &c, CLAIM_DOUBT);
    worker_end(&w);
    worker_end(&other);
    redis_server_stop(s);
}

Test(redis, a_lease_is_renewed_by_its_holder)
{
    struct redis_server *s = redis_server_start(NULL);
    struct worker w, other;
    struct claim_request c = event("e1", ORDER(5));
    worker_start(&w, s, "w1");
    worker_start(&other, s, "w2");
    STATE(&w, &c, CLAIM_FRESH);
    expire(s);
    RESULT(renew(&w, &c, w.a.fence), REDIS_OK);
    STATE(&other, &c, CLAIM_BUSY);
    worker_end(&w);
    worker_end(&other);
    redis_server_stop(s);
}

static enum redis_result decide_as(struct worker *w, const struct decide_request *d)
{
    cr_assert(zero(int, redis_decide(w->redis, d, on_done, w)));
    run_for(w, 1);
    return w->result;
}

Test(redis, a_decision_without_a_record_frees_the_lane_and_sets_nothing_else)
{
    struct redis_server *s = redis_server_start(NULL);
    struct worker w, other;
    struct claim_request c = event("e1", ORDER(5)), next = event("e2", ORDER(4));
    worker_start(&w, s, "w1");
    worker_start(&other, s, "w2");
    STATE(&w, &c, CLAIM_FRESH);
    struct decide_request d = decision(&c, w.a.fence);
    d.record = NULL;
    RESULT(decide_as(&w, &d), REDIS_OK);
    cr_expect(eq(str, (char *)redis_server_ask(s, "HGET " LANE " owner"), ""));
    cr_expect(eq(str, (char *)redis_server_ask(s, "HLEN " LANE), "4"), "owner, until, fence, sent");
    STATE(&other, &next, CLAIM_FRESH);
    worker_end(&w);
    worker_end(&other);
    redis_server_stop(s);
}

Test(redis, a_held_event_with_a_record_sets_it_and_leaves_the_lane_to_its_holder)
{
    static const char both[2][72] = {"plan", "block"};
    struct redis_server *s = redis_server_start(NULL);
    struct worker w;
    struct claim_request c = event("e1", ORDER(5)), next = event("e2", ORDER(6));
    worker_start(&w, s, "w1");
    STATE(&w, &c, CLAIM_FRESH);
    struct decide_request d = decision(&c, strdup(w.a.fence));
    d.axes = both;
    d.axis_count = 2;
    RESULT(release(&w, &c, d.fence), REDIS_OK);
    STATE(&w, &next, CLAIM_FRESH);
    RESULT(decide_as(&w, &d), REDIS_OK);
    cr_expect(eq(str, (char *)redis_server_ask(s, "HGET " LANE " owner"), "w1"));
    cr_expect(eq(str, (char *)redis_server_ask(s, "HGET " LANE " sent"), "e2"));
    cr_expect(eq(str, (char *)redis_server_ask(s, "HGET " LANE " rec"), "{\"block\":\"blocked\"}"));
    cr_expect(eq(str, (char *)redis_server_ask(s, "HGET " LANE " by"), "s"));
    cr_expect(eq(str, (char *)redis_server_ask(s, "HGET " LANE " a:plan"), ORDER(5) " e1"));
    cr_expect(eq(str, (char *)redis_server_ask(s, "HGET " LANE " a:block"), ORDER(5) " e1"));
    free((char *)(uintptr_t)d.fence);
    worker_end(&w);
    redis_server_stop(s);
}

Test(redis, a_held_event_may_be_decided_unless_another_took_it)
{
    struct redis_server *s = redis_server_start(NULL);
    struct worker w;
    struct claim_request c = event("e1", ORDER(5)), next = event("e2", ORDER(6));
    char fence[32];
    worker_start(&w, s, "w1");
    STATE(&w, &c, CLAIM_FRESH);
    snprintf(fence, sizeof(fence), "%s", w.a.fence);
    RESULT(release(&w, &c, fence), REDIS_OK);
    STATE(&w, &next, CLAIM_FRESH);
    struct decide_request d = decision(&c, fence);
    d.dead = true;
    d.record = NULL;
    RESULT(decide_as(&w, &d), REDIS_OK);
    cr_expect(eq(str, (char *)redis_server_ask(s, "HGET " LANE " sent"), "e2"), "the lane is another event's");
    cr_expect(eq(str, (char *)redis_server_ask(s, "HGET t:{p/s1}:e:e1 st"), "X"));
    STATE(&w, &c, CLAIM_DECIDED);
    worker_end(&w);
    redis_server_stop(s);
}

Test(redis, the_same_key_with_other_content_is_a_conflict)
{
    struct redis_server *s = redis_server_start(NULL);
    struct worker w;
    struct claim_request c = event("e1", ORDER(5)), twin = c;
    twin.fingerprint = "g";
    worker_start(&w, s, "w1");
    STATE(&w, &c, CLAIM_FRESH);
    STATE(&w, &twin, CLAIM_CONFLICT);
    RESULT(decide(&w, &c, w.a.fence), REDIS_FENCED); /* a conflict has no fence */
    STATE(&w, &c, CLAIM_FRESH);
    RESULT(decide(&w, &c, w.a.fence), REDIS_OK);
    STATE(&w, &twin, CLAIM_CONFLICT);
    worker_end(&w);
    redis_server_stop(s);
}

/* ---- order ---- */

static void apply(struct worker *w, const struct claim_request *c)
{
    STATE(w, c, CLAIM_FRESH);
    RESULT(decide(w, c, w->a.fence), REDIS_OK);
}

static enum outcome_kind kind_of(const struct answer *a, char resolved[16])
{
    struct outcome o;
    cr_assert(zero(int, outcome_facts_decode(a->outcome, strlen(a->outcome), &o)), "%s", a->outcome);
    enum outcome_kind k = o.kind;
    memcpy(resolved, o.resolved, 16);
    outcome_fini(&o);
    return k;
}

Test(redis, what_is_not_above_the_last_applied_is_stale_and_stays_so)
{
    struct redis_server *s = redis_server_start(NULL);
    struct worker w;
    struct claim_request five = event("e5", ORDER(5)), four = event("e4", ORDER(4)), twin = event("x5", ORDER(5));
    char resolved[16];
    worker_start(&w, s, "w1");
    apply(&w, &five);
    STATE(&w, &four, CLAIM_STALE);
    cr_expect(eq(int, (int)kind_of(&w.a, resolved), (int)OUTCOME_STALE));
    cr_expect(ne(str, w.a.fence, ""));
    cr_expect(eq(str, w.a.record, "{\"block\":\"blocked\"}"));
    STATE(&w, &twin, CLAIM_STALE);
    STATE(&w, &four, CLAIM_DECIDED);
    cr_expect(eq(int, (int)kind_of(&w.a, resolved), (int)OUTCOME_STALE));
    cr_expect(lt(int, 500000, atoi(redis_server_ask(s, "PTTL t:{p/s1}:e:e4"))));
    worker_end(&w);
    redis_server_stop(s);
}

Test(redis, an_applied_event_that_was_forgotten_is_known_from_the_record)
{
    struct redis_server *s = redis_server_start(NULL);
    struct worker w;
    struct claim_request c = event("e5", ORDER(5));
    char resolved[16];
    worker_start(&w, s, "w1");
    apply(&w, &c);
    redis_server_ask(s, "DEL t:{p/s1}:e:e5");
    STATE(&w, &c, CLAIM_REPEATED);
    cr_expect(eq(int, (int)kind_of(&w.a, resolved), (int)OUTCOME_APPLIED));
    cr_expect(eq(str, resolved, "record"));
    STATE(&w, &c, CLAIM_DECIDED);
    worker_end(&w);
    redis_server_stop(s);
}

Test(redis, what_changed_nothing_and_was_forgotten_is_told_as_that_again)
{
    struct redis_server *s = redis_server_start(NULL);
    struct worker w;
    struct claim_request c = event("e5", ORDER(5)), newer = event("e6", ORDER(6));
    char resolved[16];
    c.place = "12";
    worker_start(&w, s, "w1");
    STATE(&w, &c, CLAIM_FRESH);
    struct decide_request d = decision(&c, w.a.fence);
    d.place = "12";
    d.unchanged = true;
    RESULT(decide_as(&w, &d), REDIS_OK);
    cr_expect(eq(str, (char *)redis_server_ask(s, "HGET " LANE " a:block"), ORDER(5) "@12= e5"));
    redis_server_ask(s, "DEL t:{p/s1}:e:e5");
    STATE(&w, &c, CLAIM_REPEATED);
    cr_expect(eq(int, (int)kind_of(&w.a, resolved), (int)OUTCOME_UNCHANGED));
    cr_expect(eq(str, resolved, "record"));
    STATE(&w, &c, CLAIM_DECIDED);
    cr_expect(eq(int, (int)kind_of(&w.a, resolved), (int)OUTCOME_UNCHANGED));
    STATE(&w, &newer, CLAIM_FRESH);
    worker_end(&w);
    redis_server_stop(s);
}

Test(redis, each_axis_has_an_order_of_its_own)
{
    static const char plan[1][72] = {"plan"}, existence[1][72] = {"existence"};
    static const char both[2][72] = {"plan", "block"};
    struct redis_server *s = redis_server_start(NULL);
    struct worker w;
    struct claim_request c5 = event("e5", ORDER(5)), p3 = event("p3", ORDER(3)), p4 = event("p4", ORDER(4));
    struct claim_request x8 = event("x8", ORDER(8)), c7 = event("e7", ORDER(7)), a6 = event("a6", ORDER(6));
    struct claim_request a9 = event("a9", ORDER(9));
    p3.axes = plan;
    p4.axes = both;
    p4.axis_count = 2;
    x8.axes = existence;
    a6.axes = a9.axes = everything;
    worker_start(&w, s, "w1");
    apply(&w, &c5);
    apply(&w, &p3);           /* another axis */
    STATE(&w, &p4, CLAIM_STALE); /* above plan, not above block */
    apply(&w, &x8);
    STATE(&w, &c7, CLAIM_STALE); /* not above existence */
    STATE(&w, &a6, CLAIM_STALE); /* a snapshot must be above all */
    apply(&w, &a9);
    struct claim_request late = event("e8", ORDER(8));
    late.axes = plan;
    STATE(&w, &late, CLAIM_STALE); /* not above the snapshot */
    struct claim_request none = event("n8", ORDER(8));
    none.axis_count = 0;
    STATE(&w, &none, CLAIM_STALE);
    worker_end(&w);
    redis_server_stop(s);
}

Test(redis, a_snapshot_must_be_above_every_axis_that_was_applied)
{
    static const char plan[1][72] = {"plan"};
    struct redis_server *s = redis_server_start(NULL);
    struct worker w;
    struct claim_request c5 = event("e5", ORDER(5)), p3 = event("p3", ORDER(3));
    struct claim_request a4 = event("a4", ORDER(4)), a6 = event("a6", ORDER(6));
    p3.axes = plan;
    a4.axes = a6.axes = everything;
    worker_start(&w, s, "w1");
    apply(&w, &c5);
    apply(&w, &p3);
    STATE(&w, &a4, CLAIM_STALE); /* above plan, not above block, which it does not name */
    STATE(&w, &a6, CLAIM_FRESH);
    worker_end(&w);
    redis_server_stop(s);
}

Test(redis, order_by_sequence_and_by_offset_do_not_mix)
{
    struct redis_server *s = redis_server_start(NULL);
    struct worker w;
    struct claim_request c = event("e5", ORDER(5)), offset = event("o9", ORDER(9));
    offset.order_by = ORDER_BY_OFFSET;
    worker_start(&w, s, "w1");
    apply(&w, &c);
    STATE(&w, &offset, CLAIM_MIXED);
    offset.order = ORDER(1);
    STATE(&w, &offset, CLAIM_MIXED); /* not stale: the two cannot be compared */
    worker_end(&w);
    redis_server_stop(s);
}

Test(redis, what_is_ordered_by_nothing_goes_with_either_and_leaves_the_choice)
{
    struct redis_server *s = redis_server_start(NULL);
    struct worker w;
    struct claim_request first = event("e0", "000000-000000000000000000-000001"), c = event("e5", ORDER(5)),
                         offset = event("o9", ORDER(9)), late = event("e6", "000000-000000000000000000-000001");
    offset.order_by = ORDER_BY_OFFSET;
    first.order_by = late.order_by = ORDER_BY_NOTHING;
    late.axes = (const char[1][72]){"plan"};
    worker_start(&w, s, "w1");
    apply(&w, &first);
    cr_expect(eq(str, (char *)redis_server_ask(s, "HGET t:{p/s1}:l by"), ""));
    apply(&w, &c); /* billing's first says it */
    cr_expect(eq(str, (char *)redis_server_ask(s, "HGET t:{p/s1}:l by"), "s"));
    STATE(&w, &offset, CLAIM_MIXED);
    apply(&w, &late);
    cr_expect(eq(str, (char *)redis_server_ask(s, "HGET t:{p/s1}:l by"), "s"));
    worker_end(&w);
    redis_server_stop(s);
}

Test(redis, a_pause_of_the_provider_reaches_every_claim)
{
    struct redis_server *s = redis_server_start(NULL);
    struct worker w, other;
    struct claim_request c = event("e5", ORDER(5)), done = event("e6", ORDER(6));
    worker_start(&w, s, "w1");
    worker_start(&other, s, "w2");
    apply(&w, &done);
    c.service = "s2";
    cr_assert(zero(int, redis_pause_provider(w.redis, 60000)));
    cr_assert(zero(int, redis_pause_provider(w.redis, 1000))); /* does not shorten it */
    STATE(&w, &c, CLAIM_PAUSED);
    STATE(&other, &c, CLAIM_PAUSED);
    cr_expect(lt(i64, 30000, other.a.wait_ms));
    STATE(&other, &done, CLAIM_DECIDED);
    redis_server_ask(s, "DEL t:pause:p");
    STATE(&other, &c, CLAIM_FRESH);
    worker_end(&w);
    worker_end(&other);
    redis_server_stop(s);
}

Test(redis, fences_start_above_what_was_seen_elsewhere)
{
    struct redis_server *s = redis_server_start(NULL);
    struct worker w;
    struct claim_request c = event("e5", ORDER(5));
    worker_start(&w, s, "w1");
    redis_raise_fence(w.redis, "4000000000000000");
    redis_raise_fence(w.redis, "3000000000000000");
    redis_raise_fence(w.redis, "");
    STATE(&w, &c, CLAIM_FRESH);
    cr_expect(eq(str, w.a.fence, "4000000000000001"));
    worker_end(&w);
    redis_server_stop(s);
}

Test(redis, another_assignment_is_another_owner)
{
    struct redis_server *s = redis_server_start(NULL);
    struct worker w;
    struct claim_request c = event("e5", ORDER(5));
    worker_start(&w, s, "w1/1");
    STATE(&w, &c, CLAIM_FRESH);
    redis_set_owner(w.redis, "w1/2");
    STATE(&w, &c, CLAIM_BUSY);
    expire(s);
    STATE(&w, &c, CLAIM_DOUBT);
    worker_end(&w);
    redis_server_stop(s);
}

/* ---- forgetting ---- */

Test(redis, an_emptied_redis_is_noticed_by_the_next_script)
{
    struct redis_server *s = redis_server_start(NULL);
    struct worker w;
    struct claim_request c = event("e5", ORDER(5));
    char before[200];
    worker_start(&w, s, "w1");
    snprintf(before, sizeof(before), "%s", redis_identity(w.redis));
    STATE(&w, &c, CLAIM_FRESH);
    redis_server_ask(s, "FLUSHALL");
    STATE(&w, &c, CLAIM_FORGOT);
    cr_expect(eq(str, (char *)redis_server_ask(s, "EXISTS " LANE), "0"), "nothing was done");
    run_to_up(&w, 2);
    cr_expect(eq(uint, w.downs, 1u));
    cr_expect(eq(uint, w.forgots, 1u));
    cr_expect(eq(uint, w.ups, 2u));
    cr_expect(ne(str, (char *)redis_identity(w.redis), before));
    STATE(&w, &c, CLAIM_FRESH);
    worker_end(&w);
    redis_server_stop(s);
}

Test(redis, scripts_of_a_claim_from_before_do_nothing)
{
    struct redis_server *s = redis_server_start(NULL);
    struct worker w;
    struct claim_request c = event("e5", ORDER(5));
    worker_start(&w, s, "w1");
    STATE(&w, &c, CLAIM_FRESH);
    redis_server_ask(s, "SET t:birth another");
    RESULT(decide(&w, &c, w.a.fence), REDIS_LOST);
    cr_expect(eq(str, (char *)redis_server_ask(s, "HGET t:{p/s1}:e:e5 st"), "S"));
    worker_end(&w);
    redis_server_stop(s);
}

Test(redis, two_workers_agree_on_the_birth_mark)
{
    struct redis_server *s = redis_server_start(NULL);
    struct worker w, other;
    worker_start(&w, s, "w1");
    worker_start(&other, s, "w2");
    cr_expect(eq(str, (char *)redis_identity(w.redis), (char *)redis_identity(other.redis)));
    cr_expect(eq(sz, strlen(redis_server_ask(s, "GET t:birth")), (size_t)32));
    worker_end(&w);
    worker_end(&other);
    redis_server_stop(s);
}

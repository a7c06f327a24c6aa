/* What Kafka says, merged into a real redis-server that may have forgotten it. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/redis_worker.h"

#define APPLIED "{\"kind\":\"applied\"}"
#define RECORD(fence, word) "{\"fence\":\"" fence "\",\"block\":\"" word "\"}"

static enum redis_result merge(struct worker *w, const struct merge_request *m)
{
    cr_assert(zero(int, redis_merge(w->redis, m, on_done, w)));
    run_for(w, 1);
    return w->result;
}

static struct merge_request done(const char *key, const char *fence)
{
    return (struct merge_request){
        .service = "s1",
        .fence = fence,
        .event_key = key,
        .fingerprint = "f1",
        .outcome = APPLIED,
        .outcome_len = strlen(APPLIED),
        .order_by = "",
    };
}

static struct merge_request with_record(struct merge_request m, const char *record, const struct merge_axis *axis)
{
    m.record = record;
    m.record_len = strlen(record);
    m.order_by = "sequence";
    m.axes = axis;
    m.axis_count = 1;
    return m;
}

Test(redis_merge, an_event_that_is_done_is_not_claimed_again)
{
    struct redis_server *s = redis_server_start(NULL);
    struct worker w;
    struct claim_request c = event("e1", ORDER(5)), other = c, older = event("e0", ORDER(4));
    struct merge_axis axis = {.name = "block", .order = ORDER(5), .event_id = "e1"};
    struct merge_request m = with_record(done("e1", "1700000000000000"), RECORD("1700000000000000", "blocked"), &axis);
    m.fingerprint = c.fingerprint;
    worker_start(&w, s, "w1");
    RESULT(merge(&w, &m), REDIS_OK);
    RESULT(merge(&w, &m), REDIS_OK);
    STATE(&w, &c, CLAIM_DECIDED);
    cr_expect(eq(str, w.a.outcome, APPLIED));
    cr_expect(eq(str, w.a.fence, "1700000000000000"));
    cr_expect(eq(str, w.a.record, RECORD("1700000000000000", "blocked")));
    cr_expect(lt(int, 500000, atoi(redis_server_ask(s, "PTTL t:{p/s1}:e:e1"))));
    other.fingerprint = "another";
    STATE(&w, &other, CLAIM_CONFLICT);
    STATE(&w, &older, CLAIM_STALE);
    worker_end(&w);
    redis_server_stop(s);
}

Test(redis_merge, what_is_done_frees_the_lane_that_held_it_as_sent)
{
    struct redis_server *s = redis_server_start(NULL);
    struct worker w, other;
    struct claim_request c = event("e1", ORDER(5)), next = event("e2", ORDER(6));
    struct merge_request m = done("e1", "1700000000000000");
    m.fingerprint = c.fingerprint;
    worker_start(&w, s, "w1");
    worker_start(&other, s, "w2");
    STATE(&w, &c, CLAIM_FRESH);
    STATE(&other, &next, CLAIM_BUSY);
    RESULT(merge(&other, &m), REDIS_OK);
    STATE(&other, &next, CLAIM_FRESH);
    RESULT(decide(&w, &c, "1"), REDIS_FENCED);
    worker_end(&w);
    worker_end(&other);
    redis_server_stop(s);
}

Test(redis_merge, what_was_decided_stays_as_it_is)
{
    struct redis_server *s = redis_server_start(NULL);
    struct worker w;
    struct claim_request c = event("e1", ORDER(5));
    struct merge_request m = done("e1", "1");
    worker_start(&w, s, "w1");
    STATE(&w, &c, CLAIM_FRESH);
    RESULT(decide(&w, &c, w.a.fence), REDIS_OK);
    m.fingerprint = c.fingerprint;
    m.outcome = "{\"kind\":\"dead\"}";
    m.outcome_len = strlen(m.outcome);
    m.dead = true;
    RESULT(merge(&w, &m), REDIS_OK);
    STATE(&w, &c, CLAIM_DECIDED);
    cr_expect(eq(str, w.a.outcome, APPLIED));
    worker_end(&w);
    redis_server_stop(s);
}

/* ---- what is set aside for a person ---- */

static enum redis_result park(struct worker *w, const char *key, const char *fence)
{
    cr_assert(zero(int, redis_park(w->redis, "s1", key, fence, on_done, w)));
    run_for(w, 1);
    return w->result;
}

static enum redis_result of_round(struct worker *w, bool close, const char *key, unsigned round)
{
    cr_assert(zero(int, close ? redis_close(w->redis, "s1", key, round, on_done, w) : redis_reopen(w->redis, "s1", key, round, on_done, w)));
    run_for(w, 1);
    return w->result;
}

static void die(struct worker *w, const struct claim_request *c)
{
    struct decide_request d = decision(c, w->a.fence);
    d.outcome = "{\"kind\":\"dead\",\"round\":1}";
    d.outcome_len = strlen(d.outcome);
    d.dead = true;
    d.record = NULL;
    cr_assert(zero(int, redis_decide(w->redis, &d, on_done, w)));
    run_for(w, 1);
    RESULT(w->result, REDIS_OK);
}

Test(redis_merge, what_is_parked_keeps_its_doubt_and_lets_its_lane_go)
{
    struct redis_server *s = redis_server_start(NULL);
    struct worker w;
    struct claim_request c = event("e1", ORDER(5)), next = event("e2", ORDER(6));
    worker_start(&w, s, "w1");
    STATE(&w, &c, CLAIM_FRESH);
    char fence[32];
    memcpy(fence, w.a.fence, sizeof(fence));
    RESULT(step(&w, &c, fence, "done so far"), REDIS_OK);
    STATE(&w, &next, CLAIM_BUSY);
    RESULT(park(&w, "e1", fence), REDIS_OK);
    RESULT(park(&w, "e1", fence), REDIS_OK);
    cr_expect(eq(int, atoi(redis_server_ask(s, "PTTL t:{p/s1}:e:e1")), -1), "it does not expire");
    STATE(&w, &next, CLAIM_FRESH);
    RESULT(park(&w, "e1", fence), REDIS_OK);
    STATE(&w, &c, CLAIM_BUSY); /* the lane is the other's now, and stays so */
    RESULT(decide(&w, &next, w.a.fence[0] ? w.a.fence : ""), REDIS_FENCED);
    worker_end(&w);
    redis_server_stop(s);
}

Test(redis_merge, the_lane_of_a_doubt_waits_until_it_is_parked)
{
    struct redis_server *s = redis_server_start(NULL);
    struct worker w, other;
    struct claim_request c = event("e1", ORDER(5)), older = event("e0", ORDER(4));
    worker_start(&w, s, "w1");
    worker_start(&other, s, "w2");
    STATE(&w, &c, CLAIM_FRESH);
    cr_assert(zero(int, redis_doubt(w.redis, "s1", "e1", w.a.fence, on_done, &w)));
    run_for(&w, 1);
    RESULT(w.result, REDIS_OK);
    STATE(&other, &older, CLAIM_BUSY); /* whoever is next may see the older one first */
    STATE(&other, &c, CLAIM_DOUBT);
    RESULT(park(&other, "e1", other.a.fence), REDIS_OK);
    STATE(&other, &older, CLAIM_FRESH);
    worker_end(&w);
    worker_end(&other);
    redis_server_stop(s);
}

Test(redis_merge, a_redis_from_before_it_was_parked_lets_the_lane_go_for_the_entrys_fence_alone)
{
    struct redis_server *s = redis_server_start(NULL);
    struct worker w;
    struct claim_request c = event("e1", ORDER(5)), next = event("e2", ORDER(6));
    worker_start(&w, s, "w1");
    STATE(&w, &c, CLAIM_FRESH);
    RESULT(park(&w, "e1", "7"), REDIS_FENCED); /* a zombie's, from before this claim */
    STATE(&w, &next, CLAIM_BUSY);
    RESULT(park(&w, "e1", "1890000000000000"), REDIS_OK);
    STATE(&w, &next, CLAIM_FRESH);
    RESULT(park(&w, "e3", "1890000000000000"), REDIS_FENCED); /* it knows nothing of it */
    worker_end(&w);
    redis_server_stop(s);
}

Test(redis_merge, a_redrive_opens_the_next_round_once)
{
    struct redis_server *s = redis_server_start(NULL);
    struct worker w;
    struct claim_request c = event("e1", ORDER(5));
    worker_start(&w, s, "w1");
    STATE(&w, &c, CLAIM_FRESH);
    RESULT(of_round(&w, false, "e1", 1), REDIS_OK); /* only asked, as below */
    RESULT(step(&w, &c, w.a.fence, "{\"changed\":true}"), REDIS_OK);
    die(&w, &c);
    RESULT(of_round(&w, false, "e1", 1), REDIS_FENCED);
    RESULT(of_round(&w, false, "e1", 2), REDIS_OK);
    RESULT(of_round(&w, false, "e1", 2), REDIS_OK);
    STATE(&w, &c, CLAIM_FRESH);
    cr_expect(eq(str, w.a.steps, "{\"changed\":true}"), "it goes on where it was");
    struct merge_request m = done("e1", "1");
    m.fingerprint = c.fingerprint;
    m.outcome = "{\"kind\":\"dead\",\"round\":1}";
    m.outcome_len = strlen(m.outcome);
    m.dead = true;
    RESULT(merge(&w, &m), REDIS_OK); /* Kafka says what came of the first round */
    RESULT(decide(&w, &c, w.a.fence), REDIS_OK);
    RESULT(of_round(&w, false, "e1", 2), REDIS_FENCED);
    m.outcome = "{\"kind\":\"applied\",\"round\":3}";
    m.outcome_len = strlen(m.outcome);
    m.dead = false;
    RESULT(merge(&w, &m), REDIS_OK);
    STATE(&w, &c, CLAIM_DECIDED);
    cr_expect(eq(str, w.a.outcome, "{\"kind\":\"applied\",\"round\":3}"), "a later round counts");
    worker_end(&w);
    redis_server_stop(s);
}

static bool dropped_seen;

static void on_dropped(void *arg, const struct claim_reply *r)
{
    dropped_seen = r->dropped;
    on_claim(arg, r);
}

Test(redis_merge, what_was_dropped_is_answered_so)
{
    struct redis_server *s = redis_server_start(NULL);
    struct worker w;
    struct claim_request c = event("e1", ORDER(5));
    worker_start(&w, s, "w1");
    RESULT(of_round(&w, true, "e1", 1), REDIS_FENCED);
    STATE(&w, &c, CLAIM_FRESH);
    die(&w, &c);
    RESULT(of_round(&w, true, "e1", 2), REDIS_FENCED);
    for (int i = 0; i < 2; i++) {
        cr_assert(zero(int, redis_claim(w.redis, &c, on_dropped, &w)));
        run_for(&w, 1);
        cr_expect(eq(int, (int)w.a.state, (int)CLAIM_DECIDED));
        cr_expect(eq(int, dropped_seen, i == 1));
        RESULT(of_round(&w, true, "e1", 1), i == 0 ? REDIS_OK : REDIS_FENCED);
    }
    RESULT(of_round(&w, false, "e1", 2), REDIS_FENCED); /* asked for by a repeat of it */
    STATE(&w, &c, CLAIM_DECIDED);
    worker_end(&w);
    redis_server_stop(s);
}

Test(redis_merge, a_record_only_moves_forward)
{
    struct redis_server *s = redis_server_start(NULL);
    struct worker w;
    struct merge_axis newer = {.name = "block", .order = ORDER(7), .event_id = "e7"}, older = {.name = "block", .order = ORDER(3), .event_id = "e3"};
    struct merge_request m = {.service = "s1", .fence = "1700000000000007"};
    struct merge_request back = {.service = "s1", .fence = "1700000000000003"};
    m = with_record(m, RECORD("1700000000000007", "seven"), &newer);
    back = with_record(back, RECORD("1700000000000003", "three"), &older);
    worker_start(&w, s, "w1");
    RESULT(merge(&w, &m), REDIS_OK);
    RESULT(merge(&w, &back), REDIS_OK);
    cr_expect(eq(str, (char *)redis_server_ask(s, "HGET " LANE " rec"), RECORD("1700000000000007", "seven")));
    cr_expect(eq(str, (char *)redis_server_ask(s, "HGET " LANE " a:block"), ORDER(7) " e7"));
    cr_expect(eq(str, (char *)redis_server_ask(s, "HGET " LANE " fence"), "1700000000000007"));
    cr_expect(eq(str, (char *)redis_server_ask(s, "HGET " LANE " by"), "s"));
    cr_expect(eq(str, (char *)redis_server_ask(s, "EXISTS t:{p/s1}:e:"), "0"));
    worker_end(&w);
    redis_server_stop(s);
}

/* ---- a record that was written before its event's end ---- */

#define UNFINISHED "{\"fence\":\"1700000000000007\",\"unfinished\":\"1700000000000007\",\"remembered\":{}}"

Test(redis_merge, an_unfinished_record_does_not_undo_what_its_claim_ended_with)
{
    static const struct {
        const char *why, *first, *first_fence, *then, *then_fence, *want;
    } rows[] = {
        {"in the order of the claim", UNFINISHED, "1700000000000007", RECORD("1700000000000007", "end"), "1700000000000007", RECORD("1700000000000007", "end")},
        {"the other way round", RECORD("1700000000000007", "end"), "1700000000000007", UNFINISHED, "1700000000000007", RECORD("1700000000000007", "end")},
        {"after an earlier claim", RECORD("1700000000000003", "old"), "1700000000000003", UNFINISHED, "1700000000000007", UNFINISHED},
        {"after a later one", RECORD("1700000000000009", "new"), "1700000000000009", UNFINISHED, "1700000000000007", RECORD("1700000000000009", "new")},
        {"twice", UNFINISHED, "1700000000000007", UNFINISHED, "1700000000000007", UNFINISHED},
    };
    struct redis_server *s = redis_server_start(NULL);
    struct merge_axis axis = {.name = "block", .order = ORDER(7), .event_id = "e7"};
    struct worker w;
    worker_start(&w, s, "w1");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct merge_request a = with_record((struct merge_request){.service = "s1", .fence = rows[i].first_fence}, rows[i].first, &axis);
        struct merge_request b = with_record((struct merge_request){.service = "s1", .fence = rows[i].then_fence}, rows[i].then, &axis);
        redis_server_ask(s, "DEL " LANE);
        RESULT(merge(&w, &a), REDIS_OK);
        RESULT(merge(&w, &b), REDIS_OK);
        cr_expect(eq(str, (char *)redis_server_ask(s, "HGET " LANE " rec"), (char *)rows[i].want), "%s", rows[i].why);
    }
    worker_end(&w);
    redis_server_stop(s);
}

static enum redis_result keep(struct worker *w, const struct claim_request *c, const char *fence, const char *steps, const char *record)
{
    struct redis_kept kept = {steps, strlen(steps), record, strlen(record)};
    cr_assert(zero(int, redis_keep(w->redis, c->service, c->event_key, fence, &kept, on_done, w)));
    run_for(w, 1);
    return w->result;
}

Test(redis_merge, what_is_remembered_comes_with_the_steps_or_not_at_all)
{
    struct redis_server *s = redis_server_start(NULL);
    struct worker w, other;
    struct claim_request c = event("e1", ORDER(5));
    char fence[32];
    worker_start(&w, s, "w1");
    worker_start(&other, s, "w2");
    STATE(&w, &c, CLAIM_FRESH);
    snprintf(fence, sizeof(fence), "%s", w.a.fence);
    RESULT(keep(&w, &c, fence, "{\"at\":1}", UNFINISHED), REDIS_OK);
    expire(s);
    STATE(&other, &c, CLAIM_DOUBT);
    cr_expect(eq(str, other.a.steps, "{\"at\":1}"));
    cr_expect(eq(str, other.a.record, UNFINISHED));
    RESULT(keep(&w, &c, fence, "{\"at\":2}", RECORD("1", "zombie")), REDIS_FENCED);
    RESULT(step(&other, &c, other.a.fence, "{\"at\":3}"), REDIS_OK);
    cr_expect(eq(str, (char *)redis_server_ask(s, "HGET " LANE " rec"), UNFINISHED));
    worker_end(&w);
    worker_end(&other);
    redis_server_stop(s);
}

/* ---- what may have been sent though this Redis does not know ---- */

Test(redis_merge, what_may_have_been_sent_is_claimed_in_doubt)
{
    struct redis_server *s = redis_server_start(NULL);
    struct worker w, other;
    struct claim_request c = event("e1", ORDER(5)), next = event("e2", ORDER(6));
    worker_start(&w, s, "w1");
    worker_start(&other, s, "w2");
    c.maybe_sent = true;
    STATE(&w, &c, CLAIM_DOUBT);
    STATE(&w, &next, CLAIM_BUSY);
    STATE(&w, &c, CLAIM_DOUBT);
    expire(s);
    c.maybe_sent = false;
    STATE(&other, &c, CLAIM_DOUBT);
    RESULT(decide(&other, &c, other.a.fence), REDIS_OK);
    c.maybe_sent = true;
    STATE(&w, &c, CLAIM_DECIDED);
    worker_end(&w);
    worker_end(&other);
    redis_server_stop(s);
}

/* ---- crashes ---- */

/* Another owner takes it over when the lease has run out. */
static unsigned take_over(struct redis_server *s, struct worker *to, const struct claim_request *c)
{
    expire(s);
    STATE(to, c, CLAIM_DOUBT);
    return to->a.crashes;
}

static enum redis_result rest(struct worker *w, const struct claim_request *c)
{
    cr_assert(zero(int, redis_rest(w->redis, c->service, c->event_key, w->a.fence, on_done, w)));
    run_for(w, 1);
    return w->result;
}

Test(redis_merge, a_claim_that_was_never_laid_down_counts_as_a_crash)
{
    struct redis_server *s = redis_server_start(NULL);
    struct worker w, other;
    struct claim_request c = event("e1", ORDER(5)), alone = c;
    alone.alone = true;
    worker_start(&w, s, "w1");
    worker_start(&other, s, "w2");
    STATE(&w, &c, CLAIM_FRESH);
    cr_expect(eq(u32, w.a.crashes, 0u));
    cr_expect(eq(u32, take_over(s, &other, &c), 1u));
    RESULT(rest(&other, &c), REDIS_OK);
    cr_expect(eq(u32, take_over(s, &w, &c), 1u), "it was laid down");
    STATE(&w, &c, CLAIM_DOUBT);
    cr_expect(eq(u32, w.a.crashes, 1u), "the same owner asks again");
    cr_expect(eq(u32, take_over(s, &other, &c), 2u));
    cr_expect(eq(u32, take_over(s, &w, &c), 3u));
    cr_expect(eq(u32, take_over(s, &other, &c), 3u), "beside others it proves no more");
    STATE(&other, &alone, CLAIM_DOUBT);
    STATE(&other, &c, CLAIM_DOUBT);
    cr_expect(eq(u32, take_over(s, &w, &c), 3u), "it was not alone any more");
    STATE(&w, &alone, CLAIM_DOUBT);
    RESULT(rest(&w, &c), REDIS_OK);
    cr_expect(eq(u32, take_over(s, &other, &c), 3u), "alone, and at rest");
    STATE(&other, &alone, CLAIM_DOUBT);
    cr_expect(eq(u32, take_over(s, &w, &c), 4u));
    RESULT(decide(&w, &c, w.a.fence), REDIS_OK);
    cr_expect(eq(str, (char *)redis_server_ask(s, "HEXISTS t:{p/s1}:e:e1 crashes"), "0"));
    worker_end(&w);
    worker_end(&other);
    redis_server_stop(s);
}

Test(redis_merge, what_is_set_aside_keeps_its_count)
{
    struct redis_server *s = redis_server_start(NULL);
    struct worker w, other;
    struct claim_request c = event("e1", ORDER(5));
    worker_start(&w, s, "w1");
    worker_start(&other, s, "w2");
    STATE(&w, &c, CLAIM_FRESH);
    cr_expect(eq(u32, take_over(s, &other, &c), 1u));
    cr_assert(zero(int, redis_park(other.redis, c.service, c.event_key, other.a.fence, on_done, &other)));
    run_for(&other, 1);
    RESULT(other.result, REDIS_OK);
    STATE(&w, &c, CLAIM_DOUBT);
    cr_expect(eq(u32, w.a.crashes, 1u), "its entry may not have come to Kafka");
    worker_end(&w);
    worker_end(&other);
    redis_server_stop(s);
}

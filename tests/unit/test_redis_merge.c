/* What Kafka says, merged into a real redis-server that may have forgotten it. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

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
    struct merge_axis axis = {"block", ORDER(5), "e1", ""};
    struct merge_request m = with_record(done("e1", "1700000000000000"), RECORD("1700000000000000", "blocked"), &axis);
    m.fingerprint = c.fingerprint;
    worker_start(&w, s, "w1");
    RESULT(merge(&w, &m), REDIS_OK);
    RESULT(merge(&w, &m), REDIS_OK);
    STATE(&w, &c, CLAIM_DECIDED);
    cr_expect(eq(str, w.a.outcome, APPLIED));
    cr_expect(eq(str, w.a.fence, "1700000000000000"));
    cr_expect(eq(str, w.a.record, RECORD("1700000000000000", "blocked")));
    cr_expect(gt(int, atoi(redis_server_ask(s, "PTTL t:{p/s1}:e:e1")), 500000));
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

Test(redis_merge, a_record_only_moves_forward)
{
    struct redis_server *s = redis_server_start(NULL);
    struct worker w;
    struct merge_axis newer = {"block", ORDER(7), "e7", ""}, older = {"block", ORDER(3), "e3", ""};
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

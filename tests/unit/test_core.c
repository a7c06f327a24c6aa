#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <limits.h>
#include <stdlib.h>

#include "base/attr.h"
#include "core/heap.h"
#include "core/job.h"
#include "core/limit.h"
#include "core/retry.h"

/* ---- heap ---- */

Test(heap, gives_what_is_due_in_order_of_time)
{
    struct heap h = {0};
    struct heap_item items[200] = {0};
    srand(7);
    for (size_t i = 0; i < ARRAY_LEN(items); i++)
        cr_assert(zero(int, heap_set(&h, &items[i], rand() % 1000)));
    for (size_t i = 0; i < ARRAY_LEN(items); i += 3)
        heap_remove(&h, &items[i]);
    for (size_t i = 1; i < ARRAY_LEN(items); i += 3)
        cr_assert(zero(int, heap_set(&h, &items[i], rand() % 1000)), "moved in place");
    int64_t last = -1;
    size_t n = 0;
    for (struct heap_item *i; (i = heap_pop_due(&h, 1000)) != NULL; n++) {
        cr_expect(ge(i64, i->due, last));
        cr_expect(zero(sz, i->place));
        last = i->due;
    }
    cr_expect(eq(sz, n, ARRAY_LEN(items) - (ARRAY_LEN(items) + 2) / 3));
    heap_fini(&h);
}

Test(heap, what_is_not_due_stays)
{
    struct heap h = {0};
    struct heap_item a = {0};
    cr_assert(zero(int, heap_set(&h, &a, 10)));
    cr_expect(heap_pop_due(&h, 9) == NULL);
    cr_expect(heap_pop_due(&h, 10) == &a);
    heap_remove(&h, &a);
    heap_fini(&h);
}

/* ---- retry ---- */

static const struct settings_retry policy = {
    .base_ms = 200, .cap_ms = 30000, .max_age_ms = 900000, .retry_after_cap_ms = 300000, .attempts = 8};

Test(retry, backoff_is_full_jitter_under_a_doubling_cap)
{
    static const struct { unsigned attempt; int64_t most; } rows[] = {
        {1, 200}, {2, 400}, {3, 800}, {8, 25600}, {9, 30000}, {100, 30000},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        cr_expect(zero(i64, backoff_ms(rows[i].attempt, 200, 30000, 0)));
        cr_expect(eq(i64, backoff_ms(rows[i].attempt, 200, 30000, UINT32_MAX), rows[i].most));
    }
}

Test(retry, ends_with_the_attempts_or_the_age)
{
    int64_t delay;
    struct retry_ask ask = {.attempts = 7, .retry_after_ms = -1};
    cr_expect(retry_again(&policy, &ask, &delay));
    ask.attempts = 8;
    cr_expect(not(retry_again(&policy, &ask, &delay)));
    ask = (struct retry_ask){.attempts = 1, .age_ms = 900001, .retry_after_ms = -1};
    cr_expect(not(retry_again(&policy, &ask, &delay)));
}

Test(retry, the_delay_grows_with_failures_that_did_not_count)
{
    int64_t delay;
    struct retry_ask ask = {.attempts = 0, .failures = 5, .retry_after_ms = -1, .rnd = UINT32_MAX};
    cr_assert(retry_again(&policy, &ask, &delay));
    cr_expect(eq(i64, delay, 3200));
}

Test(retry, the_providers_word_comes_first_up_to_its_cap)
{
    int64_t delay;
    struct retry_ask ask = {.attempts = 1, .retry_after_ms = 7000, .rnd = UINT32_MAX};
    cr_assert(retry_again(&policy, &ask, &delay));
    cr_expect(eq(i64, delay, 7200));
    ask.retry_after_ms = 86400000;
    ask.rnd = 0;
    cr_assert(retry_again(&policy, &ask, &delay));
    cr_expect(eq(i64, delay, 300000));
}

/* ---- limit ---- */

Test(limit, a_share_of_the_partitions_is_a_share_of_the_slots)
{
    static const struct { int32_t mine, all; unsigned want; } rows[] = {
        {12, 12, 100}, {6, 12, 50}, {1, 12, 8}, {0, 12, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct limit l = {0};
        limit_set(&l, 100, 0, 1, rows[i].mine, rows[i].all, 1000);
        cr_expect(eq(u32, l.max_in_flight, rows[i].want));
    }
}

Test(limit, the_shares_of_all_workers_are_no_more_than_there_are)
{
    for (unsigned in_flight = 1; in_flight <= 60; in_flight++) {
        for (int32_t mine = 1; mine <= 49; mine++) {
            struct limit l = {0}, rest = {0};
            limit_set(&l, in_flight, 0, 1, mine, 49, 1000);
            limit_set(&rest, in_flight, 0, 1, 49 - mine, 49, 1000);
            limit_lease(&l, 1);
            limit_lease(&rest, in_flight - 1);
            cr_expect(le(uint, limit_slots(&l) + limit_slots(&rest), in_flight));
            cr_expect(ge(uint, limit_slots(&l), 1u));
        }
    }
}

Test(limit, below_one_call_a_partition_slots_are_leases)
{
    static const struct { unsigned in_flight; int32_t mine, all; bool want; } rows[] = {
        {12, 1, 12, false}, {12, 12, 12, false}, {13, 1, 12, false}, {11, 1, 12, true}, {11, 12, 12, true}, {1, 1, 12, true},
        {1, 0, 12, false}, {1, 1, 1, false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct limit l = {0};
        limit_set(&l, rows[i].in_flight, 0, 1, rows[i].mine, rows[i].all, 1000);
        cr_expect(eq(int, l.is_leased, rows[i].want), "row %zu", i);
        cr_expect(eq(uint, limit_slots(&l), rows[i].want ? 0u : rows[i].in_flight * (unsigned)rows[i].mine / (unsigned)rows[i].all));
    }
}

Test(limit, no_more_is_called_or_claimed_than_there_are_leases)
{
    struct limit l = {0};
    limit_set(&l, 5, 0, 1, 1, 8, 1000);
    cr_expect(not(limit_claim(&l, 1000)));
    cr_expect(not(limit_take(&l, 1000)));
    limit_lease(&l, 2);
    cr_expect(limit_claim(&l, 1000));
    cr_expect(limit_claim(&l, 1000));
    cr_expect(not(limit_claim(&l, 1000)), "nothing ahead, however quick the calls are");
    cr_expect(limit_take(&l, 1000));
    limit_unclaim(&l);
    cr_expect(not(limit_claim(&l, 1000)));
    cr_expect(eq(uint, limit_used(&l), 2u));
    limit_lease(&l, 8);
    cr_expect(eq(uint, limit_slots(&l), 5u));
    limit_cap(&l, 1, false);
    cr_expect(eq(uint, limit_slots(&l), 1u));
}

Test(limit, needs_what_is_in_use_and_what_could_be_claimed_with_more_leases)
{
    struct limit l = {0};
    limit_set(&l, 5, 0, 1, 1, 8, 1000);
    cr_expect(eq(uint, limit_needs(&l, 0, 1000), 0u));
    cr_expect(eq(uint, limit_needs(&l, 3, 1000), 3u));
    cr_expect(eq(uint, limit_needs(&l, 100, 1000), 5u));
    limit_lease(&l, 2);
    cr_expect(limit_take(&l, 1000));
    cr_expect(limit_claim(&l, 1000));
    cr_expect(eq(uint, limit_needs(&l, 0, 1000), 2u));
    cr_expect(eq(uint, limit_needs(&l, 100, 1000), 5u));
    limit_cap(&l, 3, false);
    cr_expect(eq(uint, limit_needs(&l, 100, 1000), 3u));
    limit_pause(&l, 2000);
    cr_expect(eq(uint, limit_needs(&l, 100, 1999), 2u));
}

Test(limit, needs_no_leases_for_which_the_rate_has_no_token)
{
    struct limit l = {0};
    limit_set(&l, 5, 8, 16, 1, 8, 1000);
    cr_expect(eq(uint, limit_needs(&l, 100, 1000), 2u), "its share of the burst");
    limit_lease(&l, 5);
    cr_expect(limit_take(&l, 1000));
    cr_expect(eq(uint, limit_needs(&l, 100, 1000), 2u));
    cr_expect(limit_take(&l, 1000));
    cr_expect(eq(uint, limit_needs(&l, 100, 1000), 2u));
    cr_expect(eq(uint, limit_needs(&l, 100, 2000), 3u));
}

Test(limit, slots_come_back)
{
    struct limit l = {0};
    limit_set(&l, 2, 0, 1, 1, 1, 1000);
    cr_expect(limit_take(&l, 1000));
    cr_expect(limit_take(&l, 1000));
    cr_expect(not(limit_take(&l, 1000)));
    limit_give(&l);
    cr_expect(limit_take(&l, 1000));
}

Test(limit, the_bucket_fills_at_the_rate_and_keeps_its_burst)
{
    struct limit l = {0};
    limit_set(&l, 100, 10, 3, 1, 1, 1000);
    for (int i = 0; i < 3; i++)
        cr_expect(limit_take(&l, 1000));
    cr_expect(not(limit_take(&l, 1000)));
    cr_expect(all(ge(i64, limit_wait_ms(&l, 1000), 100), le(i64, limit_wait_ms(&l, 1000), 101)));
    cr_expect(limit_take(&l, 1101));
    for (int i = 0; i < 3; i++)
        cr_expect(limit_take(&l, 100000));
    cr_expect(not(limit_take(&l, 100000)), "no more than the burst is kept");
}

Test(limit, a_further_call_with_a_held_slot_is_paid_for_later)
{
    struct limit l = {0};
    limit_set(&l, 100, 10, 1, 1, 1, 1000);
    cr_expect(limit_take(&l, 1000));
    limit_spend(&l, 1000);
    cr_expect(not(limit_take(&l, 1101)), "one call on credit");
    cr_expect(limit_take(&l, 1201));
}

static unsigned claims(struct limit *l, int64_t now_ms)
{
    unsigned n = 0;
    while (limit_claim(l, now_ms))
        n++;
    return n;
}

Test(limit, quick_calls_let_as_many_again_be_claimed_ahead)
{
    struct limit l = {0};
    limit_set(&l, 10, 0, 1, 1, 1, 1000);
    cr_expect(eq(uint, claims(&l, 1000), 20u), "ten free slots, and ten that soon come back");
    for (int i = 0; i < 10; i++) {
        cr_expect(limit_take(&l, 1000));
        limit_unclaim(&l);
    }
    cr_expect(not(limit_claim(&l, 1000)), "ten wait");
    limit_unclaim(&l);
    cr_expect(limit_claim(&l, 1000));
}

Test(limit, slow_calls_let_few_be_claimed_ahead)
{
    struct limit l = {0};
    limit_set(&l, 10, 0, 1, 1, 1, 1000);
    for (int i = 0; i < 200; i++)
        limit_called(&l, 50);
    cr_expect(eq(uint, claims(&l, 1000), 12u), "one fifth of the slots comes back in time");
    for (int i = 0; i < 200; i++)
        limit_called(&l, 10000);
    while (limit_take(&l, 1000))
        limit_unclaim(&l);
    while (l.ahead > 0)
        limit_unclaim(&l);
    cr_expect(not(limit_claim(&l, 1000)), "none for seconds: what would be claimed now would only grow old");
    limit_give(&l);
    cr_expect(limit_claim(&l, 1000));
}

Test(limit, nothing_is_claimed_ahead_of_a_rate)
{
    struct limit l = {0};
    limit_set(&l, 100, 10, 3, 1, 1, 1000);
    cr_expect(eq(uint, claims(&l, 1000), 3u));
    cr_expect(limit_take(&l, 1000));
    limit_unclaim(&l);
    cr_expect(not(limit_claim(&l, 1000)), "two tokens, two that wait for them");
    cr_expect(limit_claim(&l, 1101));
}

Test(limit, nothing_is_claimed_in_a_pause)
{
    struct limit l = {0};
    limit_set(&l, 2, 0, 1, 1, 1, 1000);
    limit_pause(&l, 5000);
    cr_expect(not(limit_claim(&l, 4999)));
    cr_expect(limit_claim(&l, 5000));
}

Test(limit, a_pause_holds_all_and_is_never_shortened)
{
    struct limit l = {0};
    limit_set(&l, 2, 0, 1, 1, 1, 1000);
    limit_pause(&l, 5000);
    limit_pause(&l, 3000);
    cr_expect(not(limit_take(&l, 4999)));
    cr_expect(eq(i64, limit_wait_ms(&l, 4000), 1000));
    cr_expect(limit_take(&l, 5000));
}

Test(limit, a_cap_is_below_the_share_and_never_above)
{
    struct limit l = {0};
    limit_set(&l, 10, 0, 1, 1, 1, 1000);
    limit_cap(&l, 4, false);
    cr_expect(eq(u32, limit_slots(&l), 4));
    cr_expect(eq(u32, claims(&l, 1000), 8), "four, and four ahead");
    limit_cap(&l, 40, false);
    cr_expect(eq(u32, limit_slots(&l), 10));
    limit_cap(&l, UINT_MAX, false);
    cr_expect(eq(u32, limit_slots(&l), 10));
}

Test(limit, a_cap_of_none_stops_all_and_what_is_in_flight_stays_counted)
{
    struct limit l = {0};
    limit_set(&l, 3, 0, 1, 1, 1, 1000);
    cr_expect(limit_take(&l, 1000));
    limit_cap(&l, 0, true);
    cr_expect(not(limit_take(&l, 1000)));
    cr_expect(not(limit_claim(&l, 1000)));
    limit_give(&l);
    cr_expect(not(limit_claim(&l, 1000)));
}

Test(limit, no_more_events_are_at_work_than_there_are_probes)
{
    struct limit l = {0};
    limit_set(&l, 10, 0, 1, 1, 1, 1000);
    limit_cap(&l, 3, true);
    cr_expect(eq(u32, claims(&l, 1000), 3));
    cr_expect(limit_take(&l, 1000));
    limit_unclaim(&l);
    cr_expect(not(limit_claim(&l, 1000)), "one calls, two are claimed");
    limit_give(&l);
    cr_expect(limit_claim(&l, 1000));
}

/* ---- job ---- */

Test(job, only_the_steps_of_the_table_are_taken)
{
    static const struct { const char *why; enum job_state from, to; bool ok; } rows[] = {
        {"nothing is called without a claim", JOB_QUEUED, JOB_CALLING, false},
        {"a slot and a claim first", JOB_QUEUED, JOB_CLAIMING, true},
        {"an undecodable event has no key to claim", JOB_QUEUED, JOB_PUBLISHING, true},
        {"no outcome before it is decided", JOB_CALLING, JOB_PUBLISHING, false},
        {"judged", JOB_CALLING, JOB_DECIDING, true},
        {"a retry claims again", JOB_WAITING, JOB_CALLING, false},
        {"a retry queues first", JOB_WAITING, JOB_QUEUED, true},
        {"no way back once it is published", JOB_PUBLISHING, JOB_WAITING, false},
        {"finished is finished", JOB_SETTLED, JOB_QUEUED, false},
        {"dropped is dropped", JOB_DROPPED, JOB_PUBLISHING, false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        enum job_state s = rows[i].from;
        cr_expect(eq(int, job_enter(&s, rows[i].to), rows[i].ok), "%s", rows[i].why);
        cr_expect(eq(int, s, rows[i].ok ? rows[i].to : rows[i].from), "%s", rows[i].why);
    }
}

Test(job, every_live_state_can_be_dropped)
{
    for (int s = JOB_QUEUED; s < JOB_SETTLED; s++) {
        enum job_state state = (enum job_state)s;
        cr_expect(job_enter(&state, JOB_DROPPED), "%s", job_state_name((enum job_state)s));
    }
}

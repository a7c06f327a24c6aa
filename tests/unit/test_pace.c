#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <limits.h>
#include <stdio.h>

#include "base/attr.h"
#include "core/adapt.h"
#include "core/breaker.h"
#include "core/budget.h"
#include "core/guard.h"
#include "core/tally.h"
#include "core/turns.h"

/* ---- tally ---- */

Test(tally, what_is_older_than_ten_seconds_is_forgotten)
{
    struct tally t = {0};
    tally_add(&t, 5000, 3, 1);
    tally_add(&t, 9999, 2, 2);
    cr_expect(all(eq(u32, t.all_a, 5), eq(u32, t.all_b, 3)));
    tally_move(&t, 14999);
    cr_expect(eq(u32, t.all_a, 5));
    tally_move(&t, 15000);
    cr_expect(all(eq(u32, t.all_a, 2), eq(u32, t.all_b, 2)), "the second of 5000 is over");
    tally_move(&t, 19000);
    cr_expect(zero(u32, t.all_a));
}

Test(tally, a_jump_of_the_clock_forgets_all_and_a_step_back_nothing)
{
    struct tally t = {0};
    tally_add(&t, 100000, 4, 4);
    tally_add(&t, 99000, 1, 0);
    cr_expect(eq(u32, t.all_a, 5));
    tally_move(&t, 100000 + INT64_C(86400000));
    cr_expect(all(zero(u32, t.all_a), zero(u32, t.all_b)));
    tally_add(&t, 100000 + INT64_C(86400000), 1, 1);
    cr_expect(all(eq(u32, t.all_a, 1), eq(u32, t.all_b, 1)));
}

/* ---- breaker ---- */

static const struct settings_breaker down = {.calls = 20, .bad_percent = 50, .open_ms = 5000, .open_max_ms = 60000};

/* @n calls that begin and end at @now; true when it opened by one. */
static bool calls(struct breaker *b, unsigned n, bool good, int64_t now)
{
    bool opened = false;
    for (unsigned i = 0; i < n; i++)
        opened |= breaker_note(b, &down, breaker_ticket(b), good, now);
    return opened;
}

Test(breaker, opens_by_the_twentieth_call_when_half_of_them_were_bad)
{
    static const struct { const char *why; unsigned good, bad; bool opens; } rows[] = {
        {"nineteen are too few", 0, 19, false}, {"twenty", 0, 20, true},
        {"half of twenty", 10, 10, true},       {"less than half", 11, 10, false},
        {"twenty in a row after many", 500, 20, true}, {"nineteen in a row after many", 500, 19, false},
        {"nothing bad", 500, 0, false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct breaker b = {0};
        calls(&b, rows[i].good, true, 1000);
        cr_expect(eq(int, calls(&b, rows[i].bad, false, 2000), rows[i].opens), "%s", rows[i].why);
        cr_expect(eq(int, b.state == BREAKER_OPEN, rows[i].opens), "%s", rows[i].why);
        cr_expect(eq(u32, breaker_room(&b), rows[i].opens ? 0 : UINT_MAX), "%s", rows[i].why);
    }
}

Test(breaker, a_share_of_bad_calls_opens_it_without_a_run)
{
    struct breaker b = {0};
    calls(&b, 30, true, 1000);
    for (int i = 0; i < 29; i++) {
        cr_assert(not(calls(&b, 1, false, 1000)), "%d", i);
        if (i % 10 == 9)
            calls(&b, 1, true, 1000);
    }
    cr_expect(not(calls(&b, 2, false, 1000)), "31 of 63");
    cr_expect(calls(&b, 1, false, 1000));
}

Test(breaker, calls_of_more_than_ten_seconds_ago_do_not_count)
{
    struct breaker b = {0};
    for (int i = 0; i < 40; i++)
        cr_assert(not(calls(&b, 1, false, 1000 * (int64_t)i)), "one a second never makes twenty");
}

static void open_it(struct breaker *b, int64_t now)
{
    cr_assert(calls(b, 20, false, now));
}

Test(breaker, is_due_when_its_time_is_over_and_asks_once)
{
    struct breaker b = {0};
    cr_expect(not(breaker_is_due(&b, 1000)), "a closed one is never");
    open_it(&b, 1000);
    cr_expect(not(breaker_is_due(&b, 5999)));
    cr_expect(breaker_is_due(&b, 6000));
    breaker_ask(&b);
    cr_expect(not(breaker_is_due(&b, 7000)));
    cr_expect(zero(u32, breaker_room(&b)));
}

Test(breaker, one_then_three_then_ten_good_probes_close_it)
{
    static const unsigned stages[] = {1, 3, 10};
    struct breaker b = {0};
    open_it(&b, 1000);
    breaker_ask(&b);
    breaker_probe(&b);
    for (size_t s = 0; s < ARRAY_LEN(stages); s++)
        for (unsigned left = stages[s]; left > 0; left--) {
            cr_assert(eq(int, b.state, BREAKER_PROBING));
            cr_expect(eq(u32, breaker_room(&b), left));
            calls(&b, 1, true, 7000);
        }
    cr_expect(eq(int, b.state, BREAKER_CLOSED));
    cr_expect(not(calls(&b, 19, false, 7000)), "what was counted before is forgotten");
    cr_expect(calls(&b, 1, false, 7000));
    cr_expect(eq(i64, b.open_ms, 5000), "and the time begins anew");
}

Test(breaker, each_round_without_an_answer_doubles_the_time_up_to_its_cap)
{
    static const int64_t want[] = {5000, 10000, 20000, 40000, 60000, 60000};
    struct breaker by_asking = {0}, by_calls = {0};
    int64_t now = 1000;
    open_it(&by_asking, now);
    open_it(&by_calls, now);
    for (size_t i = 0; i < ARRAY_LEN(want); i++) {
        cr_expect(eq(i64, by_asking.until_ms - now, want[i]));
        cr_expect(eq(i64, by_calls.until_ms - now, want[i]));
        now = by_asking.until_ms;
        breaker_ask(&by_asking);
        breaker_refuse(&by_asking, &down, now);
        breaker_probe(&by_calls);
        cr_expect(calls(&by_calls, 1, false, now));
    }
}

Test(breaker, a_round_that_brought_good_calls_does_not_double)
{
    struct breaker b = {0};
    open_it(&b, 1000);
    breaker_probe(&b);
    calls(&b, 1, true, 6000);
    cr_expect(not(calls(&b, 1, false, 6000)), "one bad of three");
    cr_expect(calls(&b, 1, false, 6000), "two bad of three");
    cr_expect(eq(i64, b.until_ms, 11000));
}

Test(breaker, a_stage_is_judged_as_a_whole)
{
    struct breaker b = {0};
    open_it(&b, 1000);
    breaker_probe(&b);
    calls(&b, 1, true, 6000);
    calls(&b, 1, false, 6000);
    calls(&b, 2, true, 6000);
    cr_expect(eq(u32, breaker_room(&b), 10), "an event that only ever fails does not keep it shut");
    calls(&b, 4, false, 6000);
    calls(&b, 6, true, 6000);
    cr_expect(eq(int, b.state, BREAKER_CLOSED));
}

Test(breaker, calls_from_before_it_opened_tell_nothing_about_later)
{
    struct breaker b = {0};
    uint32_t before = breaker_ticket(&b);
    open_it(&b, 1000);
    cr_expect(not(breaker_note(&b, &down, before, false, 1001)));
    breaker_probe(&b);
    for (int i = 0; i < 50; i++)
        cr_expect(not(breaker_note(&b, &down, before, i % 2 == 0, 6000)));
    cr_expect(all(eq(int, b.state, BREAKER_PROBING), eq(u32, breaker_room(&b), 1)));
    calls(&b, 14, true, 6000);
    cr_expect(eq(int, b.state, BREAKER_CLOSED));
    for (int i = 0; i < 50; i++)
        cr_expect(not(breaker_note(&b, &down, before, false, 7000)));
}

Test(breaker, asks_and_refusals_that_come_out_of_turn_change_nothing)
{
    struct breaker b = {0};
    breaker_ask(&b);
    breaker_probe(&b);
    breaker_refuse(&b, &down, 1000);
    cr_expect(eq(int, b.state, BREAKER_CLOSED));
}

/* ---- budget ---- */

static const struct settings_retry tenth = {.budget_percent = 10, .budget_per_s = 1};

static unsigned retries(struct budget *b, double share, int64_t now)
{
    unsigned n = 0;
    while (budget_allows(b, &tenth, share, now)) {
        budget_spend(b, now);
        n++;
    }
    return n;
}

Test(budget, grants_a_tenth_of_the_first_tries_and_one_a_second)
{
    static const struct { unsigned first, want; } rows[] = {{0, 10}, {9, 10}, {10, 11}, {1000, 110}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct budget b = {0};
        for (unsigned n = 0; n < rows[i].first; n++)
            budget_first(&b, 50000);
        cr_expect(eq(u32, retries(&b, 1, 50000), rows[i].want));
    }
}

Test(budget, what_was_spent_comes_back_after_ten_seconds)
{
    struct budget b = {0};
    cr_expect(eq(u32, retries(&b, 1, 50000), 10));
    cr_expect(zero(u32, retries(&b, 1, 59999)));
    cr_expect(eq(u32, retries(&b, 1, 60000), 10));
}

Test(budget, never_grants_more_than_its_rule_in_any_ten_seconds)
{
    struct budget b = {0};
    unsigned spent[200] = {0}, firsts[200] = {0};
    for (int s = 0; s < 200; s++) {
        firsts[s] = (unsigned)(s * 7919 % 40);
        for (unsigned i = 0; i < firsts[s]; i++)
            budget_first(&b, s * INT64_C(1000));
        spent[s] = retries(&b, 1, s * INT64_C(1000) + 999);
        unsigned first = 0, again = 0;
        for (int i = s; i > s - 10 && i >= 0; i--) {
            first += firsts[i];
            again += spent[i];
        }
        /* a second's retries were granted by the first tries of up to nine seconds before, which have left since */
        cr_expect(le(dbl, again, 10 + 0.1 * (first + 9 * 39)));
    }
}

Test(budget, a_share_of_the_partitions_is_a_share_of_what_is_granted_a_second_and_at_least_one)
{
    static const struct { double share; unsigned want; } rows[] = {{1, 10}, {0.5, 5}, {1.0 / 12, 1}, {0, 1}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct budget b = {0};
        cr_expect(eq(u32, retries(&b, rows[i].share, 1000), rows[i].want));
    }
}

/* ---- adaptive calls at once ---- */

#define MS INT64_C(1000000)

/* A round trip of as many calls as are allowed, each of @ms, that ends at the returned time. */
static int64_t round_trip(struct adapt *a, unsigned hard, int64_t now, int64_t ms, bool saturated, bool overload)
{
    unsigned n = adapt_limit(a, hard);
    for (unsigned i = 0; i < n; i++) {
        struct adapt_call call = {now, now + ms * MS, saturated, overload};
        adapt_note(a, hard, &call);
    }
    return now + ms * MS + 1;
}

Test(adapt, begins_at_the_hard_limit_and_never_passes_it)
{
    struct adapt a = {0};
    int64_t now = MS;
    cr_expect(eq(u32, adapt_limit(&a, 32), 32));
    for (int i = 0; i < 100; i++)
        now = round_trip(&a, 32, now, 20, true, false);
    cr_expect(eq(u32, adapt_limit(&a, 32), 32));
    cr_expect(zero(u32, adapt_limit(&a, 0)));
}

Test(adapt, one_storm_halves_once_whatever_number_of_calls_it_meets)
{
    struct adapt a = {0};
    int64_t now = round_trip(&a, 32, MS, 20, true, true);
    cr_expect(eq(u32, adapt_limit(&a, 32), 16));
    now = round_trip(&a, 32, now, 20, true, true);
    cr_expect(eq(u32, adapt_limit(&a, 32), 8));
    for (int i = 0; i < 20; i++)
        now = round_trip(&a, 32, now, 20, true, true);
    cr_expect(eq(u32, adapt_limit(&a, 32), 1), "and never to none");
}

Test(adapt, a_late_answer_without_a_share_changes_nothing)
{
    struct adapt a = {0};
    struct adapt_call call = {MS, 2 * MS, true, true};
    adapt_note(&a, 0, &call);
    cr_expect(eq(u32, adapt_limit(&a, 32), 32));
}

Test(adapt, climbs_by_one_a_round_trip_while_saturated)
{
    struct adapt a = {0};
    int64_t now = round_trip(&a, 32, MS, 20, true, true);
    for (unsigned i = 1; i <= 16; i++) {
        now = round_trip(&a, 32, now, 20, true, false);
        cr_expect(eq(u32, adapt_limit(&a, 32), 16 + i));
    }
    now = round_trip(&a, 32, now, 20, true, false);
    cr_expect(eq(u32, adapt_limit(&a, 32), 32));
}

Test(adapt, what_is_not_used_does_not_grow)
{
    struct adapt a = {0};
    int64_t now = round_trip(&a, 32, MS, 20, false, true);
    for (int i = 0; i < 50; i++)
        now = round_trip(&a, 32, now, 20, false, false);
    cr_expect(eq(u32, adapt_limit(&a, 32), 16));
}

Test(adapt, a_round_trip_that_grew_takes_a_tenth)
{
    struct adapt a = {0};
    int64_t now = MS;
    for (int i = 0; i < 20; i++)
        now = round_trip(&a, 40, now, 20, true, false);
    now = round_trip(&a, 40, now, 100, true, false);
    cr_expect(eq(u32, adapt_limit(&a, 40), 40), "a round ends with the first answer of the next");
    now = round_trip(&a, 40, now, 100, true, false);
    cr_expect(eq(u32, adapt_limit(&a, 40), 40), "once may be a stall of ours");
    now = round_trip(&a, 40, now, 100, true, false);
    cr_expect(eq(u32, adapt_limit(&a, 40), 36), "twice is not");
}

Test(adapt, a_stall_now_and_then_costs_nothing)
{
    struct adapt a = {0};
    int64_t now = MS;
    for (int i = 0; i < 200; i++) {
        now = round_trip(&a, 40, now, i % 7 == 6 ? 150 : 10, true, false);
        cr_expect(eq(u32, adapt_limit(&a, 40), 40));
    }
}

Test(adapt, a_platform_that_is_simply_slower_now_is_used_in_full_again)
{
    struct adapt a = {0};
    int64_t now = MS;
    for (int i = 0; i < 20; i++)
        now = round_trip(&a, 40, now, 20, true, false);
    unsigned least = 40;
    for (int i = 0; i < 100; i++) {
        now = round_trip(&a, 40, now, 100, true, false);
        if (adapt_limit(&a, 40) < least)
            least = adapt_limit(&a, 40);
    }
    cr_expect(ge(u32, least, 20));
    cr_expect(eq(u32, adapt_limit(&a, 40), 40));
}

Test(adapt, ordinary_unevenness_costs_nothing)
{
    struct adapt a = {0};
    int64_t now = MS;
    srand(3);
    for (int i = 0; i < 2000; i++) {
        struct adapt_call call = {now, now + (10 + rand() % 20) * MS, true, false};
        adapt_note(&a, 32, &call);
        now += MS;
    }
    cr_expect(eq(u32, adapt_limit(&a, 32), 32));
}

Test(adapt, a_tenth_of_the_slots_may_read_back_and_at_least_one)
{
    static const struct { unsigned slots, want; } rows[] = {{1, 1}, {10, 1}, {19, 1}, {20, 2}, {320, 32}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        cr_expect(eq(u32, adapt_verification_slots(rows[i].slots), rows[i].want));
}

/* ---- turns ---- */

#define BIT(r) (1U << (r))

Test(turns, restores_go_first_and_what_failed_before_its_like)
{
    static const struct { const char *why; unsigned ready; int want; } rows[] = {
        {"nothing is ready", 0, -1},
        {"a restore before a cut", BIT(RANK_RESTORE) | BIT(RANK_OTHER), RANK_RESTORE},
        {"a restore before an older cut", BIT(RANK_RESTORE) | BIT(RANK_AGAIN), RANK_RESTORE},
        {"the older restore", BIT(RANK_RESTORE) | BIT(RANK_RESTORE_AGAIN), RANK_RESTORE_AGAIN},
        {"the older cut", BIT(RANK_OTHER) | BIT(RANK_AGAIN), RANK_AGAIN},
        {"only a cut", BIT(RANK_OTHER), RANK_OTHER},
        {"a doubt before new work", BIT(RANK_VERIFY) | BIT(RANK_OTHER), RANK_VERIFY},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct turns t = {0};
        cr_expect(eq(int, turns_next(&t, rows[i].ready, false), rows[i].want), "%s", rows[i].why);
    }
}

Test(turns, after_nine_restores_one_other_gets_its_turn)
{
    struct turns t = {0};
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < TURNS_IN_A_ROW; i++)
            cr_expect(eq(int, turns_next(&t, BIT(RANK_RESTORE) | BIT(RANK_OTHER), false), RANK_RESTORE));
        cr_expect(eq(int, turns_next(&t, BIT(RANK_RESTORE) | BIT(RANK_OTHER), false), RANK_OTHER));
    }
    for (int i = 0; i < 100; i++)
        cr_expect(eq(int, turns_next(&t, BIT(RANK_RESTORE), false), RANK_RESTORE));
    cr_expect(eq(int, turns_next(&t, BIT(RANK_RESTORE) | BIT(RANK_OTHER), false), RANK_RESTORE),
              "only those count that went before somebody");
}

Test(turns, a_probe_is_made_with_what_has_not_failed_yet)
{
    struct turns t = {0};
    unsigned all = BIT(RANK_COUNT) - 1;
    cr_expect(eq(int, turns_next(&t, all, true), RANK_RESTORE));
    cr_expect(eq(int, turns_next(&t, BIT(RANK_OTHER) | BIT(RANK_RESTORE_AGAIN), true), RANK_OTHER));
    cr_expect(eq(int, turns_next(&t, BIT(RANK_AGAIN) | BIT(RANK_VERIFY), true), RANK_AGAIN));
    cr_expect(eq(int, turns_next(&t, 0, true), -1));
}

/* ---- guard ---- */

static const struct settings_guard five = {.percent = 5, .accounts = 50};
#define HOUR GUARD_WINDOW_MS

Test(guard, the_limit_is_five_percent_of_the_partition_or_its_share_of_fifty_accounts)
{
    static const struct { int64_t accounts; int32_t partitions; int64_t want; } rows[] = {
        {0, 1, 50}, {0, 12, 5}, {1000, 1, 50}, {1019, 1, 50}, {1020, 1, 51}, {1200, 1, 60}, {100000, 1, 5000}, {100, 12, 5},
        {119, 12, 5}, {120, 12, 6}, {8000, 12, 400}, {39, 100, 1}, {40, 100, 2}, {-1, 12, 5}, {INT64_MAX / 2, 1, INT64_MAX / 40},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        int64_t got = guard_limit(&five, rows[i].accounts, rows[i].partitions);
        cr_expect(all(ge(i64, got, rows[i].want - 5), le(i64, got, rows[i].want)), "row %zu: %lld", i, (long long)got);
        if (rows[i].accounts < 1000000)
            cr_expect(eq(i64, got, rows[i].want), "row %zu", i);
    }
    struct settings_guard off = {.percent = 100, .accounts = 1};
    cr_expect(eq(i64, guard_limit(&off, 10, 1), INT64_MAX));
}

static unsigned cuts(struct guard *g, unsigned from, unsigned n, int64_t limit, struct guard_approval *a, int64_t now)
{
    unsigned allowed = 0;
    for (unsigned i = from; i < from + n; i++) {
        char service[16];
        snprintf(service, sizeof(service), "%u", i);
        allowed += guard_cut(g, service, limit, a, now) != GUARD_HELD;
    }
    return allowed;
}

Test(guard, holds_what_is_above_the_limit_and_counts_an_account_once)
{
    struct guard *g = guard_new();
    cr_expect(eq(u32, cuts(g, 0, 20, 8, NULL, 1000), 8));
    cr_expect(eq(u32, cuts(g, 0, 8, 8, NULL, 1000), 8), "the same accounts again");
    cr_expect(eq(i64, guard_count(g, 1000), 8), "what is held is not counted");
    guard_free(g);
}

Test(guard, forgets_after_an_hour_from_the_last_cut)
{
    struct guard *g = guard_new();
    cuts(g, 0, 4, 8, NULL, 0);
    cuts(g, 0, 1, 8, NULL, HOUR / 2);
    cr_expect(eq(i64, guard_count(g, HOUR - 1), 4));
    cr_expect(eq(i64, guard_count(g, HOUR), 1), "one of them was cut once more");
    cr_expect(zero(i64, guard_count(g, HOUR + HOUR / 2)));
    guard_free(g);
}

Test(guard, an_approval_pays_until_it_is_used_up_or_over_and_leaves_the_count_alone)
{
    struct guard *g = guard_new();
    struct guard_approval a = {.until_ms = 5000, .max = 10};
    cr_expect(eq(u32, cuts(g, 0, 18, 8, &a, 1000), 18), "ten approved, eight by the limit");
    cr_expect(zero(u32, cuts(g, 100, 5, 8, &a, 1000)));
    cr_expect(all(eq(i64, a.used, 10), eq(i64, guard_count(g, 1000), 8)));
    cr_expect(eq(u32, cuts(g, 0, 18, 8, &a, 1000), 18), "what was approved needs no second approval");
    cr_expect(eq(i64, a.used, 10));
    struct guard_approval over = {.until_ms = 5000, .max = 10};
    cr_expect(zero(u32, cuts(g, 200, 5, 8, &over, 5000)));
    guard_free(g);
}

Test(guard, a_new_owner_is_told_what_was_cut_before)
{
    struct guard *g = guard_new();
    guard_note(g, "old", 0, HOUR);
    guard_note(g, "1", 1000, HOUR);
    guard_note(g, "2", 2000, HOUR);
    guard_note(g, "1", 3000, HOUR);
    cr_expect(eq(i64, guard_count(g, HOUR), 2));
    cr_expect(eq(int, guard_cut(g, "3", 2, NULL, HOUR), GUARD_HELD));
    cr_expect(eq(int, guard_cut(g, "2", 2, NULL, HOUR), GUARD_ALLOWED));
    cr_expect(eq(i64, guard_count(g, HOUR + 3000), 1));
    guard_free(g);
    guard_free(NULL);
}

/* What a worker asks for, gives back and may use where its slots are leases. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include <limits.h>

#include "core/leases.h"

static const struct leases_times times = {.lease_ms = 20000, .call_ms = 10000};

/* One worker and a Redis that grants as @may says. */
struct one {
    struct leases l;
    struct leases_use use;
    int64_t wait_ms;
    unsigned questions;
};

static struct one one(void)
{
    return (struct one){.use = {.now_ms = 1000}};
}

/* What it asks now; wants UINT_MAX: nothing. */
static struct leases_question asks(struct one *o)
{
    struct leases_question q;
    if (!leases_ask(&o->l, &o->use, &q, &o->wait_ms))
        return (struct leases_question){0, UINT_MAX};
    o->questions++;
    return q;
}

static void answer(struct one *o, unsigned has, unsigned others)
{
    leases_answered(&o->l, &times, has, others, o->use.rnd, o->use.now_ms);
}

static void uses(struct one *o, unsigned in_flight, unsigned used, unsigned needed, bool waits)
{
    o->use.in_flight = in_flight;
    o->use.used = used;
    o->use.needed = needed;
    o->use.waits = waits;
}

/* At work with @n of its leases; @waiting more want one. */
static struct one at_work(unsigned n, unsigned waiting)
{
    struct one o = one();
    uses(&o, 0, 0, n, true);
    asks(&o);
    answer(&o, n, 0);
    uses(&o, n, n, n + waiting, waiting > 0);
    return o;
}

#define ASKS(o, want_has, want_wants)                                                                                  \
    do {                                                                                                               \
        struct leases_question asked = asks(o);                                                                        \
        cr_expect(eq(uint, asked.has, (unsigned)(want_has)));                                                          \
        cr_expect(eq(uint, asked.wants, (unsigned)(want_wants)));                                                      \
    } while (0)
#define ASKS_NOTHING(o) ASKS(o, 0, UINT_MAX)
#define GOOD(o, want) cr_expect(eq(uint, leases_good(&(o)->l, &times, (o)->use.now_ms), (unsigned)(want)))

Test(leases, nothing_is_asked_while_nobody_waits)
{
    struct one o = one();
    ASKS_NOTHING(&o);
    cr_expect(eq(i64, o.wait_ms, INT64_MAX));
    GOOD(&o, 0);
}

Test(leases, asks_for_as_many_as_are_needed_and_has_what_the_answer_says)
{
    struct one o = one();
    uses(&o, 0, 0, 3, true);
    ASKS(&o, 0, 3);
    ASKS_NOTHING(&o);
    answer(&o, 2, 0);
    GOOD(&o, 2);
}

Test(leases, who_was_refused_asks_again_after_a_poll_with_jitter)
{
    static const uint32_t rnd[] = {0, 50, 51};
    static const int64_t want[] = {50, 100, 50};
    for (int i = 0; i < 3; i++) {
        struct one o = one();
        uses(&o, 0, 0, 1, true);
        asks(&o);
        o.use.rnd = rnd[i];
        answer(&o, 0, 0);
        ASKS_NOTHING(&o);
        cr_expect(eq(i64, o.wait_ms, want[i]));
        o.use.now_ms += want[i];
        ASKS(&o, 0, 1);
    }
}

Test(leases, who_was_given_all_asks_at_once_for_another)
{
    struct one o = at_work(1, 1);
    ASKS(&o, 1, 1);
}

Test(leases, what_nobody_waits_for_goes_back_at_once)
{
    struct one o = at_work(2, 0);
    ASKS_NOTHING(&o);
    uses(&o, 1, 1, 1, false);
    ASKS(&o, 1, 0);
    GOOD(&o, 1);
    answer(&o, 1, 0);
    uses(&o, 0, 0, 0, false);
    ASKS(&o, 0, 0);
    GOOD(&o, 0);
}

Test(leases, who_no_longer_waits_leaves_the_line)
{
    struct one o = one();
    uses(&o, 0, 0, 1, true);
    asks(&o);
    answer(&o, 0, 0);
    uses(&o, 0, 0, 0, false);
    ASKS(&o, 0, 0);
    answer(&o, 0, 0);
    ASKS_NOTHING(&o);
    cr_expect(eq(i64, o.wait_ms, INT64_MAX));
}

Test(leases, a_claim_keeps_its_lease)
{
    struct one o = at_work(2, 0);
    uses(&o, 1, 2, 2, false);
    ASKS_NOTHING(&o);
}

Test(leases, what_came_for_nothing_is_not_asked_for_again_at_once)
{
    struct one o = one();
    uses(&o, 0, 0, 1, true);
    asks(&o);
    answer(&o, 1, 0);
    uses(&o, 0, 0, 0, false);
    ASKS(&o, 0, 0);
    answer(&o, 0, 0);
    uses(&o, 0, 0, 1, true);
    ASKS(&o, 0, 1);
    answer(&o, 1, 0);
    uses(&o, 0, 0, 0, false);
    ASKS(&o, 0, 0);
    uses(&o, 0, 0, 1, true);
    ASKS_NOTHING(&o);
}

Test(leases, a_call_begins_only_if_it_ends_before_the_lease)
{
    struct one o = at_work(1, 0);
    int64_t asked = o.use.now_ms;
    o.use.now_ms = asked + 10000;
    GOOD(&o, 1);
    o.use.now_ms = asked + 10001;
    GOOD(&o, 0);
}

Test(leases, the_time_runs_from_the_question_and_not_from_its_answer)
{
    struct one o = one();
    uses(&o, 0, 0, 1, true);
    asks(&o);
    o.use.now_ms += 4000;
    answer(&o, 1, 0);
    o.use.now_ms += 6000;
    GOOD(&o, 1);
    o.use.now_ms += 1;
    GOOD(&o, 0);
}

Test(leases, are_renewed_when_half_of_the_time_for_a_calls_begin_is_over)
{
    struct one o = at_work(2, 0);
    ASKS_NOTHING(&o);
    cr_expect(eq(i64, o.wait_ms, 5000));
    o.use.now_ms += 5000;
    ASKS(&o, 2, 0);
    answer(&o, 2, 0);
    o.use.now_ms += 10000;
    GOOD(&o, 2);
}

Test(leases, who_could_be_waited_for_asks_whether_he_is)
{
    struct one o = one();
    uses(&o, 0, 0, 1, true);
    asks(&o);
    answer(&o, 1, 0);
    uses(&o, 1, 1, 1, true);
    ASKS_NOTHING(&o);
    cr_expect(eq(i64, o.wait_ms, LEASES_POLL_MS));
    o.use.now_ms += LEASES_POLL_MS;
    ASKS(&o, 1, 0);
}

Test(leases, after_a_call_what_others_wait_for_is_given_back_and_asked_for_anew)
{
    struct one o = at_work(2, 0);
    uses(&o, 2, 2, 2, true);
    o.use.now_ms += LEASES_TURN_MS;
    ASKS(&o, 2, 0);
    answer(&o, 2, 1);
    leases_yield(&o.l, 2, o.use.now_ms);
    GOOD(&o, 2);
    leases_yield(&o.l, 1, o.use.now_ms);
    GOOD(&o, 1);
    leases_yield(&o.l, 0, o.use.now_ms);
    GOOD(&o, 1);
    uses(&o, 1, 1, 2, true);
    ASKS(&o, 1, 1);
    answer(&o, 1, 0);
    ASKS_NOTHING(&o);
}

Test(leases, a_turn_lasts_a_while_so_that_quick_calls_are_not_slowed_to_the_poll)
{
    struct one o = one();
    uses(&o, 0, 0, 1, true);
    asks(&o);
    answer(&o, 1, 1);
    o.use.now_ms += LEASES_TURN_MS - 1;
    leases_yield(&o.l, 0, o.use.now_ms);
    GOOD(&o, 1);
    o.use.now_ms += 1;
    leases_yield(&o.l, 0, o.use.now_ms);
    GOOD(&o, 0);
}

Test(leases, nothing_is_given_away_while_a_question_is_under_way)
{
    struct one o = at_work(1, 0);
    o.use.now_ms += LEASES_TURN_MS;
    uses(&o, 1, 1, 2, true);
    ASKS(&o, 1, 1);
    o.l.others = 1;
    leases_yield(&o.l, 0, o.use.now_ms);
    GOOD(&o, 1);
}

Test(leases, where_there_are_too_many_none_begins_and_the_calls_are_told_until_they_end)
{
    struct one o = at_work(2, 0);
    o.use.now_ms += 5000;
    ASKS(&o, 2, 0);
    answer(&o, 0, 0);
    GOOD(&o, 0);
    ASKS_NOTHING(&o);
    o.use.now_ms += LEASES_POLL_MS;
    ASKS(&o, 2, 0);
    answer(&o, 1, 0);
    uses(&o, 1, 1, 1, false);
    GOOD(&o, 1);
    ASKS_NOTHING(&o);
}

Test(leases, without_an_answer_what_is_had_is_told_again)
{
    struct one o = one();
    uses(&o, 0, 0, 1, true);
    asks(&o);
    leases_failed(&o.l, 0, o.use.now_ms);
    GOOD(&o, 0);
    uses(&o, 0, 0, 0, false);
    ASKS_NOTHING(&o);
    cr_expect(eq(i64, o.wait_ms, LEASES_POLL_MS));
    o.use.now_ms += LEASES_POLL_MS;
    ASKS(&o, 0, 0);
    answer(&o, 0, 0);
    ASKS_NOTHING(&o);
    cr_expect(eq(i64, o.wait_ms, INT64_MAX));
}

Test(leases, a_renewal_without_an_answer_takes_nothing_away_before_its_time)
{
    struct one o = at_work(1, 0);
    int64_t asked = o.use.now_ms;
    o.use.now_ms += 5000;
    asks(&o);
    leases_failed(&o.l, 0, o.use.now_ms);
    o.use.now_ms = asked + 10000;
    GOOD(&o, 1);
    o.use.now_ms++;
    GOOD(&o, 0);
}

Test(leases, a_redis_that_forgot_has_to_say_it_again)
{
    struct one o = at_work(1, 0);
    leases_forgotten(&o.l);
    GOOD(&o, 0);
    ASKS(&o, 1, 0);
    answer(&o, 1, 0);
    GOOD(&o, 1);
    struct one idle = one();
    leases_forgotten(&idle.l);
    ASKS_NOTHING(&idle);
}

Test(leases, the_end_gives_all_back_and_an_answer_that_comes_late_gives_nothing)
{
    struct one o = at_work(1, 1);
    asks(&o);
    cr_expect(leases_end(&o.l));
    cr_expect(not(leases_end(&o.l)), "told once");
    uses(&o, 0, 0, 1, true);
    ASKS(&o, 0, 1);
    answer(&o, 2, 0);
    GOOD(&o, 0);
    answer(&o, 1, 0);
    GOOD(&o, 1);
}

Test(leases, a_late_failure_says_nothing_of_the_next_question)
{
    struct one o = at_work(1, 1);
    asks(&o);
    leases_end(&o.l);
    uses(&o, 0, 0, 1, true);
    ASKS(&o, 0, 1);
    leases_failed(&o.l, 0, o.use.now_ms);
    answer(&o, 1, 0);
    GOOD(&o, 1);
}

Test(leases, what_could_not_be_asked_is_asked_later)
{
    struct one o = one();
    uses(&o, 0, 0, 1, true);
    asks(&o);
    leases_not_asked(&o.l, 0, o.use.now_ms);
    ASKS_NOTHING(&o);
    o.use.now_ms += LEASES_POLL_MS;
    ASKS(&o, 0, 1);
}

Test(leases, the_end_of_a_waiting_one_leaves_the_line)
{
    struct one o = one();
    uses(&o, 0, 0, 1, true);
    asks(&o);
    answer(&o, 0, 0);
    cr_expect(leases_end(&o.l));
}

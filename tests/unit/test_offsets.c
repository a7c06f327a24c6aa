#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/offsets.h"

static struct offsets *fresh(int64_t watermark)
{
    struct offsets *o = offsets_new(watermark, 1 << 20);
    cr_assert(o != NULL);
    return o;
}

static void open_range(struct offsets *o, int64_t from, int64_t to)
{
    for (int64_t i = from; i < to; i++)
        cr_assert(eq(int, offsets_open(o, i), OFFSETS_OPENED));
}

Test(offsets, watermark_waits_for_the_oldest)
{
    struct offsets *o = fresh(10);
    open_range(o, 10, 13);
    cr_expect(not(offsets_settle(o, 11)));
    cr_expect(not(offsets_settle(o, 12)));
    cr_expect(eq(i64, offsets_watermark(o), 10));
    cr_expect(offsets_settle(o, 10));
    cr_expect(eq(i64, offsets_watermark(o), 13));
    offsets_free(o);
}

Test(offsets, settling_twice_or_an_unknown_offset_changes_nothing)
{
    struct offsets *o = fresh(0);
    open_range(o, 0, 2);
    cr_expect(not(offsets_settle(o, 7)));
    cr_expect(not(offsets_settle(o, 1)));
    cr_expect(not(offsets_settle(o, 1)));
    cr_expect(eq(sz, offsets_open_count(o), 1));
    cr_expect(eq(i64, offsets_watermark(o), 0));
    offsets_free(o);
}

Test(offsets, only_what_was_opened_and_is_not_settled_is_open)
{
    struct offsets *o = fresh(5);
    for (int64_t at = 5; at < 8; at++)
        cr_assert(eq(int, offsets_open(o, at), OFFSETS_OPENED));
    offsets_settle(o, 6);
    static const bool want[] = {false, true, false, true, false};
    for (int64_t at = 4; at < 9; at++)
        cr_expect(eq(int, offsets_is_open(o, at), want[at - 4]), "%d", (int)at);
    offsets_free(o);
}

Test(offsets, an_offset_seen_before_is_done)
{
    struct offsets *o = fresh(5);
    open_range(o, 5, 7);
    cr_expect(eq(int, offsets_open(o, 6), OFFSETS_DONE));
    cr_expect(eq(int, offsets_open(o, 3), OFFSETS_DONE));
    offsets_free(o);
}

Test(offsets, a_gap_in_the_log_does_not_hold_the_watermark)
{
    struct offsets *o = fresh(0);
    open_range(o, 0, 1);
    cr_expect(eq(int, offsets_open(o, 100), OFFSETS_OPENED));
    cr_expect(offsets_settle(o, 0));
    cr_expect(eq(i64, offsets_watermark(o), 100));
    cr_expect(offsets_settle(o, 100));
    cr_expect(eq(i64, offsets_watermark(o), 101));
    cr_expect(eq(int, offsets_open(o, 5000000), OFFSETS_OPENED), "with nothing open, any gap is stepped over");
    offsets_free(o);
}

Test(offsets, a_span_over_the_window_is_full)
{
    struct offsets *o = offsets_new(0, 4);
    open_range(o, 0, 4);
    cr_expect(eq(int, offsets_open(o, 4), OFFSETS_FULL));
    offsets_settle(o, 0);
    cr_expect(eq(int, offsets_open(o, 4), OFFSETS_OPENED));
    offsets_free(o);
}

static void map_of(const struct offsets *o, size_t max, char *ret, size_t size)
{
    struct buf b;
    buf_init(&b, 1 << 20);
    offsets_add_done(o, max, &b);
    snprintf(ret, size, "%s", buf_cstr(&b));
    buf_fini(&b);
}

Test(offsets, the_map_tells_the_next_owner_what_is_done)
{
    struct offsets *o = fresh(100);
    open_range(o, 100, 110);
    offsets_settle(o, 101);
    offsets_settle(o, 102);
    offsets_settle(o, 108);
    char map[64];
    map_of(o, 4096, map, sizeof(map));
    cr_expect(eq(str, map, "1.2,5.1"));

    struct offsets *next = fresh(100);
    cr_assert(zero(int, offsets_load_done(next, map, strlen(map))));
    cr_expect(eq(int, offsets_open(next, 100), OFFSETS_OPENED));
    cr_expect(eq(int, offsets_open(next, 101), OFFSETS_DONE));
    cr_expect(eq(int, offsets_open(next, 102), OFFSETS_DONE));
    cr_expect(eq(int, offsets_open(next, 103), OFFSETS_OPENED));
    offsets_settle(next, 100);
    cr_expect(eq(i64, offsets_watermark(next), 103));
    offsets_free(o);
    offsets_free(next);
}

Test(offsets, a_map_that_does_not_fit_is_cut_at_a_whole_run)
{
    struct offsets *o = fresh(0);
    open_range(o, 0, 100);
    for (int64_t i = 1; i < 100; i += 2)
        offsets_settle(o, i);
    char map[64];
    map_of(o, 10, map, sizeof(map));
    cr_expect(eq(str, map, "1.1,1.1"));
    offsets_free(o);
}

Test(offsets, a_broken_map_is_refused_whole)
{
    static const char *const broken[] = {"1", "1.", ".1", "a.b", "1.2;", "1.2,,3.4", "1,2", "12345678901.1"};
    for (size_t i = 0; i < sizeof(broken) / sizeof(*broken); i++) {
        struct offsets *o = fresh(0);
        cr_expect(eq(int, offsets_load_done(o, broken[i], strlen(broken[i])), -1), "%s", broken[i]);
        cr_expect(eq(int, offsets_open(o, 1), OFFSETS_OPENED), "%s", broken[i]);
        offsets_free(o);
    }
}

Test(offsets, a_bit_of_the_map_for_an_offset_that_never_comes_is_forgotten)
{
    struct offsets *o = fresh(0);
    cr_assert(zero(int, offsets_load_done(o, "1.1", 3)));
    cr_expect(eq(int, offsets_open(o, 0), OFFSETS_OPENED));
    cr_expect(eq(int, offsets_open(o, 2), OFFSETS_OPENED)); /* 1 was a gap */
    for (int64_t i = 3; i < 5000; i++) {
        cr_assert(eq(int, offsets_open(o, i), OFFSETS_OPENED), "offset %d", (int)i);
        offsets_settle(o, i - 1);
        offsets_settle(o, 0);
    }
    offsets_free(o);
}

#define MODEL_SPAN 3000

/* Against the plainest possible model: an array of flags. */
Test(offsets, agrees_with_a_plain_model_over_random_histories)
{
    for (unsigned seed = 1; seed <= 30; seed++) {
        srand(seed);
        struct offsets *o = fresh(0);
        bool open[MODEL_SPAN] = {false};
        int64_t next = 0;
        while (next < MODEL_SPAN - 5) {
            if (rand() % 3 > 0) {
                int64_t at = next + (rand() % 10 == 0 ? rand() % 4 : 0);
                cr_assert(eq(int, offsets_open(o, at), OFFSETS_OPENED));
                open[at] = true;
                next = at + 1;
            } else if (next > 0) {
                int64_t at = next - 1 - rand() % (next < 200 ? next : 200);
                offsets_settle(o, at);
                open[at] = false;
            }
            int64_t low = 0;
            size_t count = 0;
            while (low < next && !open[low])
                low++;
            for (int64_t i = 0; i < next; i++)
                count += open[i];
            cr_assert(eq(i64, offsets_watermark(o), low), "seed %u", seed);
            cr_assert(eq(sz, offsets_open_count(o), count), "seed %u", seed);
        }
        offsets_free(o);
    }
}

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <string.h>

#include "core/lanes.h"

struct item {
    struct lane_item in;
    int id;
};

static void push_ranked(struct lanes *ls, const char *key, struct item *i, int id, enum lane_rank rank)
{
    i->id = id;
    i->in.rank = rank;
    cr_assert(zero(int, lanes_push(ls, key, strlen(key), &i->in)));
}

static void push(struct lanes *ls, const char *key, struct item *i, int id)
{
    push_ranked(ls, key, i, id, RANK_OTHER);
}

static int take_ranked(struct lanes *ls, enum lane_rank rank)
{
    struct lane_item *i = lanes_take(ls, rank);
    return i == NULL ? -1 : ((struct item *)i)->id;
}

static int take(struct lanes *ls)
{
    return take_ranked(ls, RANK_OTHER);
}

Test(lanes, one_item_of_a_key_is_worked_at_a_time_and_in_order)
{
    struct lanes *ls = lanes_new();
    struct item a, b, c;
    push(ls, "70001", &a, 1);
    push(ls, "70001", &b, 2);
    push(ls, "778", &c, 3);
    cr_expect(eq(int, take(ls), 1));
    cr_expect(eq(int, take(ls), 3));
    cr_expect(eq(int, take(ls), -1), "the second of 70001 waits for the first");
    cr_expect(lanes_finish(ls, &a.in) == &b.in);
    cr_expect(eq(int, take(ls), 2));
    cr_expect(lanes_finish(ls, &b.in) == NULL);
    cr_expect(lanes_finish(ls, &c.in) == NULL);
    cr_expect(zero(sz, lanes_count(ls)), "a lane without items ends");
    lanes_free(ls);
}

Test(lanes, what_is_given_back_comes_first_again)
{
    struct lanes *ls = lanes_new();
    struct item a, b;
    push(ls, "a", &a, 1);
    push(ls, "b", &b, 2);
    cr_expect(eq(int, take(ls), 1));
    lanes_give_back(ls, &a.in);
    cr_expect(eq(int, take(ls), 1));
    cr_expect(eq(int, take(ls), 2));
    cr_expect(not(lanes_any_ready(ls)));
    lanes_free(ls);
}

static bool drop_odd(void *arg, struct lane_item *i)
{
    (*(int *)arg)++;
    return ((struct item *)i)->id % 2 == 1;
}

Test(lanes, removal_spares_the_head_of_a_busy_lane)
{
    struct lanes *ls = lanes_new();
    struct item a, b, c, d, e;
    push(ls, "busy", &a, 1);
    push(ls, "busy", &b, 3);
    push(ls, "busy", &c, 4);
    push(ls, "idle", &d, 5);
    push(ls, "mixed", &e, 6);
    cr_expect(eq(int, take(ls), 1));
    int asked = 0;
    lanes_remove_if(ls, drop_odd, &asked);
    cr_expect(eq(int, asked, 4), "the busy head is not asked about");
    cr_expect(eq(sz, lanes_items(ls), 3));
    cr_expect(eq(sz, lanes_count(ls), 2), "an emptied lane is gone");
    cr_expect(lanes_finish(ls, &a.in) == &c.in);
    cr_expect(eq(int, take(ls), 6));
    cr_expect(eq(int, take(ls), 4));
    struct item f;
    push(ls, "busy", &f, 8);
    cr_expect(lanes_finish(ls, &c.in) == &f.in, "the tail is right after a removal");
    lanes_free(ls);
}

Test(lanes, keys_are_bytes_and_may_share_a_beginning)
{
    struct lanes *ls = lanes_new();
    struct item items[100];
    for (int i = 0; i < 100; i++) {
        char key[16];
        snprintf(key, sizeof(key), "%d", i % 10);
        push(ls, key, &items[i], i);
    }
    cr_expect(eq(sz, lanes_count(ls), 10));
    for (int i = 0; i < 10; i++)
        cr_expect(eq(int, take(ls), i));
    cr_expect(eq(sz, lane_depth(items[0].in.lane), 10));
    cr_expect(eq(str, (char *)lane_key(items[3].in.lane), "3"));
    lanes_free(ls);
}

Test(lanes, ready_lanes_stand_in_a_queue_for_each_rank_of_their_head)
{
    struct lanes *ls = lanes_new();
    struct item cut, restore, behind, other;
    push_ranked(ls, "a", &cut, 1, RANK_OTHER);
    push_ranked(ls, "a", &behind, 2, RANK_RESTORE);
    push_ranked(ls, "b", &restore, 3, RANK_RESTORE);
    push_ranked(ls, "c", &other, 4, RANK_OTHER);
    cr_expect(eq(u32, lanes_ready(ls), 1U << RANK_OTHER | 1U << RANK_RESTORE));
    cr_expect(eq(int, take_ranked(ls, RANK_RESTORE), 3));
    cr_expect(eq(int, take_ranked(ls, RANK_RESTORE), -1), "the order within a lane never changes");
    cr_expect(eq(u32, lanes_ready(ls), 1U << RANK_OTHER));
    cr_expect(eq(int, take(ls), 1));
    cr_expect(lanes_finish(ls, &cut.in) == &behind.in);
    cr_expect(eq(int, take_ranked(ls, RANK_RESTORE), 2));
    cr_expect(eq(int, take(ls), 4));
    cr_expect(zero(u32, lanes_ready(ls)));
    lanes_free(ls);
}

Test(lanes, what_is_put_last_comes_behind_its_like)
{
    struct lanes *ls = lanes_new();
    struct item a, b;
    push(ls, "a", &a, 1);
    push(ls, "b", &b, 2);
    cr_expect(eq(int, take(ls), 1));
    lanes_put_last(ls, &a.in);
    cr_expect(eq(int, take(ls), 2));
    lanes_put_last(ls, &b.in);
    cr_expect(eq(int, take(ls), 1));
    a.in.rank = RANK_AGAIN;
    lanes_put_last(ls, &a.in);
    cr_expect(eq(int, take_ranked(ls, RANK_AGAIN), 1));
    lanes_free(ls);
}

Test(lanes, a_lane_whose_head_was_removed_stands_by_the_rank_of_the_next)
{
    struct lanes *ls = lanes_new();
    struct item a, b;
    int asked = 0;
    push_ranked(ls, "a", &a, 1, RANK_OTHER);
    push_ranked(ls, "a", &b, 2, RANK_RESTORE);
    lanes_remove_if(ls, drop_odd, &asked);
    cr_expect(eq(u32, lanes_ready(ls), 1U << RANK_RESTORE));
    cr_expect(eq(int, take_ranked(ls, RANK_RESTORE), 2));
    lanes_free(ls);
}

Test(lanes, one_that_waits_behind_may_be_let_before_the_head)
{
    struct lanes *ls = lanes_new();
    struct lane_item a = {0}, b = {0}, c = {0}, d = {0};
    struct lane_item *all[] = {&a, &b, &c};
    for (size_t i = 0; i < 3; i++)
        cr_assert(zero(int, lanes_push(ls, "s1", 2, all[i])));
    cr_assert(eq(ptr, lanes_take(ls, a.rank), &a));
    lanes_let_before(ls, &a, &c);
    cr_assert(zero(int, lanes_push(ls, "s1", 2, &d)));
    struct lane_item *wanted[] = {&c, &a, &b, &d};
    for (size_t i = 0; i < 4; i++) {
        cr_assert(eq(ptr, lanes_take(ls, a.rank), wanted[i]), "%zu", i);
        (void)lanes_finish(ls, wanted[i]);
    }
    cr_expect(eq(sz, lanes_count(ls), 0));
    lanes_free(ls);
}

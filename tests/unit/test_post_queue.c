/* test_post_queue.c - outcomes on their way to a web hook. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "outcomes_post.h"
#include "post_queue.h"

static void add(struct post_queue *q, int32_t partition, int64_t offset, const char *key)
{
    char id[40];
    snprintf(id, sizeof(id), "%d-%lld", (int)partition, (long long)offset);
    cr_assert(eq(int, post_queue_add(q, partition, offset, key, strlen(key), "body", 4, id), 0));
}

static const char *next(struct post_queue *q, int64_t now_ms, struct post_item **ret)
{
    int64_t wait_ms = 0;
    *ret = post_queue_next(q, now_ms, &wait_ms);
    return *ret != NULL ? (*ret)->id : "";
}

Test(post_queue, a_service_waits_for_its_first_outcome_and_others_do_not)
{
    struct post_queue *q = post_queue_new(10, 1000);
    struct post_item *it = NULL;
    int64_t wait_ms = 0;
    add(q, 0, 5, "a");
    add(q, 0, 6, "a");
    add(q, 0, 7, "b");
    cr_expect(eq(str, (char *)next(q, 100, &it), (char *)"0-5"));
    post_queue_retry(q, it, 500);
    cr_expect(eq(str, (char *)next(q, 100, &it), (char *)"0-7"), "the other service goes on");
    cr_expect(not(post_queue_done(q, it)), "an older one of the partition is not done");
    cr_expect(eq(i64, post_queue_watermark(q, 0), 5));
    cr_expect(eq(ptr, post_queue_next(q, 499, &wait_ms), NULL));
    cr_expect(eq(i64, wait_ms, 1));
    cr_expect(eq(str, (char *)next(q, 500, &it), (char *)"0-5"));
    cr_expect(post_queue_done(q, it));
    cr_expect(eq(i64, post_queue_watermark(q, 0), 6));
    cr_expect(eq(str, (char *)next(q, 500, &it), (char *)"0-6"), "its second one is due at once");
    cr_expect(post_queue_done(q, it));
    cr_expect(eq(i64, post_queue_watermark(q, 0), 8), "past all that was added");
    cr_expect(eq(ptr, post_queue_next(q, 500, &wait_ms), NULL));
    cr_expect(eq(i64, wait_ms, -1));
    post_queue_free(q);
}

Test(post_queue, what_is_due_goes_in_the_order_of_arrival_so_that_the_watermark_follows)
{
    struct post_queue *q = post_queue_new(100, 1000);
    struct post_item *it = NULL;
    for (int i = 0; i < 30; i++)
        add(q, 0, i, i % 3 == 0 ? "a" : i % 3 == 1 ? "b" : "c");
    for (int i = 0; i < 30; i++) {
        next(q, 0, &it);
        cr_assert(eq(i64, it->offset, i));
        post_queue_done(q, it);
        cr_assert(eq(i64, post_queue_watermark(q, 0), i + 1));
    }
    post_queue_free(q);
}

Test(post_queue, what_was_added_before_is_not_taken_again)
{
    struct post_queue *q = post_queue_new(100, 1000);
    struct post_item *it = NULL;
    add(q, 0, 5, "a");
    add(q, 0, 6, "a");
    add(q, 0, 5, "a");
    cr_expect(eq(sz, post_queue_count(q), 2));
    while (next(q, 0, &it)[0] != '\0')
        post_queue_done(q, it);
    add(q, 0, 6, "a");
    cr_expect(eq(sz, post_queue_count(q), 0));
    cr_expect(eq(i64, post_queue_watermark(q, 0), 7));
    post_queue_free(q);
}

Test(post_queue, a_dropped_partition_takes_only_its_own)
{
    struct post_queue *q = post_queue_new(10, 1000);
    struct post_item *it = NULL;
    add(q, 0, 1, "a");
    add(q, 1, 1, "b");
    add(q, 0, 2, "c");
    add(q, 1, 2, "a"); /* a key in two partitions: cannot be, and must do no harm */
    post_queue_drop(q, 0);
    cr_expect(eq(sz, post_queue_count(q), 2));
    cr_expect(eq(i64, post_queue_watermark(q, 0), -1));
    cr_expect(eq(i64, post_queue_watermark(q, 1), 1));
    while (next(q, 0, &it)[0] != '\0')
        post_queue_done(q, it);
    cr_expect(eq(i64, post_queue_watermark(q, 1), 3));
    add(q, 0, 1, "a");
    cr_expect(eq(str, (char *)next(q, 0, &it), (char *)"0-1"), "it may come back");
    post_queue_free(q);
}

Test(post_queue, is_full_by_number_by_bytes_and_by_what_waits_behind_an_old_one)
{
    struct post_queue *q = post_queue_new(3, 1000);
    struct post_item *it = NULL;
    for (int i = 0; i < 3; i++) {
        cr_expect(not(post_queue_is_full(q)));
        add(q, 0, i, "a");
    }
    cr_expect(post_queue_is_full(q));
    post_queue_free(q);

    q = post_queue_new(100, 8);
    add(q, 0, 0, "a");
    cr_expect(not(post_queue_is_full(q)));
    add(q, 0, 1, "a");
    cr_expect(post_queue_is_full(q));
    post_queue_free(q);

    q = post_queue_new(2, 1000);
    add(q, 0, 0, "stuck");
    next(q, 0, &it);
    post_queue_retry(q, it, 1000000);
    int64_t n = 1;
    while (!post_queue_is_full(q) && n < 1000) {
        add(q, 0, n++, "quick");
        if (post_queue_is_full(q))
            break;
        next(q, 0, &it);
        post_queue_done(q, it);
    }
    cr_expect(lt(i64, n, 1000), "what is done and cannot be committed has an end");
    post_queue_free(q);
}

Test(post_judge, what_an_answer_means)
{
    static const struct { const char *why; long status; unsigned tries; int64_t after_s, least, most; } rows[] = {
        {"delivered", 200, 1, 0, -1, -1},
        {"delivered without content", 204, 9, 0, -1, -1},
        {"no answer", 0, 1, 0, 250, 500},
        {"a redirect is not delivered", 302, 1, 0, 250, 500},
        {"a refusal is tried again", 400, 1, 0, 250, 500},
        {"the second time twice as long", 500, 2, 0, 500, 1000},
        {"at most the cap", 500, 30, 0, 30000, 60000},
        {"never past the cap, however often", 500, 4000000000u, 0, 30000, 60000},
        {"the hook's own word", 429, 1, 7, 7000, 7000},
        {"which has a cap too", 429, 1, 100000, 60000, 60000},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        for (uint32_t rnd = 0; rnd < 5000; rnd += 7) {
            int64_t ms = post_judge(rows[i].status, rows[i].tries, rows[i].after_s, 60000, rnd * 858993u);
            cr_assert(ge(i64, ms, rows[i].least), "%s", rows[i].why);
            cr_assert(le(i64, ms, rows[i].most), "%s", rows[i].why);
        }
}

Test(post_judge, a_small_cap_is_kept)
{
    cr_expect(le(i64, post_judge(500, 5, 0, 1, 12345), 1));
    cr_expect(ge(i64, post_judge(500, 5, 0, 1, 12345), 0));
}

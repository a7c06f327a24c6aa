#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

#include "contract/commit_meta.h"

static const struct commit_meta whole = {
    .ceiling = 1200, .out = 77, .fence = "1763850000000001", .redis = "run repl mark", .done = ""};

Test(commit_meta, what_is_written_is_read_back)
{
    struct buf b;
    struct commit_meta m;
    buf_init(&b, 4096);
    commit_meta_write(&whole, &b);
    buf_adds(&b, "3.4,5.6");
    cr_assert(eq(str, b.data, "v1;ceil=1200;out=77;fence=1763850000000001;redis=run repl mark;done=3.4,5.6"));
    cr_assert(eq(int, commit_meta_parse(b.data, b.len, &m), 0));
    cr_assert(eq(i64, m.ceiling, 1200));
    cr_assert(eq(i64, m.out, 77));
    cr_assert(eq(str, m.fence, "1763850000000001"));
    cr_assert(eq(str, m.redis, "run repl mark"));
    cr_assert(eq(sz, m.done_len, 7));
    cr_assert(eq(int, memcmp(m.done, "3.4,5.6", 7), 0));
    buf_fini(&b);
}

Test(commit_meta, what_was_not_said_is_not_known)
{
    struct commit_meta m;
    cr_assert(eq(int, commit_meta_parse("v1;", 3, &m), 0));
    cr_assert(eq(i64, m.ceiling, -1));
    cr_assert(eq(i64, m.out, -1));
    cr_assert(eq(str, m.fence, ""));
    cr_assert(eq(str, m.redis, ""));
    cr_assert(eq(sz, m.done_len, 0));
}

Test(commit_meta, metadata_of_others_is_refused)
{
    struct commit_meta m;
    cr_assert(eq(int, commit_meta_parse("", 0, &m), -1));
    cr_assert(eq(int, commit_meta_parse("v2;ceil=3", 9, &m), -1));
    cr_assert(eq(int, commit_meta_parse("reset by hand", 13, &m), -1));
    cr_assert(eq(i64, m.ceiling, -1));
}

Test(commit_meta, a_value_that_is_none_is_passed_over)
{
    static const char text[] = "v1;ceil=12x;out=;fence=99999999999999999999999999999;new=1;=;;redis=a b c;ceil";
    struct commit_meta m;
    cr_assert(eq(int, commit_meta_parse(text, sizeof(text) - 1, &m), 0));
    cr_assert(eq(i64, m.ceiling, -1));
    cr_assert(eq(i64, m.out, -1));
    cr_assert(eq(str, m.fence, ""));
    cr_assert(eq(str, m.redis, "a b c"));
}

Test(commit_meta, fences_are_compared_as_numbers)
{
    cr_assert(eq(str, (char *)commit_meta_higher_fence("9", "10"), "10"));
    cr_assert(eq(str, (char *)commit_meta_higher_fence("11", "10"), "11"));
    cr_assert(eq(str, (char *)commit_meta_higher_fence("", "1"), "1"));
}

Test(commit_meta, a_fence_with_leading_zeros_is_the_number_that_it_says)
{
    struct commit_meta m;
    cr_assert(eq(int, commit_meta_parse("v1;fence=0007", 13, &m), 0));
    cr_assert(eq(str, m.fence, "7"));
    cr_assert(eq(str, (char *)commit_meta_higher_fence(m.fence, "9"), "9"));
    cr_assert(eq(int, commit_meta_parse("v1;fence=000", 12, &m), 0));
    cr_assert(eq(str, m.fence, "0"));
}

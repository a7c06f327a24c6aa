/* A partition's record: there and back, and what acts on the whole provider do to it. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <string.h>

#include "contract/partition_record.h"
#include "contract/schema.h"

#define NOW INT64_C(1795341600000)

static struct act wide(enum act_kind kind, const char *id)
{
    struct act a = {.kind = kind, .provider = "stalker", .partition = 4, .time_ms = NOW, .letter = -1};
    snprintf(a.id, sizeof(a.id), "%s", id);
    snprintf(a.who, sizeof(a.who), "ann");
    snprintf(a.reason, sizeof(a.reason), "because of %s", id);
    return a;
}

static struct act allowance(const char *id, uint64_t max, int64_t until_ms)
{
    struct act a = wide(ACT_APPROVE, id);
    a.max = a.max_total = max;
    a.until_ms = until_ms;
    return a;
}

static enum act_result act_on(struct partition_record *r, const struct act *a, int64_t offset)
{
    const char *why = "";
    bool again = false;
    return partition_record_act(r, a, offset, NOW, &why, &again);
}

static void expect_back(const struct partition_record *r)
{
    struct buf out, again;
    struct partition_record back;
    struct fault f = {.pointer = ""};
    struct err err = {.code = ERR_NONE};
    buf_init(&out, 65536);
    buf_init(&again, 65536);
    partition_record_encode(r, &out);
    cr_assert(eq(int, partition_record_decode(out.data, out.len, &back, &f), 0), "%s: %s", f.pointer, f.reason);
    partition_record_encode(&back, &again);
    cr_expect(eq(str, (char *)buf_cstr(&out), (char *)buf_cstr(&again)));
    struct schema *s = schema_load(TVB_ROOT "/schemas/partition-record.schema.json", &err);
    cr_assert(ne(ptr, s, NULL), "%s", err.msg);
    json_t *v = json_loadb(out.data, out.len, 0, NULL);
    cr_expect(schema_check(s, v, &f), "%s: %s", f.pointer, f.reason);
    json_decref(v);
    schema_free(s);
    buf_fini(&out);
    buf_fini(&again);
}

Test(partition_record, comes_back_as_it_was_written)
{
    struct partition_record r;
    partition_record_init(&r, "stalker", 4);
    expect_back(&r);
    struct act pause = wide(ACT_PAUSE, "p1"), a = allowance("a1", 3, NOW + 1000), b = allowance("a2", 0, NOW + 5);
    cr_expect(eq(int, (int)act_on(&r, &pause, 5), ACT_DONE));
    cr_expect(eq(int, (int)act_on(&r, &a, 6), ACT_DONE));
    cr_expect(eq(int, (int)act_on(&r, &b, 7), ACT_DONE));
    snprintf(r.fence, sizeof(r.fence), "1795342800000001");
    expect_back(&r);
    cr_expect(eq(i64, r.control, 8));
}

Test(partition_record, pause_and_resume_count_the_last_one)
{
    struct partition_record r;
    partition_record_init(&r, "stalker", 4);
    struct act one = wide(ACT_PAUSE, "p1"), two = wide(ACT_PAUSE, "p2"), on = wide(ACT_RESUME, "r1");
    two.time_ms = NOW + 7;
    act_on(&r, &one, 0);
    act_on(&r, &two, 1);
    cr_expect(r.paused);
    cr_expect(eq(str, r.paused_act, "p2"));
    cr_expect(eq(str, r.paused_reason, "because of p2"));
    cr_expect(eq(i64, r.paused_ms, NOW + 7));
    cr_expect(eq(int, (int)act_on(&r, &on, 2), ACT_DONE));
    cr_expect(not(r.paused));
    cr_expect(eq(int, (int)act_on(&r, &on, 3), ACT_DONE), "again is no harm");
}

Test(partition_record, a_replayed_act_does_nothing_twice)
{
    struct partition_record r;
    const char *why = NULL;
    bool again = false;
    partition_record_init(&r, "stalker", 4);
    struct act a = allowance("a1", 3, NOW + 1000), on = wide(ACT_RESUME, "r1"), off = wide(ACT_PAUSE, "p1");
    partition_record_act(&r, &a, 0, NOW, &why, &again);
    cr_expect(not(again));
    cr_expect(partition_record_take(&r, NOW));
    act_on(&r, &off, 1);
    act_on(&r, &on, 2);
    partition_record_act(&r, &a, 0, NOW, &why, &again);
    cr_expect(again);
    cr_expect(eq(u64, partition_record_left(&r, NOW), 2), "what was used stays used");
    partition_record_act(&r, &off, 1, NOW, &why, &again);
    cr_expect(again);
    cr_expect(not(r.paused), "an old pause does not come back");
    cr_expect(eq(i64, r.control, 3));
    partition_record_saw(&r, 9);
    cr_expect(eq(i64, r.control, 10));
    partition_record_saw(&r, 3);
    cr_expect(eq(i64, r.control, 10));
}

Test(partition_record, an_allowance_ends_by_number_and_by_time)
{
    struct partition_record r;
    partition_record_init(&r, "stalker", 4);
    struct act late = allowance("late", 5, NOW + 2000), soon = allowance("soon", 2, NOW + 1000);
    act_on(&r, &late, 0);
    act_on(&r, &soon, 1);
    cr_expect(eq(u64, partition_record_left(&r, NOW), 7));
    cr_expect(partition_record_take(&r, NOW));
    cr_expect(eq(u64, r.approvals[0].used, 0));
    cr_expect(eq(u64, r.approvals[1].used, 1), "the one that ends first is used first");
    cr_expect(eq(u64, partition_record_left(&r, NOW + 1000), 5), "until is its end");
    for (int i = 0; i < 5; i++)
        cr_expect(partition_record_take(&r, NOW + 1000));
    cr_expect(not(partition_record_take(&r, NOW + 1000)));
    cr_expect(eq(sz, r.approval_count, 0));
}

/* An owner that had lost the partition wrote after the one that paused it. */
Test(partition_record, of_two_writes_the_one_with_more_acts_counts)
{
    struct partition_record late, r;
    struct act a = allowance("a1", 10, NOW + 1000), p = wide(ACT_PAUSE, "a2");
    partition_record_init(&late, "stalker", 4);
    cr_assert(eq(int, (int)act_on(&late, &a, 3), ACT_DONE));
    r = late;
    cr_expect(partition_record_take(&late, NOW));
    cr_assert(eq(int, (int)act_on(&r, &p, 4), ACT_DONE));
    partition_record_merge(&r, &late);
    cr_expect(r.paused);
    cr_expect(eq(i64, r.control, 5));
    cr_expect(eq(u64, r.approvals[0].used, 1), "what it used is used");
    partition_record_merge(&late, &r);
    cr_expect(late.paused, "in the other order too");
    p = wide(ACT_RESUME, "a5");
    struct partition_record last = r;
    last.approvals[0].used = 0;
    cr_assert(eq(int, (int)act_on(&last, &p, 5), ACT_DONE));
    partition_record_merge(&r, &last);
    cr_expect(not(r.paused));
    cr_expect(eq(u64, r.approvals[0].used, 1));
}

Test(partition_record, refuses_what_it_cannot_do)
{
    struct partition_record r;
    const char *why = "";
    bool again = false;
    partition_record_init(&r, "stalker", 4);
    struct act a = allowance("a", 1, NOW);
    cr_expect(eq(int, (int)partition_record_act(&r, &a, 0, NOW, &why, &again), ACT_TOO_LATE));
    cr_expect(eq(str, (char *)why, "expired"));
    a = wide(ACT_PAUSE, "p");
    a.partition = 5;
    cr_expect(eq(int, (int)partition_record_act(&r, &a, 1, NOW, &why, &again), ACT_REFUSED));
    cr_expect(eq(str, (char *)why, "other_partition"));
    a = wide(ACT_DROP, "d");
    cr_expect(eq(int, (int)partition_record_act(&r, &a, 2, NOW, &why, &again), ACT_REFUSED));
    for (int i = 0; i <= PARTITION_APPROVALS_MAX; i++) {
        a = allowance("a", 1, NOW + 1);
        enum act_result got = partition_record_act(&r, &a, 3 + i, NOW, &why, &again);
        cr_expect(eq(int, (int)got, i < PARTITION_APPROVALS_MAX ? ACT_DONE : ACT_REFUSED), "%d", i);
    }
    cr_expect(eq(str, (char *)why, "too_many"));
    expect_back(&r);
}

Test(partition_record, names_what_is_wrong_in_a_text)
{
    static const struct {
        const char *text, *pointer;
    } rows[] = {
        {"", ""},
        {"[]", ""},
        {"{\"provider\":\"s\",\"control\":0,\"approvals\":[]}", "/partition"},
        {"{\"partition\":-1,\"provider\":\"s\",\"control\":0,\"approvals\":[]}", "/partition"},
        {"{\"partition\":1,\"control\":0,\"approvals\":[]}", "/provider"},
        {"{\"partition\":1,\"provider\":\"s\",\"approvals\":[]}", "/control"},
        {"{\"partition\":1,\"provider\":\"s\",\"control\":0}", "/approvals"},
        {"{\"partition\":1,\"provider\":\"s\",\"control\":0,\"approvals\":[{}]}", "/approvals/0"},
        {"{\"partition\":1,\"provider\":\"s\",\"control\":0,\"approvals\":[],\"paused\":{}}", "/paused"},
        {"{\"partition\":1,\"provider\":\"s\",\"control\":0,\"approvals\":[],\"fence\":7}", "/fence"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct partition_record r;
        struct fault f = {.pointer = "(none)"};
        cr_expect(eq(int, partition_record_decode(rows[i].text, strlen(rows[i].text), &r, &f), -1), "%s", rows[i].text);
        cr_expect(eq(str, f.pointer, (char *)rows[i].pointer), "%s", rows[i].text);
    }
}

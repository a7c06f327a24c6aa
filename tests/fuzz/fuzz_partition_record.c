/* The record of a partition: what is taken comes back, and acts on it keep it what it is. */
#include "fuzz.h"

#include <string.h>

#include "contract/partition_record.h"

static const int64_t now_ms = 1763800000000;

static void comes_back(const struct partition_record *r)
{
    struct partition_record back;
    struct fault f = {.reason = ""};
    struct buf one, two;
    buf_init(&one, 1 << 20);
    buf_init(&two, 1 << 20);
    partition_record_encode(r, &one);
    fuzz_check(partition_record_decode(buf_cstr(&one), one.len, &back, &f) == 0, "refused: %s %s: %s", f.pointer, f.reason,
               buf_cstr(&one));
    partition_record_encode(&back, &two);
    fuzz_check(strcmp(buf_cstr(&one), buf_cstr(&two)) == 0, "%s became %s", buf_cstr(&one), buf_cstr(&two));
    buf_fini(&one);
    buf_fini(&two);
}

static void act(struct partition_record *r, enum act_kind kind)
{
    struct act a = {.kind = kind, .id = "a1", .source = "tvbridge/cli", .partition = r->partition, .time_ms = now_ms,
                    .who = "ann", .reason = "why", .letter = -1, .until_ms = now_ms + 1000, .max = 3, .max_total = 3};
    const char *why;
    bool again;
    memcpy(a.provider, r->provider, sizeof(a.provider));
    uint64_t left = partition_record_left(r, now_ms);
    int64_t at = r->control;
    enum act_result what = partition_record_act(r, &a, at, now_ms, &why, &again);
    fuzz_check(!again && r->control == at + 1, "the act at %lld was not seen", (long long)at);
    if (what == ACT_DONE && kind == ACT_APPROVE)
        fuzz_check(partition_record_left(r, now_ms) > left, "approved, and nothing is allowed");
    fuzz_check(partition_record_act(r, &a, at, now_ms, &why, &again) == what || again, "done again");
    comes_back(r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct partition_record r;
    struct fault f = {.reason = ""};
    if (partition_record_decode((const char *)data, size, &r, &f) != 0) {
        fuzz_check(f.reason[0] != '\0' && !f.nomem, "refused without a reason");
        return 0;
    }
    comes_back(&r);
    uint64_t left = partition_record_left(&r, now_ms);
    fuzz_check(partition_record_take(&r, now_ms) == (left > 0), "a cut beyond what is left, or none of it");
    fuzz_check(partition_record_left(&r, now_ms) == left - (left > 0), "%llu were left",
               (unsigned long long)left);
    if (r.control > INT64_MAX / 2)
        return 0;
    act(&r, ACT_PAUSE);
    act(&r, ACT_APPROVE);
    act(&r, ACT_RESUME);
    return 0;
}

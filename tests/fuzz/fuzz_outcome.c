/* The facts of an outcome, as Redis gives them back. What is taken is written again the same. */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "contract/outcome.h"

static void facts_come_back(const struct outcome *o)
{
    struct buf one, two;
    struct outcome back;
    buf_init(&one, SIZE_MAX / 2);
    buf_init(&two, SIZE_MAX / 2);
    outcome_facts_encode(o, &one);
    fuzz_check(outcome_facts_decode(buf_cstr(&one), one.len, &back) == 0, "refused: %s", buf_cstr(&one));
    fuzz_check(back.kind == o->kind && back.attempts == o->attempts && back.round == o->round && back.status == o->status,
               "the numbers changed: %s", buf_cstr(&one));
    outcome_facts_encode(&back, &two);
    fuzz_check(strcmp(buf_cstr(&one), buf_cstr(&two)) == 0, "%s became %s", buf_cstr(&one), buf_cstr(&two));
    outcome_fini(&back);
    buf_fini(&one);
    buf_fini(&two);
}

static void is_told(const struct outcome *o)
{
    const struct event *e = fuzz_event(EVENT_CONTRACT_BLOCKED);
    struct outcome_place at = {.partition = 1, .offset = 7, .order = event_order(e, 0, 7), .fence = "17"};
    struct buf out;
    buf_init(&out, SIZE_MAX / 2);
    outcome_encode(o, e, &at, NULL, 0, &out);
    json_t *told = json_loadb(buf_cstr(&out), out.len, JSON_REJECT_DUPLICATES, NULL);
    fuzz_check(told != NULL, "the outcome is not JSON: %s", buf_cstr(&out));
    json_decref(told);
    buf_fini(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct outcome o;
    if (outcome_facts_decode((const char *)data, size, &o) != 0)
        return 0;
    fuzz_check((size_t)o.kind < OUTCOME_KIND_COUNT && o.status >= 0 && o.status <= 999, "kind or status");
    facts_come_back(&o);
    is_told(&o);
    outcome_fini(&o);
    return 0;
}

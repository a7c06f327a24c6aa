/* Published outcomes, as a new owner reads them back. What is taken has whole facts. */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "contract/outcome_read.h"

/* An outcome that tvbridge writes is read back as it was. Input: facts as Redis keeps them. */
static void is_read_back(const char *text, size_t n)
{
    struct outcome o;
    struct outcome_seen seen;
    if (outcome_facts_decode(text, n, &o) != 0)
        return;
    const struct event *e = fuzz_event(EVENT_CONTRACT_BLOCKED);
    struct outcome_place at = {.partition = 1, .offset = 7, .order = event_order(e, 0, 7), .fence = "17"};
    struct buf out;
    buf_init(&out, SIZE_MAX / 2);
    outcome_encode(&o, e, &at, NULL, 0, &out);
    fuzz_check(outcome_read(buf_cstr(&out), out.len, &seen) == 0, "refused: %s", buf_cstr(&out));
    fuzz_check(seen.facts.kind == o.kind && seen.facts.attempts == o.attempts && seen.facts.round == o.round &&
                   seen.final == outcome_kind_is_final(o.kind),
               "the facts changed: %s", buf_cstr(&out));
    fuzz_check(strcmp(seen.key, e->key) == 0 && strcmp(seen.fence, "17") == 0 && strcmp(seen.service, e->service) == 0,
               "it is another event's: %s", buf_cstr(&out));
    outcome_seen_fini(&seen);
    buf_fini(&out);
    outcome_fini(&o);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    struct outcome_seen s;
    is_read_back(text, size);
    if (outcome_read(text, size, &s) != 0)
        return 0;
    fuzz_check(s.provider != NULL && s.service[0] != '\0' && s.fingerprint != NULL && s.fence != NULL, "half an outcome");
    fuzz_check(strlen(s.key) == EVENT_KEY_SIZE - 1 && (size_t)s.facts.kind < OUTCOME_KIND_COUNT, "key or kind");
    fuzz_check(s.record == NULL || json_is_object(s.record), "the record is no object");
    outcome_seen_fini(&s);
    return 0;
}

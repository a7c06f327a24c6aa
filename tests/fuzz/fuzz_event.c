/* Event decode in both modes. Input: a message as fuzz.h says. An event that was taken must come back the same from its structured form, and so must what tvbridge
 * writes about it. */
#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "contract/deadletter.h"
#include "contract/outcome.h"
#include "contract/record.h"
#include "contract/schema.h"

static void same_event(const struct event *a, const struct event *b)
{
    fuzz_check(a->type == b->type && strcmp(a->key, b->key) == 0, "type or key changed");
    fuzz_check(memcmp(a->fingerprint, b->fingerprint, sizeof(a->fingerprint)) == 0, "the fingerprint changed");
    fuzz_check(a->expires_ms == b->expires_ms && a->axes.n == b->axes.n, "expiry or axes changed");
    for (size_t i = 0; i < a->axes.n; i++)
        fuzz_check(strcmp(a->axes.name[i], b->axes.name[i]) == 0, "axis %zu changed", i);
    fuzz_check(order_cmp(event_order(a, 3, 7), event_order(b, 3, 7)) == 0, "the order changed");
}

static void comes_back(const struct event *e, const struct event_message *m)
{
    char *text = fuzz_json(e->root);
    struct event_message again = {.key = m->key, .key_len = m->key_len, .value = text, .value_len = strlen(text)};
    struct event back;
    struct fault f = {.reason = ""};
    int rc = event_decode(fuzz_schemas(), &again, &back, &f);
    /* White space and escapes do not count, so only an event near the limit may grow over it. */
    fuzz_check(rc == 0 || again.value_len > (size_t)JSON_EVENT_MAX_BYTES, "its structured form is refused: %s %s: %s",
               f.pointer, f.reason, text);
    if (rc == 0) {
        same_event(e, &back);
        event_fini(&back);
    }
    free(text);
}

static const struct schema *schema_of(const char *file)
{
    struct err err = {0};
    struct schema *s = schema_load(file, &err);
    fuzz_check(s != NULL, "%s", err.msg);
    return s;
}

/* Outcome and record of any valid event keep their own schemas. */
static void can_be_told(const struct event *e)
{
    static const struct schema *outcomes, *records;
    if (outcomes == NULL) {
        outcomes = schema_of(TVB_ROOT "/schemas/outcome.schema.json");
        records = schema_of(TVB_ROOT "/schemas/record.schema.json");
    }
    struct outcome o = {.kind = OUTCOME_APPLIED, .attempts = 1, .round = 1, .status = 200};
    struct outcome_place at = {.partition = 1, .offset = 7, .order = event_order(e, 0, 7), .fence = "17"};
    struct fault f = {.reason = ""};
    json_t *record = record_new(e->provider, e->service);
    fuzz_check(record != NULL && record_apply(record, e, at.order, 3, NULL, "17", NULL) == 0, "no record");
    fuzz_check(schema_check(records, record, &f), "record: %s %s", f.pointer, f.reason);
    char *text = fuzz_json(record);
    struct buf out;
    buf_init(&out, SIZE_MAX / 2);
    outcome_encode(&o, e, &at, text, strlen(text), &out);
    json_t *told = json_loadb(out.data, out.len, JSON_REJECT_DUPLICATES, NULL);
    fuzz_check(told != NULL, "the outcome is not JSON: %s", buf_cstr(&out));
    fuzz_check(schema_check(outcomes, told, &f), "outcome: %s %s: %s", f.pointer, f.reason, buf_cstr(&out));
    json_decref(told);
    json_decref(record);
    buf_fini(&out);
    free(text);
}

static void was_refused(const struct fault *f)
{
    struct dead_letter d = {.reason = DEAD_INVALID, .detail = f->reason, .pointer = f->pointer, .topic = "t", .round = 1};
    struct dead_store store;
    struct event_header headers[DEAD_HEADERS_MAX];
    fuzz_refused_at(f);
    size_t n = dead_letter_headers(&d, &store, headers);
    for (size_t i = 0; i < n; i++)
        fuzz_check(headers[i].value != NULL && memchr(headers[i].value, '\0', headers[i].len) == NULL, "a header with NUL");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_message in;
    struct event e;
    struct fault f = {.reason = ""};
    fuzz_message_init(&in, fuzz_input(data, size));
    if (event_decode(fuzz_schemas(), &in.m, &e, &f) != 0) {
        was_refused(&f);
    } else {
        fuzz_check(strlen(e.key) == 2 * HASH_SHA256_SIZE && json_is_object(e.data), "half an event");
        comes_back(&e, &in.m);
        can_be_told(&e);
        (void)event_is_misplaced(&e, &in.m, "stalker", PARTITIONER_MURMUR2, 3, 12, &f);
        event_fini(&e);
    }
    fuzz_message_fini(&in);
    return 0;
}

/* Entries of the waiting topic. Input: a message as fuzz.h says. What is taken comes back from the headers that are
 * written of it; the original headers stay what they were. */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "contract/entry.h"

static void same_entry(const struct entry *a, const struct entry *b)
{
    fuzz_check(a->state == b->state && a->reason == b->reason && a->type == b->type && a->round == b->round &&
                   a->try_no == b->try_no && a->attempts == b->attempts && a->counted == b->counted && a->status == b->status,
               "a word or count changed");
    fuzz_check(entry_place_equal(a->place, b->place), "its place changed");
    fuzz_check(a->reason != ENTRY_FOR_BEHIND || entry_place_equal(a->behind, b->behind), "what it waits behind changed");
    fuzz_check(order_cmp(a->order, b->order) == 0 && a->release_at_ms == b->release_at_ms && a->sent_ms == b->sent_ms &&
                   a->first_try_ms == b->first_try_ms && a->since_ms == b->since_ms && a->now_ms == b->now_ms,
               "the order or a time changed");
    fuzz_check(strcmp(a->service, b->service) == 0 && strcmp(a->detail, b->detail) == 0 && strcmp(a->step, b->step) == 0 &&
                   strcmp(a->fence, b->fence) == 0 && strcmp(a->key, b->key) == 0 &&
                   strcmp(a->fingerprint, b->fingerprint) == 0,
               "a text changed");
    fuzz_check(a->steps_len == b->steps_len && (a->steps_len == 0 || memcmp(a->steps, b->steps, a->steps_len) == 0), "steps");
    fuzz_check(a->axes.n == b->axes.n, "%zu axes became %zu", a->axes.n, b->axes.n);
    for (size_t i = 0; i < a->axes.n; i++)
        fuzz_check(strcmp(a->axes.name[i], b->axes.name[i]) == 0, "axis %s became %s", a->axes.name[i], b->axes.name[i]);
}

static void comes_back(const struct entry *e, const struct event_message *m)
{
    static struct entry_store store;
    static struct entry back;
    struct event_header headers[ENTRY_HEADERS_MAX];
    struct fault f = {.reason = ""};
    size_t n = entry_headers(e, &store, headers);
    fuzz_check(n > 0 && n <= ENTRY_HEADERS_MAX, "%zu headers", n);
    for (size_t i = 0; i < n; i++)
        fuzz_check(entry_owns_header(headers[i].name), "the header %s is not known", headers[i].name);
    struct event_message again = *m;
    again.headers = headers;
    again.header_count = n;
    fuzz_check(entry_decode(&again, &back, &f) == ENTRY_IS_ENTRY, "its own headers are refused: %s %s", f.pointer, f.reason);
    same_entry(e, &back);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct entry e;
    struct fuzz_message in;
    struct event_header kept[FUZZ_HEADERS_MAX];
    struct fault f = {.reason = ""};
    fuzz_message_init(&in, fuzz_input(data, size));
    if (in.m.value_len == 0)
        in.m.value = NULL; /* a tombstone */
    switch (entry_decode(&in.m, &e, &f)) {
    case ENTRY_IS_ENTRY:
        comes_back(&e, &in.m);
        break;
    case ENTRY_IS_TOMBSTONE:
        fuzz_check(e.service[0] != '\0', "a tombstone of no service");
        break;
    case ENTRY_IS_INVALID:
        fuzz_check(f.reason[0] != '\0' && !f.nomem, "refused without a reason");
        break;
    }
    size_t n = entry_original_headers(&in.m, kept);
    for (size_t i = 0; i < n; i++)
        fuzz_check(!entry_owns_header(kept[i].name), "%s is not an original header", kept[i].name);
    fuzz_message_fini(&in);
    return 0;
}

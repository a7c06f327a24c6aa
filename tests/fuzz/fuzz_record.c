/* Records and what is merged into them. Input: a record's text, a line "%%", a patch's. */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "contract/record.h"

static const struct order order = {.epoch = 1, .number = 7};

static void patch_twice(const json_t *record, const json_t *patch)
{
    json_t *once = json_deep_copy(record), *twice;
    fuzz_check(json_merge_patch(once, patch) == 0, "the patch cannot be merged");
    twice = json_deep_copy(once);
    fuzz_check(json_merge_patch(twice, patch) == 0 && json_equal(once, twice), "merged twice it is another (RFC 7396)");
    json_decref(once);
    json_decref(twice);
}

static void same_member(const json_t *a, const json_t *b, const char *name)
{
    fuzz_check(json_equal(json_object_get(a, name), json_object_get(b, name)), "a patch changed `%s`", name);
}

static void apply(json_t *record, const json_t *patch)
{
    const struct event *e = fuzz_event(EVENT_CONTRACT_BLOCKED);
    json_t *before = json_deep_copy(record), *patch_before = json_deep_copy(patch);
    fuzz_check(record_apply(record, e, order, 3, patch, "17", NULL) == 0, "it cannot be applied");
    same_member(record, before, "service");
    same_member(record, before, "provider");
    fuzz_check(patch == NULL || json_equal(patch, patch_before), "the patch itself was changed");
    for (size_t i = 0; i < e->axes.n; i++) {
        const json_t *last = json_object_get(json_object_get(record, "axes"), e->axes.name[i]);
        const char *id = json_string_value(json_object_get(last, "id"));
        fuzz_check(id != NULL && strcmp(id, e->id) == 0, "the axis %s does not know the event", e->axes.name[i]);
    }
    json_t *again = json_deep_copy(record);
    fuzz_check(record_apply(again, e, order, 3, patch, "17", NULL) == 0 && json_equal(again, record), "twice is not once");
    char *text = fuzz_json(record);
    json_t *back = record_parse(text, strlen(text));
    fuzz_check(back != NULL && json_equal(back, record), "it does not come back: %s", text);
    free(text);
    json_decref(back);
    json_decref(again);
    json_decref(before);
    json_decref(patch_before);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_text rest = fuzz_input(data, size), text = fuzz_part(&rest);
    json_t *record = record_parse(text.data, text.len);
    json_t *patch = json_loadb(rest.data, rest.len, 0, NULL);
    if (record != NULL && json_is_object(patch))
        patch_twice(record, patch);
    if (record != NULL)
        apply(record, json_is_object(patch) ? patch : NULL);
    json_decref(record);
    json_decref(patch);
    return 0;
}

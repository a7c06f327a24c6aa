/* JSON Schemas and what they check. Input: a schema, a line "%%", an instance. */
#include "fuzz.h"

#include <string.h>

#include "contract/schema.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_text rest = fuzz_input(data, size), text = fuzz_part(&rest);
    json_t *root = json_loadb(text.data, text.len, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, NULL);
    if (root == NULL)
        return -1;
    struct err err = {0};
    struct schema *s = schema_compile("fuzzed", root, NULL, &err);
    struct fault f = {.reason = ""}, strict;
    fuzz_check(s != NULL || (err.code == ERR_INVAL && err.msg[0] != '\0'), "refused with \"%s\"", err.msg);
    json_t *v = s == NULL ? NULL : json_parse_strict(rest.data, rest.len, &strict);
    if (v != NULL) {
        bool good = schema_check(s, v, &f);
        fuzz_check(good == schema_check(s, v, NULL), "asked twice, two answers");
        fuzz_check(good || f.reason[0] != '\0', "refused without a reason");
    }
    json_decref(v);
    schema_free(s);
    json_decref(root);
    return 0;
}

/* YAML into JSON: what is taken says the same when it is written as JSON, which is YAML too. */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "contract/json_scan.h"
#include "contract/yaml.h"

/* The line of every node is one of the file's. */
static void lines_are_known(const struct yaml_doc *d, const json_t *v, struct buf *pointer, int lines)
{
    int line = yaml_line(d, buf_cstr(pointer));
    fuzz_check(line >= 1 && line <= lines + 1, "line %d of %d for %s", line, lines, buf_cstr(pointer));
    size_t base = pointer->len;
    const char *key;
    json_t *item, *it = json_unconst(v);
    json_object_foreach(it, key, item) {
        json_pointer_add(pointer, key);
        lines_are_known(d, item, pointer, lines);
        buf_truncate(pointer, base);
    }
}

static int count_lines(const uint8_t *data, size_t size)
{
    int n = 1;
    for (size_t i = 0; i < size; i++) {
        /* YAML 1.1's breaks, which libyaml counts: CR, LF, NEL, LS, PS. */
        n += data[i] == '\n' || data[i] == '\r' || data[i] == 0x85 || data[i] == 0xa8 || data[i] == 0xa9;
    }
    return n;
}

static void comes_back(const struct yaml_doc *d)
{
    char *text = fuzz_json(yaml_root(d));
    struct err err = {0};
    struct yaml_doc *again = yaml_load_text("again", text, strlen(text), &err);
    fuzz_check(again != NULL, "refused as JSON: %s: %s", err.msg, text);
    fuzz_check(json_equal(yaml_root(d), yaml_root(again)), "it says something else as JSON: %s", text);
    yaml_doc_free(again);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err err = {0};
    struct yaml_doc *d = yaml_load_text("input", (const char *)data, size, &err);
    if (d == NULL) {
        fuzz_check(err.code == ERR_INVAL && err.msg[0] != '\0', "refused with \"%s\"", err.msg);
        return 0;
    }
    struct buf pointer;
    buf_init(&pointer, 1 << 20);
    if (size < 4096)
        lines_are_known(d, yaml_root(d), &pointer, count_lines(data, size));
    buf_fini(&pointer);
    if (json_is_object(yaml_root(d)) || json_is_array(yaml_root(d)))
        comes_back(d);
    yaml_doc_free(d);
    return 0;
}

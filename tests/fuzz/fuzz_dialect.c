/* A billing's words. Input: the name of a dialect of schemas/billing, or a dialect as YAML; a line "%%"; events in its words, a part
 * each. A word means one thing, what an event says itself stays, and an event in our words is left as it is. */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "contract/axes.h"
#include "contract/json_scan.h"
#include "dialect.h"
#include "dialect_list.h"
#include "publish_event.h"

#define SCHEMAS TVB_ROOT "/schemas"

/* One of schemas/billing; NULL: @name is none of them. */
static const struct dialect *known(struct fuzz_text name)
{
    static const char *const names[] = {"abills", "isp-integrator", "ispadmin", "ixc", "mk"};
    static const struct dialect *loaded[ARRAY_LEN(names)];
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        struct err err = {0};
        if (name.len != strlen(names[i]) || memcmp(name.data, names[i], name.len) != 0)
            continue;
        if (loaded[i] == NULL)
            loaded[i] = dialect_load(SCHEMAS, names[i], &err);
        fuzz_check(loaded[i] != NULL, "%s", err.msg);
        return loaded[i];
    }
    return NULL;
}

/* ---- what a dialect says ---- */

static json_t *event_of(const char *prefix, const char *word)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s+}", "specversion", "1.0", "id", "i", "source", "/s", "subject", "70001", "provider",
                     "stalker", "type", prefix, word);
}

static void has_all(const json_t *data, const json_t *members, const json_t *stronger)
{
    const char *name;
    json_t *v;
    json_object_foreach(json_unconst(members), name, v)
        fuzz_check(json_object_get(stronger, name) != NULL || json_equal(json_object_get(data, name), v), "\"%s\" was not said", name);
}

static void means(const struct dialect *d, const json_t *operation, const char *prefix, const char *word)
{
    struct fault f = {.reason = ""};
    enum event_type t;
    const char *want = json_text(operation, "event");
    json_t *e = event_of(prefix, word);
    if (event_type_of_name(word, &t) == 0) /* one of our own types is itself */
        want = word;
    const char *type = dialect_type(d, json_text(e, "type"));
    fuzz_check(type != NULL && strcmp(type, want) == 0, "\"%s\" is %s, wanted %s", word, type != NULL ? type : "nothing", want);
    fuzz_check(dialect_apply(d, e, &f) == 0, "\"%s\" is refused: %s %s", word, f.pointer, f.reason);
    fuzz_check(strcmp(event_type_short(json_text(e, "type")), want) == 0, "\"%s\" becomes %s", word, json_text(e, "type"));
    if (event_type_of_name(word, &t) != 0) {
        const json_t *said = json_object_get(operation, "data");
        has_all(json_object_get(e, "data"), said, NULL);
        has_all(json_object_get(e, "data"), json_object_get(operation, "default"), said);
    }
    json_decref(e);
}

static void look_at_words(const struct dialect *d)
{
    const json_t *list = json_object_get(dialect_document(d), "operations");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *o = json_array_get(list, i), *also = json_object_get(o, "also");
        means(d, o, "", json_text(o, "word"));
        means(d, o, EVENT_TYPE_PREFIX, json_text(o, "word"));
        for (size_t k = 0; k < json_array_size(also); k++)
            means(d, o, "", json_string_value(json_array_get(also, k)));
    }
    list = json_object_get(dialect_document(d), "states");
    for (size_t i = 0; i < json_array_size(list); i++) {
        enum event_type t;
        const char *word = json_text(json_array_get(list, i), "word");
        fuzz_check(dialect_type(d, word) == NULL || event_type_of_name(event_type_short(word), &t) == 0, "the state \"%s\" happens", word);
    }
}

/* As JSON it is an operation a line, as a table one at least. */
static void look_at_list(const struct dialect *d)
{
    const json_t *list = json_object_get(dialect_document(d), "operations");
    free(fuzz_stdout());
    dialect_list(d, true);
    char *text = fuzz_stdout();
    struct fuzz_text rest = {text, strlen(text)};
    for (size_t i = 0; i < json_array_size(list); i++) {
        struct fuzz_text line = fuzz_line(&rest);
        json_t *v = json_loadb(line.data, line.len, 0, NULL);
        fuzz_check(json_equal(v, json_array_get(list, i)), "operation %zu is listed as another", i);
        json_decref(v);
    }
    fuzz_check(rest.len == 0, "more is listed than there is");
    free(text);
    dialect_list(d, false);
    text = fuzz_stdout();
    struct fuzz_text table = {text, strlen(text)};
    size_t lines = 0;
    while (table.len > 0) {
        struct fuzz_text line = fuzz_line(&table);
        char *one = fuzz_cstr(line);
        fuzz_check(fuzz_is_text(one), "a line of the table is no text: %s", one);
        free(one);
        lines++;
    }
    fuzz_check(lines > json_array_size(list), "the table lacks an operation");
    free(text);
}

/* ---- events ---- */

/* All of @before but its type is in @after, and what was put in beside is nothing that it said. */
static void stays(const json_t *before, const json_t *after)
{
    const char *name;
    json_t *v;
    json_object_foreach(json_unconst(before), name, v)
    {
        const json_t *is = json_object_get(after, name);
        if (strcmp(name, "data") == 0 && json_is_object(v))
            has_all(is, v, NULL);
        else if (strcmp(name, "type") != 0 && strcmp(name, "data") != 0)
            fuzz_check(json_equal(is, v), "\"%s\" of the event changed", name);
    }
}

static void is_ours(const struct dialect *d, const json_t *root)
{
    struct fault f = {.reason = ""};
    json_t *copy = json_deep_copy(root);
    fuzz_check(dialect_apply(d, copy, &f) == 0 && json_equal(copy, root), "an event in our words was changed");
    json_decref(copy);
}

static void say(const struct dialect *d, struct fuzz_text t)
{
    const struct publish_rules rules = {.schemas = fuzz_schemas(), .dialect = d, .partition = -1};
    struct publish_event made, again;
    struct fault f = {.reason = ""}, g = {.reason = ""}, ignored;
    struct event e;
    int rc = publish_event_init(&made, &rules, t.data, t.len, &f);
    fuzz_check(publish_event_init(&again, &rules, t.data, t.len, &g) == rc, "the second time it is %s", rc == 0 ? "refused" : "taken");
    if (rc != 0) {
        fuzz_refused_at(&f);
        fuzz_check(strcmp(f.pointer, g.pointer) == 0 && strcmp(f.reason, g.reason) == 0, "refused in other words the second time");
        return;
    }
    fuzz_check(json_equal(made.root, again.root), "the second time it is another event");
    fuzz_valid_event(made.root, &e);
    event_fini(&e);
    is_ours(d, made.root);
    json_t *before = json_parse_strict(t.data, t.len, &ignored);
    stays(before, made.root);
    json_decref(before);
    publish_event_fini(&made);
    publish_event_fini(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_text rest = fuzz_input(data, size), first = fuzz_part(&rest);
    const struct dialect *d = known(first);
    struct dialect *own = NULL;
    struct err err = {0};
    if (d == NULL) {
        fuzz_write("dialect.yaml", first);
        d = own = dialect_load(SCHEMAS, fuzz_path("dialect.yaml"), &err);
        if (own == NULL)
            fuzz_refused_document(&err, fuzz_path("dialect.yaml"));
    }
    if (own != NULL) {
        look_at_words(own);
        look_at_list(own);
    }
    while (d != NULL && rest.len > 0)
        say(d, fuzz_part(&rest));
    dialect_free(own);
    return 0;
}

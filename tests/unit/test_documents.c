/* The documents of schemas/: they compile, their examples hold, and asyncapi.yaml says what the code says. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <dirent.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/attr.h"
#include "contract/axes.h"
#include "contract/schema.h"
#include "contract/topics.h"
#include "contract/yaml.h"

#define SCHEMAS TVB_ROOT "/schemas"

static int is_schema(const struct dirent *d)
{
    return strstr(d->d_name, ".schema.json") != NULL;
}

/* Every example of the schema at @path is valid by it; returns how many it has. */
static size_t check_examples(const char *path)
{
    struct err err = {.code = ERR_NONE};
    struct schema *s = schema_load(path, &err);
    json_t *doc = json_load_file(path, JSON_REJECT_DUPLICATES, NULL);
    cr_assert(ne(ptr, s, NULL), "%s: %s", path, err.msg);
    cr_assert(ne(ptr, doc, NULL), "%s", path);
    cr_expect(eq(int, json_is_string(json_object_get(doc, "title")), 1), "%s: title", path);
    cr_expect(eq(int, json_is_string(json_object_get(doc, "description")), 1), "%s: description",
              path);
    json_t *examples = json_object_get(doc, "examples"), *example;
    size_t i, n = json_array_size(examples);
    json_array_foreach(examples, i, example)
    {
        struct fault f = {.pointer = ""};
        cr_expect(eq(int, schema_check(s, example, &f), true), "%s: example %zu: %s %s", path, i,
                  f.pointer, f.reason);
    }
    json_decref(doc);
    schema_free(s);
    return n;
}

static int check_folder(const char *folder)
{
    struct dirent **list;
    int n = scandir(folder, &list, is_schema, alphasort);
    for (int i = 0; i < n; i++) {
        char path[1024];
        snprintf(path, sizeof(path), "%s/%s", folder, list[i]->d_name);
        size_t examples = check_examples(path);
        if (strcmp(list[i]->d_name, "definitions.schema.json") != 0)
            cr_expect(lt(sz, 0, examples), "%s has an example", path);
        free(list[i]);
    }
    free(list);
    return n;
}

Test(documents, every_schema_compiles_and_its_examples_are_valid)
{
    cr_expect(ge(int, check_folder(SCHEMAS), 4));
    cr_expect(eq(int, check_folder(SCHEMAS "/events"), EVENT_TYPE_COUNT + 1),
              "a schema for each type, and the definitions");
}

Test(documents, every_event_type_has_its_schema)
{
    for (int t = 0; t < EVENT_TYPE_COUNT; t++) {
        char path[1024];
        snprintf(path, sizeof(path), SCHEMAS "/events/%s.schema.json",
                 event_type_name((enum event_type)t));
        cr_expect(eq(int, access(path, R_OK), 0), "%s", path);
    }
}

/* ---- asyncapi.yaml ---- */

static struct yaml_doc *asyncapi(void)
{
    struct err err = {.code = ERR_NONE};
    struct yaml_doc *d = yaml_load_file(SCHEMAS "/asyncapi.yaml", &err);
    cr_assert(ne(ptr, d, NULL), "%s", err.msg);
    return d;
}

static void check_ref(const json_t *root, const char *ref)
{
    char path[1024];
    if (ref[0] == '#') {
        cr_expect(ne(ptr, json_at_pointer(root, ref + 1), NULL), "%s", ref);
        return;
    }
    snprintf(path, sizeof(path), SCHEMAS "/%s", ref);
    cr_expect(eq(int, access(path, R_OK), 0), "%s", ref);
}

/* Looks at every $ref below @v; returns how many. */
static int check_refs(const json_t *root, json_t *v)
{
    const char *name;
    json_t *member;
    size_t i;
    int n = 0;
    json_object_foreach(v, name, member)
    {
        if (strcmp(name, "$ref") == 0 && json_is_string(member)) {
            check_ref(root, json_string_value(member));
            n++;
        }
        n += check_refs(root, member);
    }
    json_array_foreach(v, i, member) n += check_refs(root, member);
    return n;
}

Test(documents, every_reference_of_asyncapi_leads_somewhere)
{
    struct yaml_doc *d = asyncapi();
    cr_expect(lt(int, 3 * EVENT_TYPE_COUNT, check_refs(yaml_root(d), yaml_root(d))));
    yaml_doc_free(d);
}

Test(documents, asyncapi_has_a_message_for_every_event_type)
{
    struct yaml_doc *d = asyncapi();
    const char *name;
    json_t *message, *messages = json_at_pointer(yaml_root(d), "/components/messages");
    int found[EVENT_TYPE_COUNT] = {0};
    json_object_foreach(messages, name, message)
    {
        enum event_type t;
        if (event_type_parse(json_string_value(json_object_get(message, "name")), &t) == 0)
            found[t]++;
    }
    for (int t = 0; t < EVENT_TYPE_COUNT; t++)
        cr_expect(eq(int, found[t], 1), "%s", event_type_name((enum event_type)t));
    yaml_doc_free(d);
}

/* A scalar, or a list of one, as text. */
static const char *text_of(const json_t *v, char *text, size_t size)
{
    if (json_is_array(v))
        v = json_array_get(v, 0);
    if (json_is_integer(v))
        snprintf(text, size, "%" JSON_INTEGER_FORMAT, json_integer_value(v));
    else
        snprintf(text, size, "%s",
                 json_is_string(v) ? json_string_value(v) : "(neither text nor number)");
    return text;
}

static const char *wanted(enum topic_kind k, const char *name)
{
    size_t n;
    const struct topic_config *c = topic_configs(k, &n);
    for (size_t i = 0; i < n; i++)
        if (strcmp(c[i].name, name) == 0)
            return c[i].value;
    return "(not set)";
}

Test(documents, asyncapi_names_and_sets_the_topics_as_the_code_does)
{
    static const char *const channels[TOPIC_KIND_COUNT] = {
        [TOPIC_EVENTS] = "events",   [TOPIC_OUTCOMES] = "outcomes", [TOPIC_RECORDS] = "records",
        [TOPIC_WAITING] = "waiting", [TOPIC_CONTROL] = "control",   [TOPIC_DEAD] = "dead",
    };
    struct yaml_doc *d = asyncapi();
    for (int k = 0; k < TOPIC_KIND_COUNT; k++) {
        char pointer[128], name[TOPIC_NAME_SIZE], text[64];
        const char *setting;
        json_t *value;
        snprintf(pointer, sizeof(pointer), "/channels/%s", channels[k]);
        json_t *channel = json_at_pointer(yaml_root(d), pointer);
        topic_name((enum topic_kind)k, "tvbridge.", "{provider}", name);
        cr_expect(eq(str, name, (char *)json_string_value(json_object_get(channel, "address"))));
        json_t *config = json_at_pointer(channel, "/bindings/kafka/topicConfiguration");
        cr_expect(ge(sz, json_object_size(config), 3), "%s", name);
        json_object_foreach(config, setting, value)
            cr_expect(eq(str, (char *)text_of(value, text, sizeof(text)),
                         (char *)wanted((enum topic_kind)k, setting)),
                      "%s %s", name, setting);
    }
    yaml_doc_free(d);
}

/* Every vector of schemas/vectors/ through the decoder: what is valid, and where the others are wrong. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "event_help.h"

static struct event_schemas *schemas;

static void setup(void)
{
    schemas = load_schemas();
}

static void teardown(void)
{
    event_schemas_free(schemas);
}

TestSuite(vectors, .init = setup, .fini = teardown);

typedef void vector_fn(const char *name, const json_t *vector);

static int is_json(const struct dirent *d)
{
    size_t n = strlen(d->d_name);
    return n > 5 && strcmp(d->d_name + n - 5, ".json") == 0;
}

/* Calls @fn for each file of the folder; returns how many. */
static int each(const char *folder, vector_fn *fn)
{
    char path[1024];
    struct dirent **list;
    snprintf(path, sizeof(path), TVB_ROOT "/schemas/vectors/%s", folder);
    int n = scandir(path, &list, is_json, alphasort);
    for (int i = 0; i < n; i++) {
        json_error_t err;
        snprintf(path, sizeof(path), TVB_ROOT "/schemas/vectors/%s/%s", folder, list[i]->d_name);
        json_t *v = json_load_file(path, 0, &err);
        cr_assert(ne(ptr, v, NULL), "%s: %s", path, err.text);
        fn(list[i]->d_name, v);
        json_decref(v);
        free(list[i]);
    }
    free(list);
    return n;
}

/* Decodes @text with the event's own subject as the key. */
static int decode(const char *text, size_t len, const json_t *event, struct event *e,
                  struct fault *f)
{
    const char *key = json_string_value(json_object_get(event, "subject"));
    struct event_message m = {
        .key = key, .key_len = key == NULL ? 0 : strlen(key), .value = text, .value_len = len};
    return event_decode(schemas, &m, e, f);
}

static int by_type[EVENT_TYPE_COUNT];

static void expect_valid(const char *name, const json_t *vector)
{
    struct event e;
    struct fault f = {.pointer = ""};
    char *text = json_dumps(vector, JSON_COMPACT);
    int rc = decode(text, strlen(text), vector, &e, &f);
    cr_expect(eq(int, rc, 0), "%s: %s %s", name, f.pointer, f.reason);
    if (rc == 0) {
        by_type[e.type]++;
        event_fini(&e);
    }
    free(text);
}

Test(vectors, each_valid_one_is_an_event_and_each_type_has_one)
{
    cr_expect(ge(int, each("valid", expect_valid), 60));
    for (int t = 0; t < EVENT_TYPE_COUNT; t++)
        cr_expect(lt(int, 0, by_type[t]), "%s", event_type_name((enum event_type)t));
}

static void expect_invalid(const char *name, const json_t *vector)
{
    struct event e;
    struct fault f = {.pointer = "(none)"};
    const json_t *event = json_object_get(vector, "event");
    const char *raw = json_string_value(json_object_get(vector, "raw"));
    char *text = raw != NULL ? strdup(raw) : json_dumps(event, JSON_COMPACT);
    const char *want = json_string_value(json_object_get(vector, "pointer"));
    cr_assert(eq(int, want != NULL && json_is_string(json_object_get(vector, "why")), 1),
              "%s: why and pointer", name);
    int rc = decode(text, strlen(text), event, &e, &f);
    cr_expect(eq(int, rc, -1), "%s", name);
    cr_expect(eq(str, f.pointer, (char *)want), "%s: %s", name, f.reason);
    cr_expect(lt(sz, 0, strlen(f.reason)), "%s: says why", name);
    if (rc == 0)
        event_fini(&e);
    free(text);
}

Test(vectors, each_invalid_one_is_refused_at_its_pointer)
{
    cr_expect(ge(int, each("invalid", expect_invalid), 40));
}

/* ---- binary mode: attributes as headers, data as the value ---- */

#define ATTRIBUTES_MAX 24
struct binary {
    struct event_header h[ATTRIBUTES_MAX];
    char names[ATTRIBUTES_MAX][32];
    char numbers[ATTRIBUTES_MAX][16];
    size_t n;
};

static const char *text_of(struct binary *b, const json_t *v)
{
    if (json_is_string(v))
        return json_string_value(v);
    if (json_is_boolean(v))
        return json_is_true(v) ? "true" : "false";
    snprintf(b->numbers[b->n], sizeof(b->numbers[0]), "%" JSON_INTEGER_FORMAT,
             json_integer_value(v));
    return b->numbers[b->n];
}

static void to_headers(struct binary *b, json_t *event)
{
    const char *name;
    json_t *v;
    b->n = 0;
    json_object_foreach(event, name, v)
    {
        if (strcmp(name, "data") == 0 || json_is_null(v))
            continue;
        cr_assert(lt(sz, b->n, ATTRIBUTES_MAX));
        snprintf(b->names[b->n], sizeof(b->names[0]), "ce_%s", name);
        const char *header_name =
            strcmp(name, "datacontenttype") == 0 ? "content-type" : b->names[b->n];
        b->h[b->n] = header(header_name, text_of(b, v));
        b->n++;
    }
}

static void expect_same_in_binary(const char *name, const json_t *vector)
{
    struct binary b;
    struct event s, e;
    struct fault f = {.pointer = ""};
    char *whole = json_dumps(vector, JSON_COMPACT);
    cr_assert(eq(int, decode(whole, strlen(whole), vector, &s, &f), 0), "%s: %s %s", name,
              f.pointer, f.reason);
    json_t *copy = json_deep_copy(vector);
    to_headers(&b, copy);
    json_t *data = json_object_get(copy, "data");
    char *value = data == NULL ? strdup("") : json_dumps(data, JSON_INDENT(1));
    struct event_message m = {.key = s.service,
                              .key_len = strlen(s.service),
                              .value = value,
                              .value_len = strlen(value),
                              .headers = b.h,
                              .header_count = b.n};
    int rc = event_decode(schemas, &m, &e, &f);
    cr_expect(eq(int, rc, 0), "%s: %s %s", name, f.pointer, f.reason);
    if (rc == 0) {
        cr_expect(eq(str, e.key, s.key), "%s", name);
        cr_expect(eq(int, memcmp(e.fingerprint, s.fingerprint, sizeof(s.fingerprint)), 0), "%s",
                  name);
        event_fini(&e);
    }
    event_fini(&s);
    json_decref(copy);
    free(value);
    free(whole);
}

Test(vectors, each_valid_one_is_the_same_event_in_binary_mode)
{
    each("valid", expect_same_in_binary);
}

/* race_vectors.c - see race_vectors.h. */
#include "support/race_vectors.h"

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/race.h"

static void take(struct race_vectors *v, const char *path)
{
    json_error_t err;
    json_t *root = json_load_file(path, 0, &err);
    race_need(root != NULL && v->n < RACE_VECTORS_MAX, "%s: %s", path, err.text);
    /* an invalid one says why beside the event, or has text that is no JSON at all */
    const json_t *inner = json_object_get(root, "event"), *event = inner != NULL ? inner : root;
    const char *raw = json_string_value(json_object_get(root, "raw"));
    const char *key = json_string_value(json_object_get(event, "subject"));
    v->text[v->n] = raw != NULL ? strdup(raw) : json_dumps(event, JSON_COMPACT);
    v->key[v->n] = strdup(key != NULL ? key : "");
    race_need(v->text[v->n] != NULL && v->key[v->n] != NULL, "no memory");
    v->n++;
    json_decref(root);
}

void race_vectors_load(struct race_vectors *v, const char *folder)
{
    char pattern[512];
    glob_t found;
    v->n = 0;
    snprintf(pattern, sizeof(pattern), TVB_ROOT "/schemas/vectors/%s/*.json", folder);
    race_need(glob(pattern, 0, NULL, &found) == 0, "nothing at %s", pattern);
    for (size_t i = 0; i < found.gl_pathc; i++)
        take(v, found.gl_pathv[i]);
    globfree(&found);
}

void race_vectors_fini(struct race_vectors *v)
{
    for (size_t i = 0; i < v->n; i++) {
        free(v->text[i]);
        free(v->key[i]);
    }
}

struct event_message race_vectors_message(const struct race_vectors *v, size_t i)
{
    return (struct event_message){
        .key = v->key[i], .key_len = strlen(v->key[i]), .value = v->text[i], .value_len = strlen(v->text[i])};
}

struct event_schemas *race_schemas(void)
{
    struct err err = {.code = ERR_NONE};
    struct event_schemas *s = event_schemas_load(TVB_ROOT "/schemas", &err);
    race_need(s != NULL, "%s", err.msg);
    return s;
}

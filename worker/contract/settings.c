#include "contract/settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "contract/settings_impl.h"

/* What the pointers of a struct settings point into. */
struct owned {
    json_t *root, *made;
};

/* The schemas' folder must be known before the schema is read: a wrong `schemas` is left to the schema to refuse. */
static int find_schemas(struct settings_loader *l)
{
    const char *own = json_string_value(json_object_get(l->root, "schemas"));
    if (own != NULL && *own != '\0' && (own = settings_path(l, own)) == NULL)
        return -1;
    l->s->schemas = settings_keep(l, "%s", schema_dir(own != NULL && *own != '\0' ? own : NULL));
    return l->s->schemas != NULL ? 0 : -1;
}

static int check(struct settings_loader *l)
{
    const char *path = settings_keep(l, "%s/settings.schema.json", l->s->schemas);
    struct schema *schema = path != NULL ? schema_load(path, l->reterr) : NULL;
    if (schema == NULL)
        return -1;
    struct schema_result found;
    int rc = schema_check_result(schema, l->root, &found) ? 0 : settings_refuse_fault(l, &found);
    schema_free(schema);
    return rc;
}

static int load(struct settings_loader *l, const char *path)
{
    l->doc = yaml_load_file(path, l->reterr);
    if (l->doc == NULL)
        return -1;
    l->folder = file_folder(path);
    l->root = json_deep_copy(yaml_root(l->doc));
    l->made = json_array();
    if (l->folder == NULL || l->root == NULL || l->made == NULL)
        return err_nomem(l->reterr);
    if (settings_resolve(l) != 0 || find_schemas(l) != 0 || check(l) != 0)
        return -1;
    return settings_read(l);
}

struct settings *settings_load(const char *path, struct err *reterr)
{
    struct settings *s = calloc(1, sizeof(*s));
    struct owned *owned = calloc(1, sizeof(*owned));
    if (s == NULL || owned == NULL) {
        free(s);
        free(owned);
        err_nomem(reterr);
        return NULL;
    }
    struct settings_loader l = {.s = s, .reterr = reterr};
    int rc = load(&l, path);
    owned->root = l.root;
    owned->made = l.made;
    s->owned = owned;
    yaml_doc_free(l.doc);
    free(l.folder);
    if (rc == 0)
        return s;
    settings_free(s);
    return NULL;
}

void settings_free(struct settings *s)
{
    if (s == NULL)
        return;
    struct owned *owned = s->owned;
    json_decref(owned->root);
    json_decref(owned->made);
    free(owned);
    free(s->librdkafka);
    free(s->redis_sentinels);
    settings_free_serve(&s->serve);
    free(s->providers);
    free(s);
}

const struct settings_provider *settings_provider(const struct settings *s, const char *name)
{
    for (size_t i = 0; i < s->provider_count; i++)
        if (strcmp(s->providers[i].name, name) == 0)
            return &s->providers[i];
    return NULL;
}

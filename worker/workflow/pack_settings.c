/* pack_settings.c - see pack_settings.h. */
#include "workflow/pack_settings.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "contract/record.h"

#define SETTINGS_FILE "settings.yaml"

/* The documents are in the folder beside this one. */
static const char *folder_beside(struct loader *l, const char *name, const struct at *at)
{
    char path[4096];
    if (name[0] == '\0' || name[0] == '.' || strchr(name, '/') != NULL) {
        load_fault(l, at, "`pack` is the name of a folder beside this one");
        return NULL;
    }
    int n = snprintf(path, sizeof(path), "%s/../%s", l->dir, name);
    if (n > 0 && (size_t)n < sizeof(path))
        return load_text(l, path, (size_t)n);
    load_fault(l, at, "the folder's path is too long");
    return NULL;
}

/* What the file says goes over what is there: RFC 7396, so null takes a setting away. */
static void merge(struct loader *l, const json_t *settings)
{
    if (settings != NULL && json_merge_patch(l->pack->defaults, settings) != 0)
        l->out_of_memory = true;
}

/* The settings and the title of l->doc. */
static void take(struct loader *l)
{
    struct at root = at_root("");
    const json_t *doc = yaml_root(l->doc);
    if (!json_is_object(doc)) {
        load_fault(l, &root, "settings.yaml is an object with pack, title and settings");
        return;
    }
    load_known(l, doc, " pack title settings ", &root, "settings.yaml");
    const char *title = load_string(l, doc, "title", &root, false);
    if (title != NULL)
        l->pack->own_title = load_text(l, title, strlen(title));
    merge(l, load_object(l, doc, "settings", &root, false));
}

/* NULL: there is none, or a fault was noted. */
static struct yaml_doc *read_file(struct loader *l)
{
    char path[4096];
    snprintf(path, sizeof(path), "%s/" SETTINGS_FILE, l->dir);
    if (access(path, F_OK) != 0)
        return NULL;
    struct yaml_doc *d = load_document(l, SETTINGS_FILE);
    if (d != NULL)
        load_point_at(l, d);
    return d;
}

static const char *named_pack(struct loader *l)
{
    struct at root = at_root("");
    const json_t *doc = yaml_root(l->doc);
    return json_object_get(doc, "pack") == NULL ? NULL : load_string(l, doc, "pack", &root, false);
}

/* Goes to the folder of the documents, and takes what its own settings.yaml says. */
static void go_to(struct loader *l, const char *name)
{
    struct at root = at_root(""), at = at_key(&root, "pack");
    const char *dir = folder_beside(l, name, &at);
    if (dir == NULL)
        return;
    l->dir = dir;
    struct yaml_doc *d = read_file(l);
    if (d == NULL)
        return;
    if (named_pack(l) != NULL)
        load_fault(l, &at, "a pack that another one names cannot name a third");
    take(l);
    yaml_doc_free(d);
}

void pack_settings_load(struct loader *l)
{
    struct yaml_doc *own = read_file(l);
    if (own == NULL)
        return;
    const char *name = named_pack(l);
    if (name != NULL)
        go_to(l, name);
    load_point_at(l, own);
    take(l);
    l->doc = NULL;
    yaml_doc_free(own);
}

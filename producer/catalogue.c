#include "catalogue.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "contract/json_scan.h"
#include "document.h"

#define POINTER_BYTES 1024 /* more than four names of 63 characters, escaped */

struct catalogue {
    struct yaml_doc *doc;
    const json_t *providers;
};

/* What is looked through while one provider's part is checked. */
struct checking {
    const struct catalogue *c;
    const char *provider;
    const json_t *of; /* its part */
    struct err *reterr;
};

static const json_t *packages_of(const struct checking *k)
{
    return json_object_get(k->of, "packages");
}

/* @below: the members below the provider's, with NULL behind the last one. */
static int refuse_name(const struct checking *k, const char *const below[], const char *wanted, const char *found)
{
    struct buf at;
    buf_init(&at, POINTER_BYTES);
    json_pointer_add(&at, "providers");
    json_pointer_add(&at, k->provider);
    for (; *below != NULL; below++)
        json_pointer_add(&at, *below);
    int rc = document_refuse(k->c->doc, buf_cstr(&at), k->reterr, "wanted %s, found \"%s\"", wanted, found);
    buf_fini(&at);
    return rc;
}

/* The member @name, where there is one, is a key of @among. */
static int check_name(const struct checking *k, const char *name, const json_t *among, const char *wanted)
{
    const char *id = json_text(k->of, name), *const below[] = {name, NULL};
    if (id[0] == '\0' || json_object_get(among, id) != NULL)
        return 0;
    return refuse_name(k, below, wanted, id);
}

static int check_defaults(const struct checking *k)
{
    const json_t *point = json_object_get(k->of, "additional_point");
    const char *id = json_text(point, "package"), *base = json_text(k->of, "default_base");
    const json_t *package = json_object_get(packages_of(k), id);
    if (check_name(k, "default_plan", json_object_get(k->of, "plans"), "one of the plans") != 0 ||
        check_name(k, "default_base", packages_of(k), "one of the packages") != 0)
        return -1;
    if (base[0] != '\0' && !json_is_true(json_object_get(json_object_get(packages_of(k), base), "base")))
        return refuse_name(k, (const char *const[]){"default_base", NULL}, "a package with base: true", base);
    if (point != NULL && json_text(package, "id")[0] == '\0')
        return refuse_name(k, (const char *const[]){"additional_point", "package", NULL}, "one of the packages, with an id of its own", id);
    return 0;
}

/* Each text of the list @member of @owner is a key of one of the two. */
static int check_list(const struct checking *k, const char *kind, const char *name, const json_t *owner, const char *member, const json_t *plans)
{
    const json_t *list = json_object_get(owner, member);
    for (size_t i = 0; i < json_array_size(list); i++) {
        char at[24];
        const char *id = json_string_value(json_array_get(list, i)), *const below[] = {kind, name, member, at, NULL};
        if (json_object_get(packages_of(k), id) != NULL || json_object_get(plans, id) != NULL)
            continue;
        snprintf(at, sizeof(at), "%zu", i);
        return refuse_name(k, below, strcmp(member, "needs") == 0 ? "one of the plans or packages" : "one of the packages", id);
    }
    return 0;
}

static int check_lists(const struct checking *k)
{
    const char *name;
    json_t *v;
    const json_t *plans = json_object_get(k->of, "plans");
    json_object_foreach(json_object_get(k->of, "plans"), name, v)
    {
        if (check_list(k, "plans", name, v, "packages", NULL) != 0)
            return -1;
    }
    json_object_foreach(json_object_get(k->of, "packages"), name, v)
    {
        if (check_list(k, "packages", name, v, "needs", plans) != 0)
            return -1;
    }
    return 0;
}

/* Notes that the package @name of billing's is @id at the platform. */
static int claim(const struct checking *k, json_t *owners, const char *id, const char *name)
{
    char wanted[400];
    const char *other = json_text(owners, id), *const below[] = {"packages", name, NULL};
    if (other[0] == '\0')
        return json_object_set_new(owners, id, json_string(name)) == 0 ? 0 : err_nomem(k->reterr);
    snprintf(wanted, sizeof(wanted), "an id that \"%s\" does not have, since taking one away would take the other", other);
    return refuse_name(k, below, wanted, id);
}

static int check_overlap(const struct checking *k)
{
    json_t *owners = json_object(), *v;
    const char *name;
    int rc = owners == NULL ? err_nomem(k->reterr) : 0;
    json_object_foreach(json_object_get(k->of, "packages"), name, v)
    {
        const json_t *ids = json_object_get(v, "ids");
        if (rc == 0 && ids == NULL)
            rc = claim(k, owners, json_text(v, "id"), name);
        for (size_t i = 0; rc == 0 && i < json_array_size(ids); i++)
            rc = claim(k, owners, json_string_value(json_array_get(ids, i)), name);
    }
    json_decref(owners);
    return rc;
}

static int check(const struct catalogue *c, struct err *reterr)
{
    struct checking k = {.c = c, .reterr = reterr};
    json_t *of;
    const char *name;
    json_object_foreach(json_object_get(yaml_root(c->doc), "providers"), name, of)
    {
        k.provider = name;
        k.of = of;
        if (check_defaults(&k) != 0 || check_lists(&k) != 0 || check_overlap(&k) != 0)
            return -1;
    }
    return 0;
}

struct catalogue *catalogue_load(const char *path, const char *schemas, struct err *reterr)
{
    struct catalogue *c = calloc(1, sizeof(*c));
    if (c == NULL) {
        err_nomem(reterr);
        return NULL;
    }
    c->doc = document_load(path, schemas, "catalogue.schema.json", reterr);
    if (c->doc != NULL) {
        c->providers = json_object_get(yaml_root(c->doc), "providers");
        if (check(c, reterr) == 0)
            return c;
    }
    catalogue_free(c);
    return NULL;
}

void catalogue_free(struct catalogue *c)
{
    if (c == NULL)
        return;
    yaml_doc_free(c->doc);
    free(c);
}

const json_t *catalogue_of(const struct catalogue *c, const char *provider)
{
    return json_object_get(c->providers, provider);
}

void catalogue_names(const struct catalogue *c, char *ret, size_t size)
{
    const char *name;
    json_t *v;
    size_t len = 0;
    ret[0] = '\0';
    json_object_foreach(json_unconst(c->providers), name, v)
    {
        if (len + strlen(name) + 3 < size)
            len += (size_t)snprintf(ret + len, size - len, "%s%s", len > 0 ? ", " : "", name);
    }
}

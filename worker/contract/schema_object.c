/* schema_object.c - what a schema says of objects, as tables that one pass over the members needs. */
#include <string.h>

#include "contract/schema_impl.h"

struct schema_object *schema_node_object(struct schema_compiler *c, struct schema_node *n)
{
    if (n->object == NULL &&
        (n->object = schema_alloc(c->s, sizeof(*n->object), c->reterr)) != NULL)
        n->object->max = SIZE_MAX;
    return n->object;
}

/* The same for a keyword whose value @v must be an object. */
static struct schema_object *object_for(struct schema_compiler *c, const struct schema_scope *scope,
                                        struct schema_node *n, const json_t *v)
{
    if (json_is_object(v))
        return schema_node_object(c, n);
    schema_compile_error(c, scope, "wants an object");
    return NULL;
}

/* The entry of @name, made when it is new. Before sealing: a plain search. */
static struct schema_key *key_of(struct schema_compiler *c, struct schema_object *o,
                                 const char *name)
{
    for (size_t i = 0; i < o->key_count; i++)
        if (strcmp(o->keys[i].name, name) == 0)
            return &o->keys[i];
    if (o->key_count == o->key_cap) {
        size_t cap = o->key_cap == 0 ? 16 : o->key_cap * 2;
        struct schema_key *keys = schema_alloc(c->s, cap * sizeof(*keys), c->reterr);
        if (keys == NULL)
            return NULL;
        if (o->key_count > 0)
            memcpy(keys, o->keys, o->key_count * sizeof(*keys));
        o->keys = keys;
        o->key_cap = cap;
    }
    struct schema_key *k = &o->keys[o->key_count++];
    *k = (struct schema_key){.name = name, .len = strlen(name)};
    return k;
}

int schema_keyword_properties(struct schema_compiler *c, const struct schema_scope *scope,
                              struct schema_node *n, json_t *v)
{
    struct schema_object *o = object_for(c, scope, n, v);
    if (o == NULL)
        return -1;
    const char *name;
    json_t *item;
    json_object_foreach(v, name, item)
    {
        struct schema_node *sub = schema_compile_below(c, scope, name, 0, item);
        struct schema_key *k = sub != NULL ? key_of(c, o, name) : NULL;
        if (k == NULL)
            return -1;
        k->sub = sub;
    }
    return 0;
}

static int require(struct schema_compiler *c, struct schema_object *o, const char *name,
                   size_t total)
{
    if (o->required_count >= 64) {
        if (o->more == NULL &&
            (o->more = schema_alloc(c->s, total * sizeof(char *), c->reterr)) == NULL)
            return -1;
        o->more[o->more_count++] = name;
        return 0;
    }
    struct schema_key *k = key_of(c, o, name);
    if (k == NULL)
        return -1;
    if (k->bit == 0)
        k->bit = (uint64_t)1 << o->required_count++;
    o->required |= k->bit;
    return 0;
}

int schema_keyword_required(struct schema_compiler *c, const struct schema_scope *scope,
                            struct schema_node *n, json_t *v)
{
    struct schema_object *o = schema_node_object(c, n);
    if (o == NULL)
        return -1;
    if (!json_is_array(v))
        return schema_compile_error(c, scope, "wants a list of names");
    size_t i;
    json_t *item;
    json_array_foreach(v, i, item)
    {
        if (!json_is_string(item))
            return schema_compile_error(c, scope, "wants a list of names");
        if (require(c, o, json_string_value(item), json_array_size(v)) != 0)
            return -1;
    }
    return 0;
}

int schema_keyword_pattern_properties(struct schema_compiler *c, const struct schema_scope *scope,
                                      struct schema_node *n, json_t *v)
{
    struct schema_object *o = object_for(c, scope, n, v);
    if (o == NULL)
        return -1;
    o->matched = schema_alloc(c->s, (json_object_size(v) + 1) * sizeof(*o->matched), c->reterr);
    if (o->matched == NULL)
        return -1;
    const char *name;
    json_t *item;
    json_object_foreach(v, name, item)
    {
        struct err e;
        struct schema_matched *m = &o->matched[o->matched_count++];
        m->pattern = schema_pattern_new(c->s, name, &e);
        if (m->pattern == NULL)
            return schema_compile_error(c, scope, "%s", e.msg);
        m->sub = schema_compile_below(c, scope, name, 0, item);
        if (m->sub == NULL)
            return -1;
    }
    return 0;
}

static int take_names(struct schema_compiler *c, const struct schema_scope *scope,
                      struct schema_dependency *d, const json_t *list)
{
    d->names = schema_alloc(c->s, (json_array_size(list) + 1) * sizeof(char *), c->reterr);
    if (d->names == NULL)
        return -1;
    size_t i;
    json_t *item;
    json_array_foreach(list, i, item)
    {
        if (!json_is_string(item))
            return schema_compile_error(c, scope, "wants lists of names, or schemas");
        d->names[d->count++] = json_string_value(item);
    }
    return 0;
}

int schema_keyword_dependencies(struct schema_compiler *c, const struct schema_scope *scope,
                                struct schema_node *n, json_t *v)
{
    struct schema_object *o = object_for(c, scope, n, v);
    if (o == NULL)
        return -1;
    o->dependencies =
        schema_alloc(c->s, (json_object_size(v) + 1) * sizeof(*o->dependencies), c->reterr);
    if (o->dependencies == NULL)
        return -1;
    const char *name;
    json_t *item;
    json_object_foreach(v, name, item)
    {
        struct schema_dependency *d = &o->dependencies[o->dependency_count++];
        d->name = name;
        if (json_is_array(item) ? take_names(c, scope, d, item) != 0
                                : (d->sub = schema_compile_below(c, scope, name, 0, item)) == NULL)
            return -1;
    }
    return 0;
}

/* Cheap, and good enough for a table that only the schema's author fills. */
static uint32_t hash(const char *name, size_t len)
{
    uint32_t h = (uint32_t)len;
    if (len > 0)
        h = ((h * 31 + (unsigned char)name[0]) * 31 + (unsigned char)name[len / 2]) * 31 +
            (unsigned char)name[len - 1];
    return h * 2654435761U >> 16;
}

int schema_object_seal(struct schema_compiler *c, struct schema_object *o)
{
    if (o->key_count > UINT16_MAX - 1)
        return err_set(c->reterr, ERR_INVAL, "more than %d properties in one schema",
                       UINT16_MAX - 1);
    uint32_t size = 8;
    while (size < 4 * o->key_count)
        size *= 2;
    o->mask = size - 1;
    o->table = schema_alloc(c->s, size * sizeof(*o->table), c->reterr);
    if (o->table == NULL)
        return -1;
    for (size_t i = 0; i < o->key_count; i++) {
        uint32_t at = hash(o->keys[i].name, o->keys[i].len) & o->mask;
        while (o->table[at] != 0)
            at = (at + 1) & o->mask;
        o->table[at] = (uint16_t)(i + 1);
    }
    return 0;
}

const struct schema_key *schema_object_find(const struct schema_object *o, const char *name,
                                            size_t len)
{
    for (uint32_t at = hash(name, len) & o->mask; o->table[at] != 0; at = (at + 1) & o->mask) {
        const struct schema_key *k = &o->keys[o->table[at] - 1];
        if (k->len == len && memcmp(k->name, name, len) == 0)
            return k;
    }
    return NULL;
}

/* schema_compile.c - a schema document made into nodes; which place becomes which node. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "contract/schema_impl.h"

static void add_place(struct buf *out, const struct schema_place *p)
{
    if (p == NULL)
        return;
    add_place(out, p->up);
    if (p->prefix != NULL) {
        buf_adds(out, p->prefix);
    } else if (p->key != NULL) {
        json_pointer_add(out, p->key);
    } else {
        buf_addc(out, '/');
        buf_addu(out, p->index);
    }
}

int schema_compile_error(struct schema_compiler *c, const struct schema_scope *scope,
                         const char *fmt, ...)
{
    char what[300];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(what, sizeof(what), fmt, ap);
    va_end(ap);
    struct buf at;
    buf_init(&at, 4096);
    add_place(&at, scope->at);
    err_set(c->reterr, ERR_INVAL, "%s: at \"%s\": %s", scope->resource->name, buf_cstr(&at), what);
    buf_fini(&at);
    return -1;
}

struct schema_node *schema_compile_below(struct schema_compiler *c,
                                         const struct schema_scope *scope, const char *key,
                                         size_t index, json_t *v)
{
    struct schema_place at = {.up = scope->at, .key = key, .index = index};
    struct schema_scope below = {scope->resource, scope->base, &at};
    return schema_compile_at(c, &below, v);
}

static struct schema_node *find(const struct schema *s, const json_t *v)
{
    for (struct schema_node *n = s->nodes; n != NULL; n = n->next)
        if (n->at == v)
            return n;
    return NULL;
}

static int compile_ref(struct schema_compiler *c, const struct schema_scope *scope,
                       struct schema_node *n, const json_t *ref)
{
    const char *text = json_string_value(ref);
    if (text == NULL)
        return schema_compile_error(c, scope, "$ref wants a text");
    struct schema_target t;
    struct err e = {0};
    if (schema_ref_find(c->s, scope->resource, scope->base, text, &t, &e) != 0)
        return schema_compile_error(c, scope, "%s", e.msg);
    struct schema_place at = {.prefix = t.pointer};
    struct schema_scope there = {t.resource, t.base, &at};
    n->ref = schema_compile_at(c, &there, t.at);
    return n->ref != NULL ? 0 : -1;
}

static int compile_into(struct schema_compiler *c, const struct schema_scope *scope,
                        struct schema_node *n, json_t *v)
{
    const json_t *ref = json_object_get(v, "$ref");
    if (ref != NULL)
        return compile_ref(c, scope, n, ref);
    struct schema_scope own = *scope;
    own.base = schema_base_below(c->s, scope->base, v, c->reterr);
    if (own.base == NULL || schema_keywords(c, &own, n, v) != 0)
        return -1;
    return n->object != NULL ? schema_object_seal(c, n->object) : 0;
}

struct schema_node *schema_compile_at(struct schema_compiler *c, const struct schema_scope *scope,
                                      json_t *v)
{
    if (json_is_boolean(v))
        return json_is_true(v) ? &c->s->yes : &c->s->no;
    if (!json_is_object(v)) {
        schema_compile_error(c, scope, "a schema must be an object, true or false");
        return NULL;
    }
    struct schema_node *n = find(c->s, v);
    if (n != NULL)
        return n;
    n = schema_alloc(c->s, sizeof(*n), c->reterr);
    if (n == NULL)
        return NULL;
    n->at = v;
    n->types = TYPE_ANY;
    n->next = c->s->nodes;
    c->s->nodes = n; /* before what is below: that may refer back to here */
    return compile_into(c, scope, n, v) == 0 ? n : NULL;
}

/* ---- $refs that lead back to themselves without going down into the instance ---- */

static bool is_endless(struct schema_node *n);

static bool any_endless(const struct schema_list *l)
{
    for (size_t i = 0; i < l->count; i++)
        if (is_endless(l->nodes[i]))
            return true;
    return false;
}

static bool logic_endless(const struct schema_logic *l)
{
    return any_endless(&l->all) || any_endless(&l->any) || any_endless(&l->one) ||
           is_endless(l->not ) || is_endless(l->when) || is_endless(l->then) ||
           is_endless(l->otherwise);
}

static bool dependencies_endless(const struct schema_object *o)
{
    for (size_t i = 0; i < o->dependency_count; i++)
        if (is_endless(o->dependencies[i].sub))
            return true;
    return false;
}

/* mark: 0 not seen, 1 on the way down, 2 done. */
static bool is_endless(struct schema_node *n)
{
    if (n == NULL || n->mark == 2)
        return false;
    if (n->mark == 1)
        return true;
    n->mark = 1;
    bool endless = is_endless(n->ref) || (n->logic != NULL && logic_endless(n->logic)) ||
                   (n->object != NULL && dependencies_endless(n->object));
    n->mark = 2;
    return endless;
}

static int refuse_endless(struct schema *s, const char *name, struct err *reterr)
{
    for (struct schema_node *n = s->nodes; n != NULL; n = n->next)
        if (is_endless(n))
            return err_set(reterr, ERR_INVAL, "%s: a $ref leads back to itself without end", name);
    return 0;
}

static int compile_root(struct schema *s, const char *name, const json_t *root, const char *dir,
                        struct err *reterr)
{
    char uri[4200];
    const char *file = strrchr(name, '/') != NULL ? strrchr(name, '/') + 1 : name;
    snprintf(uri, sizeof(uri), "file:///%s/%s", dir != NULL ? dir : "", file);
    uri[strcspn(uri, "#?")] = '\0';
    json_t *copy = json_deep_copy(root);
    if (copy == NULL)
        return err_nomem(reterr);
    const struct schema_resource *r = schema_resource_add(s, copy, name, uri, dir, reterr);
    if (r == NULL)
        return -1;
    struct schema_compiler c = {s, reterr};
    struct schema_scope scope = {r, r->uri, NULL};
    s->root = schema_compile_at(&c, &scope, copy);
    return s->root != NULL ? refuse_endless(s, name, reterr) : -1;
}

struct schema *schema_compile(const char *name, const json_t *root, const char *dir,
                              struct err *reterr)
{
    struct schema *s = calloc(1, sizeof(*s));
    if (s == NULL) {
        err_nomem(reterr);
        return NULL;
    }
    s->yes.types = TYPE_ANY;
    s->no = (struct schema_node){.types = TYPE_ANY, .never = true};
    s->yes.mark = s->no.mark = 2;
    if (compile_root(s, name, root, dir, reterr) == 0)
        return s;
    schema_free(s);
    return NULL;
}

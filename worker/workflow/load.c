/* load.c - places, faults and typed access for the compilers of a pack. */
#include "workflow/load.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "contract/json.h"

#define FAULTS_MAX 500
#define REF_HOPS_MAX 16

struct at at_root(const char *base)
{
    return (struct at){.base = base};
}

struct at at_key(const struct at *up, const char *key)
{
    return (struct at){.up = up, .key = key, .depth = up->depth + 1};
}

struct at at_index(const struct at *up, size_t index)
{
    return (struct at){.up = up, .index = index, .depth = up->depth + 1};
}

static void add_token(struct buf *out, const char *key)
{
    buf_addc(out, '/');
    for (; *key != '\0'; key++) {
        if (*key == '~' || *key == '/')
            buf_adds(out, *key == '~' ? "~0" : "~1");
        else
            buf_addc(out, *key);
    }
}

static void add_pointer(const struct at *at, struct buf *out)
{
    if (at->up == NULL) {
        buf_adds(out, at->base);
        return;
    }
    add_pointer(at->up, out);
    if (at->key != NULL) {
        add_token(out, at->key);
        return;
    }
    buf_addc(out, '/');
    buf_addu(out, at->index);
}

void at_pointer(const struct at *at, char *ret, size_t size)
{
    struct buf out;
    buf_init(&out, 64 * 1024);
    add_pointer(at, &out);
    snprintf(ret, size, "%s", buf_cstr(&out));
    buf_fini(&out);
}

const char *at_keep(struct loader *l, const struct at *at)
{
    char text[512];
    at_pointer(at, text, sizeof(text));
    return load_text(l, text, strlen(text));
}

static struct pack_fault *add_fault(struct loader *l)
{
    struct pack_faults *f = l->faults;
    if (f->n >= FAULTS_MAX)
        return NULL;
    struct pack_fault *list = realloc(f->list, (f->n + 1) * sizeof(*list));
    if (list == NULL) {
        l->out_of_memory = true;
        return NULL;
    }
    f->list = list;
    f->list[f->n] = (struct pack_fault){0};
    return &f->list[f->n++];
}

/* A component that is used in several places is compiled in each: its faults are told once. */
static void drop_repeated(struct pack_faults *f)
{
    const struct pack_fault *last = &f->list[f->n - 1];
    for (size_t i = 0; i + 1 < f->n; i++) {
        const struct pack_fault *one = &f->list[i];
        if (strcmp(one->pointer, last->pointer) != 0 || strcmp(one->text, last->text) != 0 ||
            strcmp(one->file, last->file) != 0)
            continue;
        f->n--;
        return;
    }
}

void load_fault(struct loader *l, const struct at *at, const char *fmt, ...)
{
    struct pack_fault *f = add_fault(l);
    if (f == NULL)
        return;
    snprintf(f->file, sizeof(f->file), "%s", l->file);
    at_pointer(at, f->pointer, sizeof(f->pointer));
    f->line = l->doc == NULL ? 0 : yaml_line(l->doc, f->pointer);
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(f->text, sizeof(f->text), fmt, ap);
    va_end(ap);
    drop_repeated(l->faults);
}

/* "FILE:LINE: what" or "FILE: what" of a file that could not be read: the fault says the file already. */
static const char *split_message(const char *msg, const char *path, int *ret_line)
{
    size_t n = strlen(path);
    *ret_line = 0;
    if (strncmp(msg, path, n) != 0 || msg[n] != ':')
        return msg;
    char *end;
    *ret_line = (int)strtol(msg + n + 1, &end, 10);
    return end + strspn(end, ": ");
}

struct yaml_doc *load_document(struct loader *l, const char *name)
{
    struct err err = {0};
    struct at root = at_root("");
    snprintf(l->file, sizeof(l->file), "%s/%s", l->dir, name);
    l->doc = NULL;
    struct yaml_doc *d = yaml_load_file(l->file, &err);
    if (d == NULL) {
        int line;
        load_fault(l, &root, "%s", split_message(err.msg, l->file, &line));
        if (l->faults->n > 0)
            l->faults->list[l->faults->n - 1].line = line;
    }
    return d;
}

void load_point_at(struct loader *l, const struct yaml_doc *doc)
{
    l->doc = doc;
    snprintf(l->file, sizeof(l->file), "%s", yaml_name(doc));
}

void *load_alloc(struct loader *l, size_t n, size_t size)
{
    void *p = arena_alloc(&l->pack->arena, n == 0 ? size : n * size);
    if (p == NULL)
        l->out_of_memory = true;
    return p;
}

const char *load_text(struct loader *l, const char *s, size_t n)
{
    const char *p = arena_text(&l->pack->arena, s, n);
    if (p == NULL)
        l->out_of_memory = true;
    return p;
}

static const json_t *typed(struct loader *l, const json_t *object, const char *key, const struct at *at, bool required,
                           json_type type, const char *name)
{
    const json_t *v = json_object_get(object, key);
    if (v == NULL) {
        if (required)
            load_fault(l, at, "`%s` is missing", key);
        return NULL;
    }
    if (json_typeof(v) == type)
        return v;
    struct at here = at_key(at, key);
    load_fault(l, &here, "`%s` must be %s", key, name);
    return NULL;
}

const char *load_string(struct loader *l, const json_t *object, const char *key, const struct at *at, bool required)
{
    return json_string_value(typed(l, object, key, at, required, JSON_STRING, "text"));
}

const json_t *load_object(struct loader *l, const json_t *object, const char *key, const struct at *at, bool required)
{
    return typed(l, object, key, at, required, JSON_OBJECT, "an object");
}

const json_t *load_list(struct loader *l, const json_t *object, const char *key, const struct at *at, bool required)
{
    return typed(l, object, key, at, required, JSON_ARRAY, "a list");
}

static struct node follow(struct loader *l, const char *ref, const struct at *at)
{
    struct node none = {NULL, *at};
    if (ref[0] != '#') {
        load_fault(l, at, "a $ref to another file is not supported: %s", ref);
        return none;
    }
    const json_t *to = json_at_pointer(yaml_root(l->doc), ref + 1);
    if (to == NULL) {
        load_fault(l, at, "$ref %s leads nowhere", ref);
        return none;
    }
    return (struct node){to, at_root(ref + 1)};
}

struct node load_resolve(struct loader *l, const json_t *v, const struct at *at)
{
    struct node n = {v, *at};
    for (int hops = 0; n.v != NULL && json_object_get(n.v, "$ref") != NULL; hops++) {
        const char *ref = load_string(l, n.v, "$ref", &n.at, true);
        if (hops == REF_HOPS_MAX)
            load_fault(l, at, "$ref goes in a circle");
        if (ref == NULL || hops == REF_HOPS_MAX)
            return (struct node){NULL, *at};
        struct at here = n.at;
        n = follow(l, ref, &here);
        if (n.v == NULL)
            return (struct node){NULL, *at};
    }
    return n;
}

void load_known(struct loader *l, const json_t *object, const char *known, const struct at *at, const char *what)
{
    const char *key;
    json_t *v;
    char word[80];
    json_object_foreach((json_t *)(uintptr_t)object, key, v) {
        snprintf(word, sizeof(word), " %s ", key);
        if (strncmp(key, "x-", 2) == 0 || strstr(known, word) != NULL)
            continue;
        struct at here = at_key(at, key);
        load_fault(l, &here, "`%s` is not a member of %s", key, what);
    }
}

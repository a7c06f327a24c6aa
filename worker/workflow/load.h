/* load.h - what the compilers of a pack share: the place in a document, the faults, memory. */
#ifndef TVB_WORKFLOW_LOAD_H
#define TVB_WORKFLOW_LOAD_H

#include "base/attr.h"
#include "workflow/plan.h"

#define LOAD_DEPTH_MAX 48

/* A place in a document, as a chain on the stack. */
struct at {
    const struct at *up;
    const char *key; /* NULL: index */
    size_t index;
    const char *base; /* at the root of the chain: a pointer, mostly "" */
    unsigned depth;
};

struct loader {
    struct pack *pack;
    struct pack_faults *faults;
    const char *dir;
    char file[256];             /* of the present document */
    const struct yaml_doc *doc; /* NULL before it is read */
    bool out_of_memory;
};

struct at at_root(const char *base);
struct at at_key(const struct at *up, const char *key);
struct at at_index(const struct at *up, size_t index);
/* The RFC 6901 pointer, cut to @size. */
void at_pointer(const struct at *at, char *ret, size_t size);
/* The same in the pack's arena. */
const char *at_keep(struct loader *l, const struct at *at);

/* Notes a fault at @at. */
void load_fault(struct loader *l, const struct at *at, const char *fmt, ...) ATTR_PRINTF(3, 4);

/* Reads a file of l->dir; NULL: a fault was noted. The caller owns it. */
struct yaml_doc *load_document(struct loader *l, const char *name);
/* Faults are told of @doc from now on. */
void load_point_at(struct loader *l, const struct yaml_doc *doc);

/* From the pack's arena, zeroed; NULL sets l->out_of_memory. */
void *load_alloc(struct loader *l, size_t n, size_t size);
const char *load_text(struct loader *l, const char *s, size_t n);

/* The member @key as text or an object or a list: NULL when absent (a fault when @required), or of another type (a fault). */
const char *load_string(struct loader *l, const json_t *object, const char *key, const struct at *at, bool required);
const json_t *load_object(struct loader *l, const json_t *object, const char *key, const struct at *at, bool required);
const json_t *load_list(struct loader *l, const json_t *object, const char *key, const struct at *at, bool required);

/* A node after its $refs into the same document were followed, and where it is. */
struct node {
    const json_t *v; /* NULL: a fault was noted */
    struct at at;
};
struct node load_resolve(struct loader *l, const json_t *v, const struct at *at);

/* Refuses members of @object that are not in @known (separated by spaces, with one at both ends) and do not start with x-. */
void load_known(struct loader *l, const json_t *object, const char *known, const struct at *at, const char *what);

#endif

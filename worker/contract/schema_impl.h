/* schema_impl.h - a compiled schema: what the schema_*.c files share. Private to contract.
 *
 * Everything hangs in one arena that schema_free() empties; after compiling it is only read. */
#ifndef TVB_CONTRACT_SCHEMA_IMPL_H
#define TVB_CONTRACT_SCHEMA_IMPL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "contract/json_scan.h"
#include "contract/schema.h"

enum {
    TYPE_NULL = 1,
    TYPE_BOOL = 2,
    TYPE_INT = 4, /* a number without a fraction */
    TYPE_NUM = 8, /* any other number */
    TYPE_TEXT = 16,
    TYPE_ARRAY = 32,
    TYPE_OBJECT = 64,
    TYPE_ANY = 127,
};

struct schema_node;
struct schema_pattern;
struct schema_match;
typedef bool schema_format_fn(const char *s, size_t len);

struct schema_number {
    bool set, is_int;
    json_int_t i;
    double d;
};

struct schema_numbers {
    struct schema_number min, max, above, below, multiple;
};

struct schema_text {
    size_t min, max; /* code points */
    const struct schema_pattern *pattern;
    const char *pattern_text;
    schema_format_fn *format;
    const char *format_name;
};

struct schema_list {
    struct schema_node **nodes;
    size_t count;
};

struct schema_array {
    struct schema_node *items;
    struct schema_list tuple;
    struct schema_node *additional, *contains;
    size_t min, max;
    bool unique, has_tuple;
};

struct schema_key {
    const char *name;
    size_t len;
    struct schema_node *sub; /* NULL: only required */
    uint64_t bit;            /* in schema_object.required; 0: may be absent */
};

struct schema_dependency {
    const char *name;
    struct schema_node *sub;
    const char **names; /* without sub */
    size_t count;
};

struct schema_matched {
    const struct schema_pattern *pattern;
    struct schema_node *sub;
};

struct schema_object {
    struct schema_key *keys;
    size_t key_count, key_cap;
    uint16_t *table; /* key's index + 1 by hash; open addressing */
    uint32_t mask;
    uint64_t required;
    const char **more; /* required beyond the 64 that have a bit */
    size_t more_count, required_count;
    struct schema_matched *matched;
    size_t matched_count;
    struct schema_node *additional, *names;
    struct schema_dependency *dependencies;
    size_t dependency_count;
    size_t min, max;
};

struct schema_logic {
    struct schema_list all, any, one;
    struct schema_node * not, *when, *then, *otherwise;
};

struct schema_node {
    const json_t *at;         /* the place that it was compiled from */
    struct schema_node *next; /* of all nodes */
    struct schema_node *ref;  /* stands for that one */
    bool never;               /* the schema `false` */
    unsigned char mark;       /* while looking for endless $refs */
    unsigned types;
    const json_t *values, *constant; /* enum, const */
    struct schema_numbers *numbers;
    struct schema_text *text;
    struct schema_array *array;
    struct schema_object *object;
    struct schema_logic *logic;
};

/* A document, or a part of one that has an $id of its own. */
struct schema_resource {
    struct schema_resource *next;
    const char *uri;    /* absolute; with "#name" for a named place */
    json_t *root;       /* borrowed, or owned when it is a whole document */
    const char *folder; /* where relative file names are looked up; NULL: nowhere */
    const char *name;   /* for messages */
    bool owns_root;
};

struct schema_block {
    struct schema_block *next;
    max_align_t data[];
};

struct schema_pattern_list;

struct schema {
    struct schema_block *blocks;
    struct schema_node *nodes, *root;
    struct schema_node yes, no;
    struct schema_resource *resources;
    struct schema_pattern *patterns;
};

/* Zeroed memory that lives as long as @s; NULL and @reterr. */
void *schema_alloc(struct schema *s, size_t n, struct err *reterr);
char *schema_strdup(struct schema *s, const char *text, struct err *reterr);

/* ---- schema_ref.c ---- */

/* @ref against the absolute @base (RFC 3986 section 5.2); the caller frees it. */
char *schema_uri_resolve(const char *base, const char *ref);

/* Makes @root (taken over, also on failure) known under @uri, and every $id in it. */
struct schema_resource *schema_resource_add(struct schema *s, json_t *root, const char *name,
                                            const char *uri, const char *folder,
                                            struct err *reterr);

struct schema_target {
    json_t *at;
    const struct schema_resource *resource;
    const char *base;
    const char *pointer; /* for messages; in the arena */
};
/* Where "$ref": @ref, met under @base in @from, leads to. */
int schema_ref_find(struct schema *s, const struct schema_resource *from, const char *base,
                    const char *ref, struct schema_target *ret, struct err *reterr);
/* The base below @v: moved when @v has an $id of its own. In the arena; NULL and @reterr. */
const char *schema_base_below(struct schema *s, const char *base, const json_t *v,
                              struct err *reterr);

/* ---- schema_compile.c, schema_keywords.c ---- */

/* Where in the schema the compiler is: for messages. */
struct schema_place {
    const struct schema_place *up;
    const char *key; /* NULL: an index */
    size_t index;
    const char *prefix; /* of the first place: the pointer that a $ref named */
};

struct schema_scope {
    const struct schema_resource *resource;
    const char *base;
    const struct schema_place *at;
};

struct schema_compiler {
    struct schema *s;
    struct err *reterr;
};

struct schema_node *schema_compile_at(struct schema_compiler *c, const struct schema_scope *scope,
                                      json_t *v);
struct schema_node *schema_compile_below(struct schema_compiler *c,
                                         const struct schema_scope *scope, const char *key,
                                         size_t index, json_t *v);
int schema_compile_error(struct schema_compiler *c, const struct schema_scope *scope,
                         const char *fmt, ...) ATTR_PRINTF(3, 4);
/* Compiles the members of @v that are neither annotations nor $ref. */
int schema_keywords(struct schema_compiler *c, const struct schema_scope *scope,
                    struct schema_node *n, json_t *v);
int schema_keyword_properties(struct schema_compiler *c, const struct schema_scope *scope,
                              struct schema_node *n, json_t *v);
int schema_keyword_required(struct schema_compiler *c, const struct schema_scope *scope,
                            struct schema_node *n, json_t *v);
int schema_keyword_pattern_properties(struct schema_compiler *c, const struct schema_scope *scope,
                                      struct schema_node *n, json_t *v);
int schema_keyword_dependencies(struct schema_compiler *c, const struct schema_scope *scope,
                                struct schema_node *n, json_t *v);
struct schema_object *schema_node_object(struct schema_compiler *c, struct schema_node *n);
/* Builds the tables that looking up needs, once all members are known. */
int schema_object_seal(struct schema_compiler *c, struct schema_object *o);
const struct schema_key *schema_object_find(const struct schema_object *o, const char *name,
                                            size_t len);

/* ---- schema_pattern.c (PCRE2) ---- */

struct schema_pattern *schema_pattern_new(struct schema *s, const char *text, struct err *reterr);
void schema_patterns_free(struct schema_pattern *first);
bool schema_pattern_ok(const char *text, size_t len, struct err *reterr);

/* Match data for one check, made at the first match in the caller's memory. */
#define SCHEMA_MATCH_BYTES 768
struct schema_match {
    void *context, *data;
    size_t used;
    _Alignas(max_align_t) unsigned char memory[SCHEMA_MATCH_BYTES];
};
void schema_match_fini(struct schema_match *m);
bool schema_pattern_match(const struct schema_pattern *p, struct schema_match *m, const char *s,
                          size_t len);

/* ---- schema_format.c ---- */

/* NULL when the format is not known. */
schema_format_fn *schema_format_find(const char *name);

/* ---- schema_equal.c: draft-07's equality, in which 1 and 1.0 are one value ---- */

bool schema_equal(const json_t *a, const json_t *b);
bool schema_all_differ(const json_t *array);

/* ---- schema_check.c ---- */

/* What schema_check() found, with the keyword that refused. */
struct schema_result {
    struct fault fault;
    const char *keyword; /* a constant */
    unsigned depth;
    bool set;
};
bool schema_check_result(const struct schema *s, const json_t *v, struct schema_result *ret);

/* The name out of @names nearest to @name: a typing error away; NULL when none is near. */
const char *schema_nearest(const char *name, const char *(*at)(const void *arg, size_t i),
                           const void *arg, size_t n);

#endif

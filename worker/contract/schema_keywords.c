/* schema_keywords.c - one function a keyword, and the table of all that are known. */
#include <string.h>

#include "contract/schema_impl.h"

typedef int keyword_fn(struct schema_compiler *c, const struct schema_scope *scope,
                       struct schema_node *n, json_t *v);

/* ---- parts of a node, made when a keyword first wants them ---- */

static struct schema_numbers *numbers_of(struct schema_compiler *c, struct schema_node *n)
{
    if (n->numbers == NULL)
        n->numbers = schema_alloc(c->s, sizeof(*n->numbers), c->reterr);
    return n->numbers;
}

static struct schema_text *text_of(struct schema_compiler *c, struct schema_node *n)
{
    if (n->text == NULL && (n->text = schema_alloc(c->s, sizeof(*n->text), c->reterr)) != NULL)
        n->text->max = SIZE_MAX;
    return n->text;
}

static struct schema_array *array_of(struct schema_compiler *c, struct schema_node *n)
{
    if (n->array == NULL && (n->array = schema_alloc(c->s, sizeof(*n->array), c->reterr)) != NULL)
        n->array->max = SIZE_MAX;
    return n->array;
}

static struct schema_logic *logic_of(struct schema_compiler *c, struct schema_node *n)
{
    if (n->logic == NULL)
        n->logic = schema_alloc(c->s, sizeof(*n->logic), c->reterr);
    return n->logic;
}

/* ---- values of keywords ---- */

static int take_number(struct schema_compiler *c, const struct schema_scope *scope, const json_t *v,
                       struct schema_number *ret)
{
    if (!json_is_number(v))
        return schema_compile_error(c, scope, "wants a number");
    *ret = (struct schema_number){true, json_is_integer(v), json_integer_value(v),
                                  json_number_value(v)};
    return 0;
}

static int take_count(struct schema_compiler *c, const struct schema_scope *scope, const json_t *v,
                      size_t *ret)
{
    double d = json_number_value(v);
    if (!json_is_number(v) || d < 0 || d > 9e15 || d != (double)(size_t)d)
        return schema_compile_error(c, scope, "wants a whole number of at least 0");
    *ret = (size_t)d;
    return 0;
}

static int take_list(struct schema_compiler *c, const struct schema_scope *scope, const json_t *v,
                     struct schema_list *ret)
{
    size_t n = json_array_size(v);
    if (n == 0)
        return schema_compile_error(c, scope, "wants a list of schemas that is not empty");
    ret->nodes = schema_alloc(c->s, n * sizeof(struct schema_node *), c->reterr);
    if (ret->nodes == NULL)
        return -1;
    for (; ret->count < n; ret->count++) {
        ret->nodes[ret->count] =
            schema_compile_below(c, scope, NULL, ret->count, json_array_get(v, ret->count));
        if (ret->nodes[ret->count] == NULL)
            return -1;
    }
    return 0;
}

static int take_schema(struct schema_compiler *c, const struct schema_scope *scope, json_t *v,
                       struct schema_node **ret)
{
    *ret = schema_compile_at(c, scope, v);
    return *ret != NULL ? 0 : -1;
}

/* ---- any type ---- */

static int take_type(struct schema_compiler *c, const struct schema_scope *scope, const json_t *v,
                     unsigned *ret)
{
    static const struct {
        const char *name;
        unsigned bits;
    } types[] = {{"null", TYPE_NULL},    {"boolean", TYPE_BOOL},
                 {"integer", TYPE_INT},  {"number", TYPE_INT | TYPE_NUM},
                 {"string", TYPE_TEXT},  {"array", TYPE_ARRAY},
                 {"object", TYPE_OBJECT}};
    const char *name = json_string_value(v);
    for (size_t i = 0; name != NULL && i < ARRAY_LEN(types); i++) {
        if (strcmp(name, types[i].name) == 0) {
            *ret |= types[i].bits;
            return 0;
        }
    }
    return schema_compile_error(c, scope, "unknown type");
}

static int kw_type(struct schema_compiler *c, const struct schema_scope *scope,
                   struct schema_node *n, json_t *v)
{
    n->types = 0;
    if (!json_is_array(v))
        return take_type(c, scope, v, &n->types);
    size_t i;
    json_t *item;
    json_array_foreach(v, i, item) if (take_type(c, scope, item, &n->types) != 0) return -1;
    return n->types != 0 ? 0 : schema_compile_error(c, scope, "wants at least one type");
}

static int kw_enum(struct schema_compiler *c, const struct schema_scope *scope,
                   struct schema_node *n, json_t *v)
{
    if (json_array_size(v) == 0)
        return schema_compile_error(c, scope, "wants a list of values that is not empty");
    n->values = v;
    return 0;
}

static int kw_const(struct schema_compiler *c, const struct schema_scope *scope,
                    struct schema_node *n, json_t *v)
{
    (void)c;
    (void)scope;
    n->constant = v;
    return 0;
}

/* ---- numbers ---- */

static int kw_minimum(struct schema_compiler *c, const struct schema_scope *scope,
                      struct schema_node *n, json_t *v)
{
    struct schema_numbers *p = numbers_of(c, n);
    return p != NULL ? take_number(c, scope, v, &p->min) : -1;
}

static int kw_maximum(struct schema_compiler *c, const struct schema_scope *scope,
                      struct schema_node *n, json_t *v)
{
    struct schema_numbers *p = numbers_of(c, n);
    return p != NULL ? take_number(c, scope, v, &p->max) : -1;
}

static int kw_above(struct schema_compiler *c, const struct schema_scope *scope,
                    struct schema_node *n, json_t *v)
{
    struct schema_numbers *p = numbers_of(c, n);
    return p != NULL ? take_number(c, scope, v, &p->above) : -1;
}

static int kw_below(struct schema_compiler *c, const struct schema_scope *scope,
                    struct schema_node *n, json_t *v)
{
    struct schema_numbers *p = numbers_of(c, n);
    return p != NULL ? take_number(c, scope, v, &p->below) : -1;
}

static int kw_multiple(struct schema_compiler *c, const struct schema_scope *scope,
                       struct schema_node *n, json_t *v)
{
    struct schema_numbers *p = numbers_of(c, n);
    if (p == NULL || take_number(c, scope, v, &p->multiple) != 0)
        return -1;
    return p->multiple.d > 0 ? 0 : schema_compile_error(c, scope, "wants a number above 0");
}

/* ---- texts ---- */

static int kw_min_length(struct schema_compiler *c, const struct schema_scope *scope,
                         struct schema_node *n, json_t *v)
{
    struct schema_text *p = text_of(c, n);
    return p != NULL ? take_count(c, scope, v, &p->min) : -1;
}

static int kw_max_length(struct schema_compiler *c, const struct schema_scope *scope,
                         struct schema_node *n, json_t *v)
{
    struct schema_text *p = text_of(c, n);
    return p != NULL ? take_count(c, scope, v, &p->max) : -1;
}

static int kw_pattern(struct schema_compiler *c, const struct schema_scope *scope,
                      struct schema_node *n, json_t *v)
{
    struct schema_text *p = text_of(c, n);
    if (p == NULL)
        return -1;
    if (!json_is_string(v))
        return schema_compile_error(c, scope, "wants a text");
    struct err e;
    p->pattern_text = json_string_value(v);
    p->pattern = schema_pattern_new(c->s, p->pattern_text, &e);
    return p->pattern != NULL ? 0 : schema_compile_error(c, scope, "%s", e.msg);
}

static int kw_format(struct schema_compiler *c, const struct schema_scope *scope,
                     struct schema_node *n, json_t *v)
{
    struct schema_text *p = text_of(c, n);
    if (p == NULL)
        return -1;
    if (!json_is_string(v))
        return schema_compile_error(c, scope, "wants a text");
    p->format_name = json_string_value(v);
    p->format = schema_format_find(p->format_name);
    return p->format != NULL ? 0
                             : schema_compile_error(c, scope, "the format \"%s\" is not supported",
                                                    p->format_name);
}

/* ---- arrays ---- */

static int kw_items(struct schema_compiler *c, const struct schema_scope *scope,
                    struct schema_node *n, json_t *v)
{
    struct schema_array *p = array_of(c, n);
    if (p == NULL)
        return -1;
    if (!json_is_array(v))
        return take_schema(c, scope, v, &p->items);
    p->has_tuple = true;
    return json_array_size(v) == 0 ? 0 : take_list(c, scope, v, &p->tuple);
}

static int kw_additional_items(struct schema_compiler *c, const struct schema_scope *scope,
                               struct schema_node *n, json_t *v)
{
    struct schema_array *p = array_of(c, n);
    return p != NULL ? take_schema(c, scope, v, &p->additional) : -1;
}

static int kw_contains(struct schema_compiler *c, const struct schema_scope *scope,
                       struct schema_node *n, json_t *v)
{
    struct schema_array *p = array_of(c, n);
    return p != NULL ? take_schema(c, scope, v, &p->contains) : -1;
}

static int kw_min_items(struct schema_compiler *c, const struct schema_scope *scope,
                        struct schema_node *n, json_t *v)
{
    struct schema_array *p = array_of(c, n);
    return p != NULL ? take_count(c, scope, v, &p->min) : -1;
}

static int kw_max_items(struct schema_compiler *c, const struct schema_scope *scope,
                        struct schema_node *n, json_t *v)
{
    struct schema_array *p = array_of(c, n);
    return p != NULL ? take_count(c, scope, v, &p->max) : -1;
}

static int kw_unique(struct schema_compiler *c, const struct schema_scope *scope,
                     struct schema_node *n, json_t *v)
{
    struct schema_array *p = array_of(c, n);
    if (p == NULL)
        return -1;
    p->unique = json_is_true(v);
    return json_is_boolean(v) ? 0 : schema_compile_error(c, scope, "wants true or false");
}

/* ---- objects: the rest is in schema_object.c ---- */

static int kw_additional(struct schema_compiler *c, const struct schema_scope *scope,
                         struct schema_node *n, json_t *v)
{
    struct schema_object *p = schema_node_object(c, n);
    return p != NULL ? take_schema(c, scope, v, &p->additional) : -1;
}

static int kw_names(struct schema_compiler *c, const struct schema_scope *scope,
                    struct schema_node *n, json_t *v)
{
    struct schema_object *p = schema_node_object(c, n);
    return p != NULL ? take_schema(c, scope, v, &p->names) : -1;
}

static int kw_min_properties(struct schema_compiler *c, const struct schema_scope *scope,
                             struct schema_node *n, json_t *v)
{
    struct schema_object *p = schema_node_object(c, n);
    return p != NULL ? take_count(c, scope, v, &p->min) : -1;
}

static int kw_max_properties(struct schema_compiler *c, const struct schema_scope *scope,
                             struct schema_node *n, json_t *v)
{
    struct schema_object *p = schema_node_object(c, n);
    return p != NULL ? take_count(c, scope, v, &p->max) : -1;
}

/* ---- logic ---- */

static int kw_all_of(struct schema_compiler *c, const struct schema_scope *scope,
                     struct schema_node *n, json_t *v)
{
    struct schema_logic *p = logic_of(c, n);
    return p != NULL ? take_list(c, scope, v, &p->all) : -1;
}

static int kw_any_of(struct schema_compiler *c, const struct schema_scope *scope,
                     struct schema_node *n, json_t *v)
{
    struct schema_logic *p = logic_of(c, n);
    return p != NULL ? take_list(c, scope, v, &p->any) : -1;
}

static int kw_one_of(struct schema_compiler *c, const struct schema_scope *scope,
                     struct schema_node *n, json_t *v)
{
    struct schema_logic *p = logic_of(c, n);
    return p != NULL ? take_list(c, scope, v, &p->one) : -1;
}

static int kw_not(struct schema_compiler *c, const struct schema_scope *scope,
                  struct schema_node *n, json_t *v)
{
    struct schema_logic *p = logic_of(c, n);
    return p != NULL ? take_schema(c, scope, v, &p->not ) : -1;
}

static int kw_if(struct schema_compiler *c, const struct schema_scope *scope, struct schema_node *n,
                 json_t *v)
{
    struct schema_logic *p = logic_of(c, n);
    return p != NULL ? take_schema(c, scope, v, &p->when) : -1;
}

static int kw_then(struct schema_compiler *c, const struct schema_scope *scope,
                   struct schema_node *n, json_t *v)
{
    struct schema_logic *p = logic_of(c, n);
    return p != NULL ? take_schema(c, scope, v, &p->then) : -1;
}

static int kw_else(struct schema_compiler *c, const struct schema_scope *scope,
                   struct schema_node *n, json_t *v)
{
    struct schema_logic *p = logic_of(c, n);
    return p != NULL ? take_schema(c, scope, v, &p->otherwise) : -1;
}

/* Compiled even when nothing refers to them: an unknown keyword must not hide there. */
static int kw_definitions(struct schema_compiler *c, const struct schema_scope *scope,
                          struct schema_node *n, json_t *v)
{
    (void)n;
    if (!json_is_object(v))
        return schema_compile_error(c, scope, "wants an object");
    const char *key;
    json_t *item;
    json_object_foreach(v, key,
                        item) if (schema_compile_below(c, scope, key, 0, item) == NULL) return -1;
    return 0;
}

static int kw_schema(struct schema_compiler *c, const struct schema_scope *scope,
                     struct schema_node *n, json_t *v)
{
    (void)n;
    const char *uri = json_string_value(v);
    static const char *const known[] = {"http://json-schema.org/draft-07/schema",
                                        "http://json-schema.org/draft-07/schema#"};
    for (size_t i = 0; uri != NULL && i < ARRAY_LEN(known); i++)
        if (strcmp(uri, known[i]) == 0)
            return 0;
    return schema_compile_error(c, scope, "another dialect: wanted %s", known[1]);
}

static int kw_annotation(struct schema_compiler *c, const struct schema_scope *scope,
                         struct schema_node *n, json_t *v)
{
    (void)c;
    (void)scope;
    (void)n;
    (void)v;
    return 0;
}

static const struct {
    const char *name;
    keyword_fn *fn;
} keywords[] = {
    {"type", kw_type},
    {"enum", kw_enum},
    {"const", kw_const},
    {"multipleOf", kw_multiple},
    {"maximum", kw_maximum},
    {"exclusiveMaximum", kw_below},
    {"minimum", kw_minimum},
    {"exclusiveMinimum", kw_above},
    {"maxLength", kw_max_length},
    {"minLength", kw_min_length},
    {"pattern", kw_pattern},
    {"format", kw_format},
    {"items", kw_items},
    {"additionalItems", kw_additional_items},
    {"maxItems", kw_max_items},
    {"minItems", kw_min_items},
    {"uniqueItems", kw_unique},
    {"contains", kw_contains},
    {"maxProperties", kw_max_properties},
    {"minProperties", kw_min_properties},
    {"required", schema_keyword_required},
    {"properties", schema_keyword_properties},
    {"patternProperties", schema_keyword_pattern_properties},
    {"additionalProperties", kw_additional},
    {"dependencies", schema_keyword_dependencies},
    {"propertyNames", kw_names},
    {"allOf", kw_all_of},
    {"anyOf", kw_any_of},
    {"oneOf", kw_one_of},
    {"not", kw_not},
    {"if", kw_if},
    {"then", kw_then},
    {"else", kw_else},
    {"definitions", kw_definitions},
    {"$schema", kw_schema},
    {"$id", kw_annotation},
    {"$comment", kw_annotation},
    {"title", kw_annotation},
    {"description", kw_annotation},
    {"default", kw_annotation},
    {"examples", kw_annotation},
    {"readOnly", kw_annotation},
    {"writeOnly", kw_annotation},
};

static keyword_fn *find(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(keywords); i++)
        if (strcmp(name, keywords[i].name) == 0)
            return keywords[i].fn;
    return strncmp(name, "x-", 2) == 0 ? kw_annotation : NULL;
}

int schema_keywords(struct schema_compiler *c, const struct schema_scope *scope,
                    struct schema_node *n, json_t *v)
{
    const char *key;
    json_t *item;
    json_object_foreach(v, key, item)
    {
        struct schema_place at = {.up = scope->at, .key = key};
        struct schema_scope own = {scope->resource, scope->base, &at};
        keyword_fn *fn = find(key);
        if (fn == NULL)
            return schema_compile_error(c, &own, "the keyword \"%s\" is not supported", key);
        if (fn(c, &own, n, item) != 0)
            return -1;
    }
    return 0;
}

/* schema_check.c - an instance against the compiled nodes.
 *
 * Runs twice at most: first without keeping count of anything, and only when that says no, again to find the
 * deepest fault. So a valid instance costs no allocation and no text. */
#include "contract/schema.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "contract/schema_impl.h"
#include "contract/schema_words.h"

#define DEPTH_MAX 600 /* nodes inside each other: instances of up to about this depth */

struct path {
    const struct path *up;
    const char *key; /* NULL: an index */
    size_t index;
    unsigned depth;
};

struct run {
    struct schema_result *result; /* NULL: only yes or no is wanted */
    struct schema_match match;
    unsigned depth;
};

static bool check(struct run *r, const struct schema_node *n, const json_t *v,
                  const struct path *at);

static void add_pointer(struct buf *out, const struct path *at)
{
    if (at->up == NULL)
        return;
    add_pointer(out, at->up);
    if (at->key != NULL) {
        json_pointer_add(out, at->key);
    } else {
        buf_addc(out, '/');
        buf_addu(out, at->index);
    }
}

/* Notes a fault; false, so that `return refuse(...)` ends a check. */
static bool refuse(struct run *r, const struct path *at, const char *keyword, const char *fmt, ...)
    ATTR_PRINTF(4, 5);
static bool refuse(struct run *r, const struct path *at, const char *keyword, const char *fmt, ...)
{
    if (r->result == NULL)
        return false;
    struct schema_result *res = r->result;
    struct buf pointer;
    buf_init(&pointer, 65536);
    add_pointer(&pointer, at);
    snprintf(res->fault.pointer, sizeof(res->fault.pointer), "%s", buf_cstr(&pointer));
    buf_fini(&pointer);
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(res->fault.reason, sizeof(res->fault.reason), fmt, ap);
    va_end(ap);
    res->keyword = keyword;
    res->depth = at->depth;
    res->set = true;
    return false;
}

/* Yes or no, whatever is being collected. */
static bool check_silent(struct run *r, const struct schema_node *n, const json_t *v,
                         const struct path *at)
{
    struct schema_result *kept = r->result;
    r->result = NULL;
    bool ok = check(r, n, v, at);
    r->result = kept;
    return ok;
}

/* ---- values ---- */

static unsigned type_bit(const json_t *v)
{
    static const unsigned bits[] = {
        [JSON_OBJECT] = TYPE_OBJECT, [JSON_ARRAY] = TYPE_ARRAY, [JSON_STRING] = TYPE_TEXT,
        [JSON_INTEGER] = TYPE_INT,   [JSON_REAL] = TYPE_NUM,    [JSON_TRUE] = TYPE_BOOL,
        [JSON_FALSE] = TYPE_BOOL,    [JSON_NULL] = TYPE_NULL};
    if (!json_is_real(v))
        return bits[json_typeof(v)];
    double d = json_real_value(v);
    return d == floor(d) ? TYPE_INT : TYPE_NUM;
}

static bool is_one_of(const json_t *values, const json_t *v)
{
    size_t n = json_array_size(values);
    for (size_t i = 0; i < n; i++)
        if (schema_equal(json_array_get(values, i), v))
            return true;
    return false;
}

static bool refuse_value(struct run *r, const struct schema_node *n, const struct path *at,
                         bool by_enum)
{
    char words[160];
    if (r->result == NULL)
        return false; /* words cost memory: only when they are wanted */
    if (by_enum)
        return refuse(r, at, "enum", "wanted one of %s",
                      schema_words_of_list(n->values, words, sizeof(words)));
    return refuse(r, at, "const", "wanted %s",
                  schema_words_of_value(n->constant, words, sizeof(words)));
}

static bool check_values(struct run *r, const struct schema_node *n, const json_t *v,
                         const struct path *at)
{
    if (n->values != NULL && !is_one_of(n->values, v))
        return refuse_value(r, n, at, true);
    if (n->constant != NULL && !schema_equal(n->constant, v))
        return refuse_value(r, n, at, false);
    return true;
}

/* ---- numbers ---- */

/* Below, equal to or above @limit: -1, 0, 1. */
static int compare(const json_t *v, const struct schema_number *limit)
{
    if (json_is_integer(v) && limit->is_int) {
        json_int_t i = json_integer_value(v);
        return (i > limit->i) - (i < limit->i);
    }
    long double a =
        json_is_integer(v) ? (long double)json_integer_value(v) : (long double)json_real_value(v);
    long double b = limit->is_int ? (long double)limit->i : (long double)limit->d;
    return (a > b) - (a < b);
}

/* Decimal fractions are not exact in binary: 0.0075 is taken as a multiple of 0.0001. */
static bool is_multiple(const json_t *v, const struct schema_number *of)
{
    if (json_is_integer(v) && of->is_int)
        return json_integer_value(v) % of->i == 0;
    double x = json_number_value(v), q = x / of->d;
    if (isinf(q))
        return fmod(x, of->d) == 0;
    double parts = 1 / of->d; /* 0.01 divides every whole number */
    if (x == floor(x) && parts >= 1 && fabs(parts - rint(parts)) < 1e-9 * parts)
        return true;
    return fabs(q - rint(q)) <= 1e-9 * fmax(1, fabs(q)) && (fabs(q) < 9e15 || fmod(x, of->d) == 0);
}

static bool refuse_number(struct run *r, const struct path *at, const char *keyword,
                          const char *wanted, const struct schema_number *limit)
{
    char text[40];
    if (r->result == NULL)
        return false;
    return refuse(r, at, keyword, "wanted %s %s", wanted,
                  schema_words_of_number(limit, text, sizeof(text)));
}

static bool check_numbers(struct run *r, const struct schema_numbers *n, const json_t *v,
                          const struct path *at)
{
    if (n->min.set && compare(v, &n->min) < 0)
        return refuse_number(r, at, "minimum", "at least", &n->min);
    if (n->max.set && compare(v, &n->max) > 0)
        return refuse_number(r, at, "maximum", "at most", &n->max);
    if (n->above.set && compare(v, &n->above) <= 0)
        return refuse_number(r, at, "exclusiveMinimum", "more than", &n->above);
    if (n->below.set && compare(v, &n->below) >= 0)
        return refuse_number(r, at, "exclusiveMaximum", "less than", &n->below);
    if (n->multiple.set && !is_multiple(v, &n->multiple))
        return refuse_number(r, at, "multipleOf", "a multiple of", &n->multiple);
    return true;
}

/* ---- texts ---- */

static size_t code_points(const char *s, size_t len)
{
    size_t n = 0;
    for (size_t i = 0; i < len; i++)
        n += ((unsigned char)s[i] & 0xc0) != 0x80;
    return n;
}

static bool check_length(struct run *r, const struct schema_text *t, const char *s, size_t len,
                         const struct path *at)
{
    bool surely = t->min * 4 <= len && len <= t->max; /* a code point has 1 to 4 bytes */
    size_t n = surely ? len : code_points(s, len);
    if (!surely && n < t->min)
        return refuse(r, at, "minLength", "wanted at least %zu characters", t->min);
    if (!surely && n > t->max)
        return refuse(r, at, "maxLength", "wanted at most %zu characters", t->max);
    return true;
}

static bool check_text(struct run *r, const struct schema_text *t, const char *s, size_t len,
                       const struct path *at)
{
    if ((t->min > 0 || t->max < len) && !check_length(r, t, s, len, at))
        return false;
    if (t->format != NULL && !t->format(s, len))
        return refuse(r, at, "format", "wanted a text in the format %s", t->format_name);
    if (t->pattern != NULL && !schema_pattern_match(t->pattern, &r->match, s, len))
        return refuse(r, at, "pattern", "wanted a text that matches %s", t->pattern_text);
    return true;
}

/* ---- arrays ---- */

static const struct schema_node *item_node(const struct schema_array *a, size_t i)
{
    if (!a->has_tuple)
        return a->items;
    return i < a->tuple.count ? a->tuple.nodes[i] : a->additional;
}

static bool check_items(struct run *r, const struct schema_array *a, const json_t *v,
                        const struct path *at)
{
    size_t n = json_array_size(v);
    for (size_t i = 0; i < n; i++) {
        const struct schema_node *sub = item_node(a, i);
        struct path below = {at, NULL, i, at->depth + 1};
        if (sub != NULL && !check(r, sub, json_array_get(v, i), &below))
            return false;
    }
    return true;
}

static bool contains(struct run *r, const struct schema_node *sub, const json_t *v,
                     const struct path *at)
{
    size_t n = json_array_size(v);
    for (size_t i = 0; i < n; i++)
        if (check_silent(r, sub, json_array_get(v, i), at))
            return true;
    return false;
}

static bool check_array(struct run *r, const struct schema_array *a, const json_t *v,
                        const struct path *at)
{
    size_t n = json_array_size(v);
    if (n < a->min)
        return refuse(r, at, "minItems", "wanted at least %zu items, found %zu", a->min, n);
    if (n > a->max)
        return refuse(r, at, "maxItems", "wanted at most %zu items, found %zu", a->max, n);
    if (!check_items(r, a, v, at))
        return false;
    if (a->unique && !schema_all_differ(v))
        return refuse(r, at, "uniqueItems", "wanted items that all differ");
    if (a->contains != NULL && !contains(r, a->contains, v, at))
        return refuse(r, at, "contains",
                      "wanted at least one item of the kind that `contains` says");
    return true;
}

/* ---- objects ---- */

static bool refuse_unknown(struct run *r, const struct schema_object *o, const struct path *at)
{
    char near[80];
    if (r->result == NULL)
        return false;
    return refuse(r, at, "additionalProperties", "unknown member%s",
                  schema_words_did_you_mean(o, at->key, near, sizeof(near)));
}

/* A member's name is a text like any other, but seldom needs to become a value to be checked. */
static bool check_name(struct run *r, const struct schema_node *n, const char *key, size_t len,
                       const struct path *at)
{
    if (n->ref == NULL && n->values == NULL && n->constant == NULL && n->logic == NULL &&
        !n->never && (n->types & TYPE_TEXT) != 0)
        return n->text == NULL || check_text(r, n->text, key, len, at);
    json_t *v = json_stringn_nocheck(key, len);
    bool ok = v != NULL && check(r, n, v, at);
    json_decref(v);
    return ok;
}

static bool check_member(struct run *r, const struct schema_object *o, const struct schema_key *k,
                         const char *key, size_t len, const json_t *v, const struct path *at)
{
    bool known = k != NULL && k->sub != NULL;
    if (o->names != NULL && !check_name(r, o->names, key, len, at))
        return false;
    if (known && !check(r, k->sub, v, at))
        return false;
    for (size_t i = 0; i < o->matched_count; i++) {
        if (!schema_pattern_match(o->matched[i].pattern, &r->match, key, len))
            continue;
        known = true;
        if (!check(r, o->matched[i].sub, v, at))
            return false;
    }
    if (known || o->additional == NULL)
        return true;
    return o->additional->never ? refuse_unknown(r, o, at) : check(r, o->additional, v, at);
}

static bool check_members(struct run *r, const struct schema_object *o, const json_t *v,
                          uint64_t *ret_seen, const struct path *at)
{
    json_t *object = json_unconst(v);
    for (void *it = json_object_iter(object); it != NULL; it = json_object_iter_next(object, it)) {
        const char *key = json_object_iter_key(it);
        size_t len = json_object_iter_key_len(it);
        const struct schema_key *k = schema_object_find(o, key, len);
        struct path below = {at, key, 0, at->depth + 1};
        if (k != NULL)
            *ret_seen |= k->bit;
        if (!check_member(r, o, k, key, len, json_object_iter_value(it), &below))
            return false;
    }
    return true;
}

static bool check_required(struct run *r, const struct schema_object *o, const json_t *v,
                           uint64_t seen, const struct path *at)
{
    uint64_t missing = o->required & ~seen;
    for (size_t i = 0; missing != 0 && i < o->key_count; i++)
        if ((o->keys[i].bit & missing) != 0)
            return refuse(r, at, "required", "wanted the member \"%s\", which is missing",
                          o->keys[i].name);
    for (size_t i = 0; i < o->more_count; i++)
        if (json_object_get(v, o->more[i]) == NULL)
            return refuse(r, at, "required", "wanted the member \"%s\", which is missing",
                          o->more[i]);
    return true;
}

static bool check_dependency(struct run *r, const struct schema_dependency *d, const json_t *v,
                             const struct path *at)
{
    if (json_object_get(v, d->name) == NULL)
        return true;
    if (d->sub != NULL)
        return check(r, d->sub, v, at);
    for (size_t i = 0; i < d->count; i++)
        if (json_object_get(v, d->names[i]) == NULL)
            return refuse(r, at, "dependencies", "wanted the member \"%s\" beside \"%s\"",
                          d->names[i], d->name);
    return true;
}

static bool check_object(struct run *r, const struct schema_object *o, const json_t *v,
                         const struct path *at)
{
    uint64_t seen = 0;
    size_t n = json_object_size(v);
    if (!check_members(r, o, v, &seen, at) || !check_required(r, o, v, seen, at))
        return false;
    if (n < o->min)
        return refuse(r, at, "minProperties", "wanted at least %zu members, found %zu", o->min, n);
    if (n > o->max)
        return refuse(r, at, "maxProperties", "wanted at most %zu members, found %zu", o->max, n);
    for (size_t i = 0; i < o->dependency_count; i++)
        if (!check_dependency(r, &o->dependencies[i], v, at))
            return false;
    return true;
}

/* ---- logic ---- */

/* Of several alternatives that all refused: the one that got deepest is what the writer meant; where none got
 * anywhere, all that they wanted. */
static bool refuse_alternatives(struct run *r, const struct schema_list *l, const char *keyword,
                                const json_t *v, const struct path *at)
{
    struct schema_result *kept = r->result, deepest = {0};
    if (kept == NULL)
        return false;
    struct buf wants;
    buf_init(&wants, 200);
    for (size_t i = 0; i < l->count; i++) {
        struct schema_result one = {0};
        r->result = &one;
        if (check(r, l->nodes[i], v, at))
            continue;
        if (one.set && (!deepest.set || one.depth > deepest.depth))
            deepest = one;
        buf_addf(&wants, "%s%s", i > 0 ? "; or " : "", one.fault.reason);
    }
    r->result = kept;
    bool deep = deepest.set && deepest.depth > at->depth;
    if (deep)
        *kept = deepest;
    else
        refuse(r, at, keyword, "%s",
               buf_ok(&wants) ? buf_cstr(&wants) : "matches none of the alternatives");
    buf_fini(&wants);
    return false;
}

static bool check_any(struct run *r, const struct schema_list *l, const json_t *v,
                      const struct path *at)
{
    for (size_t i = 0; i < l->count; i++)
        if (check_silent(r, l->nodes[i], v, at))
            return true;
    return refuse_alternatives(r, l, "anyOf", v, at);
}

static bool check_one(struct run *r, const struct schema_list *l, const json_t *v,
                      const struct path *at)
{
    size_t matches = 0;
    for (size_t i = 0; i < l->count && matches < 2; i++)
        matches += check_silent(r, l->nodes[i], v, at);
    if (matches == 1)
        return true;
    return matches == 0 ? refuse_alternatives(r, l, "oneOf", v, at)
                        : refuse(r, at, "oneOf",
                                 "matches more than one of the alternatives, wanted exactly one");
}

static bool check_logic(struct run *r, const struct schema_logic *l, const json_t *v,
                        const struct path *at)
{
    for (size_t i = 0; i < l->all.count; i++)
        if (!check(r, l->all.nodes[i], v, at))
            return false;
    if (l->any.count > 0 && !check_any(r, &l->any, v, at))
        return false;
    if (l->one.count > 0 && !check_one(r, &l->one, v, at))
        return false;
    if (l->not != NULL && check_silent(r, l->not, v, at))
        return refuse(r, at, "not", "is what the schema rules out");
    if (l->when == NULL)
        return true;
    const struct schema_node *branch = check_silent(r, l->when, v, at) ? l->then : l->otherwise;
    return branch == NULL || check(r, branch, v, at);
}

/* ---- all of it ---- */

static bool check_parts(struct run *r, const struct schema_node *n, const json_t *v, unsigned type,
                        const struct path *at)
{
    if (n->text != NULL && type == TYPE_TEXT &&
        !check_text(r, n->text, json_string_value(v), json_string_length(v), at))
        return false;
    if (n->object != NULL && type == TYPE_OBJECT && !check_object(r, n->object, v, at))
        return false;
    if (n->numbers != NULL && (type & (TYPE_INT | TYPE_NUM)) != 0 &&
        !check_numbers(r, n->numbers, v, at))
        return false;
    if (n->array != NULL && type == TYPE_ARRAY && !check_array(r, n->array, v, at))
        return false;
    if ((n->values != NULL || n->constant != NULL) && !check_values(r, n, v, at))
        return false;
    return n->logic == NULL || check_logic(r, n->logic, v, at);
}

static bool refuse_type(struct run *r, const struct schema_node *n, const json_t *v,
                        const struct path *at)
{
    char words[120];
    if (r->result == NULL)
        return false;
    return refuse(r, at, "type", "wanted %s, found %s",
                  schema_words_of_types(n->types, words, sizeof(words)), schema_words_of_type(v));
}

static bool check(struct run *r, const struct schema_node *n, const json_t *v,
                  const struct path *at)
{
    while (n->ref != NULL)
        n = n->ref;
    if (n->never)
        return refuse(r, at, "false", "nothing is allowed here");
    unsigned type = type_bit(v);
    if ((n->types & type) == 0)
        return refuse_type(r, n, v, at);
    if (r->depth == DEPTH_MAX)
        return refuse(r, at, "depth", "nested too deep");
    r->depth++;
    bool ok = check_parts(r, n, v, type, at);
    r->depth--;
    return ok;
}

static bool run(const struct schema *s, const json_t *v, struct schema_result *result)
{
    static const struct path top = {0};
    struct run r;
    r.result = result;
    r.depth = 0;
    r.match.context = r.match.data = NULL; /* its memory needs no clearing */
    r.match.used = 0;
    bool ok = check(&r, s->root, v, &top);
    schema_match_fini(&r.match);
    return ok;
}

bool schema_check_result(const struct schema *s, const json_t *v, struct schema_result *ret)
{
    *ret = (struct schema_result){0};
    return run(s, v, NULL) || run(s, v, ret);
}

bool schema_check(const struct schema *s, const json_t *v, struct fault *ret_fault)
{
    if (run(s, v, NULL))
        return true;
    struct schema_result res = {0};
    if (ret_fault != NULL) {
        run(s, v, &res);
        *ret_fault = res.fault;
    }
    return false;
}

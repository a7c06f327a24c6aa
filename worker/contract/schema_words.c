#include "contract/schema_words.h"

#include <stdio.h>
#include <string.h>

#define NAME_MAX_BYTES 64

const char *schema_words_of_type(const json_t *v)
{
    static const char *const words[] = {
        [JSON_OBJECT] = "an object",   [JSON_ARRAY] = "a list",  [JSON_STRING] = "a text",
        [JSON_INTEGER] = "an integer", [JSON_REAL] = "a number", [JSON_TRUE] = "true",
        [JSON_FALSE] = "false",        [JSON_NULL] = "null"};
    return words[json_typeof(v)];
}

const char *schema_words_of_types(unsigned types, char *ret, size_t size)
{
    static const struct {
        unsigned bits;
        const char *words;
    } known[] = {{TYPE_INT | TYPE_NUM, "a number"},
                 {TYPE_INT, "an integer"},
                 {TYPE_TEXT, "a text"},
                 {TYPE_BOOL, "true or false"},
                 {TYPE_OBJECT, "an object"},
                 {TYPE_ARRAY, "a list"},
                 {TYPE_NULL, "null"}};
    size_t at = 0;
    *ret = '\0';
    for (size_t i = 0; i < ARRAY_LEN(known) && at < size; i++) {
        if ((types & known[i].bits) != known[i].bits)
            continue;
        at += (size_t)snprintf(ret + at, size - at, "%s%s", at > 0 ? " or " : "", known[i].words);
        types &= ~known[i].bits;
    }
    return ret;
}

const char *schema_words_of_number(const struct schema_number *n, char *ret, size_t size)
{
    if (n->is_int)
        snprintf(ret, size, "%lld", (long long)n->i);
    else
        snprintf(ret, size, "%.15g", n->d);
    return ret;
}

const char *schema_words_of_value(const json_t *v, char *ret, size_t size)
{
    struct buf b;
    buf_init(&b, 65536);
    json_add_compact(&b, v);
    snprintf(ret, size, "%s", buf_cstr(&b));
    buf_fini(&b);
    return ret;
}

const char *schema_words_of_list(const json_t *values, char *ret, size_t size)
{
    struct buf b;
    buf_init(&b, 65536);
    size_t i;
    json_t *item;
    json_array_foreach(values, i, item)
    {
        if (i > 0)
            buf_adds(&b, ", ");
        json_add_compact(&b, item);
    }
    snprintf(ret, size, "%s", buf_cstr(&b));
    buf_fini(&b);
    return ret;
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Changes, insertions and deletions from @a to @b (Levenshtein). */
static size_t distance(const char *a, const char *b)
{
    size_t row[NAME_MAX_BYTES + 1], n = strlen(b);
    for (size_t j = 0; j <= n; j++)
        row[j] = j;
    for (size_t i = 1; a[i - 1] != '\0'; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= n; j++) {
            size_t changed = diagonal + (a[i - 1] != b[j - 1]);
            diagonal = row[j];
            row[j] = least(changed, 1 + least(row[j], row[j - 1]));
        }
    }
    return row[n];
}

const char *schema_nearest(const char *name, const char *(*at)(const void *arg, size_t i),
                           const void *arg, size_t n)
{
    const char *nearest = NULL;
    size_t len = strlen(name), bound = len < 4 ? 2 : 3;
    for (size_t i = 0; len <= NAME_MAX_BYTES && i < n; i++) {
        const char *known = at(arg, i);
        size_t d = strlen(known) <= NAME_MAX_BYTES ? distance(name, known) : bound;
        if (d < bound) {
            bound = d;
            nearest = known;
        }
    }
    return nearest;
}

static const char *key_at(const void *arg, size_t i)
{
    const struct schema_key *k = &((const struct schema_object *)arg)->keys[i];
    return k->sub != NULL ? k->name : "";
}

const char *schema_words_did_you_mean(const struct schema_object *o, const char *name, char *ret,
                                      size_t size)
{
    const char *near = schema_nearest(name, key_at, o, o->key_count);
    *ret = '\0';
    if (near != NULL && *near != '\0')
        snprintf(ret, size, "; did you mean \"%s\"?", near);
    return ret;
}

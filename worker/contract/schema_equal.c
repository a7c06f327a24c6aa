/* schema_equal.c - equality of values as draft-07 has it: numbers by value, objects without order. */
#include <stdlib.h>
#include <string.h>

#include "contract/schema_impl.h"

#define FEW_ITEMS 32 /* up to here, each with each is fastest and needs no memory */

static bool numbers_equal(const json_t *a, const json_t *b)
{
    if (json_is_integer(a) && json_is_integer(b))
        return json_integer_value(a) == json_integer_value(b);
    if (json_is_real(a) && json_is_real(b))
        return json_real_value(a) == json_real_value(b);
    const json_t *i = json_is_integer(a) ? a : b, *r = json_is_integer(a) ? b : a;
    return (long double)json_integer_value(i) == (long double)json_real_value(r);
}

static bool arrays_equal(const json_t *a, const json_t *b)
{
    if (json_array_size(a) != json_array_size(b))
        return false;
    for (size_t i = 0; i < json_array_size(a); i++)
        if (!schema_equal(json_array_get(a, i), json_array_get(b, i)))
            return false;
    return true;
}

static bool objects_equal(const json_t *a, const json_t *b)
{
    if (json_object_size(a) != json_object_size(b))
        return false;
    const char *key;
    size_t len;
    json_t *item, *it = json_unconst(a);
    json_object_keylen_foreach(it, key, len, item)
    {
        const json_t *other = json_object_getn(b, key, len);
        if (other == NULL || !schema_equal(item, other))
            return false;
    }
    return true;
}

bool schema_equal(const json_t *a, const json_t *b)
{
    if (a == b)
        return true;
    if (json_is_number(a) && json_is_number(b))
        return numbers_equal(a, b);
    if (json_typeof(a) != json_typeof(b))
        return false;
    switch (json_typeof(a)) {
    case JSON_OBJECT:
        return objects_equal(a, b);
    case JSON_ARRAY:
        return arrays_equal(a, b);
    case JSON_STRING:
        return json_string_length(a) == json_string_length(b) &&
               memcmp(json_string_value(a), json_string_value(b), json_string_length(a)) == 0;
    case JSON_INTEGER:
    case JSON_REAL:
        return false; /* handled above */
    case JSON_TRUE:
    case JSON_FALSE:
    case JSON_NULL:
        return true;
    }
    return false;
}

/* ---- uniqueItems of long lists: sort by a digest that equal values share ---- */

static uint64_t mix(uint64_t h, uint64_t v)
{
    h = (h ^ v) * 0x9e3779b97f4a7c15ULL;
    return h ^ h >> 29;
}

static uint64_t mix_bytes(uint64_t h, const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++)
        h = (h ^ (unsigned char)s[i]) * 0x100000001b3ULL;
    return mix(h, n);
}

static uint64_t digest(const json_t *v)
{
    uint64_t h = 0;
    if (json_is_number(v)) {
        double d = json_number_value(v) + 0.0; /* -0 and 0 are equal */
        memcpy(&h, &d, sizeof(h));
        return mix(1, h);
    }
    if (json_is_string(v))
        return mix_bytes(2, json_string_value(v), json_string_length(v));
    const char *key;
    size_t len, i;
    json_t *item, *it = json_unconst(v);
    json_object_keylen_foreach(it, key, len, item) h += mix(mix_bytes(3, key, len), digest(item));
    json_array_foreach(v, i, item) h = mix(h, digest(item));
    return mix(h, (uint64_t)json_typeof(v));
}

struct item {
    uint64_t digest;
    const json_t *v;
};

static int item_cmp(const void *a, const void *b)
{
    uint64_t x = ((const struct item *)a)->digest, y = ((const struct item *)b)->digest;
    return (x > y) - (x < y);
}

static bool differ_each(const json_t *array, size_t n)
{
    for (size_t i = 1; i < n; i++)
        for (size_t j = 0; j < i; j++)
            if (schema_equal(json_array_get(array, i), json_array_get(array, j)))
                return false;
    return true;
}

static bool differ_sorted(const struct item *items, size_t n)
{
    for (size_t i = 1; i < n; i++)
        for (size_t j = i; j > 0 && items[j - 1].digest == items[i].digest; j--)
            if (schema_equal(items[i].v, items[j - 1].v))
                return false;
    return true;
}

bool schema_all_differ(const json_t *array)
{
    size_t n = json_array_size(array);
    struct item *items = n > FEW_ITEMS ? malloc(n * sizeof(*items)) : NULL;
    if (items == NULL)
        return differ_each(array, n);
    for (size_t i = 0; i < n; i++)
        items[i] = (struct item){digest(json_array_get(array, i)), json_array_get(array, i)};
    qsort(items, n, sizeof(*items), item_cmp);
    bool differ = differ_sorted(items, n);
    free(items);
    return differ;
}

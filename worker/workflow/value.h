/* value.h - what an expression gives: borrowed JSON, or a text or number that has no JSON form yet. */
#ifndef TVB_WORKFLOW_VALUE_H
#define TVB_WORKFLOW_VALUE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

enum value_kind {
    VALUE_NOTHING, /* the place does not exist */
    VALUE_NULL,
    VALUE_BOOL,
    VALUE_INT,
    VALUE_REAL,
    VALUE_TEXT,
    VALUE_TREE, /* a list or an object */
};

struct value {
    enum value_kind kind;
    const json_t *json; /* where the value came from, or NULL; always set for trees */
    union {
        bool b;
        int64_t i;
        double d;
        struct {
            const char *s; /* borrowed, not NUL-terminated */
            size_t n;
        } text;
    };
};

struct value value_nothing(void);
struct value value_int(int64_t i);
struct value value_text(const char *s, size_t n);
struct value value_of_json(const json_t *v); /* NULL: nothing */
/* The caller's own; NULL for nothing or when out of memory. Only trees are shared: a count of references to a plan's
 * texts would be written by all threads that run it. */
json_t *value_to_json(const struct value *v);

/* Appends the text with U+FFFD in place of each NUL and of what is not UTF-8. JSON may say \\u0000, but what keeps texts (facts, records, a saved run,
 * the databases that read outcomes) does not take it back. */
void value_add_mended(struct buf *out, const char *s, size_t n);

bool value_is_empty(const struct value *v); /* nothing or null */
bool value_is_true(const struct value *v);
/* A whole number within 64 bits, or a text that is one. */
bool value_as_int(const struct value *v, int64_t *ret);
/* Appends the value as text: numbers in their shortest form, trees as compact JSON; nothing and null add nothing. */
void value_add_text(const struct value *v, struct buf *out);
void value_add_json(const struct value *v, struct buf *out);
/* The shortest text of @d that reads back the same. */
void value_add_real(struct buf *out, double d);

/* The tables of schemas/providers/README.md, "Conditions". */
bool value_equal(const struct value *a, const struct value *b);
/* False when the two cannot be ordered; else *ret is below, at or above 0. */
bool value_order(const struct value *a, const struct value *b, int *ret);

/* Compares two UTF-8 texts without regard to case (Latin, Greek, Cyrillic). */
int value_compare_text(const char *a, size_t an, const char *b, size_t bn);

#endif

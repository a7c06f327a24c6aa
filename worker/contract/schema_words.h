/* schema_words.h - what a schema wants, in words; only from the schema, never from the instance. Private to contract. */
#ifndef TVB_CONTRACT_SCHEMA_WORDS_H
#define TVB_CONTRACT_SCHEMA_WORDS_H

#include "contract/schema_impl.h"

/* Each fills @ret (of @size bytes, cut when too long) and returns it. */
const char *schema_words_of_types(unsigned types, char *ret, size_t size);
const char *schema_words_of_number(const struct schema_number *n, char *ret, size_t size);
const char *schema_words_of_value(const json_t *v, char *ret, size_t size);
const char *schema_words_of_list(const json_t *values, char *ret, size_t size);
/* "; did you mean \"x\"?" when a known member is a typing error away from @name, else "". */
const char *schema_words_did_you_mean(const struct schema_object *o, const char *name, char *ret,
                                      size_t size);

const char *schema_words_of_type(const json_t *v); /* "a text" */

#endif

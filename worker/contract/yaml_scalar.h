/* yaml_scalar.h - what a plain scalar means: YAML 1.2 core schema (section 10.3.2). Private to contract. */
#ifndef TVB_CONTRACT_YAML_SCALAR_H
#define TVB_CONTRACT_YAML_SCALAR_H

#include <jansson.h>
#include <stddef.h>

/* The value of the plain scalar @text (NUL-terminated). NULL and *ret_why when JSON has no such value. */
json_t *yaml_scalar(const char *text, size_t len, const char **ret_why);

#endif

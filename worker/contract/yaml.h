/* yaml.h - a YAML file (or JSON, its subset) read into jansson, with the line of each node.
 *
 * One document; anchors, aliases and tags are refused by name; duplicate keys are an error.
 * Plain scalars follow YAML 1.2's core schema (true/false, null/~, integers, floats; anything
 * else, `yes` and `no` included, is text); quoted scalars are text. */
#ifndef TVB_CONTRACT_YAML_H
#define TVB_CONTRACT_YAML_H

#include <jansson.h>
#include <stddef.h>

#include "base/err.h"

struct yaml_doc; /* the value and where each of its nodes stood */

/* NULL and @reterr ("FILE:LINE: what") when it cannot be read or is not YAML. */
struct yaml_doc *yaml_load_file(const char *path, struct err *reterr);
/* The same from memory; @name stands for the file in messages. */
struct yaml_doc *yaml_load_text(const char *name, const char *text, size_t len, struct err *reterr);
/* Not yaml_free(): libyaml exports a function of that name, and the linker would take ours for it. */
void yaml_doc_free(struct yaml_doc *d);

json_t *yaml_root(const struct yaml_doc *d);      /* borrowed */
const char *yaml_name(const struct yaml_doc *d);  /* the path as given */
/* The line (from 1) of the node at the RFC 6901 @pointer, or of the nearest node above it. */
int yaml_line(const struct yaml_doc *d, const char *pointer);

#endif

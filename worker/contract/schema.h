/* schema.h - JSON Schema draft-07 over jansson, compiled once (draft-handrews-json-schema-validation-01).
 *
 * Supported: type, enum, const, multipleOf, maximum, exclusiveMaximum, minimum, exclusiveMinimum,
 * maxLength, minLength, pattern (PCRE2, ECMA-262-like), items, additionalItems, maxItems, minItems, uniqueItems,
 * contains, maxProperties, minProperties, required, properties, patternProperties,
 * additionalProperties, dependencies, propertyNames, if/then/else, allOf, anyOf, oneOf, not, $ref
 * (local pointers, and other files of the same folder), definitions, format (date-time, date, time, email, uri,
 * uri-reference, ipv4, ipv6, hostname, uuid, json-pointer, regex: those listed in schema.c). Annotations
 * ($schema, $id, $comment, title, description, default, examples, readOnly, writeOnly, x-*) are
 * kept and ignored. Any other keyword is an error when the schema is compiled: nothing is ignored in silence.
 *
 * A compiled schema is read-only and may be used by any number of threads. */
#ifndef TVB_CONTRACT_SCHEMA_H
#define TVB_CONTRACT_SCHEMA_H

#include <jansson.h>
#include <stdbool.h>

#include "base/err.h"
#include "contract/json.h"

struct schema;

/* Compiles @root. @dir: where `$ref: other.schema.json` is looked up; NULL: such a $ref is an error.
 * @name stands for the schema in messages. @reterr names the JSON pointer of an unsupported keyword. */
struct schema *schema_compile(const char *name, const json_t *root, const char *dir, struct err *reterr);
/* Reads FILE (JSON or YAML) and compiles it; $refs are looked up in its folder. */
struct schema *schema_load(const char *path, struct err *reterr);
void schema_free(struct schema *s);

/* True when @v is valid. Else false, and @ret_fault (may be NULL) names the deepest fault's pointer and
 * says what was wanted. Values of the instance never appear in the reason. */
bool schema_check(const struct schema *s, const json_t *v, struct fault *ret_fault);

/* The folder with the schema documents: @override when not NULL, else $TVBRIDGE_SCHEMAS, else the one installed
 * beside the program (../share), else the source tree's when it exists, else that of the prefix built for. */
const char *schema_dir(const char *override);

#endif

/* document.h - a YAML document that a person wrote, checked by one of the project's schemas before anybody reads it. */
#ifndef TVB_PRODUCER_DOCUMENT_H
#define TVB_PRODUCER_DOCUMENT_H

#include "base/attr.h"
#include "base/err.h"
#include "contract/yaml.h"

/* Reads @path and checks it by <schemas>/<schema>. The caller frees it with yaml_doc_free(). NULL and @reterr, which names file, line and
 * JSON pointer (ERR_INVAL). */
struct yaml_doc *document_load(const char *path, const char *schemas, const char *schema, struct err *reterr);
/* What a schema cannot say is wrong at @pointer: "FILE:LINE: /pointer: what". Returns -1. */
int document_refuse(const struct yaml_doc *d, const char *pointer, struct err *reterr, const char *fmt, ...) ATTR_PRINTF(4, 5);

#endif

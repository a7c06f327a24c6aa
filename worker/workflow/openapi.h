/* openapi.h - openapi.yaml compiled: servers, security schemes, operations with their parameters. */
#ifndef TVB_WORKFLOW_OPENAPI_H
#define TVB_WORKFLOW_OPENAPI_H

#include "workflow/load.h"

/* Fills the pack from l->doc. Faults are noted; what is broken is left out. */
void openapi_compile(struct loader *l);

/* By operationId; by path and lower-case method. NULL: none. */
struct operation *openapi_operation(const struct pack *p, const char *id);
struct operation *openapi_operation_at(const struct pack *p, const char *pointer);
const struct scheme *openapi_scheme(const struct pack *p, const char *id);

#endif

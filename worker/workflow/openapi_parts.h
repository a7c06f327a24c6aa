/* openapi_parts.h - the parts of an OpenAPI document that operations are made of. Private to openapi*.c. */
#ifndef TVB_WORKFLOW_OPENAPI_PARTS_H
#define TVB_WORKFLOW_OPENAPI_PARTS_H

#include "workflow/load.h"

bool part_is_token(const char *s); /* RFC 9110 token: a header's name */
void part_servers(struct loader *l, const json_t *doc, const struct at *at);
void part_schemes(struct loader *l, const json_t *doc, const struct at *at);
/* The parameters of the path @item and of its operation @v. */
void part_params(struct loader *l, const json_t *item, const json_t *v, struct operation *op, const struct at *item_at,
                 const struct at *at);
void part_security(struct loader *l, const json_t *v, struct operation *op, const struct at *at);

#endif

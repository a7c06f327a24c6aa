/* pointer.h - writing at an RFC 6901 JSON pointer. */
#ifndef TVB_WORKFLOW_POINTER_H
#define TVB_WORKFLOW_POINTER_H

#include <jansson.h>

/* Puts @v (taken over in any case) at @pointer below *root; "" replaces the root, "-" appends to a list. The parent must
 * exist. -1 when it does not, or out of memory. */
int pointer_set(json_t **root, const char *pointer, json_t *v);

#endif

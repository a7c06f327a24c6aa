/* format.h - the rewritings of x-format: MAC addresses, documents, dates. Pure. */
#ifndef TVB_WORKFLOW_FORMAT_H
#define TVB_WORKFLOW_FORMAT_H

#include <stdbool.h>

#include "base/buf.h"
#include "workflow/plan.h"

/* -1: no format of that name. */
int format_parse(const char *name, enum format *ret);
/* Appends @s rewritten. False (what was appended is to be dropped) when it cannot be. */
bool format_add(enum format f, const char *s, size_t n, struct buf *out);

#endif

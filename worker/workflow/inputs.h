/* inputs.h - whether a run has what its workflow's `inputs` ask for. */
#ifndef TVB_WORKFLOW_INPUTS_H
#define TVB_WORKFLOW_INPUTS_H

#include "base/buf.h"
#include "workflow/expr.h"

/* The reason ("missing_input", "invalid_input") and in @detail the place; NULL: all is there. */
const char *inputs_check(const struct scope *s, const struct workflow *w, struct buf *detail);
void inputs_fini(struct workflow *w);

#endif

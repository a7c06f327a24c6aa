/* path.h - a path with {names} in it, taken apart: openapi.yaml's, and one that an installation's settings say. */
#ifndef TVB_WORKFLOW_PATH_H
#define TVB_WORKFLOW_PATH_H

#include "base/err.h"
#include "workflow/plan.h"

/* The parts of @path in @a, which point into @path. -1: ERR_INVAL and what is wrong, or ERR_NOMEM; what came before the
 * fault is in *ret all the same. */
int path_split(struct arena *a, const char *path, const struct path_part **ret, size_t *ret_n, struct err *reterr);

#endif

/* settable.h - what an installation's settings may say otherwise about an operation: its path and its method.
 *
 * For platforms whose API is not public: the pack describes the usual shape, the operator who has the document says where his
 * differs. Known when the pack is bound, so a request costs nothing more. schemas/providers/README.md, "Extensions". */
#ifndef TVB_WORKFLOW_SETTABLE_H
#define TVB_WORKFLOW_SETTABLE_H

#include "workflow/load.h"

/* x-path and x-method of the operation @v. */
void settable_compile(struct loader *l, const json_t *v, struct operation *op, const struct at *at);
/* Path and method of @op in this installation. The settings are in @b. -1 names the operation and what is wrong. */
int settable_bind(struct bound_pack *b, const struct operation *op, struct err *reterr);

/* The parameter of @s that {@name} in a path stands for: the path's own, else one of another place; NULL: not given. */
const struct step_param *settable_param(const struct step *s, const char *name);
/* Whether @p, of another place than the path, is not sent there: the path that the settings say took it, or it is for such a
 * path only. */
bool settable_took(const struct bound_op *o, const struct step *s, const struct step_param *p);

#endif

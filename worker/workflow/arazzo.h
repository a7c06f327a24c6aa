/* arazzo.h - workflows.arazzo.yaml compiled: workflows, steps, actions. */
#ifndef TVB_WORKFLOW_ARAZZO_H
#define TVB_WORKFLOW_ARAZZO_H

#include "workflow/expr.h"

/* The file name of the one OpenAPI source in l->doc; NULL: a fault was noted. */
const char *arazzo_source(struct loader *l);
/* Fills the pack's workflows from l->doc; the operations are known. Faults are noted. */
void arazzo_compile(struct loader *l);

/* --- between the files arazzo*.c --- */

/* A workflow at work: its node in the document and what may be named. */
struct making {
    struct workflow *workflow;
    const json_t *v, *raw_steps;
    struct where where;
};

/* A Reusable Object followed into /components/<kind>; other nodes as they are. v NULL: a fault was noted. */
struct node arazzo_reuse(struct loader *l, const json_t *v, const char *kind, const struct at *at);
/* The steps of @workflow, each with what its x-step adds. The pack owns them. NULL: out of memory. */
const json_t *arazzo_steps(struct loader *l, const json_t *workflow, const struct at *at);
/* Refuses shared steps that none uses. */
void arazzo_shared_used(struct loader *l);
/* SIZE_MAX when the workflow has no such step. */
size_t arazzo_step_index(const struct workflow *w, const char *id);
bool arazzo_is_word(const char *s); /* a-z0-9_, at most 63 */

/* A workflow whose runs belong to no event and have no record to write: `read`, `list`, ... */
bool arazzo_is_errand(const char *workflow_id);

void arazzo_step(struct loader *l, const struct making *m, struct step *ret, const json_t *v, const struct at *at);
void arazzo_params(struct loader *l, const struct making *m, const struct where *w, struct step *ret, const json_t *v,
                   const struct at *at);
void arazzo_body(struct loader *l, const struct where *w, struct step *ret, const json_t *v, const struct at *at);
/* The step's `onSuccess` or `onFailure` followed by the workflow's. */
void arazzo_actions(struct loader *l, const struct making *m, const struct where *w, const json_t *step, bool success,
                    struct actions *ret, const struct at *at);
/* The step's x-record; the rest of it is compiled, those of the other steps' too as far as they come before it. */
void arazzo_keep(struct loader *l, const struct making *m, const struct where *after, struct step *ret, const json_t *v,
                 const struct at *at);
/* Refuses `before: next` in the x-record of a workflow. */
void arazzo_keep_misplaced(struct loader *l, const json_t *workflow, const struct at *at);
/* x-outcome of @v; false when there is none. */
bool arazzo_ending(struct loader *l, const struct where *w, const json_t *v, struct ending *ret, const struct at *at);
void arazzo_dates(struct loader *l, const struct where *w, const json_t *v, const char *workflow_id, struct dates *ret,
                  const struct at *at);
/* `outputs`, and with @more `x-outputs` too. */
void arazzo_outputs(struct loader *l, const struct where *w, const json_t *v, bool more, struct outputs *ret,
                    const struct at *at);
void arazzo_inputs(struct loader *l, const json_t *v, struct workflow *ret, const struct at *at);

#endif

/* fuzz_runs.h - workflows of packs at work under fuzzed answers, and what must hold of every run. */
#ifndef TVB_FUZZ_RUNS_H
#define TVB_FUZZ_RUNS_H

#include "fuzz.h"
#include "workflow/run.h"

/* "stalker", "rough", "token" or "bench": the pack of the source tree, bound with credentials. Loaded once; NULL: none
 * of that name. */
const struct bound_pack *fuzz_pack(struct fuzz_text name);
/* The workflow of that id; NULL: none. */
const struct workflow *fuzz_workflow(const struct bound_pack *b, struct fuzz_text id);
/* Binds @p with made-up credentials, settings and secret. NULL: it was refused, as it may be. */
struct bound_pack *fuzz_bind(const struct pack *p);

/* What a run starts from. */
struct fuzz_start {
    json_t *data, *record; /* owned; NULL: none */
    struct run_inputs in;  /* with the event of the workflow's type, where it is an event's type */
};
/* @data, @record: JSON, or anything else for none. */
void fuzz_start_init(struct fuzz_start *s, const char *workflow_id, struct fuzz_text data, struct fuzz_text record);
void fuzz_start_fini(struct fuzz_start *s);

/* Gives @replies (parts "STATUS\nNAME: VALUE...\n\nBODY") to the run one by one and checks after each what the state, the
 * request, the saved text and the result promise. Ends when there are no more of them. */
void fuzz_play(struct run *r, const struct bound_pack *b, const struct workflow *w, const struct run_inputs *in,
               struct fuzz_text replies);

#endif

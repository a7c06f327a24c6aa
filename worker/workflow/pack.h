/* pack.h - what tvbridge knows of a provider, compiled from openapi.yaml and workflows.arazzo.yaml.
 *
 * OpenAPI 3.x and Arazzo 1.0.1; what is not supported is refused by name when the pack loads.
 * A pack is read-only after loading and may be used by any number of threads; running a step parses nothing.
 *
 * Extensions (documented in schemas/providers/README.md):
 *   OpenAPI operation   x-repeat: safe | keyed | query | never       compulsory on all but GET and HEAD; GET is `read` unless said
 *                       x-repeat-header: NAME                         for keyed: where the key goes (default Idempotency-Key)
 *                       x-path, x-method: TEXT with $inputs.settings   what the settings say instead of what is declared
 *   Arazzo action       x-outcome: { kind: applied | unchanged | rejected | held | dead, reason: WORD }   on `type: end`
 *                       x-status: NUMBER   on a failure action of type end: the answer is judged as if it had this HTTP status
 *   Arazzo step         x-step: NAME   the members that the step does not have are those of /components/x-steps/NAME
 *   Arazzo step         x-outputs: OBJECT   more outputs, as values
 *   Arazzo step         x-for-each: EXPRESSION  runs the step once for each item of a list; $item in its expressions
 *   Arazzo step         x-when: [CRITERION]      the step is skipped (its outputs null) unless all hold
 *   Arazzo step         x-confirm: { workflowId: ID, condition: COND }   for query: after a doubt, run that workflow; the step
 *                                                counts as done when the condition over its $outputs and $inputs holds
 *   Arazzo step         x-record: { before: next, ... }   added to the record, acknowledged, before the next request leaves
 *   Arazzo workflow     x-record: OBJECT of expressions: the merge patch for the record after an applied or unchanged end
 *   Arazzo workflow     x-outcome: { kind, reason }     what a run to the last step's success means (default applied)
 *   Arazzo workflow     x-outputs: OBJECT of expressions: more outputs, as lists and objects in our words
 *   Arazzo criterion    x-any | x-none: EXPRESSION  the condition holds for at least one, for no item ($item) of a list
 *   any value           { x-case: [..] }, { x-each: .. }, { x-merge: [..] }, { x-format: mac | .. }, { x-match: REGEX .. }: a choice, a
 *                       mapped list, several in one, a rewriting
 *   Arazzo workflow `authenticate`   x-token: { scheme: NAME, value: EXPR, expires-in: EXPR or seconds }   session token life */
#ifndef TVB_WORKFLOW_PACK_H
#define TVB_WORKFLOW_PACK_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

struct pack;
struct workflow;

/* Faults found while a pack loads: each with file and line or pointer. */
struct pack_fault {
    char file[256];
    int line;
    char pointer[200];
    char text[300];
};
struct pack_faults {
    struct pack_fault *list; /* owned */
    size_t n;
};
void pack_faults_fini(struct pack_faults *f);
/* The first one as an error, and whether there are more; none: there was no memory. Returns -1. */
int pack_faults_say(const struct pack_faults *f, struct err *reterr);

/* Loads DIR, or, where its settings.yaml names another pack, that one with its settings. NULL and at least one fault when it is refused. */
struct pack *pack_load(const char *dir, struct pack_faults *ret_faults);
void pack_free(struct pack *p);

const char *pack_title(const struct pack *p);
const char *pack_version(const struct pack *p);

/* The workflow for an event type without prefix ("contract.blocked") or one of `read`, `list`,
 * `catalog`, `accounts`, `authenticate`, `probe`. Borrowed; NULL: the pack has none. */
const struct workflow *pack_workflow(const struct pack *p, const char *workflow_id);
/* The worker does itself what events of that type say, and no pack has a workflow for it. */
bool pack_may_not_have(const char *workflow_id);
/* Why there is none of that id, as an error. Returns -1. */
int pack_say_no_workflow(const char *workflow_id, struct err *reterr);
size_t pack_workflow_count(const struct pack *p);
const struct workflow *pack_workflow_at(const struct pack *p, size_t i);
const char *workflow_id(const struct workflow *w);
/* None of its requests changes anything. */
bool workflow_only_reads(const struct workflow *w);
/* Its events imply others for later: run_ends(). */
bool workflow_implies(const struct workflow *w);
/* What its events bring may be left to others for later: run_later(). */
bool workflow_defers(const struct workflow *w);
const char *workflow_summary(const struct workflow *w); /* "" when none */

/* What an installation must give: scheme name -> members, each with the text @fill. The caller owns it. NULL: out of
 * memory. */
json_t *pack_credentials(const struct pack *p, const char *fill);

/* A pack made ready for one installation: base URL and credentials are put in once. Read-only. */
struct bound_pack;
/* @base_url NULL: the OpenAPI document's first server. @credentials: scheme name -> {username, password} (basic),
 * {token} (bearer) or {value} (apiKey); an object, may be NULL. @settings: $inputs.settings, over those of the pack's
 * settings.yaml; may be NULL. Both are copied. @idempotency_secret: for keyed requests; NULL is refused when the pack has one.
 * Fails naming what is missing. The pack must outlive it. */
struct bound_pack *pack_bind(const struct pack *p, const char *base_url, const json_t *credentials,
                             const json_t *settings, const char *idempotency_secret, struct err *reterr);
void bound_pack_free(struct bound_pack *b);
const struct pack *bound_pack_pack(const struct bound_pack *b);

/* True when requests need a session token that the workflow `authenticate` fetches. */
bool bound_pack_needs_token(const struct bound_pack *b);

#endif

/* dialect.h - a billing's own words for what happens to a service: schemas/billing/<name>.yaml. Read-only after loading. */
#ifndef TVB_PRODUCER_DIALECT_H
#define TVB_PRODUCER_DIALECT_H

#include <jansson.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "contract/json.h"

struct dialect;

/* @name: a file <schemas>/billing/<name>.yaml, or a path (with a slash). NULL and @reterr, which names the dialects that there are, or the
 * place in the file: what the schema refuses, and a word that two operations claim. */
struct dialect *dialect_load(const char *schemas, const char *name, struct err *reterr);
void dialect_free(struct dialect *d); /* NULL is fine */

/* The document: operations, states and what stands beside them, as schemas/billing.schema.json has it. Borrowed. */
const json_t *dialect_document(const struct dialect *d);

/* What the event type @word (with or without "tvbridge.") is called here: "contract.blocked" for "bloqueio". One of our own types is
 * itself. NULL: it is neither. */
const char *dialect_type(const struct dialect *d, const char *word);

/* Makes @event, a CloudEvent in structured form whose type is a word of the billing, into one of ours: its type, and in its data what the
 * word implies. What the event says itself stays, unless the word says the contrary. An event with one of our types is left as it is.
 * -1 and @ret_fault: the word is not known (the nearest ones are named), or the data contradict it. */
int dialect_apply(const struct dialect *d, json_t *event, struct fault *ret_fault);

#endif

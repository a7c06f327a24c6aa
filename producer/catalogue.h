/* catalogue.h - what billing's plans and packages are called at the platforms: one YAML file, schemas/catalogue.schema.json.
 *
 * Read-only after loading. What it says of ids is a function of the event alone: nothing is known here of what a service has. */
#ifndef TVB_PRODUCER_CATALOGUE_H
#define TVB_PRODUCER_CATALOGUE_H

#include <jansson.h>

#include "base/err.h"
#include "contract/json.h"

struct catalogue;

/* NULL and @reterr, which names file, line and pointer: of what the schema refuses, of a name that leads nowhere, and of two packages that
 * are one at the platform, since taking one away would take the other. @schemas: the folder with the schemas. */
struct catalogue *catalogue_load(const char *path, const char *schemas, struct err *reterr);
void catalogue_free(struct catalogue *c); /* NULL is fine */

/* A provider's catalogue, as the schema has it; NULL: there is none. Borrowed. */
const json_t *catalogue_of(const struct catalogue *c, const char *provider);

/* The names of its providers, with commas between; those that do not fit whole are left out. */
void catalogue_names(const struct catalogue *c, char *ret, size_t size);

/* Puts the platform's ids into @event, a CloudEvent in structured form with one of our types, in the place of billing's:
 *   service.created, service.snapshot   also what a whole service needs: the default plan or base package, what comes with the plan, the
 *                                       additional points; and checks what an add-on needs
 *   package.added, package.removed      the packages, with an extra's price
 *   plan.changed                        the plan; one that brings packages is refused, since the event cannot say them
 *   any other                           nothing
 * -1 and @ret_fault, which names the pointer, what was found and what is near it; then @event is half done. */
int catalogue_apply(const struct catalogue *c, json_t *event, struct fault *ret_fault);

/* The same for a service's desired state as wanted_read() gives it, at @provider. What it does not say stays unsaid. */
int catalogue_apply_wanted(const struct catalogue *c, const char *provider, json_t *wanted, struct err *reterr);

#endif

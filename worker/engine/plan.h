/* plan.h - a provider's pack made ready, shared by the workers of a pool and replaced by SIGHUP.
 *
 * Read-only and counted: a run keeps the plan that it started with. */
#ifndef TVB_ENGINE_PLAN_H
#define TVB_ENGINE_PLAN_H

#include <stdbool.h>

#include "base/err.h"
#include "contract/axes.h"
#include "contract/settings.h"
#include "workflow/pack.h"

struct plan {
    struct pack *pack;
    struct bound_pack *bound;
    const struct workflow *by_type[EVENT_TYPE_COUNT]; /* NULL: the pack has none; of a snapshot its `read`, if that only reads */
    const struct workflow *authenticate, *probe;      /* NULL: the pack has none */
    struct settings_limits limits;
    struct settings_retry retry;
    struct settings_breaker breaker;
    struct settings_guard guard;
    bool cuts_known;
    _Atomic int refs;
};

/* Loads and binds the provider's pack. NULL and @reterr (the first fault; all go to @ret_faults when not NULL,
 * which the caller frees). */
struct plan *plan_load(const struct settings_provider *p, struct pack_faults *ret_faults, struct err *reterr);
struct plan *plan_ref(struct plan *p);
void plan_unref(struct plan *p); /* any thread; NULL is fine */

#endif

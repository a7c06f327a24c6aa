#include "engine/plan.h"

#include <stdatomic.h>
#include <stdlib.h>

static void plan_free(struct plan *p)
{
    bound_pack_free(p->bound);
    pack_free(p->pack);
    free(p);
}

static int load_pack(struct plan *p, const struct settings_provider *sp, struct pack_faults *faults,
                     struct err *reterr)
{
    p->pack = pack_load(sp->pack_dir, faults);
    if (p->pack != NULL)
        return 0;
    pack_faults_say(faults, reterr);
    return err_prefix(reterr, "provider %s", sp->name);
}

static const struct workflow *reads(const struct pack *pack)
{
    const struct workflow *w = pack_workflow(pack, "read");
    return w != NULL && workflow_only_reads(w) ? w : NULL;
}

static int bind_pack(struct plan *p, const struct settings_provider *sp, struct err *reterr)
{
    p->bound = pack_bind(p->pack, sp->base_url, sp->credentials, sp->settings, sp->idempotency_secret, reterr);
    if (p->bound == NULL)
        return err_prefix(reterr, "provider %s", sp->name);
    for (int t = 0; t < EVENT_TYPE_COUNT; t++)
        p->by_type[t] = pack_workflow(p->pack, event_type_name((enum event_type)t));
    p->by_type[EVENT_SERVICE_SNAPSHOT] = reads(p->pack);
    p->authenticate = pack_workflow(p->pack, "authenticate");
    p->probe = pack_workflow(p->pack, "probe");
    p->limits = sp->limits;
    p->retry = sp->retry;
    p->breaker = sp->breaker;
    p->guard = sp->guard;
    p->cuts_known = sp->cuts_known;
    return 0;
}

struct plan *plan_load(const struct settings_provider *sp, struct pack_faults *ret_faults, struct err *reterr)
{
    struct pack_faults own = {0};
    struct pack_faults *faults = ret_faults != NULL ? ret_faults : &own;
    struct plan *p = calloc(1, sizeof(*p));
    if (p == NULL) {
        err_nomem(reterr);
        return NULL;
    }
    atomic_init(&p->refs, 1);
    if (load_pack(p, sp, faults, reterr) != 0 || bind_pack(p, sp, reterr) != 0) {
        plan_free(p);
        p = NULL;
    }
    pack_faults_fini(&own);
    return p;
}

struct plan *plan_ref(struct plan *p)
{
    atomic_fetch_add_explicit(&p->refs, 1, memory_order_relaxed);
    return p;
}

void plan_unref(struct plan *p)
{
    if (p != NULL && atomic_fetch_sub_explicit(&p->refs, 1, memory_order_acq_rel) == 1)
        plan_free(p);
}

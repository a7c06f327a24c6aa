#include "env.h"

#include <lua.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "rstore.h"

int sim_env_load(struct sim_env *e, struct err *reterr)
{
    struct sim nothing = {0};
    *e = (struct sim_env){.log_fd = -1};
    sim_clock_use(&nothing);
    e->settings = settings_load(TVB_SIM_DIR "/settings.yaml", reterr);
    if (!e->settings)
        return -1;
    e->provider = &e->settings->providers[0];
    e->numbers = e->provider->numbers;
    e->schemas = event_schemas_load(e->settings->schemas, reterr);
    e->acts = e->schemas ? act_schemas_load(e->settings->schemas, reterr) : NULL;
    e->plan = e->acts ? plan_load(e->provider, NULL, reterr) : NULL;
    if (!e->plan)
        return -1;
    e->lua = rstore_lua_new();
    e->log_fd = memfd_create("log", 0);
    e->log = e->log_fd >= 0 ? log_sink_new(e->log_fd) : NULL;
    return e->lua && e->log ? 0 : err_nomem(reterr);
}

void sim_env_free(struct sim_env *e)
{
    if (e->lua)
        lua_close(e->lua);
    log_sink_free(e->log);
    if (e->log_fd >= 0)
        close(e->log_fd);
    plan_unref(e->plan);
    act_schemas_free(e->acts);
    event_schemas_free(e->schemas);
    settings_free(e->settings);
}

/* env.h - what all seeds share: settings, schemas, the pack, Lua. Loaded once a process. */
#ifndef TVB_SIM_ENV_H
#define TVB_SIM_ENV_H

#include "sim.h"

int sim_env_load(struct sim_env *ret, struct err *reterr);
void sim_env_free(struct sim_env *e);

#endif

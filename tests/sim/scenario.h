/* scenario.h - one seed's world: which faults, how much of what (a swarm: each seed is good at something else), what billing
 * sends, and when something goes wrong. */
#ifndef TVB_SIM_SCENARIO_H
#define TVB_SIM_SCENARIO_H

#include "sim.h"

/* Chooses it; @allowed: of these faults. */
void scenario_choose(struct sim *s, const bool allowed[FAULT_COUNT]);
/* Builds the world and plans what happens in it. */
void scenario_begin(struct sim *s);
/* The seed from its begin to its end; sim->failure says what broke. */
void scenario_run(struct sim *s);
/* One line for a person. */
void scenario_tell(const struct sim *s, FILE *out);

#endif

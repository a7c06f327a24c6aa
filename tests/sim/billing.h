/* billing.h - what the simulated billing sends: events of all kinds, some twice, late, in conflict or broken. */
#ifndef TVB_SIM_BILLING_H
#define TVB_SIM_BILLING_H

#include "sim.h"

void billing_plan(struct sim *s);
bool billing_is_done(const struct sim *s);

#endif

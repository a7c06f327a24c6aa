/* operator.h - the simulated operator: acts in the control topic, some of them twice. */
#ifndef TVB_SIM_OPERATOR_H
#define TVB_SIM_OPERATOR_H

#include "sim.h"

void operator_plan(struct sim *s);
/* True when all that he has to say stands in the topic, and nothing waits for anybody. */
bool operator_is_done(struct sim *s);

#endif

/*
 * What happens because of time: deadlines and duties that are due fire, each once, in order.
 */
#ifndef FLOW_TIMER_H
#define FLOW_TIMER_H

#include "flow/flow.h"

/* Fires what is due now; a transaction for each. ERR_OK also where there was nothing. */
enum err timer_fire(struct flow *f, struct diag *why);

/* How many are due now. */
int64_t timer_count_due(struct flow *f);

#endif

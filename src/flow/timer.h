/*
 * What happens because of time: deadlines that are due fire, each once, in order.
 */
#ifndef FLOW_TIMER_H
#define FLOW_TIMER_H

#include "flow/flow.h"

/* Fires what is due now; a transaction for each. ERR_OK also where there was nothing. */
enum err timer_fire(struct flow *f, struct diag *why);

/* Seconds until the next deadline; 0: now; -1: there is none. */
int64_t timer_next_in_s(struct flow *f);

#endif

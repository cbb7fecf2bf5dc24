/*
 * What core sees to at its start, beside its queues: that what repeats waits for its next instant.
 */
#ifndef FLOW_UPKEEP_H
#define FLOW_UPKEEP_H

#include "flow/flow.h"

/* One transaction. */
enum err upkeep_begin(struct flow *f, struct diag *why);

#endif

/*
 * The announcement of a new key of the list (key rotate-list), once, at the first start with it: sealed, to all active
 * members and the team, with the new certificate and the statement that both keys have signed.
 */
#ifndef FLOW_KEY_ROTATED_H
#define FLOW_KEY_ROTATED_H

#include "flow/flow.h"
#include "store/duties.h"

#define KEY_ROTATED_DUTY "key.rotated"

enum err key_rotated_run(struct flow *f, const struct duty_row *duty, struct diag *why);

#endif

/*
 * The announcement of a new key of the list (key rotate-list), once, at the first start with it, with the new
 * certificate and the statement that both keys have signed. Sealed: to the team, all active members, everybody in an
 * open case who has a key (once for each key, in one of the cases), and applicants under way whose key works. Whose key
 * is not known is told nothing; the site shows both keys and the statement.
 */
#ifndef FLOW_KEY_ROTATED_H
#define FLOW_KEY_ROTATED_H

#include "flow/flow.h"
#include "store/duties.h"

#define KEY_ROTATED_DUTY "key.rotated"

enum err key_rotated_run(struct flow *f, const struct duty_row *duty, struct diag *why);

#endif

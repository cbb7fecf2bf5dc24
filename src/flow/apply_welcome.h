/* The first mail to a new member: the list's key, the tier's rules, what is allowed and denied, how to leave. */
#ifndef FLOW_APPLY_WELCOME_H
#define FLOW_APPLY_WELCOME_H

#include "flow/applications.h"

enum err apply_welcome(struct apply *a, const struct member_row *m, const char *role, struct diag *why);

#endif

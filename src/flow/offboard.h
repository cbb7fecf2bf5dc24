/*
 * Admins come and go in embargod.conf alone. At core's start the list of them is compared with the last one: a change
 * is audited and mailed to all who are admins now. Of one who went (or has another key), nonces, open proposals and
 * votes for what is open end, what is queued for him is dropped, and his key is forgotten. In the caller's transaction.
 */
#ifndef FLOW_OFFBOARD_H
#define FLOW_OFFBOARD_H

#include "flow/flow.h"

enum err offboard_compare(struct flow *f, const struct settings_list *list, int64_t list_id, struct diag *why);

#endif

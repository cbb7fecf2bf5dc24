/*
 * A change of the policy by which a list works: another name in embargod.conf, or another text of the file (DIR/policy
 * is a root of trust like embargod.conf: whoever writes there decides how many admins an action needs). It holds at
 * once for what is new, not for cases, which have pinned theirs. It is never silent: audited (policy.changed), and
 * mailed to all admins, with the numbers of approvals before and now.
 *
 * Looked for at the start, each day, and before each action that may need approvals, so that the mail goes no later
 * than what the change has made possible. In the caller's transaction.
 */
#ifndef FLOW_POLICY_WATCH_H
#define FLOW_POLICY_WATCH_H

#include "flow/flow.h"

/* A policy that cannot be read now is no change: whoever needs it says so. */
enum err policy_watch(struct flow *f, const struct settings_list *list, int64_t list_id, struct diag *why);

#endif

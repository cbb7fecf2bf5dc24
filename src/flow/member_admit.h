/*
 * The one way in: an organisation becomes a member with its first contact, whoever asked for it (member add, an
 * application). Approvals are the caller's business, and must have been given.
 */
#ifndef FLOW_MEMBER_ADMIT_H
#define FLOW_MEMBER_ADMIT_H

#include "flow/flow.h"
#include "store/members.h"

/* All borrowed. */
struct admission {
    const char *address;
    const struct pgp_key_info *key; /* NULL: none */
    struct span certificate;        /* minimised */
    const char *actor;              /* for the audit trail */
    const char *rule;               /* by which; "" */
};

/*
 * m is filled but for its id, which is set. In the caller's transaction; on an error the caller rolls back.
 * ERR_NOT_FOUND tier.unknown; ERR_DENIED tiers.classes, member.exists, key.duplicate; ERR_USAGE member.name, addr.*.
 */
enum err member_admit(struct flow *f, const struct policy *policy, const struct admission *a, struct member_row *m,
                      struct diag *why);

#endif

/*
 * How somebody becomes a member, whatever way: command, import, application. Checks and records; the approvals that the
 * policy asks for are the caller's (flow/approvals.h). In the caller's transaction.
 */
#ifndef FLOW_MEMBERS_FLOW_H
#define FLOW_MEMBERS_FLOW_H

#include "codec/pgp_key.h"
#include "flow/member_admit.h"

/* A name that goes into audit trails, headers and tables: 1 to 100 printable characters. ERR_USAGE member.name. */
enum err member_check_name(const char *org, struct diag *why);

/* ERR_NOT_FOUND tier.unknown, ERR_DENIED tiers.classes. */
enum err member_check_tier(const struct policy *policy, const char *class_name, const char *tier, struct diag *why);

/*
 * One more address of a member, with its key or none (key NULL). A key that cannot be used is kept and shown with its
 * state. ERR_REJECT addr.*; ERR_DENIED contact.exists, contact.taken (another member has the address), key.duplicate
 * (another member or an admin has the key or one of its subkeys). The caller audits.
 */
enum err member_add_contact(struct flow *f, const struct member_row *m, const char *address,
                            const struct pgp_key_info *key, struct span certificate, struct diag *why);

/* Who had the list's own key would pass for the list: ERR_DENIED key.duplicate; the one before a rotation counts too.
 */
enum err members_check_not_lists(struct flow *f, int64_t list_id, const struct pgp_key_info *key, struct diag *why);

/* Whether the organisation stands in a list of members that the policy has published: not once suspended or removed. */
bool member_is_published(const struct member_row *m);

#endif

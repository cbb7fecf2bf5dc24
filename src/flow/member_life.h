/*
 * What happens to members: contacts come and go, breaches are recorded, memberships pause and end. In the caller's
 * transaction; approvals are the caller's.
 */
#ifndef FLOW_MEMBER_LIFE_H
#define FLOW_MEMBER_LIFE_H

#include "flow/flow.h"
#include "policy/states.h"

struct member_change {
    int64_t dropped; /* copies that will not go */
    int64_t ended;   /* participations in cases */
};

/*
 * One step of the table of states, audited. Where a membership stops, what is queued for it is dropped; where it ends,
 * so do its participation in cases, the tokens of its threads, its nonces, what it has asked for, and its look-ups.
 * ERR_DENIED state.member.
 */
enum err member_change_state(struct flow *f, struct member_row *m, enum member_event event, const char *reason,
                             const struct actor *by, struct member_change *out, struct diag *why);

/*
 * Takes an address away; what waits for it is dropped. All contacts are told, this one too.
 * ERR_NOT_FOUND contact.unknown, ERR_DENIED contact.last.
 */
enum err member_drop_contact(struct flow *f, const struct settings_list *list, const struct member_row *m,
                             const char *address, const struct actor *by, struct diag *why);

/* Audits and tells the member and the admins of a contact that was added or dropped; verb: "added", "dropped". */
enum err member_contact_changed(struct flow *f, const struct settings_list *list, const struct member_row *m,
                                const char *address, const char *verb, const struct actor *by, struct diag *why);

/* Kept with the consequence that the policy names ("unstated" where it names none), sealed reason; admins are told. */
enum err member_record_breach(struct flow *f, const struct settings_list *list, const struct policy *policy,
                              const struct member_row *m, const char *reason, const struct actor *by, struct diag *why);

#endif

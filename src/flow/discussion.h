/*
 * Members who were told of a case talk about it, where the policy's posting rules let members write to "members": a
 * signed mail that answers one of the case's mails goes to the others who were told and still may be, rebuilt from what
 * the signature covers, signed and sealed by the list, under the name of the author's organisation. Elsewhere such a
 * mail is a post to the case, which only the team sees (posting rules to "case").
 *
 * In-Reply-To and References stand outside of most signatures, so that somebody on the way could lead a member's words
 * to another case: what names another case in its signed subject is not relayed.
 */
#ifndef FLOW_DISCUSSION_H
#define FLOW_DISCUSSION_H

#include "flow/receiving.h"

/* Is the sender a member, proved, active, who was told of the case? */
bool discussion_is_insider(const struct receiving *r, int64_t case_id);

/* Does the subject name another case than the one that the references lead to? */
bool discussion_is_misled(const struct receiving *r);

/* Records the mail to the others. */
enum err discussion_relay(struct receiving *r, struct diag *why);

#endif

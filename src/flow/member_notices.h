/*
 * Mail to members about their membership, never about a case: sealed for every contact whose key works now; and, where
 * none does, a plain notice without content. In the caller's transaction.
 */
#ifndef FLOW_MEMBER_NOTICES_H
#define FLOW_MEMBER_NOTICES_H

#include "flow/outgoing.h"

/* The same for a mail that the caller has made. */
enum err member_send(struct flow *f, const struct outgoing *mail, const struct member_row *m, size_t *n_told,
                     struct diag *why);

/* To all contacts that can be served; *n_told counts them (0: nobody; may be NULL). */
enum err member_tell(struct flow *f, const struct settings_list *list, const struct member_row *m, const char *subject,
                     const char *text, size_t *n_told, struct diag *why);

/*
 * One plain notice to each contact, which says that a key is needed and nothing else; none where the policy says
 * reporting.plain_text = "never". *n_told as above.
 */
enum err member_tell_plain(struct flow *f, const struct settings_list *list, const struct policy *policy,
                           const struct member_row *m, size_t *n_told, struct diag *why);

/* Whether any contact of a member can be sent to now. */
bool member_is_reachable(struct flow *f, const struct member_row *m);

/*
 * Brings the member's state in line with its keys: key-trouble where no contact can be served, active again where one
 * can. Audited; admins are told of trouble. A suspended or removed member stays what it is.
 */
enum err member_judge_keys(struct flow *f, const struct settings_list *list, int64_t member_id, struct diag *why);

#endif

/*
 * A mail that was opened meets the policy: it becomes a case, is added to one, or is held for an admin. Never dropped.
 */
#ifndef FLOW_RECEIVE_H
#define FLOW_RECEIVE_H

#include "flow/incoming.h"

enum receive_result {
    RECEIVE_CASE,    /* a new case, or a message of one */
    RECEIVE_HELD,    /* held under a rule */
    RECEIVE_REPEATED /* a redelivery of what is here already */
};

/*
 * One transaction, committed on ERR_OK; after that the spool's file may go. ERR_AGAIN, ERR_INTERNAL: nothing has
 * changed, try again later. rule (DIAG_RULE_MAX bytes) names what decided.
 */
enum err receive_mail(struct flow *f, const struct incoming *in, enum receive_result *result, char *rule,
                      struct diag *why);

/* Holds a mail that could not be opened, under the rule of `reason`. One transaction. */
enum err receive_hold(struct flow *f, const struct incoming *in, const struct diag *reason, struct diag *why);

/*
 * Before any parsing: has this mail, to this recipient, been handled within seven days? One that an admin lets in: has
 * it been let in? (A crash may leave it in the spool, or have the admin say it again.) Reads only.
 */
bool receive_is_repeated(struct flow *f, const struct incoming *in);

/*
 * Does this mail, of which only the outside is known, go its way without any key: a program wrote it
 * (codec/automatic.h), or it came to an address for bounces? Its rule, or NULL.
 */
const char *receive_automatic_rule(struct flow *f, const struct incoming *in);

/* Held copies of lists and bulk mail of which the team is told in a day, for each rule; of what is certainly a
 * program's, one. */
#define RECEIVE_NOTICES_OF_LISTS 10

#endif

/*
 * Re-attestation: as often as membership.reattest of the policy says, a member is asked to say by signed mail that all
 * is as it was (`Embargo-Command: attest`). Reminders come after 7 and 21 days; after 30 days the membership is
 * suspended, until an admin reinstates it. Where the policy states no time, nobody is asked.
 */
#ifndef FLOW_REATTEST_H
#define FLOW_REATTEST_H

#include "flow/duty_kinds.h"

#define REATTEST_ROUND_DUTY "reattest-round" /* object: the list; once a day: who is due is asked */
#define REATTEST_DUTY       "reattest"       /* object: the member; detail: "remind", "last", "suspend" */

/* Puts the daily round of a list, where none waits. */
enum err reattest_begin(struct flow *f, int64_t list_id, struct diag *why);

enum err reattest_round_run(struct flow *f, const struct duty_row *duty, struct diag *why);
enum err reattest_run(struct flow *f, const struct duty_row *duty, struct diag *why);

/* It was given, or an admin stands in for it: the time begins anew. */
enum err reattest_given(struct flow *f, const struct member_row *m, const struct actor *by, struct diag *why);

#endif

/*
 * What a deadline does when it fires, besides being told to the team: a tier's final notice goes out; where its clock
 * says on_expiry = "predisclose", what is known is sent; what is not done by its max is chased (flow/reminders.h).
 *
 * What cannot be undone is a duty of its own ("tell", object: the case; detail: "" or the tier of a final notice), so
 * that it waits while the clock is not believed (flow/clock_guard.h), and is tried again.
 */
#ifndef FLOW_DEADLINE_EFFECTS_H
#define FLOW_DEADLINE_EFFECTS_H

#include "flow/flow.h"
#include "store/deadlines.h"

enum err deadline_effect(struct flow *f, const struct deadline_row *d, struct case_row *c,
                         const struct settings_list *list, struct diag *why);

/*
 * What a clock that is not believed holds of a case (its staged copies, its duty "tell") goes: an admin vouches for it.
 * *n: how much of it there was. In the caller's transaction, which also sets the release's confirmed_at.
 */
enum err clock_let_go(struct flow *f, int64_t case_id, int64_t *n, struct diag *why);

/* The duty kind "tell". */
struct duty_row;
enum err tell_run(struct flow *f, const struct duty_row *d, struct diag *why);

/* Tells the teams, once for each trouble, that the clock holds something up. */
enum err clock_alarm(struct flow *f, struct diag *why);
/* The same where notices wait in the outbox; a transaction of its own. */
enum err clock_watch(struct flow *f, struct diag *why);

#endif

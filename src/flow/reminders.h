/*
 * What the team hears of a case because of time, besides the deadlines themselves. All are duties (store/duties.h)
 * whose object is the case: reminder  "CLOCK/TIER/SECONDS": so long before a deadline (settings: reminders); where
 * several are due, the last overdue   "CLOCK": a deadline has passed and is not met: again each day, each six hours
 * where its clock says on_expiry = "escalate" chase     a case that has no date, or one beyond the policy's limit, or
 * is to be published at once: each day They are put anew whenever the deadlines are computed, and end with the case.
 */
#ifndef FLOW_REMINDERS_H
#define FLOW_REMINDERS_H

#include "flow/flow.h"
#include "policy/schedule.h"
#include "store/deadlines.h"
#include "store/duties.h"

/* "embargo.max": a deadline of the schedule as it is named in the database. Returns out. */
const char *reminders_clock(const struct schedule_deadline *d, char *out, size_t size);

enum err reminders_put(struct flow *f, const struct policy *policy, const struct case_row *c,
                       const struct schedule *schedule, struct diag *why);

/* A deadline has fired: it is chased from now on, where something has to be done by it. */
enum err reminders_overdue_from(struct flow *f, const struct policy *policy, const struct case_row *c,
                                const struct deadline_row *d, struct diag *why);

/* The kinds. */
enum err reminder_run(struct flow *f, const struct duty_row *d, struct diag *why);
enum err overdue_run(struct flow *f, const struct duty_row *d, struct diag *why);
enum err chase_run(struct flow *f, const struct duty_row *d, struct diag *why);

#endif

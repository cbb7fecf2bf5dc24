/*
 * What happens because of time: deadlines and duties that are due fire, each once, in the order of their instants.
 *
 * What fires later than TIMER_LATE_S after its instant (the daemon was down, the machine asleep) is marked late in the
 * audit trail (event deadline.late), and the team gets one mail of all that was missed. What fails is tried again after
 * a growing pause, and holds up nothing else.
 */
#ifndef FLOW_TIMER_H
#define FLOW_TIMER_H

#include "flow/flow.h"

#define TIMER_LATE_S 60

/* started_utc_s: since when the daemon runs. */
struct timer *timer_new(int64_t started_utc_s);
void timer_free(struct timer **t);
int64_t timer_started(const struct timer *t);

/* Fires what is due now; a transaction for each. ERR_OK also where there was nothing. */
enum err timer_fire(struct flow *f, struct diag *why);

/* How many are due now. */
int64_t timer_count_due(struct flow *f);

/* The duty kind "missed": one mail to the team of a list on what fired late at the duty's instant. */
struct duty_row;
enum err timer_tell_missed(struct flow *f, const struct duty_row *d, struct diag *why);

#endif

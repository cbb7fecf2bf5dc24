/*
 * The decision to tell: a case's advisory goes to whom a fanout says, by an admin's command or by the policy's clock.
 */
#ifndef FLOW_ADVISORY_TELL_H
#define FLOW_ADVISORY_TELL_H

#include "flow/advisory_send.h"

/*
 * Pre-discloses the case where that has not happened (its public id is given then), marks the version as sent, queues
 * the mails, records who was told and what was answered for the policy, and computes the deadlines anew.
 */
enum err advisory_tell(struct flow *f, const struct policy *policy, struct case_row *row,
                       const struct settings_list *list, struct advisory_view *v, const struct fanout *fan,
                       const struct actor *by, struct diag *why);

/*
 * What the clock tells: the newest version, as far as it is written, to every tier that is told (tier NULL), or as the
 * final notice to those of one tier who were told and are active. A draft that nobody has approved is not final: then
 * the last version that was sent goes again. *n: how many copies; 0 where there is nothing that could be told.
 */
enum err advisory_tell_by_clock(struct flow *f, const struct policy *policy, struct case_row *row,
                                const struct settings_list *list, const char *final_tier, bool draft_is_final,
                                size_t *n, struct diag *why);

/* The embargo's date has moved: notices that wait for their instant move with it. */
enum err advisory_move_staged(struct flow *f, const struct policy *policy, const struct case_row *row,
                              struct diag *why);

#endif

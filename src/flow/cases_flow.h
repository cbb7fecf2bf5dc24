/*
 * What happens to a case: opened, added to, told to the team, moved from state to state.
 */
#ifndef FLOW_CASES_FLOW_H
#define FLOW_CASES_FLOW_H

#include "flow/flow.h"
#include "flow/incoming.h"
#include "policy/decide.h"
#include "policy/states.h"

/* Opens a case under the list's policy, pinned. The caller frees *out. */
enum err case_open(struct flow *f, const struct settings_list *list, int64_t list_id, const char *title,
                   const struct actor *by, struct case_row *out, struct diag *why);

/* Appends a mail that was opened to a case; author as in message_row. */
enum err case_add_message(struct flow *f, const struct case_row *c, const struct incoming *in, const char *author,
                          bool verified, int64_t *out_n, struct diag *why);

/* The mail, encrypted, to the team; except: an admin's address, or NULL. */
enum err case_tell_team(struct flow *f, const struct settings_list *list, const struct case_row *c,
                        const struct incoming *in, int64_t message_n, const char *author, bool verified,
                        const char *except, struct diag *why);

/* A few words to the team about a case (or none), encrypted. */
enum err case_notify_team(struct flow *f, const struct settings_list *list, int64_t list_id, const struct case_row *c,
                          const char *subject, const char *text, struct diag *why);

/* The facts that the policy decides by, from the row. */
void case_facts(const struct case_row *c, struct decide_case *out);

/* Chooses the track as the facts are now and notes it in the row (not yet written). */
enum err case_choose_track(const struct policy *policy, struct case_row *c, struct diag *why);

/*
 * One step of the table of states: moves the row, sets the instant of the new state, writes it, and the audit trail.
 * ERR_DENIED rule state.case where the table has no such row.
 */
enum err case_step(struct flow *f, struct case_row *c, enum case_event event, const struct actor *by, const char *rule,
                   const char *reason, struct diag *why);

/* Computes the deadlines anew from the policy and the row. */
enum err case_reschedule(struct flow *f, const struct policy *policy, const struct case_row *c, struct diag *why);

/* The schedule's facts of a row. */
struct schedule_facts;
void case_schedule_facts(const struct policy *policy, const struct case_row *c, struct schedule_facts *out);

/* What people call it: its public id once it has one, else its code. */
const char *case_label(const struct case_row *c);

#endif

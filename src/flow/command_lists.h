/*
 * Whose team's things a command may look at. One instance may serve several lists, and an admin some of them alone
 * (embargod.conf, admins, lists): what belongs to another list is for him not there, neither shown nor counted nor
 * changed. --list narrows it further, and a command by mail is of the list that it was sent to.
 */
#ifndef FLOW_COMMAND_LISTS_H
#define FLOW_COMMAND_LISTS_H

#include "flow/command.h"

/* list NULL: what belongs to no list of embargod.conf, which only those see who see all. */
bool command_sees(struct flow *f, const struct command *c, const struct settings_list *list);
/* The same by a record's list_id; 0: of none. */
bool command_sees_row(struct flow *f, const struct command *c, int64_t list_id);
/* An admin of all lists, whatever --list says. */
bool command_serves_all(struct flow *f, const struct command *c);
/* For what is counted (store/outlook.h): "" where nothing is left out, else the ids of its lists as ",1,3,". */
enum err command_scope(struct flow *f, const struct command *c, struct buf *out, struct diag *why);

#endif

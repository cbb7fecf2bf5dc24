/* The case that a command names by its argument ID. */
#ifndef FLOW_CASE_OF_H
#define FLOW_CASE_OF_H

#include "flow/command.h"

/* ERR_NOT_FOUND also where the admin does not serve the case's list. The caller frees *out. */
enum err case_of_command(struct flow *f, const struct command *c, struct case_row *out,
                         const struct settings_list **list, struct diag *why);

#endif

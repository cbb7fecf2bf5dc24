/* What can wait for approvals, and how each is carried out (flow/approvals.h). */
#include "flow/approvals.h"

const struct approval_action approval_actions[] = {
    {"command", approval_run_command, NULL},
    {NULL, NULL, NULL},
};

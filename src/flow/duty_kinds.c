#include "flow/duty_kinds.h"

#include "flow/approvals.h"
#include "flow/key_refresh.h"

const struct duty_kind duty_kinds[] = {
    {"approval", approval_duty},
    {KEY_ROUND_DUTY, key_round_run},
    {NULL, NULL},
};

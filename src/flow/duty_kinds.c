#include "flow/duty_kinds.h"

#include "flow/key_refresh.h"

const struct duty_kind duty_kinds[] = {
    {KEY_ROUND_DUTY, key_round_run},
    {NULL, NULL},
};

#include "flow/duty_kinds.h"

const struct duty_kind duty_kinds[] = {
    {NULL, NULL},
};

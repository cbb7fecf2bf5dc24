#include "flow/lookup_kinds.h"

#include "flow/applications.h"
#include "flow/key_refresh.h"

const struct lookup_kind lookup_kinds[] = {
    {KEY_ROUND_LOOKUP, key_round_found},
    {APPLY_LOOKUP, apply_key_found},
    {NULL, NULL},
};

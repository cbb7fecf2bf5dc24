#include "flow/lookup_kinds.h"

#include "base/mem.h"
#include "codec/addr.h"
#include "flow/applications.h"
#include "flow/key_refresh.h"

#include <stdlib.h>
#include <string.h>

const struct lookup_kind lookup_kinds[] = {
    {KEY_ROUND_LOOKUP, key_round_found},
    {APPLY_LOOKUP, apply_key_found},
    {NULL, NULL},
};

/* "Name <address>", or the address alone. */
static bool uid_names(const char *uid, const char *address)
{
    const char *open = strrchr(uid, '<'), *close = open ? strchr(open, '>') : NULL;
    char *spec = open && close ? mem_strndup(open + 1, (size_t)(close - open - 1)) : mem_strdup(uid);
    bool same = addr_equal(spec, address);

    free(spec);
    return same;
}

bool lookup_names_address(const struct pgp_key_info *key, const char *address)
{
    for (size_t i = 0; i < key->n_uids; i++)
        if (uid_names(key->uids[i], address))
            return true;
    return false;
}

/* The passphrases of the lists' keys, handed to their agents at core's start. */
#include "proc/core.h"

#include "base/log.h"
#include "base/mem.h"
#include "codec/pgp_home.h"

#include <stdlib.h>

/* A key that stays locked keeps nobody from starting: check, the release's pre-flight and the sealer say so. */
static void unlock(struct core *core, const struct settings_list *list)
{
    char *home = settings_gnupg(core->settings, list->name, "list");
    struct buf passphrase = {.max = SETTINGS_PASSPHRASE_MAX};
    struct diag why;
    enum err err = settings_passphrase(list, &passphrase, &why);

    if (!err && passphrase.len)
        err = pgp_home_unlock(home, list->fingerprint, buf_span(&passphrase), &why);
    if (err)
        log_diag(NULL, "list-key-locked", &why);
    /* It has the same passphrase (key rotate-list), and opens mail alone. */
    if (!err && passphrase.len && list->previous_key &&
        pgp_home_unlock(home, list->previous_key, buf_span(&passphrase), &why))
        log_diag(NULL, "previous-key-locked", &why);
    buf_free(&passphrase);
    free(home);
}

void core_unlock_keys(struct core *core)
{
    for (size_t i = 0; i < core->settings->n_lists; i++)
        unlock(core, &core->settings->lists[i]);
}

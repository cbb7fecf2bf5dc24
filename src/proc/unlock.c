/* The passphrases of the lists' keys, handed to their agents at core's start. */
#include "proc/core.h"

#include "base/fsx.h"
#include "base/log.h"
#include "base/mem.h"
#include "codec/pgp_home.h"

#include <stdlib.h>

#define PASSPHRASE_MAX 1024 /* bytes */

/* From the file that embargod.conf names, else from systemd (a credential embargod-LIST). None: the key has none. */
static enum err read_passphrase(const struct settings_list *list, struct buf *out, struct diag *why)
{
    const char *folder = getenv("CREDENTIALS_DIRECTORY");
    char *path = list->passphrase_file ? mem_strdup(list->passphrase_file)
                 : folder              ? mem_printf("%s/embargod-%s", folder, list->name)
                                       : NULL;
    enum err err = path ? fsx_read_path(path, PASSPHRASE_MAX, out, why) : ERR_OK;

    if (err == ERR_NOT_FOUND && !list->passphrase_file)
        err = ERR_OK;
    while (!err && out->len && (out->data[out->len - 1] == '\n' || out->data[out->len - 1] == '\r'))
        out->data[--out->len] = 0;
    free(path);
    return err;
}

/* A key that stays locked keeps nobody from starting: check, the release's pre-flight and the sealer say so. */
static void unlock(struct core *core, const struct settings_list *list)
{
    char *home = settings_gnupg(core->settings, list->name, "list");
    struct buf passphrase = {.max = PASSPHRASE_MAX};
    struct diag why;
    enum err err = read_passphrase(list, &passphrase, &why);

    if (!err && passphrase.len)
        err = pgp_home_unlock(home, list->fingerprint, buf_span(&passphrase), &why);
    if (err)
        log_diag(NULL, "list-key-locked", &why);
    buf_free(&passphrase);
    free(home);
}

void core_unlock_keys(struct core *core)
{
    for (size_t i = 0; i < core->settings->n_lists; i++)
        unlock(core, &core->settings->lists[i]);
}

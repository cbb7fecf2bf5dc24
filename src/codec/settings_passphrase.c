#include "codec/settings.h"

#include "base/fsx.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

enum err settings_passphrase(const struct settings_list *list, struct buf *out, struct diag *why)
{
    const char *folder = getenv("CREDENTIALS_DIRECTORY");
    char *path = list->passphrase_file ? mem_strdup(list->passphrase_file)
                 : folder              ? mem_printf("%s/embargod-%s", folder, list->name)
                                       : NULL;
    enum err err = path ? fsx_read_path(path, SETTINGS_PASSPHRASE_MAX, out, why) : ERR_OK;

    if (err == ERR_NOT_FOUND && !list->passphrase_file)
        err = ERR_OK;
    for (size_t i = 0; !err && i < out->len; i++)
        if (out->data[i] == '\n' || out->data[i] == '\r') {
            mem_wipe(out->data + i, out->len - i);
            out->len = i;
        }
    free(path);
    return err;
}

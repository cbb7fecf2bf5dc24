#include "flow/texts.h"

#include "base/mem.h"
#include "codec/assets.h"

#include <stdlib.h>

#define NAMES_MAX 32

enum err text_fill(const char *name, const struct tmpl_value *values, size_t n, struct buf *out, struct diag *why)
{
    const char *names[NAMES_MAX];
    char *file = mem_printf("mail/%s.txt", name);
    const struct asset *a = assets_find(file);
    struct tmpl *t = NULL;
    enum err err = ERR_OK;

    for (size_t i = 0; i < n && i < NAMES_MAX; i++)
        names[i] = values[i].name;
    if (!a || n > NAMES_MAX)
        err = diag_set(why, ERR_INTERNAL, "template.missing", "no template %s is built in", file);
    if (!err)
        err = tmpl_load((struct span){a->data, a->len}, file, names, n, &t, why);
    if (!err)
        err = tmpl_fill(t, values, n, out, why);
    tmpl_free(&t);
    free(file);
    return err;
}

#include "flow/texts.h"

#include "base/fsx.h"
#include "base/log.h"
#include "base/mem.h"
#include "codec/assets.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define NAMES_MAX 32

static enum err fill(struct span text, const char *file, const struct tmpl_value *values, size_t n, struct buf *out,
                     struct diag *why)
{
    const char *names[NAMES_MAX];
    struct tmpl *t = NULL;
    enum err err = ERR_OK;

    if (n > NAMES_MAX)
        return diag_set(why, ERR_INTERNAL, "template.values", "too many values for %s", file);
    for (size_t i = 0; i < n; i++)
        names[i] = values[i].name;
    err = tmpl_load(text, file, names, n, &t, why);
    if (!err)
        err = tmpl_fill(t, values, n, out, why);
    tmpl_free(&t);
    return err;
}

enum err text_fill(const char *name, const struct tmpl_value *values, size_t n, struct buf *out, struct diag *why)
{
    char *file = mem_printf("mail/%s.txt", name);
    const struct asset *a = assets_find(file);
    enum err err = a ? fill((struct span){a->data, a->len}, file, values, n, out, why)
                     : diag_set(why, ERR_INTERNAL, "template.missing", "no template %s is built in", file);

    free(file);
    return err;
}

/* False where there is none, or none that can be used: `out` is as it was. */
static bool fill_file(const struct flow *f, const char *language, const char *name, const struct tmpl_value *values,
                      size_t n, struct buf *out)
{
    char *file = mem_printf("templates/mail/%s/%s.txt", language, name), *path = settings_path(f->settings, file);
    struct buf text = {.max = TEXT_TEMPLATE_MAX}, filled = BUF_EMPTY;
    struct diag why;
    enum err err = fsx_read_path(path, TEXT_TEMPLATE_MAX, &text, &why);

    if (!err)
        err = fill(buf_span(&text), file, values, n, &filled, &why);
    if (!err)
        buf_add_buf(out, &filled);
    else if (err != ERR_NOT_FOUND)
        log_diag(NULL, "template-not-used", &why);
    buf_free(&text);
    buf_free(&filled);
    free(path);
    free(file);
    return !err;
}

bool text_fill_own(const struct flow *f, const char *language, const char *name, const struct tmpl_value *values,
                   size_t n, struct buf *out)
{
    char tag[TEXT_LANGUAGE_MAX + 1];
    struct diag none;

    if (!language || text_language(language, tag, &none))
        return false;
    while (*tag) {
        char *dash = strrchr(tag, '-');

        if (fill_file(f, tag, name, values, n, out))
            return true;
        *(dash ? dash : tag) = 0;
    }
    return false;
}

enum err text_fill_in(const struct flow *f, const char *language, const char *name, const struct tmpl_value *values,
                      size_t n, struct buf *out, struct diag *why)
{
    return text_fill_own(f, language, name, values, n, out) ? ERR_OK : text_fill(name, values, n, out, why);
}

/* Letters, digits and single hyphens: nothing that means something in a path. */
enum err text_language(const char *tag, char *out, struct diag *why)
{
    size_t len = strlen(tag);
    bool ok = len <= TEXT_LANGUAGE_MAX && (!len || isalpha((unsigned char)tag[0]));

    *out = 0;
    for (size_t i = 0; ok && i < len; i++) {
        ok = isalnum((unsigned char)tag[i]) || (tag[i] == '-' && i + 1 < len && tag[i + 1] != '-');
        out[i] = (char)tolower((unsigned char)tag[i]);
        out[i + 1] = 0;
    }
    if (ok && strcmp(out, "en") == 0)
        *out = 0;
    return ok ? ERR_OK
              : diag_set(why, ERR_USAGE, "member.language", "a language is a tag (RFC 5646), as de or pt-BR: `%.40s`",
                         tag);
}

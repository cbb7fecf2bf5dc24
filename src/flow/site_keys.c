/* Keys, security.txt (RFC 9116) and the look of the pages: files that are the same whatever is published. */
#include "flow/site_model.h"

#include "base/mem.h"
#include "codec/assets.h"
#include "codec/pgp_armor.h"
#include "codec/wkd.h"

#include <stdlib.h>
#include <string.h>

static enum err put_style(site_put *put, void *ctx, struct diag *why)
{
    const struct asset *a = assets_find("web/style.css");

    return a ? put(ctx, "style.css", (struct span){a->data, a->len}, why)
             : diag_set(why, ERR_INTERNAL, "template.missing", "no template web/style.css is built in");
}

static enum err put_armored(const struct site_list *l, const char *name, const struct buf *key, site_put *put,
                            void *ctx, struct diag *why)
{
    char *path = mem_printf("%s/%s", l->list->name, name);
    struct buf text = BUF_EMPTY;
    struct pgp_armor armor;
    enum err err;

    pgp_armor_begin(&armor, PGP_ARMOR_PUBLIC_KEY, "\n", &text);
    pgp_armor_update(&armor, buf_span(key), &text);
    pgp_armor_end(&armor, &text);
    err = put(ctx, path, buf_span(&text), why);
    free(path);
    buf_free(&text);
    return err;
}

/* The key of now; the one before it, as long as it opens mail; and what both have signed. */
static enum err put_list_keys(const struct site_list *l, site_put *put, void *ctx, struct diag *why)
{
    char *path = mem_printf("%s/key-transition.txt", l->list->name);
    enum err err = put_armored(l, "key.asc", &l->key, put, ctx, why);

    if (!err && l->key_before.len)
        err = put_armored(l, "key-previous.asc", &l->key_before, put, ctx, why);
    if (!err && l->statement.len)
        err = put(ctx, path, buf_span(&l->statement), why);
    free(path);
    return err;
}

/*
 * Web Key Directory (draft-koch-openpgp-webkey-service): the direct form at the domain itself, and the advanced one at
 * openpgpkey.DOMAIN, so that either can be pointed here.
 */
static enum err put_directory(const struct site_list *l, site_put *put, void *ctx, struct diag *why)
{
    static const enum wkd_method methods[] = {WKD_DIRECT, WKD_ADVANCED};
    enum err err = ERR_OK;

    for (size_t i = 0; !err && i < 2; i++) {
        struct buf host = BUF_EMPTY, url = BUF_EMPTY;
        char *path;

        err = wkd_url(l->list->address, methods[i], &host, &url, why);
        path = err ? NULL : strstr((char *)url.data, ".well-known/");
        if (path) {
            path[strcspn(path, "?")] = 0;
            err = put(ctx, path, buf_span(&l->key), why);
        }
        buf_free(&host);
        buf_free(&url);
    }
    return err;
}

/* The directory says that it is one by a file `policy`, once for each domain. */
static enum err put_policy_files(const struct site *s, site_put *put, void *ctx, struct diag *why)
{
    enum err err = put(ctx, ".well-known/openpgpkey/policy", (struct span){NULL, 0}, why);

    for (size_t i = 0; !err && i < s->n_lists; i++) {
        const char *domain = strrchr(s->lists[i].list->address, '@') + 1;
        bool before = !s->lists[i].key.len;
        char *path;

        for (size_t k = 0; k < i; k++)
            before = before || strcmp(strrchr(s->lists[k].list->address, '@') + 1, domain) == 0;
        if (before)
            continue;
        path = mem_printf(".well-known/openpgpkey/%s/policy", domain);
        err = put(ctx, path, (struct span){NULL, 0}, why);
        free(path);
    }
    return err;
}

enum err site_put_keys(struct site *s, site_put *put, void *ctx, struct diag *why)
{
    enum err err = put_style(put, ctx, why);

    if (!err && !s->security_signed.len)
        err = diag_set(why, ERR_INTERNAL, "site.unsigned", "security.txt was not signed");
    if (!err)
        err = put(ctx, ".well-known/security.txt", buf_span(&s->security_signed), why);
    if (!err)
        err = put_policy_files(s, put, ctx, why);
    for (size_t i = 0; !err && i < s->n_lists; i++) {
        if (!s->lists[i].key.len)
            continue;
        err = put_list_keys(&s->lists[i], put, ctx, why);
        if (!err)
            err = put_directory(&s->lists[i], put, ctx, why);
    }
    return err;
}

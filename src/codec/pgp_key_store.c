#include "codec/pgp_key_store.h"

#include "base/instant.h"
#include "base/mem.h"
#include "codec/pgp_gpg.h"
#include "codec/pgp_key.h"

#include <string.h>

#define SECRET_MAX ((size_t)4 << 20) /* bytes of an exported secret key */

enum err pgp_key_delete(const char *home, const char *fingerprint, bool with_secret, struct diag *why)
{
    unsigned flags = GPGME_DELETE_FORCE | (with_secret ? GPGME_DELETE_ALLOW_SECRET : 0);
    gpgme_key_t key = NULL;
    struct pgp_gpg gpg;
    gpgme_error_t error;
    enum err err = pgp_gpg_open(&gpg, home, why);

    if (err)
        return err;
    err = pgp_gpg_key(&gpg, fingerprint, false, &key, why);
    if (!err && (error = gpgme_op_delete_ext(gpg.ctx, key, flags))) {
        if (gpgme_err_code(error) == GPG_ERR_CONFLICT)
            err = diag_set(why, ERR_DENIED, "key.secret", "the home holds the secret key as well; it is kept");
        else if (!(err = pgp_gpg_judge(error, why)))
            err = diag_set(why, ERR_INTERNAL, "pgp.engine", "gpg did not delete the key: %s", pgp_gpg_words(error));
    }
    if (key)
        gpgme_key_unref(key);
    pgp_gpg_close(&gpg);
    return err;
}

static enum err export(const char *home, const char *fingerprint, gpgme_export_mode_t mode, bool armored,
                       struct buf *out, struct diag *why) {
    gpgme_key_t key = NULL; struct pgp_sink sink; struct pgp_gpg gpg; gpgme_error_t error; enum err err;

    buf_clear(out); err = pgp_gpg_open(&gpg, home, why); if (err) return err;
    err = pgp_gpg_key(&gpg, fingerprint, mode &GPGME_EXPORT_MODE_SECRET, &key, why); if (!err){
        gpgme_set_armor(gpg.ctx, armored); pgp_gpg_sink_open(&sink, out, SIZE_MAX);
        error = gpgme_op_export(gpg.ctx, fingerprint, mode, sink.data); pgp_gpg_sink_close(&sink);
        if (sink.over) err = diag_set(why, ERR_LIMIT, "too-large", "the exported key exceeds %zu bytes", out->max);
        else if (error && !(err = pgp_gpg_judge(error, why)))
            err = diag_set(why, ERR_INTERNAL, "pgp.engine", "gpg did not export the key: %s", pgp_gpg_words(error));
        else if (!err && !out->len)
            err = mode & GPGME_EXPORT_MODE_SECRET
                      ? diag_set(why, ERR_AGAIN, "locked-key", "the secret key cannot be exported without a passphrase")
                      : diag_set(why, ERR_INTERNAL, "pgp.result", "gpg exported nothing");}
if (key) gpgme_key_unref(key);
pgp_gpg_close(&gpg);
if (err)
    buf_clear(out);
return err;
}

enum err pgp_key_export(const char *home, const char *fingerprint, bool minimal, bool armored, struct buf *out,
                        struct diag *why)
{
    return export(home, fingerprint, minimal ? GPGME_EXPORT_MODE_MINIMAL : 0, armored, out, why);
}

enum err pgp_key_export_secret(const char *home, const char *fingerprint, struct buf *out, struct diag *why)
{
    return export(home, fingerprint, GPGME_EXPORT_MODE_SECRET, false, out, why);
}

enum err pgp_key_import_secret(const char *home, struct span in, char *fingerprint, struct diag *why)
{
    return pgp_key_import_bytes(home, in, 1, true, fingerprint, why);
}

enum err pgp_key_copy_secret(const char *from_home, const char *fingerprint, const char *to_home, struct diag *why)
{
    struct buf secret = {.max = SECRET_MAX};
    enum err err = pgp_key_export_secret(from_home, fingerprint, &secret, why);

    if (!err)
        err = pgp_key_import_secret(to_home, buf_span(&secret), NULL, why);
    buf_free(&secret);
    return err;
}

enum err pgp_key_list(const char *home, bool secret, char (*fingerprints)[PGP_FPR_SIZE], size_t max, size_t *n,
                      struct diag *why)
{
    gpgme_error_t error;
    struct pgp_gpg gpg;
    gpgme_key_t key;
    enum err err = pgp_gpg_open(&gpg, home, why);

    *n = 0;
    if (err)
        return err;
    error = gpgme_op_keylist_start(gpg.ctx, NULL, secret);
    while (!error && !(error = gpgme_op_keylist_next(gpg.ctx, &key))) {
        if (*n < max)
            pgp_fpr_copy(fingerprints[(*n)++], key->fpr);
        else
            err = diag_set(why, ERR_LIMIT, "key.several", "the home holds more than %zu keys", max);
        gpgme_key_unref(key);
    }
    gpgme_op_keylist_end(gpg.ctx);
    if (gpgme_err_code(error) != GPG_ERR_EOF && !err && !(err = pgp_gpg_judge(error, why)))
        err = diag_set(why, ERR_INTERNAL, "pgp.engine", "gpg did not list its keys: %s", pgp_gpg_words(error));
    pgp_gpg_close(&gpg);
    if (err)
        *n = 0;
    return err;
}

/* The passphrase of a key that is made; asked for once, or again where the agent wants it repeated. */
static gpgme_error_t give_passphrase(void *ctx, const char *hint, const char *info, int was_bad, int fd)
{
    const struct span *passphrase = ctx;

    (void)hint;
    (void)info;
    if (was_bad || gpgme_io_writen(fd, passphrase->data, passphrase->len) || gpgme_io_writen(fd, "\n", 1))
        return gpg_error(GPG_ERR_CANCELED);
    return 0;
}

static gpgme_error_t create(struct pgp_gpg *gpg, const char *user_id, unsigned long left_s, struct span passphrase,
                            unsigned flags)
{
    gpgme_error_t error = 0;

    if (!passphrase.len)
        return gpgme_op_createkey(gpg->ctx, user_id, "future-default", 0, left_s, NULL, flags | GPGME_CREATE_NOPASSWD);
    error = gpgme_set_pinentry_mode(gpg->ctx, GPGME_PINENTRY_MODE_LOOPBACK);
    gpgme_set_passphrase_cb(gpg->ctx, give_passphrase, &passphrase);
    if (!error)
        error = gpgme_op_createkey(gpg->ctx, user_id, "future-default", 0, left_s, NULL, flags);
    gpgme_set_passphrase_cb(gpg->ctx, NULL, NULL);
    gpgme_set_pinentry_mode(gpg->ctx, GPGME_PINENTRY_MODE_ERROR);
    return error;
}

enum err pgp_key_generate_locked(const char *home, const char *user_id, int64_t expires_at_utc_s,
                                 struct span passphrase, char *fingerprint, struct diag *why)
{
    bool never = expires_at_utc_s == INSTANT_NONE;
    unsigned flags = GPGME_CREATE_FORCE | (never ? GPGME_CREATE_NOEXPIRE : 0);
    int64_t left_s = never ? 0 : expires_at_utc_s - pgp_home_now(home);
    gpgme_genkey_result_t result;
    gpgme_error_t error;
    struct pgp_gpg gpg;
    enum err err;

    fingerprint[0] = 0;
    if (!user_id[0] || strpbrk(user_id, "\r\n") || (!never && (left_s <= 0 || left_s > UINT32_MAX)))
        return diag_set(why, ERR_USAGE, "pgp.usage", "a key needs a user id of one line, and an end in the future");
    err = pgp_gpg_open(&gpg, home, why);
    if (err)
        return err;
    error = create(&gpg, user_id, (unsigned long)left_s, passphrase, flags);
    result = gpgme_op_genkey_result(gpg.ctx);
    if (error && !(err = pgp_gpg_judge(error, why)))
        err = diag_set(why, ERR_INTERNAL, "pgp.engine", "gpg did not make a key: %s", pgp_gpg_words(error));
    else if (!err && (!result || !result->fpr || !result->primary || !result->sub))
        err = diag_set(why, ERR_INTERNAL, "pgp.result", "gpg made no key with a subkey");
    else if (!err)
        pgp_fpr_copy(fingerprint, result->fpr);
    pgp_gpg_close(&gpg);
    return err;
}

enum err pgp_key_generate(const char *home, const char *user_id, int64_t expires_at_utc_s, char *fingerprint,
                          struct diag *why)
{
    return pgp_key_generate_locked(home, user_id, expires_at_utc_s, (struct span){NULL, 0}, fingerprint, why);
}

#include "codec/pgp_stream.h"

#include "base/mem.h"
#include "codec/pgp_gpg.h"
#include "codec/pgp_seal_result.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define AES256 9

struct stream {
    pgp_pull *pull;
    pgp_push *push;
    void *ctx;
    bool failed;
};

static ssize_t on_read(void *handle, void *to, size_t max)
{
    struct stream *s = handle;
    ssize_t n = s->failed ? -1 : s->pull(s->ctx, to, max);

    if (n < 0) {
        s->failed = true;
        errno = EIO;
    }
    return n;
}

static ssize_t on_write(void *handle, const void *bytes, size_t len)
{
    struct stream *s = handle;

    if (!s->failed && s->push(s->ctx, (struct span){bytes, len}))
        return (ssize_t)len;
    s->failed = true;
    errno = EIO;
    return -1;
}

static enum err source_failed(struct diag *why)
{
    return diag_set(why, ERR_INTERNAL, "pgp.stream", "what was to be read or written failed on the way");
}

/* ---- sealing ---- */

static enum err check_sealed(struct pgp_gpg *gpg, gpgme_key_t key, struct diag *why)
{
    gpgme_sign_result_t signs = gpgme_op_sign_result(gpg->ctx);
    gpgme_encrypt_result_t seals = gpgme_op_encrypt_result(gpg->ctx);
    gpgme_new_signature_t sig = signs ? signs->signatures : NULL;

    if (!seals || seals->invalid_recipients)
        return pgp_result_off(why, "a recipient was left out");
    if (gpg->status.sealed_cipher != AES256)
        return pgp_result_off(why, "the cipher is not AES256");
    if (!sig || sig->next || signs->invalid_signers || sig->hash_algo != GPGME_MD_SHA512)
        return pgp_result_off(why, "not exactly one signature with SHA512");
    for (gpgme_subkey_t sub = key->subkeys; sub; sub = sub->next)
        if (sub->fpr && sig->fpr && !strcmp(sub->fpr, sig->fpr))
            return ERR_OK;
    return pgp_result_off(why, "the signature is by another key");
}

static char *recipients_text(const char *const *recipients, size_t n)
{
    struct buf text = BUF_EMPTY;

    buf_add_str(&text, "--\n");
    for (size_t i = 0; i < n; i++)
        buf_printf(&text, "%s\n", recipients[i]);
    return buf_take(&text);
}

enum err pgp_seal_stream(const char *home, const char *signer, const char *const *recipients, size_t n, pgp_pull *pull,
                         void *ctx, int out_fd, struct diag *why)
{
    static struct gpgme_data_cbs calls = {.read = on_read};
    const gpgme_encrypt_flags_t flags =
        GPGME_ENCRYPT_ALWAYS_TRUST | GPGME_ENCRYPT_NO_ENCRYPT_TO | GPGME_ENCRYPT_NO_COMPRESS;
    struct stream s = {.pull = pull, .ctx = ctx};
    gpgme_data_t in = NULL, out = NULL;
    char *names = recipients_text(recipients, n);
    gpgme_key_t key = NULL;
    struct pgp_gpg gpg;
    gpgme_error_t error;
    enum err err = n ? pgp_gpg_open(&gpg, home, why) : diag_set(why, ERR_USAGE, "pgp.usage", "nobody to encrypt to");

    if (err) {
        free(names);
        return err;
    }
    err = pgp_gpg_key(&gpg, signer, true, &key, why);
    if (!err) {
        error = gpgme_data_new_from_cbs(&in, &calls, &s);
        if (!error)
            error = gpgme_data_new_from_fd(&out, out_fd);
        if (!error)
            error = gpgme_signers_add(gpg.ctx, key);
        if (!error)
            error = gpgme_op_encrypt_sign_ext(gpg.ctx, NULL, names, flags, in, out);
        err = s.failed ? source_failed(why)
              : error  ? pgp_result_refused(error, NULL, why)
                       : check_sealed(&gpg, key, why);
        gpgme_data_release(in);
        gpgme_data_release(out);
        gpgme_key_unref(key);
    }
    pgp_gpg_close(&gpg);
    free(names);
    return err;
}

/* ---- opening ---- */

static enum err open_own(gpgme_ctx_t *ctx, struct diag *why)
{
    gpgme_error_t error;

    *ctx = NULL;
    gpgme_check_version(NULL);
    error = gpgme_new(ctx);
    if (!error)
        error = gpgme_set_protocol(*ctx, GPGME_PROTOCOL_OpenPGP);
    if (error)
        return diag_set(why, ERR_INTERNAL, "pgp.engine", "gpg cannot be run (%s)", pgp_gpg_words(error));
    gpgme_set_offline(*ctx, 1);
    return ERR_OK;
}

static enum err signature_off(struct diag *why)
{
    return diag_set(why, ERR_REJECT, "backup.signature",
                    "it does not have exactly one good signature: take another backup, and find out who made this one");
}

/* Exactly one signature, good; a key that has expired since then was good when it signed. */
static enum err judge_signature(gpgme_ctx_t ctx, struct pgp_stream_facts *facts, struct diag *why)
{
    gpgme_verify_result_t result = gpgme_op_verify_result(ctx);
    gpgme_signature_t sig = result ? result->signatures : NULL;
    gpgme_key_t key = NULL;
    gpgme_err_code_t code;

    if (!sig || sig->next)
        return signature_off(why);
    code = gpgme_err_code(sig->status);
    if (code == GPG_ERR_NO_PUBKEY)
        return diag_set(why, ERR_DENIED, "backup.unknown-signer",
                        "it is signed by %s, which your keyring does not have: if that is the list's key, as you know "
                        "it from elsewhere, import it (gpg --import) and say this again",
                        sig->fpr ? sig->fpr : "a key");
    if (code != GPG_ERR_NO_ERROR && code != GPG_ERR_KEY_EXPIRED)
        return signature_off(why);
    if (!gpgme_get_key(ctx, sig->fpr, &key, 0) && key->fpr)
        pgp_fpr_copy(facts->signer, key->fpr);
    if (key)
        gpgme_key_unref(key);
    facts->signed_at_utc_s = (int64_t)sig->timestamp;
    return facts->signer[0] ? ERR_OK : signature_off(why);
}

static enum err damaged(struct diag *why)
{
    return diag_set(why, ERR_REJECT, "backup.damaged", "it is cut, altered, or no backup: take another one");
}

/* One of the caller's keys gave the session key. */
static bool has_opened(gpgme_decrypt_result_t result)
{
    for (gpgme_recipient_t to = result ? result->recipients : NULL; to; to = to->next)
        if (!gpgme_err_code(to->status))
            return true;
    return false;
}

static enum err judge_open(gpgme_ctx_t ctx, gpgme_error_t error, struct pgp_stream_facts *facts, struct diag *why)
{
    gpgme_decrypt_result_t result = gpgme_op_decrypt_result(ctx);

    switch (gpgme_err_code(error)) {
    case GPG_ERR_NO_ERROR:
        break;
    case GPG_ERR_NO_SECKEY:
        /* Of a damaged one gpg says this too, where a key of another admin is not there. */
        if (has_opened(result))
            return damaged(why);
        return diag_set(why, ERR_DENIED, "backup.no-key",
                        "none of your keys opens it: it is for the admins of the instance; name the home of such a "
                        "key in GNUPGHOME, or plug in the card");
    case GPG_ERR_CANCELED:
    case GPG_ERR_FULLY_CANCELED:
    case GPG_ERR_BAD_PASSPHRASE:
    case GPG_ERR_NO_PASSPHRASE:
    case GPG_ERR_NO_PIN_ENTRY:
    case GPG_ERR_BAD_PIN:
        return diag_set(why, ERR_DENIED, "backup.locked", "your key was not unlocked (%s): export GPG_TTY=$(tty)",
                        pgp_gpg_words(error));
    default:
        return damaged(why);
    }
    if (!result || result->legacy_cipher_nomdc || !result->recipients)
        return diag_set(why, ERR_REJECT, "backup.damaged", "it is not encrypted as a backup is: take another one");
    return judge_signature(ctx, facts, why);
}

enum err pgp_open_stream(int in_fd, pgp_push *push, void *ctx, struct pgp_stream_facts *facts, struct diag *why)
{
    static struct gpgme_data_cbs calls = {.write = on_write};
    struct stream s = {.push = push, .ctx = ctx};
    gpgme_data_t in = NULL, out = NULL;
    gpgme_ctx_t gpg;
    gpgme_error_t error;
    enum err err = open_own(&gpg, why);

    memset(facts, 0, sizeof *facts);
    if (!err) {
        error = gpgme_data_new_from_fd(&in, in_fd);
        if (!error)
            error = gpgme_data_new_from_cbs(&out, &calls, &s);
        if (!error)
            error = gpgme_op_decrypt_verify(gpg, in, out);
        err = s.failed ? source_failed(why) : judge_open(gpg, error, facts, why);
        gpgme_data_release(in);
        gpgme_data_release(out);
    }
    if (gpg)
        gpgme_release(gpg);
    return err;
}

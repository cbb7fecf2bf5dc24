#include "codec/pgp_gpg.h"
#include "codec/pgp_seal.h"
#include "codec/pgp_seal_result.h"

static enum err check_both(struct pgp_gpg *gpg, struct diag *why)
{
    gpgme_sign_result_t result = gpgme_op_sign_result(gpg->ctx);
    int n = 0;

    if (!result || result->invalid_signers)
        return pgp_result_off(why, "a key did not sign");
    for (gpgme_new_signature_t s = result->signatures; s; s = s->next, n++)
        if (s->hash_algo != GPGME_MD_SHA512)
            return pgp_result_off(why, "a signature is not made with SHA512");
    return n == 2 ? ERR_OK : pgp_result_off(why, "not exactly two signatures");
}

enum err pgp_sign_clear_both(const char *list_home, const char *first, const char *second, struct span text,
                             struct buf *clear, struct diag *why)
{
    const char *const fingerprints[] = {first, second};
    struct pgp_sink sink = {0};
    struct pgp_gpg gpg;
    gpgme_error_t error = 0;
    gpgme_data_t in;
    enum err err;

    buf_clear(clear);
    err = pgp_gpg_open(&gpg, list_home, why);
    if (err)
        return err;
    for (int i = 0; !err && !error && i < 2; i++) {
        gpgme_key_t key = NULL;

        err = pgp_gpg_key(&gpg, fingerprints[i], true, &key, why);
        if (!err)
            error = gpgme_signers_add(gpg.ctx, key);
        if (key)
            gpgme_key_unref(key);
    }
    if (!err) {
        in = pgp_gpg_input(text);
        pgp_gpg_sink_open(&sink, clear, SIZE_MAX);
        if (!error)
            error = gpgme_op_sign(gpg.ctx, in, sink.data, GPGME_SIG_MODE_CLEAR);
        err = error ? pgp_result_refused(error, &sink, why) : check_both(&gpg, why);
        pgp_gpg_sink_close(&sink);
        gpgme_data_release(in);
    }
    pgp_gpg_close(&gpg);
    if (err)
        buf_clear(clear);
    return err;
}

#include "codec/pgp_open.h"

#include "base/mem.h"
#include "codec/pgp_gpg.h"
#include "codec/pgp_scan.h"

#include <string.h>

static enum err reject(struct diag *why, const char *rule, const char *text)
{
    return diag_set(why, ERR_REJECT, rule, "%s", text);
}

static enum err not_for_us(struct pgp_gpg *gpg, struct diag *why)
{
    if (!pgp_gpg_has_secret(gpg))
        return diag_set(why, ERR_AGAIN, "agent", "no secret key is in reach; start the key agent, or import the key");
    return reject(why, "not-for-us", "the message is not encrypted to the list's key; encrypt it to that key");
}

/* Why gpg did not decrypt. The agent's and the machine's troubles come first: they say nothing of the message. */
static enum err decrypt_refused(struct pgp_gpg *gpg, gpgme_error_t error, const struct pgp_sink *sink,
                                const struct pgp_scan *scan, struct diag *why)
{
    gpgme_decrypt_result_t result = gpgme_op_decrypt_result(gpg->ctx);
    const struct pgp_status *status = &gpg->status;
    enum err err;

    if (sink->over)
        return diag_set(why, ERR_LIMIT, "bomb", "the decrypted content exceeds its limit");
    err = pgp_gpg_judge(gpgme_err_make(GPG_ERR_SOURCE_GPG, status->key_trouble), why);
    if (!err && gpgme_err_code(error) != GPG_ERR_EIO)
        err = pgp_gpg_judge(error, why);
    if (err)
        return err;
    if (!status->opened_by[0] && !status->key_trouble)
        return not_for_us(gpg, why);
    if (result && result->legacy_cipher_nomdc)
        return reject(why, "no-integrity", "the message has no integrity protection (RFC 9580, 5.7)");
    if (scan->body_tag != 18 && !status->opened_cipher)
        return reject(why, "unsupported", "the message's encryption is not known to this gpg; use SEIPD version 1");
    return reject(why, "corrupt", "the message is damaged or was changed; ask for it again");
}

/* What a success must look like: a key of ours, integrity protection, something inside. */
static enum err check_decrypted(struct pgp_gpg *gpg, const struct buf *out, struct diag *why)
{
    gpgme_decrypt_result_t result = gpgme_op_decrypt_result(gpg->ctx);

    if (!result || !gpg->status.opened_by[0])
        return reject(why, "corrupt", "gpg does not say which key opened the message");
    if (result->legacy_cipher_nomdc || !gpg->status.saw_good_mdc)
        return reject(why, "no-integrity", "the message has no integrity protection (RFC 9580, 5.7)");
    if (gpg->status.broken || !out->len)
        return reject(why, "corrupt", "the encrypted message is empty, or holds something else besides");
    return ERR_OK;
}

static enum err run_decrypt(const char *home, gpgme_decrypt_flags_t flags, struct span binary, size_t limit,
                            const struct pgp_scan *scan, struct buf *out, struct pgp_decrypt_facts *facts,
                            struct diag *why)
{
    struct pgp_sink sink;
    struct pgp_gpg gpg;
    gpgme_error_t error;
    gpgme_data_t in;
    enum err err = pgp_gpg_open(&gpg, home, why);

    if (err)
        return err;
    in = pgp_gpg_input(binary);
    pgp_gpg_sink_open(&sink, out, limit);
    error = gpgme_op_decrypt_ext(gpg.ctx, flags, in, sink.data);
    pgp_gpg_sink_close(&sink);
    gpgme_data_release(in);
    if (error || sink.over || gpg.status.failed)
        err = decrypt_refused(&gpg, error, &sink, scan, why);
    else
        err = check_decrypted(&gpg, out, why);
    if (!err && facts) {
        pgp_fpr_copy(facts->opened_by, gpg.status.opened_by);
        facts->recipients = scan->n_key_ids;
        facts->cipher = gpg.status.opened_cipher;
    }
    pgp_gpg_close(&gpg);
    return err;
}

size_t pgp_bomb_limit(size_t packed)
{
    size_t limit = packed > SIZE_MAX / PGP_BOMB_FACTOR ? SIZE_MAX : packed * PGP_BOMB_FACTOR;

    return limit < PGP_BOMB_FLOOR ? PGP_BOMB_FLOOR : limit;
}

static enum err decrypt(const char *home, gpgme_decrypt_flags_t flags, struct span in, struct buf *out,
                        struct pgp_decrypt_facts *facts, struct diag *why)
{
    struct buf binary = {.max = in.len};
    struct pgp_scan scan;
    enum err err;

    buf_clear(out);
    if (facts)
        memset(facts, 0, sizeof *facts);
    err = pgp_packets_scan(in, &scan, &binary, why);
    if (!err && scan.body_version != 1)
        err = reject(why, "unsupported", "the encryption's version is not known to gpg; use SEIPD version 1");
    if (!err)
        err = run_decrypt(home, flags, buf_span(&binary), pgp_bomb_limit(binary.len), &scan, out, facts, why);
    if (err) {
        buf_clear(out);
        if (facts)
            memset(facts, 0, sizeof *facts);
    }
    buf_free(&binary);
    return err;
}

enum err pgp_decrypt(const char *home, struct span in, struct buf *inner_packets, struct pgp_decrypt_facts *facts,
                     struct diag *why)
{
    return decrypt(home, GPGME_DECRYPT_UNWRAP, in, inner_packets, facts, why);
}

enum err pgp_decrypt_plain(const char *home, struct span in, struct buf *plain, struct diag *why)
{
    return decrypt(home, 0, in, plain, NULL, why);
}

#include "codec/pgp_open.h"

#include "base/instant.h"
#include "base/mem.h"
#include "codec/pgp_armor.h"
#include "codec/pgp_judge.h"
#include "codec/pgp_key_store.h"
#include "codec/pgp_scan.h"

#include <stdio.h>
#include <string.h>

#define TEXT_LINE_MAX 16384

static const char *const verdict_names[] = {
    [PGP_SIG_GOOD] = "good",
    [PGP_SIG_EXPIRED_KEY] = "expired-key",
    [PGP_SIG_REVOKED_KEY] = "revoked-key",
    [PGP_SIG_EXPIRED] = "expired",
    [PGP_SIG_BAD] = "bad",
    [PGP_SIG_UNKNOWN_KEY] = "unknown-key",
    [PGP_SIG_WEAK] = "weak",
    [PGP_SIG_ERROR] = "error",
};

const char *pgp_verdict_name(enum pgp_verdict verdict)
{
    return (size_t)verdict < sizeof verdict_names / sizeof *verdict_names ? verdict_names[verdict] : "error";
}

static enum err corrupt(struct diag *why, const char *text)
{
    return diag_set(why, ERR_REJECT, "corrupt", "%s", text);
}

static bool is_weak(gpgme_hash_algo_t hash)
{
    return hash == GPGME_MD_SHA1 || hash == GPGME_MD_MD5 || hash == GPGME_MD_RMD160 || hash == GPGME_MD_MD2 ||
           hash == GPGME_MD_MD4 || hash == GPGME_MD_NONE;
}

/* A digest that gpg refuses outright (MD5) counts as weak too; a bad signature stays bad. */
static enum pgp_verdict verdict_of(gpgme_signature_t sig)
{
    switch (gpgme_err_code(sig->status)) {
    case GPG_ERR_NO_ERROR:
        return is_weak(sig->hash_algo) ? PGP_SIG_WEAK : PGP_SIG_GOOD;
    case GPG_ERR_KEY_EXPIRED:
        return is_weak(sig->hash_algo) ? PGP_SIG_WEAK : PGP_SIG_EXPIRED_KEY;
    case GPG_ERR_SIG_EXPIRED:
        return is_weak(sig->hash_algo) ? PGP_SIG_WEAK : PGP_SIG_EXPIRED;
    case GPG_ERR_CERT_REVOKED:
        return PGP_SIG_REVOKED_KEY;
    case GPG_ERR_BAD_SIGNATURE:
        return PGP_SIG_BAD;
    case GPG_ERR_NO_PUBKEY:
        return PGP_SIG_UNKNOWN_KEY;
    case GPG_ERR_DIGEST_ALGO:
    case GPG_ERR_UNSUPPORTED_ALGORITHM:
        return is_weak(sig->hash_algo) && sig->hash_algo != GPGME_MD_NONE ? PGP_SIG_WEAK : PGP_SIG_ERROR;
    default:
        return PGP_SIG_ERROR;
    }
}

/* The signature may name a subkey: an identity is the primary key's fingerprint, which gpg says with VALIDSIG. */
static void set_primary(const char *home, gpgme_signature_t sig, const struct pgp_status *status,
                        struct pgp_signature *out)
{
    char made_by[PGP_FPR_SIZE];
    struct pgp_gpg gpg;
    gpgme_key_t key = NULL;

    pgp_fpr_copy(made_by, sig->fpr);
    for (size_t i = 0; i < status->n_valid; i++)
        if (!strcmp(status->valid[i].made_by, made_by)) {
            pgp_fpr_copy(out->fingerprint, status->valid[i].primary);
            return;
        }
    if (!pgp_fpr_valid(sig->fpr) || pgp_gpg_open(&gpg, home, NULL))
        return;
    if (!pgp_gpg_find(&gpg, sig->fpr, false, &key) && key->fpr)
        pgp_fpr_copy(out->fingerprint, key->fpr);
    if (key)
        gpgme_key_unref(key);
    pgp_gpg_close(&gpg);
}

/* A signature that is not right names nobody: whoever made it wrote what he liked as its issuer. */
static bool names_a_signer(enum pgp_verdict verdict)
{
    return verdict != PGP_SIG_UNKNOWN_KEY && verdict != PGP_SIG_BAD && verdict != PGP_SIG_ERROR;
}

static void set_signature(const char *home, gpgme_signature_t sig, const struct pgp_status *status,
                          struct pgp_signature *out)
{
    const char *hash = gpgme_hash_algo_name(sig->hash_algo);

    memset(out, 0, sizeof *out);
    pgp_fpr_copy(out->issuer, sig->fpr);
    out->made_at_utc_s = sig->timestamp ? (int64_t)sig->timestamp : INSTANT_NONE;
    out->expires_at_utc_s = sig->exp_timestamp ? (int64_t)sig->exp_timestamp : INSTANT_NONE;
    snprintf(out->hash, sizeof out->hash, "%s", hash ? hash : "");
    out->verdict = verdict_of(sig);
    /* gpg finds nothing wrong with a signature of tomorrow, which would outlive any limit of age. */
    if (names_a_signer(out->verdict) &&
        (status->odd_class || out->made_at_utc_s > pgp_home_now(home) + PGP_CLOCK_SKEW_S))
        out->verdict = PGP_SIG_ERROR;
    if (!names_a_signer(out->verdict))
        return;
    set_primary(home, sig, status, out);
    if (!out->fingerprint[0])
        out->verdict = PGP_SIG_ERROR;
}

enum err pgp_judge_signatures(struct pgp_gpg *gpg, const char *home, struct pgp_signature *sigs, size_t max, size_t *n,
                              struct diag *why)
{
    gpgme_verify_result_t result = gpgme_op_verify_result(gpg->ctx);
    bool all_good = true;

    for (gpgme_signature_t sig = result ? result->signatures : NULL; sig; sig = sig->next) {
        if (*n >= max)
            return diag_set(why, ERR_LIMIT, "too-many-signatures", "the message has more than %zu signatures", max);
        set_signature(home, sig, &gpg->status, &sigs[*n]);
        all_good = all_good && !gpgme_err_code(sig->status);
        (*n)++;
    }
    /* gpg found fault with something, and it is not a signature. */
    if (all_good && gpg->status.failed)
        return corrupt(why, "the message is damaged, or is more than one message");
    return ERR_OK;
}

/* One verification; NO_DATA is what gpgme says of a message without a signature. */
static enum err verify_once(const char *home, struct span signature, const struct span *detached, struct buf *plain,
                            size_t limit, struct pgp_signature *sigs, size_t max, size_t *n, struct diag *why)
{
    struct pgp_sink sink = {0};
    gpgme_data_t in, text = NULL;
    struct pgp_gpg gpg;
    gpgme_error_t error;
    enum err err = pgp_gpg_open(&gpg, home, why);

    if (err)
        return err;
    in = pgp_gpg_input(signature);
    if (detached)
        text = pgp_gpg_input(*detached);
    else
        pgp_gpg_sink_open(&sink, plain, limit);
    error = gpgme_op_verify(gpg.ctx, in, text, sink.data);
    if (!detached && gpgme_err_code(error) == GPG_ERR_NO_DATA && gpg.status.saw_plaintext && !gpg.status.failed)
        error = 0;
    if (sink.over)
        err = diag_set(why, ERR_LIMIT, "bomb", "the content exceeds its limit");
    else if (error && !(err = pgp_gpg_judge(error, why)))
        err = corrupt(why, "gpg cannot read the signed message");
    else if (!err && gpg.status.broken)
        err = corrupt(why, "the signed message ends early, or holds something else besides");
    else if (!err && gpg.status.saw_encrypted)
        err = corrupt(why, "the message holds encrypted data where signed data should be");
    else if (!err && !detached && !gpg.status.saw_plaintext)
        err = corrupt(why, "the message holds no text");
    if (!err)
        err = pgp_judge_signatures(&gpg, home, sigs, max, n, why);
    if (sink.data)
        pgp_gpg_sink_close(&sink);
    gpgme_data_release(in);
    if (text)
        gpgme_data_release(text);
    pgp_gpg_close(&gpg);
    return err;
}

bool pgp_judge_is_doubtful(const char *home, const struct pgp_signature *sig)
{
    return !names_a_signer(sig->verdict) && (sig->verdict != PGP_SIG_UNKNOWN_KEY || !pgp_home_lacks(home, sig->issuer));
}

/* A gpg that ends early, or cannot read its keys, says the same. */
static bool is_doubtful(const char *home, enum err err, const struct pgp_signature *sigs, size_t n)
{
    bool doubtful = err == ERR_REJECT || n == 0;

    for (size_t i = 0; i < n; i++)
        doubtful = doubtful || pgp_judge_is_doubtful(home, &sigs[i]);
    return doubtful && (!err || err == ERR_REJECT);
}

/*
 * Neither gpg's exit code nor how much it wrote is known through gpgme. What it says against a message, or of one
 * without a signature, is asked for twice, so that a gpg that dies makes no signed command an unsigned one.
 */
static enum err verify(const char *home, struct span signature, const struct span *detached, struct buf *plain,
                       size_t limit, struct pgp_signature *sigs, size_t max, size_t *n, struct diag *why)
{
    enum err first = verify_once(home, signature, detached, plain, limit, sigs, max, n, why), second;
    struct buf before = BUF_EMPTY;
    size_t n_before = *n;

    if (!is_doubtful(home, first, sigs, *n))
        return first;
    if (!first && plain)
        buf_add(&before, plain->data, plain->len);
    *n = 0;
    second = verify_once(home, signature, detached, plain, limit, sigs, max, n, why);
    if (!first && !second &&
        (*n < n_before ||
         (plain && (plain->len != before.len || (before.len && memcmp(plain->data, before.data, before.len))))))
        second = diag_set(why, ERR_AGAIN, "pgp.engine", "gpg says two things of the same message; it is tried again");
    buf_free(&before);
    return second;
}

static void forget(struct buf *plain, struct pgp_signature *sigs, size_t max, size_t *n)
{
    if (plain)
        buf_clear(plain);
    if (max)
        memset(sigs, 0, max * sizeof *sigs);
    *n = 0;
}

/* What gpg is to see: at what does not count it would stop. own holds it where it is not all. */
static struct span counted(struct span packets, const struct pgp_scan *scan, struct buf *own)
{
    if (!scan->has_others)
        return packets;
    own->max = packets.len;
    pgp_scan_add_counted(packets, own);
    return buf_span(own);
}

enum err pgp_verify_inline(const char *home, struct span packets, struct buf *plain, struct pgp_signature *sigs,
                           size_t max, size_t *n, struct diag *why)
{
    struct buf own = BUF_EMPTY;
    struct pgp_scan scan;
    enum err err;

    forget(plain, sigs, max, n);
    err = pgp_scan_message(packets, &scan, why);
    if (!err && scan.kind != PGP_SCAN_SIGNED && scan.kind != PGP_SCAN_LITERAL && scan.kind != PGP_SCAN_COMPRESSED)
        err = corrupt(why, "this is no signed message");
    if (!err)
        err = verify(home, counted(packets, &scan, &own), NULL, plain, pgp_bomb_limit(packets.len), sigs, max, n, why);
    if (err)
        forget(plain, sigs, max, n);
    buf_free(&own);
    return err;
}

/*
 * gpg hashes no more of a line than some 19,990 bytes where it reads text, and it does so for all signatures where the
 * first is one over text: what stands behind is covered by none.
 */
static bool has_long_line(struct span text)
{
    size_t at = 0;

    while (text.len - at > TEXT_LINE_MAX) {
        const uint8_t *lf = memchr(text.data + at, '\n', TEXT_LINE_MAX + 1);

        if (!lf)
            return true;
        at = (size_t)(lf - text.data) + 1;
    }
    return false;
}

static void doubt(struct pgp_signature *sig)
{
    if (names_a_signer(sig->verdict))
        sig->verdict = PGP_SIG_ERROR;
    memset(sig->fingerprint, 0, sizeof sig->fingerprint);
}

enum err pgp_verify_detached(const char *home, struct span signature, struct span signed_bytes,
                             struct pgp_signature *sigs, size_t max, size_t *n, struct diag *why)
{
    struct buf binary = {.max = signature.len}, own = BUF_EMPTY;
    enum pgp_armor_kind kind = PGP_ARMOR_SIGNATURE;
    struct span packets = signature;
    struct pgp_scan scan;
    enum err err = ERR_OK;

    forget(NULL, sigs, max, n);
    if (pgp_armor_looks(signature)) {
        err = pgp_dearmor(signature, &kind, &binary, why);
        packets = buf_span(&binary);
    }
    if (!err)
        err = pgp_scan_message(packets, &scan, why);
    if (!err && scan.kind != PGP_SCAN_SIGNATURES)
        err = corrupt(why, "this is no detached signature");
    if (!err)
        err = verify(home, counted(packets, &scan, &own), &signed_bytes, NULL, 0, sigs, max, n, why);
    if (!err && !*n)
        err = corrupt(why, "gpg finds no signature");
    if (!err && scan.signs_text && has_long_line(signed_bytes))
        for (size_t i = 0; i < *n; i++)
            doubt(&sigs[i]);
    if (err)
        forget(NULL, sigs, max, n);
    buf_free(&binary);
    buf_free(&own);
    return err;
}

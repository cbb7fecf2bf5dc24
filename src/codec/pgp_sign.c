#include "codec/pgp_seal.h"

#include "base/mem.h"
#include "codec/pgp_gpg.h"
#include "codec/pgp_packet.h"
#include "codec/pgp_seal_result.h"

#include <string.h>

#define SHA512 10

enum err pgp_result_off(struct diag *why, const char *what)
{
    return diag_set(why, ERR_INTERNAL, "pgp.result", "gpg did something other than asked: %s", what);
}

enum err pgp_result_refused(gpgme_error_t error, const struct pgp_sink *sink, struct diag *why)
{
    enum err err = pgp_gpg_judge(error, why);

    if (sink && sink->over)
        return diag_set(why, ERR_LIMIT, "too-large", "the result exceeds %zu bytes", sink->out->max);
    if (err)
        return err;
    return diag_set(why, ERR_REJECT, "key.unusable", "gpg cannot use the key (%s); replace it", pgp_gpg_words(error));
}

static enum err check_signature(struct pgp_gpg *gpg, gpgme_key_t key, gpgme_sig_mode_t mode, struct diag *why)
{
    gpgme_sign_result_t result = gpgme_op_sign_result(gpg->ctx);
    gpgme_new_signature_t sig = result ? result->signatures : NULL;
    gpgme_subkey_t sub;

    if (!sig || sig->next || result->invalid_signers)
        return pgp_result_off(why, "not exactly one signature");
    if (sig->hash_algo != GPGME_MD_SHA512)
        return pgp_result_off(why, "the signature is not made with SHA512");
    if (sig->type != mode)
        return pgp_result_off(why, "the signature is of another kind");
    for (sub = key->subkeys; sub; sub = sub->next)
        if (sub->fpr && sig->fpr && !strcmp(sub->fpr, sig->fpr))
            return ERR_OK;
    return pgp_result_off(why, "the signature is by another key");
}

static enum err sign(const char *home, const char *fingerprint, struct span payload, gpgme_sig_mode_t mode,
                     struct buf *out, struct diag *why)
{
    gpgme_data_t in = NULL;
    gpgme_key_t key = NULL;
    struct pgp_sink sink = {0};
    struct pgp_gpg gpg;
    gpgme_error_t error;
    enum err err;

    buf_clear(out);
    err = pgp_gpg_open(&gpg, home, why);
    if (err)
        return err;
    err = pgp_gpg_key(&gpg, fingerprint, true, &key, why);
    if (err)
        goto out;
    in = pgp_gpg_input(payload);
    pgp_gpg_sink_open(&sink, out, SIZE_MAX);
    gpgme_set_armor(gpg.ctx, mode == GPGME_SIG_MODE_DETACH);
    error = gpgme_signers_add(gpg.ctx, key);
    if (!error)
        error = gpgme_op_sign(gpg.ctx, in, sink.data, mode);
    err = error ? pgp_result_refused(error, &sink, why) : check_signature(&gpg, key, mode, why);
out:
    if (sink.data) {
        pgp_gpg_sink_close(&sink);
        gpgme_data_release(in);
    }
    if (key)
        gpgme_key_unref(key);
    pgp_gpg_close(&gpg);
    if (err)
        buf_clear(out);
    return err;
}

/* One-pass packet with SHA512, literal data not compressed, one version 4 signature with SHA512, the end. */
bool pgp_is_plain_signed(struct span in)
{
    struct pgp_packet packet;
    struct span body;
    size_t pos = 0;

    if (pgp_packet_next(in, &pos, &packet) != PGP_PACKET_OK || packet.tag != PGP_TAG_ONE_PASS)
        return false;
    body = pgp_packet_body(in, &packet);
    if (body.len < 13 || body.data[2] != SHA512)
        return false;
    if (pgp_packet_next(in, &pos, &packet) != PGP_PACKET_OK || packet.tag != PGP_TAG_LITERAL)
        return false;
    if (pgp_packet_next(in, &pos, &packet) != PGP_PACKET_OK || packet.tag != PGP_TAG_SIGNATURE)
        return false;
    body = pgp_packet_body(in, &packet);
    return body.len >= 6 && body.data[3] == SHA512 && pos == in.len;
}

/* What is signed is the payload, all of it: gpg takes an error of its read for the end of the data (pgp_seal.c). */
static bool holds(struct span in, struct span payload)
{
    struct pgp_packet packet;
    struct buf body = BUF_EMPTY;
    size_t pos = 0, head;
    bool same;

    if (pgp_packet_next(in, &pos, &packet) != PGP_PACKET_OK || pgp_packet_next(in, &pos, &packet) != PGP_PACKET_OK)
        return false;
    pgp_packet_add_body(in, &packet, &body);
    head = body.len > 1 ? 2 + (size_t)body.data[1] + 4 : 0; /* form, name, date: RFC 9580, section 5.9 */
    same = head && body.len == head + payload.len && memcmp(body.data + head, payload.data, payload.len) == 0;
    mem_wipe(body.data, body.len);
    buf_free(&body);
    return same;
}

enum err pgp_sign_inline(const char *list_home, const char *fingerprint, struct span payload,
                         struct buf *signed_packets, struct diag *why)
{
    enum err err = sign(list_home, fingerprint, payload, GPGME_SIG_MODE_NORMAL, signed_packets, why);

    if (!err && !pgp_is_plain_signed(buf_span(signed_packets))) {
        buf_clear(signed_packets);
        err = pgp_result_off(why, "the signed message has other packets");
    } else if (!err && !holds(buf_span(signed_packets), payload)) {
        buf_clear(signed_packets);
        err = diag_set(why, ERR_AGAIN, "pgp.cut-short", "gpg has not signed all of a mail");
    }
    return err;
}

enum err pgp_sign_detached(const char *list_home, const char *fingerprint, struct span payload,
                           struct buf *armored_signature, struct diag *why)
{
    return sign(list_home, fingerprint, payload, GPGME_SIG_MODE_DETACH, armored_signature, why);
}

enum err pgp_sign_clear(const char *list_home, const char *fingerprint, struct span text, struct buf *clear,
                        struct diag *why)
{
    return sign(list_home, fingerprint, text, GPGME_SIG_MODE_CLEAR, clear, why);
}

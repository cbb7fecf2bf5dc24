/*
 * An ordinary message takes gpg one run, as long as nothing about it is odd. Whatever is odd, and whatever gpg refuses,
 * goes the long way: unwrapped, looked at, and verified by itself, where the reason is found as well.
 *
 * gpg says END_DECRYPTION only after all that was inside, so that it has come to the end of the signatures too. That it
 * could read its keys shows in the key that it opened the message with.
 */
#include "base/mem.h"
#include "codec/pgp_judge.h"
#include "codec/pgp_scan.h"

#include <stdio.h>
#include <string.h>

/* In bytes: version, prefix and digest of an encrypted body (RFC 9580, section 5.13.1); the fields of a literal packet
 * but its name (section 5.9); the headers of both, of which the smallest has two. */
#define BODY_EXTRA    41
#define LITERAL_EXTRA 6
#define HEADERS_EXTRA 12
#define CHUNK_BYTES   4096

/* One operation on one message. */
struct run {
    struct pgp_gpg gpg;
    struct span binary;
    const struct pgp_scan *scan;
    size_t limit;
};

/* gpg said all that it says of an ordinary message, from the first line to the last, once, and nothing else. */
static bool is_clean(const struct run *r, const struct buf *plain)
{
    const struct pgp_status *s = &r->gpg.status;
    gpgme_decrypt_result_t result = gpgme_op_decrypt_result(r->gpg.ctx);

    return result && !result->legacy_cipher_nomdc && plain->len && s->saw_recipient && s->opened_by[0] &&
           s->saw_good_mdc && s->saw_end_decryption && s->n_begin_decryption == 1 && s->n_plaintext == 1 &&
           !s->failed && !s->broken && !s->n_errors;
}

/*
 * Without a signature, may there be anything inside but the text? A one-pass packet whose signature is missing takes 15
 * bytes, of which gpg says nothing. What is compressed is smaller than its text, or is looked at the long way.
 */
static bool holds_more(const struct run *r, size_t text)
{
    size_t chunks = 2 * (text / CHUNK_BYTES);

    return r->scan->body_len > text + r->gpg.status.name_len + BODY_EXTRA + LITERAL_EXTRA + HEADERS_EXTRA + chunks;
}

static enum err decrypt(struct run *r, gpgme_decrypt_flags_t flags, struct buf *out)
{
    gpgme_data_t in = pgp_gpg_input(r->binary);
    struct pgp_sink sink;
    gpgme_error_t error;

    memset(&r->gpg.status, 0, sizeof r->gpg.status);
    pgp_gpg_sink_open(&sink, out, r->limit);
    error = gpgme_op_decrypt_ext(r->gpg.ctx, flags, in, sink.data);
    pgp_gpg_sink_close(&sink);
    gpgme_data_release(in);
    return error || sink.over || r->gpg.status.failed ? ERR_REJECT : ERR_OK;
}

/*
 * The packets inside, for a home that may have the signer's key. The session key, which gpg has just told, spares the
 * agent its part. A context that has seen one is not used again.
 */
static enum err unwrap(struct run *r, struct buf *packets)
{
    gpgme_decrypt_result_t result = gpgme_op_decrypt_result(r->gpg.ctx);
    char *key = result && result->session_key ? mem_strdup(result->session_key) : NULL;
    struct pgp_scan scan;
    enum err err = ERR_REJECT;

    if (key && !gpgme_set_ctx_flag(r->gpg.ctx, "override-session-key", key))
        err = decrypt(r, GPGME_DECRYPT_UNWRAP, packets);
    if (!err && (!r->gpg.status.saw_good_mdc || r->gpg.status.broken || !packets->len))
        err = ERR_REJECT;
    if (!err)
        err = pgp_scan_message(buf_span(packets), &scan, NULL);
    if (!err && scan.kind != PGP_SCAN_SIGNED && scan.kind != PGP_SCAN_COMPRESSED)
        err = ERR_REJECT;
    mem_free_secret(&key);
    return err;
}

static enum err open_clean(struct run *r, const char *home, struct buf *packets, struct buf *plain,
                           struct pgp_decrypt_facts *facts, struct pgp_signature *sig, size_t *n)
{
    enum err err = decrypt(r, GPGME_DECRYPT_VERIFY, plain);

    if (err || !is_clean(r, plain))
        return ERR_REJECT;
    if (pgp_judge_signatures(&r->gpg, home, sig, 1, n, NULL))
        return ERR_REJECT;
    pgp_fpr_copy(facts->opened_by, r->gpg.status.opened_by);
    facts->recipients = r->scan->n_key_ids;
    facts->cipher = r->gpg.status.opened_cipher;
    if (*n == 0)
        return holds_more(r, plain->len) ? ERR_REJECT : ERR_OK;
    if (sig->verdict == PGP_SIG_GOOD)
        return ERR_OK;
    if (sig->verdict != PGP_SIG_UNKNOWN_KEY || pgp_judge_is_doubtful(home, sig))
        return ERR_REJECT;
    return unwrap(r, packets);
}

static enum err open_at_once(const char *home, struct span in, struct buf *packets, struct buf *plain,
                             struct pgp_decrypt_facts *facts, struct pgp_signature *sig, size_t *n, struct diag *why)
{
    struct buf binary = {.max = in.len};
    struct pgp_scan scan;
    struct run r = {.scan = &scan};
    enum err err = pgp_packets_scan(in, &scan, &binary, why);

    /* A body of tag 20 says nothing of its size. */
    if (!err && (scan.body_tag != 18 || scan.body_version != 1))
        err = ERR_REJECT;
    if (!err)
        err = pgp_gpg_open(&r.gpg, home, why);
    if (!err) {
        r.binary = buf_span(&binary);
        r.limit = pgp_bomb_limit(binary.len);
        err = gpgme_set_ctx_flag(r.gpg.ctx, "export-session-key", "1")
                  ? ERR_REJECT
                  : open_clean(&r, home, packets, plain, facts, sig, n);
        pgp_gpg_drop(&r.gpg);
    }
    buf_free(&binary);
    return err;
}

static void forget(struct buf *packets, struct buf *plain, struct pgp_decrypt_facts *facts, size_t *n)
{
    buf_clear(packets);
    buf_clear(plain);
    memset(facts, 0, sizeof *facts);
    *n = 0;
}

enum err pgp_open(const char *home, struct span in, struct buf *inner_packets, struct buf *plain,
                  struct pgp_decrypt_facts *facts, struct pgp_signature *sigs, size_t max, size_t *n, struct diag *why)
{
    enum err err;

    forget(inner_packets, plain, facts, n);
    if (max && open_at_once(home, in, inner_packets, plain, facts, sigs, n, why) == ERR_OK)
        return ERR_OK;
    forget(inner_packets, plain, facts, n);
    err = pgp_decrypt(home, in, inner_packets, facts, why);
    if (!err)
        err = pgp_verify_inline(home, buf_span(inner_packets), plain, sigs, max, n, why);
    if (err)
        forget(inner_packets, plain, facts, n);
    return err;
}

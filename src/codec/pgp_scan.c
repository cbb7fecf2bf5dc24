#include "codec/pgp_scan.h"

#include "codec/pgp_armor.h"
#include "codec/pgp_packet.h"

#include <stdbool.h>
#include <string.h>

#define SIGNATURE_VERSION_MAX 5 /* of which gpg knows anything */
#define ONE_PASS_VERSION_MAX  3

struct walk {
    struct span in;
    size_t pos;
    struct pgp_packet packet;
    enum pgp_packet_result result;
    bool has_others; /* packets that do not count were left out */
};

static bool counts(const struct walk *w)
{
    struct span body = pgp_packet_body(w->in, &w->packet);
    int tag = w->packet.tag;

    if (tag == PGP_TAG_SIGNATURE || tag == PGP_TAG_ONE_PASS)
        return !body.len || body.data[0] <= (tag == PGP_TAG_SIGNATURE ? SIGNATURE_VERSION_MAX : ONE_PASS_VERSION_MAX);
    return tag != PGP_TAG_MARKER && tag != PGP_TAG_PADDING && tag < PGP_TAG_NOT_CRITICAL;
}

/* The next packet that counts. */
static void advance(struct walk *w)
{
    while ((w->result = pgp_packet_next(w->in, &w->pos, &w->packet)) == PGP_PACKET_OK && !counts(w))
        w->has_others = true;
}

static bool at(const struct walk *w, int tag)
{
    return w->result == PGP_PACKET_OK && w->packet.tag == tag;
}

/* The end is reached, or it says why not. */
static enum err finish(const struct walk *w, struct diag *why)
{
    switch (w->result) {
    case PGP_PACKET_END:
        return ERR_OK;
    case PGP_PACKET_TRUNCATED:
        return diag_set(why, ERR_REJECT, "truncated", "the OpenPGP message ends early; send it again, whole");
    case PGP_PACKET_CORRUPT:
        return diag_set(why, ERR_REJECT, "corrupt", "the OpenPGP message holds bytes that are no packet");
    default:
        return diag_set(why, ERR_REJECT, "corrupt", "the packets are not one OpenPGP message (tag %d out of place)",
                        w->packet.tag);
    }
}

static void add_id(struct pgp_scan *out, uint64_t id)
{
    if (out->n_key_ids < PGP_SCAN_IDS_MAX)
        out->key_ids[out->n_key_ids] = id;
    out->n_key_ids++;
}

/* Recipient of a PKESK: version 3 has a key id; version 6 a fingerprint, counted as hidden. */
static uint64_t pkesk_id(const struct walk *w)
{
    struct span body = pgp_packet_body(w->in, &w->packet);

    return body.len >= 9 && body.data[0] == 3 ? pgp_be(body.data + 1, 8) : 0;
}

static enum err scan_encrypted(struct walk *w, struct pgp_scan *out, struct diag *why)
{
    struct span body;
    size_t hidden = 0;

    out->kind = PGP_SCAN_ENCRYPTED;
    for (; at(w, PGP_TAG_PKESK) || at(w, PGP_TAG_SKESK); advance(w)) {
        if (w->packet.tag == PGP_TAG_PKESK) {
            add_id(out, pkesk_id(w));
            hidden += pkesk_id(w) == 0;
        } else {
            out->passphrases++;
        }
    }
    if (hidden > PGP_SCAN_HIDDEN_MAX)
        return diag_set(why, ERR_REJECT, "too-many-recipients", "over %d recipients have no name; name them",
                        PGP_SCAN_HIDDEN_MAX);
    if (at(w, PGP_TAG_SED))
        return diag_set(why, ERR_REJECT, "no-integrity",
                        "the message has no integrity protection (RFC 9580, 5.7); encrypt it with a current program");
    if (!at(w, PGP_TAG_SEIPD) && !at(w, PGP_TAG_AEAD))
        return w->result == PGP_PACKET_END
                   ? diag_set(why, ERR_REJECT, "truncated", "session keys without an encrypted body")
                   : finish(w, why);
    body = pgp_packet_body(w->in, &w->packet);
    out->body_tag = w->packet.tag;
    out->body_version = body.len ? body.data[0] : 0;
    out->body_len = w->packet.len;
    if (out->passphrases && !out->n_key_ids)
        return diag_set(why, ERR_REJECT, "symmetric",
                        "the message is encrypted with a passphrase; encrypt it to the list's key");
    advance(w);
    return finish(w, why);
}

/* The issuer's key id that a one-pass packet names (version 3). */
static uint64_t one_pass_id(const struct walk *w)
{
    struct span body = pgp_packet_body(w->in, &w->packet);

    return body.len >= 13 && body.data[0] == 3 ? pgp_be(body.data + 4, 8) : 0;
}

static enum err scan_signed(struct walk *w, struct pgp_scan *out, struct diag *why)
{
    size_t opened = 0;

    out->kind = PGP_SCAN_SIGNED;
    for (; at(w, PGP_TAG_ONE_PASS); advance(w), opened++)
        add_id(out, one_pass_id(w));
    if (!at(w, PGP_TAG_LITERAL) && !at(w, PGP_TAG_COMPRESSED))
        return w->result == PGP_PACKET_END ? diag_set(why, ERR_REJECT, "truncated", "the signed message has no content")
                                           : finish(w, why);
    for (advance(w); opened && at(w, PGP_TAG_SIGNATURE); advance(w))
        opened--;
    if (opened && w->result == PGP_PACKET_END)
        return diag_set(why, ERR_REJECT, "truncated", "the signed message lacks a signature");
    return finish(w, why);
}

/* Its class stands in byte 1, in version 3 behind a length. */
static bool is_over_text(const struct walk *w)
{
    struct span body = pgp_packet_body(w->in, &w->packet);
    size_t at_class = body.len && body.data[0] < 4 ? 2 : 1;

    return body.len > at_class && body.data[at_class] == 1;
}

/* Signatures alone are detached; before literal data they sign it (the old form). */
static enum err scan_signatures(struct walk *w, struct pgp_scan *out, struct diag *why)
{
    out->kind = PGP_SCAN_SIGNATURES;
    for (; at(w, PGP_TAG_SIGNATURE); advance(w))
        out->signs_text = out->signs_text || is_over_text(w);
    if (at(w, PGP_TAG_LITERAL)) {
        out->kind = PGP_SCAN_SIGNED;
        advance(w);
    }
    return finish(w, why);
}

/* Certificates: what stands in them is the business of pgp_cert; here the chain must be whole. */
static enum err scan_keys(struct walk *w, struct pgp_scan *out, struct diag *why)
{
    out->kind = PGP_SCAN_KEYS;
    while (w->result == PGP_PACKET_OK)
        advance(w);
    return finish(w, why);
}

static enum err scan_one(struct walk *w, struct pgp_scan *out, struct diag *why)
{
    out->kind = w->packet.tag == PGP_TAG_LITERAL ? PGP_SCAN_LITERAL : PGP_SCAN_COMPRESSED;
    advance(w);
    return finish(w, why);
}

static enum err scan(struct walk *w, struct pgp_scan *out, struct diag *why)
{
    advance(w);
    if (w->result == PGP_PACKET_END)
        return diag_set(why, ERR_REJECT, "corrupt", "the OpenPGP message is empty");
    if (w->result != PGP_PACKET_OK)
        return finish(w, why);
    switch (w->packet.tag) {
    case PGP_TAG_PKESK:
    case PGP_TAG_SKESK:
    case PGP_TAG_SED:
    case PGP_TAG_SEIPD:
    case PGP_TAG_AEAD:
        return scan_encrypted(w, out, why);
    case PGP_TAG_ONE_PASS:
        return scan_signed(w, out, why);
    case PGP_TAG_SIGNATURE:
        return scan_signatures(w, out, why);
    case PGP_TAG_LITERAL:
    case PGP_TAG_COMPRESSED:
        return scan_one(w, out, why);
    case PGP_TAG_PUBLIC_KEY:
    case PGP_TAG_SECRET_KEY:
        return scan_keys(w, out, why);
    default:
        return finish(w, why);
    }
}

enum err pgp_scan_message(struct span packets, struct pgp_scan *out, struct diag *why)
{
    struct walk w = {.in = packets};
    enum err err;

    memset(out, 0, sizeof *out);
    err = scan(&w, out, why);
    out->has_others = w.has_others;
    return err;
}

void pgp_scan_add_counted(struct span packets, struct buf *out)
{
    struct walk w = {.in = packets};

    for (advance(&w); w.result == PGP_PACKET_OK; advance(&w))
        buf_add(out, packets.data + w.packet.off, w.packet.len);
}

/* A session key in a form of which gpg knows nothing. */
static bool is_unknown_pkesk(const struct walk *w)
{
    struct span body = pgp_packet_body(w->in, &w->packet);

    return w->packet.tag == PGP_TAG_PKESK && !(body.len && (body.data[0] == 2 || body.data[0] == 3));
}

static bool has_known_pkesk(struct span packets)
{
    struct walk w = {.in = packets};

    for (advance(&w); at(&w, PGP_TAG_PKESK) || at(&w, PGP_TAG_SKESK); advance(&w))
        if (w.packet.tag == PGP_TAG_PKESK && !is_unknown_pkesk(&w))
            return true;
    return false;
}

/* All packets but those at which gpg would stop though a key of ours opens the message: for a passphrase, and, beside
 * others, of a version that it does not know (RFC 9580, 5.1). */
static enum err copy_packets(struct span packets, struct buf *out, struct diag *why)
{
    struct walk w = {.in = packets};
    bool drops_unknown = has_known_pkesk(packets);

    for (advance(&w); w.result == PGP_PACKET_OK; advance(&w))
        if (w.packet.tag != PGP_TAG_SKESK && !(drops_unknown && is_unknown_pkesk(&w)))
            buf_add(out, packets.data + w.packet.off, w.packet.len);
    if (out->over)
        return diag_set(why, ERR_LIMIT, "too-large", "the encrypted message exceeds %zu bytes", out->max);
    return ERR_OK;
}

enum err pgp_packets_scan(struct span in, struct pgp_scan *out, struct buf *binary, struct diag *why)
{
    struct buf own = {.max = in.len};
    enum pgp_armor_kind kind;
    enum err err = ERR_OK;
    struct span packets = in;

    if (binary)
        buf_clear(binary);
    if (pgp_armor_looks(in)) {
        err = pgp_dearmor(in, &kind, &own, why);
        packets = buf_span(&own);
    }
    if (!err)
        err = pgp_scan_message(packets, out, why);
    if (!err && out->kind != PGP_SCAN_ENCRYPTED)
        err = diag_set(why, ERR_REJECT, "not-encrypted", "this is an OpenPGP message, but not an encrypted one");
    if (!err && binary)
        err = copy_packets(packets, binary, why);
    if (err && binary)
        buf_clear(binary);
    buf_free(&own);
    return err;
}

void pgp_scan_add_ciphertext(struct span packets, struct buf *out)
{
    struct walk w = {.in = packets};

    for (advance(&w); w.result == PGP_PACKET_OK; advance(&w))
        if (w.packet.tag == PGP_TAG_SEIPD || w.packet.tag == PGP_TAG_AEAD)
            pgp_packet_add_body(packets, &w.packet, out);
}

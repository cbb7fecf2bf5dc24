#include "codec/pgp_cert.h"

#include "codec/pgp_packet.h"

#include <stdio.h>
#include <string.h>

enum subpacket {
    SUB_CREATED = 2,
    SUB_CIPHERS = 11,
    SUB_ISSUER = 16,
    SUB_PRIMARY_UID = 25,
    SUB_FEATURES = 30,
    SUB_ISSUER_FPR = 33
};

/* What of a signature packet matters here. */
struct signature {
    int class;
    int hash;
    uint64_t made_at;
    struct span ciphers; /* empty data: no such subpacket */
    struct span features;
    struct span issuer_fpr; /* 20 bytes, or empty */
    uint64_t issuer_id;     /* 0: not named */
    bool primary_uid;
};

static void read_subpacket(struct signature *sig, int type, struct span value, bool hashed)
{
    if (type == SUB_ISSUER && value.len == 8)
        sig->issuer_id = pgp_be(value.data, 8);
    else if (type == SUB_ISSUER_FPR && value.len == 21 && value.data[0] == 4)
        sig->issuer_fpr = (struct span){value.data + 1, 20};
    if (!hashed)
        return;
    if (type == SUB_CREATED && value.len == 4)
        sig->made_at = pgp_be(value.data, 4);
    else if (type == SUB_CIPHERS)
        sig->ciphers = value;
    else if (type == SUB_FEATURES)
        sig->features = value;
    else if (type == SUB_PRIMARY_UID && value.len == 1)
        sig->primary_uid = value.data[0] != 0;
}

/* One area of subpackets with its length of two bytes in front; *at moves behind it. */
static bool read_area(struct span body, size_t *at, struct signature *sig, bool hashed)
{
    struct span area, value;
    bool bad = false;
    size_t pos = 0;
    int type;

    if (body.len - *at < 2)
        return false;
    area.len = (size_t)pgp_be(body.data + *at, 2);
    *at += 2;
    if (area.len > body.len - *at)
        return false;
    area.data = body.data + *at;
    *at += area.len;
    while (pgp_subpacket_next(area, &pos, &type, &value, &bad))
        read_subpacket(sig, type, value, hashed);
    return !bad;
}

/* RFC 9580, section 5.2.2: version, 5, class, time, key id, key algorithm, hash algorithm. Old keys still have them. */
static bool read_signature_v3(struct span body, struct signature *sig)
{
    if (body.len < 19 || body.data[1] != 5)
        return false;
    sig->class = body.data[2];
    sig->made_at = pgp_be(body.data + 3, 4);
    sig->issuer_id = pgp_be(body.data + 7, 8);
    sig->hash = body.data[16];
    return true;
}

/* RFC 9580, section 5.2.3: version, class, key algorithm, hash algorithm, hashed area, unhashed area. */
static bool read_signature(struct span body, struct signature *sig)
{
    size_t at = 4;

    memset(sig, 0, sizeof *sig);
    if (body.len && body.data[0] == 3)
        return read_signature_v3(body, sig);
    if (body.len < 8 || body.data[0] != 4)
        return false;
    sig->class = body.data[1];
    sig->hash = body.data[3];
    return read_area(body, &at, sig, true) && read_area(body, &at, sig, false);
}

static void key_digest(struct span body, uint8_t out[20])
{
    uint8_t head[3] = {0x99, (uint8_t)(body.len >> 8), (uint8_t)body.len};

    pgp_sha1((struct span){head, sizeof head}, body, out);
}

static void hex_of(const uint8_t *bytes, size_t n, char *out)
{
    for (size_t i = 0; i < n; i++)
        snprintf(out + 2 * i, 3, "%02X", bytes[i]);
}

bool pgp_cert_fingerprint(struct span in, char *out)
{
    struct pgp_packet packet;
    uint8_t digest[20];
    size_t pos = 0;

    out[0] = 0;
    if (pgp_packet_next(in, &pos, &packet) != PGP_PACKET_OK || packet.tag != PGP_TAG_PUBLIC_KEY)
        return false;
    key_digest(pgp_packet_body(in, &packet), digest);
    hex_of(digest, sizeof digest, out);
    return true;
}

bool pgp_cert_is_revocation(struct span in, char *issuer)
{
    struct pgp_packet packet;
    struct signature sig;
    size_t pos = 0;

    issuer[0] = 0;
    if (pgp_packet_next(in, &pos, &packet) != PGP_PACKET_OK || packet.tag != PGP_TAG_SIGNATURE || pos != in.len ||
        !read_signature(pgp_packet_body(in, &packet), &sig) || sig.class != 0x20)
        return false;
    if (sig.issuer_fpr.len)
        hex_of(sig.issuer_fpr.data, sig.issuer_fpr.len, issuer);
    else
        snprintf(issuer, PGP_FPR_SIZE, "%016llX", (unsigned long long)sig.issuer_id);
    return true;
}

static enum err garbage(struct diag *why)
{
    return diag_set(why, ERR_REJECT, "key.garbage", "this is not an OpenPGP certificate; export it with gpg --export");
}

static enum err check_version(struct span body, struct diag *why)
{
    if (!body.len)
        return garbage(why);
    switch (body.data[0]) {
    case 4:
        return body.len < 8 || body.len > 0xffff ? garbage(why) : ERR_OK;
    case 2:
    case 3:
        return diag_set(why, ERR_REJECT, "key.v3", "keys of version %d are broken by design; make a version 4 key",
                        body.data[0]);
    case 5:
    case 6:
        return diag_set(why, ERR_REJECT, "key.v6",
                        "keys of version %d are not supported; make a version 4 key (in gpg: --compliance gnupg)",
                        body.data[0]);
    default:
        return garbage(why);
    }
}

static enum err check_packet(struct span in, const struct pgp_packet *packet, bool first, struct diag *why)
{
    switch (packet->tag) {
    case PGP_TAG_SECRET_KEY:
    case PGP_TAG_SECRET_SUBKEY:
        return diag_set(why, ERR_REJECT, "key.secret",
                        "this is a secret key: treat it as known to others, revoke it, and make a new one");
    case PGP_TAG_PUBLIC_KEY:
    case PGP_TAG_PUBLIC_SUBKEY:
        if (first && packet->tag != PGP_TAG_PUBLIC_KEY)
            return garbage(why);
        return check_version(pgp_packet_body(in, packet), why);
    case PGP_TAG_COMPRESSED:
    case PGP_TAG_LITERAL:
    case PGP_TAG_SED:
    case PGP_TAG_SEIPD:
    case PGP_TAG_AEAD:
    case PGP_TAG_PKESK:
    case PGP_TAG_SKESK:
    case PGP_TAG_ONE_PASS:
        return garbage(why);
    default:
        return first ? garbage(why) : ERR_OK;
    }
}

enum err pgp_cert_check(struct span in, size_t *n, struct diag *why)
{
    enum pgp_packet_result result;
    struct pgp_packet packet;
    size_t pos = 0;
    enum err err;

    *n = 0;
    while ((result = pgp_packet_next(in, &pos, &packet)) == PGP_PACKET_OK) {
        if (packet.tag == PGP_TAG_MARKER && !*n)
            continue;
        err = check_packet(in, &packet, !*n, why);
        if (err)
            return err;
        *n += packet.tag == PGP_TAG_PUBLIC_KEY;
    }
    if (result == PGP_PACKET_TRUNCATED && *n)
        return diag_set(why, ERR_REJECT, "truncated", "the key ends early; export it again");
    return result == PGP_PACKET_END && *n ? ERR_OK : garbage(why);
}

/* By the certificate's own primary key, or without a name (gpg will judge it). */
static bool is_own(const struct signature *sig, const uint8_t digest[20])
{
    if (sig->issuer_fpr.len)
        return !memcmp(sig->issuer_fpr.data, digest, 20);
    return !sig->issuer_id || sig->issuer_id == pgp_be(digest + 12, 8);
}

/* A revocation by another key counts where the owner named a revoker; gpg 2.2 keeps class 0x20 in export-minimal. */
static bool keeps(const struct signature *sig, const uint8_t digest[20])
{
    return is_own(sig, digest) || sig->class == 0x20;
}

void pgp_cert_strip(struct span in, struct buf *out)
{
    bool keeping = false;
    struct pgp_packet packet;
    struct signature sig;
    uint8_t digest[20] = {0};
    size_t pos = 0, foreign = 0;

    buf_clear(out);
    while (pgp_packet_next(in, &pos, &packet) == PGP_PACKET_OK) {
        struct span body = pgp_packet_body(in, &packet);
        bool keep = false;

        switch (packet.tag) {
        case PGP_TAG_PUBLIC_KEY:
            key_digest(body, digest);
            foreign = 0;
            keep = keeping = true;
            break;
        case PGP_TAG_USER_ID:
        case PGP_TAG_PUBLIC_SUBKEY:
            keep = keeping = true;
            break;
        case PGP_TAG_SIGNATURE:
            keep = keeping && read_signature(body, &sig) && keeps(&sig, digest);
            /* A handful of revokers is more than anybody has; a flood of them is one. */
            if (keep && !is_own(&sig, digest) && ++foreign > 4)
                keep = false;
            break;
        case PGP_TAG_TRUST:
        case PGP_TAG_MARKER:
            break;
        default:
            keeping = false;
        }
        if (keep)
            buf_add(out, in.data + packet.off, packet.len);
    }
}

static bool names_aes(struct span ciphers)
{
    for (size_t i = 0; i < ciphers.len; i++)
        if (ciphers.data[i] >= 7 && ciphers.data[i] <= 9)
            return true;
    return false;
}

static bool is_weak_digest(int hash)
{
    return hash == 1 || hash == 2 || hash == 3;
}

/* Whether a signature over a user id takes the place of the best so far. */
static bool is_better(const struct signature *best, const struct signature *sig)
{
    if (!best->class || best->primary_uid != sig->primary_uid)
        return !best->class || sig->primary_uid;
    return sig->made_at > best->made_at;
}

void pgp_cert_read_preferences(struct span in, struct pgp_cert_preferences *out)
{
    struct signature sig, best = {0}, direct = {0}, of_uid = {0};
    uint8_t digest[20] = {0};
    struct pgp_packet packet;
    size_t pos = 0, strong = 0, weak = 0, keys = 0;

    memset(out, 0, sizeof *out);
    while (pgp_packet_next(in, &pos, &packet) == PGP_PACKET_OK) {
        struct span body = pgp_packet_body(in, &packet);

        if (packet.tag == PGP_TAG_PUBLIC_KEY && keys++)
            break;
        if (packet.tag == PGP_TAG_PUBLIC_KEY)
            key_digest(body, digest);
        if (packet.tag != PGP_TAG_SIGNATURE) {
            /* Only the newest signature over each user id counts. */
            if (of_uid.class && is_better(&best, &of_uid))
                best = of_uid;
            memset(&of_uid, 0, sizeof of_uid);
            continue;
        }
        if (!read_signature(body, &sig) || !is_own(&sig, digest))
            continue;
        if (sig.class >= 0x10 && sig.class <= 0x13 && (!of_uid.class || sig.made_at >= of_uid.made_at))
            of_uid = sig;
        else if (sig.class == 0x1f && (!direct.class || sig.made_at >= direct.made_at))
            direct = sig;
        if ((sig.class >= 0x10 && sig.class <= 0x13) || sig.class == 0x1f) {
            weak += is_weak_digest(sig.hash);
            strong += !is_weak_digest(sig.hash);
        }
    }
    if (of_uid.class && is_better(&best, &of_uid))
        best = of_uid;
    out->aes = names_aes(best.ciphers.data ? best.ciphers : direct.ciphers);
    best.features = best.features.len ? best.features : direct.features;
    out->seipd2 = best.features.len && (best.features.data[0] & 0x08);
    out->only_weak_digests = weak && !strong;
}

bool pgp_cert_next(struct span in, size_t *pos, struct span *out)
{
    struct pgp_packet packet;
    size_t at = *pos, begin = *pos;

    while (pgp_packet_next(in, &at, &packet) == PGP_PACKET_OK) {
        if (packet.tag == PGP_TAG_PUBLIC_KEY && packet.off > begin)
            break;
        *pos = packet.off + packet.len;
    }
    *out = (struct span){in.data + begin, *pos - begin};
    return *pos > begin;
}

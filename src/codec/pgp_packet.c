#include "codec/pgp_packet.h"

#define FIRST_CHUNK_MIN 512

enum length_kind { LENGTH_DEFINITE, LENGTH_PARTIAL, LENGTH_TO_END };

uint64_t pgp_be(const uint8_t *p, size_t n)
{
    uint64_t value = 0;

    while (n--)
        value = value << 8 | *p++;
    return value;
}

static bool may_be_partial(int tag)
{
    return tag == PGP_TAG_COMPRESSED || tag == PGP_TAG_SED || tag == PGP_TAG_LITERAL || tag == PGP_TAG_SEIPD ||
           tag == PGP_TAG_AEAD;
}

/* Takes n bytes of a length; false where the input ends first. */
static bool take(struct span in, size_t *pos, size_t n, size_t *out)
{
    if (n > in.len - *pos)
        return false;
    *out = (size_t)pgp_be(in.data + *pos, n);
    *pos += n;
    return true;
}

/* A length of the new format. */
static bool new_length(struct span in, size_t *pos, size_t *len, enum length_kind *kind)
{
    size_t first, second;

    *kind = LENGTH_DEFINITE;
    if (!take(in, pos, 1, &first))
        return false;
    *len = first;
    if (first < 192)
        return true;
    if (first == 255)
        return take(in, pos, 4, len);
    if (first >= 224) {
        *kind = LENGTH_PARTIAL;
        *len = (size_t)1 << (first & 31);
        return true;
    }
    if (!take(in, pos, 1, &second))
        return false;
    *len = ((first - 192) << 8) + second + 192;
    return true;
}

static bool old_length(struct span in, size_t *pos, int type, size_t *len, enum length_kind *kind)
{
    *kind = LENGTH_DEFINITE;
    if (type != 3)
        return take(in, pos, (size_t)1 << type, len);
    *kind = LENGTH_TO_END;
    *len = in.len - *pos;
    return true;
}

/* Follows the chunks after the first; *pos ends behind the last. */
static enum pgp_packet_result skip_chunks(struct span in, size_t *pos)
{
    enum length_kind kind = LENGTH_PARTIAL;
    size_t len;

    while (kind == LENGTH_PARTIAL) {
        if (!new_length(in, pos, &len, &kind) || len > in.len - *pos)
            return PGP_PACKET_TRUNCATED;
        *pos += len;
    }
    return PGP_PACKET_OK;
}

enum pgp_packet_result pgp_packet_next(struct span in, size_t *pos, struct pgp_packet *out)
{
    size_t at = *pos, len;
    enum length_kind kind;
    uint8_t head;
    bool read;

    if (at >= in.len)
        return PGP_PACKET_END;
    head = in.data[at++];
    if (!(head & 0x80))
        return PGP_PACKET_CORRUPT;
    out->off = *pos;
    out->tag = head & 0x40 ? head & 0x3f : head >> 2 & 0x0f;
    if (out->tag == 0)
        return PGP_PACKET_CORRUPT;
    read = head & 0x40 ? new_length(in, &at, &len, &kind) : old_length(in, &at, head & 3, &len, &kind);
    if (!read)
        return PGP_PACKET_TRUNCATED;
    out->definite = kind == LENGTH_DEFINITE;
    if (!out->definite && !may_be_partial(out->tag))
        return PGP_PACKET_CORRUPT;
    if (kind == LENGTH_PARTIAL && len < FIRST_CHUNK_MIN)
        return PGP_PACKET_CORRUPT;
    if (len > in.len - at)
        return PGP_PACKET_TRUNCATED;
    out->body_off = at;
    out->chunk_len = len;
    at += len;
    if (kind == LENGTH_PARTIAL && skip_chunks(in, &at) != PGP_PACKET_OK)
        return PGP_PACKET_TRUNCATED;
    out->len = at - out->off;
    *pos = at;
    return PGP_PACKET_OK;
}

struct span pgp_packet_body(struct span in, const struct pgp_packet *packet)
{
    return (struct span){in.data + packet->body_off, packet->chunk_len};
}

void pgp_packet_add_body(struct span in, const struct pgp_packet *packet, struct buf *out)
{
    size_t at = packet->body_off + packet->chunk_len, end = packet->off + packet->len, len;
    enum length_kind kind;

    buf_add(out, in.data + packet->body_off, packet->chunk_len);
    while (at < end && new_length(in, &at, &len, &kind)) {
        buf_add(out, in.data + at, len);
        at += len;
    }
}

bool pgp_subpacket_next(struct span area, size_t *pos, int *type, struct span *value, bool *bad)
{
    enum length_kind kind;
    size_t at = *pos, len, first, second;

    if (at >= area.len)
        return false;
    first = area.data[at];
    /* Here 224..254 is a length of two bytes as well: subpackets know no partial lengths. */
    if (first >= 224 && first < 255) {
        at++;
        if (!take(area, &at, 1, &second))
            return *bad = true, false;
        len = ((first - 192) << 8) + second + 192;
    } else if (!new_length(area, &at, &len, &kind)) {
        return *bad = true, false;
    }
    if (!len || len > area.len - at)
        return *bad = true, false;
    *type = area.data[at] & 0x7f;
    *value = (struct span){area.data + at + 1, len - 1};
    *pos = at + len;
    return true;
}

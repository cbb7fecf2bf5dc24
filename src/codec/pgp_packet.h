/*
 * Packet headers (RFC 9580, section 4.2; the old format of RFC 4880 as well). Pure, strict, linear, no recursion.
 *
 * Only data packets (tags 8, 9, 11, 18, 20) may have partial or indeterminate lengths; a first partial chunk has at
 * least 512 bytes. A length that runs past the input is PGP_PACKET_TRUNCATED, never clipped.
 */
#ifndef CODEC_PGP_PACKET_H
#define CODEC_PGP_PACKET_H

#include "base/buf.h"

#include <stdbool.h>

enum pgp_tag {
    PGP_TAG_PKESK = 1,
    PGP_TAG_SIGNATURE = 2,
    PGP_TAG_SKESK = 3,
    PGP_TAG_ONE_PASS = 4,
    PGP_TAG_SECRET_KEY = 5,
    PGP_TAG_PUBLIC_KEY = 6,
    PGP_TAG_SECRET_SUBKEY = 7,
    PGP_TAG_COMPRESSED = 8,
    PGP_TAG_SED = 9,
    PGP_TAG_MARKER = 10,
    PGP_TAG_LITERAL = 11,
    PGP_TAG_TRUST = 12,
    PGP_TAG_USER_ID = 13,
    PGP_TAG_PUBLIC_SUBKEY = 14,
    PGP_TAG_ATTRIBUTE = 17,
    PGP_TAG_SEIPD = 18,
    PGP_TAG_AEAD = 20,
    PGP_TAG_PADDING = 21,
    PGP_TAG_NOT_CRITICAL = 40 /* from here on: to be ignored where it is not known (RFC 9580, section 4.3) */
};

enum pgp_packet_result { PGP_PACKET_OK, PGP_PACKET_END, PGP_PACKET_TRUNCATED, PGP_PACKET_CORRUPT };

struct pgp_packet {
    int tag;
    size_t off, len;  /* the whole packet, its header (and the headers of further chunks) included */
    size_t body_off;  /* of the first chunk */
    size_t chunk_len; /* of the first chunk: the whole body where the length is definite */
    bool definite;
};

/* Reads the packet at *pos and moves *pos behind it; PGP_PACKET_END at the end of in. */
enum pgp_packet_result pgp_packet_next(struct span in, size_t *pos, struct pgp_packet *out);

/* The body of the first chunk. */
struct span pgp_packet_body(struct span in, const struct pgp_packet *packet);

/* Appends the whole body, put together of its chunks. */
void pgp_packet_add_body(struct span in, const struct pgp_packet *packet, struct buf *out);

/*
 * Subpackets of a signature area (RFC 9580, section 5.2.3.7): the one at *pos; false at the end. *bad is set where a
 * length is off. type has the critical bit removed.
 */
bool pgp_subpacket_next(struct span area, size_t *pos, int *type, struct span *value, bool *bad);

uint64_t pgp_be(const uint8_t *p, size_t n);

#endif

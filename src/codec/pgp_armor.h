/*
 * ASCII armor (RFC 9580, section 6), in pieces, so that a courier can encode head and body while it streams, and back.
 * Pure.
 *
 * Out: lines of 64 characters with the line end given, no headers, and a CRC24 (section 6.1), which older programs
 * want. pgp_armor_begin, any number of pgp_armor_update, pgp_armor_end; each adds to out.
 *
 * In: one armored block, and outside of it only white space. A checksum is not looked at (section 6.1: it must be
 * ignored; the packets have better ones); a block without its end line is truncated.
 */
#ifndef CODEC_PGP_ARMOR_H
#define CODEC_PGP_ARMOR_H

#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>

enum pgp_armor_kind { PGP_ARMOR_MESSAGE, PGP_ARMOR_PUBLIC_KEY, PGP_ARMOR_PRIVATE_KEY, PGP_ARMOR_SIGNATURE };

struct pgp_armor {
    enum pgp_armor_kind kind;
    const char *eol; /* "\r\n" or "\n"; borrowed */
    uint32_t crc;
    uint8_t rest[3];
    size_t n_rest;
    size_t column;
};

void pgp_armor_begin(struct pgp_armor *armor, enum pgp_armor_kind kind, const char *eol, struct buf *out);
void pgp_armor_update(struct pgp_armor *armor, struct span bytes, struct buf *out);
void pgp_armor_end(struct pgp_armor *armor, struct buf *out);

/* What n binary bytes come to as one armored block. */
size_t pgp_armor_size(enum pgp_armor_kind kind, const char *eol, size_t n);

/* Whether it begins, after white space, with an armor header line. */
bool pgp_armor_looks(struct span bytes);

/*
 * out is replaced on ERR_OK; wiped and empty otherwise.
 * ERR_REJECT truncated (no end line), corrupt (not base64, or bytes after the block)    ERR_LIMIT too-large
 */
enum err pgp_dearmor(struct span armored, enum pgp_armor_kind *kind, struct buf *out, struct diag *why);

#endif

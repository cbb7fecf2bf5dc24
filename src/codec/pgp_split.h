/*
 * Takes an encrypted message for a group apart: one session-key packet (PKESK, tag 1) for each recipient, and the one
 * encrypted body. A copy is a recipient's PKESK followed by the body, and names nobody else. Pure.
 *
 * Accepted, and nothing else (RFC 9580, section 10.3): PKESK of version 3, each of a definite length, then exactly one
 * body up to the last byte: tag 18 version 1 (section 5.13.1) or tag 20 version 1 (the draft of gpg 2.4), whose chain
 * of partial lengths (section 4.2.1.4) is followed to its end. A result that is anything else is refused (rule
 * pgp.split), and the caller encrypts to each recipient by its own call.
 */
#ifndef CODEC_PGP_SPLIT_H
#define CODEC_PGP_SPLIT_H

#include "base/buf.h"
#include "base/err.h"

#include <stdint.h>

struct pgp_pkesk {
    uint8_t key_id[8]; /* all zero: a hidden recipient, which is never mapped */
    size_t off, len;   /* of the whole packet, its header included */
    int version;
    int algo;
};

struct pgp_split {
    struct pgp_pkesk *pkesk;
    size_t n;
    size_t body_off, body_len; /* of the whole packet, up to the end of the message */
    int body_tag;
    int body_version;
};

/* Offsets are into message. The caller frees out with pgp_split_free; it is empty on an error. */
enum err pgp_split_parse(struct span message, size_t max_pkesk, struct pgp_split *out, struct diag *why);
void pgp_split_free(struct pgp_split *split);

uint64_t pgp_pkesk_number(const struct pgp_pkesk *pkesk);

/*
 * One to one or refused: pkesk_of_recipient[i] is the index of the PKESK for subkey_ids[i] (pgp_key_id_number of the
 * subkey that pgp_key_pick_encryption names). n must equal split->n, ids must be distinct and not 0, and each must
 * occur once. n log n.
 */
enum err pgp_split_map(const struct pgp_split *split, const uint64_t *subkey_ids, size_t n, size_t *pkesk_of_recipient,
                       struct diag *why);

#endif

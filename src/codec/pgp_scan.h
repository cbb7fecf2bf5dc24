/*
 * What is this message? Looked at before any cryptography, and without gpg. Pure.
 */
#ifndef CODEC_PGP_SCAN_H
#define CODEC_PGP_SCAN_H

#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

#define PGP_SCAN_IDS_MAX    64  /* further key ids are counted, not listed */
#define PGP_SCAN_HIDDEN_MAX 500 /* recipients without a name; each costs the agent a trial of each key */

enum pgp_scan_kind {
    PGP_SCAN_ENCRYPTED,  /* session keys, then one whole encrypted body */
    PGP_SCAN_SIGNED,     /* one-pass packets, literal data, signatures; or signatures, literal data */
    PGP_SCAN_LITERAL,    /* literal data alone */
    PGP_SCAN_COMPRESSED, /* what is inside is not known */
    PGP_SCAN_SIGNATURES, /* detached */
    PGP_SCAN_KEYS        /* certificates or secret keys */
};

struct pgp_scan {
    enum pgp_scan_kind kind;
    uint64_t key_ids[PGP_SCAN_IDS_MAX]; /* encrypted: recipients (0: hidden); signed: issuers where named */
    size_t n_key_ids;                   /* in all; may exceed PGP_SCAN_IDS_MAX */
    size_t passphrases;                 /* encrypted: session keys for a passphrase, besides those for keys */
    int body_tag;                       /* encrypted: 18 or 20 */
    int body_version;
    size_t body_len; /* of its whole packet, with all headers */
    bool signs_text; /* signatures: one of them is over text (class 0x01) */
    bool has_others; /* besides, packets that do not count: see pgp_scan_message */
};

/*
 * Binary packets: one whole message, from the first byte to the last. Markers, padding, packets of the tags 40 to 63
 * and signatures of a version after 5 do not count (RFC 9580, sections 4.3, 5.2, 5.8, 5.14).
 *
 * ERR_REJECT  truncated     the packets end early
 *             no-integrity  tag 9 (RFC 9580, section 5.7): not to be decrypted
 *             symmetric     encrypted with a passphrase alone
 *             too-many-recipients  over PGP_SCAN_HIDDEN_MAX that are hidden
 *             corrupt       no packets, or a sequence that is no message (section 10.3)
 */
enum err pgp_scan_message(struct span packets, struct pgp_scan *out, struct diag *why);

/*
 * Armored or binary; one whole encrypted message, else ERR_REJECT (rule not-encrypted for any other kind of message).
 * binary (may be NULL) is filled with the packets on ERR_OK; those for a passphrase (SKESK), what does not count, and,
 * where there are others, session keys (PKESK) of a version after 3 are left out.
 */
enum err pgp_packets_scan(struct span in, struct pgp_scan *out, struct buf *binary, struct diag *why);

/* Appends the packets that count, of a message that has been scanned. */
void pgp_scan_add_counted(struct span packets, struct buf *out);

/*
 * Appends the bytes of the encrypted body alone, of packets that pgp_packets_scan has found to be one message. Whoever
 * has no session key can change nothing of them; all else around them he can: who may open it, lengths, armor.
 */
void pgp_scan_add_ciphertext(struct span packets, struct buf *out);

#endif

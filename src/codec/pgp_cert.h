/*
 * What the packets of a certificate say by themselves. Pure: no signature is checked here, so the preferences are
 * to be read from bytes that gpg has checked and exported (pgp_key.c does).
 *
 * A certificate (RFC 9580, section 10.1): primary key, direct signatures, user ids and subkeys with their signatures.
 * Only version 4 keys are taken.
 */
#ifndef CODEC_PGP_CERT_H
#define CODEC_PGP_CERT_H

#include "base/buf.h"
#include "base/err.h"
#include "codec/pgp.h"

#include <stdbool.h>

struct pgp_cert_preferences {
    bool aes;               /* AES128, AES192 or AES256 among the preferred ciphers (section 5.2.3.14) */
    bool seipd2;            /* feature bit 0x08 (section 5.2.3.32) */
    bool only_weak_digests; /* all self-signatures over the user ids and the primary key: SHA-1, MD5, RIPEMD-160 */
};

/*
 * Checks that `in` is a whole sequence of public version 4 certificates and nothing else; n counts them.
 * ERR_REJECT key.garbage key.secret key.v6 key.v3 truncated
 */
enum err pgp_cert_check(struct span in, size_t *n, struct diag *why);

/*
 * Whether it is a key revocation (signature class 0x20) and nothing else; issuer gets the fingerprint or key id that it
 * names (PGP_FPR_SIZE bytes).
 */
bool pgp_cert_is_revocation(struct span in, char *issuer);

/*
 * Copies checked certificates without others' signatures, pictures, trust packets and unknown packets: a key that was
 * flooded with signatures comes to its normal size before gpg sees it. Linear.
 */
void pgp_cert_strip(struct span in, struct buf *out);

/* The next certificate of a checked sequence at *pos, which moves behind it; false at the end. */
bool pgp_cert_next(struct span in, size_t *pos, struct span *out);

/* The fingerprint of the first certificate (upper-case hex; section 5.5.4.2); out has PGP_FPR_SIZE bytes. */
bool pgp_cert_fingerprint(struct span in, char *out);

/*
 * The preferences that gpg would take of the certificate at the start of in: those of the self-signature over the
 * primary user id (the newest of those marked primary, else the newest of all), of a direct-key signature where
 * that names none.
 */
void pgp_cert_read_preferences(struct span in, struct pgp_cert_preferences *out);

/* SHA-1 (FIPS 180-4): for version 4 fingerprints alone, which are defined by it; nothing is trusted to it. */
void pgp_sha1(struct span head, struct span body, uint8_t out[20]);

#endif

/*
 * Decrypt and verify with gpg. Blocking: call in a crypto worker, which is killed on a deadline.
 *
 * Outputs: replaced on ERR_OK, wiped and empty otherwise. Their `max` bounds the plaintext; a compressed message may
 * besides not exceed PGP_BOMB_FACTOR times its packed size (and is always allowed PGP_BOMB_FLOOR bytes).
 *
 * ERR_REJECT  the message is wrong, and stays wrong; why->rule is one of
 *             truncated not-for-us no-integrity symmetric unsupported not-encrypted corrupt
 * ERR_LIMIT   rule bomb (the plaintext exceeds the limit)
 * ERR_AGAIN   the agent or the key cannot be used now (rules agent, locked-key); nothing has changed
 *             verifying, also rule pgp.engine: what gpg says against a message, or of one without a signature, is asked
 *             for twice, and it said two things
 * ERR_INTERNAL  gpg is missing or broken
 */
#ifndef CODEC_PGP_OPEN_H
#define CODEC_PGP_OPEN_H

#include "base/buf.h"
#include "base/err.h"
#include "codec/pgp.h"

#define PGP_BOMB_FACTOR  100
#define PGP_CLOCK_SKEW_S 600                /* a signature may be dated so far in the future */
#define PGP_BOMB_FLOOR   ((size_t)64 << 10) /* bytes */

enum pgp_verdict {
    PGP_SIG_GOOD,        /* by a key that is valid at the home's time */
    PGP_SIG_EXPIRED_KEY, /* right, but the key has expired */
    PGP_SIG_REVOKED_KEY, /* right, but the key is revoked */
    PGP_SIG_EXPIRED,     /* right, but the signature itself has expired */
    PGP_SIG_BAD,         /* over other bytes */
    PGP_SIG_UNKNOWN_KEY, /* the home does not hold the key: look up issuer, verify again in its shard */
    PGP_SIG_WEAK,        /* right, but by SHA-1, MD5 or RIPEMD-160 */
    PGP_SIG_ERROR        /* cannot be judged (unknown algorithm, made in the future, not over a document) */
};

struct pgp_signature {
    char fingerprint[PGP_FPR_SIZE]; /* of the primary key; "" for the verdicts unknown-key, bad and error */
    char issuer[PGP_FPR_SIZE];      /* as the signature names it: a fingerprint, else a key id of 16 digits */
    int64_t made_at_utc_s;          /* INSTANT_NONE: unknown */
    int64_t expires_at_utc_s;       /* INSTANT_NONE: never */
    enum pgp_verdict verdict;
    char hash[16]; /* "SHA512" */
};

struct pgp_decrypt_facts {
    char opened_by[PGP_FPR_SIZE]; /* the (sub)key of ours that opened it */
    size_t recipients;            /* session-key packets */
    int cipher;                   /* RFC 9580, section 9.3: 7..9 is AES */
};

/* "good", "expired-key", …: stable names for logs and records. */
const char *pgp_verdict_name(enum pgp_verdict verdict);

/*
 * Removes the encryption alone and hands back the packets inside, still signed, perhaps still compressed. in is
 * armored or binary, one message and nothing else.
 */
enum err pgp_decrypt(const char *home, struct span in, struct buf *inner_packets, struct pgp_decrypt_facts *facts,
                     struct diag *why);

/*
 * Both: decrypts, and judges the signatures inside by the keys of the same home. inner_packets may be empty where no
 * other home could say more: where there is no signature, or a good one.
 */
enum err pgp_open(const char *home, struct span in, struct buf *inner_packets, struct buf *plain,
                  struct pgp_decrypt_facts *facts, struct pgp_signature *sigs, size_t max, size_t *n, struct diag *why);

/* Bytes that a message of this size may become. */
size_t pgp_bomb_limit(size_t packed);

/* Removes the encryption and reads the literal data, signed or not; for what this program encrypted itself. */
enum err pgp_decrypt_plain(const char *home, struct span in, struct buf *plain, struct diag *why);

/*
 * Reads the literal data of a binary message and judges its signatures; none at all is ERR_OK with *n == 0. An
 * encrypted message is refused, even where it hides in a compressed one. More than max signatures: ERR_LIMIT, rule
 * too-many-signatures.
 */
enum err pgp_verify_inline(const char *home, struct span packets, struct buf *plain, struct pgp_signature *sigs,
                           size_t max, size_t *n, struct diag *why);

/* signature is armored or binary; signed_bytes are taken as they are (the caller has made line ends CRLF). */
enum err pgp_verify_detached(const char *home, struct span signature, struct span signed_bytes,
                             struct pgp_signature *sigs, size_t max, size_t *n, struct diag *why);

/*
 * A clear-signed text (RFC 9580, section 7): text holds one signed block and outside of it only white space, for what
 * is not signed must not be read. plain is the signed text, dash-escapes removed.
 */
enum err pgp_verify_clear(const char *home, struct span text, struct buf *plain, struct pgp_signature *sigs, size_t max,
                          size_t *n, struct diag *why);

#endif

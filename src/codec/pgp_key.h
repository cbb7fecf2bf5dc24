/*
 * Keys (certificates): what they are, whether they can be used at an instant, and their way in and out of a home.
 *
 * A struct pgp_key_info owns nothing and may be copied. Its facts come from gpg, which has checked the self-signatures,
 * but for the preferences, which gpgme does not show: those are read from the self-signatures (pgp_cert.h) after gpg
 * has checked them.
 *
 * Refusals (ERR_REJECT unless said otherwise):
 *   key.garbage      not a certificate, or one that gpg does not take
 *   key.secret       a secret key: never mail it; treat it as lost, make a new one
 *   key.v6, key.v3   a version that gpg cannot use: make a version 4 key
 *   key.several      more than one key where one is wanted
 *   key.too-large    (ERR_LIMIT) above the limits below even without others' signatures
 *   key.not-taken    gpg did not import it
 *   key.not-found    (ERR_NOT_FOUND)
 * Weakness is no refusal here, but a state, so that lists can show it; the flows refuse by state.
 */
#ifndef CODEC_PGP_KEY_H
#define CODEC_PGP_KEY_H

#include "base/buf.h"
#include "base/err.h"
#include "codec/pgp.h"

#include <stdbool.h>
#include <stdint.h>

#define PGP_KEY_UIDS_MAX    8                   /* further user ids are not listed */
#define PGP_KEY_UID_SIZE    256                 /* longer ones are cut */
#define PGP_KEY_SUBKEYS_MAX 32                  /* the primary key included; more: key.too-large */
#define PGP_KEY_RAW_MAX     ((size_t)8 << 20)   /* bytes, as handed in, others' signatures included */
#define PGP_KEY_MINIMAL_MAX ((size_t)256 << 10) /* bytes, without them */
#define PGP_KEY_EXPIRING_S  ((int64_t)60 * 86400)

struct pgp_subkey_info {
    char fingerprint[PGP_FPR_SIZE];
    char key_id[17];  /* upper-case hex; of a v4 key the last 16 digits */
    bool can_encrypt; /* by its flags and algorithm, whether expired or not */
    bool can_sign;
    bool can_certify;
    bool revoked;
    bool invalid; /* gpg does not trust its binding */
    int64_t created_at_utc_s;
    int64_t expires_at_utc_s; /* INSTANT_NONE: never */
    int algo;                 /* RFC 9580, section 9.1; 0: unknown */
    char algo_name[24];       /* "rsa3072", "ed25519", "cv25519" */
    unsigned bits;
};

struct pgp_key_info {
    char fingerprint[PGP_FPR_SIZE];
    size_t n_uids;
    char uids[PGP_KEY_UIDS_MAX][PGP_KEY_UID_SIZE]; /* the primary user id first; neither revoked nor invalid */
    int64_t created_at_utc_s;
    int64_t expires_at_utc_s; /* INSTANT_NONE: never */
    bool revoked;
    bool invalid;
    bool prefers_aes;       /* AES of any length among its preferred ciphers */
    bool prefers_seipd2;    /* its features name version 2 of integrity protection */
    bool only_weak_digests; /* every self-signature is made with SHA-1, MD5 or RIPEMD-160 */
    size_t n_subkeys;
    struct pgp_subkey_info subkeys[PGP_KEY_SUBKEYS_MAX]; /* [0] is the primary key */
};

enum pgp_key_state {
    PGP_KEY_USABLE,
    PGP_KEY_EXPIRING, /* usable, and expires within 60 days */
    PGP_KEY_EXPIRED,
    PGP_KEY_REVOKED,
    PGP_KEY_NO_ENCRYPTION,
    PGP_KEY_WEAK_CIPHER, /* does not name AES: gpg would use 3DES for the whole group */
    PGP_KEY_WEAK_KEY,
    PGP_KEY_DUPLICATE, /* shares a (sub)key with another member's: said by the caller, by pgp_key_shares_subkey */
    PGP_KEY_MISSING    /* no key: said by the caller */
};

/* "usable", "expiring", "no-encryption", …; the other way round false for an unknown name. */
const char *pgp_key_state_name(enum pgp_key_state state);
bool pgp_key_state_parse(const char *name, enum pgp_key_state *out);

/* Whether mail may be encrypted to a key of this state: usable or expiring. */
bool pgp_key_state_sends(enum pgp_key_state state);

/*
 * The state at an instant. Pure. reason (may be NULL) gets a sentence for people that names the remedy; it holds
 * no user id.
 */
enum pgp_key_state pgp_key_state_at(const struct pgp_key_info *key, int64_t now_utc_s, char *reason,
                                    size_t reason_size);

/* The encryption (sub)key that gpg would choose at an instant: the newest usable one. Borrowed; NULL: none. */
const struct pgp_subkey_info *pgp_key_pick_encryption(const struct pgp_key_info *key, int64_t now_utc_s);

/*
 * When the last of what can be encrypted to now has ended: gpg goes on to another subkey where the newest has.
 * INSTANT_NONE: never, or nothing can be encrypted to now.
 */
int64_t pgp_key_encrypts_until(const struct pgp_key_info *key, int64_t now_utc_s);

/* A key id of 16 hex digits, or the low 64 bits of a v4 fingerprint, as a number (0 where it is neither). */
uint64_t pgp_key_id_number(const char *hex);

/*
 * Whether a user id (neither revoked nor invalid, and one of the first PGP_KEY_UIDS_MAX) is this address, or has it in
 * angle brackets at its end. A user id is its owner's word alone: it says for whom a key was made, not whose it is.
 */
bool pgp_key_names(const struct pgp_key_info *key, const char *address);

/* Whether two certificates of different primary keys have a (sub)key in common (by fingerprint). */
bool pgp_key_shares_subkey(const struct pgp_key_info *a, const struct pgp_key_info *b);

/*
 * Examines certificates, armored or binary, in a throw-away home under workdir. infos has max places (max 1: one key
 * is wanted). in is at most PGP_KEY_RAW_MAX; others' signatures and pictures are taken off before gpg sees it.
 */
enum err pgp_key_examine(const char *workdir, struct span in, struct pgp_key_info *infos, size_t max, size_t *n,
                         struct diag *why);

/* The one certificate in `in` without others' signatures and pictures, binary, as gpg took it (export-minimal). */
enum err pgp_key_minimise(const char *workdir, struct span in, struct buf *out, struct diag *why);

/*
 * What is known of a key (minimised; empty: nothing) with news about it: the same certificate, newer or older, or a
 * revocation of it alone. Nothing that is known is lost: an old certificate does not undo a revocation. info and out as
 * above. now_utc_s: what gpg takes for the time (INSTANT_NONE: the machine's clock).
 * ERR_NOT_FOUND key.not-found: a revocation of a key that is not the known one.
 */
enum err pgp_key_update(const char *workdir, int64_t now_utc_s, struct span known, struct span news,
                        struct pgp_key_info *info, struct buf *out, struct diag *why);

/*
 * Many certificates, each of them one key, in one home and three calls of gpg. What is refused is refused by itself:
 * where gpg does not take them together, they are examined one by one.
 */
struct pgp_key_examined {
    enum err err; /* of this certificate; why says it */
    struct diag why;
    struct pgp_key_info info;
    struct buf minimal; /* the caller frees */
};
enum err pgp_key_examine_many(const char *workdir, int64_t now_utc_s, const struct span *in, size_t n,
                              struct pgp_key_examined *out, struct diag *why);

/* All packets of a key file, armored (any number of blocks) or not; out->max bounds them. */
enum err pgp_key_read_packets(struct span in, struct buf *out, struct diag *why);

/* Whether it is, armored or not, a revocation certificate alone; of gets the fingerprint of its key (PGP_FPR_SIZE). */
bool pgp_key_is_revocation(struct span in, char *of);

/*
 * Imports one certificate (merging news into one that is there); fingerprint (may be NULL) has PGP_FPR_SIZE bytes.
 * Others' signatures are taken off first. Secret keys are refused; see pgp_key_copy_secret. A revocation certificate
 * alone is taken where the home holds its key (else ERR_NOT_FOUND).
 */
enum err pgp_key_import(const char *home, struct span in, char *fingerprint, struct diag *why);

/*
 * Imports n certificates in one call of gpg, each prepared as by pgp_key_import; all or none: on an error none counts
 * as taken (some may be in the home), and the caller imports them one by one to find out which is at fault.
 */
enum err pgp_key_import_many(const char *home, const struct span *certificates, size_t n, struct diag *why);

/* Deletes the public key; with_secret: the secret key as well (else a key that has one is kept, ERR_DENIED). */
enum err pgp_key_delete(const char *home, const char *fingerprint, bool with_secret, struct diag *why);

/* minimal: without others' signatures. */
enum err pgp_key_export(const char *home, const char *fingerprint, bool minimal, bool armored, struct buf *out,
                        struct diag *why);

/* The key as the home holds it now. */
enum err pgp_key_lookup(const char *home, const char *fingerprint, struct pgp_key_info *info, struct diag *why);

/* The primary fingerprints in a home; secret: of those with a secret key only. More than max: ERR_LIMIT. */
enum err pgp_key_list(const char *home, bool secret, char (*fingerprints)[PGP_FPR_SIZE], size_t max, size_t *n,
                      struct diag *why);

/* A new Ed25519 key with a Curve25519 subkey, without a passphrase. INSTANT_NONE: never expires. */
enum err pgp_key_generate(const char *home, const char *user_id, int64_t expires_at_utc_s, char *fingerprint,
                          struct diag *why);

/* The same with a passphrase (empty: without); it goes to the agent by a pipe. */
enum err pgp_key_generate_locked(const char *home, const char *user_id, int64_t expires_at_utc_s,
                                 struct span passphrase, char *fingerprint, struct diag *why);

/*
 * Copies a key with its secret part, which must have no passphrase (else ERR_AGAIN, rule locked-key), from any home
 * into one of ours.
 */
enum err pgp_key_copy_secret(const char *from_home, const char *fingerprint, const char *to_home, struct diag *why);

/* A key with its secret part, for a backup with keys and for rotation; binary; the caller wipes out. And back. */
enum err pgp_key_export_secret(const char *home, const char *fingerprint, struct buf *out, struct diag *why);
enum err pgp_key_import_secret(const char *home, struct span in, char *fingerprint, struct diag *why);

#endif

/*
 * Sign once, encrypt to many. Blocking: call in a crypto worker.
 *
 * Outputs: replaced on ERR_OK, wiped and empty otherwise. What gpg says it did is checked: one signature, by exactly
 * the key asked for, with SHA512; AES256 with integrity protection; as many session keys as recipients.
 *
 * ERR_REJECT   a key cannot be used (rule key.unusable)     ERR_NOT_FOUND  no such (secret) key in this home
 * ERR_AGAIN    the agent does not answer, or the key is locked (rules agent, locked-key)
 *              gpg failed to read all of the data, which it does not say (rule pgp.cut-short)
 * ERR_LIMIT    out->max is exceeded (rule too-large)        ERR_INTERNAL   gpg did something else (rule pgp.result)
 */
#ifndef CODEC_PGP_SEAL_H
#define CODEC_PGP_SEAL_H

#include "base/buf.h"
#include "base/err.h"
#include "codec/pgp.h"

struct pgp_failed_key {
    char fingerprint[PGP_FPR_SIZE];
    char reason[64]; /* gpg's words: "Unusable public key" */
};

/* A binary signed message (one-pass packet, literal data, signature), not compressed. */
enum err pgp_sign_inline(const char *list_home, const char *fingerprint, struct span payload,
                         struct buf *signed_packets, struct diag *why);

/* RFC 3156, section 5: payload has CRLF line ends and is signed as it is. micalg is pgp-sha512. */
enum err pgp_sign_detached(const char *list_home, const char *fingerprint, struct span payload,
                           struct buf *armored_signature, struct diag *why);

/* Clear-signed text with a signature of each of two keys of the home. */
enum err pgp_sign_clear_both(const char *list_home, const char *first, const char *second, struct span text,
                             struct buf *clear, struct diag *why);

/* Clear-signed text (RFC 9580, section 7); trailing blanks of lines are not covered, and are removed. */
enum err pgp_sign_clear(const char *list_home, const char *fingerprint, struct span text, struct buf *clear,
                        struct diag *why);

/*
 * Encrypts signed packets to the keys of one shard, in one call: binary; n session-key packets, then one body; for
 * pgp_split_parse. n is at most PGP_GROUP_MAX, fingerprints are distinct.
 *
 * On ERR_REJECT failed[0..*n_failed) names the keys that gpg refused; it stops at the first, so take them out, record
 * them, and call again. failed holds max_failed entries and may be NULL with 0.
 */
enum err pgp_encrypt_group(const char *shard_home, struct span signed_packets, const char *const *fingerprints,
                           size_t n, struct buf *out_binary, struct pgp_failed_key *failed, size_t max_failed,
                           size_t *n_failed, struct diag *why);

/*
 * Ordinary encryption of data, unsigned: for the wrapped data key and for backups. Binary. Not in a shard, whose
 * no-literal would leave the data without its frame (refused: rule pgp.usage).
 */
enum err pgp_encrypt_plain(const char *home, struct span data, const char *const *fingerprints, size_t n,
                           struct buf *out_binary, struct diag *why);

#endif

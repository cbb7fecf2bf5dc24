/*
 * Sealed records: authenticated encryption of what is stored, keyed digests, and random tokens (libsodium).
 *
 * One 32-byte data key gives three keys of its own (crypto_kdf): for content (XChaCha20-Poly1305), for digests
 * (BLAKE2b, keyed) and for the tags of VERP addresses. They live in locked memory that is never dumped. A sealed
 * value is bound to its table, row and column: moved elsewhere, it does not open.
 */
#ifndef CODEC_BOX_H
#define CODEC_BOX_H

#include "base/buf.h"
#include "base/err.h"

#define BOX_KEY_BYTES    32
#define BOX_DIGEST_BYTES 32
#define BOX_ID_SIZE      9 /* 8 letters and NUL */

struct box;

/* Must be called before anything else here; ERR_INTERNAL where libsodium cannot start. */
enum err box_start(struct diag *why);

/* A fresh data key; the caller wipes it. */
void box_make_key(uint8_t key[BOX_KEY_BYTES]);

struct box *box_new(const uint8_t key[BOX_KEY_BYTES]);
void box_free(struct box **b);

/* Where a sealed value stands. */
struct box_place {
    const char *table;
    int64_t row;
    const char *column;
};

/* Replaces out with nonce and ciphertext. */
void box_seal(const struct box *b, struct box_place place, struct span plain, struct buf *out);

/* Replaces out with the plaintext; ERR_REJECT rule store.sealed where it was altered, moved or sealed under another
 * key. */
enum err box_open(const struct box *b, struct box_place place, struct span sealed, struct buf *out, struct diag *why);

/* A keyed digest of the bytes; `purpose` (up to 32 letters) keeps digests of one kind apart from those of another. */
void box_digest(const struct box *b, const char *purpose, struct span bytes, uint8_t out[BOX_DIGEST_BYTES]);

/* A keyed tag, as above but under the key of addresses. */
void box_tag(const struct box *b, const char *purpose, struct span bytes, uint8_t out[BOX_DIGEST_BYTES]);

/* Plain hashes, upper-case hex for nobody: lower-case, NUL-terminated, 65 bytes. */
void box_sha256_hex(struct span bytes, char out[65]);
void box_sha256(struct span bytes, uint8_t out[32]);

/* The same of bytes that come in pieces; box_sha256_end frees it. */
struct box_sha256 *box_sha256_begin(void);
void box_sha256_add(struct box_sha256 *h, struct span bytes);
void box_sha256_end(struct box_sha256 **h, char out[65]);

void box_random(void *out, size_t len);

/* Eight lower-case base32 letters: a case's id. */
void box_random_id(char out[BOX_ID_SIZE]);

/* Lower-case base32 of n_bytes random bytes; out must hold (8 * n_bytes + 4) / 5 + 1. */
void box_random_token(size_t n_bytes, char *out);

#endif

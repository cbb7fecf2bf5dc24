#include "codec/box.h"

#include "base/mem.h"
#include "codec/xfer.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BOX_CONTEXT "embargod"
#define NONCE_BYTES crypto_aead_xchacha20poly1305_ietf_NPUBBYTES
#define TAG_BYTES   crypto_aead_xchacha20poly1305_ietf_ABYTES

struct box {
    uint8_t content[crypto_aead_xchacha20poly1305_ietf_KEYBYTES];
    uint8_t digest[crypto_generichash_KEYBYTES];
    uint8_t tag[crypto_generichash_KEYBYTES];
};

enum err box_start(struct diag *why)
{
    if (sodium_init() < 0)
        return diag_set(why, ERR_INTERNAL, "box.start", "libsodium cannot start");
    return ERR_OK;
}

void box_make_key(uint8_t key[BOX_KEY_BYTES])
{
    randombytes_buf(key, BOX_KEY_BYTES);
}

struct box *box_new(const uint8_t key[BOX_KEY_BYTES])
{
    struct box *b = sodium_malloc(sizeof *b);

    if (!b)
        abort();
    crypto_kdf_derive_from_key(b->content, sizeof b->content, 1, BOX_CONTEXT, key);
    crypto_kdf_derive_from_key(b->digest, sizeof b->digest, 2, BOX_CONTEXT, key);
    crypto_kdf_derive_from_key(b->tag, sizeof b->tag, 3, BOX_CONTEXT, key);
    sodium_mprotect_readonly(b);
    return b;
}

void box_free(struct box **b)
{
    sodium_free(*b);
    *b = NULL;
}

static int place_text(struct box_place place, char *out, size_t size)
{
    return snprintf(out, size, "%s/%lld/%s", place.table, (long long)place.row, place.column);
}

void box_seal(const struct box *b, struct box_place place, struct span plain, struct buf *out)
{
    char where[128];
    int where_len = place_text(place, where, sizeof where);
    unsigned long long sealed_len;
    uint8_t *room;

    buf_clear(out);
    room = buf_room(out, NONCE_BYTES + plain.len + TAG_BYTES);
    if (!room)
        return;
    randombytes_buf(room, NONCE_BYTES);
    crypto_aead_xchacha20poly1305_ietf_encrypt(room + NONCE_BYTES, &sealed_len, plain.data, plain.len,
                                               (const uint8_t *)where, (unsigned long long)where_len, NULL, room,
                                               b->content);
    buf_grown(out, NONCE_BYTES + (size_t)sealed_len);
}

enum err box_open(const struct box *b, struct box_place place, struct span sealed, struct buf *out, struct diag *why)
{
    char where[128];
    int where_len = place_text(place, where, sizeof where);
    unsigned long long plain_len = 0;
    uint8_t *room;

    buf_clear(out);
    if (sealed.len < NONCE_BYTES + TAG_BYTES)
        return diag_set(why, ERR_REJECT, "store.sealed", "%s: the sealed value is too short", where);
    room = buf_room(out, sealed.len - NONCE_BYTES - TAG_BYTES);
    if (!room)
        return diag_set(why, ERR_LIMIT, "store.sealed", "%s: the sealed value is too large", where);
    if (crypto_aead_xchacha20poly1305_ietf_decrypt(room, &plain_len, NULL, sealed.data + NONCE_BYTES,
                                                   sealed.len - NONCE_BYTES, (const uint8_t *)where,
                                                   (unsigned long long)where_len, sealed.data, b->content))
        return diag_set(why, ERR_REJECT, "store.sealed",
                        "%s does not open: it was altered, moved, or sealed under another key; restore a backup",
                        where);
    buf_grown(out, (size_t)plain_len);
    return ERR_OK;
}

static void keyed(const uint8_t *key, const char *purpose, struct span bytes, uint8_t out[BOX_DIGEST_BYTES])
{
    crypto_generichash_state state;
    uint8_t name[32] = {0};

    memcpy(name, purpose, strnlen(purpose, sizeof name));
    crypto_generichash_init(&state, key, crypto_generichash_KEYBYTES, BOX_DIGEST_BYTES);
    crypto_generichash_update(&state, name, sizeof name);
    if (bytes.len)
        crypto_generichash_update(&state, bytes.data, bytes.len);
    crypto_generichash_final(&state, out, BOX_DIGEST_BYTES);
    mem_wipe(&state, sizeof state);
}

void box_digest(const struct box *b, const char *purpose, struct span bytes, uint8_t out[BOX_DIGEST_BYTES])
{
    keyed(b->digest, purpose, bytes, out);
}

void box_tag(const struct box *b, const char *purpose, struct span bytes, uint8_t out[BOX_DIGEST_BYTES])
{
    keyed(b->tag, purpose, bytes, out);
}

void box_sha256(struct span bytes, uint8_t out[32])
{
    crypto_hash_sha256(out, bytes.data, bytes.len);
}

void box_sha256_hex(struct span bytes, char out[65])
{
    uint8_t hash[32];

    box_sha256(bytes, hash);
    sodium_bin2hex(out, 65, hash, sizeof hash);
}

struct box_sha256 {
    crypto_hash_sha256_state state;
};

struct box_sha256 *box_sha256_begin(void)
{
    struct box_sha256 *h = mem_zero(1, sizeof *h);

    crypto_hash_sha256_init(&h->state);
    return h;
}

void box_sha256_add(struct box_sha256 *h, struct span bytes)
{
    crypto_hash_sha256_update(&h->state, bytes.data, bytes.len);
}

void box_sha256_end(struct box_sha256 **h, char out[65])
{
    uint8_t hash[32];

    crypto_hash_sha256_final(&(*h)->state, hash);
    sodium_bin2hex(out, 65, hash, sizeof hash);
    free(*h);
    *h = NULL;
}

void box_random(void *out, size_t len)
{
    randombytes_buf(out, len);
}

void box_random_token(size_t n_bytes, char *out)
{
    uint8_t bytes[64];
    struct buf text = BUF_EMPTY;

    if (n_bytes > sizeof bytes)
        n_bytes = sizeof bytes;
    randombytes_buf(bytes, n_bytes);
    xfer_base32_encode((struct span){bytes, n_bytes}, &text);
    memcpy(out, buf_text(&text), text.len + 1);
    buf_free(&text);
}

void box_random_id(char out[BOX_ID_SIZE])
{
    box_random_token(5, out);
}

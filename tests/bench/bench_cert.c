#include "tests/bench/bench_cert.h"

#include "base/instant.h"
#include "codec/pgp_cert.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

enum { ALGO_ECDH = 18, ALGO_EDDSA = 22, HASH_SHA512 = 10, SIG_UID = 0x13, SIG_SUBKEY = 0x18 };

static const uint8_t oid_ed25519[] = {9, 0x2b, 0x06, 0x01, 0x04, 0x01, 0xda, 0x47, 0x0f, 0x01};
static const uint8_t oid_cv25519[] = {10, 0x2b, 0x06, 0x01, 0x04, 0x01, 0x97, 0x55, 0x01, 0x05, 0x01};
static const uint8_t kdf[] = {3, 1, 8, 7}; /* SHA256, AES128, as gpg does */

struct key {
    uint8_t secret[crypto_sign_SECRETKEYBYTES];
    struct buf primary, subkey, uid; /* bodies of packets */
    uint8_t fingerprint[20], subkey_fingerprint[20];
    uint32_t made_at;
};

static void put_be(struct buf *b, uint32_t value, int bytes)
{
    while (bytes--)
        buf_add_byte(b, (uint8_t)(value >> 8 * bytes));
}

static void put_packet(struct buf *out, int tag, const struct buf *body)
{
    buf_add_byte(out, (uint8_t)(0xc0 | tag));
    buf_add_byte(out, 255);
    put_be(out, (uint32_t)body->len, 4);
    buf_add_buf(out, body);
}

/* A number without its leading zero bits (section 3.2). */
static void put_mpi(struct buf *out, const uint8_t *bytes, size_t n)
{
    uint32_t bits;

    while (n && !*bytes) {
        bytes++;
        n--;
    }
    bits = n ? (uint32_t)n * 8 - (uint32_t)__builtin_clz((unsigned)*bytes << 24) : 0;
    put_be(out, bits, 2);
    buf_add(out, bytes, n);
}

/* A point in its native form: 0x40 and 32 bytes. */
static void put_point(struct buf *out, const uint8_t point[32])
{
    uint8_t marked[33] = {0x40};

    memcpy(marked + 1, point, 32);
    put_mpi(out, marked, sizeof marked);
}

/* What a signature over a key hashes, and a fingerprint too (section 5.5.4.2). */
static void put_key_hashed(struct buf *out, const struct buf *key)
{
    buf_add_byte(out, 0x99);
    put_be(out, (uint32_t)key->len, 2);
    buf_add_buf(out, key);
}

static void fingerprint(const struct buf *key, uint8_t out[20])
{
    uint8_t head[3] = {0x99, (uint8_t)(key->len >> 8), (uint8_t)key->len};

    pgp_sha1((struct span){head, sizeof head}, buf_span(key), out);
}

static void put_subpacket(struct buf *out, int type, const void *value, size_t len)
{
    buf_add_byte(out, (uint8_t)(len + 1));
    buf_add_byte(out, (uint8_t)type);
    buf_add(out, value, len);
}

static void put_hashed_area(const struct key *k, int class, struct buf *out)
{
    static const uint8_t ciphers[] = {9, 8, 7}, hashes[] = {10, 9, 8}, compression[] = {0};
    uint8_t made[4] = {(uint8_t)(k->made_at >> 24), (uint8_t)(k->made_at >> 16), (uint8_t)(k->made_at >> 8),
                       (uint8_t)k->made_at};
    uint8_t issuer[21] = {4}, flags = class == SIG_UID ? 0x03 : 0x0c, features = 0x01;

    memcpy(issuer + 1, k->fingerprint, 20);
    put_subpacket(out, 33, issuer, sizeof issuer);
    put_subpacket(out, 2, made, sizeof made);
    put_subpacket(out, 27, &flags, 1);
    if (class != SIG_UID)
        return;
    put_subpacket(out, 11, ciphers, sizeof ciphers);
    put_subpacket(out, 21, hashes, sizeof hashes);
    put_subpacket(out, 22, compression, sizeof compression);
    put_subpacket(out, 30, &features, 1);
}

static void hash_signed(const struct key *k, int class, const struct buf *head, uint8_t digest[64])
{
    struct buf hashed = BUF_EMPTY;

    put_key_hashed(&hashed, &k->primary);
    if (class == SIG_UID) {
        buf_add_byte(&hashed, 0xb4);
        put_be(&hashed, (uint32_t)k->uid.len, 4);
        buf_add_buf(&hashed, &k->uid);
    } else {
        put_key_hashed(&hashed, &k->subkey);
    }
    buf_add_buf(&hashed, head);
    buf_add(&hashed, "\x04\xff", 2);
    put_be(&hashed, (uint32_t)head->len, 4);
    crypto_hash_sha512(digest, hashed.data, hashed.len);
    buf_free(&hashed);
}

/* A signature of version 4 (section 5.2.3) over the user id or the subkey. */
static void put_signature(const struct key *k, int class, struct buf *out)
{
    struct buf body = BUF_EMPTY, area = BUF_EMPTY;
    uint8_t digest[64], sig[crypto_sign_BYTES];

    put_hashed_area(k, class, &area);
    buf_add(&body, (uint8_t[]){4, (uint8_t) class, ALGO_EDDSA, HASH_SHA512}, 4);
    put_be(&body, (uint32_t)area.len, 2);
    buf_add_buf(&body, &area);
    hash_signed(k, class, &body, digest);
    crypto_sign_detached(sig, NULL, digest, sizeof digest, k->secret);
    buf_clear(&area);
    put_subpacket(&area, 16, k->fingerprint + 12, 8);
    put_be(&body, (uint32_t)area.len, 2);
    buf_add_buf(&body, &area);
    buf_add(&body, digest, 2);
    put_mpi(&body, sig, 32);
    put_mpi(&body, sig + 32, 32);
    put_packet(out, 2, &body);
    buf_free(&body);
    buf_free(&area);
}

static void make_key(struct key *k, unsigned number, int64_t made_at)
{
    uint8_t seed[32] = {0}, public[32], point[32], scalar[32];
    char address[BENCH_ADDRESS_SIZE];

    *k = (struct key){.primary = BUF_EMPTY, .subkey = BUF_EMPTY, .uid = BUF_EMPTY, .made_at = (uint32_t)made_at};
    snprintf((char *)seed, sizeof seed, "embargod bench %u", number);
    crypto_sign_seed_keypair(public, k->secret, seed);
    crypto_generichash(scalar, sizeof scalar, seed, sizeof seed, NULL, 0);
    crypto_scalarmult_base(point, scalar);
    buf_add_byte(&k->primary, 4);
    put_be(&k->primary, k->made_at, 4);
    buf_add_byte(&k->primary, ALGO_EDDSA);
    buf_add(&k->primary, oid_ed25519, sizeof oid_ed25519);
    put_point(&k->primary, public);
    buf_add_byte(&k->subkey, 4);
    put_be(&k->subkey, k->made_at, 4);
    buf_add_byte(&k->subkey, ALGO_ECDH);
    buf_add(&k->subkey, oid_cv25519, sizeof oid_cv25519);
    put_point(&k->subkey, point);
    buf_add(&k->subkey, kdf, sizeof kdf);
    bench_address(number, address);
    buf_printf(&k->uid, "Member %u <%s>", number, address);
    fingerprint(&k->primary, k->fingerprint);
    fingerprint(&k->subkey, k->subkey_fingerprint);
}

static void hex(const uint8_t *bytes, size_t n, char *out)
{
    for (size_t i = 0; i < n; i++)
        snprintf(out + 2 * i, 3, "%02X", bytes[i]);
}

static void fill_subkey(struct pgp_subkey_info *s, const uint8_t fpr[20], int algo, const char *name, int64_t made_at)
{
    hex(fpr, 20, s->fingerprint);
    hex(fpr + 12, 8, s->key_id);
    s->can_encrypt = algo == ALGO_ECDH;
    s->can_sign = s->can_certify = algo == ALGO_EDDSA;
    s->created_at_utc_s = made_at;
    s->expires_at_utc_s = INSTANT_NONE;
    s->algo = algo;
    snprintf(s->algo_name, sizeof s->algo_name, "%s", name);
    s->bits = 255;
}

static void fill_facts(const struct key *k, struct pgp_key_info *facts)
{
    memset(facts, 0, sizeof *facts);
    hex(k->fingerprint, 20, facts->fingerprint);
    facts->n_uids = 1;
    snprintf(facts->uids[0], sizeof facts->uids[0], "%s", buf_text(&k->uid));
    facts->created_at_utc_s = k->made_at;
    facts->expires_at_utc_s = INSTANT_NONE;
    facts->prefers_aes = true;
    facts->n_subkeys = 2;
    fill_subkey(&facts->subkeys[0], k->fingerprint, ALGO_EDDSA, "ed25519", k->made_at);
    fill_subkey(&facts->subkeys[1], k->subkey_fingerprint, ALGO_ECDH, "cv25519", k->made_at);
}

void bench_address(unsigned number, char *address)
{
    snprintf(address, BENCH_ADDRESS_SIZE, "contact@m%05u.example.net", number);
}

void bench_cert_make(unsigned number, int64_t made_at_utc_s, struct buf *out, struct pgp_key_info *facts)
{
    struct key k;

    make_key(&k, number, made_at_utc_s);
    buf_clear(out);
    put_packet(out, 6, &k.primary);
    put_packet(out, 13, &k.uid);
    put_signature(&k, SIG_UID, out);
    put_packet(out, 14, &k.subkey);
    put_signature(&k, SIG_SUBKEY, out);
    fill_facts(&k, facts);
    buf_free(&k.primary);
    buf_free(&k.subkey);
    buf_free(&k.uid);
}

/* Packets of secret keys: their public part is read, to tell them from bytes that merely begin alike. */
#include "codec/pgp_cert.h"
#include "codec/pgp_packet.h"
#include "codec/pgp_secret.h"

#include <stdio.h>
#include <string.h>

#define MPI_BITS_MAX 16384
#define OID_MAX      20
#define MANGLED_MAX  8192 /* bytes, more than the public part of any key */

/* The fields of a public key, in their order (RFC 9580, sections 5.5.5 and 9.1). */
static const struct {
    int algo;
    bool oid;
    int mpis;
    bool kdf;
    size_t bytes;
} shapes[] = {
    {1, false, 2, false, 0},   {2, false, 2, false, 0},   {3, false, 2, false, 0},  /* RSA */
    {16, false, 3, false, 0},  {20, false, 3, false, 0},  {17, false, 4, false, 0}, /* Elgamal, DSA */
    {18, true, 1, true, 0},    {19, true, 1, false, 0},   {22, true, 1, false, 0},  /* ECDH, ECDSA, EdDSA */
    {25, false, 0, false, 32}, {26, false, 0, false, 56}, {27, false, 0, false, 32}, {28, false, 0, false, 57},
};

static bool skip(struct span b, size_t *at, size_t n)
{
    if (n > b.len - *at)
        return false;
    *at += n;
    return true;
}

static bool skip_mpi(struct span b, size_t *at)
{
    size_t bits;

    if (b.len - *at < 2)
        return false;
    bits = (size_t)pgp_be(b.data + *at, 2);
    return bits && bits <= MPI_BITS_MAX && skip(b, at, 2 + (bits + 7) / 8);
}

/* A length of one byte, and so many bytes. */
static bool skip_short(struct span b, size_t *at, size_t max)
{
    size_t n = *at < b.len ? b.data[*at] : 0;

    return n && n <= max && skip(b, at, 1 + n);
}

/* How many bytes the public part has, from the version on; 0: it is none, or not whole. */
static size_t public_len(struct span b)
{
    size_t at = 6, n;
    int algo;

    if (b.len < 12)
        return 0;
    algo = b.data[5];
    if (b.data[0] == 5 || b.data[0] == 6) {
        n = (size_t)pgp_be(b.data + 6, 4);
        return n && n < b.len - 10 && (algo <= 3 || (algo >= 16 && algo <= 40)) ? 10 + n : 0;
    }
    if (b.data[0] == 2 || b.data[0] == 3) {
        algo = b.data[7];
        at = 8;
    } else if (b.data[0] != 4) {
        return 0;
    }
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        if (shapes[i].algo != algo)
            continue;
        if (shapes[i].oid && !skip_short(b, &at, OID_MAX))
            return 0;
        for (int k = 0; k < shapes[i].mpis; k++)
            if (!skip_mpi(b, &at))
                return 0;
        if ((shapes[i].kdf && !skip_short(b, &at, OID_MAX)) || !skip(b, &at, shapes[i].bytes))
            return 0;
        return at < b.len ? at : 0; /* something secret follows */
    }
    return 0;
}

static void fingerprint_of(struct span body, size_t n, char out[PGP_FPR_SIZE])
{
    uint8_t head[3] = {0x99, (uint8_t)(n >> 8), (uint8_t)n}, digest[20];

    if (body.data[0] != 4 || n > 0xffff || *out)
        return;
    pgp_sha1((struct span){head, sizeof head}, (struct span){body.data, n}, digest);
    for (size_t i = 0; i < sizeof digest; i++)
        snprintf(out + 2 * i, 3, "%02X", digest[i]);
}

/* The packet at *pos, also where the end of it is missing; false where there is none. */
static bool packet_at(struct span in, size_t *pos, int *tag, struct span *body)
{
    struct pgp_packet packet;
    size_t from = *pos, head = 2;
    uint8_t first;

    switch (pgp_packet_next(in, pos, &packet)) {
    case PGP_PACKET_OK:
        *tag = packet.tag;
        *body = pgp_packet_body(in, &packet);
        return true;
    case PGP_PACKET_TRUNCATED:
        break;
    default:
        return false;
    }
    if (in.len - from < 3)
        return false;
    first = in.data[from];
    if (!(first & 0x40))
        head = 1 + ((size_t)1 << (first & 3));
    else if (in.data[from + 1] >= 192)
        head = in.data[from + 1] == 255 ? 6 : 3;
    if (in.len - from <= head)
        return false;
    *tag = first & 0x40 ? first & 0x3f : first >> 2 & 0x0f;
    *body = (struct span){in.data + from + head, in.len - from - head};
    *pos = in.len;
    return true;
}

static bool is_of_a_key(int tag)
{
    return tag == PGP_TAG_PUBLIC_KEY || tag == PGP_TAG_PUBLIC_SUBKEY || tag == PGP_TAG_USER_ID ||
           tag == PGP_TAG_ATTRIBUTE || tag == PGP_TAG_SIGNATURE || tag == PGP_TAG_TRUST || tag == PGP_TAG_MARKER ||
           tag == PGP_TAG_SECRET_KEY || tag == PGP_TAG_SECRET_SUBKEY;
}

/*
 * A mail that held it as it is, binary, may have got a CR before each LF on its way: a byte more in the time of its
 * making, and nothing stands where it should. Each body is looked at once, so that this stays linear.
 */
static bool is_mangled(struct span body)
{
    uint8_t plain[MANGLED_MAX];
    size_t n = 0;

    for (size_t i = 0; i < body.len && n < sizeof plain; i++)
        if (body.data[i] != '\r' || i + 1 == body.len || body.data[i + 1] != '\n')
            plain[n++] = body.data[i];
    return public_len((struct span){plain, n}) != 0;
}

bool pgp_secret_walk(struct span packets, bool claimed, char of_key[PGP_FPR_SIZE])
{
    bool any = false;
    struct span body;
    size_t pos = 0;
    int tag;

    of_key[0] = 0;
    while (packet_at(packets, &pos, &tag, &body) && is_of_a_key(tag)) {
        size_t n;

        if (tag != PGP_TAG_SECRET_KEY && tag != PGP_TAG_SECRET_SUBKEY)
            continue;
        n = public_len(body);
        if (n && tag == PGP_TAG_SECRET_KEY)
            fingerprint_of(body, n, of_key);
        if (n || claimed || is_mangled(body))
            any = true;
        else
            break;
    }
    return any;
}

void pgp_secret_note(struct pgp_secrets *found, const char *fingerprint)
{
    for (size_t i = 0; i < found->n_keys; i++)
        if (strcmp(found->fingerprints[i], fingerprint) == 0)
            return;
    if (*fingerprint && found->n_keys < PGP_SECRET_KEYS_MAX)
        snprintf(found->fingerprints[found->n_keys++], PGP_FPR_SIZE, "%s", fingerprint);
}

bool pgp_secret_begins(struct span packets)
{
    uint8_t first = packets.len ? packets.data[0] : 0;

    return (first & 0x80) && is_of_a_key(first & 0x40 ? first & 0x3f : first >> 2 & 0x0f);
}

bool pgp_secret_in_packets(struct span packets, struct pgp_secrets *found)
{
    char of_key[PGP_FPR_SIZE];

    if (!pgp_secret_walk(packets, false, of_key))
        return false;
    found->n++;
    pgp_secret_note(found, of_key);
    return true;
}

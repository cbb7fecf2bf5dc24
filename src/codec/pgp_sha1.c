#include "codec/pgp_cert.h"

#include <string.h>

struct sha1 {
    uint32_t h[5];
    uint8_t block[64];
    size_t used;
    uint64_t total;
};

static uint32_t rotate(uint32_t x, int n)
{
    return x << n | x >> (32 - n);
}

static void mix(struct sha1 *s)
{
    uint32_t w[80], a = s->h[0], b = s->h[1], c = s->h[2], d = s->h[3], e = s->h[4], f, k, t;

    for (int i = 0; i < 16; i++)
        w[i] = (uint32_t)s->block[4 * i] << 24 | (uint32_t)s->block[4 * i + 1] << 16 |
               (uint32_t)s->block[4 * i + 2] << 8 | s->block[4 * i + 3];
    for (int i = 16; i < 80; i++)
        w[i] = rotate(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
    for (int i = 0; i < 80; i++) {
        if (i < 20)
            f = (b & c) | (~b & d), k = 0x5a827999;
        else if (i < 40)
            f = b ^ c ^ d, k = 0x6ed9eba1;
        else if (i < 60)
            f = (b & c) | (b & d) | (c & d), k = 0x8f1bbcdc;
        else
            f = b ^ c ^ d, k = 0xca62c1d6;
        t = rotate(a, 5) + f + e + k + w[i];
        e = d, d = c, c = rotate(b, 30), b = a, a = t;
    }
    s->h[0] += a, s->h[1] += b, s->h[2] += c, s->h[3] += d, s->h[4] += e;
}

static void add(struct sha1 *s, const uint8_t *p, size_t n)
{
    s->total += n;
    while (n) {
        size_t part = sizeof s->block - s->used < n ? sizeof s->block - s->used : n;

        memcpy(s->block + s->used, p, part);
        s->used += part;
        p += part;
        n -= part;
        if (s->used == sizeof s->block) {
            mix(s);
            s->used = 0;
        }
    }
}

void pgp_sha1(struct span head, struct span body, uint8_t out[20])
{
    struct sha1 s = {.h = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0}};
    static const uint8_t zeros[64];
    uint8_t length[8];
    uint64_t bits;

    add(&s, head.data, head.len);
    add(&s, body.data, body.len);
    bits = s.total * 8;
    add(&s, (const uint8_t *)"\x80", 1);
    add(&s, zeros, (s.used <= 56 ? 56 : 120) - s.used);
    for (int i = 0; i < 8; i++)
        length[i] = (uint8_t)(bits >> (56 - 8 * i));
    add(&s, length, sizeof length);
    for (int i = 0; i < 20; i++)
        out[i] = (uint8_t)(s.h[i / 4] >> (24 - 8 * (i % 4)));
}

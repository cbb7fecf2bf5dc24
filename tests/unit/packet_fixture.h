/* OpenPGP packets put together by hand. */
#ifndef TESTS_PACKET_FIXTURE_H
#define TESTS_PACKET_FIXTURE_H

#include "pgp_fixture.h"

#include "codec/pgp_packet.h"

static inline void put_head(struct buf *b, int tag, size_t len)
{
    buf_add_byte(b, (uint8_t)(0xc0 | tag));
    if (len < 192) {
        buf_add_byte(b, (uint8_t)len);
    } else {
        uint8_t head[5] = {255, (uint8_t)(len >> 24), (uint8_t)(len >> 16), (uint8_t)(len >> 8), (uint8_t)len};

        buf_add(b, head, 5);
    }
}

static inline void put_fill(struct buf *b, uint8_t first, size_t len)
{
    if (len)
        buf_add_byte(b, first);
    for (size_t i = 1; i < len; i++)
        buf_add_byte(b, (uint8_t)i);
}

static inline void put_packet(struct buf *b, int tag, uint8_t first, size_t len)
{
    put_head(b, tag, len);
    put_fill(b, first, len);
}

static inline void put_pkesk(struct buf *b, uint64_t id)
{
    uint8_t body[20] = {3};

    for (int i = 0; i < 8; i++)
        body[1 + i] = (uint8_t)(id >> (56 - 8 * i));
    body[9] = 18;
    put_head(b, PGP_TAG_PKESK, sizeof body);
    buf_add(b, body, sizeof body);
}

#endif

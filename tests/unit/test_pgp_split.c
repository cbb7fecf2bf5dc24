/* Packets and what a message of several recipients is taken apart into (codec/pgp_packet.h, codec/pgp_split.h). */
#include "packet_fixture.h"

#include "codec/pgp_scan.h"
#include "codec/pgp_split.h"

static void test_lengths(void **state)
{
    static const struct {
        const char *bytes;
        size_t len;
        enum pgp_packet_result want;
        int tag;
        size_t body;
    } cases[] = {
        {"", 0, PGP_PACKET_END, 0, 0},
        {"\xc0\x01x", 3, PGP_PACKET_CORRUPT, 0, 0},
        {"\x41\x01x", 3, PGP_PACKET_CORRUPT, 0, 0},
        {"\xc1", 1, PGP_PACKET_TRUNCATED, 0, 0},
        {"\xc1\x00", 2, PGP_PACKET_OK, 1, 0},
        {"\xc1\x02xy", 4, PGP_PACKET_OK, 1, 2},
        {"\xc1\x02x", 3, PGP_PACKET_TRUNCATED, 0, 0},
        {"\xc1\xc0", 2, PGP_PACKET_TRUNCATED, 0, 0},
        {"\xc1\xff\x00\x00\x00\x01x", 7, PGP_PACKET_OK, 1, 1},
        {"\xc1\xff\x00\x00\x00", 5, PGP_PACKET_TRUNCATED, 0, 0},
        {"\xc1\xff\xff\xff\xff\xff", 6, PGP_PACKET_TRUNCATED, 0, 0},
        {"\x84\x01x", 3, PGP_PACKET_OK, 1, 1},
        {"\x85\x00\x01x", 4, PGP_PACKET_OK, 1, 1},
        {"\x86\x00\x00\x00\x01x", 6, PGP_PACKET_OK, 1, 1},
        {"\x87x", 2, PGP_PACKET_CORRUPT, 0, 0},    /* no indeterminate length but for data */
        {"\xa3xyz", 4, PGP_PACKET_OK, 8, 3},       /* … here it is allowed */
        {"\xc1\xe9", 2, PGP_PACKET_CORRUPT, 0, 0}, /* no partial length but for data */
        {"\xcb\xe8", 2, PGP_PACKET_CORRUPT, 0, 0}, /* the first chunk is shorter than 512 */
        {"\xcb\xe9xx", 4, PGP_PACKET_TRUNCATED, 0, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct span in = {(const uint8_t *)cases[i].bytes, cases[i].len};
        struct pgp_packet packet;
        size_t pos = 0;

        assert_int_equal(pgp_packet_next(in, &pos, &packet), cases[i].want);
        if (cases[i].want == PGP_PACKET_OK) {
            assert_int_equal(packet.tag, cases[i].tag);
            assert_int_equal(pgp_packet_body(in, &packet).len, cases[i].body);
            assert_int_equal(pos, in.len);
        }
    }
}

static void test_chunks(void **state)
{
    struct buf b = BUF_EMPTY, body = BUF_EMPTY;
    struct pgp_packet packet;
    size_t pos = 0;

    (void)state;
    buf_add(&b, "\xd2\xe9", 2); /* 512, then 2, then a last one of 192 */
    put_fill(&b, 1, 512);
    buf_add(&b, "\xe1xy\xc0\x00", 5);
    put_fill(&b, 1, 192);
    assert_int_equal(pgp_packet_next(buf_span(&b), &pos, &packet), PGP_PACKET_OK);
    assert_int_equal(pos, b.len);
    assert_int_equal(packet.len, b.len);
    assert_int_equal(packet.chunk_len, 512);
    assert_false(packet.definite);
    pgp_packet_add_body(buf_span(&b), &packet, &body);
    assert_int_equal(body.len, 512 + 2 + 192);
    assert_memory_equal(body.data + 512, "xy", 2);
    for (size_t cut = 1; cut < 720; cut++) {
        pos = 0;
        assert_int_equal(pgp_packet_next((struct span){b.data, b.len - cut}, &pos, &packet),
                         cut < b.len ? PGP_PACKET_TRUNCATED : PGP_PACKET_END);
        if (cut + 1 >= b.len)
            break;
    }
    buf_free(&b);
    buf_free(&body);
}

static void test_subpackets(void **state)
{
    static const uint8_t good[] = {2, 0x80 | 27, 3, 5, 2, 1, 2, 3, 4};
    static const uint8_t bad[][3] = {{0, 0, 0}, {3, 27, 3}, {255, 0, 0}, {192, 0, 0}};
    struct span value;
    bool off = false;
    size_t pos = 0;
    int type;

    (void)state;
    assert_true(pgp_subpacket_next((struct span){good, sizeof good}, &pos, &type, &value, &off));
    assert_int_equal(type, 27);
    assert_int_equal(value.len, 1);
    assert_true(pgp_subpacket_next((struct span){good, sizeof good}, &pos, &type, &value, &off));
    assert_int_equal(type, 2);
    assert_true(pgp_be(value.data, value.len) == 0x01020304);
    assert_false(pgp_subpacket_next((struct span){good, sizeof good}, &pos, &type, &value, &off));
    assert_false(off);
    for (size_t i = 0; i < 4; i++) {
        pos = 0;
        off = false;
        assert_false(pgp_subpacket_next((struct span){bad[i], 3}, &pos, &type, &value, &off));
        assert_true(off);
    }
}

/* --- splitting --- */

static void group_of(struct buf *b, const uint64_t *ids, size_t n)
{
    buf_clear(b);
    for (size_t i = 0; i < n; i++)
        put_pkesk(b, ids[i]);
    put_packet(b, PGP_TAG_SEIPD, 1, 60);
}

static void test_split(void **state)
{
    static const uint64_t ids[] = {0x1111, 0xf00000000000000f, 0x2222};
    uint64_t wanted[3] = {0x2222, 0x1111, 0xf00000000000000f};
    struct buf b = BUF_EMPTY;
    struct pgp_split split;
    struct diag why;
    size_t of[3];

    (void)state;
    group_of(&b, ids, 3);
    check_ok(pgp_split_parse(buf_span(&b), 3, &split, &why), &why);
    assert_int_equal(split.n, 3);
    assert_int_equal(split.body_off, 66);
    assert_int_equal(split.body_len, 62);
    assert_int_equal(split.pkesk[1].off, 22);
    assert_int_equal(split.pkesk[1].len, 22);
    assert_int_equal(split.pkesk[1].algo, 18);
    assert_true(pgp_pkesk_number(&split.pkesk[1]) == ids[1]);
    check_ok(pgp_split_map(&split, wanted, 3, of, &why), &why);
    assert_true(of[0] == 2 && of[1] == 0 && of[2] == 1);
    check_fails(pgp_split_map(&split, wanted, 2, of, &why), ERR_REJECT, "pgp.split", &why);
    wanted[0] = 0x1111;
    check_fails(pgp_split_map(&split, wanted, 3, of, &why), ERR_REJECT, "pgp.split", &why);
    wanted[0] = 0x3333;
    check_fails(pgp_split_map(&split, wanted, 3, of, &why), ERR_REJECT, "pgp.split", &why);
    pgp_split_free(&split);
    /* the same recipient twice, and a hidden one, are never mapped */
    group_of(&b, (const uint64_t[]){5, 5}, 2);
    check_ok(pgp_split_parse(buf_span(&b), 2, &split, &why), &why);
    check_fails(pgp_split_map(&split, (const uint64_t[]){5, 5}, 2, of, &why), ERR_REJECT, "pgp.split", &why);
    pgp_split_free(&split);
    group_of(&b, (const uint64_t[]){0}, 1);
    check_ok(pgp_split_parse(buf_span(&b), 1, &split, &why), &why);
    check_fails(pgp_split_map(&split, (const uint64_t[]){0}, 1, of, &why), ERR_REJECT, "pgp.split", &why);
    pgp_split_free(&split);
    buf_free(&b);
}

static void not_split(const struct buf *b, size_t max)
{
    struct pgp_split split;
    struct diag why;

    check_fails(pgp_split_parse(buf_span(b), max, &split, &why), ERR_REJECT, "pgp.split", &why);
    assert_null(split.pkesk);
    assert_int_equal(split.n, 0);
}

static void test_split_refusals(void **state)
{
    static const uint64_t ids[] = {1, 2};
    static const int others[] = {PGP_TAG_SKESK,   PGP_TAG_MARKER,    PGP_TAG_SED, PGP_TAG_LITERAL,
                                 PGP_TAG_USER_ID, PGP_TAG_SIGNATURE, 21,          60};
    struct buf b = BUF_EMPTY, body = BUF_EMPTY;

    (void)state;
    not_split(&b, 5);
    group_of(&b, ids, 2);
    not_split(&b, 1);
    buf_add_byte(&b, 0xd2);
    not_split(&b, 2);
    group_of(&b, ids, 2);
    for (; b.len > 1; b.data[--b.len] = 0)
        if (b.len < 2 * 22 + 62)
            not_split(&b, 2);
    group_of(&b, ids, 0); /* no session key */
    not_split(&b, 2);
    group_of(&b, ids, 2);
    put_packet(&b, PGP_TAG_SEIPD, 1, 60);
    not_split(&b, 2);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        buf_clear(&b);
        put_pkesk(&b, 1);
        put_packet(&b, others[i], 3, 20);
        put_packet(&b, PGP_TAG_SEIPD, 1, 60);
        not_split(&b, 2);
    }
    buf_clear(&b); /* versions 6 of the session key and 2 of the body */
    put_packet(&b, PGP_TAG_PKESK, 6, 20);
    put_packet(&b, PGP_TAG_SEIPD, 1, 60);
    not_split(&b, 2);
    buf_clear(&b);
    put_pkesk(&b, 1);
    put_packet(&b, PGP_TAG_SEIPD, 2, 60);
    not_split(&b, 2);
    buf_clear(&b); /* a session key in partial lengths */
    buf_add(&b, "\xc1\xe9", 2);
    put_fill(&b, 3, 512);
    buf_add(&b, "\x00", 1);
    put_packet(&b, PGP_TAG_SEIPD, 1, 60);
    not_split(&b, 2);
    buf_free(&b);
    buf_free(&body);
}

static void test_split_bodies(void **state)
{
    struct buf b = BUF_EMPTY;
    struct pgp_split split;
    struct diag why;

    (void)state;
    put_pkesk(&b, 1);
    put_packet(&b, PGP_TAG_AEAD, 1, 300);
    check_ok(pgp_split_parse(buf_span(&b), 1, &split, &why), &why);
    assert_int_equal(split.body_tag, 20);
    pgp_split_free(&split);
    buf_clear(&b);
    put_pkesk(&b, 1);
    buf_add(&b, "\xd2\xe9", 2);
    put_fill(&b, 1, 512);
    buf_add(&b, "\x01z", 2);
    check_ok(pgp_split_parse(buf_span(&b), 1, &split, &why), &why);
    assert_int_equal(split.body_tag, 18);
    assert_int_equal(split.body_off + split.body_len, b.len);
    pgp_split_free(&split);
    buf_free(&b);
}

/* Every prefix and every changed byte of a message is judged without a fault (the sanitizers look on). */
static void test_hostile_bytes(void **state)
{
    static const uint64_t ids[] = {1, 2};
    struct buf b = BUF_EMPTY;
    struct pgp_split split;
    struct pgp_scan scan;

    (void)state;
    group_of(&b, ids, 2);
    for (size_t i = 0; i < b.len; i++) {
        uint8_t saved = b.data[i];
        uint8_t *copy = (uint8_t *)mem_strndup(b.data, i);

        pgp_scan_message((struct span){copy, i}, &scan, NULL);
        free(copy);
        for (int v = 0; v < 256; v++) {
            b.data[i] = (uint8_t)v;
            pgp_scan_message(buf_span(&b), &scan, NULL);
            if (!pgp_split_parse(buf_span(&b), 4, &split, NULL))
                pgp_split_free(&split);
        }
        b.data[i] = saved;
    }
    buf_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lengths),        cmocka_unit_test(test_chunks),
        cmocka_unit_test(test_subpackets),     cmocka_unit_test(test_split),
        cmocka_unit_test(test_split_refusals), cmocka_unit_test(test_split_bodies),
        cmocka_unit_test(test_hostile_bytes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

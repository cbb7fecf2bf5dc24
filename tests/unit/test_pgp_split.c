#include "pgp_fixture.h"

#include "codec/pgp_packet.h"
#include "codec/pgp_scan.h"
#include "codec/pgp_split.h"

/* --- packets put together by hand --- */

static void put_head(struct buf *b, int tag, size_t len)
{
    buf_add_byte(b, (uint8_t)(0xc0 | tag));
    if (len < 192) {
        buf_add_byte(b, (uint8_t)len);
    } else {
        uint8_t head[5] = {255, (uint8_t)(len >> 24), (uint8_t)(len >> 16), (uint8_t)(len >> 8), (uint8_t)len};

        buf_add(b, head, 5);
    }
}

static void put_fill(struct buf *b, uint8_t first, size_t len)
{
    if (len)
        buf_add_byte(b, first);
    for (size_t i = 1; i < len; i++)
        buf_add_byte(b, (uint8_t)i);
}

static void put_packet(struct buf *b, int tag, uint8_t first, size_t len)
{
    put_head(b, tag, len);
    put_fill(b, first, len);
}

static void put_pkesk(struct buf *b, uint64_t id)
{
    uint8_t body[20] = {3};

    for (int i = 0; i < 8; i++)
        body[1 + i] = (uint8_t)(id >> (56 - 8 * i));
    body[9] = 18;
    put_head(b, PGP_TAG_PKESK, sizeof body);
    buf_add(b, body, sizeof body);
}

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

/* --- scanning --- */

static void test_scan(void **state)
{
    static const struct {
        int tags[6];
        enum err err;
        const char *rule;
        enum pgp_scan_kind kind;
    } cases[] = {
        {{1, 18}, ERR_OK, "", PGP_SCAN_ENCRYPTED},
        {{10, 1, 1, 18}, ERR_OK, "", PGP_SCAN_ENCRYPTED},
        {{1, 20}, ERR_OK, "", PGP_SCAN_ENCRYPTED},
        {{1, 9}, ERR_REJECT, "no-integrity", 0},
        {{9}, ERR_REJECT, "no-integrity", 0},
        {{3, 18}, ERR_REJECT, "symmetric", 0},
        {{1, 3, 18}, ERR_OK, "", PGP_SCAN_ENCRYPTED},
        {{1}, ERR_REJECT, "truncated", 0},
        {{1, 18, 18}, ERR_REJECT, "corrupt", 0},
        {{1, 18, 1, 18}, ERR_REJECT, "corrupt", 0},
        {{1, 11}, ERR_REJECT, "corrupt", 0},
        {{4, 11, 2}, ERR_OK, "", PGP_SCAN_SIGNED},
        {{4, 4, 11, 2, 2}, ERR_OK, "", PGP_SCAN_SIGNED},
        {{4, 8, 2}, ERR_OK, "", PGP_SCAN_SIGNED},
        {{4, 11}, ERR_REJECT, "truncated", 0},
        {{4}, ERR_REJECT, "truncated", 0},
        {{4, 11, 2, 2}, ERR_REJECT, "corrupt", 0},
        {{4, 11, 2, 11}, ERR_REJECT, "corrupt", 0},
        {{4, 11, 11, 2}, ERR_REJECT, "corrupt", 0},
        {{4, 18, 2}, ERR_REJECT, "corrupt", 0},
        {{2, 11}, ERR_OK, "", PGP_SCAN_SIGNED},
        {{2}, ERR_OK, "", PGP_SCAN_SIGNATURES},
        {{2, 2}, ERR_OK, "", PGP_SCAN_SIGNATURES},
        {{2, 11, 11}, ERR_REJECT, "corrupt", 0},
        {{11}, ERR_OK, "", PGP_SCAN_LITERAL},
        {{11, 11}, ERR_REJECT, "corrupt", 0},
        {{11, 2}, ERR_REJECT, "corrupt", 0},
        {{8}, ERR_OK, "", PGP_SCAN_COMPRESSED},
        {{8, 8}, ERR_REJECT, "corrupt", 0},
        {{6, 13, 2, 14, 2}, ERR_OK, "", PGP_SCAN_KEYS},
        {{5, 13}, ERR_OK, "", PGP_SCAN_KEYS},
        {{13}, ERR_REJECT, "corrupt", 0},
        {{60}, ERR_REJECT, "corrupt", 0},
        {{21, 1, 60, 18, 21}, ERR_OK, "", PGP_SCAN_ENCRYPTED}, /* what is to be ignored where it is not known */
        {{40, 1, 18}, ERR_OK, "", PGP_SCAN_ENCRYPTED},
        {{39, 1, 18}, ERR_REJECT, "corrupt", 0},
        {{11, 22}, ERR_REJECT, "corrupt", 0},
        {{4, 11, 2, 63}, ERR_OK, "", PGP_SCAN_SIGNED},
        {{0}, ERR_REJECT, "corrupt", 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buf b = BUF_EMPTY;
        struct pgp_scan scan;
        struct diag why = {0};
        enum err err;

        for (int t = 0; t < 6 && cases[i].tags[t]; t++)
            put_packet(&b, cases[i].tags[t], 3, 40);
        err = pgp_scan_message(buf_span(&b), &scan, &why);
        if (err != cases[i].err || strcmp(why.rule, cases[i].rule) || (!err && scan.kind != cases[i].kind))
            fail_msg("case %zu: %d, %s (%s), kind %d", i, err, why.rule, why.text, scan.kind);
        buf_free(&b);
    }
}

static void test_scan_recipients(void **state)
{
    struct buf b = BUF_EMPTY, binary = BUF_EMPTY;
    struct pgp_scan scan;
    struct diag why;

    (void)state;
    for (uint64_t id = 1; id <= 100; id++)
        put_pkesk(&b, id);
    put_packet(&b, PGP_TAG_SEIPD, 1, 60);
    check_ok(pgp_packets_scan(buf_span(&b), &scan, &binary, &why), &why);
    assert_int_equal(scan.n_key_ids, 100);
    assert_true(scan.key_ids[PGP_SCAN_IDS_MAX - 1] == PGP_SCAN_IDS_MAX);
    assert_int_equal(scan.body_tag, 18);
    assert_int_equal(scan.body_version, 1);
    assert_int_equal(binary.len, b.len);
    binary.max = 100;
    check_fails(pgp_packets_scan(buf_span(&b), &scan, &binary, &why), ERR_LIMIT, "too-large", &why);
    assert_int_equal(binary.len, 0);
    buf_clear(&b);
    put_packet(&b, PGP_TAG_SKESK, 4, 10);
    put_pkesk(&b, 7);
    put_packet(&b, PGP_TAG_SEIPD, 1, 60);
    binary.max = 4096;
    check_ok(pgp_packets_scan(buf_span(&b), &scan, &binary, &why), &why);
    assert_int_equal(scan.passphrases, 1);
    assert_int_equal(binary.len, b.len - 12);
    assert_memory_equal(binary.data, b.data + 12, binary.len);
    buf_clear(&b);
    put_packet(&b, PGP_TAG_LITERAL, 'b', 10);
    check_fails(pgp_packets_scan(buf_span(&b), &scan, NULL, &why), ERR_REJECT, "not-encrypted", &why);
    buf_free(&b);
    buf_free(&binary);
}

/* Who may open it, and how it is packed, anyone can change; what is encrypted stays the same. */
static void test_ciphertext(void **state)
{
    struct buf plain = BUF_EMPTY, other = BUF_EMPTY, one = BUF_EMPTY, two = BUF_EMPTY;
    struct diag why;
    struct pgp_scan scan;

    (void)state;
    put_pkesk(&plain, 7);
    put_packet(&plain, PGP_TAG_SEIPD, 1, 600);
    put_packet(&other, PGP_TAG_MARKER, 'P', 3);
    put_pkesk(&other, 8);
    put_pkesk(&other, 7);
    buf_add(&other, "\xd2\xe9", 2); /* 512 and 88 */
    buf_add(&other, plain.data + plain.len - 600, 512);
    buf_add_byte(&other, 88);
    buf_add(&other, plain.data + plain.len - 88, 88);
    check_ok(pgp_packets_scan(buf_span(&other), &scan, NULL, &why), &why);
    pgp_scan_add_ciphertext(buf_span(&plain), &one);
    pgp_scan_add_ciphertext(buf_span(&other), &two);
    assert_int_equal(one.len, 600);
    assert_int_equal(two.len, one.len);
    assert_memory_equal(one.data, two.data, one.len);
    buf_free(&plain);
    buf_free(&other);
    buf_free(&one);
    buf_free(&two);
}

static void test_hidden_recipients(void **state)
{
    struct buf b = BUF_EMPTY;
    struct pgp_scan scan;
    struct diag why;

    (void)state;
    for (int i = 0; i < PGP_SCAN_HIDDEN_MAX; i++)
        put_pkesk(&b, 0);
    for (uint64_t id = 1; id <= 2000; id++)
        put_pkesk(&b, id);
    put_packet(&b, PGP_TAG_SEIPD, 1, 60);
    check_ok(pgp_scan_message(buf_span(&b), &scan, &why), &why);
    buf_clear(&b);
    for (int i = 0; i <= PGP_SCAN_HIDDEN_MAX; i++)
        put_pkesk(&b, 0);
    put_packet(&b, PGP_TAG_SEIPD, 1, 60);
    check_fails(pgp_scan_message(buf_span(&b), &scan, &why), ERR_REJECT, "too-many-recipients", &why);
    buf_free(&b);
}

/* A signature of a version that nobody knows does not count; one beside it does. */
static void test_unknown_versions(void **state)
{
    struct buf b = BUF_EMPTY, counted = BUF_EMPTY;
    struct pgp_scan scan;
    struct diag why;

    (void)state;
    put_packet(&b, PGP_TAG_SIGNATURE, 6, 40);
    put_packet(&b, PGP_TAG_SIGNATURE, 4, 40);
    put_packet(&b, PGP_TAG_SIGNATURE, 10, 40);
    check_ok(pgp_scan_message(buf_span(&b), &scan, &why), &why);
    assert_true(scan.has_others);
    pgp_scan_add_counted(buf_span(&b), &counted);
    assert_int_equal(counted.len, 42);
    buf_clear(&b);
    put_packet(&b, PGP_TAG_SIGNATURE, 6, 40);
    check_fails(pgp_scan_message(buf_span(&b), &scan, &why), ERR_REJECT, "corrupt", &why);
    buf_clear(&b);
    put_packet(&b, PGP_TAG_ONE_PASS, 6, 40);
    put_packet(&b, PGP_TAG_ONE_PASS, 3, 13);
    put_packet(&b, PGP_TAG_LITERAL, 'b', 40);
    put_packet(&b, PGP_TAG_SIGNATURE, 4, 40);
    put_packet(&b, PGP_TAG_SIGNATURE, 6, 40);
    check_ok(pgp_scan_message(buf_span(&b), &scan, &why), &why);
    assert_int_equal(scan.kind, PGP_SCAN_SIGNED);
    buf_free(&b);
    buf_free(&counted);
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
        cmocka_unit_test(test_lengths),
        cmocka_unit_test(test_chunks),
        cmocka_unit_test(test_subpackets),
        cmocka_unit_test(test_split),
        cmocka_unit_test(test_split_refusals),
        cmocka_unit_test(test_split_bodies),
        cmocka_unit_test(test_scan),
        cmocka_unit_test(test_scan_recipients),
        cmocka_unit_test(test_ciphertext),
        cmocka_unit_test(test_hidden_recipients),
        cmocka_unit_test(test_unknown_versions),
        cmocka_unit_test(test_hostile_bytes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

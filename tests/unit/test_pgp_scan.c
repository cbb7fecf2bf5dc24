/* What a message is, by its packets alone (codec/pgp_scan.h). */
#include "packet_fixture.h"

#include "codec/pgp_scan.h"

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
    /* of an unknown version: not handed on beside one that is known, but handed on alone */
    buf_clear(&b);
    put_packet(&b, PGP_TAG_PKESK, 6, 10);
    put_pkesk(&b, 7);
    put_packet(&b, PGP_TAG_SEIPD, 1, 60);
    check_ok(pgp_packets_scan(buf_span(&b), &scan, &binary, &why), &why);
    assert_int_equal(scan.n_key_ids, 2);
    assert_int_equal(binary.len, b.len - 12);
    assert_memory_equal(binary.data, b.data + 12, binary.len);
    buf_clear(&b);
    put_packet(&b, PGP_TAG_PKESK, 6, 10);
    put_packet(&b, PGP_TAG_SEIPD, 1, 60);
    check_ok(pgp_packets_scan(buf_span(&b), &scan, &binary, &why), &why);
    assert_int_equal(binary.len, b.len);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scan),
        cmocka_unit_test(test_scan_recipients),
        cmocka_unit_test(test_ciphertext),
        cmocka_unit_test(test_hidden_recipients),
        cmocka_unit_test(test_unknown_versions),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

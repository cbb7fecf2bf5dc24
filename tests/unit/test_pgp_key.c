/* What a key is: its state at an instant, the subkey that is encrypted to, its names (codec/pgp_key.h). */
#include "pgp_key_fixture.h"

#include "codec/pgp_armor.h"
#include "codec/pgp_cert.h"
#include "codec/pgp_scan.h"
#include "codec/pgp_seal.h"

static void test_usable(void **state)
{
    const char *home = fresh_home("ed", INSTANT_NONE);
    char fingerprint[PGP_FPR_SIZE], pure[PGP_FPR_SIZE];
    struct buf key = BUF_EMPTY, armored = BUF_EMPTY;
    struct pgp_key_info info;
    struct diag why;

    (void)state;
    check_ok(pgp_key_generate(home, "Ed <ed@example.org>", INSTANT_NONE, fingerprint, &why), &why);
    check_ok(pgp_key_export(home, fingerprint, true, true, &armored, &why), &why);
    info = examined(buf_span(&armored));
    assert_string_equal(info.fingerprint, fingerprint);
    assert_int_equal(info.n_uids, 1);
    assert_string_equal(info.uids[0], "Ed <ed@example.org>");
    assert_int_equal(info.n_subkeys, 2);
    assert_true(info.prefers_aes);
    assert_false(info.revoked || info.invalid || info.only_weak_digests);
    assert_true(info.expires_at_utc_s == INSTANT_NONE);
    assert_int_equal(info.subkeys[0].algo, 22);
    assert_int_equal(info.subkeys[1].algo, 18);
    assert_string_equal(info.subkeys[1].algo_name, "cv25519");
    assert_true(info.subkeys[0].can_sign && info.subkeys[0].can_certify && !info.subkeys[0].can_encrypt);
    assert_true(info.subkeys[1].can_encrypt && !info.subkeys[1].can_sign);
    assert_ptr_equal(pgp_key_pick_encryption(&info, now()), &info.subkeys[1]);
    assert_null(pgp_key_pick_encryption(&info, now() - DAY));
    assert_int_equal(pgp_key_state_at(&info, now() - DAY, NULL, 0), PGP_KEY_NO_ENCRYPTION);
    assert_string_equal(info.subkeys[1].key_id, info.subkeys[1].fingerprint + 24);
    expect_state(home, now(), PGP_KEY_USABLE);
    check_ok(pgp_key_export(home, fingerprint, true, false, &key, &why), &why);
    assert_true(pgp_cert_fingerprint(buf_span(&key), pure));
    assert_string_equal(pure, fingerprint);
    buf_free(&key);
    buf_free(&armored);
}

/* Of the subkeys that are there now, the last end counts; the primary key's bounds it. */
static void test_until(void **state)
{
    static const struct {
        int primary, a, b; /* days from now; 0: never; a is the older */
        bool b_revoked;
        int64_t want; /* 0: never or not now */
    } rows[] = {
        {0, 0, 0, false, 0},     {0, 90, 30, false, 90}, {0, 30, 90, false, 90}, {0, 0, 30, false, 0},
        {60, 90, 30, false, 60}, {60, 0, 30, false, 60}, {0, 30, 90, true, 30},  {0, -1, 30, false, 30},
        {0, 90, -1, false, 90},  {0, -1, -1, false, 0},  {-1, 90, 90, false, 0}, {0, 30, 0, true, 30},
    };
    int64_t t = 2000000000;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct pgp_key_info *k = mem_zero(1, sizeof *k);
        const int days[] = {rows[i].primary, rows[i].a, rows[i].b};

        k->n_subkeys = 3;
        for (size_t j = 0; j < 3; j++) {
            k->subkeys[j].can_encrypt = j > 0;
            k->subkeys[j].created_at_utc_s = t - 10 * DAY + (int64_t)j;
            k->subkeys[j].expires_at_utc_s = days[j] ? t + days[j] * DAY : INSTANT_NONE;
        }
        k->created_at_utc_s = t - 10 * DAY;
        k->expires_at_utc_s = k->subkeys[0].expires_at_utc_s;
        k->subkeys[2].revoked = rows[i].b_revoked;
        assert_true(pgp_key_encrypts_until(k, t) == (rows[i].want ? t + rows[i].want * DAY : INSTANT_NONE));
        free(k);
    }
}

static void test_expiry(void **state)
{
    const char *home = fresh_home("exp", INSTANT_NONE);
    char fingerprint[PGP_FPR_SIZE];
    struct diag why;
    int64_t end = now() + 100 * DAY;

    (void)state;
    check_ok(pgp_key_generate(home, "exp@example.org", end, fingerprint, &why), &why);
    expect_state(home, now(), PGP_KEY_USABLE);
    expect_state(home, end - 61 * DAY, PGP_KEY_USABLE);
    expect_state(home, end - 59 * DAY, PGP_KEY_EXPIRING);
    expect_state(home, end - DAY, PGP_KEY_EXPIRING);
    expect_state(home, end + DAY, PGP_KEY_EXPIRED);
    /* made long ago, and expired by the machine's clock already */
    home = fresh_home("old", now() - 400 * DAY);
    check_ok(pgp_key_generate(home, "old@example.org", now() - 35 * DAY, fingerprint, &why), &why);
    expect_state(home, now(), PGP_KEY_EXPIRED);
    expect_state(home, now() - 200 * DAY, PGP_KEY_USABLE);
    /* the primary key lasts, the encryption subkey does not */
    home = fresh_home("sub", INSTANT_NONE);
    assert_int_equal(gpg_in(home, ARGS("--quick-gen-key", "sub@example.org", "ed25519", "cert,sign", "never")), 0);
    only_key(home, fingerprint);
    expect_state(home, now(), PGP_KEY_NO_ENCRYPTION);
    assert_int_equal(gpg_in(home, ARGS("--quick-add-key", fingerprint, "cv25519", "encr", "20d")), 0);
    expect_state(home, now(), PGP_KEY_EXPIRING);
    expect_state(home, now() + 21 * DAY, PGP_KEY_EXPIRED);
    assert_int_equal(gpg_in(home, ARGS("--quick-add-key", fingerprint, "rsa3072", "encr", "never")), 0);
    expect_state(home, now() + 21 * DAY, PGP_KEY_USABLE);
}

static void test_revoked(void **state)
{
    const char *home = fresh_home("rev", INSTANT_NONE);
    const char *path;
    char fingerprint[PGP_FPR_SIZE];
    struct buf cert = BUF_EMPTY;
    struct diag why;

    (void)state;
    check_ok(pgp_key_generate(home, "rev@example.org", INSTANT_NONE, fingerprint, &why), &why);
    revocation_of(home, fingerprint, &cert);
    path = in_scratch("rev.asc");
    write_file(path, buf_span(&cert));
    assert_int_equal(gpg_in(home, ARGS("--import", path)), 0);
    expect_state(home, now(), PGP_KEY_REVOKED);
    buf_free(&cert);
}

static void test_weak(void **state)
{
    const char *home = fresh_home("rsa1024", INSTANT_NONE);
    char fingerprint[PGP_FPR_SIZE];

    (void)state;
    assert_int_equal(gpg_in(home, ARGS("--quick-gen-key", "a@example.org", "rsa1024", "default", "never")), 0);
    only_key(home, fingerprint);
    assert_int_equal(gpg_in(home, ARGS("--quick-add-key", fingerprint, "rsa3072", "encr", "never")), 0);
    expect_state(home, now(), PGP_KEY_WEAK_KEY);
    home = fresh_home("rsa2048", INSTANT_NONE);
    assert_int_equal(gpg_in(home, ARGS("--quick-gen-key", "a@example.org", "rsa2048", "default", "never")), 0);
    only_key(home, fingerprint);
    assert_int_equal(gpg_in(home, ARGS("--quick-add-key", fingerprint, "rsa2048", "encr", "never")), 0);
    expect_state(home, now(), PGP_KEY_USABLE);
    home = fresh_home("dsa", INSTANT_NONE);
    assert_int_equal(gpg_in(home, ARGS("--quick-gen-key", "a@example.org", "dsa2048", "default", "never")), 0);
    only_key(home, fingerprint);
    assert_int_equal(gpg_in(home, ARGS("--quick-add-key", fingerprint, "elg2048", "encr", "never")), 0);
    expect_state(home, now(), PGP_KEY_WEAK_KEY);
    home = fresh_home("3des", INSTANT_NONE);
    assert_int_equal(gpg_in(home, ARGS("--default-preference-list", "3DES SHA256 Uncompressed", "--quick-gen-key",
                                       "a@example.org", "future-default", "default", "never")),
                     0);
    expect_state(home, now(), PGP_KEY_WEAK_CIPHER);
    home = fresh_home("aes128", INSTANT_NONE);
    assert_int_equal(gpg_in(home, ARGS("--default-preference-list", "CAST5 AES SHA256", "--quick-gen-key",
                                       "a@example.org", "future-default", "default", "never")),
                     0);
    expect_state(home, now(), PGP_KEY_USABLE);
    home = fresh_home("sha1", INSTANT_NONE);
    assert_int_equal(gpg_in(home, ARGS("--cert-digest-algo", "SHA1", "--quick-gen-key", "a@example.org",
                                       "future-default", "default", "never")),
                     0);
    expect_state(home, now(), PGP_KEY_WEAK_KEY);
}

/* The subkey that gpg really encrypts to. */
static uint64_t gpg_picks(const char *home, const char *fingerprint)
{
    struct buf sealed = BUF_EMPTY;
    struct pgp_scan scan;
    struct diag why;

    check_ok(pgp_encrypt_plain(home, span_of("x"), &fingerprint, 1, &sealed, &why), &why);
    check_ok(pgp_packets_scan(buf_span(&sealed), &scan, NULL, &why), &why);
    assert_int_equal(scan.n_key_ids, 1);
    buf_free(&sealed);
    return scan.key_ids[0];
}

static void same_pick(const char *home, const char *fingerprint, int64_t at)
{
    struct pgp_key_info info;
    struct diag why;

    check_ok(pgp_home_set_time(home, at, &why), &why);
    check_ok(pgp_key_lookup(home, fingerprint, &info, &why), &why);
    assert_non_null(pgp_key_pick_encryption(&info, at));
    assert_true(pgp_key_id_number(pgp_key_pick_encryption(&info, at)->key_id) == gpg_picks(home, fingerprint));
}

static void test_pick(void **state)
{
    const int64_t at = instant_from_civil(2026, 1, 2, 3, 4, 5);
    const char *home = fresh_home("pick", at);
    char fingerprint[PGP_FPR_SIZE];
    struct diag why;

    (void)state;
    check_ok(pgp_key_generate(home, "pick@example.org", INSTANT_NONE, fingerprint, &why), &why);
    same_pick(home, fingerprint, at);
    /* of the same second, by a frozen clock */
    assert_int_equal(gpg_in(home, ARGS("--quick-add-key", fingerprint, "cv25519", "encr", "30d")), 0);
    same_pick(home, fingerprint, at);
    /* newer, and expiring before the older ones; then expired */
    check_ok(pgp_home_set_time(home, at + DAY, &why), &why);
    assert_int_equal(gpg_in(home, ARGS("--quick-add-key", fingerprint, "rsa2048", "encr", "5d")), 0);
    same_pick(home, fingerprint, at + DAY);
    same_pick(home, fingerprint, at + 2 * DAY);
    same_pick(home, fingerprint, at + 7 * DAY);
    same_pick(home, fingerprint, at + 60 * DAY);
    /* by a clock before the newest was made */
    same_pick(home, fingerprint, at + 1);
    /* a primary key that encrypts, alone and with a subkey */
    home = fresh_home("pick2", at);
    assert_int_equal(gpg_in(home, ARGS("--quick-gen-key", "p@example.org", "rsa2048", "cert,sign,encr", "never")), 0);
    only_key(home, fingerprint);
    same_pick(home, fingerprint, at);
    assert_int_equal(gpg_in(home, ARGS("--quick-add-key", fingerprint, "cv25519", "encr", "30d")), 0);
    same_pick(home, fingerprint, at + DAY);
    same_pick(home, fingerprint, at + 60 * DAY);
}

static void test_states(void **state)
{
    enum pgp_key_state got;

    (void)state;
    for (int s = PGP_KEY_USABLE; s <= PGP_KEY_MISSING; s++) {
        assert_true(pgp_key_state_parse(pgp_key_state_name((enum pgp_key_state)s), &got));
        assert_int_equal(got, s);
        assert_int_equal(pgp_key_state_sends(got), s <= PGP_KEY_EXPIRING);
    }
    assert_false(pgp_key_state_parse("fine", &got));
    assert_true(pgp_key_id_number("00000000000000FF") == 255);
    assert_true(pgp_key_id_number("0123456789ABCDEF0123456700000000000000fe") == 254);
    assert_true(pgp_key_id_number("FF") == 0);
    assert_true(pgp_key_id_number("x") == 0);
}

/* For whom a key is, by its own user ids. */
static void test_names(void **state)
{
    static const struct {
        const char *uid, *address;
        bool names;
    } rows[] = {{"Acorn <security@acorn.example>", "security@acorn.example", true},
                {"security@acorn.example", "security@acorn.example", true},
                {"Acorn <Security@ACORN.example>", "security@acorn.example", true},
                {"Acorn <security@acorn.example> (old)", "security@acorn.example", false},
                {"security@acorn.example <joe@birch.example>", "security@acorn.example", false},
                {"<security@acorn.example> <joe@birch.example>", "security@acorn.example", false},
                {"Acorn <security@acorn.example", "security@acorn.example", false},
                {"Acorn <insecurity@acorn.example>", "security@acorn.example", false},
                {"Acorn <security@acorn.example.org>", "security@acorn.example", false},
                {"Acorn", "security@acorn.example", false},
                {"", "security@acorn.example", false},
                {"", "", false}};
    struct pgp_key_info *key = mem_zero(1, sizeof *key);

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        key->n_uids = 2;
        snprintf(key->uids[1], PGP_KEY_UID_SIZE, "%s", rows[i].uid);
        if (pgp_key_names(key, rows[i].address) != rows[i].names)
            fail_msg("row %zu", i);
    }
    key->n_uids = 1; /* what stands behind the last one does not count */
    snprintf(key->uids[1], PGP_KEY_UID_SIZE, "security@acorn.example");
    assert_false(pgp_key_names(key, "security@acorn.example"));
    free(key);
}

static void test_sha1(void **state)
{
    static const struct {
        const char *text;
        size_t times;
        const char *want;
    } cases[] = {
        {"", 1, "da39a3ee5e6b4b0d3255bfef95601890afd80709"},
        {"abc", 1, "a9993e364706816aba3e25717850c26c9cd0d89d"},
        {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 1, "84983e441c3bd26ebaae4aa1f95129e5e54670f1"},
        {"a", 1000000, "34aa973cd4c4daa4f61eeb2bdbad27316534016f"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buf in = BUF_EMPTY;
        uint8_t digest[20];
        char hex[41];

        for (size_t t = 0; t < cases[i].times; t++)
            buf_add_str(&in, cases[i].text);
        pgp_sha1(span_of(""), buf_span(&in), digest);
        for (int b = 0; b < 20; b++)
            snprintf(hex + 2 * b, 3, "%02x", digest[b]);
        assert_string_equal(hex, cases[i].want);
        buf_free(&in);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_states),  cmocka_unit_test(test_sha1),  cmocka_unit_test(test_names),
        cmocka_unit_test(test_usable),  cmocka_unit_test(test_until), cmocka_unit_test(test_expiry),
        cmocka_unit_test(test_revoked), cmocka_unit_test(test_weak),  cmocka_unit_test(test_pick),
    };

    return cmocka_run_group_tests(tests, make_scratch, remove_scratch);
}

#include "pgp_fixture.h"

#include "codec/pgp_armor.h"
#include "codec/pgp_cert.h"
#include "codec/pgp_scan.h"
#include "codec/pgp_seal.h"

#include <time.h>

#define DAY ((int64_t)86400)

static int gpg_in(const char *home, const char *const *args)
{
    const char *argv[32] = {"gpg",      "--homedir",    home, "--batch", "--yes", "--pinentry-mode",
                            "loopback", "--passphrase", ""};
    size_t n = 9;

    while (*args && n < 31)
        argv[n++] = *args++;
    return run_tool(NULL, false, argv);
}

static int64_t now(void)
{
    return (int64_t)time(NULL);
}

/* A home of its own for each key, made at an instant (INSTANT_NONE: now). */
static const char *fresh_home(const char *name, int64_t at)
{
    const char *home = in_scratch(name);
    struct diag why;

    check_ok(pgp_home_make(home, PGP_HOME_LIST, &why), &why);
    check_ok(pgp_home_set_time(home, at, &why), &why);
    return home;
}

static void only_key(const char *home, char *fingerprint)
{
    char list[1][PGP_FPR_SIZE];
    struct diag why;
    size_t n;

    check_ok(pgp_key_list(home, false, list, 1, &n, &why), &why);
    assert_int_equal(n, 1);
    memcpy(fingerprint, list[0], PGP_FPR_SIZE);
}

static void exported(const char *home, struct buf *out)
{
    char fingerprint[PGP_FPR_SIZE];
    struct diag why;

    only_key(home, fingerprint);
    check_ok(pgp_key_export(home, fingerprint, false, false, out, &why), &why);
}

static struct pgp_key_info examined(struct span in)
{
    struct pgp_key_info info;
    struct diag why;
    size_t n;

    check_ok(pgp_key_examine(scratch, in, &info, 1, &n, &why), &why);
    assert_int_equal(n, 1);
    return info;
}

static void expect_state(const char *home, int64_t at, enum pgp_key_state want)
{
    struct buf key = BUF_EMPTY;
    struct pgp_key_info info;
    char reason[160];
    enum pgp_key_state got;

    exported(home, &key);
    info = examined(buf_span(&key));
    got = pgp_key_state_at(&info, at, reason, sizeof reason);
    if (got != want)
        fail_msg("%s is %s (%s) instead of %s", home, pgp_key_state_name(got), reason, pgp_key_state_name(want));
    assert_int_equal(reason[0] != 0, want != PGP_KEY_USABLE);
    buf_free(&key);
}

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
    char fingerprint[PGP_FPR_SIZE], *path;
    struct buf cert = BUF_EMPTY;
    struct diag why;

    (void)state;
    check_ok(pgp_key_generate(home, "rev@example.org", INSTANT_NONE, fingerprint, &why), &why);
    path = mem_printf("%s/openpgp-revocs.d/%s.rev", home, fingerprint);
    read_file(path, &cert);
    *strstr((char *)cert.data, ":-----BEGIN") = '\n';
    write_file(path, buf_span(&cert));
    assert_int_equal(gpg_in(home, ARGS("--import", path)), 0);
    expect_state(home, now(), PGP_KEY_REVOKED);
    free(path);
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

static void refused(struct span in, enum err want, const char *rule)
{
    struct buf out = BUF_EMPTY;
    struct pgp_key_info info;
    char fingerprint[PGP_FPR_SIZE] = "x";
    struct diag why = {0};
    size_t n;

    check_fails(pgp_key_examine(scratch, in, &info, 1, &n, &why), want, rule, &why);
    assert_int_equal(n, 0);
    check_fails(pgp_key_import(in_scratch("store"), in, fingerprint, &why), want, rule, &why);
    assert_string_equal(fingerprint, "");
    check_fails(pgp_key_minimise(scratch, in, &out, &why), want, rule, &why);
    assert_int_equal(out.len, 0);
    buf_free(&out);
}

static void test_refusals(void **state)
{
    static const uint8_t v6[] = {0xc6, 42, 6,  0x69, 0,  0,  0,  27, 0,  0,  0,  32, 1,  2,  3,
                                 4,    5,  6,  7,    8,  9,  10, 11, 12, 13, 14, 15, 16, 17, 18,
                                 19,   20, 21, 22,   23, 24, 25, 26, 27, 28, 29, 30, 31, 32};
    static const uint8_t v3[] = {0x99, 0, 12, 3, 0, 0, 0, 1, 0, 0, 1, 0, 8, 0xff, 0};
    const char *home = fresh_home("ok", INSTANT_NONE), *other = fresh_home("other", INSTANT_NONE);
    char fingerprint[PGP_FPR_SIZE], second[PGP_FPR_SIZE];
    struct buf key = BUF_EMPTY, secret = BUF_EMPTY, both = BUF_EMPTY, armored = BUF_EMPTY, changed = BUF_EMPTY;
    struct pgp_key_info infos[2];
    struct pgp_armor armor;
    struct diag why;
    size_t n;

    (void)state;
    fresh_home("store", INSTANT_NONE);
    check_ok(pgp_key_generate(home, "ok@example.org", INSTANT_NONE, fingerprint, &why), &why);
    check_ok(pgp_key_generate(other, "other@example.org", INSTANT_NONE, second, &why), &why);
    exported(home, &key);
    refused(span_of("garbage"), ERR_REJECT, "key.garbage");
    refused(span_of(""), ERR_REJECT, "key.garbage");
    refused(span_of("-----BEGIN PGP PUBLIC KEY BLOCK-----\n\naGVsbG8=\n-----END PGP PUBLIC KEY BLOCK-----\n"),
            ERR_REJECT, "key.garbage");
    refused(span_of("-----BEGIN PGP PUBLIC KEY BLOCK-----\n\naGVs"), ERR_REJECT, "truncated");
    refused((struct span){v6, sizeof v6}, ERR_REJECT, "key.v6");
    refused((struct span){v3, sizeof v3}, ERR_REJECT, "key.v3");
    refused((struct span){key.data, key.len - 9}, ERR_REJECT, "truncated");
    check_ok(pgp_key_export_secret(home, fingerprint, &secret, &why), &why);
    refused(buf_span(&secret), ERR_REJECT, "key.secret");
    pgp_armor_begin(&armor, PGP_ARMOR_PRIVATE_KEY, "\n", &armored);
    pgp_armor_update(&armor, buf_span(&secret), &armored);
    pgp_armor_end(&armor, &armored);
    refused(buf_span(&armored), ERR_REJECT, "key.secret");
    exported(other, &both);
    buf_add_buf(&both, &key);
    refused(buf_span(&both), ERR_REJECT, "key.several");
    check_ok(pgp_key_examine(scratch, buf_span(&both), infos, 2, &n, &why), &why);
    assert_int_equal(n, 2);
    /* text around a key is passed over, but every key in it counts */
    buf_clear(&armored);
    buf_add_str(&armored, "Dear team,\n\nhere it is:\n");
    check_ok(pgp_key_export(home, fingerprint, true, true, &changed, &why), &why);
    buf_add_buf(&armored, &changed);
    buf_add_str(&armored, "Bye\n");
    check_ok(pgp_key_examine(scratch, buf_span(&armored), infos, 1, &n, &why), &why);
    assert_string_equal(infos[0].fingerprint, fingerprint);
    buf_add_buf(&armored, &changed);
    refused(buf_span(&armored), ERR_REJECT, "key.several");
    buf_clear(&changed);
    /* the user id is not what was signed: import alone would say success */
    buf_add_buf(&changed, &key);
    *(uint8_t *)memmem(changed.data, changed.len, "ok@example", 10) = 'k';
    refused(buf_span(&changed), ERR_REJECT, "key.not-taken");
    /* far too large: a user id over and over */
    buf_clear(&changed);
    buf_add_buf(&changed, &key);
    while (changed.len < PGP_KEY_MINIMAL_MAX)
        buf_add(&changed,
                "\xb4\x50"
                "01234567890123456789012345678901234567890123456789012345678901234567890123456789",
                82);
    refused(buf_span(&changed), ERR_LIMIT, "key.too-large");
    memset(buf_room(&changed, PGP_KEY_RAW_MAX), 0, PGP_KEY_RAW_MAX);
    buf_grown(&changed, PGP_KEY_RAW_MAX);
    refused(buf_span(&changed), ERR_LIMIT, "key.too-large");
    buf_free(&key);
    buf_free(&secret);
    buf_free(&both);
    buf_free(&armored);
    buf_free(&changed);
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

/* A revocation certificate alone is news to a key that is there. */
static void test_revocation_certificate(void **state)
{
    const char *home = fresh_home("revc", INSTANT_NONE);
    char fingerprint[PGP_FPR_SIZE], got[PGP_FPR_SIZE], *path;
    struct pgp_key_info info;
    struct buf cert = BUF_EMPTY;
    struct diag why;

    (void)state;
    check_ok(pgp_key_generate(home, "revc@example.org", INSTANT_NONE, fingerprint, &why), &why);
    path = mem_printf("%s/openpgp-revocs.d/%s.rev", home, fingerprint);
    read_file(path, &cert);
    *strstr((char *)cert.data, ":-----BEGIN") = '\n';
    check_fails(pgp_key_import(fresh_home("empty", INSTANT_NONE), buf_span(&cert), got, &why), ERR_NOT_FOUND,
                "key.not-found", &why);
    copy_public(home, fingerprint, in_scratch("empty"));
    check_ok(pgp_key_import(in_scratch("empty"), buf_span(&cert), got, &why), &why);
    assert_string_equal(got, fingerprint);
    check_ok(pgp_key_lookup(in_scratch("empty"), fingerprint, &info, &why), &why);
    assert_int_equal(pgp_key_state_at(&info, now(), NULL, 0), PGP_KEY_REVOKED);
    free(path);
    buf_free(&cert);
}

/* Ten thousand signatures by somebody else: off before gpg sees them. */
static void test_flooded(void **state)
{
    const char *home = fresh_home("flood", INSTANT_NONE), *other = fresh_home("flooder", INSTANT_NONE);
    char fingerprint[PGP_FPR_SIZE], second[PGP_FPR_SIZE], got[PGP_FPR_SIZE];
    struct buf key = BUF_EMPTY, flooded = BUF_EMPTY, minimal = BUF_EMPTY, signed_key = BUF_EMPTY;
    struct pgp_key_info info;
    struct diag why;
    uint8_t *third;
    size_t tail;
    clock_t start;

    (void)state;
    check_ok(pgp_key_generate(home, "flood@example.org", INSTANT_NONE, fingerprint, &why), &why);
    check_ok(pgp_key_generate(other, "x@example.org", INSTANT_NONE, second, &why), &why);
    exported(home, &key);
    copy_public(home, fingerprint, other);
    assert_int_equal(gpg_in(other, ARGS("--quick-sign-key", fingerprint)), 0);
    check_ok(pgp_key_export(other, fingerprint, false, false, &signed_key, &why), &why);
    assert_true(signed_key.len > key.len);
    /* the foreign signature stands between the self-signature and the subkey; its first bytes are those of a packet */
    for (tail = 0; tail < key.len && key.data[key.len - 1 - tail] == signed_key.data[signed_key.len - 1 - tail]; tail++)
        ;
    third = signed_key.data + (signed_key.len - tail) - (signed_key.len - key.len);
    buf_add(&flooded, signed_key.data, (size_t)(third - signed_key.data));
    for (int i = 0; i < 10000; i++)
        buf_add(&flooded, third, signed_key.len - key.len);
    buf_add(&flooded, third, signed_key.len - (size_t)(third - signed_key.data));
    start = clock();
    check_ok(pgp_key_minimise(scratch, buf_span(&flooded), &minimal, &why), &why);
    assert_true((clock() - start) / CLOCKS_PER_SEC < 5);
    assert_true(minimal.len <= key.len);
    info = examined(buf_span(&flooded));
    assert_int_equal(pgp_key_state_at(&info, now(), NULL, 0), PGP_KEY_USABLE);
    check_ok(pgp_key_import(fresh_home("store2", INSTANT_NONE), buf_span(&flooded), got, &why), &why);
    assert_string_equal(got, fingerprint);
    buf_free(&key);
    buf_free(&flooded);
    buf_free(&minimal);
    buf_free(&signed_key);
}

/* News about a known key: a revocation alone, and an old certificate, which takes nothing back. */
static void test_update(void **state)
{
    const char *home = fresh_home("news", INSTANT_NONE), *other = fresh_home("news2", INSTANT_NONE);
    char fingerprint[PGP_FPR_SIZE], second[PGP_FPR_SIZE], of[PGP_FPR_SIZE], *path;
    struct buf old = BUF_EMPTY, rev = BUF_EMPTY, known = BUF_EMPTY, out = BUF_EMPTY;
    struct span none = {NULL, 0};
    struct pgp_key_info info;
    struct diag why;

    (void)state;
    check_ok(pgp_key_generate(home, "news@example.org", INSTANT_NONE, fingerprint, &why), &why);
    check_ok(pgp_key_generate(other, "news2@example.org", INSTANT_NONE, second, &why), &why);
    exported(home, &old);
    path = mem_printf("%s/openpgp-revocs.d/%s.rev", home, fingerprint);
    read_file(path, &rev);
    *strstr((char *)rev.data, ":-----BEGIN") = '\n';
    assert_false(pgp_key_is_revocation(buf_span(&old), of));
    assert_true(pgp_key_is_revocation(buf_span(&rev), of));
    assert_string_equal(of, fingerprint);
    check_ok(pgp_key_update(scratch, INSTANT_NONE, none, buf_span(&old), &info, &known, &why), &why);
    assert_int_equal(pgp_key_state_at(&info, now(), NULL, 0), PGP_KEY_USABLE);
    check_fails(pgp_key_update(scratch, INSTANT_NONE, none, buf_span(&rev), &info, &out, &why), ERR_NOT_FOUND,
                "key.not-found", &why);
    check_ok(pgp_key_update(scratch, INSTANT_NONE, buf_span(&known), buf_span(&rev), &info, &out, &why), &why);
    assert_int_equal(pgp_key_state_at(&info, now(), NULL, 0), PGP_KEY_REVOKED);
    check_ok(pgp_key_update(scratch, INSTANT_NONE, buf_span(&out), buf_span(&old), &info, &known, &why), &why);
    assert_int_equal(pgp_key_state_at(&info, now(), NULL, 0), PGP_KEY_REVOKED);
    exported(other, &old);
    check_fails(pgp_key_update(scratch, INSTANT_NONE, buf_span(&known), buf_span(&old), &info, &out, &why), ERR_REJECT,
                "key.not-taken", &why);
    assert_int_equal(out.len, 0);
    assert_int_equal(info.n_subkeys, 0);
    free(path);
    buf_free(&old);
    buf_free(&rev);
    buf_free(&known);
    buf_free(&out);
}

static void test_store(void **state)
{
    const char *home = fresh_home("src", INSTANT_NONE), *to = fresh_home("dst", INSTANT_NONE);
    char fingerprint[PGP_FPR_SIZE], list[2][PGP_FPR_SIZE];
    struct pgp_key_info info, other;
    struct buf out = BUF_EMPTY;
    struct diag why;
    size_t n;

    (void)state;
    check_ok(pgp_key_generate(home, "src@example.org", INSTANT_NONE, fingerprint, &why), &why);
    check_ok(pgp_key_copy_secret(home, fingerprint, to, &why), &why);
    check_ok(pgp_key_list(to, true, list, 2, &n, &why), &why);
    assert_int_equal(n, 1);
    assert_string_equal(list[0], fingerprint);
    check_ok(pgp_key_copy_secret(home, fingerprint, to, &why), &why);
    check_fails(pgp_key_delete(to, fingerprint, false, &why), ERR_DENIED, "key.secret", &why);
    check_ok(pgp_key_delete(to, fingerprint, true, &why), &why);
    check_fails(pgp_key_delete(to, fingerprint, true, &why), ERR_NOT_FOUND, "key.not-found", &why);
    check_fails(pgp_key_lookup(to, fingerprint, &info, &why), ERR_NOT_FOUND, "key.not-found", &why);
    check_fails(pgp_key_lookup(home, "src@example.org", &info, &why), ERR_USAGE, "pgp.usage", &why);
    check_fails(pgp_key_lookup(home, fingerprint + 24, &info, &why), ERR_USAGE, "pgp.usage", &why);
    check_ok(pgp_key_lookup(home, fingerprint, &info, &why), &why);
    /* a subkey's fingerprint does not name a key */
    check_fails(pgp_key_lookup(home, info.subkeys[1].fingerprint, &other, &why), ERR_NOT_FOUND, "key.not-found", &why);
    other = info;
    assert_false(pgp_key_shares_subkey(&info, &other));
    other.fingerprint[0] ^= 1;
    assert_true(pgp_key_shares_subkey(&info, &other));
    out.max = 20;
    check_fails(pgp_key_export(home, fingerprint, true, false, &out, &why), ERR_LIMIT, "too-large", &why);
    assert_int_equal(out.len, 0);
    check_fails(pgp_key_generate(home, "two\nlines", INSTANT_NONE, fingerprint, &why), ERR_USAGE, "pgp.usage", &why);
    check_fails(pgp_key_generate(home, "past@example.org", now() - 5, fingerprint, &why), ERR_USAGE, "pgp.usage", &why);
    buf_free(&out);
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
        cmocka_unit_test(test_states), cmocka_unit_test(test_sha1),     cmocka_unit_test(test_names),
        cmocka_unit_test(test_usable), cmocka_unit_test(test_expiry),   cmocka_unit_test(test_revoked),
        cmocka_unit_test(test_weak),   cmocka_unit_test(test_pick),     cmocka_unit_test(test_revocation_certificate),
        cmocka_unit_test(test_store),  cmocka_unit_test(test_refusals), cmocka_unit_test(test_flooded),
        cmocka_unit_test(test_update),
    };

    return cmocka_run_group_tests(tests, make_scratch, remove_scratch);
}

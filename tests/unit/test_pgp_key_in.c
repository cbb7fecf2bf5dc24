/* Keys that come in: what is refused, news of known ones, and what a home holds (codec/pgp_key.h). */
#include "pgp_key_fixture.h"

#include "codec/pgp_armor.h"

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

/* A revocation certificate alone is news to a key that is there. */
static void test_revocation_certificate(void **state)
{
    const char *home = fresh_home("revc", INSTANT_NONE);
    char fingerprint[PGP_FPR_SIZE], got[PGP_FPR_SIZE];
    struct pgp_key_info info;
    struct buf cert = BUF_EMPTY;
    struct diag why;

    (void)state;
    check_ok(pgp_key_generate(home, "revc@example.org", INSTANT_NONE, fingerprint, &why), &why);
    revocation_of(home, fingerprint, &cert);
    check_fails(pgp_key_import(fresh_home("empty", INSTANT_NONE), buf_span(&cert), got, &why), ERR_NOT_FOUND,
                "key.not-found", &why);
    copy_public(home, fingerprint, in_scratch("empty"));
    check_ok(pgp_key_import(in_scratch("empty"), buf_span(&cert), got, &why), &why);
    assert_string_equal(got, fingerprint);
    check_ok(pgp_key_lookup(in_scratch("empty"), fingerprint, &info, &why), &why);
    assert_int_equal(pgp_key_state_at(&info, now(), NULL, 0), PGP_KEY_REVOKED);
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
    char fingerprint[PGP_FPR_SIZE], second[PGP_FPR_SIZE], of[PGP_FPR_SIZE];
    struct buf old = BUF_EMPTY, rev = BUF_EMPTY, known = BUF_EMPTY, out = BUF_EMPTY;
    struct span none = {NULL, 0};
    struct pgp_key_info info;
    struct diag why;

    (void)state;
    check_ok(pgp_key_generate(home, "news@example.org", INSTANT_NONE, fingerprint, &why), &why);
    check_ok(pgp_key_generate(other, "news2@example.org", INSTANT_NONE, second, &why), &why);
    exported(home, &old);
    revocation_of(home, fingerprint, &rev);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_revocation_certificate),
        cmocka_unit_test(test_store),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_flooded),
        cmocka_unit_test(test_update),
    };

    return cmocka_run_group_tests(tests, make_scratch, remove_scratch);
}

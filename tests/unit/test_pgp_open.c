#include "pgp_fixture.h"

#include "codec/pgp_open.h"
#include "codec/pgp_seal.h"

#include <time.h>

#define MANY 4

static char list_fpr[PGP_FPR_SIZE], alice_fpr[PGP_FPR_SIZE], locked_fpr[PGP_FPR_SIZE];

static int gpg(const char *home, const char *const *args)
{
    const char *argv[32] = {"gpg", "--homedir", home, "--batch", "--yes"};
    size_t n = 5;

    while (*args && n < 31)
        argv[n++] = *args++;
    return run_tool(NULL, false, argv);
}

static int make_homes(void **state)
{
    struct diag why;

    make_scratch(state);
    home_with_key("list", PGP_HOME_LIST, list_fpr);
    home_with_key("alice", PGP_HOME_LIST, alice_fpr);
    copy_public(in_scratch("list"), list_fpr, in_scratch("alice"));
    copy_public(in_scratch("alice"), alice_fpr, in_scratch("list"));
    check_ok(pgp_home_make(in_scratch("shard"), PGP_HOME_SHARD, &why), &why);
    copy_public(in_scratch("alice"), alice_fpr, in_scratch("shard"));
    copy_public(in_scratch("list"), list_fpr, in_scratch("shard"));
    write_file(in_scratch("text"), span_of("A report.\r\n"));
    return 0;
}

/* A message that alice's gpg makes with these arguments. */
static void made_by_alice(struct buf *out, const char *const *args)
{
    const char *all[24] = {"-o", in_scratch("made")};
    size_t n = 2;

    while (*args && n < 22)
        all[n++] = *args++;
    all[n++] = in_scratch("text");
    assert_int_equal(gpg(in_scratch("alice"), all), 0);
    read_file(in_scratch("made"), out);
}

static void opens(struct span in, size_t want_sigs, enum pgp_verdict verdict)
{
    struct buf inner = BUF_EMPTY, plain = BUF_EMPTY;
    struct pgp_signature sigs[MANY];
    struct pgp_decrypt_facts facts;
    struct diag why;
    size_t n;

    check_ok(pgp_decrypt(in_scratch("list"), in, &inner, &facts, &why), &why);
    check_ok(pgp_verify_inline(in_scratch("shard"), buf_span(&inner), &plain, sigs, MANY, &n, &why), &why);
    assert_int_equal(n, want_sigs);
    assert_string_equal(buf_text(&plain), "A report.\r\n");
    for (size_t i = 0; i < n; i++) {
        assert_string_equal(pgp_verdict_name(sigs[i].verdict), pgp_verdict_name(verdict));
        assert_string_equal(sigs[i].fingerprint, alice_fpr);
    }
    buf_free(&inner);
    buf_free(&plain);
}

static void test_forms(void **state)
{
    struct buf m = BUF_EMPTY;

    (void)state;
    made_by_alice(&m, ARGS("-r", list_fpr, "-se"));
    opens(buf_span(&m), 1, PGP_SIG_GOOD);
    made_by_alice(&m, ARGS("-r", list_fpr, "-ase"));
    opens(buf_span(&m), 1, PGP_SIG_GOOD);
    made_by_alice(&m, ARGS("-r", list_fpr, "-e"));
    opens(buf_span(&m), 0, PGP_SIG_GOOD);
    made_by_alice(&m, ARGS("-r", list_fpr, "--compress-algo", "zlib", "-e"));
    opens(buf_span(&m), 0, PGP_SIG_GOOD);
    made_by_alice(&m, ARGS("-r", list_fpr, "--compress-algo", "zip", "-se"));
    opens(buf_span(&m), 1, PGP_SIG_GOOD);
    made_by_alice(&m, ARGS("-R", list_fpr, "-se"));
    opens(buf_span(&m), 1, PGP_SIG_GOOD);
    made_by_alice(&m, ARGS("-r", list_fpr, "-r", alice_fpr, "-se", "--throw-keyids"));
    opens(buf_span(&m), 1, PGP_SIG_GOOD);
    made_by_alice(&m, ARGS("-r", list_fpr, "-se", "--digest-algo", "SHA1"));
    opens(buf_span(&m), 1, PGP_SIG_WEAK);
    made_by_alice(&m, ARGS("-r", list_fpr, "-se", "--digest-algo", "SHA256"));
    opens(buf_span(&m), 1, PGP_SIG_GOOD);
    made_by_alice(&m, ARGS("-r", list_fpr, "-sec", "--pinentry-mode", "loopback", "--passphrase", "x"));
    opens(buf_span(&m), 1, PGP_SIG_GOOD);
    buf_free(&m);
}

/* What Sequoia and RNP sign and encrypt; large, so that it comes in partial lengths. */
static void test_other_programs(void **state)
{
    const char *secret = in_scratch("alice.sec"), *list = in_scratch("list.pub"), *big = in_scratch("big");
    const char *ring = in_scratch("ring"), *made = in_scratch("made");
    struct buf key = BUF_EMPTY, text = BUF_EMPTY, m = BUF_EMPTY, inner = BUF_EMPTY, plain = BUF_EMPTY;
    struct pgp_signature sigs[MANY];
    struct diag why;
    size_t n;

    (void)state;
    check_ok(pgp_key_export_secret(in_scratch("alice"), alice_fpr, &key, &why), &why);
    write_file(secret, buf_span(&key));
    check_ok(pgp_key_export(in_scratch("list"), list_fpr, true, false, &key, &why), &why);
    write_file(list, buf_span(&key));
    for (int i = 0; i < 20000; i++)
        buf_printf(&text, "line %d\r\n", i);
    write_file(big, buf_span(&text));
    mkdir(ring, 0700);
    run_tool(NULL, false, ARGS("rnpkeys", "--homedir", ring, "--import-keys", secret));
    run_tool(NULL, false, ARGS("rnpkeys", "--homedir", ring, "--import-keys", list));
    for (int i = 0; i < 4; i++) {
        static const char *const compress[] = {"none", "zlib"};
        const char *const *argv =
            i < 2 ? ARGS("sq", "--force", "encrypt", "--recipient-cert", list, "--signer-key", secret, "--compression",
                         compress[i], "-o", made, big)
                  : ARGS("rnp", "--homedir", ring, "-e", "-s", "-r", list_fpr, "-u", alice_fpr, "--password", "", "-z",
                         i == 2 ? "0" : "6", "--output", made, "--overwrite", big);
        int code = run_tool(NULL, false, argv);

        if (code) {
            print_message("skipped: %s ends with %d\n", argv[0], code);
            continue;
        }
        read_file(made, &m);
        check_ok(pgp_decrypt(in_scratch("list"), buf_span(&m), &inner, NULL, &why), &why);
        check_ok(pgp_verify_inline(in_scratch("shard"), buf_span(&inner), &plain, sigs, MANY, &n, &why), &why);
        assert_int_equal(n, 1);
        assert_int_equal(sigs[0].verdict, PGP_SIG_GOOD);
        assert_string_equal(sigs[0].fingerprint, alice_fpr);
        assert_int_equal(plain.len, text.len);
        assert_memory_equal(plain.data, text.data, text.len);
    }
    buf_free(&key);
    buf_free(&text);
    buf_free(&m);
    buf_free(&inner);
    buf_free(&plain);
}

static void refused(struct span in, enum err want, const char *rule)
{
    struct buf inner = BUF_EMPTY;
    struct pgp_decrypt_facts facts;
    struct diag why = {0};

    buf_add_str(&inner, "old");
    check_fails(pgp_decrypt(in_scratch("list"), in, &inner, &facts, &why), want, rule, &why);
    assert_int_equal(inner.len, 0);
    assert_string_equal(facts.opened_by, "");
    buf_free(&inner);
}

static void test_refusals(void **state)
{
    struct buf m = BUF_EMPTY, twice = BUF_EMPTY;

    (void)state;
    made_by_alice(&m, ARGS("-r", list_fpr, "-se"));
    for (size_t cut = 1; cut < m.len; cut += 37)
        refused((struct span){m.data, m.len - cut}, ERR_REJECT, "truncated");
    buf_add_buf(&twice, &m);
    buf_add_buf(&twice, &m);
    refused(buf_span(&twice), ERR_REJECT, "corrupt");
    m.data[m.len - 5] ^= 1;
    refused(buf_span(&m), ERR_REJECT, "corrupt");
    m.data[m.len - 5] ^= 1;
    m.data[20] ^= 1; /* the session key */
    refused(buf_span(&m), ERR_REJECT, "corrupt");
    m.data[20] ^= 1;
    m.data[5] ^= 1; /* the key id */
    refused(buf_span(&m), ERR_REJECT, "not-for-us");
    made_by_alice(&m, ARGS("-r", alice_fpr, "-e"));
    refused(buf_span(&m), ERR_REJECT, "not-for-us");
    made_by_alice(&m, ARGS("-c", "--pinentry-mode", "loopback", "--passphrase", "x"));
    refused(buf_span(&m), ERR_REJECT, "symmetric");
    made_by_alice(&m, ARGS("-s"));
    refused(buf_span(&m), ERR_REJECT, "not-encrypted");
    made_by_alice(&m, ARGS("-ase", "-r", list_fpr));
    refused((struct span){m.data, m.len - 30}, ERR_REJECT, "truncated");
    refused(span_of("hello"), ERR_REJECT, "corrupt");
    refused(span_of(""), ERR_REJECT, "corrupt");
    buf_free(&m);
    buf_free(&twice);
}

/* Tag 9 instead of 18, without the version byte: never reaches gpg (RFC 9580, 5.7 and 13.7). */
static void test_no_integrity(void **state)
{
    struct buf m = BUF_EMPTY, sed = BUF_EMPTY;
    size_t head;

    (void)state;
    made_by_alice(&m, ARGS("-r", list_fpr, "-e"));
    head = 2u + m.data[1]; /* a session key of a short length */
    assert_int_equal(m.data[head] & 0x3f, 18);
    assert_true(m.data[head + 1] < 192);
    buf_add(&sed, m.data, head);
    buf_add_byte(&sed, 0xc9);
    buf_add_byte(&sed, (uint8_t)(m.data[head + 1] - 1));
    buf_add(&sed, m.data + head + 3, m.len - head - 3);
    refused(buf_span(&sed), ERR_REJECT, "no-integrity");
    m.data[head + 2] = 2;
    refused(buf_span(&m), ERR_REJECT, "unsupported");
    buf_free(&m);
    buf_free(&sed);
}

static void test_bomb(void **state)
{
    struct buf zeros = BUF_EMPTY, m = BUF_EMPTY, inner = BUF_EMPTY, plain = BUF_EMPTY;
    struct pgp_signature sigs[1];
    struct diag why;
    size_t n;

    (void)state;
    memset(buf_room(&zeros, 20 << 20), 0, 20 << 20);
    buf_grown(&zeros, 20 << 20);
    write_file(in_scratch("zeros"), buf_span(&zeros));
    assert_int_equal(gpg(in_scratch("alice"), ARGS("-o", in_scratch("bomb"), "--compress-algo", "zlib", "-r", list_fpr,
                                                   "-se", in_scratch("zeros"))),
                     0);
    read_file(in_scratch("bomb"), &m);
    check_ok(pgp_decrypt(in_scratch("list"), buf_span(&m), &inner, NULL, &why), &why);
    check_fails(pgp_verify_inline(in_scratch("shard"), buf_span(&inner), &plain, sigs, 1, &n, &why), ERR_LIMIT, "bomb",
                &why);
    assert_int_equal(plain.len, 0);
    check_fails(pgp_decrypt_plain(in_scratch("list"), buf_span(&m), &plain, &why), ERR_LIMIT, "bomb", &why);
    inner.max = 100;
    check_fails(pgp_decrypt(in_scratch("list"), buf_span(&m), &inner, NULL, &why), ERR_LIMIT, "bomb", &why);
    assert_int_equal(inner.len, 0);
    buf_free(&zeros);
    buf_free(&m);
    buf_free(&inner);
    buf_free(&plain);
}

static enum err verify(struct span in, size_t *n, struct pgp_signature *sigs, struct diag *why)
{
    struct buf plain = BUF_EMPTY;
    enum err err = pgp_verify_inline(in_scratch("list"), in, &plain, sigs, MANY, n, why);

    if (err) {
        assert_int_equal(plain.len, 0);
        assert_int_equal(*n, 0);
    }
    buf_free(&plain);
    return err;
}

static void test_inline_traps(void **state)
{
    struct buf m = BUF_EMPTY, twice = BUF_EMPTY;
    struct pgp_signature sigs[MANY];
    struct diag why;
    size_t n;

    (void)state;
    made_by_alice(&m, ARGS("-s"));
    check_ok(verify(buf_span(&m), &n, sigs, &why), &why);
    assert_int_equal(sigs[0].verdict, PGP_SIG_GOOD);
    assert_true(llabs((long long)(sigs[0].made_at_utc_s - (int64_t)time(NULL))) < 60);
    assert_true(sigs[0].expires_at_utc_s == INSTANT_NONE);
    /* two messages: gpg shows both texts and a good signature, and only the return tells */
    buf_add_buf(&twice, &m);
    buf_add_buf(&twice, &m);
    check_fails(verify(buf_span(&twice), &n, sigs, &why), ERR_REJECT, "corrupt", &why);
    for (size_t cut = 1; cut < m.len; cut += 23)
        check_fails(verify((struct span){m.data, m.len - cut}, &n, sigs, &why), ERR_REJECT, "truncated", &why);
    *(uint8_t *)memmem(m.data, m.len, "report", 6) = 'R';
    check_ok(verify(buf_span(&m), &n, sigs, &why), &why);
    assert_int_equal(n, 1);
    assert_int_equal(sigs[0].verdict, PGP_SIG_BAD);
    assert_string_equal(sigs[0].fingerprint, "");
    assert_string_equal(sigs[0].issuer, alice_fpr + 24); /* gpg names the key id alone */
    /* encrypted data is never decrypted here, also not inside of a compressed packet */
    made_by_alice(&m, ARGS("-e", "-r", list_fpr));
    check_fails(verify(buf_span(&m), &n, sigs, &why), ERR_REJECT, "corrupt", &why);
    buf_clear(&twice);
    buf_add(&twice, "\xa3\x00", 2);
    buf_add_buf(&twice, &m);
    check_fails(verify(buf_span(&twice), &n, sigs, &why), ERR_REJECT, "corrupt", &why);
    /* two texts inside of one compressed packet */
    made_by_alice(&m, ARGS("--store"));
    check_ok(verify(buf_span(&m), &n, sigs, &why), &why);
    assert_int_equal(n, 0);
    buf_clear(&twice);
    buf_add(&twice, "\xa3\x00", 2);
    buf_add_buf(&twice, &m);
    check_ok(verify(buf_span(&twice), &n, sigs, &why), &why);
    assert_int_equal(n, 0);
    buf_add_buf(&twice, &m);
    check_fails(verify(buf_span(&twice), &n, sigs, &why), ERR_REJECT, "corrupt", &why);
    /* a compressed packet that ends early */
    made_by_alice(&m, ARGS("--compress-algo", "zlib", "-s"));
    check_fails(verify((struct span){m.data, m.len - 30}, &n, sigs, &why), ERR_REJECT, "corrupt", &why);
    /* neither keys nor detached signatures */
    made_by_alice(&m, ARGS("-b"));
    check_fails(verify(buf_span(&m), &n, sigs, &why), ERR_REJECT, "corrupt", &why);
    check_ok(pgp_key_export(in_scratch("alice"), alice_fpr, true, false, &m, &why), &why);
    check_fails(verify(buf_span(&m), &n, sigs, &why), ERR_REJECT, "corrupt", &why);
    buf_free(&m);
    buf_free(&twice);
}

static void test_detached(void **state)
{
    struct buf sig = BUF_EMPTY, two = BUF_EMPTY;
    struct pgp_signature sigs[MANY];
    struct diag why;
    size_t n;

    (void)state;
    for (int armored = 0; armored < 2; armored++) {
        made_by_alice(&sig, armored ? ARGS("-ab") : ARGS("-b", "--default-sig-expire", "2d"));
        check_ok(
            pgp_verify_detached(in_scratch("shard"), buf_span(&sig), span_of("A report.\r\n"), sigs, MANY, &n, &why),
            &why);
        assert_int_equal(n, 1);
        assert_int_equal(sigs[0].verdict, PGP_SIG_GOOD);
        assert_string_equal(sigs[0].fingerprint, alice_fpr);
        if (!armored)
            assert_true(sigs[0].expires_at_utc_s - sigs[0].made_at_utc_s == 2 * 86400);
        check_ok(pgp_verify_detached(in_scratch("shard"), buf_span(&sig), span_of("A report.\n"), sigs, MANY, &n, &why),
                 &why);
        assert_int_equal(sigs[0].verdict, PGP_SIG_BAD);
    }
    made_by_alice(&sig, ARGS("-b"));
    buf_add_buf(&two, &sig);
    buf_add_buf(&two, &sig);
    check_ok(pgp_verify_detached(in_scratch("shard"), buf_span(&two), span_of("A report.\r\n"), sigs, MANY, &n, &why),
             &why);
    assert_int_equal(n, 2);
    check_fails(pgp_verify_detached(in_scratch("shard"), buf_span(&two), span_of("A report.\r\n"), sigs, 1, &n, &why),
                ERR_LIMIT, "too-many-signatures", &why);
    assert_int_equal(n, 0);
    made_by_alice(&sig, ARGS("-s"));
    check_fails(
        pgp_verify_detached(in_scratch("shard"), buf_span(&sig), span_of("A report.\r\n"), sigs, MANY, &n, &why),
        ERR_REJECT, "corrupt", &why);
    buf_free(&sig);
    buf_free(&two);
}

/* A signature names its subkey; the identity is the primary key. */
static void test_signing_subkey(void **state)
{
    struct buf m = BUF_EMPTY, key = BUF_EMPTY;
    struct pgp_signature sigs[MANY];
    char fpr[PGP_FPR_SIZE], *path;
    struct diag why;
    size_t n;

    (void)state;
    home_with_key("bob", PGP_HOME_LIST, fpr);
    assert_int_equal(gpg(in_scratch("bob"), ARGS("--passphrase", "", "--quick-add-key", fpr, "ed25519", "sign")), 0);
    assert_int_equal(gpg(in_scratch("bob"), ARGS("-o", in_scratch("made"), "-s", in_scratch("text"))), 0);
    read_file(in_scratch("made"), &m);
    copy_public(in_scratch("bob"), fpr, in_scratch("list"));
    check_ok(verify(buf_span(&m), &n, sigs, &why), &why);
    assert_int_equal(sigs[0].verdict, PGP_SIG_GOOD);
    assert_string_equal(sigs[0].fingerprint, fpr);
    assert_string_not_equal(sigs[0].issuer, fpr);
    /* expired, then revoked: the verdict follows the home's time and what it knows */
    assert_int_equal(gpg(in_scratch("bob"), ARGS("--quick-set-expire", fpr, "1y")), 0);
    copy_public(in_scratch("bob"), fpr, in_scratch("list"));
    check_ok(pgp_home_set_time(in_scratch("list"), (int64_t)time(NULL) + 400 * 86400, &why), &why);
    check_ok(verify(buf_span(&m), &n, sigs, &why), &why);
    assert_int_equal(sigs[0].verdict, PGP_SIG_EXPIRED_KEY);
    assert_string_equal(sigs[0].fingerprint, fpr);
    check_ok(pgp_home_set_time(in_scratch("list"), INSTANT_NONE, &why), &why);
    path = mem_printf("%s/openpgp-revocs.d/%s.rev", in_scratch("bob"), fpr);
    read_file(path, &key);
    free(path);
    *strstr((char *)key.data, ":-----BEGIN") = '\n';
    write_file(in_scratch("rev"), buf_span(&key));
    assert_int_equal(gpg(in_scratch("bob"), ARGS("--import", in_scratch("rev"))), 0);
    copy_public(in_scratch("bob"), fpr, in_scratch("list"));
    check_ok(verify(buf_span(&m), &n, sigs, &why), &why);
    assert_int_equal(sigs[0].verdict, PGP_SIG_REVOKED_KEY);
    assert_string_equal(sigs[0].fingerprint, fpr);
    buf_free(&m);
    buf_free(&key);
}

/* gpg says "good" to a signature of next year. */
static void test_dates(void **state)
{
    struct pgp_signature sigs[MANY];
    struct buf m = BUF_EMPTY;
    struct diag why;
    size_t n;

    (void)state;
    for (int ahead_s = 300; ahead_s < 400 * 86400; ahead_s *= 10) {
        check_ok(pgp_home_set_time(in_scratch("alice"), (int64_t)time(NULL) + ahead_s, &why), &why);
        made_by_alice(&m, ARGS("-s"));
        check_ok(pgp_home_set_time(in_scratch("alice"), INSTANT_NONE, &why), &why);
        check_ok(verify(buf_span(&m), &n, sigs, &why), &why);
        assert_int_equal(n, 1);
        assert_int_equal(sigs[0].verdict, ahead_s > PGP_CLOCK_SKEW_S ? PGP_SIG_ERROR : PGP_SIG_GOOD);
        assert_string_equal(sigs[0].fingerprint, ahead_s > PGP_CLOCK_SKEW_S ? "" : alice_fpr);
    }
    made_by_alice(&m, ARGS("-s", "--default-sig-expire", "1d"));
    check_ok(pgp_home_set_time(in_scratch("list"), (int64_t)time(NULL) + 2 * 86400, &why), &why);
    check_ok(verify(buf_span(&m), &n, sigs, &why), &why);
    assert_int_equal(sigs[0].verdict, PGP_SIG_EXPIRED);
    assert_string_equal(sigs[0].fingerprint, alice_fpr);
    check_ok(pgp_home_set_time(in_scratch("list"), INSTANT_NONE, &why), &why);
    buf_free(&m);
}

/* A passphrase, or no agent, is no fault of the message: try again later. */
static void test_again(void **state)
{
    struct buf m = BUF_EMPTY, inner = BUF_EMPTY, conf = BUF_EMPTY;
    struct diag why;

    (void)state;
    check_ok(pgp_home_make(in_scratch("locked"), PGP_HOME_LIST, &why), &why);
    assert_int_equal(
        gpg(in_scratch("locked"), ARGS("--pinentry-mode", "loopback", "--passphrase", "secret", "--quick-gen-key",
                                       "locked@example.org", "future-default", "default", "never")),
        0);
    assert_int_equal(
        gpg(in_scratch("locked"), ARGS("-o", in_scratch("made"), "-r", "locked@example.org", "-e", in_scratch("text"))),
        0);
    pgp_home_stop_agent(in_scratch("locked"));
    char list[1][PGP_FPR_SIZE];
    size_t n;
    check_ok(pgp_key_list(in_scratch("locked"), true, list, 1, &n, &why), &why);
    memcpy(locked_fpr, list[0], sizeof locked_fpr);
    read_file(in_scratch("made"), &m);
    check_fails(pgp_decrypt(in_scratch("locked"), buf_span(&m), &inner, NULL, &why), ERR_AGAIN, "locked-key", &why);
    check_fails(pgp_sign_inline(in_scratch("locked"), locked_fpr, span_of("x"), &inner, &why), ERR_AGAIN, "locked-key",
                &why);
    made_by_alice(&m, ARGS("-r", list_fpr, "-e"));
    pgp_home_stop_agent(in_scratch("list"));
    read_file(in_scratch("list/gpg.conf"), &conf);
    buf_add_str(&conf, "agent-program /bin/false\n");
    write_file(in_scratch("list/gpg.conf"), buf_span(&conf));
    check_fails(pgp_decrypt(in_scratch("list"), buf_span(&m), &inner, NULL, &why), ERR_AGAIN, "agent", &why);
    check_fails(pgp_sign_inline(in_scratch("list"), list_fpr, span_of("x"), &inner, &why), ERR_AGAIN, "agent", &why);
    check_ok(pgp_home_make(in_scratch("list"), PGP_HOME_LIST, &why), &why);
    check_ok(pgp_decrypt(in_scratch("list"), buf_span(&m), &inner, NULL, &why), &why);
    buf_free(&m);
    buf_free(&inner);
    buf_free(&conf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forms),        cmocka_unit_test(test_other_programs), cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_no_integrity), cmocka_unit_test(test_bomb),           cmocka_unit_test(test_inline_traps),
        cmocka_unit_test(test_detached),     cmocka_unit_test(test_signing_subkey), cmocka_unit_test(test_dates),
        cmocka_unit_test(test_again),
    };

    return cmocka_run_group_tests(tests, make_homes, remove_scratch);
}

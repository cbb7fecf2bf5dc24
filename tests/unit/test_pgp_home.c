#include "pgp_fixture.h"

#include "codec/pgp_open.h"
#include "codec/pgp_seal.h"

#include <time.h>

static void conf_of(const char *home, struct buf *out)
{
    char *path = mem_printf("%s/gpg.conf", home);

    read_file(path, out);
    free(path);
}

static unsigned mode_of(const char *path)
{
    struct stat st;

    assert_int_equal(lstat(path, &st), 0);
    return st.st_mode & 07777;
}

static void test_make(void **state)
{
    static const char *const lines[] = {"disable-dirmngr\n",     "no-auto-key-retrieve\n", "auto-key-locate local\n",
                                        "no-random-seed-file\n", "trust-model always\n",   "digest-algo SHA512\n",
                                        "cipher-algo AES256\n",  "no-emit-version\n",      "no-comments\n",
                                        "compress-algo none\n"};
    struct buf conf = BUF_EMPTY;
    struct diag why;

    (void)state;
    for (int kind = PGP_HOME_LIST; kind <= PGP_HOME_SHARD; kind++) {
        const char *home = in_scratch(kind == PGP_HOME_SHARD ? "s" : "h");

        check_ok(pgp_home_make(home, (enum pgp_home_kind)kind, &why), &why);
        check_ok(pgp_home_make(home, (enum pgp_home_kind)kind, &why), &why);
        assert_int_equal(mode_of(home), 0700);
        conf_of(home, &conf);
        for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
            assert_non_null(strstr(buf_text(&conf), lines[i]));
        assert_int_equal(strstr(buf_text(&conf), "\nno-literal\n") != NULL, kind == PGP_HOME_SHARD);
        /* gpg itself takes every line of it */
        assert_int_equal(run_tool(NULL, false, ARGS("gpg", "--homedir", home, "--batch", "--list-keys")), 0);
    }
    buf_free(&conf);
}

static void test_paths(void **state)
{
    char path[PGP_HOME_MAX + 8] = "/tmp/";
    struct buf out = BUF_EMPTY;
    char temporary[PGP_HOME_MAX];
    struct diag why;

    (void)state;
    memset(path + 5, 'x', PGP_HOME_MAX - 5);
    check_fails(pgp_home_make(path, PGP_HOME_LIST, &why), ERR_USAGE, "pgp.home", &why);
    check_fails(pgp_home_make("relative", PGP_HOME_LIST, &why), ERR_USAGE, "pgp.home", &why);
    check_fails(pgp_home_make("/no-such-directory/home", PGP_HOME_LIST, &why), ERR_INTERNAL, "pgp.home", &why);
    check_fails(pgp_home_set_time(in_scratch("none"), INSTANT_NONE, &why), ERR_NOT_FOUND, "pgp.home", &why);
    check_fails(pgp_decrypt(path, span_of("x"), &out, NULL, &why), ERR_REJECT, "corrupt", &why);
    check_fails(pgp_home_make_temporary(path, temporary, &why), ERR_USAGE, "pgp.home", &why);
    write_file(in_scratch("file"), span_of("x"));
    check_fails(pgp_home_make(in_scratch("file"), PGP_HOME_LIST, &why), ERR_INTERNAL, "pgp.home", &why);
    assert_int_equal(symlink(scratch, in_scratch("link")), 0);
    check_fails(pgp_home_make(in_scratch("link"), PGP_HOME_LIST, &why), ERR_INTERNAL, "pgp.home", &why);
    buf_free(&out);
}

static void test_clock(void **state)
{
    const int64_t at = instant_from_civil(2031, 3, 4, 5, 6, 7);
    const char *home = in_scratch("clock");
    struct buf before = BUF_EMPTY, conf = BUF_EMPTY, packets = BUF_EMPTY, plain = BUF_EMPTY;
    char fingerprint[PGP_FPR_SIZE];
    struct pgp_signature sigs[1];
    struct pgp_key_info info;
    struct stat one, two;
    struct diag why;
    size_t n;

    (void)state;
    check_ok(pgp_home_make(home, PGP_HOME_LIST, &why), &why);
    conf_of(home, &before);
    check_ok(pgp_home_set_time(home, at, &why), &why);
    conf_of(home, &conf);
    assert_non_null(strstr(buf_text(&conf), "\nfaked-system-time 20310304T050607!\n"));
    stat(in_scratch("clock/gpg.conf"), &one);
    check_ok(pgp_home_set_time(home, at, &why), &why);
    stat(in_scratch("clock/gpg.conf"), &two);
    assert_true(one.st_ino == two.st_ino); /* not written where it does not differ */
    check_ok(pgp_key_generate(home, "clock@example.org", at + 10 * 86400, fingerprint, &why), &why);
    check_ok(pgp_key_lookup(home, fingerprint, &info, &why), &why);
    assert_true(info.created_at_utc_s == at);
    assert_true(info.expires_at_utc_s == at + 10 * 86400);
    check_ok(pgp_home_set_time(home, at + 86400, &why), &why);
    check_ok(pgp_home_make(home, PGP_HOME_LIST, &why), &why); /* keeps the clock */
    check_ok(pgp_sign_inline(home, fingerprint, span_of("x"), &packets, &why), &why);
    check_ok(pgp_verify_inline(home, buf_span(&packets), &plain, sigs, 1, &n, &why), &why);
    assert_true(sigs[0].made_at_utc_s == at + 86400);
    assert_int_equal(sigs[0].verdict, PGP_SIG_GOOD);
    check_ok(pgp_home_set_time(home, at + 11 * 86400, &why), &why);
    check_ok(pgp_verify_inline(home, buf_span(&packets), &plain, sigs, 1, &n, &why), &why);
    assert_int_equal(sigs[0].verdict, PGP_SIG_EXPIRED_KEY);
    check_fails(pgp_sign_inline(home, fingerprint, span_of("x"), &packets, &why), ERR_REJECT, "key.unusable", &why);
    check_ok(pgp_home_set_time(home, INSTANT_NONE, &why), &why);
    conf_of(home, &conf);
    assert_string_equal(buf_text(&conf), buf_text(&before));
    check_fails(pgp_home_set_time(home, -5, &why), ERR_USAGE, "pgp.usage", &why);
    check_fails(pgp_home_set_time(home, (int64_t)1 << 40, &why), ERR_USAGE, "pgp.usage", &why);
    buf_free(&before);
    buf_free(&conf);
    buf_free(&packets);
    buf_free(&plain);
}

static void test_temporary_and_agent(void **state)
{
    char home[PGP_HOME_MAX], fingerprint[PGP_FPR_SIZE], again[PGP_FPR_SIZE];
    const char *of_agent = in_scratch("agent");
    struct buf certificate = BUF_EMPTY;
    struct diag why;

    (void)state;
    check_ok(pgp_home_make(of_agent, PGP_HOME_LIST, &why), &why);
    check_ok(pgp_key_generate(of_agent, "t@example.org", INSTANT_NONE, fingerprint, &why), &why);
    check_ok(pgp_home_start_agent(of_agent, &why), &why);
    check_ok(pgp_home_start_agent(of_agent, &why), &why);
    assert_int_equal(run_tool(NULL, false, ARGS("gpg-connect-agent", "--no-autostart", "--homedir", of_agent, "/bye")),
                     0);
    check_ok(pgp_key_export(of_agent, fingerprint, true, false, &certificate, &why), &why);
    /* a throw-away home takes a certificate without an agent, and keeps to that when its clock is set */
    check_ok(pgp_home_make_temporary(scratch, home, &why), &why);
    check_ok(pgp_home_set_time(home, (int64_t)time(NULL) + 60, &why), &why);
    check_ok(pgp_key_import(home, buf_span(&certificate), again, &why), &why);
    assert_string_equal(fingerprint, again);
    check_fails(pgp_key_generate(home, "t@example.org", INSTANT_NONE, again, &why), ERR_AGAIN, "agent", &why);
    pgp_home_remove(home);
    assert_int_equal(access(home, F_OK), -1);
    pgp_home_stop_agent(of_agent);
    pgp_home_stop_agent(of_agent);
    pgp_home_remove(of_agent);
    assert_int_equal(access(of_agent, F_OK), -1);
    buf_free(&certificate);
    /* what is not a home of ours stays */
    mkdir(in_scratch("mine"), 0700);
    write_file(in_scratch("mine/file"), span_of("x"));
    pgp_home_remove(in_scratch("mine"));
    assert_int_equal(access(in_scratch("mine/file"), F_OK), 0);
    pgp_home_remove(in_scratch("not-there"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_make),
        cmocka_unit_test(test_paths),
        cmocka_unit_test(test_clock),
        cmocka_unit_test(test_temporary_and_agent),
    };

    return cmocka_run_group_tests(tests, make_scratch, remove_scratch);
}

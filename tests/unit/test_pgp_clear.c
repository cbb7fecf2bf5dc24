/* Clear-signed text, and signatures over text: what is hashed is what is read, to the last byte of each line. */
#include "pgp_fixture.h"

#include "codec/pgp_open.h"
#include "codec/pgp_seal.h"

#define MANY    4
#define LONGEST 17000

static char alice_fpr[PGP_FPR_SIZE];

static int make_homes(void **state)
{
    struct diag why;

    make_scratch(state);
    home_with_key("alice", PGP_HOME_LIST, alice_fpr);
    check_ok(pgp_home_make(in_scratch("shard"), PGP_HOME_SHARD, &why), &why);
    copy_public(in_scratch("alice"), alice_fpr, in_scratch("shard"));
    return 0;
}

/* What alice's gpg makes of a text with these arguments; false where it refuses. */
static bool made_by_alice(const char *text, struct buf *out, const char *const *args)
{
    const char *argv[32] = {"gpg", "--homedir", in_scratch("alice"), "--batch", "--yes", "-o", in_scratch("made")};
    size_t n = 7;

    while (*args && n < 30)
        argv[n++] = *args++;
    write_file(in_scratch("text"), span_of(text));
    argv[n++] = in_scratch("text");
    if (run_tool(NULL, false, argv))
        return false;
    read_file(in_scratch("made"), out);
    return true;
}

/* want NULL: it is corrupt; else what it says, by a good signature; "" of a verdict: not by a good one. */
static void clear_case(const char *before, const char *block, const char *after, const char *want)
{
    struct buf text = BUF_EMPTY, plain = BUF_EMPTY;
    struct pgp_signature sigs[MANY];
    struct diag why = {0};
    enum err err;
    size_t n;

    buf_printf(&text, "%s%s%s", before, block, after);
    err = pgp_verify_clear(in_scratch("shard"), buf_span(&text), &plain, sigs, MANY, &n, &why);
    if (!want) {
        assert_int_equal(err, ERR_REJECT);
        assert_string_equal(why.rule, "corrupt");
        assert_int_equal(plain.len, 0);
    } else if (*want) {
        check_ok(err, &why);
        assert_int_equal(n, 1);
        assert_string_equal(pgp_verdict_name(sigs[0].verdict), "good");
        assert_string_equal(sigs[0].fingerprint, alice_fpr);
        assert_string_equal(buf_text(&plain), want);
    } else {
        assert_true(err == ERR_REJECT || sigs[0].verdict != PGP_SIG_GOOD);
    }
    buf_free(&text);
    buf_free(&plain);
}

/* A copy of the text with the first `from` made `to`; the caller frees it. */
static char *changed(const struct buf *block, const char *from, const char *to)
{
    const char *text = buf_text((struct buf *)block), *at = strstr(text, from);

    assert_non_null(at);
    return mem_printf("%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
}

static void changed_case(const struct buf *block, const char *from, const char *to, const char *want)
{
    char *text = changed(block, from, to);

    clear_case("", text, "", want);
    free(text);
}

#define TEXT  "A report.\n- dash\n-- \nFrom x\n\nthe end"
#define WHOLE "A report.\r\n- dash\r\n--\r\nFrom x\r\n\r\nthe end\r\n"

static void test_block(void **state)
{
    struct buf block = BUF_EMPTY, list_block = BUF_EMPTY;
    struct diag why;

    (void)state;
    made_by_alice(TEXT "\n", &block, ARGS("--clearsign"));
    clear_case("", buf_text(&block), "", WHOLE);
    clear_case("\r\n \n", buf_text(&block), "\n\n", WHOLE);
    clear_case("Not signed\n", buf_text(&block), "", NULL);
    clear_case("", buf_text(&block), "Not signed\n", NULL);
    clear_case("", buf_text(&block), buf_text(&block), NULL);
    check_ok(pgp_sign_clear(in_scratch("alice"), alice_fpr, span_of(TEXT "\n"), &list_block, &why), &why);
    clear_case("", buf_text(&list_block), "", WHOLE);
    block.data[block.len - 40] = 0;
    clear_case("", buf_text(&block), "", NULL);
    buf_free(&block);
    buf_free(&list_block);
}

static void test_headers(void **state)
{
    struct buf block = BUF_EMPTY;

    (void)state;
    made_by_alice(TEXT "\n", &block, ARGS("--clearsign", "--digest-algo", "SHA512"));
    changed_case(&block, "Hash: SHA512\n", "", WHOLE); /* which digest it is stands in the signature */
    changed_case(&block, "Hash: SHA512\n", "Hash: SHA1\n", WHOLE);
    changed_case(&block, "Hash: SHA512\n", "Hash: SHA512\nHash: SHA256\n", WHOLE);
    changed_case(&block, "Hash: SHA512\n", "Hash: SHA512\nComment: read me\n", NULL);
    changed_case(&block, "Hash: SHA512\n", "Hash: SHA512\nNotDashEscaped: You need GnuPG\n", NULL);
    changed_case(&block, "Hash: SHA512\n", "Hash: SHA512\nCharset: utf-7\n", NULL);
    changed_case(&block, "Hash: SHA512\n\n", "Hash: SHA512\n", NULL); /* the text is not told from the headers */
    buf_free(&block);
}

static void test_lines(void **state)
{
    struct buf block = BUF_EMPTY;

    (void)state;
    made_by_alice(TEXT "\n", &block, ARGS("--clearsign"));
    changed_case(&block, "A report.", "A report. \t", WHOLE); /* blanks at the end are not read either */
    changed_case(&block, "A report.", "A report.\r", WHOLE);
    changed_case(&block, "A report.", "- A report.", WHOLE);
    changed_case(&block, "A report.", "A report.\r.", "");
    changed_case(&block, "A report.", "A report.\v", "");
    changed_case(&block, "A report.", "A report.\f", "");
    changed_case(&block, "A report.", "A report.\xc2\xa0", "");
    changed_case(&block, "A report.", "A report.\xe2\x80\xa8.", "");
    changed_case(&block, "- - dash", "-- dash", "");
    changed_case(&block, "the end", "the end\n", "");
    changed_case(&block, "the end", "the end\n-----BEGIN PGP SIGNED MESSAGE-----", NULL);
    changed_case(&block, "the end", "the end\n-----BEGIN PGP SIGNATURE-----", NULL);
    changed_case(&block, "-----END PGP SIGNATURE-----", "-----END PGP SIGNATURE-----x", NULL);
    buf_free(&block);
}

static char *long_text(size_t n)
{
    char *text = mem_zero(n + 4, 1);

    memset(text, 'x', n);
    memcpy(text + n, "\ny\n", 4);
    return text;
}

/* gpg says that the signature is good, whatever stands behind what it hashes of a line. */
static void test_long_lines(void **state)
{
    static const size_t lengths[] = {LONGEST, 19990, 19992, 19993, 19994, 19995, 19996, 19997}; /* gpg signs no more */
    struct buf block = BUF_EMPTY, sig = BUF_EMPTY, bytes = BUF_EMPTY;
    struct pgp_signature sigs[MANY];
    struct diag why;
    size_t n, made = 0;

    (void)state;
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        char *text = long_text(lengths[i]);

        if (made_by_alice(text, &block, ARGS("--clearsign")))
            changed_case(&block, "x\ny", "x and more\ny", "");
        buf_clear(&bytes);
        buf_printf(&bytes, "%.*s and more\r\ny\r\n", (int)lengths[i], text);
        if (made_by_alice(text, &sig, ARGS("--textmode", "-b"))) {
            check_ok(pgp_verify_detached(in_scratch("shard"), buf_span(&sig), buf_span(&bytes), sigs, MANY, &n, &why),
                     &why);
            assert_int_equal(n, 1);
            assert_int_not_equal(sigs[0].verdict, PGP_SIG_GOOD);
            made++;
        }
        free(text);
    }
    assert_true(made > 1);
    buf_free(&block);
    buf_free(&sig);
    buf_free(&bytes);
}

/* A signature over bytes knows no lines; one over text before it makes gpg read them all as text. */
static void test_binary_beside_text(void **state)
{
    char *text = long_text(40000);
    struct buf binary = BUF_EMPTY, both = BUF_EMPTY;
    struct pgp_signature sigs[MANY];
    struct diag why;
    size_t n;

    (void)state;
    made_by_alice(text, &binary, ARGS("-b"));
    check_ok(pgp_verify_detached(in_scratch("shard"), buf_span(&binary), span_of(text), sigs, MANY, &n, &why), &why);
    assert_int_equal(sigs[0].verdict, PGP_SIG_GOOD);
    made_by_alice("short\n", &both, ARGS("--textmode", "-b"));
    buf_add_buf(&both, &binary);
    check_ok(pgp_verify_detached(in_scratch("shard"), buf_span(&both), span_of(text), sigs, MANY, &n, &why), &why);
    for (size_t i = 0; i < n; i++)
        assert_int_not_equal(sigs[i].verdict, PGP_SIG_GOOD);
    made_by_alice("short\r\n", &both, ARGS("--textmode", "-b"));
    check_ok(pgp_verify_detached(in_scratch("shard"), buf_span(&both), span_of("short\r\n"), sigs, MANY, &n, &why),
             &why);
    assert_int_equal(sigs[0].verdict, PGP_SIG_GOOD);
    free(text);
    buf_free(&binary);
    buf_free(&both);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_block),
        cmocka_unit_test(test_headers),
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_long_lines),
        cmocka_unit_test(test_binary_beside_text),
    };

    return cmocka_run_group_tests(tests, make_homes, remove_scratch);
}

#include "pgp_fixture.h"

#include "codec/pgp_armor.h"

#define BEGIN "-----BEGIN PGP MESSAGE-----\n"
#define END   "-----END PGP MESSAGE-----\n"

/* Whatever the pieces, the text is the same, reads back, and has the size foretold. */
static void test_round_trip(void **state)
{
    uint8_t bytes[300];
    struct buf whole = BUF_EMPTY, pieces = BUF_EMPTY, back = BUF_EMPTY;
    enum pgp_armor_kind kind;
    struct pgp_armor armor;
    struct diag why;

    (void)state;
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * 7);
    for (size_t n = 0; n <= sizeof bytes; n++) {
        size_t step = n % 7 + 1;

        buf_clear(&whole);
        buf_clear(&pieces);
        pgp_armor_begin(&armor, PGP_ARMOR_SIGNATURE, "\r\n", &whole);
        pgp_armor_update(&armor, (struct span){bytes, n}, &whole);
        pgp_armor_end(&armor, &whole);
        pgp_armor_begin(&armor, PGP_ARMOR_SIGNATURE, "\r\n", &pieces);
        for (size_t at = 0; at < n; at += step)
            pgp_armor_update(&armor, (struct span){bytes + at, n - at < step ? n - at : step}, &pieces);
        pgp_armor_end(&armor, &pieces);
        assert_string_equal(buf_text(&whole), buf_text(&pieces));
        assert_int_equal(whole.len, pgp_armor_size(PGP_ARMOR_SIGNATURE, "\r\n", n));
        assert_true(pgp_armor_looks(buf_span(&whole)));
        check_ok(pgp_dearmor(buf_span(&whole), &kind, &back, &why), &why);
        assert_int_equal(kind, PGP_ARMOR_SIGNATURE);
        assert_int_equal(back.len, n);
        assert_true(!n || !memcmp(back.data, bytes, n));
    }
    buf_free(&whole);
    buf_free(&pieces);
    buf_free(&back);
}

static void test_reading(void **state)
{
    static const struct {
        const char *text;
        enum err err;
        const char *want; /* the content, or the rule */
    } cases[] = {
        {BEGIN "\naGVsbG8=\n=7mE9\n" END, ERR_OK, "hello"},
        {BEGIN "\naGVsbG8=\n" END, ERR_OK, "hello"},
        {BEGIN "\naGVsbG8=\n=AAAA\n" END, ERR_OK, "hello"}, /* the checksum is not looked at */
        {BEGIN "Version: 1\nComment: x: y\n\naGVsbG8=\n" END, ERR_OK, "hello"},
        {BEGIN " \t\naGVs\nbG8=\n" END, ERR_OK, "hello"},
        {BEGIN "\naG\nVs\nb\nG8\n=\n" END, ERR_OK, "hello"},
        {" \r\n" BEGIN "\r\naGVsbG8=\r\n" END " \n", ERR_OK, "hello"},
        {BEGIN "aGVsbG8=\n" END, ERR_OK, "hello"}, /* no empty line */
        {BEGIN "\n" END, ERR_OK, ""},
        {BEGIN "\naGVsbG8=\n-----END PGP SIGNATURE-----\n", ERR_REJECT, "corrupt"},
        {BEGIN "\naGVsbG8=\n" END BEGIN "\naGVsbG8=\n" END, ERR_REJECT, "corrupt"},
        {BEGIN "\naGVsbG8=\n" END "x", ERR_REJECT, "corrupt"},
        {"x" BEGIN "\naGVsbG8=\n" END, ERR_REJECT, "corrupt"},
        {BEGIN "\naGVsbG8=\naGVs\n" END, ERR_REJECT, "corrupt"},
        {BEGIN "\naGVs*bG8=\n" END, ERR_REJECT, "corrupt"},
        {BEGIN "\naGVsbG8=\n=7mE9\naGVs\n" END, ERR_REJECT, "corrupt"},
        {BEGIN "\n====\n" END, ERR_REJECT, "corrupt"},
        {BEGIN "\naGVsbG8\n" END, ERR_REJECT, "truncated"},
        {BEGIN "\naGVsbG8=\n", ERR_REJECT, "truncated"},
        {BEGIN "\naGVsbG8=\n-----END PGP MESS", ERR_REJECT, "corrupt"},
        {BEGIN "Version: 1\n", ERR_REJECT, "truncated"},
        {BEGIN, ERR_REJECT, "truncated"},
        {"", ERR_REJECT, "corrupt"},
        {"-----BEGIN PGP SIGNED MESSAGE-----\n\nx\n", ERR_REJECT, "corrupt"},
        {"-----BEGIN PGP", ERR_REJECT, "corrupt"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buf out = BUF_EMPTY;
        enum pgp_armor_kind kind;
        struct diag why = {0};
        enum err err;

        buf_add_str(&out, "old");
        err = pgp_dearmor(span_of(cases[i].text), &kind, &out, &why);
        if (err != cases[i].err || strcmp(err ? why.rule : buf_text(&out), cases[i].want) || (err && out.len))
            fail_msg("case %zu: %d, %s, %s", i, err, why.rule, buf_text(&out));
        buf_free(&out);
    }
}

static void test_limit(void **state)
{
    struct buf out = {.max = 4};
    enum pgp_armor_kind kind;
    struct diag why;

    (void)state;
    check_fails(pgp_dearmor(span_of(BEGIN "\naGVsbG8=\n" END), &kind, &out, &why), ERR_LIMIT, "too-large", &why);
    assert_int_equal(out.len, 0);
    out.max = 5;
    check_ok(pgp_dearmor(span_of(BEGIN "\naGVsbG8=\n" END), &kind, &out, &why), &why);
    buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_reading),
        cmocka_unit_test(test_limit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "pgp_fixture.h"

#include "codec/header.h"
#include "codec/mime_secret.h"
#include "codec/xfer.h"

#include <time.h>

/*
 * A secret key (Ed25519, Curve25519) made by gpg, its armor and its base64, and the public part of the same.
 */
static struct buf secret = BUF_EMPTY, public = BUF_EMPTY, armor = BUF_EMPTY, public_armor = BUF_EMPTY,
                  locked = BUF_EMPTY, base64 = BUF_EMPTY;
static char fpr[PGP_FPR_SIZE];

static void export(const char *home, bool armored, const char *what, const char *passphrase, struct buf *out)
{
    assert_int_equal(run_tool(out, false,
                              ARGS("gpg", "--homedir", home, "--batch", "--pinentry-mode", "loopback", "--passphrase",
                                   passphrase, armored ? "--armor" : "--no-armor", what)),
                     0);
    assert_true(out->len > 100);
}

static void make(const char *home, const char *passphrase)
{
    char *conf = mem_printf("%s/gpg.conf", home); /* remove_scratch knows homes by it */

    assert_int_equal(mkdir(home, 0700), 0);
    write_file(conf, span_of("no-random-seed-file\n"));
    free(conf);
    assert_int_equal(
        run_tool(NULL, false,
                 ARGS("gpg", "--homedir", home, "--batch", "--pinentry-mode", "loopback", "--passphrase", passphrase,
                      "--quick-generate-key", "a <a@example.org>", "future-default", "default", "never")),
        0);
}

static int make_keys(void **state)
{
    const char *home;
    struct diag why;

    make_scratch(state);
    home = in_scratch("one");
    make(home, "");
    export(home, false, "--export-secret-keys", "", &secret);
    export(home, true, "--export-secret-keys", "", &armor);
    export(home, false, "--export", "", &public);
    export(home, true, "--export", "", &public_armor);
    make(in_scratch("two"), "sesame");
    export(in_scratch("two"), false, "--export-secret-keys", "sesame", &locked);
    xfer_base64_encode(buf_span(&secret), 76, &base64);
    {
        size_t n = 0;

        assert_int_equal(pgp_key_list(home, true, (char(*)[PGP_FPR_SIZE])fpr, 1, &n, &why), ERR_OK);
        assert_int_equal(n, 1);
    }
    return 0;
}

static int forget_keys(void **state)
{
    struct buf *const all[] = {&secret, &public, &armor, &public_armor, &locked, &base64};

    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        buf_free(all[i]);
    return remove_scratch(state);
}

/* Any 24 bytes of the key's data, as bytes or as base64, that stand in what is left. */
static bool leaks(struct span kept)
{
    static const char head[] = "-----BEGIN PGP PRIVATE";
    const char *text = buf_text(&armor), *line;

    for (size_t i = 100; i + 24 < secret.len; i += 24)
        if (memmem(kept.data, kept.len, secret.data + i, 24))
            return true;
    for (size_t i = 160; i + 32 < base64.len; i += 78)
        if (memmem(kept.data, kept.len, base64.data + i, 32))
            return true;
    for (line = strchr(strstr(text, "\n\n") + 2, '\n') + 1; strlen(line) > 80; line = strchr(line, '\n') + 1)
        if (memmem(kept.data, kept.len, line, 30))
            return true;
    return memmem(kept.data, kept.len, head, sizeof head - 1) != NULL;
}

/* The lines of the armor, each behind `before` and with `after` at its end. */
static void add_lines(const char *before, const char *after, struct buf *out)
{
    for (const char *line = buf_text(&armor); *line;) {
        const char *end = strchr(line, '\n');

        buf_add_str(out, before);
        buf_add(out, line, (size_t)(end - line));
        buf_add_str(out, after);
        line = end + 1;
    }
}

static void check_gone(const char *name, struct buf *text, bool fingerprint)
{
    struct pgp_secrets found = {0}, again = {0}, copied = {0}, none = {0};
    struct buf copy = BUF_EMPTY;
    size_t len = text->len;

    if (!pgp_secret_in_text(buf_span(text), &found))
        fail_msg("%s: not found", name);
    assert_true(pgp_secret_blank_copy(buf_span(text), &copy, &copied));
    assert_false(leaks(buf_span(&copy)));
    assert_true(pgp_secret_blank(text->data, text->len, &again));
    assert_int_equal(text->len, len);
    if (leaks(buf_span(text)))
        fail_msg("%s: leaks", name);
    assert_int_equal(found.n, 1);
    assert_int_equal(again.n, 1);
    assert_int_equal(copied.n, 1);
    assert_int_equal(found.n_keys, fingerprint);
    if (fingerprint)
        assert_string_equal(found.fingerprints[0], fpr);
    if (!memmem(text->data, text->len, "Before.", 7) || !memmem(copy.data, copy.len, "Behind.", 7) ||
        !memmem(text->data, text->len, "Behind.", 7))
        fail_msg("%s: more is gone than the key", name);
    assert_false(pgp_secret_in_text(buf_span(text), &none));
    assert_false(pgp_secret_in_text(buf_span(&copy), &none));
    buf_free(&copy);
}

/* Armor as mail programs leave it. */
static void test_armor(void **state)
{
    static const struct {
        const char *name, *before, *after;
    } rows[] = {{"as it is", "", "\n"},
                {"CR LF", "", "\r\n"},
                {"quoted", "> ", "\n"},
                {"quoted twice", ">> ", "\r\n"},
                {"indented", "    ", "\n"},
                {"HTML", "", "<br>\r\n"},
                {"HTML without line breaks", "", "<br/>"},
                {"paragraphs", "<p>", "</p>\n"},
                {"no-break spaces", "", "\xc2\xa0\n"},
                {"JSON", "", "\\n"},
                {"one line", "", " "},
                {"blanks at the end", "", "  \n"},
                {"escaped blanks", "", "=20\r\n"}};

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct buf text = BUF_EMPTY;

        buf_add_str(&text, "Before.\n");
        add_lines(rows[i].before, rows[i].after, &text);
        buf_add_str(&text, "\nBehind.\n");
        check_gone(rows[i].name, &text, true);
        buf_free(&text);
    }
}

static void replace(struct buf *b, const char *what, const char *by)
{
    char *text = buf_take(b), *rest = text, *hit;

    *b = BUF_EMPTY;
    while ((hit = strstr(rest, what))) {
        buf_add(b, rest, (size_t)(hit - rest));
        buf_add_str(b, by);
        rest = hit + strlen(what);
    }
    buf_add_str(b, rest);
    mem_free_secret(&text);
}

static void test_forms(void **state)
{
    enum { MISLABELLED, OLD_LABEL, NO_END, CUT, HEADERS, DASHES, QP, KEYDATA, FOLDED, ENCODED, ENCODED_ARMOR, FORMS };

    (void)state;
    for (int i = 0; i < FORMS; i++) {
        char name[16];
        struct buf text = BUF_EMPTY, inner = BUF_EMPTY;

        snprintf(name, sizeof name, "form %d", i);
        buf_add_buf(&inner, &armor);
        if (i == MISLABELLED)
            replace(&inner, "PRIVATE KEY", "PUBLIC KEY");
        if (i == OLD_LABEL)
            replace(&inner, "PRIVATE KEY", "SECRET KEY");
        if (i == NO_END)
            replace(&inner, "-----END PGP PRIVATE KEY BLOCK-----\n", "");
        if (i == CUT)
            inner.len = 300, inner.data[300] = 0;
        if (i == HEADERS)
            replace(&inner, "BLOCK-----\n\n", "BLOCK-----\nVersion: GnuPG v2\nComment: mine, and mine: alone\n\n");
        if (i == DASHES)
            replace(&inner, "-----BEGIN", "- -----BEGIN"), replace(&inner, "-----END", "- -----END");
        if (i == QP)
            replace(&inner, "=", "=3D");
        if (i == KEYDATA || i == FOLDED || i == ENCODED || i == ENCODED_ARMOR)
            buf_clear(&inner);
        if (i == KEYDATA) {
            buf_add_str(&inner, "Autocrypt: addr=a@example.org; keydata=");
            xfer_base64_encode(buf_span(&secret), 0, &inner);
        }
        if (i == FOLDED) {
            buf_add_str(&inner, "Autocrypt: addr=a@example.org; keydata=\r\n ");
            buf_add_buf(&inner, &base64);
            replace(&inner, "\r\n", "\r\n ");
        }
        if (i == ENCODED)
            xfer_base64_encode(buf_span(&secret), 76, &inner);
        if (i == ENCODED_ARMOR)
            xfer_base64_encode(buf_span(&armor), 76, &inner);
        buf_add_str(&text, "Before.\n\n");
        buf_add_buf(&text, &inner);
        buf_add_str(&text, i == CUT ? "\n\nBehind. What is this?\n" : "\n\nBehind.\n");
        check_gone(name, &text, true);
        buf_free(&inner);
        buf_free(&text);
    }
}

/* What must stay as it is. */
static void test_innocent(void **state)
{
    struct buf long_public = BUF_EMPTY, base64_public = BUF_EMPTY;
    const char *rows[16];
    size_t n = 0;

    (void)state;
    xfer_base64_encode(buf_span(&public), 76, &base64_public);
    buf_add_buf(&long_public, &public_armor);
    buf_add_buf(&long_public, &public_armor);
    rows[n++] = "The file begins with -----BEGIN PGP PRIVATE KEY BLOCK----- and holds all of it.\n";
    rows[n++] = "-----BEGIN PGP PRIVATE KEY BLOCK-----\n...\n-----END PGP PRIVATE KEY BLOCK-----\n";
    rows[n++] = "-----BEGIN PGP PRIVATE KEY BLOCK-----\n\nlQVYBF (my key)\n-----END PGP PRIVATE KEY BLOCK-----\n";
    rows[n++] = "-----BEGIN PGP PRIVATE KEY BLOCK-----";
    rows[n++] = "-----BEGIN PGP PRIVATE KEY BLOCK";
    rows[n++] = "-----BEGIN PGP ";
    rows[n++] = "-----BEGIN PGP PRIVATE KEY BLOCK-----\n-----END PGP PRIVATE KEY BLOCK-----\n";
    rows[n++] = buf_text(&public_armor);
    rows[n++] = buf_text(&long_public);
    rows[n++] = buf_text(&base64_public);
    rows[n++] = "lQVYBFooooooooooooooooooooooooooooooooooooooooooooooooooooooooo";
    rows[n++] = "xVgEaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    rows[n++] = "";
    for (size_t i = 0; i < n; i++) {
        struct pgp_secrets found = {0};
        struct buf out = BUF_EMPTY, text = BUF_EMPTY;

        buf_add_str(&text, rows[i]);
        if (pgp_secret_in_text(buf_span(&text), &found) || pgp_secret_blank(text.data, text.len, &found))
            fail_msg("row %zu is none", i);
        assert_false(pgp_secret_blank_copy(buf_span(&text), &out, &found));
        assert_int_equal(out.len, 0);
        assert_string_equal(buf_text(&text), rows[i]);
        buf_free(&text);
        buf_free(&out);
    }
    buf_free(&long_public);
    buf_free(&base64_public);
}

static void test_packets(void **state)
{
    struct pgp_secrets found = {0}, other = {0}, none = {0};
    struct buf both = BUF_EMPTY;

    (void)state;
    assert_true(pgp_secret_in_packets(buf_span(&secret), &found));
    assert_int_equal(found.n_keys, 1);
    assert_string_equal(found.fingerprints[0], fpr);
    assert_true(pgp_secret_in_packets(buf_span(&locked), &other));
    assert_int_equal(other.n_keys, 1);
    assert_false(pgp_secret_in_packets(buf_span(&public), &none));
    buf_add_buf(&both, &public);
    buf_add_buf(&both, &locked);
    assert_true(pgp_secret_in_packets(buf_span(&both), &found));
    assert_int_equal(found.n_keys, 2);
    /* cut off within the secret part, and within the public one */
    assert_true(pgp_secret_in_packets((struct span){secret.data, 70}, &found));
    assert_int_equal(found.n_keys, 2);
    for (size_t len = 0; len < 50; len++)
        assert_false(pgp_secret_in_packets((struct span){secret.data, len}, &none));
    for (size_t i = 1; i < 12; i++)
        assert_false(pgp_secret_in_packets((struct span){secret.data + i, secret.len - i}, &none));
    assert_int_equal(none.n, 0);
    buf_free(&both);
}

/* Four million characters of what nearly is armor, in each way that might be read again and again. */
/* As a mail may bring what was binary: with a CR before each LF, of which one is in the time of its making. */
static void test_mangled(void **state)
{
    struct pgp_secrets found = {0}, none = {0};
    struct buf mangled = BUF_EMPTY;
    const struct buf *each[] = {&secret, &public};

    (void)state;
    for (size_t k = 0; k < 2; k++) {
        buf_free(&mangled);
        for (size_t i = 0; i < each[k]->len; i++) {
            /* Two bytes of header, then the version, then the time. */
            uint8_t byte = i == 5 ? '\n' : each[k]->data[i];

            if (byte == '\n')
                buf_add_byte(&mangled, '\r');
            buf_add_byte(&mangled, byte);
        }
        if (k == 0)
            assert_true(pgp_secret_in_packets(buf_span(&mangled), &found));
        else
            assert_false(pgp_secret_in_packets(buf_span(&mangled), &none));
    }
    assert_int_equal(found.n_keys, 0);
    buf_free(&mangled);
}

static void test_linear(void **state)
{
    static const char *const rows[] = {
        "-----BEGIN PGP PRIVATE KEY BLOCK-----\n",
        "<-----BEGIN PGP PRIVATE KEY BLOCK----->\n",
        "Comment: -----BEGIN PGP PRIVATE KEY BLOCK-----\n",
        "-----BEGIN PGP PUBLIC KEY BLOCK-----\nlQVYBFooooooooooooooooooooooooooooooooo\n",
        "x=lQVYBFooooooooooooooooooooooooooooooooooooooooooooooooooooooo=\n",
        "lQVYBFooooooooooooooooooooooooooooooooooooooooooooooooooooooooo\n",
        "=LS0tLS1CRUdJTiBQR1AgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "\n \n \n",
        "============"};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct buf text = BUF_EMPTY;
        struct pgp_secrets found = {0};
        clock_t began = clock();

        while (text.len < 4u << 20)
            buf_add_str(&text, rows[i]);
        pgp_secret_in_text(buf_span(&text), &found);
        if (clock() - began > 2 * CLOCKS_PER_SEC)
            fail_msg("row %zu takes %.1f s", i, (double)(clock() - began) / CLOCKS_PER_SEC);
        assert_int_equal(found.n, 0);
        buf_free(&text);
    }
}

/* ---- in mails ---- */

static const struct mime_limits limits = MIME_LIMITS_DEFAULT;

static void check_mail(const char *name, struct buf *mail)
{
    struct pgp_secrets found = {0}, blanked = {0}, none = {0};
    struct mime_message m, again;
    struct diag why = {0};

    if (mime_parse(buf_span(mail), &limits, &m, &why))
        fail_msg("%s: %s", name, why.text);
    if (!mime_secret_in(buf_span(mail), &m, &found))
        fail_msg("%s: not found", name);
    assert_true(mime_secret_blank(mail->data, mail->len, &m, &blanked));
    assert_int_equal(blanked.n_keys, 1);
    assert_string_equal(blanked.fingerprints[0], fpr);
    assert_int_equal(mime_message_check(&m, mail->len, &why), ERR_OK);
    assert_int_equal(mime_parse(buf_span(mail), &limits, &again, &why), ERR_OK);
    assert_int_equal(again.n_parts, m.n_parts);
    for (size_t i = 0; i < m.n_parts; i++) {
        struct buf bytes = BUF_EMPTY;

        assert_int_equal(mime_part_decode(buf_span(mail), &m.parts[i], &bytes, &why), ERR_OK);
        if (leaks(buf_span(&bytes)))
            fail_msg("%s: part %zu leaks", name, i);
        buf_free(&bytes);
    }
    if (leaks(buf_span(mail)))
        fail_msg("%s: leaks", name);
    if (mime_secret_in(buf_span(mail), &m, &none))
        fail_msg("%s: found again", name);
    mime_message_free(&m);
    mime_message_free(&again);
}

static void add_wide(struct span text, struct buf *out)
{
    for (size_t i = 0; i < text.len; i++) {
        buf_add_byte(out, text.data[i]);
        buf_add_byte(out, 0);
    }
}

static void test_mails(void **state)
{
    static const struct {
        const char *name, *head, *before;
        bool armored, wide;
        enum xfer_encoding encoding;
    } rows[] = {
        {"binary", "application/pgp-keys", "", false, false, XFER_BINARY},
        {"pgp-keys", "application/pgp-keys", "", false, false, XFER_BASE64},
        {"octet-stream", "application/octet-stream; name=\"k.gpg\"", "", false, false, XFER_BASE64},
        {"armor", "application/octet-stream; name=\"k.asc\"", "", true, false, XFER_BASE64},
        {"armor behind text", "text/plain", "My key:\n\n", true, false, XFER_BASE64},
        {"quoted-printable", "text/plain", "My key:\n\n", true, false, XFER_QUOTED_PRINTABLE},
        {"text", "text/plain; charset=utf-8", "Caf\xc3\xa9\n", true, false, XFER_8BIT},
        {"a mail", "message/rfc822", "From: a@example.org\r\nSubject: x\r\n\r\n", true, false, XFER_8BIT},
        {"UTF-16", "text/plain; charset=utf-16le", "", true, true, XFER_BASE64},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct buf mail = BUF_EMPTY, content = BUF_EMPTY, key = BUF_EMPTY;

        buf_add_str(&content, rows[i].before);
        buf_add_buf(&content, rows[i].armored ? &armor : &secret);
        if (rows[i].wide)
            add_wide(buf_span(&content), &key);
        else
            buf_add_buf(&key, &content);
        buf_printf(&mail,
                   "From: a@example.org\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
                   "--b\r\n\r\nThe report.\r\n--b\r\nContent-Type: %s\r\nContent-Transfer-Encoding: %s\r\n\r\n",
                   rows[i].head, xfer_name(rows[i].encoding));
        if (rows[i].encoding == XFER_BASE64)
            xfer_base64_encode(buf_span(&key), 76, &mail);
        else if (rows[i].encoding == XFER_QUOTED_PRINTABLE)
            xfer_qp_encode(buf_span(&key), &mail);
        else
            buf_add_buf(&mail, &key);
        buf_add_str(&mail, "\r\n--b\r\n\r\nThe end.\r\n--b--\r\n");
        if (rows[i].encoding == XFER_QUOTED_PRINTABLE)
            replace(&mail, "-----BEGIN", "=2D----BEGIN");
        check_mail(rows[i].name, &mail);
        assert_non_null(memmem(mail.data, mail.len, "The report.", 11));
        assert_non_null(memmem(mail.data, mail.len, "The end.", 8));
        buf_free(&mail);
        buf_free(&content);
        buf_free(&key);
    }
}

/* A block that begins in the header does not take the end of the header with it. */
static void test_header_end(void **state)
{
    struct pgp_secrets found = {0};
    struct buf mail = BUF_EMPTY;
    size_t head;

    (void)state;
    buf_add_str(&mail, "From: a@example.org\nSubject: -----BEGIN PGP PRIVATE KEY BLOCK-----\n\n");
    head = mail.len;
    buf_add_str(&mail, strstr(buf_text(&armor), "\n\n") + 2);
    buf_add_str(&mail, "X-Field: in the body\n");
    mime_secret_blank(mail.data, mail.len, NULL, &found);
    assert_int_equal(header_block_len(buf_span(&mail)), head);
    assert_true(found.n >= 1); /* the data are a run of base64 */
    assert_null(memmem(mail.data + head, mail.len - head, base64.data + 160, 32));
    buf_free(&mail);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_armor),      cmocka_unit_test(test_forms),   cmocka_unit_test(test_innocent),
        cmocka_unit_test(test_packets),    cmocka_unit_test(test_linear),  cmocka_unit_test(test_mails),
        cmocka_unit_test(test_header_end), cmocka_unit_test(test_mangled),
    };

    return cmocka_run_group_tests(tests, make_keys, forget_keys);
}

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/instant.h"
#include "codec/charset.h"
#include "tests/unit/mime_fixture.h"

#include <stdlib.h>
#include <string.h>

#define LITERAL(s) ((struct span){(const uint8_t *)(s), sizeof(s) - 1})
#define ARMOR      "-----BEGIN PGP MESSAGE-----\r\n\r\nwQEB0gH/\r\n-----END PGP MESSAGE-----\r\n"
#define SIGNATURE  "-----BEGIN PGP SIGNATURE-----\r\n\r\nwQEB\r\n-----END PGP SIGNATURE-----\r\n"

static void test_shapes(void **state)
{
#define CONTROL        "--b\r\nContent-Type: application/pgp-encrypted\r\n\r\nVersion: 1\r\n\r\n"
#define CIPHER         "--b\r\nContent-Type: application/octet-stream\r\n\r\n" ARMOR "\r\n"
#define ENC            HEAD "Content-Type: multipart/encrypted; boundary=b"
#define SIG            HEAD "Content-Type: multipart/signed; boundary=b"
#define TEXT           "--b\r\nContent-Type: text/plain\r\n\r\nx\r\n"
#define SIGPART        "--b\r\nContent-Type: application/pgp-signature\r\n\r\n" SIGNATURE "\r\n"
#define BLANK          "--b\r\nContent-Type: text/plain\r\n\r\n \r\n\r\n"
#define HTML           "--b\r\nContent-Type: text/html\r\n\r\n<p>x</p>\r\n"
#define PICTURE        "--b\r\nContent-Type: image/png\r\n\r\nx\r\n"
#define NAMED_CIPHER   "--b\r\nContent-Type: application/octet-stream; name=encrypted.asc\r\n\r\n" ARMOR "\r\n"
#define FILE_OF(bytes) "--b\r\nContent-Type: application/octet-stream; name=a.txt.asc\r\n\r\n" bytes "\r\n"
#define FILE_CIPHER    FILE_OF(ARMOR)
#define FILE_SIGNED    FILE_OF("-----BEGIN PGP MESSAGE-----\r\n\r\nywcAAAAAAABh\r\n-----END PGP MESSAGE-----\r\n")
#define FILE_CUT       FILE_OF("-----BEGIN PGP MESSAGE-----\r\n\r\nwQEB0gL/\r\n-----END PGP MESSAGE-----\r\n")
#define SIGNED_PART                                                                                                    \
    "--b\r\nContent-Type: multipart/signed; boundary=c\r\n\r\n--c\r\nContent-Type: text/plain\r\n\r\nx\r\n"            \
    "--c\r\nContent-Type: application/pgp-signature\r\n\r\n" SIGNATURE "\r\n--c--\r\n"
#define ENVELOPE                                                                                                       \
    "Content-Type: multipart/encrypted; boundary=c\r\n\r\n--c\r\nContent-Type: application/pgp-encrypted\r\n\r\n"      \
    "Version: 1\r\n--c\r\nContent-Type: application/octet-stream\r\n\r\n" ARMOR "\r\n--c--\r\n"
#define ALTERNATIVE HEAD "Content-Type: multipart/alternative; boundary=b\r\n\r\n"
#define INLINE      "--b\r\nContent-Type: text/plain\r\n\r\n" ARMOR "\r\n"
#define HTML_INLINE "--b\r\nContent-Type: text/html\r\n\r\n<pre>" ARMOR "</pre>\r\n"
#define CLEAR_BLOCK "-----BEGIN PGP SIGNED MESSAGE-----\r\nHash: SHA512\r\n\r\nx\r\n" SIGNATURE
#define CLEAR       "--b\r\nContent-Type: text/plain\r\n\r\n" CLEAR_BLOCK "\r\n"
#define P7SIG       "--b\r\nContent-Type: application/x-pkcs7-signature\r\n\r\nx\r\n"
    static const struct {
        const char *text;
        enum mime_shape shape;
        int a, b;
    } rows[] = {
        {HEAD "\r\nx", MIME_PLAIN, -1, -1},
        {HEAD "Content-Type: text/html\r\n\r\nx", MIME_PLAIN, -1, -1},
        {HEAD "Content-Type: image/png\r\n\r\nx", MIME_OTHER, -1, -1},
        {MIXED TEXT "--b--", MIME_OTHER, -1, -1},
        {ENC "; protocol=\"application/pgp-encrypted\"\r\n\r\n" CONTROL CIPHER "--b--", MIME_PGP_ENCRYPTED, 1, 2},
        {ENC "\r\n\r\n" CONTROL CIPHER "--b--", MIME_PGP_ENCRYPTED, 1, 2},
        {ENC "; protocol=APPLICATION/PGP-Encrypted\r\n\r\n" CONTROL CIPHER "--b--", MIME_PGP_ENCRYPTED, 1, 2},
        {ENC "; protocol=other\r\n\r\n" CONTROL CIPHER "--b--", MIME_OTHER, -1, -1},
        {ENC "\r\n\r\n" CONTROL CIPHER TEXT "--b--", MIME_OTHER, -1, -1},
        {ENC "\r\n\r\n" CONTROL "--b--", MIME_OTHER, -1, -1},
        {ENC "\r\n\r\n" CIPHER CONTROL "--b--", MIME_OTHER, -1, -1},
        {MIXED "--b\r\nContent-Type: text/plain\r\n\r\n\r\n" CONTROL CIPHER "--b--", MIME_PGP_ENCRYPTED, 2, 3},
        {MIXED TEXT CONTROL CIPHER "--b--", MIME_PGP_ENCRYPTED, 2, 3}, /* a footer, which is marked */
        {MIXED CONTROL CIPHER TEXT "--b--", MIME_PGP_ENCRYPTED, 1, 2},
        {MIXED TEXT NAMED_CIPHER "--b--", MIME_OTHER, -1, -1}, /* a report with an encrypted file */
        {MIXED BLANK NAMED_CIPHER "--b--", MIME_PGP_ENCRYPTED, -1, 2},
        {MIXED BLANK CIPHER "--b--", MIME_PGP_ENCRYPTED, -1, 2},
        {MIXED TEXT CIPHER "--b--", MIME_OTHER, -1, -1},
        {MIXED BLANK FILE_CIPHER "--b--", MIME_INLINE_PARTS, -1, -1}, /* nothing but a file */
        {MIXED FILE_CIPHER FILE_CIPHER "--b--", MIME_INLINE_PARTS, -1, -1},
        {MIXED FILE_CIPHER PICTURE "--b--", MIME_OTHER, -1, -1},
        {MIXED BLANK FILE_SIGNED "--b--", MIME_OTHER, -1, -1}, /* not encrypted: an attachment */
        {MIXED BLANK FILE_CUT "--b--", MIME_OTHER, -1, -1},
        {MIXED BLANK "--b\r\nContent-Type: application/octet-stream; name=x\r\n\r\n\xc3\x89tude\r\n--b--", MIME_OTHER,
         -1, -1},
        {HEAD "Content-Type: application/octet-stream; name=a.pgp\r\n\r\n" ARMOR, MIME_INLINE_PARTS, -1, -1},
        {HEAD "Content-Type: application/octet-stream\r\n\r\n" ARMOR, MIME_PGP_ENCRYPTED, -1, 0},
        {HEAD "Content-Type: application/octet-stream; name=msg.asc\r\n\r\n" ARMOR, MIME_PGP_ENCRYPTED, -1, 0},
        {HEAD "Content-Type: application/pgp-encrypted; name=x\r\n\r\n" ARMOR, MIME_PGP_ENCRYPTED, -1, 0},
        {HEAD "Content-Type: application/pgp-encrypted\r\n\r\nVersion: 1\r\n", MIME_OTHER, -1, -1},
        {SIG "; protocol=\"application/pkcs7-signature\"\r\n\r\n" SIGNED_PART P7SIG "--b--", MIME_PGP_SIGNED, 2, 3},
        {SIG "; protocol=\"application/pkcs7-signature\"\r\n\r\n" SIGNED_PART TEXT P7SIG "--b--", MIME_OTHER, -1, -1},
        {MIXED TEXT CONTROL CIPHER PICTURE "--b--", MIME_OTHER, -1, -1},
        {MIXED CONTROL CIPHER CIPHER "--b--", MIME_OTHER, -1, -1},
        {MIXED BLANK "--b\r\n" ENVELOPE "--b--", MIME_PGP_ENCRYPTED, 3, 4},
        {MIXED TEXT "--b\r\n" ENVELOPE "--b--", MIME_PGP_ENCRYPTED, 3, 4},
        {MIXED "--b\r\n" ENVELOPE "--b\r\n" ENVELOPE "--b--", MIME_OTHER, -1, -1},
        {MIXED "--b\r\n" ENVELOPE PICTURE "--b--", MIME_OTHER, -1, -1},
        {SIG "\r\n\r\n--b\r\n" ENVELOPE SIGPART "--b--", MIME_PGP_ENCRYPTED, 2, 3},
        {SIG "; protocol=\"application/pkcs7-signature\"\r\n\r\n--b\r\n" ENVELOPE P7SIG "--b--", MIME_PGP_ENCRYPTED, 2,
         3},
        {MIXED INLINE "--b--", MIME_INLINE_PGP, 1, -1},
        {MIXED INLINE BLANK "--b--", MIME_INLINE_PGP, 1, -1},
        {MIXED INLINE CIPHER "--b--", MIME_INLINE_PARTS, 1, -1},
        {MIXED INLINE BLANK CIPHER CIPHER "--b--", MIME_INLINE_PARTS, 1, -1},
        {MIXED INLINE CIPHER PICTURE "--b--", MIME_OTHER, -1, -1}, /* one of the files is in clear */
        {MIXED INLINE CIPHER TEXT "--b--", MIME_OTHER, -1, -1},
        {MIXED INLINE TEXT "--b--", MIME_OTHER, -1, -1}, /* text beside what was encrypted */
        {MIXED INLINE PICTURE "--b--", MIME_OTHER, -1, -1},
        {ALTERNATIVE INLINE HTML_INLINE "--b--", MIME_INLINE_PGP, 1, -1},
        {ALTERNATIVE BLANK HTML_INLINE "--b--", MIME_INLINE_PGP, 2, -1},
        {ALTERNATIVE CLEAR HTML "--b--", MIME_OTHER, -1, -1}, /* signed text that HTML would hide */
        {MIXED CLEAR BLANK "--b--", MIME_INLINE_PGP, 1, -1},
        {MIXED TEXT CLEAR "--b--", MIME_OTHER, -1, -1},
        {HEAD "Content-Type: text/html\r\n\r\n<div>-----BEGIN PGP MESSAGE-----</div><br><div>&nbsp;</div><br>"
              "<div>wQEB0gH/</div><br><div>-----END PGP MESSAGE-----</div>",
         MIME_INLINE_PGP, 0, -1},
        {HEAD "Content-Type: text/html\r\n\r\n<pre>" CLEAR_BLOCK "</pre>", MIME_PLAIN, -1, -1},
        {SIG "; protocol=\"application/pgp-signature\"\r\n\r\n" TEXT SIGPART "--b--", MIME_PGP_SIGNED, 1, 2},
        {SIG "\r\n\r\n" TEXT SIGPART "--b--", MIME_PGP_SIGNED, 1, 2},
        {SIG "\r\n\r\n" TEXT SIGPART TEXT "--b--", MIME_OTHER, -1, -1},
        {SIG "\r\n\r\n" TEXT TEXT "--b--", MIME_OTHER, -1, -1},
        {SIG "; protocol=\"application/pkcs7-signature\"\r\n\r\n" TEXT P7SIG "--b--", MIME_SMIME, 1, 2},
        {SIG "; protocol=\"application/pkcs7-signature\"\r\n\r\n--b\r\nContent-Type: application/pkcs7-mime; "
             "smime-type=enveloped-data\r\n\r\nx\r\n" P7SIG "--b--",
         MIME_SMIME, 1, -1},
        {SIG "; protocol=\"application/pgp-signature\"\r\n\r\n" TEXT P7SIG "--b--", MIME_OTHER, -1, -1},
        {MIXED "--b\r\nContent-Type: multipart/signed; boundary=c\r\n\r\n--c\r\n\r\nx\r\n--c\r\nContent-Type: "
               "application/pgp-signature\r\n\r\nx\r\n--c--\r\n--b--",
         MIME_OTHER, -1, -1},
        {HEAD "Content-Type: application/x-pkcs7-mime\r\n\r\nx", MIME_SMIME, 0, -1},
        {HEAD "\r\n" ARMOR, MIME_INLINE_PGP, 0, -1},
        {HEAD "\r\n\r\n  " ARMOR "\r\n\r\n", MIME_INLINE_PGP, 0, -1},
        {HEAD "\r\n" ARMOR "trailing text\r\n", MIME_PLAIN, -1, -1},
        {HEAD "\r\nleading text\r\n" ARMOR, MIME_PLAIN, -1, -1},
        {HEAD "\r\n-----BEGIN PGP SIGNED MESSAGE-----\r\nHash: SHA512\r\n\r\nx\r\n" SIGNATURE, MIME_INLINE_PGP, 0, -1},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct mime_message m;
        int a, b;

        print_message("row %zu\n", i);
        parse(rows[i].text, &m);
        assert_string_equal(mime_shape_name(mime_shape(&m, span_of(rows[i].text), &a, &b)),
                            mime_shape_name(rows[i].shape));
        assert_int_equal(a, rows[i].a);
        assert_int_equal(b, rows[i].b);
        mime_message_free(&m);
    }
}

static void block_of(const char *text, struct buf *out)
{
    struct mime_message m;

    parse(text, &m);
    assert_int_equal(mime_inline_block(span_of(text), &m.parts[0], out, NULL), ERR_OK);
    mime_message_free(&m);
}

/* What programs do to an armored block on its way: each gives the same lines in the end. */
static void test_inline_blocks(void **state)
{
    static const struct {
        const char *text, *wanted;
    } rows[] = {
        {HEAD "\r\n" ARMOR, "wQEB0gH/"},
        /* says quoted-printable, and is not: the checksum would be taken for two octets */
        {HEAD
         "Content-Transfer-Encoding: quoted-printable\r\n\r\n-----BEGIN PGP MESSAGE-----\r\n\r\nwQEB0gH/\r\n=AB12\r\n"
         "-----END PGP MESSAGE-----\r\n",
         "=AB12"},
        {HEAD "Content-Transfer-Encoding: quoted-printable\r\n\r\n-----BEGIN PGP "
              "MESSAGE-----\r\n=C2=A0\r\nwQEB0gL/AA=3D=3D\r\n"
              "-----END PGP MESSAGE-----\r\n",
         "wQEB0gL/AA=="},
        {HEAD "Content-Type: text/html\r\n\r\n<p>-----BEGIN PGP MESSAGE-----<br>wQEB0gL/AA&#61;=<br>-----END PGP "
              "MESSAGE-----</p>",
         "wQEB0gL/AA=="},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct buf out = BUF_EMPTY;

        block_of(rows[i].text, &out);
        assert_non_null(strstr(buf_text(&out), rows[i].wanted));
        buf_free(&out);
    }
}

/* Text around an envelope is told from the envelope; a signature's "-- " alone is nothing. */
static void test_outside_text(void **state)
{
    static const struct {
        const char *text, *wanted;
    } rows[] = {{MIXED TEXT CONTROL CIPHER "--b--", "x"},
                {MIXED BLANK CONTROL CIPHER "--b--", ""},
                {MIXED "--b\r\n\r\n-- \r\n\r\n" CONTROL CIPHER "--b--", ""},
                {MIXED CONTROL CIPHER "--b\r\n\r\nList info\r\n--b--", "List info"},
                {ENC "\r\n\r\n" CONTROL CIPHER "--b--", ""}};

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct buf out = BUF_EMPTY;
        struct mime_message m;
        int a, b;

        parse(rows[i].text, &m);
        assert_int_equal(mime_shape(&m, span_of(rows[i].text), &a, &b), MIME_PGP_ENCRYPTED);
        mime_outside_text(span_of(rows[i].text), &m, b, &out);
        assert_string_equal(buf_text(&out), rows[i].wanted);
        buf_free(&out);
        mime_message_free(&m);
    }
}

/* The copy of protected headers for old programs is not shown; the same words elsewhere are. */
static void test_legacy_display(void **state)
{
    static const struct {
        const char *text, *wanted;
    } rows[] = {
        {"Content-Type: multipart/mixed; boundary=b; protected-headers=v1\r\nSubject: real\r\n\r\n"
         "--b\r\nContent-Type: text/plain; protected-headers=v1\r\n\r\nSubject: real\r\n" TEXT "--b--",
         "x"},
        {"Content-Type: multipart/mixed; boundary=b; protected-headers=v1\r\nSubject: real\r\n\r\n"
         "--b\r\nContent-Type: text/plain\r\n\r\nSubject: real\r\n" TEXT "--b--",
         "Subject: real\n\nx"},
        {"Content-Type: text/plain; hp=cipher; hp-legacy-display=1\r\nSubject: real\r\n\r\nSubject: real\r\n\r\nx\r\n",
         "x\n"},
        {"Content-Type: text/plain; hp-legacy-display=1\r\n\r\nSubject: real\r\n\r\nx\r\n", "Subject: real\n\nx\n"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct buf out = BUF_EMPTY;
        struct mime_message m;

        parse(rows[i].text, &m);
        assert_int_equal(mime_readable_text(span_of(rows[i].text), &m, &out, NULL), ERR_OK);
        assert_string_equal(buf_text(&out), rows[i].wanted);
        buf_free(&out);
        mime_message_free(&m);
    }
}

static void test_old_mac(void **state)
{
    static const struct {
        const char *in, *out;
    } rows[] = {{"a: b\r\rx\r", "a: b\n\nx\n"}, {"a: b\r\n\r\nx\ry", "a: b\r\n\r\nx\ry"}, {"", ""}, {"x", "x"}};

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct buf b = BUF_EMPTY;

        buf_add_str(&b, rows[i].in);
        mime_mend_line_ends(&b);
        assert_string_equal(buf_text(&b), rows[i].out);
        buf_free(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shapes),       cmocka_unit_test(test_inline_blocks),
        cmocka_unit_test(test_outside_text), cmocka_unit_test(test_legacy_display),
        cmocka_unit_test(test_old_mac),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

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
#define ENC        HEAD "Content-Type: multipart/encrypted; boundary=b"
#define CONTROL    "--b\r\nContent-Type: application/pgp-encrypted\r\n\r\nVersion: 1\r\n\r\n"

static void test_fields(void **state)
{
    static const char text[] =
        "Return-Path: <bounce@example.net>\r\nFrom: =?utf-8?q?Ren=C3=A9?= <a@example.org>\r\nSender: s@example.org\r\n"
        "To: security@example.org,\r\n b@example.org\r\nCc: c@example.org\r\nReply-To: r@example.org\r\n"
        "Subject: =?utf-8?q?a=0D=0ABcc=3A?= x\r\nDate: Sun, 22 Nov 2026 15:00:00 +0000\r\nMessage-ID: "
        "<1@example.org>\r\n"
        "In-Reply-To: <0@example.org>\r\nReferences: <x@example.org>\r\n <0@example.org>\r\nAuto-Submitted: "
        "auto-replied\r\n"
        "Precedence: bulk\r\nList-Id: L <l.example.org>\r\n\r\nhello\r\n";
    struct mime_message m;

    (void)state;
    parse(text, &m);
    assert_int_equal(m.n_parts, 1);
    assert_string_equal(m.parts[0].type, "text/plain");
    assert_string_equal(m.subject, "a  Bcc: x");
    assert_int_equal(m.date_utc_s, 1795359600);
    assert_string_equal(m.message_id, "<1@example.org>");
    assert_string_equal(m.in_reply_to, "<0@example.org>");
    assert_int_equal(m.n_references, 2);
    assert_string_equal(m.references[1], "<0@example.org>");
    assert_string_equal(m.from.items[0].name, "Ren\xc3\xa9");
    assert_int_equal(m.to.n, 2);
    assert_int_equal(m.cc.n + m.reply_to.n + m.sender.n, 3);
    assert_false(m.several_from);
    assert_string_equal(m.auto_submitted, "auto-replied");
    assert_string_equal(m.precedence, "bulk");
    assert_string_equal(m.list_id, "L <l.example.org>");
    assert_string_equal(m.return_path, "<bounce@example.net>");
    assert_null(m.content_type);
    assert_false(m.disputed);
    mime_message_free(&m);
    assert_int_equal(m.n_parts, 0);
}

static void test_several_from(void **state)
{
    static const struct {
        const char *text;
        bool several;
        size_t n;
    } rows[] = {{"From: a@example.org\r\n\r\nx", false, 1},
                {"From: a@example.org, b@example.org\r\n\r\nx", true, 2},
                {"From: a@example.org\r\nFROM: b@example.org\r\n\r\nx", true, 2},
                {"From: a@example.org\r\nFrom: junk\r\n\r\nx", true, 1},
                {"Subject: none\r\n\r\nx", false, 0}};

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct mime_message m;

        parse(rows[i].text, &m);
        assert_int_equal(m.several_from, rows[i].several);
        assert_int_equal(m.from.n, rows[i].n);
        assert_int_equal(m.date_utc_s, INSTANT_NONE);
        mime_message_free(&m);
    }
}

static void test_part_attributes(void **state)
{
    static const char text[] =
        MIXED "--b\r\nContent-Type: Text/HTML; charset=\"ISO-8859-1\"; Format=Flowed; DelSp=Yes\r\n"
              "Content-Transfer-Encoding: Quoted-Printable\r\nContent-ID: <c@example.org>\r\n\r\nx\r\n"
              "--b\r\nContent-Type: application/octet-stream; name=wrong\r\n"
              "Content-Disposition: ATTACHMENT; filename*=utf-8''..%2F..%2Fetc%2Fpass%0Awd\r\n\r\ny\r\n"
              "--b\r\nContent-Type: nonsense\r\n\r\nz\r\n"
              "--b\r\nContent-Type: application/pkcs7-mime; smime-type=signed-data; hp=\"clear\"\r\n\r\nz\r\n--b--\r\n";
    struct mime_message m;

    (void)state;
    parse(text, &m);
    assert_int_equal(m.n_parts, 5);
    assert_string_equal(m.parts[1].type, "text/html");
    assert_string_equal(m.parts[1].charset, "iso-8859-1");
    assert_string_equal(m.parts[1].format, "flowed");
    assert_string_equal(m.parts[1].delsp, "yes");
    assert_int_equal(m.parts[1].encoding, XFER_QUOTED_PRINTABLE);
    assert_string_equal(m.parts[1].content_id, "<c@example.org>");
    assert_string_equal(m.parts[2].name, "pass wd");
    assert_string_equal(m.parts[2].disposition, "attachment");
    assert_string_equal(m.parts[3].type, "application/octet-stream");
    assert_string_equal(m.parts[4].smime_type, "signed-data");
    assert_string_equal(m.parts[4].hp, "clear");
    assert_true(mime_is_attachment(&m, 2));
    assert_false(mime_is_attachment(&m, 0));
    assert_false(mime_is_attachment(&m, 1));
    assert_true(mime_is_attachment(&m, 3));
    mime_message_free(&m);
}

/* libetpan's faults: each message is read right all the same, and said to be disputed where libetpan errs. */
static void test_libetpan_faults(void **state)
{
    static const struct {
        const char *text;
        size_t n;
        const char *first; /* body of part 1 */
        bool disputed;
    } rows[] = {
        {MIXED "--b\r\nX: y\r\n\r\none\r\n--b--\r\n", 2, "one", false},
        {MIXED "--b\r\n\r\none\r\n--b\r\n\r\ntwo\r\n--b--\r\n", 3, "one", false},
        {MIXED "--b\r\n\r\n\r\n\r\none\r\n--b--\r\n", 2, "\r\n\r\none", true},
        {MIXED "--b\r\n\r\nContent-Type: text/html\r\n\r\nx\r\n--b--\r\n", 2, "Content-Type: text/html\r\n\r\nx", true},
        {MIXED "--b\r\n\r\n--b\r\n\r\ntwo\r\n--b--\r\n", 3, "", true},
        {MIXED "--bb\r\n\r\nno\r\n--b\r\nX: y\r\n\r\none\r\n--b--\r\n", 2, "one", true},
        {MIXED "--b\r\nX: y\r\n\r\none\r\n", 2, "one\r\n", false},
        {MIXED "--b\r\nX: y\r\n\r\none\r\n--b", 2, "one", false},
        {HEAD "Content-Type: multipart/mixed; boundary=b\n\n--b\nX: y\n\none\n--b--\n", 2, "one", false},
        {HEAD "Content-Type: text/plain (((\r\n\r\nx", 1, NULL, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct mime_message m;
        struct span body;

        print_message("row %zu\n", i);
        parse(rows[i].text, &m);
        assert_int_equal(m.n_parts, rows[i].n);
        if (rows[i].first) {
            body = mime_part_body(span_of(rows[i].text), &m.parts[1]);
            assert_int_equal(body.len, strlen(rows[i].first));
            assert_memory_equal(body.data, rows[i].first, body.len);
        }
        assert_int_equal(m.disputed, rows[i].disputed);
        mime_message_free(&m);
    }
}

static void test_entity_bytes(void **state)
{
    static const char text[] =
        HEAD "Content-Type: multipart/signed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\none\r\n"
             "\r\n--b\r\nContent-Type: application/pgp-signature\r\n\r\n" SIGNATURE "--b--\r\n";
    struct mime_message m;
    struct span entity;
    int a, b;

    (void)state;
    parse(text, &m);
    assert_int_equal(mime_shape(&m, span_of(text), &a, &b), MIME_PGP_SIGNED);
    entity = mime_part_entity(span_of(text), &m.parts[a]);
    assert_int_equal(entity.len, strlen("Content-Type: text/plain\r\n\r\none\r\n"));
    assert_memory_equal(entity.data, "Content-Type: text/plain\r\n\r\none\r\n", entity.len);
    mime_message_free(&m);
}

static void test_refused(void **state)
{
    static const struct {
        struct span raw;
        const char *rule;
    } rows[] = {
        {LITERAL(""), "empty"},
        {LITERAL(HEAD "Content-Type: multipart/mixed; boundary=\"\\\"\"\r\n\r\nx"), "bad-boundary"},
        {LITERAL("From: a\0\r\n\r\nx"), "nul-bytes"},
        {LITERAL(ENC
                 "\r\n\r\n" CONTROL
                 "--b\r\nContent-Type: application/octet-stream\r\n\r\n-----BEGIN PGP MESSAGE-----\r\n\r\nwQEB\r\n"),
         "truncated"},
        {LITERAL(HEAD "\r\n-----BEGIN PGP MESSAGE-----\r\n\r\nwQEB0gn/\r\n-----END PGP MESSAGE-----\r\n"),
         "truncated"}};

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct mime_message m;
        struct diag why;

        assert_int_not_equal(mime_parse(rows[i].raw, &limits, &m, &why), ERR_OK);
        assert_string_equal(why.rule, rows[i].rule);
        assert_int_equal(m.n_parts, 0);
        assert_null(m.parts);
    }
}

static void test_frame(void **state)
{
    static const char text[] =
        MIXED "--b\r\nContent-Type: text/plain; name=x\r\n\r\none\r\n--b\r\n\r\ntwo\r\n--b--\r\n";
    struct mime_message m, back;
    struct buf frame = BUF_EMPTY, again = BUF_EMPTY;

    (void)state;
    parse(text, &m);
    mime_message_put(&m, &frame);
    assert_int_equal(mime_message_get(buf_span(&frame), strlen(text), &back, NULL), ERR_OK);
    mime_message_put(&back, &again);
    assert_int_equal(frame.len, again.len);
    assert_memory_equal(frame.data, again.data, frame.len);
    mime_message_free(&back);
    /* the same answer for a shorter message names bytes that are not there */
    assert_int_equal(mime_message_get(buf_span(&frame), strlen(text) - 10, &back, NULL), ERR_REJECT);
    for (size_t n = 0; n < frame.len; n++) {
        assert_int_equal(mime_message_get((struct span){frame.data, n}, strlen(text), &back, NULL), ERR_REJECT);
        assert_null(back.parts);
    }
    /* each damaged octet is either refused, or gives something within bounds */
    for (size_t n = 0; n < frame.len; n++) {
        frame.data[n] ^= 0x81;
        if (mime_message_get(buf_span(&frame), strlen(text), &back, NULL) == ERR_OK) {
            assert_int_equal(mime_message_check(&back, strlen(text), NULL), ERR_OK);
            mime_message_free(&back);
        }
        frame.data[n] ^= 0x81;
    }
    mime_message_free(&m);
    buf_free(&frame);
    buf_free(&again);
}

static void test_check(void **state)
{
    static const char text[] = MIXED "--b\r\nX: y\r\n\r\none\r\n--b--\r\n";
    struct mime_message m;
    struct mime_part good;

    (void)state;
    parse(text, &m);
    good = m.parts[1];
    assert_int_equal(mime_message_check(&m, strlen(text), NULL), ERR_OK);
    m.parts[1].body_len = SIZE_MAX;
    assert_int_equal(mime_message_check(&m, strlen(text), NULL), ERR_REJECT);
    m.parts[1] = good;
    m.parts[1].header_len = SIZE_MAX - 3;
    assert_int_equal(mime_message_check(&m, strlen(text), NULL), ERR_REJECT);
    m.parts[1] = good;
    m.parts[1].parent = 1;
    assert_int_equal(mime_message_check(&m, strlen(text), NULL), ERR_REJECT);
    m.parts[1] = good;
    m.parts[1].header_off = 0;
    assert_int_equal(mime_message_check(&m, strlen(text), NULL), ERR_REJECT);
    m.parts[1] = good;
    m.parts[1].depth = 2;
    assert_int_equal(mime_message_check(&m, strlen(text), NULL), ERR_REJECT);
    m.parts[1] = good;
    mime_message_free(&m);
}

static void test_field_helpers(void **state)
{
    struct span block = span_of("Received: a\r\nReceived: b\r\n c\r\n\r\n");
    struct buf out = BUF_EMPTY;

    (void)state;
    assert_int_equal(mime_field_count(block, "received"), 2);
    assert_true(mime_field(block, "RECEIVED", &out));
    assert_true(mime_field_nth(block, "Received", 1, &out));
    assert_string_equal(buf_text(&out), "ab c");
    assert_false(mime_field(block, "X", &out));
    buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fields),          cmocka_unit_test(test_several_from),
        cmocka_unit_test(test_part_attributes), cmocka_unit_test(test_libetpan_faults),
        cmocka_unit_test(test_entity_bytes),    cmocka_unit_test(test_refused),
        cmocka_unit_test(test_frame),           cmocka_unit_test(test_check),
        cmocka_unit_test(test_field_helpers),
    };

    charset_open_all();
    return cmocka_run_group_tests(tests, NULL, NULL);
}

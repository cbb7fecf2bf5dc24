#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "codec/charset.h"
#include "codec/compose.h"
#include "codec/header.h"
#include "codec/mime.h"

#include <string.h>

#define BOUNDARY "0123456789abcdefghijABCDEFGHIJ"

static const struct mime_limits limits = MIME_LIMITS_DEFAULT;

/* What every mail of ours has to be: 7-bit, CRLF alone, lines within 998 octets. */
static void assert_wire(const struct buf *b)
{
    for (size_t i = 0, column = 0; i < b->len; i++) {
        assert_true(b->data[i] != 0 && b->data[i] < 127);
        assert_true((b->data[i] == '\n') == (i > 0 && b->data[i - 1] == '\r'));
        column = b->data[i] == '\n' ? 0 : column + 1;
        assert_true(column <= 999);
    }
    assert_true(b->len > 2 && b->data[b->len - 1] == '\n');
}

static struct compose *advisory(void)
{
    struct compose *c = compose_new();

    assert_int_equal(compose_text_field(c, "Subject", "Overflow in caf\xc3\xa9", NULL), ERR_OK);
    assert_int_equal(compose_address_field(c, "From", "Security Team", "security@example.org", NULL), ERR_OK);
    assert_int_equal(compose_address_field(c, "To", NULL, "security@example.org", NULL), ERR_OK);
    assert_int_equal(compose_date_field(c, 1795359600, NULL), ERR_OK);
    assert_int_equal(compose_raw_field(c, "Message-ID", "<1@example.org>", NULL), ERR_OK);
    return c;
}

static void test_plain(void **state)
{
    struct compose *c = advisory();
    struct buf out = BUF_EMPTY;

    (void)state;
    compose_text(c, span_of("one\r\ntwo\n"));
    assert_int_equal(compose_write(c, BOUNDARY, &out, NULL), ERR_OK);
    assert_wire(&out);
    assert_string_equal(buf_text(&out), "Subject: =?utf-8?q?Overflow_in_caf=C3=A9?=\r\n"
                                        "From: Security Team <security@example.org>\r\n"
                                        "To: security@example.org\r\n"
                                        "Date: Sun, 22 Nov 2026 15:00:00 +0000\r\n"
                                        "Message-ID: <1@example.org>\r\n"
                                        "MIME-Version: 1.0\r\n"
                                        "Content-Type: text/plain; charset=\"utf-8\"\r\n"
                                        "Content-Transfer-Encoding: 7bit\r\n\r\n"
                                        "one\r\ntwo\r\n");
    buf_free(&out);
    compose_free(&c);
    assert_null(c);
    compose_free(&c);
}

static void test_text_round_trip(void **state)
{
    static const struct {
        const char *text;
        bool qp;
    } rows[] = {{"plain\n", false},
                {"caf\xc3\xa9\n", true},
                {"blank at end \n", true},
                {"From here\n", true},
                {".\n", true},
                {"a\tb\n", false},
                {"a\x01b\n", true},
                {"no line end", false},
                {"last blank ", true},
                {"", false},
                {"--" BOUNDARY "\n", false}};

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct compose *c = advisory();
        struct buf out = BUF_EMPTY, back = BUF_EMPTY;
        struct mime_message m;
        struct span raw;

        compose_text(c, span_of(rows[i].text));
        assert_int_equal(compose_write(c, BOUNDARY, &out, NULL), ERR_OK);
        assert_wire(&out);
        assert_int_equal(strstr(buf_text(&out), "quoted-printable") != NULL, rows[i].qp);
        if (*rows[i].text) {
            raw = buf_span(&out);
            assert_int_equal(mime_parse(raw, &limits, &m, NULL), ERR_OK);
            assert_int_equal(mime_part_decode(raw, &m.parts[0], &back, NULL), ERR_OK);
            assert_memory_equal(back.data, rows[i].text, strcspn(rows[i].text, "\n"));
            mime_message_free(&m);
        }
        buf_free(&out);
        buf_free(&back);
        compose_free(&c);
    }
}

static void test_long_lines(void **state)
{
    struct compose *c = advisory();
    struct buf text = BUF_EMPTY, out = BUF_EMPTY, back = BUF_EMPTY;
    struct mime_message m;

    (void)state;
    for (size_t i = 0; i < 5000; i++)
        buf_add_byte(&text, 'x');
    buf_add_byte(&text, '\n');
    compose_text(c, buf_span(&text));
    assert_int_equal(compose_write(c, BOUNDARY, &out, NULL), ERR_OK);
    assert_wire(&out);
    assert_int_equal(mime_parse(buf_span(&out), &limits, &m, NULL), ERR_OK);
    assert_int_equal(mime_part_text(buf_span(&out), &m.parts[0], &back, NULL), ERR_OK);
    assert_string_equal(buf_text(&back), buf_text(&text));
    mime_message_free(&m);
    buf_free(&text);
    buf_free(&out);
    buf_free(&back);
    compose_free(&c);
}

static void test_attachments(void **state)
{
    struct compose *c = advisory();
    struct buf out = BUF_EMPTY, back = BUF_EMPTY;
    struct mime_message m;
    uint8_t bytes[1000];

    (void)state;
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)i;
    compose_text(c, span_of("see attached\n"));
    assert_int_equal(
        compose_attach(c, "text/x-diff", "fix caf\xc3\xa9.patch", (struct span){bytes, sizeof bytes}, NULL), ERR_OK);
    assert_int_equal(compose_attach(c, "application/json", NULL, span_of("{}"), NULL), ERR_OK);
    assert_int_equal(compose_attach(c, "text/plain", "empty.txt", (struct span){NULL, 0}, NULL), ERR_OK);
    compose_protect(c, true);
    assert_int_equal(compose_write_payload(c, BOUNDARY, &out, NULL), ERR_OK);
    assert_wire(&out);
    assert_null(strstr(buf_text(&out), "MIME-Version"));
    assert_int_equal(mime_parse(buf_span(&out), &limits, &m, NULL), ERR_OK);
    assert_int_equal(m.n_parts, 5);
    assert_string_equal(m.parts[0].hp, "cipher");
    assert_string_equal(m.parts[0].protected_headers, "v1");
    assert_null(m.parts[1].hp);
    assert_string_equal(m.subject, "Overflow in caf\xc3\xa9");
    assert_string_equal(m.parts[2].type, "text/x-diff");
    assert_string_equal(m.parts[2].name, "fix caf\xc3\xa9.patch");
    assert_null(m.parts[3].name);
    assert_int_equal(mime_part_decode(buf_span(&out), &m.parts[2], &back, NULL), ERR_OK);
    assert_int_equal(back.len, sizeof bytes);
    assert_memory_equal(back.data, bytes, sizeof bytes);
    assert_int_equal(m.parts[4].body_len, 0);
    mime_message_free(&m);
    buf_free(&out);
    buf_free(&back);
    compose_free(&c);
}

static void test_encrypted(void **state)
{
    static const char armor[] = "-----BEGIN PGP MESSAGE-----\r\n\r\nwQEB0gH/\r\n-----END PGP MESSAGE-----\r\n";
    struct compose *outer = compose_new(), *payload = advisory();
    struct buf prefix = BUF_EMPTY, suffix = BUF_EMPTY, inner = BUF_EMPTY, value = BUF_EMPTY;
    struct mime_message m;
    int a, b;

    (void)state;
    assert_int_equal(compose_address_field(outer, "From", NULL, "security@example.org", NULL), ERR_OK);
    assert_int_equal(compose_text_field(outer, "Subject", "[...]", NULL), ERR_OK);
    assert_int_equal(compose_raw_field(outer, "X-Embargo", "active", NULL), ERR_OK);
    assert_int_equal(compose_write_encrypted(outer, BOUNDARY, &prefix, &suffix, NULL), ERR_OK);
    buf_add_str(&prefix, armor);
    buf_add_buf(&prefix, &suffix);
    assert_wire(&prefix);
    assert_int_equal(mime_parse(buf_span(&prefix), &limits, &m, NULL), ERR_OK);
    assert_false(m.disputed);
    assert_int_equal(mime_shape(&m, buf_span(&prefix), &a, &b), MIME_PGP_ENCRYPTED);
    assert_string_equal(m.parts[b].name, "encrypted.asc");
    assert_string_equal(m.parts[b].disposition, "inline");
    assert_int_equal(m.parts[b].body_len, strlen(armor));
    mime_message_free(&m);

    compose_protect(payload, true);
    assert_int_equal(compose_add_outer(payload, outer, NULL), ERR_OK);
    compose_text(payload, span_of("x\n"));
    assert_int_equal(compose_write_payload(payload, BOUNDARY, &inner, NULL), ERR_OK);
    assert_int_equal(mime_field_count(buf_span(&inner), "HP-Outer"), 3);
    assert_true(mime_field_nth(buf_span(&inner), "HP-Outer", 1, &value));
    assert_string_equal(buf_text(&value), "Subject: [...]");
    buf_free(&prefix);
    buf_free(&suffix);
    buf_free(&inner);
    buf_free(&value);
    compose_free(&outer);
    compose_free(&payload);
}

static void test_signed(void **state)
{
    static const char payload[] = "Content-Type: text/plain\r\n\r\nsigned text\r\n";
    static const char signature[] = "-----BEGIN PGP SIGNATURE-----\n\nwQEB0gH/\n-----END PGP SIGNATURE-----";
    struct compose *c = advisory();
    struct buf out = BUF_EMPTY;
    struct mime_message m;
    struct span entity;
    int a, b;

    (void)state;
    assert_int_equal(compose_write_signed(c, BOUNDARY, "pgp-sha512", span_of(payload), span_of(signature), &out, NULL),
                     ERR_OK);
    assert_wire(&out);
    assert_int_equal(mime_parse(buf_span(&out), &limits, &m, NULL), ERR_OK);
    assert_int_equal(mime_shape(&m, buf_span(&out), &a, &b), MIME_PGP_SIGNED);
    assert_string_equal(m.parts[0].micalg, "pgp-sha512");
    entity = mime_part_entity(buf_span(&out), &m.parts[a]);
    assert_int_equal(entity.len, strlen(payload));
    assert_memory_equal(entity.data, payload, entity.len);
    mime_message_free(&m);
    buf_clear(&out);
    assert_int_equal(
        compose_write_signed(NULL, BOUNDARY, "pgp-sha512", span_of(payload), span_of(signature), &out, NULL), ERR_OK);
    assert_memory_equal(out.data, "Content-Type: multipart/signed", 30);
    buf_free(&out);
    compose_free(&c);
}

static void test_refusals(void **state)
{
    struct compose *c = compose_new();
    struct buf out = BUF_EMPTY;
    struct diag why;

    (void)state;
    assert_int_equal(compose_text_field(c, "Subject", "x\r\nBcc: y", &why), ERR_REJECT);
    assert_string_equal(why.rule, "header.injection");
    assert_int_equal(compose_text_field(c, "content-type", "x", &why), ERR_INTERNAL);
    assert_string_equal(why.rule, "compose.reserved");
    assert_int_equal(compose_raw_field(c, "MIME-Version", "1.0", &why), ERR_INTERNAL);
    assert_int_equal(compose_attach(c, "multipart/mixed", NULL, span_of("x"), &why), ERR_REJECT);
    assert_int_equal(compose_attach(c, "text", NULL, span_of("x"), &why), ERR_REJECT);
    assert_int_equal(compose_attach(c, "text/plain; x=y", NULL, span_of("x"), &why), ERR_REJECT);
    assert_int_equal(compose_attach(c, "text/plain", "a\nb", span_of("x"), &why), ERR_REJECT);
    assert_int_equal(compose_attach(c, "text/plain", "a", span_of("x"), &why), ERR_OK);
    assert_int_equal(compose_write(c, "short", &out, &why), ERR_INTERNAL);
    assert_int_equal(compose_write(c, "0123456789abcdefghij\"", &out, &why), ERR_INTERNAL);
    compose_text(c, span_of("a line with " BOUNDARY " in it\n"));
    assert_int_equal(compose_write(c, BOUNDARY, &out, &why), ERR_AGAIN);
    assert_int_equal(compose_write_signed(c, BOUNDARY, "pgp-sha512; x", span_of("x"), span_of("y"), &out, &why),
                     ERR_INTERNAL);
    assert_int_equal(out.len, 0);
    buf_free(&out);
    buf_init(&out, 100);
    assert_int_equal(compose_write(c, "0123456789abcdefghijklmnop", &out, &why), ERR_LIMIT);
    assert_int_equal(out.len, 0);
    buf_free(&out);
    compose_free(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain),       cmocka_unit_test(test_text_round_trip), cmocka_unit_test(test_long_lines),
        cmocka_unit_test(test_attachments), cmocka_unit_test(test_encrypted),       cmocka_unit_test(test_signed),
        cmocka_unit_test(test_refusals),
    };

    charset_open_all();
    return cmocka_run_group_tests(tests, NULL, NULL);
}

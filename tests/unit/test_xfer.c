#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "codec/charset.h"
#include "codec/xfer.h"

#include <string.h>

#define LITERAL(s) ((struct span){(const uint8_t *)(s), sizeof(s) - 1})

static void assert_bytes(const struct buf *b, const char *expected, size_t len)
{
    assert_int_equal(b->len, len);
    if (len)
        assert_memory_equal(b->data, expected, len);
}

static void test_base64_vectors(void **state)
{
    static const struct {
        const char *plain, *coded;
    } rows[] = {{"", ""},
                {"f", "Zg=="},
                {"fo", "Zm8="},
                {"foo", "Zm9v"},
                {"foob", "Zm9vYg=="},
                {"fooba", "Zm9vYmE="},
                {"foobar", "Zm9vYmFy"}};
    struct buf b = BUF_EMPTY;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        buf_clear(&b);
        xfer_base64_encode(span_of(rows[i].plain), 0, &b);
        assert_string_equal(buf_text(&b), rows[i].coded);
        buf_clear(&b);
        assert_true(xfer_base64_decode(span_of(rows[i].coded), &b));
        assert_bytes(&b, rows[i].plain, strlen(rows[i].plain));
    }
    buf_free(&b);
}

static void test_base64_refuses(void **state)
{
    static const char *const bad[] = {
        "Z", "Zg", "Zg=", "Zg===", "Zh==", "Zm9=", "Zm9v=", "Zm9v!", "=Zm9", "Zg==Zg==", "Zm-v", "Z\x80m9v"};
    struct buf b = BUF_EMPTY;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_false(xfer_base64_decode(span_of(bad[i]), &b));
        assert_int_equal(b.len, 0);
    }
    assert_false(xfer_base64_decode(LITERAL("Zm\0v"), &b));
    assert_true(xfer_base64_decode(span_of("Zm\r\n 9\tv\n"), &b));
    assert_bytes(&b, "foo", 3);
    buf_clear(&b);
    xfer_base64_decode_mail(span_of("Zm-9*v!Zg==garbage"), &b);
    assert_bytes(&b, "foof", 4);
    buf_free(&b);
}

static void test_base64_lines(void **state)
{
    uint8_t bytes[200];
    struct buf b = BUF_EMPTY, back = BUF_EMPTY;

    (void)state;
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * 7);
    for (size_t n = 0; n <= sizeof bytes; n++) {
        buf_clear(&b);
        buf_clear(&back);
        xfer_base64_encode((struct span){bytes, n}, 76, &b);
        for (size_t i = 0, column = 0; i < b.len; i++) {
            column = b.data[i] == '\n' ? 0 : column + 1;
            assert_true(column <= 77);
        }
        assert_true(n == 0 || b.data[b.len - 1] == '\n');
        assert_true(xfer_base64_decode(buf_span(&b), &back));
        assert_bytes(&back, (const char *)bytes, n);
    }
    buf_free(&b);
    buf_free(&back);
}

static void test_qp_encode(void **state)
{
    static const struct {
        const char *plain, *coded;
    } rows[] = {{"a=b\n", "a=3Db\r\n"},      {"caf\xc3\xa9", "caf=C3=A9"},
                {"end \nx", "end=20\r\nx"},  {"end\t\r\n", "end=09\r\n"},
                {"last ", "last=20"},        {"From me\nFrome", "=46rom me\r\nFrome"},
                {".\n..x", "=2E\r\n=2E.x"},  {"a\rb", "a=0Db"},
                {"mid dle\n", "mid dle\r\n"}};
    struct buf b = BUF_EMPTY, back = BUF_EMPTY;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        buf_clear(&b);
        xfer_qp_encode(span_of(rows[i].plain), &b);
        assert_string_equal(buf_text(&b), rows[i].coded);
    }
    for (size_t n = 60; n < 300; n++) {
        struct buf text = BUF_EMPTY;

        for (size_t i = 0; i < n; i++)
            buf_add_byte(&text, i % 5 ? 'x' : i % 3 ? 0xe9 : '.');
        buf_clear(&b);
        buf_clear(&back);
        xfer_qp_encode(buf_span(&text), &b);
        for (size_t i = 0, column = 0; i < b.len; i++) {
            column = b.data[i] == '\n' ? 0 : column + 1;
            assert_true(column <= 77 && b.data[i] < 127);
        }
        xfer_qp_decode(buf_span(&b), &back);
        assert_bytes(&back, buf_text(&text), n);
        buf_free(&text);
    }
    buf_free(&b);
    buf_free(&back);
}

static void test_qp_decode(void **state)
{
    static const struct {
        const char *coded, *plain;
    } rows[] = {{"a=3Db", "a=b"},
                {"a=3db", "a=b"},
                {"soft=\r\nline", "softline"},
                {"soft= \t\nline", "softline"},
                {"bad=4", "bad=4"},
                {"bad=ZZx", "bad=ZZx"},
                {"blank  \r\nx", "blank\r\nx"},
                {"a=", "a"},
                {"=\r\n=\r\n", ""},
                {"x\ny", "x\ny"},
                {"=", ""},
                {"", ""}};
    struct buf b = BUF_EMPTY;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        buf_clear(&b);
        xfer_qp_decode(span_of(rows[i].coded), &b);
        assert_string_equal(buf_text(&b), rows[i].plain);
    }
    buf_free(&b);
}

static void test_base32(void **state)
{
    static const struct {
        const char *plain, *coded;
    } rows[] = {{"", ""},
                {"f", "my"},
                {"fo", "mzxq"},
                {"foo", "mzxw6"},
                {"foob", "mzxw6yq"},
                {"fooba", "mzxw6ytb"},
                {"foobar", "mzxw6ytboi"}};
    static const char *const bad[] = {"m", "mz x", "MY", "my=", "mz", "mzx", "mzxw6y", "m1", "m0", "my\n"};
    struct buf b = BUF_EMPTY;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        buf_clear(&b);
        xfer_base32_encode(span_of(rows[i].plain), &b);
        assert_string_equal(buf_text(&b), rows[i].coded);
        buf_clear(&b);
        assert_true(xfer_base32_decode(span_of(rows[i].coded), &b));
        assert_bytes(&b, rows[i].plain, strlen(rows[i].plain));
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(xfer_base32_decode(span_of(bad[i]), &b));
    buf_free(&b);
}

static void test_hex(void **state)
{
    struct buf b = BUF_EMPTY;

    (void)state;
    xfer_hex_encode(LITERAL("\x00\x7f\xff"), &b);
    assert_string_equal(buf_text(&b), "007fff");
    buf_clear(&b);
    assert_true(xfer_hex_decode(span_of("007FfF"), &b));
    assert_bytes(&b, "\x00\x7f\xff", 3);
    assert_false(xfer_hex_decode(span_of("0"), &b));
    assert_false(xfer_hex_decode(span_of("0g"), &b));
    assert_int_equal(b.len, 3);
    buf_free(&b);
}

static void test_names(void **state)
{
    static const struct {
        const char *value;
        enum xfer_encoding encoding;
    } rows[] = {{"", XFER_7BIT},
                {" Base64 ", XFER_BASE64},
                {"QUOTED-PRINTABLE", XFER_QUOTED_PRINTABLE},
                {"8bit;", XFER_8BIT},
                {"base64 (comment)", XFER_BASE64},
                {"binary", XFER_BINARY},
                {"x-uuencode", XFER_UNKNOWN},
                {"base6", XFER_UNKNOWN}};

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_int_equal(xfer_from_name(span_of(rows[i].value)), rows[i].encoding);
    assert_string_equal(xfer_name(XFER_BASE64), "base64");
    assert_string_equal(xfer_name(XFER_UNKNOWN), "unknown");
}

static void test_full_buffer(void **state)
{
    struct buf b;

    (void)state;
    buf_init(&b, 4);
    assert_false(xfer_base64_decode(span_of("Zm9vYmFy"), &b));
    assert_true(b.over);
    buf_free(&b);
}

static void test_charsets(void **state)
{
    static const struct {
        const char *charset, *bytes, *utf8;
        bool known;
    } rows[] = {{"UTF-8", "caf\xc3\xa9", "caf\xc3\xa9", true},
                {"utf-8", "a\xff\xc3", "a\xef\xbf\xbd\xef\xbf\xbd", true},
                {"utf-8", "\xc0\x80\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd", true},
                {NULL, "plain", "plain", true},
                {"us-ascii", "caf\xc3\xa9", "caf\xc3\xa9", true},
                {"us-ascii", "caf\xe9", "caf\xc3\xa9", true},
                {"ISO-8859-1", "\x93x\x94\xe9", "\xe2\x80\x9cx\xe2\x80\x9d\xc3\xa9", true},
                {"iso-8859-15", "\xa4", "\xe2\x82\xac", true},
                {"windows-1251", "\xcf", "\xd0\x9f", true},
                {"koi8-r", "\xf0", "\xd0\x9f", true},
                {"gb2312", "\xc4\xe3", "\xe4\xbd\xa0", true},
                {"big5", "\xa7\x41", "\xe4\xbd\xa0", true},
                {"Shift_JIS", "\x82\xa0", "\xe3\x81\x82", true},
                {"iso-2022-jp", "\x1b$B$\"\x1b(B", "\xe3\x81\x82", true},
                {"euc-kr", "\xb0\xa1", "\xea\xb0\x80", true},
                {"euc-jp", "a\x8e", "a\xef\xbf\xbd", true},
                {"klingon", "caf\xe9", "caf\xc3\xa9", false}};
    struct buf b = BUF_EMPTY;

    (void)state;
    assert_false(charset_known("koi8-r"));
    charset_open_all();
    charset_open_all();
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        buf_clear(&b);
        assert_int_equal(charset_convert(rows[i].charset, span_of(rows[i].bytes), &b), rows[i].known);
        assert_string_equal(buf_text(&b), rows[i].utf8);
        assert_int_equal(charset_known(rows[i].charset), rows[i].known);
    }
    buf_clear(&b);
    assert_true(charset_convert("utf-16le", LITERAL("a\0\xe9\0"), &b));
    assert_string_equal(buf_text(&b), "a\xc3\xa9");
    buf_free(&b);
    charset_close_all();
    charset_close_all();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_base64_vectors),
        cmocka_unit_test(test_base64_refuses),
        cmocka_unit_test(test_base64_lines),
        cmocka_unit_test(test_qp_encode),
        cmocka_unit_test(test_qp_decode),
        cmocka_unit_test(test_base32),
        cmocka_unit_test(test_hex),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_full_buffer),
        cmocka_unit_test(test_charsets),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/instant.h"
#include "codec/charset.h"
#include "codec/header.h"

#include <string.h>

#define LITERAL(s) ((struct span){(const uint8_t *)(s), sizeof(s) - 1})

static void assert_text(struct buf *b, const char *expected)
{
    assert_string_equal(buf_text(b), expected);
    buf_clear(b);
}

static void test_walk(void **state)
{
    static const char block[] = "From: a\r\nX:\r\nSubject : b\r\n c\r\njunk\r\nFROM:d\n\tg\r\n\r\nSubject: body";
    struct header_iter it = {span_of(block)};
    struct span name, value;
    struct buf b = BUF_EMPTY;
    const char *names[] = {"From", "X", "Subject", "FROM"}, *values[] = {"a", "", "b c", "d\tg"};
    size_t n = 0;

    (void)state;
    for (; header_next(&it, &name, &value); n++) {
        assert_true(header_name_is(name, names[n]));
        header_unfold(value, &b);
        assert_text(&b, values[n]);
    }
    assert_int_equal(n, 4);
    assert_int_equal(header_count(span_of(block), "from"), 2);
    assert_true(header_find(span_of(block), "from", 1, &value));
    assert_false(header_find(span_of(block), "from", 2, &value));
    assert_null(value.data);
    assert_int_equal(header_block_len(span_of(block)), strlen(block) - strlen("Subject: body"));
    assert_int_equal(header_block_len(span_of("a: b\n")), 5);
    assert_int_equal(header_block_len(span_of("")), 0);
    buf_free(&b);
}

static void test_decode(void **state)
{
    static const struct {
        const char *raw, *text;
    } rows[] = {
        {"plain", "plain"},
        {"  two\r\n words  ", "two words"},
        {"=?utf-8?q?caf=C3=A9?=", "caf\xc3\xa9"},
        {"=?UTF-8?B?Y2Fmw6k=?= au lait", "caf\xc3\xa9 au lait"},
        {"=?iso-8859-1?q?a_b=E9?=", "a b\xc3\xa9"},
        {"=?utf-8?q?a?= =?utf-8?q?b?=", "ab"},
        {"=?utf-8?q?a?=\r\n  =?utf-8?q?b?= c", "ab c"},
        {"x =?utf-8?q?a?= y", "x a y"},
        {"=?utf-8?q?caf=C3?= =?utf-8?q?=A9?=", "caf\xc3\xa9"},
        {"=?utf-8*en?q?a?=", "a"},
        {"=?utf-8?q?a=0D=0AX:_y?=", "a  X: y"},
        {"=?utf-8?q?a=00b?=", "a b"},
        {"=?utf-8?x?a?=", "=?utf-8?x?a?="},
        {"=?utf-8?q?open", "=?utf-8?q?open"},
        {"=?=?=?", "=?=?=?"},
        {"=??q?a?=", "=??q?a?="},
        {"\xe2\x80\xae"
         "evil",
         "evil"},
        {"raw \xc3\xa9", "raw \xc3\xa9"},
        {"raw \xe9", "raw \xc3\xa9"},
        {"=?klingon?q?a=E9?=", "a\xc3\xa9"},
        {"", ""},
    };
    struct buf b = BUF_EMPTY;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        header_decode_text(span_of(rows[i].raw), &b);
        print_message("row %zu\n", i);
        assert_text(&b, rows[i].text);
    }
    buf_free(&b);
}

static void test_token(void **state)
{
    static const struct {
        const char *raw, *token;
    } rows[] = {{" Text/Plain; charset=x", "text/plain"},
                {"text / plain", "text/plain"},
                {"(c (d) \\( )multipart(e)/mixed", "multipart/mixed"},
                {"attachment", "attachment"},
                {"inline foo", "inline"},
                {"", ""},
                {";", ""},
                {"((((", ""},
                {"text/\xe9", "text/"}};
    struct buf b = BUF_EMPTY;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        header_token(span_of(rows[i].raw), &b);
        assert_text(&b, rows[i].token);
    }
    buf_free(&b);
}

static void test_params(void **state)
{
    static const struct {
        const char *raw, *name, *value; /* NULL: not there */
    } rows[] = {
        {"text/plain; charset=utf-8", "charset", "utf-8"},
        {"text/plain; CharSet = \"utf-8\" ; x=y", "charset", "utf-8"},
        {"text/plain; x=\"a;charset=b\"; charset=c", "charset", "c"},
        {"text/plain (; charset=a); charset=b", "charset", "b"},
        {"a/b; name=\"a\\\"b\\\\c\"", "name", "a\"b\\c"},
        {"a/b; name=two words.txt; x=y", "name", "two words.txt"},
        {"a/b; name=\"=?utf-8?q?caf=C3=A9?=\"", "name", "caf\xc3\xa9"},
        {"a/b; name*=utf-8''caf%C3%A9%20x", "name", "caf\xc3\xa9 x"},
        {"a/b; name*=iso-8859-1'en'%E9", "name", "\xc3\xa9"},
        {"a/b; name=plain; name*=utf-8''better", "name", "better"},
        {"a/b; name*1=b; name*0=a; name*2=c", "name", "abc"},
        {"a/b; name*0*=utf-8''%C3; name*1*=%A9; name*2=\"%41\"", "name", "\xc3\xa9%41"},
        {"a/b; name*0=a; name*2=c", "name", "a"},
        {"a/b; name*99999999999999999999=a", "name", NULL},
        {"a/b; name*=utf-8''a%0D%0AX%00", "name", "a  X"},
        {"a/b; names=x", "name", NULL},
        {"a/b; name", "name", NULL},
        {"a/b; name=", "name", ""},
        {"a/b;;; name=x", "name", "x"},
        {"a/b; name=\"open", "name", "open"},
        {"a/b; x=(; name=y", "name", NULL},
        {"", "name", NULL},
    };
    struct buf b = BUF_EMPTY;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        print_message("row %zu\n", i);
        assert_int_equal(header_param(span_of(rows[i].raw), rows[i].name, &b), rows[i].value != NULL);
        assert_text(&b, rows[i].value ? rows[i].value : "");
    }
    assert_true(header_param_raw(span_of("m/m; boundary=\"=?a?q?b?= \""), "boundary", &b));
    assert_text(&b, "=?a?q?b?= ");
    buf_free(&b);
}

static void test_date(void **state)
{
    static const struct {
        const char *raw, *utc; /* NULL: no date */
    } rows[] = {
        {"Sun, 22 Nov 2026 15:00:00 +0000", "2026-11-22T15:00:00Z"},
        {"22 Nov 2026 15:00 -0230", "2026-11-22T17:30:00Z"},
        {"Sun,22 nov 2026 15:00:00 GMT (comment)", "2026-11-22T15:00:00Z"},
        {"Sun (x), 22 (y) Nov 26 15:00:59 EST", "2026-11-22T20:00:59Z"},
        {"1 Jan 99 00:00:00 UT", "1999-01-01T00:00:00Z"},
        {"29 Feb 2028 00:00:00 Z", "2028-02-29T00:00:00Z"},
        {"Fri, 23 Aug 2002 2:32:53 -0400", "2002-08-23T06:32:53Z"},
        {"29 Feb 2027 00:00:00 Z", NULL},
        {"22 Nov 2026 24:00:00 Z", NULL},
        {"22 Nov 2026 23:60:00 Z", NULL},
        {"22 Nov 2026 23:00:00 +1", NULL},
        {"0 Nov 2026 23:00:00 Z", NULL},
        {"22 Foo 2026 23:00:00 Z", NULL},
        {"", NULL},
        {"tomorrow", NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[INSTANT_TEXT_SIZE];
        int64_t at = 0;

        print_message("row %zu\n", i);
        assert_int_equal(header_parse_date(span_of(rows[i].raw), &at), rows[i].utc != NULL);
        if (rows[i].utc)
            assert_string_equal(instant_text(at, text), rows[i].utc);
    }
}

static void test_msg_ids(void **state)
{
    struct span rest = span_of("<a@b> text <c d> <e@f>\r\n <> <g@h"), id;

    (void)state;
    assert_true(header_next_msg_id(&rest, &id));
    assert_int_equal(id.len, 5);
    assert_true(header_next_msg_id(&rest, &id));
    assert_memory_equal(id.data, "<e@f>", 5);
    assert_false(header_next_msg_id(&rest, &id));
    assert_false(header_next_msg_id(&rest, &id));
}

/* Every line within its limits, 7-bit, and the value comes back as it was. */
static void assert_field(struct buf *out, const char *name, const char *value, size_t columns)
{
    struct buf back = BUF_EMPTY;
    struct span raw;

    for (size_t i = 0, column = 0; i < out->len; i++) {
        assert_true(out->data[i] < 127 && out->data[i] != 0);
        assert_true(out->data[i] != '\n' || out->data[i - 1] == '\r');
        column = out->data[i] == '\n' ? 0 : column + 1;
        assert_true(column <= columns + 1);
    }
    assert_int_equal(header_count(buf_span(out), name), 1);
    assert_true(header_find(buf_span(out), name, 0, &raw));
    header_decode_text(raw, &back);
    assert_string_equal(buf_text(&back), value);
    buf_free(&back);
    buf_clear(out);
}

static void test_add_text(void **state)
{
    struct buf out = BUF_EMPTY, value = BUF_EMPTY;
    static const char *const units[] = {"word ",  "\xc3\xa9", "\xe4\xbd\xa0", "\xf0\x9f\x98\x80", "a\xc3\xa9 ",
                                        "=?x?= ", "a"};

    (void)state;
    assert_int_equal(header_add_text(&out, "Subject", "[...]", NULL), ERR_OK);
    assert_text(&out, "Subject: [...]\r\n");
    assert_int_equal(header_add_text(&out, "Subject", "caf\xc3\xa9", NULL), ERR_OK);
    assert_text(&out, "Subject: =?utf-8?q?caf=C3=A9?=\r\n");
    assert_int_equal(header_add_text(&out, "Subject", "", NULL), ERR_OK);
    assert_text(&out, "Subject: \r\n");
    for (size_t u = 0; u < sizeof units / sizeof units[0]; u++) {
        for (size_t n = 1; n < 300; n += 7) {
            buf_clear(&value);
            for (size_t i = 0; i < n; i++)
                buf_add_str(&value, units[u]);
            buf_add_str(&value, ".");
            assert_int_equal(header_add_text(&out, "Subject", buf_text(&value), NULL), ERR_OK);
            assert_field(&out, "Subject", buf_text(&value), u == 6 ? 998 : 78);
            assert_int_equal(
                header_add_text(&out, "X-A-Rather-Long-Name-Of-A-Header-Field-For-Testing-It", buf_text(&value), NULL),
                ERR_OK);
            assert_field(&out, "X-A-Rather-Long-Name-Of-A-Header-Field-For-Testing-It", buf_text(&value),
                         u == 6 ? 998 : 78);
        }
    }
    buf_clear(&value);
    for (size_t i = 0; i < 2000; i++)
        buf_add_byte(&value, 'x');
    assert_int_equal(header_add_text(&out, "Subject", buf_text(&value), NULL), ERR_OK);
    assert_field(&out, "Subject", buf_text(&value), 78);
    assert_int_equal(header_add_text(&out, "Subject", "bad \xff byte", NULL), ERR_OK);
    assert_field(&out, "Subject", "bad \xef\xbf\xbd byte", 78);
    buf_free(&value);
    buf_free(&out);
}

static void test_refusals(void **state)
{
    static const char *const bad[] = {"a\r\nBcc: x", "a\nb", "a\rb", "a\x01", "a\x7f"};
    struct buf out = BUF_EMPTY, longer = BUF_EMPTY;
    struct diag why;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(header_add_text(&out, "Subject", bad[i], &why), ERR_REJECT);
        assert_string_equal(why.rule, "header.injection");
        assert_int_equal(header_add_raw(&out, "Subject", bad[i], &why), ERR_REJECT);
        assert_int_equal(header_add_address(&out, "To", bad[i], "a@example.org", &why), ERR_REJECT);
        assert_int_equal(header_add_address(&out, "To", NULL, bad[i], &why), ERR_REJECT);
        assert_int_equal(header_add_param(&out, "name", bad[i], &why), ERR_REJECT);
        assert_int_equal(header_add_text(&out, bad[i], "x", &why), ERR_REJECT);
    }
    assert_int_equal(header_add_text(&out, "", "x", &why), ERR_REJECT);
    assert_int_equal(header_add_text(&out, "a:b", "x", &why), ERR_REJECT);
    assert_int_equal(header_add_raw(&out, "X", "caf\xc3\xa9", &why), ERR_REJECT);
    assert_string_equal(why.rule, "header.not-ascii");
    for (size_t i = 0; i < 1000; i++)
        buf_add_byte(&longer, 'x');
    assert_int_equal(header_add_raw(&out, "X", buf_text(&longer), &why), ERR_LIMIT);
    for (size_t i = 0; i < HEADER_VALUE_MAX; i++)
        buf_add_byte(&longer, ' ');
    assert_int_equal(header_add_text(&out, "X", buf_text(&longer), &why), ERR_LIMIT);
    assert_int_equal(out.len, 0);
    buf_free(&longer);
    buf_free(&out);
}

static void test_addresses(void **state)
{
    static const struct {
        const char *display, *spec, *written;
    } rows[] = {
        {NULL, "a@Example.ORG", "To: a@example.org\r\n"},
        {"", "a@example.org", "To: a@example.org\r\n"},
        {"Security Team", "a@example.org", "To: Security Team <a@example.org>\r\n"},
        {"Team, \"S\"", "a@example.org", "To: \"Team, \\\"S\\\"\" <a@example.org>\r\n"},
        {"Ren\xc3\xa9", "a@example.org", "To: =?utf-8?q?Ren=C3=A9?= <a@example.org>\r\n"},
    };
    struct buf out = BUF_EMPTY;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(header_add_address(&out, "To", rows[i].display, rows[i].spec, NULL), ERR_OK);
        assert_text(&out, rows[i].written);
    }
    buf_free(&out);
}

static void test_add_param(void **state)
{
    static const char *const names[] = {"fix.patch",
                                        "two words",
                                        "caf\xc3\xa9.txt",
                                        "a\"b\\c",
                                        "=?utf-8?q?x?=",
                                        "%41'",
                                        "a-very-long-name-that-goes-on-and-on-and-on-beyond-the-end-of-the-line.patch"};
    struct buf out = BUF_EMPTY, back = BUF_EMPTY;

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        buf_add_str(&out, "text/plain");
        assert_int_equal(header_add_param(&out, "name", names[i], NULL), ERR_OK);
        for (size_t k = 0, column = 0; k < out.len; k++) {
            column = out.data[k] == '\n' ? 0 : column + 1;
            assert_true(column <= 79 && out.data[k] < 127);
        }
        assert_true(header_param(buf_span(&out), "name", &back));
        assert_text(&back, names[i]);
        buf_clear(&out);
    }
    buf_free(&out);
    buf_free(&back);
}

static void test_hostile(void **state)
{
    struct buf raw = BUF_EMPTY, out = BUF_EMPTY;
    static const char *const units[] = {"(", "=?utf-8?q?", "\"", "; name*0=", "<", "=", "; x=\"", "\\(", " \r\n"};

    (void)state;
    for (size_t u = 0; u < sizeof units / sizeof units[0]; u++) {
        struct span rest, id;

        buf_clear(&raw);
        buf_add_str(&raw, "text/plain; ");
        while (raw.len < 256 << 10)
            buf_add_str(&raw, units[u]);
        header_decode_text(buf_span(&raw), &out);
        header_token(buf_span(&raw), &out);
        header_param(buf_span(&raw), "name", &out);
        for (rest = buf_span(&raw); header_next_msg_id(&rest, &id);)
            ;
        buf_clear(&out);
    }
    buf_free(&raw);
    buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_walk),      cmocka_unit_test(test_decode),   cmocka_unit_test(test_token),
        cmocka_unit_test(test_params),    cmocka_unit_test(test_date),     cmocka_unit_test(test_msg_ids),
        cmocka_unit_test(test_add_text),  cmocka_unit_test(test_refusals), cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_add_param), cmocka_unit_test(test_hostile),
    };

    charset_open_all();
    return cmocka_run_group_tests(tests, NULL, NULL);
}

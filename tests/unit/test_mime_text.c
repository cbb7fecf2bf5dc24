#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "codec/charset.h"
#include "tests/unit/mime_fixture.h"

#include <stdlib.h>
#include <string.h>

static void test_safe_names(void **state)
{
    static const struct {
        const char *given, *safe;
    } rows[] = {{"fix.patch", "fix.patch"},
                {"../../etc/passwd", "passwd"},
                {"C:\\x\\y.txt", "y.txt"},
                {".bashrc", "bashrc"},
                {"-rf", "rf"},
                {"a:b*c?.txt", "a_b_c_.txt"},
                {"..", ""},
                {"", ""},
                {"dir/", ""},
                {"a\nb", "a b"},
                {"name. ", "name"},
                {"caf\xc3\xa9", "caf\xc3\xa9"},
                {"x\xe2\x80\xaetxt.exe", "x txt.exe"}};
    struct buf b = BUF_EMPTY, longer = BUF_EMPTY;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        mime_safe_name(span_of(rows[i].given), &b);
        assert_string_equal(buf_text(&b), rows[i].safe);
        buf_clear(&b);
    }
    for (size_t i = 0; i < 100; i++)
        buf_add_str(&longer, "\xe4\xbd\xa0");
    mime_safe_name(buf_span(&longer), &b);
    assert_int_equal(b.len, MIME_NAME_MAX_BYTES);
    buf_free(&b);
    buf_free(&longer);
}

static void test_readable(void **state)
{
    static const struct {
        const char *text, *shown;
    } rows[] = {
        {HEAD "\r\nhello\r\nworld\r\n", "hello\nworld\n"},
        {HEAD "\r\nbell\a esc\x1b[2J cr\rline\r\n", "bell esc[2J cr\nline\n"},
        {HEAD "Content-Type: text/plain; charset=iso-8859-1\r\n\r\ncaf\xe9\r\n", "caf\xc3\xa9\n"},
        {HEAD "Content-Type: text/plain; charset=utf-8\r\n\r\na\xe2\x80\xae"
              "b\xe2\x81\xa6"
              "c\xc2\x9b"
              "d\xe2\x80\x99\r\n",
         "a\xef\xbf\xbd"
         "b\xef\xbf\xbd"
         "cd\xe2\x80\x99\n"},
        {HEAD "Content-Transfer-Encoding: base64\r\n\r\naGVsbG8=\r\n", "hello"},
        {HEAD "Content-Type: text/plain; format=flowed\r\n\r\none \r\ntwo\r\n> q \r\n> r\r\n-- \r\nsig\r\n",
         "one two\n> q r\n-- \nsig\n"},
        {HEAD "Content-Type: text/html\r\n\r\n<p>a<b>b</b></p><script>x</script>\r\n", "ab\n\n"},
        {HEAD
         "Content-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\nContent-Type: text/html\r\n\r\n<b>html</b>\r\n"
         "--b\r\nContent-Type: text/plain\r\n\r\nplain\r\n--b--\r\n",
         "plain"},
        {HEAD
         "Content-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\nContent-Type: text/html\r\n\r\n<b>html</b>\r\n"
         "--b\r\nContent-Type: image/png\r\n\r\nx\r\n--b--\r\n",
         "html\n"},
        {MIXED "--b\r\nX: y\r\n\r\none\r\n--b\r\nContent-Type: text/x-diff; name=fix.patch\r\nContent-Disposition: "
               "attachment\r\n"
               "Content-Transfer-Encoding: base64\r\n\r\naGVsbG8=\r\n--b\r\nContent-Type: "
               "application/pgp-signature\r\n\r\nx\r\n--b--\r\n",
         "one\n\n[attachment 1: fix.patch, text/x-diff, 5 bytes]\n"},
        {MIXED
         "--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: in\r\nFrom: b@example.org\r\n\r\ninner\r\n--b--\r\n",
         "[attached message]\nFrom: b@example.org\nSubject: in\n\n\ninner"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct mime_message m;
        struct buf out = BUF_EMPTY;

        print_message("row %zu\n", i);
        parse(rows[i].text, &m);
        assert_int_equal(mime_readable_text(span_of(rows[i].text), &m, &out, NULL), ERR_OK);
        assert_string_equal(buf_text(&out), rows[i].shown);
        buf_free(&out);
        mime_message_free(&m);
    }
}

static void test_readable_limit(void **state)
{
    static const char text[] = HEAD "\r\nmuch too long a text\r\n";
    struct mime_message m;
    struct diag why;
    struct buf out;

    (void)state;
    buf_init(&out, 10);
    parse(text, &m);
    assert_int_equal(mime_readable_text(span_of(text), &m, &out, &why), ERR_LIMIT);
    assert_string_equal(why.rule, "too-large");
    buf_free(&out);
    mime_message_free(&m);
}

static void test_html(void **state)
{
    static const struct {
        const char *html, *text;
    } rows[] = {
        {"a  b\n c", "a b c\n"},
        {"<P>one</P><p>two", "one\n\ntwo\n"},
        {"a<br>b<br/>c", "a\nb\nc\n"},
        {"&lt;b&gt; &amp;amp; &#65;&#x42; &nbsp;x &bogus; &", "<b> &amp; AB  x &bogus; &\n"},
        {"&#0;&#27;&#x202e;", "  \xef\xbf\xbd\n"},
        {"<a href='https://example.org/x'>link</a>", "link <https://example.org/x>\n"},
        {"<a href=\"https://example.org/\">https://example.org/</a>", "https://example.org/\n"},
        {"<a href=\"javascript:x\">link</a>", "link\n"},
        {"<a href=https://example.org/caf\xc3\xa9>x</a>", "x <https://example.org/caf%C3%A9>\n"},
        {"<style>p{}</style><head><title>t</title></head>x<!-- c --> y", "x y\n"},
        {"<script>never closed", ""},
        {"<!-- never closed", ""},
        {"a < b > c", "a < b > c\n"},
        {"<b never closed", "<b never closed\n"},
        {"<img alt=\">\" src=x>y", "y\n"},
        {"<ul><li>a<li>b</ul>", "* a\n* b\n\n"},
        {"<pre>a\n  b</pre>", "a\n  b\n\n"},
        {"<td>a</td><td>b</td>", "a b\n"},
        {"", ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct buf out = BUF_EMPTY;

        print_message("row %zu\n", i);
        mime_html_text(span_of(rows[i].html), &out);
        assert_string_equal(buf_text(&out), rows[i].text);
        buf_free(&out);
    }
}

static void test_hostile_html(void **state)
{
    static const char *const units[] = {"<", "<a", "<a'>", "<a href=", "&#", "<!--", "<script", "<b \"", "</a>", "<p>"};

    (void)state;
    for (size_t u = 0; u < sizeof units / sizeof units[0]; u++) {
        struct buf in = BUF_EMPTY, out = BUF_EMPTY;

        while (in.len < 256 << 10)
            buf_add_str(&in, units[u]);
        mime_html_text(buf_span(&in), &out);
        buf_free(&in);
        buf_free(&out);
    }
}

static void test_canonical_eol(void **state)
{
    static const struct {
        const char *in, *out;
    } rows[] = {
        {"a\nb\r\nc\rd", "a\r\nb\r\nc\r\nd"}, {"\r\r\n\n", "\r\n\r\n\r\n"}, {"", ""}, {"\r", "\r\n"}, {"x", "x"}};

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct buf out = BUF_EMPTY;

        mime_canonical_eol(span_of(rows[i].in), &out);
        assert_string_equal(buf_text(&out), rows[i].out);
        buf_free(&out);
    }
}

/* What stands before the first field, as files and gateways leave it. */
static void test_mend_start(void **state)
{
    static const struct {
        const char *in, *out;
    } rows[] = {
        {"Subject: x\r\n\r\ny", "Subject: x\r\n\r\ny"},
        {"\xef\xbb\xbfSubject: x\r\n\r\ny", "Subject: x\r\n\r\ny"},
        {"\r\n \t\r\n\nSubject: x\r\n\r\ny", "Subject: x\r\n\r\ny"},
        {"From a@x.example Mon Jan 1\nSubject: x\n\ny", "Subject: x\n\ny"},
        {"\nFrom a@x.example Mon Jan 1\nSubject: x\n\ny", "Subject: x\n\ny"},
        {"From: a@x.example\r\n\r\ny", "From: a@x.example\r\n\r\ny"},
        {" folded\r\n\r\ny", " folded\r\n\r\ny"},
        {"\xef\xbb\xbf", "\xef\xbb\xbf"},
        {"\r\n", "\r\n"}, /* nothing would be left */
        {"From a", "From a"},
        {"", ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct buf b = BUF_EMPTY;

        buf_add_str(&b, rows[i].in);
        mime_mend_start(&b);
        assert_string_equal(buf_text(&b), rows[i].out);
        buf_free(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_safe_names), cmocka_unit_test(test_readable),     cmocka_unit_test(test_readable_limit),
        cmocka_unit_test(test_html),       cmocka_unit_test(test_hostile_html), cmocka_unit_test(test_canonical_eol),
        cmocka_unit_test(test_mend_start),
    };

    charset_open_all();
    return cmocka_run_group_tests(tests, NULL, NULL);
}

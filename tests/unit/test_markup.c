/* Escaping for the web: nothing that is handed in becomes markup, a script's address or a broken document. */
#include "codec/markup.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void expect(struct buf *out, const char *wanted)
{
    assert_string_equal(buf_text(out), wanted);
    buf_free(out);
}

static void test_text(void **state)
{
    static const struct {
        const char *in, *out;
    } rows[] = {
        {"", ""},
        {"a & b", "a &amp; b"},
        {"<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;"},
        {"\"x\" 'y'", "&quot;x&quot; &#39;y&#39;"},
        {"caf\xc3\xa9", "caf\xc3\xa9"},
        {"a\x01z", "a\xef\xbf\xbdz"},
        {"a\tb\nc\r\n", "a\tb\nc\n"},
        {"\xff", "\xef\xbf\xbd"},
        {"\xc2\x85", "\xef\xbf\xbd"},                             /* C1 */
        {"\xef\xbf\xbe", "\xef\xbf\xbd"},                         /* U+FFFE */
        {"\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"}, /* a surrogate */
        {"&amp;", "&amp;amp;"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct buf out = BUF_EMPTY;

        markup_text(&out, rows[i].in);
        expect(&out, rows[i].out);
    }
}

static void test_links(void **state)
{
    static const struct {
        const char *link;
        bool ok;
    } rows[] = {
        {"https://example.org/a?b=c#d", true},
        {"HTTP://example.org", true},
        {"http://[::1]/", true},
        {"mailto:security@example.org", true},
        {"../style.css", true},
        {"../../main/XSA-1.html", true},
        {"main/v1/x.patch", true},
        {"", false},
        {"javascript:alert(1)", false},
        {"JaVaScRiPt:alert(1)", false},
        {" javascript:alert(1)", false},
        {"data:text/html,x", false},
        {"//evil.example/x", false},
        {"/etc/passwd", false},
        {"a/../../b", false},
        {"https://", false},
        {"https:///x", false},
        {"http://a b", false},
        {"https://a\"onclick=x", false},
        {"https://a<b", false},
        {"mailto:", false},
        {"\tjavascript:x", false},
        {"a:b", false},
        {"..", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (markup_link_ok(rows[i].link) != rows[i].ok)
            fail_msg("link `%s`", rows[i].link);
}

static void test_add(void **state)
{
    struct buf out = BUF_EMPTY;

    (void)state;
    markup_add(&out, "<a href=\"%a\">%t</a>%l%%%h", "javascript:x", "<b>", (int64_t)-7, "<br>");
    expect(&out, "<a href=\"#\">&lt;b&gt;</a>-7%<br>");
    markup_add(&out, "%t|%h|%a", NULL, NULL, NULL);
    expect(&out, "||#");
}

static void test_prose(void **state)
{
    static const struct {
        const char *in, *out;
    } rows[] = {
        {"", ""},
        {"one\ntwo\n\nthree", "<p>one\ntwo</p>\n<p>three</p>\n"},
        {"- a\n  more\n- b", "<ul>\n<li>a   more</li>\n<li>b</li>\n</ul>\n"},
        {"  x = 1\n  y", "<pre tabindex=\"0\">  x = 1\n  y</pre>\n"},
        {"see https://example.org/x. <b>",
         "<p>see <a href=\"https://example.org/x\">https://example.org/x</a>. &lt;b&gt;</p>\n"},
        {"xhttp://example.org", "<p>xhttp://example.org</p>\n"},
        {"https://a\"b", "<p><a href=\"https://a\">https://a</a>&quot;b</p>\n"},
        {"\n\n\n", ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct buf out = BUF_EMPTY;

        markup_prose(&out, rows[i].in);
        expect(&out, rows[i].out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_links),
        cmocka_unit_test(test_add),
        cmocka_unit_test(test_prose),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "codec/addr.h"
#include "codec/charset.h"

#include <stdlib.h>
#include <string.h>

#define LITERAL(s) ((struct span){(const uint8_t *)(s), sizeof(s) - 1})
#define X10        "xxxxxxxxxx"
#define X60        X10 X10 X10 X10 X10 X10

static void test_check(void **state)
{
    static const struct {
        struct span in;
        const char *out, *rule;
    } rows[] = {
        {LITERAL("a@example.org"), "a@example.org", ""},
        {LITERAL("A.b+C@Example.ORG"), "A.b+C@example.org", ""},
        {LITERAL("security+c-token_1@localhost"), "security+c-token_1@localhost", ""},
        {LITERAL("a@xn--bcher-kva.example"), "a@xn--bcher-kva.example", ""},
        {LITERAL(X60 "xxxx@example.org"), X60 "xxxx@example.org", ""},
        {LITERAL(X60 "xxxxx@example.org"), "", "addr.too-long"},
        {LITERAL("a@" X60 "xxx.example"), "a@" X60 "xxx.example", ""},
        {LITERAL("a@" X60 "xxxx.example"), "", "addr.bad-domain"},
        {LITERAL("a@" X60 "." X60 "." X60 "." X60 ".xxxxxxxx"), "a@" X60 "." X60 "." X60 "." X60 ".xxxxxxxx", ""},
        {LITERAL("a@" X60 "." X60 "." X60 "." X60 ".xxxxxxxxx"), "", "addr.too-long"},
        {LITERAL(""), "", "addr.empty"},
        {LITERAL("a"), "", "addr.bad-domain"},
        {LITERAL("a@"), "", "addr.bad-domain"},
        {LITERAL("@example.org"), "", "addr.bad-local"},
        {LITERAL("a@b@example.org"), "", "addr.bad-local"},
        {LITERAL(".a@example.org"), "", "addr.bad-local"},
        {LITERAL("a.@example.org"), "", "addr.bad-local"},
        {LITERAL("a..b@example.org"), "", "addr.bad-local"},
        {LITERAL("\"a\"@example.org"), "", "addr.bad-local"},
        {LITERAL("a>b@example.org"), "", "addr.bad-local"},
        {LITERAL("a@[127.0.0.1]"), "", "addr.bad-domain"},
        {LITERAL("a@-x.org"), "", "addr.bad-domain"},
        {LITERAL("a@x-.org"), "", "addr.bad-domain"},
        {LITERAL("a@x..org"), "", "addr.bad-domain"},
        {LITERAL("a@x.org."), "", "addr.bad-domain"},
        {LITERAL("a b@example.org"), "", "addr.bad-character"},
        {LITERAL("a@example.org\r\nRCPT TO:<b@example.org>"), "", "addr.bad-character"},
        {LITERAL("a@example.org\n"), "", "addr.bad-character"},
        {LITERAL("a\0@example.org"), "", "addr.bad-character"},
        {LITERAL("caf\xc3\xa9@example.org"), "", "addr.bad-character"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char out[ADDR_MAX_BYTES + 1];
        struct diag why = {0};

        print_message("row %zu\n", i);
        assert_int_equal(addr_check(rows[i].in, out, &why), *rows[i].rule ? ERR_REJECT : ERR_OK);
        assert_string_equal(out, rows[i].out);
        assert_string_equal(why.rule, rows[i].rule);
        assert_null(strstr(why.text, "example"));
    }
    assert_true(addr_is_valid("a@example.org"));
    assert_false(addr_is_valid("a@example.org "));
}

static void assert_span(struct span s, const char *expected)
{
    assert_int_equal(s.len, strlen(expected));
    if (s.len)
        assert_memory_equal(s.data, expected, s.len);
}

static void test_split(void **state)
{
    struct addr_parts p;

    (void)state;
    assert_true(addr_split("security+c-TOKEN+x@example.org", &p));
    assert_span(p.local, "security+c-TOKEN+x");
    assert_span(p.base, "security");
    assert_span(p.suffix, "c-TOKEN+x");
    assert_span(p.domain, "example.org");
    assert_true(p.has_suffix);
    assert_true(addr_split("security@example.org", &p));
    assert_span(p.base, "security");
    assert_false(p.has_suffix);
    assert_true(addr_split("security+@example.org", &p));
    assert_true(p.has_suffix && p.suffix.len == 0);
    assert_false(addr_split("nothing", &p));
}

static void test_is_for(void **state)
{
    static const struct {
        const char *spec, *list, *suffix; /* NULL: not for it */
    } rows[] = {{"security@example.org", "security@example.org", ""},
                {"Security@EXAMPLE.org", "security@example.org", ""},
                {"security+apply@example.org", "security@example.org", "apply"},
                {"security+c-A+b@example.org", "security@example.org", "c-A+b"},
                {"security+@example.org", "security@example.org", ""},
                {"sec+a+x@example.org", "sec+a@example.org", "x"},
                {"sec+b@example.org", "sec+a@example.org", NULL},
                {"securityx@example.org", "security@example.org", NULL},
                {"secur@example.org", "security@example.org", NULL},
                {"security@example.net", "security@example.org", NULL},
                {"security", "security@example.org", NULL}};

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct span suffix;

        assert_int_equal(addr_is_for(rows[i].spec, rows[i].list, &suffix), rows[i].suffix != NULL);
        assert_span(suffix, rows[i].suffix ? rows[i].suffix : "");
    }
}

static void test_with_suffix(void **state)
{
    char out[ADDR_MAX_BYTES + 1];
    struct diag why;

    (void)state;
    assert_int_equal(addr_with_suffix("security@example.org", "b-abc", out, NULL), ERR_OK);
    assert_string_equal(out, "security+b-abc@example.org");
    assert_int_equal(addr_with_suffix("security@example.org", X60, out, &why), ERR_REJECT);
    assert_string_equal(why.rule, "addr.too-long");
    assert_int_equal(addr_with_suffix("security@example.org", "a b", out, &why), ERR_REJECT);
    assert_int_equal(addr_with_suffix("security", "a", out, &why), ERR_REJECT);
}

static void test_lists(void **state)
{
    static const struct {
        const char *value, *read; /* "name|spec;" for each */
        bool damaged;
    } rows[] = {
        {"a@example.org", "|a@example.org;", false},
        {"  a@example.org ,\r\n b@example.org", "|a@example.org;|b@example.org;", false},
        {"A B <a@Example.org>", "A B|a@example.org;", false},
        {"\"B, A\" <a@example.org>", "B, A|a@example.org;", false},
        {"\"A \\\"x\\\"\" <a@example.org>", "A \"x\"|a@example.org;", false},
        {"=?utf-8?q?Ren=C3=A9?= <a@example.org>", "Ren\xc3\xa9|a@example.org;", false},
        {"a@example.org (A (B) \\) C)", "|a@example.org;", false},
        {"Team: a@example.org, B <b@example.org>;", "|a@example.org;B|b@example.org;", false},
        {"undisclosed-recipients:;", "", false},
        {"", "", false},
        {",,a@example.org,,", "|a@example.org;", false},
        {"<@relay.example:a@example.org>", "|a@example.org;", false},
        {"a @ example . org", "|a@example.org;", false},
        {"\"boss@example.com\" <evil@example.org>", "boss@example.com|evil@example.org;", false},
        {"boss@example.com <evil@example.org>", "boss@example.com|evil@example.org;", false},
        {"security team@example.org", "", true},
        {"\"a\"@example.org", "", true},
        {"A <a@example.org> <b@example.org>", "A|b@example.org;", true},
        {"A <a@example.org", "A|a@example.org;", true},
        {"<>", "", true},
        {"nobody", "", true},
        {"a@example.org, junk, b@example.org", "|a@example.org;|b@example.org;", true},
        {"=?utf-8?q?a=0D=0ABcc=3A_x?= <a@example.org>", "a  Bcc: x|a@example.org;", false},
        {"\"open <a@example.org>", "", true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct addr_list list = {0};
        struct buf read = BUF_EMPTY;

        print_message("row %zu\n", i);
        addr_list_parse(span_of(rows[i].value), &list);
        for (size_t k = 0; k < list.n; k++)
            buf_printf(&read, "%s|%s;", list.items[k].name ? list.items[k].name : "", list.items[k].spec);
        assert_string_equal(buf_text(&read), rows[i].read);
        assert_int_equal(list.damaged, rows[i].damaged);
        buf_free(&read);
        addr_list_free(&list);
    }
}

static void test_list_helpers(void **state)
{
    struct addr_list list = {0};

    (void)state;
    addr_list_add(&list, "", "a@example.org");
    assert_null(list.items[0].name);
    assert_true(addr_list_has(&list, "A@example.org"));
    assert_false(addr_list_has(&list, "b@example.org"));
    for (size_t i = 0; i < ADDR_LIST_MAX + 5; i++)
        addr_list_add(&list, NULL, "b@example.org");
    assert_int_equal(list.n, ADDR_LIST_MAX);
    assert_true(list.damaged);
    addr_list_free(&list);
}

static void test_hostile(void **state)
{
    static const char *const units[] = {"(", ")", "\"", "<", ",", "a:", "\\", "<a@b>", "a@b,", "=?utf-8?q?", ";", " "};

    (void)state;
    for (size_t u = 0; u < sizeof units / sizeof units[0]; u++) {
        struct addr_list list = {0};
        struct buf raw = BUF_EMPTY;

        while (raw.len < 256 << 10)
            buf_add_str(&raw, units[u]);
        addr_list_parse(buf_span(&raw), &list);
        assert_true(list.n <= ADDR_LIST_MAX);
        addr_list_free(&list);
        buf_free(&raw);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_check),       cmocka_unit_test(test_split), cmocka_unit_test(test_is_for),
        cmocka_unit_test(test_with_suffix), cmocka_unit_test(test_lists), cmocka_unit_test(test_list_helpers),
        cmocka_unit_test(test_hostile),
    };

    charset_open_all();
    return cmocka_run_group_tests(tests, NULL, NULL);
}

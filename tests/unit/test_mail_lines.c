/* The lines of command mails: what is one, its words, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "flow/mail_lines.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void test_begin(void **state)
{
    static const struct {
        const char *text;
        bool begins, anywhere;
    } rows[] = {
        {"Embargo-Command: status\n", true, true},
        {"\r\n\r\nEmbargo-List: main\r\nEmbargo-Command: x\r\n", true, true},
        {"> Embargo-Command: status\n", true, true},
        {" >> | Embargo-Nonce: x\n", true, false},
        {"embargo-COMMAND: status", true, true},
        {"Hello\nEmbargo-Command: status\n", false, true},
        {"Hello\n> > embargo-command:", false, true},
        {"Embargo-Case: abc\n", false, false},
        {"Say `Embargo-Command: status`\n", false, false},
        {"Embargo-Command status\n", false, false},
        {"", false, false},
        {"\n \n", false, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (mail_orders_begin(rows[i].text) != rows[i].begins || mail_orders_anywhere(rows[i].text) != rows[i].anywhere)
            fail_msg("row %zu: %s", i, rows[i].text);
    }
}

/* "list|nonce|word,word;word|rest", or the rule. */
static char *shown(const char *text)
{
    struct mail_orders o;
    struct diag why;
    struct buf out = BUF_EMPTY;

    if (mail_orders_parse(text, &o, &why))
        return mem_strdup(why.rule);
    buf_printf(&out, "%s|%s|", o.list ? o.list : "", o.nonce ? o.nonce : "");
    for (size_t i = 0; i < o.n; i++)
        for (int k = 0; k < o.items[i].argc; k++)
            buf_printf(&out, "%s%s", k ? "," : i ? ";" : "", o.items[i].argv[k]);
    buf_printf(&out, "|%s", o.rest);
    mail_orders_free(&o);
    return buf_take(&out);
}

static void test_parse(void **state)
{
    static const struct {
        const char *text, *wanted;
    } rows[] = {
        {"Embargo-Command: nonce\n", "||nonce|"},
        {"Embargo-List: main\r\nEmbargo-Nonce: abc \r\n\r\nEmbargo-Command: case list\r\n", "main|abc|case,list|"},
        {"EMBARGO-LIST:main\nembargo-nonce:\tabc\nEmbargo-command:x\nEmbargo-Command: y z\n", "main|abc|x;y,z|"},
        {"Embargo-Command: a\nEmbargo-Nonce: n\nEmbargo-List: l\n", "l|n|a|"},
        /* below the lines */
        {"Embargo-Command: a\n\nHello\n> Embargo-Command: b\n", "||a|Hello\n> Embargo-Command: b\n"},
        {"Embargo-Command: a\n-- \nAnn\n", "||a|-- \nAnn\n"},
        {"Embargo-Command: a\n> said\n", "||a|> said\n"},
        {"Embargo-Command: a\n\nHello\nEmbargo-Command: b\n", "command.lines"},
        {"Embargo-Command: a\n\nHello\nembargo-nonce: b\n", "command.lines"},
        {"Embargo-Command: a\n\nHello\n Embargo-Command: b\n", "||a|Hello\n Embargo-Command: b\n"},
        /* broken in two by a mail program */
        {"Embargo-Command: advisory send abc --tier x\n--to Acorn\n", "command.lines"},
        {"Embargo-Command: embargo set abc --until\n2026-12-01\n", "command.lines"},
        {"Embargo-Command: a\n b\nc\n", "command.lines"},
        /* folded lines */
        {"Embargo-Command: case note abc\n --reason 'a\n  b'\n", "||case,note,abc,--reason,a b|"},
        {"Embargo-Command: a\n\n b\n", "||a| b\n"},
        {"Embargo-List: main\n more\nEmbargo-Command: a\n", "command.lines"},
        {"Embargo-Command: a\n\tEmbargo-Command: b\n", "||a,Embargo-Command:,b|"},
        /* quoted */
        {"> Embargo-List: main\n> Embargo-Command: a\n", "command.quoted"},
        {" Embargo-Command: a\n", "command.quoted"},
        {"| Embargo-Command: a\n", "command.quoted"},
        {"Embargo-List: main\n> Embargo-Command: a\n", "command.quoted"},
        {"Ann wrote:\n> Embargo-Command: a\n", "command.quoted"},
        {"Ann wrote:\nEmbargo-Command: a\n", "command.lines"},
        /* words */
        {"Embargo-Command: a 'b c' \"d e\" f\\ g\n", "||a,b c,d e,f g|"},
        {"Embargo-Command: a '' \"\" 'b'c\"d\"\n", "||a,,,bcd|"},
        {"Embargo-Command: a \"b\\\"c\\\\d\\e\" 'f\\g'\n", "||a,b\"c\\d\\e,f\\g|"},
        {"Embargo-Command: a $HOME `b` *;c #d $(e)\n", "||a,$HOME,`b`,*;c,#d,$(e)|"},
        {"Embargo-Command: a\xc2\xa0"
         "b\n",
         "||a,b|"},
        {"Embargo-Command: a 'b\n", "command.quoting"},
        {"Embargo-Command: a \"b\n", "command.quoting"},
        {"Embargo-Command: a \\\n", "command.quoting"},
        {"Embargo-Command: a 'b\nEmbargo-Command: c'\n", "command.quoting"},
        /* what is missing, what is too much */
        {"Embargo-List: main\nEmbargo-Nonce: n\n", "command.lines"},
        {"Embargo-List: a\nEmbargo-List: b\nEmbargo-Command: c\n", "command.lines"},
        {"Embargo-Nonce: a\nEmbargo-Nonce: a\nEmbargo-Command: c\n", "command.lines"},
        {"Embargo-Case: a\nEmbargo-Command: c\n", "command.lines"},
        {"Embargo-Command: a\nEmbargo-Until: c\n", "command.lines"},
        {"Embargo-Command:\n", "|||"},
        {"", "command.lines"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char *got = shown(rows[i].text);

        if (strcmp(got, rows[i].wanted) != 0)
            fail_msg("row %zu: %s\n  wanted %s\n  got    %s", i, rows[i].text, rows[i].wanted, got);
        free(got);
    }
}

static void expect_repeated(const char *line, size_t times, const char *rule)
{
    struct buf text = BUF_EMPTY;
    char *got;

    for (size_t i = 0; i < times; i++)
        buf_printf(&text, "%s", line);
    got = shown(buf_text(&text));
    if (rule)
        assert_string_equal(got, rule);
    else
        assert_int_not_equal(strncmp(got, "command.", 8), 0);
    free(got);
    buf_free(&text);
}

static char *order_of(const char *piece, size_t times)
{
    struct buf text = BUF_EMPTY;

    buf_printf(&text, "Embargo-Command: ");
    for (size_t i = 0; i < times; i++)
        buf_printf(&text, "%s", piece);
    buf_printf(&text, "\n");
    return buf_take(&text);
}

static void expect_order(const char *piece, size_t times, const char *rule)
{
    char *text = order_of(piece, times);

    expect_repeated(text, 1, rule);
    free(text);
}

static void test_limits(void **state)
{
    (void)state;
    expect_repeated("Embargo-Command: a\n", MAIL_ORDERS_MAX, NULL);
    expect_repeated("Embargo-Command: a\n", MAIL_ORDERS_MAX + 1, "command.limit");
    expect_order("a ", MAIL_ORDER_WORDS, NULL);
    expect_order("a ", MAIL_ORDER_WORDS + 1, "command.limit");
    expect_order("a", MAIL_ORDER_LINE_MAX, NULL);
    expect_order("a", MAIL_ORDER_LINE_MAX + 1, "command.limit");
    expect_order("a\n ", MAIL_ORDER_LINE_MAX, "command.limit");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_begin),
        cmocka_unit_test(test_parse),
        cmocka_unit_test(test_limits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

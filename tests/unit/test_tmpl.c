#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "codec/tmpl.h"

#include <string.h>

static const char *const names[] = {"case", "until", "name", "empty"};
static const struct tmpl_value values[] = {
    {"case", "abcd2345"}, {"until", "2026-11-22T15:00:00Z"}, {"name", "{{case}} {{#if name}}"}, {"empty", ""}};

static enum err load(const char *text, struct tmpl **out, struct diag *why)
{
    return tmpl_load(span_of(text), "ack.txt", names, sizeof names / sizeof names[0], out, why);
}

static void test_fill(void **state)
{
    static const struct {
        const char *text, *filled;
    } rows[] = {
        {"", ""},
        {"plain { text } }}", "plain { text } }}"},
        {"{{case}}", "abcd2345"},
        {"a{{ case }}b{{case}}", "aabcd2345babcd2345"},
        {"{{name}}!", "{{case}} {{#if name}}!"},
        {"x{{empty}}y", "xy"},
        {"{{#if case}}yes{{/if}}{{#if empty}}no{{/if}}", "yes"},
        {"{{#unless case}}no{{/unless}}{{#unless empty}}none{{/unless}}", "none"},
        {"a\n{{#if until}}\nuntil {{until}}\n{{/if}}\nb\n", "a\nuntil 2026-11-22T15:00:00Z\nb\n"},
        {"a\n{{#if empty}}\nuntil {{until}}\n{{/if}}\nb\n", "a\nb\n"},
        {"a\n  {{#if case}}  \r\nx\n {{/if}}", "a\nx\n"},
        {"a {{#if case}}\nb{{/if}}\n", "a \nb\n"},
        {"{{case}}\nb", "abcd2345\nb"},
        {"{{#if case}}{{#if empty}}1{{/if}}{{#unless empty}}2{{/unless}}{{/if}}3", "23"},
        {"{{#if empty}}{{#if case}}1{{/if}}2{{/if}}3", "3"},
        {"{{{case}}}", NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct buf out = BUF_EMPTY;
        struct tmpl *t = NULL;
        struct diag why;

        if (!rows[i].filled) {
            assert_int_equal(load(rows[i].text, &t, &why), ERR_REJECT);
            assert_null(t);
            continue;
        }
        assert_int_equal(load(rows[i].text, &t, &why), ERR_OK);
        assert_int_equal(tmpl_fill(t, values, sizeof values / sizeof values[0], &out, &why), ERR_OK);
        assert_string_equal(buf_text(&out), rows[i].filled);
        tmpl_free(&t);
        assert_null(t);
        buf_free(&out);
    }
}

static void test_load_faults(void **state)
{
    static const struct {
        const char *text, *rule;
        int line;
    } rows[] = {
        {"a\nb {{unknown}}\n", "template.unknown-name", 2},
        {"{{}}", "template.unknown-name", 1},
        {"\n\n{{#if nothing}}{{/if}}", "template.unknown-name", 3},
        {"{{case", "template.bad-tag", 1},
        {"{{case\n}}", "template.bad-tag", 1},
        {"{{#if case}}\n{{case}}", "template.unbalanced", 2},
        {"\n{{/if}}", "template.unbalanced", 2},
        {"{{#if case}}{{/unless}}", "template.unbalanced", 1},
        {"{{#each case}}", "template.bad-tag", 1},
        {"{{case until}}", "template.bad-tag", 1},
        {"{{/if case}}", "template.bad-tag", 1},
        {"{{#if case}}{{#if case}}{{#if case}}{{#if case}}\n{{#if case}}", "template.too-deep", 2},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct tmpl *t = NULL;
        struct diag why;

        assert_int_equal(load(rows[i].text, &t, &why), ERR_REJECT);
        assert_null(t);
        assert_string_equal(why.rule, rows[i].rule);
        assert_string_equal(why.file, "ack.txt");
        assert_int_equal(why.line, rows[i].line);
        assert_int_equal(load(rows[i].text, &t, NULL), ERR_REJECT);
    }
}

static void test_missing_value(void **state)
{
    struct buf out = BUF_EMPTY;
    struct tmpl *t = NULL;
    struct diag why;

    (void)state;
    assert_int_equal(load("{{case}} {{until}}", &t, &why), ERR_OK);
    assert_int_equal(tmpl_fill(t, values, 1, &out, &why), ERR_INTERNAL);
    assert_string_equal(why.rule, "template.value");
    tmpl_free(&t);
    tmpl_free(&t);
    buf_free(&out);
}

static void test_null_is_empty(void **state)
{
    static const struct tmpl_value null_value[] = {{"case", NULL}};
    struct buf out = BUF_EMPTY;
    struct tmpl *t = NULL;

    (void)state;
    assert_int_equal(load("[{{case}}{{#if case}}x{{/if}}]", &t, NULL), ERR_OK);
    assert_int_equal(tmpl_fill(t, null_value, 1, &out, NULL), ERR_OK);
    assert_string_equal(buf_text(&out), "[]");
    tmpl_free(&t);
    buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fill),
        cmocka_unit_test(test_load_faults),
        cmocka_unit_test(test_missing_value),
        cmocka_unit_test(test_null_is_empty),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

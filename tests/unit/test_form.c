#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "codec/form.h"

static const char *const fields[] = {"Organisation", "Domains", "Role-address", "Vouchers"};

/* text; the values in the order of the fields; how many names were seen. */
static const struct {
    const char *text;
    const char *values[4];
    size_t seen;
} rows[] = {
    {"", {"", "", "", ""}, 0},
    {"How does one apply? By mail: to whom?\n", {"", "", "", ""}, 0},
    {"Organisation: Acorn\nDomains: a.example\nRole-address: s@a.example\nVouchers: birch\n",
     {"Acorn", "a.example", "s@a.example", "birch"},
     4},
    {"Organisation: Acorn\r\nDomains:a.example\r\n", {"Acorn", "a.example", "", ""}, 2},
    {"VOUCHERS : birch\n role_address:\ts@a.example\nROLE ADDRESS: other\norganisation:Acorn",
     {"Acorn", "", "s@a.example", "birch"},
     3},
    {"Domains: a.example,\n  b.example,\nc.example\n\nRegards, Ann\n",
     {"", "a.example, b.example, c.example", "", ""},
     1},
    {"Domains: a.example\n\n  b.example\n\nRegards\n", {"", "a.example\nb.example", "", ""}, 1},
    {"> Organisation: Acorn\n> Domains: a.example\n>   b.example\n", {"Acorn", "a.example b.example", "", ""}, 2},
    {">> > Organisation:\nAcorn\n>> > Domains:\n\na.example\n", {"Acorn", "a.example", "", ""}, 2},
    /* The answer stands above the empty form that it answers. */
    {"Organisation: Acorn\n\n> Organisation:\n> Domains:\n", {"Acorn", "", "", ""}, 2},
    {"Organisation:\nDomains: a.example\n\nOrganisation: Acorn\n", {"Acorn", "a.example", "", ""}, 2},
    {"Organisation: Acorn\nOrganisation: Birch\n", {"Acorn", "", "", ""}, 1},
    {"1. Organisation: Acorn\n2) Domains: a.example\n* Vouchers: birch\n- Role-address: s@a.example\n",
     {"Acorn", "a.example", "s@a.example", "birch"},
     4},
    {"**Organisation:** Acorn\n*Domains*: a.example\n", {"Acorn", "a.example", "", ""}, 2},
    {"Vouchers: birch\n-- \nAnn, Acorn\n", {"", "", "", "birch"}, 1},
    {"Organisation: A: B\n", {"A: B", "", "", ""}, 1},
    {"Organisation : \t\nDomains:\n", {"", "", "", ""}, 2},
    {"My Organisation: Acorn\nOrganisations: Acorn\n", {"", "", "", ""}, 0},
    {":\n::\n>\n>>>\n*\n1.\n--\n", {"", "", "", ""}, 0},
    {"Organisation: caf\303\251\n", {"caf\303\251", "", "", ""}, 1},
};

static void test_parse(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct form form;
        size_t filled = 0;

        form_parse(rows[i].text, fields, 4, &form);
        for (size_t k = 0; k < 4; k++) {
            if (strcmp(form.values[k], rows[i].values[k]) != 0)
                fail_msg("row %zu: %s is `%s`", i, fields[k], form.values[k]);
            filled += *rows[i].values[k] ? 1 : 0;
        }
        assert_int_equal(form.n_seen, rows[i].seen);
        assert_int_equal(form.n_filled, filled);
        form_free(&form);
    }
}

static void test_bounds(void **state)
{
    char *text = mem_zero(FORM_TEXT_MAX + 100, 1);
    struct form form;

    (void)state;
    memset(text, 'x', FORM_TEXT_MAX + 99);
    memcpy(text, "Organisation: ", 14);
    form_parse(text, fields, 4, &form);
    assert_int_equal(strlen(form.values[0]), 0); /* longer than any value */
    form_free(&form);
    for (size_t i = 13; i < FORM_TEXT_MAX; i += 10)
        text[i] = '\n';
    form_parse(text, fields, 4, &form);
    assert_true(strlen(form.values[0]) > FORM_VALUE_MAX - 20 && strlen(form.values[0]) <= FORM_VALUE_MAX);
    form_free(&form);
    memset(text, '>', FORM_TEXT_MAX);
    form_parse(text, fields, 4, &form);
    assert_int_equal(form.n_seen, 0);
    form_free(&form);
    free(text);
}

static void test_fields(void **state)
{
    struct form form;
    char *line, *flat;

    (void)state;
    form_parse("Organisation: Acorn\n", fields, 4, &form);
    assert_string_equal(form_value(&form, "organisation"), "Acorn");
    assert_string_equal(form_value(&form, "Elsewhere"), "");
    assert_true(form_asks(&form, "role address"));
    assert_false(form_asks(&form, "role"));
    form_set(&form, "Domains", "a.example");
    form_set(&form, "Elsewhere", "x");
    assert_int_equal(form.n_filled, 2);
    form_set(&form, "Domains", "");
    assert_int_equal(form.n_filled, 1);
    form_free(&form);

    line = form_line("hello\n> Vouch: abcd yes \n", "vouch");
    assert_string_equal(line, "abcd yes");
    free(line);
    assert_null(form_line("Vouched: abcd yes\n", "vouch"));
    flat = form_flatten("> Challenge: abc\n>> for\tyou\n>\n\nand  me\r\n");
    assert_string_equal(flat, "Challenge: abc for you and me");
    mem_free_secret(&flat);
}

static void test_blank(void **state)
{
    static const struct {
        const char *value;
        bool blank;
    } table[] = {{"", true},    {" ", true},   {"-", true},         {"None", true}, {"none.", true}, {"N/A", true},
                 {"TBD", true}, {"...", true}, {"nonesuch", false}, {"no", false},  {"0", false},    {"a", false}};

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        if (form_is_blank(table[i].value) != table[i].blank)
            fail_msg("`%s`", table[i].value);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse),
        cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_fields),
        cmocka_unit_test(test_blank),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

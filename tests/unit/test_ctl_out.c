/* What embargoctl writes to a terminal: harmless text, tables, and the name of a key in the web. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "main/ctl_init.h"
#include "main/ctl_out.h"

#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REPLACED "\xef\xbf\xbd"

static void test_clean(void **state)
{
    static const struct {
        const char *in, *line, *lines;
    } rows[] = {
        {"", "", ""},
        {"plain \xc3\xbc \xe2\x82\xac \xf0\x9f\x94\x92", "plain \xc3\xbc \xe2\x82\xac \xf0\x9f\x94\x92",
         "plain \xc3\xbc \xe2\x82\xac \xf0\x9f\x94\x92"},
        {"\033[31mred", REPLACED "[31mred", REPLACED "[31mred"},
        {"a\nb\tc", "a b c", "a\nb\tc"},
        {"a\r\nb", "a" REPLACED " b", "a\nb"},
        {"a\rb", "a" REPLACED "b", "a" REPLACED "b"},
        {"bell\a del\x7f", "bell" REPLACED " del" REPLACED, "bell" REPLACED " del" REPLACED},
        {"c1 \xc2\x9b", "c1 " REPLACED, "c1 " REPLACED},
        {"\xe2\x80\xae"
         "fdp.exe",
         REPLACED "fdp.exe", REPLACED "fdp.exe"}, /* right to left */
        {"a\xe2\x80\x8b"
         "b",
         "a" REPLACED "b", "a" REPLACED "b"}, /* no width */
        {"a\xe2\x81\xa6"
         "b",
         "a" REPLACED "b", "a" REPLACED "b"}, /* isolate */
        {"bad \xff\xc3", "bad " REPLACED REPLACED, "bad " REPLACED REPLACED},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct buf line = BUF_EMPTY, lines = BUF_EMPTY;

        out_clean(rows[i].in, false, &line);
        out_clean(rows[i].in, true, &lines);
        assert_string_equal(buf_text(&line), rows[i].line);
        assert_string_equal(buf_text(&lines), rows[i].lines);
        buf_free(&line);
        buf_free(&lines);
    }
}

/* What is printed with a width; the caller frees. */
static char *print_table(int width, size_t columns, const char *const *cells, size_t n)
{
    struct out_table t = {.columns = columns};
    struct out o = {.width = width};
    char *text = NULL;
    size_t len;

    o.file = open_memstream(&text, &len);
    assert_non_null(o.file);
    for (size_t i = 0; i < n; i++)
        out_table_add(&t, cells[i]);
    out_table_end_row(&t);
    out_table_print(&o, &t, "");
    out_table_free(&t);
    fclose(o.file);
    return text;
}

static const char *const cells[] = {"ID", "TEXT", "1", "a long text of words", "22", NULL, "3", "\xc3\xbc"};

static void check_table(int width, const char *want)
{
    char *text = print_table(width, 2, cells, sizeof cells / sizeof cells[0]);

    assert_string_equal(text, want);
    free(text);
}

static void test_table(void **state)
{
    (void)state;
    check_table(0, "ID  TEXT\n1   a long text of words\n22  -\n3   \xc3\xbc\n");
    check_table(24, "ID  TEXT\n1   a long text of words\n22  -\n3   \xc3\xbc\n");
    /* A blank stays at the end of its line. */
    check_table(20, "ID  TEXT\n1   a long text of \n    words\n22  -\n3   \xc3\xbc\n");
    check_table(14, "ID  TEXT\n1   a long \n    text of \n    words\n22  -\n3   \xc3\xbc\n");
    /* Too narrow for columns: a line for each cell. */
    check_table(12, "ID    1\nTEXT  a long text of words\n\nID    22\nTEXT  -\n\nID    3\nTEXT  \xc3\xbc\n");
}

/* No width, and no bytes, make it loop or cut a character. */
static void test_table_any_width(void **state)
{
    static const char *const odd[] = {"A", "B", "\xe5\xad\x97\xe5\xad\x97\xe5\xad\x97", "\xff\xff", "", "x y z"};

    (void)state;
    for (int width = 1; width < 60; width++)
        free(print_table(width, 2, odd, sizeof odd / sizeof odd[0]));
}

/* draft-koch-openpgp-webkey-service, section 3.1; local parts are taken in lower case. */
static void test_wkd_hash(void **state)
{
    char hash[33];

    (void)state;
    init_wkd_hash("Joe.Doe", hash);
    assert_string_equal(hash, "iy9q119eutrkn8s1mk4r39qejnbu3n5q");
    init_wkd_hash("joe.doe", hash);
    assert_string_equal(hash, "iy9q119eutrkn8s1mk4r39qejnbu3n5q");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_clean),
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_table_any_width),
        cmocka_unit_test(test_wkd_hash),
    };

    setlocale(LC_CTYPE, "C.UTF-8");
    return cmocka_run_group_tests(tests, NULL, NULL);
}

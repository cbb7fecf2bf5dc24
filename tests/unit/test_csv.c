/* RFC 4180: what is read, what is refused, and that what is written reads back. */
#include "codec/csv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* The records as "a|b;c|d", with "!LINE" behind one that has a fault. */
static void flatten(const char *in, size_t len, struct buf *out)
{
    struct csv_reader r;

    csv_begin(&r, (struct span){(const uint8_t *)in, len});
    while (csv_next(&r)) {
        if (out->len)
            buf_add_str(out, ";");
        for (size_t i = 0; i < r.n; i++)
            buf_printf(out, "%s%s", i ? "|" : "", buf_text(&r.fields[i]));
        if (r.fault)
            buf_printf(out, "!%d", r.line);
    }
    csv_end(&r);
}

static void test_read(void **state)
{
    static const struct {
        const char *in, *out;
    } rows[] = {
        {"", ""},
        {"a,b\n", "a|b"},
        {"a,b", "a|b"},
        {"a,b\r\nc,d\r\n", "a|b;c|d"},
        {"\n\na\n\n\nb\n", "a;b"},
        {"a,,\n", "a||"},
        {"\"a,\"\"b\"\"\nc\",d\n", "a,\"b\"\nc|d"},
        {"\xef\xbb\xbforg,class\n", "org|class"},
        {"\"\"\n", ""},
        {"a\n\"b\n", "a;b\n!2"},
        {"a\n\"b\"c\nd\n", "a;b!2;d"},
        {"a\"b\nc\n", "a!1;c"},
        {"a\rb\n", "a\rb"},
        {"\n\n\"a\nb\"c,d\n\ne\"\n", "a\nb!3;e!6"},
        /* What the first record holds most of separates all. */
        {"a;b\n1,2;3\n", "a|b;1,2|3"},
        {"a\tb\n1\t\"x\ty\"\n", "a|b;1|x\ty"},
        {"\"a;b;c\",d\n", "a;b;c|d"},
        {"\r\na;b\n", "a|b"},
        {"a,b;c\n", "a|b;c"},
        {"sep=;\na,b;c\n", "a,b|c"},
        {"\"sep=\t\"\r\na;;;\tc\n", "a;;;|c"},
        {"\xef\xbb\xbfSEP=,\r\n\"x\n", "x\n!2"},
        {"sep=x\na\n", "sep=x;a"},
        {"sep=;", "sep=|"},
        /* In UTF-8 alone. */
        {"caf\xc3\xa9\n", "caf\xc3\xa9"},
        {"caf\xe9,b\nc\n", "caf\xef\xbf\xbd!1;c"},
        {"1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31,32,33\nx\n",
         "1|2|3|4|5|6|7|8|9|10|11|12|13|14|15|16|17|18|19|20|21|22|23|24|25|26|27|28|29|30|31|32!1;x"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct buf out = BUF_EMPTY;

        flatten(rows[i].in, strlen(rows[i].in), &out);
        assert_string_equal(buf_text(&out), rows[i].out);
        buf_free(&out);
    }
    {
        struct buf out = BUF_EMPTY;

        flatten("a\0b\nc\n\"\0\"\n", 10, &out);
        assert_string_equal(buf_text(&out), "a!1;c;!3");
        buf_free(&out);
    }
}

static void test_round_trip(void **state)
{
    static const char *const fields[] = {"", "a", "a,b", "\"", "x\r\ny", "caf\xc3\xa9", " blank "};
    struct buf text = BUF_EMPTY;
    struct csv_reader r;

    (void)state;
    csv_put(&text, true, "x");
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
        csv_put(&text, false, fields[i]);
    csv_put_end(&text);
    csv_begin(&r, buf_span(&text));
    assert_true(csv_next(&r));
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
        assert_string_equal(buf_text(&r.fields[i + 1]), fields[i]);
    assert_false(csv_next(&r));
    csv_end(&r);
    buf_free(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_read), cmocka_unit_test(test_round_trip)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}

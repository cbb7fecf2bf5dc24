/* RFC 4180: what is read, what is refused, and that what is written reads back. */
#include "codec/csv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* The records as "a|b;c|d", or "!LINE" where it is refused. */
static void flatten(const char *in, size_t len, struct buf *out)
{
    struct csv_reader r;
    struct diag why;
    enum err err;

    csv_begin(&r, (struct span){(const uint8_t *)in, len});
    while (csv_next(&r, &err, &why)) {
        if (out->len)
            buf_add_str(out, ";");
        for (size_t i = 0; i < r.n; i++)
            buf_printf(out, "%s%s", i ? "|" : "", buf_text(&r.fields[i]));
    }
    if (err)
        buf_printf(out, "!%.*s", (int)strcspn(why.text, ":"), why.text);
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
        {"a\n\"b\n", "a!line 3"},
        {"a\n\"b\"c\n", "a!line 2"},
        {"a\"b\n", "!line 1"},
        {"a\rb\n", "a\rb"},
        {"1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31,32,33\n", "!line 1"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct buf out = BUF_EMPTY;

        flatten(rows[i].in, strlen(rows[i].in), &out);
        assert_string_equal(buf_text(&out), rows[i].out);
        buf_free(&out);
    }
}

static void test_round_trip(void **state)
{
    static const char *const fields[] = {"", "a", "a,b", "\"", "x\r\ny", "caf\xc3\xa9", " blank "};
    struct buf text = BUF_EMPTY;
    struct csv_reader r;
    struct diag why;
    enum err err;

    (void)state;
    csv_put(&text, true, "x");
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
        csv_put(&text, false, fields[i]);
    csv_put_end(&text);
    csv_begin(&r, buf_span(&text));
    assert_true(csv_next(&r, &err, &why));
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
        assert_string_equal(buf_text(&r.fields[i + 1]), fields[i]);
    assert_false(csv_next(&r, &err, &why));
    assert_int_equal(err, ERR_OK);
    csv_end(&r);
    buf_free(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_read), cmocka_unit_test(test_round_trip)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}

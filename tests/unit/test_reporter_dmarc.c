#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "flow/reporter.h"

#include <stdlib.h>
#include <string.h>

#define OURS "mx.example.org"
#define AR   "Authentication-Results: "

static void test_passed(void **state)
{
    static const struct {
        const char *header;
        bool passed;
    } rows[] = {
        {AR OURS "; dmarc=pass\r\n", true},
        {AR OURS "; dmarc=pass header.from=example.net\r\n", true},
        {AR OURS ";dmarc=pass;spf=fail\r\n", true},
        {AR OURS " 1; dmarc=pass\r\n", true},
        {AR "MX.Example.ORG; DMARC=PASS\r\n", true},
        {"AUTHENTICATION-results:" OURS "; dmarc = pass\r\n", true},
        {AR OURS ";\r\n\tspf=pass smtp.mailfrom=a@example.net;\r\n\tdmarc=pass (p=reject)\r\n", true},
        {AR "(our mx) " OURS " (v2); dmarc=pass\r\n", true},
        {AR OURS "; dkim=pass header.d=example.net; dmarc=pass\r\n", true},
        {"From: a@example.net\r\n" AR OURS "; dmarc=pass\r\n", true},
        {AR OURS "; spf=fail reason=\"(\"; dmarc=pass\r\n", true},
        {"", false},
        {"From: dmarc=pass\r\n", false},
        {AR OURS "; dmarc=fail\r\n", false},
        {AR OURS "; dmarc=none\r\n", false},
        {AR OURS "; dmarc=temperror\r\n", false},
        {AR OURS "; dmarc=\r\n", false},
        {AR OURS "; dmarc\r\n", false},
        {AR OURS "; dmarc=passed\r\n", false},
        {AR OURS "; dmarc=pass1\r\n", false},
        {AR OURS "; dmarc=bypass\r\n", false},
        {AR OURS "; xdmarc=pass\r\n", false},
        {AR OURS "; x-dmarc=pass\r\n", false},
        {AR OURS "; dmarcx=pass\r\n", false},
        {AR OURS "; spf=pass; dkim=pass\r\n", false},
        {AR OURS "; none\r\n", false},
        {AR OURS "\r\n", false},
        {AR "\r\n", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (reporter_dmarc_passed(span_of(rows[i].header), OURS) != rows[i].passed)
            fail_msg("%s", rows[i].header);
}

/* What a sender can put into the field of our own MTA, in words that it copies. */
static void test_smuggled(void **state)
{
    static const char *const rows[] = {
        AR OURS "; spf=fail (dmarc=pass); dmarc=fail\r\n",
        AR OURS "; dmarc=fail (dmarc=pass)\r\n",
        AR OURS "; spf=pass (a (nested; dmarc=pass) comment; dmarc=pass)\r\n",
        AR OURS "; spf=pass (never closed; dmarc=pass\r\n",
        AR OURS "; spf=pass (\\); dmarc=pass)\r\n",
        AR OURS "; dmarc=fail reason=\"x; dmarc=pass\"\r\n",
        AR OURS "; dmarc=fail; dmarc=pass\r\n",
        AR "(" OURS "; dmarc=pass\r\n",
        AR OURS "; spf=pass smtp.mailfrom=\"x; dmarc=pass \"@example.net; dmarc=fail\r\n",
        AR OURS "; spf=fail reason=\"a\\\"; dmarc=pass\"; dmarc=fail\r\n",
        AR OURS "; spf=fail reason=\"never closed; dmarc=pass\r\n",
        AR OURS "; dmarc=(pass)fail\r\n",
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (reporter_dmarc_passed(span_of(rows[i]), OURS))
            fail_msg("%s", rows[i]);
}

static void test_of_whom(void **state)
{
    static const struct {
        const char *header;
        bool passed;
    } rows[] = {
        {AR "mx.example.net; dmarc=pass\r\n", false},
        {AR "example.org; dmarc=pass\r\n", false},
        {AR "x" OURS "; dmarc=pass\r\n", false},
        {AR OURS ".example.net; dmarc=pass\r\n", false},
        {AR OURS "x; dmarc=pass\r\n", false},
        {AR "; " OURS "; dmarc=pass\r\n", false},
        /* others may stand above ours, none of which is believed; of ours the first one counts */
        {AR "mx.example.net; dmarc=pass\r\n" AR OURS "; dmarc=fail\r\n", false},
        {AR "mx.example.net; dmarc=fail\r\n" AR OURS "; dmarc=pass\r\n", true},
        {AR OURS "; dmarc=fail\r\n" AR OURS "; dmarc=pass\r\n", false},
        {AR OURS "; spf=pass\r\n" AR OURS "; dmarc=pass\r\n", false},
        {AR OURS "; dmarc=pass\r\n" AR OURS "; dmarc=fail\r\n", true},
        {"X-" AR OURS "; dmarc=pass\r\n", false},
        {"Authentication-Results-X: " OURS "; dmarc=pass\r\n", false},
        {"ARC-" AR "i=1; " OURS "; dmarc=pass\r\n", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (reporter_dmarc_passed(span_of(rows[i].header), OURS) != rows[i].passed)
            fail_msg("%s", rows[i].header);
}

/* A field of many thousands of results takes no longer than it must. */
static void test_long_field(void **state)
{
    struct buf header = BUF_EMPTY;

    (void)state;
    buf_add_str(&header, AR OURS);
    for (int i = 0; i < 20000; i++)
        buf_add_str(&header, "; xdmarc=pass (((");
    buf_add_str(&header, "\r\n");
    assert_false(reporter_dmarc_passed(buf_span(&header), OURS));
    buf_free(&header);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_passed),
        cmocka_unit_test(test_smuggled),
        cmocka_unit_test(test_of_whom),
        cmocka_unit_test(test_long_field),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

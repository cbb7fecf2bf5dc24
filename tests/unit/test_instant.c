#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/instant.h"

#include <string.h>

static void test_parse(void **state)
{
    static const struct {
        const char *text;
        int64_t at;
    } rows[] = {
        {"1970-01-01T00:00:00Z", 0},
        {"1969-12-31T23:59:59Z", -1},
        {"1970-01-01T00:00Z", 0},
        {"2000-02-29T00:00:00Z", 951782400},
        {"2024-02-29T12:00:00Z", 1709208000},
        {"2026-11-22T15:00:00Z", 1795359600},
        {"2026-11-22t15:00:00z", 1795359600},
        {"2026-11-22 15:00:00Z", 1795359600},
        {"2026-11-22T15:00:00.999Z", 1795359600},
        {"2026-11-22T15:00:00.0123456789012345678901234567890Z", 1795359600},
        {"2026-11-22T16:00:00+01:00", 1795359600},
        {"2026-11-22T09:30:00-05:30", 1795359600},
        {"2026-11-22T15:00:00-00:00", 1795359600},
        {"2026-11-23T14:59:00+23:59", 1795359600},
        {"2026-11-22T15:00+00:00", 1795359600},
        {"2038-01-19T03:14:07Z", INT32_MAX},
        {"2038-01-19T03:14:08Z", (int64_t)INT32_MAX + 1},
        {"2106-02-07T06:28:16Z", (int64_t)UINT32_MAX + 1},
        {"9999-12-31T23:59:59Z", INT64_C(253402300799)},
        {"0001-01-01T00:00:00Z", INT64_C(-62135596800)},
        {"0000-02-29T00:00:00Z", INT64_C(-62162121600)},
    };
    int64_t at;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        at = -7;
        if (!instant_parse(rows[i].text, &at))
            fail_msg("refused: %s", rows[i].text);
        assert_true(at == rows[i].at);
    }
}

static void test_parse_refuses(void **state)
{
    static const char *const rows[] = {
        "",
        "2026",
        "2026-11-22",
        "2026-11-22T15:00:00",  /* no zone: whose time? */
        "2026-11-22T15:00:60Z", /* a leap second */
        "2016-12-31T23:59:60Z", /* a real one */
        "2026-11-22T24:00:00Z",
        "2026-11-22T23:60:00Z",
        "2026-13-01T00:00:00Z",
        "2026-00-01T00:00:00Z",
        "2026-01-00T00:00:00Z",
        "2026-01-32T00:00:00Z",
        "2026-04-31T00:00:00Z",
        "2026-02-29T00:00:00Z",
        "1900-02-29T00:00:00Z",
        "2100-02-29T00:00:00Z",
        "2026-11-22T15:00:00.Z",
        "2026-11-22T15:00:00,5Z",
        "2026-11-22T15:00:00Z ",
        " 2026-11-22T15:00:00Z",
        "2026-11-22T15:00:00Zx",
        "2026-11-22T15:00:00+24:00",
        "2026-11-22T15:00:00+01:60",
        "2026-11-22T15:00:00+0100",
        "2026-11-22T15:00:00+01",
        "2026-11-22T15:00:00+01:0",
        "2026-11-22T15:00:00*01:00",
        "2026-11-22T5:00:00Z",
        "2026-11-22T-5:00:00Z",
        "+2026-11-22T15:00:00Z",
        "-026-11-22T15:00:00Z",
        "12026-11-22T15:00:00Z",
        "2026/11/22T15:00:00Z",
        "2026-11-22_15:00:00Z",
        "20261122T150000Z",
        "tomorrow",
    };
    int64_t at = -7;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (instant_parse(rows[i], &at))
            fail_msg("taken: %s", rows[i]);
        assert_true(at == -7);
    }
}

/* No part of an instant is one, so that a half-written file never moves time. */
static void test_no_prefix_is_an_instant(void **state)
{
    static const char *const rows[] = {"2026-11-22T15:00:00Z", "2026-11-22T15:00:00.25Z", "2026-11-22T15:00:00+01:30"};
    char part[64];
    int64_t at;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        for (size_t n = 0; n < strlen(rows[i]); n++) {
            memcpy(part, rows[i], n);
            part[n] = 0;
            assert_false(instant_parse(part, &at));
        }
}

static void test_text(void **state)
{
    static const struct {
        int64_t at;
        const char *text, *mail;
    } rows[] = {
        {0, "1970-01-01T00:00:00Z", "Thu, 01 Jan 1970 00:00:00 +0000"},
        {-1, "1969-12-31T23:59:59Z", "Wed, 31 Dec 1969 23:59:59 +0000"},
        {951782400, "2000-02-29T00:00:00Z", "Tue, 29 Feb 2000 00:00:00 +0000"},
        {1795359600, "2026-11-22T15:00:00Z", "Sun, 22 Nov 2026 15:00:00 +0000"},
        {INT32_MAX, "2038-01-19T03:14:07Z", "Tue, 19 Jan 2038 03:14:07 +0000"},
        {INT64_C(253402300799), "9999-12-31T23:59:59Z", "Fri, 31 Dec 9999 23:59:59 +0000"},
        {INSTANT_NONE, "", ""},
        {INT64_MAX, "", ""},
    };
    char text[INSTANT_TEXT_SIZE], mail[40];

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_ptr_equal(instant_text(rows[i].at, text), text);
        assert_string_equal(text, rows[i].text);
        assert_ptr_equal(instant_mail_date(rows[i].at, mail), mail);
        assert_string_equal(mail, rows[i].mail);
    }
}

/* What is written is read back as the same instant, through all years of four digits. */
static void test_round_trip(void **state)
{
    char text[INSTANT_TEXT_SIZE];
    int64_t at;

    (void)state;
    for (int64_t t = instant_from_civil(1000, 1, 1, 0, 0, 0); t < INT64_C(253402300799);
         t += INT64_C(86400) * 97 + 12345) {
        assert_true(instant_parse(instant_text(t, text), &at));
        assert_true(at == t);
    }
}

static void test_calendar(void **state)
{
    static const struct {
        int64_t year;
        bool leap;
    } rows[] = {{1900, false}, {1999, false}, {2000, true}, {2024, true}, {2026, false}, {2100, false},
                {2400, true},  {0, true},     {-1, false},  {-4, true},   {-100, false}};
    int64_t days = 0;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(instant_is_leap(rows[i].year), rows[i].leap);
        assert_int_equal(instant_month_days(rows[i].year, 2), rows[i].leap ? 29 : 28);
    }
    for (int month = 1; month <= 12; month++) {
        assert_true(instant_from_civil(2026, month, 1, 0, 0, 0) ==
                    instant_from_civil(2026, 1, 1, 0, 0, 0) + days * 86400);
        days += instant_month_days(2026, month);
    }
    assert_int_equal(days, 365);
    assert_true(instant_from_civil(2026, 11, 22, 15, 0, 1) == 1795359601);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse),
        cmocka_unit_test(test_parse_refuses),
        cmocka_unit_test(test_no_prefix_is_an_instant),
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_calendar),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

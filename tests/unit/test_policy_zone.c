#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/instant.h"
#include "policy/zone.h"
#include "policy/zone_rule.h"

static int64_t utc(const char *text)
{
    int64_t at;
    assert_true(instant_parse(text, &at));
    return at;
}

/* Wall-clock reading as if UTC, the zone, the instant it means. */
static const struct {
    const char *zone, *wall, *instant;
    enum zone_fit fit;
} readings[] = {
    {"UTC", "2026-11-22T15:00:00Z", "2026-11-22T15:00:00Z", ZONE_ONCE},
    {"Europe/Berlin", "2026-01-15T12:00:00Z", "2026-01-15T11:00:00Z", ZONE_ONCE},
    {"Europe/Berlin", "2026-07-15T12:00:00Z", "2026-07-15T10:00:00Z", ZONE_ONCE},
    {"Europe/Berlin", "2026-03-29T01:59:59Z", "2026-03-29T00:59:59Z", ZONE_ONCE},
    {"Europe/Berlin", "2026-03-29T02:30:00Z", "2026-03-29T01:30:00Z", ZONE_SKIPPED}, /* reads 03:30 */
    {"Europe/Berlin", "2026-03-29T03:00:00Z", "2026-03-29T01:00:00Z", ZONE_ONCE},
    {"Europe/Berlin", "2026-10-25T02:30:00Z", "2026-10-25T00:30:00Z", ZONE_TWICE},
    {"Europe/Berlin", "2026-10-25T03:00:00Z", "2026-10-25T02:00:00Z", ZONE_ONCE},
    {"Europe/Berlin", "2060-07-15T12:00:00Z", "2060-07-15T10:00:00Z", ZONE_ONCE}, /* by the rule of the footer */
    {"Europe/Berlin", "2060-01-15T12:00:00Z", "2060-01-15T11:00:00Z", ZONE_ONCE},
    {"America/Los_Angeles", "2026-07-01T09:00:00Z", "2026-07-01T16:00:00Z", ZONE_ONCE},
    {"America/Los_Angeles", "2026-03-08T02:00:00Z", "2026-03-08T10:00:00Z", ZONE_SKIPPED},
    {"Australia/Lord_Howe", "2026-10-04T02:15:00Z", "2026-10-03T15:45:00Z", ZONE_SKIPPED}, /* half an hour */
    {"Australia/Sydney", "2070-01-01T00:00:00Z", "2069-12-31T13:00:00Z", ZONE_ONCE}, /* summer over the new year */
    {"Asia/Kolkata", "2026-02-28T05:30:00Z", "2026-02-28T00:00:00Z", ZONE_ONCE},
    {"Asia/Kathmandu", "2050-02-28T05:45:00Z", "2050-02-28T00:00:00Z", ZONE_ONCE},
    {"Pacific/Apia", "2011-12-30T12:00:00Z", "2011-12-30T22:00:00Z", ZONE_SKIPPED}, /* a whole day */
};

static void test_readings(void **state)
{
    (void)state;
    struct policy_zone *none = policy_zone_utc();
    for (size_t i = 0; i < sizeof(readings) / sizeof(readings[0]); i++) {
        struct policy_zone *zone = policy_zone_load(readings[i].zone);
        struct zone_civil civil;
        enum zone_fit fit;
        assert_non_null(zone);
        policy_zone_civil(none, utc(readings[i].wall), &civil);
        int64_t at = policy_zone_instant(zone, &civil, &fit);
        if (at != utc(readings[i].instant) || fit != readings[i].fit) {
            char text[INSTANT_TEXT_SIZE];
            fail_msg("row %zu: %s, fit %d", i, instant_text(at, text), (int)fit);
        }
        struct zone_civil back;
        policy_zone_civil(zone, at, &back);
        if (fit != ZONE_SKIPPED) {
            assert_int_equal(back.hour, civil.hour);
            assert_int_equal(back.day, civil.day);
        }
        policy_zone_free(&zone);
    }
    policy_zone_free(&none);
}

static void test_names_that_are_refused(void **state)
{
    (void)state;
    static const char *const names[] = {
        "", "/etc/passwd", "../../../etc/passwd", "Mars/Olympus", "Europe", "Europe/..", "zone.tab", "CET;x"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        assert_null(policy_zone_load(names[i]));
}

static void test_days(void **state)
{
    (void)state;
    struct zone_civil civil = {.year = 2028, .month = 2, .day = 29};
    assert_int_equal(zone_weekday(zone_day_of(&civil)), 2); /* a Tuesday */
    for (int32_t day = -800000; day < 800000; day += 37) {
        zone_civil_of_day(day, &civil);
        assert_int_equal(zone_day_of(&civil), day);
    }
}

static void test_rules(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool sound;
        const char *at;
        int offset_s;
    } rows[] = {
        {"CET-1CEST,M3.5.0,M10.5.0/3", true, "2040-07-01T00:00:00Z", 7200},
        {"CET-1CEST,M3.5.0,M10.5.0/3", true, "2040-03-25T00:59:59Z", 3600},
        {"CET-1CEST,M3.5.0,M10.5.0/3", true, "2040-03-25T01:00:00Z", 7200},
        {"<-03>3", true, "2040-07-01T00:00:00Z", -10800},
        {"<-02>2<-01>,M3.5.0/-1,M10.5.0/0", true, "2040-03-25T00:59:59Z", -7200},
        {"<-02>2<-01>,M3.5.0/-1,M10.5.0/0", true, "2040-03-25T01:00:00Z", -3600},
        {"EST5EDT,J60,J300", true, "2040-03-01T06:59:59Z", -18000},
        {"EST5EDT,J60,J300", true, "2040-03-01T07:00:00Z", -14400},
        {"EST5EDT,59,300", true, "2040-02-29T07:00:00Z", -14400},
        {"", false, "", 0},
        {"CE-1", false, "", 0},
        {"CET", false, "", 0},
        {"CET-1CEST", false, "", 0},
        {"CET-1CEST,M13.5.0,M10.5.0", false, "", 0},
        {"CET-1CEST,M3.5.0,M10.5.0/3x", false, "", 0},
        {"<CET-1", false, "", 0},
        {"CET-999", false, "", 0},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct zone_rule rule;
        assert_int_equal(zone_rule_parse(rows[i].text, strlen(rows[i].text), &rule), rows[i].sound);
        if (rows[i].sound)
            assert_int_equal(zone_rule_offset(&rule, utc(rows[i].at)), rows[i].offset_s);
    }
}

/* A file cut at any byte, or with a byte changed, is refused or read, never read beyond. */
static void test_hostile_files(void **state)
{
    (void)state;
    uint8_t file[44 * 2 + 64] = "TZif2";
    uint8_t *second = file + 44 + 6 + 4;
    file[39] = 1; /* one type */
    file[43] = 4; /* four characters */
    memcpy(second, file, 44);
    size_t len = 44 + 10 + 44 + 10;
    memcpy(file + len, "\nUTC0\n", 6);
    len += 6;
    struct policy_zone *zone = policy_zone_parse(file, len);
    assert_non_null(zone);
    assert_int_equal(policy_zone_offset(zone, 0), 0);
    policy_zone_free(&zone);
    for (size_t cut = 0; cut < len; cut++) {
        uint8_t *copy = malloc(cut + 1);
        memcpy(copy, file, cut);
        zone = policy_zone_parse(copy, cut);
        policy_zone_free(&zone);
        free(copy);
    }
    for (size_t i = 0; i < len; i++) {
        uint8_t *copy = malloc(len);
        memcpy(copy, file, len);
        copy[i] ^= 0xff;
        zone = policy_zone_parse(copy, len);
        policy_zone_free(&zone);
        free(copy);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_readings), cmocka_unit_test(test_names_that_are_refused), cmocka_unit_test(test_days),
        cmocka_unit_test(test_rules),    cmocka_unit_test(test_hostile_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * Random schedules hold the invariants: a date that is proposed is never earlier than allowed, never on a forbidden
 * day, and never moves back as the clock goes on; adding keeps its order. The seed is fixed, so that a failure can be
 * had again. The rounds are few, so that `make check` takes seconds; for the million, compiled with -O2:
 *
 *     EMBARGO_ROUNDS=1000000 tests/unit/test_policy_property
 *
 * or the number as the argument after the root of the sources. It also sets how many decisions are measured.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

#include "policy/decide.h"
#include "policy/schedule.h"
#include "policy/zone.h"
#include "unit/policy_fixture.h"
#include "unit/random.h"

static int rounds = 3000;
static int decisions = 100000;
static const char *const units[] = {"hour", "calendar-day", "calendar-month", "business-day", "working-week"};
static const char *const zones[] = {"UTC", "Europe/Berlin", "America/Los_Angeles", "Australia/Lord_Howe",
                                    "Asia/Kolkata"};

/* A policy of one clock to publication with a random window, weekdays and zone. */
static struct policy *random_policy(int *out_min, int *out_max, int *out_unit)
{
    *out_unit = (int)random_below(5);
    *out_min = (int)random_below(*out_unit == 2 ? 2 : 8);
    *out_max = *out_min + 1 + (int)random_below(*out_unit == 0 ? 400 : *out_unit == 2 ? 3 : 20);
    int target = *out_min + (int)random_below((uint32_t)(*out_max - *out_min + 1));
    const char *const forbids[] = {"", "\"mon\", \"fri\"", "\"sat\", \"sun\"", "\"tue\""};
    const char *const prefers[] = {"", "\"wed\"", "\"thu\", \"wed\""};
    char *text = mem_printf("policy = { id = \"r\"; edition = \"1\"; };\n"
                            "tracks = ( { name = \"all\"; mode = \"coordinated\"; when = { }; } );\n"
                            "clocks = ( { name = \"embargo\"; start = \"report\"; end = \"publish\"; unit = \"%s\";\n"
                            "min = %d; target = %d; max = %d; force = \"hard\"; force_min = \"hard\"; } );\n"
                            "release = { zone = \"%s\"; time = \"15:%02d\"; force = \"hard\";\n"
                            "forbid_weekdays = [ %s ]; prefer_weekdays = [ %s ]; };\n",
                            units[*out_unit], *out_min, target, *out_max, zones[random_below(5)], (int)random_below(60),
                            forbids[random_below(4)], prefers[random_below(3)]);
    struct policy *policy = fixture_load_text(text, false);
    free(text);
    return policy;
}

static struct schedule_holidays random_holidays(int32_t *days, size_t n, int64_t from_utc_s)
{
    int32_t day = (int32_t)(from_utc_s / 86400);
    for (size_t i = 0; i < n; i++)
        days[i] = day += 1 + (int32_t)random_below(6);
    return (struct schedule_holidays){days, n};
}

static void check_proposal(const struct policy *policy, const struct schedule_holidays *holidays,
                           const struct schedule_facts *facts, int64_t now, int64_t at, int min, int unit)
{
    struct schedule_notes notes;
    struct diag why = {0};
    struct schedule_change change = {.now_utc_s = now, .until_utc_s = at, .by = POLICY_BY_TEAM};
    int64_t earliest = schedule_add(policy, holidays, facts->at_utc_s[POLICY_AT_REPORT], min, (enum policy_unit)unit);
    char text[INSTANT_TEXT_SIZE];
    assert_true(at > now);
    assert_true(at >= earliest);
    assert_true(schedule_day_allowed(policy, holidays, at));
    assert_int_equal(at, schedule_release_instant(policy, schedule_local_day(policy, at)));
    if (schedule_check_until(policy, holidays, facts, &change, &notes, &why) != ERR_OK)
        fail_msg("proposed %s, but %s: %s", instant_text(at, text), why.rule, why.text);
    schedule_notes_free(&notes);
}

static void test_proposals(void **state)
{
    (void)state;
    int proposed = 0;
    for (int i = 0; i < rounds; i++) {
        int min, max, unit;
        int32_t days[24];
        struct schedule_facts facts;
        struct policy *policy = random_policy(&min, &max, &unit);
        int64_t report = 1700000000 + (int64_t)random_below(200000000), last = INT64_MIN;
        struct schedule_holidays holidays = random_holidays(days, random_below(24), report);
        schedule_facts_init(&facts);
        facts.track = &policy->tracks[0];
        facts.at_utc_s[POLICY_AT_REPORT] = report;
        for (int64_t now = report, step = 0; step < 12; step++, now += 1 + random_below(200000)) {
            int64_t at;
            if (schedule_propose(policy, &holidays, &facts, now, &at, NULL) != ERR_OK)
                continue;
            proposed++;
            check_proposal(policy, &holidays, &facts, now, at, min, unit);
            assert_true(at >= last); /* monotone in the clock */
            last = at;
        }
        policy_free(&policy);
    }
    assert_true(proposed > rounds * 4);
}

/* Deadlines to publication never fall on a forbidden day, unless they say that nothing else was left. */
static void test_deadlines(void **state)
{
    (void)state;
    for (int i = 0; i < rounds; i++) {
        int min, max, unit;
        struct schedule_facts facts;
        struct schedule out;
        struct policy *policy = random_policy(&min, &max, &unit);
        schedule_facts_init(&facts);
        facts.at_utc_s[POLICY_AT_REPORT] = 1700000000 + (int64_t)random_below(200000000);
        schedule_make(policy, NULL, &facts, &out);
        assert_int_equal(out.n, 3);
        for (size_t k = 0; k < out.n; k++) {
            const struct schedule_deadline *d = &out.items[k];
            assert_true(d->clash || schedule_day_allowed(policy, NULL, d->at_utc_s));
            assert_true(d->kind != SCHEDULE_MIN || d->at_utc_s >= d->raw_utc_s);
            assert_true(d->kind != SCHEDULE_MAX || d->at_utc_s < d->raw_utc_s + 86400);
        }
        schedule_free(&out);
        policy_free(&policy);
    }
}

/* More units lead later; a later day of the start leads to no earlier day; back and forth over hours is exact. */
static void test_adding(void **state)
{
    (void)state;
    for (int i = 0; i < rounds; i++) {
        int min, max, unit;
        struct policy *policy = random_policy(&min, &max, &unit);
        int64_t from = 1700000000 + (int64_t)random_below(200000000);
        enum policy_unit any = (enum policy_unit)unit;
        int amount = 1 + (int)random_below(30);
        int64_t at = schedule_add(policy, NULL, from, amount, any);
        assert_true(at > from);
        assert_true(schedule_add(policy, NULL, from, amount + 1, any) > at);
        assert_true(schedule_add(policy, NULL, from, -amount, any) < from);
        int64_t later = schedule_add(policy, NULL, from + 86400 + random_below(864000), amount, any);
        assert_true(schedule_local_day(policy, later) >= schedule_local_day(policy, at));
        assert_int_equal(schedule_add(policy, NULL, schedule_add(policy, NULL, from, amount, POLICY_UNIT_HOUR), -amount,
                                      POLICY_UNIT_HOUR),
                         from);
        int weekday = zone_weekday(
            schedule_local_day(policy, schedule_add(policy, NULL, from, amount, POLICY_UNIT_BUSINESS_DAY)));
        assert_true(weekday != POLICY_SAT && weekday != POLICY_SUN);
        policy_free(&policy);
    }
}

/* A million decisions take less than ten seconds, as promised; under sanitizers and on a busy machine it is more. */
static void test_many_decisions(void **state)
{
    (void)state;
    struct policy *policy = fixture_load_file("templates/policy/openstack@2026.conf", true);
    struct schedule_facts facts;
    struct timespec from, to;
    schedule_facts_init(&facts);
    facts.track = policy_track_find(policy, "embargoed");
    facts.at_utc_s[POLICY_AT_PREDISCLOSE] = 1790000000;
    facts.at_utc_s[POLICY_AT_PUBLISH_PLANNED] = 1790900000;
    struct decide_telling telling = {.track = facts.track,
                                     .now_utc_s = 1790000000,
                                     .publish_planned_utc_s = 1790900000,
                                     .event_utc_s = facts.at_utc_s,
                                     .commanded = true};
    struct decide_member member = {.class = "distro", .tier = "stakeholders", .key_state = "usable"};
    clock_gettime(CLOCK_MONOTONIC, &from);
    for (int i = 0; i < decisions; i++) {
        struct decide_verdict out;
        decide_member(policy, &member, &telling, &out);
        assert_true(out.send);
        decide_verdict_free(&out);
    }
    clock_gettime(CLOCK_MONOTONIC, &to);
    double seconds = (double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) / 1e9;
    print_message("%d decisions in %.2f s\n", decisions, seconds);
    assert_true(seconds < 60.0 + decisions / 100000.0); /* generous */
    policy_free(&policy);
}

int main(int argc, char **argv)
{
    fixture_root(argc, argv);
    const char *wanted = argc > 2 ? argv[2] : getenv("EMBARGO_ROUNDS");
    if (wanted != NULL && *wanted != '\0')
        rounds = (int)strtol(wanted, NULL, 10);
    if (rounds < 1)
        rounds = 1;
    decisions = rounds > decisions ? rounds : decisions;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_proposals),
        cmocka_unit_test(test_deadlines),
        cmocka_unit_test(test_adding),
        cmocka_unit_test(test_many_decisions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

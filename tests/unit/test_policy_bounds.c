/*
 * The boundary cases that the vocabulary names, each under its name: a deadline on a forbidden weekday, in the hour
 * that daylight saving skips or repeats, on 29 February, at a year's end; a report at 23:59 local time; a minimum that
 * exceeds the maximum; a discoverer's date earlier than a tier's notice. Instants are by hand.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "policy/decide.h"
#include "policy/schedule.h"
#include "unit/policy_fixture.h"

#define HEAD                                                                                                           \
    "policy = { id = \"t\"; edition = \"1\"; };\n"                                                                     \
    "tracks = ( { name = \"all\"; mode = \"coordinated\"; model = \"distro\"; when = { }; } );\n"

/* One clock from the report to publication, one release: the deadline of a kind. */
static const struct {
    const char *name, *clock, *release, *report, *rule, *at;
    bool clash;
} deadlines[] = {
    {"a max on a forbidden Friday goes back", "unit = \"calendar-day\"; max = 3;", "forbid_weekdays = [\"fri\"];",
     "2026-11-24T10:00:00Z", "clocks.c.max", "2026-11-26T10:00:00Z", false},
    {"a min on a forbidden Friday goes on, over the weekend", "unit = \"calendar-day\"; min = 3;",
     "forbid_weekdays = [\"fri\"];", "2026-11-24T10:00:00Z", "clocks.c.min", "2026-11-30T10:00:00Z", false},
    {"skipped: 02:30 in Berlin on 29 March 2026 becomes 03:30", "unit = \"calendar-day\"; max = 1;",
     "zone = \"Europe/Berlin\";", "2026-03-28T01:30:00Z", "clocks.c.max", "2026-03-29T01:30:00Z", false},
    {"repeated: of 02:30 in Berlin on 25 October 2026 the first", "unit = \"calendar-day\"; max = 1;",
     "zone = \"Europe/Berlin\";", "2026-10-24T00:30:00Z", "clocks.c.max", "2026-10-25T00:30:00Z", false},
    {"the release hour is the wall clock's on both sides of a change", "unit = \"calendar-day\"; max = 9;",
     "zone = \"Europe/Berlin\"; time = \"15:00\";", "2026-03-25T10:00:00Z", "clocks.c.max", "2026-04-03T13:00:00Z",
     false},
    {"29 February is a day", "unit = \"calendar-day\"; max = 1;", "", "2028-02-28T10:00:00Z", "clocks.c.max",
     "2028-02-29T10:00:00Z", false},
    {"a year from 29 February is 28 February", "unit = \"calendar-month\"; max = 12;", "", "2028-02-29T10:00:00Z",
     "clocks.c.max", "2029-02-28T10:00:00Z", false},
    {"over a year's end, with a weekend", "unit = \"business-day\"; max = 3;", "", "2026-12-30T10:00:00Z",
     "clocks.c.max", "2027-01-04T10:00:00Z", false},
    {"a report at 23:59 in Berlin counts from that Friday", "unit = \"business-day\"; max = 1;",
     "zone = \"Europe/Berlin\";", "2026-11-20T22:59:00Z", "clocks.c.max", "2026-11-23T22:59:00Z", false},
    {"a minute later it is Saturday there, and Monday all the same", "unit = \"business-day\"; max = 1;",
     "zone = \"Europe/Berlin\";", "2026-11-20T23:00:00Z", "clocks.c.max", "2026-11-22T23:00:00Z", false},
    {"no day of release between min and max: both stand, marked", "unit = \"calendar-day\"; min = 3; max = 5;",
     "forbid_weekdays = [\"fri\", \"sat\", \"sun\"];", "2026-11-24T10:00:00Z", "clocks.c.max", "2026-11-29T10:00:00Z",
     true},
};

static void test_deadlines(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(deadlines) / sizeof(deadlines[0]); i++) {
        char *text = mem_printf(
            HEAD "clocks = ( { name = \"c\"; start = \"report\"; end = \"publish\"; force = \"limit\"; %s } );\n"
                 "release = { %s };\n",
            deadlines[i].clock, deadlines[i].release);
        struct policy *policy = fixture_load_text(text, false);
        struct schedule_facts facts;
        struct schedule out;
        bool found = false;
        schedule_facts_init(&facts);
        facts.at_utc_s[POLICY_AT_REPORT] = fixture_instant(deadlines[i].report);
        schedule_make(policy, NULL, &facts, &out);
        for (size_t k = 0; k < out.n; k++) {
            char at[INSTANT_TEXT_SIZE];
            if (strcmp(out.items[k].rule, deadlines[i].rule) != 0)
                continue;
            found = true;
            if (strcmp(instant_text(out.items[k].at_utc_s, at), deadlines[i].at) != 0 ||
                out.items[k].clash != deadlines[i].clash)
                fail_msg("%s: %s, clash %d", deadlines[i].name, at, out.items[k].clash);
        }
        assert_true(found);
        schedule_free(&out);
        policy_free(&policy);
        free(text);
    }
}

/* Within one clock it is a fault of the file; between two, no date can be proposed, and the refusal says so. */
static void test_min_exceeds_max(void **state)
{
    (void)state;
    static const char bad[] = HEAD
        "clocks = ( { name = \"c\"; start = \"report\"; end = \"publish\"; unit = \"hour\"; min = 3; max = 2; } );";
    struct policy_text text = {"t.conf", bad, strlen(bad)};
    struct conf_faults faults = {0};
    assert_null(policy_load(&text, NULL, &faults));
    assert_string_equal(faults.items[0].rule, "policy.min-max");
    conf_faults_free(&faults);

    struct policy *policy = fixture_load_text(
        HEAD
        "clocks = ( { name = \"least\"; start = \"report\"; end = \"publish\"; unit = \"business-day\"; min = 10; },\n"
        " { name = \"most\"; start = \"report\"; end = \"publish\"; unit = \"calendar-day\"; max = 7;\n"
        " force = \"hard\"; } );\n",
        false);
    struct schedule_facts facts;
    struct diag why = {0};
    int64_t at;
    schedule_facts_init(&facts);
    facts.track = &policy->tracks[0];
    facts.at_utc_s[POLICY_AT_REPORT] = fixture_instant("2026-11-24T10:00:00Z");
    assert_int_equal(schedule_propose(policy, NULL, &facts, facts.at_utc_s[POLICY_AT_REPORT], &at, &why), ERR_DENIED);
    assert_non_null(strstr(why.text, "no day of release lies between"));
    assert_int_equal(at, INSTANT_NONE);
    policy_free(&policy);
}

/* A day is proposed in the hour that the zone skips: the file is refused, since that release could not be. */
static void test_release_hour_is_skipped(void **state)
{
    (void)state;
    static const char bad[] = HEAD "release = { zone = \"Europe/Berlin\"; time = \"02:30\"; };";
    struct policy_text text = {"t.conf", bad, strlen(bad)};
    struct conf_faults faults = {0};
    assert_null(policy_load(&text, NULL, &faults));
    assert_string_equal(faults.items[0].rule, "policy.release-hour");
    assert_int_equal(faults.items[0].line, 3);
    conf_faults_free(&faults);
}

/* That tier is told at once, and told why; the date itself passes, with a note that says the same. */
static void test_discoverer_before_notice(void **state)
{
    (void)state;
    struct policy *policy = fixture_load_file("templates/policy/xen@2026.conf", true);
    struct schedule_facts facts;
    struct schedule_notes notes;
    struct diag why = {0};
    struct decide_verdict out;
    int64_t now = fixture_instant("2026-11-24T10:00:00Z"), early = fixture_instant("2026-12-01T12:00:00Z");
    schedule_facts_init(&facts);
    facts.track = policy_track_find(policy, "coordinated");
    facts.at_utc_s[POLICY_AT_PUBLISH_PLANNED] = fixture_instant("2026-12-22T12:00:00Z");
    facts.discoverer_utc_s = early;
    assert_int_equal(schedule_release_at(policy, &facts), early);
    struct decide_telling telling = {.track = facts.track,
                                     .now_utc_s = now,
                                     .publish_planned_utc_s = schedule_release_at(policy, &facts),
                                     .event_utc_s = facts.at_utc_s};
    struct decide_member member = {.class = "distro", .tier = "predisclosure", .key_state = "usable"};
    decide_member(policy, &member, &telling, &out); /* without a command: its time has come by itself */
    assert_true(out.send && out.tier.short_notice);
    assert_string_equal(out.rule, "tiers.predisclosure");
    assert_non_null(strstr(out.reason, "less time remains"));
    decide_verdict_free(&out);

    telling.publish_planned_utc_s = facts.at_utc_s[POLICY_AT_PUBLISH_PLANNED]; /* by the team's date it would wait */
    decide_member(policy, &member, &telling, &out);
    assert_true(!out.send && out.queue && !out.tier.short_notice);
    decide_verdict_free(&out);

    struct schedule_change change = {.now_utc_s = now, .until_utc_s = early, .by = POLICY_BY_TEAM};
    assert_int_equal(schedule_check_until(policy, NULL, &facts, &change, &notes, &why), ERR_OK);
    assert_int_equal(notes.n, 1);
    assert_string_equal(notes.items[0].rule, "tiers.predisclosure.notice.before_publish");
    schedule_notes_free(&notes);
    policy_free(&policy);
}

/* Notices count holidays when they are counted back. */
static void test_notice_over_holidays(void **state)
{
    (void)state;
    static const char days[] = "2026-12-24\n2026-12-25\n2027-01-01\n";
    struct policy *policy =
        fixture_load_text(HEAD "tiers = ( { name = \"d\"; classes = [\"distro\"]; tracks = [\"all\"];\n"
                               "notice = { before_publish = \"5 business-days\"; hold_until = true; }; } );",
                          false);
    struct policy_text text = {"holidays", days, strlen(days)};
    struct schedule_holidays holidays;
    struct conf_faults faults = {0};
    struct decide_verdict out;
    assert_int_equal(schedule_holidays_parse(&text, &faults, &holidays), ERR_OK);
    struct decide_telling telling = {.track = &policy->tracks[0],
                                     .now_utc_s = fixture_instant("2026-12-01T10:00:00Z"),
                                     .publish_planned_utc_s = fixture_instant("2027-01-05T12:00:00Z"),
                                     .holidays = &holidays,
                                     .commanded = true};
    struct decide_member member = {.class = "distro", .tier = "d"};
    decide_member(policy, &member, &telling, &out);
    /* Back from Tuesday 5 January: 4th, 31st, 30th, 29th, 28th. */
    assert_int_equal(out.tier.notice_at_utc_s, fixture_instant("2026-12-28T12:00:00Z"));
    assert_true(out.queue && out.tier.earliest_at_utc_s == out.tier.notice_at_utc_s);
    decide_verdict_free(&out);
    schedule_holidays_free(&holidays);
    policy_free(&policy);
}

/* inform_customers covers what the tell_ words allow, as an advisory leaves them. */
static void test_customers_are_told_no_more(void **state)
{
    (void)state;
    struct policy *policy = fixture_load_file("templates/policy/xen@2026.conf", true);
    struct decide_use uses[POLICY_USES];
    struct buf words = BUF_EMPTY;
    decide_uses(&policy->tiers[0], 0, 0, uses);
    decide_tells_write(uses[POLICY_USE_INFORM_CUSTOMERS].tells, &words);
    assert_string_equal(buf_text(&words), "tell_existence, tell_id, tell_date");
    buf_clear(&words);
    decide_uses(&policy->tiers[0], 0,
                1u << POLICY_USE_TELL_EXISTENCE | 1u << POLICY_USE_TELL_ID | 1u << POLICY_USE_TELL_DATE, uses);
    decide_tells_write(uses[POLICY_USE_INFORM_CUSTOMERS].tells, &words);
    assert_string_equal(buf_text(&words), "nothing");
    buf_free(&words);
    policy_free(&policy);
}

int main(int argc, char **argv)
{
    fixture_root(argc, argv);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_deadlines),
        cmocka_unit_test(test_min_exceeds_max),
        cmocka_unit_test(test_release_hour_is_skipped),
        cmocka_unit_test(test_discoverer_before_notice),
        cmocka_unit_test(test_notice_over_holidays),
        cmocka_unit_test(test_customers_are_told_no_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * May it be published at this instant? By a table, by tables of due instants, and by a great many clocks that jump:
 * what goes by itself is never early. The rounds are few, so that `make check` takes a moment; for the million:
 *
 *     EMBARGO_ROUNDS=1000000 tests/unit/test_release
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "flow/clock_guard.h"
#include "policy/release.h"
#include "unit/policy_fixture.h"
#include "unit/random.h"

#define DUE INT64_C(1931257800)

static int rounds = 200000;
static struct policy *policy_with(const char *mode, const char *release, const char *rest)
{
    char *text = mem_printf("policy = { id = \"r\"; edition = \"1\"; };\n"
                            "tracks = ( { name = \"all\"; mode = \"%s\"; model = \"none\"; when = { }; } );\n"
                            "release = { %s };\n%s\n",
                            mode, release, rest);
    struct policy *policy = fixture_load_text(text, false);

    free(text);
    return policy;
}

static struct release_facts ready(const struct policy *policy)
{
    return (struct release_facts){.track = &policy->tracks[0],
                                  .now_utc_s = DUE,
                                  .due_utc_s = DUE,
                                  .has_text = true,
                                  .approved = true,
                                  .clock = RELEASE_CLOCK_TRUSTED,
                                  .ready_utc_s = INSTANT_NONE};
}

static void expect(const struct policy *policy, struct release_facts facts, const char *words)
{
    struct release_decision d;
    char *got;

    release_decide(policy, &facts, &d);
    got = mem_printf("%s %s", release_verdict_name(d.verdict), d.rule);
    assert_string_equal(got, words);
    free(got);
}

static void test_rules(void **state)
{
    struct policy *manual = policy_with("coordinated", "automatic = false;", "");
    struct policy *automatic = policy_with("coordinated", "automatic = true;", "");
    struct policy *open = policy_with("unstated", "automatic = true;", "");
    struct release_facts f = ready(manual);

    (void)state;
    expect(manual, f, "go ");
    /* Each thing that is missing has its rule, and none hides an earlier one. */
    f.approved = false;
    expect(manual, f, "hold release.automatic");
    f.has_text = false;
    expect(manual, f, "hold release.no-advisory");
    f.now_utc_s = DUE - 1;
    expect(manual, f, "wait release.not-yet");
    f.confirmed = true;
    expect(manual, f, "wait release.not-yet");
    f = ready(manual);
    f.due_utc_s = INSTANT_NONE;
    expect(manual, f, "wait release.not-yet");
    f = ready(manual);
    f.track = NULL;
    expect(manual, f, "hold tracks.none");
    f = ready(open);
    expect(open, f, "hold tracks.all.mode");
    f = ready(automatic);
    f.approved = false;
    expect(automatic, f, "go ");
    f.clock = RELEASE_CLOCK_JUMPED;
    expect(automatic, f, "hold clock.jumped");
    f.clock = RELEASE_CLOCK_UNSYNCHRONISED;
    expect(automatic, f, "hold clock.unsynchronised");
    f.confirmed = true;
    expect(automatic, f, "go ");
    /* A day late, and a second more; of a rehearsal it counts from when the clock was moved. */
    f = ready(automatic);
    f.now_utc_s = DUE + RELEASE_LATE_S;
    expect(automatic, f, "go ");
    f.now_utc_s++;
    expect(automatic, f, "ask release.late");
    f.ready_utc_s = f.now_utc_s;
    expect(automatic, f, "go ");
    f.ready_utc_s = INSTANT_NONE;
    f.confirmed = true;
    expect(automatic, f, "go ");
    policy_free(&manual);
    policy_free(&automatic);
    policy_free(&open);
}

static void test_needs(void **state)
{
    static const struct {
        const char *release, *rest;
        int needs;
    } rows[] = {
        {"", "", 1},
        {"automatic = false;", "", 1},
        {"automatic = false; approvals = 3;", "", 3},
        {"automatic = false;", "approvals = { publish = 2; };", 2},
        {"automatic = false; approvals = 1;", "approvals = { publish = 2; };", 1},
        {"automatic = true; approvals = 2;", "", 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct policy *policy = policy_with("coordinated", rows[i].release, rows[i].rest);

        assert_int_equal(release_needs(policy), rows[i].needs);
        policy_free(&policy);
    }
}

#define CLOCK(force)                                                                                                   \
    "clocks = ( { name = \"total\"; start = \"accepted\"; end = \"publish\"; unit = \"calendar-day\"; max = 3;"        \
    " force = \"limit\"; on_expiry = \"" force "\"; } );"

static int64_t due_of(const char *mode, const char *release, const char *rest, int64_t until, char *rule)
{
    struct policy *policy = policy_with(mode, release, rest);
    struct schedule_holidays none = {0};
    struct schedule_facts facts;
    int64_t due;

    schedule_facts_init(&facts);
    facts.track = &policy->tracks[0];
    facts.at_utc_s[POLICY_AT_ACCEPTED] = DUE;
    facts.at_utc_s[POLICY_AT_PUBLISH_PLANNED] = until;
    due = release_due(policy, &none, &facts, rule);
    policy_free(&policy);
    return due;
}

static void test_due(void **state)
{
    char rule[DIAG_RULE_MAX];

    (void)state;
    assert_int_equal(due_of("coordinated", "", "", INSTANT_NONE, rule), INSTANT_NONE);
    assert_int_equal(due_of("coordinated", "", "", DUE + 86400, rule), DUE + 86400);
    assert_string_equal(rule, "embargo.until");
    /* A clock that publishes at its end does so before a later date, and where there is none. */
    assert_int_equal(due_of("coordinated", "", CLOCK("publish"), DUE + 4 * 86400, rule), DUE + 3 * 86400);
    assert_string_equal(rule, "clocks.total.max");
    assert_int_equal(due_of("coordinated", "", CLOCK("publish"), INSTANT_NONE, rule), DUE + 3 * 86400);
    assert_int_equal(due_of("coordinated", "", CLOCK("publish"), DUE + 86400, rule), DUE + 86400);
    assert_int_equal(due_of("coordinated", "", CLOCK("escalate"), INSTANT_NONE, rule), INSTANT_NONE);
    /* Full disclosure waits for no date. */
    assert_int_equal(due_of("full", "", "", INSTANT_NONE, rule), DUE);
    assert_string_equal(rule, "tracks.all.mode");
}

/* Days of 23 and of 25 hours: the wall-clock hour stays, the seconds differ. */
static void test_daylight(void **state)
{
    char rule[DIAG_RULE_MAX];
    const char *berlin = "zone = \"Europe/Berlin\";";
    struct policy *policy = policy_with("coordinated", berlin, CLOCK("publish"));
    struct schedule_holidays none = {0};
    struct schedule_facts facts;
    /* Accepted at noon of 2031-03-28 and 2031-10-24 in Berlin; summer time begins on March 30 and ends on October 26.
     */
    const int64_t spring = INT64_C(1932462000), autumn = INT64_C(1950602400);

    (void)state;
    schedule_facts_init(&facts);
    facts.track = &policy->tracks[0];
    facts.at_utc_s[POLICY_AT_ACCEPTED] = spring;
    assert_int_equal(release_due(policy, &none, &facts, rule), spring + 3 * 86400 - 3600);
    facts.at_utc_s[POLICY_AT_ACCEPTED] = autumn;
    assert_int_equal(release_due(policy, &none, &facts, rule), autumn + 3 * 86400 + 3600);
    policy_free(&policy);
}

/*
 * A machine with a true time that only grows, and a wall clock that is stepped, forth and back, whether the kernel
 * believes in it or not; and long sleeps. What the guard lets go is never before its instant by
 * more than the tolerance, and where the clock was never touched not by a second.
 */
static void test_clocks(void **state)
{
    struct policy *policy = policy_with("coordinated", "automatic = true;", "");
    int went = 0, held = 0;

    (void)state;
    for (int i = 0; i < rounds; i++) {
        struct clock_guard guard = {.enforced = true};
        struct release_facts f = ready(policy);
        int64_t truth = DUE - random_below(200000), boot = 100, off = 0;
        bool touched = false;
        struct clock_facts now = {.synchronised = true, .boot_id = "a", .boot_s = boot, .wall_utc_s = truth};

        clock_guard_judge(&guard, &now);
        for (int step = 0; step < 40; step++) {
            int64_t pass = 1 + random_below(random_below(8) ? 4000 : 60000);
            struct release_decision d;

            truth += pass;
            boot += pass;
            if (random_below(10) == 0) {
                off = (int64_t)random_below(800000) - 400000;
                touched = true;
            }
            now.synchronised = random_below(5) != 0;
            now.boot_s = boot;
            now.wall_utc_s = truth + off;
            clock_guard_judge(&guard, &now);
            f.now_utc_s = now.wall_utc_s;
            f.clock = guard.trust == CLOCK_TRUSTED  ? RELEASE_CLOCK_TRUSTED
                      : guard.trust == CLOCK_JUMPED ? RELEASE_CLOCK_JUMPED
                                                    : RELEASE_CLOCK_UNSYNCHRONISED;
            release_decide(policy, &f, &d);
            held += d.verdict == RELEASE_HOLD;
            if (d.verdict != RELEASE_GO)
                continue;
            went++;
            /* The anchor may have gone along with what is tolerated, once a day: there are few days in a round. */
            if (truth < DUE - (touched ? 16 : 0) * CLOCK_GUARD_TOLERANCE_S || (!touched && truth < DUE))
                fail_msg("round %d: published %lld s early", i, (long long)(DUE - truth));
            break;
        }
    }
    assert_true(went > rounds / 10 && held > rounds / 10);
    policy_free(&policy);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rules),    cmocka_unit_test(test_needs),  cmocka_unit_test(test_due),
        cmocka_unit_test(test_daylight), cmocka_unit_test(test_clocks),
    };
    const char *wanted = getenv("EMBARGO_ROUNDS");

    (void)argc;
    (void)argv;
    if (wanted && strtol(wanted, NULL, 10) > 0)
        rounds = (int)strtol(wanted, NULL, 10);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

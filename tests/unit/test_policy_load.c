/*
 * Loading: each fault of meaning with its rule and line, the merging of defaults, answers, and every preset of
 * templates/policy without a fault.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "unit/policy_fixture.h"

#define HEAD  "policy = { id = \"t\"; edition = \"1\"; };\n"
#define TRACK "tracks = ( { name = \"all\"; mode = \"coordinated\"; model = \"distro\"; when = { }; } );\n"
#define TIER  "tiers = ( { name = \"d\"; classes = [\"distro\"]; tracks = [\"all\"]; } );\n"

/* The policy that shows the whole vocabulary: every key, loaded and read back. */
static void test_whole_vocabulary(void **state)
{
    (void)state;
    struct policy *policy = fixture_load_file("tests/policy/whole.conf", false);
    static const struct {
        const char *key, *text;
    } rows[] = {
        {"policy.id", "whole"},
        {"policy.basis", "primary"},
        {"tracks.hard.when.severity", "high, critical"},
        {"tracks.hard.when.fix_longer_than", "2 working-weeks"},
        {"tracks.elsewhere.policy", "linux-distros"},
        {"tracks.rest.model", "cloud"},
        {"tiers.providers.notice.before_publish", "2 working-weeks"},
        {"tiers.providers.notice.final", "24 hours"},
        {"tiers.providers.notice.hold_until", "true"},
        {"tiers.providers.after", "fix-ready"},
        {"tiers.providers.max", "30 calendar-days"},
        {"tiers.providers.uses.tell_cve", "ask"},
        {"tiers.providers.uses.deploy_hosted", "allow"},
        {"tiers.providers.uses.deploy_hosted.if", "users cannot reach the binary"},
        {"tiers.distros.uses.tell_cve", "deny"}, /* of everyone */
        {"clocks.embargo.grace.max", "19"},
        {"clocks.embargo.grace.reported_on", "thu, fri"},
        {"clocks.embargo.extend.unit", "calendar-month"},
        {"clocks.embargo.restart_on", "patch-defect"},
        {"clocks.nis2.end", "report-authority"},
        {"clocks.fix.value", "unstated"},
        {"release.time", "15:00"},
        {"release.holidays", "team"},
        {"membership.criteria.active.evidence", "true"},
        {"membership.publish_members", "none"},
        {"membership.reattest", "12 months"},
        {"posting.prefix.subject_prefix", "[vs] "},
        {"reporting.plain_text", "allow"},
        {"sealing.watermark", "true"},
        {"publication.duty.within", "3 calendar-days"},
        {"publication.formats", "text, html, csaf"},
        {"cve.before", "predisclose"},
        {"commits.tag", "Fixes: {cve}"},
        {"approvals.backup_with_keys", "3"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct policy_value *value = policy_get(policy, rows[i].key);
        if (value == NULL || strcmp(policy_value_text(value), rows[i].text) != 0)
            fail_msg("%s is %s", rows[i].key, value != NULL ? policy_value_text(value) : "not a key");
        if (value->has == POLICY_STATED)
            assert_true(value->line > 0 || strstr(rows[i].key, ".if") != NULL);
    }
    assert_int_equal(policy->tiers[0].stage.number, 1);
    assert_int_equal(policy->clocks[0].grace.publish_on.number, 1 << POLICY_MON | 1 << POLICY_TUE);
    policy_free(&policy);
}

static const struct {
    const char *text, *rule;
    int line;
    const char *words;
} faulty[] = {
    {TRACK, "policy.id", 1, "policy.id"},
    {HEAD, "policy.last-track", 1, "needs a track"},
    {HEAD "tracks = (\n{ name = \"x\"; when = { public = true; }; } );", "policy.last-track", 3, "`x`"},
    {HEAD "tracks = ( { name = \"x\"; when = { }; },\n { name = \"y\"; when = { }; } );", "policy.last-track", 2,
     "`x`"},
    {HEAD "tracks = ( { name = \"x\"; when = { public = true; }; },\n { name = \"x\"; when = { }; } );", "policy.name",
     3, "taken in line 2"},
    {HEAD TRACK "membership = { criteria = ( { id = \"a\"; },\n{ id = \"b\"; },\n{ id = \"a\"; } ); };", "policy.name",
     5, "of a criterion is taken in line 3"},
    {HEAD "tracks = ( { when = { }; } );", "policy.name", 2, "without a name"},
    {HEAD "tracks = ( { name = \"a b\"; when = { }; } );", "policy.name", 2, "letters"},
    {HEAD TRACK "tiers = ( { name = \"d\"; tracks = [ ]; } );", "policy.tier-unused", 3, "`d`"},
    {HEAD TRACK "tiers = ( { name = \"d\"; tracks = \"none\"; } );", "policy.tier-unused", 3, "`d`"},
    {HEAD TRACK "tiers = ( { name = \"d\"; tracks = [ \"al\" ]; } );", "policy.tier-track", 3, "`al`"},
    {HEAD TRACK "tiers = ( { name = \"d\"; tracks = [ \"all\" ];\n notice = { before_publish = \"2 weeks\"; }; } );",
     "policy.duration", 4, "business-days"},
    {HEAD TRACK
     "tiers = ( { name = \"d\"; tracks = [ \"all\" ];\n notice = { before_publish = \"20 calendar-days\"; };\n"
     "max = 14; } );",
     "policy.min-max", 5, "`d`"},
    {HEAD TRACK "tiers = ( { name = \"d\"; tracks = [ \"all\" ]; classes = [ \"distros\" ]; } );", "conf.word", 3,
     "\"distro\""},
    {HEAD TRACK
     "clocks = ( { name = \"c\"; start = \"report\"; end = \"fix\"; unit = \"hour\";\n min = 5; max = 4; } );",
     "policy.min-max", 4, "exceeds"},
    {HEAD TRACK "clocks = ( { name = \"c\"; min = 5;\ntarget = 4; } );", "policy.min-max", 4, "below its min"},
    {HEAD TRACK "clocks = ( { name = \"c\"; target = 5;\nmax = 4; } );", "policy.min-max", 3, "exceeds its max"},
    {HEAD TRACK "clocks = ( { name = \"c\"; start = \"acknowledge\"; end = \"acknowledge\"; max = 1; } );",
     "policy.clock-never-starts", 3, "ends where"},
    {HEAD TRACK "clocks = ( { name = \"c\"; start = \"fix-ready\"; end = \"triage\"; max = 1; } );",
     "policy.clock-never-starts", 3, "before its start"},
    {HEAD TRACK "tiers = ( );\nclocks = ( { name = \"c\"; start = \"predisclose\"; end = \"publish\"; max = 1; } );",
     "policy.clock-never-starts", 4, "told early"},
    {HEAD "tracks = ( { name = \"x\"; mode = \"full\"; when = { }; } );\n"
          "clocks = ( { name = \"c\"; start = \"list-post\"; end = \"publish\"; max = 1; } );",
     "policy.clock-never-starts", 3, "told early"},
    {HEAD TRACK "clocks = ( { name = \"c\"; start = \"none\"; max = 1; } );", "policy.clock-never-starts", 3,
     "no start"},
    {HEAD TRACK "clocks = ( { name = \"c\"; start = \"publish\"; } );", "conf.word", 3, "cannot be \"publish\""},
    {HEAD TRACK "clocks = ( { name = \"c\"; unit = \"calendar-day\"; max = 14;\nextend = { max = 13; }; } );",
     "policy.extend", 4, "new total"},
    {HEAD TRACK "clocks = ( { name = \"c\"; max = 14;\ngrace = { max = 13; }; } );", "policy.grace", 4, "new total"},
    {HEAD TRACK "clocks = ( { name = \"c\"; grace = { max = 13; }; } );", "policy.grace", 3, "needs a max"},
    {HEAD TRACK "release = { zone = \"Europe/Berln\"; };", "policy.zone", 3, "Europe/Berlin"},
    {HEAD TRACK "release = { zone = \"../../etc/passwd\"; };", "policy.zone", 3, "IANA"},
    {HEAD TRACK "release = { time = \"02:30\";\n zone = \"Europe/Berlin\"; };", "policy.release-hour", 3, "2024-03-31"},
    {HEAD TRACK "release = { time = \"15.00\"; };", "policy.time", 3, "15:00"},
    {HEAD TRACK "release = { time = \"24:00\"; };", "policy.time", 3, "15:00"},
    {HEAD TRACK "release = { time = \"15:60\"; };", "policy.time", 3, "15:00"},
    {HEAD TRACK "release = { forbid_weekdays = [\"sun\",\"mon\",\"tue\",\"wed\",\"thu\",\"fri\",\"sat\"]; };",
     "policy.release-days", 3, "every weekday"},
    {HEAD TRACK "release = { forbid_weekdays = [\"mon\"];\nprefer_weekdays = [\"mon\"]; };", "policy.release-days", 4,
     "both"},
    {HEAD TRACK "release = { holidays = \"../x\"; };", "policy.name", 3, "holidays"},
    {HEAD TRACK "posting = ( { name = \"p\"; tiers = [ \"x\" ]; } );", "policy.tier-track", 3, "`x`"},
    {HEAD TRACK "clocks = ( { name = \"c\"; end = \"report\"; } );", "conf.word", 3, "final-notice"},
    {HEAD TRACK "publication = { id = \"X-{m}\"; };", "policy.scheme", 3, "{yyyy}"},
    {HEAD TRACK "publication = { id = \"X-{n\"; };", "policy.scheme", 3, "{yyyy}"},
    {HEAD TRACK "commits = { tag = \"{n}\"; };", "policy.scheme", 3, "{bug}"},
    {HEAD TRACK "approvals = { lift = 0; };", "conf.range", 3, "from 1"},
    {HEAD TRACK "relase = { };", "conf.unknown-key", 3, "`release`"},
    {HEAD TRACK "tiers = ( { name = \"d\"; tracks = [ \"all\" ]; uses = { tell_cv = \"deny\"; }; } );",
     "conf.unknown-key", 3, "`tell_cve`"},
};

static void test_faults(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(faulty) / sizeof(faulty[0]); i++) {
        struct conf_faults faults = {0};
        struct policy_text text = {"t.conf", faulty[i].text, strlen(faulty[i].text)};
        struct policy *policy = policy_load(&text, NULL, &faults);
        const struct conf_fault *found = NULL;
        assert_null(policy);
        for (size_t k = 0; k < faults.n; k++) {
            if (strcmp(faults.items[k].rule, faulty[i].rule) == 0 &&
                strstr(faults.items[k].text, faulty[i].words) != NULL)
                found = &faults.items[k];
        }
        if (found == NULL)
            fail_msg("row %zu: %s:%d %s", i, faults.items[0].rule, faults.items[0].line, faults.items[0].text);
        if (found->line != faulty[i].line)
            fail_msg("row %zu: line %d", i, found->line);
        assert_string_equal(found->file, "t.conf");
        conf_faults_free(&faults);
    }
}

static void test_all_faults_are_listed(void **state)
{
    (void)state;
    const char *text = HEAD TRACK "clocks = ( { name = \"c\"; min = 2; max = 1; foo = 1; } );\n"
                                  "release = { time = \"x\"; };\ncve = { required = \"maybe\"; };\n";
    struct conf_faults faults = {0};
    struct policy_text policy_text = {"t.conf", text, strlen(text)};
    assert_null(policy_load(&policy_text, NULL, &faults));
    assert_int_equal(faults.n, 4);
    assert_int_equal(faults.items[0].line, 3);
    assert_int_equal(faults.items[2].line, 4);
    assert_string_equal(faults.items[3].rule, "conf.word");
    conf_faults_free(&faults);
}

static void test_defaults(void **state)
{
    (void)state;
    struct policy *policy = fixture_load_text(HEAD TRACK "approvals = { lift = 2; };", true);
    assert_true(policy->n_posting >= 7);
    assert_int_equal(policy->approvals.lift.number, 2);
    assert_string_equal(policy_value_file(policy, &policy->approvals.lift), "t.conf");
    assert_int_equal(policy->approvals.publish.number, 1);
    assert_string_equal(policy_value_file(policy, &policy->approvals.publish), "defaults.conf");
    assert_true(policy_is(&policy->reporting.plain_text, POLICY_PLAIN_NOTICE_ONLY));
    assert_true(policy_is(&policy->release.automatic, 0));
    assert_true(policy_holds(&policy->membership.application, "Vouchers"));
    policy_free(&policy);

    /* Rules of its own replace those of the defaults as a whole; "none" and "unstated" stay what they are. */
    policy =
        fixture_load_text(HEAD TRACK "posting = ( { name = \"mine\"; action = \"hold\"; } ); reporting = \"none\";\n"
                                     "release = { automatic = \"unstated\"; };",
                          true);
    assert_int_equal(policy->n_posting, 1);
    assert_int_equal(policy->reporting.credit.has, POLICY_NONE);
    assert_int_equal(policy->release.automatic.has, POLICY_UNSTATED);
    assert_int_equal(policy->release.automatic.line, 4);
    policy_free(&policy);

    struct conf_faults faults = {0};
    struct policy_text text = {"t.conf", HEAD TRACK, strlen(HEAD TRACK)};
    struct policy_text fact = {"defaults.conf", "cve = { required = \"yes\"; };", 28};
    assert_null(policy_load(&text, &fact, &faults));
    assert_string_equal(faults.items[0].rule, "conf.unknown-key"); /* defaults state no facts */
    conf_faults_free(&faults);
}

static void test_answers(void **state)
{
    (void)state;
    struct policy *policy =
        fixture_load_text(HEAD TRACK TIER "clocks = ( { name = \"fix\"; value = \"unstated\"; } );\n"
                                          "release = { zone = \"UTC\"; time = \"unstated\"; };",
                          true);
    struct diag why = {0};
    assert_int_equal(policy_answer(policy, "release.time", "16:00", &why), ERR_OK);
    assert_int_equal(policy->release.time.number, 960);
    assert_string_equal(policy_value_file(policy, &policy->release.time), "case");
    assert_int_equal(policy_answer(policy, "release.time", "17:00", &why), ERR_OK); /* an answer can be changed */
    assert_int_equal(policy_answer(policy, "release.time", "25:00", &why), ERR_USAGE);
    assert_int_equal(policy->release.time.number, 1020);
    assert_int_equal(policy_answer(policy, "release.zone", "Europe/Berlin", &why), ERR_DENIED);
    assert_int_equal(why.line, 5);
    assert_string_equal(why.file, "t.conf");
    assert_int_equal(policy_answer(policy, "release.zoen", "UTC", &why), ERR_USAGE);
    assert_non_null(strstr(why.text, "`release.zone`"));
    assert_int_equal(policy_answer(policy, "release.forbid_weekdays", "[\"mon\", \"fri\"]", &why), ERR_OK);
    assert_int_equal(policy->release.forbid_weekdays.number, 1 << POLICY_MON | 1 << POLICY_FRI);
    assert_int_equal(policy_answer(policy, "release.prefer_weekdays", "tue, wen", &why), ERR_USAGE);
    assert_int_equal(policy_answer(policy, "tiers.d.notice.before_publish", "3 business-days", &why), ERR_OK);
    assert_int_equal(policy->tiers[0].before_publish.unit, POLICY_UNIT_BUSINESS_DAY);
    assert_int_equal(policy_answer(policy, "tiers.d.uses.tell_cve", "allow", &why), ERR_OK);
    assert_true(policy_is(&policy->tiers[0].uses[POLICY_USE_TELL_CVE].value, POLICY_ALLOW));
    assert_int_equal(policy_answer(policy, "authority.discoverer", "none", &why), ERR_OK);
    assert_int_equal(policy->authority.discoverer.has, POLICY_NONE);
    assert_int_equal(policy->clocks[0].whole.has, POLICY_UNSTATED);
    assert_int_equal(policy_answer(policy, "clocks.fix.max", "3", &why), ERR_OK);
    assert_int_equal(policy->clocks[0].whole.has, POLICY_STATED);
    assert_int_equal(policy_answer(policy, "clocks.fix.value", "none", &why), ERR_USAGE);
    assert_int_equal(policy_answer(policy, "policy.title", "x", &why), ERR_USAGE);
    policy_free(&policy);
}

static void count_value(void *context, const char *key, const struct policy_value *value)
{
    (void)value;
    assert_true(*key != '\0');
    (*(size_t *)context)++;
}

static void test_every_preset_loads(void **state)
{
    (void)state;
    size_t n_presets;
    const char *const *presets = fixture_presets(&n_presets);
    for (size_t i = 0; i < n_presets; i++) {
        char path[128];
        size_t values = 0;
        snprintf(path, sizeof(path), "templates/policy/%s.conf", presets[i]);
        struct policy *policy = fixture_load_file(path, true);
        char *id = mem_printf("%s@%s", policy->id.text, policy->edition.text);
        assert_string_equal(id, presets[i]);
        policy_each(policy, count_value, &values);
        assert_true(values > 80);
        free(id);
        policy_free(&policy);
    }
    assert_int_equal(n_presets, 24);
}

int main(int argc, char **argv)
{
    fixture_root(argc, argv);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole_vocabulary),
        cmocka_unit_test(test_faults),
        cmocka_unit_test(test_all_faults_are_listed),
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_answers),
        cmocka_unit_test(test_every_preset_loads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * What is explained and shown: verdict, rule, tiers, uses and deadlines of a case that can be worked out by hand, the
 * twelve answers of every preset, and time lines that hold what they should.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "policy/explain.h"
#include "unit/policy_fixture.h"

static struct policy *preset(const char *name)
{
    char *path = mem_printf("templates/policy/%s.conf", name);
    struct policy *policy = fixture_load_file(path, true);
    free(path);
    return policy;
}

static bool lists(const struct decide_keys *keys, const char *key)
{
    for (size_t i = 0; i < keys->n; i++) {
        if (strcmp(keys->items[i], key) == 0)
            return true;
    }
    return false;
}

static void test_case_of_xen(void **state)
{
    (void)state;
    struct policy *policy = preset("xen@2026");
    struct decide_case facts = {.severity = POLICY_HIGH, .fix_needs_s = -1};
    struct schedule_facts instants;
    struct explain out;
    struct buf text = BUF_EMPTY;
    schedule_facts_init(&instants);
    instants.at_utc_s[POLICY_AT_REPORT] = fixture_instant("2026-11-23T09:00:00Z");
    instants.at_utc_s[POLICY_AT_PUBLISH_PLANNED] = fixture_instant("2026-12-15T12:00:00Z");
    struct explain_question question = {
        .facts = &facts, .instants = &instants, .now_utc_s = fixture_instant("2026-11-30T09:00:00Z")};
    explain_make(policy, &question, &out);
    assert_string_equal(out.verdict, "tell");
    assert_string_equal(out.rule, "tracks.coordinated");
    assert_true(out.line > 0);
    assert_int_equal(out.n_tiers, 1);
    assert_true(out.tiers[0].told && out.tiers[0].now && !out.tiers[0].short_notice);
    assert_int_equal(out.tiers[0].notice_at_utc_s, fixture_instant("2026-12-01T12:00:00Z"));
    assert_string_equal(out.tiers[0].rule, "tiers.predisclosure.notice.before_publish");
    assert_int_equal(out.schedule.n, 3); /* predisclose, notice, release */
    assert_string_equal(out.schedule.items[0].rule, "clocks.predisclose.target");
    assert_int_equal(out.schedule.items[0].at_utc_s, fixture_instant("2026-11-30T09:00:00Z"));
    assert_true(lists(&out.unstated, "clocks.fix"));
    assert_false(lists(&out.unstated, "authority.exploited"));
    explain_write(policy, &out, &text);
    assert_non_null(strstr(buf_text(&text), "xen@2026: tell, by tracks.coordinated"));
    assert_non_null(strstr(buf_text(&text), "at the latest 2026-12-01T12:00:00Z"));
    buf_clear(&text);
    explain_write_timeline(&out, question.now_utc_s, &text);
    assert_non_null(strstr(buf_text(&text), ">"));
    assert_non_null(strstr(buf_text(&text), "N="));
    assert_non_null(strstr(buf_text(&text), "P\neverybody"));
    buf_clear(&text);
    explain_write_svg(&out, question.now_utc_s, &text);
    assert_non_null(strstr(buf_text(&text), "latest notice 2026-12-01T12:00:00Z"));
    assert_non_null(strstr(buf_text(&text), "</svg>"));
    buf_free(&text);
    explain_free(&out);
    policy_free(&policy);
}

static void test_other_verdicts(void **state)
{
    (void)state;
    static const struct {
        const char *policy;
        bool is_public;
        const char *verdict, *rule;
    } rows[] = {
        {"xen@2026", true, "publish", "tracks.public"},
        {"docker@2015", false, "ask", "tracks.all"},
        {"linux-kernel@2026", false, "hold", "tracks.fix"},
        {"distro-model@2026", false, "tell", "tracks.coordinated"},
        {"cloud-model@2026", false, "tell", "tracks.coordinated"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct policy *policy = preset(rows[i].policy);
        struct decide_case facts = {.severity = POLICY_UNRATED, .is_public = rows[i].is_public, .fix_needs_s = -1};
        struct explain_question question = {.facts = &facts, .now_utc_s = 1790000000};
        struct buf text = BUF_EMPTY;
        struct explain out;
        explain_make(policy, &question, &out);
        assert_string_equal(out.verdict, rows[i].verdict);
        assert_string_equal(out.rule, rows[i].rule);
        explain_write(policy, &out, &text);
        explain_write_timeline(&out, question.now_utc_s, &text); /* without any date */
        explain_write_svg(&out, question.now_utc_s, &text);
        buf_free(&text);
        explain_free(&out);
        policy_free(&policy);
    }
}

static void test_member_and_sender(void **state)
{
    (void)state;
    struct policy *policy = preset("cloud-model@2026");
    struct decide_member member = {.class = "hosting-provider", .tier = "service-providers", .key_state = "usable"};
    struct decide_sender sender = {.kind = POLICY_STRANGER};
    struct explain_question question = {.now_utc_s = 1790000000, .member = &member};
    struct buf text = BUF_EMPTY;
    struct explain out;
    explain_make(policy, &question, &out);
    assert_string_equal(out.verdict, "send");
    assert_string_equal(out.rule, "tiers.service-providers");
    assert_int_equal(out.uses[POLICY_USE_PLAN_UPGRADE].word, POLICY_ADVISORY);
    assert_true(lists(&out.unstated, "tiers.service-providers.uses.tell_cve"));
    assert_true(lists(&out.unstated, "tiers.service-providers.notice.before_publish"));
    explain_write(policy, &out, &text);
    assert_non_null(strstr(buf_text(&text), "tell_cve           deny, since unstated"));
    explain_free(&out);
    question.sender = &sender;
    question.to = POLICY_TO_MEMBERS;
    explain_make(policy, &question, &out);
    assert_string_equal(out.verdict, "refuse");
    assert_string_equal(out.rule, "posting.none");
    explain_free(&out);
    question.to = POLICY_TO_REPORT;
    explain_make(policy, &question, &out);
    assert_string_equal(out.verdict, "allow");
    assert_string_equal(out.file, "defaults.conf");
    explain_free(&out);
    buf_free(&text);
    policy_free(&policy);
}

/* The advisory's own words decide what is left to it, and may only narrow the rest. */
static void test_uses_of_an_advisory(void **state)
{
    (void)state;
    struct policy *policy = preset("cloud-model@2026");
    const struct policy_tier *tier = policy_tier_find(policy, "distros");
    static const char *const allow[] = {"plan_upgrade", "tell_cve"}, *const deny[] = {"build_test"},
                             *const bad[] = {"biuld_test"};
    unsigned allow_bits, deny_bits;
    struct decide_use uses[POLICY_USES];
    struct diag why = {0};
    assert_true(decide_uses_parse(allow, 2, &allow_bits, &why));
    assert_true(decide_uses_parse(deny, 1, &deny_bits, &why));
    assert_false(decide_uses_parse(bad, 1, &deny_bits, &why));
    assert_non_null(strstr(why.text, "`build_test`"));
    assert_true(decide_uses_parse(deny, 1, &deny_bits, &why));
    decide_uses(tier, allow_bits, deny_bits, uses);
    assert_int_equal(uses[POLICY_USE_PLAN_UPGRADE].word, POLICY_ALLOW);
    assert_int_equal(uses[POLICY_USE_DEPLOY_HOSTED].word, POLICY_DENY);
    assert_int_equal(uses[POLICY_USE_TELL_CVE].word, POLICY_DENY);
    assert_int_equal(uses[POLICY_USE_BUILD_TEST].word, POLICY_DENY);
    policy_free(&policy);
}

/* policy, question, what its answer says; a question of a preset that no row asks fails. */
static void answer_row(int line, char **f, void *context)
{
    unsigned short *asked = context;
    size_t n_presets;
    const char *const *presets = fixture_presets(&n_presets);
    int number = (int)strtol(f[1], NULL, 10);
    struct policy *policy = preset(f[0]);
    struct buf text = BUF_EMPTY;
    explain_answer(policy, number, &text);
    if (strstr(buf_text(&text), f[2]) == NULL)
        fail_msg("line %d: %s, question %d: %s", line, f[0], number, buf_text(&text));
    for (size_t i = 0; i < n_presets; i++) {
        if (strcmp(presets[i], f[0]) == 0)
            asked[i] |= (unsigned short)(1 << number);
    }
    buf_free(&text);
    policy_free(&policy);
}

static void test_twelve_answers(void **state)
{
    (void)state;
    unsigned short asked[64] = {0};
    size_t n_presets;
    const char *const *presets = fixture_presets(&n_presets);
    fixture_table("tests/policy/answers.tsv", answer_row, asked);
    for (size_t i = 0; i < n_presets; i++) {
        if (asked[i] != 0x1ffe)
            fail_msg("%s: not all twelve questions are in the table", presets[i]);
        struct policy *policy = preset(presets[i]);
        struct buf text = BUF_EMPTY;
        explain_show(policy, &text);
        assert_non_null(strstr(buf_text(&text), presets[i]));
        assert_non_null(strstr(buf_text(&text), "\n12. "));
        buf_free(&text);
        policy_free(&policy);
    }
}

int main(int argc, char **argv)
{
    fixture_root(argc, argv);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_case_of_xen),       cmocka_unit_test(test_other_verdicts),
        cmocka_unit_test(test_member_and_sender), cmocka_unit_test(test_uses_of_an_advisory),
        cmocka_unit_test(test_twelve_answers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

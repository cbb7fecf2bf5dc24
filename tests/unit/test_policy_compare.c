/*
 * Histories: what is read, what is left out and named, and what a policy would have done, worked out by hand.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "policy/compare.h"
#include "unit/policy_fixture.h"

static struct policy *preset(const char *name)
{
    char *path = mem_printf("templates/policy/%s.conf", name);
    struct policy *policy = fixture_load_file(path, true);
    free(path);
    return policy;
}

static void history(const char *csv, struct compare_history *out)
{
    struct policy_text text = {"h.csv", csv, strlen(csv)};
    struct diag why = {0};
    assert_int_equal(compare_history_parse(&text, out, &why), ERR_OK);
}

static void test_rows_left_out(void **state)
{
    (void)state;
    static const char csv[] = "id,reported,told,public,severity,weekday\r\n"
                              "A-1,2026-01-05,2026-01-06,2026-01-12,high,Mon\r\n"
                              "A-2,2026-01-05,2026-01-04,2026-01-12,,\n"
                              "\n"
                              "A-3,2026-01-05,,2026-01-04,,\n"
                              "A-4,,2026-01-05,2026-01-04,,\n"
                              "A-2025-1,,,2024-05-08,,\n"
                              "A-2025-2,,,2027-05-08,,\n"
                              "CVE-2015-1,,,2027-05-08,,\n"
                              "A-5,,,2026-02-29,,\n"
                              "A-6,,,,,\n"
                              "A-7,,,2026-01-12,,Tue\n"
                              "A-8,,,2026-01-12,severe,\n"
                              "A-9,yesterday,,2026-01-12,,\n"
                              "\"A,\"\"10\"\"\nx\",20260105,20260106,20260112,low,mon\n"
                              "A-11,,,2026-01-12 (actual soon),,";
    static const struct {
        int line;
        const char *words;
    } left_out[] = {
        {3, "A-2: told before it was reported"},
        {5, "A-3: public before it was reported"},
        {6, "A-4: public before anybody was told"},
        {7, "A-2025-1: dated in another year"},
        {8, "A-2025-2: dated in another year"},
        {10, "A-5: a date of publication that is none"},
        {11, "A-6: no date of publication"},
        {12, "A-7: its weekday"},
        {13, "A-8: a severity"},
        {14, "A-9: a date that is none"},
        {17, "A-11: an actual date"},
    };
    struct compare_history h;
    history(csv, &h);
    assert_int_equal(h.n, 3);
    assert_string_equal(h.cases[1].id, "CVE-2015-1");
    assert_string_equal(h.cases[2].id, "A,\"10\"\nx");
    assert_int_equal(h.cases[2].severity, POLICY_LOW);
    assert_int_equal(h.cases[2].reported_utc_s, fixture_instant("2026-01-05T12:00:00Z"));
    assert_int_equal(h.left_out.n, sizeof(left_out) / sizeof(left_out[0]));
    for (size_t i = 0; i < h.left_out.n; i++) {
        assert_int_equal(h.left_out.items[i].line, left_out[i].line);
        assert_non_null(strstr(h.left_out.items[i].text, left_out[i].words));
    }
    compare_history_free(&h);
}

static void test_no_headings(void **state)
{
    (void)state;
    static const char *const texts[] = {"", "a,b\n1,2\n", "id,told\n", "\"id"};
    for (size_t i = 0; i < 4; i++) {
        struct policy_text text = {"h.csv", texts[i], strlen(texts[i])};
        struct compare_history h;
        struct diag why = {0};
        assert_int_equal(compare_history_parse(&text, &h, &why), ERR_REJECT);
        assert_string_equal(why.rule, "history.headings");
        compare_history_free(&h);
    }
}

/* Five events of linux-distros come out as what they were. */
static void test_events(void **state)
{
    (void)state;
    static const char csv[] = "issue,to_list,crd_or_public,embargo_days,note,source\n"
                              "one,2015-04-30,2015-05-13,13,ordinary case,x\n"
                              "two,2021-07-06,2021-07-20T12:00Z,14,exactly the maximum; date with hour and UTC,x\n"
                              "three,2021-09-01,2021-10-26,55,asked for \"14 days\" without a date; everyone forgot,x\n"
                              "four,2026-03-10,2026-03-29T16:00Z,19,over the maximum,x\n"
                              "five,2026-06-21,2026-07-01 (actual 2026-08-18),10,never posted,x\n";
    static const struct {
        enum compare_verdict verdict;
        int days;
        bool refused;
    } wanted[] = {
        {COMPARE_WITHIN, 13, false}, {COMPARE_AT_LIMIT, 14, false},        {COMPARE_WITHOUT_DATE, 55, true},
        {COMPARE_OVER, 19, true},    {COMPARE_NEVER_PUBLISHED, 10, false},
    };
    struct policy *policy = preset("linux-distros@2026");
    struct compare_history h;
    struct compare_result result;
    history(csv, &h);
    compare_run(policy, &h, 7, &result);
    assert_int_equal(result.n, 5);
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(result.outcomes[i].verdict, wanted[i].verdict);
        assert_int_equal(result.outcomes[i].days, wanted[i].days);
        assert_int_equal(result.outcomes[i].refused, wanted[i].refused);
    }
    assert_string_equal(result.outcomes[3].rule, "clocks.embargo.max");
    assert_true(result.outcomes[3].line > 0);
    assert_int_equal(result.n_refused, 2);
    compare_result_free(&result);
    compare_history_free(&h);
    policy_free(&policy);
}

/*
 * One case, reported on Monday 5 January 2026 and public on Monday 26 January, a roll-out of 7 days. Xen tells
 * everybody 10 business days before (12 January); linux-distros tells distributions one day before.
 */
static void test_exposure(void **state)
{
    (void)state;
    struct policy *policies[2] = {preset("xen@2026"), preset("linux-distros@2026")};
    struct compare_result results[2];
    struct compare_history h;
    struct buf text = BUF_EMPTY;
    history("id,reported,told,public,severity\nA-1,2026-01-05,2026-01-12,2026-01-26,high\n", &h);
    for (int i = 0; i < 2; i++)
        compare_run(policies[i], &h, 7, &results[i]);
    const struct compare_exposure *xen = results[0].classes, *distros = results[1].classes;
    assert_true(xen[COMPARE_DISTRIBUTIONS].notice_days == 14 && xen[COMPARE_DISTRIBUTIONS].report_days == 7);
    assert_true(xen[COMPARE_PROVIDERS].notice_days == 14 && xen[COMPARE_PROVIDERS].exposed_days == 0);
    assert_true(xen[COMPARE_USERS].n_told == 0 && xen[COMPARE_USERS].exposed_days == 7);
    assert_true(xen[COMPARE_USERS].report_days == 21);
    assert_true(distros[COMPARE_DISTRIBUTIONS].notice_days == 1 && distros[COMPARE_DISTRIBUTIONS].exposed_days == 6);
    assert_true(distros[COMPARE_PROVIDERS].n_told == 0 && distros[COMPARE_PROVIDERS].exposed_days == 7);
    assert_int_equal(results[0].n_tiers, 1);
    assert_string_equal(results[0].tiers[0].name, "predisclosure");
    assert_true(results[0].tiers[0].n_told == 1 && results[0].tiers[0].notice_days == 14);
    assert_int_equal(results[1].n_tiers, 2);
    assert_true(results[1].tiers[1].n_told == 1 && results[1].tiers[1].notice_days == 1);
    assert_int_equal(results[0].outcomes[0].verdict, COMPARE_UNDER_NO_LIMIT);
    assert_int_equal(results[1].outcomes[0].verdict, COMPARE_AT_LIMIT);
    compare_write_history((const struct policy *const *)policies, results, &h, 7, &text);
    assert_non_null(strstr(buf_text(&text), "xen@2026: 1 cases, 0 embargoes refused"));
    assert_non_null(strstr(buf_text(&text), "A-1: at the limit, 14 days"));
    buf_clear(&text);
    compare_write_answers(policies[0], policies[1], &text);
    assert_non_null(strstr(buf_text(&text), "* 8. "));
    assert_non_null(strstr(buf_text(&text), "linux-distros@2026: embargo: from list-post"));
    for (int i = 0; i < 2; i++) {
        compare_result_free(&results[i]);
        policy_free(&policies[i]);
    }
    buf_free(&text);
    compare_history_free(&h);
}

/* What is of low severity is published at once by linux-distros' rules: an embargo of it is refused. */
static void test_full_track_refuses(void **state)
{
    (void)state;
    struct policy *policy = preset("linux-distros@2026");
    struct compare_result result;
    struct compare_history h;
    history("id,reported,told,public,severity\nA-1,2026-01-05,2026-01-12,2026-01-14,low\nA-2,,,2026-01-14,\n", &h);
    compare_run(policy, &h, 7, &result);
    assert_int_equal(result.outcomes[0].verdict, COMPARE_FULL);
    assert_true(result.outcomes[0].refused);
    assert_string_equal(result.outcomes[0].rule, "tracks.low.mode");
    assert_int_equal(result.outcomes[1].verdict, COMPARE_NOT_KNOWN);
    compare_result_free(&result);
    compare_history_free(&h);
    policy_free(&policy);
}

int main(int argc, char **argv)
{
    fixture_root(argc, argv);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_left_out), cmocka_unit_test(test_no_headings),        cmocka_unit_test(test_events),
        cmocka_unit_test(test_exposure),      cmocka_unit_test(test_full_track_refuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "policy/states.h"

/* The design's arrows, written by hand: from, event, to ("-": refused). */
static const struct {
    const char *from, *to;
    enum case_event on;
} case_rows[] = {
    {"new", "accepted", CASE_ACCEPT},
    {"new", "rejected", CASE_REJECT},
    {"new", "duplicate", CASE_MARK_DUPLICATE},
    {"accepted", "fix-ready", CASE_FIX},
    {"fix-ready", "predisclosed", CASE_PREDISCLOSE},
    {"accepted", "predisclosed", CASE_PREDISCLOSE},
    {"predisclosed", "public", CASE_RELEASE},
    {"public", "closed", CASE_CLOSE},
    {"public", "accepted", CASE_REOPEN},
    {"new", "public", CASE_BREAK},
    {"accepted", "public", CASE_LIFT},
    {"fix-ready", "public", CASE_RELEASE},
    {"predisclosed", "predisclosed", CASE_EXTEND},
    {"new", "-", CASE_PREDISCLOSE},
    {"new", "-", CASE_FIX},
    {"new", "-", CASE_CLOSE},
    {"public", "-", CASE_PREDISCLOSE},
    {"public", "-", CASE_RELEASE},
    {"public", "-", CASE_EXTEND},
    {"closed", "-", CASE_REOPEN},
    {"rejected", "-", CASE_ACCEPT},
    {"duplicate", "-", CASE_RELEASE},
    {"predisclosed", "-", CASE_REJECT},
};

static void test_cases(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(case_rows) / sizeof(case_rows[0]); i++) {
        const struct case_step *step;
        struct diag why = {0};
        enum case_state from;
        assert_true(case_state_parse(case_rows[i].from, &from));
        enum err err = case_step_find(from, case_rows[i].on, &step, &why);
        if (strcmp(case_rows[i].to, "-") == 0) {
            assert_int_equal(err, ERR_DENIED);
            assert_string_equal(why.rule, "state.case");
            assert_null(step);
        } else {
            assert_int_equal(err, ERR_OK);
            assert_string_equal(case_state_name(step->to), case_rows[i].to);
        }
    }
}

static void test_every_open_case_can_become_public(void **state)
{
    (void)state;
    static const enum case_event ends[] = {CASE_LIFT, CASE_BREAK, CASE_RELEASE};
    for (int from = 0; from < CASE_STATES; from++) {
        for (size_t k = 0; k < 3; k++) {
            const struct case_step *step;
            enum err err = case_step_find((enum case_state)from, ends[k], &step, NULL);
            assert_int_equal(err, case_is_open((enum case_state)from) ? ERR_OK : ERR_DENIED);
            if (step != NULL) {
                assert_int_equal(step->to, CASE_PUBLIC);
                assert_int_equal(step->effect, EFFECT_PUBLISH);
            }
        }
    }
}

static void test_no_pair_stands_twice(void **state)
{
    (void)state;
    size_t n;
    const struct case_step *steps = case_steps_all(&n);
    for (size_t i = 0; i < n; i++) {
        const struct case_step *found;
        assert_int_equal(case_step_find(steps[i].from, steps[i].on, &found, NULL), ERR_OK);
        assert_ptr_equal(found, &steps[i]);
    }
    const struct application_step *applications = application_steps_all(&n);
    for (size_t i = 0; i < n; i++) {
        const struct application_step *found;
        assert_int_equal(application_step_find(applications[i].from, applications[i].on, &found, NULL), ERR_OK);
        assert_ptr_equal(found, &applications[i]);
    }
    const struct member_step *members = member_steps_all(&n);
    for (size_t i = 0; i < n; i++) {
        const struct member_step *found;
        assert_int_equal(member_step_find(members[i].from, members[i].on, &found, NULL), ERR_OK);
        assert_ptr_equal(found, &members[i]);
    }
}

static void test_application_from_receipt_to_member(void **state)
{
    (void)state;
    static const struct {
        enum application_event on;
        const char *to;
    } path[] = {
        {APPLICATION_FIND_INCOMPLETE, "incomplete"}, {APPLICATION_AMEND, "received"},
        {APPLICATION_FIND_COMPLETE, "complete"},     {APPLICATION_APPROVE, "voted"},
        {APPLICATION_CHALLENGE, "challenged"},       {APPLICATION_ANSWER, "active"},
    };
    const struct application_step *step;
    enum application_state now = APPLICATION_RECEIVED;
    for (size_t i = 0; i < sizeof(path) / sizeof(path[0]); i++) {
        assert_int_equal(application_step_find(now, path[i].on, &step, NULL), ERR_OK);
        assert_string_equal(application_state_name(step->to), path[i].to);
        now = step->to;
    }
    assert_int_equal(step->effect, EFFECT_ADMIT);
    /* No one becomes a member without the challenge, nor is an incomplete application voted on. */
    assert_int_equal(application_step_find(APPLICATION_VOTED, APPLICATION_ANSWER, &step, NULL), ERR_DENIED);
    assert_int_equal(application_step_find(APPLICATION_INCOMPLETE, APPLICATION_APPROVE, &step, NULL), ERR_DENIED);
    assert_int_equal(application_step_find(APPLICATION_ACTIVE, APPLICATION_DECLINE, &step, NULL), ERR_DENIED);
}

static void test_members(void **state)
{
    (void)state;
    const struct member_step *step;
    struct diag why = {0};
    assert_int_equal(member_step_find(MEMBER_ACTIVE, MEMBER_REMOVE, &step, NULL), ERR_OK);
    assert_int_equal(step->effect, EFFECT_STOP);
    assert_int_equal(member_step_find(MEMBER_SUSPENDED, MEMBER_REINSTATE, &step, NULL), ERR_OK);
    assert_int_equal(step->to, MEMBER_ACTIVE);
    assert_int_equal(member_step_find(MEMBER_REMOVED, MEMBER_REINSTATE, &step, &why), ERR_DENIED);
    assert_non_null(strstr(why.text, "removed"));
    assert_int_equal(member_step_find(MEMBER_ACTIVE, MEMBER_REINSTATE, &step, &why), ERR_DENIED);
    assert_non_null(strstr(why.text, "suspend, remove"));
}

static void test_names(void **state)
{
    (void)state;
    enum case_state found;
    for (int i = 0; i < CASE_STATES; i++) {
        assert_true(case_state_parse(case_state_name((enum case_state)i), &found));
        assert_int_equal(found, i);
    }
    assert_false(case_state_parse("New", &found));
    assert_string_equal(case_state_name((enum case_state)99), "unknown");
    assert_string_equal(effect_name(EFFECT_RESUME), "resume");
    assert_string_equal(case_event_name(CASE_DEFECT), "patch-defect");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases),
        cmocka_unit_test(test_every_open_case_can_become_public),
        cmocka_unit_test(test_no_pair_stands_twice),
        cmocka_unit_test(test_application_from_receipt_to_member),
        cmocka_unit_test(test_members),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "io/courier_lane.h"

#include <stdio.h>

static void test_domains(void **state)
{
    (void)state;
    assert_true(courier_lane_of("a@example.org") == courier_lane_of("B@EXAMPLE.ORG"));
    assert_true(courier_lane_of("\"a@x\"@example.org") == courier_lane_of("b@example.org"));
    assert_true(courier_lane_of("a@example.org") != courier_lane_of("a@example.net"));
    assert_true(courier_lane_of(NULL) == courier_lane_of("nobody"));
}

static void test_marks(void **state)
{
    struct courier_lanes lanes = {0};

    (void)state;
    assert_false(courier_lane_is_slow(&lanes, 0, 1));
    courier_lane_mark(&lanes, 7, 1000);
    assert_true(courier_lane_is_slow(&lanes, 7, 1000));
    assert_true(courier_lane_is_slow(&lanes, 7, 1000 + COURIER_SLOW_KEPT_MS - 1));
    assert_false(courier_lane_is_slow(&lanes, 7, 1000 + COURIER_SLOW_KEPT_MS));
    assert_false(courier_lane_is_slow(&lanes, 8, 1000));
    courier_lane_mark(&lanes, 7, 2000); /* again: longer */
    assert_true(courier_lane_is_slow(&lanes, 7, 1000 + COURIER_SLOW_KEPT_MS));
    courier_lane_clear(&lanes, 7);
    courier_lane_clear(&lanes, 7);
    assert_false(courier_lane_is_slow(&lanes, 7, 2000));
}

/* More than can be remembered: the oldest is forgotten. */
static void test_many(void **state)
{
    struct courier_lanes lanes = {0};

    (void)state;
    for (uint64_t i = 0; i <= COURIER_SLOW_DOMAINS; i++)
        courier_lane_mark(&lanes, i, (int64_t)i);
    assert_false(courier_lane_is_slow(&lanes, 0, 1));
    for (uint64_t i = 1; i <= COURIER_SLOW_DOMAINS; i++)
        assert_true(courier_lane_is_slow(&lanes, i, 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_domains),
        cmocka_unit_test(test_marks),
        cmocka_unit_test(test_many),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Whether the clock may be believed: by hand-made facts, through jumps, reboots and restarts. */
#include "tests/unit/store_fixture.h"

#include "flow/clock_guard.h"

#define BOOT 5000

static const char one[] = "11111111-1111-1111-1111-111111111111";
static const char two[] = "22222222-2222-2222-2222-222222222222";

static struct clock_facts facts(const char *boot_id, int64_t boot_s, int64_t wall, bool synchronised)
{
    struct clock_facts f = {.synchronised = synchronised, .wall_utc_s = wall, .boot_s = boot_s};

    snprintf(f.boot_id, sizeof f.boot_id, "%s", boot_id);
    return f;
}

static enum clock_trust judge(struct clock_guard *g, const char *boot_id, int64_t boot_s, int64_t wall)
{
    struct clock_facts f = facts(boot_id, boot_s, wall, true);

    return clock_guard_judge(g, &f);
}

static void test_one_boot(void **state)
{
    struct clock_guard g = {.enforced = true};
    struct clock_facts loose = facts(one, BOOT, NOW, false);

    (void)state;
    /* Nothing is believed before the kernel says that it is synchronised. */
    assert_int_equal(clock_guard_judge(&g, &loose), CLOCK_UNSYNCHRONISED);
    assert_false(g.has_anchor);
    assert_string_equal(clock_guard_rule(&g), "clock.unsynchronised");
    assert_int_equal(judge(&g, one, BOOT, NOW), CLOCK_TRUSTED);
    assert_string_equal(clock_guard_rule(&g), "");
    /* Five minutes either way, and a second more. */
    assert_int_equal(judge(&g, one, BOOT + 60, NOW + 60 + 300), CLOCK_TRUSTED);
    assert_int_equal(judge(&g, one, BOOT + 60, NOW + 60 + 301), CLOCK_JUMPED);
    assert_int_equal(g.off_by_s, 301);
    assert_int_equal(judge(&g, one, BOOT + 60, NOW + 60 - 300), CLOCK_TRUSTED);
    assert_int_equal(judge(&g, one, BOOT + 60, NOW + 60 - 301), CLOCK_JUMPED);
    /* A jump undone is believed again; a sleep, which boot time counts, is none. */
    assert_int_equal(judge(&g, one, BOOT + 120, NOW + 120), CLOCK_TRUSTED);
    assert_int_equal(judge(&g, one, BOOT + 3 * 86400, NOW + 3 * 86400), CLOCK_TRUSTED);
    /* Unsynchronised, and moved as well: the worse is said. */
    loose = facts(one, BOOT + 3 * 86400, NOW + 30 * 86400, false);
    assert_int_equal(clock_guard_judge(&g, &loose), CLOCK_JUMPED);
    assert_string_equal(clock_guard_rule(&g), "clock.jumped");
}

static void test_drift(void **state)
{
    struct clock_guard g = {.enforced = true};

    (void)state;
    /* Four minutes in a day, each day: the anchor goes along, so that drift is no jump. */
    for (int day = 0; day < 100; day++)
        assert_int_equal(judge(&g, one, BOOT + day * 86400, NOW + day * (86400 + 240)), CLOCK_TRUSTED);
    /* Within the day it stays where it is. */
    assert_int_equal(judge(&g, one, BOOT + 99 * 86400 + 1000, NOW + 99 * 86640 + 1000 + 301), CLOCK_JUMPED);
}

static void test_reboot(void **state)
{
    struct clock_guard g = {.enforced = true};

    (void)state;
    assert_int_equal(judge(&g, one, BOOT, NOW), CLOCK_TRUSTED);
    assert_int_equal(judge(&g, one, BOOT + 600, NOW + 600), CLOCK_TRUSTED);
    /* Earlier than the last heartbeat by more than five minutes cannot be. */
    assert_int_equal(judge(&g, two, 10, NOW + 600 - 301), CLOCK_JUMPED);
    assert_int_equal(judge(&g, two, 11, NOW + 600 - 300), CLOCK_TRUSTED);
    /* From then on it is the new boot that counts. */
    assert_int_equal(judge(&g, two, 100, NOW + 900), CLOCK_JUMPED);
}

static void test_vouch(void **state)
{
    struct clock_guard g = {.enforced = true};
    struct clock_facts now = facts(one, BOOT + 10, NOW - 86400, true);

    (void)state;
    assert_int_equal(judge(&g, one, BOOT, NOW), CLOCK_TRUSTED);
    assert_int_equal(clock_guard_judge(&g, &now), CLOCK_JUMPED);
    clock_guard_vouch(&g, &now);
    assert_int_equal(clock_guard_judge(&g, &now), CLOCK_TRUSTED);
    assert_int_equal(judge(&g, one, BOOT + 20, NOW + 20), CLOCK_JUMPED);
}

/* What the database keeps is found again by the next daemon. */
static void test_heartbeat(void **state)
{
    struct store *s = *state;
    struct clock_guard g;
    struct clock_facts now;

    clock_facts_read(&now);
    assert_true(now.wall_utc_s > NOW - 10 * INT64_C(31557600));
    assert_true(now.boot_s > 0);
    clock_guard_open(&g, s->db, true);
    assert_false(g.has_anchor);
    clock_guard_vouch(&g, &now);
    g.trust = CLOCK_TRUSTED;
    clock_guard_tick(&g, s->db);
    if (g.trust == CLOCK_TRUSTED) {
        clock_guard_open(&g, s->db, true);
        assert_true(g.has_anchor);
        assert_string_equal(g.boot_id, *now.boot_id ? now.boot_id : "-");
        assert_true(g.beat_utc_s >= now.wall_utc_s);
    }
    /* Not enforced, it is believed whatever it says. */
    clock_guard_open(&g, s->db, false);
    assert_int_equal(clock_guard_tick(&g, s->db), CLOCK_TRUSTED);
    assert_string_equal(clock_guard_rule(&g), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_boot), cmocka_unit_test(test_drift), cmocka_unit_test(test_reboot),
        cmocka_unit_test(test_vouch),    WITH_STORE(test_heartbeat),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/instant.h"
#include "tests/lib/testdir.h"

#include <time.h>

struct fixture {
    char *dir;
    char file[4096];
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);

    f->dir = testdir_make();
    snprintf(f->file, sizeof f->file, "%s/clock", f->dir);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    testdir_remove(f->dir);
    free(f);
    return 0;
}

static void write_clock(const struct fixture *f, const char *text)
{
    FILE *file = fopen(f->file, "we");

    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static int64_t at(const char *text)
{
    int64_t out;

    assert_true(instant_parse(text, &out));
    return out;
}

static void test_kernel(void **state)
{
    struct clock c;
    struct diag why;
    int64_t before, now, ms;

    (void)state;
    assert_int_equal(clock_open(&c, NULL, &why), ERR_OK);
    assert_false(clock_is_rehearsal(&c));
    before = time(NULL);
    now = clock_now(&c);
    assert_true(now >= before - 1 && now <= time(NULL) + 1);
    ms = clock_monotonic_ms();
    assert_true(clock_monotonic_ms() >= ms);
    clock_close(&c);
}

static void test_rehearsal_moves(void **state)
{
    struct fixture *f = *state;
    struct clock c;
    struct diag why;

    write_clock(f, "2026-11-22T15:00:00Z\n");
    assert_int_equal(clock_open(&c, f->file, &why), ERR_OK);
    assert_true(clock_is_rehearsal(&c));
    assert_true(clock_now(&c) == at("2026-11-22T15:00:00Z"));
    write_clock(f, "2026-12-01T00:00:00+01:00");
    assert_true(clock_now(&c) == at("2026-11-30T23:00:00Z"));
    write_clock(f, "2026-11-01T00:00:00Z\r\n\r\n");
    assert_true(clock_now(&c) == at("2026-11-01T00:00:00Z"));
    clock_close(&c);
    assert_false(clock_is_rehearsal(&c));
}

/* Whatever part of a new instant has been written yet, the last good one stays. */
static void test_half_written(void **state)
{
    static const char later[] = "2027-01-31T09:30:00Z";
    struct fixture *f = *state;
    struct clock c;
    struct diag why;
    char part[sizeof later];

    write_clock(f, "2026-11-22T15:00:00Z");
    assert_int_equal(clock_open(&c, f->file, &why), ERR_OK);
    for (size_t n = 0; n < sizeof later - 1; n++) {
        memcpy(part, later, n);
        part[n] = 0;
        write_clock(f, part);
        assert_true(clock_now(&c) == at("2026-11-22T15:00:00Z"));
    }
    write_clock(f, later);
    assert_true(clock_now(&c) == at(later));
    remove(f->file);
    assert_true(clock_now(&c) == at(later));
    clock_close(&c);
}

static void test_no_instant(void **state)
{
    static const char *const rows[] = {
        "",
        "\n",
        " 2026-11-22T15:00:00Z",
        "now",
        "1795359600",
        "2026-11-22",
        "2026-11-22T15:00:00",
        "2026-11-22T15:00:00.00000000000000000000000000000000000000000000000000000000000000Z",
    };
    struct fixture *f = *state;
    struct clock c;
    struct diag why;

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        write_clock(f, rows[i]);
        assert_int_equal(clock_open(&c, f->file, &why), ERR_REJECT);
        assert_string_equal(why.rule, "clock.file");
        assert_null(c.file);
    }
    remove(f->file);
    assert_int_equal(clock_open(&c, f->file, &why), ERR_REJECT);
    assert_int_equal(clock_open(&c, f->dir, &why), ERR_REJECT);
}

#define WITH_DIR(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kernel),
        WITH_DIR(test_rehearsal_moves),
        WITH_DIR(test_half_written),
        WITH_DIR(test_no_instant),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "pgp_fixture.h"

#include "codec/pgp_probe.h"

#include <time.h>

#define DAY_S ((int64_t)86400)

static void append(const char *home, const char *line)
{
    char *path = mem_printf("%s/gpg.conf", home);
    FILE *f = fopen(path, "a");

    assert_non_null(f);
    assert_true(fputs(line, f) >= 0);
    assert_int_equal(fclose(f), 0);
    free(path);
}

/* Whether gpg is blamed, and under which rule. */
static void probed(const char *home, const char *fingerprint, enum err want, const char *rule, bool blamed)
{
    struct diag why = {.rule = ""};
    enum err err = pgp_probe(home, fingerprint, &why);

    if (want)
        check_fails(err, want, rule, &why);
    else
        check_ok(err, &why);
    assert_int_equal(pgp_probe_blames_gpg(err, &why), blamed);
}

static void test_well(void **state)
{
    char fpr[PGP_FPR_SIZE];
    const char *home = home_with_key("well", PGP_HOME_LIST, fpr);

    (void)state;
    probed(home, fpr, ERR_OK, "", false);
    probed(home, "0123456789ABCDEF0123456789ABCDEF01234567", ERR_REJECT, "key.unusable", false);
}

/* One opens nothing, the other neither seals nor opens, and says the same of it as of a key that it cannot use. */
static void test_gpg_is_broken(void **state)
{
    static const char *const faults[] = {"list-only\n", "max-output 5\n"};
    char fpr[PGP_FPR_SIZE];

    (void)state;
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        const char *home = home_with_key(i ? "mute" : "blind", PGP_HOME_LIST, fpr);

        append(home, faults[i]);
        probed(home, fpr, ERR_AGAIN, "pgp.engine", true);
    }
}

static void test_secret_key_is_gone(void **state)
{
    char fpr[PGP_FPR_SIZE];
    const char *home = home_with_key("gone", PGP_HOME_LIST, fpr);
    char *keys = mem_printf("%s/private-keys-v1.d", home);

    (void)state;
    pgp_home_stop_agent(home);
    assert_int_equal(run_tool(NULL, false, ARGS("rm", "-r", keys)), 0);
    probed(home, fpr, ERR_AGAIN, "agent", true);
    free(keys);
}

/* A list's key that has expired takes no encryption, which says nothing of gpg. */
static void test_key_has_expired(void **state)
{
    char fpr[PGP_FPR_SIZE];
    const char *home = home_with_key("old", PGP_HOME_LIST, fpr);
    struct diag why;

    (void)state;
    assert_int_equal(run_tool(NULL, false, ARGS("gpg", "--homedir", home, "--batch", "--quick-set-expire", fpr, "1d")),
                     0);
    assert_int_equal(
        run_tool(NULL, false, ARGS("gpg", "--homedir", home, "--batch", "--quick-set-expire", fpr, "1d", "*")), 0);
    check_ok(pgp_home_set_time(home, (int64_t)time(NULL) + 2 * DAY_S, &why), &why);
    probed(home, fpr, ERR_REJECT, "key.unusable", false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_well),
        cmocka_unit_test(test_gpg_is_broken),
        cmocka_unit_test(test_secret_key_is_gone),
        cmocka_unit_test(test_key_has_expired),
    };

    return cmocka_run_group_tests(tests, make_scratch, remove_scratch);
}

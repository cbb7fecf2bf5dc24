/* Keys in homes of their own, for the tests of codec/pgp_key.h. */
#ifndef TESTS_PGP_KEY_FIXTURE_H
#define TESTS_PGP_KEY_FIXTURE_H

#include "pgp_fixture.h"

#include <time.h>

#define DAY ((int64_t)86400)

static inline int gpg_in(const char *home, const char *const *args)
{
    const char *argv[32] = {"gpg",      "--homedir",    home, "--batch", "--yes", "--pinentry-mode",
                            "loopback", "--passphrase", ""};
    size_t n = 9;

    while (*args && n < 31)
        argv[n++] = *args++;
    return run_tool(NULL, false, argv);
}

static inline int64_t now(void)
{
    return (int64_t)time(NULL);
}

/* A home of its own for each key, made at an instant (INSTANT_NONE: now). */
static inline const char *fresh_home(const char *name, int64_t at)
{
    const char *home = in_scratch(name);
    struct diag why;

    check_ok(pgp_home_make(home, PGP_HOME_LIST, &why), &why);
    check_ok(pgp_home_set_time(home, at, &why), &why);
    return home;
}

static inline void only_key(const char *home, char *fingerprint)
{
    char list[1][PGP_FPR_SIZE];
    struct diag why;
    size_t n;

    check_ok(pgp_key_list(home, false, list, 1, &n, &why), &why);
    assert_int_equal(n, 1);
    memcpy(fingerprint, list[0], PGP_FPR_SIZE);
}

static inline void exported(const char *home, struct buf *out)
{
    char fingerprint[PGP_FPR_SIZE];
    struct diag why;

    only_key(home, fingerprint);
    check_ok(pgp_key_export(home, fingerprint, false, false, out, &why), &why);
}

static inline struct pgp_key_info examined(struct span in)
{
    struct pgp_key_info info;
    struct diag why;
    size_t n;

    check_ok(pgp_key_examine(scratch, in, &info, 1, &n, &why), &why);
    assert_int_equal(n, 1);
    return info;
}

static inline void expect_state(const char *home, int64_t at, enum pgp_key_state want)
{
    struct buf key = BUF_EMPTY;
    struct pgp_key_info info;
    char reason[160];
    enum pgp_key_state got;

    exported(home, &key);
    info = examined(buf_span(&key));
    got = pgp_key_state_at(&info, at, reason, sizeof reason);
    if (got != want)
        fail_msg("%s is %s (%s) instead of %s", home, pgp_key_state_name(got), reason, pgp_key_state_name(want));
    assert_int_equal(reason[0] != 0, want != PGP_KEY_USABLE);
    buf_free(&key);
}

/* The revocation certificate that gpg made with the key; it stands there with a colon, so that nobody imports it by
 * chance. */
static inline void revocation_of(const char *home, const char *fingerprint, struct buf *out)
{
    char *path = mem_printf("%s/openpgp-revocs.d/%s.rev", home, fingerprint);

    read_file(path, out);
    *strstr((char *)out->data, ":-----BEGIN") = '\n';
    free(path);
}

#endif

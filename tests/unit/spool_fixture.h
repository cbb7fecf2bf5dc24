/*
 * What the tests of the spool share: a spool in a throw-away directory, and a mail put into it.
 */
#ifndef TESTS_SPOOL_FIXTURE_H
#define TESTS_SPOOL_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/spool.h"
#include "tests/lib/testdir.h"

struct fixture {
    char *dir;
    struct spool *spool;
};

static const char *const one[] = {"security@example.org"};

static inline struct spool_envelope envelope_of(const char *const *recipients, size_t n)
{
    return (struct spool_envelope){.sender = "finder@example.net",
                                   .recipients = recipients,
                                   .n_recipients = n,
                                   .received_at_utc_s = 1795359600,
                                   .origin = SPOOL_FROM_LMTP};
}

static inline int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    struct diag why;

    f->dir = testdir_make();
    assert_int_equal(spool_open(f->dir, &f->spool, &why), ERR_OK);
    *state = f;
    return 0;
}

static inline int teardown(void **state)
{
    struct fixture *f = *state;

    spool_close(&f->spool);
    testdir_remove(f->dir);
    free(f);
    return 0;
}

static inline int count(const struct fixture *f, const char *folder)
{
    char path[4096];

    snprintf(path, sizeof path, "%s/%s", f->dir, folder);
    return testdir_count(path);
}

static inline void put(struct fixture *f, const char *const *recipients, size_t n, const char *body, unsigned flags)
{
    struct spool_envelope envelope = envelope_of(recipients, n);
    bool committed[SPOOL_RECIPIENTS_MAX];
    struct spool_file *file;
    struct diag why;

    assert_int_equal(spool_begin(f->spool, &envelope, &file, &why), ERR_OK);
    assert_int_equal(spool_write(file, body, strlen(body), &why), ERR_OK);
    assert_int_equal(spool_written_bytes(file), strlen(body));
    assert_int_equal(spool_commit(&file, flags, committed, &why), ERR_OK);
    assert_null(file);
    for (size_t i = 0; i < n; i++)
        assert_true(committed[i]);
}

#define WITH_SPOOL(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif

/*
 * What the tests of the LMTP server share: a spool in a throw-away directory, a server with small limits, its replies.
 */
#ifndef TESTS_LMTP_FIXTURE_H
#define TESTS_LMTP_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/spool.h"
#include "io/lmtp.h"
#include "tests/lib/testdir.h"

#define GREETING "220 localhost LMTP ready\r\n"
#define LHLO_REPLY                                                                                                     \
    "250-localhost\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250-SIZE 1000\r\n250 ENHANCEDSTATUSCODES\r\n"
#define NOTED     "250 2.1.0 sender noted\r\n"
#define ACCEPTED  "250 2.1.5 recipient accepted\r\n"
#define GO_ON     "354 end with a line that is a dot\r\n"
#define KEPT      "250 2.0.0 kept on disk\r\n"
#define NOT_TEXT  "500 5.5.2 a command is text and ends with CR LF\r\n"
#define BEGIN     "LHLO mx\r\nMAIL FROM:<a@example.net>\r\nRCPT TO:<security@example.org>\r\nDATA\r\n"
#define BEGIN_SAY GREETING LHLO_REPLY NOTED ACCEPTED GO_ON

static const char *const addresses[] = {"security@example.org", "Team@Lists.example.org"};

struct fixture {
    char *dir;
    struct spool *spool;
    struct lmtp_settings settings;
    struct lmtp_session *session;
};

static inline int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    struct diag why;

    f->dir = testdir_make();
    assert_int_equal(spool_open(f->dir, &f->spool, &why), ERR_OK);
    spool_set_reserve(f->spool, 0);
    f->settings = LMTP_SETTINGS_DEFAULT;
    f->settings.addresses = addresses;
    f->settings.n_addresses = 2;
    f->settings.size_bytes = 1000;
    f->settings.hold_bytes = 3000;
    f->session = lmtp_session_new(&f->settings, f->spool);
    *state = f;
    return 0;
}

static inline int teardown(void **state)
{
    struct fixture *f = *state;

    lmtp_session_free(&f->session);
    spool_close(&f->spool);
    testdir_remove(f->dir);
    free(f);
    return 0;
}

static inline size_t entries(struct fixture *f)
{
    struct spool_names names;
    size_t n;

    assert_int_equal(spool_list(f->spool, &names, NULL), ERR_OK);
    n = names.n;
    spool_names_free(&names);
    return n;
}

#endif

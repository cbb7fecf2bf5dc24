/*
 * What the tests of the store share: a fresh database in a throw-away directory with an open data key, one list
 * ("security", row 1), and makers of cases and members.
 */
#ifndef TESTS_UNIT_STORE_FIXTURE_H
#define TESTS_UNIT_STORE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/instant.h"
#include "base/mem.h"
#include "store/cases.h"
#include "store/members.h"
#include "tests/lib/testdir.h"

#define NOW  INT64_C(1795359600) /* 2026-11-22T15:00:00Z */
#define LIST 1

struct store {
    char *dir;
    struct db *db;
    struct diag why;
};

/* The same data key each time, so that a database can be opened again. */
static inline struct box *store_box(void)
{
    uint8_t key[BOX_KEY_BYTES];

    memset(key, 7, sizeof key);
    assert_int_equal(box_start(NULL), ERR_OK);
    return box_new(key);
}

static inline void store_open(struct store *s, enum db_mode mode)
{
    assert_int_equal(db_open(s->dir, mode, &s->db, &s->why), ERR_OK);
    db_set_box(s->db, store_box());
}

static inline int store_setup(void **state)
{
    struct store *s = mem_zero(1, sizeof *s);

    s->dir = testdir_make();
    store_open(s, DB_CREATE);
    assert_int_equal(list_insert(s->db, "security", "0123456789ABCDEF0123456789ABCDEF01234567", 1, &s->why), ERR_OK);
    *state = s;
    return 0;
}

static inline int store_teardown(void **state)
{
    struct store *s = *state;

    db_close(&s->db);
    testdir_remove(s->dir);
    free(s);
    return 0;
}

/* A new case with this code; its row's number. */
static inline int64_t store_case(struct store *s, const char *code)
{
    struct case_row row = {.list_id = LIST, .state = "new", .policy = "cloud-model@2026", .policy_digest = "00"};

    row.opened_at = NOW;
    row.acknowledged_at = row.accepted_at = row.fix_ready_at = row.predisclosed_at = row.public_at = row.closed_at =
        row.until_at = row.discoverer_at = row.embargo_start_at = INSTANT_NONE;
    snprintf(row.code, sizeof row.code, "%s", code);
    assert_int_equal(case_insert(s->db, &row, &s->why), ERR_OK);
    return row.id;
}

static inline int64_t store_member(struct store *s, const char *org)
{
    struct member_row row = {.list_id = LIST,
                             .org = (char *)org,
                             .class_name = "vendor",
                             .tier = "full",
                             .state = "active",
                             .added_at = NOW};

    assert_int_equal(member_insert(s->db, &row, &s->why), ERR_OK);
    return row.id;
}

#define OK(call)         assert_int_equal((call), ERR_OK)
#define WITH_STORE(name) cmocka_unit_test_setup_teardown(name, store_setup, store_teardown)

#endif

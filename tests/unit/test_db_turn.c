/* Transactions, and turns: one whose reading failed changes nothing. */
#include "tests/unit/store_fixture.h"

#include "store/db_inside.h"

static enum err write_one(struct store *s, const char *key)
{
    return db_run(s->db, &s->why, "INSERT INTO meta(key, value) VALUES(?, x'00')", "t", key);
}

static int64_t count(struct store *s)
{
    return db_value(s->db, -1, "SELECT COUNT(*) FROM meta WHERE key LIKE 'turn-%'", "");
}

/* Any statement that SQLite cannot run will do. */
static void fail_to_read(struct store *s)
{
    assert_int_equal(db_value(s->db, 7, "SELECT 1 FROM no_such_table", ""), 7);
}

static void test_nothing_is_written(void **state)
{
    struct store *s = *state;

    db_new_turn(s->db);
    OK(db_turn_fault(s->db, &s->why));
    OK(write_one(s, "turn-1"));
    fail_to_read(s);
    assert_int_equal(db_turn_fault(s->db, &s->why), ERR_INTERNAL);
    assert_string_equal(s->why.rule, "store.fault");
    assert_int_equal(db_turn_fault(s->db, NULL), ERR_INTERNAL);
    s->why.rule[0] = 0;
    assert_int_equal(write_one(s, "turn-2"), ERR_INTERNAL);
    assert_string_equal(s->why.rule, "store.fault");
    assert_int_equal(db_begin(s->db, &s->why), ERR_INTERNAL);
    assert_false(db_in_transaction(s->db));
    assert_int_equal(count(s), 1); /* reading goes on */
    db_new_turn(s->db);
    OK(write_one(s, "turn-2"));
    assert_int_equal(count(s), 2);
}

static void test_no_commit(void **state)
{
    struct store *s = *state;

    db_new_turn(s->db);
    OK(db_begin(s->db, &s->why));
    OK(write_one(s, "turn-3"));
    OK(db_part_begin(s->db, &s->why));
    fail_to_read(s);
    OK(db_part_undo(s->db, &s->why));
    db_new_turn(s->db); /* a turn does not end within a transaction */
    assert_int_equal(write_one(s, "turn-4"), ERR_INTERNAL);
    assert_int_equal(db_commit(s->db, &s->why), ERR_INTERNAL);
    assert_true(db_in_transaction(s->db));
    db_rollback(s->db);
    db_new_turn(s->db);
    assert_int_equal(db_value(s->db, -1, "SELECT COUNT(*) FROM meta WHERE key IN ('turn-3', 'turn-4')", ""), 0);
}

/* The end of a transaction: what came of it before decides, and nothing is left open. */
static void test_end(void **state)
{
    struct store *s = *state;

    db_new_turn(s->db);
    OK(db_begin(s->db, &s->why));
    OK(db_end(s->db, write_one(s, "turn-7"), &s->why));
    assert_false(db_in_transaction(s->db));
    OK(db_begin(s->db, &s->why));
    OK(write_one(s, "turn-8"));
    diag_set(&s->why, ERR_DENIED, "test.no", "no");
    assert_int_equal(db_end(s->db, ERR_DENIED, &s->why), ERR_DENIED);
    assert_string_equal(s->why.rule, "test.no");
    assert_false(db_in_transaction(s->db));
    OK(db_begin(s->db, &s->why));
    OK(write_one(s, "turn-9"));
    fail_to_read(s);
    assert_int_equal(db_end(s->db, ERR_OK, &s->why), ERR_INTERNAL);
    assert_string_equal(s->why.rule, "store.fault");
    assert_false(db_in_transaction(s->db));
    db_new_turn(s->db);
    assert_int_equal(db_end(s->db, ERR_AGAIN, &s->why), ERR_AGAIN); /* where it could not even begin */
    assert_int_equal(
        db_value(s->db, -1,
                 "SELECT group_concat(key, ' ') = 'turn-7' FROM meta WHERE key IN ('turn-7', 'turn-8', 'turn-9')", ""),
        1);
}

/* What a statement may not do by the schema is an answer, and no failure. */
static void test_constraint(void **state)
{
    struct store *s = *state;

    db_new_turn(s->db);
    OK(write_one(s, "turn-5"));
    assert_int_not_equal(write_one(s, "turn-5"), ERR_OK);
    OK(db_turn_fault(s->db, &s->why));
    OK(write_one(s, "turn-6"));
}

/* The first failure is the one that is told. */
static void test_first(void **state)
{
    struct store *s = *state;
    sqlite3 *other;
    char *file = mem_printf("%s/db.sqlite", s->dir);

    db_new_turn(s->db);
    sqlite3_busy_timeout(db_handle(s->db), 1);
    assert_int_equal(sqlite3_open(file, &other), SQLITE_OK);
    assert_int_equal(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(db_begin(s->db, &s->why), ERR_AGAIN);
    assert_string_equal(s->why.rule, "store.busy");
    fail_to_read(s);
    assert_int_equal(sqlite3_exec(other, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(db_begin(s->db, &s->why), ERR_AGAIN);
    assert_string_equal(s->why.rule, "store.busy");
    sqlite3_close(other);
    free(file);
}

static void test_transactions(void **state)
{
    struct store *s = *state;

    assert_false(db_in_transaction(s->db));
    OK(db_begin(s->db, &s->why));
    assert_true(db_in_transaction(s->db));
    store_case(s, "aaaaaaaa");
    assert_int_not_equal(db_begin(s->db, &s->why), ERR_OK);
    db_rollback(s->db);
    db_new_turn(s->db);
    assert_false(db_in_transaction(s->db));
    db_rollback(s->db);
    assert_int_equal(db_value(s->db, -1, "SELECT COUNT(*) FROM cases", ""), 0);
    OK(db_begin(s->db, &s->why));
    store_case(s, "bbbbbbbb");
    OK(db_commit(s->db, &s->why));
    assert_int_equal(db_value(s->db, -1, "SELECT COUNT(*) FROM cases", ""), 1);
    assert_int_not_equal(db_commit(s->db, &s->why), ERR_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {WITH_STORE(test_transactions), WITH_STORE(test_nothing_is_written),
                                       WITH_STORE(test_no_commit),    WITH_STORE(test_end),
                                       WITH_STORE(test_constraint),   WITH_STORE(test_first)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}

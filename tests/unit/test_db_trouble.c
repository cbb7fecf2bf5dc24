/* What hinders each turn: a database that is held by another program, one that has moved, one that is damaged. */
#include "tests/unit/store_fixture.h"

#include "store/db_inside.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

static enum err write_one(struct store *s, const char *key)
{
    db_new_turn(s->db);
    return db_run(s->db, &s->why, "INSERT INTO meta(key, value) VALUES(?, x'00')", "t", key);
}

static void test_busy(void **state)
{
    struct store *s = *state;
    char *file = mem_printf("%s/db.sqlite", s->dir);
    sqlite3 *other;

    OK(db_trouble(s->db, NULL));
    OK(db_trouble_end(s->db, &s->why));
    assert_int_equal(sqlite3_open(file, &other), SQLITE_OK);
    assert_int_equal(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_busy_timeout(db_handle(s->db), 10);
    assert_int_equal(write_one(s, "a"), ERR_AGAIN);
    assert_int_equal(db_trouble(s->db, &s->why), ERR_AGAIN);
    assert_string_equal(s->why.rule, "store.busy");
    for (int i = 0; i < 20; i++) /* of five seconds each it would be noticed */
        assert_int_equal(db_trouble_end(s->db, &s->why), ERR_AGAIN);
    assert_int_equal(db_trouble(s->db, NULL), ERR_AGAIN);
    assert_false(db_in_transaction(s->db));
    assert_int_equal(sqlite3_exec(other, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
    OK(db_trouble_end(s->db, &s->why));
    OK(db_trouble(s->db, NULL));
    OK(write_one(s, "a"));
    sqlite3_close(other);
    free(file);
}

/* A statement that is wrong, a row that may not be: faults, and no trouble. */
static void test_no_trouble(void **state)
{
    struct store *s = *state;

    OK(write_one(s, "a"));
    assert_int_not_equal(write_one(s, "a"), ERR_OK);
    OK(db_trouble(s->db, NULL));
    db_value(s->db, 0, "SELECT 1 FROM no_such_table", "");
    OK(db_trouble(s->db, NULL));
}

static void test_moved(void **state)
{
    struct store *s = *state;
    char *file = mem_printf("%s/db.sqlite", s->dir), *aside = mem_printf("%s/aside", s->dir);

    OK(write_one(s, "a"));
    assert_int_equal(rename(file, aside), 0);
    assert_int_equal(write_one(s, "b"), ERR_REJECT);
    assert_string_equal(s->why.rule, "state.gone");
    assert_int_equal(db_begin(s->db, &s->why), ERR_REJECT);
    assert_int_equal(rename(aside, file), 0);
    /* It stays so: who knows what was written where. */
    assert_int_equal(write_one(s, "c"), ERR_REJECT);
    assert_int_equal(db_trouble(s->db, &s->why), ERR_REJECT);
    assert_int_equal(db_trouble_end(s->db, &s->why), ERR_REJECT);
    db_close(&s->db);
    store_open(s, DB_OPEN);
    assert_int_equal(db_value(s->db, -1, "SELECT COUNT(*) FROM meta WHERE key IN ('a', 'b', 'c')", ""), 1);
    free(file);
    free(aside);
}

static void overwrite(struct store *s)
{
    char *file = mem_printf("%s/db.sqlite", s->dir), page[4096];
    int fd = open(file, O_WRONLY | O_CLOEXEC);

    memset(page, 0x55, sizeof page);
    for (int i = 1; i < 40; i++)
        assert_int_equal(pwrite(fd, page, sizeof page, (off_t)i * 4096), sizeof page);
    close(fd);
    free(file);
}

static void test_damaged(void **state)
{
    struct store *s = *state;

    OK(write_one(s, "a"));
    sqlite3_wal_checkpoint_v2(db_handle(s->db), NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
    overwrite(s);
    sqlite3_db_release_memory(db_handle(s->db)); /* so that the pages are read from the file */
    for (int i = 0; i < 3; i++) {
        db_new_turn(s->db);
        db_value(s->db, -1, "SELECT COUNT(*) FROM cases", "");
    }
    assert_int_equal(db_trouble(s->db, &s->why), ERR_REJECT);
    assert_string_equal(s->why.rule, "store.damaged");
    db_new_turn(s->db);
    assert_int_equal(db_begin(s->db, &s->why), ERR_REJECT);
    assert_int_equal(db_trouble_end(s->db, &s->why), ERR_REJECT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {WITH_STORE(test_busy), WITH_STORE(test_no_trouble), WITH_STORE(test_moved),
                                       WITH_STORE(test_damaged)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}

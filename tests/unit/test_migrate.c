/*
 * Migrations: a database of the very first schema, full of rows, becomes one of today with all its rows; a step that
 * fails in its middle leaves the version before, whole; and the next start goes on.
 */
#include "tests/unit/store_fixture.h"

#include <sqlite3.h>

#include "store/schema.h"

#define ROWS 3

static sqlite3 *open_raw(const char *dir)
{
    char *file = mem_printf("%s/db.sqlite", dir);
    sqlite3 *db = NULL;

    assert_int_equal(sqlite3_open(file, &db), SQLITE_OK);
    free(file);
    return db;
}

static void run(sqlite3 *db, const char *sql)
{
    char *error = NULL;

    if (sqlite3_exec(db, sql, NULL, NULL, &error) != SQLITE_OK)
        fail_msg("%s: %s", sql, error);
}

static int64_t number(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *stmt = NULL;
    int64_t value = -1;

    if (sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) == SQLITE_OK && sqlite3_step(stmt) == SQLITE_ROW)
        value = sqlite3_column_int64(stmt, 0);
    sqlite3_finalize(stmt);
    return value;
}

/* All that a query says, a line a row. */
static void dump(sqlite3 *db, const char *sql, struct buf *out)
{
    sqlite3_stmt *stmt = NULL;

    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL), SQLITE_OK);
    while (sqlite3_step(stmt) == SQLITE_ROW) {
        for (int i = 0; i < sqlite3_column_count(stmt); i++)
            buf_printf(out, "%s|", sqlite3_column_text(stmt, i) ? (const char *)sqlite3_column_text(stmt, i) : "-");
        buf_add_byte(out, '\n');
    }
    sqlite3_finalize(stmt);
}

static void set_version(sqlite3 *db, size_t version)
{
    char sql[64];

    snprintf(sql, sizeof sql, "PRAGMA user_version = %zu", version);
    run(db, sql);
}

/* A database of an earlier version, as the program of then made it. */
static sqlite3 *make(const char *dir, size_t version)
{
    sqlite3 *db = open_raw(dir);

    run(db, "PRAGMA auto_vacuum=INCREMENTAL; PRAGMA journal_mode=WAL; PRAGMA foreign_keys=OFF");
    for (size_t i = 0; i < version; i++)
        run(db, schema_steps[i]);
    set_version(db, version);
    return db;
}

/* Rows for every table: number n in every number, so that references hold; a text or blob of its own elsewhere. */
static void fill(sqlite3 *db, struct buf *tables)
{
    sqlite3_stmt *stmt = NULL;
    struct buf sql = BUF_EMPTY;

    assert_int_equal(sqlite3_prepare_v2(db,
                                        "SELECT t.name, c.name, c.type, c.cid FROM sqlite_schema t,"
                                        " pragma_table_info(t.name) c WHERE t.type = 'table' AND t.name NOT LIKE"
                                        " 'sqlite_%' ORDER BY t.name, c.cid",
                                        -1, &stmt, NULL),
                     SQLITE_OK);
    while (sqlite3_step(stmt) == SQLITE_ROW) {
        const char *table = (const char *)sqlite3_column_text(stmt, 0),
                   *name = (const char *)sqlite3_column_text(stmt, 1);
        const char *type = (const char *)sqlite3_column_text(stmt, 2);

        if (sqlite3_column_int(stmt, 3) == 0)
            buf_printf(&sql, "%sINSERT INTO %s SELECT ", sql.len ? " FROM numbers;" : "", table);
        buf_printf(&sql, "%s%s%s", sqlite3_column_int(stmt, 3) ? ", " : "",
                   strcmp(type, "INTEGER") == 0 ? "n"
                   : strcmp(type, "BLOB") == 0  ? "CAST('blob-' || n AS BLOB) --"
                                                : "'text-' || n --",
                   strcmp(type, "INTEGER") == 0 ? "" : "\n");
        if (sqlite3_column_int(stmt, 3) == 0)
            buf_printf(tables, "%sSELECT '%s'", tables->len ? " FROM @;" : "", table);
        buf_printf(tables, ", %s", name);
    }
    sqlite3_finalize(stmt);
    buf_add_str(&sql, " FROM numbers;");
    run(db, "CREATE TEMP TABLE numbers(n INTEGER); INSERT INTO numbers VALUES(1), (2), (3)");
    run(db, buf_text(&sql));
    buf_free(&sql);
}

/* The rows of the columns that there were, table by table, in an order of their own. */
static void rows_of(sqlite3 *db, const char *queries, struct buf *out)
{
    char *copy = mem_strdup(queries), *at = NULL;

    for (char *q = strtok_r(copy, ";", &at); q; q = strtok_r(NULL, ";", &at)) {
        char *table = strchr(q, '\'') + 1, *from = strstr(q, " FROM @");
        char *sql = mem_printf("%.*s FROM %.*s ORDER BY 2, 3", (int)(from ? from - q : (long)strlen(q)), q,
                               (int)strcspn(table, "'"), table);

        dump(db, sql, out);
        free(sql);
    }
    free(copy);
}

static const char all_columns[] =
    "SELECT t.name, c.name, c.type, c.\"notnull\", c.dflt_value, c.pk FROM sqlite_schema t, pragma_table_info(t.name) c"
    " WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite_%' ORDER BY t.name, c.name";
static const char all_objects[] = "SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY type, name";

/* Everything of a database but its rows. */
static void form_of(const char *dir, const char *sql, struct buf *out)
{
    sqlite3 *db = open_raw(dir);

    dump(db, sql, out);
    sqlite3_close(db);
}

static void test_first_to_now(void **state)
{
    char *old = testdir_make(), *fresh = testdir_make();
    struct buf queries = BUF_EMPTY, before = BUF_EMPTY, after = BUF_EMPTY, wanted = BUF_EMPTY, got = BUF_EMPTY;
    struct db *db = NULL;
    struct diag why;
    sqlite3 *raw = make(old, 1);

    (void)state;
    fill(raw, &queries);
    rows_of(raw, buf_text(&queries), &before);
    assert_true(before.len > 1000);
    assert_int_equal(number(raw, "SELECT COUNT(*) FROM pragma_foreign_key_check"), 0);
    sqlite3_close(raw);

    OK(db_open(old, DB_OPEN, &db, &why));
    db_close(&db);
    raw = open_raw(old);
    rows_of(raw, buf_text(&queries), &after);
    assert_string_equal(buf_text(&before), buf_text(&after));
    assert_int_equal(number(raw, "PRAGMA user_version"), schema_steps_n);
    assert_int_equal(number(raw, "SELECT COUNT(*) FROM pragma_foreign_key_check"), 0);
    sqlite3_close(raw);

    OK(db_open(fresh, DB_CREATE, &db, &why));
    db_close(&db);
    form_of(fresh, all_columns, &wanted);
    form_of(old, all_columns, &got);
    assert_string_equal(buf_text(&wanted), buf_text(&got));
    buf_free(&queries);
    buf_free(&before);
    buf_free(&after);
    buf_free(&wanted);
    buf_free(&got);
    testdir_remove(old);
    testdir_remove(fresh);
}

/* The last table or index that a step makes: where it is there already, the step fails after all that stands before. */
static bool last_object(const char *step, char *name, size_t size)
{
    static const char *const words[] = {"CREATE TABLE ", "CREATE INDEX "};
    const char *last = NULL;

    for (const char *p = step; *p; p++)
        for (size_t i = 0; i < 2; i++)
            if (strncmp(p, words[i], strlen(words[i])) == 0)
                last = p + strlen(words[i]);
    if (!last)
        return false;
    snprintf(name, size, "%.*s", (int)strcspn(last, "( "), last);
    return true;
}

static void test_failure_in_the_middle(void **state)
{
    size_t tried = 0;

    (void)state;
    for (size_t k = 1; k < schema_steps_n; k++) {
        char name[64], sql[128], *dir;
        struct buf before = BUF_EMPTY, after = BUF_EMPTY;
        struct db *db = NULL;
        struct diag why;
        sqlite3 *raw;

        if (!last_object(schema_steps[k], name, sizeof name))
            continue;
        tried++;
        dir = testdir_make();
        raw = make(dir, k);
        snprintf(sql, sizeof sql, "CREATE TABLE %s(obstacle)", name);
        run(raw, sql);
        dump(raw, all_objects, &before);
        sqlite3_close(raw);

        assert_int_not_equal(db_open(dir, DB_OPEN, &db, &why), ERR_OK);
        assert_null(db);
        form_of(dir, all_objects, &after);
        assert_string_equal(buf_text(&before), buf_text(&after));
        raw = open_raw(dir);
        assert_int_equal(number(raw, "PRAGMA user_version"), k);
        snprintf(sql, sizeof sql, "DROP TABLE %s", name);
        run(raw, sql);
        sqlite3_close(raw);
        OK(db_open(dir, DB_OPEN, &db, &why));
        db_close(&db);
        raw = open_raw(dir);
        assert_int_equal(number(raw, "PRAGMA user_version"), schema_steps_n);
        sqlite3_close(raw);
        buf_free(&before);
        buf_free(&after);
        testdir_remove(dir);
    }
    assert_true(tried >= 8);
}

/* Whoever only reads changes nothing, and says what to do. */
static void test_old_read_only(void **state)
{
    char *dir = testdir_make();
    struct db *db = NULL;
    struct diag why;

    (void)state;
    sqlite3_close(make(dir, 1));
    assert_int_equal(db_open(dir, DB_READ_ONLY, &db, &why), ERR_REJECT);
    assert_string_equal(why.rule, "store.older");
    testdir_remove(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_first_to_now),
        cmocka_unit_test(test_failure_in_the_middle),
        cmocka_unit_test(test_old_read_only),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

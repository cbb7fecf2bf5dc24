#include "tests/unit/store_fixture.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>

#include "store/db_inside.h"
#include "store/schema.h"

#define CANARY "canary-plaintext-7f3a"

static char *file_of(const struct store *s)
{
    return mem_printf("%s/db.sqlite", s->dir);
}

/* A statement run behind the module's back. */
static void tamper(const struct store *s, const char *sql)
{
    char *file = file_of(s);
    sqlite3 *handle;

    assert_int_equal(sqlite3_open(file, &handle), SQLITE_OK);
    assert_int_equal(sqlite3_exec(handle, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(handle);
    free(file);
}

static int64_t pragma(struct store *s, const char *sql)
{
    struct db_rows *rows = db_query(s->db, sql, "");
    int64_t value;

    assert_true(db_next(rows));
    value = db_int(rows, 0);
    OK(db_rows_end(&rows, &s->why));
    return value;
}

static void test_new_file(void **state)
{
    struct store *s = *state;
    char *file = file_of(s);
    struct stat st;

    assert_int_equal(pragma(s, "PRAGMA user_version"), schema_steps_n);
    assert_int_equal(pragma(s, "PRAGMA foreign_keys"), 1);
    assert_int_equal(pragma(s, "PRAGMA synchronous"), 2);
    assert_int_equal(pragma(s, "PRAGMA secure_delete"), 1);
    assert_int_equal(pragma(s, "PRAGMA temp_store"), 2);
    assert_int_equal(stat(file, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_true(db_value(s->db, 0, "SELECT COUNT(*) FROM sqlite_schema WHERE type = 'table'", "") > 20);
    assert_int_equal(db_value(s->db, -1,
                              "SELECT COUNT(*) FROM pragma_table_list WHERE schema = 'main' AND type ="
                              " 'table' AND strict = 0 AND name NOT LIKE 'sqlite_%'",
                              ""),
                     0);
    free(file);
}

static void test_open_again(void **state)
{
    struct store *s = *state;

    db_close(&s->db);
    db_close(&s->db);
    store_open(s, DB_OPEN);
    assert_int_equal(db_value(s->db, 0, "SELECT COUNT(*) FROM list", ""), 1);
    db_close(&s->db);
    store_open(s, DB_CREATE); /* what is there stays */
    assert_int_equal(db_value(s->db, 0, "SELECT COUNT(*) FROM list", ""), 1);
}

static void expect_refusal(struct store *s, enum db_mode mode, enum err err, const char *rule)
{
    struct db *db;

    assert_int_equal(db_open(s->dir, mode, &db, &s->why), err);
    assert_string_equal(s->why.rule, rule);
    assert_null(db);
}

static void test_missing(void **state)
{
    struct store *s = *state;
    char *file = file_of(s);

    db_close(&s->db);
    remove(file);
    expect_refusal(s, DB_OPEN, ERR_NOT_FOUND, "store.missing");
    expect_refusal(s, DB_READ_ONLY, ERR_NOT_FOUND, "store.missing");
    assert_int_equal(access(file, F_OK), -1); /* asking makes none */
    free(file);
}

static void test_newer(void **state)
{
    struct store *s = *state;

    db_close(&s->db);
    tamper(s, "PRAGMA user_version = 99");
    expect_refusal(s, DB_OPEN, ERR_REJECT, "store.newer");
    expect_refusal(s, DB_CREATE, ERR_REJECT, "store.newer");
    expect_refusal(s, DB_READ_ONLY, ERR_REJECT, "store.newer");
}

static void overwrite(const struct store *s, long offset, const char *bytes, size_t len)
{
    char *file = file_of(s);
    int fd = open(file, O_WRONLY | O_CLOEXEC);

    assert_int_equal(pwrite(fd, bytes, len, offset), len);
    close(fd);
    free(file);
}

/* The last connection that closes has put the log into the file, so that the file alone is the database. */
static void test_damaged(void **state)
{
    static const struct {
        long offset;
        size_t len;
    } rows[] = {{0, 16}, {100, 900}, {4096, 4096}, {16384, 8192}};
    struct store *s = *state;
    char *file = file_of(s), *copy = mem_printf("%s/copy", s->dir), zeros[8192];

    memset(zeros, 0xa5, sizeof zeros);
    OK(db_copy_to(s->db, copy, &s->why));
    db_close(&s->db);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        overwrite(s, rows[i].offset, zeros, rows[i].len);
        expect_refusal(s, DB_OPEN, ERR_REJECT, "store.damaged");
        expect_refusal(s, DB_READ_ONLY, ERR_REJECT, "store.damaged");
        remove(file);
        assert_int_equal(link(copy, file), 0);
        store_open(s, DB_OPEN);
        db_close(&s->db);
        remove(file);
        store_open(s, DB_CREATE);
        remove(copy);
        OK(db_copy_to(s->db, copy, &s->why));
        db_close(&s->db);
    }
    free(file);
    free(copy);
}

/* A file that was cut to nothing is no new database: that would lose everything without a word. */
static void test_emptied(void **state)
{
    static const off_t sizes[] = {0, 1, 50, 99, 4096, 20000};
    struct store *s = *state;
    char *file = file_of(s);

    db_close(&s->db);
    for (size_t i = sizeof sizes / sizeof sizes[0]; i-- > 0;) {
        assert_int_equal(truncate(file, sizes[i]), 0);
        expect_refusal(s, DB_OPEN, ERR_REJECT, "store.damaged");
    }
    free(file);
}

static void test_read_only(void **state)
{
    struct store *s = *state;

    db_close(&s->db);
    store_open(s, DB_READ_ONLY);
    assert_int_equal(db_value(s->db, 0, "SELECT COUNT(*) FROM list", ""), 1);
    assert_int_equal(db_run(s->db, &s->why, "DELETE FROM list", ""), ERR_AGAIN);
    assert_string_equal(s->why.rule, "store.read-only");
    assert_int_equal(db_value(s->db, 0, "SELECT COUNT(*) FROM list", ""), 1);
}

/* A state folder may have been moved to another disk, with a link in its place. */
static void test_linked_folder(void **state)
{
    struct store *s = *state;
    char *real = s->dir;

    db_close(&s->db);
    s->dir = mem_printf("%s-link", real);
    assert_int_equal(symlink(real, s->dir), 0);
    store_open(s, DB_OPEN);
    db_close(&s->db);
    remove(s->dir);
    free(s->dir);
    s->dir = real;
}

static void test_linked_file(void **state)
{
    struct store *s = *state;
    char *file = file_of(s), *other = mem_printf("%s/other", s->dir);
    struct db *db;

    db_close(&s->db);
    assert_int_equal(rename(file, other), 0);
    assert_int_equal(symlink(other, file), 0);
    assert_int_not_equal(db_open(s->dir, DB_OPEN, &db, &s->why), ERR_OK);
    free(file);
    free(other);
}

static void test_values(void **state)
{
    static const uint8_t bytes[] = {0, 1, 0xff, 0};
    struct store *s = *state;
    struct db_rows *rows =
        db_query(s->db, "SELECT ?, ?, ?, ?, ?, ?", "ittbbb", INT64_MIN, "text", (const char *)NULL,
                 (struct span){bytes, sizeof bytes}, (struct span){NULL, 0}, (struct span){bytes, 0});
    char *copy;

    assert_true(db_next(rows));
    assert_true(db_int(rows, 0) == INT64_MIN);
    assert_string_equal(db_text(rows, 1), "text");
    copy = db_text_copy(rows, 1);
    assert_string_equal(copy, "text");
    free(copy);
    assert_true(db_is_null(rows, 2));
    assert_string_equal(db_text(rows, 2), "");
    assert_null(db_text_copy(rows, 2));
    assert_int_equal(db_bytes(rows, 3).len, sizeof bytes);
    assert_memory_equal(db_bytes(rows, 3).data, bytes, sizeof bytes);
    assert_true(db_is_null(rows, 4));
    assert_int_equal(db_bytes(rows, 4).len, 0);
    assert_false(db_is_null(rows, 5));
    assert_false(db_next(rows));
    assert_false(db_next(rows));
    OK(db_rows_end(&rows, &s->why));
    assert_null(rows);
}

#define COUNT_UP "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) SELECT i FROM n"

/* The same text while it is still being read gets a statement of its own, at any depth. */
static int64_t nested(struct store *s, int depth)
{
    struct db_rows *rows = db_query(s->db, COUNT_UP, "i", (int64_t)3);
    int64_t sum = 0;

    while (db_next(rows)) {
        sum += db_int(rows, 0);
        if (depth)
            sum += nested(s, depth - 1);
    }
    OK(db_rows_end(&rows, &s->why));
    return sum;
}

static void test_nested_queries(void **state)
{
    assert_int_equal(nested(*state, 0), 6);
    assert_int_equal(nested(*state, 3), 6 + 3 * (6 + 3 * (6 + 3 * 6)));
    assert_int_equal(nested(*state, 0), 6);
}

/* More texts at a time than the cache has places. */
static void test_more_than_the_cache(void **state)
{
    struct store *s = *state;
    struct db_rows *rows[300];

    for (int i = 0; i < 300; i++) {
        rows[i] = db_query(s->db, COUNT_UP, "i", (int64_t)2);
        assert_true(db_next(rows[i]));
    }
    for (int i = 0; i < 300; i++) {
        assert_true(db_next(rows[i]));
        assert_int_equal(db_int(rows[i], 0), 2);
        OK(db_rows_end(&rows[i], &s->why));
    }
}

static void test_faults(void **state)
{
    struct store *s = *state;
    struct db_rows *rows = db_query(s->db, "SELECT nothing FROM nowhere", "");

    assert_false(db_next(rows));
    assert_int_equal(db_rows_end(&rows, &s->why), ERR_INTERNAL);
    assert_string_equal(s->why.rule, "store.fault");
    assert_int_equal(db_value(s->db, 42, "SELECT nothing FROM nowhere", ""), 42);
    assert_int_equal(db_value(s->db, 42, "SELECT NULL", ""), 42);
    assert_int_equal(db_value(s->db, 42, "SELECT 1 WHERE 0", ""), 42);
    /* a foreign key that leads nowhere, a wrong type in a STRICT table, a second row of a unique name */
    assert_int_equal(db_run(s->db, &s->why, "INSERT INTO note(case_id, at, actor) VALUES(77, 0, 'x')", ""),
                     ERR_INTERNAL);
    assert_int_equal(db_run(s->db, &s->why, "UPDATE list SET next_public = 'many'", ""), ERR_INTERNAL);
    assert_int_equal(db_run(s->db, &s->why,
                            "INSERT INTO list(name, fingerprint, next_public)"
                            " VALUES('security', 'x', 1)",
                            ""),
                     ERR_INTERNAL);
}

/* A disk that is full passes, and has its own rule: what is refused then goes through later. */
static void test_disk_full(void **state)
{
    struct store *s = *state;
    char *limit =
        mem_printf("PRAGMA max_page_count = %lld", (long long)db_value(s->db, 0, "PRAGMA page_count", "") + 2);
    static uint8_t block[1 << 20];

    sqlite3_exec(db_handle(s->db), limit, NULL, NULL, NULL);
    assert_int_equal(db_meta_set(s->db, "large", (struct span){block, sizeof block}, &s->why), ERR_AGAIN);
    assert_string_equal(s->why.rule, "disk.full");
    sqlite3_exec(db_handle(s->db), "PRAGMA max_page_count = 1073741823", NULL, NULL, NULL);
    db_new_turn(s->db);
    OK(db_meta_set(s->db, "large", (struct span){block, sizeof block}, &s->why));
    free(limit);
}

static void test_sealed_column(void **state)
{
    struct store *s = *state;
    int64_t id = store_case(s, "aaaaaaaa"), other = store_case(s, "bbbbbbbb");
    struct buf out = BUF_EMPTY;
    char *text;

    OK(db_unseal(s->db, "cases", id, "sealed_title", &out, &s->why));
    assert_int_equal(out.len, 0);
    assert_null(db_unseal_text(s->db, "cases", id, "sealed_title"));
    OK(db_seal_text(s->db, "cases", id, "sealed_title", CANARY, &s->why));
    text = db_unseal_text(s->db, "cases", id, "sealed_title");
    assert_string_equal(text, CANARY);
    mem_free_secret(&text);
    OK(db_seal_text(s->db, "cases", id, "sealed_title", "", &s->why));
    text = db_unseal_text(s->db, "cases", id, "sealed_title");
    assert_string_equal(text, "");
    free(text);
    OK(db_seal_text(s->db, "cases", id, "sealed_title", CANARY, &s->why));
    assert_int_equal(db_unseal(s->db, "cases", 999, "sealed_title", &out, &s->why), ERR_NOT_FOUND);
    /* moved to another row, to another column, altered: it does not open, and nothing of it is left */
    OK(db_run(s->db, &s->why,
              "UPDATE cases SET sealed_title = (SELECT sealed_title FROM cases WHERE id = ?) WHERE id = ?", "ii", id,
              other));
    OK(db_run(s->db, &s->why, "UPDATE cases SET sealed_cves = sealed_title WHERE id = ?", "i", id));
    OK(db_run(s->db, &s->why, "UPDATE cases SET sealed_commits = x'00' WHERE id = ?", "i", id));
    assert_int_equal(db_unseal(s->db, "cases", other, "sealed_title", &out, &s->why), ERR_REJECT);
    assert_string_equal(s->why.rule, "store.sealed");
    assert_int_equal(out.len, 0);
    assert_int_equal(db_unseal(s->db, "cases", id, "sealed_cves", &out, &s->why), ERR_REJECT);
    assert_int_equal(db_unseal(s->db, "cases", id, "sealed_commits", &out, &s->why), ERR_REJECT);
    assert_null(db_unseal_text(s->db, "cases", other, "sealed_title"));
    assert_null(db_unseal_text(s->db, "cases", id, "sealed_cves"));
    buf_free(&out);
}

static void test_locked(void **state)
{
    struct store *s = *state;
    int64_t id = store_case(s, "aaaaaaaa");
    struct buf out = BUF_EMPTY;

    OK(db_seal_text(s->db, "cases", id, "sealed_title", CANARY, &s->why));
    db_close(&s->db);
    OK(db_open(s->dir, DB_OPEN, &s->db, &s->why));
    assert_null(db_box(s->db));
    assert_int_equal(db_seal_text(s->db, "cases", id, "sealed_title", "x", &s->why), ERR_INTERNAL);
    assert_string_equal(s->why.rule, "store.locked");
    assert_int_equal(db_unseal(s->db, "cases", id, "sealed_title", &out, &s->why), ERR_INTERNAL);
    assert_string_equal(s->why.rule, "store.locked");
    buf_free(&out);
}

static bool holds(const char *path, const char *word)
{
    struct buf text = BUF_EMPTY;
    FILE *file = fopen(path, "rbe");
    size_t got = 1;
    bool found;

    if (!file)
        return false;
    while (got) {
        uint8_t *room = buf_room(&text, 65536);
        got = fread(room, 1, 65536, file);
        buf_grown(&text, got);
    }
    fclose(file);
    found = text.len && memmem(text.data, text.len, word, strlen(word));
    buf_free(&text);
    return found;
}

/* Nothing that is secret stands in the file or in its log, before and after it was changed. */
static void test_no_plaintext_on_disk(void **state)
{
    static const char *const endings[] = {"", "-wal", "-shm"};
    struct store *s = *state;
    int64_t id = store_case(s, "aaaaaaaa");
    struct message_row message = {.at = NOW, .author = "reporter", .signed_by = (char *)CANARY};
    struct participant_row who;

    OK(db_seal_text(s->db, "cases", id, "sealed_title", CANARY, &s->why));
    OK(message_insert(s->db, id, &message, span_of("Subject: " CANARY), span_of("{\"" CANARY "\":1}"), &s->why));
    OK(note_insert(s->db, id, "admin:a@example.org", CANARY, NOW, &s->why));
    OK(participant_insert(s->db, id, "reporter", CANARY "@example.org", span_of(CANARY), CANARY, NOW, &who, &s->why));
    OK(reference_add(s->db, id, "<" CANARY "@example.org>", &s->why));
    OK(member_set_state(s->db, store_member(s, "one"), "suspended", CANARY, NOW, &s->why));
    OK(db_seal_text(s->db, "cases", id, "sealed_title", "other", &s->why));
    participant_row_free(&who);
    for (int closed = 0; closed < 2; closed++) {
        for (size_t i = 0; i < 3; i++) {
            char *path = mem_printf("%s/db.sqlite%s", s->dir, endings[i]);

            assert_false(holds(path, CANARY));
            assert_false(holds(path, "canary"));
            free(path);
        }
        db_close(&s->db);
    }
}

static void test_meta(void **state)
{
    struct store *s = *state;
    struct buf out = BUF_EMPTY;

    assert_false(db_meta_get(s->db, "key", &out));
    OK(db_meta_set(s->db, "key", span_of("one"), &s->why));
    OK(db_meta_set(s->db, "key", span_of("two"), &s->why));
    assert_true(db_meta_get(s->db, "key", &out));
    assert_string_equal(buf_text(&out), "two");
    OK(db_meta_set(s->db, "key", (struct span){NULL, 0}, &s->why));
    assert_true(db_meta_get(s->db, "key", &out));
    assert_int_equal(out.len, 0);
    buf_free(&out);
}

/* A copy holds all that has been committed, and nobody else may read it. */
static void test_copy(void **state)
{
    struct store *s = *state;
    char *folder = mem_printf("%s/backup", s->dir), *file = mem_printf("%s/db.sqlite", folder);
    struct db *copy;
    struct stat st;

    store_case(s, "aaaaaaaa");
    assert_int_equal(mkdir(folder, 0700), 0);
    OK(db_copy_to(s->db, file, &s->why));
    assert_int_equal(stat(file, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    OK(db_open(folder, DB_READ_ONLY, &copy, &s->why));
    assert_int_equal(db_value(copy, 0, "SELECT COUNT(*) FROM cases", ""), 1);
    db_close(&copy);
    assert_int_equal(db_copy_to(s->db, "/nowhere/at/all", &s->why), ERR_INTERNAL);
    assert_string_equal(s->why.rule, "store.copy");
    free(folder);
    free(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_STORE(test_new_file),
        WITH_STORE(test_open_again),
        WITH_STORE(test_missing),
        WITH_STORE(test_newer),
        WITH_STORE(test_damaged),
        WITH_STORE(test_emptied),
        WITH_STORE(test_read_only),
        WITH_STORE(test_linked_folder),
        WITH_STORE(test_linked_file),
        WITH_STORE(test_values),
        WITH_STORE(test_nested_queries),
        WITH_STORE(test_more_than_the_cache),
        WITH_STORE(test_faults),
        WITH_STORE(test_disk_full),
        WITH_STORE(test_sealed_column),
        WITH_STORE(test_locked),
        WITH_STORE(test_no_plaintext_on_disk),
        WITH_STORE(test_meta),
        WITH_STORE(test_copy),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

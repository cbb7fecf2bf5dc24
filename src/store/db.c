#include "store/db.h"

#include "base/log.h"
#include "base/mem.h"
#include "store/db_inside.h"
#include "store/last_backup.h"
#include "store/schema.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CACHE_SIZE   128
#define BUSY_MS      5000
#define LOG_PAGES    1000 /* of 4 KiB: the log is moved into the database then */
#define SHRINK_PAGES 256  /* that are free: fewer are left for later use */

struct db {
    sqlite3 *handle;
    struct box *box;
    struct {
        const char *sql;
        sqlite3_stmt *stmt;
        bool busy;
    } cache[CACHE_SIZE];
};

struct db_rows {
    struct db *db;
    sqlite3_stmt *stmt;
    int slot; /* in the cache, -1 when not cached */
    int last; /* SQLite's last result */
};

static enum err db_fault(struct db *db, const char *what, struct diag *why)
{
    int code = sqlite3_errcode(db->handle);
    bool passes = code == SQLITE_BUSY || code == SQLITE_LOCKED || code == SQLITE_FULL || code == SQLITE_IOERR ||
                  code == SQLITE_NOMEM;
    enum err err = passes ? ERR_AGAIN : ERR_INTERNAL;

    if (code == SQLITE_CORRUPT || code == SQLITE_NOTADB)
        return diag_set(why, ERR_REJECT, "store.damaged", "the database is damaged (%s): restore the last backup",
                        sqlite3_errmsg(db->handle));
    if (code == SQLITE_READONLY)
        return diag_set(why, ERR_INTERNAL, "store.read-only",
                        "the database cannot be written: check owner and mode of the state folder");
    /* The shared memory of the log is a file too, which gives other codes. */
    if (code == SQLITE_FULL ||
        ((code == SQLITE_IOERR || code == SQLITE_CANTOPEN) && sqlite3_system_errno(db->handle) == ENOSPC))
        return diag_set(why, ERR_AGAIN, "disk.full",
                        "the disk of the state folder is full, and nothing was changed: make room");
    if (code == SQLITE_BUSY)
        return diag_set(why, err, "store.busy",
                        "another program has held the database for %d seconds: end it (fuser names it), and try again",
                        BUSY_MS / 1000);
    return diag_set(why, err, "store.fault", "%s: %s", what, sqlite3_errmsg(db->handle));
}

static enum err exec(struct db *db, const char *sql, struct diag *why)
{
    if (sqlite3_exec(db->handle, sql, NULL, NULL, NULL) != SQLITE_OK)
        return db_fault(db, "running a statement", why);
    return ERR_OK;
}

static int64_t pragma_value(struct db *db, const char *sql)
{
    sqlite3_stmt *stmt = NULL;
    int64_t value = -1;

    if (sqlite3_prepare_v2(db->handle, sql, -1, &stmt, NULL) == SQLITE_OK && sqlite3_step(stmt) == SQLITE_ROW)
        value = sqlite3_column_int64(stmt, 0);
    sqlite3_finalize(stmt);
    return value;
}

static enum err migrate(struct db *db, struct diag *why)
{
    int64_t have = pragma_value(db, "PRAGMA user_version");
    char set[64];
    enum err err = ERR_OK;

    for (; !err && have < (int64_t)schema_steps_n; have++) {
        err = exec(db, "BEGIN IMMEDIATE", why);
        if (!err)
            err = exec(db, schema_steps[have], why);
        snprintf(set, sizeof set, "PRAGMA user_version = %lld", (long long)have + 1);
        if (!err)
            err = exec(db, set, why);
        if (!err)
            err = exec(db, "COMMIT", why);
        if (err)
            db_rollback(db);
    }
    return err;
}

static enum err check_version(struct db *db, enum db_mode mode, struct diag *why)
{
    int64_t have = pragma_value(db, "PRAGMA user_version");

    if (have < 0)
        return db_fault(db, "reading the database", why);
    if (have > (int64_t)schema_steps_n)
        return diag_set(why, ERR_REJECT, "store.newer",
                        "the database has version %lld, this program knows %zu: use the newer program", (long long)have,
                        schema_steps_n);
    if (have == 0 && mode != DB_CREATE)
        return diag_set(why, ERR_REJECT, "store.damaged", "the database is empty: restore the last backup");
    if (have < (int64_t)schema_steps_n && mode == DB_READ_ONLY)
        return diag_set(why, ERR_REJECT, "store.older", "the database is of an older version: start embargod once");
    return mode == DB_READ_ONLY ? ERR_OK : migrate(db, why);
}

static enum err check_integrity(struct db *db, struct diag *why)
{
    sqlite3_stmt *stmt = NULL;
    int code = sqlite3_prepare_v2(db->handle, "PRAGMA quick_check(1)", -1, &stmt, NULL);
    const char *words = NULL;
    bool ok;

    if (code == SQLITE_OK && (code = sqlite3_step(stmt)) == SQLITE_ROW)
        words = (const char *)sqlite3_column_text(stmt, 0);
    ok = words && strcmp(words, "ok") == 0;
    sqlite3_finalize(stmt);
    /* A disk or a memory that fails for once is no damage. */
    if (!words && (code == SQLITE_IOERR || code == SQLITE_NOMEM || code == SQLITE_BUSY))
        return diag_set(why, ERR_AGAIN, "store.fault", "checking the database: %s", sqlite3_errstr(code));
    if (!ok)
        return diag_set(why, ERR_REJECT, "store.damaged", "the database fails its integrity check: restore a backup");
    return ERR_OK;
}

/* Moves the log into the database and empties it; not while another connection reads, which is no fault. */
static void empty_log(struct db *db)
{
    sqlite3_busy_timeout(db->handle, 0);
    sqlite3_wal_checkpoint_v2(db->handle, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
    sqlite3_busy_timeout(db->handle, BUSY_MS);
}

/* In place of SQLite's own, which leaves the log as long as its largest transaction for good. */
static int on_log(void *ctx, sqlite3 *handle, const char *name, int pages)
{
    (void)handle;
    (void)name;
    if (pages >= LOG_PAGES)
        empty_log(ctx);
    return SQLITE_OK;
}

void db_shrink(struct db *db)
{
    if (pragma_value(db, "PRAGMA freelist_count") < SHRINK_PAGES || db_in_transaction(db))
        return;
    sqlite3_exec(db->handle, "PRAGMA incremental_vacuum", NULL, NULL, NULL);
    empty_log(db);
}

static enum err prepare_connection(struct db *db, enum db_mode mode, struct diag *why)
{
    /* auto_vacuum counts before the first page is written, hence first. */
    static const char pragmas[] =
        "PRAGMA auto_vacuum=INCREMENTAL; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;"
        "PRAGMA temp_store=MEMORY; PRAGMA secure_delete=ON; PRAGMA trusted_schema=OFF;";
    enum err err = ERR_OK;

    sqlite3_busy_timeout(db->handle, BUSY_MS);
    if (mode != DB_READ_ONLY)
        err = exec(db, pragmas, why);
    if (mode != DB_READ_ONLY)
        sqlite3_wal_hook(db->handle, on_log, db);
    if (!err)
        err = check_integrity(db, why);
    return err ? err : check_version(db, mode, why);
}

enum err db_open(const char *state_dir, enum db_mode mode, struct db **out, struct diag *why)
{
    int flags = mode == DB_READ_ONLY ? SQLITE_OPEN_READONLY
                                     : SQLITE_OPEN_READWRITE | (mode == DB_CREATE ? SQLITE_OPEN_CREATE : 0);
    /* The folder may be a link (moved to another disk); the file may not, and SQLite would refuse both. */
    char *real = realpath(state_dir, NULL), *path = mem_printf("%s/db.sqlite", real ? real : state_dir);
    struct db *db = mem_zero(1, sizeof *db);
    mode_t old = umask(077);
    enum err err;

    *out = NULL;
    if (mode != DB_CREATE && access(path, F_OK))
        err = diag_set(why, ERR_NOT_FOUND, "store.missing",
                       "no database in %s: run embargoctl init, or restore a backup", state_dir);
    else if (sqlite3_open_v2(path, &db->handle, flags | SQLITE_OPEN_NOFOLLOW, NULL) != SQLITE_OK)
        err = db_fault(db, "opening the database", why);
    else
        err = prepare_connection(db, mode, why);
    umask(old);
    free(real);
    free(path);
    if (err && why && strcmp(why->rule, "store.damaged") == 0)
        last_backup_name_in(state_dir, why);
    if (err)
        db_close(&db);
    else
        *out = db;
    return err;
}

enum err db_try_write(const char *state_dir, struct diag *why)
{
    char *real = realpath(state_dir, NULL), *path = mem_printf("%s/db.sqlite", real ? real : state_dir);
    struct db db = {.handle = NULL};
    enum err err = ERR_OK;

    if (access(path, W_OK))
        err = diag_set(why, ERR_INTERNAL, "store.read-only",
                       "the database cannot be written: check owner and mode of the state folder");
    else if (sqlite3_open_v2(path, &db.handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOFOLLOW, NULL) != SQLITE_OK)
        err = db_fault(&db, "opening the database", why);
    if (!err) {
        sqlite3_busy_timeout(db.handle, BUSY_MS);
        err = exec(&db, "BEGIN IMMEDIATE; ROLLBACK", why);
    }
    sqlite3_close(db.handle);
    free(real);
    free(path);
    return err;
}

void db_close(struct db **db)
{
    if (!*db)
        return;
    for (int i = 0; i < CACHE_SIZE; i++)
        sqlite3_finalize((*db)->cache[i].stmt);
    sqlite3_close((*db)->handle);
    if ((*db)->box)
        box_free(&(*db)->box);
    free(*db);
    *db = NULL;
}

void db_set_box(struct db *db, struct box *box)
{
    if (db->box)
        box_free(&db->box);
    db->box = box;
}

const struct box *db_box(const struct db *db)
{
    return db->box;
}

enum err db_begin(struct db *db, struct diag *why)
{
    return exec(db, "BEGIN IMMEDIATE", why);
}

enum err db_commit(struct db *db, struct diag *why)
{
    return exec(db, "COMMIT", why);
}

void db_rollback(struct db *db)
{
    if (db_in_transaction(db))
        sqlite3_exec(db->handle, "ROLLBACK", NULL, NULL, NULL);
}

enum err db_part_begin(struct db *db, struct diag *why)
{
    return exec(db, "SAVEPOINT part", why);
}

enum err db_part_keep(struct db *db, struct diag *why)
{
    return exec(db, "RELEASE part", why);
}

enum err db_part_undo(struct db *db, struct diag *why)
{
    enum err err = exec(db, "ROLLBACK TO part", why);

    return err ? err : db_part_keep(db, why);
}

bool db_in_transaction(const struct db *db)
{
    return !sqlite3_get_autocommit(db->handle);
}

/* A free cached statement for this text, prepared now where there is none. */
static sqlite3_stmt *statement(struct db *db, const char *sql, int *slot)
{
    sqlite3_stmt *stmt = NULL;

    *slot = -1;
    for (int i = 0; i < CACHE_SIZE; i++) {
        if (!db->cache[i].stmt && *slot < 0)
            *slot = i;
        if (db->cache[i].stmt && !db->cache[i].busy && strcmp(db->cache[i].sql, sql) == 0) {
            *slot = i;
            db->cache[i].busy = true;
            return db->cache[i].stmt;
        }
    }
    if (sqlite3_prepare_v3(db->handle, sql, -1, SQLITE_PREPARE_PERSISTENT, &stmt, NULL) != SQLITE_OK) {
        log_event(NULL, "store-prepare-failed", "store.fault", "%s", sqlite3_errmsg(db->handle));
        return NULL;
    }
    if (*slot >= 0) {
        db->cache[*slot].sql = sql;
        db->cache[*slot].stmt = stmt;
        db->cache[*slot].busy = true;
    }
    return stmt;
}

static void release(struct db *db, sqlite3_stmt *stmt, int slot)
{
    if (slot < 0) {
        sqlite3_finalize(stmt);
        return;
    }
    sqlite3_reset(stmt);
    sqlite3_clear_bindings(stmt);
    db->cache[slot].busy = false;
}

static void bind_values(sqlite3_stmt *stmt, const char *types, va_list args)
{
    for (int i = 1; *types; types++, i++) {
        if (*types == 'i') {
            sqlite3_bind_int64(stmt, i, va_arg(args, int64_t));
        } else if (*types == 't') {
            const char *s = va_arg(args, const char *);
            sqlite3_bind_text(stmt, i, s, -1, SQLITE_TRANSIENT);
        } else {
            struct span s = va_arg(args, struct span);
            if (s.data)
                sqlite3_bind_blob64(stmt, i, s.data, s.len, SQLITE_TRANSIENT);
            else
                sqlite3_bind_null(stmt, i);
        }
    }
}

static struct db_rows *query(struct db *db, const char *sql, const char *types, va_list args)
{
    struct db_rows *rows = mem_zero(1, sizeof *rows);

    rows->db = db;
    rows->stmt = statement(db, sql, &rows->slot);
    rows->last = rows->stmt ? SQLITE_ROW : SQLITE_ERROR;
    if (rows->stmt)
        bind_values(rows->stmt, types, args);
    return rows;
}

struct db_rows *db_query(struct db *db, const char *sql, const char *types, ...)
{
    struct db_rows *rows;
    va_list args;

    va_start(args, types);
    rows = query(db, sql, types, args);
    va_end(args);
    return rows;
}

bool db_next(struct db_rows *rows)
{
    if (rows->last != SQLITE_ROW)
        return false;
    rows->last = sqlite3_step(rows->stmt);
    return rows->last == SQLITE_ROW;
}

enum err db_rows_end(struct db_rows **rows, struct diag *why)
{
    struct db_rows *r = *rows;
    bool fault = r->last != SQLITE_DONE && r->last != SQLITE_ROW;
    enum err err = fault ? db_fault(r->db, "reading or changing a record", why) : ERR_OK;

    if (r->stmt)
        release(r->db, r->stmt, r->slot);
    free(r);
    *rows = NULL;
    return err;
}

enum err db_run(struct db *db, struct diag *why, const char *sql, const char *types, ...)
{
    struct db_rows *rows;
    va_list args;

    va_start(args, types);
    rows = query(db, sql, types, args);
    va_end(args);
    while (db_next(rows))
        ;
    return db_rows_end(&rows, why);
}

int64_t db_int(const struct db_rows *rows, int column)
{
    return sqlite3_column_int64(rows->stmt, column);
}

bool db_is_null(const struct db_rows *rows, int column)
{
    return sqlite3_column_type(rows->stmt, column) == SQLITE_NULL;
}

const char *db_text(const struct db_rows *rows, int column)
{
    const unsigned char *s = sqlite3_column_text(rows->stmt, column);

    return s ? (const char *)s : "";
}

char *db_text_copy(const struct db_rows *rows, int column)
{
    return db_is_null(rows, column) ? NULL : mem_strdup(db_text(rows, column));
}

struct span db_bytes(const struct db_rows *rows, int column)
{
    const uint8_t *p = sqlite3_column_blob(rows->stmt, column);

    return (struct span){p, (size_t)sqlite3_column_bytes(rows->stmt, column)};
}

int64_t db_value(struct db *db, int64_t otherwise, const char *sql, const char *types, ...)
{
    int64_t value = otherwise;
    struct db_rows *rows;
    struct diag why;
    va_list args;

    va_start(args, types);
    rows = query(db, sql, types, args);
    va_end(args);
    if (db_next(rows) && !db_is_null(rows, 0))
        value = db_int(rows, 0);
    if (db_rows_end(&rows, &why))
        log_diag(NULL, "store-fault", &why);
    return value;
}

int64_t db_last_id(struct db *db)
{
    return sqlite3_last_insert_rowid(db->handle);
}

int64_t db_changes(struct db *db)
{
    return sqlite3_changes64(db->handle);
}

sqlite3 *db_handle(const struct db *db)
{
    return db->handle;
}

/* Opening the database: its pragmas, its integrity, its version; and the length of its log. */
#include "base/mem.h"
#include "store/db_inside.h"
#include "store/last_backup.h"
#include "store/schema.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOG_PAGES    1000 /* of 4 KiB: the log is moved into the database then */
#define SHRINK_PAGES 256  /* that are free: fewer are left for later use */

static enum err migrate(struct db *db, struct diag *why)
{
    int64_t have = db_pragma(db, "PRAGMA user_version");
    char set[64];
    enum err err = ERR_OK;

    for (; !err && have < (int64_t)schema_steps_n; have++) {
        err = db_exec(db, "BEGIN IMMEDIATE", why);
        if (!err)
            err = db_exec(db, schema_steps[have], why);
        snprintf(set, sizeof set, "PRAGMA user_version = %lld", (long long)have + 1);
        if (!err)
            err = db_exec(db, set, why);
        if (!err)
            err = db_exec(db, "COMMIT", why);
        if (err)
            db_rollback(db);
    }
    return err;
}

static enum err check_version(struct db *db, enum db_mode mode, struct diag *why)
{
    int64_t have = db_pragma(db, "PRAGMA user_version");

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

/*
 * SQLite names a page that it could not read among the damages, with its code; a disk or a memory that fails for once
 * is none.
 */
static bool is_damage(int code, const char *words)
{
    const char *mark = words ? strstr(words, "error code=") : NULL;
    long of_page = mark ? strtol(mark + strlen("error code="), NULL, 10) & 0xff : SQLITE_CORRUPT;

    if (!words)
        return code == SQLITE_CORRUPT || code == SQLITE_NOTADB;
    return of_page == SQLITE_CORRUPT || of_page == SQLITE_NOTADB;
}

static enum err check_integrity(struct db *db, struct diag *why)
{
    sqlite3_stmt *stmt = NULL;
    int code = sqlite3_prepare_v2(db->handle, "PRAGMA quick_check(1)", -1, &stmt, NULL);
    const char *words = NULL;
    enum err err;

    if (code == SQLITE_OK && (code = sqlite3_step(stmt)) == SQLITE_ROW)
        words = (const char *)sqlite3_column_text(stmt, 0);
    if (words && strcmp(words, "ok") == 0)
        err = ERR_OK;
    else if (is_damage(code, words))
        err = diag_set(why, ERR_REJECT, "store.damaged", "the database fails its integrity check: restore a backup");
    else
        err =
            diag_set(why, ERR_AGAIN, "store.fault", "checking the database: %s", words ? words : sqlite3_errstr(code));
    sqlite3_finalize(stmt);
    return err;
}

/* Moves the log into the database and empties it; not while another connection reads, which is no fault. */
static void empty_log(struct db *db)
{
    sqlite3_busy_timeout(db->handle, 0);
    sqlite3_wal_checkpoint_v2(db->handle, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
    sqlite3_busy_timeout(db->handle, DB_BUSY_MS);
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
    if (db_pragma(db, "PRAGMA freelist_count") < SHRINK_PAGES || db_in_transaction(db))
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

    sqlite3_busy_timeout(db->handle, DB_BUSY_MS);
    if (mode != DB_READ_ONLY)
        err = db_exec(db, pragmas, why);
    if (mode != DB_READ_ONLY)
        sqlite3_wal_hook(db->handle, on_log, db);
    if (!err)
        err = check_integrity(db, why);
    return err ? err : check_version(db, mode, why);
}

static bool is_denied(const char *path)
{
    return access(path, W_OK) && errno != ENOENT;
}

/* Where there was only no descriptor left, SQLite has opened a file for reading alone: that passes, and rights do not.
 */
static bool may_write(const char *folder, const char *path)
{
    char *wal = mem_printf("%s-wal", path), *shm = mem_printf("%s-shm", path);
    bool may = !is_denied(folder) && !is_denied(path) && !is_denied(wal) && !is_denied(shm);

    free(wal);
    free(shm);
    return may;
}

static enum err open_once(const char *path, enum db_mode mode, struct db **out, struct diag *why)
{
    int flags = mode == DB_READ_ONLY ? SQLITE_OPEN_READONLY
                                     : SQLITE_OPEN_READWRITE | (mode == DB_CREATE ? SQLITE_OPEN_CREATE : 0);
    struct db *db = mem_zero(1, sizeof *db);
    enum err err = ERR_OK;

    if (sqlite3_open_v2(path, &db->handle, flags | SQLITE_OPEN_NOFOLLOW, NULL) != SQLITE_OK)
        err = db_fault(db, "opening the database", why);
    if (!err)
        err = prepare_connection(db, mode, why);
    if (err)
        db_close(&db);
    *out = db;
    return err;
}

static bool is_rule(const struct diag *why, const char *rule)
{
    return strcmp(why->rule, rule) == 0;
}

enum err db_open(const char *state_dir, enum db_mode mode, struct db **out, struct diag *why)
{
    /* The folder may be a link (moved to another disk); the file may not, and SQLite would refuse both. */
    char *real = realpath(state_dir, NULL), *path = mem_printf("%s/db.sqlite", real ? real : state_dir);
    mode_t old = umask(077);
    struct diag words = {0};
    enum err err;

    *out = NULL;
    if (mode != DB_CREATE && access(path, F_OK))
        err = diag_set(&words, ERR_NOT_FOUND, "store.missing",
                       "no database in %s: run embargoctl init, or restore a backup", state_dir);
    else
        err = open_once(path, mode, out, &words);
    /* A disk that fails once gives what looks like damage: that is believed where it is seen twice. */
    if (err && is_rule(&words, "store.damaged"))
        err = open_once(path, mode, out, &words);
    if (err && is_rule(&words, "store.read-only"))
        err = mode != DB_READ_ONLY && may_write(real ? real : state_dir, path) ? ERR_AGAIN : ERR_INTERNAL;
    if (err && is_rule(&words, "store.damaged"))
        last_backup_name_in(state_dir, &words);
    umask(old);
    free(real);
    free(path);
    if (err && why)
        *why = words;
    return err;
}

enum err db_check_file(const char *file, struct diag *why)
{
    struct db db = {.handle = NULL};
    enum err err = ERR_OK;

    if (sqlite3_open_v2(file, &db.handle, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOFOLLOW, NULL) != SQLITE_OK)
        err = db_fault(&db, "opening a copy of the database", why);
    if (!err)
        err = check_integrity(&db, why);
    sqlite3_close(db.handle);
    return err;
}

enum err db_try_write(const char *state_dir, struct diag *why)
{
    char *real = realpath(state_dir, NULL), *path = mem_printf("%s/db.sqlite", real ? real : state_dir);
    struct db db = {.handle = NULL};
    enum err err = ERR_OK;

    if (access(path, W_OK))
        err = diag_set(why, ERR_AGAIN, "store.read-only",
                       "the database cannot be written: check owner and mode of the state folder");
    else if (sqlite3_open_v2(path, &db.handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOFOLLOW, NULL) != SQLITE_OK)
        err = db_fault(&db, "opening the database", why);
    if (!err) {
        sqlite3_busy_timeout(db.handle, DB_BUSY_MS);
        err = db_exec(&db, "BEGIN IMMEDIATE; ROLLBACK", why);
    }
    sqlite3_close(db.handle);
    free(real);
    free(path);
    return err;
}

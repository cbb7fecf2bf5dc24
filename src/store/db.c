#include "base/log.h"
#include "base/mem.h"
#include "store/db_inside.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct db_rows {
    struct db *db;
    sqlite3_stmt *stmt;
    int slot;     /* in the cache, -1 when not cached */
    int last;     /* SQLite's last result */
    bool refused; /* because of an earlier fault of this turn */
};

enum err db_exec(struct db *db, const char *sql, struct diag *why)
{
    if (sqlite3_exec(db->handle, sql, NULL, NULL, NULL) != SQLITE_OK)
        return db_fault(db, "running a statement", why);
    return ERR_OK;
}

int64_t db_pragma(struct db *db, const char *sql)
{
    sqlite3_stmt *stmt = NULL;
    int64_t value = -1;

    if (sqlite3_prepare_v2(db->handle, sql, -1, &stmt, NULL) == SQLITE_OK && sqlite3_step(stmt) == SQLITE_ROW)
        value = sqlite3_column_int64(stmt, 0);
    sqlite3_finalize(stmt);
    return value;
}

void db_close(struct db **db)
{
    if (!*db)
        return;
    for (int i = 0; i < DB_CACHE_SIZE; i++)
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
    enum err err = db_turn_fault(db, why);

    return err ? err : db_exec(db, "BEGIN IMMEDIATE", why);
}

enum err db_commit(struct db *db, struct diag *why)
{
    enum err err = db_turn_fault(db, why);

    return err ? err : db_exec(db, "COMMIT", why);
}

void db_rollback(struct db *db)
{
    if (db_in_transaction(db))
        sqlite3_exec(db->handle, "ROLLBACK", NULL, NULL, NULL);
}

enum err db_end(struct db *db, enum err err, struct diag *why)
{
    if (!err)
        err = db_commit(db, why);
    if (err)
        db_rollback(db);
    return err;
}

enum err db_part_begin(struct db *db, struct diag *why)
{
    return db_exec(db, "SAVEPOINT part", why);
}

enum err db_part_keep(struct db *db, struct diag *why)
{
    return db_exec(db, "RELEASE part", why);
}

enum err db_part_undo(struct db *db, struct diag *why)
{
    enum err err = db_exec(db, "ROLLBACK TO part", why);

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
    for (int i = 0; i < DB_CACHE_SIZE; i++) {
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

static int bind_value(sqlite3_stmt *stmt, int i, char type, va_list *args)
{
    struct span s;

    if (type == 'i')
        return sqlite3_bind_int64(stmt, i, va_arg(*args, int64_t));
    if (type == 't')
        return sqlite3_bind_text(stmt, i, va_arg(*args, const char *), -1, SQLITE_TRANSIENT);
    s = va_arg(*args, struct span);
    return s.data ? sqlite3_bind_blob64(stmt, i, s.data, s.len, SQLITE_TRANSIENT) : sqlite3_bind_null(stmt, i);
}

static struct db_rows *query(struct db *db, const char *sql, const char *types, va_list *args)
{
    struct db_rows *rows = mem_zero(1, sizeof *rows);

    rows->db = db;
    rows->stmt = statement(db, sql, &rows->slot);
    rows->last = rows->stmt ? SQLITE_ROW : SQLITE_ERROR;
    if (rows->stmt && db->fault && !sqlite3_stmt_readonly(rows->stmt)) {
        rows->refused = true;
        rows->last = SQLITE_ABORT;
    }
    for (int i = 0; rows->last == SQLITE_ROW && types[i]; i++) {
        int code = bind_value(rows->stmt, i + 1, types[i], args);

        if (code != SQLITE_OK)
            rows->last = code;
    }
    return rows;
}

struct db_rows *db_query(struct db *db, const char *sql, const char *types, ...)
{
    struct db_rows *rows;
    va_list args;

    va_start(args, types);
    rows = query(db, sql, types, &args);
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
    enum err err = r->refused ? db_turn_fault(r->db, why)
                   : fault    ? db_fault(r->db, "reading or changing a record", why)
                              : ERR_OK;

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
    rows = query(db, sql, types, &args);
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

/* A value that there was no memory for is no empty one: the query has failed. */
static void lost_value(const struct db_rows *rows)
{
    struct db_rows *mine = (struct db_rows *)rows;

    mine->last = SQLITE_NOMEM;
}

const char *db_text(const struct db_rows *rows, int column)
{
    bool null = db_is_null(rows, column);
    const unsigned char *s = null ? NULL : sqlite3_column_text(rows->stmt, column);

    if (!s && !null)
        lost_value(rows);
    return s ? (const char *)s : "";
}

char *db_text_copy(const struct db_rows *rows, int column)
{
    return db_is_null(rows, column) ? NULL : mem_strdup(db_text(rows, column));
}

struct span db_bytes(const struct db_rows *rows, int column)
{
    bool null = db_is_null(rows, column);
    const uint8_t *p = null ? NULL : sqlite3_column_blob(rows->stmt, column);
    size_t n = null ? 0 : (size_t)sqlite3_column_bytes(rows->stmt, column);

    if (!p && !null && sqlite3_errcode(rows->db->handle) == SQLITE_NOMEM)
        lost_value(rows);
    return (struct span){p, p ? n : 0};
}

int64_t db_value(struct db *db, int64_t otherwise, const char *sql, const char *types, ...)
{
    int64_t value = otherwise;
    struct db_rows *rows;
    struct diag why;
    va_list args;

    va_start(args, types);
    rows = query(db, sql, types, &args);
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

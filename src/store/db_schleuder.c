#include "store/db_schleuder.h"

#include "base/mem.h"
#include "codec/charset.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#define ROWS_MAX  20000
#define VALUE_MAX 4096  /* bytes of a value that is read */
#define STEPS_MAX 50000 /* thousands of steps of SQLite's machine, against a schema made to take for ever */

static int count_steps(void *ctx)
{
    int *left = ctx;

    return --*left < 0;
}

/* A list that is in use has what was written last in a log beside it, which wants a folder that can be written. */
static enum err fault(sqlite3 *db, struct diag *why)
{
    int code = sqlite3_errcode(db);

    if (code == SQLITE_CORRUPT || code == SQLITE_NOTADB)
        return diag_set(why, ERR_REJECT, "schleuder.damaged",
                        "the database is damaged or cut off (%s): copy it anew, with sqlite3 FILE '.backup COPY'",
                        sqlite3_errmsg(db));
    if (code == SQLITE_CANTOPEN || code == SQLITE_READONLY || code == SQLITE_BUSY || code == SQLITE_LOCKED ||
        code == SQLITE_IOERR || code == SQLITE_PERM)
        return diag_set(why, ERR_USAGE, "schleuder.open",
                        "the database cannot be read where it is (%s): copy it to a folder of yours, with sqlite3 FILE "
                        "'.backup COPY'",
                        sqlite3_errmsg(db));
    return diag_set(why, ERR_REJECT, "schleuder.schema",
                    "this is not a Schleuder database with lists and subscriptions (%s)", sqlite3_errmsg(db));
}

static enum err find_list(sqlite3 *db, const char *list, sqlite3_int64 *id, struct diag *why)
{
    sqlite3_stmt *stmt = NULL;
    enum err err = ERR_OK;
    int found = 0, rc;

    if (sqlite3_prepare_v2(db, "SELECT id FROM lists WHERE ?1 IS NULL OR lower(email) = lower(?1) LIMIT 2", -1, &stmt,
                           NULL) != SQLITE_OK)
        return fault(db, why);
    sqlite3_bind_text(stmt, 1, list, -1, SQLITE_STATIC);
    while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        *id = sqlite3_column_int64(stmt, 0);
        found++;
    }
    if (rc != SQLITE_DONE)
        err = fault(db, why);
    else if (!found)
        err = diag_set(why, ERR_NOT_FOUND, "schleuder.list", "the database has no %s", list ? "such list" : "list");
    else if (found > 1)
        err = diag_set(why, ERR_USAGE, "schleuder.which", "the database has several lists: name one with --from");
    sqlite3_finalize(stmt);
    return err;
}

static char *text_at(sqlite3_stmt *stmt, int column)
{
    const char *text = (const char *)sqlite3_column_text(stmt, column);

    return mem_strdup(text ? text : "");
}

static void read_row(sqlite3_stmt *stmt, struct schleuder_row *out)
{
    struct buf clean = BUF_EMPTY;
    size_t n;

    *out = (struct schleuder_row){.address = text_at(stmt, 0),
                                  .fingerprint = text_at(stmt, 1),
                                  .admin = sqlite3_column_int(stmt, 2) != 0,
                                  .delivery = sqlite3_column_int(stmt, 3) != 0};
    n = strlen(out->address);
    if (n != (size_t)sqlite3_column_bytes(stmt, 0))
        out->fault = "a NUL stands in its address";
    if (charset_is_utf8(span_of(out->address)))
        return;
    out->fault = "its address is not in UTF-8";
    charset_clean_utf8(span_of(out->address), &clean);
    free(out->address);
    out->address = buf_take(&clean);
}

static enum err read_rows(sqlite3 *db, sqlite3_int64 list, struct schleuder_row **out, size_t *n, struct diag *why)
{
    /* Older versions keep truth as 't' and 'f', newer ones as 1 and 0. */
    static const char sql[] =
        "SELECT email, fingerprint, admin IN (1, 't', 'true'), delivery_enabled IN (1, 't', 'true')"
        " FROM subscriptions WHERE list_id = ? ORDER BY email";
    sqlite3_stmt *stmt = NULL;
    enum err err = ERR_OK;
    int rc;

    if (sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) != SQLITE_OK)
        return fault(db, why);
    sqlite3_bind_int64(stmt, 1, list);
    while (!err && (rc = sqlite3_step(stmt)) != SQLITE_DONE) {
        if (rc != SQLITE_ROW) {
            err = fault(db, why);
        } else if (*n == ROWS_MAX) {
            err = diag_set(why, ERR_LIMIT, "schleuder.rows", "more than %d subscriptions", ROWS_MAX);
        } else {
            *out = mem_resize(*out, *n + 1, sizeof **out);
            read_row(stmt, &(*out)[(*n)++]);
        }
    }
    sqlite3_finalize(stmt);
    return err;
}

enum err schleuder_read(const char *file, const char *list, struct schleuder_row **out, size_t *n, struct diag *why)
{
    sqlite3_int64 id = 0;
    sqlite3 *db = NULL;
    int left = STEPS_MAX;
    enum err err = ERR_OK;

    *out = NULL;
    *n = 0;
    if (sqlite3_open_v2(file, &db, SQLITE_OPEN_READONLY, NULL) != SQLITE_OK) {
        err = diag_set(why, ERR_USAGE, "command.file", "cannot open %.200s", file);
    } else {
        sqlite3_limit(db, SQLITE_LIMIT_LENGTH, VALUE_MAX * 16);
        sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
        sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
        sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL);
        sqlite3_progress_handler(db, 1000, count_steps, &left);
        err = find_list(db, list, &id, why);
    }
    if (!err)
        err = read_rows(db, id, out, n, why);
    sqlite3_close(db);
    if (err) {
        schleuder_free(*out, *n);
        *out = NULL;
        *n = 0;
    }
    return err;
}

void schleuder_free(struct schleuder_row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        free(rows[i].address);
        free(rows[i].fingerprint);
    }
    free(rows);
}

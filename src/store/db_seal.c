#include "store/db.h"

#include "base/log.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

/* Statement texts are cached by content, so a text made here must live on: one for each table and column. */
#define STATEMENTS_MAX 128

static const char *sealed_sql(const char *format_verb, const char *table, const char *column)
{
    static char *known[STATEMENTS_MAX];
    char *sql = strcmp(format_verb, "get") == 0 ? mem_printf("SELECT %s FROM %s WHERE id = ?", column, table)
                                                : mem_printf("UPDATE %s SET %s = ? WHERE id = ?", table, column);

    for (size_t i = 0; i < STATEMENTS_MAX; i++) {
        if (!known[i])
            return known[i] = sql;
        if (strcmp(known[i], sql) == 0) {
            free(sql);
            return known[i];
        }
    }
    abort(); /* more sealed columns than the schema has: a fault of the program */
}

enum err db_seal(struct db *db, const char *table, int64_t row, const char *column, struct span plain, struct diag *why)
{
    struct buf sealed = BUF_EMPTY;
    enum err err;

    if (!db_box(db))
        return diag_set(why, ERR_INTERNAL, "store.locked", "the data key is not open");
    box_seal(db_box(db), (struct box_place){table, row, column}, plain, &sealed);
    if (sealed.over)
        err = diag_set(why, ERR_LIMIT, "store.too-large", "a value is too large to be stored");
    else
        err = db_run(db, why, sealed_sql("set", table, column), "bi", buf_span(&sealed), row);
    buf_free(&sealed);
    return err;
}

enum err db_seal_text(struct db *db, const char *table, int64_t row, const char *column, const char *text,
                      struct diag *why)
{
    return text ? db_seal(db, table, row, column, span_of(text), why) : ERR_OK;
}

enum err db_unseal(struct db *db, const char *table, int64_t row, const char *column, struct buf *out, struct diag *why)
{
    struct db_rows *rows = db_query(db, sealed_sql("get", table, column), "i", row);
    enum err err = ERR_OK, end;

    buf_clear(out);
    if (!db_next(rows))
        err = diag_set(why, ERR_NOT_FOUND, "store.no-row", "no such record");
    else if (!db_is_null(rows, 0))
        err = db_box(db) ? box_open(db_box(db), (struct box_place){table, row, column}, db_bytes(rows, 0), out, why)
                         : diag_set(why, ERR_INTERNAL, "store.locked", "the data key is not open");
    end = db_rows_end(&rows, err ? NULL : why);
    return err ? err : end;
}

char *db_unseal_text(struct db *db, const char *table, int64_t row, const char *column)
{
    struct buf out = BUF_EMPTY;
    struct diag why;
    enum err err = db_unseal(db, table, row, column, &out, &why);

    if (err) {
        log_diag(NULL, "unseal-failed", &why);
        buf_free(&out);
        return NULL;
    }
    return out.data ? buf_take(&out) : NULL;
}

enum err db_meta_set(struct db *db, const char *key, struct span value, struct diag *why)
{
    return db_run(db, why,
                  "INSERT INTO meta(key, value) VALUES(?, ?) ON CONFLICT(key) DO UPDATE SET value = excluded.value",
                  "tb", key, value);
}

bool db_meta_get(struct db *db, const char *key, struct buf *out)
{
    struct db_rows *rows = db_query(db, "SELECT value FROM meta WHERE key = ?", "t", key);
    bool found = db_next(rows);

    buf_clear(out);
    if (found) {
        struct span v = db_bytes(rows, 0);
        buf_add(out, v.data, v.len);
    }
    db_rows_end(&rows, NULL);
    return found;
}

#include "store/duties.h"

#include "base/instant.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

void duty_row_free(struct duty_row *row)
{
    free(row->kind);
    free(row->detail);
    memset(row, 0, sizeof *row);
}

enum err duty_put(struct db *db, int64_t list_id, const char *kind, int64_t object, const char *detail, int64_t at,
                  struct diag *why)
{
    return db_run(db, why,
                  "INSERT INTO duty(list_id, kind, object, detail, at) VALUES(?1, ?2, ?3, ?4, ?5)"
                  " ON CONFLICT(kind, object, detail) DO UPDATE SET at = ?5, done_at = NULL"
                  " WHERE done_at IS NULL OR ?5 > at",
                  "ititi", list_id, kind, object, detail, at);
}

enum err duty_want(struct db *db, int64_t list_id, const char *kind, int64_t object, const char *detail, int64_t at,
                   struct diag *why)
{
    return duty_is_put(db, kind, object, detail) ? ERR_OK : duty_put(db, list_id, kind, object, detail, at, why);
}

enum err duty_end(struct db *db, const char *kind, int64_t object, const char *detail, struct diag *why)
{
    return db_run(db, why, "DELETE FROM duty WHERE kind = ?1 AND object = ?2 AND (?3 IS NULL OR detail = ?3)", "tit",
                  kind, object, detail);
}

enum err duty_hasten(struct db *db, const char *kind, int64_t object, int64_t now_utc_s, int64_t *n, struct diag *why)
{
    enum err err =
        db_run(db, why, "UPDATE duty SET at = MIN(at, ?1) WHERE kind = ?2 AND object = ?3 AND done_at IS NULL", "iti",
               now_utc_s, kind, object);

    *n = err ? 0 : db_changes(db);
    return err;
}

enum err duty_due(struct db *db, int64_t now_utc_s, struct duty_row **out, size_t *n, struct diag *why)
{
    struct db_rows *rows = db_query(db,
                                    "SELECT id, list_id, kind, object, detail, at FROM duty"
                                    " WHERE done_at IS NULL AND at <= ? ORDER BY at, id",
                                    "i", now_utc_s);

    *out = NULL;
    *n = 0;
    while (db_next(rows)) {
        *out = mem_resize(*out, *n + 1, sizeof **out);
        (*out)[(*n)++] = (struct duty_row){db_int(rows, 0), db_int(rows, 1),       db_text_copy(rows, 2),
                                           db_int(rows, 3), db_text_copy(rows, 4), db_int(rows, 5)};
    }
    return db_rows_end(&rows, why);
}

enum err duty_set_done(struct db *db, int64_t id, int64_t now_utc_s, struct diag *why)
{
    return db_run(db, why, "UPDATE duty SET done_at = ?1 WHERE id = ?2 AND done_at IS NULL AND at <= ?1", "ii",
                  now_utc_s, id);
}

bool duty_is_overtaken(struct db *db, const struct duty_row *row, const char *begins, int64_t now_utc_s)
{
    return db_value(db, 0,
                    "SELECT COUNT(*) FROM duty WHERE kind = ?1 AND object = ?2 AND at > ?3 AND at <= ?4"
                    " AND substr(detail, 1, length(?5)) = ?5 AND done_at IS NULL",
                    "tiiit", row->kind, row->object, row->at, now_utc_s, begins) > 0;
}

int64_t duty_count_due(struct db *db, int64_t now_utc_s)
{
    return db_value(db, 1, "SELECT COUNT(*) FROM duty WHERE done_at IS NULL AND at <= ?", "i", now_utc_s);
}

bool duty_is_put(struct db *db, const char *kind, int64_t object, const char *detail)
{
    return db_value(db, 0, "SELECT 1 FROM duty WHERE kind = ? AND object = ? AND detail = ? AND done_at IS NULL", "tit",
                    kind, object, detail) != 0;
}

int64_t duty_instant(struct db *db, const char *kind, int64_t object, const char *detail)
{
    return db_value(db, INSTANT_NONE, "SELECT at FROM duty WHERE kind = ? AND object = ? AND detail = ?", "tit", kind,
                    object, detail);
}

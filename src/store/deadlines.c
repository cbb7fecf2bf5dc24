#include "store/deadlines.h"

#include "base/instant.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

void deadline_row_free(struct deadline_row *row)
{
    free(row->clock);
    free(row->tier);
    free(row->rule);
    free(row->force);
    memset(row, 0, sizeof *row);
}

enum err deadline_put(struct db *db, const struct deadline_row *row, struct diag *why)
{
    int64_t id = db_value(db, 0, "SELECT id FROM deadline WHERE case_id = ? AND clock = ? AND tier IS ?", "itt",
                          row->case_id, row->clock, row->tier);

    if (id)
        return db_run(db, why,
                      "UPDATE deadline SET at = ?1, rule = ?2, force = ?3, fired_at = NULL WHERE id = ?4"
                      " AND (fired_at IS NULL OR fired_at < ?1)",
                      "itti", row->at, row->rule, row->force, id);
    return db_run(db, why, "INSERT INTO deadline(case_id, clock, tier, at, rule, force) VALUES(?, ?, ?, ?, ?, ?)",
                  "ittitt", row->case_id, row->clock, row->tier, row->at, row->rule, row->force);
}

enum err deadline_prune(struct db *db, int64_t case_id, const int64_t *keep, size_t n, struct diag *why)
{
    struct deadline_row *rows;
    size_t n_rows;
    enum err err = deadline_all(db, case_id, &rows, &n_rows, why);

    for (size_t i = 0; i < n_rows; i++) {
        bool kept = rows[i].fired_at != INSTANT_NONE;

        for (size_t k = 0; k < n; k++)
            kept = kept || keep[k] == rows[i].id;
        if (!err && !kept)
            err = db_run(db, why, "DELETE FROM deadline WHERE id = ?", "i", rows[i].id);
        deadline_row_free(&rows[i]);
    }
    free(rows);
    return err;
}

#define DEADLINE_COLUMNS "id, case_id, clock, tier, at, rule, force, fired_at"

static enum err read_all(struct db_rows *rows, struct deadline_row **out, size_t *n, struct diag *why)
{
    *out = NULL;
    *n = 0;
    while (db_next(rows)) {
        *out = mem_resize(*out, *n + 1, sizeof **out);
        (*out)[(*n)++] =
            (struct deadline_row){db_int(rows, 0),       db_int(rows, 1),
                                  db_text_copy(rows, 2), db_text_copy(rows, 3),
                                  db_int(rows, 4),       db_text_copy(rows, 5),
                                  db_text_copy(rows, 6), db_is_null(rows, 7) ? INSTANT_NONE : db_int(rows, 7)};
    }
    return db_rows_end(&rows, why);
}

enum err deadline_all(struct db *db, int64_t case_id, struct deadline_row **out, size_t *n, struct diag *why)
{
    return read_all(
        db_query(db, "SELECT " DEADLINE_COLUMNS " FROM deadline WHERE case_id = ? ORDER BY at, id", "i", case_id), out,
        n, why);
}

enum err deadline_due(struct db *db, int64_t now_utc_s, struct deadline_row **out, size_t *n, struct diag *why)
{
    return read_all(db_query(db,
                             "SELECT " DEADLINE_COLUMNS " FROM deadline WHERE fired_at IS NULL AND at <= ?"
                             " ORDER BY at, id",
                             "i", now_utc_s),
                    out, n, why);
}

int64_t deadline_count_due(struct db *db, int64_t now_utc_s)
{
    return db_value(db, 1, "SELECT COUNT(*) FROM deadline WHERE fired_at IS NULL AND at <= ?", "i", now_utc_s);
}

enum err deadline_set_fired(struct db *db, int64_t id, int64_t now_utc_s, struct diag *why)
{
    return db_run(db, why, "UPDATE deadline SET fired_at = ?1 WHERE id = ?2 AND fired_at IS NULL AND at <= ?1", "ii",
                  now_utc_s, id);
}

enum err deadline_find(struct db *db, int64_t case_id, const char *clock, const char *tier, struct deadline_row *out,
                       struct diag *why)
{
    struct deadline_row *rows;
    size_t n;
    enum err err =
        read_all(db_query(db, "SELECT " DEADLINE_COLUMNS " FROM deadline WHERE case_id = ? AND clock = ? AND tier IS ?",
                          "itt", case_id, clock, tier),
                 &rows, &n, why);

    memset(out, 0, sizeof *out);
    if (!err && !n)
        err = diag_set(why, ERR_NOT_FOUND, "deadline.unknown", "the case has no such deadline");
    if (n)
        *out = rows[0];
    free(rows);
    return err;
}

enum err deadline_missed(struct db *db, int64_t list_id, int64_t fired_utc_s, int64_t late_s, struct deadline_row **out,
                         size_t *n, struct diag *why)
{
    return read_all(
        db_query(db,
                 "SELECT d.id, d.case_id, d.clock, d.tier, d.at, d.rule, d.force, d.fired_at FROM deadline d"
                 " JOIN cases c ON c.id = d.case_id WHERE c.list_id = ?1 AND d.fired_at = ?2"
                 " AND d.fired_at - d.at > ?3 ORDER BY d.at, d.id",
                 "iii", list_id, fired_utc_s, late_s),
        out, n, why);
}

#include "store/lookups.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

void lookup_row_free(struct lookup_row *row)
{
    free(row->kind);
    mem_free_secret(&row->address);
    memset(row, 0, sizeof *row);
}

enum err lookup_put(struct db *db, int64_t list_id, const char *kind, int64_t object, const char *address, int64_t at,
                    struct diag *why)
{
    enum err err = db_run(db, why,
                          "INSERT INTO lookup(list_id, kind, object, at) VALUES(?1, ?2, ?3, ?4)"
                          " ON CONFLICT(kind, object) DO UPDATE SET at = MIN(at, ?4)",
                          "itii", list_id, kind, object, at);
    int64_t id = err ? 0 : db_value(db, 0, "SELECT id FROM lookup WHERE kind = ? AND object = ?", "ti", kind, object);

    return err ? err : db_seal_text(db, "lookup", id, "sealed_address", address, why);
}

enum err lookup_put_off(struct db *db, int64_t id, int64_t at, struct diag *why)
{
    return db_run(db, why, "UPDATE lookup SET at = ?, tries = tries + 1 WHERE id = ?", "ii", at, id);
}

enum err lookup_end(struct db *db, const char *kind, int64_t object, struct diag *why)
{
    return db_run(db, why, "DELETE FROM lookup WHERE kind = ? AND object = ?", "ti", kind, object);
}

enum err lookup_by_id(struct db *db, int64_t id, struct lookup_row *out, struct diag *why)
{
    struct db_rows *rows =
        db_query(db, "SELECT id, list_id, kind, object, at, tries FROM lookup WHERE id = ?", "i", id);
    enum err err;

    memset(out, 0, sizeof *out);
    if (db_next(rows))
        *out = (struct lookup_row){.id = db_int(rows, 0),
                                   .list_id = db_int(rows, 1),
                                   .kind = db_text_copy(rows, 2),
                                   .object = db_int(rows, 3),
                                   .at = db_int(rows, 4),
                                   .tries = db_int(rows, 5)};
    err = db_rows_end(&rows, why);
    if (!err && !out->id)
        err = diag_set(why, ERR_NOT_FOUND, "lookup.ended", "the look-up is no longer wanted");
    if (!err && !(out->address = db_unseal_text(db, "lookup", id, "sealed_address")))
        err = diag_set(why, ERR_INTERNAL, "store.sealed", "the address of a look-up cannot be read");
    return err;
}

size_t lookup_due(struct db *db, int64_t now_utc_s, int64_t *ids, size_t max)
{
    struct db_rows *rows =
        db_query(db, "SELECT id FROM lookup WHERE at <= ? ORDER BY at, id LIMIT ?", "ii", now_utc_s, (int64_t)max);
    size_t n = 0;

    while (n < max && db_next(rows))
        ids[n++] = db_int(rows, 0);
    db_rows_end(&rows, NULL);
    return n;
}

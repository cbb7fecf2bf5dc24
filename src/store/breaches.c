#include "store/breaches.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

void breach_row_free(struct breach_row *row)
{
    free(row->actor);
    free(row->consequence);
    mem_free_secret(&row->reason);
    memset(row, 0, sizeof *row);
}

enum err breach_insert(struct db *db, struct breach_row *row, struct diag *why)
{
    enum err err = db_run(db, why, "INSERT INTO breach(member_id, at, actor, consequence) VALUES(?, ?, ?, ?)", "iitt",
                          row->member_id, row->at, row->actor, row->consequence);

    if (err)
        return err;
    row->id = db_last_id(db);
    return db_seal_text(db, "breach", row->id, "sealed_reason", row->reason, why);
}

enum err breach_all(struct db *db, int64_t member_id, struct breach_row **out, size_t *n, struct diag *why)
{
    struct db_rows *rows =
        db_query(db, "SELECT id, member_id, at, actor, consequence FROM breach WHERE member_id = ? ORDER BY at, id",
                 "i", member_id);
    enum err err;

    *out = NULL;
    *n = 0;
    while (db_next(rows)) {
        *out = mem_resize(*out, *n + 1, sizeof **out);
        (*out)[(*n)++] = (struct breach_row){.id = db_int(rows, 0),
                                             .member_id = db_int(rows, 1),
                                             .at = db_int(rows, 2),
                                             .actor = db_text_copy(rows, 3),
                                             .consequence = db_text_copy(rows, 4)};
    }
    err = db_rows_end(&rows, why);
    for (size_t i = 0; i < *n; i++)
        (*out)[i].reason = db_unseal_text(db, "breach", (*out)[i].id, "sealed_reason");
    return err;
}

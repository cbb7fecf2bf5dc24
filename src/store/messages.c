/* Messages of a case, and the digests of Message-IDs by which replies find it. */
#include "store/cases.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

void message_row_free(struct message_row *row)
{
    free(row->author);
    free(row->signed_by);
    memset(row, 0, sizeof *row);
}

enum err message_insert(struct db *db, int64_t case_id, struct message_row *row, struct span raw, struct span facts,
                        struct diag *why)
{
    enum err err;

    row->n = 1 + db_value(db, 0, "SELECT MAX(n) FROM message WHERE case_id = ?", "i", case_id);
    row->size_bytes = (int64_t)raw.len;
    err = db_run(db, why,
                 "INSERT INTO message(case_id, n, at, author, verified, encrypted, size_bytes)"
                 " VALUES(?, ?, ?, ?, ?, ?, ?)",
                 "iiitiii", case_id, row->n, row->at, row->author, (int64_t)row->verified, (int64_t)row->encrypted,
                 row->size_bytes);
    if (err)
        return err;
    row->id = db_last_id(db);
    if (row->signed_by)
        err = db_seal_text(db, "message", row->id, "sealed_signed_by", row->signed_by, why);
    if (!err)
        err = db_seal(db, "message", row->id, "sealed_raw", raw, why);
    return err ? err : db_seal(db, "message", row->id, "sealed_facts", facts, why);
}

enum err message_all(struct db *db, int64_t case_id, struct message_row **out, size_t *n, struct diag *why)
{
    struct db_rows *rows = db_query(db,
                                    "SELECT id, n, at, author, verified, encrypted, size_bytes FROM message"
                                    " WHERE case_id = ? ORDER BY n",
                                    "i", case_id);

    *out = NULL;
    *n = 0;
    while (db_next(rows)) {
        *out = mem_resize(*out, *n + 1, sizeof **out);
        (*out)[(*n)++] =
            (struct message_row){.id = db_int(rows, 0),
                                 .n = db_int(rows, 1),
                                 .at = db_int(rows, 2),
                                 .author = db_text_copy(rows, 3),
                                 .signed_by = db_unseal_text(db, "message", db_int(rows, 0), "sealed_signed_by"),
                                 .verified = db_int(rows, 4) != 0,
                                 .encrypted = db_int(rows, 5) != 0,
                                 .size_bytes = db_int(rows, 6)};
    }
    return db_rows_end(&rows, why);
}

enum err message_raw(struct db *db, int64_t id, struct buf *out, struct diag *why)
{
    return db_unseal(db, "message", id, "sealed_raw", out, why);
}

enum err message_facts(struct db *db, int64_t id, struct buf *out, struct diag *why)
{
    return db_unseal(db, "message", id, "sealed_facts", out, why);
}

enum err reference_add(struct db *db, int64_t case_id, const char *message_id, struct diag *why)
{
    uint8_t digest[BOX_DIGEST_BYTES];

    box_digest(db_box(db), "message-id", span_of(message_id), digest);
    return db_run(db, why, "INSERT OR IGNORE INTO reference(digest, case_id) VALUES(?, ?)", "bi",
                  (struct span){digest, sizeof digest}, case_id);
}

int64_t reference_find(struct db *db, const char *message_id)
{
    uint8_t digest[BOX_DIGEST_BYTES];

    box_digest(db_box(db), "message-id", span_of(message_id), digest);
    return db_value(db, 0, "SELECT case_id FROM reference WHERE digest = ?", "b", (struct span){digest, sizeof digest});
}

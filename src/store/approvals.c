#include "store/approvals.h"

#include "base/instant.h"
#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void approval_row_free(struct approval_row *row)
{
    free(row->kind);
    free(row->action);
    free(row->object);
    free(row->by);
    free(row->state);
    memset(row, 0, sizeof *row);
}

void vote_rows_free(struct vote_row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        free(rows[i].admin);
        free(rows[i].vote);
    }
    free(rows);
}

enum err approval_insert(struct db *db, struct approval_row *row, const uint8_t digest[BOX_DIGEST_BYTES],
                         struct span payload, struct diag *why)
{
    enum err err;

    box_random_id(row->code);
    err = db_run(db, why,
                 "INSERT INTO approval(list_id, code, kind, action, object, by, at, needs, not_before_at, until_at,"
                 " digest, state) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, 'open')",
                 "itttttiiiib", row->list_id, row->code, row->kind, row->action, row->object, row->by, row->at,
                 row->needs, row->not_before_at, row->until_at, (struct span){digest, BOX_DIGEST_BYTES});
    if (err)
        return err;
    row->id = db_last_id(db);
    return db_seal(db, "approval", row->id, "sealed_command", payload, why);
}

#define APPROVAL_COLUMNS "id, list_id, code, kind, action, object, by, at, needs, not_before_at, until_at, state"

static void read_approval(const struct db_rows *rows, struct approval_row *out)
{
    *out = (struct approval_row){.id = db_int(rows, 0),
                                 .list_id = db_int(rows, 1),
                                 .kind = db_text_copy(rows, 3),
                                 .action = db_text_copy(rows, 4),
                                 .object = db_text_copy(rows, 5),
                                 .by = db_text_copy(rows, 6),
                                 .at = db_int(rows, 7),
                                 .needs = db_int(rows, 8),
                                 .not_before_at = db_int(rows, 9),
                                 .until_at = db_int(rows, 10),
                                 .state = db_text_copy(rows, 11)};
    snprintf(out->code, sizeof out->code, "%s", db_text(rows, 2));
}

static enum err read_one(struct db_rows *rows, struct approval_row *out, struct diag *why)
{
    bool found = db_next(rows);
    enum err err;

    memset(out, 0, sizeof *out);
    if (found)
        read_approval(rows, out);
    err = db_rows_end(&rows, why);
    return err || found ? err : diag_set(why, ERR_NOT_FOUND, "approval.unknown", "nothing of this id: approval list");
}

enum err approval_by_code(struct db *db, const char *code, struct approval_row *out, struct diag *why)
{
    return read_one(db_query(db, "SELECT " APPROVAL_COLUMNS " FROM approval WHERE code = ?", "t", code), out, why);
}

enum err approval_by_id(struct db *db, int64_t id, struct approval_row *out, struct diag *why)
{
    return read_one(db_query(db, "SELECT " APPROVAL_COLUMNS " FROM approval WHERE id = ?", "i", id), out, why);
}

enum err approval_same(struct db *db, int64_t list_id, const uint8_t digest[BOX_DIGEST_BYTES], struct approval_row *out,
                       struct diag *why)
{
    return read_one(db_query(db,
                             "SELECT " APPROVAL_COLUMNS
                             " FROM approval WHERE state = 'open' AND list_id = ? AND digest = ? ORDER BY id LIMIT 1",
                             "ib", list_id, (struct span){digest, BOX_DIGEST_BYTES}),
                    out, why);
}

enum err approval_open(struct db *db, int64_t list_id, struct approval_row **out, size_t *n, struct diag *why)
{
    struct db_rows *rows = db_query(
        db, "SELECT " APPROVAL_COLUMNS " FROM approval WHERE state = 'open' AND (?1 = 0 OR list_id = ?1) ORDER BY id",
        "i", list_id);

    *out = NULL;
    *n = 0;
    while (db_next(rows)) {
        *out = mem_resize(*out, *n + 1, sizeof **out);
        read_approval(rows, &(*out)[(*n)++]);
    }
    return db_rows_end(&rows, why);
}

enum err approval_payload(struct db *db, int64_t id, struct buf *out, struct diag *why)
{
    return db_unseal(db, "approval", id, "sealed_command", out, why);
}

enum err approval_end(struct db *db, int64_t id, const char *state, int64_t now_utc_s, struct diag *why)
{
    return db_run(db, why,
                  "UPDATE approval SET state = ?, ended_at = ?, sealed_command = NULL WHERE id = ? AND state = 'open'",
                  "tii", state, now_utc_s, id);
}

enum err vote_insert(struct db *db, int64_t approval_id, const char *admin, const char *vote, int64_t now_utc_s,
                     struct diag *why)
{
    enum err err = db_run(db, why, "INSERT OR IGNORE INTO vote(approval_id, admin, vote, at) VALUES(?, ?, ?, ?)",
                          "itti", approval_id, admin, vote, now_utc_s);

    if (!err && db_changes(db) == 0)
        err = diag_set(why, ERR_DENIED, "approval.twice", "you have voted on this: no admin votes twice");
    return err;
}

enum err vote_veto(struct db *db, int64_t approval_id, const char *admin, int64_t now_utc_s, struct diag *why)
{
    return db_run(db, why, "INSERT OR REPLACE INTO vote(approval_id, admin, vote, at) VALUES(?, ?, 'veto', ?)", "iti",
                  approval_id, admin, now_utc_s);
}

enum err vote_drop(struct db *db, int64_t list_id, const char *admin, struct diag *why)
{
    return db_run(db, why,
                  "DELETE FROM vote WHERE admin = ? AND vote = 'approve' AND approval_id IN"
                  " (SELECT id FROM approval WHERE list_id = ? AND state = 'open')",
                  "ti", admin, list_id);
}

enum err vote_all(struct db *db, int64_t approval_id, struct vote_row **out, size_t *n, struct diag *why)
{
    struct db_rows *rows =
        db_query(db, "SELECT admin, vote, at FROM vote WHERE approval_id = ? ORDER BY rowid", "i", approval_id);

    *out = NULL;
    *n = 0;
    while (db_next(rows)) {
        *out = mem_resize(*out, *n + 1, sizeof **out);
        (*out)[(*n)++] = (struct vote_row){db_text_copy(rows, 0), db_text_copy(rows, 1), db_int(rows, 2)};
    }
    return db_rows_end(&rows, why);
}

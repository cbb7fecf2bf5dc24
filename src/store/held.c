#include "store/held.h"

#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void held_row_free(struct held_row *row)
{
    free(row->rule);
    free(row->state);
    memset(row, 0, sizeof *row);
}

enum err held_insert(struct db *db, struct held_row *row, struct span envelope, struct span raw, struct diag *why)
{
    enum err err;

    box_random_id(row->code);
    row->size_bytes = (int64_t)raw.len;
    err = db_run(db, why, "INSERT INTO held(list_id, code, at, rule, size_bytes, state) VALUES(?, ?, ?, ?, ?, 'held')",
                 "ititi", row->list_id, row->code, row->at, row->rule, row->size_bytes);
    if (err)
        return err;
    row->id = db_last_id(db);
    err = db_seal(db, "held", row->id, "sealed_envelope", envelope, why);
    return err ? err : db_seal(db, "held", row->id, "sealed_raw", raw, why);
}

#define HELD_COLUMNS "id, list_id, code, at, rule, size_bytes, state"

static void read_held(const struct db_rows *rows, struct held_row *row)
{
    row->id = db_int(rows, 0);
    row->list_id = db_int(rows, 1);
    snprintf(row->code, sizeof row->code, "%s", db_text(rows, 2));
    row->at = db_int(rows, 3);
    row->rule = db_text_copy(rows, 4);
    row->size_bytes = db_int(rows, 5);
    row->state = db_text_copy(rows, 6);
}

enum err held_by_code(struct db *db, const char *code, struct held_row *out, struct diag *why)
{
    struct db_rows *rows = db_query(db, "SELECT " HELD_COLUMNS " FROM held WHERE code = ?", "t", code);
    bool found = db_next(rows);
    enum err err;

    memset(out, 0, sizeof *out);
    if (found)
        read_held(rows, out);
    err = db_rows_end(&rows, why);
    return !err && !found ? diag_set(why, ERR_NOT_FOUND, "held.unknown", "no such held mail: see held list") : err;
}

enum err held_all(struct db *db, struct held_row **out, size_t *n, struct diag *why)
{
    struct db_rows *rows = db_query(db, "SELECT " HELD_COLUMNS " FROM held WHERE state = 'held' ORDER BY id", "");

    *out = NULL;
    *n = 0;
    while (db_next(rows)) {
        *out = mem_resize(*out, *n + 1, sizeof **out);
        read_held(rows, &(*out)[(*n)++]);
    }
    return db_rows_end(&rows, why);
}

int64_t held_count_since(struct db *db, int64_t list_id, const char *rule, int64_t after_utc_s)
{
    return db_value(db, 0, "SELECT COUNT(*) FROM held WHERE list_id = ? AND rule = ? AND at > ?", "iti", list_id, rule,
                    after_utc_s);
}

enum err held_content(struct db *db, int64_t id, struct buf *envelope, struct buf *raw, struct diag *why)
{
    enum err err = db_unseal(db, "held", id, "sealed_envelope", envelope, why);

    return err ? err : db_unseal(db, "held", id, "sealed_raw", raw, why);
}

enum err held_set_state(struct db *db, int64_t id, const char *state, struct diag *why)
{
    return db_run(db, why, "UPDATE held SET state = ?, sealed_envelope = NULL, sealed_raw = NULL WHERE id = ?", "ti",
                  state, id);
}

enum err seen_before(struct db *db, const char *kind, struct span bytes, struct span owner, int64_t now_utc_s,
                     bool *seen, bool *same_owner, struct diag *why)
{
    uint8_t digest[BOX_DIGEST_BYTES], owner_digest[BOX_DIGEST_BYTES];
    struct db_rows *rows;
    enum err err;

    box_digest(db_box(db), kind, bytes, digest);
    box_digest(db_box(db), "owner", owner, owner_digest);
    rows = db_query(db, "SELECT owner FROM seen WHERE kind = ? AND digest = ?", "tb", kind,
                    (struct span){digest, sizeof digest});
    *seen = db_next(rows);
    *same_owner = false;
    if (*seen) {
        struct span first = db_bytes(rows, 0);
        *same_owner = first.len == sizeof owner_digest && memcmp(first.data, owner_digest, first.len) == 0;
    }
    err = db_rows_end(&rows, why);
    if (err || *seen)
        return err;
    return db_run(db, why, "INSERT INTO seen(kind, digest, owner, at) VALUES(?, ?, ?, ?)", "tbbi", kind,
                  (struct span){digest, sizeof digest}, (struct span){owner_digest, sizeof owner_digest}, now_utc_s);
}

int64_t seen_count(struct db *db, const char *kind, struct span owner, int64_t since_utc_s)
{
    uint8_t digest[BOX_DIGEST_BYTES];

    box_digest(db_box(db), "owner", owner, digest);
    return db_value(db, 0, "SELECT COUNT(*) FROM seen WHERE kind = ? AND owner = ? AND at >= ?", "tbi", kind,
                    (struct span){digest, sizeof digest}, since_utc_s);
}

enum err seen_forget(struct db *db, const char *kind, int64_t before_utc_s, struct diag *why)
{
    return db_run(db, why, "DELETE FROM seen WHERE kind = ? AND at < ?", "ti", kind, before_utc_s);
}

#include "store/outbox.h"

#include "base/instant.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

void mail_row_free(struct mail_row *row)
{
    free(row->kind);
    free(row->form);
    free(row->message_id);
    free(row->state);
    memset(row, 0, sizeof *row);
}

enum err mail_insert(struct db *db, struct mail_row *row, struct span payload, struct span prefix, struct span suffix,
                     struct diag *why)
{
    enum err err = db_run(db, why,
                          "INSERT INTO mail(list_id, case_id, version, kind, form, message_id, made_at, state, suffix)"
                          " VALUES(?1, nullif(?2, 0), nullif(?3, 0), ?4, ?5, ?6, ?7, ?8, ?9)",
                          "iiitttitb", row->list_id, row->case_id, row->version, row->kind, row->form, row->message_id,
                          row->made_at, row->state, suffix);

    if (err)
        return err;
    row->id = db_last_id(db);
    /* The payload last: each change of a row writes all of it again. */
    err = db_seal(db, "mail", row->id, "sealed_prefix", prefix, why);
    return err ? err : db_seal(db, "mail", row->id, "sealed_payload", payload, why);
}

enum err mail_by_id(struct db *db, int64_t id, struct mail_row *out, struct diag *why)
{
    struct db_rows *rows = db_query(
        db, "SELECT id, list_id, case_id, version, kind, form, message_id, state, made_at FROM mail WHERE id = ?", "i",
        id);
    bool found = db_next(rows);
    enum err err;

    memset(out, 0, sizeof *out);
    if (found)
        *out = (struct mail_row){db_int(rows, 0),       db_int(rows, 1),       db_int(rows, 2),
                                 db_int(rows, 3),       db_text_copy(rows, 4), db_text_copy(rows, 5),
                                 db_text_copy(rows, 6), db_text_copy(rows, 7), db_int(rows, 8)};
    err = db_rows_end(&rows, why);
    return !err && !found ? diag_set(why, ERR_NOT_FOUND, "queue.unknown", "no such mail") : err;
}

bool mail_is_ours(struct db *db, const char *message_id)
{
    return db_value(db, 0, "SELECT 1 FROM mail WHERE message_id = ? LIMIT 1", "t", message_id) != 0;
}

enum err mail_payload(struct db *db, int64_t id, struct buf *out, struct diag *why)
{
    return db_unseal(db, "mail", id, "sealed_payload", out, why);
}

enum err mail_frame(struct db *db, int64_t id, struct buf *prefix, struct buf *suffix, struct diag *why)
{
    enum err err = db_unseal(db, "mail", id, "sealed_prefix", prefix, why);
    struct db_rows *rows;

    buf_clear(suffix);
    if (err)
        return err;
    rows = db_query(db, "SELECT suffix FROM mail WHERE id = ?", "i", id);
    if (db_next(rows)) {
        struct span s = db_bytes(rows, 0);
        buf_add(suffix, s.data, s.len);
    }
    return db_rows_end(&rows, why);
}

static bool among(int64_t id, const int64_t *ids, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (ids[i] == id)
            return true;
    return false;
}

int64_t mail_next_to_seal(struct db *db, const int64_t *busy, size_t n)
{
    struct db_rows *rows = db_query(db,
                                    "SELECT id FROM mail WHERE state = 'sealing'"
                                    " ORDER BY kind NOT IN ('answer', 'advisory', 'public'), id",
                                    "");
    int64_t found = 0;

    while (!found && db_next(rows))
        if (!among(db_int(rows, 0), busy, n))
            found = db_int(rows, 0);
    db_rows_end(&rows, NULL);
    return found;
}

enum err mail_settle(struct db *db, int64_t id, struct diag *why)
{
    return db_run(db, why,
                  "UPDATE mail SET state = 'ready', sealed_payload = CASE form WHEN 'sealed' THEN NULL ELSE"
                  " sealed_payload END WHERE id = ?1 AND NOT EXISTS(SELECT 1 FROM copy WHERE mail_id = ?1 AND"
                  " state = 'sealing')",
                  "i", id);
}

#define COPY_COLUMNS                                                                                                   \
    "c.id, c.mail_id, c.body_id, c.member_id, c.participant_id, c.key_row, c.org, c.address, c.fingerprint, c.state, " \
    "c.tries, c.seal_tries, c.earliest_at, c.next_at, c.code, c.queue_id, c.application_id"

void copy_row_free(struct copy_row *row)
{
    free(row->org);
    free(row->address);
    free(row->fingerprint);
    free(row->state);
    free(row->code);
    free(row->queue_id);
    memset(row, 0, sizeof *row);
}

static void read_copy(const struct db_rows *rows, struct copy_row *row)
{
    *row = (struct copy_row){.id = db_int(rows, 0),
                             .mail_id = db_int(rows, 1),
                             .body_id = db_int(rows, 2),
                             .member_id = db_int(rows, 3),
                             .participant_id = db_int(rows, 4),
                             .key_row = db_int(rows, 5),
                             .org = db_text_copy(rows, 6),
                             .address = db_text_copy(rows, 7),
                             .fingerprint = db_text_copy(rows, 8),
                             .state = db_text_copy(rows, 9),
                             .tries = db_int(rows, 10),
                             .seal_tries = db_int(rows, 11),
                             .earliest_at = db_is_null(rows, 12) ? INSTANT_NONE : db_int(rows, 12),
                             .next_at = db_int(rows, 13),
                             .code = db_text_copy(rows, 14),
                             .queue_id = db_text_copy(rows, 15),
                             .application_id = db_int(rows, 16)};
}

static enum err read_copies(struct db_rows *rows, struct copy_row **out, size_t *n, struct diag *why)
{
    size_t cap = 0;

    *out = NULL;
    *n = 0;
    while (db_next(rows)) {
        if (*n == cap)
            *out = mem_resize(*out, cap = cap ? cap * 2 : 16, sizeof **out);
        read_copy(rows, &(*out)[(*n)++]);
    }
    return db_rows_end(&rows, why);
}

enum err copy_insert(struct db *db, struct copy_row *row, const char *secret_address, struct diag *why)
{
    enum err err = db_run(
        db, why,
        "INSERT INTO copy(mail_id, member_id, participant_id, key_row, org, address, fingerprint,"
        " state, next_at, application_id) VALUES(?1, nullif(?2, 0), nullif(?3, 0), nullif(?4, 0), ?5, ?6, ?7, ?8,"
        " ?9, nullif(?10, 0))",
        "iiiittttii", row->mail_id, row->member_id, row->participant_id, row->key_row, row->org, row->address,
        row->participant_id ? NULL : row->fingerprint, row->state, row->next_at, row->application_id);

    if (err)
        return err;
    row->id = db_last_id(db);
    if (row->earliest_at != INSTANT_NONE)
        err = db_run(db, why, "UPDATE copy SET earliest_at = ? WHERE id = ?", "ii", row->earliest_at, row->id);
    return err ? err : db_seal_text(db, "copy", row->id, "sealed_address", secret_address, why);
}

char *copy_address(struct db *db, const struct copy_row *row)
{
    return row->address ? mem_strdup(row->address) : db_unseal_text(db, "copy", row->id, "sealed_address");
}

enum err copy_by_id(struct db *db, int64_t id, struct copy_row *out, struct diag *why)
{
    struct db_rows *rows = db_query(db, "SELECT " COPY_COLUMNS " FROM copy c WHERE c.id = ?", "i", id);
    bool found = db_next(rows);
    enum err err;

    memset(out, 0, sizeof *out);
    if (found)
        read_copy(rows, out);
    err = db_rows_end(&rows, why);
    return !err && !found ? diag_set(why, ERR_NOT_FOUND, "queue.unknown", "no such copy in the queue") : err;
}

enum err copy_of_mail(struct db *db, int64_t mail_id, const char *state, struct copy_row **out, size_t *n,
                      struct diag *why)
{
    return read_copies(db_query(db,
                                "SELECT " COPY_COLUMNS " FROM copy c LEFT JOIN key k ON k.id = c.key_row"
                                " WHERE c.mail_id = ?1 AND (?2 IS NULL OR c.state = ?2) ORDER BY k.shard, c.id",
                                "it", mail_id, state),
                       out, n, why);
}

enum err copy_all(struct db *db, int64_t list_id, size_t max, struct copy_row **out, size_t *n, struct diag *why)
{
    return read_copies(db_query(db,
                                "SELECT " COPY_COLUMNS " FROM copy c JOIN mail m ON m.id = c.mail_id"
                                " WHERE m.list_id = ? ORDER BY c.id DESC LIMIT ?",
                                "ii", list_id, (int64_t)max),
                       out, n, why);
}

enum err body_insert(struct db *db, int64_t mail_id, const char *file, int64_t size_bytes, int64_t *out_id,
                     struct diag *why)
{
    enum err err = db_run(db, why, "INSERT INTO body(mail_id, file, size_bytes) VALUES(?, ?, ?)", "iti", mail_id, file,
                          size_bytes);

    *out_id = err ? 0 : db_last_id(db);
    return err;
}

char *body_file(struct db *db, int64_t body_id)
{
    struct db_rows *rows = db_query(db, "SELECT file FROM body WHERE id = ?", "i", body_id);
    char *file = db_next(rows) ? db_text_copy(rows, 0) : NULL;

    db_rows_end(&rows, NULL);
    return file;
}

bool body_is_known(struct db *db, const char *file)
{
    return db_value(db, 1, "SELECT COUNT(*) FROM body WHERE file = ?", "t", file) != 0;
}

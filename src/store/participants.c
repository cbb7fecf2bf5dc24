/* Participants of a case: the reporter, and people whom the team invited. */
#include "store/cases.h"

#include "base/instant.h"
#include "base/mem.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define TOKEN_BYTES 13 /* 104 bits: 21 letters */

void participant_row_free(struct participant_row *row)
{
    free(row->role);
    free(row->fingerprint);
    memset(row, 0, sizeof *row);
}

static void digest_of(struct db *db, const char *purpose, const char *text, uint8_t out[BOX_DIGEST_BYTES])
{
    char *lower = mem_strdup(text);

    for (char *p = lower; *p; p++)
        *p = (char)tolower((unsigned char)*p);
    box_digest(db_box(db), purpose, span_of(lower), out);
    mem_free_secret(&lower);
}

enum err participant_set_key(struct db *db, int64_t id, struct span key, const char *fingerprint, struct diag *why)
{
    enum err err = db_run(db, why, "UPDATE participant SET fingerprint = ? WHERE id = ?", "ti", fingerprint, id);

    return err ? err : db_seal(db, "participant", id, "sealed_key", key, why);
}

enum err participant_insert(struct db *db, int64_t case_id, const char *role, const char *address, struct span key,
                            const char *fingerprint, int64_t now_utc_s, struct participant_row *out, struct diag *why)
{
    uint8_t token_digest[BOX_DIGEST_BYTES], address_digest[BOX_DIGEST_BYTES];
    char token[32];
    enum err err;

    box_random_token(TOKEN_BYTES, token);
    digest_of(db, "participant-token", token, token_digest);
    digest_of(db, "participant-address", address, address_digest);
    err =
        db_run(db, why, "INSERT INTO participant(case_id, role, token, address_digest, added_at) VALUES(?, ?, ?, ?, ?)",
               "itbbi", case_id, role, (struct span){token_digest, sizeof token_digest},
               (struct span){address_digest, sizeof address_digest}, now_utc_s);
    if (err)
        return err;
    *out = (struct participant_row){.id = db_last_id(db),
                                    .case_id = case_id,
                                    .role = mem_strdup(role),
                                    .fingerprint = mem_strdup(fingerprint),
                                    .ended_at = INSTANT_NONE};
    err = db_seal_text(db, "participant", out->id, "sealed_token", token, why);
    if (!err)
        err = db_seal_text(db, "participant", out->id, "sealed_address", address, why);
    if (!err && key.len)
        err = participant_set_key(db, out->id, key, fingerprint, why);
    return err;
}

#define PARTICIPANT_COLUMNS "id, case_id, role, fingerprint, ended_at"

static void read_participant(const struct db_rows *rows, struct participant_row *row)
{
    row->id = db_int(rows, 0);
    row->case_id = db_int(rows, 1);
    row->role = db_text_copy(rows, 2);
    row->fingerprint = db_text_copy(rows, 3);
    row->ended_at = db_is_null(rows, 4) ? INSTANT_NONE : db_int(rows, 4);
}

static enum err one_participant(struct db_rows *rows, struct participant_row *out, struct diag *why)
{
    bool found = db_next(rows);
    enum err err;

    memset(out, 0, sizeof *out);
    if (found)
        read_participant(rows, out);
    err = db_rows_end(&rows, why);
    return !err && !found ? diag_set(why, ERR_NOT_FOUND, "participant.unknown", "no such participant") : err;
}

enum err participant_by_token(struct db *db, const char *token, struct participant_row *out, struct diag *why)
{
    uint8_t digest[BOX_DIGEST_BYTES];

    digest_of(db, "participant-token", token, digest);
    return one_participant(
        db_query(db, "SELECT " PARTICIPANT_COLUMNS " FROM participant WHERE token = ? AND ended_at IS NULL", "b",
                 (struct span){digest, sizeof digest}),
        out, why);
}

enum err participant_by_address(struct db *db, int64_t case_id, const char *address, struct participant_row *out,
                                struct diag *why)
{
    uint8_t digest[BOX_DIGEST_BYTES];

    digest_of(db, "participant-address", address, digest);
    return one_participant(db_query(db,
                                    "SELECT " PARTICIPANT_COLUMNS " FROM participant WHERE case_id = ? AND"
                                    " address_digest = ? AND ended_at IS NULL",
                                    "ib", case_id, (struct span){digest, sizeof digest}),
                           out, why);
}

enum err participant_all(struct db *db, int64_t case_id, struct participant_row **out, size_t *n, struct diag *why)
{
    struct db_rows *rows =
        db_query(db, "SELECT " PARTICIPANT_COLUMNS " FROM participant WHERE case_id = ? ORDER BY id", "i", case_id);

    *out = NULL;
    *n = 0;
    while (db_next(rows)) {
        *out = mem_resize(*out, *n + 1, sizeof **out);
        read_participant(rows, &(*out)[(*n)++]);
    }
    return db_rows_end(&rows, why);
}

char *participant_address(struct db *db, int64_t id)
{
    return db_unseal_text(db, "participant", id, "sealed_address");
}

char *participant_token_of_nobody(void)
{
    char token[32];

    box_random_token(TOKEN_BYTES, token);
    return mem_strdup(token);
}

char *participant_token(struct db *db, int64_t id)
{
    return db_unseal_text(db, "participant", id, "sealed_token");
}

enum err participant_key(struct db *db, int64_t id, struct buf *out, struct diag *why)
{
    return db_unseal(db, "participant", id, "sealed_key", out, why);
}

enum err participant_key_of_issuer(struct db *db, const char *issuer, struct buf *out, struct diag *why)
{
    int64_t id = db_value(db, 0,
                          "SELECT MAX(id) FROM participant WHERE fingerprint = ?1 OR"
                          " (length(?1) = 16 AND substr(fingerprint, -16) = ?1)",
                          "t", issuer);

    if (!id)
        return diag_set(why, ERR_NOT_FOUND, "participant.unknown", "no participant has this key");
    return participant_key(db, id, out, why);
}

enum err participant_end_person(struct db *db, int64_t list_id, const char *address, const char *fingerprint,
                                int64_t now_utc_s, int64_t *n, struct diag *why)
{
    uint8_t digest[BOX_DIGEST_BYTES];
    enum err err;

    digest_of(db, "participant-address", address, digest);
    err = db_run(db, why,
                 "UPDATE participant SET ended_at = ?1 WHERE ended_at IS NULL AND (address_digest = ?2 OR"
                 " fingerprint = ?3) AND case_id IN (SELECT id FROM cases WHERE list_id = ?4)",
                 "ibti", now_utc_s, (struct span){digest, sizeof digest}, fingerprint, list_id);
    *n = err ? 0 : db_changes(db);
    return err;
}

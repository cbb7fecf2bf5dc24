/* Participants of a case: the reporter, and people whom the team invited. */
#include "store/cases.h"

#include "base/instant.h"
#include "base/mem.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define TOKEN_BYTES   13 /* 104 bits: 21 letters */
#define KEY_ID_DIGITS 16

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

/* Of a fingerprint, and of the key id that a signature may name instead: its last 16 digits. */
static void key_digests(struct db *db, const char *fingerprint, uint8_t whole[BOX_DIGEST_BYTES],
                        uint8_t key_id[BOX_DIGEST_BYTES])
{
    size_t len = strlen(fingerprint);

    digest_of(db, "participant-key", fingerprint, whole);
    digest_of(db, "participant-key-id", fingerprint + (len > KEY_ID_DIGITS ? len - KEY_ID_DIGITS : 0), key_id);
}

static enum err set_fingerprint(struct db *db, int64_t id, const char *fingerprint, struct diag *why)
{
    uint8_t whole[BOX_DIGEST_BYTES], key_id[BOX_DIGEST_BYTES];
    enum err err;

    key_digests(db, fingerprint, whole, key_id);
    err = db_run(db, why, "UPDATE participant SET key_digest = ?, key_id_digest = ?, fingerprint = NULL WHERE id = ?",
                 "bbi", (struct span){whole, sizeof whole}, (struct span){key_id, sizeof key_id}, id);
    return err ? err : db_seal_text(db, "participant", id, "sealed_fingerprint", fingerprint, why);
}

enum err participant_set_key(struct db *db, int64_t id, struct span key, const char *fingerprint, struct diag *why)
{
    enum err err = fingerprint ? set_fingerprint(db, id, fingerprint, why) : ERR_OK;

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

#define PARTICIPANT_COLUMNS "id, case_id, role, ended_at"

static void read_participant(struct db *db, const struct db_rows *rows, struct participant_row *row)
{
    row->id = db_int(rows, 0);
    row->case_id = db_int(rows, 1);
    row->role = db_text_copy(rows, 2);
    row->ended_at = db_is_null(rows, 3) ? INSTANT_NONE : db_int(rows, 3);
    row->fingerprint = participant_fingerprint(db, row->id);
}

static enum err one_participant(struct db *db, struct db_rows *rows, struct participant_row *out, struct diag *why)
{
    bool found = db_next(rows);
    enum err err;

    memset(out, 0, sizeof *out);
    if (found)
        read_participant(db, rows, out);
    err = db_rows_end(&rows, why);
    return !err && !found ? diag_set(why, ERR_NOT_FOUND, "participant.unknown", "no such participant") : err;
}

enum err participant_by_token(struct db *db, const char *token, struct participant_row *out, struct diag *why)
{
    uint8_t digest[BOX_DIGEST_BYTES];

    digest_of(db, "participant-token", token, digest);
    return one_participant(
        db,
        db_query(db, "SELECT " PARTICIPANT_COLUMNS " FROM participant WHERE token = ? AND ended_at IS NULL", "b",
                 (struct span){digest, sizeof digest}),
        out, why);
}

enum err participant_by_address(struct db *db, int64_t case_id, const char *address, struct participant_row *out,
                                struct diag *why)
{
    uint8_t digest[BOX_DIGEST_BYTES];

    digest_of(db, "participant-address", address, digest);
    return one_participant(db,
                           db_query(db,
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
        read_participant(db, rows, &(*out)[(*n)++]);
    }
    return db_rows_end(&rows, why);
}

char *participant_address(struct db *db, int64_t id)
{
    return db_unseal_text(db, "participant", id, "sealed_address");
}

char *participant_fingerprint(struct db *db, int64_t id)
{
    return db_unseal_text(db, "participant", id, "sealed_fingerprint");
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
    uint8_t whole[BOX_DIGEST_BYTES], key_id[BOX_DIGEST_BYTES];
    bool is_key_id = strlen(issuer) == KEY_ID_DIGITS;
    int64_t id;

    key_digests(db, issuer, whole, key_id);
    id = is_key_id ? db_value(db, 0, "SELECT MAX(id) FROM participant WHERE key_id_digest = ?", "b",
                              (struct span){key_id, sizeof key_id})
                   : db_value(db, 0, "SELECT MAX(id) FROM participant WHERE key_digest = ?", "b",
                              (struct span){whole, sizeof whole});
    if (!id)
        return diag_set(why, ERR_NOT_FOUND, "participant.unknown", "no participant has this key");
    return participant_key(db, id, out, why);
}

enum err participant_end_person(struct db *db, int64_t list_id, const char *address, const char *fingerprint,
                                int64_t now_utc_s, int64_t *n, struct diag *why)
{
    uint8_t digest[BOX_DIGEST_BYTES], key[BOX_DIGEST_BYTES], key_id[BOX_DIGEST_BYTES];
    enum err err;

    digest_of(db, "participant-address", address, digest);
    if (fingerprint)
        key_digests(db, fingerprint, key, key_id);
    err = db_run(db, why,
                 "UPDATE participant SET ended_at = ?1 WHERE ended_at IS NULL AND (address_digest = ?2 OR"
                 " key_digest = ?3) AND case_id IN (SELECT id FROM cases WHERE list_id = ?4)",
                 "ibbi", now_utc_s, (struct span){digest, sizeof digest},
                 (struct span){fingerprint ? key : NULL, sizeof key}, list_id);
    *n = err ? 0 : db_changes(db);
    return err;
}

/* ---- what an older program left ---- */

static enum err seal_old_messages(struct db *db, struct diag *why)
{
    struct db_rows *rows = db_query(db, "SELECT id, signed_by FROM message WHERE signed_by IS NOT NULL", "");
    enum err end, err = ERR_OK;

    while (!err && db_next(rows))
        err = db_seal_text(db, "message", db_int(rows, 0), "sealed_signed_by", db_text(rows, 1), why);
    end = db_rows_end(&rows, err ? NULL : why);
    if (!err)
        err = end;
    return err ? err : db_run(db, why, "UPDATE message SET signed_by = NULL WHERE signed_by IS NOT NULL", "");
}

enum err participant_seal_old(struct db *db, struct diag *why)
{
    enum err err = ERR_OK;
    int64_t id;

    while (!err && (id = db_value(db, 0, "SELECT MIN(id) FROM participant WHERE fingerprint IS NOT NULL", ""))) {
        struct db_rows *rows = db_query(db, "SELECT fingerprint FROM participant WHERE id = ?", "i", id);
        char *fingerprint = db_next(rows) ? db_text_copy(rows, 0) : NULL;

        err = db_rows_end(&rows, why);
        if (!err && fingerprint)
            err = set_fingerprint(db, id, fingerprint, why);
        free(fingerprint);
    }
    if (!err)
        err = seal_old_messages(db, why);
    return err ? err
               : db_run(db, why,
                        "UPDATE copy SET fingerprint = NULL WHERE participant_id IS NOT NULL AND fingerprint IS NOT"
                        " NULL",
                        "");
}

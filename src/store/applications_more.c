/* What hangs on an application: its key, votes, vouchers and messages. */
#include "store/applications.h"

#include "base/mem.h"
#include "codec/pgp_wire.h"

#include <stdlib.h>
#include <string.h>

/* ---- the key ---- */

static enum err insert_subkeys(struct db *db, int64_t id, const struct pgp_key_info *facts, struct diag *why)
{
    enum err err = db_run(db, why, "DELETE FROM application_subkey WHERE application_id = ?", "i", id);

    for (size_t i = 0; !err && i < facts->n_subkeys; i++)
        err = db_run(db, why, "INSERT OR IGNORE INTO application_subkey(application_id, key_id) VALUES(?, ?)", "it", id,
                     facts->subkeys[i].key_id);
    return err;
}

enum err application_set_key(struct db *db, struct application_row *row, const struct pgp_key_info *facts,
                             struct span certificate, struct diag *why)
{
    struct buf packed = BUF_EMPTY;
    enum err err = insert_subkeys(db, row->id, facts, why);

    pgp_key_info_put(facts, &packed);
    if (!err)
        err = db_seal(db, "application", row->id, "sealed_facts", buf_span(&packed), why);
    if (!err)
        err = db_seal(db, "application", row->id, "sealed_key", certificate, why);
    free(row->fingerprint);
    row->fingerprint = mem_strdup(facts->fingerprint);
    free(row->key_rule);
    row->key_rule = NULL;
    row->quarantine = QUARANTINE_TO_IMPORT;
    buf_free(&packed);
    return err ? err : application_update(db, row, why);
}

enum err application_drop_key(struct db *db, struct application_row *row, struct diag *why)
{
    enum err err = db_run(db, why, "DELETE FROM application_subkey WHERE application_id = ?", "i", row->id);

    if (row->quarantine != QUARANTINE_NONE)
        row->quarantine = QUARANTINE_TO_DELETE;
    return err ? err : application_update(db, row, why);
}

enum err application_key(struct db *db, int64_t id, struct pgp_key_info *facts, struct buf *certificate,
                         struct diag *why)
{
    struct buf packed = BUF_EMPTY;
    enum err err = db_unseal(db, "application", id, "sealed_facts", &packed, why);

    if (!err && !packed.len)
        err = diag_set(why, ERR_NOT_FOUND, "key.missing", "the applicant has no key");
    if (!err)
        err = pgp_key_info_get(buf_span(&packed), facts, why);
    if (!err && certificate)
        err = db_unseal(db, "application", id, "sealed_key", certificate, why);
    buf_free(&packed);
    return err;
}

bool application_key_taken(struct db *db, const struct application_row *row, const struct pgp_key_info *facts)
{
    for (size_t i = 0; i < facts->n_subkeys; i++)
        if (db_value(db, 1,
                     "SELECT COUNT(*) FROM (SELECT 1 FROM subkey WHERE list_id = ?1 AND key_id = ?2 UNION ALL"
                     " SELECT 1 FROM application_subkey s JOIN application a ON a.id = s.application_id"
                     " WHERE a.list_id = ?1 AND s.key_id = ?2 AND a.id <> ?3"
                     " AND (a.proved > ?4 OR (a.proved = ?4 AND a.id < ?3))"
                     " AND a.state NOT IN ('active', 'declined', 'withdrawn'))",
                     "itii", row->list_id, facts->subkeys[i].key_id, row->id, (int64_t)row->proved))
            return true;
    return false;
}

bool application_has_issuer(struct db *db, int64_t list_id, const char *issuer)
{
    size_t len = strlen(issuer);
    const char *key_id = len > 16 ? issuer + len - 16 : issuer;

    return db_value(db, 0,
                    "SELECT 1 FROM application_subkey s JOIN application a ON a.id = s.application_id"
                    " WHERE a.list_id = ? AND s.key_id = ? AND a.quarantine = 2",
                    "it", list_id, key_id) != 0;
}

enum err application_quarantine_next(struct db *db, struct application_row *out, struct diag *why)
{
    int64_t id = db_value(
        db, 0, "SELECT id FROM application WHERE quarantine IN (1, 3) ORDER BY quarantine DESC, id LIMIT 1", "");

    memset(out, 0, sizeof *out);
    return id ? application_by_id(db, id, out, why)
              : diag_set(why, ERR_NOT_FOUND, "application.unknown", "no key waits for the quarantine");
}

enum err application_quarantine_done(struct db *db, int64_t id, enum application_quarantine now, struct diag *why)
{
    return db_run(db, why, "UPDATE application SET quarantine = ? WHERE id = ?", "ii", (int64_t)now, id);
}

/* ---- votes ---- */

enum err application_vote(struct db *db, int64_t id, const char *admin, const char *vote, int64_t now_utc_s,
                          struct diag *why)
{
    return db_run(db, why, "INSERT OR IGNORE INTO application_vote(application_id, admin, vote, at) VALUES(?, ?, ?, ?)",
                  "itti", id, admin, vote, now_utc_s);
}

enum err application_votes(struct db *db, int64_t id, struct application_vote **out, size_t *n, struct diag *why)
{
    struct db_rows *rows = db_query(
        db, "SELECT admin, vote, at FROM application_vote WHERE application_id = ? ORDER BY at, rowid", "i", id);

    *out = NULL;
    *n = 0;
    while (db_next(rows)) {
        *out = mem_resize(*out, *n + 1, sizeof **out);
        (*out)[(*n)++] = (struct application_vote){db_text_copy(rows, 0), db_text_copy(rows, 1), db_int(rows, 2)};
    }
    return db_rows_end(&rows, why);
}

void application_votes_free(struct application_vote *votes, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        free(votes[i].admin);
        free(votes[i].vote);
    }
    free(votes);
}

enum err application_votes_drop(struct db *db, int64_t id, struct diag *why)
{
    return db_run(db, why, "DELETE FROM application_vote WHERE application_id = ?", "i", id);
}

/* ---- vouchers ---- */

enum err application_voucher_ask(struct db *db, int64_t id, int64_t member_id, int64_t now_utc_s, bool *added,
                                 struct diag *why)
{
    enum err err = db_run(db, why,
                          "INSERT OR IGNORE INTO application_voucher(application_id, member_id, state, asked_at)"
                          " VALUES(?, ?, 'asked', ?)",
                          "iii", id, member_id, now_utc_s);

    *added = !err && db_changes(db) > 0;
    return err;
}

bool application_names_voucher(struct db *db, int64_t id, int64_t member_id)
{
    return db_value(db, 0, "SELECT 1 FROM application_voucher WHERE application_id = ? AND member_id = ?", "ii", id,
                    member_id) != 0;
}

enum err application_voucher_answer(struct db *db, int64_t id, int64_t member_id, bool yes, int64_t now_utc_s,
                                    struct diag *why)
{
    enum err err = db_run(db, why,
                          "UPDATE application_voucher SET state = ?, answered_at = ? WHERE application_id = ?"
                          " AND member_id = ?",
                          "tiii", yes ? "yes" : "no", now_utc_s, id, member_id);

    if (!err && !db_changes(db))
        return diag_set(why, ERR_NOT_FOUND, "application.not-asked", "the applicant does not name you as a voucher");
    return err;
}

enum err application_vouchers(struct db *db, int64_t id, struct application_voucher **out, size_t *n, struct diag *why)
{
    struct db_rows *rows = db_query(
        db, "SELECT member_id, state FROM application_voucher WHERE application_id = ? ORDER BY member_id", "i", id);

    *out = NULL;
    *n = 0;
    while (db_next(rows)) {
        *out = mem_resize(*out, *n + 1, sizeof **out);
        (*out)[(*n)++] = (struct application_voucher){db_int(rows, 0), db_text_copy(rows, 1)};
    }
    return db_rows_end(&rows, why);
}

void application_vouchers_free(struct application_voucher *vouchers, size_t n)
{
    for (size_t i = 0; i < n; i++)
        free(vouchers[i].state);
    free(vouchers);
}

/* ---- messages ---- */

enum err application_message_add(struct db *db, int64_t id, const char *author, const char *text, int64_t now_utc_s,
                                 struct diag *why)
{
    enum err err = db_run(db, why, "INSERT INTO application_message(application_id, at, author) VALUES(?, ?, ?)", "iit",
                          id, now_utc_s, author);

    return err ? err : db_seal_text(db, "application_message", db_last_id(db), "sealed_text", text, why);
}

enum err application_messages(struct db *db, int64_t id, struct application_message **out, size_t *n, struct diag *why)
{
    struct db_rows *rows =
        db_query(db, "SELECT id, at, author FROM application_message WHERE application_id = ? ORDER BY id", "i", id);
    int64_t *ids = NULL;
    enum err err;

    *out = NULL;
    *n = 0;
    while (db_next(rows)) {
        *out = mem_resize(*out, *n + 1, sizeof **out);
        ids = mem_resize(ids, *n + 1, sizeof *ids);
        ids[*n] = db_int(rows, 0);
        (*out)[(*n)++] = (struct application_message){db_int(rows, 1), db_text_copy(rows, 2), NULL};
    }
    err = db_rows_end(&rows, why);
    for (size_t i = 0; i < *n; i++)
        (*out)[i].text = db_unseal_text(db, "application_message", ids[i], "sealed_text");
    free(ids);
    return err;
}

void application_messages_free(struct application_message *messages, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        free(messages[i].author);
        mem_free_secret(&messages[i].text);
    }
    free(messages);
}

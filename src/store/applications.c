/* Rows of applications, and their sealed parts. */
#include "store/applications.h"

#include "base/instant.h"
#include "base/mem.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

void application_row_free(struct application_row *row)
{
    free(row->state);
    free(row->fingerprint);
    free(row->key_rule);
    free(row->tier);
    memset(row, 0, sizeof *row);
}

/* Case and repeated blanks do not make another organisation, or another sender. */
static void digest_of(struct db *db, const char *purpose, const char *text, uint8_t out[BOX_DIGEST_BYTES])
{
    struct buf plain = BUF_EMPTY;
    bool space = false;

    for (; *text; text++) {
        if (isspace((unsigned char)*text)) {
            space = plain.len > 0;
            continue;
        }
        if (space)
            buf_add_byte(&plain, ' ');
        space = false;
        buf_add_byte(&plain, (uint8_t)tolower((unsigned char)*text));
    }
    box_digest(db_box(db), purpose, buf_span(&plain), out);
    buf_free(&plain);
}

#define DIGEST(d) ((struct span){(d), BOX_DIGEST_BYTES})

static const char *const part_columns[APPLICATION_PARTS] = {"sealed_org", "sealed_form", "sealed_answer",
                                                            "sealed_reason"};

enum err application_set(struct db *db, int64_t id, enum application_part part, const char *text, struct diag *why)
{
    return db_seal_text(db, "application", id, part_columns[part], text, why);
}

char *application_get(struct db *db, int64_t id, enum application_part part)
{
    return db_unseal_text(db, "application", id, part_columns[part]);
}

static enum err fresh_code(struct db *db, char out[BOX_ID_SIZE], struct diag *why)
{
    for (int i = 0; i < 20; i++) {
        box_random_id(out);
        if (!db_value(db, 0, "SELECT 1 FROM application WHERE code = ?1 UNION SELECT 1 FROM cases WHERE code = ?1", "t",
                      out))
            return ERR_OK;
    }
    return diag_set(why, ERR_INTERNAL, "application.code", "no free code was found");
}

enum err application_insert(struct db *db, struct application_row *row, const char *org, const char *from,
                            const char *answer, struct diag *why)
{
    uint8_t org_digest[BOX_DIGEST_BYTES], sender_digest[BOX_DIGEST_BYTES];
    enum err err = fresh_code(db, row->code, why);

    digest_of(db, "application-org", org, org_digest);
    digest_of(db, "application-sender", from, sender_digest);
    if (!err)
        err = db_run(db, why,
                     "INSERT INTO application(list_id, code, state, received_at, org_digest, sender_digest)"
                     " VALUES(?, ?, ?, ?, ?, ?)",
                     "ittibb", row->list_id, row->code, row->state, row->received_at, DIGEST(org_digest),
                     DIGEST(sender_digest));
    if (err)
        return err;
    row->id = db_last_id(db);
    err = application_set(db, row->id, APPLICATION_ORG, org, why);
    if (!err)
        err = application_set(db, row->id, APPLICATION_ANSWER_TO, answer, why);
    return err ? err : application_update(db, row, why);
}

enum err application_rename(struct db *db, int64_t id, const char *org, struct diag *why)
{
    uint8_t digest[BOX_DIGEST_BYTES];
    enum err err;

    digest_of(db, "application-org", org, digest);
    err = db_run(db, why, "UPDATE application SET org_digest = ? WHERE id = ?", "bi", DIGEST(digest), id);
    return err ? err : application_set(db, id, APPLICATION_ORG, org, why);
}

bool application_is_from(struct db *db, int64_t id, const char *from)
{
    uint8_t digest[BOX_DIGEST_BYTES];

    digest_of(db, "application-sender", from, digest);
    return db_value(db, 0, "SELECT 1 FROM application WHERE id = ? AND sender_digest = ?", "ib", id, DIGEST(digest)) !=
           0;
}

static enum err set_instant(struct db *db, int64_t id, const char *sql, int64_t at, struct diag *why)
{
    return at == INSTANT_NONE ? ERR_OK : db_run(db, why, sql, "ii", at, id);
}

enum err application_update(struct db *db, const struct application_row *row, struct diag *why)
{
    enum err err =
        db_run(db, why,
               "UPDATE application SET state = ?, fingerprint = ?, key_rule = ?, tier = ?, challenges = ?,"
               " member_id = NULLIF(?, 0), quarantine = ?, complete_at = NULL, decide_by = NULL,"
               " challenge_until = NULL, answerable = ?, proved = ? WHERE id = ?",
               "ttttiiiiii", row->state, row->fingerprint, row->key_rule, row->tier, row->challenges, row->member_id,
               (int64_t)row->quarantine, (int64_t)row->answerable, (int64_t)row->proved, row->id);

    if (!err)
        err = set_instant(db, row->id, "UPDATE application SET complete_at = ? WHERE id = ?", row->complete_at, why);
    if (!err)
        err = set_instant(db, row->id, "UPDATE application SET decide_by = ? WHERE id = ?", row->decide_by, why);
    if (!err)
        err = set_instant(db, row->id, "UPDATE application SET challenge_until = ? WHERE id = ?", row->challenge_until,
                          why);
    return err;
}

#define COLUMNS                                                                                                        \
    "id, list_id, code, state, fingerprint, key_rule, tier, received_at, complete_at, decide_by, challenge_until,"     \
    " challenges, member_id, quarantine, answerable, proved"
#define OPEN_FIRST " ORDER BY proved DESC, state IN ('active', 'declined', 'withdrawn'), id DESC"

static int64_t instant_at(const struct db_rows *rows, int column)
{
    return db_is_null(rows, column) ? INSTANT_NONE : db_int(rows, column);
}

static void read_row(const struct db_rows *rows, struct application_row *row)
{
    const char *code = db_text(rows, 2);

    *row = (struct application_row){.id = db_int(rows, 0),
                                    .list_id = db_int(rows, 1),
                                    .state = db_text_copy(rows, 3),
                                    .fingerprint = db_text_copy(rows, 4),
                                    .key_rule = db_text_copy(rows, 5),
                                    .tier = db_text_copy(rows, 6),
                                    .received_at = db_int(rows, 7),
                                    .complete_at = instant_at(rows, 8),
                                    .decide_by = instant_at(rows, 9),
                                    .challenge_until = instant_at(rows, 10),
                                    .challenges = db_int(rows, 11),
                                    .member_id = db_int(rows, 12),
                                    .quarantine = (enum application_quarantine)db_int(rows, 13),
                                    .answerable = db_int(rows, 14) != 0,
                                    .proved = db_int(rows, 15) != 0};
    memcpy(row->code, code, strnlen(code, BOX_ID_SIZE - 1));
}

static enum err one(struct db_rows *rows, struct application_row *out, struct diag *why)
{
    bool found = db_next(rows);
    enum err err;

    memset(out, 0, sizeof *out);
    if (found)
        read_row(rows, out);
    err = db_rows_end(&rows, why);
    return !err && !found ? diag_set(why, ERR_NOT_FOUND, "application.unknown", "no such application") : err;
}

enum err application_by_code(struct db *db, const char *code, struct application_row *out, struct diag *why)
{
    return one(db_query(db, "SELECT " COLUMNS " FROM application WHERE code = ?", "t", code), out, why);
}

enum err application_by_id(struct db *db, int64_t id, struct application_row *out, struct diag *why)
{
    return one(db_query(db, "SELECT " COLUMNS " FROM application WHERE id = ?", "i", id), out, why);
}

enum err application_by_fingerprint(struct db *db, int64_t list_id, const char *fingerprint,
                                    struct application_row *out, struct diag *why)
{
    return one(
        db_query(db, "SELECT " COLUMNS " FROM application WHERE list_id = ? AND fingerprint = ?" OPEN_FIRST " LIMIT 1",
                 "it", list_id, fingerprint),
        out, why);
}

enum err application_open_of_org(struct db *db, int64_t list_id, const char *org, int64_t without,
                                 struct application_row *out, struct diag *why)
{
    uint8_t digest[BOX_DIGEST_BYTES];

    digest_of(db, "application-org", org, digest);
    return one(db_query(db,
                        "SELECT " COLUMNS " FROM application WHERE list_id = ? AND org_digest = ? AND id <> ?"
                        " AND state NOT IN ('active', 'declined', 'withdrawn') ORDER BY id DESC LIMIT 1",
                        "ibi", list_id, DIGEST(digest), without),
               out, why);
}

enum err application_all(struct db *db, int64_t list_id, struct application_row **out, size_t *n, struct diag *why)
{
    struct db_rows *rows =
        db_query(db, "SELECT " COLUMNS " FROM application WHERE list_id = ? ORDER BY id", "i", list_id);
    size_t cap = 0;

    *out = NULL;
    *n = 0;
    while (db_next(rows)) {
        if (*n == cap)
            *out = mem_resize(*out, cap = cap ? cap * 2 : 16, sizeof **out);
        read_row(rows, &(*out)[(*n)++]);
    }
    return db_rows_end(&rows, why);
}

enum err application_set_challenge(struct db *db, struct application_row *row, const char *nonce, int64_t until,
                                   struct diag *why)
{
    uint8_t digest[BOX_DIGEST_BYTES];

    digest_of(db, "application-challenge", nonce, digest);
    row->challenge_until = until;
    row->challenges++;
    return db_run(db, why, "UPDATE application SET challenge_digest = ? WHERE id = ?", "bi", DIGEST(digest), row->id);
}

bool application_challenge_is(struct db *db, int64_t id, const char *nonce)
{
    uint8_t digest[BOX_DIGEST_BYTES];

    digest_of(db, "application-challenge", nonce, digest);
    return db_value(db, 0, "SELECT 1 FROM application WHERE id = ? AND challenge_digest = ?", "ib", id,
                    DIGEST(digest)) != 0;
}

enum err application_reference_add(struct db *db, int64_t id, const char *message_id, struct diag *why)
{
    uint8_t digest[BOX_DIGEST_BYTES];

    digest_of(db, "application-reference", message_id, digest);
    return db_run(db, why, "INSERT OR IGNORE INTO application_reference(digest, application_id) VALUES(?, ?)", "bi",
                  DIGEST(digest), id);
}

int64_t application_reference_find(struct db *db, int64_t list_id, const char *message_id)
{
    uint8_t digest[BOX_DIGEST_BYTES];

    digest_of(db, "application-reference", message_id, digest);
    return db_value(db, 0,
                    "SELECT a.id FROM application_reference r JOIN application a ON a.id = r.application_id"
                    " WHERE r.digest = ? AND a.list_id = ?",
                    "bi", DIGEST(digest), list_id);
}

int64_t application_answers_since(struct db *db, int64_t since_utc_s)
{
    return db_value(db, INT32_MAX, "SELECT COUNT(*) FROM application_answer WHERE at > ?", "i", since_utc_s);
}

int64_t application_answers_to_since(struct db *db, const char *address, int64_t since_utc_s)
{
    uint8_t digest[BOX_DIGEST_BYTES];

    digest_of(db, "application-sender", address, digest);
    return db_value(db, INT32_MAX, "SELECT COUNT(*) FROM application_answer WHERE address_digest = ? AND at > ?", "bi",
                    DIGEST(digest), since_utc_s);
}

enum err application_answer_note(struct db *db, const char *address, int64_t now_utc_s, struct diag *why)
{
    uint8_t digest[BOX_DIGEST_BYTES];
    enum err err = db_run(db, why, "DELETE FROM application_answer WHERE at < ?", "i", now_utc_s - 7 * 86400);

    digest_of(db, "application-sender", address, digest);
    return err ? err
               : db_run(db, why, "INSERT INTO application_answer(address_digest, at) VALUES(?, ?)", "bi",
                        DIGEST(digest), now_utc_s);
}

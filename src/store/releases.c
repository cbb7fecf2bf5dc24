#include "store/releases.h"

#include "base/instant.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

void release_row_free(struct release_row *row)
{
    free(row->state);
    free(row->rule);
    memset(row, 0, sizeof *row);
}

static int64_t instant_at(const struct db_rows *rows, int column)
{
    return db_is_null(rows, column) ? INSTANT_NONE : db_int(rows, column);
}

bool release_exists(struct db *db, int64_t case_id)
{
    return db_value(db, 0, "SELECT 1 FROM release WHERE case_id = ?", "i", case_id) != 0;
}

enum err release_of_case(struct db *db, int64_t case_id, struct release_row *out, struct diag *why)
{
    enum err err =
        db_run(db, why, "INSERT OR IGNORE INTO release(case_id, state, rule) VALUES(?, 'waiting', '')", "i", case_id);
    struct db_rows *rows;

    memset(out, 0, sizeof *out);
    if (err)
        return err;
    rows = db_query(db,
                    "SELECT id, version, state, rule, approved, confirmed_at, started_at, done_at FROM release"
                    " WHERE case_id = ?",
                    "i", case_id);
    if (db_next(rows)) {
        struct span digest = db_bytes(rows, 4);

        *out = (struct release_row){.id = db_int(rows, 0),
                                    .case_id = case_id,
                                    .version = db_int(rows, 1),
                                    .state = db_text_copy(rows, 2),
                                    .rule = db_text_copy(rows, 3),
                                    .is_approved = digest.len == BOX_DIGEST_BYTES,
                                    .confirmed_at = instant_at(rows, 5),
                                    .started_at = instant_at(rows, 6),
                                    .done_at = instant_at(rows, 7)};
        if (out->is_approved)
            memcpy(out->approved, digest.data, digest.len);
    }
    return db_rows_end(&rows, why);
}

static enum err set_instant(struct db *db, int64_t id, const char *sql, int64_t at, struct diag *why)
{
    return db_run(db, why, sql, "iii", at, INSTANT_NONE, id);
}

enum err release_update(struct db *db, const struct release_row *row, struct diag *why)
{
    struct span digest = {row->is_approved ? row->approved : NULL, row->is_approved ? BOX_DIGEST_BYTES : 0};
    enum err err = db_run(db, why, "UPDATE release SET version = ?, state = ?, rule = ?, approved = ? WHERE id = ?",
                          "ittbi", row->version, row->state, row->rule, digest, row->id);

    if (!err)
        err = set_instant(db, row->id, "UPDATE release SET confirmed_at = NULLIF(?1, ?2) WHERE id = ?3",
                          row->confirmed_at, why);
    if (!err)
        err = set_instant(db, row->id, "UPDATE release SET started_at = NULLIF(?1, ?2) WHERE id = ?3", row->started_at,
                          why);
    return err ? err
               : set_instant(db, row->id, "UPDATE release SET done_at = NULLIF(?1, ?2) WHERE id = ?3", row->done_at,
                             why);
}

/* ---- steps ---- */

void release_step_free(struct release_step *step)
{
    free(step->kind);
    free(step->target);
    free(step->state);
    free(step->rule);
    memset(step, 0, sizeof *step);
}

enum err release_clear_steps(struct db *db, int64_t release_id, struct diag *why)
{
    return db_run(db, why, "DELETE FROM release_step WHERE release_id = ?", "i", release_id);
}

enum err release_add_step(struct db *db, int64_t release_id, const char *kind, const char *target, const char *state,
                          int64_t at_utc_s, struct diag *why)
{
    return db_run(db, why,
                  "INSERT INTO release_step(release_id, n, kind, target, state, rule, tries, next_at)"
                  " VALUES(?1, (SELECT COALESCE(MAX(n), 0) + 1 FROM release_step WHERE release_id = ?1), ?2, ?3, ?4,"
                  " '', 0, ?5) ON CONFLICT(release_id, kind, target)"
                  " DO UPDATE SET state = ?4, rule = '', tries = 0, next_at = ?5, mail_id = NULL, done_at = NULL",
                  "ittti", release_id, kind, target, state, at_utc_s);
}

#define COLUMNS                                                                                                        \
    "s.id, s.release_id, r.case_id, s.n, s.kind, s.target, s.state, s.rule, s.tries, s.next_at, s.mail_id, s.done_at"  \
    " FROM release_step s JOIN release r ON r.id = s.release_id"

static enum err read_steps(struct db_rows *rows, struct release_step **out, size_t *n, struct diag *why)
{
    *out = NULL;
    *n = 0;
    while (db_next(rows)) {
        *out = mem_resize(*out, *n + 1, sizeof **out);
        (*out)[(*n)++] = (struct release_step){.id = db_int(rows, 0),
                                               .release_id = db_int(rows, 1),
                                               .case_id = db_int(rows, 2),
                                               .n = db_int(rows, 3),
                                               .kind = db_text_copy(rows, 4),
                                               .target = db_text_copy(rows, 5),
                                               .state = db_text_copy(rows, 6),
                                               .rule = db_text_copy(rows, 7),
                                               .tries = db_int(rows, 8),
                                               .next_at = db_int(rows, 9),
                                               .mail_id = db_int(rows, 10),
                                               .done_at = instant_at(rows, 11)};
    }
    return db_rows_end(&rows, why);
}

enum err release_steps(struct db *db, int64_t release_id, struct release_step **out, size_t *n, struct diag *why)
{
    return read_steps(db_query(db, "SELECT " COLUMNS " WHERE s.release_id = ? ORDER BY s.n", "i", release_id), out, n,
                      why);
}

/*
 * A mail can be tried once all signatures of its release are there; one in the outbox is looked at when it has come to
 * an end there.
 */
#define OPEN_STEPS                                                                                                     \
    " ((s.state = 'pending' AND s.next_at <= ?1 AND s.kind IN ('sign', 'test'))"                                       \
    " OR (s.state = 'pending' AND s.next_at <= ?1 AND s.kind NOT IN ('sign', 'test', 'mail', 'site'))"                 \
    " OR (s.state = 'pending' AND s.next_at <= ?1 AND s.kind IN ('mail', 'site') AND NOT EXISTS (SELECT 1"             \
    "  FROM release_step k WHERE k.release_id = s.release_id AND k.kind = 'sign' AND k.state <> 'done'))"              \
    " OR (s.state = 'queued' AND NOT EXISTS (SELECT 1 FROM copy WHERE mail_id = s.mail_id"                             \
    "  AND state IN ('sealing', 'queued', 'deferred'))))"

enum err release_steps_due(struct db *db, int64_t now_utc_s, bool signing, struct release_step **out, size_t *n,
                           struct diag *why)
{
    return read_steps(db_query(db,
                               "SELECT " COLUMNS " WHERE s.state IN ('pending', 'queued') AND" OPEN_STEPS
                               " AND (s.kind IN ('sign', 'test')) = ?2 ORDER BY s.release_id, s.n LIMIT 32",
                               "ii", now_utc_s, (int64_t)signing),
                      out, n, why);
}

int64_t release_count_due(struct db *db, int64_t now_utc_s)
{
    return db_value(db, 1, "SELECT COUNT(*) FROM release_step s WHERE s.state IN ('pending', 'queued') AND" OPEN_STEPS,
                    "i", now_utc_s);
}

enum err release_step_set(struct db *db, const struct release_step *step, struct diag *why)
{
    return db_run(db, why,
                  "UPDATE release_step SET state = ?, rule = ?, tries = ?, next_at = ?, mail_id = NULLIF(?, 0),"
                  " done_at = NULLIF(?, ?) WHERE id = ?",
                  "ttiiiiii", step->state, step->rule, step->tries, step->next_at, step->mail_id, step->done_at,
                  INSTANT_NONE, step->id);
}

enum err release_step_set_text(struct db *db, int64_t id, struct span text, struct diag *why)
{
    return db_seal(db, "release_step", id, "sealed_text", text, why);
}

enum err release_step_text(struct db *db, int64_t id, struct buf *out, struct diag *why)
{
    return db_unseal(db, "release_step", id, "sealed_text", out, why);
}

enum err release_step_find(struct db *db, int64_t release_id, const char *kind, const char *target,
                           struct release_step *out, struct diag *why)
{
    struct release_step *rows;
    size_t n;
    enum err err = read_steps(db_query(db, "SELECT " COLUMNS " WHERE s.release_id = ? AND s.kind = ? AND s.target = ?",
                                       "itt", release_id, kind, target),
                              &rows, &n, why);

    memset(out, 0, sizeof *out);
    if (!err && !n)
        err = diag_set(why, ERR_NOT_FOUND, "release.step", "the release has no such step");
    if (n)
        *out = rows[0];
    free(rows);
    return err;
}

char *release_mail_state(struct db *db, int64_t mail_id)
{
    struct db_rows *rows = db_query(db, "SELECT state FROM copy WHERE mail_id = ? LIMIT 1", "i", mail_id);
    char *state = db_next(rows) ? db_text_copy(rows, 0) : NULL;

    db_rows_end(&rows, NULL);
    return state;
}

int64_t release_count_open(struct db *db, int64_t release_id)
{
    return db_value(
        db, 1,
        "SELECT COUNT(*) FROM release_step WHERE release_id = ? AND state IN ('pending', 'queued', 'failed')"
        " AND kind <> 'test'",
        "i", release_id);
}

enum err release_cases_under_way(struct db *db, int64_t **out, size_t *n, struct diag *why)
{
    struct db_rows *rows = db_query(db,
                                    "SELECT r.case_id FROM release r JOIN cases c ON c.id = r.case_id"
                                    " WHERE r.state IN ('held', 'running') OR (r.approved IS NOT NULL AND"
                                    " c.state IN ('new', 'accepted', 'fix-ready', 'predisclosed')) ORDER BY r.case_id",
                                    "");

    *out = NULL;
    *n = 0;
    while (db_next(rows)) {
        *out = mem_resize(*out, *n + 1, sizeof **out);
        (*out)[(*n)++] = db_int(rows, 0);
    }
    return db_rows_end(&rows, why);
}

#include "store/cases.h"

#include "base/instant.h"
#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CASE_COLUMNS                                                                                                   \
    "id, list_id, code, public_id, state, track, mode, model, severity, policy, policy_digest, embargo_status, "       \
    "duplicate_of, is_public, version, opened_at, acknowledged_at, accepted_at, fix_ready_at, predisclosed_at, "       \
    "public_at, closed_at, until_at, discoverer_at, embargo_start_at, track_chosen, "                                  \
    "channel, origin, scope, fix_needs_s"

void case_row_free(struct case_row *row)
{
    free(row->public_id);
    free(row->state);
    free(row->track);
    free(row->mode);
    free(row->model);
    free(row->severity);
    free(row->policy);
    free(row->policy_digest);
    free(row->embargo_status);
    free(row->duplicate_of);
    free(row->channel);
    free(row->origin);
    free(row->scope);
    memset(row, 0, sizeof *row);
}

static int64_t instant_column(const struct db_rows *rows, int column)
{
    return db_is_null(rows, column) ? INSTANT_NONE : db_int(rows, column);
}

static void read_case(const struct db_rows *rows, struct case_row *row)
{
    int64_t *const instants[] = {&row->opened_at,       &row->acknowledged_at, &row->accepted_at, &row->fix_ready_at,
                                 &row->predisclosed_at, &row->public_at,       &row->closed_at,   &row->until_at,
                                 &row->discoverer_at,   &row->embargo_start_at};

    row->id = db_int(rows, 0);
    row->list_id = db_int(rows, 1);
    snprintf(row->code, sizeof row->code, "%s", db_text(rows, 2));
    row->public_id = db_text_copy(rows, 3);
    row->state = db_text_copy(rows, 4);
    row->track = db_text_copy(rows, 5);
    row->mode = db_text_copy(rows, 6);
    row->model = db_text_copy(rows, 7);
    row->severity = db_text_copy(rows, 8);
    row->policy = db_text_copy(rows, 9);
    row->policy_digest = db_text_copy(rows, 10);
    row->embargo_status = db_text_copy(rows, 11);
    row->duplicate_of = db_text_copy(rows, 12);
    row->is_public = db_int(rows, 13) != 0;
    row->version = db_int(rows, 14);
    for (size_t i = 0; i < sizeof instants / sizeof instants[0]; i++)
        *instants[i] = instant_column(rows, 15 + (int)i);
    row->track_chosen = db_int(rows, 25) != 0;
    row->channel = db_text_copy(rows, 26);
    row->origin = db_text_copy(rows, 27);
    row->scope = db_text_copy(rows, 28);
    row->fix_needs_s = db_is_null(rows, 29) ? -1 : db_int(rows, 29);
}

enum err case_insert(struct db *db, struct case_row *row, struct diag *why)
{
    enum err err =
        db_run(db, why,
               "INSERT INTO cases(list_id, code, state, policy, policy_digest, opened_at)"
               " VALUES(?, ?, ?, ?, ?, ?)",
               "itttti", row->list_id, row->code, row->state, row->policy, row->policy_digest, row->opened_at);

    if (err)
        return err;
    row->id = db_last_id(db);
    return case_update(db, row, why);
}

/* An instant that is not set is stored as NULL. */
static enum err set_instant(struct db *db, int64_t id, const char *sql, int64_t at, struct diag *why)
{
    return at == INSTANT_NONE ? db_run(db, why, sql, "ti", (const char *)NULL, id) : db_run(db, why, sql, "ii", at, id);
}

enum err case_update(struct db *db, const struct case_row *row, struct diag *why)
{
    const struct {
        const char *sql;
        int64_t at;
    } instants[] = {
        {"UPDATE cases SET acknowledged_at = ? WHERE id = ?", row->acknowledged_at},
        {"UPDATE cases SET accepted_at = ? WHERE id = ?", row->accepted_at},
        {"UPDATE cases SET fix_ready_at = ? WHERE id = ?", row->fix_ready_at},
        {"UPDATE cases SET predisclosed_at = ? WHERE id = ?", row->predisclosed_at},
        {"UPDATE cases SET public_at = ? WHERE id = ?", row->public_at},
        {"UPDATE cases SET closed_at = ? WHERE id = ?", row->closed_at},
        {"UPDATE cases SET until_at = ? WHERE id = ?", row->until_at},
        {"UPDATE cases SET discoverer_at = ? WHERE id = ?", row->discoverer_at},
        {"UPDATE cases SET embargo_start_at = ? WHERE id = ?", row->embargo_start_at},
    };
    enum err err = db_run(db, why,
                          "UPDATE cases SET public_id = ?, state = ?, track = ?, mode = ?, model = ?, severity = ?,"
                          " policy = ?, policy_digest = ?, embargo_status = ?, duplicate_of = ?, is_public = ?,"
                          " version = ?, track_chosen = ?, channel = ?, origin = ?, scope = ?,"
                          " fix_needs_s = nullif(?, -1) WHERE id = ?",
                          "ttttttttttiiitttii", row->public_id, row->state, row->track, row->mode, row->model,
                          row->severity, row->policy, row->policy_digest, row->embargo_status, row->duplicate_of,
                          (int64_t)row->is_public, row->version, (int64_t)row->track_chosen, row->channel, row->origin,
                          row->scope, row->fix_needs_s, row->id);

    for (size_t i = 0; !err && i < sizeof instants / sizeof instants[0]; i++)
        err = set_instant(db, row->id, instants[i].sql, instants[i].at, why);
    return err;
}

static enum err one_case(struct db_rows *rows, struct case_row *out, struct diag *why)
{
    bool found = db_next(rows);
    enum err err;

    memset(out, 0, sizeof *out);
    if (found)
        read_case(rows, out);
    err = db_rows_end(&rows, why);
    if (!err && !found)
        err = diag_set(why, ERR_NOT_FOUND, "case.unknown", "no such case");
    return err;
}

enum err case_by_code(struct db *db, const char *code, struct case_row *out, struct diag *why)
{
    return one_case(db_query(db, "SELECT " CASE_COLUMNS " FROM cases WHERE code = ?1 OR public_id = ?1", "t", code),
                    out, why);
}

enum err case_by_id(struct db *db, int64_t id, struct case_row *out, struct diag *why)
{
    return one_case(db_query(db, "SELECT " CASE_COLUMNS " FROM cases WHERE id = ?", "i", id), out, why);
}

enum err case_all(struct db *db, int64_t list_id, struct case_row **out, size_t *n, struct diag *why)
{
    struct db_rows *rows =
        db_query(db, "SELECT " CASE_COLUMNS " FROM cases WHERE list_id = ? ORDER BY id", "i", list_id);

    *out = NULL;
    *n = 0;
    while (db_next(rows)) {
        *out = mem_resize(*out, *n + 1, sizeof **out);
        memset(&(*out)[*n], 0, sizeof **out);
        read_case(rows, &(*out)[(*n)++]);
    }
    return db_rows_end(&rows, why);
}

enum err note_insert(struct db *db, int64_t case_id, const char *actor, const char *text, int64_t now_utc_s,
                     struct diag *why)
{
    enum err err =
        db_run(db, why, "INSERT INTO note(case_id, at, actor) VALUES(?, ?, ?)", "iit", case_id, now_utc_s, actor);

    return err ? err : db_seal_text(db, "note", db_last_id(db), "sealed_text", text, why);
}

void note_row_free(struct note_row *row)
{
    free(row->actor);
    mem_free_secret(&row->text);
}

enum err note_all(struct db *db, int64_t case_id, struct note_row **out, size_t *n, struct diag *why)
{
    struct db_rows *rows = db_query(db, "SELECT id, at, actor FROM note WHERE case_id = ? ORDER BY id", "i", case_id);
    enum err err;

    *out = NULL;
    *n = 0;
    while (db_next(rows)) {
        *out = mem_resize(*out, *n + 1, sizeof **out);
        (*out)[(*n)++] = (struct note_row){db_int(rows, 0), db_int(rows, 1), db_text_copy(rows, 2), NULL};
    }
    err = db_rows_end(&rows, why);
    for (size_t i = 0; i < *n; i++)
        (*out)[i].text = db_unseal_text(db, "note", (*out)[i].id, "sealed_text");
    return err;
}

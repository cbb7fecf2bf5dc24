#include "store/advisories.h"

#include "base/instant.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

void advisory_row_free(struct advisory_row *row)
{
    free(row->state);
    memset(row, 0, sizeof *row);
}

enum err advisory_insert(struct db *db, struct advisory_row *row, struct span document, struct diag *why)
{
    enum err err = db_run(db, why, "INSERT INTO advisory(case_id, version, state, at) VALUES(?, ?, 'draft', ?)", "iii",
                          row->case_id, row->version, row->at);

    if (err)
        return err;
    row->id = db_last_id(db);
    row->state = mem_strdup("draft");
    return advisory_set_document(db, row->id, document, why);
}

static enum err must_be_draft(struct db *db, int64_t id, struct diag *why)
{
    if (db_value(db, 0, "SELECT 1 FROM advisory WHERE id = ? AND state = 'draft'", "i", id))
        return ERR_OK;
    return diag_set(why, ERR_DENIED, "advisory.sent", "this version was sent and stays as it is: edit the next one");
}

enum err advisory_set_document(struct db *db, int64_t id, struct span document, struct diag *why)
{
    enum err err = must_be_draft(db, id, why);

    return err ? err : db_seal(db, "advisory", id, "sealed_document", document, why);
}

enum err advisory_document(struct db *db, int64_t id, struct buf *out, struct diag *why)
{
    return db_unseal(db, "advisory", id, "sealed_document", out, why);
}

enum err advisory_set_sent(struct db *db, int64_t id, int64_t now_utc_s, struct diag *why)
{
    return db_run(db, why, "UPDATE advisory SET state = 'sent', sent_at = ? WHERE id = ? AND state = 'draft'", "ii",
                  now_utc_s, id);
}

static void read_advisory(const struct db_rows *rows, struct advisory_row *row)
{
    *row = (struct advisory_row){db_int(rows, 0), db_int(rows, 1),
                                 db_int(rows, 2), db_text_copy(rows, 3),
                                 db_int(rows, 4), db_is_null(rows, 5) ? INSTANT_NONE : db_int(rows, 5)};
}

enum err advisory_find(struct db *db, int64_t case_id, int64_t version, struct advisory_row *out, struct diag *why)
{
    struct db_rows *rows = db_query(db,
                                    "SELECT id, case_id, version, state, at, sent_at FROM advisory WHERE case_id = ?1"
                                    " AND (?2 = 0 OR version = ?2) ORDER BY version DESC LIMIT 1",
                                    "ii", case_id, version);
    bool found = db_next(rows);
    enum err err;

    memset(out, 0, sizeof *out);
    if (found)
        read_advisory(rows, out);
    err = db_rows_end(&rows, why);
    return !err && !found ? diag_set(why, ERR_NOT_FOUND, "advisory.unknown",
                                     "the case has no such advisory: make one with advisory new")
                          : err;
}

enum err advisory_all(struct db *db, int64_t case_id, struct advisory_row **out, size_t *n, struct diag *why)
{
    struct db_rows *rows =
        db_query(db, "SELECT id, case_id, version, state, at, sent_at FROM advisory WHERE case_id = ? ORDER BY version",
                 "i", case_id);

    *out = NULL;
    *n = 0;
    while (db_next(rows)) {
        *out = mem_resize(*out, *n + 1, sizeof **out);
        read_advisory(rows, &(*out)[(*n)++]);
    }
    return db_rows_end(&rows, why);
}

void patch_row_free(struct patch_row *row)
{
    mem_free_secret(&row->name);
}

enum err patch_all(struct db *db, int64_t advisory_id, struct patch_row **out, size_t *n, struct diag *why)
{
    struct db_rows *rows =
        db_query(db, "SELECT id, n, size_bytes FROM patch WHERE advisory_id = ? ORDER BY n", "i", advisory_id);
    enum err err;

    *out = NULL;
    *n = 0;
    while (db_next(rows)) {
        *out = mem_resize(*out, *n + 1, sizeof **out);
        (*out)[(*n)++] = (struct patch_row){db_int(rows, 0), db_int(rows, 1), db_int(rows, 2), NULL};
    }
    err = db_rows_end(&rows, why);
    for (size_t i = 0; i < *n; i++)
        (*out)[i].name = db_unseal_text(db, "patch", (*out)[i].id, "sealed_name");
    return err;
}

/* The row of the patch with this name; 0: none. Names are sealed, so they are opened one by one. */
static enum err patch_named(struct db *db, int64_t advisory_id, const char *name, int64_t *out, struct diag *why)
{
    struct patch_row *patches;
    size_t n;
    enum err err = patch_all(db, advisory_id, &patches, &n, why);

    *out = 0;
    for (size_t i = 0; i < n; i++) {
        if (patches[i].name && strcmp(patches[i].name, name) == 0)
            *out = patches[i].id;
        patch_row_free(&patches[i]);
    }
    free(patches);
    return err;
}

enum err patch_put(struct db *db, int64_t advisory_id, const char *name, struct span content, struct diag *why)
{
    int64_t id = 0, n;
    enum err err = must_be_draft(db, advisory_id, why);

    if (!err)
        err = patch_named(db, advisory_id, name, &id, why);
    if (!err && !id) {
        n = 1 + db_value(db, 0, "SELECT MAX(n) FROM patch WHERE advisory_id = ?", "i", advisory_id);
        err = db_run(db, why, "INSERT INTO patch(advisory_id, n, size_bytes) VALUES(?, ?, 0)", "ii", advisory_id, n);
        id = db_last_id(db);
    }
    if (!err)
        err = db_run(db, why, "UPDATE patch SET size_bytes = ? WHERE id = ?", "ii", (int64_t)content.len, id);
    if (!err)
        err = db_seal_text(db, "patch", id, "sealed_name", name, why);
    return err ? err : db_seal(db, "patch", id, "sealed_content", content, why);
}

enum err patch_content(struct db *db, int64_t id, struct buf *out, struct diag *why)
{
    return db_unseal(db, "patch", id, "sealed_content", out, why);
}

enum err told_add(struct db *db, int64_t case_id, int64_t member_id, int64_t version, const char *tier,
                  int64_t at_utc_s, struct diag *why)
{
    return db_run(db, why, "INSERT OR IGNORE INTO told(case_id, member_id, version, tier, at) VALUES(?, ?, ?, ?, ?)",
                  "iiiti", case_id, member_id, version, tier, at_utc_s);
}

int64_t told_version(struct db *db, int64_t case_id, int64_t member_id)
{
    return db_value(db, 0, "SELECT MAX(version) FROM told WHERE case_id = ? AND member_id = ?", "ii", case_id,
                    member_id);
}

int64_t told_version_by(struct db *db, int64_t case_id, int64_t member_id, int64_t now_utc_s)
{
    return db_value(db, 0, "SELECT MAX(version) FROM told WHERE case_id = ? AND member_id = ? AND at <= ?", "iii",
                    case_id, member_id, now_utc_s);
}

enum err told_waiting(struct db *db, int64_t case_id, int64_t now_utc_s, struct told_row **out, size_t *n,
                      struct diag *why)
{
    struct db_rows *rows =
        db_query(db, "SELECT member_id, tier, MAX(at) FROM told WHERE case_id = ? AND at > ? GROUP BY member_id, tier",
                 "ii", case_id, now_utc_s);

    *out = NULL;
    *n = 0;
    while (db_next(rows)) {
        *out = mem_resize(*out, *n + 1, sizeof **out);
        (*out)[(*n)++] = (struct told_row){db_int(rows, 0), db_text_copy(rows, 1), db_int(rows, 2)};
    }
    return db_rows_end(&rows, why);
}

enum err told_move(struct db *db, int64_t case_id, int64_t member_id, int64_t now_utc_s, int64_t at_utc_s,
                   struct diag *why)
{
    return db_run(db, why, "UPDATE told SET at = ? WHERE case_id = ? AND member_id = ? AND at > ?", "iiii", at_utc_s,
                  case_id, member_id, now_utc_s);
}

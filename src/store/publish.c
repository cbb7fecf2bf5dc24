#include "store/publish.h"

#include "base/instant.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

#define PURPOSE "signed-text"

enum err advisory_set_released(struct db *db, int64_t advisory_id, int64_t now_utc_s, struct diag *why)
{
    enum err err = advisory_set_sent(db, advisory_id, now_utc_s, why);

    return err ? err
               : db_run(db, why, "UPDATE advisory SET released_at = ? WHERE id = ? AND released_at IS NULL", "ii",
                        now_utc_s, advisory_id);
}

enum err public_case_ids(struct db *db, int64_t list_id, int64_t **out, size_t *n, struct diag *why)
{
    struct db_rows *rows =
        db_query(db,
                 "SELECT c.id, COALESCE(c.public_at, (SELECT MAX(released_at) FROM advisory WHERE case_id = c.id)) AS p"
                 " FROM cases c WHERE c.list_id = ?"
                 " AND ((c.state IN ('public', 'closed') AND c.public_at IS NOT NULL) OR"
                 "      EXISTS (SELECT 1 FROM advisory a WHERE a.case_id = c.id AND a.released_at IS NOT NULL))"
                 " AND EXISTS (SELECT 1 FROM advisory a WHERE a.case_id = c.id AND a.state = 'sent')"
                 " ORDER BY p DESC, c.id DESC",
                 "i", list_id);

    *out = NULL;
    *n = 0;
    while (db_next(rows)) {
        *out = mem_resize(*out, *n + 1, sizeof **out);
        (*out)[(*n)++] = db_int(rows, 0);
    }
    return db_rows_end(&rows, why);
}

/* See the header for what counts as released. */
#define VERSIONS                                                                                                       \
    "WITH c AS (SELECT public_at, state IN ('public', 'closed') AND public_at IS NOT NULL AS open FROM cases"          \
    " WHERE id = ?1), v AS (SELECT * FROM advisory WHERE case_id = ?1 AND state = 'sent')"                             \
    " SELECT v.id, v.version, COALESCE(v.released_at, MAX(v.sent_at, c.public_at)) FROM v, c"                          \
    " WHERE v.released_at IS NOT NULL"                                                                                 \
    " OR (c.open AND v.sent_at > c.public_at)"                                                                         \
    " OR (c.open AND NOT EXISTS (SELECT 1 FROM v, c WHERE released_at >= c.public_at)"                                 \
    "  AND v.version = (SELECT MAX(version) FROM v, c WHERE sent_at <= c.public_at))"                                  \
    " ORDER BY v.version"

enum err public_versions(struct db *db, int64_t case_id, struct public_version **out, size_t *n, struct diag *why)
{
    struct db_rows *rows = db_query(db, VERSIONS, "i", case_id);

    *out = NULL;
    *n = 0;
    while (db_next(rows)) {
        *out = mem_resize(*out, *n + 1, sizeof **out);
        (*out)[(*n)++] = (struct public_version){db_int(rows, 0), db_int(rows, 1), db_int(rows, 2)};
    }
    return db_rows_end(&rows, why);
}

enum err public_told(struct db *db, int64_t case_id, int64_t before_utc_s, struct public_told **out, size_t *n,
                     struct diag *why)
{
    struct db_rows *rows = db_query(
        db, "SELECT tier, MIN(at) AS first FROM told WHERE case_id = ? AND at <= ? GROUP BY tier ORDER BY first, tier",
        "ii", case_id, before_utc_s);

    *out = NULL;
    *n = 0;
    while (db_next(rows)) {
        *out = mem_resize(*out, *n + 1, sizeof **out);
        (*out)[(*n)++] = (struct public_told){db_text_copy(rows, 0), db_int(rows, 1)};
    }
    return db_rows_end(&rows, why);
}

void public_told_free(struct public_told *told, size_t n)
{
    for (size_t i = 0; i < n; i++)
        free(told[i].tier);
    free(told);
}

char *public_commits(struct db *db, const struct case_row *c)
{
    bool open = c->public_at != INSTANT_NONE && (!strcmp(c->state, "public") || !strcmp(c->state, "closed"));
    char *shown = db_unseal_text(db, "cases", c->id, "sealed_shown_commits"), *now;
    struct diag why;

    if (!open)
        return shown;
    now = db_unseal_text(db, "cases", c->id, "sealed_commits");
    if (now && (!shown || strcmp(now, shown) != 0) && *now)
        db_seal_text(db, "cases", c->id, "sealed_shown_commits", now, &why);
    mem_free_secret(&shown);
    return now;
}

/* ---- signed texts ---- */

bool signed_text_find(struct db *db, const char *name, const char *fingerprint, struct span text, struct buf *out)
{
    uint8_t digest[BOX_DIGEST_BYTES];
    struct db_rows *rows;
    struct diag why;
    int64_t id = 0;

    box_digest(db_box(db), PURPOSE, text, digest);
    rows = db_query(db, "SELECT id FROM signed_text WHERE name = ? AND fingerprint = ? AND digest = ?", "ttb", name,
                    fingerprint, (struct span){digest, sizeof digest});
    if (db_next(rows))
        id = db_int(rows, 0);
    return !db_rows_end(&rows, &why) && id && !db_unseal(db, "signed_text", id, "sealed_text", out, &why) && out->len;
}

enum err signed_text_put(struct db *db, const char *name, const char *fingerprint, struct span text,
                         struct span signed_text, int64_t now_utc_s, struct diag *why)
{
    uint8_t digest[BOX_DIGEST_BYTES];
    enum err err;

    box_digest(db_box(db), PURPOSE, text, digest);
    err = db_run(db, why,
                 "INSERT INTO signed_text(name, fingerprint, digest, at) VALUES(?, ?, ?, ?) ON CONFLICT(name) DO"
                 " UPDATE SET fingerprint = excluded.fingerprint, digest = excluded.digest, at = excluded.at",
                 "ttbi", name, fingerprint, (struct span){digest, sizeof digest}, now_utc_s);
    return err ? err
               : db_seal(db, "signed_text", db_value(db, 0, "SELECT id FROM signed_text WHERE name = ?", "t", name),
                         "sealed_text", signed_text, why);
}

/* ---- wishes ---- */

#define META_NUMBER "SELECT CAST(CAST(value AS TEXT) AS INTEGER) FROM meta WHERE key = ?"

void publish_state(struct db *db, struct publish_state *out)
{
    out->wanted = db_value(db, 0, META_NUMBER, "t", "site-wanted");
    out->built = db_value(db, 0, META_NUMBER, "t", "site-built");
    out->built_at = db_value(db, INSTANT_NONE, META_NUMBER, "t", "site-built-at");
}

static enum err set_number(struct db *db, const char *key, int64_t number, struct diag *why)
{
    char *text = mem_printf("%lld", (long long)number);
    enum err err = db_meta_set(db, key, span_of(text), why);

    free(text);
    return err;
}

enum err publish_want(struct db *db, int64_t *out, struct diag *why)
{
    int64_t wish = 1 + db_value(db, 0, META_NUMBER, "t", "site-wanted");

    if (out)
        *out = wish;
    return set_number(db, "site-wanted", wish, why);
}

enum err publish_set_built(struct db *db, int64_t wish, int64_t now_utc_s, struct diag *why)
{
    enum err err = set_number(db, "site-built", wish, why);

    return err ? err : set_number(db, "site-built-at", now_utc_s, why);
}

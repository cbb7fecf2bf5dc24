#include "store/secret_keys.h"

#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>

void secret_key_rows_free(struct secret_key_row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        free(rows[i].code);
        free(rows[i].org);
    }
    free(rows);
}

/* How a key stands that is nobody's here: lower-case, as no fingerprint is. */
static void unnamed(struct db *db, const char *fingerprint, char out[PGP_FPR_SIZE])
{
    uint8_t digest[BOX_DIGEST_BYTES];

    box_digest(db_box(db), "secret-key", span_of(fingerprint), digest);
    box_sha256_hex((struct span){digest, sizeof digest}, out);
}

enum err secret_key_put(struct db *db, int64_t list_id, const char *fingerprint, bool pinned, const char *code,
                        int64_t now_utc_s, struct diag *why)
{
    char digest[PGP_FPR_SIZE];

    unnamed(db, fingerprint, digest);
    return db_run(db, why, "INSERT OR REPLACE INTO secret_key(list_id, fingerprint, code, at) VALUES(?, ?, ?, ?)",
                  "itti", list_id, pinned ? fingerprint : digest, code, now_utc_s);
}

enum err secret_key_pinned(struct db *db, const char *fingerprint, struct diag *why)
{
    char digest[PGP_FPR_SIZE];

    if (!db_value(db, 1, "SELECT EXISTS (SELECT 1 FROM secret_key)", ""))
        return ERR_OK;
    unnamed(db, fingerprint, digest);
    return db_run(db, why, "UPDATE OR REPLACE secret_key SET fingerprint = ? WHERE fingerprint = ?", "tt", fingerprint,
                  digest);
}

bool secret_key_came_with(struct db *db, int64_t list_id, const char *fingerprint, const char *code)
{
    char digest[PGP_FPR_SIZE];

    unnamed(db, fingerprint, digest);
    return db_value(db, 0, "SELECT 1 FROM secret_key WHERE list_id = ? AND fingerprint IN (?, ?) AND code = ?", "ittt",
                    list_id, fingerprint, digest, code) != 0;
}

enum err secret_key_since(struct db *db, int64_t list_id, int64_t after_utc_s, struct secret_key_row **out, size_t *n,
                          struct diag *why)
{
    struct db_rows *rows =
        db_query(db,
                 "SELECT s.fingerprint, s.code, MAX(s.at), (SELECT m.org FROM contact c JOIN member m"
                 " ON m.id = c.member_id WHERE c.fingerprint = s.fingerprint AND m.list_id ="
                 " s.list_id AND m.state <> 'removed') FROM secret_key s"
                 " WHERE s.list_id = ? AND s.at > ? GROUP BY s.fingerprint ORDER BY s.fingerprint",
                 "ii", list_id, after_utc_s);

    *out = NULL;
    *n = 0;
    while (db_next(rows)) {
        struct secret_key_row *row;

        *out = mem_resize(*out, *n + 1, sizeof **out);
        row = &(*out)[(*n)++];
        *row =
            (struct secret_key_row){.code = db_text_copy(rows, 1), .at = db_int(rows, 2), .org = db_text_copy(rows, 3)};
        snprintf(row->fingerprint, sizeof row->fingerprint, "%s", db_text(rows, 0));
    }
    return db_rows_end(&rows, why);
}

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

enum err secret_key_put(struct db *db, int64_t list_id, const char *fingerprint, const char *code, int64_t now_utc_s,
                        struct diag *why)
{
    return db_run(db, why, "INSERT OR REPLACE INTO secret_key(list_id, fingerprint, code, at) VALUES(?, ?, ?, ?)",
                  "itti", list_id, fingerprint, code, now_utc_s);
}

bool secret_key_came_with(struct db *db, int64_t list_id, const char *fingerprint, const char *code)
{
    return db_value(db, 0, "SELECT 1 FROM secret_key WHERE list_id = ? AND fingerprint = ? AND code = ?", "itt",
                    list_id, fingerprint, code) != 0;
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

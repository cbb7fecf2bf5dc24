#include "store/outlook.h"

#include "base/instant.h"
#include "base/mem.h"

#include <stdlib.h>

#define OPEN_CASE " c.state NOT IN ('closed', 'rejected', 'duplicate', 'public')"

void outlook_now(struct db *db, int64_t now_utc_s, struct outlook *out)
{
    out->held = db_value(db, 0, "SELECT COUNT(*) FROM held WHERE state = 'held'", "");
    out->failed = db_value(db, 0,
                           "SELECT COUNT(*) FROM copy k LEFT JOIN member m ON m.id = k.member_id"
                           " WHERE k.state = 'failed' AND (m.id IS NULL OR m.state IN ('active', 'key-trouble'))"
                           " AND k.id IN (SELECT MAX(id) FROM copy GROUP BY mail_id, member_id, address)",
                           "");
    out->unsealed = db_value(db, 0,
                             "SELECT COUNT(DISTINCT m.id) FROM mail m JOIN copy k ON k.mail_id = m.id"
                             " WHERE k.state = 'sealing' AND m.made_at <= ?",
                             "i", now_utc_s - 300);
    out->deferred = db_value(db, 0, "SELECT COUNT(*) FROM copy WHERE state = 'deferred' AND tries >= 2", "");
    out->untriaged =
        db_value(db, 0, "SELECT COUNT(*) FROM cases WHERE state = 'new' AND opened_at <= ?", "i", now_utc_s - 86400);
    out->undated = db_value(db, 0, "SELECT COUNT(*) FROM cases WHERE state = 'predisclosed' AND until_at IS NULL", "");
    out->overdue = db_value(db, 0,
                            "SELECT COUNT(*) FROM duty d JOIN cases c ON c.id = d.object WHERE d.kind = 'overdue'"
                            " AND d.done_at IS NULL AND" OPEN_CASE,
                            "");
    out->keys = db_value(db, 0, "SELECT COUNT(*) FROM member WHERE state = 'key-trouble'", "");
    out->approvals = db_value(db, 0, "SELECT COUNT(*) FROM approval WHERE state = 'open'", "");
    out->applications = db_value(db, 0, "SELECT COUNT(*) FROM application WHERE state IN ('complete', 'appealed')", "");
}

void outlook_rows_free(struct outlook_row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        free(rows[i].code);
        free(rows[i].public_id);
        free(rows[i].state);
        free(rows[i].clock);
        free(rows[i].tier);
        free(rows[i].rule);
        free(rows[i].force);
    }
    free(rows);
}

enum err outlook_next(struct db *db, int64_t before_utc_s, struct outlook_row **out, size_t *n, struct diag *why)
{
    struct db_rows *rows =
        db_query(db,
                 "SELECT c.code, c.public_id, c.state, d.clock, d.tier, d.rule, d.force, d.at, c.until_at FROM cases c"
                 " LEFT JOIN deadline d ON d.case_id = c.id AND d.fired_at IS NULL WHERE" OPEN_CASE
                 " AND (?1 = 0 OR d.at <= ?2) ORDER BY d.at IS NULL, d.at, c.id",
                 "ii", (int64_t)(before_utc_s != INSTANT_NONE), before_utc_s);

    *out = NULL;
    *n = 0;
    while (db_next(rows)) {
        *out = mem_resize(*out, *n + 1, sizeof **out);
        (*out)[(*n)++] = (struct outlook_row){db_text_copy(rows, 0),
                                              db_text_copy(rows, 1),
                                              db_text_copy(rows, 2),
                                              db_text_copy(rows, 3),
                                              db_text_copy(rows, 4),
                                              db_text_copy(rows, 5),
                                              db_text_copy(rows, 6),
                                              db_is_null(rows, 7) ? INSTANT_NONE : db_int(rows, 7),
                                              db_is_null(rows, 8) ? INSTANT_NONE : db_int(rows, 8)};
    }
    return db_rows_end(&rows, why);
}

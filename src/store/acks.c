#include "store/acks.h"

#include "base/mem.h"

#include <stdlib.h>

void ack_rows_free(struct ack_row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        free(rows[i].org);
        free(rows[i].state);
        free(rows[i].value);
        free(rows[i].day);
        free(rows[i].by);
    }
    free(rows);
}

enum err ack_put(struct db *db, int64_t case_id, int64_t member_id, const char *value, const char *day,
                 int64_t now_utc_s, const char *by, struct diag *why)
{
    return db_run(db, why,
                  "INSERT OR REPLACE INTO ack(case_id, member_id, value, day, at, by) VALUES(?, ?, ?, ?, ?, ?)",
                  "iittit", case_id, member_id, value, day, now_utc_s, by);
}

enum err ack_all(struct db *db, int64_t case_id, int64_t now_utc_s, struct ack_row **out, size_t *n, struct diag *why)
{
    struct db_rows *rows =
        db_query(db,
                 "SELECT m.id, m.org, m.state, a.value, a.day, a.at, a.by FROM member m"
                 " LEFT JOIN ack a ON a.case_id = ?1 AND a.member_id = m.id"
                 " WHERE m.id IN (SELECT member_id FROM told WHERE case_id = ?1 AND at <= ?2) ORDER BY m.org",
                 "ii", case_id, now_utc_s);

    *out = NULL;
    *n = 0;
    while (db_next(rows)) {
        *out = mem_resize(*out, *n + 1, sizeof **out);
        (*out)[(*n)++] =
            (struct ack_row){db_int(rows, 0),       db_text_copy(rows, 1), db_text_copy(rows, 2), db_text_copy(rows, 3),
                             db_text_copy(rows, 4), db_int(rows, 5),       db_text_copy(rows, 6)};
    }
    return db_rows_end(&rows, why);
}

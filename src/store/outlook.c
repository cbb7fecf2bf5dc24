#include "store/outlook.h"

#include "base/instant.h"
#include "base/mem.h"

#include <stdlib.h>

#define OPEN_CASE " c.state NOT IN ('closed', 'rejected', 'duplicate', 'public')"

/* Of a list in the scope, which is the first parameter. */
#define SCOPED(column) " (?1 = '' OR ?1 LIKE '%,' || " column " || ',%')"
#define COPY_SCOPED    " (?1 = '' OR EXISTS(SELECT 1 FROM mail s WHERE s.id = k.mail_id AND" SCOPED("s.list_id") "))"

static int64_t count(struct db *db, const char *sql, const char *scope, int64_t until_utc_s)
{
    return db_value(db, 0, sql, "ti", scope, until_utc_s);
}

/* Where no instant counts, it is compared with itself, so that each statement has both parameters. */
#define ANY_TIME " AND ?2 = ?2"

void outlook_now(struct db *db, const char *scope, int64_t now_utc_s, struct outlook *out)
{
    out->held =
        count(db, "SELECT COUNT(*) FROM held WHERE state = 'held' AND" SCOPED("list_id") ANY_TIME, scope, now_utc_s);
    out->failed =
        count(db,
              "SELECT COUNT(*) FROM copy k LEFT JOIN member m ON m.id = k.member_id"
              " WHERE k.state = 'failed' AND (m.id IS NULL OR m.state IN ('active', 'key-trouble'))"
              " AND k.id IN (SELECT MAX(id) FROM copy GROUP BY mail_id, member_id, address) AND" COPY_SCOPED ANY_TIME,
              scope, now_utc_s);
    out->unsealed = count(db,
                          "SELECT COUNT(DISTINCT m.id) FROM mail m JOIN copy k ON k.mail_id = m.id"
                          " WHERE k.state = 'sealing' AND m.made_at <= ?2 AND" SCOPED("m.list_id"),
                          scope, now_utc_s - 300);
    out->deferred =
        count(db, "SELECT COUNT(*) FROM copy k WHERE k.state = 'deferred' AND k.tries >= 2 AND" COPY_SCOPED ANY_TIME,
              scope, now_utc_s);
    out->untriaged =
        count(db, "SELECT COUNT(*) FROM cases WHERE state = 'new' AND opened_at <= ?2 AND" SCOPED("list_id"), scope,
              now_utc_s - 86400);
    out->undated = count(
        db,
        "SELECT COUNT(*) FROM cases WHERE state = 'predisclosed' AND until_at IS NULL AND" SCOPED("list_id") ANY_TIME,
        scope, now_utc_s);
    out->overdue = count(db,
                         "SELECT COUNT(*) FROM duty d JOIN cases c ON c.id = d.object WHERE d.kind = 'overdue'"
                         " AND d.done_at IS NULL AND" OPEN_CASE " AND" SCOPED("c.list_id") ANY_TIME,
                         scope, now_utc_s);
    out->keys = count(db, "SELECT COUNT(*) FROM member WHERE state = 'key-trouble' AND" SCOPED("list_id") ANY_TIME,
                      scope, now_utc_s);
    out->approvals = count(db, "SELECT COUNT(*) FROM approval WHERE state = 'open' AND" SCOPED("list_id") ANY_TIME,
                           scope, now_utc_s);
    out->applications = count(db,
                              "SELECT COUNT(*) FROM application WHERE state IN ('complete', 'appealed')"
                              " AND" SCOPED("list_id") ANY_TIME,
                              scope, now_utc_s);
}

struct db_rows *outlook_states(struct db *db, const char *scope, enum outlook_what what)
{
    static const char *const sql[] = {
        [OUTLOOK_CASES] = "SELECT state, COUNT(*) FROM cases WHERE" SCOPED("list_id") " GROUP BY state ORDER BY state",
        [OUTLOOK_MEMBERS] =
            "SELECT state, COUNT(*) FROM member WHERE" SCOPED("list_id") " GROUP BY state ORDER BY state",
        [OUTLOOK_COPIES] = "SELECT CASE k.state WHEN 'sealing' THEN 'queued' ELSE k.state END AS s, COUNT(*)"
                           " FROM copy k WHERE" COPY_SCOPED " GROUP BY s ORDER BY s",
    };

    return db_query(db, sql[what], "t", scope);
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

enum err outlook_next(struct db *db, const char *scope, int64_t before_utc_s, struct outlook_row **out, size_t *n,
                      struct diag *why)
{
    struct db_rows *rows =
        db_query(db,
                 "SELECT c.code, c.public_id, c.state, d.clock, d.tier, d.rule, d.force, d.at, c.until_at FROM cases c"
                 " LEFT JOIN deadline d ON d.case_id = c.id AND d.fired_at IS NULL WHERE" OPEN_CASE
                 " AND (?2 = 0 OR d.at <= ?3) AND" SCOPED("c.list_id") " ORDER BY d.at IS NULL, d.at, c.id",
                 "tii", scope, (int64_t)(before_utc_s != INSTANT_NONE), before_utc_s);

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

int64_t outlook_next_at(struct db *db, const char *scope)
{
    return db_value(db, INSTANT_NONE,
                    "SELECT MIN(d.at) FROM deadline d JOIN cases c ON c.id = d.case_id"
                    " WHERE d.fired_at IS NULL AND" SCOPED("c.list_id"),
                    "t", scope);
}

#include "store/stats.h"

#include "base/instant.h"
#include "base/mem.h"

#include <stdlib.h>

/* ?1 the list (0: all), ?2 whether public cases alone. */
#define CHOSEN                                                                                                         \
    " (?1 = 0 OR c.list_id = ?1) AND (?2 = 0 OR (c.state IN ('public', 'closed') AND c.public_at IS NOT NULL))"

/* told.at may be to come: such a tier does not know yet. */
#define TOLD                                                                                                           \
    " (SELECT case_id, tier, MIN(at) AS first FROM told WHERE at <= ?3 GROUP BY case_id, tier) t"                      \
    " JOIN cases c ON c.id = t.case_id WHERE" CHOSEN

/* Each member that was told of a case by now, once. */
#define TOLD_MEMBERS " (SELECT DISTINCT case_id, member_id FROM told WHERE at <= ?3) t"

static const char spans_sql[] = "SELECT 'acknowledge', c.severity, NULL, c.acknowledged_at - c.opened_at FROM cases c"
                                " WHERE c.acknowledged_at IS NOT NULL AND" CHOSEN
                                " UNION ALL SELECT 'triage', c.severity, NULL, c.accepted_at - c.opened_at FROM cases c"
                                " WHERE c.accepted_at IS NOT NULL AND" CHOSEN
                                " UNION ALL SELECT 'notice', c.severity, t.tier, t.first - c.opened_at FROM" TOLD
                                " UNION ALL SELECT 'public', c.severity, NULL, c.public_at - c.opened_at FROM cases c"
                                " WHERE c.public_at IS NOT NULL AND" CHOSEN
                                " UNION ALL SELECT 'embargo', c.severity, t.tier, c.public_at - t.first FROM" TOLD
                                " AND c.public_at IS NOT NULL AND t.first <= c.public_at";

void stats_spans_free(struct stats_span *spans, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        free(spans[i].step);
        free(spans[i].severity);
        free(spans[i].tier);
    }
    free(spans);
}

enum err stats_spans(struct db *db, int64_t list_id, bool only_public, struct stats_span **out, size_t *n,
                     struct diag *why)
{
    struct db_rows *rows = db_query(db, spans_sql, "iii", list_id, (int64_t)only_public, INT64_MAX);

    *out = NULL;
    *n = 0;
    while (db_next(rows)) {
        *out = mem_resize(*out, *n + 1, sizeof **out);
        (*out)[(*n)++] = (struct stats_span){db_text_copy(rows, 0), db_text_copy(rows, 1), db_text_copy(rows, 2),
                                             db_int(rows, 3) < 0 ? 0 : db_int(rows, 3)};
    }
    return db_rows_end(&rows, why);
}

void stats_deadlines_free(struct stats_deadline *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        free(rows[i].clock);
        free(rows[i].force);
    }
    free(rows);
}

static int64_t instant_at(const struct db_rows *rows, int column)
{
    return db_is_null(rows, column) ? INSTANT_NONE : db_int(rows, column);
}

enum err stats_deadlines(struct db *db, int64_t list_id, bool only_public, struct stats_deadline **out, size_t *n,
                         struct diag *why)
{
    struct db_rows *rows =
        db_query(db,
                 "SELECT d.clock, d.force, d.at, c.acknowledged_at, c.accepted_at, c.fix_ready_at, c.predisclosed_at,"
                 " c.public_at FROM deadline d JOIN cases c ON c.id = d.case_id WHERE d.fired_at IS NOT NULL AND" CHOSEN
                 " AND c.state NOT IN ('rejected', 'duplicate') ORDER BY d.clock",
                 "ii", list_id, (int64_t)only_public);

    *out = NULL;
    *n = 0;
    while (db_next(rows)) {
        *out = mem_resize(*out, *n + 1, sizeof **out);
        (*out)[(*n)++] = (struct stats_deadline){db_text_copy(rows, 0), db_text_copy(rows, 1), db_int(rows, 2),
                                                 instant_at(rows, 3),   instant_at(rows, 4),   instant_at(rows, 5),
                                                 instant_at(rows, 6),   instant_at(rows, 7)};
    }
    return db_rows_end(&rows, why);
}

static enum err count_all(struct db_rows *rows, stats_count *count, void *ctx, struct diag *why)
{
    while (db_next(rows))
        count(ctx, db_text(rows, 0), db_int(rows, 1));
    return db_rows_end(&rows, why);
}

enum err stats_copies(struct db *db, int64_t list_id, bool only_public, stats_count *count, void *ctx, struct diag *why)
{
    return count_all(db_query(db,
                              "SELECT CASE k.state WHEN 'sealing' THEN 'queued' ELSE k.state END AS s, COUNT(*)"
                              " FROM copy k JOIN mail m ON m.id = k.mail_id JOIN cases c ON c.id = m.case_id"
                              " WHERE m.kind = 'advisory' AND" CHOSEN " GROUP BY s ORDER BY s",
                              "ii", list_id, (int64_t)only_public),
                     count, ctx, why);
}

enum err stats_published(struct db *db, int64_t list_id, stats_count *count, void *ctx, struct diag *why)
{
    return count_all(db_query(db,
                              "SELECT COALESCE(c.severity, 'unrated') AS s, COUNT(*) FROM cases c WHERE" CHOSEN
                              " GROUP BY s ORDER BY s",
                              "ii", list_id, (int64_t)1),
                     count, ctx, why);
}

enum err stats_members(struct db *db, int64_t list_id, stats_count *count, void *ctx, struct diag *why)
{
    return count_all(db_query(db,
                              "SELECT state, COUNT(*) FROM member WHERE ?1 = 0 OR list_id = ?1 GROUP BY state"
                              " ORDER BY state",
                              "i", list_id),
                     count, ctx, why);
}

enum err stats_acks(struct db *db, int64_t list_id, bool only_public, int64_t now_utc_s, stats_count *count, void *ctx,
                    struct diag *why)
{
    return count_all(db_query(db,
                              "SELECT COALESCE(a.value, 'none') AS s, COUNT(*) FROM" TOLD_MEMBERS
                              " JOIN cases c ON c.id = t.case_id"
                              " LEFT JOIN ack a ON a.case_id = t.case_id AND a.member_id = t.member_id WHERE" CHOSEN
                              " GROUP BY s ORDER BY s",
                              "iii", list_id, (int64_t)only_public, now_utc_s),
                     count, ctx, why);
}

static const char cases_sql[] =
    "WITH copies AS (SELECT m.case_id, SUM(k.state = 'sent') AS sent,"
    " SUM(k.state IN ('queued', 'sealing', 'deferred')) AS waiting, SUM(k.state = 'failed') AS failed"
    " FROM copy k JOIN mail m ON m.id = k.mail_id WHERE m.kind = 'advisory' GROUP BY m.case_id),"
    " words AS (SELECT t.case_id, COUNT(*) AS told, COUNT(a.value) AS n, COUNT(*) FILTER (WHERE a.value = 'affected')"
    " AS affected, COUNT(*) FILTER (WHERE a.value = 'not-affected') AS not_affected,"
    " COUNT(*) FILTER (WHERE a.value = 'fixed-by') AS fixed_by FROM" TOLD_MEMBERS
    " LEFT JOIN ack a ON a.case_id = t.case_id AND a.member_id = t.member_id GROUP BY t.case_id)"
    " SELECT c.code, COALESCE(k.sent, 0), COALESCE(k.waiting, 0), COALESCE(k.failed, 0), w.told, w.n, w.affected,"
    " w.not_affected, w.fixed_by FROM words w JOIN cases c ON c.id = w.case_id LEFT JOIN copies k ON k.case_id = c.id"
    " WHERE" CHOSEN " ORDER BY c.id DESC";

void stats_cases_free(struct stats_case *rows, size_t n)
{
    for (size_t i = 0; i < n; i++)
        free(rows[i].code);
    free(rows);
}

enum err stats_cases(struct db *db, int64_t list_id, int64_t now_utc_s, struct stats_case **out, size_t *n,
                     struct diag *why)
{
    struct db_rows *rows = db_query(db, cases_sql, "iii", list_id, (int64_t)0, now_utc_s);

    *out = NULL;
    *n = 0;
    while (db_next(rows)) {
        *out = mem_resize(*out, *n + 1, sizeof **out);
        (*out)[(*n)++] = (struct stats_case){db_text_copy(rows, 0), db_int(rows, 1), db_int(rows, 2),
                                             db_int(rows, 3),       db_int(rows, 4), db_int(rows, 5),
                                             db_int(rows, 6),       db_int(rows, 7), db_int(rows, 8)};
    }
    return db_rows_end(&rows, why);
}

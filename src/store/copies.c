/* The way of a copy through the outbox: sealed, claimed, sent or not. */
#include "store/outbox.h"

#include "base/mem.h"

#include <stdlib.h>

enum err copy_sealed(struct db *db, int64_t id, struct span head, int64_t body_id, struct diag *why)
{
    return db_run(db, why, "UPDATE copy SET head = ?, body_id = ?, state = 'queued' WHERE id = ? AND state = 'sealing'",
                  "bii", head, body_id, id);
}

enum err copy_head(struct db *db, int64_t id, struct buf *out, struct diag *why)
{
    struct db_rows *rows = db_query(db, "SELECT head FROM copy WHERE id = ?", "i", id);

    buf_clear(out);
    if (db_next(rows)) {
        struct span s = db_bytes(rows, 0);
        buf_add(out, s.data, s.len);
    }
    return db_rows_end(&rows, why);
}

static bool is_busy(int64_t id, const int64_t *busy, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (busy[i] == id)
            return true;
    return false;
}

/* Each state in the order of its index, so that a queue of 10,000 is not sorted to find the first of it. */
#define DUE(state)                                                                                                     \
    "SELECT * FROM (SELECT c.id, c.next_at FROM copy c LEFT JOIN member m ON m.id = c.member_id WHERE c.state = "      \
    "'" state "' AND c.next_at <= ?1 AND (m.id IS NULL OR m.state IN ('active', 'key-trouble'))"                       \
    " AND (c.earliest_at IS NULL OR c.earliest_at <= ?3) ORDER BY c.next_at, c.id LIMIT ?2)"

enum err copy_due(struct db *db, int64_t now_utc_s, int64_t staged_utc_s, const int64_t *busy, size_t n_busy,
                  int64_t *ids, size_t max, size_t *n, struct diag *why)
{
    struct db_rows *rows = db_query(db, DUE("queued") " UNION ALL " DUE("deferred") " ORDER BY next_at, id LIMIT ?2",
                                    "iii", now_utc_s, (int64_t)(max + n_busy), staged_utc_s);

    *n = 0;
    while (*n < max && db_next(rows))
        if (!is_busy(db_int(rows, 0), busy, n_busy))
            ids[(*n)++] = db_int(rows, 0);
    return db_rows_end(&rows, why);
}

int64_t copy_count_open(struct db *db, int64_t now_utc_s)
{
    return db_value(db, 1,
                    "SELECT COUNT(*) FROM copy c LEFT JOIN member m ON m.id = c.member_id WHERE c.state = 'sealing' OR"
                    " (c.state IN ('queued', 'deferred') AND c.next_at <= ?"
                    " AND (m.id IS NULL OR m.state IN ('active', 'key-trouble')))",
                    "i", now_utc_s);
}

enum err copy_set_state(struct db *db, int64_t id, const char *state, const char *code, int64_t now_utc_s,
                        struct diag *why)
{
    return db_run(db, why, "UPDATE copy SET state = ?, code = ?, done_at = ? WHERE id = ?", "ttii", state, code,
                  now_utc_s, id);
}

enum err copy_set_sent(struct db *db, int64_t id, const char *code, const char *queue_id, int64_t now_utc_s,
                       struct diag *why)
{
    return db_run(db, why,
                  "UPDATE copy SET state = 'sent', code = ?, queue_id = ?, done_at = ?, tries = tries + 1,"
                  " sealed_address = NULL WHERE id = ?",
                  "ttii", code, queue_id, now_utc_s, id);
}

enum err copy_set_deferred(struct db *db, int64_t id, const char *code, int64_t next_at, struct diag *why)
{
    /* One that was dropped while the courier had it stays dropped. */
    return db_run(db, why,
                  "UPDATE copy SET state = 'deferred', code = ?, next_at = ?, tries = tries + 1 WHERE id = ?"
                  " AND state IN ('queued', 'deferred')",
                  "tii", code, next_at, id);
}

enum err copy_set_waiting(struct db *db, int64_t id, const char *code, int64_t next_at, struct diag *why)
{
    return db_run(
        db, why,
        "UPDATE copy SET tries = CASE state WHEN 'failed' THEN 0 ELSE tries END, state = 'deferred', code = ?,"
        " next_at = ?, done_at = NULL WHERE id = ? AND state IN ('queued', 'deferred', 'failed')",
        "tii", code, next_at, id);
}

enum err copy_count_seal_try(struct db *db, int64_t id, struct diag *why)
{
    return db_run(db, why, "UPDATE copy SET seal_tries = seal_tries + 1 WHERE id = ?", "i", id);
}

enum err copy_drop_member(struct db *db, int64_t member_id, const char *code, int64_t now_utc_s, int64_t *n,
                          struct diag *why)
{
    enum err err = db_run(db, why,
                          "UPDATE copy SET state = 'dropped', code = ?, done_at = ? WHERE member_id = ?"
                          " AND state IN ('sealing', 'queued', 'deferred')",
                          "tii", code, now_utc_s, member_id);

    *n = err ? 0 : db_changes(db);
    return err;
}

enum err copy_drop_key(struct db *db, int64_t key_row, const char *code, int64_t now_utc_s, int64_t *n,
                       struct diag *why)
{
    enum err err = db_run(db, why,
                          "UPDATE copy SET state = 'dropped', code = ?, done_at = ? WHERE key_row = ?"
                          " AND state IN ('queued', 'deferred')",
                          "tii", code, now_utc_s, key_row);

    *n = err ? 0 : db_changes(db);
    return err;
}

enum err copy_drop_case(struct db *db, int64_t case_id, const char *code, int64_t now_utc_s, int64_t *n,
                        struct diag *why)
{
    enum err err = db_run(db, why,
                          "UPDATE copy SET state = 'dropped', code = ?, done_at = ? WHERE state IN"
                          " ('sealing', 'queued', 'deferred') AND mail_id IN"
                          " (SELECT id FROM mail WHERE case_id = ? AND kind = 'advisory')",
                          "tii", code, now_utc_s, case_id);

    *n = err ? 0 : db_changes(db);
    return err;
}

int64_t copy_count_stuck(struct db *db, const char *address)
{
    return db_value(db, 0, "SELECT COUNT(*) FROM copy WHERE address = ? AND state IN ('deferred', 'failed')", "t",
                    address);
}

int64_t copy_count_staged_due(struct db *db, int64_t now_utc_s)
{
    return db_value(db, 0,
                    "SELECT COUNT(*) FROM copy WHERE state IN ('queued', 'deferred') AND earliest_at IS NOT NULL"
                    " AND next_at <= ?",
                    "i", now_utc_s);
}

enum err copy_let_staged_go(struct db *db, int64_t case_id, int64_t now_utc_s, int64_t *n, struct diag *why)
{
    enum err err = db_run(db, why,
                          "UPDATE copy SET earliest_at = NULL WHERE earliest_at <= ?1 AND state IN ('queued',"
                          " 'deferred') AND mail_id IN (SELECT id FROM mail WHERE case_id = ?2)",
                          "ii", now_utc_s, case_id);

    *n = err ? 0 : db_changes(db);
    return err;
}

enum err copy_move_staged(struct db *db, int64_t case_id, int64_t member_id, int64_t now_utc_s, int64_t at_utc_s,
                          struct diag *why)
{
    return db_run(db, why,
                  "UPDATE copy SET earliest_at = ?1, next_at = ?1 WHERE member_id = ?2 AND earliest_at > ?3"
                  " AND state IN ('sealing', 'queued') AND mail_id IN (SELECT id FROM mail WHERE case_id = ?4)",
                  "iiii", at_utc_s, member_id, now_utc_s, case_id);
}

enum err copy_drop_staged(struct db *db, int64_t case_id, const char *code, int64_t now_utc_s, struct diag *why)
{
    return db_run(db, why,
                  "UPDATE copy SET state = 'dropped', code = ?1, done_at = ?2 WHERE earliest_at > ?2"
                  " AND state IN ('sealing', 'queued') AND mail_id IN (SELECT id FROM mail WHERE case_id = ?3)",
                  "tii", code, now_utc_s, case_id);
}

enum err copy_drop_address(struct db *db, int64_t member_id, const char *address, const char *code, int64_t now_utc_s,
                           struct diag *why)
{
    return db_run(db, why,
                  "UPDATE copy SET state = 'dropped', code = ?, done_at = ? WHERE member_id = ? AND lower(address) ="
                  " lower(?) AND state IN ('sealing', 'queued', 'deferred')",
                  "tiit", code, now_utc_s, member_id, address);
}

enum err copy_change_key(struct db *db, int64_t member_id, const char *old, const char *fingerprint, int64_t key_row,
                         struct diag *why)
{
    return db_run(db, why,
                  "UPDATE copy SET fingerprint = ?, key_row = ? WHERE member_id = ? AND fingerprint = ? AND state ="
                  " 'sealing'",
                  "tiit", fingerprint, key_row, member_id, old);
}

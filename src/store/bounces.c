#include "store/bounces.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

void bounce_row_free(struct bounce_row *row)
{
    free(row->class_name);
    free(row->code);
    memset(row, 0, sizeof *row);
}

enum err bounce_put(struct db *db, const struct bounce_row *row, struct diag *why)
{
    return db_run(db, why,
                  "INSERT INTO bounce(copy_id, at, class, code, given_up, times) VALUES(?, ?, ?, ?, ?, 1)"
                  " ON CONFLICT(copy_id) DO UPDATE SET at = excluded.at, class = excluded.class, code = excluded.code,"
                  " given_up = excluded.given_up, times = times + 1",
                  "iitti", row->copy_id, row->at, row->class_name, row->code, (int64_t)row->given_up);
}

static enum err read_one(struct db_rows *rows, struct bounce_row *out, struct diag *why)
{
    memset(out, 0, sizeof *out);
    if (db_next(rows) && !db_is_null(rows, 0)) {
        out->copy_id = db_int(rows, 0);
        out->at = db_int(rows, 1);
        out->class_name = db_text_copy(rows, 2);
        out->code = db_text_copy(rows, 3);
        out->given_up = db_int(rows, 4) != 0;
        out->times = db_int(rows, 5);
    }
    return db_rows_end(&rows, why);
}

enum err bounce_of_copy(struct db *db, int64_t copy_id, struct bounce_row *out, struct diag *why)
{
    return read_one(
        db_query(db, "SELECT copy_id, at, class, code, given_up, times FROM bounce WHERE copy_id = ?", "i", copy_id),
        out, why);
}

/* The newest copies that went to an address, the newest first. What came back of an earlier delivery of a copy that an
 * admin has sent again no longer counts. */
#define GONE                                                                                                           \
    " FROM copy c LEFT JOIN bounce b ON b.copy_id = c.id AND (b.given_up = 0 OR c.state <> 'sent') WHERE c.member_id " \
    "= ? AND c.address = ?"                                                                                            \
    " AND (c.state = 'sent' OR b.copy_id IS NOT NULL) ORDER BY c.id DESC"

enum err bounce_of_contact(struct db *db, int64_t member_id, const char *address, struct bounce_row *out,
                           struct diag *why)
{
    return read_one(db_query(db, "SELECT b.copy_id, b.at, b.class, b.code, b.given_up, b.times" GONE " LIMIT 1", "it",
                             member_id, address),
                    out, why);
}

int64_t bounce_count_full(struct db *db, int64_t member_id, const char *address)
{
    struct db_rows *rows = db_query(db, "SELECT b.class" GONE " LIMIT 100", "it", member_id, address);
    struct diag none;
    int64_t n = 0;

    while (db_next(rows) && !db_is_null(rows, 0) && strcmp(db_text(rows, 0), "full") == 0)
        n++;
    return db_rows_end(&rows, &none) ? 0 : n;
}

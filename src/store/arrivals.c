#include "store/arrivals.h"

#include "base/mem.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define KEPT_S INT64_C(86400)

/* Case does not count: neither in a domain, nor for one and the same person. */
static void digest(struct db *db, const char *purpose, const char *text, uint8_t out[BOX_DIGEST_BYTES])
{
    char *lower = mem_strdup(text);

    for (char *p = lower; *p; p++)
        *p = (char)tolower((unsigned char)*p);
    box_digest(db_box(db), purpose, span_of(lower), out);
    mem_free_secret(&lower);
}

static void sender_digest(struct db *db, const char *sender, uint8_t out[BOX_DIGEST_BYTES])
{
    digest(db, "arrival-sender", sender, out);
}

static void domain_digest(struct db *db, const char *sender, uint8_t out[BOX_DIGEST_BYTES])
{
    const char *at = strrchr(sender, '@');

    digest(db, "arrival-domain", at ? at + 1 : "", out);
}

enum err arrival_insert(struct db *db, const struct arrival_row *row, struct diag *why)
{
    uint8_t sender[BOX_DIGEST_BYTES], domain[BOX_DIGEST_BYTES];
    enum err err = db_run(db, why, "DELETE FROM arrival WHERE list_id = ? AND at < ? AND told = 1", "ii", row->list_id,
                          row->at - KEPT_S);

    if (err)
        return err;
    sender_digest(db, row->sender, sender);
    domain_digest(db, row->sender, domain);
    return db_run(db, why,
                  "INSERT INTO arrival(list_id, at, kind, sender_digest, domain_digest, code, rule, told)"
                  " VALUES(?, ?, ?, ?, ?, ?, ?, ?)",
                  "iitbbtti", row->list_id, row->at, row->kind, (struct span){sender, sizeof sender},
                  (struct span){domain, sizeof domain}, row->code, row->rule, (int64_t)row->told);
}

int64_t arrival_count_sender(struct db *db, int64_t list_id, const char *sender, int64_t since, int64_t most)
{
    uint8_t d[BOX_DIGEST_BYTES];

    sender_digest(db, sender, d);
    return db_value(db, 0,
                    "SELECT COUNT(*) FROM (SELECT 1 FROM arrival WHERE sender_digest = ? AND list_id = ? AND at > ?"
                    " AND kind = 'mail' LIMIT ?)",
                    "biii", (struct span){d, sizeof d}, list_id, since, most);
}

int64_t arrival_count_domain(struct db *db, int64_t list_id, const char *sender, int64_t since, int64_t most)
{
    uint8_t d[BOX_DIGEST_BYTES];

    domain_digest(db, sender, d);
    return db_value(db, 0,
                    "SELECT COUNT(*) FROM (SELECT 1 FROM arrival WHERE domain_digest = ? AND list_id = ? AND at > ?"
                    " AND kind = 'mail' LIMIT ?)",
                    "biii", (struct span){d, sizeof d}, list_id, since, most);
}

int64_t arrival_count_list(struct db *db, int64_t list_id, int64_t since, int64_t most)
{
    return db_value(db, 0,
                    "SELECT COUNT(*) FROM (SELECT 1 FROM arrival WHERE list_id = ? AND kind = 'mail' AND at > ?"
                    " LIMIT ?)",
                    "iii", list_id, since, most);
}

int64_t arrival_count_notices(struct db *db, int64_t list_id, int64_t since, int64_t most)
{
    return db_value(db, 0,
                    "SELECT COUNT(*) FROM (SELECT 1 FROM mail WHERE kind = 'notice' AND list_id = ? AND made_at > ?"
                    " LIMIT ?)",
                    "iii", list_id, since, most);
}

enum err arrival_untold(struct db *db, int64_t list_id, struct arrival_sum *sum, struct diag *why)
{
    struct db_rows *rows =
        db_query(db,
                 "SELECT SUM(kind = 'mail'), SUM(kind <> 'mail'),"
                 " COUNT(DISTINCT CASE kind WHEN 'mail' THEN sender_digest END),"
                 " COUNT(DISTINCT CASE kind WHEN 'mail' THEN domain_digest END),"
                 " COUNT(DISTINCT code), MIN(at), MAX(at) FROM arrival WHERE list_id = ? AND told = 0",
                 "i", list_id);

    memset(sum, 0, sizeof *sum);
    if (db_next(rows)) {
        sum->mails = db_int(rows, 0);
        sum->deadlines = db_int(rows, 1);
        sum->senders = db_int(rows, 2);
        sum->domains = db_int(rows, 3);
        sum->codes = db_int(rows, 4);
        sum->first_at = db_int(rows, 5);
        sum->last_at = db_int(rows, 6);
    }
    return db_rows_end(&rows, why);
}

enum err arrival_untold_codes(struct db *db, int64_t list_id, int64_t most, struct arrival_code **out, size_t *n,
                              struct diag *why)
{
    struct db_rows *rows = db_query(db,
                                    "SELECT code, rule, kind, COUNT(*) FROM arrival WHERE list_id = ? AND told = 0"
                                    " GROUP BY code, rule, kind ORDER BY MIN(id) LIMIT ?",
                                    "ii", list_id, most);

    *out = NULL;
    for (*n = 0; db_next(rows); ++*n) {
        *out = mem_resize(*out, *n + 1, sizeof **out);
        (*out)[*n] = (struct arrival_code){.code = db_text_copy(rows, 0),
                                           .rule = db_text_copy(rows, 1),
                                           .kind = db_text_copy(rows, 2),
                                           .n = db_int(rows, 3)};
    }
    return db_rows_end(&rows, why);
}

void arrival_codes_free(struct arrival_code *codes, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        free(codes[i].code);
        free(codes[i].rule);
        free(codes[i].kind);
    }
    free(codes);
}

enum err arrival_set_told(struct db *db, int64_t list_id, struct diag *why)
{
    return db_run(db, why, "UPDATE arrival SET told = 1 WHERE list_id = ? AND told = 0", "i", list_id);
}

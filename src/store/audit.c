#include "store/audit.h"

#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_PREV "0000000000000000000000000000000000000000000000000000000000000000"

void audit_entry_free(struct audit_entry *e)
{
    free(e->actor);
    free(e->event);
    free(e->object);
    free(e->rule);
    free(e->prev);
    free(e->hash);
    memset(e, 0, sizeof *e);
}

static void entry_hash(const struct audit_entry *e, char out[65])
{
    char *text = mem_printf("%lld\n%lld\n%s\n%s\n%s\n%s\n%s", (long long)e->seq, (long long)e->at, e->actor, e->event,
                            e->object, e->rule, e->prev);

    box_sha256_hex(span_of(text), out);
    free(text);
}

enum err audit_head(struct db *db, int64_t *seq, char prev[65], struct diag *why)
{
    struct db_rows *rows = db_query(db, "SELECT id, hash FROM audit ORDER BY id DESC LIMIT 1", "");

    *seq = 0;
    snprintf(prev, 65, "%s", FIRST_PREV);
    if (db_next(rows)) {
        *seq = db_int(rows, 0);
        snprintf(prev, 65, "%s", db_text(rows, 1));
    }
    return db_rows_end(&rows, why);
}

enum err audit_append(struct db *db, int64_t now_utc_s, const char *actor, const char *event, const char *object,
                      const char *rule, const char *detail, struct diag *why)
{
    struct audit_entry e = {.at = now_utc_s,
                            .actor = (char *)actor,
                            .event = (char *)event,
                            .object = (char *)object,
                            .rule = (char *)(rule ? rule : "")};
    char prev[65], hash[65];
    enum err err = audit_head(db, &e.seq, prev, why);

    if (err)
        return err;
    e.seq++;
    e.prev = prev;
    entry_hash(&e, hash);
    err = db_run(db, why,
                 "INSERT INTO audit(id, at, actor, event, object, rule, prev, hash) VALUES(?, ?, ?, ?, ?, ?, ?, ?)",
                 "iitttttt", e.seq, e.at, actor, event, object, e.rule, prev, hash);
    return err ? err : db_seal_text(db, "audit", e.seq, "sealed_detail", detail, why);
}

static void read_entry(const struct db_rows *rows, struct audit_entry *e)
{
    *e = (struct audit_entry){db_int(rows, 0),       db_int(rows, 1),       db_text_copy(rows, 2),
                              db_text_copy(rows, 3), db_text_copy(rows, 4), db_text_copy(rows, 5),
                              db_text_copy(rows, 6), db_text_copy(rows, 7)};
}

#define AUDIT_COLUMNS "id, at, actor, event, object, rule, prev, hash"

enum err audit_entries(struct db *db, const char *object, struct audit_entry **out, size_t *n, struct diag *why)
{
    struct db_rows *rows =
        db_query(db, "SELECT " AUDIT_COLUMNS " FROM audit WHERE ?1 IS NULL OR object = ?1 ORDER BY id", "t", object);
    size_t cap = 0;

    *out = NULL;
    *n = 0;
    while (db_next(rows)) {
        if (*n == cap)
            *out = mem_resize(*out, cap = cap ? cap * 2 : 64, sizeof **out);
        read_entry(rows, &(*out)[(*n)++]);
    }
    return db_rows_end(&rows, why);
}

static bool entry_fits(const struct audit_entry *e, int64_t expected_seq, const char *expected_prev)
{
    char hash[65];

    entry_hash(e, hash);
    return e->seq == expected_seq && strcmp(e->prev, expected_prev) == 0 && strcmp(e->hash, hash) == 0;
}

enum err audit_verify(struct db *db, int64_t anchor_seq, const char *anchor_hash, int64_t *entries, char head[65],
                      int64_t *bad_seq, struct diag *why)
{
    struct db_rows *rows = db_query(db, "SELECT " AUDIT_COLUMNS " FROM audit ORDER BY id", "");
    bool anchored = anchor_hash == NULL;
    struct audit_entry e;

    *entries = *bad_seq = 0;
    snprintf(head, 65, "%s", FIRST_PREV);
    while (!*bad_seq && db_next(rows)) {
        read_entry(rows, &e);
        if (!entry_fits(&e, *entries + 1, head))
            *bad_seq = *entries + 1;
        if (anchor_hash && e.seq == anchor_seq)
            anchored = strcmp(e.hash, anchor_hash) == 0;
        snprintf(head, 65, "%s", e.hash);
        (*entries)++;
        audit_entry_free(&e);
    }
    if (!*bad_seq && !anchored)
        *bad_seq = anchor_seq > 0 ? anchor_seq : 1;
    return db_rows_end(&rows, why);
}

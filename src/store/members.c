#include "store/members.h"

#include "base/instant.h"
#include "base/mem.h"
#include "store/secret_keys.h"

#include <stdlib.h>
#include <string.h>

void list_row_free(struct list_row *row)
{
    free(row->name);
    free(row->fingerprint);
    memset(row, 0, sizeof *row);
}

enum err list_insert(struct db *db, const char *name, const char *fingerprint, int64_t next_public, struct diag *why)
{
    return db_run(db, why,
                  "INSERT INTO list(name, fingerprint, next_public) VALUES(?, ?, ?) ON CONFLICT(name) DO UPDATE SET"
                  " fingerprint = excluded.fingerprint",
                  "tti", name, fingerprint, next_public);
}

enum err list_by_name(struct db *db, const char *name, struct list_row *out, struct diag *why)
{
    struct db_rows *rows =
        db_query(db, "SELECT id, name, fingerprint, next_public FROM list WHERE name = ?", "t", name);
    bool found = db_next(rows);
    enum err err;

    memset(out, 0, sizeof *out);
    if (found)
        *out = (struct list_row){db_int(rows, 0), db_text_copy(rows, 1), db_text_copy(rows, 2), db_int(rows, 3)};
    err = db_rows_end(&rows, why);
    return !err && !found ? diag_set(why, ERR_NOT_FOUND, "list.unknown", "no such list: see embargod.conf") : err;
}

enum err list_raise_public_number(struct db *db, const char *name, int64_t next, struct diag *why)
{
    return db_run(db, why, "UPDATE list SET next_public = ?1 WHERE name = ?2 AND next_public < ?1", "it", next, name);
}

enum err list_take_public_number(struct db *db, int64_t list_id, int64_t *out, struct diag *why)
{
    *out = db_value(db, 1, "SELECT next_public FROM list WHERE id = ?", "i", list_id);
    return db_run(db, why, "UPDATE list SET next_public = next_public + 1 WHERE id = ?", "i", list_id);
}

void member_row_free(struct member_row *row)
{
    free(row->org);
    free(row->class_name);
    free(row->tier);
    free(row->state);
    free(row->language);
    memset(row, 0, sizeof *row);
}

enum err member_check_new(struct db *db, int64_t list_id, const char *org, struct diag *why)
{
    struct db_rows *rows =
        db_query(db, "SELECT org, state FROM member WHERE list_id = ? AND lower(org) = lower(?)", "it", list_id, org);
    enum err err = ERR_OK, end;

    if (db_next(rows)) {
        bool as_spelt = strcmp(db_text(rows, 0), org) == 0;

        err = diag_set(why, ERR_DENIED, "member.exists", "%s%s%s",
                       strcmp(db_text(rows, 1), "removed") == 0
                           ? "this organisation was a member, and is removed: its records keep the name, take another"
                           : "this organisation is a member already",
                       as_spelt ? "" : ", as ", as_spelt ? "" : db_text(rows, 0));
    }
    end = db_rows_end(&rows, err ? NULL : why);
    return err ? err : end;
}

enum err member_insert(struct db *db, struct member_row *row, struct diag *why)
{
    enum err err = member_check_new(db, row->list_id, row->org, why);

    if (err)
        return err;
    err = db_run(
        db, why, "INSERT INTO member(list_id, org, class, tier, state, added_at, language) VALUES(?, ?, ?, ?, ?, ?, ?)",
        "ittttit", row->list_id, row->org, row->class_name, row->tier, row->state, row->added_at, row->language);
    if (!err)
        row->id = db_last_id(db);
    return err;
}

enum err member_set_state(struct db *db, int64_t id, const char *state, const char *reason, int64_t now_utc_s,
                          struct diag *why)
{
    enum err err =
        db_run(db, why, "UPDATE member SET state = ?, changed_at = ? WHERE id = ?", "tii", state, now_utc_s, id);

    if (!err && strcmp(state, "removed") == 0)
        err = db_run(db, why,
                     "DELETE FROM nonce WHERE owner = (SELECT 'member:' || org FROM member WHERE id = ?1)"
                     " AND list_id = (SELECT list_id FROM member WHERE id = ?1)",
                     "i", id);
    return err ? err : db_seal_text(db, "member", id, "sealed_reason", reason, why);
}

enum err member_set_language(struct db *db, int64_t id, const char *language, struct diag *why)
{
    return db_run(db, why, "UPDATE member SET language = ? WHERE id = ?", "ti", language, id);
}

#define MEMBER_COLUMNS "m.id, m.list_id, m.org, m.class, m.tier, m.state, m.added_at, m.language"

static void read_member(const struct db_rows *rows, struct member_row *row)
{
    *row =
        (struct member_row){db_int(rows, 0),       db_int(rows, 1),       db_text_copy(rows, 2), db_text_copy(rows, 3),
                            db_text_copy(rows, 4), db_text_copy(rows, 5), db_int(rows, 6),       db_text_copy(rows, 7)};
}

static enum err one_member(struct db_rows *rows, struct member_row *out, struct diag *why)
{
    bool found = db_next(rows);
    enum err err;

    memset(out, 0, sizeof *out);
    if (found)
        read_member(rows, out);
    err = db_rows_end(&rows, why);
    return !err && !found ? diag_set(why, ERR_NOT_FOUND, "member.unknown", "no such member") : err;
}

enum err member_by_org(struct db *db, int64_t list_id, const char *org, struct member_row *out, struct diag *why)
{
    return one_member(
        db_query(db, "SELECT " MEMBER_COLUMNS " FROM member m WHERE m.list_id = ? AND m.org = ?", "it", list_id, org),
        out, why);
}

enum err member_by_id(struct db *db, int64_t id, struct member_row *out, struct diag *why)
{
    return one_member(db_query(db, "SELECT " MEMBER_COLUMNS " FROM member m WHERE m.id = ?", "i", id), out, why);
}

enum err member_by_fingerprint(struct db *db, int64_t list_id, const char *fingerprint, struct member_row *out,
                               struct diag *why)
{
    return one_member(db_query(db,
                               "SELECT " MEMBER_COLUMNS " FROM member m JOIN contact c ON c.member_id = m.id"
                               " WHERE m.list_id = ? AND c.fingerprint = ?",
                               "it", list_id, fingerprint),
                      out, why);
}

enum err member_by_address(struct db *db, int64_t list_id, const char *address, struct member_row *out,
                           struct diag *why)
{
    return one_member(db_query(db,
                               "SELECT " MEMBER_COLUMNS " FROM member m JOIN contact c ON c.member_id = m.id"
                               " WHERE m.list_id = ? AND lower(c.address) = lower(?)",
                               "it", list_id, address),
                      out, why);
}

enum err member_all(struct db *db, int64_t list_id, struct member_row **out, size_t *n, struct diag *why)
{
    struct db_rows *rows =
        db_query(db, "SELECT " MEMBER_COLUMNS " FROM member m WHERE m.list_id = ? ORDER BY m.org", "i", list_id);
    size_t cap = 0;

    *out = NULL;
    *n = 0;
    while (db_next(rows)) {
        if (*n == cap)
            *out = mem_resize(*out, cap = cap ? cap * 2 : 16, sizeof **out);
        read_member(rows, &(*out)[(*n)++]);
    }
    return db_rows_end(&rows, why);
}

void contact_row_free(struct contact_row *row)
{
    free(row->address);
    free(row->fingerprint);
    memset(row, 0, sizeof *row);
}

void contact_rows_free(struct contact_row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++)
        contact_row_free(&rows[i]);
    free(rows);
}

enum err contact_insert(struct db *db, struct contact_row *row, int64_t now_utc_s, struct diag *why)
{
    enum err err;

    if (db_value(db, 0, "SELECT 1 FROM contact WHERE member_id = ? AND lower(address) = lower(?)", "it", row->member_id,
                 row->address))
        return diag_set(why, ERR_DENIED, "contact.exists", "the member has this address already");
    err = db_run(db, why, "INSERT INTO contact(member_id, address, fingerprint, added_at) VALUES(?, ?, ?, ?)", "itti",
                 row->member_id, row->address, row->fingerprint, now_utc_s);
    if (!err)
        row->id = db_last_id(db);
    return err || !row->fingerprint ? err : secret_key_pinned(db, row->fingerprint, why);
}

enum err contact_set_key(struct db *db, int64_t id, const char *fingerprint, struct diag *why)
{
    enum err err = db_run(db, why, "UPDATE contact SET fingerprint = ? WHERE id = ?", "ti", fingerprint, id);

    return err || !fingerprint ? err : secret_key_pinned(db, fingerprint, why);
}

enum err contact_all(struct db *db, int64_t member_id, struct contact_row **out, size_t *n, struct diag *why)
{
    struct db_rows *rows = db_query(
        db, "SELECT id, member_id, address, fingerprint FROM contact WHERE member_id = ? ORDER BY id", "i", member_id);

    *out = NULL;
    *n = 0;
    while (db_next(rows)) {
        *out = mem_resize(*out, *n + 1, sizeof **out);
        (*out)[(*n)++] =
            (struct contact_row){db_int(rows, 0), db_int(rows, 1), db_text_copy(rows, 2), db_text_copy(rows, 3)};
    }
    return db_rows_end(&rows, why);
}

enum err contact_by_id(struct db *db, int64_t id, struct contact_row *out, struct diag *why)
{
    struct db_rows *rows =
        db_query(db, "SELECT id, member_id, address, fingerprint FROM contact WHERE id = ?", "i", id);
    bool found = db_next(rows);
    enum err err;

    memset(out, 0, sizeof *out);
    if (found)
        *out = (struct contact_row){db_int(rows, 0), db_int(rows, 1), db_text_copy(rows, 2), db_text_copy(rows, 3)};
    err = db_rows_end(&rows, why);
    return !err && !found ? diag_set(why, ERR_NOT_FOUND, "contact.unknown", "no such contact") : err;
}

bool contact_is_somebodys(struct db *db, const char *address)
{
    return db_value(db, 0, "SELECT COUNT(*) FROM contact WHERE lower(address) = lower(?)", "t", address) > 0;
}

enum err contact_delete(struct db *db, int64_t id, struct diag *why)
{
    return db_run(db, why, "DELETE FROM contact WHERE id = ?", "i", id);
}

int64_t member_attested_at(struct db *db, int64_t id)
{
    return db_value(db, 0, "SELECT COALESCE(attested_at, added_at) FROM member WHERE id = ?", "i", id);
}

enum err member_set_attested(struct db *db, int64_t id, int64_t at_utc_s, struct diag *why)
{
    return db_run(db, why, "UPDATE member SET attested_at = ? WHERE id = ?", "ii", at_utc_s, id);
}

int64_t member_last_delivery(struct db *db, int64_t id)
{
    return db_value(db, INSTANT_NONE,
                    "SELECT COALESCE(MAX(done_at), ?2) FROM copy WHERE member_id = ?1 AND state = 'sent'", "ii", id,
                    (int64_t)INSTANT_NONE);
}

void member_count_acks(struct db *db, int64_t id, int64_t *told, int64_t *given)
{
    *told = db_value(db, 0, "SELECT COUNT(DISTINCT case_id) FROM told WHERE member_id = ?", "i", id);
    *given = db_value(db, 0, "SELECT COUNT(*) FROM ack WHERE member_id = ?", "i", id);
}

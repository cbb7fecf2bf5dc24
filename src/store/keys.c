/* Certificates of members and admins: rows of key and subkey. */
#include "store/members.h"

#include "base/mem.h"
#include "codec/pgp_wire.h"

#include <stdlib.h>
#include <string.h>

/* The shard with room for one more key of this list. */
static int64_t shard_with_room(struct db *db, int64_t list_id, bool of_team)
{
    int64_t last = db_value(db, 1, "SELECT MAX(shard) FROM key WHERE list_id = ? AND shard > 0", "i", list_id);
    int64_t used = db_value(db, 0, "SELECT COUNT(*) FROM key WHERE list_id = ? AND shard = ?", "ii", list_id, last);

    if (of_team)
        return MEMBER_SHARD_TEAM;
    return used < MEMBER_SHARD_KEYS ? last : last + 1;
}

/* Each subkey belongs to one certificate: a second owner could read, or be taken for, the first. */
static enum err insert_subkeys(struct db *db, int64_t list_id, int64_t key_row, const struct pgp_key_info *facts,
                               struct diag *why)
{
    enum err err = db_run(db, why, "DELETE FROM subkey WHERE key_row = ?", "i", key_row);

    for (size_t i = 0; !err && i < facts->n_subkeys; i++) {
        const char *id = facts->subkeys[i].key_id;

        if (db_value(db, 0, "SELECT key_row FROM subkey WHERE list_id = ? AND key_id = ? AND key_row <> ?", "iti",
                     list_id, id, key_row))
            return diag_set(why, ERR_DENIED, "key.duplicate",
                            "(sub)key %s belongs to another key of this list: ask the member for a key of its own", id);
        err = db_run(db, why, "INSERT OR IGNORE INTO subkey(list_id, key_id, key_row) VALUES(?, ?, ?)", "iti", list_id,
                     id, key_row);
    }
    return err;
}

enum err key_insert(struct db *db, int64_t list_id, bool of_team, const struct pgp_key_info *facts,
                    struct span certificate, int64_t now_utc_s, int64_t *out_id, struct diag *why)
{
    struct buf packed = BUF_EMPTY;
    int64_t id =
        db_value(db, 0, "SELECT id FROM key WHERE list_id = ? AND fingerprint = ?", "it", list_id, facts->fingerprint);
    enum err err;

    pgp_key_info_put(facts, &packed);
    if (id)
        err = db_run(db, why, "UPDATE key SET certificate = ?, facts = ?, imported = 0 WHERE id = ?", "bbi",
                     certificate, buf_span(&packed), id);
    else
        err = db_run(
            db, why,
            "INSERT INTO key(list_id, fingerprint, shard, certificate, facts, added_at) VALUES(?, ?, ?, ?, ?, ?)",
            "itibbi", list_id, facts->fingerprint, shard_with_room(db, list_id, of_team), certificate,
            buf_span(&packed), now_utc_s);
    if (!err && !id)
        id = db_last_id(db);
    buf_free(&packed);
    *out_id = id;
    return err ? err : insert_subkeys(db, list_id, id, facts, why);
}

static enum err one_key(struct db_rows *rows, struct key_row *out, struct diag *why)
{
    bool found = db_next(rows);
    enum err err = ERR_OK, end;

    memset(out, 0, sizeof *out);
    if (found) {
        out->id = db_int(rows, 0);
        out->list_id = db_int(rows, 1);
        out->shard = db_int(rows, 2);
        out->imported = db_int(rows, 3) != 0;
        err = pgp_key_info_get(db_bytes(rows, 4), &out->facts, why);
    }
    end = db_rows_end(&rows, err ? NULL : why);
    if (!err)
        err = end;
    return !err && !found ? diag_set(why, ERR_NOT_FOUND, "key.unknown", "no such key: import it with key import") : err;
}

enum err key_by_fingerprint(struct db *db, int64_t list_id, const char *fingerprint, struct key_row *out,
                            struct diag *why)
{
    return one_key(db_query(db,
                            "SELECT id, list_id, shard, imported, facts FROM key WHERE list_id = ? AND fingerprint = ?",
                            "it", list_id, fingerprint),
                   out, why);
}

enum err key_by_id(struct db *db, int64_t id, struct key_row *out, struct diag *why)
{
    return one_key(db_query(db, "SELECT id, list_id, shard, imported, facts FROM key WHERE id = ?", "i", id), out, why);
}

int64_t key_shard_of_issuer(struct db *db, int64_t list_id, const char *issuer)
{
    size_t len = strlen(issuer);
    const char *key_id = len > 16 ? issuer + len - 16 : issuer;

    return db_value(db, -1,
                    "SELECT k.shard FROM subkey s JOIN key k ON k.id = s.key_row WHERE s.list_id = ? AND s.key_id = ?",
                    "it", list_id, key_id);
}

enum err key_certificate(struct db *db, int64_t id, struct buf *out, struct diag *why)
{
    struct db_rows *rows = db_query(db, "SELECT certificate FROM key WHERE id = ?", "i", id);

    buf_clear(out);
    if (db_next(rows)) {
        struct span s = db_bytes(rows, 0);
        buf_add(out, s.data, s.len);
    }
    return db_rows_end(&rows, why);
}

enum err key_set_imported(struct db *db, int64_t id, struct diag *why)
{
    return db_run(db, why, "UPDATE key SET imported = 1 WHERE id = ?", "i", id);
}

enum err key_waiting(struct db *db, int64_t *ids, size_t max, size_t *n, struct diag *why)
{
    struct db_rows *rows =
        db_query(db, "SELECT id FROM key WHERE imported = 0 ORDER BY shard, id LIMIT ?", "i", (int64_t)max);

    *n = 0;
    while (db_next(rows))
        ids[(*n)++] = db_int(rows, 0);
    return db_rows_end(&rows, why);
}

enum err key_all(struct db *db, int64_t list_id, char ***out, size_t *n, struct diag *why)
{
    struct db_rows *rows = db_query(db, "SELECT fingerprint FROM key WHERE list_id = ? ORDER BY id", "i", list_id);

    *out = NULL;
    *n = 0;
    while (db_next(rows)) {
        *out = mem_resize(*out, *n + 1, sizeof **out);
        (*out)[(*n)++] = db_text_copy(rows, 0);
    }
    return db_rows_end(&rows, why);
}

enum err key_delete(struct db *db, int64_t id, struct diag *why)
{
    return db_run(db, why, "DELETE FROM key WHERE id = ?", "i", id);
}

#include "store/nonces.h"

#include "base/frame.h"

static void digest_of(struct db *db, int64_t list_id, const char *fingerprint, const char *nonce,
                      uint8_t out[BOX_DIGEST_BYTES])
{
    struct buf bytes = BUF_EMPTY;

    frame_put_i64(&bytes, list_id);
    frame_put_str(&bytes, fingerprint);
    frame_put_str(&bytes, nonce);
    box_digest(db_box(db), "nonce", buf_span(&bytes), out);
    buf_free(&bytes);
}

enum err nonce_insert(struct db *db, int64_t list_id, const char *owner, const char *fingerprint, const char *nonce,
                      int64_t until_utc_s, struct diag *why)
{
    uint8_t digest[BOX_DIGEST_BYTES];

    digest_of(db, list_id, fingerprint, nonce, digest);
    return db_run(db, why, "INSERT INTO nonce(digest, list_id, owner, until_at) VALUES(?, ?, ?, ?)", "biti",
                  (struct span){digest, sizeof digest}, list_id, owner, until_utc_s);
}

enum err nonce_take(struct db *db, int64_t list_id, const char *fingerprint, const char *nonce, int64_t now_utc_s,
                    bool *good, struct diag *why)
{
    uint8_t digest[BOX_DIGEST_BYTES];
    enum err err;

    digest_of(db, list_id, fingerprint, nonce, digest);
    err = db_run(db, why, "DELETE FROM nonce WHERE digest = ? AND until_at > ?", "bi",
                 (struct span){digest, sizeof digest}, now_utc_s);
    *good = !err && db_changes(db) == 1;
    return err;
}

enum err nonce_end(struct db *db, int64_t list_id, const char *owner, struct diag *why)
{
    if (!owner)
        return db_run(db, why, "DELETE FROM nonce", "");
    return db_run(db, why, "DELETE FROM nonce WHERE list_id = ? AND owner = ?", "it", list_id, owner);
}

enum err nonce_forget(struct db *db, int64_t now_utc_s, struct diag *why)
{
    return db_run(db, why, "DELETE FROM nonce WHERE until_at <= ?", "i", now_utc_s);
}

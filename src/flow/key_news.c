#include "flow/key_news.h"

#include "store/audit.h"
#include "store/outbox.h"

#include <string.h>

enum err key_news_take(struct flow *f, int64_t list_id, const struct key_row *known, const struct pgp_key_info *facts,
                       struct span certificate, const char *actor, const char *how, bool *changed, int64_t *dropped,
                       struct diag *why)
{
    struct buf old = BUF_EMPTY;
    int64_t id = known->id, gone = 0, now = clock_now(f->clock);
    enum err err = key_certificate(f->db, id, &old, why);
    bool same = !err && old.len == certificate.len && memcmp(old.data, certificate.data, old.len) == 0;

    buf_free(&old);
    if (changed)
        *changed = !same;
    if (dropped)
        *dropped = 0;
    if (err || same)
        return err;
    err = key_insert(f->db, list_id, known->shard == MEMBER_SHARD_TEAM, facts, certificate, now, &id, why);
    if (!err)
        err = audit_append(f->db, now, actor, "key.news", facts->fingerprint, how, NULL, why);
    /* Whoever revokes a key may have lost it: what waits for it must not go. */
    if (!err && facts->revoked)
        err = copy_drop_key(f->db, id, "key.revoked", now, &gone, why);
    if (dropped)
        *dropped = gone;
    return err;
}

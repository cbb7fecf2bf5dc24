#include "flow/key_news.h"

#include "flow/key_warnings.h"
#include "flow/member_notices.h"
#include "store/audit.h"
#include "store/outbox.h"

#include <string.h>

/* A key that works again ends the trouble of its member, one that is revoked begins it. */
static enum err judge_owner(struct flow *f, int64_t list_id, const char *fingerprint, struct diag *why)
{
    const struct settings_list *list = flow_list_of_row(f, list_id, why);
    struct member_row m = {0};
    struct diag none;
    enum err err = list ? ERR_OK : ERR_NOT_FOUND;

    if (!err && !member_by_fingerprint(f->db, list_id, fingerprint, &m, &none))
        err = member_judge_keys(f, list, m.id, why);
    member_row_free(&m);
    return err;
}

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
    if (!err)
        err = key_warnings_put(f, list_id, id, facts, why);
    return err ? err : judge_owner(f, list_id, facts->fingerprint, why);
}

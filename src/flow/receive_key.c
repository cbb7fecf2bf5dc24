/* News about a key of the list's that a mail brings. */
#include "flow/receiving.h"

#include "base/log.h"
#include "base/mem.h"
#include "flow/key_news.h"

#include <stdlib.h>
#include <string.h>

static bool may_bring(const struct receiving *r, const struct pgp_key_info *key)
{
    return key->revoked || (incoming_is_signed(r->in) && !r->in->by_loose_key &&
                            strcmp(r->in->signature.fingerprint, key->fingerprint) == 0);
}

enum err receiving_key_news(struct receiving *r, struct diag *why)
{
    const struct pgp_key_info *key = r->in->key_facts;
    struct key_row *known;
    struct diag refused;
    enum err err = ERR_OK;

    if (!key || r->sort != AUTOMATIC_NONE || !may_bring(r, key))
        return ERR_OK;
    known = mem_zero(1, sizeof *known);
    if (!key_by_fingerprint(r->f->db, r->list_row.id, key->fingerprint, known, &refused))
        err = key_news_take(r->f, r->list_row.id, known, key, buf_span(&r->in->key_whole), "embargod", "autocrypt",
                            NULL, NULL, &refused);
    /* The mail goes its way all the same. */
    if (err == ERR_DENIED) {
        log_event(NULL, "key-news-refused", refused.rule, NULL);
        err = ERR_OK;
    } else if (err) {
        *why = refused;
    }
    free(known);
    return err;
}

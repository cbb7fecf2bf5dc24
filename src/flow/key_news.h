/*
 * News about a key that the list has: a later expiry, a new subkey, a revocation. Under the same fingerprint only: who
 * has another key says so by `key replace`.
 */
#ifndef FLOW_KEY_NEWS_H
#define FLOW_KEY_NEWS_H

#include "codec/pgp_key.h"
#include "flow/flow.h"

/*
 * Records the merged certificate (pgp_key_update), where it says something new. A revocation counts at once: what is
 * sealed for the key and has not gone is dropped (*dropped counts it; may be NULL). how: for the audit trail, "file",
 * "mail", "autocrypt", "wkd". *changed (may be NULL) says whether there was news.
 * ERR_DENIED key.duplicate, where a new subkey belongs to another key of the list.
 */
enum err key_news_take(struct flow *f, int64_t list_id, const struct key_row *known, const struct pgp_key_info *facts,
                       struct span certificate, const char *actor, const char *how, bool *changed, int64_t *dropped,
                       struct diag *why);

#endif

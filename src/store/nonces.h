/*
 * Nonces of commands by mail: random words given to one person for one list, good once and for a time.
 *
 * Only keyed digests are kept, over list, owner's key and nonce: who reads the database learns none, and a nonce is
 * worth nothing under another key.
 */
#ifndef STORE_NONCES_H
#define STORE_NONCES_H

#include "store/db.h"

/* owner: an actor's name, by which they end. */
enum err nonce_insert(struct db *db, int64_t list_id, const char *owner, const char *fingerprint, const char *nonce,
                      int64_t until_utc_s, struct diag *why);
/* Uses it up. *good: it was given to this key for this list, has not been used, and is not too old. */
enum err nonce_take(struct db *db, int64_t list_id, const char *fingerprint, const char *nonce, int64_t now_utc_s,
                    bool *good, struct diag *why);
/* Ends those of an owner on a list; owner NULL: all there are (a restored backup). */
enum err nonce_end(struct db *db, int64_t list_id, const char *owner, struct diag *why);
/* Forgets those that are too old. */
enum err nonce_forget(struct db *db, int64_t now_utc_s, struct diag *why);

#endif

/*
 * Secret keys that came by mail and were wiped: what they said that they are, and with what they came. Never a key.
 * Anyone can write a packet of tag 5 around another's public key: a row here is a reason to ask, and no proof. The
 * fingerprint stands in clear only where it is pinned to somebody here; whose it is otherwise would name a reporter.
 */
#ifndef STORE_SECRET_KEYS_H
#define STORE_SECRET_KEYS_H

#include "codec/pgp.h"
#include "store/db.h"

#define SECRET_KEY_WARN_S ((int64_t)90 * 86400) /* an admin is reminded for so long */

struct secret_key_row {
    char fingerprint[PGP_FPR_SIZE];
    char *code; /* of the case, the held mail or the application; "" */
    int64_t at;
    char *org; /* the member that is pinned to it; NULL: none */
};

void secret_key_rows_free(struct secret_key_row *rows, size_t n);

/* Once for each fingerprint and code. pinned: it is the list's, an admin's or a member's. */
enum err secret_key_put(struct db *db, int64_t list_id, const char *fingerprint, bool pinned, const char *code,
                        int64_t now_utc_s, struct diag *why);

/* A key is pinned to a member from now on: what came of it earlier is named, too. */
enum err secret_key_pinned(struct db *db, const char *fingerprint, struct diag *why);

/* Whether it came with this code. */
bool secret_key_came_with(struct db *db, int64_t list_id, const char *fingerprint, const char *code);

/* Those that came after an instant, the last of each (of what is nobody's here: a digest); removed members are not named. */
enum err secret_key_since(struct db *db, int64_t list_id, int64_t after_utc_s, struct secret_key_row **out, size_t *n,
                          struct diag *why);

#endif

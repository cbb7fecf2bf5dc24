/*
 * What pgp_key.c, pgp_key_import.c, pgp_key_store.c and pgp_home.c share. Internal.
 */
#ifndef CODEC_PGP_KEY_STORE_H
#define CODEC_PGP_KEY_STORE_H

#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

/* ERR_LIMIT key.too-large, ERR_REJECT key.not-taken. */
enum err pgp_key_too_large(struct diag *why, const char *what);
enum err pgp_key_not_taken(struct diag *why, const char *what);

/* Dearmored, checked and stripped certificates, at most max of them, ready for gpg; n of them. out is overwritten. */
enum err pgp_key_prepare(struct span in, size_t max, struct buf *out, size_t *n, struct diag *why);

/* Imports exactly n keys, and believes the counts; fingerprint may be NULL. */
enum err pgp_key_import_bytes(const char *home, struct span in, size_t n, bool secret, char *fingerprint,
                              struct diag *why);

/* The time that gpg takes in a home: the one that pgp_home_set_time set, else the machine's. */
int64_t pgp_home_now(const char *home);

/* May there be an agent of this home? Not of a throw-away one (PGP_HOME_TEMPORARY). */
bool pgp_home_has_agent(const char *home);

#endif

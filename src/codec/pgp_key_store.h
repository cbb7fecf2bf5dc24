/*
 * What pgp_key.c and pgp_key_store.c share. Internal.
 */
#ifndef CODEC_PGP_KEY_STORE_H
#define CODEC_PGP_KEY_STORE_H

#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

/* Dearmored, checked and stripped certificates, at most max of them, ready for gpg; n of them. out is overwritten. */
enum err pgp_key_prepare(struct span in, size_t max, struct buf *out, size_t *n, struct diag *why);

/* Imports exactly n keys, and believes the counts; fingerprint may be NULL. */
enum err pgp_key_import_bytes(const char *home, struct span in, size_t n, bool secret, char *fingerprint,
                              struct diag *why);

/* The time that gpg takes in a home: the one that pgp_home_set_time set, else the machine's. */
int64_t pgp_home_now(const char *home);

#endif

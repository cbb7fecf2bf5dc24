/*
 * What pgp_sign.c and pgp_seal.c share: refusals, and the form of what is encrypted to a group. Internal.
 */
#ifndef CODEC_PGP_SEAL_RESULT_H
#define CODEC_PGP_SEAL_RESULT_H

#include "codec/pgp_gpg.h"

/* gpg's result is not what was asked for: ERR_INTERNAL, rule pgp.result. */
enum err pgp_result_off(struct diag *why, const char *what);

/* A failed operation: of the output's limit, of the agent or machine, else of the key. sink may be NULL. */
enum err pgp_result_refused(gpgme_error_t error, const struct pgp_sink *sink, struct diag *why);

/* One-pass packet with SHA512, literal data not compressed, one signature with SHA512, and the end. Pure. */
bool pgp_is_plain_signed(struct span packets);

/* Whether a home's gpg.conf says no-literal: that of a shard. ERR_NOT_FOUND: no home. */
enum err pgp_home_is_frameless(const char *home, bool *frameless, struct diag *why);

#endif

/*
 * What pgp_verify.c and pgp_open_at_once.c share: gpg's word on signatures. Internal.
 */
#ifndef CODEC_PGP_JUDGE_H
#define CODEC_PGP_JUDGE_H

#include "codec/pgp_gpg.h"
#include "codec/pgp_open.h"

/* The signatures of the operation that gpg has just done; more than max: ERR_LIMIT. */
enum err pgp_judge_signatures(struct pgp_gpg *gpg, const char *home, struct pgp_signature *sigs, size_t max, size_t *n,
                              struct diag *why);

/*
 * Would a gpg that could not read its keys say the same? Of a signature that is good in any way, and of one by a key
 * that the home does not hold (pgp_home_lacks), it would not.
 */
bool pgp_judge_is_doubtful(const char *home, const struct pgp_signature *sig);

/*
 * Is it sure that no certificate in the home has a key of this fingerprint or key id? False too where that cannot be
 * found out: the keys are read from pubring.kbx, in which the id of each key stands as it is, and from nothing else.
 */
bool pgp_home_lacks(const char *home, const char *issuer);

#endif

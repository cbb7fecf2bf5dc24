/*
 * Whether gpg still does what it is there for, asked after it has refused a message: a text of ours is encrypted to the
 * list's key, opened and read, by the calls that open a mail. What is wrong with gpg shows with it too; what is wrong
 * with the message alone does not. Blocking: call in a crypto worker.
 *
 * ERR_OK        it does: what it refused is the message's fault
 * ERR_AGAIN     it does not (rules pgp.engine, agent, locked-key): the message is not to blame
 * ERR_REJECT    the list's key takes no encryption (rule key.unusable), ERR_NOT_FOUND it is not there (key.not-found):
 *               nothing can be told
 * ERR_INTERNAL  gpg is missing or broken (rule pgp.engine)
 */
#ifndef CODEC_PGP_PROBE_H
#define CODEC_PGP_PROBE_H

#include "base/err.h"

#include <stdbool.h>

enum err pgp_probe(const char *list_home, const char *fingerprint, struct diag *why);

/* Of what it returned: does it lay the blame on gpg? */
bool pgp_probe_blames_gpg(enum err err, const struct diag *why);

#endif

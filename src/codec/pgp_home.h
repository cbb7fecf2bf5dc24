/*
 * GnuPG homes: directories (mode 0700) with a gpg.conf and a gpg-agent.conf of ours.
 *
 * Every kind: no network (disable-dirmngr, no-auto-key-retrieve, auto-key-locate local), no-random-seed-file (or
 * parallel calls queue up on its lock), trust-model always (trust is the database's business), SHA512 and AES256
 * forced, no compression. A shard has no-literal as well: it can encrypt signed packets, and nothing else.
 *
 * PGP_HOME_LIST        the list's secret key; signs and decrypts
 * PGP_HOME_STORAGE     the storage key, which wraps the data key and never opens mail
 * PGP_HOME_QUARANTINE  keys of applicants; verifies; no secret key
 * PGP_HOME_SHARD       at most 500 members' public keys; encrypts, verifies; no secret key
 * PGP_HOME_TEMPORARY   a few public keys, looked at or verified with once; no secret key, and no agent is ever started
 *
 * The path must be absolute, shorter than PGP_HOME_MAX, and is given for each call.
 */
#ifndef CODEC_PGP_HOME_H
#define CODEC_PGP_HOME_H

#include "base/buf.h"
#include "base/err.h"

#include <stdint.h>

enum pgp_home_kind { PGP_HOME_LIST, PGP_HOME_STORAGE, PGP_HOME_QUARANTINE, PGP_HOME_SHARD, PGP_HOME_TEMPORARY };

/*
 * Makes the directory (its parent must exist) and writes the configuration; on an existing home only the
 * configuration is written again, whole and by rename. A clock that was set stays set.
 *
 * ERR_USAGE  the path is relative or too long    ERR_INTERNAL  it cannot be made
 */
enum err pgp_home_make(const char *dir, enum pgp_home_kind kind, struct diag *why);

/*
 * Rehearsal: gpg takes now_utc_s for the time, frozen (faked-system-time in gpg.conf, replaced by rename only where
 * it differs). INSTANT_NONE: the machine's clock.
 */
enum err pgp_home_set_time(const char *dir, int64_t now_utc_s, struct diag *why);

/*
 * Finds gpg now, which costs two processes, and gets ready for up to four homes, which costs one each, so that the first
 * operation need not. First of all that has to do with gpg in a process.
 */
void pgp_home_warm(const char *const *homes, size_t n);

/* The agent of a home; both wait until it is done. Starting a running one and stopping none are no errors. */
enum err pgp_home_start_agent(const char *dir, struct diag *why);
void pgp_home_stop_agent(const char *dir);

/*
 * Hands the agent of a home, which runs, the passphrase of a secret key and its subkeys; it is kept in the agent's
 * memory until that ends. Whether it is the right one shows at the first use (rule locked-key). ERR_AGAIN agent.
 */
enum err pgp_home_unlock(const char *dir, const char *fingerprint, struct span passphrase, struct diag *why);

/*
 * A throw-away home under workdir (which must exist); out has PGP_HOME_MAX bytes. pgp_home_remove stops the agent of a
 * home that may have one, and deletes the home with all files in it; it follows no symbolic link and refuses a
 * directory without a gpg.conf.
 */
enum err pgp_home_make_temporary(const char *workdir, char *out, struct diag *why);
void pgp_home_remove(const char *dir);

#endif

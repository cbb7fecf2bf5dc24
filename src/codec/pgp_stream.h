/*
 * Sign and encrypt, decrypt and verify, in a stream: for backups, which are larger than what memory should hold.
 *
 * What comes out before the end is not to be trusted: gpg says only at the end whether it is whole and who signed it.
 */
#ifndef CODEC_PGP_STREAM_H
#define CODEC_PGP_STREAM_H

#include "base/buf.h"
#include "base/err.h"
#include "codec/pgp.h"

#include <sys/types.h>

/* The next bytes, at most max; 0: the end; -1: a fault, of which the caller knows. */
typedef ssize_t pgp_pull(void *ctx, uint8_t *to, size_t max);
/* False ends the operation; the caller knows why. */
typedef bool pgp_push(void *ctx, struct span bytes);

/*
 * Signed by one key of the home and encrypted to n others of it, binary, into out_fd. Checked as in pgp_seal.h.
 * ERR_INTERNAL rule pgp.stream: the source failed.
 */
enum err pgp_seal_stream(const char *home, const char *signer, const char *const *recipients, size_t n, pgp_pull *pull,
                         void *ctx, int out_fd, struct diag *why);

struct pgp_stream_facts {
    char signer[PGP_FPR_SIZE]; /* primary fingerprint of the one good signature */
    int64_t signed_at_utc_s;
};

/*
 * With the caller's own keys: the home that gpg takes by itself (GNUPGHOME, else ~/.gnupg), whose agent may ask for a
 * passphrase. ERR_DENIED backup.no-key (none of its keys opens it), backup.unknown-signer (it has not the key that
 * signed it); ERR_REJECT backup.damaged, backup.signature; ERR_INTERNAL pgp.stream (push said no).
 */
enum err pgp_open_stream(int in_fd, pgp_push *push, void *ctx, struct pgp_stream_facts *facts, struct diag *why);

#endif

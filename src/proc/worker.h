/*
 * The worker boundary: a process for each message or cryptographic operation.
 *
 * A worker is this program again with --role=mime or --role=crypto, a socket as descriptor 3, and nothing else open.
 * It says once that it stands ready (an empty frame of type WORKER_READY: its filter is closed), reads one request
 * frame (type: enum worker_op), answers one frame (type 0: done, else enum err; then the payload is rule, text), and
 * ends. What it is given is in the request alone: it reads no configuration. A mime worker returns offsets into bytes
 * that core holds, which core checks (codec/mime.h); it can reach neither file, socket nor agent.
 *
 * Payloads, in the order of the fields (base/frame.h):
 *   MIME_PARSE        six limits (u64: message, header block, header line, parts, depth, comments), raw bytes
 *                     → message (mime_message_put), shape u32, part a i64, part b i64, text bytes: what a person reads
 *                       of the part that a signature covers, or of the whole; of inline PGP the armored block; of an
 *                       encrypted mail what stands around the envelope; bool: a secret key is in it
 *   MIME_PARSE_CAME   the same, of a mail as it came        → the same, what it says of mails not delivered (dsn_put)
 *   Every crypto request begins with the instant for gpg (i64, INSTANT_NONE: the machine's).
 *   CRYPTO_UNWRAP     home, bytes                           → bytes
 *   CRYPTO_OPEN       home, max u64, bytes                  → packets, plain, opened by, cipher u32, count, signatures;
 *                     packets are left out where no other home could say more (pgp_open)
 *   CRYPTO_VERIFY     home, max u64, form u32, signature bytes, bytes, certificate bytes → plain, count, signatures;
 *                     with a certificate, home is the folder for throw-away homes
 *   CRYPTO_SIGN       home, fingerprint, form u32, bytes    → bytes
 *   CRYPTO_ENCRYPT    home, count, fingerprints, packets    → ok bool, bytes | count, (fingerprint, reason)…
 *   CRYPTO_ENCRYPT_TO folder for throw-away homes, certificate bytes, fingerprint, packets → subkey id u64, bytes
 *   CRYPTO_UPDATE     folder for throw-away homes, bytes, known certificate (none: nothing is known)
 *                     → facts (pgp_key_info_put), minimised certificate with what is known (pgp_key_update); of a
 *                       revocation alone, of a key that is not handed in: no facts, and the key's fingerprint
 *   CRYPTO_IMPORT     home, count, certificates             → count of those taken, then a bool for each
 *   CRYPTO_QUARANTINE quarantine home, fingerprint, certificate bytes (none: the key is deleted) → nothing
 *   CRYPTO_BACKUP     list home, signer, instance, with keys bool, manifest, count, admins, count, (name, bytes)…,
 *                     count, lists → facts as JSON (proc/worker_backup.h)
 *   CRYPTO_PROBE      list home, fingerprint                → nothing (codec/pgp_probe.h)
 *   CRYPTO_EXAMINE_MANY folder for throw-away homes, count, certificates → an import_key_put for each
 */
#ifndef PROC_WORKER_H
#define PROC_WORKER_H

#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

#define WORKER_FD          3
#define WORKER_READY       0x72656479u
#define WORKER_READY_BYTES 8
#define WORKER_WARM_MAX    4

enum worker_kind { WORKER_MIME, WORKER_CRYPTO };

enum worker_op {
    MIME_PARSE = 1,
    MIME_PARSE_CAME,
    CRYPTO_UNWRAP = 20,
    CRYPTO_OPEN,
    CRYPTO_VERIFY,
    CRYPTO_SIGN,
    CRYPTO_ENCRYPT,
    CRYPTO_ENCRYPT_TO,
    CRYPTO_UPDATE,
    CRYPTO_IMPORT,
    CRYPTO_QUARANTINE,
    CRYPTO_EXAMINE_MANY,
    CRYPTO_BACKUP,
    CRYPTO_PROBE
};

enum verify_form { VERIFY_INLINE, VERIFY_DETACHED, VERIFY_CLEAR };
enum sign_form { SIGN_INLINE, SIGN_DETACHED, SIGN_CLEAR };

#define WORKER_SIGNATURES_MAX 16

/* How it was started: --sandbox and --homes (NULL: not said), and each --warm: a GnuPG home to look at beforehand. */
struct worker_start {
    const char *sandbox;
    const char *homes;
    const char *warm[WORKER_WARM_MAX];
    size_t n_warm;
};

/* Is this what a worker says when it stands ready, and nothing else? */
bool worker_said_ready(struct span bytes);

/* The whole life of a worker process; returns its exit code. */
int worker_main(enum worker_kind kind, const struct worker_start *start);

/* What the two kinds do with one request; reply is filled on ERR_OK. */
enum err worker_mime_do(uint32_t op, struct span request, struct buf *reply, struct diag *why);
enum err worker_crypto_do(uint32_t op, struct span request, struct buf *reply, struct diag *why);

#endif

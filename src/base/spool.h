/*
 * The spool: what has been accepted and is not yet in the database.
 *
 * A folder DIR with tmp/ new/ bad/, made with 0700 and files of 0600; where an administrator or the parent has opened
 * tmp/ to a group (roles with users of their own), files are made 0640. One process writes (intake), one reads and
 * removes (core). The body is streamed into a file in tmp/; spool_commit fsyncs it, gives it one name in new/ for each
 * recipient (hard links to the same bytes: a mail to ten recipients is written once), and fsyncs new/. Only then may
 * anyone say 250. A file in new/ is never changed again. What a crash leaves in tmp/ was never promised to anyone, and
 * the next spool_sweep removes it; files that a living writer holds are locked (flock) and stay.
 *
 * An entry is a name in new/: microseconds of acceptance, a counter, the pid, randomness, and the recipient's index,
 * all fixed-width, so that names sort by arrival and are unique over crashes and restarts. Within one process they
 * never run backwards, even when the clock does.
 *
 * File: magic "EMBSPOOL", then big-endian u16 version (1), u16 flags, u32 bytes of the header, u64 bytes of the body,
 * i64 received (UTC s), u8 origin, u8 zero, u16 number of recipients; the sender and each recipient as u16 length and
 * bytes; then the message as received. The body's length is all ones until the file is complete, so a file is
 * valid only when complete: magic, version, ranges, and header + body = size of the file, to the byte.
 *
 * Errors of writing: ERR_LIMIT (disk or quota full, or down to the reserve; rule `disk.full`), ERR_AGAIN (anything
 * else, rule `spool.unwritable` or `file.*`).
 * Errors of reading: ERR_REJECT with rule `spool.damaged`; call spool_set_aside then: nothing is deleted unread.
 */
#ifndef BASE_SPOOL_H
#define BASE_SPOOL_H

#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SPOOL_ADDRESS_MAX    1000 /* bytes; as long as a command line, so that no sender is refused for its length */
#define SPOOL_RECIPIENTS_MAX 100
#define SPOOL_NAME_SIZE      64                   /* an entry's name with its NUL */
#define SPOOL_RESERVE_BYTES  ((uint64_t)64 << 20) /* kept free by default, so that the database can still work */

enum spool_origin { SPOOL_FROM_LMTP = 1, SPOOL_FROM_MAILDIR = 2, SPOOL_FROM_IMAP = 3 };

enum spool_flag {
    SPOOL_OVERSIZE = 1,   /* above the size announced, kept to be held as too-large */
    SPOOL_LONG_LINE = 2,  /* a line beyond the tolerance of the server */
    SPOOL_RELEASED = 4,   /* an admin let a held mail in: not held again */
    SPOOL_NO_ENVELOPE = 8 /* of a Maildir, and its fields do not tell from whom or to whom: to be held */
};

struct spool;
struct spool_file;

struct spool_envelope {
    const char *sender;            /* borrowed; "" is the null sender */
    const char *const *recipients; /* borrowed; 1..SPOOL_RECIPIENTS_MAX, each non-empty */
    size_t n_recipients;
    int64_t received_at_utc_s;
    enum spool_origin origin;
};

/* Makes the folders that are missing. The caller closes it with spool_close. */
enum err spool_open(const char *dir, struct spool **out, struct diag *why);
void spool_close(struct spool **spool);

/* Bytes that are left to others: neither spool_has_room nor a write counts on them. Of whoever writes. */
void spool_set_reserve(struct spool *spool, uint64_t bytes);

/* Whether `bytes` more fit on the file system besides the reserve, and a few files. False too where nobody can say. */
bool spool_has_room(const struct spool *spool, uint64_t bytes);

/* Removes the unfinished files of writers that are gone; *n is their number. Call it once when a writer starts. What
 * fails is tried once more: ERR_INTERNAL (spool.sweep) when mails, in clear, may still stand in tmp/. */
enum err spool_sweep(struct spool *spool, size_t *n, struct diag *why);

/* --- writing: begin, write…, commit or abandon --- */

/* Addresses with control characters or beyond SPOOL_ADDRESS_MAX are ERR_USAGE. On an error *out is NULL. */
enum err spool_begin(struct spool *spool, const struct spool_envelope *envelope, struct spool_file **out,
                     struct diag *why);

/* After an error the file can only be abandoned. */
enum err spool_write(struct spool_file *file, const void *bytes, size_t len, struct diag *why);

uint64_t spool_written_bytes(const struct spool_file *file);

/*
 * Makes the entries durable; committed[i] says it for recipient i (n_recipients of them). ERR_OK: all are true.
 * An error: those that are true are promised nevertheless, and the diag tells of the first that is not. In both cases
 * the file is freed and *file is NULL. flags: enum spool_flag.
 */
enum err spool_commit(struct spool_file **file, unsigned flags, bool *committed, struct diag *why);

/* Forgets the file; *file may be NULL. */
void spool_abandon(struct spool_file **file);

/* --- reading --- */

struct spool_names {
    char (*name)[SPOOL_NAME_SIZE];
    size_t n;
    size_t strangers; /* names in new/ that this module does not make; they stay, for `check` to show */
};

struct spool_entry {
    int fd;
    char name[SPOOL_NAME_SIZE];
    char sender[SPOOL_ADDRESS_MAX + 1];
    char recipient[SPOOL_ADDRESS_MAX + 1];
    int64_t received_at_utc_s;
    enum spool_origin origin;
    unsigned flags;
    uint64_t body_off;
    uint64_t body_bytes;
};

/* All entries, oldest first. spool_names_free frees it. */
enum err spool_list(const struct spool *spool, struct spool_names *out, struct diag *why);
void spool_names_free(struct spool_names *names);

/* Opens and validates one entry; on ERR_OK the caller calls spool_entry_close. ERR_NOT_FOUND: it is gone. */
enum err spool_read(const struct spool *spool, const char *name, struct spool_entry *out, struct diag *why);
void spool_entry_close(struct spool_entry *entry);

/* The whole message; out->max bounds it (ERR_LIMIT). out is replaced on ERR_OK, empty otherwise. */
enum err spool_entry_load(const struct spool_entry *entry, struct buf *out, struct diag *why);

/* Removes an entry for good: the database has it. Durable on ERR_OK; said again it is ERR_OK too. */
enum err spool_remove(struct spool *spool, const char *name, struct diag *why);

/* Moves an entry to bad/, where it stays for an administrator. */
enum err spool_set_aside(struct spool *spool, const char *name, struct diag *why);

#endif

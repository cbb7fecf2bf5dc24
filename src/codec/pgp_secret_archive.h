/*
 * Secret keys inside of what people pack: gzip, ZIP (stored and deflated) and tar, also one within the other. Pure:
 * nothing is written anywhere and no name in an archive is used.
 *
 * Bounded: what is read of packed bytes and what comes out of them are taken off one budget for a whole mail, members
 * of archives are counted, and a file of an archive above ARCHIVE_FILE_MAX is passed over where that costs nothing (no
 * key is as large). What lies behind the end of the budget is not looked at: a bomb costs the budget and no more. An
 * archive that is damaged is looked at as far as it can be read. Not opened: what has a password, and other packers.
 *
 * Sources: RFC 1951 and RFC 1952 (by zlib); PKWARE's APPNOTE, 4.3 and 4.4 (central directory; no ZIP64, whose files are
 * above all bounds); POSIX.1-2017, pax, "ustar interchange format".
 */
#ifndef CODEC_PGP_SECRET_ARCHIVE_H
#define CODEC_PGP_SECRET_ARCHIVE_H

#include "codec/pgp_secret.h"

#define ARCHIVE_BUDGET    ((size_t)16 << 20) /* bytes in and out, for a mail */
#define ARCHIVE_FILE_MAX  ((size_t)1 << 20)
#define ARCHIVE_FILES_MAX 2000
#define ARCHIVE_DEPTH     4 /* containers: a tar.gz has two, and one inside of another four */

struct archive_budget {
    size_t bytes;
    size_t files;
};

struct archive_budget archive_budget(void);

/* By the first bytes (512 are enough). */
bool pgp_secret_is_archive(struct span bytes);

/* Adds to *found. False for what is no archive. */
bool pgp_secret_in_archive(struct span bytes, struct archive_budget *left, struct pgp_secrets *found);

#endif

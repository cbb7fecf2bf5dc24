/*
 * Plain files in a row, as tar(1) reads them: the part of POSIX ustar (pax, IEEE Std 1003.1, "ustar Interchange
 * Format") that a backup needs, and nothing else. Regular files only, with mode 0600; names of at most TAR_NAME_MAX
 * bytes, whose components are fsx_name_ok; sizes below 8 GiB. No links, folders, devices, owners or extensions, in
 * writing as in reading: an archive that has one is refused.
 *
 * Own code in place of libarchive: what has to be read is some hundred lines of a fixed form, and a reader that knows
 * no more cannot be led to write anywhere; while an admin with nothing but gpg and tar can look into a backup.
 */
#ifndef CODEC_TAR_H
#define CODEC_TAR_H

#include "base/buf.h"
#include "base/err.h"

#define TAR_BLOCK     512
#define TAR_NAME_MAX  99
#define TAR_SIZE_MAX  ((uint64_t)0x1ffffffff) /* bytes: eleven octal digits */
#define TAR_END_BYTES ((size_t)2 * TAR_BLOCK) /* of zeros, behind the last file */

/* The head of a file; its bytes follow, and zeros up to a whole block. ERR_USAGE archive.name, ERR_LIMIT archive.size.
 */
enum err tar_head(const char *name, uint64_t size_bytes, int64_t at_utc_s, uint8_t out[TAR_BLOCK], struct diag *why);

/* How many zeros follow a file of this size. */
size_t tar_padding(uint64_t size_bytes);

/*
 * Reading: bytes come in pieces of any length. Each file is begun, gets its bytes, and ends; what a callback returns
 * other than ERR_OK ends the reading.
 */
struct tar_reader {
    enum err (*begin)(void *ctx, const char *name, uint64_t size_bytes, struct diag *why);
    enum err (*bytes)(void *ctx, struct span bytes, struct diag *why);
    enum err (*end)(void *ctx, struct diag *why);
    void *ctx;
    /* the reader's own; zero at first */
    uint8_t head[TAR_BLOCK];
    size_t have; /* of head */
    uint64_t left;
    size_t padding;
    bool in_file;
    size_t zero_blocks;
};

/* ERR_REJECT archive.damaged, archive.name, archive.entry. */
enum err tar_feed(struct tar_reader *t, struct span in, struct diag *why);

/* The archive has come to its end: nothing is missing. */
bool tar_is_whole(const struct tar_reader *t);

#endif

/*
 * The check of a message's raw bytes before any parser with a past sees them. Pure, linear, constant in stack.
 *
 * It trusts no structure: whatever could be read as a header block (the message's own, what follows a line that
 * begins with "--", and what follows the empty line of a block that says message/…) is held to the limits.
 *
 * ERR_LIMIT too-large   message, header block or header line over its limit
 * ERR_LIMIT too-deep    containers, parts, or comments in a field over their limit
 * ERR_REJECT empty      no header, or nothing behind it
 * ERR_REJECT nul-bytes  a NUL in a header block
 * ERR_REJECT bad-boundary  a boundary that RFC 2046, 5.1.1 forbids in a way that parsers stumble over
 * ERR_REJECT truncated  (prescan_pgp only) armor or packets that end early
 */
#ifndef CODEC_PRESCAN_H
#define CODEC_PRESCAN_H

#include "base/buf.h"
#include "base/err.h"

struct mime_limits {
    size_t message_bytes;
    size_t header_block_bytes;
    size_t header_line_bytes; /* one line, without its line break */
    size_t parts;
    size_t depth;    /* nested containers: multipart and message */
    size_t comments; /* nested "(" in one field */
};

#define MIME_LIMITS_DEFAULT                                                                                            \
    ((struct mime_limits){.message_bytes = (size_t)25 << 20,                                                           \
                          .header_block_bytes = (size_t)256 << 10,                                                     \
                          .header_line_bytes = (size_t)32 << 10,                                                       \
                          .parts = 1000,                                                                               \
                          .depth = 50,                                                                                 \
                          .comments = 100})

enum err prescan_check(struct span raw, const struct mime_limits *limits, struct diag *why);

/*
 * Is this (decoded) OpenPGP message whole? Armor needs its END line, packets need all their bytes. What is neither
 * armor nor packets is ERR_OK: others say what it is.
 */
enum err prescan_pgp(struct span message, struct diag *why);

#endif

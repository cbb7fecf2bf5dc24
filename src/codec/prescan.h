/*
 * The check of a message's raw bytes before any parser with a past sees them. Pure, linear, constant in stack.
 *
 * Rules (the contract's names):
 * ERR_LIMIT too-large      the message is over its limit
 * ERR_LIMIT too-deep       containers, parts, a header block, a header line, or nested comments are over theirs
 * ERR_REJECT empty         no header, or nothing behind it
 * ERR_REJECT nul-bytes     a NUL in a header block, of the message or of a part
 * ERR_REJECT bad-boundary  a boundary that RFC 2046, 5.1.1 forbids and that parsers stumble over: empty, over 200
 *                          octets, with a quote, a backslash, a control or 8-bit character, or ending in a blank
 * ERR_REJECT truncated     (prescan_pgp only) armor or packets that end early; a missing closing boundary is accepted
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
    size_t comments; /* nested "(" in a Content-Type field */
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

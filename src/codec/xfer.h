/*
 * Transfer encodings: base64, quoted-printable (RFC 2045, 6), base32 (RFC 4648, 6, lower case, no padding) and hex.
 *
 * Pure. Every function appends to `out`. A decoder that returns false has added nothing.
 */
#ifndef CODEC_XFER_H
#define CODEC_XFER_H

#include "base/buf.h"

enum xfer_encoding {
    XFER_7BIT,
    XFER_8BIT,
    XFER_BINARY,
    XFER_QUOTED_PRINTABLE,
    XFER_BASE64,
    XFER_UNKNOWN /* a name that no standard has: the bytes are as they stand, and not text */
};

/* The value of a Content-Transfer-Encoding field, comments and case apart; empty means 7bit. */
enum xfer_encoding xfer_from_name(struct span value);
const char *xfer_name(enum xfer_encoding encoding);

/* The value of a character of the alphabet, 0 to 63; -1: it is none. */
int xfer_base64_digit(uint8_t c);

/* line_len characters (a multiple of 4) then CRLF, the last line too; 0: one line without CRLF. */
void xfer_base64_encode(struct span in, size_t line_len, struct buf *out);

/* Line breaks, spaces and tabs are skipped; any other stray, wrong padding or non-zero left-over bits refuse. */
bool xfer_base64_decode(struct span in, struct buf *out);

/* For mail of others (RFC 2045, 6.8): characters outside the alphabet are skipped, the first padding ends it. */
void xfer_base64_decode_mail(struct span in, struct buf *out);

/*
 * Text with LF or CRLF line ends in, lines of at most 76 characters with CRLF out. "From " and "." at the start of
 * a line are encoded, so that a transport may not change them under a signature (RFC 3156, 3).
 */
void xfer_qp_encode(struct span text, struct buf *out);

/* Tolerant, as RFC 2045, 6.7 advises: a malformed escape stays as it is, blanks at the end of a line go. */
void xfer_qp_decode(struct span in, struct buf *out);

void xfer_base32_encode(struct span in, struct buf *out);

/* Lower case only; a length or left-over bits that no encoder makes refuse, so that one value has one text. */
bool xfer_base32_decode(struct span in, struct buf *out);

/* Lower-case digits out; either case in. */
void xfer_hex_encode(struct span in, struct buf *out);
bool xfer_hex_decode(struct span in, struct buf *out);

/* Undoes `encoding`; 7bit, 8bit, binary and unknown copy. */
void xfer_decode(enum xfer_encoding encoding, struct span in, struct buf *out);

#endif

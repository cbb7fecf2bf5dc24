/*
 * Header fields: reading them from raw bytes, RFC 2047 words, RFC 2231 parameters, and writing folded fields.
 *
 * Readers take hostile bytes, are linear, and never fail: what cannot be read is empty. Decoded text is UTF-8
 * without CR, LF, NUL or any other control (each becomes a space). Writers refuse instead: a value with a control
 * character is ERR_REJECT header.injection, and nothing is added.
 */
#ifndef CODEC_HEADER_H
#define CODEC_HEADER_H

#include "base/buf.h"
#include "base/err.h"

#define HEADER_FOLD_COLUMNS 78  /* RFC 5322, 2.1.1 */
#define HEADER_LINE_MAX     998 /* octets without CRLF */
#define HEADER_VALUE_MAX    65536

/* ---- reading ---- */

/* Walks the fields of a header block (up to, or with, its empty line). Set `rest` to the block and start. */
struct header_iter {
    struct span rest;
};

/* The next field; name without the colon, value raw with its folds, without the last line break. */
bool header_next(struct header_iter *it, struct span *out_name, struct span *out_value);

/* The nth (from 0) field of that name; case does not count. */
bool header_find(struct span block, const char *name, size_t nth, struct span *out_value);
size_t header_count(struct span block, const char *name);

/* Length of the header block at the front of a message, with its empty line; the whole length when there is none. */
size_t header_block_len(struct span message);

/* Appends the value with line breaks removed and outer blanks trimmed; bytes are otherwise as they were. */
void header_unfold(struct span value, struct buf *out);

/* Appends unstructured text: unfolded, encoded words decoded, UTF-8, controls made spaces. */
void header_decode_text(struct span value, struct buf *out_utf8);

/* Appends the first token of a structured field in lower case ("text/plain" of a Content-Type), comments skipped. */
void header_token(struct span value, struct buf *out);

/* Appends a parameter (RFC 2045 and 2231, with continuations and charsets; also RFC 2047 words, which senders put
 * there). False: not there. */
bool header_param(struct span value, const char *name, struct buf *out_utf8);

/* The plain form alone, unquoted but neither decoded nor cleaned: what a boundary is compared with. */
bool header_param_raw(struct span value, const char *name, struct buf *out);

/* Where the comments and white space at `at` end (RFC 5322, 3.2.2); iterative, and never past the end. */
size_t header_skip_comments(struct span value, size_t at);

/* Appends UTF-8 with controls, line separators and bidirectional overrides made spaces, outer blanks trimmed. */
void header_add_clean(struct span utf8, struct buf *out);

bool header_name_is(struct span name, const char *expected);

/* A Date field (RFC 5322, 3.3 and 4.3) in UTC seconds; false when it is none. */
bool header_parse_date(struct span value, int64_t *out_utc_s);

/* The next "<…>" of a Message-ID, In-Reply-To or References value, with its brackets; moves *rest behind it. */
bool header_next_msg_id(struct span *rest, struct span *out_id);

/* ---- writing; each appends one field with CRLF, folded at 78, lines never over 998 ---- */

/* Unstructured UTF-8 text; encoded words where it is not plain ASCII. */
enum err header_add_text(struct buf *out, const char *name, const char *value_utf8, struct diag *why);

/* A structured value in ASCII, folded at its spaces only and otherwise as it is; header.not-ascii otherwise. */
enum err header_add_raw(struct buf *out, const char *name, const char *value, struct diag *why);

/* "Display Name <address>"; name may be NULL or "". The address has to pass addr_check. */
enum err header_add_address(struct buf *out, const char *name, const char *display_utf8, const char *spec,
                            struct diag *why);

/* Appends `; name=value` for a Content-* field being built: a token, a quoted string, or RFC 2231 for UTF-8. */
enum err header_add_param(struct buf *out, const char *name, const char *value_utf8, struct diag *why);

/* ERR_REJECT header.injection where a control character is in s; the text names `what`, never s. */
enum err header_check_value(const char *s, const char *what, struct diag *why);

#endif

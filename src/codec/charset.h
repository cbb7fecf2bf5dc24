/*
 * Text in any charset to UTF-8.
 *
 * A worker opens all converters first, then closes its system-call filter: glibc's iconv_open reads files, so that
 * nothing can be opened later. UTF-8, US-ASCII and ISO-8859-1 need no converter and always work.
 * One process, one thread: the converters are shared by the whole process.
 */
#ifndef CODEC_CHARSET_H
#define CODEC_CHARSET_H

#include "base/buf.h"

/* Opens every listed converter (what the machine lacks stays unknown). Harmless when called again. */
void charset_open_all(void);
void charset_close_all(void);

/* A name or alias, in any case, that can be converted now. NULL and "" mean us-ascii. */
bool charset_known(const char *name);

/*
 * Appends `in` as UTF-8; what cannot be decoded becomes U+FFFD. US-ASCII with bytes above 127 is read as UTF-8 where
 * it is valid UTF-8, else as Windows-1252 (what senders meant). False for an unknown charset: then `in` is read
 * the same way, so that a person still sees most of it.
 */
bool charset_convert(const char *name, struct span in, struct buf *out_utf8);

/* Appends `in` with every byte that is not part of valid UTF-8 (RFC 3629) replaced by U+FFFD. */
void charset_clean_utf8(struct span in, struct buf *out_utf8);

bool charset_is_utf8(struct span in);

/* Bytes of the valid UTF-8 character at the front of `in`, 0 when it is not valid; its code point in *out_code. */
size_t charset_utf8_char(struct span in, uint32_t *out_code);

void charset_add_code(struct buf *out_utf8, uint32_t code);

#endif

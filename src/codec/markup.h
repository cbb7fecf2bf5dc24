/*
 * HTML, XML and SVG text: escaped for where it stands, in one pass. Pure.
 *
 * A conversion of a format is an escape for its context:
 *   %t  text (const char *, NULL is as ""): as element content or inside of a quoted attribute
 *   %a  the value of an attribute that links: an http(s) address, a mailto: of ours or a relative path, else "#"
 *   %l  a number (int64_t)       %h  markup that is ready (const char *)       %%  a percent sign
 * Formats are literals of the program, and their attributes stand in double quotes. What XML cannot hold (most control
 * characters, what is not UTF-8) becomes U+FFFD.
 */
#ifndef CODEC_MARKUP_H
#define CODEC_MARKUP_H

#include "base/buf.h"

#include <stdbool.h>
#include <stdint.h>

void markup_text(struct buf *out, const char *text);
void markup_text_n(struct buf *out, const char *text, size_t len);
void markup_add(struct buf *out, const char *format, ...);

/* http(s)://HOST…, mailto:ADDRESS, or a relative path of harmless characters without "..", but at its front. */
bool markup_link_ok(const char *link);

/*
 * The text of a mail as HTML: paragraphs; lists where lines begin with "- " or "* "; what is indented, or has a table's
 * or a quotation's look, stays as it is in <pre>. http(s) addresses become links.
 */
void markup_prose(struct buf *out, const char *text);

#endif

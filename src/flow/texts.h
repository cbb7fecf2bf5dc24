/*
 * The texts of mails, filled in one pass: in English from templates/mail, which is built in; in another language, for
 * members who asked for one, from files that the team puts below its instance:
 *
 *     templates/mail/LANGUAGE/NAME.txt
 *
 * LANGUAGE is a tag (RFC 5646) in lower case: "de", "pt-br". Of pt-br are tried pt-br, then pt, then English. They are
 * read when a mail is made. One that cannot be read or has a fault (codec/tmpl.h) is logged, and English stands in for
 * it: a mail is never kept back by a translation. Whoever may write there may word mails, and nothing more: recipients
 * and fields are not the template's.
 */
#ifndef FLOW_TEXTS_H
#define FLOW_TEXTS_H

#include "base/buf.h"
#include "base/err.h"
#include "codec/tmpl.h"
#include "flow/flow.h"

#define TEXT_LANGUAGE_MAX 35    /* bytes (RFC 5646, 4.4.1) */
#define TEXT_TEMPLATE_MAX 65536 /* bytes */

/* name: "acknowledgement". Appends the filled text, in English. */
enum err text_fill(const char *name, const struct tmpl_value *values, size_t n, struct buf *out, struct diag *why);

/* The same in a language (NULL: English). */
enum err text_fill_in(const struct flow *f, const char *language, const char *name, const struct tmpl_value *values,
                      size_t n, struct buf *out, struct diag *why);

/*
 * A text that no English one stands in for: appends it, true, where the instance has it in the language. What it
 * appends for two languages of which the one falls back to the other is the same.
 */
bool text_fill_own(const struct flow *f, const char *language, const char *name, const struct tmpl_value *values,
                   size_t n, struct buf *out);

/* The tag in lower case; "en" and "" give "" (English). out has TEXT_LANGUAGE_MAX + 1 bytes. ERR_USAGE member.language.
 */
enum err text_language(const char *tag, char *out, struct diag *why);

#endif

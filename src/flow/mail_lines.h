/*
 * The text of a command mail, as words. Pure: bytes in, orders out.
 *
 *     Embargo-List: main
 *     Embargo-Nonce: 5zq…
 *     Embargo-Command: case accept abcdefgh --reason 'it is ours'
 *     Embargo-Command: case reply abcdefgh -
 *
 *     What stands below them, behind an empty line, is the file "-".
 *
 * The lines stand at the top, in any order of letters' case; blank lines between them are skipped. A line that begins
 * with a blank goes on with the command before it (mail programs fold); one that follows without an empty line between
 * is refused, since a mail program may have broken the command there, and less words could mean more. Words are parted
 * by blanks and quoted like a shell's: '…' as it is, "…" with \ before " and \, and \ before any other character
 * outside of quotes; nothing is ever expanded. Rules of why (ERR_USAGE): command.quoted   the lines are quoted or
 * forwarded (`> Embargo-Command:`): nobody gave them command.lines    List or Nonce twice, no command, an unknown
 * Embargo- line, or such lines further below command.quoting  a quote that does not end command.limit    more than
 * MAIL_ORDERS_MAX commands, or a line or its words over the limits
 */
#ifndef FLOW_MAIL_LINES_H
#define FLOW_MAIL_LINES_H

#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

#define MAIL_ORDERS_MAX     32
#define MAIL_ORDER_WORDS    64
#define MAIL_ORDER_LINE_MAX 8192 /* bytes */

struct mail_order {
    char *line;  /* as it was written, on one line */
    char **argv; /* its words */
    int argc;
};

struct mail_orders {
    char *list;  /* NULL: not given */
    char *nonce; /* NULL: not given */
    struct mail_order *items;
    size_t n;
    char *rest; /* what stands below the lines; never NULL */
};

/* Does the text begin as a command mail does, quoted or not? text: UTF-8, LF or CRLF. */
bool mail_orders_begin(const char *text);
/* Has it a line, anywhere and however quoted, that names a command? */
bool mail_orders_anywhere(const char *text);

enum err mail_orders_parse(const char *text, struct mail_orders *out, struct diag *why);
void mail_orders_free(struct mail_orders *o);

#endif

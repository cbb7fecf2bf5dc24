/*
 * Answers of programs to a mail that did arrive (a vacation notice and its like), where they say so otherwise than by
 * Auto-Submitted: by fields of their own, or by the Subject that vacation programs write. Pure.
 *
 * A Subject counts only where the words of such a program are all of it, or are followed by what those programs put
 * behind them ("Automatic reply: ...", "Out of office until ..."): a person may report that an automatic reply crashes.
 */
#ifndef CODEC_VACATION_H
#define CODEC_VACATION_H

#include "base/buf.h"

/* header: of the mail. */
bool vacation_has_field(struct span header);

/* subject: decoded, UTF-8; NULL: none. */
bool vacation_is_subject(const char *subject);

#endif

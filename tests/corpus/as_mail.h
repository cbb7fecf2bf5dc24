/*
 * A file of the corpus as the mail that it would come in. Most files are mails; bare OpenPGP messages become one: armor
 * is the text of a mail (inline PGP), packets are a PGP/MIME mail, or, where they are signed only, armor.
 * What stands around an armored block (gpg reads past it) is left out.
 */
#ifndef TESTS_CORPUS_AS_MAIL_H
#define TESTS_CORPUS_AS_MAIL_H

#include "base/buf.h"

/* The address of the throw-away list. */
#define CORPUS_LIST "security@list.example.org"

/*
 * Appends the mail to out; sender (ADDR_MAX_BYTES + 1) is of its envelope, "" for the null sender; *sent_at what its
 * Date says, INSTANT_NONE where it says nothing.
 */
void as_mail(struct span file, struct buf *out, char *sender, int64_t *sent_at);

#endif

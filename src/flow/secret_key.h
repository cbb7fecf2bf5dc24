/*
 * A secret key came by mail, and was wiped (incoming_wipe_secrets): who hears of it.
 *
 *   the trail    mail.secret-key, and key.exposed for each that is pinned to somebody
 *   its owner    that a secret key came, and that it counts as known to others: a member who signed the mail encrypted,
 *                else the sender, in clear and without any content, where an acknowledgement may go to him
 *                (reporting.acknowledge, no program's mail, 60 in an hour, 5 a day for an address)
 *   the team     encrypted: where its owner could not be told, and where the key is pinned to a member, an admin or
 *                the list, with what to do
 *
 * In the caller's transaction, when it is known what the mail has become.
 */
#ifndef FLOW_SECRET_KEY_H
#define FLOW_SECRET_KEY_H

#include "flow/receiving.h"

/* code: of the case, the held mail or the application; "". r->admin, r->member and r->proved as far as found out. */
enum err secret_key_report(struct receiving *r, const char *code, struct diag *why);

/* "Secret key: …" for the team, with its line end; nothing where none was in the mail. */
void secret_key_words(const struct incoming *in, struct buf *out);

#endif

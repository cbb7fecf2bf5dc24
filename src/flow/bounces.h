/*
 * A mail to security+b-TAG@: what became of a copy that was handed over. The tag (flow/verp.h) says which; without a
 * good one nothing is believed. A bounce opens no case and is not answered, and its bytes are not kept.
 *
 *   given up    the copy is `failed` with the code of the bounce, and the team is told, once for each delivery.
 *               `member show` has it as a reason of that contact, until a later copy stays away.
 *   not yet     (a delay, a full mailbox where the server goes on trying) noted with the copy, whose state stays; the
 *               third full mailbox one after the other is told to the team.
 *   no bounce   of a program (a vacation notice): a line in the audit trail. Of a person: held under `bounce`.
 *   forged      (no tag of ours, or of a copy that is not with the MTA): nothing changes; held under `bounce`, without
 *               a notice.
 *
 * A bounce of a notice to the team is noted and told to nobody: the notice of it would bounce too.
 */
#ifndef FLOW_BOUNCES_H
#define FLOW_BOUNCES_H

#include "flow/receiving.h"

#define BOUNCES_FULL_BEFORE_WARNING 3

/* One of the ways of flow/receiving.h. */
enum err receive_bounce(struct receiving *r, struct diag *reason, struct diag *why);

/* Does the mail go to the envelope address of a copy? */
bool bounces_takes(const struct receiving *r);

#endif

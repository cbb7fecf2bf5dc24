/*
 * Rate limits on mail from outside: so many in an hour from one sender, from one domain, and for a list in all
 * (limits.sender_mails, domain_mails, all_mails).
 *
 * Nothing is refused or lost: beyond a limit a mail becomes a case or is held as ever, but its sender is not
 * acknowledged, and the team is told by a digest, every limits.digest_minutes at most, in place of a mail each. The
 * digest is encrypted as all mail to the team, and names counts and ids, never a subject or an address.
 *
 * A sender is whoever the envelope names; where that is empty, the From field. Proved members and admins are not
 * counted; a participant of a case whose signature was proved is bound by the limit of a sender alone. Notices of
 * deadlines go into the digest too where there are more than all_mails in an hour: the day after a flood.
 */
#ifndef FLOW_FLOOD_H
#define FLOW_FLOOD_H

#include "flow/incoming.h"
#include "store/duties.h"

#define FLOOD_DUTY        "digest"
#define FLOOD_WINDOW_S    INT64_C(3600)
#define FLOOD_DIGEST_MOST 200 /* ids in one digest */

enum flood_who { FLOOD_STRANGER, FLOOD_PARTICIPANT, FLOOD_EXEMPT };

/* Whether this mail, which flood_note has not counted yet, is beyond a limit; its rule, else NULL. */
const char *flood_rule(struct flow *f, int64_t list_id, const struct incoming *in, enum flood_who who);

/*
 * Counts the mail. code: of what it has become; held_rule "" of a case. told false puts it into the next digest. In
 * the caller's transaction.
 */
enum err flood_note(struct flow *f, int64_t list_id, const struct incoming *in, enum flood_who who, const char *code,
                    const char *held_rule, bool told, struct diag *why);

/* True where the notice of this deadline goes into the digest, which is done then. */
enum err flood_takes_deadline(struct flow *f, int64_t list_id, const char *case_code, const char *clock, bool *taken,
                              struct diag *why);

/* The duty. */
enum err flood_digest_run(struct flow *f, const struct duty_row *d, struct diag *why);

#endif

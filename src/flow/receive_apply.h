/*
 * The way of a mail to LIST+apply@ (flow/receiving.h): a question gets the form, a form becomes an application, and
 * what follows counts where the applicant's key signed it. Whatever the policy says, these are held for an admin:
 *
 *   application.member    made in a member's or an admin's name, or with a member's address
 *   application.second    another one of an organisation whose application is open
 *   application.unproved  it speaks of an application without being its applicant's
 *   application.echo      signed by the applicant, but no whole answer to the challenge
 *   application.vouch     a member's word for one that he was not asked about
 *   application.messages  the applicant has written too often
 *   membership.apply      the policy takes members by invitation alone, or takes none and the sender could not be told
 *   membership.appeal     the policy knows no appeal
 *   application           neither a form nor a sender who could be answered
 *
 * What an admin lets in (held release) passes the first two and the invitation.
 */
#ifndef FLOW_RECEIVE_APPLY_H
#define FLOW_RECEIVE_APPLY_H

#include "flow/receiving.h"

/* To +apply@; or the signed answer to a challenge, to the list's own address. */
bool receive_apply_takes(const struct receiving *r);
/* Of those that an admin lets in only a form; all else becomes a post. */
bool receive_apply_takes_released(const struct receiving *r);
enum err receive_apply(struct receiving *r, struct diag *reason, struct diag *why);

#endif

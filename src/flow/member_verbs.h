/*
 * What people may say by signed mail besides the verbs of embargoctl (flow/mail_commands.h): rows as in
 * command_table.c, with handlers of the same kind. `writes` says that it changes something; by_mail is not looked at.
 *
 * common_verbs are for admins and members alike, member_verbs for members alone. For a member c->actor has kind
 * ACTOR_MEMBER, its name "member:ORG", its row in actor.member (borrowed) and the key that signed in
 * actor.fingerprint; c->list is the list. The handler fills reply->data and message, which the answer shows, sealed for
 * the key that signed.
 *
 * Members in these states may: active, key-trouble, suspended. A handler that wants less looks at actor.member->state.
 * An ARG_KEY that is optional and not named is filled with the mail's only attached key.
 */
#ifndef FLOW_MEMBER_VERBS_H
#define FLOW_MEMBER_VERBS_H

#include "flow/command.h"

/* Sorted by words; end with a row whose words are NULL. */
extern const struct command_verb common_verbs[];
extern const struct command_verb member_verbs[];

#define MEMBER_HANDLER(name) enum err name(struct flow *f, const struct command *c, struct reply *r, struct diag *why)

MEMBER_HANDLER(verb_ack);
MEMBER_HANDLER(verb_attest);
MEMBER_HANDLER(verb_contact_add);
MEMBER_HANDLER(verb_contact_drop);
MEMBER_HANDLER(verb_key_refresh);
MEMBER_HANDLER(verb_key_replace);
MEMBER_HANDLER(verb_leave);
MEMBER_HANDLER(verb_nonce);
MEMBER_HANDLER(verb_pause);
MEMBER_HANDLER(verb_veto);
MEMBER_HANDLER(verb_vouch);
MEMBER_HANDLER(verb_whoami);

#endif

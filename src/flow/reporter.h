/*
 * The reporter (discoverer) of a case: joined with a token and perhaps a key, acknowledged, written to.
 */
#ifndef FLOW_REPORTER_H
#define FLOW_REPORTER_H

#include "flow/incoming.h"
#include "flow/outgoing.h"

/* Makes the sender of a mail a participant of the case, with the key that came with it, if any. */
enum err reporter_join(struct flow *f, const struct settings_list *list, const struct policy *policy,
                       const struct case_row *c, const struct incoming *in, struct participant_row *out,
                       struct diag *why);

/*
 * The acknowledgement, as reporting.acknowledge says: with the case's address, and nothing of what was written. None
 * where the sender is not authenticated (signature, or DMARC pass by the configured authserv-id), or too many went.
 */
enum err reporter_acknowledge(struct flow *f, const struct settings_list *list, const struct policy *policy,
                              struct case_row *c, const struct incoming *in, const struct participant_row *p,
                              struct diag *why);

/*
 * The same of an encrypted mail that is held: a stranger hears the same, byte for byte but for the address, which leads
 * to no case, so that no answer tells him whether the mail could be read. Nothing of another mail.
 */
enum err reporter_acknowledge_held(struct flow *f, const struct settings_list *list, int64_t list_id,
                                   const struct incoming *in, struct diag *why);

/*
 * Words of the team to a participant: encrypted where a key is known, else as reporting.plain_text says: in clear
 * ("allow"), a notice without content ("notice-only"; *notice_only is set), or not at all (ERR_DENIED).
 */
enum err reporter_write(struct flow *f, const struct settings_list *list, const struct policy *policy,
                        const struct case_row *c, const struct participant_row *p, const char *subject,
                        const char *text, bool *notice_only, struct diag *why);

/* A mail that the caller has made, encrypted, with the participant's thread as its Reply-To; none without a key. */
enum err reporter_send(struct flow *f, const struct outgoing *mail, const struct participant_row *p, struct diag *why);

/* May the sender be answered by a program: a good signature, or DMARC passed for a From of the envelope's domain. */
bool reporter_is_authenticated(const struct settings_list *list, const struct incoming *in);

/* The same, with reporting.acknowledge, and where no program wrote it; *rule is that of a refusal. */
bool reporter_may_be_answered(const struct settings_list *list, const struct policy *policy, const struct incoming *in,
                              const char **rule);

/* What is public, to a participant: encrypted where a key is known, else in clear. */
enum err reporter_tell_public(struct flow *f, const struct settings_list *list, const struct policy *policy,
                              const struct case_row *c, const struct participant_row *p, const char *subject,
                              const char *text, struct diag *why);

/* Does Authentication-Results of this authserv-id (RFC 8601) say that DMARC passed? Pure. */
bool reporter_dmarc_passed(struct span header_block, const char *authserv_id);

#endif

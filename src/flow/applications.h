/*
 * Applications for membership: from the first mail to a member.
 *
 *   applications.c        an application with its policy, form, key and criteria; states; how it is shown
 *   applications_mail.c   what the applicant, the admins and the vouchers are told
 *   applications_run.c    what happens: complete or not, vouched, accepted, challenged, proved, admitted, withdrawn
 *   applications_later.c  what comes by itself: a key that was looked up, instants
 *   receive_apply*.c      mail to LIST+apply@, and signed answers
 *   cmd_application.c     the admins' commands
 *
 * Everything runs in the caller's transaction.
 *
 * Nothing that an applicant writes goes to anybody but the admins (encrypted), and to him: to his key where one that
 * can be used came, else a notice without content. Vouchers are told the organisation's name alone, encrypted. A
 * program answers only where an acknowledgement would go (flow/reporter.h), and so many times in an hour and a day.
 */
#ifndef FLOW_APPLICATIONS_H
#define FLOW_APPLICATIONS_H

#include "codec/form.h"
#include "flow/flow.h"
#include "flow/texts.h"
#include "policy/decide_apply.h"
#include "policy/states.h"
#include "store/applications.h"
#include "store/duties.h"

#include <jansson.h>

#define APPLY_CHALLENGE_S    ((int64_t)7 * 86400) /* a challenge can be answered for so long */
#define APPLY_CHALLENGES_MAX 5
#define APPLY_LOOKUP         "application"           /* of store/lookups.h: object is the application */
#define APPLY_DECIDE_DUTY    "application.decide"    /* of store/duties.h: decide_by, and reminders before it */
#define APPLY_KEY_DUTY       "application.key"       /* the key is looked up again, after nobody could be asked */
#define APPLY_CHALLENGE_DUTY "application.challenge" /* the challenge has not been answered */

struct apply {
    struct flow *f;
    const struct settings_list *list;
    struct policy *policy;
    struct application_row row;
    enum application_state state;
    char *org;
    struct form form;
    char language[TEXT_LANGUAGE_MAX + 1]; /* of what it is written; "": English */
    struct pgp_key_info *key;             /* NULL: none */
    struct decide_criteria criteria;
};

/* Loads all of it; takes the row in any case. The caller frees with apply_free. */
enum err apply_load(struct flow *f, struct application_row *row, struct apply *out, struct diag *why);
void apply_free(struct apply *a);

/* Finds out anew what is met: the key, the vouchers and the policy may have changed. */
enum err apply_judge(struct apply *a, struct diag *why);

/* One step of the table of states, written with its entry in the audit trail. ERR_DENIED rule state.application. */
enum err apply_step(struct apply *a, enum application_event event, const char *actor, const char *rule,
                    const char *detail, struct diag *why);

/* What a line `Language: TAG` asks for; "" where there is none, or it is no tag. out has TEXT_LANGUAGE_MAX + 1 bytes.
 */
void apply_language(const char *text, char *out);

/* Can mail be sealed for the applicant? */
bool apply_can_seal(const struct apply *a);
/* The form's Role-address, checked; "" where it is none. out has ADDR_MAX_BYTES + 1 bytes. */
void apply_role_address(const struct apply *a, char *out);
/* The tier that it would belong to: an admin's choice, else that of the class; NULL. */
const char *apply_tier(const struct apply *a);
/* The fields of a policy's form. */
void apply_fields(const struct policy *policy, const char *const **names, size_t *n);

/* JSON of the contract; full: with the form, messages, key, vouchers and the public text. New. */
json_t *apply_view(struct apply *a, bool full);

/* ---- mails (applications_mail.c) ---- */

/*
 * To the applicant: the text of a template, sealed where he has a key. Else the template `clear` (no content), or where
 * that is NULL nothing. to_role: to the Role-address, else to whoever applied. The template may use, beside values:
 * list, application, organisation, address.
 */
struct tmpl_value;
struct outgoing_file;
struct apply_mail {
    const char *subject;
    const char *text;  /* name of a template */
    const char *clear; /* the same, or NULL */
    bool to_role;
    bool automatic; /* a program answers: only where that may be, and not too often */
    const struct tmpl_value *values;
    size_t n;
    const struct outgoing_file *files;
    size_t n_files;
};
enum err apply_write(struct apply *a, const struct apply_mail *mail, struct diag *why);
/* To a stranger, in clear; the same limits. *sent may be NULL. */
struct incoming;
enum err apply_answer_stranger(struct flow *f, const struct settings_list *list, const struct policy *policy,
                               int64_t list_id, const struct incoming *in, const char *text, const char *subject,
                               bool *sent, struct diag *why);
/* To the admins, encrypted, with the form and the checklist where `whole`. news: a sentence or two. */
enum err apply_tell_team(struct apply *a, const char *subject, const char *news, bool whole, struct diag *why);
/* The empty form of a policy, as it is mailed. */
void apply_empty_form(const struct policy *policy, struct buf *out);
/* "- Domains\n" for each that is missing. */
void apply_missing(const struct apply *a, struct buf *out);

/* ---- what happens (applications_run.c) ---- */

/* In state received: complete or incomplete, and all that follows from either. */
enum err apply_settle(struct apply *a, struct diag *why);
/* The votes are there. by: who gave them, for the audit trail. */
enum err apply_accept(struct apply *a, const char *actor, struct diag *why);
/* A new challenge, to the Role-address, encrypted. */
enum err apply_challenge(struct apply *a, struct diag *why);
/* A signed mail by the applicant's key that has a `Challenge:` line. ERR_REJECT with *reason: it is to be held. */
enum err apply_echo(struct apply *a, const char *text, struct diag *reason, struct diag *why);
/* Ends the key's stay in quarantine and what waits. */
enum err apply_end(struct apply *a, struct diag *why);
/* A member's word, which was signed by his key. */
enum err apply_vouch(struct apply *a, const struct member_row *member, bool yes, struct diag *why);

/* Rows of flow/duty_kinds.c and flow/lookup_kinds.c. */
enum err apply_duty_decide(struct flow *f, const struct duty_row *duty, struct diag *why);
enum err apply_duty_challenge(struct flow *f, const struct duty_row *duty, struct diag *why);
enum err apply_duty_key(struct flow *f, const struct duty_row *duty, struct diag *why);
struct lookup_row;
struct lookup_result;
enum err apply_key_found(struct flow *f, const struct lookup_row *row, const struct lookup_result *result,
                         struct diag *why);

#endif

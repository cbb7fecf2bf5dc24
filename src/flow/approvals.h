/*
 * The rule of two: dangerous actions wait until enough admins approve, whatever channel they come by.
 *
 * What is asked is kept sealed, with the asker's own vote; all admins of the list are told, encrypted, what it is, who
 * asks, how to approve or to veto, until when. At the last vote that is needed it is carried out, in the transaction of
 * that vote, as the asker and with every check made anew; all admins are told how that went. One veto ends it, and so
 * does its expiry (APPROVAL_WAIT_S). Proposing again what waits is a vote for it.
 *
 * Votes that do not count, or are refused:
 *   approval.twice             no admin votes twice
 *   approval.own-organisation  an admin whose key, address or mail domain is the organisation's (the list's own domain
 *                              says nothing, and is no reason); he may still ask, and veto
 *   approval.shared-uid        live and over the control socket, admins who share a uid cannot be told apart: a signed
 *                              mail can
 *   (none)                     votes of those who are no longer admins of the list
 * Other rules: approval.pending (ok: it waits), approval.ended, approval.impossible (the list has too few admins),
 * approval.changed (what it rested on has changed, or the policy asks for more now), approval.asker-gone.
 *
 * A command's handler asks approval_gate once it has checked what it can and before it changes anything:
 *
 *     struct approval_what what = {.action = "member add", .object = org, .list = list, .list_id = row.id,
 *                                  .needs = decide_approvals(policy, DECIDE_MEMBER_ADD)};
 *     err = approval_gate(f, c, &what, r, &go_on, why);
 *     if (!err && go_on)
 *         …change it, fill r->data…
 *
 * Without go_on, r holds the proposal, and the handler returns ERR_OK at once. The handler runs again later, with
 * go_on. It must therefore take all it needs from the command's words and files and from the database.
 *
 * What does not come from a command (an application, a member's own wish, an instant) is an action: a row in
 * flow/approval_actions.c whose `run` gets the payload that was given to approval_propose. Where *go_on is set by
 * approval_propose nothing is recorded, and the caller carries it out by itself.
 *
 * Everything runs in the caller's transaction.
 */
#ifndef FLOW_APPROVALS_H
#define FLOW_APPROVALS_H

#include "flow/command.h"
#include "store/approvals.h"
#include "store/duties.h"

#define APPROVAL_WAIT_S ((int64_t)7 * 86400)

struct approval_what {
    const char *action; /* for people, and in approval list: "member add" */
    const char *object; /* nothing secret: an organisation, a case's id, an address of a member */
    const struct settings_list *list;
    int64_t list_id;
    int needs;                 /* admins; 0 together with not_before_at: goes by itself where nobody vetoes */
    const char *const *owners; /* addresses, domains or fingerprints of the organisation that it is about */
    size_t n_owners;
    int64_t not_before_at; /* it is not carried out before; 0: as soon as enough approve */
    int64_t wait_s;        /* until it expires; 0: APPROVAL_WAIT_S */
    const char *details;   /* of a command: lines for the admins' eyes, each behind a line end; NULL: none */
    struct span basis;     /* of a command: bytes that must be the same when it is carried out; may be empty */
};

/* Of a command that runs again. */
struct approval_replay {
    int64_t needs; /* so many admins were asked for, and have approved */
    uint8_t basis[BOX_DIGEST_BYTES];
};

/* ERR_DENIED where the asker may not even ask. where go_on is false, r is filled. */
enum err approval_gate(struct flow *f, const struct command *c, const struct approval_what *what, struct reply *r,
                       bool *go_on, struct diag *why);

struct approval_action {
    const char *name;
    /*
     * Carries it out; r may get data for the one who voted last. ERR_DENIED, ERR_REJECT, ERR_NOT_FOUND, ERR_USAGE,
     * ERR_LIMIT: what it wrote is undone, and the proposal ends as refused, with the rule of why. Anything else: the
     * vote itself is undone, to be given again.
     */
    enum err (*run)(struct flow *f, const struct approval_row *a, struct span payload, const struct actor *by,
                    struct reply *r, struct diag *why);
    /* It ended without that: state is vetoed, expired or refused; reason may be NULL. NULL: nothing is to be done. */
    enum err (*ended)(struct flow *f, const struct approval_row *a, struct span payload, const char *state,
                      const char *reason, struct diag *why);
};

/* Ends with a row whose name is NULL; "command" is the one for commands. */
extern const struct approval_action approval_actions[];

/*
 * Asks for an action. payload: what `run` will get; kept sealed. text: what is asked, for the admins' eyes only. by: an
 * admin (whose vote counts, where it may), a member or the daemon; `run` gets an actor of that name again, of a member
 * without its row. r may be NULL where nobody waits for an answer.
 * The same action with the same payload that waits already gets the vote of an admin, and stays as it is otherwise.
 */
enum err approval_propose(struct flow *f, const struct approval_what *what, const char *kind, struct span payload,
                          const char *text, const struct actor *by, struct reply *r, bool *go_on, struct diag *why);

/* May this admin's vote count? ERR_DENIED: the rules above. */
enum err approval_may_vote(struct flow *f, const struct settings_list *list, const char *const *owners, size_t n_owners,
                           const struct actor *by, struct diag *why);

/* An admin's vote; `code` must be of a list that he serves (else ERR_NOT_FOUND approval.unknown). */
enum err approval_approve(struct flow *f, const char *code, const struct actor *by, struct reply *r, struct diag *why);
enum err approval_veto(struct flow *f, const char *code, const char *reason, const struct actor *by, struct reply *r,
                       struct diag *why);

/* Ends what waits, since its reason is gone (an application was withdrawn). Admins are told. */
enum err approval_withdraw(struct flow *f, struct approval_row *a, const char *reason, const struct actor *by,
                           struct diag *why);

/* Its duty: it may go now, or it expires. */
enum err approval_duty(struct flow *f, const struct duty_row *duty, struct diag *why);

/* Runs a command again: the action "command" (flow/approval_command.c). */
enum err approval_run_command(struct flow *f, const struct approval_row *a, struct span payload, const struct actor *by,
                              struct reply *r, struct diag *why);

#endif

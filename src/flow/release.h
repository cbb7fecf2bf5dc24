/*
 * The day of release: whether a case may be published, and the steps that publish it.
 *
 * The instant (the deadline "release"), an approval, a confirmation and the duty "release" all ask the same question
 * (policy/release.h). Where it may not go the release is held: the team is told once for each reason, and it is asked
 * again each minute. Once it goes, the case is public in that transaction, at that second; what follows are steps
 * (store/releases.h), each in a transaction of its own, tried again after a growing pause, and each done once:
 *   sign STYLE     the public text is signed in clear by the list (proc/signer.c), once for each style
 *   mail CHANNEL   to each public list, in the policy's order (waits for a person where no address is known)
 *   site           publish build is asked for (proc/publisher.c)
 *   members        those who were told hear that the embargo is over
 *   reporter       the discoverer is thanked
 *   duty LIST      a post elsewhere that the policy asks for, by others: chased until case set ID published=URL
 */
#ifndef FLOW_RELEASE_H
#define FLOW_RELEASE_H

#include "flow/advisory_view.h"
#include "flow/flow.h"
#include "policy/release.h"
#include "policy/states.h"
#include "store/duties.h"
#include "store/releases.h"

#include <jansson.h>

/* A case with all that its release is decided by. */
struct releasing {
    struct flow *f;
    struct case_row *c;
    const struct policy *policy;
    const struct settings_list *list;
    struct release_row row;
    bool has_text;
    int64_t version; /* of the newest advisory */
    uint8_t digest[BOX_DIGEST_BYTES];
    bool approved; /* this text */
    int64_t due_utc_s;
    char due_rule[DIAG_RULE_MAX];
    struct release_decision decision;
};

/* c, policy and list are borrowed. */
enum err release_load(struct flow *f, struct case_row *c, const struct policy *policy, const struct settings_list *list,
                      struct releasing *out, struct diag *why);
void release_unload(struct releasing *g);

/* Asks, and goes or holds. by: who asks; the daemon where the clock does. */
enum err release_consider(struct releasing *g, const struct actor *by, struct diag *why);

/*
 * Publishes now: on is CASE_RELEASE, CASE_LIFT or CASE_BREAK. Nothing is asked any more: the caller has. A case without
 * an advisory becomes public all the same; its mails wait until there is one (publish run).
 */
enum err release_start(struct releasing *g, enum case_event on, const struct actor *by, const char *reason,
                       struct diag *why);

/* A public case: a newer version goes out as well, or what has failed is tried again. */
enum err release_again(struct releasing *g, const struct actor *by, struct diag *why);

/* Loads a case by its row, with its policy and release; release_case_end frees all. */
struct release_case {
    struct case_row c;
    struct policy *policy;
    const struct settings_list *list;
    struct releasing g;
};
enum err release_case_load(struct flow *f, int64_t case_id, struct release_case *out, struct diag *why);
void release_case_end(struct release_case *k);

/* Puts the duties of a case's release: the pre-flight, a day before. */
enum err release_reschedule(struct flow *f, const struct policy *policy, const struct case_row *c, struct diag *why);

/* Duty kinds: "release" (object: the case) and "preflight". */
enum err release_run(struct flow *f, const struct duty_row *d, struct diag *why);
enum err preflight_run(struct flow *f, const struct duty_row *d, struct diag *why);
/* "post": a duty to post elsewhere is chased. */
enum err post_run(struct flow *f, const struct duty_row *d, struct diag *why);
/* Somebody has posted it: the link is kept, and nobody is chased any more. */
enum err release_posted(struct flow *f, const struct case_row *c, const char *link, struct diag *why);

/* ---- steps ---- */

/* Where a channel's mail goes; false where no address is known (live). plain: see struct settings_channel. */
bool release_channel(struct flow *f, const char *name, char *address, bool *plain);
/* Writes the steps of a round. */
enum err release_put_steps(struct releasing *g, struct diag *why);
/* A step that has failed is tried once more, later and later; its rule says why. */
void release_try_later(struct release_step *step, int64_t now_utc_s, const char *rule);
/* Does what can be done now, a transaction for each step. */
enum err release_tick(struct flow *f, struct diag *why);
/* The public text in a style ("announce", "plain"). */
enum err release_text(struct flow *f, const struct case_row *c, const struct policy *policy, int64_t version,
                      bool plain, struct buf *out, struct diag *why);
/* "[OSSA-2026-001] title (CVE-…)"; the caller frees. */
char *release_plain_subject(const struct case_row *c, const struct advisory_doc *doc);
/* To members: it is over; to the discoverer: thanks. */
enum err release_over_text(const struct case_row *c, const char *status, struct buf *out, struct diag *why);
enum err release_thanks_text(struct flow *f, const struct case_row *c, struct buf *out, struct diag *why);
/* What is to be signed for a step of kind sign or test. */
enum err release_sign_text(struct flow *f, const struct release_step *step, struct buf *out,
                           const struct settings_list **list, struct diag *why);
/* It was signed (err ERR_OK), or not; a transaction of its own. */
enum err release_signed(struct flow *f, const struct release_step *step, enum err err, struct span signed_text,
                        const struct diag *reason, struct diag *why);

/* ---- the pre-flight ---- */

/* [{name,status,detail,remedy}] */
json_t *release_checks(struct releasing *g);
/* {id,due,verdict,rule,approved,needs,state,steps[]} */
json_t *release_json(struct releasing *g);
/* "publish approve ID", with the case's code where ID stands. The caller frees it. */
char *release_name_case(const char *words, const char *code);
/* The pre-flight's mail to the team. */
enum err release_mail_checks(struct releasing *g, struct diag *why);

#endif

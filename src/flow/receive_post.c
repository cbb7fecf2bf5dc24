#include "flow/receiving.h"

#include "base/log.h"
#include "base/mem.h"
#include "flow/cases_flow.h"
#include "flow/discussion.h"
#include "flow/reporter.h"
#include "store/audit.h"
#include "store/held.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

static enum policy_sender sender_kind(const struct receiving *r)
{
    if (r->admin)
        return POLICY_TEAM;
    if (r->member.id)
        return POLICY_MEMBER;
    if (r->participant.id)
        return strcmp(r->participant.role, "reporter") == 0 ? POLICY_REPORTER : POLICY_PARTICIPANT;
    return POLICY_STRANGER;
}

static enum policy_action decide_to(struct receiving *r, enum policy_address to, struct diag *reason)
{
    char *subject = incoming_subject(r->in, NULL);
    struct decide_sender sender = {.kind = sender_kind(r),
                                   .tier = r->member.tier,
                                   .signature = incoming_is_signed(r->in) ? r->bound : DECIDE_UNSIGNED,
                                   .encrypted = r->in->encrypted,
                                   .subject = subject};
    struct decide_post verdict;
    enum policy_action action;

    decide_post(r->policy, &sender, to, &verdict);
    snprintf(r->rule, sizeof r->rule, "%s", verdict.rule);
    diag_set(reason, ERR_REJECT, verdict.rule, "%s", verdict.reason);
    action = verdict.action;
    decide_post_free(&verdict);
    mem_free_secret(&subject);
    return action;
}

/* What a member writes to a case goes to the members where they may talk to each other, else to the team alone. */
static enum policy_action decide(struct receiving *r, struct diag *reason)
{
    if (r->c.id && discussion_is_insider(r, r->c.id) && !discussion_is_misled(r) &&
        decide_to(r, POLICY_TO_MEMBERS, reason) == POLICY_ACT_ALLOW) {
        r->relay = true;
        return POLICY_ACT_ALLOW;
    }
    return decide_to(r, r->c.id ? POLICY_TO_CASE : POLICY_TO_REPORT, reason);
}

/* A post by the team or a member counts once, soon after it was signed, and only where it was meant to go. */
static enum err check_post(struct receiving *r, struct diag *reason, struct diag *why)
{
    int64_t now = clock_now(r->f->clock);
    bool seen, same;
    enum err err;

    if (!r->admin && !r->member.id)
        return ERR_OK;
    if (r->bound == DECIDE_UNSIGNED)
        return diag_set(reason, ERR_REJECT, "unbound-signature", "what was signed names another recipient");
    if (r->in->signature.made_at_utc_s + INCOMING_SIGNATURE_MAX_AGE_S < now)
        return diag_set(reason, ERR_REJECT, "replay", "the signature is older than 72 hours");
    err = seen_before(r->f->db, "payload", incoming_content(r->in), span_of(r->in->signature.fingerprint), now, &seen,
                      &same, why);
    if (err)
        return err;
    return seen ? diag_set(reason, ERR_REJECT, "replay", "this very text has been handled before") : ERR_OK;
}

/* Somebody else's ciphertext, mailed as an own report, must not come back to him in an answer. */
enum err receiving_check_ciphertext(struct receiving *r, struct diag *reason, struct diag *why)
{
    const char *owner = r->in->outer.from.n ? r->in->outer.from.items[0].spec : r->in->sender;
    bool seen = false, same = false;
    enum err err = ERR_OK;

    if (r->in->encrypted)
        err = seen_before(r->f->db, "ciphertext", buf_span(&r->in->cipher), span_of(owner), clock_now(r->f->clock),
                          &seen, &same, why);
    if (!err && seen && !same)
        return diag_set(reason, ERR_REJECT, "ciphertext-seen", "this encrypted text came from another sender before");
    return err;
}

static enum err new_case(struct receiving *r, struct diag *why)
{
    char *subject = incoming_subject(r->in, NULL);
    struct actor by;
    enum err err;

    actor_daemon(&by);
    err = case_open(r->f, r->list, r->list_row.id, subject ? subject : "", &by, &r->c, why);
    mem_free_secret(&subject);
    if (!err && !r->admin)
        err = reporter_join(r->f, r->list, r->policy, &r->c, r->in, &r->participant, why);
    return err;
}

/* The case's address is the reporter's own: the first key that comes to it is his, for replies to him. */
static enum err take_key(struct receiving *r, struct diag *why)
{
    enum err err;

    if (!r->by_token || r->participant.fingerprint || !r->in->key.len)
        return ERR_OK;
    err = participant_set_key(r->f->db, r->participant.id, buf_span(&r->in->key), r->in->key_fingerprint, why);
    return err ? err
               : audit_append(r->f->db, clock_now(r->f->clock), r->author, "participant.key", r->c.code, "",
                              r->in->key_fingerprint, why);
}

/* The team is told at once, or by the digest where there is too much. */
static enum err tell_team(struct receiving *r, int64_t n, const char *flooded, struct diag *why)
{
    enum err err = flood_note(r->f, r->list_row.id, r->in, receiving_who(r), r->c.code, "", !flooded, why);

    if (!err && flooded)
        log_event(r->c.code, "told-by-digest", flooded, NULL);
    if (err || flooded)
        return err;
    return case_tell_team(r->f, r->list, &r->c, r->in, n, r->author, r->proved, r->admin ? r->admin->address : NULL,
                          why);
}

static bool is_case_address(const struct receiving *r)
{
    struct span suffix = receiving_suffix(r);

    return suffix.len > 2 && strncasecmp((const char *)suffix.data, "c-", 2) == 0;
}

static enum err accept_mail(struct receiving *r, struct diag *why)
{
    bool is_new = r->c.id == 0;
    const char *flooded;
    int64_t n;
    enum err err = is_new ? new_case(r, why) : take_key(r, why);

    /* Who opened a case is whoever holds the key that signed it. */
    if (!err && is_new && r->participant.fingerprint && incoming_is_signed(r->in))
        r->proved = strcmp(r->participant.fingerprint, r->in->signature.fingerprint) == 0;
    flooded = flood_rule(r->f, r->list_row.id, r->in, receiving_who(r));
    if (!err)
        err = case_add_message(r->f, &r->c, r->in, r->author, r->proved, &n, why);
    if (!err)
        err = tell_team(r, n, flooded, why);
    if (!err && r->relay)
        err = discussion_relay(r, why);
    /* An address of a case that is none is not answered: the answer to a held mail names such a one. */
    if (!err && is_new && r->participant.id && !flooded && !is_case_address(r))
        err = reporter_acknowledge(r->f, r->list, r->policy, &r->c, r->in, &r->participant, why);
    return err;
}

static enum err judge(struct receiving *r, struct diag *reason, struct diag *why)
{
    enum err err = receiving_check_ciphertext(r, reason, why);

    if (!err)
        err = receiving_identify(r, why);
    if (!err)
        err = check_post(r, reason, why);
    if (err)
        return err;
    return decide(r, reason) == POLICY_ACT_ALLOW ? ERR_OK : ERR_REJECT;
}

enum err receive_post(struct receiving *r, struct diag *reason, struct diag *why)
{
    enum err err = r->in->released ? receiving_identify(r, why) : judge(r, reason, why);

    if (err)
        return err;
    *reason = (struct diag){0}; /* that of an accepting verdict is no reason to hold */
    return accept_mail(r, why);
}

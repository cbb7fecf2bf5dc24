#include "flow/receive.h"

#include "base/frame.h"
#include "base/instant.h"
#include "base/log.h"
#include "base/mem.h"
#include "codec/addr.h"
#include "flow/cases_flow.h"
#include "flow/policies.h"
#include "flow/reporter.h"
#include "store/audit.h"
#include "store/held.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* What is known of one mail while it is being decided. */
struct receiving {
    struct flow *f;
    const struct incoming *in;
    const struct settings_list *list;
    struct list_row list_row;
    struct policy *policy;
    struct case_row c;                  /* the case it belongs to; c.id 0: none */
    struct participant_row participant; /* id 0: none */
    struct member_row member;           /* id 0: none */
    const struct settings_admin *admin;
    bool by_token; /* the recipient was an address of the case */
    bool proved;   /* the sender is proved to be the admin, member or participant found */
    enum decide_signature bound;
    char author[320];
    char rule[DIAG_RULE_MAX];
};

static void delivery_bytes(const struct incoming *in, struct buf *out)
{
    buf_printf(out, "%s\n%s\n", in->sender, in->recipient);
    buf_add_buf(out, &in->raw);
}

/* A mail that an admin lets in has been seen as a delivery: what must not be twice is its letting in. */
static const char *kind_seen(const struct incoming *in)
{
    return in->released ? "release" : "delivery";
}

bool receive_is_repeated(struct flow *f, const struct incoming *in)
{
    struct buf bytes = BUF_EMPTY;
    uint8_t digest[BOX_DIGEST_BYTES];
    int64_t at;

    delivery_bytes(in, &bytes);
    box_digest(db_box(f->db), kind_seen(in), buf_span(&bytes), digest);
    buf_free(&bytes);
    at = db_value(f->db, INSTANT_NONE, "SELECT at FROM seen WHERE kind = ? AND digest = ?", "tb", kind_seen(in),
                  (struct span){digest, sizeof digest});
    return at != INSTANT_NONE && at + INCOMING_REDELIVERY_S >= clock_now(f->clock);
}

static enum err note_seen(struct flow *f, const struct incoming *in, const char *kind, struct diag *why)
{
    struct buf bytes = BUF_EMPTY;
    bool seen, same;
    int64_t now = clock_now(f->clock);
    enum err err = seen_forget(f->db, kind, now - INCOMING_REDELIVERY_S, why);

    delivery_bytes(in, &bytes);
    if (!err)
        err = seen_before(f->db, kind, buf_span(&bytes), span_of(in->recipient), now, &seen, &same, why);
    buf_free(&bytes);
    return err;
}

const char *receive_automatic_rule(const struct incoming *in)
{
    const struct mime_message *m = &in->outer;

    if (!*in->sender)
        return "bounce";
    if (m->auto_submitted && strncasecmp(m->auto_submitted, "no", 2) != 0)
        return "auto-submitted";
    if (m->precedence && (strcasecmp(m->precedence, "bulk") == 0 || strcasecmp(m->precedence, "junk") == 0 ||
                          strcasecmp(m->precedence, "list") == 0))
        return "precedence";
    return NULL;
}

static enum err hold_rows(struct flow *f, const struct incoming *in, const char *rule, struct diag *why)
{
    const struct settings_list *list = settings_list_for(f->settings, in->recipient);
    struct buf envelope = BUF_EMPTY;
    struct list_row row = {0};
    struct held_row held = {.at = clock_now(f->clock), .rule = (char *)rule};
    enum err err = ERR_OK;

    if (list)
        err = list_by_name(f->db, list->name, &row, why);
    held.list_id = row.id;
    frame_put_str(&envelope, in->sender);
    frame_put_str(&envelope, in->recipient);
    frame_put_i64(&envelope, in->received_at);
    if (!err)
        err = held_insert(f->db, &held, buf_span(&envelope), buf_span(&in->raw), why);
    if (!err)
        err = audit_append(f->db, held.at, "embargod", "mail.held", held.code, rule, NULL, why);
    if (!err && list) {
        char *text = mem_printf("A mail of %zu bytes is held under the rule `%s`.\n\n"
                                "See it:      embargoctl held show %s\n"
                                "Let it in:   embargoctl held release %s\n"
                                "Forget it:   embargoctl held discard %s\n",
                                in->raw.len, rule, held.code, held.code, held.code);
        err = case_notify_team(f, list, row.id, NULL, "A mail is held", text, why);
        free(text);
    }
    buf_free(&envelope);
    list_row_free(&row);
    return err;
}

enum err receive_hold(struct flow *f, const struct incoming *in, const struct diag *reason, struct diag *why)
{
    enum err err = db_begin(f->db, why);

    if (!err)
        err = hold_rows(f, in, reason->rule, why);
    if (!err)
        err = note_seen(f, in, "delivery", why); /* held again it may be let in again */
    if (!err)
        err = db_commit(f->db, why);
    if (err)
        db_rollback(f->db);
    else
        log_diag(NULL, "mail-held", reason);
    return err;
}

/* ---- who is it, and which case ---- */

/* The protected To of what was signed: does it name this list? */
static enum decide_signature binding(const struct receiving *r)
{
    const struct mime_message *m = incoming_message(r->in);
    struct span header = mime_part_header(incoming_content(r->in), &m->parts[r->in->root]);
    struct buf to = BUF_EMPTY;
    struct addr_list list = {0};
    enum decide_signature bound = DECIDE_UNBOUND;

    /* A multipart/signed part's own header, or, where one signature covers the decrypted mail, that mail's header. */
    if ((r->in->encrypted || r->in->root > 0) && mime_field(header, "To", &to)) {
        addr_list_parse(buf_span(&to), &list);
        bound = DECIDE_UNSIGNED;
        for (size_t i = 0; i < list.n; i++)
            if (addr_is_for(list.items[i].spec, r->list->address, NULL))
                bound = DECIDE_BOUND;
    }
    buf_free(&to);
    addr_list_free(&list);
    return bound;
}

static void find_by_signature(struct receiving *r)
{
    const char *fingerprint = r->in->signature.fingerprint;
    struct diag none;

    if (!incoming_is_signed(r->in))
        return;
    r->bound = binding(r);
    if (r->in->by_loose_key)
        return;
    r->admin = settings_admin_with_key(r->f->settings, r->list, fingerprint);
    if (r->admin) {
        r->proved = true;
        return;
    }
    if (!member_by_fingerprint(r->f->db, r->list_row.id, fingerprint, &r->member, &none))
        r->proved = true;
}

/* A token leads to a case; who sent it is told by the signature alone. */
static enum err find_by_token(struct receiving *r, struct span suffix, struct diag *why)
{
    char *token = mem_strndup(suffix.data + 2, suffix.len - 2);
    enum err err = participant_by_token(r->f->db, token, &r->participant, why);

    free(token);
    if (err == ERR_NOT_FOUND)
        return ERR_OK;
    if (!err)
        err = case_by_id(r->f->db, r->participant.case_id, &r->c, why);
    r->by_token = !err;
    if (!err && incoming_is_signed(r->in) && r->participant.fingerprint &&
        strcmp(r->participant.fingerprint, r->in->signature.fingerprint) == 0)
        r->proved = true;
    return err;
}

static int64_t case_of_references(struct receiving *r)
{
    const struct mime_message *m = &r->in->outer;
    int64_t found = m->in_reply_to ? reference_find(r->f->db, m->in_reply_to) : 0;

    for (size_t i = m->n_references; !found && i > 0; i--)
        found = reference_find(r->f->db, m->references[i - 1]);
    return found;
}

/* References lead to a case only for those who take part in it: the team by its signature, others by their address. */
static enum err find_by_references(struct receiving *r, struct diag *why)
{
    const struct mime_message *m = &r->in->outer;
    int64_t id = case_of_references(r);
    struct diag none;
    enum err err = ERR_OK;

    if (!id)
        return ERR_OK;
    if (!r->admin &&
        (m->from.n != 1 || participant_by_address(r->f->db, id, m->from.items[0].spec, &r->participant, &none)))
        return ERR_OK;
    err = case_by_id(r->f->db, id, &r->c, why);
    if (!err && r->c.list_id != r->list_row.id) {
        case_row_free(&r->c);
        return ERR_OK;
    }
    if (!err && r->participant.id && incoming_is_signed(r->in) && r->participant.fingerprint)
        r->proved = strcmp(r->participant.fingerprint, r->in->signature.fingerprint) == 0;
    return err;
}

static void name_author(struct receiving *r)
{
    if (r->admin)
        snprintf(r->author, sizeof r->author, "team:%s", r->admin->address);
    else if (r->member.id)
        snprintf(r->author, sizeof r->author, "member:%s", r->member.org);
    else if (r->participant.id)
        snprintf(r->author, sizeof r->author, "%s", r->participant.role);
    else
        snprintf(r->author, sizeof r->author, "reporter");
}

/* ---- the verdict ---- */

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

static enum policy_action decide(struct receiving *r, struct diag *reason)
{
    const struct mime_message *m = incoming_message(r->in);
    struct decide_sender sender = {.kind = sender_kind(r),
                                   .tier = r->member.tier,
                                   .signature = incoming_is_signed(r->in) ? r->bound : DECIDE_UNSIGNED,
                                   .encrypted = r->in->encrypted,
                                   .subject = m->subject ? m->subject : r->in->outer.subject};
    struct decide_post verdict;
    enum policy_action action;

    decide_post(r->policy, &sender, r->c.id ? POLICY_TO_CASE : POLICY_TO_REPORT, &verdict);
    snprintf(r->rule, sizeof r->rule, "%s", verdict.rule);
    diag_set(reason, ERR_REJECT, verdict.rule, "%s", verdict.reason);
    action = verdict.action;
    decide_post_free(&verdict);
    return action;
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
static enum err check_ciphertext(struct receiving *r, struct diag *reason, struct diag *why)
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
    const struct mime_message *m = incoming_message(r->in);
    const char *subject = m->subject ? m->subject : r->in->outer.subject;
    struct actor by;
    enum err err;

    actor_daemon(&by);
    err = case_open(r->f, r->list, r->list_row.id, subject ? subject : "", &by, &r->c, why);
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

static enum err accept_mail(struct receiving *r, struct diag *why)
{
    bool is_new = r->c.id == 0;
    int64_t n;
    enum err err = is_new ? new_case(r, why) : take_key(r, why);

    /* Who opened a case is whoever holds the key that signed it. */
    if (!err && is_new && r->participant.fingerprint && incoming_is_signed(r->in))
        r->proved = strcmp(r->participant.fingerprint, r->in->signature.fingerprint) == 0;
    if (!err)
        err = case_add_message(r->f, &r->c, r->in, r->author, r->proved, &n, why);
    if (!err)
        err = case_tell_team(r->f, r->list, &r->c, r->in, n, r->author, r->proved, r->admin ? r->admin->address : NULL,
                             why);
    if (!err && is_new && r->participant.id)
        err = reporter_acknowledge(r->f, r->list, r->policy, &r->c, r->in, &r->participant, why);
    return err;
}

static enum err identify(struct receiving *r, struct diag *why)
{
    struct span suffix = {NULL, 0};
    enum err err = ERR_OK;

    addr_is_for(r->in->recipient, r->list->address, &suffix);
    find_by_signature(r);
    if (suffix.len > 2 && strncasecmp((const char *)suffix.data, "c-", 2) == 0)
        err = find_by_token(r, suffix, why);
    else
        err = find_by_references(r, why);
    name_author(r);
    if (!err && r->c.id) {
        /* A mail to a case is judged by the policy that the case has pinned. */
        policy_free(&r->policy);
        err = policies_of_case(r->f, &r->c, &r->policy, why);
    }
    return err;
}

/* ERR_REJECT with *reason: to be held. */
static enum err judge(struct receiving *r, struct diag *reason, struct diag *why)
{
    struct span suffix = {NULL, 0};
    const char *automatic = receive_automatic_rule(r->in);
    enum err err;

    addr_is_for(r->in->recipient, r->list->address, &suffix);
    if (suffix.len > 2 && strncasecmp((const char *)suffix.data, "b-", 2) == 0)
        return diag_set(reason, ERR_REJECT, "bounce", "a mail came back");
    if (automatic)
        return diag_set(reason, ERR_REJECT, automatic, "no person wrote this mail");
    if (suffix.len == 5 && strncasecmp((const char *)suffix.data, "apply", 5) == 0)
        return diag_set(reason, ERR_REJECT, "application", "an application for membership");
    err = check_ciphertext(r, reason, why);
    if (!err)
        err = identify(r, why);
    if (!err)
        err = check_post(r, reason, why);
    if (err)
        return err;
    return decide(r, reason) == POLICY_ACT_ALLOW ? ERR_OK : ERR_REJECT;
}

static enum err receive_in_transaction(struct receiving *r, enum receive_result *result, struct diag *why)
{
    struct diag reason = {0};
    enum err err = list_by_name(r->f->db, r->list->name, &r->list_row, why);

    if (!err)
        err = policies_of_list(r->f, r->list, &r->policy, why);
    if (err)
        return err == ERR_REJECT ? ERR_INTERNAL : err;
    err = r->in->released ? identify(r, why) : judge(r, &reason, why);
    *result = RECEIVE_CASE;
    if (err == ERR_REJECT && *reason.rule) {
        *result = RECEIVE_HELD;
        snprintf(r->rule, sizeof r->rule, "%s", reason.rule);
        err = hold_rows(r->f, r->in, reason.rule, why);
    } else if (!err) {
        err = accept_mail(r, why);
    }
    if (!err)
        err = note_seen(r->f, r->in, "delivery", why);
    return err || !r->in->released ? err : note_seen(r->f, r->in, kind_seen(r->in), why);
}

enum err receive_mail(struct flow *f, const struct incoming *in, enum receive_result *result, char *rule,
                      struct diag *why)
{
    struct receiving r = {.f = f, .in = in, .list = settings_list_for(f->settings, in->recipient)};
    struct diag no_list;
    enum err err;

    *rule = 0;
    if (receive_is_repeated(f, in)) {
        *result = RECEIVE_REPEATED;
        return ERR_OK;
    }
    if (!r.list) {
        *result = RECEIVE_HELD;
        diag_set(&no_list, ERR_REJECT, "no-list", "the recipient is no address of a list");
        return receive_hold(f, in, &no_list, why);
    }
    err = db_begin(f->db, why);
    if (!err)
        err = receive_in_transaction(&r, result, why);
    if (!err)
        err = db_commit(f->db, why);
    if (err)
        db_rollback(f->db);
    else
        log_event(r.c.id ? r.c.code : NULL, *result == RECEIVE_HELD ? "mail-held" : "mail-taken", r.rule, NULL);
    snprintf(rule, DIAG_RULE_MAX, "%s", r.rule);
    list_row_free(&r.list_row);
    policy_free(&r.policy);
    case_row_free(&r.c);
    participant_row_free(&r.participant);
    member_row_free(&r.member);
    return err;
}

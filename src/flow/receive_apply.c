/* Mail to LIST+apply@: questions, applications, what applicants and vouchers answer. */
#include "flow/receive_apply.h"

#include "base/instant.h"
#include "base/log.h"
#include "base/mem.h"
#include "codec/addr.h"
#include "flow/applications.h"
#include "flow/cases_flow.h"
#include "flow/reporter.h"
#include "store/audit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define MESSAGES_MAX 100 /* of one application: what comes after is held */

static const char *text_of(const struct receiving *r)
{
    return r->in->text ? r->in->text : "";
}

static const char *from_of(const struct receiving *r)
{
    return r->in->outer.from.n == 1 ? r->in->outer.from.items[0].spec : r->in->sender;
}

bool receive_apply_takes(const struct receiving *r)
{
    struct span suffix = receiving_suffix(r);
    struct application_row row = {0};
    struct diag none;
    char *line;
    bool takes = false;

    if (suffix.len == 5 && strncasecmp((const char *)suffix.data, "apply", 5) == 0)
        return true;
    /* An answer to a challenge that was sent to the list's own address. */
    if (suffix.len || !incoming_is_signed(r->in) || !r->in->by_loose_key)
        return false;
    line = form_line(text_of(r), "Challenge");
    if (line && !application_by_fingerprint(r->f->db, r->list_row.id, r->in->signature.fingerprint, &row, &none))
        takes = strcmp(row.state, application_state_name(APPLICATION_CHALLENGED)) == 0;
    application_row_free(&row);
    free(line);
    return takes;
}

/* ---- which application ---- */

static int64_t by_references(struct receiving *r)
{
    const struct mime_message *m = &r->in->outer;
    int64_t found = m->in_reply_to ? application_reference_find(r->f->db, r->list_row.id, m->in_reply_to) : 0;

    for (size_t i = m->n_references; !found && i > 0; i--)
        found = application_reference_find(r->f->db, r->list_row.id, m->references[i - 1]);
    return found;
}

/* By the key that signed, by what it answers, by the number that it names. ERR_NOT_FOUND: none. */
static enum err find(struct receiving *r, struct application_row *out, struct diag *why)
{
    enum err err = ERR_NOT_FOUND;
    char *line;
    int64_t id;

    if (incoming_is_signed(r->in))
        err = application_by_fingerprint(r->f->db, r->list_row.id, r->in->signature.fingerprint, out, why);
    if (err != ERR_NOT_FOUND)
        return err;
    id = by_references(r);
    if (id)
        return application_by_id(r->f->db, id, out, why);
    line = form_line(text_of(r), "Application");
    if (line)
        err = application_by_code(r->f->db, line, out, why);
    if (!err && out->list_id != r->list_row.id) {
        application_row_free(out);
        err = ERR_NOT_FOUND;
    }
    free(line);
    return err;
}

/* The applicant's own key signed it; where he has none, his address is authenticated. */
static bool is_applicant(struct receiving *r, const struct application_row *row)
{
    if (row->fingerprint)
        return incoming_is_signed(r->in) && strcmp(row->fingerprint, r->in->signature.fingerprint) == 0;
    return reporter_is_authenticated(r->list, r->in) && application_is_from(r->f->db, row->id, from_of(r));
}

/* ---- a voucher ---- */

static enum err receive_vouch(struct receiving *r, const char *words, struct diag *reason, struct diag *why)
{
    struct application_row row = {0};
    struct apply a;
    char code[BOX_ID_SIZE] = "", answer[8] = "";
    enum err err;

    if (sscanf(words, "%8s %7s", code, answer) != 2 ||
        (strcasecmp(answer, "yes") != 0 && strcasecmp(answer, "no") != 0))
        return diag_set(reason, ERR_REJECT, "application.vouch", "it says neither yes nor no to an application");
    if (r->in->signature.made_at_utc_s + INCOMING_SIGNATURE_MAX_AGE_S < clock_now(r->f->clock))
        return diag_set(reason, ERR_REJECT, "replay", "the signature is older than 72 hours");
    err = application_by_code(r->f->db, code, &row, why);
    if (!err && row.list_id != r->list_row.id)
        err = ERR_NOT_FOUND;
    if (!err)
        err = apply_load(r->f, &row, &a, why);
    else
        application_row_free(&row);
    if (!err) {
        err = apply_vouch(&a, &r->member, strcasecmp(answer, "yes") == 0, why);
        apply_free(&a);
    }
    if (err == ERR_NOT_FOUND || err == ERR_DENIED)
        return diag_set(reason, ERR_REJECT, "application.vouch", "nobody asked this member to vouch for it");
    snprintf(r->rule, sizeof r->rule, "membership.vouchers");
    return err;
}

/* ---- a new one ---- */

static bool is_member(struct receiving *r, const char *org, const char *role, struct member_row *m)
{
    struct diag none;
    struct member_row *all = NULL;
    size_t n = 0;
    bool found = *role && !member_by_address(r->f->db, r->list_row.id, role, m, &none);

    if (!found)
        member_row_free(m);
    if (!found && !member_all(r->f->db, r->list_row.id, &all, &n, &none))
        for (size_t i = 0; i < n; i++)
            found = found || strcasecmp(all[i].org, org) == 0;
    for (size_t i = 0; i < n; i++)
        member_row_free(&all[i]);
    free(all);
    return found || r->member.id || r->admin;
}

/* What an admin has to look at first. ERR_OK where nothing stands against it. */
static enum err check_new(struct receiving *r, const char *org, const char *role, struct diag *reason)
{
    const struct policy_value *apply = &r->policy->membership.apply;
    struct application_row other = {0};
    struct member_row m = {0};
    struct diag none;
    enum err err = ERR_OK;

    if (r->in->released)
        return ERR_OK;
    if (policy_is(apply, POLICY_APPLY_INVITE))
        err = diag_set(reason, ERR_REJECT, "membership.apply", "the policy takes members by invitation");
    else if (is_member(r, org, role, &m))
        err = diag_set(reason, ERR_REJECT, "application.member", "it is made in a member's or an admin's name");
    else if (!application_open_of_org(r->f->db, r->list_row.id, org, 0, &other, &none))
        err = diag_set(reason, ERR_REJECT, "application.second", "an application of this organisation is open");
    application_row_free(&other);
    member_row_free(&m);
    return err;
}

static enum err keep_key(struct receiving *r, struct application_row *row, struct diag *why)
{
    if (r->in->key.len && r->in->key_facts)
        return application_set_key(r->f->db, row, r->in->key_facts, buf_span(&r->in->key), why);
    if (*r->in->key_rule) {
        free(row->key_rule);
        row->key_rule = mem_strdup(r->in->key_rule);
        return application_update(r->f->db, row, why);
    }
    return ERR_OK;
}

static char *form_text(const struct form *form)
{
    struct buf text = BUF_EMPTY;

    for (size_t i = 0; i < form->n; i++) {
        char *value = mem_strdup(form->values[i]);

        /* A paragraph is indented, so that it is read again as part of the value. */
        buf_printf(&text, "%s: ", form->names[i]);
        for (const char *p = value; *p; p++) {
            buf_add_byte(&text, (uint8_t)*p);
            if (*p == '\n')
                buf_add_str(&text, "  ");
        }
        buf_add_str(&text, "\n");
        mem_free_secret(&value);
    }
    return buf_take(&text);
}

static enum err insert(struct receiving *r, const struct form *form, const char *org, struct application_row *row,
                       struct diag *why)
{
    char *text = form_text(form);
    const char *answer = addr_is_valid(r->in->sender) ? r->in->sender : from_of(r);
    bool never = policy_is(&r->policy->reporting.acknowledge, POLICY_ACK_NEVER);
    enum err err;

    *row = (struct application_row){.list_id = r->list_row.id,
                                    .state = mem_strdup(application_state_name(APPLICATION_RECEIVED)),
                                    .received_at = r->in->received_at,
                                    .complete_at = INSTANT_NONE,
                                    .decide_by = INSTANT_NONE,
                                    .challenge_until = INSTANT_NONE};
    row->answerable = !never && (policy_is(&r->policy->reporting.acknowledge, POLICY_ACK_ALWAYS) ||
                                 reporter_is_authenticated(r->list, r->in));
    err = application_insert(r->f->db, row, org, from_of(r), answer, why);
    if (!err)
        err = application_set(r->f->db, row->id, APPLICATION_FORM, text, why);
    if (!err && r->in->outer.message_id)
        err = application_reference_add(r->f->db, row->id, r->in->outer.message_id, why);
    if (!err)
        err = audit_append(r->f->db, clock_now(r->f->clock), "applicant", "application.received", row->code,
                           "membership.apply", NULL, why);
    if (!err)
        err = keep_key(r, row, why);
    mem_free_secret(&text);
    return err;
}

static enum err new_application(struct receiving *r, const struct form *form, struct diag *reason, struct diag *why)
{
    const char *org = form_value(form, "Organisation");
    char role[ADDR_MAX_BYTES + 1];
    struct application_row row = {0};
    struct diag none;
    struct apply a;
    enum err err;

    if (addr_check(span_of(form_value(form, "Role-address")), role, &none))
        *role = 0;
    err = check_new(r, org, role, reason);
    if (!err)
        err = insert(r, form, org, &row, why);
    if (!err)
        err = apply_load(r->f, &row, &a, why);
    else
        application_row_free(&row);
    if (!err) {
        err = apply_settle(&a, why);
        log_event(a.row.code, "application", "membership.apply", NULL);
        apply_free(&a);
    }
    return err;
}

/* ---- more of one that is here ---- */

static enum err merge(struct apply *a, const struct form *news, struct diag *why)
{
    char *text;
    enum err err = ERR_OK;

    for (size_t i = 0; i < news->n; i++)
        if (*news->values[i])
            form_set(&a->form, news->names[i], news->values[i]);
    text = form_text(&a->form);
    err = application_set(a->f->db, a->row.id, APPLICATION_FORM, text, why);
    mem_free_secret(&text);
    if (!err && *form_value(news, "Organisation")) {
        mem_free_secret(&a->org);
        a->org = mem_strdup(form_value(news, "Organisation"));
        err = application_rename(a->f->db, a->row.id, a->org, why);
    }
    return err;
}

static enum err amend(struct receiving *r, struct apply *a, const struct form *news, struct diag *reason,
                      struct diag *why)
{
    char role[ADDR_MAX_BYTES + 1];
    struct diag none;
    enum err err = ERR_OK;

    if (addr_check(span_of(form_value(news, "Role-address")), role, &none))
        *role = 0;
    if (*form_value(news, "Organisation") && strcasecmp(form_value(news, "Organisation"), a->org) != 0)
        err = check_new(r, form_value(news, "Organisation"), role, reason);
    if (!err)
        err = merge(a, news, why);
    if (!err && !a->row.fingerprint) {
        err = keep_key(r, &a->row, why);
        if (!err && r->in->key_facts && a->row.fingerprint && !a->key) {
            a->key = mem_zero(1, sizeof *a->key);
            *a->key = *r->in->key_facts;
        }
    }
    if (!err)
        err = application_votes_drop(r->f->db, a->row.id, why);
    if (!err)
        err = apply_step(a, APPLICATION_AMEND, "applicant", "", NULL, why);
    return err ? err : apply_settle(a, why);
}

static enum err withdraw(struct apply *a, struct diag *why)
{
    enum err err = apply_step(a, APPLICATION_WITHDRAW, "applicant", "", NULL, why);

    if (!err)
        err = apply_end(a, why);
    if (!err)
        err = apply_write(a,
                          &(struct apply_mail){.subject = "Your application is withdrawn",
                                               .text = "application-ended",
                                               .clear = "application-ended",
                                               .automatic = true},
                          why);
    return err ? err : apply_tell_team(a, "An application was withdrawn", "The applicant has withdrawn.", false, why);
}

static enum err appeal(struct apply *a, const char *words, struct diag *reason, struct diag *why)
{
    enum err err;

    if (a->policy->membership.appeal.has == POLICY_NONE)
        return diag_set(reason, ERR_REJECT, "membership.appeal", "the policy knows no appeal");
    err = application_votes_drop(a->f->db, a->row.id, why);
    if (!err && a->key && a->row.quarantine == QUARANTINE_NONE)
        a->row.quarantine = QUARANTINE_TO_IMPORT;
    if (!err)
        err = apply_step(a, APPLICATION_APPEAL, "applicant", "membership.appeal", NULL, why);
    if (!err)
        err = application_message_add(a->f->db, a->row.id, "applicant", words, clock_now(a->f->clock), why);
    return err ? err
               : apply_tell_team(a, "An applicant appeals",
                                 "The applicant appeals against your decision. What he writes is among the messages of "
                                 "application show.",
                                 true, why);
}

static enum err add_message(struct receiving *r, struct apply *a, struct diag *reason, struct diag *why)
{
    struct application_message *messages = NULL;
    size_t n = 0;
    char *news;
    enum err err = application_messages(r->f->db, a->row.id, &messages, &n, why);

    application_messages_free(messages, n);
    if (!err && n >= MESSAGES_MAX)
        return diag_set(reason, ERR_REJECT, "application.messages", "the applicant has written too often");
    if (!err)
        err = application_message_add(r->f->db, a->row.id, "applicant", text_of(r), clock_now(r->f->clock), why);
    news = mem_printf("The applicant writes:\n\n%s", text_of(r));
    if (!err)
        err = apply_tell_team(a, "An applicant writes", news, false, why);
    mem_free_secret(&news);
    return err;
}

/* What the applicant, who has proved to be it, says. */
static enum err said_by_applicant(struct receiving *r, struct apply *a, const struct form *news, struct diag *reason,
                                  struct diag *why)
{
    char *challenge = form_line(text_of(r), "Challenge"), *end = form_line(text_of(r), "Withdraw"),
         *against = form_line(text_of(r), "Appeal");
    bool open = a->state != APPLICATION_ACTIVE && a->state != APPLICATION_DECLINED && a->state != APPLICATION_WITHDRAWN;
    enum err err;

    if (challenge && a->state == APPLICATION_CHALLENGED)
        err = apply_echo(a, text_of(r), reason, why);
    else if (end && strcasecmp(end, "yes") == 0 && open)
        err = withdraw(a, why);
    else if (against && *against && a->state == APPLICATION_DECLINED)
        err = appeal(a, against, reason, why);
    else if (a->state == APPLICATION_INCOMPLETE) {
        err = news->n_filled ? ERR_OK : add_message(r, a, reason, why);
        if (!err)
            err = amend(r, a, news, reason, why);
    } else if (!open && news->n_filled)
        err = new_application(r, news, reason, why);
    else
        err = add_message(r, a, reason, why);
    mem_free_secret(&challenge);
    mem_free_secret(&end);
    mem_free_secret(&against);
    return err;
}

static enum err known_application(struct receiving *r, struct application_row *row, const struct form *news,
                                  struct diag *reason, struct diag *why)
{
    struct apply a;
    enum err err;

    if (!is_applicant(r, row)) {
        application_row_free(row);
        return diag_set(reason, ERR_REJECT, "application.unproved",
                        "it speaks of an application, and is not signed by the applicant's key");
    }
    err = apply_load(r->f, row, &a, why);
    if (err)
        return err;
    if (r->in->outer.message_id)
        err = application_reference_add(r->f->db, a.row.id, r->in->outer.message_id, why);
    if (!err)
        err = said_by_applicant(r, &a, news, reason, why);
    apply_free(&a);
    return err;
}

/* ---- the way ---- */

static enum err stranger(struct receiving *r, const struct form *form, struct diag *reason, struct diag *why)
{
    bool sent = false;
    enum err err;

    if (r->policy->membership.apply.has == POLICY_NONE) {
        err = apply_answer_stranger(r->f, r->list, r->policy, r->list_row.id, r->in, "application-none",
                                    "This list takes no applications", &sent, why);
        snprintf(r->rule, sizeof r->rule, "membership.apply");
        return err || sent ? err
                           : diag_set(reason, ERR_REJECT, "membership.apply",
                                      "the list takes no applications, and the sender could not be told");
    }
    if (form->n_filled && *form_value(form, "Organisation"))
        return new_application(r, form, reason, why);
    err = apply_answer_stranger(r->f, r->list, r->policy, r->list_row.id, r->in, "application-form",
                                "How to apply for membership", &sent, why);
    if (!err && !sent)
        return diag_set(reason, ERR_REJECT, "application",
                        "no application, from a sender who could not be answered with the form");
    return err;
}

static enum err decide(struct receiving *r, struct diag *reason)
{
    struct decide_sender sender = {.kind = r->admin       ? POLICY_TEAM
                                           : r->member.id ? POLICY_MEMBER
                                                          : POLICY_STRANGER,
                                   .tier = r->member.tier,
                                   .signature = incoming_is_signed(r->in) ? r->bound : DECIDE_UNSIGNED,
                                   .encrypted = r->in->encrypted,
                                   .subject = r->in->outer.subject};
    struct decide_post verdict;
    enum err err;

    decide_post(r->policy, &sender, POLICY_TO_APPLY, &verdict);
    snprintf(r->rule, sizeof r->rule, "%s", verdict.rule);
    err =
        verdict.action == POLICY_ACT_ALLOW ? ERR_OK : diag_set(reason, ERR_REJECT, verdict.rule, "%s", verdict.reason);
    decide_post_free(&verdict);
    return err;
}

static enum err take(struct receiving *r, struct diag *reason, struct diag *why)
{
    struct application_row row = {0};
    const char *const *names;
    struct form form;
    char *vouch = r->member.id && r->proved ? form_line(text_of(r), "Vouch") : NULL;
    size_t n;
    enum err err;

    if (vouch) {
        err = receive_vouch(r, vouch, reason, why);
        mem_free_secret(&vouch);
        return err;
    }
    apply_fields(r->policy, &names, &n);
    form_parse(text_of(r), names, n, &form);
    err = find(r, &row, why);
    if (!err)
        err = known_application(r, &row, &form, reason, why);
    else if (err == ERR_NOT_FOUND)
        err = stranger(r, &form, reason, why);
    form_free(&form);
    return err;
}

enum err receive_apply(struct receiving *r, struct diag *reason, struct diag *why)
{
    struct diag undone;
    enum err err = r->in->released ? ERR_OK : receiving_check_ciphertext(r, reason, why);

    receiving_find_signer(r);
    if (!err && !r->in->released)
        err = decide(r, reason);
    if (!err)
        err = db_part_begin(r->f->db, why);
    if (err)
        return err;
    /* What is held after all leaves nothing but the held mail. */
    err = take(r, reason, why);
    if (err == ERR_REJECT)
        return db_part_undo(r->f->db, &undone) ? ERR_INTERNAL : ERR_REJECT;
    return err ? err : db_part_keep(r->f->db, why);
}

bool receive_apply_takes_released(const struct receiving *r)
{
    const char *const *names;
    struct form form;
    size_t n;
    bool takes;

    if (!receive_apply_takes(r))
        return false;
    apply_fields(r->policy, &names, &n);
    form_parse(text_of(r), names, n, &form);
    takes = *form_value(&form, "Organisation") != 0 && r->policy->membership.apply.has != POLICY_NONE;
    form_free(&form);
    return takes;
}

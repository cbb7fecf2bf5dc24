/* Mail to LIST+apply@: questions, applications, what applicants and vouchers answer. */
#include "flow/receive_apply.h"

#include "base/instant.h"
#include "base/log.h"
#include "base/mem.h"
#include "codec/addr.h"
#include "flow/receive_apply_parts.h"
#include "flow/reporter.h"
#include "store/audit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define MESSAGES_MAX 100 /* of one application: what comes after is held */

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
    line = form_line(receive_apply_text(r), "Challenge");
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

/* By what it answers, by the key that signed, by the number that it names. ERR_NOT_FOUND: none. */
static enum err find(struct receiving *r, struct application_row *out, struct diag *why)
{
    const char *signer = incoming_is_signed(r->in) ? r->in->signature.fingerprint : NULL;
    int64_t id = by_references(r);
    enum err err = ERR_NOT_FOUND;
    char *line;

    if (id) {
        err = application_by_id(r->f->db, id, out, why);
        if (err || !signer || !out->fingerprint || strcmp(out->fingerprint, signer) == 0)
            return err;
        application_row_free(out);
    }
    if (signer)
        err = application_by_fingerprint(r->f->db, r->list_row.id, signer, out, why);
    if (signer && err != ERR_NOT_FOUND)
        return err;
    if (id)
        return application_by_id(r->f->db, id, out, why);
    line = form_line(receive_apply_text(r), "Application");
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
    return reporter_is_authenticated(r->list, r->in) && application_is_from(r->f->db, row->id, receive_apply_from(r));
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

/* ---- more of one that is here ---- */

static enum err merge(struct apply *a, const struct form *news, const char *said, struct diag *why)
{
    char language[TEXT_LANGUAGE_MAX + 1], *text;
    enum err err = ERR_OK;

    for (size_t i = 0; i < news->n; i++)
        if (*news->values[i])
            form_set(&a->form, news->names[i], news->values[i]);
    apply_language(said, language);
    if (*language)
        snprintf(a->language, sizeof a->language, "%s", language);
    text = receive_apply_form(&a->form, a->language);
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
        err = receive_apply_check(r, form_value(news, "Organisation"), role, reason);
    if (!err)
        err = merge(a, news, receive_apply_text(r), why);
    if (!err && !a->row.fingerprint) {
        err = receive_apply_key(r, &a->row, why);
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
        err = application_message_add(r->f->db, a->row.id, "applicant", receive_apply_text(r), clock_now(r->f->clock),
                                      why);
    news = mem_printf("The applicant writes:\n\n%s", receive_apply_text(r));
    if (!err)
        err = apply_tell_team(a, "An applicant writes", news, false, why);
    mem_free_secret(&news);
    return err;
}

/* What the applicant, who has proved to be it, says. */
static enum err said_by_applicant(struct receiving *r, struct apply *a, const struct form *news, struct diag *reason,
                                  struct diag *why)
{
    char *challenge = form_line(receive_apply_text(r), "Challenge"),
         *end = form_line(receive_apply_text(r), "Withdraw"), *against = form_line(receive_apply_text(r), "Appeal");
    bool open = a->state != APPLICATION_ACTIVE && a->state != APPLICATION_DECLINED && a->state != APPLICATION_WITHDRAWN;
    enum err err;

    if (challenge && a->state == APPLICATION_CHALLENGED)
        err = apply_echo(a, receive_apply_text(r), reason, why);
    else if (end && strcasecmp(end, "yes") == 0 && open)
        err = withdraw(a, why);
    else if (against && *against && a->state == APPLICATION_DECLINED)
        err = appeal(a, against, reason, why);
    else if (a->state == APPLICATION_INCOMPLETE) {
        err = news->n_filled ? ERR_OK : add_message(r, a, reason, why);
        if (!err)
            err = amend(r, a, news, reason, why);
    } else if (!open && news->n_filled)
        err = receive_apply_new(r, news, reason, why);
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
    snprintf(r->application, sizeof r->application, "%s", a.row.code);
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
        return receive_apply_new(r, form, reason, why);
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
    char *vouch = r->member.id && r->proved ? form_line(receive_apply_text(r), "Vouch") : NULL;
    size_t n;
    enum err err;

    if (vouch) {
        err = receive_vouch(r, vouch, reason, why);
        mem_free_secret(&vouch);
        return err;
    }
    apply_fields(r->policy, &names, &n);
    form_parse(receive_apply_text(r), names, n, &form);
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
    form_parse(receive_apply_text(r), names, n, &form);
    takes = *form_value(&form, "Organisation") != 0 && r->policy->membership.apply.has != POLICY_NONE;
    form_free(&form);
    return takes;
}

/* What happens to an application, one step after the other. */
#include "flow/applications.h"

#include "base/instant.h"
#include "base/log.h"
#include "base/mem.h"
#include "codec/addr.h"
#include "flow/apply_welcome.h"
#include "flow/member_admit.h"
#include "flow/outgoing.h"
#include "flow/policies.h"
#include "flow/texts.h"
#include "store/approvals.h"
#include "store/audit.h"
#include "store/lookups.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define NONCE_BYTES 20 /* 160 bits: 32 letters */

/* ---- complete or not ---- */

static enum err set_decide_by(struct apply *a, struct diag *why)
{
    struct schedule_holidays holidays = {0};
    int64_t now = clock_now(a->f->clock);
    char detail[24];
    enum err err = policies_holidays(a->f->policies, a->policy, &holidays, why);

    a->row.complete_at = now;
    a->row.decide_by = schedule_add_duration(a->policy, &holidays, now, &a->policy->membership.decide_within, false);
    schedule_holidays_free(&holidays);
    if (!err)
        err = duty_end(a->f->db, APPLY_DECIDE_DUTY, a->row.id, NULL, why);
    if (err || a->row.decide_by == INSTANT_NONE)
        return err;
    err = duty_put(a->f->db, a->row.list_id, APPLY_DECIDE_DUTY, a->row.id, "", a->row.decide_by, why);
    for (size_t i = 0; !err && i < a->f->settings->n_reminders; i++) {
        int64_t before = a->f->settings->reminders_s[i];

        snprintf(detail, sizeof detail, "%lld", (long long)before);
        if (a->row.decide_by - before > now)
            err = duty_put(a->f->db, a->row.list_id, APPLY_DECIDE_DUTY, a->row.id, detail, a->row.decide_by - before,
                           why);
    }
    return err;
}

static enum err ask_voucher(struct apply *a, const struct member_row *m, struct diag *why)
{
    char address[ADDR_MAX_BYTES + 1] = "";
    struct tmpl_value values[] = {
        {"list", a->list->address}, {"application", a->row.code}, {"organisation", a->org}, {"address", address}};
    struct outgoing_to *to = NULL;
    struct contact_row *contacts = NULL;
    struct buf text = BUF_EMPTY;
    size_t n = 0, n_to = 0;
    enum err err = contact_all(a->f->db, m->id, &contacts, &n, why);

    addr_with_suffix(a->list->address, "apply", address, why);
    to = mem_zero(n, sizeof *to);
    for (size_t i = 0; !err && i < n; i++) {
        struct key_row *key = mem_zero(1, sizeof *key);
        struct diag none;

        if (contacts[i].fingerprint && !key_by_fingerprint(a->f->db, m->list_id, contacts[i].fingerprint, key, &none))
            to[n_to++] = (struct outgoing_to){.member_id = m->id,
                                              .key_row = key->id,
                                              .org = m->org,
                                              .address = contacts[i].address,
                                              .fingerprint = contacts[i].fingerprint};
        free(key);
    }
    if (!err && n_to)
        err = text_fill_in(a->f, m->language, "application-voucher", values, sizeof values / sizeof values[0], &text,
                           why);
    if (!err && n_to) {
        struct outgoing mail = {.kind = "application",
                                .list = a->list,
                                .list_id = a->row.list_id,
                                .subject = "An applicant names you",
                                .text = buf_text(&text),
                                .reply_to = address,
                                .to_members = true,
                                .earliest_at = INSTANT_NONE};
        err = outgoing_queue(a->f, &mail, content_sealed(), to, n_to, NULL, why);
    }
    contact_rows_free(contacts, n);
    free(to);
    buf_free(&text);
    return err;
}

/* Does the field name this organisation, between commas, semicolons or line breaks? */
static bool names_org(const char *vouchers, const char *org)
{
    size_t want = strlen(org);

    while (*vouchers) {
        size_t len = strcspn(vouchers, ",;\n"), at = 0, end;

        for (end = len; end && strchr(" \t\r.", vouchers[end - 1]);)
            end--;
        while (at < end && strchr(" \t\r", vouchers[at]))
            at++;
        if (end - at == want && strncasecmp(vouchers + at, org, want) == 0)
            return true;
        vouchers += len + (vouchers[len] ? 1 : 0);
    }
    return false;
}

/* Who is named and is a member is asked, where the policy wants vouchers. */
static enum err ask_vouchers(struct apply *a, struct diag *why)
{
    const char *named = form_value(&a->form, "Vouchers");
    struct member_row *members = NULL;
    size_t n = 0;
    enum err err;

    if (policy_number(&a->policy->membership.vouchers, 0) < 1 || !*named)
        return ERR_OK;
    err = member_all(a->f->db, a->row.list_id, &members, &n, why);
    for (size_t i = 0; i < n; i++) {
        enum member_state state;
        bool added = false;

        if (!err && names_org(named, members[i].org) && member_state_parse(members[i].state, &state) &&
            state == MEMBER_ACTIVE) {
            err = application_voucher_ask(a->f->db, a->row.id, members[i].id, clock_now(a->f->clock), &added, why);
            if (!err && added)
                err = ask_voucher(a, &members[i], why);
        }
        member_row_free(&members[i]);
    }
    free(members);
    return err ? err : apply_judge(a, why);
}

static enum err settle_complete(struct apply *a, struct diag *why)
{
    char until[INSTANT_TEXT_SIZE];
    struct tmpl_value values[1];
    enum err err = set_decide_by(a, why);

    if (!err)
        err = apply_step(a, APPLICATION_FIND_COMPLETE, "embargod", "membership.application", NULL, why);
    if (!err)
        err = ask_vouchers(a, why);
    values[0] = (struct tmpl_value){"until", instant_text(a->row.decide_by, until)};
    if (!err)
        err = apply_write(a,
                          &(struct apply_mail){.subject = "Your application is complete",
                                               .text = "application-received",
                                               .clear = "application-received-clear",
                                               .automatic = true,
                                               .values = values,
                                               .n = 1},
                          why);
    return err ? err
               : apply_tell_team(a, "An application for membership",
                                 "An organisation applies for membership, and its application is complete.", true, why);
}

static enum err settle_incomplete(struct apply *a, struct diag *why)
{
    struct buf missing = BUF_EMPTY;
    struct tmpl_value values[1];
    enum err err = apply_step(a, APPLICATION_FIND_INCOMPLETE, "embargod", "membership.application", NULL, why);

    apply_missing(a, &missing);
    values[0] = (struct tmpl_value){"missing", buf_text(&missing)};
    if (!err)
        err = apply_write(a,
                          &(struct apply_mail){.subject = "Your application is not complete",
                                               .text = "application-incomplete",
                                               .clear = "application-incomplete",
                                               .automatic = true,
                                               .values = values,
                                               .n = 1},
                          why);
    if (!err && !a->row.answerable)
        err = apply_tell_team(a, "An application that is not complete",
                              "An application has come that is not complete. Its sender proved nothing, so that he has "
                              "not been answered: ask him, or decline it.",
                              true, why);
    buf_free(&missing);
    return err;
}

enum err apply_settle(struct apply *a, struct diag *why)
{
    char role[ADDR_MAX_BYTES + 1];
    enum err err = ERR_OK;

    apply_role_address(a, role);
    /* Nothing came with it: its domain may publish a key. */
    if (!a->key && !a->row.key_rule && *role) {
        a->row.key_rule = mem_strdup("key.sought");
        err = lookup_put(a->f->db, a->row.list_id, APPLY_LOOKUP, a->row.id, role, clock_now(a->f->clock), why);
        if (!err)
            err = application_update(a->f->db, &a->row, why);
        return err;
    }
    err = apply_judge(a, why);
    if (err)
        return err;
    return a->criteria.complete ? settle_complete(a, why) : settle_incomplete(a, why);
}

/* ---- vouchers ---- */

enum err apply_vouch(struct apply *a, const struct member_row *member, bool yes, struct diag *why)
{
    char *author = mem_printf("member:%s", member->org), *news;
    enum err err =
        a->state == APPLICATION_COMPLETE || a->state == APPLICATION_INCOMPLETE || a->state == APPLICATION_APPEALED
            ? ERR_OK
            : diag_set(why, ERR_DENIED, "state.application", "the application is not under review any more");

    if (!err)
        err = application_voucher_answer(a->f->db, a->row.id, member->id, yes, clock_now(a->f->clock), why);
    if (!err)
        err = audit_append(a->f->db, clock_now(a->f->clock), author, yes ? "application.vouch" : "application.unvouch",
                           a->row.code, "membership.vouchers", NULL, why);
    if (!err)
        err = apply_judge(a, why);
    news = mem_printf("%s %s for %s.", member->org, yes ? "vouches" : "does not vouch", a->org);
    if (!err)
        err = apply_tell_team(a, "A voucher has answered", news, true, why);
    mem_free_secret(&news);
    free(author);
    return err;
}

/* ---- the challenge ---- */

static char *challenge_text(const struct apply *a, const char *role, const char *nonce)
{
    return mem_printf("Application: %s\nList: %s <%s>\nOrganisation: %s\nAddress: %s\nFingerprint: %s\nChallenge: %s\n",
                      a->row.code, a->list->name, a->list->address, a->org, role, a->row.fingerprint, nonce);
}

static enum err send_challenge(struct apply *a, const char *role, const char *nonce, struct diag *why)
{
    char until[INSTANT_TEXT_SIZE], *challenge = challenge_text(a, role, nonce);
    struct tmpl_value values[] = {{"challenge", challenge}, {"until", instant_text(a->row.challenge_until, until)}};
    enum err err = apply_write(a,
                               &(struct apply_mail){.subject = "Show that this key is yours",
                                                    .text = "application-challenge",
                                                    .to_role = true,
                                                    .values = values,
                                                    .n = 2},
                               why);

    mem_free_secret(&challenge);
    return err;
}

enum err apply_challenge(struct apply *a, struct diag *why)
{
    char nonce[(8 * NONCE_BYTES + 4) / 5 + 1], role[ADDR_MAX_BYTES + 1];
    int64_t until = clock_now(a->f->clock) + APPLY_CHALLENGE_S;
    enum err err = ERR_OK;

    apply_role_address(a, role);
    if (!apply_can_seal(a) || !*role)
        return diag_set(why, ERR_DENIED, "key.missing",
                        "the applicant has no key that can be used, or no address: ask for it");
    box_random_token(NONCE_BYTES, nonce);
    err = application_set_challenge(a->f->db, &a->row, nonce, until, why);
    if (!err)
        err = apply_step(a, APPLICATION_CHALLENGE, "embargod", "application.challenge", NULL, why);
    if (!err)
        err = duty_end(a->f->db, APPLY_CHALLENGE_DUTY, a->row.id, NULL, why);
    if (!err)
        err = duty_put(a->f->db, a->row.list_id, APPLY_CHALLENGE_DUTY, a->row.id, "", until, why);
    if (!err)
        err = send_challenge(a, role, nonce, why);
    mem_wipe(nonce, sizeof nonce);
    return err;
}

static enum err admit(struct apply *a, struct diag *why)
{
    char role[ADDR_MAX_BYTES + 1];
    struct buf certificate = BUF_EMPTY;
    struct admission in = {.address = role, .key = a->key, .actor = "applicant", .rule = "application.challenge"};
    struct member_row m = {.list_id = a->row.list_id,
                           .org = mem_strdup(a->org),
                           .class_name = mem_strdup(form_value(&a->form, "Class")),
                           .tier = mem_strdup(apply_tier(a) ? apply_tier(a) : ""),
                           .state = mem_strdup(member_state_name(MEMBER_ACTIVE)),
                           .language = *a->language ? mem_strdup(a->language) : NULL,
                           .added_at = clock_now(a->f->clock)};
    enum err err = application_key(a->f->db, a->row.id, a->key, &certificate, why);

    apply_role_address(a, role);
    in.certificate = buf_span(&certificate);
    if (!err)
        err = member_admit(a->f, a->policy, &in, &m, why);
    if (!err) {
        a->row.member_id = m.id;
        err = apply_step(a, APPLICATION_ANSWER, "applicant", "application.challenge", NULL, why);
    }
    if (!err)
        err = apply_end(a, why);
    if (!err)
        err = apply_welcome(a, &m, role, why);
    if (!err)
        err = apply_tell_team(a, "A new member", "The applicant has proved the key, and is a member from now on.",
                              false, why);
    buf_free(&certificate);
    member_row_free(&m);
    return err;
}

enum err apply_echo(struct apply *a, const char *text, struct diag *reason, struct diag *why)
{
    char role[ADDR_MAX_BYTES + 1], *nonce = form_line(text, "Challenge"), *flat = form_flatten(text), *wanted, *whole;
    enum err err;

    apply_role_address(a, role);
    wanted = challenge_text(a, role, nonce ? nonce : "");
    whole = form_flatten(wanted);
    if (!nonce || !application_challenge_is(a->f->db, a->row.id, nonce) || !strstr(flat, whole)) {
        err = diag_set(reason, ERR_REJECT, "application.echo", "it does not hold the whole text of the challenge");
    } else if (a->row.challenge_until < clock_now(a->f->clock)) {
        err = a->row.challenges < APPLY_CHALLENGES_MAX
                  ? apply_challenge(a, why)
                  : diag_set(reason, ERR_REJECT, "application.echo", "the challenge has expired, for the last time");
    } else {
        err = admit(a, why);
        /* What the policy or another member stands against is for the admins to see. */
        if (err == ERR_DENIED || err == ERR_NOT_FOUND || err == ERR_USAGE) {
            *reason = *why;
            err = ERR_REJECT;
        }
    }
    mem_free_secret(&nonce);
    mem_free_secret(&flat);
    mem_free_secret(&wanted);
    mem_free_secret(&whole);
    return err;
}

/* ---- accepted, ended ---- */

static enum err keep_votes(struct apply *a, struct diag *why)
{
    struct approval_row *rows = NULL;
    size_t n = 0;
    enum err err = approval_open(a->f->db, a->row.list_id, &rows, &n, why);

    for (size_t i = 0; i < n; i++) {
        struct vote_row *votes = NULL;
        size_t n_votes = 0;

        if (!err && strcmp(rows[i].action, "application approve") == 0 && strcmp(rows[i].object, a->row.code) == 0)
            err = vote_all(a->f->db, rows[i].id, &votes, &n_votes, why);
        for (size_t k = 0; !err && k < n_votes; k++)
            err = application_vote(a->f->db, a->row.id, votes[k].admin, votes[k].vote, votes[k].at, why);
        vote_rows_free(votes, n_votes);
        approval_row_free(&rows[i]);
    }
    free(rows);
    return err;
}

enum err apply_accept(struct apply *a, const char *actor, struct diag *why)
{
    enum err err = keep_votes(a, why);

    if (!err)
        err = apply_step(a, APPLICATION_APPROVE, actor, "approvals.member_add", NULL, why);
    if (!err)
        err = duty_end(a->f->db, APPLY_DECIDE_DUTY, a->row.id, NULL, why);
    return err ? err : apply_challenge(a, why);
}

enum err apply_end(struct apply *a, struct diag *why)
{
    enum err err = application_drop_key(a->f->db, &a->row, why);

    if (!err)
        err = duty_end(a->f->db, APPLY_DECIDE_DUTY, a->row.id, NULL, why);
    if (!err)
        err = duty_end(a->f->db, APPLY_CHALLENGE_DUTY, a->row.id, NULL, why);
    if (!err)
        err = duty_end(a->f->db, APPLY_KEY_DUTY, a->row.id, NULL, why);
    return err ? err : lookup_end(a->f->db, APPLY_LOOKUP, a->row.id, why);
}

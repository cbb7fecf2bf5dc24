/* What applicants, admins and vouchers are told. */
#include "flow/applications.h"

#include "base/instant.h"
#include "base/log.h"
#include "base/mem.h"
#include "codec/addr.h"
#include "flow/cases_flow.h"
#include "flow/outgoing.h"
#include "flow/reporter.h"
#include "flow/texts.h"
#include "store/outbox.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ANSWERS_PER_HOUR        60
#define ANSWERS_PER_ADDRESS_DAY 5
#define VALUES_MAX              16

static char *apply_address(const struct settings_list *list)
{
    char out[ADDR_MAX_BYTES + 1];
    struct diag none;

    return mem_strdup(addr_with_suffix(list->address, "apply", out, &none) ? list->address : out);
}

static bool may_answer(struct flow *f, const char *address)
{
    int64_t now = clock_now(f->clock);

    return addr_is_valid(address) && application_answers_since(f->db, now - 3600) < ANSWERS_PER_HOUR &&
           application_answers_to_since(f->db, address, now - 86400) < ANSWERS_PER_ADDRESS_DAY;
}

/* What we write about it leads back to it. */
static enum err note_reference(struct apply *a, int64_t mail_id, struct diag *why)
{
    struct mail_row row = {0};
    enum err err = mail_by_id(a->f->db, mail_id, &row, why);

    if (!err)
        err = application_reference_add(a->f->db, a->row.id, row.message_id, why);
    mail_row_free(&row);
    return err;
}

static size_t add_values(const struct apply *a, const struct apply_mail *mail, const char *address,
                         struct tmpl_value out[VALUES_MAX])
{
    size_t n = 0;

    out[n++] = (struct tmpl_value){"list", a->list->address};
    out[n++] = (struct tmpl_value){"application", a->row.code};
    out[n++] = (struct tmpl_value){"organisation", a->org};
    out[n++] = (struct tmpl_value){"address", address};
    for (size_t i = 0; i < mail->n && n < VALUES_MAX; i++)
        out[n++] = mail->values[i];
    return n;
}

static enum err write_to(struct apply *a, const struct apply_mail *mail, const char *to_address, struct diag *why)
{
    bool seal = apply_can_seal(a);
    char *address = apply_address(a->list);
    struct tmpl_value values[VALUES_MAX];
    size_t n = add_values(a, mail, address, values);
    struct outgoing_to to = {
        .application_id = a->row.id, .secret_address = to_address, .fingerprint = seal ? a->row.fingerprint : NULL};
    struct content content = content_sealed();
    struct buf text = BUF_EMPTY;
    int64_t mail_id = 0;
    enum err err =
        text_fill_in(a->f, *a->language ? a->language : NULL, seal ? mail->text : mail->clear, values, n, &text, why);

    if (!err && !seal)
        err = content_cleared(CLEARED_NOTICE, a->policy, NULL, &content, why);
    if (!err) {
        struct outgoing m = {.kind = !seal && mail->automatic ? "receipt" : "application",
                             .list = a->list,
                             .list_id = a->row.list_id,
                             .subject = seal ? mail->subject : "Your mail about membership",
                             .text = buf_text(&text),
                             .files = mail->files,
                             .n_files = mail->n_files,
                             .reply_to = address,
                             .automatic = mail->automatic,
                             .earliest_at = INSTANT_NONE};
        err = outgoing_queue(a->f, &m, content, &to, 1, &mail_id, why);
    }
    if (!err)
        err = note_reference(a, mail_id, why);
    if (!err && mail->automatic)
        err = application_answer_note(a->f->db, to_address, clock_now(a->f->clock), why);
    buf_free(&text);
    free(address);
    return err;
}

enum err apply_write(struct apply *a, const struct apply_mail *mail, struct diag *why)
{
    char role[ADDR_MAX_BYTES + 1] = "";
    char *answer = application_get(a->f->db, a->row.id, APPLICATION_ANSWER_TO);
    const char *to = answer ? answer : "";
    enum err err = ERR_OK;

    apply_role_address(a, role);
    if (mail->to_role)
        to = role;
    if (!*to || !addr_is_valid(to) || (!apply_can_seal(a) && !mail->clear))
        log_event(a->row.code, "applicant-not-told", "application.no-address", NULL);
    else if (mail->automatic && (!a->row.answerable || !may_answer(a->f, to)))
        log_event(a->row.code, "applicant-not-told", "reporting.acknowledge", NULL);
    else
        err = write_to(a, mail, to, why);
    mem_free_secret(&answer);
    return err;
}

/* ---- to whoever asks ---- */

void apply_empty_form(const struct policy *policy, struct buf *out)
{
    const char *const *names;
    size_t n;

    apply_fields(policy, &names, &n);
    for (size_t i = 0; i < n; i++)
        buf_printf(out, "%s:\n", names[i]);
}

static void list_criteria(const struct policy *policy, struct buf *out)
{
    for (size_t i = 0; i < policy->membership.n_criteria; i++)
        buf_printf(out, "  - %s\n", policy_words(&policy->membership.criteria[i].text, ""));
}

static void list_classes(const struct policy *policy, struct buf *out)
{
    struct buf seen = BUF_EMPTY;

    for (size_t i = 0; i < policy->n_tiers; i++)
        for (size_t k = 0; k < policy->tiers[i].classes.n_items; k++) {
            char *word = mem_printf("\n%s\n", policy->tiers[i].classes.items[k]);

            if (!strstr(buf_text(&seen), word)) {
                buf_printf(out, "%s%s", out->len ? ", " : "", policy->tiers[i].classes.items[k]);
                buf_add_str(&seen, word);
            }
            free(word);
        }
    buf_free(&seen);
}

static enum err queue_stranger(struct flow *f, const struct settings_list *list, const struct policy *policy,
                               int64_t list_id, const struct incoming *in, const char *subject, const char *text,
                               const char *reply_to, struct diag *why)
{
    struct outgoing_to to = {.secret_address = in->sender};
    struct outgoing mail = {.kind = "receipt",
                            .list = list,
                            .list_id = list_id,
                            .subject = subject,
                            .text = text,
                            .reply_to = reply_to,
                            .in_reply_to = in->outer.message_id,
                            .automatic = true,
                            .earliest_at = INSTANT_NONE};
    struct content content;
    enum err err = content_cleared(CLEARED_NOTICE, policy, NULL, &content, why);

    if (!err)
        err = outgoing_queue(f, &mail, content, &to, 1, NULL, why);
    return err ? err : application_answer_note(f->db, in->sender, clock_now(f->clock), why);
}

enum err apply_answer_stranger(struct flow *f, const struct settings_list *list, const struct policy *policy,
                               int64_t list_id, const struct incoming *in, const char *text, const char *subject,
                               bool *sent, struct diag *why)
{
    const struct policy_value *acknowledge = &policy->reporting.acknowledge;
    struct buf form = BUF_EMPTY, criteria = BUF_EMPTY, classes = BUF_EMPTY, words = BUF_EMPTY;
    bool may = !policy_is(acknowledge, POLICY_ACK_NEVER) &&
               (policy_is(acknowledge, POLICY_ACK_ALWAYS) || reporter_is_authenticated(list, in)) &&
               may_answer(f, in->sender);
    char language[TEXT_LANGUAGE_MAX + 1], *address;
    enum err err = ERR_OK;

    if (sent)
        *sent = may;
    if (!may) {
        log_event(NULL, "not-answered", "reporting.acknowledge", NULL);
        return ERR_OK;
    }
    address = apply_address(list);
    apply_language(in->text ? in->text : "", language);
    apply_empty_form(policy, &form);
    list_criteria(policy, &criteria);
    list_classes(policy, &classes);
    {
        struct tmpl_value values[] = {{"list", list->address},
                                      {"address", address},
                                      {"form", buf_text(&form)},
                                      {"criteria", buf_text(&criteria)},
                                      {"classes", buf_text(&classes)},
                                      {"key", list->fingerprint},
                                      {"policy", policy_words(&policy->title, "")}};
        err = text_fill_in(f, *language ? language : NULL, text, values, sizeof values / sizeof values[0], &words, why);
    }
    if (!err)
        err = queue_stranger(f, list, policy, list_id, in, subject, buf_text(&words), address, why);
    buf_free(&form);
    buf_free(&criteria);
    buf_free(&classes);
    buf_free(&words);
    free(address);
    return err;
}

/* ---- to the admins ---- */

/* What an applicant can do about the key that came, or did not. */
static const char *key_words(const struct apply *a)
{
    static const struct {
        const char *rule, *words;
    } rows[] = {
        {"key.secret", "what came was a secret key, which counts as known to others now: revoke it, make a new one, "
                       "and attach that one's public part"},
        {"key.exposed", "it came as a secret key before, and counts as known to others: revoke it, make a new one, and "
                        "attach that one's public part"},
        {"key.other-address",
         "the key that your domain publishes does not name the Role-address: attach one that does"},
        {"key.expired", "it has expired: attach it with a later date"},
        {"key.revoked", "it is revoked: attach another one"},
        {"key.no-encryption", "nothing can be encrypted to it: add a subkey for encryption"},
        {"key.weak-cipher", "it does not name AES among its ciphers: set its preferences anew"},
        {"key.weak-key", "it is too short, or of a kind that is not safe any more: make a new one"},
        {"key.v6", "a version that is not read here: make a version 4 key"},
        {"key.v3", "a version that is not safe any more: make a version 4 key"},
        {"key.several", "more than one came: attach the one alone"},
        {"key.too-large", "it is too large: export it with export-minimal"},
        {"key.garbage", "what came is no key: export it with gpg --armor --export"},
        {"key.not-taken", "gpg does not take it: export it with gpg --armor --export"},
    };

    for (size_t i = 0; a->row.key_rule && i < sizeof rows / sizeof rows[0]; i++)
        if (strcmp(a->row.key_rule, rows[i].rule) == 0)
            return rows[i].words;
    return NULL;
}

void apply_missing(const struct apply *a, struct buf *out)
{
    for (size_t i = 0; i < a->criteria.missing.n; i++) {
        const char *words = strcmp(a->criteria.missing.items[i], "OpenPGP key") == 0 ? key_words(a) : NULL;

        buf_printf(out, "  - %s%s%s\n", a->criteria.missing.items[i], words ? ": " : "", words ? words : "");
    }
}

static void write_form(const struct apply *a, struct buf *out)
{
    for (size_t i = 0; i < a->form.n; i++)
        buf_printf(out, "%s: %s\n", a->form.names[i], a->form.values[i]);
}

static void write_checklist(const struct apply *a, struct buf *out)
{
    for (size_t i = 0; i < a->criteria.n; i++) {
        const struct decide_criterion *c = &a->criteria.items[i];

        buf_printf(out, "  [%-7s] %s: %s\n", decide_result_name(c->result), c->id, c->reason);
    }
}

/* Whether the team has something to decide still. */
static bool is_open(const struct apply *a)
{
    static const char *const ended[] = {"active", "declined", "withdrawn"};

    for (size_t i = 0; i < sizeof ended / sizeof ended[0]; i++)
        if (strcmp(a->row.state, ended[i]) == 0)
            return false;
    return true;
}

enum err apply_tell_team(struct apply *a, const char *subject, const char *news, bool whole, struct diag *why)
{
    struct buf text = BUF_EMPTY, form = BUF_EMPTY, checklist = BUF_EMPTY;
    char until[INSTANT_TEXT_SIZE], needs[16], *heading;
    bool open = is_open(a);
    enum err err;

    if (whole) {
        write_form(a, &form);
        write_checklist(a, &checklist);
    }
    snprintf(needs, sizeof needs, "%d", decide_approvals(a->policy, DECIDE_MEMBER_ADD));
    heading = mem_printf("[%s] %s", a->row.code, subject);
    {
        struct tmpl_value values[] = {{"application", a->row.code},
                                      {"organisation", a->org},
                                      {"state", a->row.state},
                                      {"news", news},
                                      {"form", buf_text(&form)},
                                      {"checklist", buf_text(&checklist)},
                                      {"fingerprint", a->row.fingerprint},
                                      {"needs", needs},
                                      {"kept", open ? " (in quarantine until it is proved)" : ""},
                                      {"open", open ? "yes" : NULL},
                                      {"until", open ? instant_text(a->row.decide_by, until) : NULL}};
        err = text_fill("application-team", values, sizeof values / sizeof values[0], &text, why);
    }
    if (!err)
        err = case_notify_team(a->f, a->list, a->row.list_id, NULL, heading, buf_text(&text), why);
    buf_free(&text);
    buf_free(&form);
    buf_free(&checklist);
    mem_free_secret(&heading);
    return err;
}

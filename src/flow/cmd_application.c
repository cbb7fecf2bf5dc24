/* Commands on applications for membership. */
#include "flow/applications.h"
#include "flow/approvals.h"
#include "flow/cmd.h"
#include "flow/member_verbs.h"

#include "base/instant.h"
#include "base/mem.h"
#include "codec/addr.h"
#include "codec/tmpl.h"
#include "store/audit.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define OWNERS_MAX 32

static bool may_see(struct flow *f, const struct command *c, const struct settings_list *list)
{
    (void)f;
    return (!c->list || strcmp(c->list, list->name) == 0) &&
           (c->actor.kind != ACTOR_ADMIN || settings_admin_serves(c->actor.admin, list));
}

static enum err load(struct flow *f, const struct command *c, struct apply *out, struct diag *why)
{
    struct application_row row = {0};
    const struct settings_list *list;
    enum err err = application_by_code(f->db, command_word(c, "ID"), &row, why);

    if (!err) {
        list = flow_list_of_row(f, row.list_id, why);
        if (!list || !may_see(f, c, list))
            err = diag_set(why, ERR_NOT_FOUND, "application.unknown", "no such application");
    }
    if (err) {
        application_row_free(&row);
        memset(out, 0, sizeof *out);
        return err;
    }
    return apply_load(f, &row, out, why);
}

static enum err list_one(struct flow *f, const struct settings_list *list, json_t *out, struct diag *why)
{
    struct list_row row = {0};
    struct application_row *rows = NULL;
    size_t n = 0;
    enum err err = list_by_name(f->db, list->name, &row, why);

    if (!err)
        err = application_all(f->db, row.id, &rows, &n, why);
    for (size_t i = 0; i < n; i++) {
        struct apply a;

        if (err) {
            application_row_free(&rows[i]);
            continue;
        }
        err = apply_load(f, &rows[i], &a, why);
        if (!err) {
            json_array_append_new(out, apply_view(&a, false));
            apply_free(&a);
        }
    }
    free(rows);
    list_row_free(&row);
    return err;
}

enum err cmd_application_list(struct flow *f, const struct command *c, struct reply *r, struct diag *why)
{
    enum err err = ERR_OK;

    r->data = json_array();
    for (size_t i = 0; !err && i < f->settings->n_lists; i++)
        if (may_see(f, c, &f->settings->lists[i]))
            err = list_one(f, &f->settings->lists[i], r->data, why);
    return err;
}

enum err cmd_application_show(struct flow *f, const struct command *c, struct reply *r, struct diag *why)
{
    struct apply a;
    enum err err = load(f, c, &a, why);

    if (!err)
        r->data = apply_view(&a, true);
    apply_free(&a);
    return err;
}

/* ---- votes ---- */

/* Whose application it is: the address, the key, and every domain that it names. The domains are cut out of `words`. */
static size_t owners_of(const struct apply *a, char *role, char *words, const char **out)
{
    size_t n = 0;
    char *save = NULL;

    apply_role_address(a, role);
    if (*role)
        out[n++] = role;
    if (a->row.fingerprint)
        out[n++] = a->row.fingerprint;
    for (char *word = strtok_r(words, ", ;\t\r\n", &save); word && n < OWNERS_MAX;
         word = strtok_r(NULL, ", ;\t\r\n", &save)) {
        word += strspn(word, "@*.");
        if (*word)
            out[n++] = word;
    }
    return n;
}

static enum err check_tier(const struct apply *a, struct diag *why)
{
    const char *name = apply_tier(a), *class_name = form_value(&a->form, "Class");
    const struct policy_tier *tier = name ? policy_tier_find(a->policy, name) : NULL;

    if (!tier)
        return diag_set(why, ERR_DENIED, "tier.unknown", "no tier of the policy takes class `%.40s`: --tier T",
                        class_name);
    if (!policy_holds(&tier->classes, class_name))
        return policy_diag(why, ERR_DENIED, a->policy, &tier->classes, "tiers.classes",
                           "tier `%s` does not take members of class `%.40s`", name, class_name);
    return ERR_OK;
}

/* What the votes are for: the same form, key and tier. */
static void basis_of(const struct apply *a, struct buf *out)
{
    buf_printf(out, "%s\n%s\n", a->row.fingerprint ? a->row.fingerprint : "", apply_tier(a) ? apply_tier(a) : "");
    for (size_t i = 0; i < a->form.n; i++)
        buf_printf(out, "%s: %s\n", a->form.names[i], a->form.values[i]);
}

static enum err gate(struct apply *a, const struct command *c, struct reply *r, bool *go_on, struct diag *why)
{
    char role[ADDR_MAX_BYTES + 1], *domains = mem_strdup(form_value(&a->form, "Domains"));
    const char *owners[OWNERS_MAX + 2];
    struct buf basis = BUF_EMPTY;
    struct approval_what what = {.action = "application approve",
                                 .object = a->row.code,
                                 .list = a->list,
                                 .list_id = a->row.list_id,
                                 .needs = decide_approvals(a->policy, DECIDE_MEMBER_ADD)};
    enum err err;

    basis_of(a, &basis);
    what.basis = buf_span(&basis);
    what.n_owners = owners_of(a, role, domains, owners);
    what.owners = owners;
    err = approval_gate(a->f, c, &what, r, go_on, why);
    buf_free(&basis);
    mem_free_secret(&domains);
    return err;
}

static enum err approve(struct apply *a, const struct command *c, struct reply *r, bool *go_on, struct diag *why)
{
    const struct application_step *step;
    enum err err = application_step_find(a->state, APPLICATION_APPROVE, &step, why);

    if (!err && command_word(c, "tier")) {
        free(a->row.tier);
        a->row.tier = mem_strdup(command_word(c, "tier"));
    }
    if (!err)
        err = decide_accept(a->policy, &a->criteria, why);
    if (!err)
        err = check_tier(a, why);
    if (!err)
        err = gate(a, c, r, go_on, why);
    if (!err && *go_on)
        err = apply_accept(a, c->actor.name, why);
    if (!err && *go_on && c->actor.admin)
        err = application_vote(a->f->db, a->row.id, c->actor.admin->address, "approve", clock_now(a->f->clock), why);
    return err;
}

static void show(struct apply *a, struct reply *r)
{
    struct diag none;

    apply_judge(a, &none);
    json_decref(r->data);
    r->data = apply_view(a, true);
}

enum err cmd_application_approve(struct flow *f, const struct command *c, struct reply *r, struct diag *why)
{
    struct apply a;
    bool go_on = true;
    enum err err = load(f, c, &a, why);

    /* It has the votes already, and the challenge was lost or is over. */
    if (!err && a.state == APPLICATION_CHALLENGED)
        err = a.row.challenges < APPLY_CHALLENGES_MAX
                  ? apply_challenge(&a, why)
                  : diag_set(why, ERR_DENIED, "application.echo", "%d challenges were sent: decline it",
                             APPLY_CHALLENGES_MAX);
    else if (!err)
        err = approve(&a, c, r, &go_on, why);
    if (!err)
        show(&a, r);
    apply_free(&a);
    return err;
}

/* ---- decline, ask ---- */

/* What waits for further votes has lost its reason. */
static enum err drop_approvals(struct apply *a, const struct command *c, const char *reason, struct diag *why)
{
    struct approval_row *rows = NULL;
    size_t n = 0;
    enum err err = approval_open(a->f->db, a->row.list_id, &rows, &n, why);

    for (size_t i = 0; i < n; i++) {
        if (!err && strcmp(rows[i].action, "application approve") == 0 && strcmp(rows[i].object, a->row.code) == 0)
            err = approval_withdraw(a->f, &rows[i], reason, &c->actor, why);
        approval_row_free(&rows[i]);
    }
    free(rows);
    return err;
}

/* Nobody decides on an own organisation, for or against. */
static enum err check_owner(struct apply *a, const struct command *c, struct diag *why)
{
    char role[ADDR_MAX_BYTES + 1], *domains = mem_strdup(form_value(&a->form, "Domains"));
    const char *owners[OWNERS_MAX + 2];
    size_t n = owners_of(a, role, domains, owners);
    enum err err = approval_may_vote(a->f, a->list, owners, n, &c->actor, why);

    mem_free_secret(&domains);
    return err;
}

static enum err tell_declined(struct apply *a, const char *reason, struct diag *why)
{
    const char *appeal = a->policy->membership.appeal.has == POLICY_STATED ? a->policy->membership.appeal.text : "";
    struct tmpl_value values[] = {{"reason", reason}, {"appeal", appeal}};

    return apply_write(a,
                       &(struct apply_mail){.subject = "Your application is declined",
                                            .text = "application-declined",
                                            .clear = "application-declined-clear",
                                            .values = values,
                                            .n = 2},
                       why);
}

enum err cmd_application_decline(struct flow *f, const struct command *c, struct reply *r, struct diag *why)
{
    const char *reason = command_word(c, "reason");
    struct apply a;
    enum err err = load(f, c, &a, why);

    if (!err && !(reason && *reason))
        err = diag_set(why, ERR_USAGE, "command.option", "--reason T is needed");
    if (!err)
        err = check_owner(&a, c, why);
    if (!err)
        err = apply_step(&a, APPLICATION_DECLINE, c->actor.name, "", reason, why);
    if (!err)
        err = application_set(f->db, a.row.id, APPLICATION_REASON, reason, why);
    if (!err && c->actor.admin)
        err = application_vote(f->db, a.row.id, c->actor.admin->address, "decline", clock_now(f->clock), why);
    if (!err)
        err = drop_approvals(&a, c, "the application was declined", why);
    if (!err)
        err = apply_end(&a, why);
    if (!err)
        err = tell_declined(&a, reason, why);
    if (!err)
        err = apply_tell_team(&a, "An application was declined", reason, false, why);
    if (!err)
        show(&a, r);
    apply_free(&a);
    return err;
}

enum err cmd_application_ask(struct flow *f, const struct command *c, struct reply *r, struct diag *why)
{
    const char *question = command_word(c, "TEXT");
    struct tmpl_value values[] = {{"question", question}};
    struct apply a;
    enum err err = load(f, c, &a, why);

    if (!err)
        err = apply_step(&a, APPLICATION_ASK, c->actor.name, "", NULL, why);
    if (!err)
        err = application_votes_drop(f->db, a.row.id, why);
    if (!err)
        err = drop_approvals(&a, c, "the applicant was asked something: vote again on the answer", why);
    if (!err)
        err = application_message_add(f->db, a.row.id, c->actor.name, question, clock_now(f->clock), why);
    if (!err)
        err = apply_write(&a,
                          &(struct apply_mail){.subject = "A question about your application",
                                               .text = "application-ask",
                                               .clear = "application-ask-clear",
                                               .values = values,
                                               .n = 1},
                          why);
    if (!err)
        show(&a, r);
    apply_free(&a);
    return err;
}

/* ---- by a member ---- */

enum err verb_vouch(struct flow *f, const struct command *c, struct reply *r, struct diag *why)
{
    const char *value = command_word(c, "VALUE");
    bool yes = strcasecmp(value, "yes") == 0;
    struct application_row row = {0};
    struct apply a;
    enum err err = ERR_OK;

    if (!yes && strcasecmp(value, "no") != 0)
        return diag_set(why, ERR_USAGE, "command.argument", "vouch ID yes, or vouch ID no");
    if (application_by_code(f->db, command_word(c, "ID"), &row, why) || row.list_id != c->actor.member->list_id ||
        !application_names_voucher(f->db, row.id, c->actor.member->id)) {
        /* Who was not asked learns nothing. */
        application_row_free(&row);
        return diag_set(why, ERR_NOT_FOUND, "application.unknown", "no such application");
    }
    err = apply_load(f, &row, &a, why);
    if (!err)
        err = apply_vouch(&a, c->actor.member, yes, why);
    if (!err)
        r->data = json_pack("{s:s, s:b}", "id", a.row.code, "vouched", yes);
    apply_free(&a);
    return err;
}

/*
 * key replace: another key takes the place of one of a member's.
 *
 * In a mail that the old key has signed it waits 48 hours, of which all contacts and admins are told; any veto, an
 * admin's or a contact's, stops it. Asked in any other way it needs the approvals of the policy (approvals.key_change);
 * of a member, an admin's at least.
 */
#include "flow/cmd.h"

#include "base/instant.h"
#include "base/mem.h"
#include "flow/approvals.h"
#include "flow/cases_flow.h"
#include "flow/key_warnings.h"
#include "flow/member_notices.h"
#include "flow/members_flow.h"
#include "flow/policies.h"
#include "flow/view.h"
#include "policy/decide.h"
#include "store/audit.h"
#include "store/outbox.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define VETO_S ((int64_t)48 * 3600)

struct replacement {
    const struct settings_list *list;
    struct policy *policy;
    struct list_row row;
    struct member_row m;
    struct contact_row *contacts;
    size_t n_contacts;
    char old[PGP_FPR_SIZE];
    const struct command_value *new_key;
};

static bool is_old(const struct replacement *w, size_t i)
{
    return w->contacts[i].fingerprint && strcmp(w->contacts[i].fingerprint, w->old) == 0;
}

static enum err check_old(struct replacement *w, const char *old, struct diag *why)
{
    bool found = false;

    for (size_t i = 0; i < w->n_contacts && !found; i++)
        if (w->contacts[i].fingerprint && strcasecmp(w->contacts[i].fingerprint, old) == 0) {
            snprintf(w->old, sizeof w->old, "%s", w->contacts[i].fingerprint);
            found = true;
        }
    return found ? ERR_OK
                 : diag_set(why, ERR_NOT_FOUND, "key.unknown",
                            "the member has no key of this fingerprint: see member "
                            "show");
}

static enum err check_new(struct flow *f, const struct replacement *w, struct diag *why)
{
    const struct pgp_key_info *key = w->new_key->key;
    struct key_row *known = mem_zero(1, sizeof *known);
    char reason[256], rule[DIAG_RULE_MAX];
    enum pgp_key_state state = pgp_key_state_at(key, clock_now(f->clock), reason, sizeof reason);
    struct diag none;
    bool taken = !key_by_fingerprint(f->db, w->row.id, key->fingerprint, known, &none);

    free(known);
    snprintf(rule, sizeof rule, "key.%s", pgp_key_state_name(state));
    if (!pgp_key_state_sends(state))
        return diag_set(why, ERR_DENIED, rule, "%s", reason);
    if (taken)
        return diag_set(why, ERR_DENIED, "key.duplicate",
                        "this key is known already: news about a key come by key import, and each member has its own");
    return members_check_not_lists(f, w->row.id, key, why);
}

static enum err begin(struct replacement *w, struct flow *f, const struct command *c, struct diag *why)
{
    enum err err;

    memset(w, 0, sizeof *w);
    w->new_key = command_value(c, "NEW");
    err = flow_list(f, c->list, &w->list, &w->row, why);
    if (!err)
        err = policies_of_list(f, w->list, &w->policy, why);
    if (!err)
        err = member_by_org(f->db, w->row.id, command_word(c, "ORG"), &w->m, why);
    if (!err)
        err = contact_all(f->db, w->m.id, &w->contacts, &w->n_contacts, why);
    if (!err)
        err = check_old(w, command_word(c, "OLD"), why);
    return err ? err : check_new(f, w, why);
}

static void end(struct replacement *w)
{
    contact_rows_free(w->contacts, w->n_contacts);
    member_row_free(&w->m);
    list_row_free(&w->row);
    policy_free(&w->policy);
}

/* ---- what is said ---- */

static enum err tell_wish(struct flow *f, const struct replacement *w, const char *code, bool waits, struct diag *why)
{
    char at[INSTANT_TEXT_SIZE];
    char *text = mem_printf(
        "Somebody wants to replace a key of %s at %s.\n\nOld:  %s\nNew:  %s\n\n%s%s.\n\nIf nobody of you has asked for "
        "this, stop it, by a signed mail with a nonce:\n\n    Embargo-Command: veto %s\n",
        w->m.org, w->list->address, w->old, w->new_key->key->fingerprint,
        waits ? "The mail was signed by the old key. It is carried out at " : "It waits for the admins' approval",
        waits ? instant_text(clock_now(f->clock) + VETO_S, at) : "", code);
    enum err err = member_tell(f, w->list, &w->m, "A key of yours is to be replaced", text, NULL, why);

    free(text);
    return err;
}

static enum err tell_done(struct flow *f, const struct replacement *w, const struct actor *by, struct diag *why)
{
    char *subject = mem_printf("A key of %s was replaced", w->m.org);
    char *text = mem_printf("Old:  %s\nNew:  %s\nBy:   %s\n\nIf this was not wanted, say so to %s at once.\n", w->old,
                            w->new_key->key->fingerprint, by->name, w->list->address);
    enum err err = member_tell(f, w->list, &w->m, subject, text, NULL, why);

    if (!err)
        err = case_notify_team(f, w->list, w->row.id, NULL, subject, text, why);
    free(subject);
    free(text);
    return err;
}

/* ---- the gate ---- */

static enum err gate(struct flow *f, const struct command *c, const struct replacement *w, struct reply *r, bool *go_on,
                     struct diag *why)
{
    const char **owners = mem_zero(2 * w->n_contacts + 1, sizeof *owners);
    /* Signed by the old key. Run again, it has no signer any more: then it was so where no admin had to approve. */
    bool by_old = c->replay ? c->replay->needs == 0 : c->actor.fingerprint && !strcmp(c->actor.fingerprint, w->old);
    bool waits = by_old && c->actor.kind == ACTOR_MEMBER;
    struct approval_what what = {.action = "key replace",
                                 .object = w->m.org,
                                 .list = w->list,
                                 .list_id = w->row.id,
                                 .needs = decide_approvals(w->policy, DECIDE_KEY_CHANGE),
                                 .owners = owners};
    enum err err;

    for (size_t i = 0; i < w->n_contacts; i++) {
        owners[what.n_owners++] = w->contacts[i].address;
        if (w->contacts[i].fingerprint)
            owners[what.n_owners++] = w->contacts[i].fingerprint;
    }
    if (waits)
        what.needs = 0;
    if (c->actor.kind == ACTOR_MEMBER)
        what.not_before_at = clock_now(f->clock) + (waits ? VETO_S : 1);
    err = approval_gate(f, c, &what, r, go_on, why);
    if (!err && !*go_on && r->data) {
        const char *code = json_string_value(json_object_get(r->data, "id"));

        err = tell_wish(f, w, code ? code : "ID", waits, why);
    }
    free(owners);
    return err;
}

/* ---- it happens ---- */

static enum err take_place(struct flow *f, const struct replacement *w, struct diag *why)
{
    const struct pgp_key_info *key = w->new_key->key;
    int64_t id = 0;
    enum err err =
        key_insert(f->db, w->row.id, false, key, buf_span(&w->new_key->certificate), clock_now(f->clock), &id, why);

    if (!err)
        err = key_warnings_put(f, w->row.id, id, key, why);
    for (size_t i = 0; !err && i < w->n_contacts; i++)
        if (is_old(w, i))
            err = contact_set_key(f->db, w->contacts[i].id, key->fingerprint, why);
    return err ? err : copy_change_key(f->db, w->m.id, w->old, key->fingerprint, id, why);
}

static enum err forget_old(struct flow *f, const struct replacement *w, struct diag *why)
{
    struct key_row *old = mem_zero(1, sizeof *old);
    enum err err = key_by_fingerprint(f->db, w->row.id, w->old, old, why);

    if (!err)
        err = duty_end(f->db, KEY_WARNING_DUTY, old->id, NULL, why);
    if (!err)
        err = key_delete(f->db, old->id, why);
    free(old);
    return err;
}

static enum err replace(struct flow *f, const struct replacement *w, const struct actor *by, struct diag *why)
{
    enum err err = take_place(f, w, why);

    if (!err)
        err = audit_append(f->db, clock_now(f->clock), by->name, "key.replace", w->m.org, w->new_key->key->fingerprint,
                           w->old, why);
    if (!err)
        err = forget_old(f, w, why);
    if (!err)
        err = member_judge_keys(f, w->list, w->m.id, why);
    return err ? err : tell_done(f, w, by, why);
}

enum err cmd_key_replace(struct flow *f, const struct command *c, struct reply *r, struct diag *why)
{
    struct replacement w;
    bool go_on = false;
    enum err err = begin(&w, f, c, why);

    if (!err)
        err = gate(f, c, &w, r, &go_on, why);
    if (!err && go_on)
        err = replace(f, &w, &c->actor, why);
    if (!err && go_on)
        r->data = view_member(f, &w.m);
    end(&w);
    return err;
}

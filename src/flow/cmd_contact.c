/* Commands on a member's contacts and breaches; contacts by the member's own signed mail too. */
#include "flow/cmd.h"

#include "base/mem.h"
#include "codec/addr.h"
#include "flow/approvals.h"
#include "flow/member_life.h"
#include "flow/members_flow.h"
#include "flow/policies.h"
#include "flow/view.h"
#include "policy/decide.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VETO_S ((int64_t)48 * 3600)

struct work {
    const struct settings_list *list;
    struct policy *policy;
    struct list_row row;
    struct member_row m;
};

static enum err begin(struct work *w, struct flow *f, const struct command *c, const char *org, struct diag *why)
{
    enum err err;

    memset(w, 0, sizeof *w);
    err = flow_list(f, c->list, &w->list, &w->row, why);
    if (!err)
        err = policies_of_list(f, w->list, &w->policy, why);
    if (!err)
        err = member_by_org(f->db, w->row.id, org, &w->m, why);
    return err;
}

static void end(struct work *w)
{
    member_row_free(&w->m);
    list_row_free(&w->row);
    policy_free(&w->policy);
}

/* The key that all contacts have, where it is one; it is what a further address gets unless it has its own. */
static char *shared_key(struct flow *f, int64_t member_id)
{
    struct contact_row *contacts = NULL;
    struct diag none;
    size_t n = 0;
    char *key = NULL;

    contact_all(f->db, member_id, &contacts, &n, &none);
    for (size_t i = 0; i < n; i++) {
        if (i == 0)
            key = mem_strdup(contacts[i].fingerprint);
        else if (key && (!contacts[i].fingerprint || strcmp(key, contacts[i].fingerprint) != 0)) {
            free(key);
            key = NULL;
        }
    }
    contact_rows_free(contacts, n);
    return key;
}

static enum err add_contact(struct flow *f, const struct work *w, const char *address,
                            const struct command_value *given, struct diag *why)
{
    struct key_row *key = mem_zero(1, sizeof *key);
    struct buf certificate = BUF_EMPTY;
    char *shared = given ? NULL : shared_key(f, w->m.id);
    enum err err = ERR_OK;

    if (shared)
        err = key_by_fingerprint(f->db, w->row.id, shared, key, why);
    if (!err && shared)
        err = key_certificate(f->db, key->id, &certificate, why);
    if (!err)
        err = member_add_contact(f, &w->m, address,
                                 given    ? given->key
                                 : shared ? &key->facts
                                          : NULL,
                                 given ? buf_span(&given->certificate) : buf_span(&certificate), why);
    buf_free(&certificate);
    free(shared);
    free(key);
    return err == ERR_REJECT ? ERR_USAGE : err;
}

static enum err change(struct flow *f, const struct command *c, const struct work *w, bool add, const char *address,
                       struct diag *why)
{
    enum err err;

    if (!add)
        return member_drop_contact(f, w->list, &w->m, address, &c->actor, why);
    err = add_contact(f, w, address, command_value(c, "key"), why);
    return err ? err : member_contact_changed(f, w->list, &w->m, address, "added", &c->actor, why);
}

/* The organisation's own admins may ask, and do not count. */
static enum err gate(struct flow *f, const struct command *c, const struct work *w, const char *address,
                     struct reply *r, bool *go_on, struct diag *why)
{
    struct contact_row *contacts = NULL;
    size_t n = 0;
    enum err err = contact_all(f->db, w->m.id, &contacts, &n, why);
    const char **owners = mem_zero(2 * n + 1, sizeof *owners);
    struct approval_what what = {.action = "member contact",
                                 .object = w->m.org,
                                 .list = w->list,
                                 .list_id = w->row.id,
                                 .needs = decide_approvals(w->policy, DECIDE_KEY_CHANGE),
                                 .owners = owners};

    owners[what.n_owners++] = address;
    for (size_t i = 0; i < n; i++) {
        owners[what.n_owners++] = contacts[i].address;
        if (contacts[i].fingerprint)
            owners[what.n_owners++] = contacts[i].fingerprint;
    }
    /* By a member's own mail a new key waits for a veto, as a replacement does. */
    if (c->actor.kind == ACTOR_MEMBER && command_value(c, "key") && what.needs <= 1) {
        what.needs = 0;
        what.not_before_at = clock_now(f->clock) + VETO_S;
    }
    if (!err)
        err = approval_gate(f, c, &what, r, go_on, why);
    contact_rows_free(contacts, n);
    free(owners);
    return err;
}

enum err cmd_member_contact(struct flow *f, const struct command *c, struct reply *r, struct diag *why)
{
    const char *org = command_word(c, "ORG"), *action = command_word(c, "ACTION");
    const char *address = command_word(c, "ADDRESS");
    bool add = strcmp(action, "add") == 0, go_on = false;
    struct work w;
    enum err err = begin(&w, f, c, org ? org : c->actor.member->org, why);

    if (!err && !add && strcmp(action, "drop") != 0)
        err = diag_set(why, ERR_USAGE, "command.argument", "member contact ORG add|drop ADDRESS");
    if (!err && !addr_is_valid(address))
        err = diag_set(why, ERR_USAGE, "addr.bad", "this is not an address that mail can be sent to");
    if (!err)
        err = gate(f, c, &w, address, r, &go_on, why);
    if (!err && go_on)
        err = change(f, c, &w, add, address, why);
    if (!err && go_on)
        r->data = view_member(f, &w.m);
    end(&w);
    return err;
}

enum err cmd_member_breach(struct flow *f, const struct command *c, struct reply *r, struct diag *why)
{
    struct work w;
    enum err err = begin(&w, f, c, command_word(c, "ORG"), why);

    if (!err)
        err = member_record_breach(f, w.list, w.policy, &w.m, command_word(c, "reason"), &c->actor, why);
    if (!err) {
        const struct policy_value *on = &w.policy->membership.on_breach;

        r->data = view_member(f, &w.m);
        snprintf(r->message, sizeof r->message, "recorded; the policy's consequence: %s",
                 on->has == POLICY_STATED ? on->text
                 : on->has == POLICY_NONE ? "none"
                                          : "unstated, so you decide");
    }
    end(&w);
    return err;
}

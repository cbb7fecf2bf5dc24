/* Commands on members and keys. */
#include "flow/cmd.h"
#include "flow/member_admit.h"

#include "base/instant.h"
#include "base/mem.h"
#include "codec/addr.h"
#include "flow/approvals.h"
#include "flow/policies.h"
#include "flow/view.h"
#include "policy/decide.h"
#include "policy/states.h"
#include "store/audit.h"
#include "store/outbox.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum err cmd_member_list(struct flow *f, const struct command *c, struct reply *r, struct diag *why)
{
    const struct settings_list *list;
    struct list_row row;
    struct member_row *members;
    size_t n;
    enum err err = flow_list(f, c->list, &list, &row, why);

    if (!err)
        err = member_all(f->db, row.id, &members, &n, why);
    if (err)
        return err;
    r->data = json_array();
    for (size_t i = 0; i < n; i++) {
        json_array_append_new(r->data, view_member(f, &members[i]));
        member_row_free(&members[i]);
    }
    free(members);
    list_row_free(&row);
    return ERR_OK;
}

static enum err find_member(struct flow *f, const struct command *c, struct member_row *out, struct diag *why)
{
    const struct settings_list *list;
    struct list_row row;
    enum err err = flow_list(f, c->list, &list, &row, why);

    memset(out, 0, sizeof *out);
    if (!err)
        err = member_by_org(f->db, row.id, command_word(c, "ORG"), out, why);
    list_row_free(&row);
    return err;
}

enum err cmd_member_show(struct flow *f, const struct command *c, struct reply *r, struct diag *why)
{
    struct member_row m;
    enum err err = find_member(f, c, &m, why);

    if (!err)
        r->data = view_member(f, &m);
    member_row_free(&m);
    return err;
}

/* ---- add ---- */

/* A name that goes into audit trails, headers and tables. */
static bool name_ok(const char *s)
{
    size_t n = strlen(s);

    for (size_t i = 0; i < n; i++)
        if ((unsigned char)s[i] < 0x20 || s[i] == 0x7f)
            return false;
    return n >= 1 && n <= 100;
}

static enum err check_tier(const struct policy *policy, const char *class_name, const char *tier, struct diag *why)
{
    const struct policy_tier *t = policy_tier_find(policy, tier);

    if (!t)
        return diag_set(why, ERR_NOT_FOUND, "tier.unknown", "the list's policy has no tier `%.40s`: see policy show",
                        tier);
    if (!policy_holds(&t->classes, class_name))
        return policy_diag(why, ERR_DENIED, policy, &t->classes, "tiers.classes",
                           "tier `%s` does not take members of class `%.40s`", tier, class_name);
    return ERR_OK;
}

/* A key that cannot be used is kept and shown with its state; one that is no key of its own is refused. */
static enum err add_key(struct flow *f, int64_t list_id, const struct admission *a, struct diag *why)
{
    struct key_row *known = mem_zero(1, sizeof *known);
    struct diag none;
    bool taken = !key_by_fingerprint(f->db, list_id, a->key->fingerprint, known, &none);
    int64_t id;

    free(known);
    if (taken)
        return diag_set(why, ERR_DENIED, "key.duplicate",
                        "this key belongs to another member or admin of the list: ask for a key of its own");
    return key_insert(f->db, list_id, false, a->key, a->certificate, clock_now(f->clock), &id, why);
}

enum err member_admit(struct flow *f, const struct policy *policy, const struct admission *a, struct member_row *m,
                      struct diag *why)
{
    struct contact_row contact = {0};
    char address[ADDR_MAX_BYTES + 1];
    enum err err = check_tier(policy, m->class_name, m->tier, why);

    if (!err && addr_check(span_of(a->address), address, why))
        err = ERR_USAGE;
    if (!err && !name_ok(m->org))
        err = diag_set(why, ERR_USAGE, "member.name", "an organisation's name is 1 to 100 printable characters");
    if (!err)
        err = member_insert(f->db, m, why);
    if (!err && a->key)
        err = add_key(f, m->list_id, a, why);
    contact.member_id = m->id;
    contact.address = address;
    contact.fingerprint = (char *)(a->key ? a->key->fingerprint : NULL);
    if (!err)
        err = contact_insert(f->db, &contact, clock_now(f->clock), why);
    return err ? err : audit_append(f->db, clock_now(f->clock), a->actor, "member.add", m->org, a->rule, address, why);
}

/* Nobody lets his own organisation in. */
static enum err gate_add(struct flow *f, const struct command *c, const struct settings_list *list, int64_t list_id,
                         const struct policy *policy, struct reply *r, bool *go_on, struct diag *why)
{
    const struct command_value *key = command_value(c, "key");
    const char *owners[] = {command_word(c, "address"), key ? key->key->fingerprint : NULL};
    struct approval_what what = {.action = "member add",
                                 .object = command_word(c, "org"),
                                 .list = list,
                                 .list_id = list_id,
                                 .needs = decide_approvals(policy, DECIDE_MEMBER_ADD),
                                 .owners = owners,
                                 .n_owners = key ? 2 : 1};
    struct member_row known;
    struct diag none;
    enum err err = ERR_OK;

    if (!name_ok(what.object))
        err = diag_set(why, ERR_USAGE, "member.name", "an organisation's name is 1 to 100 printable characters");
    else if (!member_by_org(f->db, list_id, what.object, &known, &none)) {
        member_row_free(&known);
        err = diag_set(why, ERR_DENIED, "member.exists", "this organisation is a member already");
    }
    return err ? err : approval_gate(f, c, &what, r, go_on, why);
}

enum err cmd_member_add(struct flow *f, const struct command *c, struct reply *r, struct diag *why)
{
    const char *org = command_word(c, "org"), *class_name = command_word(c, "class"), *tier = command_word(c, "tier");
    const struct command_value *key = command_value(c, "key");
    struct admission a = {.address = command_word(c, "address"), .actor = c->actor.name, .rule = ""};
    const struct settings_list *list;
    struct policy *policy = NULL;
    struct list_row row = {0};
    struct member_row m = {0};
    bool go_on = false;
    enum err err = org && class_name && tier && command_word(c, "address")
                       ? flow_list(f, c->list, &list, &row, why)
                       : diag_set(why, ERR_USAGE, "command.option", "member add needs --org --class --tier --address");

    if (!err)
        err = policies_of_list(f, list, &policy, why);
    if (!err)
        err = check_tier(policy, class_name, tier, why);
    if (!err)
        err = gate_add(f, c, list, row.id, policy, r, &go_on, why);
    if (!err && go_on) {
        m = (struct member_row){.list_id = row.id,
                                .org = mem_strdup(org),
                                .class_name = mem_strdup(class_name),
                                .tier = mem_strdup(tier),
                                .state = mem_strdup(member_state_name(MEMBER_ACTIVE)),
                                .added_at = clock_now(f->clock)};
        if (key) {
            a.key = key->key;
            a.certificate = buf_span(&key->certificate);
        }
        err = member_admit(f, policy, &a, &m, why);
    }
    if (!err && go_on)
        r->data = view_member(f, &m);
    member_row_free(&m);
    list_row_free(&row);
    policy_free(&policy);
    return err;
}

/* ---- states ---- */

/* The MTA's queue ids of what went to this member: to be deleted there by hand. */
static json_t *queue_ids(struct flow *f, int64_t member_id)
{
    struct db_rows *rows = db_query(
        f->db, "SELECT queue_id FROM copy WHERE member_id = ? AND queue_id IS NOT NULL ORDER BY id DESC LIMIT 100", "i",
        member_id);
    json_t *a = json_array();

    while (db_next(rows))
        json_array_append_new(a, json_string(db_text(rows, 0)));
    db_rows_end(&rows, NULL);
    return a;
}

static enum err change_state(struct flow *f, const struct command *c, struct reply *r, enum member_event event,
                             struct diag *why)
{
    const struct member_step *step;
    enum member_state state;
    struct member_row m;
    char words[64];
    int64_t dropped = 0, now = clock_now(f->clock);
    enum err err = find_member(f, c, &m, why);

    if (!err && event != MEMBER_REINSTATE && !command_word(c, "reason"))
        err = diag_set(why, ERR_USAGE, "command.option", "--reason T is needed");
    if (!err && !member_state_parse(m.state, &state))
        err = diag_set(why, ERR_INTERNAL, "state.member", "the member has an unknown state");
    if (!err)
        err = member_step_find(state, event, &step, why);
    if (!err)
        err = member_set_state(f->db, m.id, member_state_name(step->to), command_word(c, "reason"), now, why);
    if (!err && step->effect == EFFECT_STOP)
        err = copy_drop_member(f->db, m.id, "member.suspended", now, &dropped, why);
    snprintf(words, sizeof words, "member.%s", member_event_name(event));
    if (!err)
        err = audit_append(f->db, now, c->actor.name, words, m.org, "", command_word(c, "reason"), why);
    if (!err) {
        free(m.state);
        m.state = mem_strdup(member_state_name(step->to));
        r->data = view_member(f, &m);
        json_object_set_new(r->data, "dropped", json_integer(dropped));
        json_object_set_new(r->data, "queue_ids", queue_ids(f, m.id));
    }
    member_row_free(&m);
    return err;
}

enum err cmd_member_suspend(struct flow *f, const struct command *c, struct reply *r, struct diag *why)
{
    return change_state(f, c, r, MEMBER_SUSPEND, why);
}

enum err cmd_member_reinstate(struct flow *f, const struct command *c, struct reply *r, struct diag *why)
{
    return change_state(f, c, r, MEMBER_REINSTATE, why);
}

enum err cmd_member_remove(struct flow *f, const struct command *c, struct reply *r, struct diag *why)
{
    return change_state(f, c, r, MEMBER_REMOVE, why);
}

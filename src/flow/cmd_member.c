/* Commands on members and keys. */
#include "flow/cmd.h"
#include "flow/key_warnings.h"
#include "flow/member_admit.h"

#include "base/instant.h"
#include "base/mem.h"
#include "codec/addr.h"
#include "flow/approvals.h"
#include "flow/member_life.h"
#include "flow/members_flow.h"
#include "flow/reattest.h"
#include "flow/policies.h"
#include "flow/texts.h"
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

/* A language is no secret and lets nobody in: no approvals. */
enum err cmd_member_language(struct flow *f, const struct command *c, struct reply *r, struct diag *why)
{
    char language[TEXT_LANGUAGE_MAX + 1];
    struct member_row m = {0};
    enum err err = text_language(command_word(c, "LANGUAGE"), language, why);

    if (!err)
        err = find_member(f, c, &m, why);
    if (!err)
        err = member_set_language(f->db, m.id, *language ? language : NULL, why);
    if (!err)
        err = audit_append(f->db, clock_now(f->clock), c->actor.name, "member.language", m.org, language, NULL, why);
    if (!err) {
        free(m.language);
        m.language = *language ? mem_strdup(language) : NULL;
        r->data = view_member(f, &m);
    }
    member_row_free(&m);
    return err;
}

/* ---- add ---- */

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
    enum err err = member_check_name(what.object, why);

    if (!err)
        err = member_check_new(f->db, list_id, what.object, why);
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
    char language[TEXT_LANGUAGE_MAX + 1] = "";
    bool go_on = false;
    enum err err = org && class_name && tier && command_word(c, "address")
                       ? flow_list(f, c->list, &list, &row, why)
                       : diag_set(why, ERR_USAGE, "command.option", "member add needs --org --class --tier --address");

    if (!err && command_word(c, "language"))
        err = text_language(command_word(c, "language"), language, why);
    if (!err)
        err = policies_of_list(f, list, &policy, why);
    if (!err)
        err = member_check_tier(policy, class_name, tier, why);
    if (!err)
        err = gate_add(f, c, list, row.id, policy, r, &go_on, why);
    if (!err && go_on) {
        m = (struct member_row){.list_id = row.id,
                                .org = mem_strdup(org),
                                .class_name = mem_strdup(class_name),
                                .tier = mem_strdup(tier),
                                .state = mem_strdup(member_state_name(MEMBER_ACTIVE)),
                                .added_at = clock_now(f->clock),
                                .language = *language ? mem_strdup(language) : NULL};
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

/* The remedy for what the daemon has no hold of any more. */
static void say_what_to_delete(struct reply *r, int64_t dropped)
{
    size_t n = json_array_size(json_object_get(r->data, "queue_ids"));

    snprintf(
        r->message, sizeof r->message,
        n ? "%lld queued copies dropped; the mail server may still have %zu more: delete them there by the queue ids"
          : "%lld queued copies dropped",
        (long long)dropped, n);
}

static enum err change_state(struct flow *f, const struct command *c, struct reply *r, enum member_event event,
                             struct diag *why)
{
    struct member_change change = {0};
    struct member_row m;
    enum err err = find_member(f, c, &m, why);

    if (!err && event != MEMBER_REINSTATE && !command_word(c, "reason"))
        err = diag_set(why, ERR_USAGE, "command.option", "--reason T is needed");
    if (!err)
        err = member_change_state(f, &m, event, command_word(c, "reason"), &c->actor, &change, why);
    if (!err && event == MEMBER_REINSTATE)
        err = reattest_given(f, &m, &c->actor, why);
    if (!err && event == MEMBER_REINSTATE)
        err = key_warnings_put_again(f, &m, why);
    if (!err) {
        r->data = view_member(f, &m);
        json_object_set_new(r->data, "dropped", json_integer(change.dropped));
        json_object_set_new(r->data, "participations_ended", json_integer(change.ended));
        json_object_set_new(r->data, "queue_ids", queue_ids(f, m.id));
        if (event != MEMBER_REINSTATE)
            say_what_to_delete(r, change.dropped);
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

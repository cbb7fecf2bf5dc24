/* policy explain: what the policy says of a case, a sender or a member. Used by core, and off line by embargoctl. */
#include "flow/cmd.h"

#include "base/instant.h"
#include "base/mem.h"
#include "codec/addr.h"
#include "flow/case_of.h"
#include "flow/cases_flow.h"
#include "flow/command_lists.h"
#include "flow/explain_json.h"
#include "flow/policies.h"
#include "flow/view.h"
#include "policy/explain.h"
#include "policy/states.h"

#include <stdlib.h>
#include <string.h>

struct question {
    struct explain_question q;
    struct decide_case facts;
    struct schedule_facts instants;
    struct schedule_holidays holidays;
    struct decide_member member;
    struct decide_sender sender;
    struct member_row member_row;
    struct case_row c;
};

static enum err ask_case(struct flow *f, const struct command *c, struct question *a, struct policy **policy,
                         struct diag *why)
{
    const struct settings_list *list;
    struct list_row row = {0};
    enum err err;

    if (!command_word(c, "CASE")) {
        err = flow_list(f, c->list, &list, &row, why);
        if (!err)
            err = policies_load(f->policies, command_word(c, "policy") ? command_word(c, "policy") : list->policy,
                                policy, NULL, why);
        case_facts(&a->c, &a->facts);
        list_row_free(&row);
        return err;
    }
    err = case_by_code(f->db, command_word(c, "CASE"), &a->c, why);
    if (!err && !command_sees_row(f, c, a->c.list_id))
        err = diag_set(why, ERR_NOT_FOUND, "case.unknown", "no such case");
    /* With another policy than its own: what would be, on the track that this one would choose. */
    if (!err && command_word(c, "policy"))
        err = policies_load(f->policies, command_word(c, "policy"), policy, NULL, why);
    else if (!err)
        err = policies_of_case(f, &a->c, policy, why);
    if (err)
        return err;
    case_facts(&a->c, &a->facts);
    a->facts.track = command_word(c, "policy") ? NULL : a->c.track;
    case_schedule_facts(*policy, &a->c, &a->instants);
    a->q.instants = &a->instants;
    return ERR_OK;
}

static enum err ask_member(struct flow *f, const struct command *c, struct question *a, struct diag *why)
{
    const struct settings_list *list;
    struct contact_row *contacts = NULL;
    enum member_state state;
    struct list_row row = {0};
    size_t n = 0;
    enum err err = flow_list(f, c->list, &list, &row, why);

    if (!err)
        err = member_by_org(f->db, row.id, command_word(c, "member"), &a->member_row, why);
    if (!err)
        err = contact_all(f->db, a->member_row.id, &contacts, &n, why);
    if (!err) {
        member_state_parse(a->member_row.state, &state);
        a->member =
            (struct decide_member){.class = a->member_row.class_name,
                                   .tier = a->member_row.tier,
                                   .state = state,
                                   .key_state = view_key_state(f, row.id, n ? contacts[0].fingerprint : NULL, NULL, 0)};
        a->q.member = &a->member;
    }
    contact_rows_free(contacts, n);
    list_row_free(&row);
    return err;
}

/* An address says who somebody claims to be: the answer is for a good signature by that person's key. */
static enum err ask_sender(struct flow *f, const struct command *c, struct question *a, struct diag *why)
{
    const char *address = command_word(c, "sender");
    const struct settings_admin *admin = settings_admin_at(f->settings, address);
    const struct settings_list *list;
    struct list_row row = {0};
    enum err err = flow_list(f, c->list, &list, &row, why);

    if (err)
        return err;
    a->sender = (struct decide_sender){.kind = POLICY_STRANGER, .signature = DECIDE_UNSIGNED};
    if (admin && settings_admin_serves(admin, list))
        a->sender = (struct decide_sender){.kind = POLICY_TEAM, .signature = DECIDE_BOUND, .encrypted = true};
    else if (!member_by_address(f->db, row.id, address, &a->member_row, why))
        a->sender = (struct decide_sender){
            .kind = POLICY_MEMBER, .tier = a->member_row.tier, .signature = DECIDE_BOUND, .encrypted = true};
    a->q.sender = &a->sender;
    a->q.to = a->c.id ? POLICY_TO_CASE : POLICY_TO_REPORT;
    list_row_free(&row);
    return ERR_OK;
}

enum err cmd_policy_explain(struct flow *f, const struct command *c, struct reply *r, struct diag *why)
{
    struct question a = {.c = {.until_at = INSTANT_NONE, .fix_needs_s = -1}};
    struct policy *policy = NULL;
    struct explain explain;
    enum err err = ask_case(f, c, &a, &policy, why);

    if (!err && command_word(c, "member"))
        err = ask_member(f, c, &a, why);
    if (!err && command_word(c, "sender"))
        err = ask_sender(f, c, &a, why);
    if (!err)
        err = policies_holidays(f->policies, policy, &a.holidays, why);
    if (!err) {
        a.q.facts = &a.facts;
        a.q.holidays = &a.holidays;
        a.q.now_utc_s = clock_now(f->clock);
        if (!a.q.instants)
            explain_suppose(policy, &a.holidays, &a.facts, a.q.now_utc_s, &a.instants);
        a.q.instants = &a.instants;
        explain_make(policy, &a.q, &explain);
        r->data = explain_json(policy, &explain, a.q.now_utc_s);
        if (command_word(c, "svg"))
            explain_write_svg(&explain, a.q.now_utc_s, &r->out);
        explain_free(&explain);
    }
    schedule_holidays_free(&a.holidays);
    member_row_free(&a.member_row);
    case_row_free(&a.c);
    policy_free(&policy);
    return err;
}

#include "flow/member_life.h"

#include "base/mem.h"
#include "codec/addr.h"
#include "flow/approvals.h"
#include "flow/cases_flow.h"
#include "flow/key_refresh.h"
#include "flow/member_notices.h"
#include "store/audit.h"
#include "flow/reattest.h"
#include "store/breaches.h"
#include "store/nonces.h"
#include "store/outbox.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the end ---- */

static enum err end_contacts(struct flow *f, const struct member_row *m, struct member_change *out, struct diag *why)
{
    struct contact_row *contacts = NULL;
    size_t n = 0;
    int64_t ended = 0;
    enum err err = contact_all(f->db, m->id, &contacts, &n, why);

    for (size_t i = 0; !err && i < n; i++) {
        err = participant_end_person(f->db, m->list_id, contacts[i].address, contacts[i].fingerprint,
                                     clock_now(f->clock), &ended, why);
        out->ended += ended;
        if (!err)
            err = lookup_end(f->db, KEY_ROUND_LOOKUP, contacts[i].id, why);
    }
    contact_rows_free(contacts, n);
    return err;
}

/* What the member itself has asked for, and nobody has decided yet. */
static enum err end_wishes(struct flow *f, const char *name, const struct member_row *m, const struct actor *by,
                           struct diag *why)
{
    struct approval_row *rows = NULL;
    size_t n = 0;
    enum err err = approval_open(f->db, m->list_id, &rows, &n, why);

    for (size_t i = 0; i < n; i++) {
        if (!err && strcmp(rows[i].by, name) == 0)
            err = approval_withdraw(f, &rows[i], "the member who asked for this has left", by, why);
        approval_row_free(&rows[i]);
    }
    free(rows);
    return err;
}

static enum err end_membership(struct flow *f, const struct member_row *m, const struct actor *by,
                               struct member_change *out, struct diag *why)
{
    char *name = mem_printf("member:%s", m->org);
    enum err err = end_contacts(f, m, out, why);

    if (!err)
        err = end_wishes(f, name, m, by, why);
    if (!err)
        err = nonce_end(f->db, m->list_id, name, why);
    if (!err)
        err = duty_end(f->db, REATTEST_DUTY, m->id, NULL, why);
    free(name);
    return err;
}

enum err member_change_state(struct flow *f, struct member_row *m, enum member_event event, const char *reason,
                             const struct actor *by, struct member_change *out, struct diag *why)
{
    const struct member_step *step;
    enum member_state state;
    int64_t now = clock_now(f->clock);
    char words[64];
    enum err err = ERR_OK;

    *out = (struct member_change){0};
    if (!member_state_parse(m->state, &state))
        return diag_set(why, ERR_INTERNAL, "state.member", "the member has an unknown state");
    err = member_step_find(state, event, &step, why);
    if (!err)
        err = member_set_state(f->db, m->id, member_state_name(step->to), reason, now, why);
    if (!err && step->effect == EFFECT_STOP)
        err = copy_drop_member(f->db, m->id, event == MEMBER_REMOVE ? "member.removed" : "member.suspended", now,
                               &out->dropped, why);
    if (!err && event == MEMBER_REMOVE)
        err = end_membership(f, m, by, out, why);
    snprintf(words, sizeof words, "member.%s", member_event_name(event));
    if (!err)
        err = audit_append(f->db, now, by->name, words, m->org, "", reason, why);
    if (!err) {
        free(m->state);
        m->state = mem_strdup(member_state_name(step->to));
    }
    return err;
}

/* ---- contacts ---- */

enum err member_drop_contact(struct flow *f, const struct settings_list *list, const struct member_row *m,
                             const char *address, const struct actor *by, struct diag *why)
{
    struct contact_row *contacts = NULL;
    size_t n = 0, at = 0;
    int64_t ended;
    enum err err = contact_all(f->db, m->id, &contacts, &n, why);

    while (!err && at < n && !addr_equal(contacts[at].address, address))
        at++;
    if (!err && at == n)
        err = diag_set(why, ERR_NOT_FOUND, "contact.unknown", "the member has no such address: see member show");
    else if (!err && n == 1)
        err = diag_set(why, ERR_DENIED, "contact.last",
                       "it is the member's only address: add another before, or remove the member");
    if (!err)
        err = copy_drop_address(f->db, m->id, contacts[at].address, "contact.dropped", clock_now(f->clock), why);
    if (!err)
        err = participant_end_person(f->db, m->list_id, contacts[at].address, NULL, clock_now(f->clock), &ended, why);
    if (!err)
        err = lookup_end(f->db, KEY_ROUND_LOOKUP, contacts[at].id, why);
    /* Before it goes, so that whoever reads it hears of it too. */
    if (!err)
        err = member_contact_changed(f, list, m, contacts[at].address, "dropped", by, why);
    if (!err)
        err = contact_delete(f->db, contacts[at].id, why);
    contact_rows_free(contacts, n);
    return err;
}

enum err member_contact_changed(struct flow *f, const struct settings_list *list, const struct member_row *m,
                                const char *address, const char *verb, const struct actor *by, struct diag *why)
{
    char *subject = mem_printf("A contact of %s was %s", m->org, verb);
    char *text = mem_printf("Member:   %s\nAddress:  %s\nWas:      %s\nBy:       %s\n\nIf this was not wanted, say so "
                            "to %s at once.\n",
                            m->org, address, verb, by->name, list->address);
    enum err err = audit_append(f->db, clock_now(f->clock), by->name, "member.contact", m->org, verb, address, why);

    if (!err)
        err = member_tell(f, list, m, subject, text, NULL, why);
    if (!err)
        err = case_notify_team(f, list, m->list_id, NULL, subject, text, why);
    free(subject);
    free(text);
    return err;
}

/* ---- breaches ---- */

enum err member_record_breach(struct flow *f, const struct settings_list *list, const struct policy *policy,
                              const struct member_row *m, const char *reason, const struct actor *by, struct diag *why)
{
    const struct policy_value *on = &policy->membership.on_breach;
    const char *consequence = on->has == POLICY_STATED ? on->text : on->has == POLICY_NONE ? "none" : "unstated";
    struct breach_row row = {.member_id = m->id,
                             .at = clock_now(f->clock),
                             .actor = (char *)by->name,
                             .consequence = (char *)consequence,
                             .reason = (char *)reason};
    char *subject = mem_printf("A breach by %s was recorded", m->org);
    char *text = mem_printf("Member:       %s\nWhy:          %s\nBy:           %s\nConsequence:  %s%s\n\nThe policy's "
                            "consequence is carried out by you:\n\n    embargoctl member suspend \"%s\" --reason T\n"
                            "    embargoctl member remove \"%s\" --reason T\n",
                            m->org, reason, by->name, consequence,
                            on->has == POLICY_STATED ? "" : " (the policy does not say: you decide)", m->org, m->org);
    enum err err = breach_insert(f->db, &row, why);

    if (!err)
        err = audit_append(f->db, row.at, by->name, "member.breach", m->org, "membership.on_breach", reason, why);
    if (!err)
        err = case_notify_team(f, list, m->list_id, NULL, subject, text, why);
    free(subject);
    mem_free_secret(&text);
    return err;
}

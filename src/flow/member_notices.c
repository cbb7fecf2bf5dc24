#include "flow/member_notices.h"

#include "base/mem.h"
#include "flow/cases_flow.h"
#include "flow/outgoing.h"
#include "flow/texts.h"
#include "policy/states.h"
#include "store/audit.h"

#include <stdlib.h>
#include <string.h>

/* The row of a contact's key where it can be sent to now; 0: it cannot. */
static int64_t usable_key(struct flow *f, int64_t list_id, const struct contact_row *c)
{
    struct key_row *key = mem_zero(1, sizeof *key);
    struct diag none;
    int64_t id = 0;

    if (c->fingerprint && !key_by_fingerprint(f->db, list_id, c->fingerprint, key, &none) &&
        pgp_key_state_sends(pgp_key_state_at(&key->facts, clock_now(f->clock), NULL, 0)))
        id = key->id;
    free(key);
    return id;
}

bool member_is_reachable(struct flow *f, const struct member_row *m)
{
    struct contact_row *contacts = NULL;
    struct diag none;
    size_t n = 0;
    bool found = false;

    contact_all(f->db, m->id, &contacts, &n, &none);
    for (size_t i = 0; i < n && !found; i++)
        found = usable_key(f, m->list_id, &contacts[i]) != 0;
    contact_rows_free(contacts, n);
    return found;
}

enum err member_send(struct flow *f, const struct outgoing *mail, const struct member_row *m, size_t *n_told,
                     struct diag *why)
{
    struct contact_row *contacts = NULL;
    struct outgoing_to *to;
    size_t n = 0, n_to = 0;
    enum err err = contact_all(f->db, m->id, &contacts, &n, why);

    to = mem_zero(n + 1, sizeof *to);
    for (size_t i = 0; !err && i < n; i++) {
        int64_t key = usable_key(f, m->list_id, &contacts[i]);

        if (key)
            to[n_to++] = (struct outgoing_to){.member_id = m->id,
                                              .key_row = key,
                                              .org = m->org,
                                              .address = contacts[i].address,
                                              .fingerprint = contacts[i].fingerprint};
    }
    if (!err && n_to)
        err = outgoing_queue(f, mail, content_sealed(), to, n_to, NULL, why);
    if (n_told)
        *n_told = err ? 0 : n_to;
    free(to);
    contact_rows_free(contacts, n);
    return err;
}

enum err member_tell(struct flow *f, const struct settings_list *list, const struct member_row *m, const char *subject,
                     const char *text, size_t *n_told, struct diag *why)
{
    struct outgoing mail = {.kind = "notice",
                            .list = list,
                            .list_id = m->list_id,
                            .subject = subject,
                            .text = text,
                            .to_members = true,
                            .automatic = true,
                            .earliest_at = INSTANT_NONE};

    return member_send(f, &mail, m, n_told, why);
}

static enum err send_plain(struct flow *f, const struct settings_list *list, const struct policy *policy,
                           const struct member_row *m, const char *address, const char *text, struct diag *why)
{
    struct outgoing mail = {.kind = "notice",
                            .list = list,
                            .list_id = m->list_id,
                            .subject = "Your OpenPGP key",
                            .text = text,
                            .to_members = true,
                            .automatic = true,
                            .earliest_at = INSTANT_NONE};
    struct outgoing_to to = {.member_id = m->id, .org = m->org, .address = address};
    struct content content;
    enum err err = content_cleared(CLEARED_NOTICE, policy, NULL, &content, why);

    return err ? err : outgoing_queue(f, &mail, content, &to, 1, NULL, why);
}

enum err member_tell_plain(struct flow *f, const struct settings_list *list, const struct policy *policy,
                           const struct member_row *m, size_t *n_told, struct diag *why)
{
    const struct policy_value *plain = &policy->reporting.plain_text;
    const struct tmpl_value values[] = {{"list", list->address}};
    struct contact_row *contacts = NULL;
    struct buf text = BUF_EMPTY;
    size_t n = 0;
    enum err err;

    *n_told = 0;
    if (plain->has != POLICY_STATED || plain->number == POLICY_PLAIN_NEVER)
        return ERR_OK;
    err = text_fill_in(f, m->language, "member-unreachable", values, 1, &text, why);
    if (!err)
        err = contact_all(f->db, m->id, &contacts, &n, why);
    for (size_t i = 0; !err && i < n; i++, ++*n_told)
        err = send_plain(f, list, policy, m, contacts[i].address, buf_text(&text), why);
    contact_rows_free(contacts, n);
    buf_free(&text);
    return err;
}

static enum err step(struct flow *f, const struct settings_list *list, const struct member_row *m,
                     enum member_event event, struct diag *why)
{
    const struct member_step *s;
    enum member_state state;
    char *name = NULL, *text = NULL, *subject = NULL;
    int64_t now = clock_now(f->clock);
    enum err err;

    /* A pair that the table does not have means that nothing is to be done. */
    if (!member_state_parse(m->state, &state) || member_step_find(state, event, &s, NULL))
        return ERR_OK;
    name = mem_printf("member.%s", member_event_name(event));
    err = member_set_state(f->db, m->id, member_state_name(s->to), NULL, now, why);
    if (!err)
        err = audit_append(f->db, now, "embargod", name, m->org, "", NULL, why);
    if (!err && s->effect == EFFECT_TELL_ADMINS) {
        subject = mem_printf("%s cannot be served: no usable key", m->org);
        text = mem_printf(
            "No contact of %s has a key that mail can be encrypted to now. Nothing\ncan be sent to it until "
            "one has: ask for a key. What is wrong with those that are known:\n\n    embargoctl member show \"%s\"\n",
            m->org, m->org);
        err = case_notify_team(f, list, m->list_id, NULL, subject, text, why);
    }
    free(name);
    free(text);
    free(subject);
    return err;
}

enum err member_judge_keys(struct flow *f, const struct settings_list *list, int64_t member_id, struct diag *why)
{
    struct member_row m;
    enum err err = member_by_id(f->db, member_id, &m, why);

    if (!err)
        err = step(f, list, &m, member_is_reachable(f, &m) ? MEMBER_KEY_MEND : MEMBER_KEY_FAIL, why);
    member_row_free(&m);
    return err;
}

/* A form that somebody sends for the first time. */
#include "flow/receive_apply_parts.h"

#include "base/instant.h"
#include "base/log.h"
#include "base/mem.h"
#include "codec/addr.h"
#include "flow/reporter.h"
#include "store/audit.h"
#include "store/secret_keys.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

const char *receive_apply_text(const struct receiving *r)
{
    return r->in->text ? r->in->text : "";
}

const char *receive_apply_from(const struct receiving *r)
{
    return r->in->outer.from.n == 1 ? r->in->outer.from.items[0].spec : r->in->sender;
}

static bool is_member(struct receiving *r, const char *org, const char *role, struct member_row *m)
{
    struct diag none;
    struct member_row *all = NULL;
    size_t n = 0;
    bool found = *role && !member_by_address(r->f->db, r->list_row.id, role, m, &none);

    if (!found)
        member_row_free(m);
    if (!found && !member_all(r->f->db, r->list_row.id, &all, &n, &none))
        for (size_t i = 0; i < n; i++)
            found = found || strcasecmp(all[i].org, org) == 0;
    for (size_t i = 0; i < n; i++)
        member_row_free(&all[i]);
    free(all);
    return found || r->member.id || r->admin;
}

/* What an admin has to look at first. ERR_OK where nothing stands against it. */
enum err receive_apply_check(struct receiving *r, const char *org, const char *role, struct diag *reason)
{
    const struct policy_value *apply = &r->policy->membership.apply;
    struct application_row other = {0};
    struct member_row m = {0};
    struct diag none;
    enum err err = ERR_OK;

    if (r->in->released)
        return ERR_OK;
    if (policy_is(apply, POLICY_APPLY_INVITE))
        err = diag_set(reason, ERR_REJECT, "membership.apply", "the policy takes members by invitation");
    else if (is_member(r, org, role, &m))
        err = diag_set(reason, ERR_REJECT, "application.member", "it is made in a member's or an admin's name");
    else if (!application_open_of_org(r->f->db, r->list_row.id, org, 0, &other, &none))
        err = diag_set(reason, ERR_REJECT, "application.second", "an application of this organisation is open");
    application_row_free(&other);
    member_row_free(&m);
    return err;
}

/* What came as a secret key, now or before, is nobody's own any more. */
static bool is_exposed(const struct receiving *r, const struct application_row *row)
{
    const struct pgp_secrets *s = &r->in->secrets;
    bool exposed = secret_key_came_with(r->f->db, row->list_id, r->in->key_fingerprint, row->code);

    for (size_t i = 0; i < s->n_keys; i++)
        exposed = exposed || strcmp(s->fingerprints[i], r->in->key_fingerprint) == 0;
    return exposed;
}

enum err receive_apply_key(struct receiving *r, struct application_row *row, struct diag *why)
{
    if (r->in->key.len && is_exposed(r, row)) {
        free(row->key_rule);
        row->key_rule = mem_strdup("key.exposed");
        return application_update(r->f->db, row, why);
    }
    if (r->in->key.len && r->in->key_facts) {
        row->proved = incoming_is_signed(r->in) && strcmp(r->in->signature.fingerprint, r->in->key_fingerprint) == 0;
        return application_set_key(r->f->db, row, r->in->key_facts, buf_span(&r->in->key), why);
    }
    if (*r->in->key_rule) {
        free(row->key_rule);
        row->key_rule = mem_strdup(r->in->key_rule);
        return application_update(r->f->db, row, why);
    }
    return ERR_OK;
}

char *receive_apply_form(const struct form *form, const char *language)
{
    struct buf text = BUF_EMPTY;

    for (size_t i = 0; i < form->n; i++) {
        char *value = mem_strdup(form->values[i]);

        /* A paragraph is indented, so that it is read again as part of the value. */
        buf_printf(&text, "%s: ", form->names[i]);
        for (const char *p = value; *p; p++) {
            buf_add_byte(&text, (uint8_t)*p);
            if (*p == '\n')
                buf_add_str(&text, "  ");
        }
        buf_add_str(&text, "\n");
        mem_free_secret(&value);
    }
    if (*language)
        buf_printf(&text, "Language: %s\n", language);
    return buf_take(&text);
}

static enum err insert(struct receiving *r, const struct form *form, const char *org, struct application_row *row,
                       struct diag *why)
{
    char language[TEXT_LANGUAGE_MAX + 1], *text;
    const char *answer = addr_is_valid(r->in->sender) ? r->in->sender : receive_apply_from(r);
    bool never = policy_is(&r->policy->reporting.acknowledge, POLICY_ACK_NEVER);
    enum err err;

    apply_language(receive_apply_text(r), language);
    text = receive_apply_form(form, language);
    *row = (struct application_row){.list_id = r->list_row.id,
                                    .state = mem_strdup(application_state_name(APPLICATION_RECEIVED)),
                                    .received_at = r->in->received_at,
                                    .complete_at = INSTANT_NONE,
                                    .decide_by = INSTANT_NONE,
                                    .challenge_until = INSTANT_NONE};
    row->answerable = !never && (policy_is(&r->policy->reporting.acknowledge, POLICY_ACK_ALWAYS) ||
                                 reporter_is_authenticated(r->list, r->in));
    err = application_insert(r->f->db, row, org, receive_apply_from(r), answer, why);
    if (!err)
        err = application_set(r->f->db, row->id, APPLICATION_FORM, text, why);
    if (!err && r->in->outer.message_id)
        err = application_reference_add(r->f->db, row->id, r->in->outer.message_id, why);
    if (!err)
        err = audit_append(r->f->db, clock_now(r->f->clock), "applicant", "application.received", row->code,
                           "membership.apply", NULL, why);
    if (!err)
        err = receive_apply_key(r, row, why);
    mem_free_secret(&text);
    return err;
}

enum err receive_apply_new(struct receiving *r, const struct form *form, struct diag *reason, struct diag *why)
{
    const char *org = form_value(form, "Organisation");
    char role[ADDR_MAX_BYTES + 1];
    struct application_row row = {0};
    struct diag none;
    struct apply a;
    enum err err;

    if (addr_check(span_of(form_value(form, "Role-address")), role, &none))
        *role = 0;
    err = receive_apply_check(r, org, role, reason);
    if (!err)
        err = insert(r, form, org, &row, why);
    if (!err)
        err = apply_load(r->f, &row, &a, why);
    else
        application_row_free(&row);
    if (!err) {
        snprintf(r->application, sizeof r->application, "%s", a.row.code);
        err = apply_settle(&a, why);
        log_event(a.row.code, "application", "membership.apply", NULL);
        apply_free(&a);
    }
    return err;
}

#include "flow/applications.h"

#include "base/instant.h"
#include "base/mem.h"
#include "codec/addr.h"
#include "flow/policies.h"
#include "flow/view.h"
#include "store/approvals.h"
#include "store/audit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void apply_fields(const struct policy *policy, const char *const **names, size_t *n)
{
    static const char *const usual[] = {"Organisation",     "Domains",      "Class",
                                        "Eligibility",      "Evidence",     "Confidential-contact",
                                        "Policy-statement", "Role-address", "Vouchers"};
    const struct policy_value *v = &policy->membership.application;

    if (v->has == POLICY_STATED && v->n_items) {
        *names = (const char *const *)v->items;
        *n = v->n_items;
    } else {
        *names = usual;
        *n = sizeof usual / sizeof usual[0];
    }
}

void apply_free(struct apply *a)
{
    policy_free(&a->policy);
    application_row_free(&a->row);
    mem_free_secret(&a->org);
    form_free(&a->form);
    decide_criteria_free(&a->criteria);
    free(a->key);
    memset(a, 0, sizeof *a);
}

void apply_language(const char *text, char *out)
{
    char *tag = form_line(text, "Language");
    struct diag none;

    if (!tag || text_language(tag, out, &none))
        *out = 0;
    free(tag);
}

static enum err load_form(struct apply *a, struct diag *why)
{
    const char *const *names;
    char *text = application_get(a->f->db, a->row.id, APPLICATION_FORM);
    size_t n;

    (void)why;
    apply_fields(a->policy, &names, &n);
    form_parse(text ? text : "", names, n, &a->form);
    apply_language(text ? text : "", a->language);
    mem_free_secret(&text);
    return ERR_OK;
}

static enum err load_key(struct apply *a, struct diag *why)
{
    enum err err;

    a->key = mem_zero(1, sizeof *a->key);
    err = application_key(a->f->db, a->row.id, a->key, NULL, why);
    if (err) {
        free(a->key);
        a->key = NULL;
    }
    return err == ERR_NOT_FOUND ? ERR_OK : err;
}

enum err apply_load(struct flow *f, struct application_row *row, struct apply *out, struct diag *why)
{
    enum err err;

    *out = (struct apply){.f = f, .row = *row};
    memset(row, 0, sizeof *row);
    out->list = flow_list_of_row(f, out->row.list_id, why);
    err = out->list ? policies_of_list(f, out->list, &out->policy, why) : ERR_NOT_FOUND;
    if (!err && !application_state_parse(out->row.state, &out->state))
        err = diag_set(why, ERR_INTERNAL, "state.application", "the application has an unknown state");
    if (!err)
        out->org = application_get(f->db, out->row.id, APPLICATION_ORG);
    if (!err && !out->org)
        err = diag_set(why, ERR_INTERNAL, "store.sealed", "the application does not open");
    if (!err)
        err = load_form(out, why);
    if (!err)
        err = load_key(out, why);
    if (!err)
        err = apply_judge(out, why);
    if (err)
        apply_free(out);
    return err;
}

/* ---- what is met ---- */

static enum decide_key key_is(struct apply *a, char *rule, size_t size)
{
    enum pgp_key_state state;

    snprintf(rule, size, "%s", a->row.key_rule ? a->row.key_rule : "");
    if (!a->key) {
        if (a->row.key_rule && strcmp(a->row.key_rule, "key.sought") == 0)
            return DECIDE_KEY_SOUGHT;
        return a->row.key_rule ? DECIDE_KEY_REFUSED : DECIDE_KEY_NONE;
    }
    state = pgp_key_state_at(a->key, clock_now(a->f->clock), NULL, 0);
    snprintf(rule, size, "key.%s", pgp_key_state_name(state));
    if (!pgp_key_state_sends(state))
        return DECIDE_KEY_REFUSED;
    /* A member's key is his own by now. */
    if (a->state != APPLICATION_ACTIVE && application_key_taken(a->f->db, &a->row, a->key)) {
        snprintf(rule, size, "key.duplicate");
        return DECIDE_KEY_TAKEN;
    }
    return DECIDE_KEY_USABLE;
}

/* Only the word of those who are members today counts. */
static enum err count_vouchers(struct apply *a, struct decide_application *facts, struct diag *why)
{
    struct application_voucher *vouchers;
    size_t n;
    enum err err = application_vouchers(a->f->db, a->row.id, &vouchers, &n, why);

    for (size_t i = 0; !err && i < n; i++) {
        struct member_row m = {0};
        enum member_state state;
        struct diag none;

        if (!member_by_id(a->f->db, vouchers[i].member_id, &m, &none) && member_state_parse(m.state, &state) &&
            (state == MEMBER_ACTIVE || state == MEMBER_KEY_TROUBLE)) {
            facts->vouched += strcmp(vouchers[i].state, "yes") == 0 ? 1 : 0;
            facts->asked += strcmp(vouchers[i].state, "asked") == 0 ? 1 : 0;
        }
        member_row_free(&m);
    }
    application_vouchers_free(vouchers, n);
    return err;
}

/* A name that no member could have (flow/member_admit.h) is none. */
static bool fits(const char *name, const char *value)
{
    size_t len = strlen(value);

    if (!form_name_equal(name, "Organisation"))
        return true;
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)value[i] < 0x20 || value[i] == 0x7f)
            return false;
    return len <= 100;
}

enum err apply_judge(struct apply *a, struct diag *why)
{
    char rule[DIAG_RULE_MAX];
    const char **values = mem_zero(a->form.n, sizeof *values);
    struct decide_application facts = {
        .names = (const char *const *)a->form.names, .values = values, .n = a->form.n, .key_rule = rule};
    enum err err;

    /* "none" leaves a field empty. */
    for (size_t i = 0; i < a->form.n; i++)
        values[i] =
            form_is_blank(a->form.values[i]) || !fits(a->form.names[i], a->form.values[i]) ? "" : a->form.values[i];
    facts.key = key_is(a, rule, sizeof rule);
    err = count_vouchers(a, &facts, why);
    decide_criteria_free(&a->criteria);
    decide_criteria(a->policy, &facts, &a->criteria);
    free(values);
    return err;
}

bool apply_can_seal(const struct apply *a)
{
    return a->key && pgp_key_state_sends(pgp_key_state_at(a->key, clock_now(a->f->clock), NULL, 0));
}

void apply_role_address(const struct apply *a, char *out)
{
    struct diag none;

    if (addr_check(span_of(form_value(&a->form, "Role-address")), out, &none))
        *out = 0;
}

const char *apply_tier(const struct apply *a)
{
    const struct policy_tier *tier;

    if (a->row.tier)
        return a->row.tier;
    tier = decide_tier_of_class(a->policy, form_value(&a->form, "Class"));
    return tier ? policy_words(&tier->name, NULL) : NULL;
}

/* ---- states ---- */

enum err apply_step(struct apply *a, enum application_event event, const char *actor, const char *rule,
                    const char *detail, struct diag *why)
{
    const struct application_step *step;
    char words[64];
    enum err err = application_step_find(a->state, event, &step, why);

    if (err)
        return err;
    a->state = step->to;
    free(a->row.state);
    a->row.state = mem_strdup(application_state_name(step->to));
    err = application_update(a->f->db, &a->row, why);
    snprintf(words, sizeof words, "application.%s", application_event_name(event));
    return err ? err
               : audit_append(a->f->db, clock_now(a->f->clock), actor, words, a->row.code, rule ? rule : "", detail,
                              why);
}

/* ---- how it is shown ---- */

static json_t *view_criteria(const struct apply *a)
{
    json_t *list = json_array();

    for (size_t i = 0; i < a->criteria.n; i++) {
        const struct decide_criterion *c = &a->criteria.items[i];

        json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:s}", "id", c->id, "result",
                                              decide_result_name(c->result), "rule", c->rule, "reason", c->reason));
    }
    return list;
}

static void add_vote(json_t *list, const char *admin, const char *vote, int64_t at)
{
    json_t *there;
    size_t i;

    json_array_foreach(list, i,
                       there) if (strcmp(json_string_value(json_object_get(there, "admin")), admin) == 0) return;
    json_array_append_new(list, json_pack("{s:s, s:s, s:o}", "admin", admin, "vote", vote, "at", view_instant(at)));
}

/* Those that wait for further ones (store/approvals.h). */
static void add_waiting_votes(const struct apply *a, json_t *list)
{
    struct approval_row *rows = NULL;
    size_t n = 0;
    struct diag none;

    if (approval_open(a->f->db, a->row.list_id, &rows, &n, &none))
        return;
    for (size_t i = 0; i < n; i++) {
        struct vote_row *votes = NULL;
        size_t n_votes = 0;

        if (strcmp(rows[i].action, "application approve") == 0 && strcmp(rows[i].object, a->row.code) == 0 &&
            !vote_all(a->f->db, rows[i].id, &votes, &n_votes, &none))
            for (size_t k = 0; k < n_votes; k++)
                add_vote(list, votes[k].admin, votes[k].vote, votes[k].at);
        vote_rows_free(votes, n_votes);
        approval_row_free(&rows[i]);
    }
    free(rows);
}

static json_t *view_votes(const struct apply *a)
{
    struct application_vote *votes = NULL;
    json_t *list = json_array();
    struct diag none;
    size_t n = 0;

    if (!application_votes(a->f->db, a->row.id, &votes, &n, &none))
        for (size_t i = 0; i < n; i++)
            add_vote(list, votes[i].admin, votes[i].vote, votes[i].at);
    application_votes_free(votes, n);
    add_waiting_votes(a, list);
    return list;
}

static json_t *view_vouchers(const struct apply *a)
{
    struct application_voucher *vouchers = NULL;
    json_t *list = json_array();
    struct diag none;
    size_t n = 0;

    if (!application_vouchers(a->f->db, a->row.id, &vouchers, &n, &none))
        for (size_t i = 0; i < n; i++) {
            struct member_row m = {0};

            if (!member_by_id(a->f->db, vouchers[i].member_id, &m, &none))
                json_array_append_new(list, json_pack("{s:s, s:s}", "org", m.org, "state", vouchers[i].state));
            member_row_free(&m);
        }
    application_vouchers_free(vouchers, n);
    return list;
}

static json_t *view_messages(const struct apply *a)
{
    struct application_message *messages = NULL;
    json_t *list = json_array();
    struct diag none;
    size_t n = 0;

    if (!application_messages(a->f->db, a->row.id, &messages, &n, &none))
        for (size_t i = 0; i < n; i++)
            json_array_append_new(list, json_pack("{s:o, s:s, s:o}", "at", view_instant(messages[i].at), "author",
                                                  messages[i].author, "text", view_text(messages[i].text)));
    application_messages_free(messages, n);
    return list;
}

static bool is_contact(const char *name)
{
    return form_name_equal(name, "Role-address") || form_name_equal(name, "Confidential-contact");
}

/* For posting where the policy makes applications public: what people are to judge, and nobody's address. */
static json_t *view_public(const struct apply *a)
{
    struct buf text = BUF_EMPTY;
    json_t *out;

    if (!policy_is(&a->policy->membership.apply, POLICY_APPLY_PUBLIC_LIST) &&
        !policy_is(&a->policy->membership.apply, POLICY_APPLY_PUBLIC_ISSUE))
        return json_null();
    buf_printf(&text, "Application for membership of %s\n\n", a->list->address);
    for (size_t i = 0; i < a->form.n; i++) {
        const char *value = a->form.values[i];

        if (is_contact(a->form.names[i]) || !*value)
            continue;
        buf_printf(&text, "%s: ", a->form.names[i]);
        /* A word with an @ is somebody's address. */
        while (*value) {
            size_t gap = strspn(value, " \t\r\n,;<>()"), len = strcspn(value + gap, " \t\r\n,;<>()");

            buf_add(&text, value, gap);
            if (memchr(value + gap, '@', len))
                buf_add_str(&text, "[address]");
            else
                buf_add(&text, value + gap, len);
            value += gap + len;
        }
        buf_add_str(&text, "\n");
    }
    out = view_text(buf_text(&text));
    buf_free(&text);
    return out;
}

static json_t *view_key_of(const struct apply *a)
{
    char reason[256] = "";
    enum pgp_key_state state = PGP_KEY_MISSING;

    if (a->key)
        state = pgp_key_state_at(a->key, clock_now(a->f->clock), reason, sizeof reason);
    return json_pack("{s:o, s:s, s:o}", "fingerprint", view_text(a->key ? a->key->fingerprint : NULL), "state",
                     pgp_key_state_name(state), "reason",
                     view_text(*reason           ? reason
                               : a->row.key_rule ? a->row.key_rule
                                                 : NULL));
}

static void add_full(struct apply *a, json_t *o)
{
    json_t *fields = json_object(), *missing = json_array();
    char *reason = application_get(a->f->db, a->row.id, APPLICATION_REASON);

    for (size_t i = 0; i < a->form.n; i++)
        json_object_set_new(fields, a->form.names[i], view_text(*a->form.values[i] ? a->form.values[i] : NULL));
    for (size_t i = 0; i < a->criteria.missing.n; i++)
        json_array_append_new(missing, json_string(a->criteria.missing.items[i]));
    json_object_set_new(o, "fields", fields);
    json_object_set_new(o, "missing", missing);
    json_object_set_new(o, "key", view_key_of(a));
    json_object_set_new(o, "vouchers", view_vouchers(a));
    json_object_set_new(o, "messages", view_messages(a));
    json_object_set_new(o, "reason", view_text(reason));
    json_object_set_new(o, "public", view_public(a));
    mem_free_secret(&reason);
}

json_t *apply_view(struct apply *a, bool full)
{
    json_t *o = json_object();
    const char *class_name = form_value(&a->form, "Class");

    json_object_set_new(o, "id", json_string(a->row.code));
    json_object_set_new(o, "org", view_text(a->org));
    json_object_set_new(o, "state", json_string(a->row.state));
    json_object_set_new(o, "criteria", view_criteria(a));
    json_object_set_new(o, "votes", view_votes(a));
    json_object_set_new(o, "decide_by", view_instant(a->row.decide_by));
    json_object_set_new(o, "needs", json_integer(decide_approvals(a->policy, DECIDE_MEMBER_ADD)));
    json_object_set_new(o, "class", view_text(*class_name ? class_name : NULL));
    json_object_set_new(o, "tier", view_text(apply_tier(a)));
    json_object_set_new(o, "received_at", view_instant(a->row.received_at));
    json_object_set_new(o, "complete_at", view_instant(a->row.complete_at));
    if (full)
        add_full(a, o);
    return o;
}

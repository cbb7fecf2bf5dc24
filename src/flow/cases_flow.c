#include "flow/cases_flow.h"

#include "base/instant.h"
#include "base/mem.h"
#include "flow/policies.h"
#include "flow/release.h"
#include "flow/reminders.h"
#include "policy/schedule.h"
#include "store/audit.h"
#include "store/deadlines.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *case_label(const struct case_row *c)
{
    return c->public_id ? c->public_id : c->code;
}

void case_facts(const struct case_row *c, struct decide_case *out)
{
    *out = (struct decide_case){.severity = POLICY_UNRATED,
                                .is_public = c->is_public,
                                .channel = c->channel,
                                .scope = c->scope,
                                .fix_needs_s = c->fix_needs_s};
    if (c->origin)
        out->origin = strcmp(c->origin, "automated") == 0 ? POLICY_ORIGIN_AUTOMATED : POLICY_ORIGIN_HUMAN;
    if (c->severity)
        policy_severity_parse(c->severity, &out->severity);
}

static void set_text(char **to, const char *text)
{
    free(*to);
    *to = mem_strdup(text);
}

static const char *mode_name(const struct policy_value *mode)
{
    return mode->has == POLICY_STATED ? mode->text : "unstated";
}

enum err case_choose_track(const struct policy *policy, struct case_row *c, struct diag *why)
{
    struct decide_track choice;
    struct decide_case facts;

    (void)why;
    case_facts(c, &facts);
    /* An admin's choice goes first, as long as the policy has that track. */
    c->track_chosen = c->track_chosen && c->track && policy_track_find(policy, c->track);
    facts.track = c->track_chosen ? c->track : NULL;
    decide_track(policy, &facts, &choice);
    set_text(&c->track, choice.track ? policy_words(&choice.track->name, NULL) : NULL);
    set_text(&c->mode, choice.track ? mode_name(&choice.track->mode) : NULL);
    set_text(&c->model, choice.track ? policy_words(&choice.track->model, "none") : NULL);
    decide_track_free(&choice);
    return ERR_OK;
}

enum err case_open(struct flow *f, const struct settings_list *list, int64_t list_id, const char *title,
                   const struct actor *by, struct case_row *out, struct diag *why)
{
    char name[POLICY_NAME_MAX], digest[POLICY_DIGEST_LEN + 1];
    struct policy *policy = NULL;
    enum err err = policies_keep(f, list->policy, name, digest, why);

    *out = (struct case_row){.list_id = list_id,
                             .state = mem_strdup(case_state_name(CASE_NEW)),
                             .policy = mem_strdup(name),
                             .policy_digest = mem_strdup(digest),
                             .opened_at = clock_now(f->clock),
                             .acknowledged_at = INSTANT_NONE,
                             .accepted_at = INSTANT_NONE,
                             .fix_ready_at = INSTANT_NONE,
                             .predisclosed_at = INSTANT_NONE,
                             .public_at = INSTANT_NONE,
                             .closed_at = INSTANT_NONE,
                             .until_at = INSTANT_NONE,
                             .discoverer_at = INSTANT_NONE,
                             .embargo_start_at = INSTANT_NONE,
                             .fix_needs_s = -1};
    box_random_id(out->code);
    if (!err)
        err = policies_of_case(f, out, &policy, why);
    if (!err)
        err = case_choose_track(policy, out, why);
    if (!err)
        err = case_insert(f->db, out, why);
    if (!err)
        err = db_seal_text(f->db, "cases", out->id, "sealed_title", title, why);
    if (!err)
        err = audit_append(f->db, out->opened_at, by->name, "case.open", out->code, "", NULL, why);
    if (!err)
        err = case_reschedule(f, policy, out, why);
    policy_free(&policy);
    if (err)
        case_row_free(out);
    return err;
}

static void set_state_instant(struct case_row *c, enum case_state to, int64_t now)
{
    int64_t *const at[CASE_STATES] = {[CASE_ACCEPTED] = &c->accepted_at,
                                      [CASE_FIX_READY] = &c->fix_ready_at,
                                      [CASE_PREDISCLOSED] = &c->predisclosed_at,
                                      [CASE_PUBLIC] = &c->public_at,
                                      [CASE_CLOSED] = &c->closed_at};

    if (at[to] && *at[to] == INSTANT_NONE)
        *at[to] = now;
}

enum err case_step(struct flow *f, struct case_row *c, enum case_event event, const struct actor *by, const char *rule,
                   const char *reason, struct diag *why)
{
    const struct case_step *step;
    enum case_state state;
    char words[64];
    int64_t now = clock_now(f->clock);
    enum err err;

    if (!case_state_parse(c->state, &state))
        return diag_set(why, ERR_INTERNAL, "state.case", "the case has an unknown state");
    err = case_step_find(state, event, &step, why);
    if (err)
        return err;
    set_text(&c->state, case_state_name(step->to));
    if (step->to != state)
        set_state_instant(c, step->to, now);
    if (event == CASE_REOPEN)
        c->public_at = c->closed_at = INSTANT_NONE;
    snprintf(words, sizeof words, "case.%s", case_event_name(event));
    err = case_update(f->db, c, why);
    return err ? err : audit_append(f->db, now, by->name, words, c->code, rule, reason, why);
}

void case_schedule_facts(const struct policy *policy, const struct case_row *c, struct schedule_facts *out)
{
    schedule_facts_init(out);
    out->track = c->track ? policy_track_find(policy, c->track) : NULL;
    out->at_utc_s[POLICY_AT_REPORT] = c->opened_at;
    out->at_utc_s[POLICY_AT_ACKNOWLEDGE] = c->acknowledged_at;
    out->at_utc_s[POLICY_AT_ACCEPTED] = c->accepted_at;
    out->at_utc_s[POLICY_AT_TRIAGE] = c->accepted_at;
    out->at_utc_s[POLICY_AT_FIX_READY] = c->fix_ready_at;
    out->at_utc_s[POLICY_AT_FIX] = c->fix_ready_at;
    out->at_utc_s[POLICY_AT_PREDISCLOSE] = c->predisclosed_at;
    /* A report to the list is its post there: the embargo of a list such as linux-distros runs from it. */
    out->at_utc_s[POLICY_AT_LIST_POST] = c->opened_at;
    out->at_utc_s[POLICY_AT_PUBLISH] = c->public_at;
    out->at_utc_s[POLICY_AT_PUBLISH_PLANNED] = c->until_at;
    out->discoverer_utc_s = c->discoverer_at;
    if (c->embargo_status && strcmp(c->embargo_status, "broken") == 0)
        out->leaked_utc_s = c->public_at != INSTANT_NONE ? c->public_at : c->until_at;
}

enum err case_reschedule(struct flow *f, const struct policy *policy, const struct case_row *c, struct diag *why)
{
    struct schedule_holidays holidays;
    struct schedule_facts facts;
    struct schedule schedule = {0};
    int64_t *keep = NULL;
    size_t n_keep = 0;
    enum err err = policies_holidays(f->policies, policy, &holidays, why);

    if (err)
        return err;
    case_schedule_facts(policy, c, &facts);
    schedule_make(policy, &holidays, &facts, &schedule);
    keep = mem_zero(schedule.n, sizeof *keep);
    for (size_t i = 0; !err && i < schedule.n; i++) {
        const struct schedule_deadline *d = &schedule.items[i];
        char clock[96];
        struct deadline_row row = {.case_id = c->id,
                                   .clock = (char *)reminders_clock(d, clock, sizeof clock),
                                   .tier = (char *)d->tier,
                                   .at = d->at_utc_s,
                                   .rule = (char *)d->rule,
                                   .force = (char *)d->force};

        if (d->met)
            continue;
        err = deadline_put(f->db, &row, why);
        keep[n_keep++] = db_value(f->db, 0, "SELECT id FROM deadline WHERE case_id = ? AND clock = ? AND tier IS ?",
                                  "itt", c->id, row.clock, row.tier);
    }
    if (!err)
        err = deadline_prune(f->db, c->id, keep, n_keep, why);
    if (!err)
        err = reminders_put(f, policy, c, &schedule, why);
    if (!err)
        err = release_reschedule(f, policy, c, why);
    free(keep);
    schedule_free(&schedule);
    schedule_holidays_free(&holidays);
    return err;
}

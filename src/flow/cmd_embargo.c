/* Commands on the embargo of a case: its date set, extended, lifted, broken. */
#include "flow/cmd.h"

#include "base/instant.h"
#include "base/mem.h"
#include "flow/advisory_tell.h"
#include "flow/approvals.h"
#include "flow/case_of.h"
#include "flow/cases_flow.h"
#include "flow/policies.h"
#include "flow/release.h"
#include "flow/view.h"
#include "policy/schedule.h"
#include "store/audit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct change {
    struct flow *f;
    const struct command *c;
    const struct settings_list *list;
    struct case_row row;
    struct policy *policy;
};

static enum err change_begin(struct change *g, struct flow *f, const struct command *c, struct diag *why)
{
    enum err err;

    memset(g, 0, sizeof *g);
    g->f = f;
    g->c = c;
    err = case_of_command(f, c, &g->row, &g->list, why);
    return err ? err : policies_of_case(f, &g->row, &g->policy, why);
}

static void change_end(struct change *g)
{
    policy_free(&g->policy);
    case_row_free(&g->row);
}

static json_t *embargo_json(struct change *g)
{
    json_t *o = json_object(), *whole = view_case(g->f, &g->row, false);
    struct releasing release;
    struct diag why;

    json_object_set_new(o, "id", json_string(g->row.code));
    json_object_set_new(o, "public_id", view_text(g->row.public_id));
    json_object_set_new(o, "state", view_text(g->row.state));
    json_object_set_new(o, "status", view_text(g->row.embargo_status));
    json_object_set_new(o, "until", view_instant(g->row.until_at));
    json_object_set_new(o, "policy", view_text(g->row.policy));
    json_object_set_new(o, "track", view_text(g->row.track));
    json_object_set_new(o, "model", view_text(g->row.model));
    json_object_set(o, "deadlines", json_object_get(whole, "deadlines"));
    json_decref(whole);
    if (release_exists(g->f->db, g->row.id) && !release_load(g->f, &g->row, g->policy, g->list, &release, &why)) {
        json_object_set_new(o, "release", release_json(&release));
        release_unload(&release);
    } else {
        json_object_set_new(o, "release", json_null());
    }
    return o;
}

enum err cmd_embargo_show(struct flow *f, const struct command *c, struct reply *r, struct diag *why)
{
    struct change g;
    enum err err = change_begin(&g, f, c, why);

    if (!err)
        r->data = embargo_json(&g);
    change_end(&g);
    return err;
}

static void set_status(struct change *g, const char *status)
{
    free(g->row.embargo_status);
    g->row.embargo_status = mem_strdup(status);
}

/* Writes the row, moves the deadlines, tells those who know. */
static enum err finish(struct change *g, const char *words, const char *event, struct reply *r, struct diag *why)
{
    const char *news = strcmp(g->row.embargo_status, "extended") == 0 ? "the embargo: extended" : "the embargo: active";
    size_t told = 0;
    enum err err = case_update(g->f->db, &g->row, why);

    if (!err)
        err = case_reschedule(g->f, g->policy, &g->row, why);
    if (!err)
        err = advisory_move_staged(g->f, g->policy, &g->row, why);
    if (!err)
        err = advisory_notify(g->f, g->policy, &g->row, g->list, news, words, &told, why);
    if (!err)
        err = audit_append(g->f->db, clock_now(g->f->clock), g->c->actor.name, event, g->row.code, "",
                           command_word(g->c, "reason"), why);
    if (!err) {
        r->data = embargo_json(g);
        if (told)
            snprintf(r->message, sizeof r->message, "%zu members are told", told);
    }
    return err;
}

/* The policy's words on a date that falls short of an aim are shown, and recorded. */
static enum err take_notes(struct change *g, struct schedule_notes *notes, struct reply *r, struct diag *why)
{
    enum err err = ERR_OK;

    for (size_t i = 0; !err && i < notes->n; i++) {
        snprintf(r->message, sizeof r->message, "%s", notes->items[i].text);
        err = audit_append(g->f->db, clock_now(g->f->clock), g->c->actor.name, "embargo.note", g->row.code,
                           notes->items[i].rule, NULL, why);
    }
    return err;
}

/* The caller frees the notes. */
static enum err check_date(struct change *g, int64_t until, struct schedule_notes *notes, struct diag *why)
{
    struct schedule_change change = {.now_utc_s = clock_now(g->f->clock),
                                     .until_utc_s = until,
                                     .by = POLICY_BY_TEAM,
                                     .whole_day = schedule_when_is_day(command_word(g->c, "until")),
                                     .has_reason = command_word(g->c, "reason") != NULL};
    struct schedule_holidays holidays;
    struct schedule_facts facts;
    enum err err = policies_holidays(g->f->policies, g->policy, &holidays, why);

    if (err)
        return err;
    case_schedule_facts(g->policy, &g->row, &facts);
    err = schedule_check_until(g->policy, &holidays, &facts, &change, notes, why);
    schedule_holidays_free(&holidays);
    /* "Needs a reason" is the policy's refusal, not a mistake in the words of the command. */
    return err == ERR_USAGE ? ERR_DENIED : err;
}

/*
 * A date before the one of now (set, or by the policy) lifts the embargo for the time between: as many admins decide.
 * What they decided on is not set any more once the date of now is another one, even where it would be later then.
 */
static enum err gate_earlier(struct change *g, int64_t until, struct reply *r, bool *go_on, struct diag *why)
{
    struct approval_what what = {.action = "embargo set",
                                 .object = g->row.code,
                                 .list = g->list,
                                 .list_id = g->row.list_id,
                                 .needs = decide_approvals(g->policy, DECIDE_LIFT)};
    struct releasing release = {0};
    char now[INSTANT_TEXT_SIZE];
    enum err err = release_load(g->f, &g->row, g->policy, g->list, &release, why);

    if (!err && release.due_utc_s != INSTANT_NONE && (g->c->replay || until < release.due_utc_s)) {
        what.basis = span_of(instant_text(release.due_utc_s, now));
        err = approval_gate(g->f, g->c, &what, r, go_on, why);
    }
    release_unload(&release);
    return err;
}

static enum err move_date(struct flow *f, const struct command *c, struct reply *r, bool extends, struct diag *why)
{
    const char *when = command_word(c, "until");
    char words[256], at[INSTANT_TEXT_SIZE];
    const struct case_step *step;
    enum case_state state;
    int64_t until = 0;
    struct change g;
    struct schedule_notes notes = {0};
    bool go_on = true;
    enum err err = change_begin(&g, f, c, why);

    if (!err && !when)
        err = diag_set(why, ERR_USAGE, "command.option", "--until WHEN is needed, such as 2026-12-01T15:00:00Z");
    if (!err && case_state_parse(g.row.state, &state))
        err = case_step_find(state, CASE_EXTEND, &step, why);
    if (!err)
        err = schedule_parse_when(g.policy, when, &until, why);
    if (!err && extends && g.row.until_at == INSTANT_NONE)
        err = diag_set(why, ERR_DENIED, "embargo.no-date", "there is no date to extend: embargo set gives one");
    if (!err)
        err = check_date(&g, until, &notes, why);
    if (!err)
        err = gate_earlier(&g, until, r, &go_on, why);
    if (!err && go_on)
        err = take_notes(&g, &notes, r, why);
    if (!err && go_on) {
        g.row.until_at = until;
        set_status(&g, extends ? "extended" : "active");
        snprintf(words, sizeof words, "The embargo of %s now ends at %s.\nUntil then nothing else changes.\n",
                 case_label(&g.row), instant_text(until, at));
        err = finish(&g, words, extends ? "embargo.extend" : "embargo.set", r, why);
    }
    schedule_notes_free(&notes);
    change_end(&g);
    return err;
}

enum err cmd_embargo_set(struct flow *f, const struct command *c, struct reply *r, struct diag *why)
{
    return move_date(f, c, r, false, why);
}

enum err cmd_embargo_extend(struct flow *f, const struct command *c, struct reply *r, struct diag *why)
{
    return move_date(f, c, r, true, why);
}

/* A state that knows no lifting is refused before admins are asked. */
static enum err gate_lift(struct change *g, struct reply *r, bool *go_on, struct diag *why)
{
    struct approval_what what = {.action = "embargo lift",
                                 .object = g->row.code,
                                 .list = g->list,
                                 .list_id = g->row.list_id,
                                 .needs = decide_approvals(g->policy, DECIDE_LIFT)};
    const struct case_step *step;
    enum case_state state;
    enum err err = ERR_OK;

    if (case_state_parse(g->row.state, &state))
        err = case_step_find(state, CASE_LIFT, &step, why);
    return err ? err : approval_gate(g->f, g->c, &what, r, go_on, why);
}

/* The embargo is over, by decision or because it was broken: what is there is published now (flow/release.h). */
static enum err end_embargo(struct flow *f, const struct command *c, struct reply *r, enum case_event event,
                            struct diag *why)
{
    bool go_on = true;
    struct releasing release = {0};
    struct change g;
    enum err err = change_begin(&g, f, c, why);

    if (!err && event == CASE_BREAK && !command_word(c, "reason"))
        err = diag_set(why, ERR_USAGE, "command.option", "embargo broken needs --reason T");
    if (!err && event == CASE_LIFT)
        err = gate_lift(&g, r, &go_on, why);
    if (!err && go_on)
        err = release_load(f, &g.row, g.policy, g.list, &release, why);
    if (!err && go_on)
        err = release_start(&release, event, &c->actor, command_word(c, "reason"), why);
    if (!err && go_on && !release.has_text)
        snprintf(r->message, sizeof r->message,
                 "the case is public, but it has no advisory: write one, then publish run %s", g.row.code);
    if (!err && go_on)
        r->data = embargo_json(&g);
    release_unload(&release);
    change_end(&g);
    return err;
}

enum err cmd_embargo_lift(struct flow *f, const struct command *c, struct reply *r, struct diag *why)
{
    return end_embargo(f, c, r, CASE_LIFT, why);
}

/* In doubt, publish: whatever the policy leaves open of a leak, the command is the decision. */
enum err cmd_embargo_broken(struct flow *f, const struct command *c, struct reply *r, struct diag *why)
{
    return end_embargo(f, c, r, CASE_BREAK, why);
}

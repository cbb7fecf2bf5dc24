/* Commands on the day of release: looked at, approved, confirmed, done by hand. */
#include "flow/cmd.h"

#include "base/instant.h"
#include "base/mem.h"
#include "flow/approvals.h"
#include "flow/case_of.h"
#include "flow/cases_flow.h"
#include "flow/clock_guard.h"
#include "flow/deadline_effects.h"
#include "flow/release.h"
#include "store/audit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static enum err begin(struct flow *f, const struct command *c, struct release_case *out, struct diag *why)
{
    const struct settings_list *list;
    struct case_row row;
    enum err err = case_of_command(f, c, &row, &list, why);

    memset(out, 0, sizeof *out);
    if (err)
        return err;
    err = release_case_load(f, row.id, out, why);
    case_row_free(&row);
    return err;
}

/* How it stands after what was done. */
static enum err answer(struct flow *f, struct release_case *k, bool checks, struct reply *r, struct diag *why)
{
    struct release_case now;
    enum err err = release_case_load(f, k->c.id, &now, why);

    if (!err) {
        r->data = release_json(&now.g);
        if (checks)
            json_object_set_new(r->data, "checks", release_checks(&now.g));
        if (*now.g.decision.rule && now.g.row.started_at == INSTANT_NONE)
            snprintf(r->message, sizeof r->message, "%s: %s", now.g.decision.rule, now.g.decision.words);
    }
    release_case_end(&now);
    return err;
}

/* All cases that are on their way to the public, or not through it yet. */
static enum err check_all(struct flow *f, const struct command *c, struct reply *r, struct diag *why)
{
    int64_t *ids = NULL;
    size_t n = 0;
    enum err err = release_cases_under_way(f->db, &ids, &n, why);

    r->data = json_array();
    for (size_t i = 0; !err && i < n; i++) {
        struct release_case k;

        err = release_case_load(f, ids[i], &k, why);
        if (!err && (c->actor.kind != ACTOR_ADMIN || settings_admin_serves(c->actor.admin, k.list)) &&
            (!c->list || strcmp(c->list, k.list->name) == 0)) {
            json_t *o = release_json(&k.g);

            json_object_set_new(o, "checks", release_checks(&k.g));
            json_array_append_new(r->data, o);
        }
        release_case_end(&k);
    }
    free(ids);
    return err;
}

enum err cmd_publish_check(struct flow *f, const struct command *c, struct reply *r, struct diag *why)
{
    struct release_case k = {0};
    struct release_step step = {0};
    struct diag none;
    int64_t now = clock_now(f->clock);
    enum err err;

    if (!command_word(c, "ID"))
        return check_all(f, c, r, why);
    err = begin(f, c, &k, why);
    /* The key is tried anew, at most once an hour. */
    if (!err && (release_step_find(f->db, k.g.row.id, "test", "check", &step, &none) || step.next_at < now - 3600))
        err = release_add_step(f->db, k.g.row.id, "test", "check", "pending", now, why);
    if (!err)
        err = answer(f, &k, true, r, why);
    release_step_free(&step);
    release_case_end(&k);
    return err;
}

static enum err refuse_over(const struct release_case *k, struct diag *why)
{
    enum case_state state;

    if (case_state_parse(k->c.state, &state) && case_is_open(state))
        return ERR_OK;
    return diag_set(why, ERR_DENIED, "state.case", "the case is %s: nothing of it waits for its publication",
                    k->c.state);
}

static enum err refuse_track(const struct release_case *k, struct diag *why)
{
    const struct policy_track *track = k->c.track ? policy_track_find(k->policy, k->c.track) : NULL;
    char key[DIAG_RULE_MAX];

    if (!track)
        return diag_set(why, ERR_DENIED, "tracks.none", "the case has no track: set one with case set ID track=NAME");
    if (track->mode.has == POLICY_STATED || track->policy.has == POLICY_STATED)
        return ERR_OK;
    snprintf(key, sizeof key, "tracks.%.40s.mode", k->c.track);
    return policy_unstated(why, k->policy, &track->mode, key);
}

static enum err gate(struct flow *f, const struct command *c, struct release_case *k, const char *action,
                     struct reply *r, bool *go_on, struct diag *why)
{
    int needs = release_needs(k->policy);
    struct approval_what what = {.action = action,
                                 .object = k->c.code,
                                 .list = k->list,
                                 .list_id = k->c.list_id,
                                 .needs = needs ? needs : 1,
                                 .basis = {k->g.digest, sizeof k->g.digest}};

    return approval_gate(f, c, &what, r, go_on, why);
}

static enum err tell_approved(struct flow *f, const struct release_case *k, const struct actor *by, struct diag *why)
{
    char at[INSTANT_TEXT_SIZE];
    char *subject = mem_printf("[%s] approved for publication", case_label(&k->c));
    char *text =
        mem_printf("%s has approved version %lld of case %s for its publication at %s.\n"
                   "A change of the text or a patch voids that.\n",
                   by->name, (long long)k->g.version, k->c.code,
                   k->g.due_utc_s == INSTANT_NONE ? "a date that is not set yet" : instant_text(k->g.due_utc_s, at));
    enum err err = case_notify_team(f, k->list, k->c.list_id, &k->c, subject, text, why);

    mem_free_secret(&subject);
    mem_free_secret(&text);
    return err;
}

static enum err set_approved(struct flow *f, const struct command *c, struct release_case *k, struct diag *why)
{
    enum err err;

    memcpy(k->g.row.approved, k->g.digest, sizeof k->g.digest);
    k->g.row.is_approved = true;
    err = release_update(f->db, &k->g.row, why);
    return err ? err
               : audit_append(f->db, clock_now(f->clock), c->actor.name, "publish.approve", k->c.code,
                              "approvals.publish", NULL, why);
}

/* Asked anew with what has changed. */
static enum err consider(struct flow *f, const struct command *c, int64_t case_id, struct diag *why)
{
    struct release_case k;
    enum err err = release_case_load(f, case_id, &k, why);

    if (!err)
        err = release_consider(&k.g, &c->actor, why);
    release_case_end(&k);
    return err;
}

enum err cmd_publish_approve(struct flow *f, const struct command *c, struct reply *r, struct diag *why)
{
    struct release_case k = {0};
    bool go_on = false;
    enum err err = begin(f, c, &k, why);

    if (!err)
        err = refuse_over(&k, why);
    if (!err)
        err = refuse_track(&k, why);
    if (!err && !k.g.has_text)
        err = diag_set(why, ERR_DENIED, "release.no-advisory",
                       "there is no advisory to approve: advisory new, advisory edit");
    if (!err)
        err = gate(f, c, &k, "publish approve", r, &go_on, why);
    if (!err && go_on) {
        err = set_approved(f, c, &k, why);
        if (!err)
            err = tell_approved(f, &k, &c->actor, why);
        if (!err)
            err = consider(f, c, k.c.id, why);
        if (!err)
            err = answer(f, &k, false, r, why);
    }
    release_case_end(&k);
    return err;
}

enum err cmd_publish_confirm(struct flow *f, const struct command *c, struct reply *r, struct diag *why)
{
    struct release_case k = {0};
    struct clock_facts facts;
    int64_t now = clock_now(f->clock), n_held = 0;
    bool jumped = f->guard->enforced && f->guard->trust == CLOCK_JUMPED;
    enum err err = begin(f, c, &k, why);

    if (!err)
        err = refuse_over(&k, why);
    if (!err)
        err = clock_let_go(f, k.c.id, &n_held, why);
    if (!err && k.g.decision.verdict == RELEASE_WAIT && !n_held && !jumped)
        err = diag_set(why, ERR_DENIED, "release.not-yet",
                       "nothing is held: its instant has not come; embargo lift releases early");
    if (!err) {
        k.g.row.confirmed_at = now;
        err = release_update(f->db, &k.g.row, why);
    }
    if (!err)
        err = audit_append(f->db, now, c->actor.name, "publish.confirm", k.c.code, k.g.decision.rule, NULL, why);
    if (!err && jumped) {
        clock_facts_read(&facts);
        clock_guard_vouch(f->guard, &facts);
    }
    if (!err)
        err = consider(f, c, k.c.id, why);
    if (!err)
        err = answer(f, &k, false, r, why);
    release_case_end(&k);
    return err;
}

/* By hand: at or after its instant, or on a track that waits for none; a public case has its failed steps tried again.
 */
enum err cmd_publish_run(struct flow *f, const struct command *c, struct reply *r, struct diag *why)
{
    struct release_case k = {0};
    enum case_state state = CASE_STATES;
    bool go_on = false, public;
    enum err err = begin(f, c, &k, why);

    if (!err)
        case_state_parse(k.c.state, &state);
    public = state == CASE_PUBLIC;
    if (!err && !public)
        err = refuse_over(&k, why);
    if (!err && !public)
        err = refuse_track(&k, why);
    if (!err && !public && k.g.decision.verdict == RELEASE_WAIT)
        err = diag_set(why, ERR_DENIED, "release.not-yet",
                       "its instant has not come: embargo lift releases early, embargo broken at once");
    if (!err && !public && !k.g.has_text)
        err = diag_set(why, ERR_DENIED, "release.no-advisory",
                       "there is no advisory to publish: advisory new, advisory edit");
    if (!err && (k.g.approved || (public && k.g.version <= k.g.row.version)))
        go_on = true;
    else if (!err)
        err = gate(f, c, &k, "publish run", r, &go_on, why);
    if (!err && go_on) {
        err = public ? release_again(&k.g, &c->actor, why)
                     : release_start(&k.g, CASE_RELEASE, &c->actor, "publish run", why);
        if (!err)
            err = answer(f, &k, false, r, why);
    }
    release_case_end(&k);
    return err;
}

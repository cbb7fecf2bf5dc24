#include "flow/release.h"

#include "base/instant.h"
#include "base/log.h"
#include "base/mem.h"
#include "flow/cases_flow.h"
#include "flow/clock_guard.h"
#include "flow/policies.h"
#include "flow/public_id.h"
#include "flow/restored.h"
#include "flow/timer.h"
#include "store/audit.h"
#include "store/outbox.h"
#include "store/publish.h"

#include <stdlib.h>
#include <string.h>

#define AGAIN_S 60
#define DAY_S   86400

/* What was approved is this text with these patches, and nothing else. */
static enum err digest_of(struct flow *f, struct releasing *g, struct diag *why)
{
    struct advisory_view v = {0};
    struct advisory_files files;
    struct buf all = BUF_EMPTY;
    enum err err = advisory_view_load(f, g->c->id, 0, &v, why);

    if (err == ERR_NOT_FOUND)
        return ERR_OK;
    if (err)
        return err;
    g->has_text = true;
    g->version = v.row.version;
    err = advisory_files_load(f, v.row.id, &files, why);
    if (!err) {
        char *json = advisory_doc_dump(&v.doc);

        buf_printf(&all, "%lld\n%s\n", (long long)v.row.version, json);
        for (size_t i = 0; i < files.n; i++)
            buf_printf(&all, "%s %s\n", files.hashes[i].sha256, files.hashes[i].name);
        box_digest(db_box(f->db), "release", buf_span(&all), g->digest);
        mem_free_secret(&json);
    }
    advisory_files_free(&files);
    advisory_view_free(&v);
    buf_free(&all);
    return err;
}

static enum release_clock clock_of(const struct flow *f)
{
    if (!f->guard->enforced)
        return RELEASE_CLOCK_TRUSTED;
    return f->guard->trust == CLOCK_TRUSTED  ? RELEASE_CLOCK_TRUSTED
           : f->guard->trust == CLOCK_JUMPED ? RELEASE_CLOCK_JUMPED
                                             : RELEASE_CLOCK_UNSYNCHRONISED;
}

/*
 * A rehearsal's clock may be moved by weeks at once, and that is no lateness: what was due already when the daemon
 * started is late there, what became due since then came when the clock was moved.
 */
static int64_t ready_since(const struct flow *f, int64_t due)
{
    if (!clock_is_rehearsal(f->clock))
        return INSTANT_NONE;
    return due < timer_started(f->timer) ? INSTANT_NONE : clock_now(f->clock);
}

enum err release_load(struct flow *f, struct case_row *c, const struct policy *policy, const struct settings_list *list,
                      struct releasing *g, struct diag *why)
{
    struct schedule_holidays holidays;
    struct schedule_facts facts;
    struct release_facts decided;
    enum err err;

    *g = (struct releasing){.f = f, .c = c, .policy = policy, .list = list, .due_utc_s = INSTANT_NONE};
    err = release_of_case(f->db, c->id, &g->row, why);
    if (!err)
        err = digest_of(f, g, why);
    if (!err)
        err = policies_holidays(f->policies, policy, &holidays, why);
    if (err)
        return err;
    g->approved = g->row.is_approved && g->has_text && memcmp(g->row.approved, g->digest, sizeof g->digest) == 0;
    case_schedule_facts(policy, c, &facts);
    g->due_utc_s = release_due(policy, &holidays, &facts, g->due_rule);
    schedule_holidays_free(&holidays);
    decided =
        (struct release_facts){.track = facts.track,
                               .now_utc_s = clock_now(f->clock),
                               .due_utc_s = g->due_utc_s,
                               .has_text = g->has_text,
                               .approved = g->approved,
                               .confirmed = g->row.confirmed_at != INSTANT_NONE && g->row.confirmed_at >= g->due_utc_s,
                               .clock = clock_of(f),
                               .doubted = restored_doubts(f->db, g->due_utc_s),
                               .ready_utc_s = ready_since(f, g->due_utc_s)};
    release_decide(policy, &decided, &g->decision);
    return ERR_OK;
}

void release_unload(struct releasing *g)
{
    release_row_free(&g->row);
}

static void set_text(char **to, const char *text)
{
    free(*to);
    *to = mem_strdup(text);
}

static enum err tell_held(struct releasing *g, struct diag *why)
{
    const struct release_decision *d = &g->decision;
    char at[INSTANT_TEXT_SIZE];
    char *subject = mem_printf("[%s] ALARM: not published", case_label(g->c));
    char *reason = release_name_case(d->words, g->c->code);
    char *text = mem_printf("Case %s was to be published at %s, and it is held.\n\nRule:   %s%s%s\nReason: %s\n\n"
                            "How it stands:  embargoctl publish check %s\n",
                            g->c->code, instant_text(g->due_utc_s, at), d->rule, *d->file ? ", " : "", d->file, reason,
                            g->c->code);
    enum err err = case_notify_team(g->f, g->list, g->c->list_id, g->c, subject, text, why);

    free(reason);
    mem_free_secret(&subject);
    mem_free_secret(&text);
    return err;
}

static enum err hold(struct releasing *g, struct diag *why)
{
    int64_t now = clock_now(g->f->clock);
    enum err err = duty_put(g->f->db, g->c->list_id, "release", g->c->id, "", now + AGAIN_S, why);

    if (err || (strcmp(g->row.state, "held") == 0 && strcmp(g->row.rule, g->decision.rule) == 0))
        return err;
    set_text(&g->row.state, "held");
    set_text(&g->row.rule, g->decision.rule);
    err = release_update(g->f->db, &g->row, why);
    if (!err)
        err = audit_append(g->f->db, now, "embargod", "publish.held", g->c->code, g->decision.rule, NULL, why);
    return err ? err : tell_held(g, why);
}

/* On a track of full disclosure nobody waits for an instant: until it is approved it is chased, not held. */
static bool is_quiet(const struct releasing *g)
{
    return g->policy && g->c->mode && strcmp(g->c->mode, "full") == 0 &&
           (!g->has_text || strcmp(g->decision.rule, "release.automatic") == 0);
}

enum err release_consider(struct releasing *g, const struct actor *by, struct diag *why)
{
    enum case_state state;

    if (!case_state_parse(g->c->state, &state) || !case_is_open(state) || g->decision.verdict == RELEASE_WAIT)
        return ERR_OK;
    if (g->decision.verdict == RELEASE_GO)
        return release_start(g, CASE_RELEASE, by, NULL, why);
    return is_quiet(g) ? ERR_OK : hold(g, why);
}

/* The version that is published: as it is now, from now on unchanged. */
static enum err fix_version(struct releasing *g, struct diag *why)
{
    struct advisory_row row;
    enum err err = advisory_find(g->f->db, g->c->id, 0, &row, why);

    if (err)
        return err;
    err = advisory_set_released(g->f->db, row.id, clock_now(g->f->clock), why);
    g->c->version = row.version;
    g->row.version = row.version;
    advisory_row_free(&row);
    return err;
}

static enum err begin_round(struct releasing *g, struct diag *why)
{
    int64_t now = clock_now(g->f->clock);
    enum err err = ERR_OK;

    g->row.started_at = now;
    g->row.done_at = INSTANT_NONE;
    set_text(&g->row.state, "running");
    set_text(&g->row.rule, "");
    if (g->has_text)
        err = fix_version(g, why);
    if (!err)
        err = release_update(g->f->db, &g->row, why);
    if (!err)
        err = case_update(g->f->db, g->c, why);
    return err ? err : release_put_steps(g, why);
}

static const char *status_of(enum case_event on)
{
    return on == CASE_BREAK ? "broken" : "lifted";
}

enum err release_start(struct releasing *g, enum case_event on, const struct actor *by, const char *reason,
                       struct diag *why)
{
    struct flow *f = g->f;
    int64_t now = clock_now(f->clock);
    const char *rule = on == CASE_RELEASE ? g->due_rule : on == CASE_LIFT ? "embargo.lifted" : "embargo.broken";
    enum err err = ERR_OK;

    /* Its code is random and stays ours: what is published has a public id, where the policy has a scheme. */
    if (!g->c->public_id)
        err = public_id_give(f, g->policy, g->c, why);
    set_text(&g->c->embargo_status, status_of(on));
    if (!err)
        err = case_step(f, g->c, on, by, rule, reason, why);
    if (!err)
        err = copy_drop_staged(f->db, g->c->id, "published", now, why);
    /* A case that was reopened begins anew. */
    if (!err)
        err = release_clear_steps(f->db, g->row.id, why);
    if (!err)
        err = begin_round(g, why);
    if (!err)
        err = audit_append(f->db, now, by->name, "publish.start", g->c->code, rule, NULL, why);
    if (!err)
        err = duty_end(f->db, "release", g->c->id, NULL, why);
    if (!err)
        log_event(g->c->code, "published", rule, NULL);
    return err ? err : case_reschedule(f, g->policy, g->c, why);
}

/* Steps that have come to no good end are tried at once. */
static enum err retry_failed(struct releasing *g, struct diag *why)
{
    struct release_step *steps;
    size_t n;
    enum err err = release_steps(g->f->db, g->row.id, &steps, &n, why);

    for (size_t i = 0; i < n; i++) {
        bool again = strcmp(steps[i].state, "failed") == 0 || strcmp(steps[i].state, "pending") == 0 ||
                     (strcmp(steps[i].state, "waiting") == 0 && strcmp(steps[i].kind, "mail") == 0);

        if (!err && again && strcmp(steps[i].kind, "test") != 0) {
            set_text(&steps[i].state, "pending");
            steps[i].next_at = clock_now(g->f->clock);
            steps[i].mail_id = 0;
            err = release_step_set(g->f->db, &steps[i], why);
        }
        release_step_free(&steps[i]);
    }
    free(steps);
    set_text(&g->row.state, "running");
    return err ? err : release_update(g->f->db, &g->row, why);
}

enum err release_again(struct releasing *g, const struct actor *by, struct diag *why)
{
    bool newer = g->has_text && g->version > g->row.version;
    enum err err = newer ? begin_round(g, why) : retry_failed(g, why);

    return err ? err
               : audit_append(g->f->db, clock_now(g->f->clock), by->name, newer ? "publish.start" : "publish.retry",
                              g->c->code, "", NULL, why);
}

enum err release_reschedule(struct flow *f, const struct policy *policy, const struct case_row *c, struct diag *why)
{
    struct schedule_holidays holidays;
    struct schedule_facts facts;
    enum case_state state;
    char rule[DIAG_RULE_MAX];
    int64_t due;
    enum err err;

    if (!case_state_parse(c->state, &state) || !case_is_open(state)) {
        err = duty_end(f->db, "release", c->id, NULL, why);
        return err ? err : duty_end(f->db, "preflight", c->id, NULL, why);
    }
    err = policies_holidays(f->policies, policy, &holidays, why);
    if (err)
        return err;
    case_schedule_facts(policy, c, &facts);
    due = release_due(policy, &holidays, &facts, rule);
    schedule_holidays_free(&holidays);
    if (due == INSTANT_NONE || due == c->accepted_at)
        return duty_end(f->db, "preflight", c->id, NULL, why);
    err = duty_put(f->db, c->list_id, "preflight", c->id, "", due - DAY_S, why);
    /* A clock may publish at an instant that is no deadline of its own name. */
    return err ? err : duty_put(f->db, c->list_id, "release", c->id, "", due, why);
}

/* ---- duties ---- */

enum err release_case_load(struct flow *f, int64_t case_id, struct release_case *out, struct diag *why)
{
    enum err err;

    memset(out, 0, sizeof *out);
    err = case_by_id(f->db, case_id, &out->c, why);
    if (!err)
        err = policies_of_case(f, &out->c, &out->policy, why);
    if (!err && !(out->list = flow_list_of_row(f, out->c.list_id, why)))
        err = ERR_NOT_FOUND;
    return err ? err : release_load(f, &out->c, out->policy, out->list, &out->g, why);
}

void release_case_end(struct release_case *k)
{
    release_unload(&k->g);
    policy_free(&k->policy);
    case_row_free(&k->c);
}

enum err release_run(struct flow *f, const struct duty_row *d, struct diag *why)
{
    struct release_case k;
    struct actor by;
    enum err err = release_case_load(f, d->object, &k, why);

    actor_daemon(&by);
    if (!err)
        err = release_consider(&k.g, &by, why);
    release_case_end(&k);
    return err;
}

/* The mail goes once the list's key has been tried (release_signed). */
enum err preflight_run(struct flow *f, const struct duty_row *d, struct diag *why)
{
    struct release_case k;
    enum case_state state;
    enum err err = release_case_load(f, d->object, &k, why);

    if (!err && case_state_parse(k.c.state, &state) && case_is_open(state))
        err = release_add_step(f->db, k.g.row.id, "test", "preflight", "pending", clock_now(f->clock), why);
    release_case_end(&k);
    return err;
}

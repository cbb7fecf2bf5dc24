#include "flow/fanout.h"

#include "base/instant.h"
#include "base/mem.h"
#include "flow/cases_flow.h"
#include "flow/policies.h"
#include "flow/view.h"
#include "policy/schedule.h"
#include "policy/states.h"
#include "store/advisories.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void fanout_telling(const struct policy *policy, const struct case_row *c, int64_t now, int64_t *events,
                    struct decide_telling *out)
{
    struct schedule_facts facts;

    case_schedule_facts(policy, c, &facts);
    memcpy(events, facts.at_utc_s, sizeof facts.at_utc_s);
    *out = (struct decide_telling){.track = c->track ? policy_track_find(policy, c->track) : NULL,
                                   .now_utc_s = now,
                                   .publish_planned_utc_s = schedule_release_at(policy, &facts),
                                   .event_utc_s = events,
                                   .commanded = true};
}

static enum member_state state_of(const char *name)
{
    enum member_state state;

    /* What cannot be read is treated as removed: nothing goes there. */
    return member_state_parse(name, &state) ? state : MEMBER_REMOVED;
}

static struct fanout_row *row_new(struct fanout *fan, const struct member_row *m, const struct contact_row *contact)
{
    struct fanout_row *row;

    /* The array grows by doubling: 10,000 members must not copy it 10,000 times. */
    if ((fan->n & (fan->n - 1)) == 0)
        fan->rows = mem_resize(fan->rows, fan->n ? fan->n * 2 : 1, sizeof *fan->rows);
    row = &fan->rows[fan->n++];
    memset(row, 0, sizeof *row);
    row->member = (struct member_row){.id = m->id,
                                      .list_id = m->list_id,
                                      .org = mem_strdup(m->org),
                                      .class_name = mem_strdup(m->class_name),
                                      .tier = mem_strdup(m->tier),
                                      .state = mem_strdup(m->state),
                                      .language = mem_strdup(m->language)};
    row->address = mem_strdup(contact ? contact->address : "");
    row->fingerprint = contact ? mem_strdup(contact->fingerprint) : NULL;
    row->at = INSTANT_NONE;
    return row;
}

struct fanning {
    struct flow *f;
    const struct policy *policy;
    const struct case_row *c;
    const struct fanout_wish *wish;
    struct decide_telling telling;
    struct schedule_holidays holidays;
    int64_t events[POLICY_EVENTS];
    struct key_row *key; /* scratch */
    struct fanout *out;
};

static const char *key_state_of(struct fanning *g, const char *fingerprint, int64_t *key_row)
{
    struct diag none;

    *key_row = 0;
    if (!fingerprint || key_by_fingerprint(g->f->db, g->c->list_id, fingerprint, g->key, &none))
        return pgp_key_state_name(PGP_KEY_MISSING);
    *key_row = g->key->id;
    return pgp_key_state_name(pgp_key_state_at(&g->key->facts, g->telling.now_utc_s, NULL, 0));
}

static void skip(struct fanout_row *row, const char *rule, const char *reason)
{
    row->send = false;
    snprintf(row->rule, sizeof row->rule, "%s", rule);
    snprintf(row->reason, sizeof row->reason, "%s", reason);
}

static void decide_row(struct fanning *g, const struct member_row *m, const struct contact_row *contact)
{
    struct fanout_row *row = row_new(g->out, m, contact);
    const char *key_state = key_state_of(g, contact ? contact->fingerprint : NULL, &row->key_row);
    int64_t told = told_version(g->f->db, g->c->id, m->id);
    struct decide_member facts = {.class = m->class_name,
                                  .tier = m->tier,
                                  .state = state_of(m->state),
                                  .key_state = key_state,
                                  .already_told = !g->wish->org && !g->wish->only_told && told >= g->wish->version};
    struct decide_verdict verdict;

    decide_member(g->policy, &facts, &g->telling, &verdict);
    row->tier = verdict.tier.tier;
    row->send = verdict.send || (verdict.queue && verdict.tier.earliest_at_utc_s != INSTANT_NONE);
    row->at = verdict.queue ? verdict.tier.earliest_at_utc_s : INSTANT_NONE;
    row->short_notice = verdict.tier.short_notice;
    snprintf(row->rule, sizeof row->rule, "%s", verdict.rule);
    snprintf(row->reason, sizeof row->reason, "%s", verdict.reason);
    for (size_t i = 0; i < verdict.unstated.n; i++)
        decide_keys_add(&g->out->unstated, "%s", verdict.unstated.items[i]);
    decide_verdict_free(&verdict);
    if (row->send && g->wish->only_told && !told_version_by(g->f->db, g->c->id, m->id, g->telling.now_utc_s))
        skip(row, "tier.not-told", "was not told before");
    if (row->send && g->wish->tier && strcmp(policy_words(&row->tier->name, ""), g->wish->tier) != 0)
        skip(row, "option.tier", "left out by --tier");
}

static enum err decide_of_member(struct fanning *g, const struct member_row *m, struct diag *why)
{
    struct contact_row *contacts;
    size_t n;
    enum err err = contact_all(g->f->db, m->id, &contacts, &n, why);

    if (g->wish->org && strcmp(g->wish->org, m->org) != 0)
        skip(row_new(g->out, m, n ? &contacts[0] : NULL), "option.to", "left out by --to");
    else if (!n)
        decide_row(g, m, NULL);
    for (size_t i = 0; i < n; i++)
        if (!g->wish->org || strcmp(g->wish->org, m->org) == 0)
            decide_row(g, m, &contacts[i]);
    contact_rows_free(contacts, n);
    return err;
}

/* A track whose every tier leaves open whom it takes, or where it is told, tells nobody until that is answered. */
static enum err check_tiers(const struct fanning *g, struct diag *why)
{
    const struct policy_value *open = NULL;
    char key[DIAG_RULE_MAX] = "tiers";

    if (g->policy->tiers_stated.has == POLICY_UNSTATED)
        open = &g->policy->tiers_stated;
    for (size_t i = 0; i < g->policy->n_tiers; i++) {
        const struct policy_tier *tier = &g->policy->tiers[i];
        bool anywhere = tier->tracks.has == POLICY_UNSTATED;

        if (!anywhere && !schedule_tier_on_track(tier, g->telling.track))
            continue;
        if (!anywhere && tier->classes.has != POLICY_UNSTATED)
            return ERR_OK;
        open = anywhere ? &tier->tracks : &tier->classes;
        snprintf(key, sizeof key, "tiers.%.40s.%s", policy_words(&tier->name, ""), anywhere ? "tracks" : "classes");
    }
    return open ? policy_unstated(why, g->policy, open, key) : ERR_OK;
}

/* Whether a track tells anybody must be stated, by this policy or by the case's answers. */
static enum err check_track(const struct fanning *g, struct diag *why)
{
    const struct policy_track *track = g->telling.track;
    char key[DIAG_RULE_MAX];

    if (!track)
        return diag_set(why, ERR_DENIED, "tracks.none", "the case has no track: set one with case set ID track=NAME");
    snprintf(key, sizeof key, "tracks.%.40s.%s", g->c->track, track->policy.has == POLICY_STATED ? "policy" : "mode");
    if (track->policy.has == POLICY_STATED)
        return policy_diag(why, ERR_DENIED, g->policy, &track->policy, key,
                           "on track `%s` the rules of another policy apply; pin it with case set ID policy=%s",
                           g->c->track, track->policy.text);
    if (track->mode.has != POLICY_STATED)
        return policy_unstated(why, g->policy, &track->mode, key);
    if (track->mode.number == POLICY_MODE_FULL)
        return policy_diag(why, ERR_DENIED, g->policy, &track->mode, key,
                           "track `%s` is full disclosure: nobody is told early", g->c->track);
    return check_tiers(g, why);
}

static enum err check_wish(struct fanning *g, struct diag *why)
{
    struct member_row m;
    enum err err = ERR_OK;

    if (g->wish->tier && !policy_tier_find(g->policy, g->wish->tier))
        return diag_set(why, ERR_NOT_FOUND, "tier.unknown", "the policy %s has no tier `%.40s`", g->c->policy,
                        g->wish->tier);
    if (g->wish->org) {
        err = member_by_org(g->f->db, g->c->list_id, g->wish->org, &m, why);
        if (!err)
            member_row_free(&m);
    }
    /* Those who were told before hear of a date whatever the track says now. */
    return err || g->wish->only_told ? err : check_track(g, why);
}

enum err fanout_make(struct flow *f, const struct policy *policy, const struct case_row *c,
                     const struct fanout_wish *wish, struct fanout *out, struct diag *why)
{
    struct fanning g = {.f = f, .policy = policy, .c = c, .wish = wish, .out = out};
    struct member_row *members;
    size_t n;
    enum err err;

    memset(out, 0, sizeof *out);
    fanout_telling(policy, c, clock_now(f->clock), g.events, &g.telling);
    g.telling.event_utc_s = g.events;
    err = check_wish(&g, why);
    if (!err)
        err = policies_holidays(f->policies, policy, &g.holidays, why);
    if (!err)
        err = member_all(f->db, c->list_id, &members, &n, why);
    if (err) {
        schedule_holidays_free(&g.holidays);
        return err;
    }
    g.telling.holidays = &g.holidays;
    g.key = mem_zero(1, sizeof *g.key);
    for (size_t i = 0; i < n; i++) {
        if (!err)
            err = decide_of_member(&g, &members[i], why);
        member_row_free(&members[i]);
    }
    free(members);
    free(g.key);
    schedule_holidays_free(&g.holidays);
    if (err)
        fanout_free(out);
    return err;
}

void fanout_free(struct fanout *fan)
{
    for (size_t i = 0; i < fan->n; i++) {
        member_row_free(&fan->rows[i].member);
        free(fan->rows[i].address);
        free(fan->rows[i].fingerprint);
    }
    free(fan->rows);
    decide_keys_free(&fan->unstated);
    memset(fan, 0, sizeof *fan);
}

json_t *fanout_json(const struct fanout *fan)
{
    json_t *a = json_array();

    for (size_t i = 0; i < fan->n; i++) {
        const struct fanout_row *row = &fan->rows[i];
        json_t *o = json_object();

        json_object_set_new(o, "org", view_text(row->member.org));
        json_object_set_new(o, "address", *row->address ? json_string(row->address) : json_null());
        json_object_set_new(o, "fingerprint", view_text(row->fingerprint));
        json_object_set_new(o, "tier", row->tier ? view_text(policy_words(&row->tier->name, NULL)) : json_null());
        json_object_set_new(o, "verdict", json_string(row->send ? "send" : "skip"));
        json_object_set_new(o, "rule", json_string(row->rule));
        json_object_set_new(o, "reason", *row->reason ? json_string(row->reason) : json_null());
        json_object_set_new(o, "earliest_at", view_instant(row->at));
        json_array_append_new(a, o);
    }
    return a;
}

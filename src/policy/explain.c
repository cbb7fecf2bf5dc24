#include "policy/explain.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static void keys_take(struct decide_keys *to, struct decide_keys *from)
{
    for (size_t i = 0; i < from->n; i++)
        decide_keys_add(to, "%s", from->items[i]);
    decide_keys_free(from);
}

static void verdict(struct explain *out, const char *verdict, const char *rule, const char *reason, const char *file,
                    int line)
{
    out->verdict = verdict;
    out->file = file;
    out->line = line;
    snprintf(out->rule, sizeof(out->rule), "%s", rule);
    snprintf(out->reason, sizeof(out->reason), "%s", reason);
}

static void explain_sender(const struct policy *policy, const struct explain_question *question, struct explain *out)
{
    struct decide_post post;
    decide_post(policy, question->sender, question->to, &post);
    verdict(out, policy_action_name(post.action), post.rule, post.reason, post.file, post.line);
    keys_take(&out->unstated, &post.unstated);
    decide_post_free(&post);
}

static void explain_member(const struct policy *policy, const struct explain_question *question,
                           const struct decide_telling *telling, struct explain *out)
{
    struct decide_verdict found;
    decide_member(policy, question->member, telling, &found);
    const struct policy_tier *tier = found.tier.tier;
    verdict(out,
            found.send    ? "send"
            : found.queue ? "queue"
                          : "skip",
            found.rule, found.reason, tier != NULL ? found.tier.file : "", tier != NULL ? found.tier.line : 0);
    memcpy(out->uses, found.uses, sizeof(out->uses));
    out->uses_of = tier;
    keys_take(&out->unstated, &found.unstated);
    decide_verdict_free(&found);
}

static void verdict_elsewhere(const struct policy_track *track, struct explain *out)
{
    char rule[DIAG_RULE_MAX], reason[256];
    snprintf(rule, sizeof(rule), "tracks.%.40s.policy", policy_value_text(&track->name));
    snprintf(reason, sizeof(reason), "the rules of another policy apply; pin it with case set ID policy=%.64s",
             track->policy.text);
    verdict(out, "ask", rule, reason, out->track.file, track->policy.line);
}

static void explain_case(struct explain *out)
{
    const struct policy_track *track = out->track.track;
    bool told = false;
    for (size_t i = 0; i < out->n_tiers; i++)
        told = told || out->tiers[i].told;
    if (track == NULL)
        verdict(out, "ask", out->track.rule, "no track fits this case; set one", "", 0);
    else if (track->policy.has == POLICY_STATED)
        verdict_elsewhere(track, out);
    else if (track->mode.has != POLICY_STATED)
        verdict(out, "ask", out->track.rule, "the policy does not state this track's mode", out->track.file,
                track->line);
    else if (track->mode.number == POLICY_MODE_FULL)
        verdict(out, "publish", out->track.rule, "full disclosure: nobody is told early", out->track.file, track->line);
    else
        verdict(out, told ? "tell" : "hold", out->track.rule,
                told ? "the tiers below are told early" : "fixed in confidence; no tier is told early", out->track.file,
                track->line);
}

static const struct decide_case nothing = {.severity = POLICY_UNRATED, .fix_needs_s = -1};

void explain_suppose(const struct policy *policy, const struct schedule_holidays *holidays,
                     const struct decide_case *facts, int64_t now_utc_s, struct schedule_facts *out)
{
    struct decide_track track;
    int64_t until;
    decide_track(policy, facts != NULL ? facts : &nothing, &track);
    schedule_facts_init(out);
    out->track = track.track;
    out->at_utc_s[POLICY_AT_REPORT] = now_utc_s;
    bool embargo = track.track != NULL && track.track->policy.has != POLICY_STATED &&
                   track.track->mode.has == POLICY_STATED && track.track->mode.number != POLICY_MODE_FULL;
    if (embargo && schedule_propose(policy, holidays, out, now_utc_s, &until, NULL) == ERR_OK)
        out->at_utc_s[POLICY_AT_PUBLISH_PLANNED] = until;
    decide_track_free(&track);
}

void explain_make(const struct policy *policy, const struct explain_question *question, struct explain *out)
{
    struct schedule_facts instants;
    memset(out, 0, sizeof(*out));
    if (question->instants != NULL)
        instants = *question->instants;
    else
        schedule_facts_init(&instants);
    decide_track(policy, question->facts != NULL ? question->facts : &nothing, &out->track);
    instants.track = out->track.track;
    struct decide_telling telling = {.track = instants.track,
                                     .now_utc_s = question->now_utc_s,
                                     .publish_planned_utc_s = schedule_release_at(policy, &instants),
                                     .holidays = question->holidays,
                                     .event_utc_s = instants.at_utc_s,
                                     .commanded = true};
    out->tiers = mem_zero(policy->n_tiers + 1, sizeof(*out->tiers));
    out->n_tiers = policy->n_tiers;
    for (size_t i = 0; i < policy->n_tiers; i++)
        decide_tier(policy, &policy->tiers[i], &telling, &out->tiers[i], &out->unstated);
    for (size_t i = 0; i < out->track.unstated.n; i++)
        decide_keys_add(&out->unstated, "%s", out->track.unstated.items[i]);
    schedule_make(policy, question->holidays, &instants, &out->schedule);
    for (size_t i = 0; i < out->schedule.n_unstated; i++)
        decide_keys_add(&out->unstated, "%s", out->schedule.unstated[i]);
    if (policy->tiers_stated.has == POLICY_UNSTATED)
        decide_keys_add(&out->unstated, "tiers");
    if (question->sender != NULL)
        explain_sender(policy, question, out);
    else if (question->member != NULL)
        explain_member(policy, question, &telling, out);
    else
        explain_case(out);
}

void explain_free(struct explain *explain)
{
    decide_track_free(&explain->track);
    decide_keys_free(&explain->unstated);
    schedule_free(&explain->schedule);
    free(explain->tiers);
    memset(explain, 0, sizeof(*explain));
}

static void write_place(const char *file, int line, struct buf *out)
{
    if (line > 0)
        buf_printf(out, " (%s:%d)", file, line);
    buf_add_str(out, "\n");
}

static const char *instant_or(int64_t at_utc_s, const char *none, char *text)
{
    return at_utc_s == INSTANT_NONE ? none : instant_text(at_utc_s, text);
}

static void write_tier(const struct decide_tier *tier, struct buf *out)
{
    char earliest[INSTANT_TEXT_SIZE], notice[INSTANT_TEXT_SIZE], final[INSTANT_TEXT_SIZE];
    buf_printf(out, "  %s: ", policy_value_text(&tier->tier->name));
    if (!tier->told) {
        buf_printf(out, "not told, by %s\n", tier->rule);
        return;
    }
    buf_printf(out, "told from %s", instant_or(tier->earliest_at_utc_s, "a date not known yet", earliest));
    buf_printf(out, ", at the latest %s", instant_or(tier->notice_at_utc_s, "(no notice stated, or no date)", notice));
    if (tier->final_at_utc_s != INSTANT_NONE)
        buf_printf(out, ", final notice %s", instant_text(tier->final_at_utc_s, final));
    buf_printf(out, "%s; %s, by %s", tier->short_notice ? ", its notice is short" : "", tier->force, tier->rule);
    write_place(tier->file, tier->line, out);
    buf_add_str(out, "    ");
    explain_write_uses(tier->tier, out);
    buf_add_str(out, "\n");
}

static void write_uses(const struct explain *explain, struct buf *out)
{
    buf_printf(out, "Uses of %s:\n", policy_value_text(&explain->uses_of->name));
    for (int i = 0; i < POLICY_USES; i++) {
        const struct decide_use *use = &explain->uses[i];
        buf_printf(out, "  %-18s %s", policy_use_name((enum policy_use)i),
                   use->stated ? policy_use_word_name(use->word) : "deny, since unstated");
        if (*use->condition != '\0')
            buf_printf(out, ", if %s", use->condition);
        if (i == POLICY_USE_INFORM_CUSTOMERS && use->word != POLICY_DENY) {
            buf_add_str(out, ", of ");
            decide_tells_write(use->tells, out);
        }
        buf_add_str(out, "\n");
    }
}

static void write_deadline(const struct schedule_deadline *d, struct buf *out)
{
    static const char *const kinds[] = {"not before", "aimed at", "not after", "notice", "final notice", "release"};
    char at[INSTANT_TEXT_SIZE];
    buf_printf(out, "  %s  %s %s%s%s, %s, by %s%s", instant_text(d->at_utc_s, at), kinds[d->kind], d->clock,
               d->tier != NULL ? " of " : "", d->tier != NULL ? d->tier : "", d->force, d->rule,
               d->met     ? ", met"
               : d->clash ? ", no day of release fits"
                          : "");
    write_place(d->file, d->line, out);
}

void explain_write(const struct policy *policy, const struct explain *explain, struct buf *out)
{
    buf_printf(out, "%s@%s: %s, by %s: %s", policy_value_text(&policy->id), policy_value_text(&policy->edition),
               explain->verdict, explain->rule, explain->reason);
    write_place(explain->file, explain->line, out);
    buf_printf(out, "Track: %s", explain->track.rule);
    write_place(explain->track.file, explain->track.line, out);
    if (explain->n_tiers > 0)
        buf_add_str(out, "Tiers:\n");
    for (size_t i = 0; i < explain->n_tiers; i++)
        write_tier(&explain->tiers[i], out);
    if (explain->uses_of != NULL)
        write_uses(explain, out);
    if (explain->schedule.n > 0)
        buf_add_str(out, "Deadlines:\n");
    for (size_t i = 0; i < explain->schedule.n; i++)
        write_deadline(&explain->schedule.items[i], out);
    if (explain->unstated.n > 0)
        buf_add_str(out, "The policy does not state:\n");
    for (size_t i = 0; i < explain->unstated.n; i++)
        buf_printf(out, "  %s\n", explain->unstated.items[i]);
}

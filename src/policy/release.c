#include "policy/release.h"

#include <stdio.h>
#include <string.h>

int release_needs(const struct policy *policy)
{
    int approvals = policy_number(&policy->approvals.publish, 1);

    if (policy_is(&policy->release.automatic, 1))
        return 0;
    approvals = policy_number(&policy->release.approvals, approvals);
    return approvals < 1 ? 1 : approvals;
}

static bool is_full(const struct policy_track *track)
{
    return track && policy_is(&track->mode, POLICY_MODE_FULL);
}

int64_t release_due(const struct policy *policy, const struct schedule_holidays *holidays,
                    const struct schedule_facts *facts, char *rule)
{
    int64_t due = INSTANT_NONE;
    struct schedule schedule;

    *rule = 0;
    if (is_full(facts->track)) {
        snprintf(rule, DIAG_RULE_MAX, "tracks.%.40s.mode", policy_value_text(&facts->track->name));
        return facts->at_utc_s[POLICY_AT_ACCEPTED];
    }
    schedule_make(policy, holidays, facts, &schedule);
    for (size_t i = 0; i < schedule.n; i++) {
        const struct schedule_deadline *d = &schedule.items[i];
        bool publishes = d->kind == SCHEDULE_RELEASE ||
                         (d->kind == SCHEDULE_MAX && d->on_expiry && strcmp(d->on_expiry, "publish") == 0);

        if (publishes && !d->met && (due == INSTANT_NONE || d->at_utc_s < due)) {
            due = d->at_utc_s;
            snprintf(rule, DIAG_RULE_MAX, "%s", d->rule);
        }
    }
    schedule_free(&schedule);
    return due;
}

static void decide(struct release_decision *out, enum release_verdict verdict, const char *rule, const char *words)
{
    out->verdict = verdict;
    snprintf(out->rule, sizeof out->rule, "%s", rule);
    snprintf(out->words, sizeof out->words, "%s", words);
}

static void point_at(struct release_decision *out, const struct policy *policy, const struct policy_value *value)
{
    out->file = policy_value_file(policy, value);
    out->line = value->line;
}

static void hold_for_track(const struct policy *policy, const struct policy_track *track, struct release_decision *out)
{
    char rule[DIAG_RULE_MAX];

    if (!track) {
        decide(out, RELEASE_HOLD, "tracks.none", "no track of the policy fits: case set ID track=NAME");
        return;
    }
    snprintf(rule, sizeof rule, "tracks.%.40s.mode", policy_value_text(&track->name));
    decide(out, RELEASE_HOLD, rule,
           "the policy does not state whether the issue is held back: answer with case set ID answer.KEY=VALUE");
    point_at(out, policy, &track->mode);
}

static void ask_late(const struct release_facts *facts, struct release_decision *out)
{
    int64_t from = facts->due_utc_s > facts->ready_utc_s ? facts->due_utc_s : facts->ready_utc_s;

    if (facts->doubted && !facts->confirmed)
        decide(out, RELEASE_ASK, "release.restored",
               "a backup was restored after the instant: look whether the date still holds, then publish confirm ID");
    else if (facts->now_utc_s - from > RELEASE_LATE_S && !facts->confirmed)
        decide(out, RELEASE_ASK, "release.late",
               "the instant was more than a day ago: look whether it still holds, then publish confirm ID");
}

void release_decide(const struct policy *policy, const struct release_facts *facts, struct release_decision *out)
{
    bool stated =
        facts->track && (facts->track->mode.has == POLICY_STATED || facts->track->policy.has == POLICY_STATED);

    *out = (struct release_decision){.verdict = RELEASE_GO, .file = ""};
    if (facts->due_utc_s == INSTANT_NONE || facts->now_utc_s < facts->due_utc_s) {
        decide(out, RELEASE_WAIT, "release.not-yet", "its instant has not come; embargo lift releases early");
    } else if (!stated) {
        hold_for_track(policy, facts->track, out);
    } else if (!facts->has_text) {
        decide(out, RELEASE_HOLD, "release.no-advisory",
               "there is no advisory to publish: advisory new, advisory edit");
    } else if (release_needs(policy) && !facts->approved) {
        decide(out, RELEASE_HOLD, "release.automatic",
               "the policy does not release by itself, and this text is not approved: publish approve ID");
        point_at(out, policy, &policy->release.automatic);
    } else if (facts->clock != RELEASE_CLOCK_TRUSTED && !facts->confirmed) {
        decide(out, RELEASE_HOLD, facts->clock == RELEASE_CLOCK_JUMPED ? "clock.jumped" : "clock.unsynchronised",
               "the clock is not believed: set it right, or publish confirm ID");
    } else {
        ask_late(facts, out);
    }
}

const char *release_verdict_name(enum release_verdict verdict)
{
    static const char *const names[] = {"wait", "hold", "ask", "go"};

    return names[verdict];
}

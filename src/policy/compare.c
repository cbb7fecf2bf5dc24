#include "policy/compare.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "policy/explain.h"

#define DAY_S 86400

const char *compare_verdict_name(enum compare_verdict verdict)
{
    static const char *const names[COMPARE_VERDICTS] = {
        "within",          "at the limit",   "over the limit",    "without a date",
        "never published", "under no limit", "published at once", "not known"};
    return verdict < COMPARE_VERDICTS ? names[verdict] : "";
}

const char *compare_class_name(enum compare_class class)
{
    static const char *const names[COMPARE_CLASSES] = {"distributions", "providers", "end users"};
    return class < COMPARE_CLASSES ? names[class] : "";
}

static int days_between(int64_t from_utc_s, int64_t to_utc_s)
{
    return (int)((to_utc_s - from_utc_s) / DAY_S);
}

static void facts_of(const struct compare_case *c, const struct policy_track *track, struct schedule_facts *out)
{
    schedule_facts_init(out);
    out->track = track;
    out->at_utc_s[POLICY_AT_REPORT] = c->reported_utc_s;
    out->at_utc_s[POLICY_AT_PREDISCLOSE] = c->told_utc_s;
}

/* The nearest limit of a clock from the telling to publication; false where there is none. */
static bool limit_of(const struct policy *policy, const struct schedule_facts *facts, int64_t *out_utc_s)
{
    bool found = false;
    for (size_t i = 0; i < policy->n_clocks; i++) {
        const struct policy_clock *clock = &policy->clocks[i];
        struct schedule_bound bound;
        int64_t start = schedule_start(clock, facts);
        if (clock->whole.has != POLICY_STATED || !policy_is(&clock->end, POLICY_AT_PUBLISH) || start == INSTANT_NONE ||
            !schedule_max(policy, NULL, clock, start, &bound))
            continue;
        if (!found || bound.at_utc_s < *out_utc_s)
            *out_utc_s = bound.at_utc_s;
        found = true;
    }
    return found;
}

static void outcome_rule(struct compare_outcome *out, const struct diag *words)
{
    snprintf(out->rule, sizeof(out->rule), "%s", words->rule);
    snprintf(out->file, sizeof(out->file), "%s", words->file);
    out->line = words->line;
}

/* The embargo as it was, put to the policy; only rules about its length and its track count, not the hour. */
static void outcome_of(const struct policy *policy, const struct compare_case *c, const struct policy_track *track,
                       struct compare_outcome *out)
{
    struct schedule_facts facts;
    struct schedule_notes notes;
    struct diag why = {0};
    int64_t end = c->actual_utc_s != INSTANT_NONE ? c->actual_utc_s : c->public_utc_s, limit = 0;
    *out = (struct compare_outcome){.verdict = COMPARE_NOT_KNOWN, .days = -1};
    facts_of(c, track, &facts);
    if (c->told_utc_s == INSTANT_NONE)
        return;
    out->days = days_between(c->told_utc_s, c->public_utc_s);
    struct schedule_change change = {
        .now_utc_s = c->told_utc_s - 1, .until_utc_s = c->public_utc_s, .by = POLICY_BY_TEAM, .whole_day = true};
    enum err err = schedule_check_until(policy, NULL, &facts, &change, &notes, &why);
    schedule_notes_free(&notes);
    bool bounded = limit_of(policy, &facts, &limit);
    bool over = bounded && c->public_utc_s > limit;
    out->refused =
        err == ERR_DENIED && (over || strncmp(why.rule, "tracks.", 7) == 0 || strncmp(why.rule, "tiers.", 6) == 0);
    if (over || out->refused)
        outcome_rule(out, &why);
    if (track != NULL && policy_is(&track->mode, POLICY_MODE_FULL))
        out->verdict = COMPARE_FULL;
    else if (c->without_date)
        out->verdict = COMPARE_WITHOUT_DATE;
    else if (end > c->public_utc_s)
        out->verdict = COMPARE_NEVER_PUBLISHED;
    else if (!bounded)
        out->verdict = COMPARE_UNDER_NO_LIMIT;
    else
        out->verdict = over ? COMPARE_OVER : c->public_utc_s == limit ? COMPARE_AT_LIMIT : COMPARE_WITHIN;
}

/* The first tier of the track that has the class. */
static const struct policy_tier *tier_with(const struct policy *policy, const struct policy_track *track,
                                           const char *class)
{
    for (size_t i = 0; i < policy->n_tiers; i++) {
        if (schedule_tier_on_track(&policy->tiers[i], track) && policy_holds(&policy->tiers[i].classes, class))
            return &policy->tiers[i];
    }
    return NULL;
}

static bool use_open(const struct policy_tier *tier, enum policy_use use)
{
    const struct policy_value *value = &tier->uses[use].value;
    return policy_is(value, POLICY_ALLOW) || policy_is(value, POLICY_ADVISORY);
}

static bool may_roll_out(const struct policy_tier *tier, enum compare_class class)
{
    if (class == COMPARE_DISTRIBUTIONS)
        return use_open(tier, POLICY_USE_BUILD_TEST);
    return use_open(tier, POLICY_USE_DEPLOY_HOSTED) || use_open(tier, POLICY_USE_DEPLOY_INTERNAL);
}

/* When a tier whose notice is stated is told; nobody is before anybody knows. */
static int64_t told_at(const struct policy *policy, const struct compare_case *c, const struct policy_tier *tier)
{
    int64_t told = schedule_add_duration(policy, NULL, c->public_utc_s, &tier->before_publish, true);
    return c->reported_utc_s != INSTANT_NONE && told < c->reported_utc_s ? c->reported_utc_s : told;
}

static void tier_add(const struct policy *policy, const struct compare_case *c, const struct policy_track *track,
                     const struct policy_tier *tier, struct compare_tier *sum)
{
    if (!schedule_tier_on_track(tier, track))
        return;
    if (tier->before_publish.has != POLICY_STATED) {
        sum->n_unstated++;
        return;
    }
    sum->n_told++;
    sum->notice_days += days_between(told_at(policy, c, tier), c->public_utc_s);
}

static void exposure_add(const struct policy *policy, const struct compare_case *c, const struct policy_track *track,
                         enum compare_class class, int rollout_days, struct compare_exposure *sum)
{
    static const char *const classes[] = {"distro", "hosting-provider"};
    const struct policy_tier *tier = class == COMPARE_USERS ? NULL : tier_with(policy, track, classes[class]);
    int64_t told = c->public_utc_s;
    double exposed = rollout_days;
    if (tier != NULL && tier->before_publish.has == POLICY_STATED) {
        told = told_at(policy, c, tier);
        int notice = days_between(told, c->public_utc_s);
        sum->n_told++;
        sum->notice_days += notice;
        if (may_roll_out(tier, class))
            exposed = notice >= rollout_days ? 0 : rollout_days - notice;
    } else if (tier != NULL) {
        sum->n_unstated++;
    }
    if (c->reported_utc_s != INSTANT_NONE) {
        sum->n_reported++;
        sum->report_days += days_between(c->reported_utc_s, told);
    }
    sum->exposed_days += exposed;
}

void compare_run(const struct policy *policy, const struct compare_history *history, int rollout_days,
                 struct compare_result *out)
{
    *out = (struct compare_result){.n = history->n};
    out->outcomes = mem_zero(history->n + 1, sizeof(*out->outcomes));
    out->tiers = mem_zero(policy->n_tiers + 1, sizeof(*out->tiers));
    out->n_tiers = policy->n_tiers;
    for (size_t k = 0; k < policy->n_tiers; k++)
        out->tiers[k].name = policy_value_text(&policy->tiers[k].name);
    for (size_t i = 0; i < history->n; i++) {
        const struct compare_case *c = &history->cases[i];
        struct decide_case facts = {.severity = c->severity, .fix_needs_s = -1};
        struct decide_track track;
        decide_track(policy, &facts, &track);
        outcome_of(policy, c, track.track, &out->outcomes[i]);
        out->n_verdicts[out->outcomes[i].verdict]++;
        out->n_refused += out->outcomes[i].refused;
        for (int class = 0; class < COMPARE_CLASSES; class ++)
            exposure_add(policy, c, track.track, (enum compare_class) class, rollout_days, &out->classes[class]);
        for (size_t k = 0; k < policy->n_tiers; k++)
            tier_add(policy, c, track.track, &policy->tiers[k], &out->tiers[k]);
        decide_track_free(&track);
    }
    for (int class = 0; class < COMPARE_CLASSES; class ++) {
        struct compare_exposure *sum = &out->classes[class];
        sum->notice_days /= sum->n_told > 0 ? (double)sum->n_told : 1;
        sum->report_days /= sum->n_reported > 0 ? (double)sum->n_reported : 1;
        sum->exposed_days /= history->n > 0 ? (double)history->n : 1;
    }
    for (size_t k = 0; k < out->n_tiers; k++)
        out->tiers[k].notice_days /= out->tiers[k].n_told > 0 ? (double)out->tiers[k].n_told : 1;
}

void compare_result_free(struct compare_result *result)
{
    free(result->outcomes);
    free(result->tiers);
    *result = (struct compare_result){0};
}

static void name_of(const struct policy *policy, struct buf *out)
{
    buf_printf(out, "%s@%s", policy_value_text(&policy->id), policy_value_text(&policy->edition));
}

void compare_write_answers(const struct policy *a, const struct policy *b, struct buf *out)
{
    for (int number = 1; number <= EXPLAIN_QUESTIONS; number++) {
        struct buf left = BUF_EMPTY, right = BUF_EMPTY;
        explain_answer(a, number, &left);
        explain_answer(b, number, &right);
        bool same = strcmp(buf_text(&left), buf_text(&right)) == 0;
        buf_printf(out, "%s%d. %s\n   ", same ? "  " : "* ", number, explain_question_text(number));
        name_of(a, out);
        buf_printf(out, ": %s\n   ", buf_text(&left));
        name_of(b, out);
        buf_printf(out, ": %s\n", buf_text(&right));
        buf_free(&left);
        buf_free(&right);
    }
}

static void write_result(const struct policy *policy, const struct compare_result *result, struct buf *out)
{
    name_of(policy, out);
    buf_printf(out, ": %zu cases, %zu embargoes refused", result->n, result->n_refused);
    for (int i = 0; i < COMPARE_VERDICTS; i++) {
        if (result->n_verdicts[i] > 0)
            buf_printf(out, ", %zu %s", result->n_verdicts[i], compare_verdict_name((enum compare_verdict)i));
    }
    buf_add_str(out, "\n");
    for (size_t i = 0; i < result->n_tiers; i++) {
        const struct compare_tier *t = &result->tiers[i];
        buf_printf(out, "  tier %.64s: told early %zu times, notice ", t->name, t->n_told + t->n_unstated);
        if (t->n_told > 0)
            buf_printf(out, "%.1f days\n", t->notice_days);
        else
            buf_printf(out, "%s\n", t->n_unstated > 0 ? "unstated" : "none");
    }
    for (int i = 0; i < COMPARE_CLASSES; i++) {
        const struct compare_exposure *e = &result->classes[i];
        buf_printf(out, "  %-14s told early %zu times", compare_class_name((enum compare_class)i), e->n_told);
        if (e->n_unstated > 0)
            buf_printf(out, " (%zu more, how early is unstated)", e->n_unstated);
        buf_printf(out, ", notice %.1f days", e->notice_days);
        if (e->n_reported > 0)
            buf_printf(out, ", from the report %.1f", e->report_days);
        buf_printf(out, ", exposed %.1f days after publication\n", e->exposed_days);
    }
}

static bool plain(enum compare_verdict verdict)
{
    return verdict == COMPARE_WITHIN || verdict == COMPARE_NOT_KNOWN || verdict == COMPARE_UNDER_NO_LIMIT;
}

static void write_cases(const struct policy *policy, const struct compare_result *result,
                        const struct compare_history *history, struct buf *out)
{
    for (size_t i = 0; i < result->n; i++) {
        const struct compare_outcome *o = &result->outcomes[i];
        if (plain(o->verdict) && !o->refused)
            continue;
        buf_add_str(out, "  ");
        name_of(policy, out);
        buf_printf(out, ": %.64s: %s, %d days", history->cases[i].id, compare_verdict_name(o->verdict), o->days);
        if (o->rule[0] != '\0')
            buf_printf(out, ", %s by %s", o->refused ? "refused" : "named", o->rule);
        if (o->line > 0)
            buf_printf(out, " (%s:%d)", o->file, o->line);
        buf_add_str(out, "\n");
    }
}

void compare_write_history(const struct policy *const policies[2], const struct compare_result results[2],
                           const struct compare_history *history, int rollout_days, struct buf *out)
{
    buf_printf(out, "Over %zu cases, with a roll-out of %d days:\n", history->n, rollout_days);
    for (int i = 0; i < 2; i++)
        write_result(policies[i], &results[i], out);
    for (int i = 0; i < 2; i++)
        write_cases(policies[i], &results[i], history, out);
    if (history->left_out.n > 0)
        buf_printf(out, "Left out, %zu rows:\n", history->left_out.n);
    for (size_t i = 0; i < history->left_out.n; i++)
        buf_printf(out, "  %s:%d: %s\n", history->left_out.items[i].file, history->left_out.items[i].line,
                   history->left_out.items[i].text);
}

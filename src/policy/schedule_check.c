#include "policy/schedule.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "policy/zone.h"

struct checkup {
    const struct policy *policy;
    const struct schedule_holidays *holidays;
    const struct schedule_facts *facts;
    const struct schedule_change *change;
    struct schedule_notes *notes;
    struct diag *why;
    enum err worst;
    bool discoverers_word; /* limits give way to it, hard rules do not */
};

void schedule_notes_free(struct schedule_notes *notes)
{
    free(notes->items);
    *notes = (struct schedule_notes){0};
}

static void note(struct checkup *c, const struct diag *words)
{
    c->notes->items = mem_resize(c->notes->items, c->notes->n + 1, sizeof(*c->notes->items));
    c->notes->items[c->notes->n++] = *words;
}

/* A refusal goes before the want of a reason; of equals the first stands. */
static void fail(struct checkup *c, enum err err, const struct diag *words)
{
    bool worse = c->worst == ERR_OK || (c->worst == ERR_USAGE && err == ERR_DENIED);
    if (!worse)
        return;
    c->worst = err;
    if (c->why != NULL)
        *c->why = *words;
}

enum firmness { FIRM_NOTE, FIRM_REASON, FIRM_REFUSE };

/* How firm a broken rule is: aims are noted, limits want a reason, hard rules refuse. */
static enum firmness firmness_of(const struct checkup *c, int force)
{
    if (force == POLICY_HARD)
        return FIRM_REFUSE;
    return force == POLICY_LIMIT && !c->discoverers_word ? FIRM_REASON : FIRM_NOTE;
}

static void breaks(struct checkup *c, enum firmness firm, const struct policy_value *value, const char *rule,
                   const char *format, ...) __attribute__((format(printf, 5, 6)));

static void breaks(struct checkup *c, enum firmness firm, const struct policy_value *value, const char *rule,
                   const char *format, ...)
{
    char text[DIAG_TEXT_MAX];
    struct diag words = {0};
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    bool wants_reason = firm == FIRM_REASON && !c->change->has_reason;
    policy_diag(&words, ERR_DENIED, c->policy, value, rule, "%.440s%s", text,
                wants_reason ? "; give a reason with --reason to go past this limit" : "");
    if (firm == FIRM_REFUSE)
        fail(c, ERR_DENIED, &words);
    else if (wants_reason)
        fail(c, ERR_USAGE, &words);
    else
        note(c, &words);
}

static void breaks_unstated(struct checkup *c, const struct policy_value *value, const char *key)
{
    struct diag words = {0};
    policy_unstated(&words, c->policy, value, key);
    if (c->discoverers_word)
        note(c, &words);
    else
        fail(c, ERR_DENIED, &words);
}

/* The smallest number of units that reaches the date, for the words of a refusal. */
static int units_until(const struct checkup *c, int64_t start_utc_s, enum policy_unit unit)
{
    int low = 0, high = 1;
    while (high < 20000 && schedule_add(c->policy, c->holidays, start_utc_s, high, unit) < c->change->until_utc_s)
        low = high, high *= 2;
    while (high - low > 1) {
        int middle = low + (high - low) / 2;
        if (schedule_add(c->policy, c->holidays, start_utc_s, middle, unit) < c->change->until_utc_s)
            low = middle;
        else
            high = middle;
    }
    return high;
}

/* A date without an hour, or at the release hour, may fall on the last (or first) day of a limit in days. */
static bool same_day_counts(const struct checkup *c, int64_t bound_utc_s, enum policy_unit unit)
{
    int64_t until = c->change->until_utc_s;
    int32_t day = schedule_local_day(c->policy, until);
    bool release_hour =
        c->policy->release.time.has == POLICY_STATED && until == schedule_release_instant(c->policy, day);
    return unit != POLICY_UNIT_HOUR && (c->change->whole_day || release_hour) &&
           day == schedule_local_day(c->policy, bound_utc_s);
}

static void max_broken(struct checkup *c, const struct policy_clock *clock, int64_t start_utc_s,
                       const struct schedule_bound *bound, enum firmness firm)
{
    char rule[DIAG_RULE_MAX], until[INSTANT_TEXT_SIZE], last[INSTANT_TEXT_SIZE];
    const char *unit = policy_unit_name(bound->unit);
    bool started = schedule_start(clock, c->facts) != INSTANT_NONE;
    snprintf(rule, sizeof(rule), "clocks.%.40s%s", policy_value_text(&clock->name), bound->part);
    breaks(c, firm, bound->value, rule, "%s is %d %ss after %s%s; %s allows %d, until %s",
           instant_text(c->change->until_utc_s, until), units_until(c, start_utc_s, bound->unit), unit,
           started ? "" : "now, since there was no ", policy_words(&clock->start, "its start"), rule, bound->amount,
           instant_text(bound->at_utc_s, last));
}

/* The extension's own limit and terms. True where it covers the date. */
static bool extension_covers(struct checkup *c, const struct policy_clock *clock, int64_t start_utc_s)
{
    const struct policy_extend *extend = &clock->extend;
    const char *name = policy_value_text(&clock->name);
    char rule[DIAG_RULE_MAX];
    if (extend->max.has != POLICY_STATED)
        return false;
    struct schedule_bound bound = {.amount = extend->max.number,
                                   .unit = (enum policy_unit)policy_number(&extend->unit, clock->unit.number),
                                   .value = &extend->max,
                                   .part = ".extend.max"};
    bound.at_utc_s = schedule_add(c->policy, c->holidays, start_utc_s, bound.amount, bound.unit);
    if (c->change->until_utc_s > bound.at_utc_s && !same_day_counts(c, bound.at_utc_s, bound.unit)) {
        max_broken(c, clock, start_utc_s, &bound, policy_is(&clock->force, POLICY_AIM) ? FIRM_NOTE : FIRM_REFUSE);
        return true;
    }
    if (extend->by.has == POLICY_STATED && extend->by.number != (int)c->change->by) {
        snprintf(rule, sizeof(rule), "clocks.%.40s.extend.by", name);
        breaks(c, FIRM_REFUSE, &extend->by, rule, "only the %s may extend beyond the max", extend->by.text);
    }
    if (policy_is(&extend->reason, 1) || extend->reason.has != POLICY_STATED) {
        snprintf(rule, sizeof(rule), "clocks.%.40s.extend.reason", name);
        breaks(c, c->discoverers_word ? FIRM_NOTE : FIRM_REASON, &extend->reason, rule,
               "the date lies beyond the max, within the extension");
    }
    return true;
}

static void check_max(struct checkup *c, const struct policy_clock *clock, int64_t start_utc_s)
{
    struct schedule_bound bound;
    char key[DIAG_RULE_MAX];
    if (!schedule_max(c->policy, c->holidays, clock, start_utc_s, &bound))
        return;
    if (bound.value == &clock->grace.max) {
        /* The grace lengthens for its days alone: on others the plain max holds. */
        int weekday = zone_weekday(schedule_local_day(c->policy, c->change->until_utc_s));
        if ((clock->grace.publish_on.number >> weekday & 1) == 0) {
            bound = (struct schedule_bound){
                .amount = clock->max.number, .unit = bound.unit, .value = &clock->max, .part = ".max"};
            bound.at_utc_s = schedule_add(c->policy, c->holidays, start_utc_s, bound.amount, bound.unit);
        }
    }
    if (c->change->until_utc_s <= bound.at_utc_s || same_day_counts(c, bound.at_utc_s, bound.unit))
        return;
    if (extension_covers(c, clock, start_utc_s))
        return;
    if (clock->force.has != POLICY_STATED) {
        snprintf(key, sizeof(key), "clocks.%.40s.force", policy_value_text(&clock->name));
        breaks_unstated(c, &clock->force, key);
        return;
    }
    max_broken(c, clock, start_utc_s, &bound, firmness_of(c, clock->force.number));
}

static void check_min(struct checkup *c, const struct policy_clock *clock, int64_t start_utc_s)
{
    char rule[DIAG_RULE_MAX], until[INSTANT_TEXT_SIZE], first[INSTANT_TEXT_SIZE];
    if (clock->min.has != POLICY_STATED)
        return;
    enum policy_unit unit = (enum policy_unit)clock->unit.number;
    int64_t earliest = schedule_add(c->policy, c->holidays, start_utc_s, clock->min.number, unit);
    if (c->change->until_utc_s >= earliest || (c->change->whole_day && same_day_counts(c, earliest, unit)))
        return;
    snprintf(rule, sizeof(rule), "clocks.%.40s.min", policy_value_text(&clock->name));
    breaks(c, firmness_of(c, policy_number(&clock->force_min, POLICY_AIM)), &clock->min, rule,
           "%s is sooner than %s, which asks for %d %ss after %s: %s", instant_text(c->change->until_utc_s, until),
           rule, clock->min.number, policy_unit_name(unit), policy_words(&clock->start, "its start"),
           instant_text(earliest, first));
}

/* A clock of the process that has not started is taken to start now; one that waits for an incident is not. */
static bool counted_from(const struct checkup *c, const struct policy_clock *clock, int64_t *out_start_utc_s)
{
    if (clock->whole.has != POLICY_STATED || !policy_is(&clock->end, POLICY_AT_PUBLISH) ||
        clock->start.has != POLICY_STATED || clock->unit.has != POLICY_STATED)
        return false;
    int start = clock->start.number;
    *out_start_utc_s = schedule_start(clock, c->facts);
    if (*out_start_utc_s == INSTANT_NONE && start <= POLICY_AT_PREDISCLOSE)
        *out_start_utc_s = c->change->now_utc_s;
    return *out_start_utc_s != INSTANT_NONE && start != POLICY_AT_PUBLISH_PLANNED;
}

/* A bound without a start or a unit cannot be held against a date; say so. */
static void note_unstated(struct checkup *c, const struct policy_clock *clock)
{
    const struct policy_value *missing = clock->start.has == POLICY_UNSTATED ? &clock->start : &clock->unit;
    char key[DIAG_RULE_MAX];
    if (clock->whole.has != POLICY_STATED || !policy_is(&clock->end, POLICY_AT_PUBLISH) ||
        clock->max.has != POLICY_STATED || missing->has != POLICY_UNSTATED)
        return;
    snprintf(key, sizeof(key), "clocks.%.40s.%s", policy_value_text(&clock->name),
             missing == &clock->start ? "start" : "unit");
    breaks(c, FIRM_NOTE, missing, key,
           "the policy does not state %s, so that its max of %d is not held against the date", key, clock->max.number);
}

static void check_clocks(struct checkup *c)
{
    for (size_t i = 0; i < c->policy->n_clocks; i++) {
        const struct policy_clock *clock = &c->policy->clocks[i];
        int64_t start;
        note_unstated(c, clock);
        if (!counted_from(c, clock, &start))
            continue;
        check_max(c, clock, start);
        check_min(c, clock, start);
    }
}

static void check_tiers(struct checkup *c)
{
    char rule[DIAG_RULE_MAX], last[INSTANT_TEXT_SIZE];
    int64_t told = c->facts->at_utc_s[POLICY_AT_PREDISCLOSE];
    int64_t start = told != INSTANT_NONE ? told : c->change->now_utc_s;
    for (size_t i = 0; i < c->policy->n_tiers; i++) {
        const struct policy_tier *tier = &c->policy->tiers[i];
        const char *name = policy_value_text(&tier->name);
        if (!schedule_tier_on_track(tier, c->facts->track))
            continue;
        int64_t latest = schedule_add_duration(c->policy, c->holidays, start, &tier->max, false);
        if (latest != INSTANT_NONE && c->change->until_utc_s > latest && !same_day_counts(c, latest, tier->max.unit)) {
            snprintf(rule, sizeof(rule), "tiers.%.50s.max", name);
            breaks(c, FIRM_REFUSE, &tier->max, rule, "the tier may hold this for %s at most, until %s", tier->max.text,
                   instant_text(latest, last));
        }
        int64_t notice =
            schedule_add_duration(c->policy, c->holidays, c->change->until_utc_s, &tier->before_publish, true);
        if (notice != INSTANT_NONE && notice < start) {
            snprintf(rule, sizeof(rule), "tiers.%.34s.notice.before_publish", name);
            breaks(c, FIRM_NOTE, &tier->before_publish, rule,
                   "less than %s remains: the tier is told at once, and told why its notice is short",
                   tier->before_publish.text);
        }
    }
}

static int release_force(const struct policy *policy)
{
    return policy_number(&policy->release.force, POLICY_LIMIT);
}

static void check_release(struct checkup *c)
{
    const struct policy_release *release = &c->policy->release;
    int32_t day = schedule_local_day(c->policy, c->change->until_utc_s);
    int weekday = zone_weekday(day);
    enum firmness firm = firmness_of(c, release_force(c->policy));
    if (release->forbid_weekdays.has == POLICY_STATED && (release->forbid_weekdays.number >> weekday & 1) != 0)
        breaks(c, firm, &release->forbid_weekdays, "release.forbid_weekdays",
               "the date falls on a %s, on which nothing is released",
               policy_weekday_name((enum policy_weekday)weekday));
    else if (weekday == POLICY_SAT || weekday == POLICY_SUN)
        breaks(c, FIRM_NOTE, &release->forbid_weekdays, "release.forbid_weekdays", "the date falls on a weekend");
    if (schedule_is_holiday(c->holidays, day))
        breaks(c, firm, &release->holidays, "release.holidays", "the date falls on a holiday");
    if (release->time.has == POLICY_STATED && c->change->until_utc_s != schedule_release_instant(c->policy, day))
        breaks(c, policy_is(&release->force, POLICY_HARD) ? FIRM_REFUSE : FIRM_NOTE, &release->time, "release.time",
               "releases are at %s %s", release->time.text, policy_words(&release->zone, "UTC"));
}

static void check_discoverer(struct checkup *c)
{
    const struct policy_value *word = &c->policy->authority.discoverer;
    int64_t date = c->facts->discoverer_utc_s, until = c->change->until_utc_s;
    char text[INSTANT_TEXT_SIZE];
    if (c->change->by == POLICY_BY_DISCOVERER) {
        if (word->has == POLICY_UNSTATED)
            breaks_unstated(c, word, "authority.discoverer");
        if (word->has == POLICY_NONE)
            breaks(c, FIRM_REFUSE, word, "authority.discoverer",
                   "the discoverer has no say in the date by this policy");
        return;
    }
    if (date == INSTANT_NONE || until == date)
        return;
    instant_text(date, text);
    if (policy_is(word, POLICY_DISCOVERER_FINAL))
        breaks(c, FIRM_REFUSE, word, "authority.discoverer", "the discoverer's date is final: %s", text);
    else if (policy_is(word, POLICY_DISCOVERER_HONOUR) && until > date)
        breaks(c, FIRM_REFUSE, word, "authority.discoverer", "the discoverer's earlier date is honoured: %s", text);
    else if (word->has == POLICY_UNSTATED && until > date)
        breaks_unstated(c, word, "authority.discoverer");
    else if (until > date)
        breaks(c, FIRM_NOTE, word, "authority.discoverer", "the discoverer asked for %s", text);
}

/* The discoverer's own date where the policy gives it weight: final always, honoured where it is the earlier one. */
static bool has_the_word(const struct checkup *c)
{
    const struct policy_value *word = &c->policy->authority.discoverer;
    int64_t planned = c->facts->at_utc_s[POLICY_AT_PUBLISH_PLANNED];
    bool his = c->change->by == POLICY_BY_DISCOVERER || c->change->until_utc_s == c->facts->discoverer_utc_s;
    bool earlier = planned == INSTANT_NONE || c->change->until_utc_s <= planned;
    return his && (policy_is(word, POLICY_DISCOVERER_FINAL) || (policy_is(word, POLICY_DISCOVERER_HONOUR) && earlier));
}

/* A track that hands the case to another policy sets no date; a full one holds nothing back; one whose mode is not
 * stated cannot be decided. */
static void check_track(struct checkup *c)
{
    const struct policy_track *track = c->facts->track;
    char rule[DIAG_RULE_MAX];
    if (track == NULL)
        return;
    if (track->policy.has == POLICY_STATED) {
        snprintf(rule, sizeof(rule), "tracks.%.40s.policy", policy_value_text(&track->name));
        breaks(c, FIRM_REFUSE, &track->policy, rule,
               "on this track the rules of another policy apply; pin it with case set ID policy=%s",
               track->policy.text);
        return;
    }
    snprintf(rule, sizeof(rule), "tracks.%.40s.mode", policy_value_text(&track->name));
    if (policy_is(&track->mode, POLICY_MODE_FULL))
        breaks(c, FIRM_REFUSE, &track->mode, rule, "on this track nothing is held back: publish, or set another track");
    else if (track->mode.has == POLICY_UNSTATED)
        breaks_unstated(c, &track->mode, rule);
}

enum err schedule_check_until(const struct policy *policy, const struct schedule_holidays *holidays,
                              const struct schedule_facts *facts, const struct schedule_change *change,
                              struct schedule_notes *notes, struct diag *why)
{
    struct checkup c = {policy, holidays, facts, change, notes, why, ERR_OK, false};
    *notes = (struct schedule_notes){0};
    if (change->until_utc_s <= change->now_utc_s)
        return diag_set(why, ERR_DENIED, "embargo.past", "the date has passed; to publish now, use embargo lift");
    c.discoverers_word = has_the_word(&c);
    check_track(&c);
    check_clocks(&c);
    check_discoverer(&c);
    check_tiers(&c);
    check_release(&c);
    return c.worst;
}

#include "policy/policy_keys.h"

#include "policy/zone.h"

#define WEEK_ALL 0x7f

/* The years for which a release hour is tried against the zone's changes. */
#define YEAR_FIRST 2024
#define YEAR_LAST  2037

static void fault(const struct policy *policy, struct conf_faults *faults, const struct policy_value *value,
                  const struct policy_clock *clock, const char *rule, const char *words)
{
    conf_fault_add(faults, policy_value_file(policy, value), value->line > 0 ? value->line : clock->line, rule,
                   "the clock `%s`: %s", policy_value_text(&clock->name), words);
}

static bool above(const struct policy_value *low, const struct policy_value *high)
{
    return low->has == POLICY_STATED && high->has == POLICY_STATED && low->number > high->number;
}

static void check_bounds(const struct policy *policy, struct conf_faults *faults, const struct policy_clock *clock)
{
    if (above(&clock->min, &clock->max))
        fault(policy, faults, &clock->min, clock, "policy.min-max", "its min exceeds its max");
    if (above(&clock->min, &clock->target))
        fault(policy, faults, &clock->target, clock, "policy.min-max", "its target is below its min");
    if (above(&clock->target, &clock->max))
        fault(policy, faults, &clock->target, clock, "policy.min-max", "its target exceeds its max");
}

/* Somebody is told early: there is a track that is not full disclosure, and a tier (or it is not stated). */
static bool can_predisclose(const struct policy *policy)
{
    bool track = false;
    for (size_t i = 0; i < policy->n_tracks; i++)
        track = track || !policy_is(&policy->tracks[i].mode, POLICY_MODE_FULL);
    return track && policy->tiers_stated.has != POLICY_NONE;
}

static bool can_end(enum policy_event event)
{
    return event == POLICY_AT_ACKNOWLEDGE || event == POLICY_AT_PREDISCLOSE ||
           (event >= POLICY_AT_TRIAGE && event < POLICY_EVENTS);
}

static bool ends_early(enum policy_event end)
{
    return end == POLICY_AT_ACKNOWLEDGE || end == POLICY_AT_TRIAGE;
}

static void check_start(const struct policy *policy, struct conf_faults *faults, const struct policy_clock *clock)
{
    const char *rule = "policy.clock-never-starts";
    const struct policy_value *start = &clock->start;
    bool amount =
        clock->min.has == POLICY_STATED || clock->target.has == POLICY_STATED || clock->max.has == POLICY_STATED;
    if (clock->end.has == POLICY_STATED && !can_end((enum policy_event)clock->end.number))
        fault(
            policy, faults, &clock->end, clock, "conf.word",
            "its `end` must be acknowledge, triage, fix, cve, predisclose, final-notice, publish or report-authority");
    if (start->has == POLICY_NONE && amount)
        fault(policy, faults, start, clock, rule, "it has a length but no start");
    if (start->has != POLICY_STATED)
        return;
    bool told = start->number == POLICY_AT_PREDISCLOSE || start->number == POLICY_AT_LIST_POST;
    bool late = told || start->number == POLICY_AT_FIX_READY || start->number == POLICY_AT_RELEASE_START;
    if (policy_is(&clock->end, start->number))
        fault(policy, faults, start, clock, rule, "it ends where it starts");
    if (told && !can_predisclose(policy))
        fault(policy, faults, start, clock, rule, "nobody is told early by this policy, so that it never starts");
    if (late && clock->end.has == POLICY_STATED && ends_early((enum policy_event)clock->end.number))
        fault(policy, faults, start, clock, rule, "its end comes before its start");
}

static long clock_hours(int number, enum policy_unit unit)
{
    static const long hours[] = {1, 24, 24 * 31, 34, 24 * 7};
    return number * hours[unit];
}

static void check_extras(const struct policy *policy, struct conf_faults *faults, const struct policy_clock *clock)
{
    const struct policy_value *max = &clock->max, *more = &clock->extend.max;
    if (more->has == POLICY_STATED && max->has == POLICY_STATED && clock->unit.has == POLICY_STATED) {
        enum policy_unit unit = (enum policy_unit)policy_number(&clock->extend.unit, clock->unit.number);
        if (clock_hours(more->number, unit) < clock_hours(max->number, (enum policy_unit)clock->unit.number))
            fault(policy, faults, more, clock, "policy.extend", "extend.max is the new total, and is below max");
    }
    if (clock->grace.max.has == POLICY_STATED && max->has != POLICY_STATED)
        fault(policy, faults, &clock->grace.max, clock, "policy.grace", "a grace needs a max that it lengthens");
    if (above(max, &clock->grace.max))
        fault(policy, faults, &clock->grace.max, clock, "policy.grace", "grace.max is the new total, and is below max");
    if (policy_is(&clock->on_expiry, POLICY_EXPIRY_PREDISCLOSE) && !can_predisclose(policy))
        fault(policy, faults, &clock->on_expiry, clock, "policy.expiry", "nobody is told early by this policy");
}

void policy_check_clocks(const struct policy *policy, struct conf_faults *faults)
{
    for (size_t i = 0; i < policy->n_clocks; i++) {
        const struct policy_clock *clock = &policy->clocks[i];
        if (clock->whole.has != POLICY_STATED)
            continue;
        check_bounds(policy, faults, clock);
        check_start(policy, faults, clock);
        check_extras(policy, faults, clock);
    }
}

/* A release hour that the zone skips on some day would make a release impossible there and then. */
static void check_hour(const struct policy *policy, struct conf_faults *faults)
{
    const struct policy_value *time = &policy->release.time;
    struct zone_civil civil = {.year = YEAR_FIRST, .month = 1, .day = 1};
    struct zone_civil last = {.year = YEAR_LAST, .month = 12, .day = 31};
    if (time->has != POLICY_STATED)
        return;
    civil.hour = time->number / 60;
    civil.minute = time->number % 60;
    for (int32_t day = zone_day_of(&civil), end = zone_day_of(&last); day <= end; day++) {
        enum zone_fit fit;
        zone_civil_of_day(day, &civil);
        policy_zone_instant(policy->zone, &civil, &fit);
        if (fit == ZONE_SKIPPED) {
            conf_fault_add(faults, policy_value_file(policy, time), time->line, "policy.release-hour",
                           "the zone %s skips %s on %04d-%02d-%02d; choose another hour",
                           policy_value_text(&policy->release.zone), time->text, (int)civil.year, civil.month,
                           civil.day);
            return;
        }
    }
}

void policy_check_release(const struct policy *policy, struct conf_faults *faults)
{
    const struct policy_value *forbid = &policy->release.forbid_weekdays;
    const struct policy_value *prefer = &policy->release.prefer_weekdays;
    if (forbid->has == POLICY_STATED && forbid->number == WEEK_ALL)
        conf_fault_add(faults, policy->file, forbid->line, "policy.release-days",
                       "every weekday is forbidden, so that nothing could ever be released");
    if (forbid->has == POLICY_STATED && prefer->has == POLICY_STATED && (forbid->number & prefer->number) != 0)
        conf_fault_add(faults, policy->file, prefer->line, "policy.release-days",
                       "a weekday is both preferred and forbidden; take it out of one");
    check_hour(policy, faults);
}

#include "policy/schedule.h"

#include <stdio.h>
#include <string.h>

#include "policy/zone.h"

#define SEARCH_DAYS 400

struct proposal {
    const struct policy *policy;
    const struct schedule_holidays *holidays;
    const struct schedule_facts *facts;
    int64_t now_utc_s;
    int64_t earliest_utc_s;
    int64_t wanted_utc_s;
    int64_t latest_utc_s;
    int rank; /* of the rule that gave the wish: 0 none, 1 min, 2 max, 3 target */
    const struct policy_value *value;
    char rule[DIAG_RULE_MAX];
};

static void wish(struct proposal *p, int rank, const struct policy_clock *clock, const struct policy_value *value,
                 const char *part, int64_t at_utc_s)
{
    if (rank <= p->rank)
        return;
    p->rank = rank;
    p->wanted_utc_s = at_utc_s;
    p->value = value;
    snprintf(p->rule, sizeof(p->rule), "clocks.%.40s%s", policy_value_text(&clock->name), part);
}

static void bound_by_clock(struct proposal *p, const struct policy_clock *clock)
{
    struct schedule_bound bound;
    if (clock->whole.has != POLICY_STATED || !policy_is(&clock->end, POLICY_AT_PUBLISH) ||
        clock->start.has != POLICY_STATED || clock->unit.has != POLICY_STATED ||
        clock->start.number > POLICY_AT_PREDISCLOSE)
        return;
    enum policy_unit unit = (enum policy_unit)clock->unit.number;
    int64_t start = schedule_start(clock, p->facts);
    start = start == INSTANT_NONE ? p->now_utc_s : start;
    if (clock->min.has == POLICY_STATED) {
        int64_t at = schedule_add(p->policy, p->holidays, start, clock->min.number, unit);
        p->earliest_utc_s = at > p->earliest_utc_s ? at : p->earliest_utc_s;
        wish(p, 1, clock, &clock->min, ".min", at);
    }
    if (schedule_max(p->policy, p->holidays, clock, start, &bound)) {
        p->latest_utc_s = bound.at_utc_s < p->latest_utc_s ? bound.at_utc_s : p->latest_utc_s;
        wish(p, 2, clock, bound.value, bound.part, bound.at_utc_s);
    }
    if (clock->target.has == POLICY_STATED)
        wish(p, 3, clock, &clock->target, ".target",
             schedule_add(p->policy, p->holidays, start, clock->target.number, unit));
}

static void bound_by_tier(struct proposal *p, const struct policy_tier *tier)
{
    int64_t told = p->facts->at_utc_s[POLICY_AT_PREDISCLOSE];
    int64_t start = told == INSTANT_NONE ? p->now_utc_s : told;
    if (!schedule_tier_on_track(tier, p->facts->track))
        return;
    int64_t notice = schedule_add_duration(p->policy, p->holidays, start, &tier->before_publish, false);
    int64_t max = schedule_add_duration(p->policy, p->holidays, start, &tier->max, false);
    if (notice != INSTANT_NONE && notice > p->earliest_utc_s)
        p->earliest_utc_s = notice;
    if (max != INSTANT_NONE && max < p->latest_utc_s)
        p->latest_utc_s = max;
}

enum liking { LIKE_PREFERRED, LIKE_BUSINESS, LIKE_ALLOWED };

static bool day_liked(const struct proposal *p, int32_t day, enum liking liking)
{
    const struct policy_value *prefer = &p->policy->release.prefer_weekdays;
    int weekday = zone_weekday(day);
    if (!schedule_local_day_allowed(p->policy, p->holidays, day))
        return false;
    if (liking == LIKE_PREFERRED)
        return prefer->has == POLICY_STATED && (prefer->number >> weekday & 1) != 0;
    return liking == LIKE_ALLOWED || (weekday != POLICY_SAT && weekday != POLICY_SUN);
}

/* The first release instant from an instant on; INSTANT_NONE where there is none up to the latest. */
static int64_t first_from(const struct proposal *p, int64_t from_utc_s, enum liking liking)
{
    int32_t day = schedule_local_day(p->policy, from_utc_s) - 1;
    for (int i = 0; i < SEARCH_DAYS; i++, day++) {
        int64_t at = schedule_release_instant(p->policy, day);
        if (at > p->latest_utc_s)
            return INSTANT_NONE;
        if (at >= from_utc_s && day_liked(p, day, liking))
            return at;
    }
    return INSTANT_NONE;
}

static int64_t last_before(const struct proposal *p, int64_t until_utc_s)
{
    int32_t day = schedule_local_day(p->policy, until_utc_s) + 1;
    for (int i = 0; i < SEARCH_DAYS; i++, day--) {
        int64_t at = schedule_release_instant(p->policy, day);
        if (at < p->earliest_utc_s)
            return INSTANT_NONE;
        if (at <= until_utc_s && day_liked(p, day, LIKE_ALLOWED))
            return at;
    }
    return INSTANT_NONE;
}

/*
 * Each choice is the first of its kind from the wish on, and the next kind is tried only where the one before has none
 * left: so a later wish never gives an earlier date.
 */
static int64_t pick(const struct proposal *p, int64_t from_utc_s)
{
    for (int liking = LIKE_PREFERRED; liking <= LIKE_ALLOWED; liking++) {
        int64_t at = first_from(p, from_utc_s, (enum liking)liking);
        if (at != INSTANT_NONE)
            return at;
    }
    return p->latest_utc_s == INT64_MAX ? INSTANT_NONE : last_before(p, p->latest_utc_s);
}

enum err schedule_propose(const struct policy *policy, const struct schedule_holidays *holidays,
                          const struct schedule_facts *facts, int64_t now_utc_s, int64_t *out_utc_s, struct diag *why)
{
    struct proposal p = {policy, holidays, facts, now_utc_s, now_utc_s + 1, INSTANT_NONE, INT64_MAX, 0, NULL, ""};
    *out_utc_s = INSTANT_NONE;
    for (size_t i = 0; i < policy->n_clocks; i++)
        bound_by_clock(&p, &policy->clocks[i]);
    for (size_t i = 0; i < policy->n_tiers; i++)
        bound_by_tier(&p, &policy->tiers[i]);
    if (p.rank == 0)
        return diag_set(why, ERR_NOT_FOUND, "embargo.no-clock",
                        "the policy states no clock to publication; set a date with embargo set");
    int64_t from = p.wanted_utc_s > p.earliest_utc_s ? p.wanted_utc_s : p.earliest_utc_s;
    *out_utc_s = pick(&p, from);
    if (*out_utc_s == INSTANT_NONE)
        return policy_diag(why, ERR_DENIED, policy, p.value, p.rule,
                           "no day of release lies between the earliest and the latest date that the rules allow");
    policy_diag(why, ERR_OK, policy, p.value, p.rule, "as %s says", p.rule);
    return ERR_OK;
}

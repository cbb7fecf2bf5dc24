#include "policy/schedule.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "policy/zone.h"

#define SEARCH_DAYS 400

struct making {
    const struct policy *policy;
    const struct schedule_holidays *holidays;
    const struct schedule_facts *facts;
    struct schedule *out;
};

void schedule_facts_init(struct schedule_facts *facts)
{
    *facts = (struct schedule_facts){.patch_defect_utc_s = INSTANT_NONE,
                                     .discoverer_utc_s = INSTANT_NONE,
                                     .exploited_utc_s = INSTANT_NONE,
                                     .leaked_utc_s = INSTANT_NONE};
    for (int i = 0; i < POLICY_EVENTS; i++)
        facts->at_utc_s[i] = INSTANT_NONE;
}

static void unstated(struct making *m, const char *key)
{
    struct schedule *out = m->out;
    for (size_t i = 0; i < out->n_unstated; i++) {
        if (strcmp(out->unstated[i], key) == 0)
            return;
    }
    out->unstated = mem_resize(out->unstated, out->n_unstated + 1, sizeof(*out->unstated));
    out->unstated[out->n_unstated++] = mem_strdup(key);
}

static void unstated_part(struct making *m, const struct policy_clock *clock, const char *part)
{
    char *key = mem_printf("clocks.%s%s", policy_value_text(&clock->name), part);
    unstated(m, key);
    free(key);
}

static struct schedule_deadline *add(struct making *m, struct schedule_deadline deadline)
{
    m->out->items = mem_resize(m->out->items, m->out->n + 1, sizeof(*m->out->items));
    m->out->items[m->out->n] = deadline;
    return &m->out->items[m->out->n++];
}

int64_t schedule_start(const struct policy_clock *clock, const struct schedule_facts *facts)
{
    if (clock->start.has != POLICY_STATED)
        return INSTANT_NONE;
    int64_t start = facts->at_utc_s[clock->start.number];
    if (start == INSTANT_NONE && clock->start.number == POLICY_AT_LIST_POST)
        start = facts->at_utc_s[POLICY_AT_PREDISCLOSE];
    if (start == INSTANT_NONE && clock->start.number == POLICY_AT_EXPLOITED)
        start = facts->exploited_utc_s;
    if (clock->restart_on.has == POLICY_STATED && start != INSTANT_NONE && facts->patch_defect_utc_s > start)
        start = facts->patch_defect_utc_s;
    return start;
}

static bool on_weekdays(const struct policy *policy, const struct policy_value *days, int64_t at_utc_s)
{
    return days->has == POLICY_STATED && (days->number >> zone_weekday(schedule_local_day(policy, at_utc_s)) & 1) != 0;
}

/* The last instant up to grace.max that falls on a day of publish_on; else the plain max stands. */
static void grace_bound(const struct policy *policy, const struct schedule_holidays *holidays,
                        const struct policy_clock *clock, int64_t start_utc_s, struct schedule_bound *out)
{
    const struct policy_grace *grace = &clock->grace;
    if (grace->max.has != POLICY_STATED || !on_weekdays(policy, &grace->reported_on, start_utc_s))
        return;
    for (int amount = grace->max.number; amount > out->amount; amount--) {
        int64_t at = schedule_add(policy, holidays, start_utc_s, amount, out->unit);
        if (on_weekdays(policy, &grace->publish_on, at)) {
            *out = (struct schedule_bound){at, amount, out->unit, &grace->max, ".grace.max"};
            return;
        }
    }
}

bool schedule_max(const struct policy *policy, const struct schedule_holidays *holidays,
                  const struct policy_clock *clock, int64_t start_utc_s, struct schedule_bound *out)
{
    if (clock->max.has != POLICY_STATED || clock->unit.has != POLICY_STATED)
        return false;
    enum policy_unit unit = (enum policy_unit)clock->unit.number;
    *out = (struct schedule_bound){schedule_add(policy, holidays, start_utc_s, clock->max.number, unit),
                                   clock->max.number, unit, &clock->max, ".max"};
    grace_bound(policy, holidays, clock, start_utc_s, out);
    return true;
}

/* A day for publication that the program chooses: allowed, and where it moves a date, no weekend. */
static bool day_fits(const struct making *m, int32_t day, bool moved)
{
    int weekday = zone_weekday(day);
    bool weekend = weekday == POLICY_SAT || weekday == POLICY_SUN;
    return schedule_local_day_allowed(m->policy, m->holidays, day) && !(moved && weekend);
}

/* The raw instant's wall-clock time on another day, or the release hour of that day. */
static int64_t on_day(const struct making *m, int64_t raw_utc_s, int32_t day)
{
    struct zone_civil civil;
    if (m->policy->release.time.has == POLICY_STATED)
        return schedule_release_instant(m->policy, day);
    policy_zone_civil(m->policy->zone, raw_utc_s, &civil);
    zone_civil_of_day(day, &civil);
    return policy_zone_instant(m->policy->zone, &civil, NULL);
}

/* step 1: forwards, -1: back. not_before: the result is no earlier than the raw instant itself. */
static int64_t move(const struct making *m, int64_t raw_utc_s, int step, bool not_before)
{
    int32_t first = schedule_local_day(m->policy, raw_utc_s);
    for (int32_t day = first; day != first + step * SEARCH_DAYS; day += step) {
        int64_t at = on_day(m, raw_utc_s, day);
        if (day_fits(m, day, day != first) && !(not_before && at < raw_utc_s))
            return at;
    }
    return INSTANT_NONE;
}

static void deadline_head(const struct making *m, const struct policy_clock *clock, const struct policy_value *value,
                          const char *part, struct schedule_deadline *out)
{
    const char *name = policy_value_text(&clock->name);
    *out = (struct schedule_deadline){.clock = name, .end = POLICY_EVENTS, .at_utc_s = INSTANT_NONE};
    snprintf(out->rule, sizeof(out->rule), "clocks.%.40s%s", name, part);
    out->file = policy_value_file(m->policy, value);
    out->line = value->line;
    if (clock->end.has == POLICY_STATED) {
        out->end = (enum policy_event)clock->end.number;
        out->met = m->facts->at_utc_s[out->end] != INSTANT_NONE;
    }
    if (clock->on_expiry.has == POLICY_STATED)
        out->on_expiry = clock->on_expiry.text;
}

static const char *force_of(const struct policy_value *force, const char *fallback)
{
    return policy_words(force, fallback);
}

struct bounds {
    bool stated[3]; /* by schedule_kind: min, target, max */
    struct schedule_deadline deadline[3];
};

static void bounds_compute(struct making *m, const struct policy_clock *clock, int64_t start_utc_s, struct bounds *out)
{
    const struct policy_value *const values[3] = {&clock->min, &clock->target, &clock->max};
    static const char *const parts[3] = {".min", ".target", ".max"};
    bool back = clock->start.number == POLICY_AT_PUBLISH_PLANNED;
    for (int kind = 0; kind < 3; kind++) {
        struct schedule_deadline *d = &out->deadline[kind];
        struct schedule_bound bound = {0, values[kind]->number, (enum policy_unit)clock->unit.number, values[kind],
                                       parts[kind]};
        out->stated[kind] = values[kind]->has == POLICY_STATED;
        if (!out->stated[kind])
            continue;
        if (kind != SCHEDULE_MAX || back || !schedule_max(m->policy, m->holidays, clock, start_utc_s, &bound))
            bound.at_utc_s =
                schedule_add(m->policy, m->holidays, start_utc_s, back ? -bound.amount : bound.amount, bound.unit);
        deadline_head(m, clock, bound.value, bound.part, d);
        d->kind = (enum schedule_kind)kind;
        d->raw_utc_s = d->at_utc_s = bound.at_utc_s;
    }
    out->deadline[SCHEDULE_MIN].force = force_of(&clock->force_min, "aim");
    out->deadline[SCHEDULE_TARGET].force = "aim";
    out->deadline[SCHEDULE_MAX].force = force_of(&clock->force, "unstated");
}

static int64_t later_of(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static int64_t earlier_of(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* Moves the bounds of a publication to days of release; see the header. */
static void bounds_move(const struct making *m, struct bounds *b)
{
    struct schedule_deadline *min = &b->deadline[SCHEDULE_MIN], *target = &b->deadline[SCHEDULE_TARGET];
    struct schedule_deadline *max = &b->deadline[SCHEDULE_MAX];
    int64_t first = b->stated[SCHEDULE_MIN] ? move(m, min->raw_utc_s, 1, true) : INT64_MIN;
    int64_t last = b->stated[SCHEDULE_MAX] ? move(m, max->raw_utc_s, -1, false) : INT64_MAX;
    if (last < first || (b->stated[SCHEDULE_MAX] && last == INSTANT_NONE)) {
        min->clash = target->clash = max->clash = true;
        return;
    }
    if (b->stated[SCHEDULE_MIN])
        min->at_utc_s = first;
    if (b->stated[SCHEDULE_MAX])
        max->at_utc_s = last;
    if (b->stated[SCHEDULE_TARGET]) {
        int64_t at = move(m, target->raw_utc_s, 1, false);
        target->clash = at == INSTANT_NONE;
        target->at_utc_s = at == INSTANT_NONE ? target->raw_utc_s : earlier_of(later_of(at, first), last);
    }
}

/* On a track of full disclosure nobody is told early, so that no clock leads to or from that. */
static bool can_run(const struct making *m, const struct policy_clock *clock)
{
    const struct policy_track *track = m->facts->track;
    return track == NULL || !policy_is(&track->mode, POLICY_MODE_FULL) ||
           !(policy_is(&clock->end, POLICY_AT_PREDISCLOSE) || policy_is(&clock->end, POLICY_AT_FINAL_NOTICE) ||
             policy_is(&clock->start, POLICY_AT_PREDISCLOSE) || policy_is(&clock->start, POLICY_AT_LIST_POST));
}

static void make_clock(struct making *m, const struct policy_clock *clock)
{
    struct bounds bounds = {0};
    bool amount =
        clock->min.has == POLICY_STATED || clock->target.has == POLICY_STATED || clock->max.has == POLICY_STATED;
    if (clock->whole.has == POLICY_UNSTATED)
        unstated_part(m, clock, "");
    if (clock->whole.has != POLICY_STATED || !can_run(m, clock))
        return;
    if (!amount && clock->max.has == POLICY_UNSTATED)
        unstated_part(m, clock, ".max");
    if (amount && clock->start.has == POLICY_UNSTATED)
        unstated_part(m, clock, ".start");
    if (amount && clock->unit.has == POLICY_UNSTATED)
        unstated_part(m, clock, ".unit");
    if (clock->max.has == POLICY_STATED && clock->force.has == POLICY_UNSTATED)
        unstated_part(m, clock, ".force");
    int64_t start = schedule_start(clock, m->facts);
    if (!amount || start == INSTANT_NONE || clock->unit.has != POLICY_STATED)
        return;
    bounds_compute(m, clock, start, &bounds);
    if (policy_is(&clock->end, POLICY_AT_PUBLISH))
        bounds_move(m, &bounds);
    for (int kind = 0; kind < 3; kind++) {
        if (bounds.stated[kind])
            add(m, bounds.deadline[kind]);
    }
}

bool schedule_tier_on_track(const struct policy_tier *tier, const struct policy_track *track)
{
    return track != NULL && policy_holds(&tier->tracks, policy_value_text(&track->name)) &&
           track->policy.has != POLICY_STATED && track->mode.has == POLICY_STATED &&
           track->mode.number != POLICY_MODE_FULL;
}

static void make_notice(struct making *m, const struct policy_tier *tier, int64_t release_utc_s,
                        const struct policy_value *notice, bool final)
{
    int64_t at = schedule_add_duration(m->policy, m->holidays, release_utc_s, notice, true);
    if (at == INSTANT_NONE)
        return;
    struct schedule_deadline *d =
        add(m, (struct schedule_deadline){.clock = final ? "final-notice" : "notice",
                                          .tier = policy_value_text(&tier->name),
                                          .kind = final ? SCHEDULE_FINAL : SCHEDULE_NOTICE,
                                          .end = final ? POLICY_AT_FINAL_NOTICE : POLICY_AT_PREDISCLOSE,
                                          .at_utc_s = at,
                                          .raw_utc_s = at,
                                          .file = policy_value_file(m->policy, notice),
                                          .line = notice->line,
                                          .force = "aim"});
    snprintf(d->rule, sizeof(d->rule), "tiers.%.34s.notice.%s", d->tier, final ? "final" : "before_publish");
    bool waits = policy_is(&tier->hold_until, 1) || policy_number(&tier->stage, 1) > 1;
    d->met = m->facts->at_utc_s[d->end] != INSTANT_NONE && (final || !waits || m->facts->at_utc_s[d->end] >= at);
}

static void make_tiers(struct making *m, int64_t release_utc_s)
{
    for (size_t i = 0; i < m->policy->n_tiers; i++) {
        const struct policy_tier *tier = &m->policy->tiers[i];
        if (!schedule_tier_on_track(tier, m->facts->track))
            continue;
        if (tier->before_publish.has == POLICY_UNSTATED) {
            char *key = mem_printf("tiers.%s.notice.before_publish", policy_value_text(&tier->name));
            unstated(m, key);
            free(key);
        }
        make_notice(m, tier, release_utc_s, &tier->before_publish, false);
        make_notice(m, tier, release_utc_s, &tier->final, true);
    }
}

/* The date of release: as set, or as the discoverer's word, an exploit or a leak makes it. */
struct release {
    int64_t at_utc_s;
    const char *rule;
    const struct policy_value *value;
    const char *asks[3]; /* keys that are unstated, and would have decided */
    size_t n_asks;
};

static void release_set(struct release *release, int64_t at_utc_s, const char *rule, const struct policy_value *value)
{
    release->at_utc_s = at_utc_s;
    release->rule = rule;
    release->value = value;
}

static void release_react(struct release *release, int64_t seen_utc_s, const struct policy_value *reaction,
                          const char *rule)
{
    if (seen_utc_s == INSTANT_NONE)
        return;
    if (reaction->has == POLICY_UNSTATED)
        release->asks[release->n_asks++] = rule;
    else if (policy_is(reaction, POLICY_PUBLISH_NOW) &&
             (release->at_utc_s == INSTANT_NONE || seen_utc_s < release->at_utc_s))
        release_set(release, seen_utc_s, rule, reaction);
}

static void release_by_discoverer(struct release *release, const struct policy_value *word, int64_t date_utc_s)
{
    static const char rule[] = "authority.discoverer";
    if (date_utc_s == INSTANT_NONE)
        return;
    bool earlier = release->at_utc_s == INSTANT_NONE || date_utc_s < release->at_utc_s;
    if (word->has == POLICY_UNSTATED && earlier)
        release->asks[release->n_asks++] = rule;
    if (policy_is(word, POLICY_DISCOVERER_FINAL) || (policy_is(word, POLICY_DISCOVERER_HONOUR) && earlier))
        release_set(release, date_utc_s, rule, word);
}

static struct release release_of(const struct policy *policy, const struct schedule_facts *facts)
{
    const struct policy_authority *authority = &policy->authority;
    struct release release = {.at_utc_s = facts->at_utc_s[POLICY_AT_PUBLISH_PLANNED], .rule = "embargo.until"};
    release_by_discoverer(&release, &authority->discoverer, facts->discoverer_utc_s);
    release_react(&release, facts->exploited_utc_s, &authority->exploited, "authority.exploited");
    release_react(&release, facts->leaked_utc_s, &authority->leak, "authority.leak");
    return release;
}

int64_t schedule_release_at(const struct policy *policy, const struct schedule_facts *facts)
{
    return release_of(policy, facts).at_utc_s;
}

static void make_release(struct making *m, const struct release *release)
{
    for (size_t i = 0; i < release->n_asks; i++)
        unstated(m, release->asks[i]);
    if (release->at_utc_s == INSTANT_NONE)
        return;
    struct schedule_deadline *d = add(m, (struct schedule_deadline){.clock = "release",
                                                                    .kind = SCHEDULE_RELEASE,
                                                                    .end = POLICY_AT_PUBLISH,
                                                                    .at_utc_s = release->at_utc_s,
                                                                    .raw_utc_s = release->at_utc_s,
                                                                    .file = "",
                                                                    .force = "limit",
                                                                    .on_expiry = "publish"});
    snprintf(d->rule, sizeof(d->rule), "%s", release->rule);
    if (release->value != NULL) {
        d->file = policy_value_file(m->policy, release->value);
        d->line = release->value->line;
    }
    d->met = m->facts->at_utc_s[POLICY_AT_PUBLISH] != INSTANT_NONE;
}

/* Few, and nearly in order: stable. */
static void sort(struct schedule *out)
{
    for (size_t i = 1; i < out->n; i++) {
        struct schedule_deadline deadline = out->items[i];
        size_t k = i;
        for (; k > 0 && out->items[k - 1].at_utc_s > deadline.at_utc_s; k--)
            out->items[k] = out->items[k - 1];
        out->items[k] = deadline;
    }
}

void schedule_make(const struct policy *policy, const struct schedule_holidays *holidays,
                   const struct schedule_facts *facts, struct schedule *out)
{
    struct making m = {policy, holidays, facts, out};
    struct release release = release_of(policy, facts);
    *out = (struct schedule){0};
    for (size_t i = 0; i < policy->n_clocks; i++)
        make_clock(&m, &policy->clocks[i]);
    make_tiers(&m, release.at_utc_s);
    make_release(&m, &release);
    sort(out);
}

void schedule_free(struct schedule *schedule)
{
    for (size_t i = 0; i < schedule->n_unstated; i++)
        free(schedule->unstated[i]);
    free(schedule->unstated);
    free(schedule->items);
    *schedule = (struct schedule){0};
}

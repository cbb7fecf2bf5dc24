#include "policy/policy_keys.h"

#include <stdio.h>
#include <string.h>

struct checking {
    const struct policy *policy;
    struct conf_faults *faults;
};

#define FAULT(c, value, rule, ...)                                                                                     \
    conf_fault_add((c)->faults, policy_value_file((c)->policy, value), (value)->line, rule, __VA_ARGS__)

static void check_head(struct checking *c)
{
    const struct policy_value *const named[] = {&c->policy->id, &c->policy->edition};
    static const char *const keys[] = {"policy.id", "policy.edition"};
    for (size_t i = 0; i < 2; i++) {
        if (named[i]->has != POLICY_STATED)
            conf_fault_add(c->faults, c->policy->file, named[i]->line > 0 ? named[i]->line : 1, "policy.id",
                           "`%s` is missing; a policy must have an id and an edition", keys[i]);
        else if (strchr(named[i]->text, '@') != NULL)
            FAULT(c, named[i], "policy.id", "`%s` cannot hold @, which stands between id and edition", keys[i]);
    }
}

/* Every element of a list has a name of its own. Lists are short; conf bounds the text. */
static void check_names(struct checking *c, const char *what, const void *items, size_t n, size_t size, size_t name_at,
                        size_t line_at)
{
    for (size_t i = 0; i < n; i++) {
        const char *element = (const char *)items + i * size;
        const struct policy_value *name = (const void *)(element + name_at);
        int line = *(const int *)(const void *)(element + line_at);
        if (name->has != POLICY_STATED) {
            conf_fault_add(c->faults, c->policy->file, line, "policy.name", "a %s without a name; add `name`", what);
            continue;
        }
        for (size_t k = 0; k < i && k < 256; k++) {
            const struct policy_value *other = (const void *)((const char *)items + k * size + name_at);
            if (other->has == POLICY_STATED && strcmp(other->text, name->text) == 0) {
                FAULT(c, name, "policy.name", "the name `%s` of a %s is taken in line %d", name->text, what,
                      other->line);
                break;
            }
        }
    }
}

#define CHECK_NAMES(c, what, list, type)                                                                               \
    check_names(c, what, (c)->policy->list, (c)->policy->n_##list, sizeof(struct type), offsetof(struct type, name),   \
                offsetof(struct type, line))

static bool when_is_empty(const struct policy_when *when)
{
    return when->severity.has != POLICY_STATED && when->channel.has != POLICY_STATED &&
           when->is_public.has != POLICY_STATED && when->origin.has != POLICY_STATED &&
           when->scope.has != POLICY_STATED && when->fix_longer_than.has != POLICY_STATED;
}

static void check_tracks(struct checking *c)
{
    const struct policy *policy = c->policy;
    for (size_t i = 0; i < policy->n_tracks; i++) {
        const struct policy_track *track = &policy->tracks[i];
        bool last = i + 1 == policy->n_tracks;
        bool empty = when_is_empty(&track->when);
        if (last && !empty)
            conf_fault_add(c->faults, policy->file, track->line, "policy.last-track",
                           "the last track `%s` must have an empty `when`, or some case has no track",
                           policy_value_text(&track->name));
        if (!last && empty && track->when.severity.line == 0)
            conf_fault_add(c->faults, policy->file, track->line, "policy.last-track",
                           "the track `%s` has an empty `when`, so that no later track is ever reached; put it last",
                           policy_value_text(&track->name));
    }
    if (policy->n_tracks == 0)
        conf_fault_add(c->faults, policy->file, policy->tracks_stated.line > 0 ? policy->tracks_stated.line : 1,
                       "policy.last-track", "a policy needs a track; one of mode \"unstated\" will do");
}

/* Roughly how long, for comparisons across units. */
static long duration_hours(const struct policy_value *duration)
{
    static const long hours[] = {1, 24, 24 * 30, 34, 24 * 7}; /* in the order of enum policy_unit; 5 of 7 days */
    return duration->number * hours[duration->unit];
}

static void check_tier_tracks(struct checking *c, const struct policy_tier *tier)
{
    bool used = tier->tracks.has == POLICY_UNSTATED;
    for (size_t i = 0; i < tier->tracks.n_items; i++) {
        if (policy_track_find(c->policy, tier->tracks.items[i]) != NULL)
            used = true;
        else
            FAULT(c, &tier->tracks, "policy.tier-track", "the tier `%s` names a track `%.64s`, which does not exist",
                  policy_value_text(&tier->name), tier->tracks.items[i]);
    }
    if (!used)
        conf_fault_add(c->faults, c->policy->file, tier->tracks.line > 0 ? tier->tracks.line : tier->line,
                       "policy.tier-unused", "no track uses the tier `%s`; name one in its `tracks`, or take it out",
                       policy_value_text(&tier->name));
}

static void check_tiers(struct checking *c)
{
    for (size_t i = 0; i < c->policy->n_tiers; i++) {
        const struct policy_tier *tier = &c->policy->tiers[i];
        const char *name = policy_value_text(&tier->name);
        bool notice = tier->before_publish.has == POLICY_STATED;
        check_tier_tracks(c, tier);
        if (notice && tier->max.has == POLICY_STATED &&
            duration_hours(&tier->before_publish) > duration_hours(&tier->max))
            FAULT(c, &tier->max, "policy.min-max",
                  "the tier `%s` must be told longer before publication than its max allows", name);
        if (notice && tier->final.has == POLICY_STATED &&
            duration_hours(&tier->final) > duration_hours(&tier->before_publish))
            FAULT(c, &tier->final, "policy.min-max", "the tier `%s` gets its final notice before its first one", name);
        if (policy_is(&tier->hold_until, 1) && tier->before_publish.has == POLICY_NONE)
            FAULT(c, &tier->hold_until, "policy.min-max", "the tier `%s` holds until a notice that there is not", name);
    }
}

static void check_posting(struct checking *c)
{
    for (size_t i = 0; i < c->policy->n_posting; i++) {
        const struct policy_value *tiers = &c->policy->posting[i].tiers;
        for (size_t k = 0; k < tiers->n_items; k++) {
            if (policy_tier_find(c->policy, tiers->items[k]) == NULL)
                FAULT(c, tiers, "policy.tier-track", "the posting rule `%s` names a tier `%.64s`, which does not exist",
                      policy_value_text(&c->policy->posting[i].name), tiers->items[k]);
        }
    }
}

/* {n}, {n:3} and the named placeholders; nothing else in braces. */
static void check_scheme(struct checking *c, const struct policy_value *value, const char *const *known,
                         const char *list)
{
    const char *p = value->has == POLICY_STATED ? value->text : "";
    for (p = strpbrk(p, "{}"); p != NULL; p = strpbrk(p, "{}")) {
        bool sound = false;
        size_t len = strcspn(p, "}") + 1;
        for (size_t i = 0; known[i] != NULL; i++)
            sound = sound || (strlen(known[i]) == len && strncmp(p, known[i], len) == 0);
        sound = sound ||
                (strcmp(known[0], "{n}") == 0 && len == 5 && strncmp(p, "{n:", 3) == 0 && p[3] >= '1' && p[3] <= '9');
        if (!sound) {
            FAULT(c, value, "policy.scheme", "\"%.64s\" holds a placeholder that is not known; there are %s",
                  value->text, list);
            return;
        }
        p += len;
    }
}

static void check_schemes(struct checking *c)
{
    static const char *const ids[] = {"{n}", "{yyyy}", "{cve}", NULL};
    static const char *const tags[] = {"{id}", "{bug}", "{cve}", NULL};
    check_scheme(c, &c->policy->publication.id, ids, "{n} {n:3} {yyyy} {cve}");
    check_scheme(c, &c->policy->commits.tag, tags, "{id} {bug} {cve}");
}

void policy_check(const struct policy *policy, struct conf_faults *faults)
{
    struct checking c = {policy, faults};
    check_head(&c);
    CHECK_NAMES(&c, "track", tracks, policy_track);
    CHECK_NAMES(&c, "tier", tiers, policy_tier);
    CHECK_NAMES(&c, "clock", clocks, policy_clock);
    CHECK_NAMES(&c, "posting rule", posting, policy_posting);
    check_names(&c, "criterion", policy->membership.criteria, policy->membership.n_criteria,
                sizeof(struct policy_criterion), offsetof(struct policy_criterion, id),
                offsetof(struct policy_criterion, line));
    check_tracks(&c);
    check_tiers(&c);
    check_posting(&c);
    check_schemes(&c);
    policy_check_clocks(policy, faults);
    policy_check_release(policy, faults);
}

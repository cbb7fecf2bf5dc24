#include "policy/decide.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

void decide_keys_add(struct decide_keys *keys, const char *format, ...)
{
    char text[256];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    for (size_t i = 0; i < keys->n; i++) {
        if (strcmp(keys->items[i], text) == 0)
            return;
    }
    keys->items = mem_resize(keys->items, keys->n + 1, sizeof(*keys->items));
    keys->items[keys->n++] = mem_strdup(text);
}

void decide_keys_free(struct decide_keys *keys)
{
    for (size_t i = 0; i < keys->n; i++)
        free(keys->items[i]);
    free(keys->items);
    *keys = (struct decide_keys){0};
}

/* Rough length of a duration, to compare with an estimate. */
static int64_t duration_s(const struct policy_value *duration)
{
    static const int64_t unit_s[] = {3600, 86400, 30 * 86400, 86400 * 7 / 5, 7 * 86400};
    return duration->number * unit_s[duration->unit];
}

/* One condition of a `when`: absent ones fit; an explicit "unstated" does not, and must be asked. */
struct fitting {
    const struct policy_track *track;
    struct decide_keys *unstated;
    bool fits;
};

static bool states(struct fitting *f, const struct policy_value *value, const char *key)
{
    if (value->has == POLICY_UNSTATED && value->line > 0) {
        decide_keys_add(f->unstated, "tracks.%s.when.%s", policy_value_text(&f->track->name), key);
        f->fits = false;
    }
    return value->has == POLICY_STATED;
}

static bool same_text(const struct policy_value *value, const char *text)
{
    return text != NULL && strcmp(value->text, text) == 0;
}

static bool track_fits(const struct policy_track *track, const struct decide_case *facts, struct decide_keys *unstated)
{
    struct fitting f = {track, unstated, true};
    const struct policy_when *when = &track->when;
    bool automated = facts->origin == POLICY_ORIGIN_AUTOMATED;
    if (states(&f, &when->severity, "severity"))
        f.fits = f.fits && facts->severity != POLICY_UNRATED && (when->severity.number >> facts->severity & 1) != 0;
    if (states(&f, &when->channel, "channel"))
        f.fits = f.fits && same_text(&when->channel, facts->channel);
    if (states(&f, &when->is_public, "public"))
        f.fits = f.fits && (when->is_public.number != 0) == facts->is_public;
    if (states(&f, &when->origin, "origin"))
        f.fits = f.fits && (when->origin.number == POLICY_ORIGIN_ANY ||
                            (when->origin.number == POLICY_ORIGIN_AUTOMATED) == automated);
    if (states(&f, &when->scope, "scope"))
        f.fits = f.fits && same_text(&when->scope, facts->scope);
    if (states(&f, &when->fix_longer_than, "fix_longer_than"))
        f.fits = f.fits && facts->fix_needs_s > duration_s(&when->fix_longer_than);
    return f.fits;
}

static void track_chosen(const struct policy *policy, const struct policy_track *track, struct decide_track *out)
{
    const char *name = policy_value_text(&track->name);
    out->track = track;
    out->line = track->line;
    out->file = policy->file;
    snprintf(out->rule, sizeof(out->rule), "tracks.%.50s", name);
    if (track->mode.has == POLICY_UNSTATED)
        decide_keys_add(&out->unstated, "tracks.%s.mode", name);
    if (track->model.has == POLICY_UNSTATED)
        decide_keys_add(&out->unstated, "tracks.%s.model", name);
}

void decide_track(const struct policy *policy, const struct decide_case *facts, struct decide_track *out)
{
    *out = (struct decide_track){.file = "", .rule = "tracks.none"};
    if (facts->track != NULL && *facts->track != '\0') {
        const struct policy_track *track = policy_track_find(policy, facts->track);
        if (track != NULL)
            track_chosen(policy, track, out);
        return;
    }
    for (size_t i = 0; i < policy->n_tracks && out->track == NULL; i++) {
        if (track_fits(&policy->tracks[i], facts, &out->unstated))
            track_chosen(policy, &policy->tracks[i], out);
    }
}

void decide_track_free(struct decide_track *track)
{
    decide_keys_free(&track->unstated);
    track->track = NULL;
}

int decide_approvals(const struct policy *policy, enum decide_action action)
{
    const struct policy_value *const values[] = {
        [DECIDE_MEMBER_ADD] = &policy->approvals.member_add,
        [DECIDE_KEY_CHANGE] = &policy->approvals.key_change,
        [DECIDE_LIFT] = &policy->approvals.lift,
        [DECIDE_PUBLISH] = &policy->approvals.publish,
        [DECIDE_BACKUP_WITH_KEYS] = &policy->approvals.backup_with_keys,
    };
    int needed = policy_number(values[action], 1);
    /* Two places of the vocabulary speak of the same two actions: the stricter one holds. */
    if (action == DECIDE_MEMBER_ADD && policy_number(&policy->membership.approvals, 1) > needed)
        needed = policy->membership.approvals.number;
    if (action == DECIDE_PUBLISH && policy_number(&policy->release.approvals, 1) > needed)
        needed = policy->release.approvals.number;
    return needed;
}

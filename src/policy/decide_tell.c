#include "policy/decide.h"

#include <stdio.h>
#include <string.h>

static void tier_rule(struct decide_tier *out, const struct policy *policy, const char *part,
                      const struct policy_value *value)
{
    snprintf(out->rule, sizeof(out->rule), "tiers.%.34s%s", policy_value_text(&out->tier->name), part);
    out->line = value != NULL && value->line > 0 ? value->line : out->tier->line;
    out->file = value != NULL && value->line > 0 ? policy_value_file(policy, value) : policy->file;
}

/* Whether the tier is told on the track at all; what is left unstated does not tell, nor does another policy's track.
 */
static bool tier_on_track(const struct policy_tier *tier, const struct policy_track *track,
                          struct decide_keys *unstated)
{
    if (tier->tracks.has == POLICY_UNSTATED) {
        decide_keys_add(unstated, "tiers.%s.tracks", policy_value_text(&tier->name));
        return false;
    }
    if (track == NULL || !policy_holds(&tier->tracks, policy_value_text(&track->name)))
        return false;
    if (track->mode.has == POLICY_UNSTATED) {
        decide_keys_add(unstated, "tracks.%s.mode", policy_value_text(&track->name));
        return false;
    }
    return !policy_is(&track->mode, POLICY_MODE_FULL) && track->policy.has != POLICY_STATED;
}

/* A later stage than the first of the tiers on this track waits for its notice. */
static bool later_stage(const struct policy *policy, const struct policy_tier *tier, const struct policy_track *track)
{
    int own = policy_number(&tier->stage, 1);
    for (size_t i = 0; i < policy->n_tiers; i++) {
        const struct policy_tier *other = &policy->tiers[i];
        if (policy_holds(&other->tracks, policy_value_text(&track->name)) && policy_number(&other->stage, 1) < own)
            return true;
    }
    return false;
}

static void tier_instants(const struct policy *policy, const struct decide_telling *facts, struct decide_tier *out)
{
    const struct policy_tier *tier = out->tier;
    int64_t planned = facts->publish_planned_utc_s;
    out->notice_at_utc_s = INSTANT_NONE;
    out->final_at_utc_s = INSTANT_NONE;
    if (planned == INSTANT_NONE)
        return;
    out->notice_at_utc_s = schedule_add_duration(policy, facts->holidays, planned, &tier->before_publish, true);
    out->final_at_utc_s = schedule_add_duration(policy, facts->holidays, planned, &tier->final, true);
}

/* True where the event that the tier waits for has not happened. */
static bool waits_for_event(const struct policy_tier *tier, const struct decide_telling *facts)
{
    return tier->after.has == POLICY_STATED &&
           (facts->event_utc_s == NULL || facts->event_utc_s[tier->after.number] == INSTANT_NONE ||
            facts->event_utc_s[tier->after.number] > facts->now_utc_s);
}

static void tier_when(const struct policy *policy, const struct decide_telling *facts, struct decide_tier *out,
                      struct decide_keys *unstated)
{
    const struct policy_tier *tier = out->tier;
    bool notice = tier->before_publish.has == POLICY_STATED;
    bool held = policy_is(&tier->hold_until, 1) || (notice && later_stage(policy, tier, facts->track));
    if (tier->before_publish.has == POLICY_UNSTATED)
        decide_keys_add(unstated, "tiers.%s.notice.before_publish", policy_value_text(&tier->name));
    if (waits_for_event(tier, facts)) {
        out->earliest_at_utc_s = INSTANT_NONE;
        tier_rule(out, policy, ".after", &tier->after);
        return;
    }
    out->earliest_at_utc_s = held ? out->notice_at_utc_s : facts->now_utc_s;
    int64_t due = facts->commanded ? out->earliest_at_utc_s : out->notice_at_utc_s;
    out->now = due != INSTANT_NONE && due <= facts->now_utc_s;
    out->short_notice = out->notice_at_utc_s != INSTANT_NONE && out->notice_at_utc_s < facts->now_utc_s;
    if (notice)
        tier_rule(out, policy, ".notice.before_publish", &tier->before_publish);
}

void decide_tier(const struct policy *policy, const struct policy_tier *tier, const struct decide_telling *facts,
                 struct decide_tier *out, struct decide_keys *unstated)
{
    *out = (struct decide_tier){.tier = tier,
                                .earliest_at_utc_s = INSTANT_NONE,
                                .notice_at_utc_s = INSTANT_NONE,
                                .final_at_utc_s = INSTANT_NONE,
                                .rule = "tier.not-told",
                                .file = "",
                                .force = tier->before_publish.has == POLICY_STATED ? "aim" : "unstated"};
    out->told = tier_on_track(tier, facts->track, unstated);
    if (!out->told)
        return;
    tier_rule(out, policy, "", NULL);
    tier_instants(policy, facts, out);
    tier_when(policy, facts, out, unstated);
}

static void use_read(const struct policy_use_value *from, struct decide_use *out)
{
    out->stated = from->value.has == POLICY_STATED;
    out->word = out->stated ? (enum policy_use_word)from->value.number : POLICY_DENY;
    out->condition = policy_words(&from->condition, "");
    out->line = from->value.line;
    out->tells = 0;
}

static bool is_tell_word(int use)
{
    return use >= POLICY_USE_TELL_EXISTENCE && use <= POLICY_USE_TELL_IMPACT;
}

/* Customers may be told no more than the tell_ words allow. */
static void bound_telling(struct decide_use uses[POLICY_USES])
{
    unsigned tells = 0;
    for (int use = 0; use < POLICY_USES; use++)
        tells |= is_tell_word(use) && uses[use].word == POLICY_ALLOW ? 1u << use : 0;
    uses[POLICY_USE_INFORM_CUSTOMERS].tells = tells;
}

void decide_tells_write(unsigned tells, struct buf *out)
{
    size_t start = out->len;
    for (int use = 0; use < POLICY_USES; use++) {
        if ((tells >> use & 1) != 0)
            buf_printf(out, "%s%s", out->len > start ? ", " : "", policy_use_name((enum policy_use)use));
    }
    if (out->len == start)
        buf_add_str(out, "nothing");
}

void decide_uses(const struct policy_tier *tier, unsigned allow, unsigned deny, struct decide_use out[POLICY_USES])
{
    for (int use = 0; use < POLICY_USES; use++) {
        use_read(&tier->uses[use], &out[use]);
        if (out[use].word == POLICY_ADVISORY)
            out[use].word = (allow >> use & 1) != 0 ? POLICY_ALLOW : POLICY_DENY;
        if ((deny >> use & 1) != 0)
            out[use].word = POLICY_DENY;
    }
    bound_telling(out);
}

bool decide_uses_parse(const char *const *names, size_t n, unsigned *out_bits, struct diag *why)
{
    const char *known[POLICY_USES + 1] = {0};
    for (int use = 0; use < POLICY_USES; use++)
        known[use] = policy_use_name((enum policy_use)use);
    *out_bits = 0;
    for (size_t i = 0; i < n; i++) {
        int use = 0;
        while (use < POLICY_USES && strcmp(known[use], names[i]) != 0)
            use++;
        if (use == POLICY_USES) {
            diag_set(why, ERR_USAGE, "advisory.use", "there is no use `%.64s`; did you mean `%s`?", names[i],
                     conf_nearest(names[i], known));
            return false;
        }
        *out_bits |= 1u << use;
    }
    return true;
}

/* The member's own tier, else the first of the track that has its class. */
static const struct policy_tier *tier_of_member(const struct policy *policy, const struct decide_member *member,
                                                const struct policy_track *track, struct decide_keys *unstated)
{
    bool named = member->tier != NULL && *member->tier != '\0';
    for (size_t i = 0; i < policy->n_tiers; i++) {
        const struct policy_tier *tier = &policy->tiers[i];
        if (named && strcmp(policy_value_text(&tier->name), member->tier) != 0)
            continue;
        if (!tier_on_track(tier, track, unstated))
            continue;
        if (tier->classes.has == POLICY_UNSTATED)
            decide_keys_add(unstated, "tiers.%s.classes", policy_value_text(&tier->name));
        if (policy_holds(&tier->classes, member->class))
            return tier;
    }
    return NULL;
}

static void verdict(struct decide_verdict *out, const char *rule, const char *reason)
{
    snprintf(out->rule, sizeof(out->rule), "%s", rule);
    snprintf(out->reason, sizeof(out->reason), "%s", reason);
}

static bool key_usable(const char *state)
{
    return state == NULL || strcmp(state, "usable") == 0 || strcmp(state, "expiring") == 0;
}

static void verdict_by_time(struct decide_verdict *out)
{
    const struct decide_tier *tier = &out->tier;
    out->send = tier->now;
    out->queue = !tier->now;
    if (tier->now) {
        char rule[DIAG_RULE_MAX];
        snprintf(rule, sizeof(rule), "tiers.%.50s", policy_value_text(&tier->tier->name));
        verdict(out, rule,
                tier->short_notice ? "told at once: less time remains than this tier's notice" : "this tier is told");
    } else if (strstr(tier->rule, ".after") != NULL) {
        verdict(out, "tier.not-yet", "this tier waits for what `after` names");
    } else if (tier->notice_at_utc_s == INSTANT_NONE) {
        verdict(out, "tier.not-yet", "its notice is counted back from the date, and no date or no notice is stated");
    } else {
        verdict(out, "tier.not-yet", "its notice has not come");
    }
}

void decide_member(const struct policy *policy, const struct decide_member *member, const struct decide_telling *facts,
                   struct decide_verdict *out)
{
    char rule[DIAG_RULE_MAX];

    memset(out, 0, sizeof(*out));
    const struct policy_tier *tier = tier_of_member(policy, member, facts->track, &out->unstated);
    if (policy->tiers_stated.has == POLICY_UNSTATED)
        decide_keys_add(&out->unstated, "tiers");
    if (tier != NULL) {
        decide_tier(policy, tier, facts, &out->tier, &out->unstated);
        for (int use = 0; use < POLICY_USES; use++) {
            use_read(&tier->uses[use], &out->uses[use]);
            if (!out->uses[use].stated)
                decide_keys_add(&out->unstated, "tiers.%s.uses.%s", policy_value_text(&tier->name),
                                policy_use_name((enum policy_use)use));
        }
        bound_telling(out->uses);
    } else {
        for (int use = 0; use < POLICY_USES; use++)
            out->uses[use] = (struct decide_use){.word = POLICY_DENY, .condition = ""};
    }
    if (member->state == MEMBER_SUSPENDED) {
        verdict(out, "member.suspended", "the member is suspended");
    } else if (member->state == MEMBER_REMOVED) {
        verdict(out, "member.removed", "the member was removed");
    } else if (tier == NULL) {
        verdict(out, "tier.not-told", "no tier of this track has the member's class");
    } else if (member->already_told) {
        verdict(out, "already-told", "this version went to this address before");
    } else if (!key_usable(member->key_state)) {
        snprintf(rule, sizeof(rule), "key.%.32s", member->key_state);
        verdict(out, rule, "the address has no usable key; see key show");
    } else {
        verdict_by_time(out);
    }
}

void decide_verdict_free(struct decide_verdict *verdict)
{
    decide_keys_free(&verdict->unstated);
}

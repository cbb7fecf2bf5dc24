#include "policy/explain.h"

#include <string.h>

static const char *const questions[EXPLAIN_QUESTIONS] = {
    "Is disclosure coordinated for all issues, or by severity?",
    "Who is told early?",
    "What are the criteria for membership?",
    "How does one apply?",
    "Is the list of members published?",
    "What may members do with embargoed information?",
    "How long from the report to pre-disclosure?",
    "How long from the report or pre-disclosure to the public?",
    "How are issues published?",
    "Are CVE ids assigned?",
    "Is there one place for past issues?",
    "Are issues tracked in commits?",
};

const char *explain_question_text(int number)
{
    return number >= 1 && number <= EXPLAIN_QUESTIONS ? questions[number - 1] : "";
}

/* Words and a value; "unstated" and "none" are values. */
static void part(struct buf *out, const char *words, const struct policy_value *value)
{
    buf_printf(out, "%s%s", words, policy_value_text(value));
}

static void yes_or_no(struct buf *out, const char *words, const struct policy_value *value)
{
    buf_printf(out, "%s%s", words,
               value->has != POLICY_STATED ? policy_value_text(value)
               : value->number != 0        ? "yes"
                                           : "no");
}

static void join(struct buf *out, size_t start, const char *with)
{
    if (out->len > start)
        buf_add_str(out, with);
}

static void condition(struct buf *out, size_t start, const char *words, const struct policy_value *value)
{
    if (value->has == POLICY_NONE || (value->has == POLICY_UNSTATED && value->line == 0))
        return;
    join(out, start, " and ");
    part(out, words, value);
}

static void when_words(const struct policy_when *when, struct buf *out)
{
    size_t start = out->len;
    condition(out, start, "the severity is ", &when->severity);
    condition(out, start, "it comes by ", &when->channel);
    if (when->is_public.has == POLICY_STATED) {
        join(out, start, " and ");
        buf_add_str(out, when->is_public.number != 0 ? "it is public" : "it is not public");
    }
    condition(out, start, "its origin is ", &when->origin);
    condition(out, start, "its scope is ", &when->scope);
    condition(out, start, "a fix takes longer than ", &when->fix_longer_than);
    if (out->len == start)
        buf_add_str(out, "anything else");
}

static void answer_tracks(const struct policy *policy, struct buf *out)
{
    size_t start = out->len;
    for (size_t i = 0; i < policy->n_tracks; i++) {
        const struct policy_track *track = &policy->tracks[i];
        join(out, start, "; ");
        part(out, "", &track->name);
        part(out, ": ", &track->mode);
        if (track->model.has == POLICY_STATED)
            buf_printf(out, ", %s model", track->model.text);
        buf_add_str(out, ", where ");
        when_words(&track->when, out);
    }
}

static bool no_tiers(const struct policy *policy, struct buf *out)
{
    if (policy->n_tiers > 0)
        return false;
    buf_add_str(out, policy->tiers_stated.has == POLICY_NONE ? "nobody" : "unstated");
    return true;
}

static void answer_tiers(const struct policy *policy, struct buf *out)
{
    size_t start = out->len;
    if (no_tiers(policy, out))
        return;
    for (size_t i = 0; i < policy->n_tiers; i++) {
        const struct policy_tier *tier = &policy->tiers[i];
        join(out, start, "; ");
        part(out, "", &tier->name);
        part(out, ": ", &tier->classes);
        part(out, ", on ", &tier->tracks);
        part(out, ", told before publication: ", &tier->before_publish);
        if (tier->final.has == POLICY_STATED)
            part(out, ", final notice before: ", &tier->final);
    }
}

static void answer_criteria(const struct policy *policy, struct buf *out)
{
    const struct policy_membership *membership = &policy->membership;
    size_t start = out->len;
    if (membership->n_criteria == 0)
        buf_add_str(out, membership->criteria_stated.has == POLICY_NONE ? "none" : "unstated");
    for (size_t i = 0; i < membership->n_criteria; i++) {
        join(out, start, "; ");
        part(out, "", &membership->criteria[i].text);
    }
}

static void answer_apply(const struct policy *policy, struct buf *out)
{
    const struct policy_membership *membership = &policy->membership;
    part(out, "", &membership->apply);
    if (membership->apply.has == POLICY_NONE)
        return;
    part(out, "; vouchers: ", &membership->vouchers);
    part(out, "; role address: ", &membership->role_address);
    part(out, "; key: ", &membership->key);
    part(out, "; decided within: ", &membership->decide_within);
    part(out, "; appeal: ", &membership->appeal);
    part(out, "; admins who must approve: ", &membership->approvals);
    yes_or_no(out, "; the team may pass an incomplete one: ", &membership->discretion);
}

/* The uses of a tier that have the word; those that are unstated where word is negative. */
static void uses_with(const struct policy_tier *tier, size_t start, const char *words, int word, struct buf *out)
{
    size_t begun = 0;
    for (int use = 0; use < POLICY_USES; use++) {
        const struct policy_value *value = &tier->uses[use].value;
        if (word >= 0 ? !policy_is(value, word) : value->has == POLICY_STATED)
            continue;
        if (begun == 0)
            join(out, start, "; ");
        buf_printf(out, "%s%s", begun > 0 ? ", " : words, policy_use_name((enum policy_use)use));
        if (tier->uses[use].condition.has == POLICY_STATED)
            buf_printf(out, " (if %s)", tier->uses[use].condition.text);
        begun = out->len;
    }
}

void explain_write_uses(const struct policy_tier *tier, struct buf *out)
{
    size_t start = out->len;
    uses_with(tier, start, "may ", POLICY_ALLOW, out);
    uses_with(tier, start, "as the advisory says ", POLICY_ADVISORY, out);
    uses_with(tier, start, "asks for ", POLICY_ASK, out);
    uses_with(tier, start, "must not ", POLICY_DENY, out);
    uses_with(tier, start, "unstated: ", -1, out);
}

static void answer_uses(const struct policy *policy, struct buf *out)
{
    size_t start = out->len;
    if (policy->n_tiers == 0)
        buf_add_str(out, policy->tiers_stated.has == POLICY_NONE ? "none, since nobody is told" : "unstated");
    for (size_t i = 0; i < policy->n_tiers; i++) {
        const struct policy_tier *tier = &policy->tiers[i];
        join(out, start, "; ");
        part(out, "", &tier->name);
        buf_add_str(out, ": ");
        explain_write_uses(tier, out);
    }
}

static void bound_words(const struct policy_clock *clock, const char *words, const struct policy_value *value,
                        struct buf *out)
{
    if (value->has != POLICY_STATED)
        return;
    buf_printf(out, "%s%d %s%s", words, value->number, policy_value_text(&clock->unit),
               clock->unit.has == POLICY_STATED && value->number != 1 ? "s" : "");
}

static void clock_words(const struct policy_clock *clock, struct buf *out)
{
    part(out, "", &clock->name);
    if (clock->whole.has != POLICY_STATED) {
        part(out, ": ", &clock->whole);
        return;
    }
    size_t start = out->len;
    part(out, ": from ", &clock->start);
    part(out, " to ", &clock->end);
    bound_words(clock, ", at least ", &clock->min, out);
    bound_words(clock, ", aimed at ", &clock->target, out);
    bound_words(clock, ", at most ", &clock->max, out);
    if (memchr(out->data + start, ',', out->len - start) == NULL)
        buf_add_str(out, ", its length unstated");
    part(out, ", force ", &clock->force);
    if (clock->extend.max.has == POLICY_STATED)
        buf_printf(out, ", extended to %d %ss in all", clock->extend.max.number,
                   clock->extend.unit.has == POLICY_STATED ? clock->extend.unit.text : policy_value_text(&clock->unit));
    if (clock->restart_on.has == POLICY_STATED)
        part(out, ", starts again on ", &clock->restart_on);
}

/* A clock that leads to the public; one that is wholly unknown is known by its name alone. */
static bool leads_to_public(const struct policy_clock *clock)
{
    static const char *const public_names[] = {"embargo", "total", "final-notice"};
    if (clock->end.has == POLICY_STATED)
        return clock->end.number == POLICY_AT_PUBLISH || clock->end.number == POLICY_AT_FINAL_NOTICE ||
               clock->end.number == POLICY_AT_REPORT_AUTHORITY;
    for (size_t i = 0; i < sizeof(public_names) / sizeof(public_names[0]); i++) {
        if (strcmp(policy_value_text(&clock->name), public_names[i]) == 0)
            return true;
    }
    return false;
}

static void answer_clocks(const struct policy *policy, bool public, struct buf *out)
{
    size_t start = out->len;
    for (size_t i = 0; i < policy->n_clocks; i++) {
        if (leads_to_public(&policy->clocks[i]) != public)
            continue;
        join(out, start, "; ");
        clock_words(&policy->clocks[i], out);
    }
    if (out->len == start)
        buf_add_str(out, "unstated");
    if (!public)
        return;
    part(out, "; released at ", &policy->release.time);
    part(out, ", zone ", &policy->release.zone);
    part(out, ", not on ", &policy->release.forbid_weekdays);
    part(out, ", rather on ", &policy->release.prefer_weekdays);
    part(out, ", holidays: ", &policy->release.holidays);
    part(out, "; the discoverer's word: ", &policy->authority.discoverer);
    part(out, "; if exploited: ", &policy->authority.exploited);
    part(out, "; if leaked: ", &policy->authority.leak);
}

static void answer_publication(const struct policy *policy, struct buf *out)
{
    const struct policy_publication *publication = &policy->publication;
    size_t start = out->len;
    if (publication->n_channels == 0)
        part(out, "", &publication->channels_stated);
    for (size_t i = 0; i < publication->n_channels; i++) {
        join(out, start, ", ");
        part(out, "", &publication->channels[i].kind);
        part(out, " to ", &publication->channels[i].to);
    }
    part(out, "; id ", &publication->id);
    part(out, "; formats ", &publication->formats);
    yes_or_no(out, "; with version numbers: ", &publication->versioned);
    part(out, "; duty to post to: ", &publication->duty_list);
    part(out, ", within: ", &publication->duty_within);
    yes_or_no(out, "; decisions told afterwards: ", &policy->audit.disclose_decisions);
    yes_or_no(out, "; statistics: ", &policy->audit.statistics);
}

void explain_answer(const struct policy *policy, int number, struct buf *out)
{
    switch (number) {
    case 1:
        answer_tracks(policy, out);
        break;
    case 2:
        answer_tiers(policy, out);
        break;
    case 3:
        answer_criteria(policy, out);
        break;
    case 4:
        answer_apply(policy, out);
        break;
    case 5:
        part(out, "", &policy->membership.publish_members);
        break;
    case 6:
        answer_uses(policy, out);
        break;
    case 7:
    case 8:
        answer_clocks(policy, number == 8, out);
        break;
    case 9:
        answer_publication(policy, out);
        break;
    case 10:
        part(out, "", &policy->cve.required);
        part(out, "; by ", &policy->cve.assigner);
        part(out, "; before ", &policy->cve.before);
        break;
    case 11:
        yes_or_no(out, "", &policy->publication.archive);
        break;
    case 12:
        part(out, "", &policy->commits.tag);
        part(out, "; before publication: ", &policy->commits.before_publish);
        break;
    default:
        break;
    }
}

void explain_show(const struct policy *policy, struct buf *out)
{
    buf_printf(out, "%s@%s: ", policy_value_text(&policy->id), policy_value_text(&policy->edition));
    part(out, "", &policy->title);
    part(out, "\nsource: ", &policy->source);
    part(out, " (basis: ", &policy->basis);
    buf_add_str(out, ")\n");
    for (int number = 1; number <= EXPLAIN_QUESTIONS; number++) {
        buf_printf(out, "\n%d. %s\n   ", number, explain_question_text(number));
        explain_answer(policy, number, out);
        buf_add_str(out, "\n");
    }
}

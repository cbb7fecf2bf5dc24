#include "policy/decide.h"

#include <stdio.h>
#include <string.h>

/* `required` needs it; any other word, or none, does not care. */
static bool need_met(const struct policy_value *need, bool given)
{
    return !policy_is(need, POLICY_NEED_REQUIRED) || given;
}

static bool rule_fits(const struct policy_posting *rule, const struct decide_sender *sender, enum policy_address to)
{
    if (rule->who.has == POLICY_NONE || rule->to.has == POLICY_NONE)
        return false;
    if (rule->who.has == POLICY_STATED && (rule->who.number >> sender->kind & 1) == 0)
        return false;
    if (rule->to.has == POLICY_STATED && rule->to.number != (int)to)
        return false;
    if (rule->tiers.has == POLICY_STATED && (sender->tier == NULL || !policy_holds(&rule->tiers, sender->tier)))
        return false;
    return need_met(&rule->signature, sender->signature != DECIDE_UNSIGNED) &&
           need_met(&rule->encrypted, sender->encrypted);
}

static void post_verdict(struct decide_post *out, enum policy_action action, const char *reason)
{
    out->action = action;
    snprintf(out->reason, sizeof(out->reason), "%s", reason);
}

static bool prefix_missing(const struct policy_posting *rule, const char *subject)
{
    const char *prefix = policy_words(&rule->subject_prefix, "");
    return *prefix != '\0' && (subject == NULL || strncmp(subject, prefix, strlen(prefix)) != 0);
}

static void rule_applies(const struct policy *policy, const struct policy_posting *rule,
                         const struct decide_sender *sender, enum policy_address to, struct decide_post *out)
{
    char reason[256];
    const char *name = policy_value_text(&rule->name);
    snprintf(out->rule, sizeof(out->rule), "posting.%.50s", name);
    out->file = policy_value_file(policy, &rule->name);
    out->line = rule->line;
    if (rule->action.has == POLICY_UNSTATED) {
        decide_keys_add(&out->unstated, "posting.%s.action", name);
        snprintf(reason, sizeof(reason), "the policy does not state posting.%.50s.action", name);
        post_verdict(out, POLICY_ACT_REFUSE, reason);
        return;
    }
    enum policy_action action = (enum policy_action)policy_number(&rule->action, POLICY_ACT_REFUSE);
    if (action == POLICY_ACT_ALLOW && prefix_missing(rule, sender->subject)) {
        snprintf(reason, sizeof(reason), "the subject must begin with \"%.64s\"", rule->subject_prefix.text);
        post_verdict(out, POLICY_ACT_REFUSE, reason);
    } else if (action == POLICY_ACT_ALLOW && to == POLICY_TO_MEMBERS && sender->signature == DECIDE_UNBOUND) {
        snprintf(out->rule, sizeof(out->rule), "unbound-signature");
        post_verdict(out, POLICY_ACT_HOLD, "nothing that was signed names this list; sign with a protected To");
    } else {
        static const char *const words[] = {"allowed", "held for an admin", "not accepted here"};
        post_verdict(out, action, words[action]);
    }
}

/* What would have let the mail in: the first rule that fits but for signature or encryption. */
static const char *remedy(const struct policy *policy, const struct decide_sender *sender, enum policy_address to)
{
    static const struct {
        bool sign, encrypt;
        const char *words;
    } tries[] = {
        {true, false, "no rule lets it in; signed, it would be"},
        {false, true, "no rule lets it in; encrypted, it would be"},
        {true, true, "no rule lets it in; signed and encrypted, it would be"},
    };
    for (size_t k = 0; k < sizeof(tries) / sizeof(tries[0]); k++) {
        struct decide_sender other = *sender;
        other.signature = tries[k].sign ? DECIDE_BOUND : other.signature;
        other.encrypted = other.encrypted || tries[k].encrypt;
        for (size_t i = 0; i < policy->n_posting; i++) {
            if (rule_fits(&policy->posting[i], &other, to))
                return tries[k].words;
        }
    }
    return "no rule lets this sender write to this address";
}

void decide_post(const struct policy *policy, const struct decide_sender *sender, enum policy_address to,
                 struct decide_post *out)
{
    *out = (struct decide_post){.action = POLICY_ACT_REFUSE, .rule = "posting.none", .file = ""};
    for (size_t i = 0; i < policy->n_posting; i++) {
        if (rule_fits(&policy->posting[i], sender, to)) {
            rule_applies(policy, &policy->posting[i], sender, to, out);
            return;
        }
    }
    if (policy->posting_stated.has == POLICY_UNSTATED)
        decide_keys_add(&out->unstated, "posting");
    post_verdict(out, POLICY_ACT_REFUSE, remedy(policy, sender, to));
}

void decide_post_free(struct decide_post *post)
{
    decide_keys_free(&post->unstated);
}

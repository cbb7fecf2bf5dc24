#include "policy/policy.h"

#include <string.h>

#include "policy/policy_keys.h"

static const char *const use_names[POLICY_USES] = {
    "build_test",        "plan_upgrade",   "inform_customers", "deploy_internal", "deploy_hosted",
    "distribute_binary", "publish_commit", "tell_existence",   "tell_id",         "tell_date",
    "tell_cve",          "tell_impact",    "explain_reboot",   "share_members"};

static const char *name_at(const char *const *names, unsigned i)
{
    for (unsigned k = 0; names[k] != NULL; k++) {
        if (k == i)
            return names[k];
    }
    return NULL;
}

const char *policy_use_name(enum policy_use use)
{
    return use < POLICY_USES ? use_names[use] : NULL;
}

const char *policy_use_word_name(enum policy_use_word word)
{
    return name_at(policy_use_words, word);
}

const char *policy_event_name(enum policy_event event)
{
    return name_at(policy_event_words, event);
}

const char *policy_action_name(enum policy_action action)
{
    return name_at(policy_action_words, action);
}

const char *policy_unit_name(enum policy_unit unit)
{
    return name_at(policy_unit_words, unit);
}

const char *policy_weekday_name(enum policy_weekday day)
{
    return name_at(policy_weekday_words, day);
}

bool policy_severity_parse(const char *text, enum policy_severity *out)
{
    for (unsigned i = 0; policy_severity_words[i] != NULL; i++) {
        if (strcmp(policy_severity_words[i], text) == 0) {
            *out = (enum policy_severity)i;
            return true;
        }
    }
    *out = POLICY_UNRATED;
    return strcmp(text, "unrated") == 0;
}

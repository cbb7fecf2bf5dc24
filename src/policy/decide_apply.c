#include "policy/decide_apply.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

const char *decide_result_name(enum decide_result result)
{
    static const char *const names[] = {"met", "not-met", "judge"};

    return names[result];
}

/* ---- parts ---- */

static bool same_name(const char *a, const char *b)
{
    for (; *a && *b; a++, b++) {
        int x = *a == '_' || *a == ' ' ? '-' : tolower((unsigned char)*a);
        int y = *b == '_' || *b == ' ' ? '-' : tolower((unsigned char)*b);

        if (x != y)
            return false;
    }
    return *a == *b;
}

static const char *value_of(const struct decide_application *facts, const char *name)
{
    for (size_t i = 0; i < facts->n; i++)
        if (same_name(facts->names[i], name))
            return facts->values[i];
    return NULL;
}

static bool has_value(const struct decide_application *facts, const char *name)
{
    const char *value = value_of(facts, name);

    return value != NULL && *value != '\0';
}

/* Words of a local part that name a role and no person, in lower case, sorted. */
static const char *const role_words[] = {
    "abuse",     "admin",       "admins",          "advisories",    "advisory", "alert",
    "alerts",    "cert",        "contact",         "core",          "csirt",    "cve",
    "defense",   "disclosure",  "distro",          "distros",       "embargo",  "group",
    "help",      "hostmaster",  "incident",        "incidents",     "infosec",  "infrasec",
    "list",      "maintainers", "netsec",          "noc",           "office",   "operations",
    "ops",       "postmaster",  "prodsec",         "product",       "psirt",    "response",
    "root",      "sec",         "secalert",        "secteam",       "secure",   "security",
    "sirt",      "soc",         "staff",           "support",       "team",     "vendor",
    "vendorsec", "vuln",        "vulnerabilities", "vulnerability", "vulns",    "webmaster",
};

static bool is_role_word(const char *word, size_t len)
{
    for (size_t i = 0; i < sizeof(role_words) / sizeof(role_words[0]); i++)
        if (strlen(role_words[i]) == len && strncasecmp(role_words[i], word, len) == 0)
            return true;
    return false;
}

enum decide_result decide_role_address(const char *address)
{
    const char *at = strchr(address, '@');
    size_t words = 0, len = at != NULL ? (size_t)(at - address) : strlen(address), dots = 0;
    bool letters = true;

    for (size_t i = 0; i < len;) {
        size_t n = 0;

        while (i + n < len && isalpha((unsigned char)address[i + n]))
            n++;
        if (n > 0 && is_role_word(address + i, n))
            return DECIDE_MET;
        words += n > 0 ? 1 : 0;
        i += n;
        if (i < len) {
            dots += address[i] == '.' || address[i] == '_' ? 1 : 0;
            letters = letters && (address[i] == '.' || address[i] == '_');
            i++;
        }
    }
    /* first.last, j.smith: nobody's role. One word may be a name or a team's. */
    return words == 2 && dots == 1 && letters ? DECIDE_NOT_MET : DECIDE_JUDGE;
}

static bool domain_matches(const char *domain, size_t len, const char *of)
{
    size_t n = strlen(of);

    while (len > 0 && (*domain == '@' || *domain == '*' || *domain == '.'))
        domain++, len--;
    if (len == 0 || memchr(domain, '.', len) == NULL || n < len || strncasecmp(of + n - len, domain, len) != 0)
        return false;
    return n == len || of[n - len - 1] == '.';
}

bool decide_domain_of(const char *domains, const char *address)
{
    const char *of = strrchr(address, '@');

    if (of == NULL)
        return false;
    for (of++; *domains != '\0';) {
        size_t len = strcspn(domains, ", ;\t\r\n");

        if (domain_matches(domains, len, of))
            return true;
        domains += len + strspn(domains + len, ", ;\t\r\n");
    }
    return false;
}

const struct policy_tier *decide_tier_of_class(const struct policy *policy, const char *class_name)
{
    for (size_t i = 0; i < policy->n_tiers; i++)
        if (policy_holds(&policy->tiers[i].classes, class_name))
            return &policy->tiers[i];
    return NULL;
}

/* One address and nothing else: the strict form is the flows' business (codec/addr.h). */
static bool is_one_address(const char *s)
{
    const char *at = strchr(s, '@');

    return at != NULL && at > s && strchr(at + 1, '@') == NULL && strchr(at + 1, '.') != NULL &&
           strpbrk(s, " ,;<>\"()\t\r\n") == NULL;
}

static bool has_page(const char *s)
{
    for (; *s != '\0'; s++)
        if ((strncasecmp(s, "https://", 8) == 0 && isalnum((unsigned char)s[8])) ||
            (strncasecmp(s, "http://", 7) == 0 && isalnum((unsigned char)s[7])))
            return true;
    return false;
}

/* ---- criteria ---- */

static void add(struct decide_criteria *out, const char *id, enum decide_result result, const char *rule,
                const char *reason)
{
    struct decide_criterion *c = &out->items[out->n];

    if (out->n == DECIDE_CRITERIA_MAX)
        return;
    *c = (struct decide_criterion){.result = result, .file = ""};
    snprintf(c->id, sizeof(c->id), "%s", id);
    snprintf(c->rule, sizeof(c->rule), "%s", rule);
    snprintf(c->reason, sizeof(c->reason), "%s", reason);
    out->n++;
}

static void add_at(struct decide_criteria *out, const struct policy *policy, const struct policy_value *value,
                   const char *id, enum decide_result result, const char *rule, const char *reason)
{
    add(out, id, result, rule, reason);
    out->items[out->n - 1].file = policy_value_file(policy, value);
    out->items[out->n - 1].line = value->line;
}

static bool field_is_needed(const struct policy *policy, const char *name)
{
    return !same_name(name, "Vouchers") || policy_number(&policy->membership.vouchers, 0) > 0;
}

static void find_missing(const struct policy *policy, const struct decide_application *facts,
                         struct decide_criteria *out)
{
    char words[256] = "";

    for (size_t i = 0; i < facts->n; i++)
        if (*facts->values[i] == '\0' && field_is_needed(policy, facts->names[i]))
            decide_keys_add(&out->missing, "%s", facts->names[i]);
    if (facts->key != DECIDE_KEY_USABLE && facts->key != DECIDE_KEY_TAKEN)
        decide_keys_add(&out->missing, "OpenPGP key");
    for (size_t i = 0; i < out->missing.n; i++) {
        size_t len = strlen(words);
        snprintf(words + len, sizeof(words) - len, "%s%s", i ? ", " : "missing: ", out->missing.items[i]);
    }
    out->complete = out->missing.n == 0;
    add_at(out, policy, &policy->membership.application, "complete", out->complete ? DECIDE_MET : DECIDE_NOT_MET,
           "membership.application", out->complete ? "every field has a value" : words);
}

static void judge_class(const struct policy *policy, const struct decide_application *facts,
                        struct decide_criteria *out)
{
    const char *class_name = value_of(facts, "Class");
    const struct policy_tier *tier = class_name ? decide_tier_of_class(policy, class_name) : NULL;

    if (class_name == NULL)
        return;
    if (tier != NULL)
        add_at(out, policy, &tier->classes, "class", DECIDE_MET, "tiers.classes", "a tier takes this class");
    else
        add_at(out, policy, &policy->tiers_stated, "class", DECIDE_NOT_MET, "tiers.classes",
               "no tier of the policy takes this class");
}

static void judge_role(const struct policy *policy, const struct decide_application *facts, struct decide_criteria *out)
{
    const struct policy_value *need = &policy->membership.role_address;
    const char *address = value_of(facts, "Role-address");
    enum decide_result result;

    if (address == NULL)
        return;
    if (!is_one_address(address)) {
        add_at(out, policy, need, "role-address", DECIDE_NOT_MET, "membership.application",
               "exactly one address is wanted, without words around it");
        return;
    }
    result = decide_role_address(address);
    if (result == DECIDE_MET || policy_is(need, POLICY_NEED_NO))
        add_at(out, policy, need, "role-address", DECIDE_MET, "membership.role_address",
               result == DECIDE_MET ? "the address of a role" : "any address will do");
    else if (result == DECIDE_NOT_MET && policy_is(need, POLICY_NEED_REQUIRED))
        add_at(out, policy, need, "role-address", DECIDE_NOT_MET, "membership.role_address",
               "this looks like a person's address; a role's is required");
    else
        add_at(out, policy, need, "role-address", DECIDE_JUDGE, "membership.role_address",
               "is this the address of a role, or of a person?");
}

static void judge_key(const struct policy *policy, const struct decide_application *facts, struct decide_criteria *out)
{
    static const struct {
        enum decide_result result;
        const char *rule, *reason;
    } rows[] = {
        [DECIDE_KEY_NONE] = {DECIDE_NOT_MET, "key.missing", "no key came with it"},
        [DECIDE_KEY_SOUGHT] = {DECIDE_NOT_MET, "key.missing", "no key came with it; it is being looked up"},
        [DECIDE_KEY_REFUSED] = {DECIDE_NOT_MET, "key.not-taken", "the key cannot be used"},
        [DECIDE_KEY_TAKEN] = {DECIDE_NOT_MET, "key.duplicate",
                              "the key, or a subkey of it, is another organisation's or an admin's"},
        [DECIDE_KEY_USABLE] = {DECIDE_MET, "membership.key", "mail can be encrypted to it"},
    };
    const char *rule = rows[facts->key].rule;

    if (facts->key != DECIDE_KEY_USABLE && facts->key_rule != NULL && *facts->key_rule != '\0')
        rule = facts->key_rule;
    add_at(out, policy, &policy->membership.key, "key", rows[facts->key].result, rule, rows[facts->key].reason);
}

static void judge_domain(const struct policy *policy, const struct decide_application *facts,
                         struct decide_criteria *out)
{
    const char *domains = value_of(facts, "Domains"), *address = value_of(facts, "Role-address");

    if (domains == NULL || address == NULL)
        return;
    if (decide_domain_of(domains, address))
        add_at(out, policy, &policy->membership.application, "domain", DECIDE_MET, "membership.application",
               "the address is of one of the domains");
    else
        add_at(out, policy, &policy->membership.application, "domain", DECIDE_NOT_MET, "membership.application",
               "the address is of none of the domains");
}

static void judge_evidence(const struct policy *policy, const struct decide_application *facts,
                           struct decide_criteria *out)
{
    const char *evidence = value_of(facts, "Evidence");

    if (evidence == NULL)
        return;
    add_at(out, policy, &policy->membership.application, "evidence", has_page(evidence) ? DECIDE_MET : DECIDE_NOT_MET,
           "membership.application",
           has_page(evidence) ? "a page on the web is named; what it proves is for people"
                              : "no page on the web is named (https://...)");
}

static void judge_vouchers(const struct policy *policy, const struct decide_application *facts,
                           struct decide_criteria *out)
{
    const struct policy_value *wanted = &policy->membership.vouchers;
    char reason[256];

    if (wanted->has == POLICY_STATED && wanted->number > 0) {
        snprintf(reason, sizeof(reason), "%d of %d members have confirmed by signed mail, %d are asked", facts->vouched,
                 wanted->number, facts->asked);
        add_at(out, policy, wanted, "vouchers", facts->vouched >= wanted->number ? DECIDE_MET : DECIDE_NOT_MET,
               "membership.vouchers", reason);
    } else if (wanted->has == POLICY_UNSTATED && has_value(facts, "Vouchers")) {
        add_at(out, policy, wanted, "vouchers", DECIDE_JUDGE, "membership.vouchers",
               "the policy does not state how many members must vouch");
    }
}

/* Ids in the policies of real projects that stand for a field, or for one of the criteria above. */
static const char *field_of_id(const char *id)
{
    static const struct {
        const char *id, *field;
    } rows[] = {
        {"reason", "Eligibility"},
        {"rationale", "Eligibility"},
        {"report-contact", "Confidential-contact"},
        {"web-evidence", "Evidence"},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (same_name(rows[i].id, id))
            return rows[i].field;
    return id;
}

static const char *criterion_of_id(const char *id)
{
    static const struct {
        const char *id, *criterion;
    } rows[] = {{"pgp", "key"}, {"vouched", "vouchers"}, {"web-evidence", "evidence"}};

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (strcmp(rows[i].id, id) == 0)
            return rows[i].criterion;
    return NULL;
}

static enum decide_result judge_own(const struct decide_application *facts, const struct decide_criteria *so_far,
                                    const struct policy_criterion *c, char *reason, size_t size)
{
    const char *id = policy_words(&c->id, ""), *text = policy_words(&c->text, ""), *field = field_of_id(id);
    const char *same = criterion_of_id(id);
    const struct decide_criterion *seen = same != NULL ? decide_criterion_find(so_far, same) : NULL;

    if (seen != NULL && seen->result != DECIDE_JUDGE) {
        snprintf(reason, size, "%.120s: %.120s", text, seen->reason);
        return seen->result;
    }
    if (value_of(facts, field) != NULL) {
        snprintf(reason, size, "%.120s: %s", text, has_value(facts, field) ? "given" : "missing");
        return has_value(facts, field) ? DECIDE_MET : DECIDE_NOT_MET;
    }
    if (policy_is(&c->evidence, true) && value_of(facts, "Evidence") != NULL && !has_value(facts, "Evidence")) {
        snprintf(reason, size, "%.120s: no evidence is given", text);
        return DECIDE_NOT_MET;
    }
    snprintf(reason, size, "%.250s", text);
    return DECIDE_JUDGE;
}

static void judge_policys_own(const struct policy *policy, const struct decide_application *facts,
                              struct decide_criteria *out)
{
    for (size_t i = 0; i < policy->membership.n_criteria; i++) {
        const struct policy_criterion *c = &policy->membership.criteria[i];
        char rule[DIAG_RULE_MAX], reason[256];
        enum decide_result result;

        if (decide_criterion_find(out, policy_words(&c->id, "")) != NULL)
            continue;
        result = judge_own(facts, out, c, reason, sizeof(reason));
        snprintf(rule, sizeof(rule), "membership.criteria.%.40s", policy_words(&c->id, ""));
        add_at(out, policy, &c->id, policy_words(&c->id, ""), result, rule, reason);
    }
}

void decide_criteria(const struct policy *policy, const struct decide_application *facts, struct decide_criteria *out)
{
    static const struct {
        const char *id;
        void (*judge)(const struct policy *, const struct decide_application *, struct decide_criteria *);
    } rows[] = {{"class", judge_class},   {"role-address", judge_role}, {"key", judge_key},
                {"domain", judge_domain}, {"evidence", judge_evidence}, {"vouchers", judge_vouchers}};

    *out = (struct decide_criteria){.n = 0};
    find_missing(policy, facts, out);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        rows[i].judge(policy, facts, out);
    judge_policys_own(policy, facts, out);
}

void decide_criteria_free(struct decide_criteria *criteria)
{
    decide_keys_free(&criteria->missing);
}

const struct decide_criterion *decide_criterion_find(const struct decide_criteria *criteria, const char *id)
{
    for (size_t i = 0; i < criteria->n; i++)
        if (strcmp(criteria->items[i].id, id) == 0)
            return &criteria->items[i];
    return NULL;
}

static enum err refuse(struct diag *why, const struct decide_criterion *c)
{
    diag_set(why, ERR_DENIED, c->rule, "criterion `%s` is not met: %s", c->id, c->reason);
    if (why != NULL) {
        snprintf(why->file, sizeof(why->file), "%s", c->file);
        why->line = c->line;
    }
    return ERR_DENIED;
}

enum err decide_accept(const struct policy *policy, const struct decide_criteria *criteria, struct diag *why)
{
    static const char *const never[] = {"complete", "key", "class"};

    if (policy->membership.apply.has == POLICY_NONE)
        return policy_diag(why, ERR_DENIED, policy, &policy->membership.apply, "membership.apply",
                           "the policy has no members");
    for (size_t i = 0; i < sizeof(never) / sizeof(never[0]); i++) {
        const struct decide_criterion *c = decide_criterion_find(criteria, never[i]);

        if (c != NULL && c->result == DECIDE_NOT_MET)
            return refuse(why, c);
    }
    for (size_t i = 0; policy_is(&policy->membership.discretion, false) && i < criteria->n; i++)
        if (criteria->items[i].result == DECIDE_NOT_MET)
            return policy_diag(why, ERR_DENIED, policy, &policy->membership.discretion, "membership.discretion",
                               "criterion `%s` is not met (%s), and the policy leaves no discretion",
                               criteria->items[i].id, criteria->items[i].reason);
    return ERR_OK;
}

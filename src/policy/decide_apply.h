/*
 * Whether an application for membership meets the criteria, as far as a program can tell. Pure: facts in, one result
 * for each criterion out; the texts are for people.
 *
 * met       a program has seen it
 * not-met   a program has seen that it is not so
 * judge     a person has to look
 *
 * The criteria, in this order. Their rules carry the line of the policy where one says it.
 *   complete      every field of membership.application has a value (Vouchers only where membership.vouchers asks for
 *                 them), and a key has come
 *   class         Class is one that a tier of the policy takes
 *   role-address  Role-address is one address, that of a role: not-met for a person's where membership.role_address
 *                 is "required", judge where it is not clear, or only preferred, or not stated
 *   key           the key can be used, and is no other member's, admin's or applicant's
 *   domain        Role-address is of one of Domains, or below one
 *   evidence      Evidence names a page on the web
 *   vouchers      as many members as membership.vouchers says have confirmed by signed mail
 * and then the policy's own (membership.criteria), by their ids: one that is called like a field, or is known to stand
 * for one (see decide_apply.c and embargod-policy(5)), is met where the field has a value; one with evidence is not-met
 * without Evidence; all else is for people. One that is called like one of the above is that one.
 */
#ifndef POLICY_DECIDE_APPLY_H
#define POLICY_DECIDE_APPLY_H

#include "policy/decide.h"

#define DECIDE_CRITERIA_MAX 64

enum decide_result { DECIDE_MET, DECIDE_NOT_MET, DECIDE_JUDGE };

/* What is known of the applicant's key. */
enum decide_key {
    DECIDE_KEY_NONE,
    DECIDE_KEY_SOUGHT,  /* it is being looked up */
    DECIDE_KEY_REFUSED, /* one came that is none, or cannot be used */
    DECIDE_KEY_TAKEN,   /* it, or a subkey of it, is another's */
    DECIDE_KEY_USABLE
};

struct decide_application {
    const char *const *names; /* the form's fields */
    const char *const *values;
    size_t n;
    enum decide_key key;
    const char *key_rule; /* of DECIDE_KEY_REFUSED and _TAKEN: "key.expired" */
    int vouched;          /* members that said yes */
    int asked;            /* members that were asked, and have not answered */
};

struct decide_criterion {
    char id[64];
    enum decide_result result;
    char rule[DIAG_RULE_MAX];
    char reason[256];
    const char *file;
    int line;
};

struct decide_criteria {
    struct decide_criterion items[DECIDE_CRITERIA_MAX];
    size_t n;
    bool complete;
    struct decide_keys missing; /* fields that are missing; "OpenPGP key" */
};

const char *decide_result_name(enum decide_result result);

void decide_criteria(const struct policy *policy, const struct decide_application *facts, struct decide_criteria *out);
void decide_criteria_free(struct decide_criteria *criteria);
const struct decide_criterion *decide_criterion_find(const struct decide_criteria *criteria, const char *id);

/*
 * Whether admins may accept it. ERR_DENIED: a criterion is not met and the policy leaves no discretion (rule
 * membership.discretion; unstated, the admins' approval is the answer), or nobody could pass it over (key, class
 * without a tier, an address that is none: the criterion's own rule).
 */
enum err decide_accept(const struct policy *policy, const struct decide_criteria *criteria, struct diag *why);

/* The tier that takes a class: the first; NULL: none. */
const struct policy_tier *decide_tier_of_class(const struct policy *policy, const char *class_name);

/* Is the local part of an address a role's (MET), a person's (NOT_MET), or not clear (JUDGE)? */
enum decide_result decide_role_address(const char *address);

/* "a.example, b.example" (commas, blanks, line breaks) holds the domain of the address, or one above it. */
bool decide_domain_of(const char *domains, const char *address);

#endif

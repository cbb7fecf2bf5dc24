#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "policy/decide_apply.h"
#include "tests/unit/policy_fixture.h"

static const struct {
    const char *address;
    enum decide_result result;
} addresses[] = {
    {"security@a.example", DECIDE_MET},
    {"SECURITY@a.example", DECIDE_MET},
    {"psirt@a.example", DECIDE_MET},
    {"product-security@a.example", DECIDE_MET},
    {"xen-security-team@a.example", DECIDE_MET},
    {"security+xen@a.example", DECIDE_MET},
    {"a.security@a.example", DECIDE_MET},
    {"jane.doe@a.example", DECIDE_NOT_MET},
    {"j.doe@a.example", DECIDE_NOT_MET},
    {"Jane_Doe@a.example", DECIDE_NOT_MET},
    {"jane@a.example", DECIDE_JUDGE},
    {"jane.doe.smith@a.example", DECIDE_JUDGE},
    {"jane.doe2@a.example", DECIDE_JUDGE},
    {"insecurity@a.example", DECIDE_JUDGE},
    {"securityjane@a.example", DECIDE_JUDGE},
    {"@a.example", DECIDE_JUDGE},
    {"", DECIDE_JUDGE},
};

static void test_role_address(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++)
        if (decide_role_address(addresses[i].address) != addresses[i].result)
            fail_msg("%s is %s", addresses[i].address, decide_result_name(decide_role_address(addresses[i].address)));
}

static const struct {
    const char *domains, *address;
    bool holds;
} domains[] = {
    {"a.example", "s@a.example", true},
    {"A.Example", "s@a.EXAMPLE", true},
    {"a.example", "s@mail.a.example", true},
    {"*.a.example", "s@mail.a.example", true},
    {"@a.example", "s@a.example", true},
    {"b.example, a.example", "s@a.example", true},
    {"b.example;a.example", "s@a.example", true},
    {"b.example\na.example", "s@a.example", true},
    {"mail.a.example", "s@a.example", false},
    {"a.example", "s@ba.example", false},
    {"example", "s@a.example", false}, /* no one's domain */
    {"", "s@a.example", false},
    {", ,", "s@a.example", false},
    {"a.example", "a.example", false},
    {".", "s@a.example", false},
};

static void test_domains(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(domains) / sizeof(domains[0]); i++)
        if (decide_domain_of(domains[i].domains, domains[i].address) != domains[i].holds)
            fail_msg("row %zu: %s, %s", i, domains[i].domains, domains[i].address);
}

/* ---- criteria ---- */

static const char *const names[] = {"Organisation",     "Domains",      "Class",
                                    "Eligibility",      "Evidence",     "Confidential-contact",
                                    "Policy-statement", "Role-address", "Vouchers"};
enum { ORG, DOMAINS, CLASS, WHY, EVIDENCE, CONTACT, STATEMENT, ROLE, VOUCHERS, FIELDS };

static const char *const good[FIELDS] = {"Acorn",
                                         "acorn.example",
                                         "distro",
                                         "We build a distribution.",
                                         "https://acorn.example/security",
                                         "https://acorn.example/contact",
                                         "We keep it.",
                                         "security@acorn.example",
                                         ""};

/* One value changed; then a criterion and its result. field -1: nothing is changed. */
static const struct {
    const char *policy;
    int field;
    const char *value;
    enum decide_key key;
    int vouched;
    const char *criterion, *result;
    const char *accepted; /* "ok", or the rule that refuses */
} rows[] = {
    {"xen@2026", -1, NULL, DECIDE_KEY_USABLE, 0, "complete", "met", "ok"},
    {"xen@2026", -1, NULL, DECIDE_KEY_USABLE, 0, "organisation", "met", "ok"},
    {"xen@2026", -1, NULL, DECIDE_KEY_USABLE, 0, "genuine", "judge", "ok"},
    {"xen@2026", -1, NULL, DECIDE_KEY_USABLE, 0, "eligible-class", "judge", "ok"},
    {"xen@2026", -1, NULL, DECIDE_KEY_USABLE, 0, "web-evidence", "met", "ok"},
    {"xen@2026", -1, NULL, DECIDE_KEY_USABLE, 0, "vouchers", "-", "ok"},
    {"xen@2026", ORG, "", DECIDE_KEY_USABLE, 0, "organisation", "not-met", "membership.application"},
    {"xen@2026", DOMAINS, "", DECIDE_KEY_USABLE, 0, "domains", "not-met", "membership.application"},
    {"xen@2026", DOMAINS, "birch.example", DECIDE_KEY_USABLE, 0, "domain", "not-met", "membership.discretion"},
    {"xen@2026", WHY, "", DECIDE_KEY_USABLE, 0, "reason", "not-met", "membership.application"},
    {"xen@2026", EVIDENCE, "", DECIDE_KEY_USABLE, 0, "web-evidence", "not-met", "membership.application"},
    {"xen@2026", EVIDENCE, "ask me", DECIDE_KEY_USABLE, 0, "evidence", "not-met", "membership.discretion"},
    {"xen@2026", CONTACT, "", DECIDE_KEY_USABLE, 0, "report-contact", "not-met", "membership.application"},
    {"xen@2026", STATEMENT, "", DECIDE_KEY_USABLE, 0, "policy-statement", "not-met", "membership.application"},
    {"xen@2026", ROLE, "", DECIDE_KEY_USABLE, 0, "role-address", "not-met", "membership.application"},
    {"xen@2026", ROLE, "jane.doe@acorn.example", DECIDE_KEY_USABLE, 0, "role-address", "not-met",
     "membership.discretion"},
    {"xen@2026", ROLE, "jane@acorn.example", DECIDE_KEY_USABLE, 0, "role-address", "judge", "ok"},
    {"xen@2026", ROLE, "security@acorn.example, jane@acorn.example", DECIDE_KEY_USABLE, 0, "role-address", "not-met",
     "membership.discretion"},
    {"xen@2026", CLASS, "school", DECIDE_KEY_USABLE, 0, "class", "not-met", "tiers.classes"},
    {"xen@2026", -1, NULL, DECIDE_KEY_NONE, 0, "key", "not-met", "membership.application"},
    {"xen@2026", -1, NULL, DECIDE_KEY_SOUGHT, 0, "key", "not-met", "membership.application"},
    {"xen@2026", -1, NULL, DECIDE_KEY_REFUSED, 0, "key", "not-met", "membership.application"},
    {"xen@2026", -1, NULL, DECIDE_KEY_TAKEN, 0, "key", "not-met", "key.duplicate"},
    {"linux-distros@2026", -1, NULL, DECIDE_KEY_USABLE, 0, "vouchers", "not-met", "membership.application"},
    {"linux-distros@2026", VOUCHERS, "birch", DECIDE_KEY_USABLE, 0, "vouchers", "not-met", "ok"},
    {"linux-distros@2026", VOUCHERS, "birch", DECIDE_KEY_USABLE, 1, "vouchers", "met", "ok"},
    {"linux-distros@2026", VOUCHERS, "birch", DECIDE_KEY_USABLE, 1, "vouched", "met", "ok"},
    {"linux-distros@2026", VOUCHERS, "birch", DECIDE_KEY_USABLE, 1, "pgp", "met", "ok"},
    {"linux-distros@2026", VOUCHERS, "birch", DECIDE_KEY_USABLE, 1, "maintained", "judge", "ok"},
    {"linux-distros@2026", ROLE, "jane.doe@acorn.example", DECIDE_KEY_USABLE, 1, "role-address", "judge",
     "membership.application"},
    {"openstack@2026", -1, NULL, DECIDE_KEY_USABLE, 0, "rationale", "met", "ok"},
    {"cloud-model@2026", VOUCHERS, "birch", DECIDE_KEY_USABLE, 0, "vouchers", "judge", "ok"},
    {"cloud-model@2026", DOMAINS, "birch.example", DECIDE_KEY_USABLE, 0, "domain", "not-met", "ok"},
    {"linux-kernel@2026", -1, NULL, DECIDE_KEY_USABLE, 0, "complete", "met", "membership.apply"},
};

static struct policy *preset(const char *name)
{
    char *file = mem_printf("templates/policy/%s.conf", name);
    struct buf text = fixture_read(file);
    struct policy *policy = fixture_load(name, buf_text(&text), text.len, true);

    buf_free(&text);
    free(file);
    return policy;
}

static void test_criteria(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct policy *policy = preset(rows[i].policy);
        const char *values[FIELDS];
        struct decide_application facts = {.names = names, .values = values, .n = FIELDS};
        const struct decide_criterion *c;
        struct decide_criteria out;
        struct diag why = {0};
        enum err err;

        memcpy(values, good, sizeof(values));
        if (rows[i].field >= 0)
            values[rows[i].field] = rows[i].value;
        facts.key = rows[i].key;
        facts.vouched = rows[i].vouched;
        decide_criteria(policy, &facts, &out);
        c = decide_criterion_find(&out, rows[i].criterion);
        if (strcmp(c ? decide_result_name(c->result) : "-", rows[i].result) != 0)
            fail_msg("row %zu: %s is %s", i, rows[i].criterion, c ? decide_result_name(c->result) : "-");
        err = decide_accept(policy, &out, &why);
        if (strcmp(err ? why.rule : "ok", rows[i].accepted) != 0)
            fail_msg("row %zu: accepted: %s, %s", i, err ? why.rule : "ok", why.text);
        for (size_t k = 0; k < out.n; k++)
            for (size_t m = 0; m < k; m++)
                assert_string_not_equal(out.items[k].id, out.items[m].id);
        decide_criteria_free(&out);
        policy_free(&policy);
    }
}

static void test_missing(void **state)
{
    struct policy *policy = preset("xen@2026");
    const char *values[FIELDS] = {"", "", "", "", "", "", "", "", ""};
    struct decide_application facts = {.names = names, .values = values, .n = FIELDS, .key = DECIDE_KEY_NONE};
    struct decide_criteria out;

    (void)state;
    decide_criteria(policy, &facts, &out);
    assert_false(out.complete);
    assert_int_equal(out.missing.n, FIELDS); /* without Vouchers, with the key */
    assert_string_equal(out.missing.items[FIELDS - 1], "OpenPGP key");
    decide_criteria_free(&out);
    policy_free(&policy);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_role_address),
        cmocka_unit_test(test_domains),
        cmocka_unit_test(test_criteria),
        cmocka_unit_test(test_missing),
    };

    fixture_root(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

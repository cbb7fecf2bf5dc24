#include "tests/unit/store_fixture.h"

#include "flow/public_id.h"

static void test_fill(void **state)
{
    static const struct {
        const char *scheme;
        int year;
        int64_t number;
        const char *cve, *id; /* id NULL: none can be given yet */
    } rows[] = {
        {"XSA-{n}", 2026, 470, NULL, "XSA-470"},
        {"XSA-{n}", 2026, 1, "CVE-2026-1234", "XSA-1"},
        {"OSSA-{yyyy}-{n:3}", 2026, 7, NULL, "OSSA-2026-007"},
        {"OSSA-{yyyy}-{n:3}", 2026, 999, NULL, "OSSA-2026-999"},
        {"OSSA-{yyyy}-{n:3}", 2026, 1000, NULL, "OSSA-2026-1000"},
        {"{n:1}", 2026, 12, NULL, "12"},
        {"{n:9}", 2026, 12, NULL, "000000012"},
        {"{cve}", 2026, 0, "CVE-2026-1234", "CVE-2026-1234"},
        {"{cve}", 2026, 0, NULL, NULL},
        {"{yyyy}/{cve}", 2026, 0, NULL, NULL},
        {"{cve}+{cve}", 2026, 0, "C", "C+C"},
        {"{yyyy}{yyyy}", 33, 0, NULL, "00330033"},
        {"plain", 2026, 0, NULL, "plain"},
        {"", 2026, 0, NULL, ""},
        {"{", 2026, 0, NULL, "{"},
        {"{}", 2026, 0, NULL, "{}"},
        {"{n", 2026, 1, NULL, "{n"},
        {"{n:", 2026, 1, NULL, "{n:"},
        {"{n:0}", 2026, 1, NULL, "{n:0}"},
        {"{n:10}", 2026, 1, NULL, "{n:10}"},
        {"{n:3", 2026, 1, NULL, "{n:3"},
        {"{yyy}", 2026, 1, NULL, "{yyy}"},
        {"{{n}}", 2026, 1, NULL, "{1}"},
        {"{unknown}-{n}", 2026, 1, NULL, "{unknown}-1"},
        {"%s%n{n}", 2026, 1, NULL, "%s%n1"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char *id = public_id_fill(rows[i].scheme, rows[i].year, rows[i].number, rows[i].cve);

        if (!rows[i].id)
            assert_null(id);
        else
            assert_string_equal(id, rows[i].id);
        free(id);
    }
}

/* A value that is filled in is never scanned again. */
static void test_one_pass(void **state)
{
    char *id = public_id_fill("{cve}", 2026, 5, "{n}{yyyy}");

    (void)state;
    assert_string_equal(id, "{n}{yyyy}");
    free(id);
}

#define HEAD                                                                                                           \
    "policy = { id = \"t\"; edition = \"1\"; };\n"                                                                     \
    "tracks = ( { name = \"all\"; mode = \"coordinated\"; model = \"distro\"; when = { }; } );\n"

static struct policy *policy_of(const char *text)
{
    struct policy_text own = {"t.conf", text, strlen(text)};
    struct conf_faults faults = {0};
    struct policy *policy = policy_load(&own, NULL, &faults);

    for (size_t i = 0; i < faults.n; i++)
        print_error("%d: %s: %s\n", faults.items[i].line, faults.items[i].rule, faults.items[i].text);
    assert_non_null(policy);
    conf_faults_free(&faults);
    return policy;
}

static struct case_row given(struct store *s, struct policy *policy, const char *code, const char *cves)
{
    struct clock clock = {0};
    struct flow f = {.db = s->db, .clock = &clock};
    struct case_row row;
    int64_t id = store_case(s, code);

    OK(db_seal_text(s->db, "cases", id, "sealed_cves", cves, &s->why));
    OK(case_by_id(s->db, id, &row, &s->why));
    OK(public_id_give(&f, policy, &row, &s->why));
    return row;
}

/* Numbers go up by one for each case that gets an id with one, and not for others. */
static void test_give(void **state)
{
    struct store *s = *state;
    struct policy *by_number = policy_of(HEAD "publication = { id = \"X-{n}\"; };"),
                  *by_name = policy_of(HEAD "publication = { id = \"{cve}\"; };"), *none = policy_of(HEAD);
    struct case_row row;

    row = given(s, by_number, "aaaa2345", NULL);
    assert_string_equal(row.public_id, "X-1");
    case_row_free(&row);
    row = given(s, by_name, "bbbb2345", "CVE-2026-1234\nCVE-2026-5678");
    assert_string_equal(row.public_id, "CVE-2026-1234");
    case_row_free(&row);
    row = given(s, by_name, "cccc2345", NULL);
    assert_null(row.public_id);
    case_row_free(&row);
    row = given(s, none, "dddd2345", NULL);
    assert_null(row.public_id);
    case_row_free(&row);
    row = given(s, by_number, "eeee2345", NULL);
    assert_string_equal(row.public_id, "X-2");
    case_row_free(&row);
    policy_free(&by_number);
    policy_free(&by_name);
    policy_free(&none);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fill),
        cmocka_unit_test(test_one_pass),
        WITH_STORE(test_give),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

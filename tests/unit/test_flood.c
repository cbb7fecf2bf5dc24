/* The rate limits: bounds of each, who counts, the window, and what the digest is made of. */
#include "flow/flood.h"
#include "store/arrivals.h"
#include "store_fixture.h"

static void arrive(struct store *s, int64_t at, const char *sender, const char *code, bool told)
{
    struct arrival_row row = {
        .list_id = LIST, .at = at, .kind = "mail", .sender = sender, .code = code, .rule = "", .told = told};

    assert_int_equal(arrival_insert(s->db, &row, &s->why), ERR_OK);
}

static void test_counts(void **state)
{
    struct store *s = *state;

    for (int i = 0; i < 5; i++)
        arrive(s, NOW + i, i % 2 ? "A@Example.net" : "b@example.net", "aaaaaaaa", true);
    arrive(s, NOW, "c@other.example", "bbbbbbbb", true);
    arrive(s, NOW, "", "cccccccc", true);
    assert_int_equal(arrival_count_sender(s->db, LIST, "a@example.net", NOW - 1, 100), 2);
    assert_int_equal(arrival_count_sender(s->db, LIST, "b@EXAMPLE.net", NOW - 1, 100), 3);
    assert_int_equal(arrival_count_sender(s->db, LIST, "b@example.net", NOW, 100), 2); /* the instant itself is not */
    assert_int_equal(arrival_count_sender(s->db, LIST, "b@example.net", NOW - 1, 2), 2);
    assert_int_equal(arrival_count_domain(s->db, LIST, "new@example.net", NOW - 1, 100), 5);
    assert_int_equal(arrival_count_domain(s->db, LIST, "nowhere", NOW - 1, 100), 1);
    assert_int_equal(arrival_count_list(s->db, LIST, NOW - 1, 100), 7);
    assert_int_equal(arrival_count_list(s->db, LIST + 1, NOW - 1, 100), 0);
}

/* No address stands in the file of the database. */
static void test_digests_only(void **state)
{
    struct store *s = *state;

    arrive(s, NOW, "someone@secret.example", "aaaaaaaa", false);
    assert_int_equal(db_value(s->db, -1,
                              "SELECT COUNT(*) FROM arrival WHERE sender_digest LIKE '%secret%' OR code LIKE '%secret%'"
                              " OR rule LIKE '%secret%' OR length(sender_digest) < 16",
                              ""),
                     0);
}

static void test_untold(void **state)
{
    struct store *s = *state;
    struct arrival_row deadline = {
        .list_id = LIST, .at = NOW + 9, .kind = "deadline", .sender = "", .code = "aaaaaaaa", .rule = "triage"};
    struct arrival_sum sum;
    struct arrival_code *codes;
    size_t n;

    arrive(s, NOW, "a@example.net", "told1234", true);
    arrive(s, NOW + 1, "a@example.net", "aaaaaaaa", false);
    arrive(s, NOW + 2, "b@example.net", "aaaaaaaa", false);
    arrive(s, NOW + 3, "c@other.example", "bbbbbbbb", false);
    assert_int_equal(arrival_insert(s->db, &deadline, &s->why), ERR_OK);
    assert_int_equal(arrival_untold(s->db, LIST, &sum, &s->why), ERR_OK);
    assert_int_equal(sum.mails, 3);
    assert_int_equal(sum.deadlines, 1);
    assert_int_equal(sum.senders, 3);
    assert_int_equal(sum.domains, 2);
    assert_int_equal(sum.codes, 2);
    assert_int_equal(sum.first_at, NOW + 1);
    assert_int_equal(sum.last_at, NOW + 9);
    assert_int_equal(arrival_untold_codes(s->db, LIST, 2, &codes, &n, &s->why), ERR_OK);
    assert_int_equal(n, 2);
    assert_string_equal(codes[0].code, "aaaaaaaa");
    assert_int_equal(codes[0].n, 2);
    assert_string_equal(codes[1].code, "bbbbbbbb");
    arrival_codes_free(codes, n);
    assert_int_equal(arrival_count_list(s->db, LIST, NOW - 1, 100), 4); /* deadlines are no mail */

    assert_int_equal(arrival_set_told(s->db, LIST, &s->why), ERR_OK);
    assert_int_equal(arrival_untold(s->db, LIST, &sum, &s->why), ERR_OK);
    assert_int_equal(sum.mails + sum.deadlines, 0);
}

/* What the team knows goes after a day; what it does not know stays. */
static void test_forgotten(void **state)
{
    struct store *s = *state;

    arrive(s, NOW, "a@example.net", "aaaaaaaa", true);
    arrive(s, NOW, "a@example.net", "bbbbbbbb", false);
    arrive(s, NOW + 86400, "a@example.net", "cccccccc", true);
    assert_int_equal(arrival_count_list(s->db, LIST, NOW - 1, 100), 3);
    arrive(s, NOW + 86401, "a@example.net", "dddddddd", true);
    assert_int_equal(arrival_count_list(s->db, LIST, NOW - 1, 100), 3);
}

static struct incoming mail_from(const char *sender)
{
    return (struct incoming){.sender = (char *)sender};
}

static void test_limits(void **state)
{
    struct store *s = *state;
    struct settings settings = {.limits = {.sender_mails = 3, .domain_mails = 5, .all_mails = 7, .digest_minutes = 15}};
    struct clock clock;
    struct flow f = {.settings = &settings, .db = s->db, .clock = &clock};
    char path[600];
    FILE *file;
    static const struct {
        const char *sender;
        enum flood_who who;
        const char *rule; /* before this one is counted */
    } steps[] = {
        {"a@x.example", FLOOD_STRANGER, NULL},
        {"a@x.example", FLOOD_STRANGER, NULL},
        {"A@X.example", FLOOD_STRANGER, NULL},
        {"a@x.example", FLOOD_STRANGER, "limits.sender_mails"},
        {"a@x.example", FLOOD_EXEMPT, NULL},
        {"a@x.example", FLOOD_PARTICIPANT, "limits.sender_mails"},
        {"b@x.example", FLOOD_STRANGER, "limits.domain_mails"},
        {"c@x.example", FLOOD_PARTICIPANT, NULL},
        {"d@y.example", FLOOD_STRANGER, "limits.all_mails"},
        {"e@z.example", FLOOD_PARTICIPANT, NULL},
        {"e@z.example", FLOOD_EXEMPT, NULL},
    };

    snprintf(path, sizeof path, "%s/clock", s->dir);
    file = fopen(path, "w");
    assert_non_null(file);
    fputs("2026-11-22T15:00:00Z\n", file);
    fclose(file);
    assert_int_equal(clock_open(&clock, path, &s->why), ERR_OK);
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        struct incoming in = mail_from(steps[i].sender);
        const char *rule = flood_rule(&f, LIST, &in, steps[i].who);

        if (strcmp(rule ? rule : "", steps[i].rule ? steps[i].rule : "") != 0)
            fail_msg("step %zu: %s", i, rule ? rule : "none");
        assert_int_equal(flood_note(&f, LIST, &in, steps[i].who, "aaaaaaaa", "", !rule, &s->why), ERR_OK);
    }
    assert_true(duty_is_put(s->db, FLOOD_DUTY, LIST, ""));
    assert_int_equal(db_value(s->db, 0, "SELECT at FROM duty WHERE kind = 'digest'", ""), NOW + 900);
    clock_close(&clock);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_counts, store_setup, store_teardown),
        cmocka_unit_test_setup_teardown(test_digests_only, store_setup, store_teardown),
        cmocka_unit_test_setup_teardown(test_untold, store_setup, store_teardown),
        cmocka_unit_test_setup_teardown(test_forgotten, store_setup, store_teardown),
        cmocka_unit_test_setup_teardown(test_limits, store_setup, store_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

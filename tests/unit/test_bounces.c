#include "tests/unit/store_fixture.h"

#include "store/bounces.h"
#include "store/held.h"
#include "store/outbox.h"

#define ADDRESS "a@example.org"

static int64_t copy_of(struct store *s, int64_t member, const char *state)
{
    struct mail_row mail = {.list_id = LIST,
                            .kind = "advisory",
                            .form = "sealed",
                            .message_id = "<1@example.org>",
                            .state = "ready",
                            .made_at = NOW};
    struct copy_row row = {.member_id = member,
                           .address = ADDRESS,
                           .fingerprint = "AA",
                           .state = (char *)state,
                           .earliest_at = INSTANT_NONE,
                           .next_at = NOW};

    OK(mail_insert(s->db, &mail, span_of("payload"), span_of(""), span_of(""), &s->why));
    row.mail_id = mail.id;
    OK(copy_insert(s->db, &row, NULL, &s->why));
    return row.id;
}

static void bounced(struct store *s, int64_t copy, const char *class_name, bool given_up)
{
    struct bounce_row row = {
        .copy_id = copy, .at = NOW, .class_name = (char *)class_name, .code = "5.1.1", .given_up = given_up};

    OK(bounce_put(s->db, &row, &s->why));
    if (given_up)
        OK(copy_set_state(s->db, copy, "failed", "5.1.1", NOW, &s->why));
}

/* The copy whose bounce is the contact's trouble; 0: none. */
static int64_t trouble(struct store *s, int64_t member)
{
    struct bounce_row row;
    int64_t id;

    OK(bounce_of_contact(s->db, member, ADDRESS, &row, &s->why));
    id = row.copy_id;
    bounce_row_free(&row);
    return id;
}

static void test_counts(void **state)
{
    struct store *s = *state;
    int64_t copy = copy_of(s, 0, "sent");
    struct bounce_row row;

    OK(bounce_of_copy(s->db, copy, &row, &s->why));
    assert_int_equal(row.copy_id, 0);
    bounced(s, copy, "delay", false);
    bounced(s, copy, "permanent", true);
    OK(bounce_of_copy(s->db, copy, &row, &s->why));
    assert_int_equal(row.copy_id, copy);
    assert_string_equal(row.class_name, "permanent");
    assert_true(row.given_up);
    assert_int_equal(row.times, 2);
    bounce_row_free(&row);
}

/* The newest copy that went says what the address is worth. */
static void test_trouble(void **state)
{
    struct store *s = *state;
    int64_t member = store_member(s, "one"), other = store_member(s, "two"), first, second;

    assert_int_equal(trouble(s, member), 0);
    first = copy_of(s, member, "sent");
    assert_int_equal(trouble(s, member), 0);
    bounced(s, first, "permanent", true);
    assert_int_equal(trouble(s, member), first);
    assert_int_equal(trouble(s, other), 0);
    copy_of(s, member, "queued"); /* has not gone */
    assert_int_equal(trouble(s, member), first);
    second = copy_of(s, member, "sent");
    assert_int_equal(trouble(s, member), 0);
    bounced(s, second, "temporary", true);
    assert_int_equal(trouble(s, member), second);
    /* sent again: what came back of the first delivery no longer counts */
    OK(copy_set_sent(s->db, second, "250", NULL, NOW, &s->why));
    assert_int_equal(trouble(s, member), 0);
}

static void test_full(void **state)
{
    struct store *s = *state;
    int64_t member = store_member(s, "one");

    assert_int_equal(bounce_count_full(s->db, member, ADDRESS), 0);
    bounced(s, copy_of(s, member, "sent"), "full", false);
    bounced(s, copy_of(s, member, "sent"), "full", false);
    assert_int_equal(bounce_count_full(s->db, member, ADDRESS), 2);
    bounced(s, copy_of(s, member, "sent"), "delay", false);
    assert_int_equal(bounce_count_full(s->db, member, ADDRESS), 0);
    bounced(s, copy_of(s, member, "sent"), "full", false);
    assert_int_equal(bounce_count_full(s->db, member, ADDRESS), 1);
    copy_of(s, member, "sent"); /* one that stayed */
    assert_int_equal(bounce_count_full(s->db, member, ADDRESS), 0);
}

static void test_held_since(void **state)
{
    struct store *s = *state;
    struct held_row row = {.list_id = LIST, .at = NOW, .rule = "bounce"};

    OK(held_insert(s->db, &row, span_of("e"), span_of("r"), &s->why));
    assert_int_equal(held_count_since(s->db, LIST, "bounce", NOW - 1), 1);
    assert_int_equal(held_count_since(s->db, LIST, "bounce", NOW), 0);
    assert_int_equal(held_count_since(s->db, LIST, "precedence", NOW - 1), 0);
    assert_int_equal(held_count_since(s->db, LIST + 1, "bounce", NOW - 1), 0);
}

static void test_ours(void **state)
{
    struct store *s = *state;

    copy_of(s, 0, "sent");
    assert_true(mail_is_ours(s->db, "<1@example.org>"));
    assert_false(mail_is_ours(s->db, "<2@example.org>"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_counts, store_setup, store_teardown),
        cmocka_unit_test_setup_teardown(test_trouble, store_setup, store_teardown),
        cmocka_unit_test_setup_teardown(test_full, store_setup, store_teardown),
        cmocka_unit_test_setup_teardown(test_held_since, store_setup, store_teardown),
        cmocka_unit_test_setup_teardown(test_ours, store_setup, store_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

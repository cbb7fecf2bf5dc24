#include "tests/unit/store_fixture.h"

#include "store/applications.h"

static void insert(struct store *s, struct application_row *row, const char *org, const char *from)
{
    *row = (struct application_row){.list_id = LIST,
                                    .state = mem_strdup("received"),
                                    .received_at = NOW,
                                    .complete_at = INSTANT_NONE,
                                    .decide_by = INSTANT_NONE,
                                    .challenge_until = INSTANT_NONE};
    OK(application_insert(s->db, row, org, from, from, &s->why));
}

/* A key that is nobody's, with these ids; the facts alone matter here. */
static void facts(struct pgp_key_info *key, char id, char subkey_id)
{
    *key = (struct pgp_key_info){.expires_at_utc_s = INSTANT_NONE, .n_subkeys = 2};
    memset(key->fingerprint, id, 40);
    for (int i = 0; i < 2; i++) {
        memset(key->subkeys[i].fingerprint, i ? subkey_id : id, 40);
        memset(key->subkeys[i].key_id, i ? subkey_id : id, 16);
        key->subkeys[i].expires_at_utc_s = INSTANT_NONE;
    }
}

static void set_key(struct store *s, struct application_row *row, char id, char subkey_id)
{
    struct pgp_key_info *key = mem_zero(1, sizeof *key);

    facts(key, id, subkey_id);
    OK(application_set_key(s->db, row, key, span_of("certificate"), &s->why));
    free(key);
}

static void test_rows(void **state)
{
    struct store *s = *state;
    struct application_row a, b, found;
    char *org;

    insert(s, &a, "Acorn  Inc", "joe@acorn.example");
    insert(s, &b, "Birch", "joe@birch.example");
    assert_string_not_equal(a.code, b.code);
    assert_int_equal(application_by_code(s->db, "aaaaaaa1", &found, &s->why), ERR_NOT_FOUND);
    assert_string_equal(s->why.rule, "application.unknown");
    OK(application_open_of_org(s->db, LIST, " acorn inc ", 0, &found, &s->why));
    assert_int_equal(found.id, a.id);
    application_row_free(&found);
    assert_int_equal(application_open_of_org(s->db, LIST, "Acorn Inc", a.id, &found, &s->why), ERR_NOT_FOUND);
    assert_int_equal(application_open_of_org(s->db, LIST + 1, "Acorn Inc", 0, &found, &s->why), ERR_NOT_FOUND);
    assert_true(application_is_from(s->db, a.id, "Joe@Acorn.example"));
    assert_false(application_is_from(s->db, a.id, "joe@birch.example"));
    free(a.state);
    a.state = mem_strdup("declined");
    a.decide_by = NOW + 5;
    a.answerable = a.proved = true;
    a.member_id = store_member(s, "acorn");
    OK(application_update(s->db, &a, &s->why));
    assert_int_equal(application_open_of_org(s->db, LIST, "Acorn Inc", 0, &found, &s->why), ERR_NOT_FOUND);
    OK(application_by_code(s->db, a.code, &found, &s->why));
    assert_string_equal(found.state, "declined");
    assert_true(found.decide_by == NOW + 5 && found.complete_at == INSTANT_NONE && found.answerable && found.proved);
    assert_int_equal(found.member_id, a.member_id);
    application_row_free(&found);
    OK(application_rename(s->db, b.id, "Birch Ltd", &s->why));
    org = application_get(s->db, b.id, APPLICATION_ORG);
    assert_string_equal(org, "Birch Ltd");
    mem_free_secret(&org);
    OK(application_open_of_org(s->db, LIST, "birch ltd", 0, &found, &s->why));
    application_row_free(&found);
    application_row_free(&a);
    application_row_free(&b);
}

/* Who signed with a key goes before who merely has it; then who came first. */
static void test_keys(void **state)
{
    static const struct {
        bool first_proved, second_proved, first_taken, second_taken;
    } rows[] = {
        {false, false, false, true}, {true, false, false, true}, {false, true, true, false}, {true, true, false, true}};
    struct store *s = *state;
    struct pgp_key_info *key = mem_zero(1, sizeof *key);

    for (size_t i = 0; i < 4; i++) {
        struct application_row a, b, found;

        insert(s, &a, "a", "a@a.example");
        insert(s, &b, "b", "b@b.example");
        a.proved = rows[i].first_proved;
        b.proved = rows[i].second_proved;
        set_key(s, &a, 'A', 'E');
        set_key(s, &b, 'B', 'E'); /* only a subkey is the same */
        facts(key, 'A', 'E');
        assert_int_equal(application_key_taken(s->db, &a, key), rows[i].first_taken);
        facts(key, 'B', 'E');
        assert_int_equal(application_key_taken(s->db, &b, key), rows[i].second_taken);
        OK(application_by_fingerprint(s->db, LIST, b.fingerprint, &found, &s->why));
        assert_int_equal(found.id, b.id);
        application_row_free(&found);
        free(a.state);
        a.state = mem_strdup("withdrawn");
        OK(application_drop_key(s->db, &a, &s->why));
        assert_false(application_key_taken(s->db, &b, key));
        free(b.state);
        b.state = mem_strdup("withdrawn");
        OK(application_drop_key(s->db, &b, &s->why));
        application_row_free(&a);
        application_row_free(&b);
    }
    free(key);
}

static void test_quarantine(void **state)
{
    struct store *s = *state;
    struct application_row a, next;
    char issuer[41];

    memset(issuer, 'E', 40);
    issuer[40] = 0;
    insert(s, &a, "a", "a@a.example");
    assert_int_equal(application_quarantine_next(s->db, &next, &s->why), ERR_NOT_FOUND);
    set_key(s, &a, 'A', 'E');
    OK(application_quarantine_next(s->db, &next, &s->why));
    assert_int_equal(next.quarantine, QUARANTINE_TO_IMPORT);
    application_row_free(&next);
    assert_false(application_has_issuer(s->db, LIST, issuer));
    OK(application_quarantine_done(s->db, a.id, QUARANTINE_IN, &s->why));
    assert_true(application_has_issuer(s->db, LIST, issuer));
    assert_true(application_has_issuer(s->db, LIST, issuer + 24));
    assert_false(application_has_issuer(s->db, LIST + 1, issuer));
    a.quarantine = QUARANTINE_IN;
    OK(application_drop_key(s->db, &a, &s->why));
    OK(application_quarantine_next(s->db, &next, &s->why));
    assert_int_equal(next.quarantine, QUARANTINE_TO_DELETE);
    application_row_free(&next);
    application_row_free(&a);
}

static void test_challenge(void **state)
{
    struct store *s = *state;
    struct application_row a;

    insert(s, &a, "a", "a@a.example");
    assert_false(application_challenge_is(s->db, a.id, ""));
    OK(application_set_challenge(s->db, &a, "nonce", NOW + 7, &s->why));
    assert_true(application_challenge_is(s->db, a.id, "nonce"));
    assert_false(application_challenge_is(s->db, a.id, "nonce2"));
    OK(application_set_challenge(s->db, &a, "nonce2", NOW + 9, &s->why));
    assert_false(application_challenge_is(s->db, a.id, "nonce"));
    assert_int_equal(a.challenges, 2);
    assert_true(a.challenge_until == NOW + 9);
    application_row_free(&a);
}

static void test_votes_and_vouchers(void **state)
{
    struct store *s = *state;
    struct application_row a;
    struct application_vote *votes;
    struct application_voucher *vouchers;
    struct application_message *messages;
    int64_t member = store_member(s, "birch");
    bool added;
    size_t n;

    insert(s, &a, "a", "a@a.example");
    OK(application_vote(s->db, a.id, "ann@example.org", "approve", NOW, &s->why));
    OK(application_vote(s->db, a.id, "ann@example.org", "approve", NOW, &s->why));
    OK(application_votes(s->db, a.id, &votes, &n, &s->why));
    assert_int_equal(n, 1);
    application_votes_free(votes, n);
    OK(application_votes_drop(s->db, a.id, &s->why));
    OK(application_votes(s->db, a.id, &votes, &n, &s->why));
    assert_int_equal(n, 0);
    application_votes_free(votes, n);
    assert_int_equal(application_voucher_answer(s->db, a.id, member, true, NOW, &s->why), ERR_NOT_FOUND);
    assert_string_equal(s->why.rule, "application.not-asked");
    OK(application_voucher_ask(s->db, a.id, member, NOW, &added, &s->why));
    assert_true(added);
    OK(application_voucher_ask(s->db, a.id, member, NOW, &added, &s->why));
    assert_false(added);
    OK(application_voucher_answer(s->db, a.id, member, true, NOW, &s->why));
    assert_true(application_names_voucher(s->db, a.id, member));
    OK(application_vouchers(s->db, a.id, &vouchers, &n, &s->why));
    assert_int_equal(n, 1);
    assert_string_equal(vouchers[0].state, "yes");
    application_vouchers_free(vouchers, n);
    OK(application_message_add(s->db, a.id, "applicant", "words", NOW, &s->why));
    OK(application_messages(s->db, a.id, &messages, &n, &s->why));
    assert_int_equal(n, 1);
    assert_string_equal(messages[0].text, "words");
    application_messages_free(messages, n);
    application_row_free(&a);
}

static void test_references_and_answers(void **state)
{
    struct store *s = *state;
    struct application_row a;

    insert(s, &a, "a", "a@a.example");
    OK(application_reference_add(s->db, a.id, "<1@a.example>", &s->why));
    OK(application_reference_add(s->db, a.id, "<1@a.example>", &s->why));
    assert_int_equal(application_reference_find(s->db, LIST, "<1@a.example>"), a.id);
    assert_int_equal(application_reference_find(s->db, LIST + 1, "<1@a.example>"), 0);
    assert_int_equal(application_reference_find(s->db, LIST, "<2@a.example>"), 0);
    OK(application_answer_note(s->db, "a@a.example", NOW, &s->why));
    assert_int_equal(application_answers_since(s->db, NOW - 1), 1);
    assert_int_equal(application_answers_since(s->db, NOW), 0);
    assert_int_equal(application_answers_to_since(s->db, "A@a.example", NOW - 1), 1);
    assert_int_equal(application_answers_to_since(s->db, "b@a.example", NOW - 1), 0);
    OK(application_answer_note(s->db, "b@a.example", NOW + 8 * 86400, &s->why)); /* old ones go */
    assert_int_equal(application_answers_since(s->db, 0), 1);
    application_row_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_STORE(test_rows),
        WITH_STORE(test_keys),
        WITH_STORE(test_quarantine),
        WITH_STORE(test_challenge),
        WITH_STORE(test_votes_and_vouchers),
        WITH_STORE(test_references_and_answers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "tests/unit/store_fixture.h"

static void expect_same(const struct case_row *a, const struct case_row *b)
{
    assert_int_equal(a->id, b->id);
    assert_int_equal(a->list_id, b->list_id);
    assert_string_equal(a->code, b->code);
    assert_string_equal(a->public_id, b->public_id);
    assert_string_equal(a->state, b->state);
    assert_string_equal(a->track, b->track);
    assert_string_equal(a->mode, b->mode);
    assert_string_equal(a->model, b->model);
    assert_string_equal(a->severity, b->severity);
    assert_string_equal(a->policy, b->policy);
    assert_string_equal(a->policy_digest, b->policy_digest);
    assert_string_equal(a->embargo_status, b->embargo_status);
    assert_string_equal(a->duplicate_of, b->duplicate_of);
    assert_int_equal(a->is_public, b->is_public);
    assert_int_equal(a->version, b->version);
    assert_true(a->opened_at == b->opened_at);
    assert_true(a->acknowledged_at == b->acknowledged_at);
    assert_true(a->accepted_at == b->accepted_at);
    assert_true(a->fix_ready_at == b->fix_ready_at);
    assert_true(a->predisclosed_at == b->predisclosed_at);
    assert_true(a->public_at == b->public_at);
    assert_true(a->closed_at == b->closed_at);
    assert_true(a->until_at == b->until_at);
    assert_true(a->discoverer_at == b->discoverer_at);
    assert_true(a->embargo_start_at == b->embargo_start_at);
}

/* Each column has a value of its own, so that two that were mixed up are seen. */
static void test_all_columns(void **state)
{
    struct store *s = *state;
    struct case_row row, full = {.list_id = LIST,
                                 .code = "abcd2345",
                                 .public_id = "XSA-1",
                                 .state = "accepted",
                                 .track = "embargo",
                                 .mode = "team",
                                 .model = "tiers",
                                 .severity = "high",
                                 .policy = "xen@2026",
                                 .policy_digest = "1122",
                                 .embargo_status = "active",
                                 .duplicate_of = "zzzz2345",
                                 .is_public = true,
                                 .version = 3,
                                 .opened_at = NOW,
                                 .acknowledged_at = NOW + 1,
                                 .accepted_at = NOW + 2,
                                 .fix_ready_at = NOW + 3,
                                 .predisclosed_at = NOW + 4,
                                 .public_at = NOW + 5,
                                 .closed_at = NOW + 6,
                                 .until_at = NOW + 7,
                                 .discoverer_at = NOW + 8,
                                 .embargo_start_at = 0};

    OK(case_insert(s->db, &full, &s->why));
    OK(case_by_id(s->db, full.id, &row, &s->why));
    expect_same(&row, &full);
    case_row_free(&row);
    full.state = "public";
    full.is_public = false;
    full.version = 4;
    full.until_at = NOW + 70;
    full.embargo_start_at = NOW + 9;
    OK(case_update(s->db, &full, &s->why));
    OK(case_by_code(s->db, "XSA-1", &row, &s->why));
    expect_same(&row, &full);
    case_row_free(&row);
}

static void test_unset_columns(void **state)
{
    struct store *s = *state;
    int64_t id = store_case(s, "abcd2345");
    struct case_row row;

    OK(case_by_code(s->db, "abcd2345", &row, &s->why));
    assert_int_equal(row.id, id);
    assert_null(row.public_id);
    assert_null(row.track);
    assert_null(row.severity);
    assert_null(row.duplicate_of);
    assert_true(row.until_at == INSTANT_NONE);
    assert_true(row.embargo_start_at == INSTANT_NONE);
    row.until_at = NOW;
    OK(case_update(s->db, &row, &s->why));
    row.until_at = INSTANT_NONE;
    OK(case_update(s->db, &row, &s->why));
    case_row_free(&row);
    OK(case_by_id(s->db, id, &row, &s->why));
    assert_true(row.until_at == INSTANT_NONE);
    case_row_free(&row);
}

static void test_unknown(void **state)
{
    static const char *const codes[] = {"", "abcd2345", "ABCD2345'", "' OR 1 --", "%"};
    struct store *s = *state;
    struct case_row row;

    store_case(s, "zzzz2345");
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        assert_int_equal(case_by_code(s->db, codes[i], &row, &s->why), ERR_NOT_FOUND);
        assert_string_equal(s->why.rule, "case.unknown");
    }
    assert_int_equal(case_by_id(s->db, 99, &row, &s->why), ERR_NOT_FOUND);
}

static void test_all(void **state)
{
    struct store *s = *state;
    struct case_row *rows;
    size_t n;

    OK(case_all(s->db, LIST, &rows, &n, &s->why));
    assert_int_equal(n, 0);
    assert_null(rows);
    store_case(s, "zzzz2345");
    store_case(s, "aaaa2345");
    OK(case_all(s->db, LIST, &rows, &n, &s->why));
    assert_int_equal(n, 2);
    assert_string_equal(rows[0].code, "zzzz2345");
    assert_string_equal(rows[1].code, "aaaa2345");
    for (size_t i = 0; i < n; i++)
        case_row_free(&rows[i]);
    free(rows);
    OK(case_all(s->db, LIST + 1, &rows, &n, &s->why));
    assert_int_equal(n, 0);
}

static void test_messages(void **state)
{
    struct store *s = *state;
    int64_t id = store_case(s, "abcd2345"), other = store_case(s, "bbbb2345");
    struct message_row first = {.at = NOW, .author = "reporter", .size_bytes = 77},
                       second = {.at = NOW + 1,
                                 .author = "member:one",
                                 .signed_by = "0123456789ABCDEF0123456789ABCDEF01234567",
                                 .verified = true,
                                 .encrypted = true},
                       elsewhere = {.at = NOW, .author = "stranger"}, *rows;
    struct buf out = BUF_EMPTY;
    size_t n;

    OK(message_insert(s->db, id, &first, (struct span){(const uint8_t *)"a\0b", 3}, span_of("{}"), &s->why));
    OK(message_insert(s->db, id, &second, span_of("mail"), span_of("{\"x\":1}"), &s->why));
    OK(message_insert(s->db, other, &elsewhere, span_of(""), span_of(""), &s->why));
    assert_int_equal(first.n, 1);
    assert_int_equal(second.n, 2);
    assert_int_equal(elsewhere.n, 1);
    OK(message_all(s->db, id, &rows, &n, &s->why));
    assert_int_equal(n, 2);
    assert_int_equal(rows[0].size_bytes, 3);
    assert_null(rows[0].signed_by);
    assert_false(rows[0].verified || rows[0].encrypted);
    assert_string_equal(rows[1].author, "member:one");
    assert_string_equal(rows[1].signed_by, second.signed_by);
    assert_true(rows[1].verified && rows[1].encrypted);
    assert_true(rows[1].at == NOW + 1);
    OK(message_raw(s->db, rows[0].id, &out, &s->why));
    assert_int_equal(out.len, 3);
    assert_memory_equal(out.data, "a\0b", 3);
    OK(message_facts(s->db, rows[1].id, &out, &s->why));
    assert_string_equal(buf_text(&out), "{\"x\":1}");
    for (size_t i = 0; i < n; i++)
        message_row_free(&rows[i]);
    free(rows);
    buf_free(&out);
}

static void test_references(void **state)
{
    struct store *s = *state;
    int64_t a = store_case(s, "aaaa2345"), b = store_case(s, "bbbb2345");

    OK(reference_add(s->db, a, "<1@example.org>", &s->why));
    OK(reference_add(s->db, b, "<2@example.org>", &s->why));
    OK(reference_add(s->db, b, "<1@example.org>", &s->why)); /* nobody takes a thread over */
    assert_int_equal(reference_find(s->db, "<1@example.org>"), a);
    assert_int_equal(reference_find(s->db, "<2@example.org>"), b);
    assert_int_equal(reference_find(s->db, "<3@example.org>"), 0);
    assert_int_equal(reference_find(s->db, ""), 0);
}

static void upper(char *text)
{
    for (; *text; text++)
        if (*text >= 'a' && *text <= 'z')
            *text = (char)(*text - 'a' + 'A');
}

static void test_participants(void **state)
{
    struct store *s = *state;
    int64_t id = store_case(s, "aaaa2345"), other = store_case(s, "bbbb2345");
    struct participant_row made, second, found, *rows;
    struct buf key = BUF_EMPTY;
    char *token, *address;
    size_t n;

    OK(participant_insert(s->db, id, "reporter", "Finder@example.net", span_of(""), NULL, NOW, &made, &s->why));
    OK(participant_insert(s->db, id, "invited", "other@example.net", span_of("KEY"), "AA", NOW, &second, &s->why));
    assert_null(made.fingerprint);
    assert_string_equal(second.fingerprint, "AA");
    token = participant_token(s->db, made.id);
    assert_int_equal(strlen(token), 21); /* 104 bits */
    assert_int_equal(strspn(token, "abcdefghijklmnopqrstuvwxyz234567"), 21);
    address = participant_address(s->db, made.id);
    assert_string_equal(address, "Finder@example.net");
    mem_free_secret(&address);
    upper(token); /* some systems write addresses in capitals */
    OK(participant_by_token(s->db, token, &found, &s->why));
    assert_int_equal(found.id, made.id);
    assert_int_equal(found.case_id, id);
    assert_string_equal(found.role, "reporter");
    participant_row_free(&found);
    OK(participant_by_address(s->db, id, "fINDER@EXAMPLE.net", &found, &s->why));
    assert_int_equal(found.id, made.id);
    participant_row_free(&found);
    assert_int_equal(participant_by_address(s->db, other, "finder@example.net", &found, &s->why), ERR_NOT_FOUND);
    assert_int_equal(participant_by_token(s->db, "", &found, &s->why), ERR_NOT_FOUND);
    OK(participant_all(s->db, id, &rows, &n, &s->why));
    assert_int_equal(n, 2);
    assert_string_equal(rows[1].role, "invited");
    assert_true(rows[1].ended_at == INSTANT_NONE);
    for (size_t i = 0; i < n; i++)
        participant_row_free(&rows[i]);
    free(rows);
    OK(participant_key(s->db, made.id, &key, &s->why));
    assert_int_equal(key.len, 0);
    OK(participant_set_key(s->db, made.id, span_of("NEW"), "BB", &s->why));
    OK(participant_key(s->db, made.id, &key, &s->why));
    assert_string_equal(buf_text(&key), "NEW");
    OK(db_run(s->db, &s->why, "UPDATE participant SET ended_at = ? WHERE id = ?", "ii", NOW, made.id));
    assert_int_equal(participant_by_token(s->db, token, &found, &s->why), ERR_NOT_FOUND);
    assert_int_equal(participant_by_address(s->db, id, "finder@example.net", &found, &s->why), ERR_NOT_FOUND);
    mem_free_secret(&token);
    participant_row_free(&made);
    participant_row_free(&second);
    buf_free(&key);
}

/* Keys are found by digests; what an older program left in clear is sealed. */
static void test_participant_keys(void **state)
{
    static const char fingerprint[] = "0123456789ABCDEF0123456789ABCDEF01234567", key_id[] = "89ABCDEF01234567";
    struct store *s = *state;
    int64_t id = store_case(s, "aaaa2345"), ended;
    struct participant_row who, found;
    struct message_row message = {.at = NOW, .author = "reporter"}, *rows;
    struct buf key = BUF_EMPTY;
    size_t n;

    OK(participant_insert(s->db, id, "reporter", "finder@example.net", span_of("KEY"), fingerprint, NOW, &who,
                          &s->why));
    OK(participant_key_of_issuer(s->db, fingerprint, &key, &s->why));
    assert_string_equal(buf_text(&key), "KEY");
    OK(participant_key_of_issuer(s->db, key_id, &key, &s->why));
    assert_int_equal(participant_key_of_issuer(s->db, "FEDCBA9876543210", &key, &s->why), ERR_NOT_FOUND);
    assert_int_equal(participant_key_of_issuer(s->db, "", &key, &s->why), ERR_NOT_FOUND);
    assert_int_equal(db_value(s->db, -1, "SELECT COUNT(*) FROM participant WHERE fingerprint IS NOT NULL", ""), 0);
    /* as an older program had it */
    OK(message_insert(s->db, id, &message, span_of("raw"), span_of("{}"), &s->why));
    OK(db_run(s->db, &s->why, "UPDATE message SET signed_by = ?", "t", fingerprint));
    OK(db_run(s->db, &s->why,
              "UPDATE participant SET fingerprint = ?, key_digest = NULL, key_id_digest = NULL,"
              " sealed_fingerprint = NULL",
              "t", fingerprint));
    OK(participant_seal_old(s->db, &s->why));
    assert_int_equal(db_value(s->db, -1, "SELECT COUNT(*) FROM participant WHERE fingerprint IS NOT NULL", ""), 0);
    assert_int_equal(db_value(s->db, -1, "SELECT COUNT(*) FROM message WHERE signed_by IS NOT NULL", ""), 0);
    OK(participant_by_address(s->db, id, "finder@example.net", &found, &s->why));
    assert_string_equal(found.fingerprint, fingerprint);
    OK(participant_key_of_issuer(s->db, key_id, &key, &s->why));
    OK(message_all(s->db, id, &rows, &n, &s->why));
    assert_string_equal(rows[0].signed_by, fingerprint);
    OK(participant_end_person(s->db, LIST, "else@example.net", NULL, NOW, &ended, &s->why));
    assert_int_equal(ended, 0);
    OK(participant_end_person(s->db, LIST, "else@example.net", fingerprint, NOW, &ended, &s->why));
    assert_int_equal(ended, 1);
    participant_row_free(&found);
    participant_row_free(&who);
    message_row_free(&rows[0]);
    free(rows);
    buf_free(&key);
}

static void test_notes(void **state)
{
    struct store *s = *state;
    int64_t id = store_case(s, "aaaa2345");
    struct note_row *rows;
    size_t n;

    OK(note_insert(s->db, id, "admin:a@example.org", "first", NOW, &s->why));
    OK(note_insert(s->db, id, "admin:b@example.org", "", NOW + 1, &s->why));
    OK(note_all(s->db, id, &rows, &n, &s->why));
    assert_int_equal(n, 2);
    assert_string_equal(rows[0].actor, "admin:a@example.org");
    assert_string_equal(rows[0].text, "first");
    assert_string_equal(rows[1].text, "");
    assert_true(rows[1].at == NOW + 1);
    for (size_t i = 0; i < n; i++)
        note_row_free(&rows[i]);
    free(rows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_STORE(test_all_columns),  WITH_STORE(test_unset_columns),    WITH_STORE(test_unknown),
        WITH_STORE(test_all),          WITH_STORE(test_messages),         WITH_STORE(test_references),
        WITH_STORE(test_participants), WITH_STORE(test_participant_keys), WITH_STORE(test_notes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

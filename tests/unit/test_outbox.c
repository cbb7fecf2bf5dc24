#include "tests/unit/store_fixture.h"

#include "store/outbox.h"

static int64_t mail_of(struct store *s, int64_t case_id, const char *kind, const char *form)
{
    struct mail_row row = {.list_id = LIST,
                           .case_id = case_id,
                           .version = case_id ? 1 : 0,
                           .kind = (char *)kind,
                           .form = (char *)form,
                           .message_id = "<1@example.org>",
                           .state = "sealing",
                           .made_at = NOW};

    OK(mail_insert(s->db, &row, span_of("payload"), span_of("prefix"), span_of("suffix"), &s->why));
    return row.id;
}

static int64_t copy_of(struct store *s, int64_t mail, int64_t member, const char *state, int64_t next_at)
{
    struct copy_row row = {.mail_id = mail,
                           .member_id = member,
                           .org = member ? "one" : NULL,
                           .address = "a@example.org",
                           .fingerprint = "AA",
                           .state = (char *)state,
                           .earliest_at = INSTANT_NONE,
                           .next_at = next_at};

    OK(copy_insert(s->db, &row, NULL, &s->why));
    return row.id;
}

/* The ids that are due, as "1 2 3". */
static void expect_due(struct store *s, int64_t now, const int64_t *busy, size_t n_busy, size_t max, const char *words)
{
    struct buf text = BUF_EMPTY;
    int64_t ids[16];
    size_t n;

    OK(copy_due(s->db, now, now, busy, n_busy, ids, max, &n, &s->why));
    assert_true(n <= max);
    for (size_t i = 0; i < n; i++)
        buf_printf(&text, "%s%d", i ? " " : "", (int)ids[i]);
    assert_string_equal(buf_text(&text), words);
    buf_free(&text);
}

static void expect_state(struct store *s, int64_t copy, const char *state)
{
    struct copy_row row;

    OK(copy_by_id(s->db, copy, &row, &s->why));
    assert_string_equal(row.state, state);
    copy_row_free(&row);
}

static void test_mail(void **state)
{
    struct store *s = *state;
    int64_t c = store_case(s, "aaaa2345"), id = mail_of(s, c, "advisory", "sealed"),
            plain = mail_of(s, 0, "notice", "cleared");
    struct buf a = BUF_EMPTY, b = BUF_EMPTY;
    struct mail_row row;

    OK(mail_by_id(s->db, id, &row, &s->why));
    assert_int_equal(row.case_id, c);
    assert_int_equal(row.version, 1);
    assert_string_equal(row.kind, "advisory");
    assert_string_equal(row.form, "sealed");
    assert_string_equal(row.message_id, "<1@example.org>");
    assert_true(row.made_at == NOW);
    mail_row_free(&row);
    OK(mail_by_id(s->db, plain, &row, &s->why));
    assert_int_equal(row.case_id, 0);
    assert_int_equal(row.version, 0);
    mail_row_free(&row);
    OK(mail_payload(s->db, id, &a, &s->why));
    assert_string_equal(buf_text(&a), "payload");
    OK(mail_frame(s->db, id, &a, &b, &s->why));
    assert_string_equal(buf_text(&a), "prefix");
    assert_string_equal(buf_text(&b), "suffix");
    assert_int_equal(mail_by_id(s->db, 99, &row, &s->why), ERR_NOT_FOUND);
    assert_string_equal(s->why.rule, "queue.unknown");
    buf_free(&a);
    buf_free(&b);
}

static void test_next_to_seal(void **state)
{
    struct store *s = *state;
    int64_t ids[3];

    assert_int_equal(mail_next_to_seal(s->db, NULL, 0), 0);
    for (int i = 0; i < 3; i++)
        ids[i] = mail_of(s, 0, "notice", "sealed");
    assert_int_equal(mail_next_to_seal(s->db, NULL, 0), ids[0]);
    assert_int_equal(mail_next_to_seal(s->db, ids, 1), ids[1]);
    assert_int_equal(mail_next_to_seal(s->db, ids, 3), 0);
    OK(mail_settle(s->db, ids[0], &s->why));
    assert_int_equal(mail_next_to_seal(s->db, NULL, 0), ids[1]);
}

/* The payload goes with the last copy that was sealed; that of a cleared mail is still to be sent. */
static void test_settle(void **state)
{
    struct store *s = *state;
    int64_t sealed = mail_of(s, 0, "notice", "sealed"), cleared = mail_of(s, 0, "notice", "cleared"),
            first = copy_of(s, sealed, 0, "sealing", NOW), second = copy_of(s, sealed, 0, "sealing", NOW), body;
    struct buf out = BUF_EMPTY;
    struct mail_row row;
    char *file;

    OK(body_insert(s->db, sealed, "body-1", 1000, &body, &s->why));
    OK(copy_sealed(s->db, first, span_of("head"), body, &s->why));
    expect_state(s, first, "queued");
    OK(mail_settle(s->db, sealed, &s->why));
    OK(mail_payload(s->db, sealed, &out, &s->why));
    assert_string_equal(buf_text(&out), "payload");
    OK(mail_by_id(s->db, sealed, &row, &s->why));
    assert_string_equal(row.state, "sealing");
    mail_row_free(&row);
    OK(copy_set_state(s->db, second, "failed", "key.expired", NOW, &s->why));
    OK(copy_sealed(s->db, second, span_of("head"), body, &s->why)); /* too late: it stays failed */
    expect_state(s, second, "failed");
    OK(mail_settle(s->db, sealed, &s->why));
    OK(mail_payload(s->db, sealed, &out, &s->why));
    assert_int_equal(out.len, 0);
    OK(mail_by_id(s->db, sealed, &row, &s->why));
    assert_string_equal(row.state, "ready");
    mail_row_free(&row);
    OK(mail_settle(s->db, cleared, &s->why));
    OK(mail_payload(s->db, cleared, &out, &s->why));
    assert_string_equal(buf_text(&out), "payload");
    OK(copy_head(s->db, first, &out, &s->why));
    assert_string_equal(buf_text(&out), "head");
    file = body_file(s->db, body);
    assert_string_equal(file, "body-1");
    free(file);
    assert_null(body_file(s->db, 99));
    assert_true(body_is_known(s->db, "body-1"));
    assert_false(body_is_known(s->db, "body-2"));
    buf_free(&out);
}

static void test_due_order(void **state)
{
    struct store *s = *state;
    int64_t mail = mail_of(s, 0, "notice", "sealed"), busy[3] = {3, 1, 99};

    copy_of(s, mail, 0, "queued", NOW);       /* 1 */
    copy_of(s, mail, 0, "deferred", NOW - 5); /* 2 */
    copy_of(s, mail, 0, "queued", NOW - 9);   /* 3 */
    copy_of(s, mail, 0, "queued", NOW + 1);   /* 4 */
    copy_of(s, mail, 0, "sealing", NOW - 9);  /* 5 */
    copy_of(s, mail, 0, "sent", NOW - 9);     /* 6 */
    copy_of(s, mail, 0, "failed", NOW - 9);   /* 7 */
    copy_of(s, mail, 0, "dropped", NOW - 9);  /* 8 */
    copy_of(s, mail, 0, "queued", NOW);       /* 9 */
    expect_due(s, NOW, NULL, 0, 16, "3 2 1 9");
    expect_due(s, NOW + 1, NULL, 0, 16, "3 2 1 9 4");
    expect_due(s, NOW - 6, NULL, 0, 16, "3");
    expect_due(s, NOW - 10, NULL, 0, 16, "");
    expect_due(s, NOW, NULL, 0, 2, "3 2");
    expect_due(s, NOW, NULL, 0, 0, "");
    expect_due(s, NOW, busy, 3, 16, "2 9");
    expect_due(s, NOW, busy, 3, 1, "2");
    expect_due(s, NOW, busy, 2, 2, "2 9"); /* those that are busy do not use the places up */
    assert_int_equal(copy_count_open(s->db, NOW), 5);
    assert_int_equal(copy_count_open(s->db, NOW + 1), 6);
}

static void test_due_by_member(void **state)
{
    static const struct {
        const char *state;
        bool due;
    } rows[] = {{"active", true},   {"key-trouble", true}, {"suspended", false},
                {"removed", false}, {"unknown", false},    {"active", true}};
    struct store *s = *state;
    int64_t member = store_member(s, "one"), mail = mail_of(s, 0, "notice", "sealed");

    copy_of(s, mail, member, "queued", NOW);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        OK(member_set_state(s->db, member, rows[i].state, NULL, NOW, &s->why));
        expect_due(s, NOW, NULL, 0, 16, rows[i].due ? "1" : "");
        assert_int_equal(copy_count_open(s->db, NOW), rows[i].due);
    }
}

static void test_states_of_a_copy(void **state)
{
    struct store *s = *state;
    int64_t mail = mail_of(s, 0, "notice", "sealed"), id = copy_of(s, mail, 0, "queued", NOW);
    struct copy_row row;

    OK(copy_count_seal_try(s->db, id, &s->why));
    OK(copy_set_deferred(s->db, id, "450 4.2.0", NOW + 60, &s->why));
    OK(copy_set_deferred(s->db, id, "451 4.3.0", NOW + 120, &s->why));
    expect_due(s, NOW + 119, NULL, 0, 16, "");
    expect_due(s, NOW + 120, NULL, 0, 16, "1");
    OK(copy_set_sent(s->db, id, "250 2.0.0", "Q123", NOW + 121, &s->why));
    OK(copy_by_id(s->db, id, &row, &s->why));
    assert_string_equal(row.state, "sent");
    assert_int_equal(row.tries, 3);
    assert_int_equal(row.seal_tries, 1);
    assert_string_equal(row.code, "250 2.0.0");
    assert_string_equal(row.queue_id, "Q123");
    assert_true(row.earliest_at == INSTANT_NONE);
    copy_row_free(&row);
    /* a report that comes late or twice never sends it again */
    OK(copy_set_deferred(s->db, id, "450 4.2.0", NOW, &s->why));
    expect_state(s, id, "sent");
    assert_int_equal(copy_by_id(s->db, 99, &row, &s->why), ERR_NOT_FOUND);
}

/* A reporter's address is kept sealed, and only until the mail has gone. */
static void test_secret_address(void **state)
{
    struct store *s = *state;
    struct copy_row row = {.mail_id = mail_of(s, 0, "reply", "sealed"),
                           .state = "queued",
                           .earliest_at = NOW + 7,
                           .next_at = NOW + 7},
                    read;
    char *address;

    OK(copy_insert(s->db, &row, "finder@example.net", &s->why));
    OK(copy_by_id(s->db, row.id, &read, &s->why));
    assert_null(read.address);
    assert_null(read.org);
    assert_int_equal(read.member_id, 0);
    assert_int_equal(read.body_id, 0);
    assert_true(read.earliest_at == NOW + 7);
    address = copy_address(s->db, &read);
    assert_string_equal(address, "finder@example.net");
    mem_free_secret(&address);
    OK(copy_set_sent(s->db, row.id, "250", NULL, NOW + 8, &s->why));
    assert_null(copy_address(s->db, &read));
    copy_row_free(&read);
}

static void test_drop_member(void **state)
{
    static const char *const states[] = {"sealing", "queued", "deferred", "sent", "failed"};
    static const char *const after[] = {"dropped", "dropped", "dropped", "sent", "failed"};
    struct store *s = *state;
    int64_t gone = store_member(s, "gone"), other = store_member(s, "other"), ids[5], n, kept,
            mail = mail_of(s, 0, "notice", "sealed");

    for (size_t i = 0; i < 5; i++)
        ids[i] = copy_of(s, mail, gone, states[i], NOW);
    kept = copy_of(s, mail, other, "queued", NOW);
    OK(copy_drop_member(s->db, gone, "member.removed", NOW, &n, &s->why));
    assert_int_equal(n, 3);
    for (size_t i = 0; i < 5; i++)
        expect_state(s, ids[i], after[i]);
    expect_state(s, kept, "queued");
    OK(copy_drop_member(s->db, gone, "member.removed", NOW, &n, &s->why));
    assert_int_equal(n, 0);
}

/* A copy that was recalled while the courier had it is not tried again. */
static void test_dropped_in_flight(void **state)
{
    struct store *s = *state;
    int64_t c = store_case(s, "aaaa2345"), mail = mail_of(s, c, "advisory", "sealed"),
            id = copy_of(s, mail, 0, "queued", NOW), n;

    OK(copy_drop_case(s->db, c, "recalled", NOW, &n, &s->why));
    assert_int_equal(n, 1);
    OK(copy_set_deferred(s->db, id, "450 4.2.0", NOW + 60, &s->why));
    expect_state(s, id, "dropped");
    expect_due(s, NOW + 1000, NULL, 0, 16, "");
}

static void test_drop_case(void **state)
{
    struct store *s = *state;
    int64_t a = store_case(s, "aaaa2345"), b = store_case(s, "bbbb2345"), n,
            advisory = copy_of(s, mail_of(s, a, "advisory", "sealed"), 0, "queued", NOW),
            reply = copy_of(s, mail_of(s, a, "reply", "sealed"), 0, "queued", NOW),
            other = copy_of(s, mail_of(s, b, "advisory", "sealed"), 0, "queued", NOW);

    OK(copy_drop_case(s->db, a, "recalled", NOW, &n, &s->why));
    assert_int_equal(n, 1);
    expect_state(s, advisory, "dropped");
    expect_state(s, reply, "queued");
    expect_state(s, other, "queued");
}

static void test_lists_of_copies(void **state)
{
    struct store *s = *state;
    int64_t mail = mail_of(s, 0, "notice", "sealed"), other = mail_of(s, 0, "notice", "sealed");
    struct copy_row *rows;
    size_t n;

    copy_of(s, mail, 0, "queued", NOW);
    copy_of(s, other, 0, "queued", NOW);
    copy_of(s, mail, 0, "sent", NOW);
    OK(copy_of_mail(s->db, mail, NULL, &rows, &n, &s->why));
    assert_int_equal(n, 2);
    for (size_t i = 0; i < n; i++)
        copy_row_free(&rows[i]);
    free(rows);
    OK(copy_of_mail(s->db, mail, "sent", &rows, &n, &s->why));
    assert_int_equal(n, 1);
    assert_int_equal(rows[0].id, 3);
    copy_row_free(&rows[0]);
    free(rows);
    OK(copy_all(s->db, LIST, 2, &rows, &n, &s->why));
    assert_int_equal(n, 2);
    assert_int_equal(rows[0].id, 3);
    assert_int_equal(rows[1].id, 2);
    for (size_t i = 0; i < n; i++)
        copy_row_free(&rows[i]);
    free(rows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_STORE(test_mail),           WITH_STORE(test_next_to_seal),    WITH_STORE(test_settle),
        WITH_STORE(test_due_order),      WITH_STORE(test_due_by_member),   WITH_STORE(test_states_of_a_copy),
        WITH_STORE(test_secret_address), WITH_STORE(test_drop_member),     WITH_STORE(test_dropped_in_flight),
        WITH_STORE(test_drop_case),      WITH_STORE(test_lists_of_copies),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

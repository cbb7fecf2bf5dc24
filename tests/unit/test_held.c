#include "tests/unit/store_fixture.h"

#include "store/held.h"

static void hold(struct store *s, const char *rule, struct span raw, struct held_row *row)
{
    *row = (struct held_row){.list_id = LIST, .at = NOW, .rule = (char *)rule};
    OK(held_insert(s->db, row, span_of("envelope"), raw, &s->why));
    assert_int_equal(strlen(row->code), 8);
}

static void test_content(void **state)
{
    static const uint8_t bytes[] = {'a', 0, 0xff, '\r', '\n'};
    struct store *s = *state;
    struct buf envelope = BUF_EMPTY, raw = BUF_EMPTY;
    struct held_row made, row;

    hold(s, "too-deep", (struct span){bytes, sizeof bytes}, &made);
    OK(held_by_code(s->db, made.code, &row, &s->why));
    assert_int_equal(row.id, made.id);
    assert_int_equal(row.list_id, LIST);
    assert_true(row.at == NOW);
    assert_string_equal(row.rule, "too-deep");
    assert_string_equal(row.state, "held");
    assert_int_equal(row.size_bytes, sizeof bytes);
    OK(held_content(s->db, row.id, &envelope, &raw, &s->why));
    assert_string_equal(buf_text(&envelope), "envelope");
    assert_int_equal(raw.len, sizeof bytes);
    assert_memory_equal(raw.data, bytes, sizeof bytes);
    held_row_free(&row);
    assert_int_equal(held_by_code(s->db, "nothing", &row, &s->why), ERR_NOT_FOUND);
    assert_string_equal(s->why.rule, "held.unknown");
    buf_free(&envelope);
    buf_free(&raw);
}

static void test_empty_content(void **state)
{
    struct store *s = *state;
    struct buf envelope = BUF_EMPTY, raw = BUF_EMPTY;
    struct held_row row;

    hold(s, "empty", (struct span){NULL, 0}, &row);
    OK(held_content(s->db, row.id, &envelope, &raw, &s->why));
    assert_int_equal(raw.len, 0);
    buf_free(&envelope);
    buf_free(&raw);
}

/* What was decided about has no content any more, and is not listed. */
static void test_states(void **state)
{
    static const char *const states[] = {"released", "discarded"};
    struct store *s = *state;
    struct buf envelope = BUF_EMPTY, raw = BUF_EMPTY;
    struct held_row made[3], *list, row;
    size_t n;

    for (size_t i = 0; i < 3; i++)
        hold(s, "replay", span_of("content"), &made[i]);
    for (size_t i = 0; i < 2; i++) {
        OK(held_set_state(s->db, made[i].id, states[i], &s->why));
        OK(held_by_code(s->db, made[i].code, &row, &s->why));
        assert_string_equal(row.state, states[i]);
        held_row_free(&row);
        OK(held_content(s->db, made[i].id, &envelope, &raw, &s->why));
        assert_int_equal(envelope.len, 0);
        assert_int_equal(raw.len, 0);
    }
    OK(held_all(s->db, &list, &n, &s->why));
    assert_int_equal(n, 1);
    assert_string_equal(list[0].code, made[2].code);
    held_row_free(&list[0]);
    free(list);
    buf_free(&envelope);
    buf_free(&raw);
}

static void test_seen(void **state)
{
    static const struct {
        const char *kind, *bytes, *owner;
        bool seen, same;
    } rows[] = {
        {"cipher", "one", "a@example.org", false, false},
        {"cipher", "one", "a@example.org", true, true},
        {"cipher", "one", "b@example.org", true, false},
        {"cipher", "one", "a@example.org", true, true},
        {"cipher", "two", "b@example.org", false, false},
        {"payload", "one", "b@example.org", false, false},
        {"payload", "one", "a@example.org", true, false},
        {"cipher", "", "", false, false},
        {"cipher", "", "", true, true},
        {"cipher", "", "a@example.org", true, false},
    };
    struct store *s = *state;

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        bool seen = !rows[i].seen, same = !rows[i].same;

        OK(seen_before(s->db, rows[i].kind, span_of(rows[i].bytes), span_of(rows[i].owner), NOW, &seen, &same,
                       &s->why));
        assert_int_equal(seen, rows[i].seen);
        assert_int_equal(same, rows[i].same);
    }
    assert_int_equal(db_value(s->db, 0, "SELECT COUNT(*) FROM seen", ""), 4);
}

static void test_forget(void **state)
{
    struct store *s = *state;
    bool seen, same;

    for (int i = 0; i < 3; i++)
        OK(seen_before(s->db, "delivery", (struct span){(const uint8_t *)"abc" + i, 1}, span_of(""), NOW + i, &seen,
                       &same, &s->why));
    OK(seen_before(s->db, "cipher", span_of("a"), span_of(""), NOW, &seen, &same, &s->why));
    OK(seen_forget(s->db, "delivery", NOW + 1, &s->why));
    OK(seen_before(s->db, "delivery", span_of("a"), span_of(""), NOW + 9, &seen, &same, &s->why));
    assert_false(seen);
    OK(seen_before(s->db, "delivery", span_of("b"), span_of(""), NOW + 9, &seen, &same, &s->why));
    assert_true(seen);
    OK(seen_before(s->db, "cipher", span_of("a"), span_of(""), NOW + 9, &seen, &same, &s->why));
    assert_true(seen);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_STORE(test_content), WITH_STORE(test_empty_content), WITH_STORE(test_states),
        WITH_STORE(test_seen),    WITH_STORE(test_forget),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

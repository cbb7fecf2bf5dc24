#include "tests/unit/store_fixture.h"

#include "store/duties.h"

/* "kind/object/detail@minutes after NOW" of each that is due, in order. */
static void expect(struct store *s, int64_t now, const char *words)
{
    struct duty_row *rows;
    struct buf text = BUF_EMPTY;
    size_t n;

    OK(duty_due(s->db, now, &rows, &n, &s->why));
    for (size_t i = 0; i < n; i++)
        buf_printf(&text, "%s%s/%d/%s@%d", i ? " " : "", rows[i].kind, (int)rows[i].object, rows[i].detail,
                   (int)((rows[i].at - NOW) / 60));
    assert_string_equal(buf_text(&text), words);
    assert_int_equal(duty_count_due(s->db, now), n);
    for (size_t i = 0; i < n; i++)
        duty_row_free(&rows[i]);
    free(rows);
    buf_free(&text);
}

static void put(struct store *s, const char *kind, int64_t object, const char *detail, int minutes)
{
    OK(duty_put(s->db, 1, kind, object, detail, NOW + minutes * 60, &s->why));
}

static void set_done(struct store *s, const char *kind)
{
    OK(duty_set_done(s->db, db_value(s->db, 0, "SELECT id FROM duty WHERE kind = ?", "t", kind), NOW, &s->why));
}

static void test_due_in_order(void **state)
{
    struct store *s = *state;

    put(s, "key", 3, "30d", 5);
    put(s, "head", 0, "", 2);
    put(s, "key", 3, "7d", 5);
    expect(s, NOW + 119, "");
    expect(s, NOW + 120, "head/0/@2");
    expect(s, NOW + 300, "head/0/@2 key/3/30d@5 key/3/7d@5");
}

static void test_moves_while_it_waits(void **state)
{
    struct store *s = *state;

    put(s, "head", 0, "", 2);
    put(s, "head", 0, "", -3);
    expect(s, NOW, "head/0/@-3");
    put(s, "head", 0, "", 9);
    expect(s, NOW, "");
}

static void test_done_waits_again_only_later(void **state)
{
    struct store *s = *state;

    put(s, "head", 0, "", 0);
    set_done(s, "head");
    expect(s, NOW, "");
    put(s, "head", 0, "", 0);
    put(s, "head", 0, "", -1);
    expect(s, NOW, "");
    put(s, "head", 0, "", 1);
    expect(s, NOW + 60, "head/0/@1");
}

static void test_end(void **state)
{
    struct store *s = *state;

    assert_true(duty_instant(s->db, "key", 3, "30d") == INSTANT_NONE);
    put(s, "key", 3, "30d", 0);
    put(s, "key", 3, "7d", 0);
    put(s, "key", 4, "7d", 0);
    assert_true(duty_instant(s->db, "key", 3, "30d") == NOW);
    OK(duty_end(s->db, "key", 3, "30d", &s->why));
    expect(s, NOW, "key/3/7d@0 key/4/7d@0");
    OK(duty_end(s->db, "key", 3, NULL, &s->why));
    expect(s, NOW, "key/4/7d@0");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_STORE(test_due_in_order),
        WITH_STORE(test_moves_while_it_waits),
        WITH_STORE(test_done_waits_again_only_later),
        WITH_STORE(test_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "tests/unit/store_fixture.h"

#include "store/deadlines.h"
#include "store/outlook.h"

static void put(struct store *s, int64_t case_id, const char *clock, const char *tier, int64_t at)
{
    struct deadline_row row = {.case_id = case_id,
                               .clock = (char *)clock,
                               .tier = (char *)tier,
                               .at = at,
                               .rule = "clocks.embargo",
                               .force = "must"};

    OK(deadline_put(s->db, &row, &s->why));
}

static void free_rows(struct deadline_row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++)
        deadline_row_free(&rows[i]);
    free(rows);
}

/* "clock/tier@minutes after NOW[!]" of each row, in order; ! is one that has fired. */
static void expect(struct store *s, int64_t case_id, const char *words)
{
    struct deadline_row *rows;
    struct buf text = BUF_EMPTY;
    size_t n;

    OK(deadline_all(s->db, case_id, &rows, &n, &s->why));
    for (size_t i = 0; i < n; i++)
        buf_printf(&text, "%s%s/%s@%d%s", i ? " " : "", rows[i].clock, rows[i].tier ? rows[i].tier : "-",
                   (int)((rows[i].at - NOW) / 60), rows[i].fired_at == INSTANT_NONE ? "" : "!");
    assert_string_equal(buf_text(&text), words);
    free_rows(rows, n);
    buf_free(&text);
}

static int64_t id_of(struct store *s, const char *clock)
{
    return db_value(s->db, 0, "SELECT id FROM deadline WHERE clock = ?", "t", clock);
}

static void test_put_moves(void **state)
{
    struct store *s = *state;
    int64_t c = store_case(s, "aaaaaaaa");

    expect(s, c, "");
    put(s, c, "embargo", NULL, NOW + 600);
    put(s, c, "embargo", "full", NOW + 300);
    put(s, c, "embargo", "late", NOW + 60);
    expect(s, c, "embargo/late@1 embargo/full@5 embargo/-@10");
    put(s, c, "embargo", NULL, NOW + 120);
    expect(s, c, "embargo/late@1 embargo/-@2 embargo/full@5");
    put(s, c, "embargo", NULL, NOW - 120);
    expect(s, c, "embargo/-@-2 embargo/late@1 embargo/full@5");
}

/* What has fired fires again only for an instant that lies after its firing. */
static void test_put_after_firing(void **state)
{
    static const struct {
        int64_t to;
        const char *words;
    } rows[] = {
        {NOW, "embargo/-@0!"},      {NOW - 600, "embargo/-@0!"},
        {NOW + 60, "embargo/-@0!"}, /* the instant of its firing */
        {NOW + 120, "embargo/-@2"}, {NOW + 180, "embargo/-@3"},
    };
    struct store *s = *state;
    int64_t c = store_case(s, "aaaaaaaa");

    put(s, c, "embargo", NULL, NOW);
    OK(deadline_set_fired(s->db, id_of(s, "embargo"), NOW + 60, &s->why));
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        put(s, c, "embargo", NULL, rows[i].to);
        expect(s, c, rows[i].words);
    }
}

static void test_due(void **state)
{
    struct store *s = *state;
    int64_t a = store_case(s, "aaaaaaaa"), b = store_case(s, "bbbbbbbb");
    struct deadline_row *rows;
    size_t n;

    assert_true(outlook_next_at(s->db, "") == INSTANT_NONE);
    assert_int_equal(deadline_count_due(s->db, INT64_MAX), 0);
    put(s, a, "later", NULL, NOW + 1);
    put(s, a, "now", "full", NOW);
    put(s, b, "before", NULL, NOW - 1);
    assert_int_equal(deadline_count_due(s->db, NOW - 2), 0);
    assert_int_equal(deadline_count_due(s->db, NOW - 1), 1);
    assert_int_equal(deadline_count_due(s->db, NOW), 2);
    assert_true(outlook_next_at(s->db, "") == NOW - 1);
    OK(deadline_due(s->db, NOW, &rows, &n, &s->why));
    assert_int_equal(n, 2);
    assert_string_equal(rows[0].clock, "before");
    assert_int_equal(rows[0].case_id, b);
    assert_null(rows[0].tier);
    assert_string_equal(rows[1].clock, "now");
    assert_string_equal(rows[1].tier, "full");
    assert_string_equal(rows[1].rule, "clocks.embargo");
    assert_string_equal(rows[1].force, "must");
    for (size_t i = 0; i < n; i++)
        OK(deadline_set_fired(s->db, rows[i].id, NOW, &s->why));
    free_rows(rows, n);
    OK(deadline_due(s->db, NOW, &rows, &n, &s->why));
    assert_int_equal(n, 0);
    assert_null(rows);
    assert_true(outlook_next_at(s->db, "") == NOW + 1);
    assert_true(outlook_next_at(s->db, ",99,") == INSTANT_NONE);
    expect(s, a, "now/full@0! later/-@0");
}

static void test_prune(void **state)
{
    struct store *s = *state;
    int64_t a = store_case(s, "aaaaaaaa"), b = store_case(s, "bbbbbbbb"), keep[2];

    put(s, a, "kept", NULL, NOW);
    put(s, a, "gone", NULL, NOW + 60);
    put(s, a, "fired", NULL, NOW + 120);
    put(s, b, "other", NULL, NOW);
    OK(deadline_set_fired(s->db, id_of(s, "fired"), NOW + 120, &s->why));
    keep[0] = id_of(s, "kept");
    keep[1] = 0; /* a deadline that could not be read */
    OK(deadline_prune(s->db, a, keep, 2, &s->why));
    expect(s, a, "kept/-@0 fired/-@2!");
    expect(s, b, "other/-@0");
    OK(deadline_prune(s->db, a, NULL, 0, &s->why));
    expect(s, a, "fired/-@2!");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_STORE(test_put_moves),
        WITH_STORE(test_put_after_firing),
        WITH_STORE(test_due),
        WITH_STORE(test_prune),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

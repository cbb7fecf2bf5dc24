#include "tests/unit/store_fixture.h"

#include "store/advisories.h"

static int64_t advisory(struct store *s, int64_t case_id, int64_t version, const char *document)
{
    struct advisory_row row = {.case_id = case_id, .version = version, .at = NOW};
    int64_t id;

    OK(advisory_insert(s->db, &row, span_of(document), &s->why));
    assert_string_equal(row.state, "draft");
    id = row.id;
    advisory_row_free(&row);
    return id;
}

static void expect_document(struct store *s, int64_t id, const char *text)
{
    struct buf out = BUF_EMPTY;

    OK(advisory_document(s->db, id, &out, &s->why));
    assert_string_equal(buf_text(&out), text);
    buf_free(&out);
}

static void test_versions(void **state)
{
    struct store *s = *state;
    int64_t c = store_case(s, "aaaa2345"), first, second;
    struct advisory_row row, *rows, twice = {.case_id = c, .version = 2, .at = NOW};
    size_t n;

    assert_int_equal(advisory_find(s->db, c, 0, &row, &s->why), ERR_NOT_FOUND);
    assert_string_equal(s->why.rule, "advisory.unknown");
    first = advisory(s, c, 1, "one");
    OK(advisory_set_sent(s->db, first, NOW + 5, &s->why));
    second = advisory(s, c, 2, "two");
    assert_int_equal(advisory_insert(s->db, &twice, span_of("x"), &s->why), ERR_INTERNAL);
    OK(advisory_find(s->db, c, 0, &row, &s->why));
    assert_int_equal(row.id, second);
    assert_string_equal(row.state, "draft");
    assert_true(row.sent_at == INSTANT_NONE);
    advisory_row_free(&row);
    OK(advisory_find(s->db, c, 1, &row, &s->why));
    assert_int_equal(row.id, first);
    assert_string_equal(row.state, "sent");
    assert_true(row.sent_at == NOW + 5);
    advisory_row_free(&row);
    assert_int_equal(advisory_find(s->db, c, 3, &row, &s->why), ERR_NOT_FOUND);
    assert_int_equal(advisory_find(s->db, c + 1, 0, &row, &s->why), ERR_NOT_FOUND);
    /* sent once: a second time changes nothing */
    OK(advisory_set_sent(s->db, first, NOW + 99, &s->why));
    OK(advisory_all(s->db, c, &rows, &n, &s->why));
    assert_int_equal(n, 2);
    assert_true(rows[0].sent_at == NOW + 5);
    for (size_t i = 0; i < n; i++)
        advisory_row_free(&rows[i]);
    free(rows);
}

static void test_documents(void **state)
{
    struct store *s = *state;
    int64_t c = store_case(s, "aaaa2345"), draft = advisory(s, c, 1, "one");

    expect_document(s, draft, "one");
    OK(advisory_set_document(s->db, draft, span_of("changed"), &s->why));
    expect_document(s, draft, "changed");
}

/* What was sent never changes, whoever asks. */
static void test_sent_is_final(void **state)
{
    struct store *s = *state;
    int64_t c = store_case(s, "aaaa2345"), sent = advisory(s, c, 1, "as sent");
    struct patch_row *patches;
    size_t n;

    OK(patch_put(s->db, sent, "a.patch", span_of("as sent"), &s->why));
    OK(advisory_set_sent(s->db, sent, NOW, &s->why));
    assert_int_equal(advisory_set_document(s->db, sent, span_of("other"), &s->why), ERR_DENIED);
    assert_string_equal(s->why.rule, "advisory.sent");
    assert_int_equal(patch_put(s->db, sent, "a.patch", span_of("other"), &s->why), ERR_DENIED);
    assert_int_equal(patch_put(s->db, sent, "b.patch", span_of("other"), &s->why), ERR_DENIED);
    expect_document(s, sent, "as sent");
    OK(patch_all(s->db, sent, &patches, &n, &s->why));
    assert_int_equal(n, 1);
    patch_row_free(&patches[0]);
    free(patches);
}

static void test_patches(void **state)
{
    static const uint8_t bytes[] = {0, 1, 2};
    struct store *s = *state;
    int64_t a = advisory(s, store_case(s, "aaaa2345"), 1, "x");
    struct patch_row *patches;
    struct buf out = BUF_EMPTY;
    size_t n;

    OK(patch_put(s->db, a, "one.patch", span_of("1"), &s->why));
    OK(patch_put(s->db, a, "two.patch", (struct span){bytes, sizeof bytes}, &s->why));
    OK(patch_put(s->db, a, "ONE.patch", span_of(""), &s->why));
    OK(patch_put(s->db, a, "one.patch", span_of("replaced"), &s->why));
    OK(patch_all(s->db, a, &patches, &n, &s->why));
    assert_int_equal(n, 3);
    assert_string_equal(patches[0].name, "one.patch");
    assert_int_equal(patches[0].size_bytes, 8);
    assert_int_equal(patches[1].n, 2);
    assert_int_equal(patches[2].size_bytes, 0);
    OK(patch_content(s->db, patches[0].id, &out, &s->why));
    assert_string_equal(buf_text(&out), "replaced");
    OK(patch_content(s->db, patches[1].id, &out, &s->why));
    assert_int_equal(out.len, sizeof bytes);
    assert_memory_equal(out.data, bytes, sizeof bytes);
    for (size_t i = 0; i < n; i++)
        patch_row_free(&patches[i]);
    free(patches);
    buf_free(&out);
}

static void test_told(void **state)
{
    struct store *s = *state;
    int64_t c = store_case(s, "aaaa2345"), other = store_case(s, "bbbb2345"), one = store_member(s, "one"),
            two = store_member(s, "two");

    assert_int_equal(told_version(s->db, c, one), 0);
    OK(told_add(s->db, c, one, 1, "full", NOW, &s->why));
    OK(told_add(s->db, c, one, 1, "full", NOW + 1, &s->why));
    OK(told_add(s->db, c, one, 3, "full", NOW + 2, &s->why));
    OK(told_add(s->db, c, one, 2, "full", NOW + 3, &s->why));
    assert_int_equal(told_version(s->db, c, one), 3);
    assert_int_equal(told_version(s->db, c, two), 0);
    assert_int_equal(told_version(s->db, other, one), 0);
    assert_int_equal(db_value(s->db, 0, "SELECT COUNT(*) FROM told", ""), 3);
    assert_true(db_value(s->db, 0, "SELECT at FROM told WHERE version = 1", "") == NOW);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_STORE(test_versions), WITH_STORE(test_documents), WITH_STORE(test_sent_is_final),
        WITH_STORE(test_patches),  WITH_STORE(test_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

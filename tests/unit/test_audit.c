#include "tests/unit/store_fixture.h"

#include "store/audit.h"

#define ENTRIES 5

static void append(struct store *s, int i)
{
    char event[16];

    snprintf(event, sizeof event, "event-%d", i);
    OK(audit_append(s->db, NOW + i, "admin:a@example.org", event, i % 2 ? "aaaaaaaa" : "bbbbbbbb",
                    i == 3 ? NULL : "case.rule", i == 2 ? "a secret reason" : NULL, &s->why));
}

static void fill(struct store *s)
{
    for (int i = 1; i <= ENTRIES; i++)
        append(s, i);
}

static int64_t bad_seq(struct store *s, int64_t anchor, const char *hash)
{
    int64_t entries, bad;
    char head[65];

    OK(audit_verify(s->db, anchor, hash, &entries, head, &bad, &s->why));
    return bad;
}

static void test_empty(void **state)
{
    struct store *s = *state;
    int64_t entries, bad;
    char head[65];

    OK(audit_verify(s->db, 0, NULL, &entries, head, &bad, &s->why));
    assert_int_equal(entries, 0);
    assert_int_equal(bad, 0);
    assert_int_equal(strlen(head), 64);
    assert_int_equal(strspn(head, "0"), 64);
    /* everything was cut away */
    assert_int_equal(bad_seq(s, 3, head), 3);
}

static void test_chain(void **state)
{
    struct store *s = *state;
    struct audit_entry *list;
    int64_t entries, bad;
    char head[65], hash[65], *detail;
    struct buf text = BUF_EMPTY;
    size_t n;

    fill(s);
    OK(audit_verify(s->db, 0, NULL, &entries, head, &bad, &s->why));
    assert_int_equal(entries, ENTRIES);
    assert_int_equal(bad, 0);
    OK(audit_entries(s->db, NULL, &list, &n, &s->why));
    assert_int_equal(n, ENTRIES);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(list[i].seq, i + 1);
        assert_int_equal(list[i].at, NOW + 1 + (int64_t)i);
        if (i)
            assert_string_equal(list[i].prev, list[i - 1].hash);
        /* the formula of the header, by hand */
        buf_clear(&text);
        buf_printf(&text, "%d\n%lld\nadmin:a@example.org\n%s\n%s\n%s\n%s", (int)i + 1, (long long)list[i].at,
                   list[i].event, list[i].object, list[i].rule, list[i].prev);
        box_sha256_hex(buf_span(&text), hash);
        assert_string_equal(list[i].hash, hash);
    }
    assert_string_equal(list[2].rule, "");
    assert_string_equal(head, list[n - 1].hash);
    detail = db_unseal_text(s->db, "audit", 2, "sealed_detail");
    assert_string_equal(detail, "a secret reason");
    mem_free_secret(&detail);
    for (size_t i = 0; i < n; i++)
        audit_entry_free(&list[i]);
    free(list);
    buf_free(&text);
}

static void test_of_an_object(void **state)
{
    struct store *s = *state;
    struct audit_entry *list;
    size_t n;

    fill(s);
    OK(audit_entries(s->db, "aaaaaaaa", &list, &n, &s->why));
    assert_int_equal(n, 3);
    for (size_t i = 0; i < n; i++) {
        assert_string_equal(list[i].object, "aaaaaaaa");
        assert_int_equal(list[i].seq, 1 + 2 * i);
        audit_entry_free(&list[i]);
    }
    free(list);
    OK(audit_entries(s->db, "nothing", &list, &n, &s->why));
    assert_int_equal(n, 0);
    free(list);
}

static void test_changes_are_found(void **state)
{
    static const struct {
        const char *sql;
        int64_t bad;
    } rows[] = {
        {"UPDATE audit SET at = at + 1 WHERE id = 1", 1},
        {"UPDATE audit SET actor = 'admin:b@example.org' WHERE id = 3", 3},
        {"UPDATE audit SET event = 'other' WHERE id = 5", 5},
        {"UPDATE audit SET object = '' WHERE id = 2", 2},
        {"UPDATE audit SET rule = 'other' WHERE id = 4", 4},
        {"UPDATE audit SET prev = hash WHERE id = 4", 4},
        {"UPDATE audit SET hash = upper(hash) WHERE id = 2", 2},
        {"UPDATE audit SET hash = '' WHERE id = 5", 5},
        {"UPDATE audit SET event = event || char(10) || object, object = rule, rule = prev WHERE id = 3", 3},
        {"DELETE FROM audit WHERE id = 1", 1},
        {"DELETE FROM audit WHERE id = 3", 3},
        {"DELETE FROM audit WHERE id < 5", 1},
        {"UPDATE audit SET id = 9 WHERE id = 5", 5},
        {"UPDATE audit SET id = -id", 1},
        {"UPDATE audit SET id = 0 WHERE id = 1", 1},
        {"INSERT INTO audit SELECT 6, at, actor, event, object, rule, prev, hash, NULL FROM audit WHERE id = 5", 6},
        {"INSERT INTO audit SELECT 6, at, actor, event, object, rule, hash, hash, NULL FROM audit WHERE id = 5", 6},
    };
    struct store *s = *state;

    fill(s);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        OK(db_begin(s->db, &s->why));
        OK(db_run(s->db, &s->why, rows[i].sql, ""));
        if (bad_seq(s, 0, NULL) != rows[i].bad)
            fail_msg("%s: bad_seq %d", rows[i].sql, (int)bad_seq(s, 0, NULL));
        db_rollback(s->db);
    }
    assert_int_equal(bad_seq(s, 0, NULL), 0);
}

/* A tail that was cut leaves a chain that fits; only what somebody noted before tells. */
static void test_anchor(void **state)
{
    struct store *s = *state;
    char head[65], third[65];
    int64_t entries, bad;

    for (int i = 1; i <= 3; i++)
        append(s, i);
    OK(audit_verify(s->db, 0, NULL, &entries, third, &bad, &s->why));
    append(s, 4);
    append(s, 5);
    OK(audit_verify(s->db, 0, NULL, &entries, head, &bad, &s->why));
    assert_int_equal(bad_seq(s, 5, head), 0);
    assert_int_equal(bad_seq(s, 3, third), 0);
    assert_int_equal(bad_seq(s, 4, third), 4);
    assert_int_equal(bad_seq(s, 6, head), 6);
    assert_int_equal(bad_seq(s, 5, ""), 5);
    assert_int_not_equal(bad_seq(s, 0, head), 0); /* no entry has this number */
    assert_int_not_equal(bad_seq(s, -1, head), 0);
    OK(db_run(s->db, &s->why, "DELETE FROM audit WHERE id > 3", ""));
    assert_int_equal(bad_seq(s, 0, NULL), 0);
    assert_int_equal(bad_seq(s, 3, third), 0);
    assert_int_equal(bad_seq(s, 5, head), 5);
    /* written anew behind the cut: the number is there, the hash is not */
    append(s, 1);
    append(s, 2);
    assert_int_equal(bad_seq(s, 0, NULL), 0);
    assert_int_equal(bad_seq(s, 5, head), 5);
}

/* An entry belongs to its transaction. */
static void test_rolled_back(void **state)
{
    struct store *s = *state;

    append(s, 1);
    OK(db_begin(s->db, &s->why));
    append(s, 2);
    db_rollback(s->db);
    append(s, 3);
    assert_int_equal(db_value(s->db, 0, "SELECT MAX(id) FROM audit", ""), 2);
    assert_int_equal(bad_seq(s, 0, NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_STORE(test_empty),        WITH_STORE(test_chain),
        WITH_STORE(test_of_an_object), WITH_STORE(test_changes_are_found),
        WITH_STORE(test_anchor),       WITH_STORE(test_rolled_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

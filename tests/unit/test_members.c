#include "tests/unit/store_fixture.h"

#include "store/secret_keys.h"

static void test_lists(void **state)
{
    struct store *s = *state;
    struct list_row row;
    int64_t number;

    assert_int_equal(list_by_name(s->db, "nothing", &row, &s->why), ERR_NOT_FOUND);
    assert_string_equal(s->why.rule, "list.unknown");
    OK(list_insert(s->db, "other", "AA", 470, &s->why));
    OK(list_by_name(s->db, "other", &row, &s->why));
    assert_int_equal(row.next_public, 470);
    for (int64_t i = 470; i < 473; i++) {
        OK(list_take_public_number(s->db, row.id, &number, &s->why));
        assert_int_equal(number, i);
    }
    list_row_free(&row);
    OK(list_insert(s->db, "other", "BB", 1, &s->why)); /* a new key; the series goes on */
    OK(list_by_name(s->db, "other", &row, &s->why));
    assert_string_equal(row.fingerprint, "BB");
    assert_int_equal(row.next_public, 473);
    list_row_free(&row);
}

static void test_members(void **state)
{
    struct store *s = *state;
    int64_t b = store_member(s, "beta"), a = store_member(s, "alpha");
    struct member_row row, *rows,
        again = {.list_id = LIST, .org = "alpha", .class_name = "x", .tier = "x", .state = "active"};
    char *reason;
    size_t n;

    assert_int_equal(member_insert(s->db, &again, &s->why), ERR_DENIED);
    assert_string_equal(s->why.rule, "member.exists");
    again.org = "Alpha";
    assert_int_equal(member_insert(s->db, &again, &s->why), ERR_DENIED);
    assert_string_equal(s->why.text, "this organisation is a member already, as alpha");
    OK(member_check_new(s->db, LIST + 1, "alpha", &s->why));
    OK(member_check_new(s->db, LIST, "alpha2", &s->why));
    OK(member_by_org(s->db, LIST, "alpha", &row, &s->why));
    assert_int_equal(row.id, a);
    assert_string_equal(row.class_name, "vendor");
    assert_string_equal(row.tier, "full");
    assert_true(row.added_at == NOW);
    member_row_free(&row);
    assert_int_equal(member_by_org(s->db, LIST + 1, "alpha", &row, &s->why), ERR_NOT_FOUND);
    assert_string_equal(s->why.rule, "member.unknown");
    OK(member_set_state(s->db, b, "suspended", "a reason", NOW + 1, &s->why));
    OK(member_by_id(s->db, b, &row, &s->why));
    assert_string_equal(row.state, "suspended");
    member_row_free(&row);
    reason = db_unseal_text(s->db, "member", b, "sealed_reason");
    assert_string_equal(reason, "a reason");
    mem_free_secret(&reason);
    OK(member_all(s->db, LIST, &rows, &n, &s->why));
    assert_int_equal(n, 2);
    assert_string_equal(rows[0].org, "alpha");
    assert_string_equal(rows[1].org, "beta");
    for (size_t i = 0; i < n; i++)
        member_row_free(&rows[i]);
    free(rows);
}

static void test_contacts(void **state)
{
    struct store *s = *state;
    int64_t id = store_member(s, "one");
    struct contact_row c = {.member_id = id, .address = "Security@one.example.org", .fingerprint = "AA"}, *rows,
                       twice = {.member_id = id, .address = "security@ONE.example.org"},
                       second = {.member_id = id, .address = "b@one.example.org"};
    struct member_row row;
    size_t n;

    OK(contact_insert(s->db, &c, NOW, &s->why));
    assert_int_equal(contact_insert(s->db, &twice, NOW, &s->why), ERR_DENIED);
    assert_string_equal(s->why.rule, "contact.exists");
    OK(contact_insert(s->db, &second, NOW, &s->why));
    OK(contact_all(s->db, id, &rows, &n, &s->why));
    assert_int_equal(n, 2);
    assert_string_equal(rows[0].address, "Security@one.example.org");
    assert_null(rows[1].fingerprint);
    for (size_t i = 0; i < n; i++)
        contact_row_free(&rows[i]);
    free(rows);
    OK(member_by_address(s->db, LIST, "SECURITY@one.EXAMPLE.org", &row, &s->why));
    assert_int_equal(row.id, id);
    member_row_free(&row);
    OK(member_by_fingerprint(s->db, LIST, "AA", &row, &s->why));
    member_row_free(&row);
    assert_int_equal(member_by_fingerprint(s->db, LIST, "A", &row, &s->why), ERR_NOT_FOUND);
    assert_int_equal(member_by_fingerprint(s->db, LIST, "", &row, &s->why), ERR_NOT_FOUND);
    assert_int_equal(member_by_fingerprint(s->db, LIST + 1, "AA", &row, &s->why), ERR_NOT_FOUND);
    assert_int_equal(member_by_address(s->db, LIST, "%", &row, &s->why), ERR_NOT_FOUND);
    OK(contact_set_key(s->db, second.id, "BB", &s->why));
    OK(member_by_fingerprint(s->db, LIST, "BB", &row, &s->why));
    member_row_free(&row);
}

/* ---- keys ---- */

/* A certificate with a primary key and one subkey, all named by a number. */
static void key_of(unsigned n, struct pgp_key_info *out)
{
    memset(out, 0, sizeof *out);
    snprintf(out->fingerprint, sizeof out->fingerprint, "%032X%08X", 1, n);
    out->n_subkeys = 2;
    for (unsigned i = 0; i < 2; i++) {
        snprintf(out->subkeys[i].fingerprint, sizeof out->subkeys[i].fingerprint, "%032X%08X", i + 1, n);
        snprintf(out->subkeys[i].key_id, sizeof out->subkeys[i].key_id, "%08X%08X", i + 1, n);
    }
}

static enum err insert_key(struct store *s, unsigned n, bool of_team, int64_t *id)
{
    struct pgp_key_info info;

    key_of(n, &info);
    return key_insert(s->db, LIST, of_team, &info, span_of("certificate"), NOW, id, &s->why);
}

static void test_key(void **state)
{
    struct store *s = *state;
    struct buf out = BUF_EMPTY;
    struct pgp_key_info info;
    struct key_row row;
    int64_t id, same;

    key_of(7, &info);
    OK(insert_key(s, 7, false, &id));
    OK(key_by_fingerprint(s->db, LIST, info.fingerprint, &row, &s->why));
    assert_int_equal(row.id, id);
    assert_int_equal(row.shard, 1);
    assert_false(row.imported);
    assert_memory_equal(&row.facts, &info, sizeof info);
    OK(key_certificate(s->db, id, &out, &s->why));
    assert_string_equal(buf_text(&out), "certificate");
    OK(key_set_imported(s->db, id, &s->why));
    OK(key_by_id(s->db, id, &row, &s->why));
    assert_true(row.imported);
    /* the newer certificate is to be imported again, into the same home */
    OK(key_insert(s->db, LIST, false, &info, span_of("newer"), NOW, &same, &s->why));
    assert_int_equal(same, id);
    OK(key_by_id(s->db, id, &row, &s->why));
    assert_false(row.imported);
    OK(key_certificate(s->db, id, &out, &s->why));
    assert_string_equal(buf_text(&out), "newer");
    assert_int_equal(key_by_fingerprint(s->db, LIST, info.fingerprint + 24, &row, &s->why), ERR_NOT_FOUND);
    assert_string_equal(s->why.rule, "key.unknown");
    assert_int_equal(key_by_id(s->db, 99, &row, &s->why), ERR_NOT_FOUND);
    buf_free(&out);
}

static void test_issuers(void **state)
{
    struct store *s = *state;
    struct pgp_key_info info;
    int64_t id;

    key_of(7, &info);
    OK(insert_key(s, 7, false, &id));
    OK(insert_key(s, 8, true, &id));
    assert_int_equal(key_shard_of_issuer(s->db, LIST, info.fingerprint), 1);
    assert_int_equal(key_shard_of_issuer(s->db, LIST, info.subkeys[0].key_id), 1);
    assert_int_equal(key_shard_of_issuer(s->db, LIST, info.subkeys[1].key_id), 1);
    assert_int_equal(key_shard_of_issuer(s->db, LIST, "AAAAAAAAAAAAAAAAAAAAAAAA0000000100000007"), 1);
    key_of(8, &info);
    assert_int_equal(key_shard_of_issuer(s->db, LIST, info.subkeys[1].key_id), MEMBER_SHARD_TEAM);
    assert_int_equal(key_shard_of_issuer(s->db, LIST + 1, info.subkeys[1].key_id), -1);
    assert_int_equal(key_shard_of_issuer(s->db, LIST, ""), -1);
    assert_int_equal(key_shard_of_issuer(s->db, LIST, "00000007"), -1); /* a short key id names nobody */
}

/* A subkey of another certificate: refused, and nothing of the newcomer stays after the rollback. */
static void test_duplicate_subkey(void **state)
{
    struct store *s = *state;
    struct pgp_key_info thief;
    struct key_row row;
    int64_t id, first;

    OK(insert_key(s, 7, false, &first));
    for (int stolen = 0; stolen < 2; stolen++) {
        struct pgp_key_info victim;

        key_of(7, &victim);
        key_of(9, &thief);
        thief.subkeys[1] = victim.subkeys[stolen];
        OK(db_begin(s->db, &s->why));
        assert_int_equal(key_insert(s->db, LIST, false, &thief, span_of("x"), NOW, &id, &s->why), ERR_DENIED);
        assert_string_equal(s->why.rule, "key.duplicate");
        db_rollback(s->db);
        assert_int_equal(key_by_fingerprint(s->db, LIST, thief.fingerprint, &row, &s->why), ERR_NOT_FOUND);
    }
    /* a known certificate that takes on a subkey of another one */
    OK(insert_key(s, 9, false, &id));
    OK(db_begin(s->db, &s->why));
    assert_int_equal(key_insert(s->db, LIST, false, &thief, span_of("x"), NOW, &id, &s->why), ERR_DENIED);
    db_rollback(s->db);
    assert_int_equal(key_shard_of_issuer(s->db, LIST, "0000000200000009"), 1);
    /* in another list the same key is its member's own */
    OK(list_insert(s->db, "other", "AA", 1, &s->why));
    OK(key_insert(s->db, LIST + 1, false, &thief, span_of("x"), NOW, &id, &s->why));
    OK(insert_key(s, 7, false, &id));
    assert_int_equal(id, first);
}

/* Subkeys that a newer certificate lacks are nobody's any more; the same one twice within a certificate is once. */
static void test_subkeys_follow_the_certificate(void **state)
{
    struct store *s = *state;
    struct pgp_key_info info, other;
    int64_t id;

    key_of(7, &info);
    OK(insert_key(s, 7, false, &id));
    info.n_subkeys = 1;
    OK(key_insert(s->db, LIST, false, &info, span_of("x"), NOW, &id, &s->why));
    assert_int_equal(key_shard_of_issuer(s->db, LIST, "0000000200000007"), -1);
    key_of(9, &other);
    snprintf(other.subkeys[1].key_id, sizeof other.subkeys[1].key_id, "0000000200000007");
    other.subkeys[2] = other.subkeys[1];
    other.n_subkeys = 3;
    OK(key_insert(s->db, LIST, false, &other, span_of("x"), NOW, &id, &s->why));
    assert_int_equal(key_shard_of_issuer(s->db, LIST, "0000000200000007"), 1);
}

static void test_shards_fill(void **state)
{
    struct store *s = *state;
    int64_t id = 0, ids[8];
    struct key_row row;
    char **all;
    size_t n;

    OK(db_begin(s->db, &s->why));
    for (unsigned i = 0; i < 2 * MEMBER_SHARD_KEYS + 1; i++)
        OK(insert_key(s, 1000 + i, false, &id));
    OK(db_commit(s->db, &s->why));
    OK(key_by_id(s->db, id, &row, &s->why));
    assert_int_equal(row.shard, 3);
    for (int64_t shard = 1; shard <= 3; shard++)
        assert_int_equal(db_value(s->db, 0, "SELECT COUNT(*) FROM key WHERE shard = ?", "i", shard),
                         shard < 3 ? MEMBER_SHARD_KEYS : 1);
    OK(insert_key(s, 1, true, &id));
    OK(key_by_id(s->db, id, &row, &s->why));
    assert_int_equal(row.shard, MEMBER_SHARD_TEAM);
    OK(key_waiting(s->db, ids, 8, &n, &s->why));
    assert_int_equal(n, 8);
    assert_int_equal(ids[0], id); /* the team's home first */
    for (size_t i = 0; i < n; i++)
        OK(key_set_imported(s->db, ids[i], &s->why));
    OK(key_waiting(s->db, ids, 1, &n, &s->why));
    assert_int_equal(n, 1);
    assert_int_equal(ids[0], 8);
    OK(key_all(s->db, LIST, &all, &n, &s->why));
    assert_int_equal(n, 2 * MEMBER_SHARD_KEYS + 2);
    for (size_t i = 0; i < n; i++)
        free(all[i]);
    free(all);
}

/* Facts in the database that are not ours: said, not believed. */
static void test_damaged_facts(void **state)
{
    struct store *s = *state;
    struct key_row row;
    int64_t id;

    OK(insert_key(s, 7, false, &id));
    OK(db_run(s->db, &s->why, "UPDATE key SET facts = x'00000001' WHERE id = ?", "i", id));
    assert_int_equal(key_by_id(s->db, id, &row, &s->why), ERR_REJECT);
    assert_string_equal(s->why.rule, "frame.bad");
}

/* What came before somebody was pinned to it is named from then on; what is nobody's never is. */
static void test_secret_keys(void **state)
{
    struct store *s = *state;
    int64_t id = store_member(s, "one");
    struct contact_row c = {.member_id = id, .address = "security@one.example.org", .fingerprint = "AB12"};
    struct secret_key_row *rows;
    size_t n;

    OK(secret_key_put(s->db, LIST, "AB12", false, "case-a", NOW, &s->why));
    OK(secret_key_put(s->db, LIST, "AB12", false, "case-a", NOW + 1, &s->why));
    OK(secret_key_put(s->db, LIST, "CD34", false, "case-b", NOW, &s->why));
    assert_int_equal(db_value(s->db, -1, "SELECT COUNT(*) FROM secret_key WHERE fingerprint IN ('AB12', 'CD34')", ""),
                     0);
    assert_true(secret_key_came_with(s->db, LIST, "AB12", "case-a"));
    assert_false(secret_key_came_with(s->db, LIST, "AB12", "case-b"));
    assert_false(secret_key_came_with(s->db, LIST + 1, "AB12", "case-a"));
    OK(contact_insert(s->db, &c, NOW, &s->why));
    OK(secret_key_put(s->db, LIST, "AB12", true, "case-c", NOW + 2, &s->why));
    assert_true(secret_key_came_with(s->db, LIST, "AB12", "case-a"));
    OK(secret_key_since(s->db, LIST, NOW - 1, &rows, &n, &s->why));
    assert_int_equal(n, 2);
    for (size_t i = 0; i < n; i++)
        if (rows[i].org) {
            assert_string_equal(rows[i].org, "one");
            assert_string_equal(rows[i].fingerprint, "AB12");
            assert_string_equal(rows[i].code, "case-c");
        } else {
            assert_string_not_equal(rows[i].fingerprint, "CD34");
        }
    secret_key_rows_free(rows, n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_STORE(test_lists),
        WITH_STORE(test_members),
        WITH_STORE(test_contacts),
        WITH_STORE(test_key),
        WITH_STORE(test_issuers),
        WITH_STORE(test_duplicate_subkey),
        WITH_STORE(test_subkeys_follow_the_certificate),
        WITH_STORE(test_shards_fill),
        WITH_STORE(test_damaged_facts),
        WITH_STORE(test_secret_keys),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

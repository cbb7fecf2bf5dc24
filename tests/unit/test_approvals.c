/* The rule of two: whose votes count, what a veto and the end of time do, what is the same proposal. */
#include "tests/unit/store_fixture.h"

#include "base/clock.h"
#include "flow/approvals.h"
#include "store/nonces.h"

#include <unistd.h>

#define SECURITY "0123456789ABCDEF0123456789ABCDEF01234567"

/* Admins: ann, bob, dora of acorn, and one of another list. None has a key here, so that no mail can go to them. */
static const char conf[] =
    "lists = ({ name = \"security\"; address = \"security@example.org\"; policy = \"cloud-model@2026\"; key = "
    "\"" SECURITY
    "\"; }, { name = \"other\"; address = \"other@example.org\"; policy = \"cloud-model@2026\"; key = \"" SECURITY
    "\"; });\n"
    "admins = (\n"
    " { address = \"ann@example.org\"; fingerprint = \"1111111111111111111111111111111111111111\"; uid = %d; },\n"
    " { address = \"bob@example.org\"; fingerprint = \"2222222222222222222222222222222222222222\"; uid = %d; },\n"
    " { address = \"dora@acorn.example\"; fingerprint = \"3333333333333333333333333333333333333333\"; uid = 3; },\n"
    " { address = \"ed@example.org\"; fingerprint = \"4444444444444444444444444444444444444444\"; uid = 4;"
    "   lists = [\"other\"]; });\n";

static struct settings *settings_with(int ann, int bob)
{
    struct conf_faults faults = {0};
    struct settings *s = NULL;
    char *text = mem_printf(conf, ann, bob);

    if (settings_parse(text, strlen(text), "/nowhere/embargod.conf", &faults, &s))
        fail_msg("%s", faults.n ? faults.items[0].text : "?");
    free(text);
    return s;
}

struct voters {
    struct store *store;
    struct flow f;
    struct clock clock;
    struct settings *settings;
};

static void begin(struct voters *v, void **state, int bob)
{
    *v = (struct voters){.store = *state, .settings = settings_with(1, bob)};
    clock_open(&v->clock, NULL, NULL);
    v->f = (struct flow){.settings = v->settings, .db = v->store->db, .clock = &v->clock};
}

static void finish(struct voters *v)
{
    clock_close(&v->clock);
    settings_free(&v->settings);
}

static struct actor admin(struct voters *v, const char *address, bool by_mail)
{
    struct actor a;

    actor_of_admin(&a, settings_admin_at(v->settings, address));
    a.by_mail = by_mail;
    return a;
}

/* The rule, "" where the vote may count. */
static const char *may(struct voters *v, const char *address, bool by_mail, const char *owner)
{
    static struct diag why;
    struct actor a = admin(v, address, by_mail);
    const char *owners[] = {owner};

    why = (struct diag){0};
    approval_may_vote(&v->f, &v->settings->lists[0], owners, owner != NULL, &a, &why);
    return why.rule;
}

static void test_who_may_vote(void **state)
{
    static const struct {
        const char *admin, *owner, *rule;
    } rows[] = {
        {"ann@example.org", NULL, ""},
        {"ann@example.org", "acorn.example", ""},
        {"ann@example.org", "ANN@example.org", "approval.own-organisation"},
        {"ann@example.org", "1111111111111111111111111111111111111111", "approval.own-organisation"},
        {"ann@example.org", "2222222222222222222222222222222222222222", ""},
        /* the domain of the list says nothing */
        {"ann@example.org", "security@example.org", ""},
        {"ann@example.org", "example.org", ""},
        {"dora@acorn.example", "acorn.example", "approval.own-organisation"},
        {"dora@acorn.example", "security@Acorn.Example", "approval.own-organisation"},
        {"dora@acorn.example", "security@sub.acorn.example", "approval.own-organisation"},
        {"dora@acorn.example", "example", "approval.own-organisation"},
        {"dora@acorn.example", "security@notacorn.example", ""},
        {"dora@acorn.example", "", ""},
        {"ed@example.org", NULL, "approval.admins"},
    };
    struct voters v;

    begin(&v, state, 2);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (strcmp(may(&v, rows[i].admin, false, rows[i].owner), rows[i].rule) != 0)
            fail_msg("row %zu: %s", i, may(&v, rows[i].admin, false, rows[i].owner));
    finish(&v);
}

/* Live, who shares a uid can be told apart by a signature alone. */
static void test_shared_uid(void **state)
{
    struct voters v;

    begin(&v, state, 1);
    assert_string_equal(may(&v, "ann@example.org", false, NULL), "approval.shared-uid");
    assert_string_equal(may(&v, "bob@example.org", false, NULL), "approval.shared-uid");
    assert_string_equal(may(&v, "bob@example.org", true, NULL), "");
    assert_string_equal(may(&v, "dora@acorn.example", false, NULL), "");
    finish(&v);
}

/* ---- what is kept ---- */

static int64_t propose(struct store *s, const uint8_t *digest)
{
    struct approval_row row = {.list_id = LIST,
                               .kind = "command",
                               .action = "member add",
                               .object = "Acorn",
                               .by = "admin:ann@example.org",
                               .at = NOW,
                               .needs = 2,
                               .until_at = NOW + 100};

    OK(approval_insert(s->db, &row, digest, span_of("what was asked"), &s->why));
    return row.id;
}

static size_t count_open(struct store *s)
{
    struct approval_row *rows;
    size_t n;

    OK(approval_open(s->db, LIST, &rows, &n, &s->why));
    for (size_t i = 0; i < n; i++)
        approval_row_free(&rows[i]);
    free(rows);
    return n;
}

static void test_kept(void **state)
{
    struct store *s = *state;
    uint8_t digest[BOX_DIGEST_BYTES] = {1}, other[BOX_DIGEST_BYTES] = {2};
    int64_t id = propose(s, digest);
    struct approval_row row;
    struct buf payload = BUF_EMPTY;

    OK(approval_same(s->db, LIST, digest, &row, &s->why));
    assert_int_equal(row.id, id);
    approval_row_free(&row);
    assert_int_equal(approval_same(s->db, LIST, other, &row, &s->why), ERR_NOT_FOUND);
    assert_int_equal(approval_same(s->db, LIST + 1, digest, &row, &s->why), ERR_NOT_FOUND);
    OK(approval_payload(s->db, id, &payload, &s->why));
    assert_string_equal(buf_text(&payload), "what was asked");
    assert_int_equal(count_open(s), 1);
    OK(approval_end(s->db, id, "vetoed", NOW, &s->why));
    OK(approval_end(s->db, id, "done", NOW, &s->why)); /* it ended before */
    OK(approval_by_id(s->db, id, &row, &s->why));
    assert_string_equal(row.state, "vetoed");
    approval_row_free(&row);
    OK(approval_payload(s->db, id, &payload, &s->why));
    assert_int_equal(payload.len, 0);
    assert_int_equal(count_open(s), 0);
    assert_int_equal(approval_same(s->db, LIST, digest, &row, &s->why), ERR_NOT_FOUND);
    buf_free(&payload);
}

static void test_votes(void **state)
{
    struct store *s = *state;
    uint8_t digest[BOX_DIGEST_BYTES] = {1};
    int64_t id = propose(s, digest);
    struct vote_row *votes;
    size_t n;

    OK(vote_insert(s->db, id, "ann@example.org", "approve", NOW, &s->why));
    assert_int_equal(vote_insert(s->db, id, "ann@example.org", "approve", NOW, &s->why), ERR_DENIED);
    assert_string_equal(s->why.rule, "approval.twice");
    OK(vote_insert(s->db, id, "bob@example.org", "approve", NOW, &s->why));
    OK(vote_veto(s->db, id, "ann@example.org", NOW + 1, &s->why));
    OK(vote_all(s->db, id, &votes, &n, &s->why));
    assert_int_equal(n, 2);
    assert_string_equal(votes[0].vote, "approve");
    assert_string_equal(votes[1].admin, "ann@example.org");
    assert_string_equal(votes[1].vote, "veto");
    vote_rows_free(votes, n);
}

/* A part of a transaction that is undone leaves what was before and what comes after. */
static void test_parts(void **state)
{
    struct store *s = *state;
    uint8_t digest[BOX_DIGEST_BYTES] = {1};

    OK(db_begin(s->db, &s->why));
    propose(s, digest);
    OK(db_part_begin(s->db, &s->why));
    propose(s, digest);
    OK(db_part_begin(s->db, &s->why));
    propose(s, digest);
    OK(db_part_undo(s->db, &s->why));
    OK(db_part_keep(s->db, &s->why));
    OK(db_part_begin(s->db, &s->why));
    propose(s, digest);
    OK(db_part_undo(s->db, &s->why));
    propose(s, digest);
    OK(db_commit(s->db, &s->why));
    assert_int_equal(count_open(s), 3);
}

/* ---- nonces ---- */

static bool take(struct store *s, int64_t list, const char *fingerprint, const char *nonce, int64_t now)
{
    bool good = true;

    OK(nonce_take(s->db, list, fingerprint, nonce, now, &good, &s->why));
    return good;
}

static void test_nonces(void **state)
{
    struct store *s = *state;

    OK(nonce_insert(s->db, LIST, "admin:a", "AAAA", "one", NOW + 10, &s->why));
    assert_false(take(s, LIST, "AAAA", "two", NOW));
    assert_false(take(s, LIST, "BBBB", "one", NOW));
    assert_false(take(s, LIST + 1, "AAAA", "one", NOW));
    assert_false(take(s, LIST, "AAAA", "one", NOW + 10));
    assert_true(take(s, LIST, "AAAA", "one", NOW + 9));
    assert_false(take(s, LIST, "AAAA", "one", NOW + 9));
    OK(nonce_insert(s->db, LIST, "admin:a", "AAAA", "three", NOW + 10, &s->why));
    OK(nonce_insert(s->db, LIST, "member:b", "BBBB", "four", NOW + 10, &s->why));
    OK(nonce_end(s->db, LIST, "admin:a", &s->why));
    assert_false(take(s, LIST, "AAAA", "three", NOW));
    OK(nonce_forget(s->db, NOW + 9, &s->why));
    assert_true(take(s, LIST, "BBBB", "four", NOW));
    OK(nonce_insert(s->db, LIST, "member:b", "BBBB", "five", NOW + 10, &s->why));
    OK(nonce_end(s->db, LIST, NULL, &s->why));
    assert_false(take(s, LIST, "BBBB", "five", NOW));
}

/* The nonces of a member go with it. */
static void test_nonces_of_a_member(void **state)
{
    struct store *s = *state;
    int64_t acorn = store_member(s, "Acorn");

    OK(nonce_insert(s->db, LIST, "member:Acorn", "AAAA", "one", NOW + 10, &s->why));
    OK(nonce_insert(s->db, LIST, "member:Birch", "BBBB", "one", NOW + 10, &s->why));
    OK(member_set_state(s->db, acorn, "suspended", NULL, NOW, &s->why));
    assert_int_equal(db_value(s->db, -1, "SELECT COUNT(*) FROM nonce", ""), 2);
    OK(member_set_state(s->db, acorn, "removed", NULL, NOW, &s->why));
    assert_false(take(s, LIST, "AAAA", "one", NOW));
    assert_true(take(s, LIST, "BBBB", "one", NOW));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_STORE(test_who_may_vote),
        WITH_STORE(test_shared_uid),
        WITH_STORE(test_kept),
        WITH_STORE(test_votes),
        WITH_STORE(test_parts),
        WITH_STORE(test_nonces),
        WITH_STORE(test_nonces_of_a_member),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

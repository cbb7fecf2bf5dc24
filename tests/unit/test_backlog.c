/* The order in which the spool is opened. */
#include "proc/backlog.h"
#include "base/clock.h"
#include "store_fixture.h"

struct order {
    struct store *s;
    struct spool *spool;
    struct settings settings;
    struct settings_admin admin;
    struct flow f;
    char dir[600];
};

static void put(struct order *o, const char *sender, const char *text)
{
    static const char *const to[] = {"security@example.org"};
    struct spool_envelope envelope = {
        .sender = sender, .recipients = to, .n_recipients = 1, .received_at_utc_s = NOW, .origin = SPOOL_FROM_LMTP};
    struct spool_file *file;
    struct diag why;
    bool committed;

    assert_int_equal(spool_begin(o->spool, &envelope, &file, &why), ERR_OK);
    assert_int_equal(spool_write(file, text, strlen(text), &why), ERR_OK);
    assert_int_equal(spool_commit(&file, 0, &committed, &why), ERR_OK);
}

static void begin(struct order *o, struct store *s)
{
    struct contact_row contact = {.address = (char *)"Security@Acorn.example"};
    struct member_row member = {.list_id = LIST,
                                .org = (char *)"acorn",
                                .class_name = (char *)"distro",
                                .tier = (char *)"t",
                                .state = (char *)"active"};

    memset(o, 0, sizeof *o);
    o->s = s;
    o->admin.address = (char *)"ann@example.org";
    o->settings.admins = &o->admin;
    o->settings.n_admins = 1;
    o->f = (struct flow){.settings = &o->settings, .db = s->db};
    member.added_at = NOW;
    assert_int_equal(member_insert(s->db, &member, &s->why), ERR_OK);
    contact.member_id = member.id;
    assert_int_equal(contact_insert(s->db, &contact, NOW, &s->why), ERR_OK);
    snprintf(o->dir, sizeof o->dir, "%s/spool", s->dir);
    assert_int_equal(spool_open(o->dir, &o->spool, &s->why), ERR_OK);
    spool_set_reserve(o->spool, 0);
}

/* The first byte of each mail, in the order of their turns. */
static void take_all(struct order *o, struct backlog *b, char *out, bool remove)
{
    char name[SPOOL_NAME_SIZE];
    struct diag why;

    while (backlog_next(b, name)) {
        struct spool_entry entry;
        struct buf body = BUF_EMPTY;

        assert_int_equal(spool_read(o->spool, name, &entry, &why), ERR_OK);
        assert_int_equal(spool_entry_load(&entry, &body, &why), ERR_OK);
        *out++ = (char)body.data[0];
        spool_entry_close(&entry);
        buf_free(&body);
        if (remove)
            assert_int_equal(spool_remove(o->spool, name, &why), ERR_OK);
    }
    *out = 0;
}

static void test_order(void **state)
{
    struct order o;
    struct backlog *b;
    char got[64];

    begin(&o, *state);
    b = backlog_new(&o.f, o.spool);
    backlog_begin(b);
    take_all(&o, b, got, false);
    assert_string_equal(got, "");
    put(&o, "x@reporter.example", "1");
    put(&o, "y@reporter.example", "2");
    put(&o, "", "3");
    put(&o, "security@acorn.example", "m");
    put(&o, "Ann@example.org", "a");
    backlog_begin(b);
    take_all(&o, b, got, false);
    assert_string_equal(got, "ma123");
    /* in the same turn nothing comes twice; in the next, what is still there */
    take_all(&o, b, got, false);
    assert_string_equal(got, "");
    put(&o, "ann@example.org", "b");
    backlog_begin(b);
    take_all(&o, b, got, true);
    assert_string_equal(got, "mab123");
    backlog_begin(b);
    take_all(&o, b, got, true);
    assert_string_equal(got, "");
    backlog_free(&b);
    spool_close(&o.spool);
}

/* A member's address in ten thousand forged envelopes does not keep strangers out for good. */
static void test_strangers_turn(void **state)
{
    struct order o;
    struct backlog *b;
    char got[64];

    begin(&o, *state);
    put(&o, "x@reporter.example", "1");
    put(&o, "x@reporter.example", "2");
    for (int i = 0; i < 10; i++)
        put(&o, "ann@example.org", "a");
    b = backlog_new(&o.f, o.spool);
    backlog_begin(b);
    take_all(&o, b, got, true);
    assert_string_equal(got, "aaaa1aaaa2aa");
    backlog_free(&b);
    spool_close(&o.spool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_order, store_setup, store_teardown),
        cmocka_unit_test_setup_teardown(test_strangers_turn, store_setup, store_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

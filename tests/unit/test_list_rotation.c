/* The change of a list's key: what embargod.conf says and what is staged make of it; which keys are retired; the text
 * of embargod.conf with another key. */
#include "tests/unit/store_fixture.h"

#include "base/clock.h"
#include "flow/key_rotated.h"
#include "flow/list_rotation.h"
#include "main/ctl_rotate.h"
#include "store/duties.h"

#define A "0123456789ABCDEF0123456789ABCDEF01234567" /* of the fixture's list */
#define B "89ABCDEF0123456789ABCDEF0123456789ABCDEF"
#define C "CCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCC"
#define S "5555555555555555555555555555555555555555" /* a subkey of A */
#define T "6666666666666666666666666666666666666666" /* of B */

static void stage(struct store *s, const char *from, const char *to, const char *retires)
{
    struct list_rotation r = {.fingerprint = (char *)to,
                              .previous = (char *)from,
                              .statement = (char *)"signed by both",
                              .retires = (char *)retires,
                              .certificate = BUF_EMPTY,
                              .previous_certificate = BUF_EMPTY};

    buf_add_str(&r.certificate, "new");
    buf_add_str(&r.previous_certificate, "old");
    assert_int_equal(list_rotation_stage(s->db, "security", &r, &s->why), ERR_OK);
    buf_free(&r.certificate);
    buf_free(&r.previous_certificate);
}

static void test_state(void **state)
{
    static const struct {
        const char *conf, *staged_from, *staged_to; /* the database has A */
        enum list_rotation_state want;
    } rows[] = {
        {A, NULL, NULL, LIST_ROTATION_NONE},  {B, NULL, NULL, LIST_ROTATION_OTHER},
        {A, A, B, LIST_ROTATION_INTERRUPTED}, {B, A, B, LIST_ROTATION_DUE},
        {C, A, B, LIST_ROTATION_OTHER},       {B, C, B, LIST_ROTATION_OTHER}, /* staged by a state that is gone */
        {A, C, B, LIST_ROTATION_NONE},
    };
    struct store *s = *state;

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct settings_list list = {.name = (char *)"security", .fingerprint = (char *)rows[i].conf};

        db_run(s->db, &s->why, "DELETE FROM meta WHERE key LIKE 'list-key%'", "");
        if (rows[i].staged_to)
            stage(s, rows[i].staged_from, rows[i].staged_to, A " " S);
        if (list_rotation_state(s->db, &list, A) != rows[i].want)
            fail_msg("row %zu", i);
    }
}

static void adopt(struct store *s, const char *conf, const char *previous, enum err want)
{
    struct settings_list list = {.name = (char *)"security",
                                 .address = (char *)"security@example.org",
                                 .fingerprint = (char *)conf,
                                 .previous_key = (char *)previous};
    struct clock clock;
    struct flow f = {.db = s->db, .clock = &clock};
    struct list_row row = {0};

    clock_open(&clock, NULL, NULL);
    assert_int_equal(list_by_name(s->db, "security", &row, &s->why), ERR_OK);
    assert_int_equal(db_begin(s->db, &s->why), ERR_OK);
    assert_int_equal(list_rotation_adopt(&f, &list, &row, &s->why), want);
    if (want)
        db_rollback(s->db);
    else
        assert_int_equal(db_commit(s->db, &s->why), ERR_OK);
    list_row_free(&row);
    clock_close(&clock);
}

static bool retired(struct store *s, const char *key, const char *previous, const char *opened_by)
{
    struct settings_list list = {
        .name = (char *)"security", .fingerprint = (char *)key, .previous_key = (char *)previous};

    return list_rotation_retired(s->db, &list, opened_by);
}

static void test_adopt(void **state)
{
    struct store *s = *state;
    struct buf last = BUF_EMPTY, text = BUF_EMPTY;
    struct list_row row = {0};

    assert_false(retired(s, A, NULL, S));
    stage(s, A, B, A " " S);
    adopt(s, A, NULL, ERR_OK); /* embargod.conf decides */
    adopt(s, C, NULL, ERR_REJECT);
    assert_string_equal(s->why.rule, "list.other-key");
    adopt(s, B, A, ERR_OK);
    assert_int_equal(list_by_name(s->db, "security", &row, &s->why), ERR_OK);
    assert_string_equal(row.fingerprint, B);
    assert_true(list_rotation_meta(s->db, "list-key", "security", &text));
    assert_string_equal(buf_text(&text), "new");
    assert_false(list_rotation_meta(s->db, "list-key-next", "security", &text));
    assert_int_equal(db_value(s->db, -1, "SELECT COUNT(*) FROM duty WHERE kind = 'key.rotated'", ""), 1);
    adopt(s, B, A, ERR_OK); /* once */
    adopt(s, A, NULL, ERR_REJECT);
    list_rotation_last(s->db, "security", &last);
    assert_string_equal(buf_text(&last), A);

    /* Side by side, then not; a word is a whole one. */
    assert_false(retired(s, B, A, S));
    assert_true(retired(s, B, NULL, S));
    assert_true(retired(s, B, NULL, A));
    assert_true(retired(s, B, C, S));
    assert_false(retired(s, B, NULL, T));
    assert_false(retired(s, B, NULL, ""));
    assert_false(retired(s, B, NULL, "555555555555555555555555555555555555555"));

    /* Back again: A is the list's, and B is not. */
    stage(s, B, A, B " " T);
    adopt(s, A, B, ERR_OK);
    assert_false(retired(s, A, B, S));
    assert_false(retired(s, A, B, T));
    assert_false(retired(s, A, NULL, S));
    assert_true(retired(s, A, NULL, T));
    list_row_free(&row);
    buf_free(&last);
    buf_free(&text);
}

/* ---- embargod.conf ---- */

#define ADMINS  "admins = ({ address = \"a@example.org\"; fingerprint = \"" C "\"; });\n"
#define HEAD(k) "lists = ({ name = \"one\"; address = \"one@example.org\"; policy = \"xen\"; key" k
#define MORE(k) "; }, {\n\tname = \"two\"; address = \"two@example.org\"; policy = \"xen\";\n\tkey" k "; });\n" ADMINS
#define TWO(k)  "; },{name=\"two\";address=\"two@example.org\";policy=\"xen\";key" k ";});\n" ADMINS

static void test_conf(void **state)
{
    static const struct {
        const char *list, *text, *want; /* want NULL: refused */
    } rows[] = {
        {"two", HEAD(" = \"" C "\"") MORE(" = \"" A "\""),
         HEAD(" = \"" C "\"") "; }, {\n\tname = \"two\"; address = \"two@example.org\"; policy = \"xen\";\n"
                              "\tprevious_key = \"" A "\";\n\tkey = \"" B "\"; });\n" ADMINS},
        /* one key for two lists: the one that is named */
        {"two", HEAD(" = \"" A "\"") MORE(" = \"" A "\""),
         HEAD(" = \"" A "\"") "; }, {\n\tname = \"two\"; address = \"two@example.org\"; policy = \"xen\";\n"
                              "\tprevious_key = \"" A "\";\n\tkey = \"" B "\"; });\n" ADMINS},
        /* all on one line, by a colon, in lower case with blanks */
        {"two", HEAD(" = \"" C "\"") TWO(":\"01234567 89abcdef 01234567 89abcdef 01234567\""),
         HEAD(" = \"" C "\"") "; },{name=\"two\";address=\"two@example.org\";policy=\"xen\";\n    previous_key = \"" A
                              "\";\n    key:\"" B "\";});\n" ADMINS},
        /* what only looks like it */
        {"two",
         "# key = \"" A "\"\n// key = \"" A "\"\n/* key = \"" A "\" */\n" HEAD(" = \"" C "\"")
             MORE(" /* = */ = \"" A "\""),
         "# key = \"" A "\"\n// key = \"" A "\"\n/* key = \"" A "\" */\n" HEAD(
             " = \"" C "\"") "; }, {\n\tname = "
                             "\"two\"; address = \"two@example.org\"; policy = \"xen\";\n\tprevious_key = \"" A
                             "\";\n\tkey /* = */ = \"" B "\"; });\n" ADMINS},
        {"two", HEAD(" = \"" C "\"") MORE(" = \"" C "\""), NULL},
        {"two", HEAD(" = \"" C "\"") MORE(" = \"0123456789ABCDEF0123\" \"456789ABCDEF01234567\""), NULL},
        {"two", HEAD(" = \"" C "\""), NULL},
        {"two", "", NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct settings_list list = {.name = (char *)rows[i].list, .fingerprint = (char *)A};
        struct buf text = BUF_EMPTY, out = BUF_EMPTY;
        struct diag why;
        enum err err;

        buf_add_str(&text, rows[i].text);
        err = rotate_conf(&text, "/nowhere/embargod.conf", &list, B, &out, &why);
        if (err != (rows[i].want ? ERR_OK : ERR_REJECT))
            fail_msg("row %zu: %d", i, (int)err);
        if (rows[i].want)
            assert_string_equal(buf_text(&out), rows[i].want);
        else
            assert_string_equal(why.rule, "rotate.conf");
        buf_free(&text);
        buf_free(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_state, store_setup, store_teardown),
        cmocka_unit_test_setup_teardown(test_adopt, store_setup, store_teardown),
        cmocka_unit_test(test_conf),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

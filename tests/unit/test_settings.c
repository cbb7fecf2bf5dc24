#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/mem.h"
#include "codec/settings.h"
#include "tests/lib/testdir.h"

#define FPR_LIST  "0123456789ABCDEF0123456789ABCDEF01234567"
#define FPR_ADMIN "89ABCDEF0123456789ABCDEF0123456789ABCDEF"
#define FPR_OTHER "AAAABBBBCCCCDDDDEEEEFFFF0000111122223333"

/* A sound file, one line for each element; tests put other words in place of a line, or behind the last one. */
static const char *const sound[] = {
    "lists = ( {",
    "  name = \"security\";",
    "  address = \"Security@Example.ORG\";",
    "  policy = \"xen@2026\";",
    "  key = \"" FPR_LIST "\";",
    "}, { name = \"infra\"; address = \"infra@example.org\"; policy = \"xen\"; key = \"" FPR_OTHER "\"; } );",
    "admins = ( {",
    "  address = \"a@example.org\";",
    "  fingerprint = \"89ab cdef 0123 4567 89ab cdef 0123 4567 89ab cdef\";",
    "}, { address = \"b@example.org\"; fingerprint = \"" FPR_OTHER "\"; uid = 1000; lists = [ \"infra\" ]; } );",
};
#define LINES (sizeof sound / sizeof sound[0])

/* line 0: nothing is replaced; LINES + 1: appended */
static char *text_with(size_t line, const char *words)
{
    struct buf text = BUF_EMPTY;

    for (size_t i = 0; i < LINES; i++)
        buf_printf(&text, "%s\n", i + 1 == line ? words : sound[i]);
    if (line > LINES)
        buf_printf(&text, "%s\n", words);
    return buf_take(&text);
}

static struct settings *parse(const char *words)
{
    char *text = text_with(words ? LINES + 1 : 0, words);
    struct conf_faults faults = {0};
    struct settings *s = NULL;

    if (settings_parse(text, strlen(text), "/srv/embargo/embargod.conf", &faults, &s))
        fail_msg("%s: %s", faults.items[0].rule, faults.items[0].text);
    assert_int_equal(faults.n, 0);
    conf_faults_free(&faults);
    free(text);
    return s;
}

static void test_defaults(void **state)
{
    struct settings *s = parse(NULL);

    (void)state;
    assert_string_equal(s->home, "/srv/embargo");
    assert_string_equal(s->file, "/srv/embargo/embargod.conf");
    assert_string_equal(s->lmtp_unix, "/srv/embargo/run/lmtp.sock");
    assert_string_equal(s->control, "/srv/embargo/run/control.sock");
    assert_null(s->lmtp_tcp);
    assert_null(s->maildir_in);
    assert_null(s->user_core);
    assert_int_equal(s->courier, COURIER_MAILDIR);
    assert_string_equal(s->smtp_host, "127.0.0.1");
    assert_int_equal(s->smtp_port, 25);
    assert_int_equal(s->smtp_tls, SMTP_TLS_OPPORTUNISTIC);
    assert_int_equal(s->sandbox, SANDBOX_BEST_EFFORT);
    assert_true(s->outer_embargo_header);
    assert_int_equal(s->n_reminders, 4);
    assert_int_equal(s->reminders_s[0], 7 * 86400);
    assert_int_equal(s->reminders_s[3], 3600);
    assert_int_equal(s->limits.message_bytes, 25 << 20);
    assert_int_equal(s->limits.hold_bytes, 64 << 20);
    assert_int_equal(s->limits.header_block_bytes, 256 << 10);
    assert_int_equal(s->limits.header_line_bytes, 32 << 10);
    assert_int_equal(s->limits.parts, 1000);
    assert_int_equal(s->limits.depth, 50);
    assert_int_equal(s->limits.decrypted_bytes, 100 << 20);
    assert_int_equal(s->limits.decrypted_factor, 100);
    assert_true(s->limits.require_synchronised_clock);
    settings_free(&s);
    assert_null(s);
    settings_free(&s);
}

static void test_lists_and_admins(void **state)
{
    struct settings *s = parse(NULL);

    (void)state;
    assert_int_equal(s->n_lists, 2);
    assert_string_equal(s->lists[0].name, "security");
    assert_string_equal(s->lists[0].address, "Security@example.org");
    assert_string_equal(s->lists[0].policy, "xen@2026");
    assert_string_equal(s->lists[0].fingerprint, FPR_LIST);
    assert_null(s->lists[0].authserv_id);
    assert_int_equal(s->lists[0].next_id, 1);
    assert_int_equal(s->n_admins, 2);
    assert_string_equal(s->admins[0].fingerprint, FPR_ADMIN);
    assert_int_equal(s->admins[0].uid, -1);
    assert_int_equal(s->admins[0].n_lists, 0);
    assert_int_equal(s->admins[1].uid, 1000);
    assert_ptr_equal(settings_admin_at(s, "A@EXAMPLE.org"), &s->admins[0]);
    assert_null(settings_admin_at(s, "c@example.org"));
    assert_ptr_equal(settings_list_named(s, "infra"), &s->lists[1]);
    assert_null(settings_list_named(s, "inf"));
    /* an admin of one list is nobody for another */
    assert_ptr_equal(settings_admin_with_key(s, &s->lists[0], FPR_ADMIN), &s->admins[0]);
    assert_ptr_equal(settings_admin_with_key(s, &s->lists[1], FPR_ADMIN), &s->admins[0]);
    assert_null(settings_admin_with_key(s, &s->lists[0], FPR_OTHER));
    assert_ptr_equal(settings_admin_with_key(s, &s->lists[1], FPR_OTHER), &s->admins[1]);
    assert_null(settings_admin_with_key(s, &s->lists[0], ""));
    assert_null(settings_admin_with_key(s, &s->lists[0], "89ABCDEF01234567"));
    assert_true(settings_admin_serves(&s->admins[0], &s->lists[1]));
    assert_false(settings_admin_serves(&s->admins[1], &s->lists[0]));
    settings_free(&s);
}

static void test_paths(void **state)
{
    struct settings *s = parse("lmtp = { unix = \"/run/x.sock\"; };\nmaildir_in = \"in\";");
    char *path;

    (void)state;
    assert_string_equal(s->lmtp_unix, "/run/x.sock");
    assert_string_equal(s->maildir_in, "/srv/embargo/in");
    path = settings_path(s, "state/bodies");
    assert_string_equal(path, "/srv/embargo/state/bodies");
    free(path);
    path = settings_gnupg(s, "security", "list");
    assert_string_equal(path, "/srv/embargo/gnupg/security/list");
    free(path);
    path = settings_shard(s, "security", 7);
    assert_string_equal(path, "/srv/embargo/gnupg/security/member-007");
    free(path);
    settings_free(&s);
}

static void test_list_for(void **state)
{
    static const struct {
        const char *address, *list;
    } rows[] = {
        {"security@example.org", "security"},
        {"SECURITY@EXAMPLE.org", "security"},
        {"security+apply@example.org", "security"},
        {"Security+b-abc234@example.org", "security"},
        {"security+@example.org", "security"},
        {"security-owner@example.org", "security"},
        {"SECURITY-Owner@example.ORG", "security"},
        {"infra@example.org", "infra"},
        {"infra-owner@example.org", "infra"},
        {"security@example.com", NULL},
        {"security@example.org.example.com", NULL},
        {"security@xexample.org", NULL},
        {"security-other@example.org", NULL},
        {"security-owner@example.com", NULL},
        {"security-owners@example.org", NULL},
        {"xsecurity@example.org", NULL},
        {"securit@example.org", NULL},
        {"securityx@example.org", NULL},
        {"apply+security@example.org", NULL},
        {"@example.org", NULL},
        {"security", NULL},
        {"security@", NULL},
        {"", NULL},
    };
    struct settings *s = parse(NULL);

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct settings_list *list = settings_list_for(s, rows[i].address);

        if (!rows[i].list ? list != NULL : !list || strcmp(list->name, rows[i].list) != 0)
            fail_msg("%s: %s", rows[i].address, list ? list->name : "none");
    }
    settings_free(&s);
}

static void test_values(void **state)
{
    struct settings *s =
        parse("courier = \"smtp\"; smtp = { host = \"mx.example.org\"; port = 587; tls = \"required\"; };"
              "sandbox = \"required\"; outer_embargo_headers = \"none\"; lmtp = { tcp = 2525; };"
              "reminders = [ \"30m\", \"10000d\" ]; users = { core = \"embargo\"; };"
              "limits = { message_bytes = 1024; parts = 10000; workers = 64;"
              " require_synchronised_clock = false; reserve_bytes = 0; };");

    (void)state;
    assert_int_equal(s->courier, COURIER_SMTP);
    assert_string_equal(s->smtp_host, "mx.example.org");
    assert_int_equal(s->smtp_port, 587);
    assert_int_equal(s->smtp_tls, SMTP_TLS_REQUIRED);
    assert_int_equal(s->sandbox, SANDBOX_REQUIRED);
    assert_false(s->outer_embargo_header);
    assert_string_equal(s->lmtp_tcp, "127.0.0.1:2525");
    assert_int_equal(s->n_reminders, 2);
    assert_int_equal(s->reminders_s[0], 1800);
    assert_true(s->reminders_s[1] == INT64_C(864000000));
    assert_string_equal(s->user_core, "embargo");
    assert_null(s->user_intake);
    assert_int_equal(s->limits.message_bytes, 1024);
    assert_int_equal(s->limits.parts, 10000);
    assert_int_equal(s->limits.workers, 64);
    assert_int_equal(s->limits.reserve_bytes, 0);
    assert_false(s->limits.require_synchronised_clock);
    assert_int_equal(s->limits.depth, 50);
    settings_free(&s);
}

#define END (LINES + 1)

static void test_faults(void **state)
{
    static const struct {
        size_t line;
        const char *words, *rule, *says; /* says: a part of the fault's text; NULL: any */
    } rows[] = {
        {2, "  name = \"Security\";", "conf.list-name", "folder"},
        {2, "  name = \"../x\";", "conf.list-name", NULL},
        {2, "  name = \"abcdefghijklmnopq\";", "conf.list-name", "1 to 16"},
        {2, "  name = 7;", "conf.type", "string"},
        {2, "  nam = \"security\";", "conf.unknown-key", "name"},
        {3, "  address = \"security\";", "conf.address", NULL},
        {3, "  address = \"a@b@example.org\";", "conf.address", NULL},
        {3, "  address = \"a@example.org\\r\\nX: y\";", "conf.control", NULL},
        {3, "  adress = \"security@example.org\";", "conf.unknown-key", "address"},
        {5, "  key = \"89ABCDEF\";", "conf.fingerprint", "40 or 64"},
        {5, "  key = \"" FPR_LIST "0\";", "conf.fingerprint", NULL},
        {5, "  key = \"0123456789ABCDEF0123456789ABCDEF0123456G\";", "conf.fingerprint", NULL},
        {5, "  key = \"" FPR_LIST "\"; next_id = 0;", "conf.range", "from 1"},
        {5, "  key = \"" FPR_LIST "\"; next_id = 4294967297;", "conf.number", NULL},
        {5, "  key = \"" FPR_LIST "\"; key = \"" FPR_OTHER "\";", "conf.duplicate", "key"},
        {8, "  adress = \"a@example.org\";", "conf.unknown-key", "address"},
        {9, "  fingerprint = \"\";", "conf.fingerprint", NULL},
        {9, "  fingerprint = \"" FPR_ADMIN "\"; lists = [ \"nothing\" ];", "conf.unknown-list", "nothing"},
        {9, "  fingerprint = \"" FPR_ADMIN "\"; uid = -1;", "conf.range", NULL},
        {END, "couriers = \"smtp\";", "conf.unknown-key", "courier"},
        {END, "courier = \"smpt\";", "conf.word", "smtp"},
        {END, "sandbox = \"best-efort\";", "conf.word", "best-effort"},
        {END, "sandbox = true;", "conf.type", NULL},
        {END, "smtp = { tls = \"starttls\"; };", "conf.word", NULL},
        {END, "smtp = { port = 65536; };", "conf.range", "65535"},
        {END, "lmtp = { tcp = 0; };", "conf.range", NULL},
        {END, "lmtp = { tcp = \"0.0.0.0:24\"; };", "conf.loopback", "loopback"},
        {END, "lmtp = { tcp = \"192.0.2.1:24\"; };", "conf.loopback", NULL},
        {END, "lmtp = { tcp = \"[::]:24\"; };", "conf.loopback", NULL},
        {END, "lmtp = { tcp = \"mx.example.org:24\"; };", "conf.loopback", NULL},
        {END, "lmtp = { tcp = \"localhost.example.org:24\"; };", "conf.loopback", NULL},
        {END, "lmtp = { tcp = \":24\"; };", "conf.loopback", NULL},
        {END, "reminders = [ \"7\" ];", "conf.reminder", "7d"},
        {END, "reminders = [ \"d\" ];", "conf.reminder", NULL},
        {END, "reminders = [ \"7dd\" ];", "conf.reminder", NULL},
        {END, "reminders = [ \"7w\" ];", "conf.reminder", NULL},
        {END, "reminders = [ \"-7d\" ];", "conf.reminder", NULL},
        {END, "reminders = [ \"0d\" ];", "conf.reminder", NULL},
        {END, "reminders = [ \"10001d\" ];", "conf.reminder", NULL},
        {END, "reminders = [ \"99999999999999999999d\" ];", "conf.reminder", NULL},
        {END, "limits = { workers = 0; };", "conf.range", "from 1 to 64"},
        {END, "limits = { workers = 65; };", "conf.range", NULL},
        {END, "limits = { worker = 2; };", "conf.unknown-key", "workers"},
        {END, "limits = { message_bytes = 1023; };", "conf.range", NULL},
        {END, "limits = { message_bytes = \"25 MiB\"; };", "conf.type", NULL},
        {END, "@include \"other.conf\"", "conf.include", NULL},
        {END, "courier = ", "conf.syntax", NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char *text = text_with(rows[i].line, rows[i].words);
        struct conf_faults faults = {0};
        struct settings *s;
        bool found = false;

        assert_int_equal(settings_parse(text, strlen(text), "e.conf", &faults, &s), ERR_REJECT);
        assert_null(s);
        for (size_t k = 0; k < faults.n && !found; k++)
            found = strcmp(faults.items[k].rule, rows[i].rule) == 0 && strcmp(faults.items[k].file, "e.conf") == 0 &&
                    (faults.items[k].line == (int)rows[i].line || strcmp(rows[i].rule, "conf.syntax") == 0) &&
                    (!rows[i].says || strstr(faults.items[k].text, rows[i].says));
        if (!found)
            fail_msg("%s: %s:%d %s", rows[i].words, faults.items[0].rule, faults.items[0].line, faults.items[0].text);
        conf_faults_free(&faults);
        free(text);
    }
}

static void test_missing(void **state)
{
    static const struct {
        const char *text, *rule, *says;
    } rows[] = {
        {"", "conf.missing", "lists"},
        {"lists = ();\nadmins = ();\n", "conf.no-list", NULL},
        {"lists = ();\nadmins = ();\n", "conf.no-admin", NULL},
        {"lists = ( { name = \"a\"; address = \"a@example.org\"; policy = \"x\"; } );\nadmins = ();\n", "conf.missing",
         "key"},
        {"lists = ( { } );\nadmins = ( { } );\n", "conf.missing", "fingerprint"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct conf_faults faults = {0};
        struct settings *s;
        bool found = false;

        assert_int_equal(settings_parse(rows[i].text, strlen(rows[i].text), "e.conf", &faults, &s), ERR_REJECT);
        assert_null(s);
        for (size_t k = 0; k < faults.n; k++)
            found = found || (strcmp(faults.items[k].rule, rows[i].rule) == 0 &&
                              (!rows[i].says || strstr(faults.items[k].text, rows[i].says)));
        assert_true(found);
        conf_faults_free(&faults);
    }
}

/* All faults of a file at once, not one a day. */
static void test_all_faults(void **state)
{
    char *text = text_with(END, "courier = \"smpt\";\nlmtp = { tcp = \"0.0.0.0:24\"; };\nreminders = [ \"x\" ];\n"
                                "nothing = 1;");
    struct conf_faults faults = {0};
    struct settings *s;

    (void)state;
    assert_int_equal(settings_parse(text, strlen(text), "e.conf", &faults, &s), ERR_REJECT);
    assert_int_equal(faults.n, 4);
    conf_faults_free(&faults);
    free(text);
}

static void test_load(void **state)
{
    char *dir = testdir_make(), *path = mem_printf("%s/embargod.conf", dir), *text = text_with(0, NULL);
    struct settings *s;
    struct diag why;
    FILE *file;

    (void)state;
    assert_int_equal(settings_load(path, &s, &why), ERR_NOT_FOUND);
    assert_null(s);
    file = fopen(path, "we");
    fputs(text, file);
    fclose(file);
    assert_int_equal(settings_load(path, &s, &why), ERR_OK);
    assert_string_equal(s->home, dir);
    assert_string_equal(s->file, path);
    settings_free(&s);
    file = fopen(path, "ae");
    fputs("nothing = 1;\n", file);
    fclose(file);
    assert_int_equal(settings_load(path, &s, &why), ERR_REJECT);
    assert_null(s);
    assert_string_equal(why.rule, "conf.unknown-key");
    assert_string_equal(why.file, path);
    assert_int_equal(why.line, LINES + 1);
    free(text);
    free(path);
    testdir_remove(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults), cmocka_unit_test(test_lists_and_admins), cmocka_unit_test(test_paths),
        cmocka_unit_test(test_list_for), cmocka_unit_test(test_values),           cmocka_unit_test(test_faults),
        cmocka_unit_test(test_missing),  cmocka_unit_test(test_all_faults),       cmocka_unit_test(test_load),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

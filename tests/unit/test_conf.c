#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "codec/conf.h"

static const char *const colours[] = {"red", "green", NULL};
static const char *const everywhere[] = {"unstated", "none", NULL};
static const struct conf_key item_keys[] = {
    {.name = "name", .types = CONF_STRING, .required = true},
    {.name = "for", .types = CONF_STRINGS, .words = colours},
    {.name = NULL},
};
static const struct conf_key any_keys[] = {{.name = "*", .types = CONF_INT}, {.name = NULL}};
static const struct conf_key smtp_keys[] = {
    {.name = "host", .types = CONF_STRING},
    {.name = "port", .types = CONF_INT, .min = 1, .max = 65535},
    {.name = NULL},
};
static const struct conf_key keys[] = {
    {.name = "colour", .types = CONF_STRING, .words = colours},
    {.name = "lists", .types = CONF_GROUPS, .keys = item_keys},
    {.name = "smtp", .types = CONF_GROUP, .keys = smtp_keys},
    {.name = "limits", .types = CONF_GROUP, .keys = any_keys},
    {.name = "live", .types = CONF_BOOL},
    {.name = "size", .types = CONF_STRING | CONF_INT},
    {.name = "ports", .types = CONF_INTS, .min = 1, .max = 9},
    {.name = NULL},
};
static const struct conf_schema schema = {keys, everywhere};

/* libconfig's too: the one with this number, from 1, finds no memory. 0: each does. */
static int strdup_fails, strdup_n;

char *__strdup(const char *s);
char *__strdup(const char *s)
{
    size_t len = strlen(s) + 1;
    char *copy = ++strdup_n == strdup_fails ? NULL : malloc(len);

    return copy ? memcpy(copy, s, len) : NULL;
}

char *strdup(const char *s)
{
    return __strdup(s);
}

static struct conf *parse(const char *text, size_t len, struct conf_faults *faults)
{
    struct conf *conf;
    enum err err = conf_parse(text, len, "t.conf", &schema, faults, &conf);
    assert_int_equal(err, faults->n > 0 ? ERR_REJECT : ERR_OK);
    return conf;
}

static void test_getters(void **state)
{
    (void)state;
    const char *text = "colour = \"red\";\n"
                       "smtp = { host = \"mail.example.org\"; port = 0x19; };\n"
                       "lists = ( { name = \"a\"; for = [ \"red\", \"green\" ]; },\n"
                       "  { name = \"b\"; for = \"unstated\"; } ); // two\n"
                       "limits = { x = 3; y = -4; };\n"
                       "live = true; size = 2147483647; ports = [1, 2];\n";
    struct conf_faults faults = {0};
    struct conf *conf = parse(text, strlen(text), &faults);
    assert_non_null(conf);
    const struct conf_node *root = conf_root(conf);
    assert_string_equal(conf_file(conf), "t.conf");
    assert_string_equal(conf_string(root, "smtp.host", ""), "mail.example.org");
    assert_int_equal(conf_int(root, "smtp.port", 0), 25);
    assert_int_equal(conf_int(root, "limits.y", 0), -4);
    assert_int_equal(conf_int(root, "smtp.host", 7), 7);
    assert_int_equal(conf_int(root, "nothing.here", 7), 7);
    assert_true(conf_bool(root, "live", false));
    assert_int_equal(conf_int(root, "size", 0), 2147483647);
    assert_int_equal(conf_count(conf_get(root, "lists")), 2);
    const struct conf_node *second = conf_at(conf_get(root, "lists"), 1);
    assert_string_equal(conf_string(second, "name", ""), "b");
    assert_int_equal(conf_line(second), 4);
    assert_int_equal(conf_line(conf_get(second, "for")), 4);
    const struct conf_node *words = conf_get(conf_at(conf_get(root, "lists"), 0), "for");
    assert_int_equal(conf_type(words), CONF_STRINGS);
    assert_string_equal(conf_string(conf_at(words, 1), "", ""), "green");
    assert_null(conf_at(words, 2));
    assert_string_equal(conf_name(words), "for");
    assert_int_equal(conf_type(NULL), 0);
    conf_free(&conf);
    conf_faults_free(&faults);
}

static const struct {
    const char *text;
    const char *rule;
    int line;
    const char *words; /* must occur in the fault's text */
} faulty[] = {
    {"\nfor = 1;\n", "conf.unknown-key", 2, "`for`"},
    {"colur = \"red\";", "conf.unknown-key", 1, "did you mean `colour`"},
    {"lists = ( { name = \"a\"; fro = [ \"red\" ]; } );", "conf.unknown-key", 1, "did you mean `for`"},
    {"lists = (\n { nam = \"a\"; },\n { name = \"b\"; } );", "conf.unknown-key", 2, "did you mean `name`?"},
    {"lists = (\n { },\n { name = \"b\"; } );", "conf.missing", 2, "`name` of lists[0]"},
    {"colour = \"rad\";", "conf.word", 1, "\"red\""},
    {"colour = 3;", "conf.type", 1, "string"},
    {"size = 1.5;", "conf.type", 1, "or an integer"},
    {"size = 1e5;", "conf.type", 1, ""},
    {"size = 2147483648;", "conf.number", 1, "31 bits"},
    {"size = 0x80000000;", "conf.number", 1, "31 bits"},
    {"size = 99999999999999999999999;", "conf.number", 1, "31 bits"},
    {"size = 1;\nsize = 2;", "conf.duplicate", 2, "`size`"},
    {"smtp = { port = 0; };", "conf.range", 1, "from 1 to 65535"},
    {"ports = [1, 10];", "conf.range", 1, "ports[1]"},
    {"smtp = ( );", "conf.type", 1, "group"},
    {"lists = ( { name = \"a\"; }, 3 );", "conf.type", 1, "lists[1]"},
    {"lists = ( 3 );", "conf.type", 1, "list of groups"},
    {"@include \"x\"\n", "conf.include", 1, "@include"},
    {"  @include \"x\"\n", "conf.include", 1, "@include"},
    {"live = true; /* never", "conf.comment", 1, "*/"},
    {"colour = \"red\nlive = true;", "conf.string", 1, ""},
    {"colour = \"a\\x00b\";", "conf.escape", 1, "x00"},
    {"size = \"a\\nb\";", "conf.control", 1, "control"},
    {"size = \"a\nb\";", "conf.control", 0, "control"},
    {"live = yes;", "conf.syntax", 1, ""},
    {"((((((((((((((((((((((((", "conf.depth", 1, "16"},
    {"live = true", "", 0, ""}, /* the last ; may be missing */
    {"live = \"none\"; colour = \"unstated\"; smtp = \"unstated\"; lists = \"none\"; ports = [];", "", 0, ""},
    {"lists = (); # an empty list", "", 0, ""},
};

static void test_faults(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(faulty) / sizeof(faulty[0]); i++) {
        struct conf_faults faults = {0};
        struct conf *conf = parse(faulty[i].text, strlen(faulty[i].text), &faults);
        const struct conf_fault none = {0};
        const struct conf_fault *first = faults.n > 0 ? &faults.items[0] : &none;
        for (size_t k = 0; k < faults.n; k++) {
            if (strcmp(faults.items[k].rule, faulty[i].rule) == 0)
                first = &faults.items[k];
        }
        if (strcmp(first->rule, faulty[i].rule) != 0 || strstr(first->text, faulty[i].words) == NULL)
            fail_msg("row %zu: %s line %d: %s", i, first->rule, first->line, first->text);
        if (faulty[i].line > 0)
            assert_int_equal(first->line, faulty[i].line);
        conf_free(&conf);
        conf_faults_free(&faults);
    }
}

static void test_all_faults_are_listed_in_order(void **state)
{
    (void)state;
    const char *text = "size = 1;\ncolour = 1;\nsize = 4294967296;\nfoo = 1;\nsmtp = { host = 1;\nport = 70000; };";
    static const int lines[] = {2, 3, 3, 4, 5, 6};
    struct conf_faults faults = {0};
    struct conf *conf = parse(text, strlen(text), &faults);
    struct diag why = {0};
    assert_non_null(conf);
    assert_int_equal(faults.n, 6);
    for (size_t i = 0; i < faults.n; i++)
        assert_int_equal(faults.items[i].line, lines[i]);
    assert_int_equal(conf_faults_diag(&faults, ERR_USAGE, &why), ERR_USAGE);
    assert_string_equal(why.file, "t.conf");
    assert_int_equal(why.line, 2);
    assert_non_null(strstr(why.text, "and 5 more"));
    conf_free(&conf);
    conf_faults_free(&faults);
}

static void test_limits(void **state)
{
    (void)state;
    struct conf_faults faults = {0};
    struct buf text = BUF_EMPTY;
    for (int i = 0; i < 400; i++)
        buf_printf(&text, "k%d = 1;\n", i);
    struct conf *conf = parse(buf_text(&text), text.len, &faults);
    assert_null(conf);
    assert_string_equal(faults.items[0].rule, "conf.too-many-keys");
    assert_int_equal(faults.items[0].line, CONF_KEYS_MAX + 1);
    conf_faults_free(&faults);

    buf_clear(&text);
    for (int i = 0; i < CONF_KEYS_MAX; i++)
        buf_printf(&text, "k%d = 1;\n", i);
    conf = parse(buf_text(&text), text.len, &faults);
    assert_int_equal(faults.n, CONF_FAULTS_MAX + 1);
    assert_string_equal(faults.items[CONF_FAULTS_MAX].rule, "conf.more");
    conf_free(&conf);
    conf_faults_free(&faults);

    char *large = calloc(1, CONF_BYTES_MAX + 1);
    memset(large, ' ', CONF_BYTES_MAX + 1);
    conf = parse(large, CONF_BYTES_MAX + 1, &faults);
    assert_string_equal(faults.items[0].rule, "conf.too-large");
    conf_faults_free(&faults);
    large[5] = '\0';
    conf = parse(large, 10, &faults);
    assert_string_equal(faults.items[0].rule, "conf.nul");
    conf_faults_free(&faults);
    free(large);
    buf_free(&text);
}

/* The exit of a process that parses, when libconfig's nth strdup fails: 0 as undisturbed, 1 otherwise, else a signal.
 */
static int status_when_strdup_fails(int n)
{
    static const char text[] =
        "colour = \"red\"; lists = ({ name = \"a\"; for = [\"green\"]; }); limits = { most = 3; };";
    pid_t pid = fork();
    int status = 0;

    if (pid == 0) {
        struct conf_faults faults = {0};
        struct conf *conf;

        signal(SIGABRT, SIG_DFL); /* cmocka's would go on with the next test */
        signal(SIGSEGV, SIG_DFL);
        strdup_n = 0;
        strdup_fails = n;
        conf = parse(text, strlen(text), &faults);
        _exit(faults.n != 0 || strcmp(conf_string(conf_root(conf), "colour", ""), "red") != 0 ||
              conf_int(conf_root(conf), "limits.most", 0) != 3 || conf_count(conf_get(conf_root(conf), "lists")) != 1);
    }
    assert_true(pid > 0 && waitpid(pid, &status, 0) == pid);
    return status;
}

static void test_no_memory_for_a_name_is_not_passed_over(void **state)
{
    (void)state;
    struct conf_faults faults = {0};
    struct conf *conf;
    int calls;

    strdup_n = 0;
    conf = parse("colour = \"red\";", 15, &faults);
    calls = strdup_n;
    conf_free(&conf);
    if (calls == 0)
        skip(); /* it is another libconfig, whose copies are made elsewhere */
    assert_int_equal(status_when_strdup_fails(0), 0);
    for (int n = 1; n <= 40; n++) {
        int status = status_when_strdup_fails(n);

        assert_true(WIFSIGNALED(status) || status == 0);
        if (n <= calls)
            assert_true(WIFSIGNALED(status));
    }
}

static void test_nearest(void **state)
{
    (void)state;
    static const char *const words[] = {"tracks", "tiers", "clocks", NULL};
    assert_string_equal(conf_nearest("teirs", words), "tiers");
    assert_string_equal(conf_nearest("clock", words), "clocks");
    assert_string_equal(conf_nearest("", words), "tiers");
    assert_null(conf_nearest("x", NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_getters),
        cmocka_unit_test(test_faults),
        cmocka_unit_test(test_all_faults_are_listed_in_order),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_no_memory_for_a_name_is_not_passed_over),
        cmocka_unit_test(test_nearest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Commands as words and as frames, and replies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/frame.h"
#include "base/mem.h"
#include "flow/command.h"
#include "flow/command_check.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORDS_MAX 16

struct words {
    const char *argv[WORDS_MAX];
};

static int count(const struct words *w)
{
    int n = 0;

    while (n < WORDS_MAX && w->argv[n])
        n++;
    return n;
}

static enum err parse(const struct words *w, struct command *out, struct diag *why)
{
    return command_parse(count(w), w->argv, out, why);
}

/* ---- the table ---- */

static void check_args(const struct command_verb *v)
{
    bool optional = false;

    for (size_t i = 0; i < COMMAND_ARGS_MAX && v->args[i].name; i++) {
        const struct command_arg *a = &v->args[i];

        /* A word that must be given cannot follow one that may be missing, and what takes all words is the last. */
        assert_false(optional && !a->optional);
        optional = a->optional;
        assert_false(a->many);
        assert_int_not_equal(a->type, ARG_FLAG);
        if (a->type == ARG_WORDS && i + 1 < COMMAND_ARGS_MAX)
            assert_null(v->args[i + 1].name);
    }
}

static void check_options(const struct command_verb *v)
{
    for (size_t i = 0; i < COMMAND_OPTIONS_MAX && v->options[i].name; i++) {
        for (const char *p = v->options[i].name; *p; p++)
            assert_true(islower((unsigned char)*p) || *p == '-');
        for (size_t k = 0; k < i; k++)
            assert_string_not_equal(v->options[i].name, v->options[k].name);
        assert_int_not_equal(v->options[i].type, ARG_WORDS);
        if (v->options[i].type == ARG_FLAG)
            assert_true(v->options[i].optional);
    }
}

static void test_table(void **state)
{
    size_t n = 0;

    (void)state;
    for (const struct command_verb *v = command_verbs; v->words; v++, n++) {
        if (v[1].words)
            assert_true(strcmp(v->words, v[1].words) < 0);
        assert_non_null(v->help);
        assert_true(v->help[0] != 0);
        assert_true((v->place == PLACE_OFFLINE) == (v->run == NULL));
        /* What changes something runs in the daemon; what it does not run cannot be sent to it. */
        assert_false(v->writes && v->place != PLACE_DAEMON);
        assert_false(v->by_mail && v->place == PLACE_OFFLINE);
        check_args(v);
        check_options(v);
        assert_ptr_equal(command_find_verb(v->words), v);
    }
    assert_true(n < COMMAND_VERBS_MAX);
    assert_false(command_find_verb("init")->by_mail);
    assert_null(command_find_verb("case"));
    assert_null(command_find_verb(""));
}

/* ---- words ---- */

static const struct {
    struct words words;
    const char *verb;
    const char *name, *value; /* one that must be there; NULL */
} good[] = {
    {{{"status"}}, "status", NULL, NULL},
    {{{"case", "list"}}, "case list", NULL, NULL},
    {{{"case", "show", "abcdefgh"}}, "case show", "ID", "abcdefgh"},
    {{{"case", "show", "abcdefgh", "--message", "2"}}, "case show", "message", "2"},
    {{{"case", "show", "--message", "2", "abcdefgh"}}, "case show", "ID", "abcdefgh"},
    {{{"case", "show", "abcdefgh", "--message=2"}}, "case show", "message", "2"},
    {{{"case", "accept", "abcdefgh", "--reason", "--odd"}}, "case accept", "reason", "--odd"},
    {{{"case", "accept", "abcdefgh", "--reason=a=b"}}, "case accept", "reason", "a=b"},
    {{{"case", "accept", "--", "--odd"}}, "case accept", "ID", "--odd"},
    {{{"case", "note", "abcdefgh", "-"}}, "case note", "FILE", "-"},
    {{{"case", "open", "--from", "-"}}, "case open", "from", "-"},
    {{{"case", "set", "abcdefgh", "title=two words", "cve=CVE-2026-1"}},
     "case set",
     "ASSIGNMENTS",
     "title=two words\ncve=CVE-2026-1"},
    {{{"case", "set", "abcdefgh", "title="}}, "case set", "ASSIGNMENTS", "title="},
    {{{"advisory", "send", "abcdefgh", "--dry-run"}}, "advisory send", "dry-run", ""},
    {{{"policy", "explain"}}, "policy explain", NULL, NULL},
    {{{"policy", "explain", "abcdefgh"}}, "policy explain", "CASE", "abcdefgh"},
    {{{"advisory", "new", "abcdefgh", "--title", "Über"}}, "advisory new", "title", "Über"},
    {{{"wait", "--timeout", "0.5"}}, "wait", "timeout", "0.5"},
};

static void test_words(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        struct command c;
        struct diag why = {0};

        if (parse(&good[i].words, &c, &why))
            fail_msg("%s: %s", good[i].verb, why.text);
        assert_string_equal(c.verb->words, good[i].verb);
        if (good[i].name)
            assert_string_equal(command_word(&c, good[i].name), good[i].value);
        assert_null(command_word(&c, "no-such-name"));
        assert_false(command_flag(&c, "no-such-name"));
        command_free(&c);
        command_free(&c);
    }
}

static const struct {
    struct words words;
    const char *rule, *text; /* text: a part of it */
} bad[] = {
    {{{NULL}}, "command.unknown", "no command"},
    {{{"case"}}, "command.unknown", "case what? accept"},
    {{{""}}, "command.unknown", ""},
    {{{"case list"}}, "command.unknown", "case list"},
    {{{"statz", "--openmetrics"}}, "command.unknown", "stats"},
    {{{"statuz"}}, "command.unknown", "status"},
    {{{"case", "shwo", "abcdefgh"}}, "command.unknown", "case show"},
    {{{"case", "show"}}, "command.argument", "needs ID"},
    {{{"case", "show", "--message", "1"}}, "command.argument", "needs ID"},
    {{{"case", "list", "more"}}, "command.argument", "no further"},
    {{{"case", "show", "abcdefgh", "more"}}, "command.argument", "no further"},
    {{{"case", "duplicate", "abcdefgh"}}, "command.argument", "needs OF"},
    {{{"case", "set", "abcdefgh"}}, "command.argument", "ASSIGNMENTS"},
    {{{"case", "open"}}, "command.option", "--from"},
    {{{"embargo", "set", "abcdefgh"}}, "command.option", "--until"},
    {{{"member", "suspend", "Example"}}, "command.option", "--reason"},
    {{{"member", "add", "--org", "O", "--class", "distro", "--tier", "t"}}, "command.option", "--address"},
    {{{"case", "show", "abcdefgh", "--mesage", "1"}}, "command.option", "--message"},
    {{{"case", "show", "abcdefgh", "--message"}}, "command.option", "needs a value"},
    {{{"case", "show", "abcdefgh", "--message="}}, "command.option", "must not be empty"},
    {{{"member", "suspend", "Example", "--reason", " "}}, "command.option", "--reason must not be empty"},
    {{{"case", "show", "abcdefgh", "--message", "1", "--message", "2"}}, "command.option", "twice"},
    {{{"case", "show", "abcdefgh", "-m", "1"}}, "command.option", "--NAME"},
    {{{"case", "list", "--json"}}, "command.option", "before the command"},
    {{{"case", "list", "--anything"}}, "command.option", "no options"},
    {{{"advisory", "send", "abcdefgh", "--dry-run=yes"}}, "command.option", "no value"},
    {{{"advisory", "new", "abcdefgh", "--title", "a\nb"}}, "command.argument", "control"},
    {{{"advisory", "new", "abcdefgh", "--title", "a\x7f"}}, "command.argument", "control"},
    {{{"advisory", "new", "abcdefgh", "--title", "\xff"}}, "command.argument", "UTF-8"},
    {{{"case", "set", "abcdefgh", "title=a\nseverity=low"}}, "command.argument", "control"},
    {{{"case", "set", "abcdefgh", "cve=x", "title=a\rb"}}, "command.argument", "control"},
};

static void test_bad_words(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct command c;
        struct diag why = {0};
        enum err err = parse(&bad[i].words, &c, &why);

        if (err != ERR_USAGE || strcmp(why.rule, bad[i].rule) != 0 || !strstr(why.text, bad[i].text))
            fail_msg("row %zu: error %d, %s: %s", i, (int)err, why.rule, why.text);
        assert_null(c.values);
        assert_int_equal(c.n_values, 0);
    }
}

static void test_many(void **state)
{
    struct words w = {{"advisory", "edit", "abcdefgh", "a.txt", "--attach", "1.patch", "--attach=2.patch"}};
    const char *argv[2 * COMMAND_VALUES_MAX + 8] = {"advisory", "edit", "abcdefgh", "a.txt"};
    struct command c;
    struct diag why;
    int n = 4;

    (void)state;
    assert_int_equal(parse(&w, &c, &why), ERR_OK);
    assert_string_equal(command_value_nth(&c, "attach", 0)->word, "1.patch");
    assert_string_equal(command_value_nth(&c, "attach", 1)->word, "2.patch");
    assert_null(command_value_nth(&c, "attach", 2));
    assert_int_equal(command_value(&c, "attach")->type, ARG_FILE);
    command_free(&c);
    for (; n < 2 * COMMAND_VALUES_MAX + 8; n++)
        argv[n] = "--attach=x";
    assert_int_equal(command_parse(n, argv, &c, &why), ERR_USAGE);
}

static void test_long_word(void **state)
{
    char *word = mem_zero(COMMAND_WORD_MAX + 2, 1);
    struct words w = {{"case", "show", word}};
    struct command c;
    struct diag why;

    (void)state;
    memset(word, 'a', COMMAND_WORD_MAX);
    assert_int_equal(parse(&w, &c, &why), ERR_OK);
    command_free(&c);
    word[COMMAND_WORD_MAX] = 'a';
    assert_int_equal(parse(&w, &c, &why), ERR_USAGE);
    free(word);
}

/* ---- requests as frames ---- */

static void make_request(struct buf *out)
{
    struct words w = {{"case", "reply", "abcdefgh", "text.txt", "--to", "team"}};
    struct command c;
    struct diag why;

    assert_int_equal(parse(&w, &c, &why), ERR_OK);
    c.list = mem_strdup("security");
    buf_add((struct buf *)&command_value(&c, "FILE")->bytes, "a\0b", 3);
    command_put(&c, "ann@example.org", out);
    command_free(&c);
}

static void test_request(void **state)
{
    struct buf frame = BUF_EMPTY;
    struct command c;
    struct diag why;
    char *as = NULL;

    (void)state;
    make_request(&frame);
    assert_int_equal(command_get(buf_span(&frame), &c, &as, &why), ERR_OK);
    assert_string_equal(c.verb->words, "case reply");
    assert_string_equal(c.list, "security");
    assert_string_equal(as, "ann@example.org");
    assert_string_equal(command_word(&c, "to"), "team");
    assert_int_equal(command_value(&c, "FILE")->bytes.len, 3);
    assert_memory_equal(command_value(&c, "FILE")->bytes.data, "a\0b", 3);
    assert_int_equal(command_value(&c, "FILE")->type, ARG_FILE);
    free(as);
    command_free(&c);
    buf_free(&frame);
}

static void refuse(const struct buf *frame)
{
    struct command c;
    struct diag why = {0};
    char *as = NULL;

    assert_int_equal(command_get(buf_span(frame), &c, &as, &why), ERR_USAGE);
    assert_null(as);
    assert_null(c.values);
    assert_true(why.text[0] != 0);
}

/* Cut anywhere, and with anything behind it, a request is refused; so is one with any byte changed, or it is whole. */
static void test_damaged_request(void **state)
{
    struct buf frame = BUF_EMPTY;

    (void)state;
    make_request(&frame);
    for (size_t n = 0; n < frame.len; n++) {
        struct buf cut = BUF_EMPTY;

        buf_add(&cut, frame.data, n);
        refuse(&cut);
        buf_free(&cut);
    }
    for (size_t i = 0; i < frame.len; i++) {
        uint8_t kept = frame.data[i];
        struct command c;
        struct diag why;
        char *as = NULL;

        frame.data[i] ^= 0x81;
        if (command_get(buf_span(&frame), &c, &as, &why) == ERR_OK) {
            command_free(&c);
            free(as);
        }
        frame.data[i] = kept;
    }
    buf_add_byte(&frame, 0);
    refuse(&frame);
    buf_free(&frame);
}

/* A request made by hand, of a client that is not ours. */
static void make_frame(struct buf *out, const char *verb, uint32_t n, const char *const *values)
{
    buf_clear(out);
    frame_put_str(out, verb);
    frame_put_str(out, NULL);
    frame_put_str(out, NULL);
    frame_put_u32(out, n);
    for (; *values; values += 3) {
        frame_put_str(out, values[0]);
        frame_put_str(out, values[1]);
        frame_put_bytes(out, values[2], strlen(values[2]));
    }
}

static void test_hostile_request(void **state)
{
    static const struct {
        const char *verb;
        uint32_t n;
        const char *values[10];
    } rows[] = {
        {"case show", 0, {NULL}},                                      /* ID is missing */
        {"case show", 1, {"ID", "a", "bytes", NULL}},                  /* a word is no file */
        {"case show", 2, {"ID", "a", "", "ID", "b", "", NULL}},        /* twice */
        {"case show", 2, {"ID", "a", "", "message\n", "1", "", NULL}}, /* no such option */
        {"case show", 2, {"ID", "a", "", "reason", "1", "", NULL}},    /* another verb's */
        {"case show", 1, {"ID", "a\nb", "", NULL}},                    /* control */
        {"case show", 1, {"ID", "\xc3", "", NULL}},                    /* not UTF-8 */
        {"case show", 5, {"ID", "a", "", NULL}},                       /* fewer than it says */
        {"case show", 0xffffffffu, {"ID", "a", "", NULL}},
        {"case open", 0, {NULL}}, /* an option is missing */
        {"case", 1, {"ID", "a", "", NULL}},
        {"", 0, {NULL}},
        {NULL, 0, {NULL}},
    };
    struct buf frame = BUF_EMPTY;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        make_frame(&frame, rows[i].verb, rows[i].n, rows[i].values);
        refuse(&frame);
    }
    buf_free(&frame);
}

/* ---- replies ---- */

static void test_reply(void **state)
{
    struct reply r = {.exit = EXIT_REFUSED, .rule = "clocks.embargo.max", .file = "xen@2026.conf", .line = 9}, got;
    struct buf frame = BUF_EMPTY;
    struct diag why;

    (void)state;
    buf_init(&r.out, 1024);
    buf_add(&r.out, "\0\1", 2);
    snprintf(r.message, sizeof r.message, "too late");
    r.data = json_pack("{s:s, s:n, s:[i, i]}", "id", "a\xc3\xbc", "until", "n", 1, 2);
    reply_put(&r, &frame);
    assert_int_equal(reply_get(buf_span(&frame), &got, &why), ERR_OK);
    assert_int_equal(got.exit, EXIT_REFUSED);
    assert_false(got.ok);
    assert_string_equal(got.rule, r.rule);
    assert_string_equal(got.message, r.message);
    assert_string_equal(got.file, r.file);
    assert_int_equal(got.line, 9);
    assert_true(json_equal(got.data, r.data));
    assert_int_equal(got.out.len, 2);
    reply_free(&got);
    for (size_t n = 0; n < frame.len; n++)
        assert_int_equal(reply_get((struct span){frame.data, n}, &got, &why), ERR_INTERNAL);
    buf_add_byte(&frame, 0);
    assert_int_equal(reply_get(buf_span(&frame), &got, &why), ERR_INTERNAL);
    buf_free(&frame);
    reply_free(&r);
}

static void test_reply_without_data(void **state)
{
    struct reply r = {.ok = true, .out = BUF_EMPTY}, got;
    struct buf frame = BUF_EMPTY;
    struct diag why;

    (void)state;
    reply_put(&r, &frame);
    assert_int_equal(reply_get(buf_span(&frame), &got, &why), ERR_OK);
    assert_true(got.ok);
    assert_null(got.data);
    reply_free(&got);
    buf_free(&frame);
}

static void test_exit_codes(void **state)
{
    static const struct {
        enum err err;
        enum command_exit exit;
    } rows[] = {
        {ERR_OK, EXIT_DONE},        {ERR_REJECT, EXIT_REFUSED},      {ERR_DENIED, EXIT_REFUSED},
        {ERR_LIMIT, EXIT_REFUSED},  {ERR_NOT_FOUND, EXIT_NOT_FOUND}, {ERR_USAGE, EXIT_USAGE},
        {ERR_AGAIN, EXIT_INTERNAL}, {ERR_INTERNAL, EXIT_INTERNAL},
    };
    struct diag why;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct reply r = {.out = BUF_EMPTY, .message = "said"};

        diag_set(&why, rows[i].err, "some.rule", "some words");
        snprintf(why.file, sizeof why.file, "a.conf");
        why.line = 3;
        reply_from(&r, rows[i].err, &why);
        assert_int_equal(r.exit, rows[i].exit);
        assert_int_equal(r.ok, rows[i].err == ERR_OK);
        assert_string_equal(r.message, rows[i].err ? "some words" : "said");
        assert_string_equal(r.rule, rows[i].err ? "some.rule" : "");
        assert_int_equal(r.line, rows[i].err ? 3 : 0);
    }
}

static void check_json(const struct reply *r, const char *want)
{
    json_t *o = reply_json(r);
    char *text = json_dumps(o, JSON_COMPACT);

    assert_string_equal(text, want);
    free(text);
    json_decref(o);
}

static void test_json(void **state)
{
    struct reply r = {.ok = true, .out = BUF_EMPTY};

    (void)state;
    check_json(&r, "{\"ok\":true,\"rule\":null,\"message\":null,\"data\":null}");
    r.ok = false;
    snprintf(r.rule, sizeof r.rule, "embargo.max");
    snprintf(r.message, sizeof r.message, "cut \xc3");
    snprintf(r.file, sizeof r.file, "x.conf");
    r.line = 7;
    check_json(&r, "{\"ok\":false,\"rule\":\"embargo.max\",\"message\":\"cut \xef\xbf\xbd (x.conf:7)\",\"data\":null}");
    r.line = 0;
    check_json(&r, "{\"ok\":false,\"rule\":\"embargo.max\",\"message\":\"cut \xef\xbf\xbd (x.conf)\",\"data\":null}");
    reply_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),           cmocka_unit_test(test_words),
        cmocka_unit_test(test_bad_words),       cmocka_unit_test(test_many),
        cmocka_unit_test(test_long_word),       cmocka_unit_test(test_request),
        cmocka_unit_test(test_damaged_request), cmocka_unit_test(test_hostile_request),
        cmocka_unit_test(test_reply),           cmocka_unit_test(test_reply_without_data),
        cmocka_unit_test(test_exit_codes),      cmocka_unit_test(test_json),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

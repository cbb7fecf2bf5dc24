/* Servers that do what no server should: the courier has a result for each mail, soon, and never one that is not so. */
#include "tests/unit/courier_fixture.h"

#define LONG_BYTES 100000

/* A reply of 100 kB: in many lines of this code, or in one. */
static char *long_reply(const char *code, bool lines)
{
    struct buf out = BUF_EMPTY;
    char *text;

    while (out.len < LONG_BYTES)
        if (lines)
            buf_printf(&out, "%.3s-2.0.0 and so on and so on\r\n", code);
        else
            buf_printf(&out, "%s", out.len ? "and so on " : code);
    if (lines)
        buf_add_str(&out, code);
    text = buf_take(&out);
    return text;
}

struct outcome {
    enum courier_outcome outcome;
    const char *code;
};

/* Anything but a result that is not so; the session may end of it. */
static void expect_one(struct fixture *f, const char *name, struct smtp_script script, const struct outcome *wanted)
{
    struct result r;

    print_message("  %s\n", name);
    start_server(f, script);
    start_courier(f, NULL, false);
    give(f, 7, "ann@example.net");
    r = take(f);
    assert_int_equal(r.job, 7);
    if (wanted)
        expect_code(&r, wanted->outcome, wanted->code);
    if (r.outcome == COURIER_SENT && !count_files(f, ".eml"))
        fail_msg("%s: sent, and the server has nothing", name);
    assert_true(strlen(r.code) < 1000);
    stop_server(f);
    assert_int_equal(stop_courier(f), 0);
}

static const struct {
    const char *name;
    struct smtp_script script;
    struct outcome wanted;
} rows[] = {
    {"each reply in single bytes", {.trickles = true}, {COURIER_SENT, "250 2.0.0"}},
    {"a refusal in single bytes",
     {.trickles = true, .rcpt = "550-5.1.1 no\r\n550 5.1.1 no"},
     {COURIER_FAILED, "550 5.1.1"}},
    {"421 at MAIL", {.mail = "421 4.3.2 later"}, {COURIER_DEFERRED, "421 4.3.2"}},
    {"421 at RCPT", {.rcpt = "421 4.3.2 later"}, {COURIER_DEFERRED, "421 4.3.2"}},
    {"421 at DATA", {.data = "421 4.3.2 later"}, {COURIER_DEFERRED, "421 4.3.2"}},
    {"421 at the end", {.dot = "421 4.3.2 later"}, {COURIER_DEFERRED, "421 4.3.2"}},
    {"421 to EHLO", {.ehlo = "421 4.3.2 later"}, {COURIER_DEFERRED, "421 4.3.2"}},
    /* RFC 5321, 4.5.3.1.10: of RCPT it may mean too many recipients, and there is one */
    {"452 at RCPT", {.rcpt = "452 4.2.2 mailbox full"}, {COURIER_DEFERRED, "452 4.2.2"}},
    {"552 at RCPT", {.rcpt = "552 5.2.2 mailbox full"}, {COURIER_FAILED, "552 5.2.2"}},
    {"452 at the end", {.dot = "452 4.3.1 no room"}, {COURIER_DEFERRED, "452 4.3.1"}},
    {"a SIZE that is too small, and not meant", {.extensions = "PIPELINING|SIZE 10|DSN"}, {COURIER_SENT, "250 2.0.0"}},
    {"SIZE without a number", {.extensions = "PIPELINING|SIZE|DSN"}, {COURIER_SENT, "250 2.0.0"}},
    {"SIZE 0", {.extensions = "PIPELINING|SIZE 0|DSN"}, {COURIER_SENT, "250 2.0.0"}},
    {"a SIZE beyond all", {.extensions = "SIZE 99999999999999999999999999"}, {COURIER_SENT, "250 2.0.0"}},
    {"no 8BITMIME", {.extensions = "PIPELINING|SIZE 52428800|DSN"}, {COURIER_SENT, "250 2.0.0"}},
    {"extensions that are none",
     {.extensions = "|=|X-\x01\xff|SIZE=5|DSN=|PIPELINING=NO|AUTH|AUTH="},
     {COURIER_SENT, "250 2.0.0"}},
    {"EHLO refused, HELO in many lines",
     {.ehlo = "500 5.5.1 what?", .helo = "250-sink\r\n250 sink"},
     {COURIER_SENT, "250 2.0.0"}},
};

static void test_rows(void **state)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        expect_one(*state, rows[i].name, rows[i].script, &rows[i].wanted);
}

/* Each of them at each step: a mail is sent, or it goes again, and it is known which. */
static void test_long(void **state)
{
    for (int lines = 0; lines < 2; lines++) {
        char *good = long_reply("250 2.0.0 Ok", lines), *greeting = long_reply("220 sink ESMTP", lines),
             *go = long_reply("354 go", lines), *later = long_reply("451 4.3.0 later", lines);
        const struct {
            const char *name;
            struct smtp_script script;
        } steps[] = {
            {"a long greeting", {.greeting = greeting}},
            {"a long answer to EHLO", {.ehlo = good}},
            {"a long 250 at MAIL", {.mail = good}},
            {"a long 250 at RCPT", {.rcpt = good}},
            {"a long 354", {.data = go}},
            {"a long 250 at the end", {.dot = good}},
            {"a long 451 at RCPT", {.rcpt = later}},
            {"a long 451 at the end", {.dot = later}},
        };

        for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++)
            expect_one(*state, steps[i].name, steps[i].script, NULL);
        free(good);
        free(greeting);
        free(go);
        free(later);
    }
}

/* Answers that were there before the questions: none of them is taken for the answer to the mail. */
static void test_early(void **state)
{
    static const char *const early[] = {
        "220 sink ESMTP\r\n250 early",
        "220 sink ESMTP\r\n250-sink\r\n250 PIPELINING\r\n250 2.1.0 Ok\r\n250 2.1.5 Ok",
        "220 sink ESMTP\r\n250 sink\r\n250 2.1.0 Ok\r\n250 2.1.5 Ok\r\n354 go",
        "220 sink ESMTP\r\n220 again",
        "220 sink ESMTP\r\n421 4.3.2 bye",
        "250 sink",
        "354 go",
    };

    for (size_t i = 0; i < sizeof early / sizeof early[0]; i++)
        expect_one(*state, early[i], (struct smtp_script){.greeting = early[i]},
                   &(struct outcome){COURIER_DEFERRED, i < 5 ? "smtp.early" : ""});
    expect_one(*state, "two answers to RCPT", (struct smtp_script){.rcpt = "250 2.1.5 Ok\r\n550 5.1.1 no"}, NULL);
    expect_one(*state, "two answers at the end", (struct smtp_script){.dot = "250 2.0.0 Ok\r\n554 5.7.1 no"}, NULL);
    expect_one(*state, "the end's answer at DATA",
               (struct smtp_script){.data = "354 go\r\n250 2.0.0 Ok: queued as LIES", .dot = "451 4.3.0 later"}, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_rows, setup, teardown),
        cmocka_unit_test_setup_teardown(test_long, setup, teardown),
        cmocka_unit_test_setup_teardown(test_early, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "tests/unit/courier_fixture.h"

/* ---- what a server may answer, one mail each ---- */

/* Larger than any reply may be (RFC 5321, 4.5.3.1.5), and than the buffers of libesmtp. */
#define X10(x)       x x x x x x x x x x
#define LONG_REFUSAL "451 4.3.0 " X10(X10(X10("later ")))

static const struct {
    const char *name;
    struct smtp_script script;
    enum courier_outcome outcome;
    const char *code;
} replies[] = {
    {"all is well", {0}, COURIER_SENT, "250 2.0.0"},
    {"another success at RCPT", {.rcpt = "251 will forward"}, COURIER_SENT, "250 2.0.0"},
    {"greeting 4yz", {.greeting = "421 4.3.2 later"}, COURIER_DEFERRED, "421 4.3.2 at opening"},
    {"greeting 5yz", {.greeting = "554 5.7.1 go away"}, COURIER_DEFERRED, "554 5.7.1 at opening"},
    {"greeting of no server", {.greeting = "hello"}, COURIER_DEFERRED, "smtp."},
    {"greeting hangs", {.greeting = "hang"}, COURIER_DEFERRED, "smtp.timeout"},
    {"greeting drops", {.greeting = "drop"}, COURIER_DEFERRED, "smtp."},
    {"EHLO unknown, HELO known", {.ehlo = "502 5.5.1 what?"}, COURIER_SENT, "250"},
    {"EHLO and HELO unknown", {.ehlo = "502 what?", .helo = "502 what?"}, COURIER_DEFERRED, "502 at opening"},
    {"EHLO 4yz", {.ehlo = "450 4.3.2 later"}, COURIER_DEFERRED, "450 4.3.2 at opening"},
    {"EHLO 5yz", {.ehlo = "550 5.7.1 no"}, COURIER_DEFERRED, "550 5.7.1 at opening"},
    {"EHLO hangs", {.ehlo = "hang"}, COURIER_DEFERRED, "smtp.timeout"},
    {"EHLO drops", {.ehlo = "drop"}, COURIER_DEFERRED, "smtp."},
    {"MAIL 4yz", {.mail = "451 4.3.0 later"}, COURIER_DEFERRED, "451 4.3.0 at MAIL"},
    {"MAIL 5yz", {.mail = "550 5.7.1 no"}, COURIER_FAILED, "550 5.7.1 at MAIL: the mail server refuses our"},
    {"MAIL too large", {.mail = "552 5.3.4 too large"}, COURIER_FAILED, "552 5.3.4 at MAIL: it is too large"},
    {"MAIL wants TLS", {.mail = "530 5.7.0 STARTTLS first"}, COURIER_DEFERRED, "530 5.7.0 at MAIL"},
    {"MAIL wants a login", {.mail = "530 5.7.0 login"}, COURIER_DEFERRED, "530 5.7.0 at MAIL"},
    {"MAIL hangs", {.mail = "hang"}, COURIER_DEFERRED, "smtp.timeout"},
    {"MAIL drops", {.mail = "drop"}, COURIER_DEFERRED, "smtp.dropped"},
    {"RCPT 4yz", {.rcpt = "450 4.2.0 greylisted"}, COURIER_DEFERRED, "450 4.2.0 at RCPT"},
    {"RCPT 5yz", {.rcpt = "550 5.1.1 <ann@example.net> unknown"}, COURIER_FAILED, "550 5.1.1 at RCPT: the mail"},
    {"RCPT hangs", {.rcpt = "hang"}, COURIER_DEFERRED, "smtp.timeout"},
    {"RCPT drops", {.rcpt = "drop"}, COURIER_DEFERRED, "smtp.dropped"},
    {"RCPT out of place", {.rcpt = "503 5.5.1 MAIL first"}, COURIER_DEFERRED, "503 5.5.1 at RCPT"},
    {"DATA 4yz", {.data = "451 4.3.0 later"}, COURIER_DEFERRED, "451 4.3.0 at DATA"},
    {"DATA 5yz", {.data = "554 5.6.0 no"}, COURIER_FAILED, "554 5.6.0 at DATA"},
    {"DATA 2yz", {.data = "250 2.0.0 Ok: queued as LIES1"}, COURIER_DEFERRED, "250 2.0.0 at DATA"},
    {"DATA hangs", {.data = "hang"}, COURIER_DEFERRED, "smtp.timeout"},
    {"DATA drops", {.data = "drop"}, COURIER_DEFERRED, "smtp.dropped"},
    {"end 4yz", {.dot = "451 4.3.0 later"}, COURIER_DEFERRED, "451 4.3.0 at DATA"},
    {"end 5yz", {.dot = "554 5.7.1 looks like spam"}, COURIER_FAILED, "554 5.7.1 at DATA"},
    {"end hangs", {.dot = "hang"}, COURIER_DEFERRED, "smtp.timeout"},
    {"end drops", {.dot = "drop"}, COURIER_DEFERRED, "smtp.dropped"},
    {"end with another success", {.dot = "200 fine"}, COURIER_DEFERRED, "200 at DATA"},
    {"end with no reply", {.dot = "fine"}, COURIER_DEFERRED, "smtp.dropped"},
    {"end with half a reply", {.dot = "250-2.0.0 Ok: queued as LIES2"}, COURIER_DEFERRED, "smtp."},
    {"several lines at each step",
     {.greeting = "220-sink\r\n220-is\r\n220 here",
      .mail = "250-2.1.0 a\r\n250 2.1.0 b",
      .rcpt = "250-2.1.5 a\r\n250-2.1.5 b\r\n250 2.1.5 c",
      .data = "354-go\r\n354 ahead",
      .dot = "250-2.0.0 kept\r\n250 2.0.0 Ok: queued as 001X001"},
     COURIER_SENT,
     "250 2.0.0"},
    {"several lines of a refusal",
     {.rcpt = "550-5.1.1 no\r\n550-5.1.1 such\r\n550 5.1.1 <ann@example.net>"},
     COURIER_FAILED,
     "550 5.1.1 at RCPT: the mail"},
    {"lines that disagree", {.rcpt = "250-2.1.5 yes\r\n550 5.1.1 no"}, COURIER_DEFERRED, "smtp."},
    {"end with a code and no words", {.dot = "250"}, COURIER_DEFERRED, "smtp.dropped"},
    {"end with bytes that are no text", {.dot = "250 2.0.0 \x01\x80\xff queued as 001X001"}, COURIER_SENT, "250 2.0.0"},
    {"garbage at RCPT", {.rcpt = "\x01\x02\x80\xff"}, COURIER_DEFERRED, "smtp."},
    {"garbage at the end", {.dot = "\xff\xfe"}, COURIER_DEFERRED, "smtp."},
    {"a very long refusal", {.dot = LONG_REFUSAL}, COURIER_DEFERRED, ""},
    {"no extension", {.extensions = ""}, COURIER_SENT, "250 2.0.0"},
    {"no pipelining", {.extensions = "DSN|ENHANCEDSTATUSCODES"}, COURIER_SENT, "250 2.0.0"},
    {"no pipelining, RCPT 5yz", {.extensions = "", .rcpt = "550 5.1.1 no"}, COURIER_FAILED, "550 5.1.1 at RCPT"},
    {"chunks", {.extensions = "PIPELINING|CHUNKING|ENHANCEDSTATUSCODES"}, COURIER_SENT, "250 2.0.0"},
    {"chunks, RCPT 5yz", {.extensions = "PIPELINING|CHUNKING", .rcpt = "550 5.1.1 no"}, COURIER_FAILED, "550 5.1.1"},
    {"chunks, end 4yz", {.extensions = "PIPELINING|CHUNKING", .dot = "451 4.3.0 no"}, COURIER_DEFERRED, "451 4.3.0"},
    {"chunks, end drops after good ones", {.extensions = "CHUNKING", .dot = "drop"}, COURIER_DEFERRED, "smtp."},
    {"chunks, end hangs", {.extensions = "PIPELINING|CHUNKING", .dot = "hang"}, COURIER_DEFERRED, "smtp.timeout"},
};

static void test_replies(void **state)
{
    struct fixture *f = *state;
    struct result r;

    for (size_t i = 0; i < sizeof replies / sizeof replies[0]; i++) {
        print_message("  %s\n", replies[i].name);
        start_server(f, replies[i].script);
        start_courier(f, NULL, false);
        give(f, 7, "ann@example.net");
        r = take(f);
        assert_int_equal(r.job, 7);
        expect_code(&r, replies[i].outcome, replies[i].code);
        assert_null(strstr(r.code, "ann@"));
        assert_string_equal(r.queue_id, r.outcome == COURIER_SENT ? "001X001" : "");
        stop_server(f);
        assert_int_equal(stop_courier(f), 0);
    }
}

/* ---- the envelope ---- */

static void expect_log(struct fixture *f, const char *line, bool there)
{
    struct buf log = BUF_EMPTY;

    read_file(f, "001.log", &log);
    if (!strstr(buf_text(&log), line) == there)
        fail_msg("`%s` %s in: %s", line, there ? "is not" : "is", buf_text(&log));
    buf_free(&log);
}

static void test_envelope(void **state)
{
    struct fixture *f = *state;
    struct courier_job job = make_job(2, "b+o=b@example.net", NULL);
    struct result r;

    start_server(f, (struct smtp_script){0});
    start_courier(f, NULL, false);
    give(f, 1, "ann@example.net");
    r = take(f);
    expect_code(&r, COURIER_SENT, "250 2.0.0");
    job.sender = (char *)""; /* the null sender */
    give_job(f, &job);
    r = take(f);
    expect_code(&r, COURIER_SENT, "250 2.0.0");
    assert_string_equal(r.queue_id, "001X002");
    expect_log(f, "MAIL FROM:<security+b-tag@example.org> SIZE=", true);
    expect_log(f, " RET=HDRS", true);
    expect_log(f, " ENVID=test.1", true);
    expect_log(f, "RCPT TO:<ann@example.net> NOTIFY=FAILURE,DELAY ORCPT=rfc822;ann@example.net\n", true);
    expect_log(f, "RCPT TO:<b+o=b@example.net> NOTIFY=FAILURE,DELAY ORCPT=rfc822;b+2Bo+3Db@example.net\n", true);
    expect_log(f, "MAIL FROM:<> SIZE=", true);
    free_job_parts(&job);
}

/* libesmtp's BDAT leaves out what it has no memory for (io/courier_smtp.h). */
static void test_no_chunks(void **state)
{
    struct fixture *f = *state;
    struct result r;

    start_server(f, (struct smtp_script){.extensions = "PIPELINING|CHUNKING|ENHANCEDSTATUSCODES"});
    start_courier(f, NULL, false);
    give(f, 1, "ann@example.net");
    r = take(f);
    expect_code(&r, COURIER_SENT, "250 2.0.0");
    expect_log(f, "BDAT", false);
    expect_log(f, "DATA\n", true);
}

static void test_bare_server(void **state)
{
    struct fixture *f = *state;
    struct result r;

    start_server(f, (struct smtp_script){.extensions = ""});
    start_courier(f, NULL, false);
    give(f, 1, "ann@example.net");
    r = take(f);
    expect_code(&r, COURIER_SENT, "250 2.0.0");
    expect_log(f, "MAIL FROM:<security+b-tag@example.org>\n", true);
    expect_log(f, "RCPT TO:<ann@example.net>\n", true);
}

static void test_addresses(void **state)
{
    static const char *const bad[] = {"ann@example.net>\r\nRCPT TO:<eve@example.net",
                                      "ann@example.net\r\nDATA",
                                      "ann@exam\nple.net",
                                      "",
                                      "ann example@example.net",
                                      "<ann@example.net>",
                                      "ann",
                                      "\xc3\xa4nn@example.net",
                                      "ann@example.net SIZE=1"};
    struct fixture *f = *state;
    struct courier_job job = make_job(1, "ann@example.net", NULL);
    char long_address[1500];
    struct result r;

    start_server(f, (struct smtp_script){0});
    start_courier(f, NULL, false);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        give(f, (int64_t)i, bad[i]);
        r = take(f);
        expect_code(&r, COURIER_FAILED, "smtp.address: ");
    }
    memset(long_address, 'a', sizeof long_address);
    memcpy(long_address + sizeof long_address - 13, "@example.net", 13);
    give(f, 50, long_address);
    r = take(f);
    expect_code(&r, COURIER_FAILED, "smtp.address: ");
    job.sender = (char *)"security@example.org>\r\nRSET";
    give_job(f, &job);
    r = take(f);
    expect_code(&r, COURIER_FAILED, "smtp.address: ");
    assert_int_equal(count_files(f, ".log"), 0);
    free_job_parts(&job);
}

/* ---- the bytes ---- */

static bool add_to(void *ctx, const void *bytes, size_t len)
{
    buf_add(ctx, bytes, len);
    return true;
}

static void write_body(struct fixture *f, const char *name, size_t bytes)
{
    struct buf b = BUF_EMPTY;

    for (size_t i = 0; i < bytes; i++)
        buf_add_byte(&b, (uint8_t)(i * 7919 >> 3));
    assert_int_equal(fsx_write_file(f->bodies_fd, name, 0600, b.data, b.len, NULL), ERR_OK);
    buf_free(&b);
}

/* Sends a job to a server that has chunks, or has not, and compares what came. */
static void expect_bytes(struct fixture *f, const char *extensions, const struct courier_job *job, const char *wanted)
{
    struct buf got = BUF_EMPTY, sent = BUF_EMPTY;
    struct result r;

    start_server(f, (struct smtp_script){.extensions = extensions});
    start_courier(f, NULL, false);
    give_job(f, job);
    r = take(f);
    expect_code(&r, COURIER_SENT, "250");
    read_file(f, "001-001.eml", &got);
    if (wanted)
        buf_add_str(&sent, wanted);
    else
        assert_int_equal(courier_stream(job, f->bodies_fd, add_to, &sent, NULL), ERR_OK);
    assert_int_equal(got.len, sent.len);
    assert_memory_equal(got.data, sent.data, sent.len);
    buf_free(&got);
    buf_free(&sent);
    stop_server(f);
    stop_courier(f);
}

static void test_bytes(void **state)
{
    static const size_t sizes[] = {0, 1, 47, 48, 49, 49151, 49152, 49153, 98304, 3000000};
    static const char *const extensions[] = {"PIPELINING|SIZE 99999999", "", "PIPELINING|CHUNKING"};
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        for (size_t k = 0; k < sizeof extensions / sizeof extensions[0]; k++) {
            struct courier_job job = make_job(1, "ann@example.net",
                                              "Subject: x\r\nFrom: a@example.org\r\n"
                                              "Date: Sun, 22 Nov 2026 15:00:00 +0000\r\n"
                                              "Message-ID: <1@example.org>\r\n\r\n--b\r\n");

            job.body_file = (char *)"body";
            write_body(f, "body", sizes[i]);
            buf_add_str(&job.head, "head of the copy");
            buf_add_str(&job.suffix, "\r\n--b--\r\n");
            expect_bytes(f, extensions[k], &job, NULL);
            free_job_parts(&job);
        }
}

#define HEAD                                                                                                           \
    "Subject: x\r\nFrom: a@example.org\r\nDate: Sun, 22 Nov 2026 15:00:00 +0000\r\nMessage-ID: "                       \
    "<1@example.org>\r\n\r\n"

static void test_lines(void **state)
{
    static const struct {
        const char *mail, *wanted;
    } lines[] = {
        {HEAD ".\r\n..\r\n.a\r\n.\r\nend\r\n", NULL},
        {HEAD "one\n.\ntwo\n", HEAD "one\r\n.\r\ntwo\r\n"},
        {HEAD "no end", HEAD "no end\r\n"},
        {HEAD, NULL},
        {HEAD "\r\n\r\n\r\n", NULL},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        struct courier_job job = make_job(1, "ann@example.net", lines[i].mail);

        expect_bytes(f, "PIPELINING", &job, lines[i].wanted);
        free_job_parts(&job);
    }
}

static void test_no_body(void **state)
{
    struct fixture *f = *state;
    struct courier_job job = make_job(1, "ann@example.net", NULL);
    struct result r;

    start_server(f, (struct smtp_script){0});
    start_courier(f, NULL, false);
    job.body_file = (char *)"none";
    give_job(f, &job);
    r = take(f);
    expect_code(&r, COURIER_DEFERRED, "courier.body");
    give(f, 2, "ann@example.net");
    r = take(f);
    expect_code(&r, COURIER_SENT, "250");
    assert_int_equal(count_files(f, ".eml"), 1);
    free_job_parts(&job);
}

/* A rehearsal reaches nobody, whatever is configured. */
static void test_rehearsal(void **state)
{
    struct fixture *f = *state;
    char path[4200];
    struct result r;

    start_server(f, (struct smtp_script){0});
    start_courier(f, NULL, true);
    give(f, 1, "ann@example.net");
    r = take(f);
    expect_code(&r, COURIER_SENT, "250 2.0.0");
    assert_int_equal(count_files(f, ".log"), 0);
    snprintf(path, sizeof path, "%s/mail/ann@example.net/new", f->dir);
    assert_int_equal(testdir_count(path), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_replies, setup, teardown),
        cmocka_unit_test_setup_teardown(test_envelope, setup, teardown),
        cmocka_unit_test_setup_teardown(test_no_chunks, setup, teardown),
        cmocka_unit_test_setup_teardown(test_bare_server, setup, teardown),
        cmocka_unit_test_setup_teardown(test_addresses, setup, teardown),
        cmocka_unit_test_setup_teardown(test_bytes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_lines, setup, teardown),
        cmocka_unit_test_setup_teardown(test_no_body, setup, teardown),
        cmocka_unit_test_setup_teardown(test_rehearsal, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "tests/unit/lmtp_fixture.h"

#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

static void again(struct fixture *f)
{
    lmtp_session_free(&f->session);
    f->session = lmtp_session_new(&f->settings, f->spool);
}

/* Feeds `in` in pieces of `piece` bytes and compares all that is answered since the session began. */
static void say(struct fixture *f, const void *in, size_t len, size_t piece, const char *expected)
{
    const char *at = in;

    for (size_t i = 0; i < len; i += piece)
        lmtp_feed(f->session, at + i, len - i < piece ? len - i : piece);
    assert_string_equal(buf_text(lmtp_output(f->session)), expected);
}

static void say_str(struct fixture *f, const char *in, const char *expected)
{
    say(f, in, strlen(in), strlen(in), expected);
}

/* Takes the only entry out of the spool. */
static void take_only(struct fixture *f, struct spool_entry *entry, struct buf *body)
{
    struct spool_names names;
    struct diag why;

    assert_int_equal(spool_list(f->spool, &names, &why), ERR_OK);
    assert_int_equal(names.n, 1);
    assert_int_equal(spool_read(f->spool, names.name[0], entry, &why), ERR_OK);
    assert_int_equal(spool_entry_load(entry, body, &why), ERR_OK);
    assert_int_equal(spool_remove(f->spool, names.name[0], &why), ERR_OK);
    spool_entry_close(entry);
    spool_names_free(&names);
}

static void test_recipients(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *address;
        bool known;
    } cases[] = {
        {"security@example.org", true},
        {"SECURITY@EXAMPLE.ORG", true},
        {"team@lists.example.org", true},
        {"security+apply@example.org", true},
        {"security-owner@example.org", true},
        {"security+c-abcdefghijklmnop234567@example.org", true},
        {"security+b-ABC@example.org", true},
        {"team+apply@lists.example.org", true},
        {"security+c-@example.org", false},
        {"security+c-abc!@example.org", false},
        {"security+c-abc1@example.org", false},
        {"security+b-a@b@example.org", false},
        {"security+x-abc@example.org", false},
        {"security+@example.org", false},
        {"security+applyx@example.org", false},
        {"security-owner-owner@example.org", false},
        {"security-request@example.org", false},
        {"securit@example.org", false},
        {"securityy@example.org", false},
        {"security@example.net", false},
        {"security@example.org.evil.example", false},
        {"security@sub.example.org", false},
        {"team@example.org", false},
        {"@example.org", false},
        {"security", false},
        {"security@", false},
        {"@", false},
        {"", false},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (lmtp_recipient_known(&f->settings, cases[i].address, strlen(cases[i].address)) != cases[i].known)
            fail_msg("%s", cases[i].address);
}

static void test_dialogue_in_any_pieces(void **state)
{
    struct fixture *f = *state;
    static const char in[] = BEGIN "Subject: x\r\n\r\nbody\r\n.\r\nQUIT\r\n";
    struct buf body = BUF_EMPTY;
    struct spool_entry entry;

    for (size_t piece = 1; piece < sizeof in; piece++) {
        again(f);
        say(f, in, sizeof in - 1, piece, BEGIN_SAY KEPT "221 2.0.0 goodbye\r\n");
        assert_false(lmtp_feed(f->session, "NOOP\r\n", 6));
        assert_int_equal(lmtp_take_committed(f->session), 1);
        assert_int_equal(lmtp_take_committed(f->session), 0);
        take_only(f, &entry, &body);
        assert_string_equal(entry.sender, "a@example.net");
        assert_string_equal(entry.recipient, "security@example.org");
        assert_int_equal(entry.origin, SPOOL_FROM_LMTP);
        assert_int_equal(entry.flags, 0);
        assert_true(entry.received_at_utc_s > 1700000000);
        assert_string_equal(buf_text(&body), "Subject: x\r\n\r\nbody\r\n");
    }
    buf_free(&body);
}

/* Only CR LF . CR LF ends the data; what is kept is what came, but for the dots. */
static void test_end_of_data(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *sent, *kept;
    } cases[] = {
        {".\r\n", ""},
        {"\r\n.\r\n", "\r\n"},
        {"..\r\n.\r\n", ".\r\n"},
        {"...\r\n.\r\n", "..\r\n"},
        {".x\r\n.\r\n", "x\r\n"},
        {"a\n.\n.\r\nb\r\n.\r\n", "a\n.\n.\r\nb\r\n"},
        {"a\n.\r\nb\r\n.\r\n", "a\n.\r\nb\r\n"},
        {"a\r\n.\nb\r\n.\r\n", "a\r\n\nb\r\n"},
        {"a\r.\r\nb\r\n.\r\n", "a\r.\r\nb\r\n"},
        {"a\r\n.\rb\r\n.\r\n", "a\r\n\rb\r\n"},
        {"a\r\n.\r\r\nb\r\n.\r\n", "a\r\n\r\r\nb\r\n"},
        {"a\r\r\n.\r\n", "a\r\r\n"},
        {"a\r\n\r.\r\n.\r\n", "a\r\n\r.\r\n"},
        {"a\n\n..\r\n.\r\n", "a\n\n..\r\n"},
        {"\xff\xfe\x80\r\n.\r\n", "\xff\xfe\x80\r\n"},
    };
    struct buf body = BUF_EMPTY;
    struct spool_entry entry;
    char in[512];

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (size_t piece = 1; piece < 3; piece++) {
            again(f);
            snprintf(in, sizeof in, "%s%s", BEGIN, cases[i].sent);
            say(f, in, strlen(in), piece, BEGIN_SAY KEPT);
            take_only(f, &entry, &body);
            assert_string_equal(buf_text(&body), cases[i].kept);
        }
    again(f);
    say(f, BEGIN "a\0b\r\n.\r\n", sizeof BEGIN - 1 + 8, 100, BEGIN_SAY KEPT);
    take_only(f, &entry, &body);
    assert_int_equal(body.len, 5);
    assert_memory_equal(body.data, "a\0b\r\n", 5);
    buf_free(&body);
}

static void test_one_reply_for_each_recipient(void **state)
{
    struct fixture *f = *state;

    say_str(f,
            "LHLO mx\r\nMAIL FROM:<> BODY=8BITMIME SIZE=1000 SMTPUTF8\r\nRCPT TO:<security@example.org>\r\n"
            "RCPT TO:<nobody@example.org>\r\nRCPT TO:<team@lists.example.org>\r\n"
            "RCPT TO:<security@example.org>\r\nDATA\r\nx\r\n.\r\nNOOP\r\n",
            GREETING LHLO_REPLY NOTED ACCEPTED
            "550 5.1.1 no such address here\r\n" ACCEPTED ACCEPTED GO_ON KEPT KEPT KEPT
            "250 2.0.0 at your service\r\n");
    assert_int_equal(lmtp_take_committed(f->session), 2); /* the same address twice is one entry */
    assert_int_equal(entries(f), 2);
}

static void test_commands(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *in, *out;
    } cases[] = {
        {"HELO x\r\n", "500 5.5.1 no such command (this is LMTP, RFC 2033)\r\n"},
        {"EHLO x\r\n", "500 5.5.1 no such command (this is LMTP, RFC 2033)\r\n"},
        {"LHLO\r\n", "501 5.5.4 LHLO needs a name\r\n"},
        {"MAIL FROM:<a@example.net>\r\n", "503 5.5.1 LHLO first\r\n"},
        {"RCPT TO:<security@example.org>\r\n", "503 5.5.1 MAIL first\r\n"},
        {"DATA\r\n", "503 5.5.1 no valid recipients\r\n"},
        {"noop\r\n", "250 2.0.0 at your service\r\n"},
        {"rset\r\n", "250 2.0.0 begun anew\r\n"},
        {"VRFY security\r\n", "252 2.5.2 not told; try RCPT\r\n"},
        {"NOOP \r\n", "250 2.0.0 at your service\r\n"},
        {"\r\n", "500 5.5.1 no such command (this is LMTP, RFC 2033)\r\n"},
        {"NOOP\n", NOT_TEXT},
        {"\n", NOT_TEXT},
        {"NO\rOP\r\n", NOT_TEXT},
        {"NO\tOP\r\n", NOT_TEXT},
        {"NOOP\r\r\n", NOT_TEXT},
        {"lhlo mx\r\n", LHLO_REPLY},
        {"LHLO mx\r\nMAIL FROM:a@example.net\r\n", LHLO_REPLY "501 5.5.4 MAIL FROM:<address>\r\n"},
        {"LHLO mx\r\nMAIL FROM:<a@example.net\r\n", LHLO_REPLY "501 5.5.4 MAIL FROM:<address>\r\n"},
        {"LHLO mx\r\nMAIL FROM:<a>b\r\n", LHLO_REPLY "501 5.5.4 MAIL FROM:<address>\r\n"},
        {"LHLO mx\r\nMAIL TO:<a>\r\n", LHLO_REPLY "501 5.5.4 MAIL FROM:<address>\r\n"},
        {"LHLO mx\r\nMAIL FROM: <a@b>\r\n", LHLO_REPLY NOTED},
        {"LHLO mx\r\nmail from:<\"a>\\\"b\"@example.net>\r\n", LHLO_REPLY NOTED},
        {"LHLO mx\r\nMAIL FROM:<a> SIZE=1001\r\n", LHLO_REPLY "552 5.3.4 larger than 1000 bytes\r\n"},
        {"LHLO mx\r\nMAIL FROM:<a> size=99999999999999999999999\r\n",
         LHLO_REPLY "552 5.3.4 larger than 1000 bytes\r\n"},
        {"LHLO mx\r\nMAIL FROM:<a> SIZE=1000\r\n", LHLO_REPLY NOTED},
        {"LHLO mx\r\nMAIL FROM:<a> SIZE=-1\r\n", LHLO_REPLY "555 5.5.4 a parameter that was not offered\r\n"},
        {"LHLO mx\r\nMAIL FROM:<a> SIZE=\r\n", LHLO_REPLY "555 5.5.4 a parameter that was not offered\r\n"},
        {"LHLO mx\r\nMAIL FROM:<a> BODY=BINARYMIME\r\n", LHLO_REPLY "555 5.5.4 a parameter that was not offered\r\n"},
        {"LHLO mx\r\nMAIL FROM:<a>\r\nMAIL FROM:<b>\r\n",
         LHLO_REPLY NOTED "503 5.5.1 one sender only; RSET begins anew\r\n"},
        {"LHLO mx\r\nMAIL FROM:<a>\r\nRCPT TO:<security@example.org> NOTIFY=NEVER\r\n",
         LHLO_REPLY NOTED "555 5.5.4 a parameter that was not offered\r\n"},
        {"LHLO mx\r\nMAIL FROM:<a>\r\nRCPT TO:security@example.org\r\n",
         LHLO_REPLY NOTED "501 5.5.4 RCPT TO:<address>\r\n"},
        {"LHLO mx\r\nMAIL FROM:<a>\r\nRCPT TO:<security@example.org>\r\nRSET\r\nDATA\r\n",
         LHLO_REPLY NOTED ACCEPTED "250 2.0.0 begun anew\r\n503 5.5.1 no valid recipients\r\n"},
        {"LHLO mx\r\nMAIL FROM:<a>\r\nRCPT TO:<security@example.org>\r\nDATA now\r\n",
         LHLO_REPLY NOTED ACCEPTED "501 5.5.4 DATA stands alone\r\n"},
        {"EXPN security\r\n", "502 5.5.1 not told; try RCPT\r\n"},
        {"HELP\r\n", "214 2.0.0 LMTP (RFC 2033): LHLO MAIL RCPT DATA RSET NOOP VRFY HELP QUIT\r\n"},
    };
    char expected[2048];

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        again(f);
        snprintf(expected, sizeof expected, "%s%s", GREETING, cases[i].out);
        say_str(f, cases[i].in, expected);
    }
    again(f);
    say(f, "NO\0OP\r\n", 7, 7, GREETING NOT_TEXT);
    assert_int_equal(entries(f), 0);
}

static void test_long_lines(void **state)
{
    struct fixture *f = *state;
    struct buf in = BUF_EMPTY;

    /* 1,000 bytes with CR LF are a command; one more is not, and the next is understood again. */
    for (size_t len = LMTP_LINE_MAX; len <= LMTP_LINE_MAX + 5000; len += len < LMTP_LINE_MAX + 1 ? 1 : 4999) {
        for (size_t piece = 1; piece <= 4000; piece += 1333) {
            again(f);
            buf_clear(&in);
            buf_add_str(&in, "NOOP ");
            while (in.len < len - 2)
                buf_add_byte(&in, 'x');
            buf_add_str(&in, "\r\nRSET\r\n");
            say(f, in.data, in.len, piece,
                len == LMTP_LINE_MAX ? GREETING "250 2.0.0 at your service\r\n250 2.0.0 begun anew\r\n"
                                     : GREETING "500 5.5.2 line too long\r\n250 2.0.0 begun anew\r\n");
        }
    }
    buf_free(&in);
}

static void test_faults_end_the_session(void **state)
{
    struct fixture *f = *state;

    for (int i = 1; i < LMTP_FAULTS_MAX; i++)
        assert_true(lmtp_feed(f->session, "X\r\n", 3));
    assert_false(lmtp_feed(f->session, "X\r\n", 3));
    assert_non_null(strstr(buf_text(lmtp_output(f->session)), "421 4.7.0 too many faults\r\n"));
}

static void feed_body(struct fixture *f, size_t len, size_t line)
{
    for (size_t i = 0; i < len; i++)
        lmtp_feed(f->session, i + 2 == len ? "\r" : i + 1 == len ? "\n" : i % line == line - 1 ? "\n" : "x", 1);
}

static void test_sizes(void **state)
{
    struct fixture *f = *state;
    static const struct {
        size_t len;
        int kept;
        unsigned flags;
    } cases[] = {
        {999, 1, 0}, {1000, 1, 0}, {1001, 1, SPOOL_OVERSIZE}, {3000, 1, SPOOL_OVERSIZE}, {3001, 0, 0}, {9000, 0, 0},
    };
    struct buf body = BUF_EMPTY;
    struct spool_entry entry;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        again(f);
        say_str(f, BEGIN, BEGIN_SAY);
        feed_body(f, cases[i].len, 70);
        say_str(f, ".\r\n",
                cases[i].kept ? BEGIN_SAY KEPT
                              : BEGIN_SAY
                    "452 4.3.1 larger than 3000 bytes; the administrator may raise limits.hold_bytes\r\n");
        assert_int_equal(entries(f), cases[i].kept);
        if (!cases[i].kept)
            continue;
        take_only(f, &entry, &body);
        assert_int_equal(entry.flags, cases[i].flags);
        assert_int_equal(body.len, cases[i].len);
    }
    buf_free(&body);
}

static void test_long_data_line_is_kept_and_marked(void **state)
{
    struct fixture *f = *state;
    struct buf body = BUF_EMPTY;
    struct spool_entry entry;

    f->settings.size_bytes = f->settings.hold_bytes = 1 << 20;
    for (size_t len = LMTP_DATA_LINE_MAX; len <= LMTP_DATA_LINE_MAX + 1; len++) {
        again(f);
        lmtp_feed(f->session, BEGIN, sizeof BEGIN - 1);
        feed_body(f, len + 2, SIZE_MAX);
        lmtp_feed(f->session, ".\r\n", 3);
        take_only(f, &entry, &body);
        assert_int_equal(entry.flags, len > LMTP_DATA_LINE_MAX ? SPOOL_LONG_LINE : 0);
        assert_int_equal(body.len, len + 2);
    }
    buf_free(&body);
}

static void test_too_many_recipients(void **state)
{
    struct fixture *f = *state;
    struct buf expected = BUF_EMPTY;

    buf_add_str(&expected, GREETING LHLO_REPLY NOTED);
    f->settings.max_recipients = 1000; /* the spool's own limit holds */
    lmtp_feed(f->session, "LHLO mx\r\nMAIL FROM:<a>\r\n", 24);
    for (int i = 0; i < SPOOL_RECIPIENTS_MAX; i++) {
        lmtp_feed(f->session, "RCPT TO:<security@example.org>\r\n", 32);
        buf_add_str(&expected, ACCEPTED);
    }
    buf_add_str(&expected, "452 4.5.3 too many recipients; send the others by a transaction of their own\r\n");
    say_str(f, "RCPT TO:<team@lists.example.org>\r\n", buf_text(&expected));
    f->settings.max_recipients = 1;
    again(f);
    say_str(f, "LHLO mx\r\nMAIL FROM:<a>\r\nRCPT TO:<security@example.org>\r\nRCPT TO:<security@example.org>\r\n",
            GREETING LHLO_REPLY NOTED ACCEPTED
            "452 4.5.3 too many recipients; send the others by a transaction of their own\r\n");
    buf_free(&expected);
}

static void test_disk_full(void **state)
{
    struct fixture *f = *state;
    struct rlimit old, small;
    char *line = malloc(100001);

    spool_set_reserve(f->spool, UINT64_MAX / 4);
    say_str(f, "LHLO mx\r\nMAIL FROM:<a>\r\n",
            GREETING LHLO_REPLY "452 4.3.1 no room on the disk; try again later\r\n");

    /* Another session has taken the room since MAIL: told at the end, for a small mail too. */
    spool_set_reserve(f->spool, 0);
    again(f);
    lmtp_feed(f->session, BEGIN, sizeof BEGIN - 1);
    spool_set_reserve(f->spool, UINT64_MAX / 4);
    say_str(f, "x\r\n.\r\nNOOP\r\n",
            BEGIN_SAY "452 4.3.1 no room on the disk; try again later\r\n250 2.0.0 at your service\r\n");
    assert_int_equal(entries(f), 0);

    /* Full in the midst of a message: read to its end, then 452 for each; the session goes on. */
    spool_set_reserve(f->spool, 0);
    f->settings.hold_bytes = 1 << 20;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    small = old;
    small.rlim_cur = 40000;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    again(f);
    memset(line, 'x', 100000);
    line[100000] = 0;
    lmtp_feed(f->session, BEGIN, sizeof BEGIN - 1);
    lmtp_feed(f->session, line, 100000);
    say_str(f, "\r\n.\r\nNOOP\r\n",
            BEGIN_SAY "452 4.3.1 no room on the disk; try again later\r\n250 2.0.0 at your service\r\n");
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    assert_int_equal(entries(f), 0);
    free(line);
}

static void test_spool_gone(void **state)
{
    struct fixture *f = *state;
    char path[4096];

    snprintf(path, sizeof path, "%s/tmp", f->dir);
    assert_int_equal(rmdir(path), 0);
    say_str(f, BEGIN, GREETING LHLO_REPLY NOTED ACCEPTED "451 4.3.0 the spool cannot be written; try again later\r\n");
    assert_false(lmtp_in_transaction(f->session));

    /* new/ is lost while the message comes */
    testdir_remove(strdup(f->dir));
    spool_close(&f->spool);
    assert_int_equal(spool_open(f->dir, &f->spool, NULL), ERR_OK);
    again(f);
    lmtp_feed(f->session, BEGIN, sizeof BEGIN - 1);
    snprintf(path, sizeof path, "%s/new", f->dir);
    assert_int_equal(rmdir(path), 0);
    say_str(f, "x\r\n.\r\n", BEGIN_SAY "451 4.3.0 the spool cannot be written; try again later\r\n");
    assert_int_equal(lmtp_take_committed(f->session), 0);
}

static void test_end_from_outside(void **state)
{
    struct fixture *f = *state;
    char path[4096];

    lmtp_feed(f->session, BEGIN "half", sizeof BEGIN + 3);
    assert_true(lmtp_in_data(f->session));
    snprintf(path, sizeof path, "%s/tmp", f->dir);
    assert_int_equal(testdir_count(path), 1);
    lmtp_session_end(f->session, "421 4.3.2 stopping");
    lmtp_session_end(f->session, "421 4.3.2 stopping");
    assert_string_equal(buf_text(lmtp_output(f->session)), BEGIN_SAY "421 4.3.2 stopping\r\n");
    assert_false(lmtp_feed(f->session, "\r\n.\r\n", 5));
    assert_int_equal(testdir_count(path), 0);
    assert_int_equal(entries(f), 0);
}

int main(void)
{
#define WITH_SPOOL(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        WITH_SPOOL(test_recipients),
        WITH_SPOOL(test_dialogue_in_any_pieces),
        WITH_SPOOL(test_end_of_data),
        WITH_SPOOL(test_one_reply_for_each_recipient),
        WITH_SPOOL(test_commands),
        WITH_SPOOL(test_long_lines),
        WITH_SPOOL(test_faults_end_the_session),
        WITH_SPOOL(test_sizes),
        WITH_SPOOL(test_long_data_line_is_kept_and_marked),
        WITH_SPOOL(test_too_many_recipients),
        WITH_SPOOL(test_disk_full),
        WITH_SPOOL(test_spool_gone),
        WITH_SPOOL(test_end_from_outside),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

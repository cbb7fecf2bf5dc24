/* Many mails and sessions of the courier by SMTP: reuse, fairness, a relay that is down, sessions that die, TLS. */
#include "tests/unit/courier_fixture.h"

#include <signal.h>

static void send_many(struct fixture *f, int n)
{
    struct result r;

    for (int i = 1; i <= n; i++)
        give(f, i, "ann@example.net");
    for (int i = 1; i <= n; i++) {
        r = take(f);
        expect_code(&r, COURIER_SENT, "250");
        assert_true(*r.queue_id);
    }
}

static void test_many(void **state)
{
    struct fixture *f = *state;

    start_server(f, (struct smtp_script){0});
    start_courier(f, NULL, false);
    send_many(f, 40);
    assert_int_equal(count_files(f, ".eml"), 40);
    assert_true(count_files(f, ".log") <= 4);
    assert_int_equal(stop_courier(f), 0);
}

/* One session takes a hundred mails, and then another is opened. */
static void test_session_ends(void **state)
{
    struct fixture *f = *state;
    struct courier_relay relay;

    start_server(f, (struct smtp_script){0});
    relay = courier_relay_of(&f->settings);
    assert_int_equal(relay.tls, SMTP_TLS_NONE); /* loopback */
    start_courier(f, &relay, false);
    send_many(f, COURIER_SESSION_MAILS + 5);
    assert_int_equal(count_files(f, ".log"), 2);
}

/* A server that hangs up between two mails, without a word: nobody has to wait for it. */
static void test_silent_end(void **state)
{
    struct fixture *f = *state;
    struct courier_relay relay;

    start_server(f, (struct smtp_script){.mails = 2});
    relay = courier_relay_of(&f->settings);
    start_courier(f, &relay, false);
    send_many(f, 9);
    assert_int_equal(count_files(f, ".eml"), 9);
    assert_int_equal(count_files(f, ".log"), 5);
}

/* Refused mails do not spoil the session for the next ones. */
static void test_mixed(void **state)
{
    static const struct smtp_script scripts[] = {
        {.only = "bad", .rcpt = "550 5.1.1 no"},
        {.only = "bad", .rcpt = "450 4.2.0 later", .extensions = ""},
        {.only = "bad", .data = "451 4.3.0 later"},
        {.only = "bad", .dot = "554 5.7.1 no"},
        {.only = "bad", .dot = "drop"},
        {.only = "bad", .rcpt = "550 5.1.1 no", .extensions = "PIPELINING|CHUNKING"},
        {.only = "bad", .dot = "451 4.3.0 no", .extensions = "PIPELINING|CHUNKING"},
    };
    struct fixture *f = *state;
    struct courier_relay relay;
    struct result r;

    for (size_t i = 0; i < sizeof scripts / sizeof scripts[0]; i++) {
        start_server(f, scripts[i]);
        relay = courier_relay_of(&f->settings);
        start_courier(f, &relay, false);
        for (int id = 0; id < 9; id++)
            give(f, id, id % 3 == 1 ? "bad@example.net" : "ann@example.net");
        for (int id = 0; id < 9; id++) {
            r = take(f);
            assert_int_equal(r.job, id);
            if (id % 3 == 1)
                assert_int_not_equal(r.outcome, COURIER_SENT);
            else
                expect_code(&r, COURIER_SENT, "250");
        }
        stop_server(f);
        stop_courier(f);
    }
}

/* Eight recipients for whom the server hangs do not hold up thirty others. */
static void test_fair(void **state)
{
    struct fixture *f = *state;
    int64_t start = clock_monotonic_ms(), others_ms = 0;
    int others = 0, slow = 0;
    struct result r;

    f->settings.smtp_timeout_s = 10;
    start_server(f, (struct smtp_script){.only = "slow", .rcpt = "hang"});
    start_courier(f, NULL, false);
    for (int i = 0; i < 38; i++)
        give(f, i, i < 8 ? "slow@example.net" : "ann@example.net");
    while (others + slow < 38) {
        r = take(f);
        if (r.outcome == COURIER_SENT) {
            others++;
            others_ms = clock_monotonic_ms() - start;
        } else {
            expect_code(&r, COURIER_DEFERRED, "smtp.timeout");
            slow++;
        }
    }
    assert_int_equal(others, 30);
    assert_true(others_ms < 9000); /* before the first of the slow ones has given up */
}

/*
 * More recipients of a slow domain than there are sessions, and all before the others, which come to another domain;
 * then a second domain is slow, too.
 */
static void test_fair_to_domains(void **state)
{
    struct fixture *f = *state;
    int64_t start = clock_monotonic_ms(), others_ms = 0;
    int others = 0;
    struct result r;
    char address[64];

    f->settings.smtp_timeout_s = 20;
    start_server(f, (struct smtp_script){.only = "@slow", .rcpt = "hang"});
    start_courier(f, NULL, false);
    for (int i = 0; i < 60; i++) {
        snprintf(address, sizeof address, "u%d@slow%s.example", i, i % 3 ? "" : "er");
        give(f, i, address);
    }
    for (int i = 60; i < 90; i++)
        give(f, i, "ann@example.net");
    while (others < 30) {
        r = take(f);
        assert_int_equal(r.outcome, COURIER_SENT);
        assert_true(r.job >= 60);
        others++;
        others_ms = clock_monotonic_ms() - start;
    }
    print_message("behind 60 of two slow domains 30 others took %lld ms\n", (long long)others_ms);
    assert_true(others_ms < 18000); /* before the first of the slow ones has given up */
}

/* Nobody listens: each mail is deferred, and soon. */
static void test_down(void **state)
{
    struct fixture *f = *state;
    int64_t start = clock_monotonic_ms();
    struct result r;

    start_server(f, (struct smtp_script){0});
    stop_server(f); /* the port is known to be free */
    start_courier(f, NULL, false);
    for (int i = 0; i < 60; i++)
        give(f, i, "ann@example.net");
    for (int i = 0; i < 60; i++) {
        r = take(f);
        expect_code(&r, COURIER_DEFERRED, "smtp.connect: Connection refused");
        assert_int_equal(r.type, COURIER_RESULT);
    }
    assert_true(clock_monotonic_ms() - start < 3000);
}

/* A name that is none. */
static void test_no_host(void **state)
{
    struct fixture *f = *state;
    struct result r;

    f->settings.smtp_host = (char *)"no-such-host.invalid";
    f->settings.smtp_port = 25;
    f->settings.smtp_timeout_s = 15;
    start_courier(f, NULL, false);
    give(f, 1, "ann@example.net");
    r = take(f);
    expect_code(&r, COURIER_DEFERRED, "smtp.connect: ");
}

static pid_t first_child(pid_t parent)
{
    char path[64], text[32] = "";
    FILE *in;

    snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)parent, (int)parent);
    in = fopen(path, "r");
    if (in && !fgets(text, sizeof text, in))
        text[0] = 0;
    if (in)
        fclose(in);
    return (pid_t)strtol(text, NULL, 10);
}

/* A session that is killed costs its own mail a delay, and nobody else anything. */
static void test_killed(void **state)
{
    struct fixture *f = *state;
    struct result r;
    pid_t child = 0;

    f->settings.smtp_timeout_s = 15;
    start_server(f, (struct smtp_script){.only = "slow", .dot = "hang"});
    start_courier(f, NULL, false);
    give(f, 1, "slow@example.net");
    for (int i = 0; i < 100 && !child; i++) {
        usleep(20000);
        child = first_child(f->courier);
    }
    if (!child)
        skip();
    usleep(200000);
    kill(child, SIGKILL);
    r = take(f);
    assert_int_equal(r.job, 1);
    expect_code(&r, COURIER_DEFERRED, "courier.session");
    give(f, 2, "ann@example.net");
    r = take(f);
    expect_code(&r, COURIER_SENT, "250");
}

/* Core sends what is no job: the role ends, and says so by its code. */
static void test_bad_frame(void **state)
{
    struct fixture *f = *state;
    int status;

    start_courier(f, NULL, false);
    assert_int_equal(frame_send(f->fd, 99, span_of("what"), NULL), ERR_OK);
    waitpid(f->courier, &status, 0);
    f->courier = 0;
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 1);
}

/* ---- TLS ---- */

static const struct {
    const char *name;
    enum settings_tls tls;
    const char *cert; /* NULL: no STARTTLS */
    long valid_s;
    bool ca;
    const char *host;
    struct smtp_script script;
    enum courier_outcome outcome;
    const char *code;
    bool encrypted;
} sessions[] = {
    {"required", SMTP_TLS_REQUIRED, "IP:127.0.0.1", 3600, true, "127.0.0.1", {0}, COURIER_SENT, "250", true},
    {"by name", SMTP_TLS_REQUIRED, "DNS:localhost", 3600, true, "localhost", {0}, COURIER_SENT, "250", true},
    {"chunks",
     SMTP_TLS_REQUIRED,
     "IP:127.0.0.1",
     3600,
     true,
     "127.0.0.1",
     {.extensions = "PIPELINING|CHUNKING"},
     COURIER_SENT,
     "250",
     true},
    {"wrong address",
     SMTP_TLS_REQUIRED,
     "IP:127.0.0.2",
     3600,
     true,
     "127.0.0.1",
     {0},
     COURIER_DEFERRED,
     "smtp.certificate: ",
     false},
    {"wrong name",
     SMTP_TLS_REQUIRED,
     "DNS:mail.example.org",
     3600,
     true,
     "localhost",
     {0},
     COURIER_DEFERRED,
     "smtp.certificate: ",
     false},
    {"expired",
     SMTP_TLS_REQUIRED,
     "IP:127.0.0.1",
     -3600,
     true,
     "127.0.0.1",
     {0},
     COURIER_DEFERRED,
     "smtp.certificate: certificate has expired",
     false},
    {"of no CA",
     SMTP_TLS_REQUIRED,
     "IP:127.0.0.1",
     3600,
     false,
     "127.0.0.1",
     {0},
     COURIER_DEFERRED,
     "smtp.certificate: self-signed",
     false},
    {"missing", SMTP_TLS_REQUIRED, NULL, 0, false, "127.0.0.1", {0}, COURIER_DEFERRED, "smtp.tls-missing", false},
    {"HELO only",
     SMTP_TLS_REQUIRED,
     "IP:127.0.0.1",
     3600,
     true,
     "127.0.0.1",
     {.ehlo = "502 what?"},
     COURIER_DEFERRED,
     "smtp.tls-missing",
     false},
    {"refused",
     SMTP_TLS_REQUIRED,
     "IP:127.0.0.1",
     3600,
     true,
     "127.0.0.1",
     {.starttls = "454 4.7.0 later"},
     COURIER_DEFERRED,
     "454 4.7.0 at opening",
     false},
    {"hangs",
     SMTP_TLS_REQUIRED,
     "IP:127.0.0.1",
     3600,
     true,
     "127.0.0.1",
     {.starttls = "hang"},
     COURIER_DEFERRED,
     "smtp.timeout",
     false},
    {"injected",
     SMTP_TLS_REQUIRED,
     "IP:127.0.0.1",
     3600,
     true,
     "127.0.0.1",
     {.starttls = "220 go\r\n250 injected\r\n250 ok\r\n250 ok\r\n354 go\r\n250 queued as LIES"},
     COURIER_DEFERRED,
     "smtp.tls-injection",
     false},
    {"opportunistic",
     SMTP_TLS_OPPORTUNISTIC,
     "DNS:mail.example.org",
     -3600,
     false,
     "127.0.0.1",
     {0},
     COURIER_SENT,
     "250",
     true},
    {"opportunistic, none", SMTP_TLS_OPPORTUNISTIC, NULL, 0, false, "127.0.0.1", {0}, COURIER_SENT, "250", false},
    {"opportunistic, refused",
     SMTP_TLS_OPPORTUNISTIC,
     "IP:127.0.0.1",
     3600,
     false,
     "127.0.0.1",
     {.starttls = "454 4.7.0 later"},
     COURIER_SENT,
     "250",
     false},
    {"opportunistic, broken",
     SMTP_TLS_OPPORTUNISTIC,
     "IP:127.0.0.1",
     3600,
     false,
     "127.0.0.1",
     {.starttls = "drop"},
     COURIER_SENT,
     "250",
     false},
    {"none", SMTP_TLS_NONE, "IP:127.0.0.1", 3600, false, "127.0.0.1", {0}, COURIER_SENT, "250", false},
};

/* Each server's folder has its own logs: was a mail begun, and after STARTTLS? */
static bool was_encrypted(struct fixture *f)
{
    struct buf log = BUF_EMPTY;
    const char *tls, *again;
    bool ok;

    read_file(f, "001.log", &log);
    tls = strstr(buf_text(&log), "STARTTLS\n");
    again = tls ? strstr(tls, "EHLO ") : NULL;
    ok = again && strstr(again, "MAIL FROM") && !strstr(buf_text(&log), "MAIL FROM:<security+b-tag@example.org>\nS");
    buf_free(&log);
    return ok;
}

static void test_tls(void **state)
{
    struct fixture *f = *state;
    char pem[4200];

    snprintf(pem, sizeof pem, "%s/cert.pem", f->dir);
    for (size_t i = 0; i < sizeof sessions / sizeof sessions[0]; i++) {
        struct smtp_script script = sessions[i].script;
        struct courier_relay relay;
        struct result r;
        int kept = count_files(f, ".eml");

        print_message("  %s\n", sessions[i].name);
        if (sessions[i].cert) {
            smtp_server_make_cert(pem, sessions[i].cert, sessions[i].valid_s);
            script.pem = pem;
        }
        start_server(f, script);
        relay = (struct courier_relay){.host = sessions[i].host,
                                       .port = f->settings.smtp_port,
                                       .tls = sessions[i].tls,
                                       .ca = sessions[i].ca ? pem : NULL,
                                       .timeout_s = 2,
                                       .idle_ms = 100};
        start_courier(f, &relay, false);
        give(f, 1, "ann@example.net");
        r = take(f);
        expect_code(&r, sessions[i].outcome, sessions[i].code);
        assert_int_equal(r.type, sessions[i].outcome == COURIER_SENT ? COURIER_RESULT : COURIER_NO_RELAY);
        assert_int_equal(was_encrypted(f), sessions[i].encrypted);
        stop_server(f);
        stop_courier(f);
        if (sessions[i].outcome != COURIER_SENT)
            assert_int_equal(count_files(f, ".eml"), kept);
    }
}

static void test_bad_ca(void **state)
{
    struct fixture *f = *state;
    struct courier_relay relay;
    struct result r;

    start_server(f, (struct smtp_script){0});
    relay = courier_relay_of(&f->settings);
    relay.tls = SMTP_TLS_REQUIRED;
    relay.ca = "/nonexistent/ca.pem";
    start_courier(f, &relay, false);
    give(f, 1, "ann@example.net");
    r = take(f);
    expect_code(&r, COURIER_DEFERRED, "smtp.ca: ");
    assert_int_equal(count_files(f, ".log"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_many, setup, teardown),
        cmocka_unit_test_setup_teardown(test_session_ends, setup, teardown),
        cmocka_unit_test_setup_teardown(test_silent_end, setup, teardown),
        cmocka_unit_test_setup_teardown(test_mixed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_fair, setup, teardown),
        cmocka_unit_test_setup_teardown(test_fair_to_domains, setup, teardown),
        cmocka_unit_test_setup_teardown(test_down, setup, teardown),
        cmocka_unit_test_setup_teardown(test_no_host, setup, teardown),
        cmocka_unit_test_setup_teardown(test_killed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_bad_frame, setup, teardown),
        cmocka_unit_test_setup_teardown(test_tls, setup, teardown),
        cmocka_unit_test_setup_teardown(test_bad_ca, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

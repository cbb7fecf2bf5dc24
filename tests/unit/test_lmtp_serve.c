#include "tests/unit/lmtp_fixture.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

struct served {
    struct fixture *f;
    int listen_fds[2];
    int stop[2];
    int notify[2];
    struct lmtp_watch watch;
    pthread_t thread;
    char socket[128];
    enum err err;
};

static bool stop_now(void *ctx)
{
    (void)ctx;
    return false;
}

static void *serve(void *arg)
{
    struct served *s = arg;
    struct diag why;

    s->err = lmtp_serve(s->listen_fds, 1, s->f->spool, &s->f->settings, s->notify[1], &why);
    return NULL;
}

static void start(struct served *s, struct fixture *f)
{
    struct diag why;

    *s = (struct served){.f = f};
    snprintf(s->socket, sizeof s->socket, "%s/sock", f->dir);
    assert_int_equal(lmtp_listen_unix(s->socket, 0660, &s->listen_fds[0], &why), ERR_OK);
    assert_int_equal(pipe2(s->stop, O_CLOEXEC), 0);
    assert_int_equal(pipe2(s->notify, O_CLOEXEC), 0);
    s->watch = (struct lmtp_watch){.fd = s->stop[0], .ready = stop_now};
    f->settings.watches = &s->watch;
    f->settings.n_watches = 1;
    f->settings.stop_s = 1;
    assert_int_equal(pthread_create(&s->thread, NULL, serve, s), 0);
}

static void finish(struct served *s)
{
    assert_int_equal(write(s->stop[1], "x", 1), 1);
    pthread_join(s->thread, NULL);
    assert_int_equal(s->err, ERR_OK);
    close(s->listen_fds[0]);
    for (int i = 0; i < 2; i++) {
        close(s->stop[i]);
        close(s->notify[i]);
    }
}

static int dial(const struct served *s)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    struct timeval patience = {.tv_sec = 20};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    memcpy(name.sun_path, s->socket, sizeof s->socket < sizeof name.sun_path ? sizeof s->socket : 107);
    assert_int_equal(connect(fd, (struct sockaddr *)&name, sizeof name), 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    return fd;
}

/* Reads until `expected` has come, and nothing else. */
static void expect(int fd, const char *expected)
{
    size_t want = strlen(expected), got = 0;
    char text[4096];

    assert_true(want < sizeof text);
    while (got < want) {
        ssize_t n = read(fd, text + got, want - got);

        assert_true(n > 0);
        got += (size_t)n;
    }
    text[got] = 0;
    assert_string_equal(text, expected);
}

static void expect_end(int fd)
{
    char c;

    assert_true(read(fd, &c, 1) <= 0);
    close(fd);
}

static void send_str(int fd, const char *text)
{
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

static void test_serve(void **state)
{
    struct fixture *f = *state;
    struct served s;
    int slow, hung, fd;
    char c;

    start(&s, f);
    slow = dial(&s);
    send_str(slow, BEGIN "slo");
    expect(slow, BEGIN_SAY);
    hung = dial(&s); /* says nothing, reads nothing */
    fd = dial(&s);
    send_str(fd, BEGIN "quick\r\n.\r\nQUIT\r\n");
    expect(fd, BEGIN_SAY KEPT "221 2.0.0 goodbye\r\n");
    expect_end(fd);
    assert_int_equal(read(s.notify[0], &c, 1), 1);
    assert_int_equal(entries(f), 1);

    /* one that goes away in the midst of it leaves nothing behind */
    fd = dial(&s);
    send_str(fd, BEGIN "half");
    expect(fd, BEGIN_SAY);
    close(fd);

    /* stopping: who is in the midst of a message may finish; the others are told at once */
    assert_int_equal(write(s.stop[1], "x", 1), 1);
    expect(hung, GREETING "421 4.3.2 stopping; try again later\r\n");
    expect_end(hung);
    send_str(slow, "w\r\n.\r\n");
    expect(slow, KEPT "421 4.3.2 stopping; try again later\r\n");
    expect_end(slow);
    finish(&s);
    assert_int_equal(entries(f), 2);
}

static void test_idle_and_crowd(void **state)
{
    struct fixture *f = *state;
    struct served s;
    int a, b, c;

    f->settings.idle_s = 1;
    f->settings.max_connections = 2;
    start(&s, f);
    a = dial(&s);
    b = dial(&s);
    expect(a, GREETING);
    expect(b, GREETING);
    c = dial(&s);
    expect(c, "421 4.3.2 too many connections; try again later\r\n");
    expect_end(c);
    expect(a, "421 4.4.2 too slow\r\n");
    expect(b, "421 4.4.2 too slow\r\n");
    expect_end(a);
    expect_end(b);
    c = dial(&s);
    expect(c, GREETING);
    close(c);
    finish(&s);
}

/* Connections of which each says a byte now and then, or nothing, hinder nobody; beyond max_connections they get 421.
 */
static void test_a_thousand(void **state)
{
    enum { MANY = 1000 };
    static int fds[MANY];
    struct fixture *f = *state;
    struct rlimit files;
    struct timespec begun, done;
    struct served s;
    int fd;

    assert_int_equal(getrlimit(RLIMIT_NOFILE, &files), 0);
    files.rlim_cur = files.rlim_max < 4096 ? files.rlim_max : 4096;
    if (files.rlim_cur < 2 * MANY + 100 || setrlimit(RLIMIT_NOFILE, &files)) {
        print_message("skipped: too few descriptors here\n");
        return;
    }
    f->settings.max_connections = MANY + 1;
    start(&s, f);
    for (int i = 0; i < MANY; i++) {
        fds[i] = dial(&s);
        if (i % 3 == 0)
            send_str(fds[i], BEGIN "slow");
        else if (i % 3 == 1)
            send_str(fds[i], "LHLO m");
    }
    clock_gettime(CLOCK_MONOTONIC, &begun);
    fd = dial(&s);
    send_str(fd, BEGIN "quick\r\n.\r\nQUIT\r\n");
    expect(fd, BEGIN_SAY KEPT "221 2.0.0 goodbye\r\n");
    clock_gettime(CLOCK_MONOTONIC, &done);
    expect_end(fd);
    print_message("among %d others a mail took %lld ms\n", MANY,
                  (long long)(done.tv_sec - begun.tv_sec) * 1000 + (done.tv_nsec - begun.tv_nsec) / 1000000);
    assert_true(done.tv_sec - begun.tv_sec < 5);
    assert_int_equal(entries(f), 1);
    /* every third is in the midst of a mail, and may still end it */
    send_str(fds[0], "ly\r\n.\r\n");
    expect(fds[0], BEGIN_SAY KEPT);
    for (int i = 0; i < MANY; i++)
        close(fds[i]);
    finish(&s);
    assert_int_equal(entries(f), 2);
}

/* All places are taken by such: they give way, one for each that comes, but not one that has something to say. */
static void test_slow_give_way(void **state)
{
    enum { PLACES = 30, COMING = 12 };
    static char block[2 * 65536];
    struct fixture *f = *state;
    struct timespec pause = {.tv_sec = 1, .tv_nsec = 100000000};
    int slow[PLACES], coming[COMING], busy;
    struct served s;

    memset(block, 'x', sizeof block);
    f->settings.max_connections = PLACES;
    f->settings.hold_bytes = 100 << 20;
    start(&s, f);
    busy = dial(&s);
    send_str(busy, BEGIN);
    for (int i = 1; i < PLACES; i++) {
        slow[i] = dial(&s);
        if (i % 3)
            send_str(slow[i], i % 3 == 1 ? BEGIN "slow" : "LHLO m");
    }
    for (int turn = 0; turn < 2; turn++) {
        nanosleep(&pause, NULL);
        assert_int_equal(send(busy, block, sizeof block, MSG_NOSIGNAL), sizeof block);
        for (int i = 1; i < PLACES; i++)
            send(slow[i], "x", 1, MSG_NOSIGNAL);
        nanosleep(&(struct timespec){.tv_nsec = 200000000}, NULL); /* until it is taken */
        for (int i = 0; i < COMING; i++) {
            coming[i] = dial(&s);
            expect(coming[i], GREETING);
        }
        for (int i = 0; i < COMING; i++) {
            send_str(coming[i], BEGIN "quick\r\n.\r\nQUIT\r\n");
            expect(coming[i], &(BEGIN_SAY KEPT "221 2.0.0 goodbye\r\n")[sizeof GREETING - 1]);
            expect_end(coming[i]);
        }
    }
    assert_int_equal(entries(f), 2 * COMING);
    send_str(busy, "\r\n.\r\n");
    for (int i = 0; i < 100 && entries(f) == 2 * COMING; i++)
        nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
    assert_int_equal(entries(f), 2 * COMING + 1);
    for (int i = 1; i < PLACES; i++)
        close(slow[i]);
    close(busy);
    finish(&s);
}

/* A byte now and then does not hold a transaction for ever, nor a command, nor does one command after the other. */
static void test_dripping(void **state)
{
    static const char *const begins[] = {BEGIN, "LHLO ", "RSET\r\n"}, *const drips[] = {"x", "x", "NOOP\r\n"};
    struct fixture *f = *state;
    struct timespec pause = {.tv_nsec = 200000000};
    struct served s;
    int fds[3], i, open = 3;
    char text[4096];

    f->settings.idle_s = 60;
    f->settings.transaction_s = 1;
    start(&s, f);
    for (int k = 0; k < 3; k++) {
        fds[k] = dial(&s);
        send_str(fds[k], begins[k]);
    }
    for (i = 0; i < 50 && open; i++) {
        nanosleep(&pause, NULL);
        open = 0;
        for (int k = 0; k < 3; k++)
            open += send(fds[k], drips[k], strlen(drips[k]), MSG_NOSIGNAL) > 0;
    }
    assert_true(i < 50);
    for (int k = 0; k < 3; k++) {
        ssize_t n = recv(fds[k], text, sizeof text - 1, MSG_WAITALL);

        text[n > 0 ? n : 0] = 0;
        assert_non_null(strstr(text, "421 4.4.2 too slow\r\n"));
        close(fds[k]);
    }
    finish(&s);
    assert_int_equal(entries(f), 0);
}

/* One that sends commands and never reads is stopped by its own unread replies, and hinders nobody. */
static void test_never_reads(void **state)
{
    struct fixture *f = *state;
    struct served s;
    int deaf, fd;
    char noops[6000];

    for (size_t i = 0; i < sizeof noops; i++)
        noops[i] = "NOOP\r\n"[i % 6];
    start(&s, f);
    deaf = dial(&s);
    fcntl(deaf, F_SETFL, O_NONBLOCK);
    for (int i = 0; i < 2000; i++)
        if (send(deaf, noops, sizeof noops, MSG_NOSIGNAL) < 0)
            poll(NULL, 0, 1);
    fd = dial(&s);
    send_str(fd, BEGIN "quick\r\n.\r\n");
    expect(fd, BEGIN_SAY KEPT);
    close(fd);
    close(deaf);
    finish(&s);
}

static void test_listen_unix(void **state)
{
    struct fixture *f = *state;
    struct stat st;
    char path[256];
    int fd, second;
    struct diag why;

    snprintf(path, sizeof path, "%s/s", f->dir);
    assert_int_equal(lmtp_listen_unix(path, 0600, &fd, &why), ERR_OK);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(lmtp_listen_unix(path, 0600, &second, &why), ERR_USAGE);
    assert_string_equal(why.rule, "lmtp.in-use");
    close(fd);
    assert_int_equal(lmtp_listen_unix(path, 0600, &fd, &why), ERR_OK); /* a dead one gives way */
    close(fd);
    snprintf(path, sizeof path, "%s/new", f->dir);
    assert_int_equal(lmtp_listen_unix(path, 0600, &fd, &why), ERR_USAGE);
    memset(path, 'a', sizeof path);
    path[104] = 0;
    assert_int_equal(lmtp_listen_unix(path, 0600, &fd, &why), ERR_USAGE);
    assert_int_equal(lmtp_listen_unix("", 0600, &fd, &why), ERR_USAGE);
    snprintf(path, sizeof path, "%s/none/s", f->dir);
    assert_int_equal(lmtp_listen_unix(path, 0600, &fd, &why), ERR_AGAIN);
    assert_int_equal(fd, -1);
}

static void test_listen_tcp(void **state)
{
    static const struct {
        const char *text;
        const char *rule;
    } cases[] = {
        {"0.0.0.0:2400", "lmtp.not-loopback"},
        {"192.0.2.1:2400", "lmtp.not-loopback"},
        {"[::]:2400", "lmtp.not-loopback"},
        {"example.org:2400", "lmtp.not-loopback"},
        {"127.0.0.1", "lmtp.tcp"},
        {"127.0.0.1:", "lmtp.tcp"},
        {"127.0.0.1:0", "lmtp.tcp"},
        {"127.0.0.1:65536", "lmtp.tcp"},
        {"127.0.0.1:24x", "lmtp.tcp"},
        {"127.0.0.1:-1", "lmtp.tcp"},
        {":24", "lmtp.tcp"},
        {"", "lmtp.tcp"},
        {"[]:24", "lmtp.tcp"},
        {"[::1:24", "lmtp.tcp"},
    };
    struct diag why;
    char text[32];
    int fd;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(lmtp_listen_tcp(cases[i].text, &fd, &why), ERR_USAGE);
        assert_string_equal(why.rule, cases[i].rule);
        assert_int_equal(fd, -1);
    }
    for (unsigned port = 20000 + (unsigned)getpid() % 30000, i = 0;; i++) {
        snprintf(text, sizeof text, "%s:%u", i % 2 ? "127.0.0.1" : "localhost", port + i);
        if (lmtp_listen_tcp(text, &fd, &why) == ERR_OK)
            break;
        assert_true(i < 20);
    }
    close(fd);
}

int main(void)
{
#define WITH_SPOOL(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        WITH_SPOOL(test_serve),       WITH_SPOOL(test_idle_and_crowd), WITH_SPOOL(test_dripping),
        WITH_SPOOL(test_a_thousand),  WITH_SPOOL(test_slow_give_way),  WITH_SPOOL(test_never_reads),
        WITH_SPOOL(test_listen_unix), WITH_SPOOL(test_listen_tcp),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

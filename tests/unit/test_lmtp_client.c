#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "io/lmtp_client.h"

#define HELLO "220 ready\r\n250-here\r\n250 SIZE\r\n250 ok\r\n"

static const char *const two[] = {"security@example.org", "team@example.org"};

/*
 * Runs the client against a server that has said all its replies in advance; gives what
 * the client has said.
 */
static enum err send_to(const char *replies, const char *message, size_t n, char *said, size_t size, struct diag *why)
{
    struct timeval patience = {.tv_usec = 200000};
    int pair[2], pipe_fds[2];
    ssize_t got;
    size_t at = 0;
    enum err err;

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    assert_int_equal(pipe(pipe_fds), 0);
    setsockopt(pair[0], SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    assert_int_equal(write(pair[1], replies, strlen(replies)), (ssize_t)strlen(replies));
    assert_int_equal(write(pipe_fds[1], message, strlen(message)), (ssize_t)strlen(message));
    close(pipe_fds[1]);
    err = lmtp_client_send(pair[0], pipe_fds[0], "a@example.net", two, n, why);
    close(pair[0]);
    close(pipe_fds[0]);
    while ((got = read(pair[1], said + at, size - 1 - at)) > 0)
        at += (size_t)got;
    said[at] = 0;
    close(pair[1]);
    return err;
}

static void test_whole_dialogue(void **state)
{
    char said[4096];
    struct diag why;

    (void)state;
    assert_int_equal(send_to(HELLO "250 ok\r\n250 ok\r\n354 go\r\n250 ok\r\n250-ok\r\n250 ok\r\n", "x\n.y\n", 2, said,
                             sizeof said, &why),
                     ERR_OK);
    assert_string_equal(said, "LHLO localhost\r\nMAIL FROM:<a@example.net>\r\nRCPT TO:<security@example.org>\r\n"
                              "RCPT TO:<team@example.org>\r\nDATA\r\nx\r\n..y\r\n.\r\nQUIT\r\n");
}

/* Only 250 for each of the two is success. */
static void test_replies(void **state)
{
    static const struct {
        const char *replies;
        enum err err;
    } cases[] = {
        {"", ERR_AGAIN},
        {"421 stopping\r\n", ERR_AGAIN},
        {"554 no\r\n", ERR_REJECT},
        {"garbage\r\n", ERR_AGAIN},
        {"\n", ERR_AGAIN},
        {"22", ERR_AGAIN},
        {HELLO, ERR_AGAIN},
        {HELLO "550 no\r\n", ERR_REJECT},
        {HELLO "250 ok\r\n452 many\r\n", ERR_AGAIN},
        {HELLO "250 ok\r\n250 ok\r\n451 not now\r\n", ERR_AGAIN},
        {HELLO "250 ok\r\n250 ok\r\n250 odd\r\n", ERR_AGAIN},
        {HELLO "250 ok\r\n250 ok\r\n354 go\r\n", ERR_AGAIN},
        {HELLO "250 ok\r\n250 ok\r\n354 go\r\n250 ok\r\n", ERR_AGAIN},
        {HELLO "250 ok\r\n250 ok\r\n354 go\r\n250 ok\r\n451 no\r\n", ERR_AGAIN},
        {HELLO "250 ok\r\n250 ok\r\n354 go\r\n451 no\r\n250 ok\r\n", ERR_AGAIN},
        {HELLO "250 ok\r\n250 ok\r\n354 go\r\n251 ok\r\n250 ok\r\n", ERR_AGAIN},
        {HELLO "250 ok\r\n250 ok\r\n354 go\r\n250 ok\r\n250-ok\r\n", ERR_AGAIN},
        {HELLO "250 ok\r\n250 ok\r\n354 go\r\n250 ok\r\n250 ok\r\n", ERR_OK},
    };
    char said[4096];
    struct diag why = {0};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        enum err err = send_to(cases[i].replies, "x\n", 2, said, sizeof said, &why);

        if (err != cases[i].err)
            fail_msg("%zu: %d instead of %d (%s)", i, err, cases[i].err, why.text);
        assert_null(strstr(why.text, "example"));
    }
}

static void test_endless_replies(void **state)
{
    char *replies = calloc(1, 20001), said[4096];
    struct diag why;

    (void)state;
    memset(replies, '2', 20000); /* a line without an end */
    assert_int_equal(send_to(replies, "x\n", 2, said, sizeof said, &why), ERR_AGAIN);
    for (size_t i = 0; i < 20000; i++)
        replies[i] = "220-\n"[i % 5]; /* a reply without an end */
    assert_int_equal(send_to(replies, "x\n", 2, said, sizeof said, &why), ERR_AGAIN);
    assert_string_equal(said, "");
    free(replies);
}

static void test_addresses(void **state)
{
    static const char *const bad[] = {"", "a\r\nRSET", "a>b", "a<b", "a\x7f", "a\tb"};
    struct diag why;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(lmtp_client_send(-1, -1, "", &bad[i], 1, &why), ERR_USAGE);
    for (size_t i = 1; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(lmtp_client_send(-1, -1, bad[i], two, 2, &why), ERR_USAGE);
    assert_int_equal(lmtp_client_send(-1, -1, "", two, 0, &why), ERR_USAGE);
}

/* A message that cannot be read to its end is never ended by a dot. */
static void test_unreadable_message(void **state)
{
    static const char replies[] = HELLO "250 ok\r\n354 go\r\n250 ok\r\n";
    struct diag why;
    char said[4096];
    ssize_t n;
    int pair[2];

    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    assert_int_equal(write(pair[1], replies, sizeof replies - 1), (ssize_t)sizeof replies - 1);
    assert_int_equal(lmtp_client_send(pair[0], -1, "", two, 1, &why), ERR_AGAIN);
    close(pair[0]);
    n = read(pair[1], said, sizeof said - 1);
    assert_true(n > 0);
    said[n] = 0;
    assert_string_equal(strstr(said, "DATA"), "DATA\r\n");
    close(pair[1]);
}

static void test_connect(void **state)
{
    char path[200];
    struct diag why;
    int fd;

    (void)state;
    memset(path, 'a', sizeof path);
    path[sizeof path - 1] = 0;
    assert_int_equal(lmtp_client_connect(path, 1, &fd, &why), ERR_USAGE);
    assert_int_equal(lmtp_client_connect("/nonexistent/socket", 1, &fd, &why), ERR_AGAIN);
    assert_int_equal(fd, -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole_dialogue),     cmocka_unit_test(test_replies),
        cmocka_unit_test(test_endless_replies),    cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_unreadable_message), cmocka_unit_test(test_connect),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

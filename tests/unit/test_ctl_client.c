/* The client's end of the control socket: a core that does not read, reads late, or reads and ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/frame.h"
#include "base/mem.h"
#include "lib/testdir.h"
#include "main/ctl_client.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define SOON_MS  100
#define LATE_MS  400
#define LIMIT_MS 10000

enum core { CORE_SILENT, CORE_LATE_READER, CORE_LATE_WRITER, CORE_ENDS, CORE_WITHOUT_ROOM };

struct server {
    enum core core;
    int listen_fd;
};

static void reply(int fd)
{
    struct reply r = {.out = BUF_EMPTY, .ok = true};
    struct buf payload = BUF_EMPTY;

    reply_put(&r, &payload);
    frame_send(fd, CONTROL_REPLY, buf_span(&payload), NULL);
    buf_free(&payload);
    reply_free(&r);
}

static void *serve(void *ctx)
{
    struct server *s = ctx;
    struct buf request = BUF_EMPTY;
    uint32_t type;
    int fd = accept(s->listen_fd, NULL, NULL);

    if (s->core == CORE_LATE_READER)
        usleep(SOON_MS * 1000);
    frame_receive(fd, FRAME_PAYLOAD_MAX, &type, &request, NULL);
    if (s->core == CORE_LATE_WRITER)
        usleep(LATE_MS * 1000);
    if (s->core != CORE_ENDS)
        reply(fd);
    close(fd);
    buf_free(&request);
    return NULL;
}

static int listen_at(const char *path, int backlog)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    snprintf(name.sun_path, sizeof name.sun_path, "%s", path);
    assert_int_equal(bind(fd, (struct sockaddr *)&name, sizeof name), 0);
    assert_int_equal(listen(fd, backlog), 0);
    return fd;
}

static const char *ask(enum core core, const char *const *words, int n, int64_t patience_ms, bool wait)
{
    static struct diag why;
    char *dir = testdir_make(), path[108];
    struct server s = {.core = core};
    pthread_t thread;
    struct command c;
    struct reply r;
    int64_t began = clock_monotonic_ms();
    int other = -1;
    enum err err;

    snprintf(path, sizeof path, "%s/control.sock", dir);
    s.listen_fd = listen_at(path, core == CORE_WITHOUT_ROOM ? 0 : 8);
    assert_int_equal(command_parse(n, words, &c, &why), ERR_OK);
    if (core == CORE_WITHOUT_ROOM) {
        struct sockaddr_un name = {.sun_family = AF_UNIX};

        snprintf(name.sun_path, sizeof name.sun_path, "%s", path);
        other = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_int_equal(connect(other, (struct sockaddr *)&name, sizeof name), 0);
    } else if (core != CORE_SILENT) {
        assert_int_equal(pthread_create(&thread, NULL, serve, &s), 0);
    }
    memset(&why, 0, sizeof why);
    err = wait ? client_wait(path, &c, NULL, &r, &why) : client_ask(path, &c, NULL, patience_ms, &r, &why);
    assert_true(clock_monotonic_ms() - began < LIMIT_MS);
    assert_int_equal(err == ERR_OK, r.ok);
    if (core != CORE_SILENT && core != CORE_WITHOUT_ROOM)
        pthread_join(thread, NULL);
    if (other >= 0)
        close(other);
    close(s.listen_fd);
    command_free(&c);
    reply_free(&r);
    testdir_remove(dir);
    return why.rule;
}

static void test_ask(void **state)
{
    static const char *const status[] = {"status"};

    (void)state;
    assert_string_equal(ask(CORE_SILENT, status, 1, SOON_MS, false), "daemon.silent");
    assert_string_equal(ask(CORE_WITHOUT_ROOM, status, 1, SOON_MS, false), "daemon.silent");
    assert_string_equal(ask(CORE_LATE_READER, status, 1, LIMIT_MS, false), "");
    assert_string_equal(ask(CORE_LATE_WRITER, status, 1, SOON_MS, false), ""); /* it works on it, however long */
    assert_string_equal(ask(CORE_ENDS, status, 1, SOON_MS, false), "daemon.gone");
}

static void test_wait(void **state)
{
    static const char *const wait[] = {"wait", "--timeout", "0.2"};

    (void)state;
    assert_string_equal(ask(CORE_SILENT, wait, 3, 0, true), "daemon.silent");
    assert_string_equal(ask(CORE_LATE_READER, wait, 3, 0, true), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_ask), cmocka_unit_test(test_wait)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}

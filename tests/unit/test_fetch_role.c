#include "io/fetch.h"

#include "base/frame.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* The role in a process of its own, and core's end of its socket. A rehearsal asks nobody. */
static pid_t start_role(int *fd)
{
    struct settings settings = {.fetch_timeout_s = 1};
    int pair[2];
    pid_t pid;

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    pid = fork();
    if (pid == 0) {
        alarm(20); /* one that hangs is a fault, and no end of the test */
        close(pair[0]);
        _exit(fetch_main(&settings, true, pair[1]));
    }
    assert_true(pid > 0);
    close(pair[1]);
    *fd = pair[0];
    return pid;
}

static void ask(int fd)
{
    struct buf payload = BUF_EMPTY;
    struct diag why;

    frame_put_i64(&payload, 7);
    frame_put_str(&payload, "security@acorn.example");
    assert_int_equal(frame_send(fd, FETCH_LOOKUP, buf_span(&payload), &why), ERR_OK);
    buf_free(&payload);
}

static int exit_code(pid_t pid)
{
    int status = 0;

    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void test_answer(void **state)
{
    struct buf payload = BUF_EMPTY;
    struct fetch_result result;
    struct diag why;
    uint32_t type;
    int64_t job;
    int fd;
    pid_t pid = start_role(&fd);

    (void)state;
    buf_init(&payload, BUF_MAX_DEFAULT);
    ask(fd);
    assert_int_equal(frame_receive(fd, 1 << 20, &type, &payload, &why), ERR_OK);
    assert_int_equal(fetch_result_get(buf_span(&payload), &job, &result, &why), ERR_OK);
    assert_int_equal(job, 7);
    assert_int_equal(result.outcome, FETCH_OFFLINE);
    buf_free(&result.bytes);
    buf_free(&payload);
    close(fd);
    assert_int_equal(exit_code(pid), 0);
}

/* An answer that cannot be handed over would be waited for by core, for ever: the role ends, and all is started anew.
 */
static void test_answer_lost(void **state)
{
    int fd;
    pid_t pid = start_role(&fd);

    (void)state;
    assert_int_equal(shutdown(fd, SHUT_RD), 0);
    ask(fd);
    assert_int_equal(exit_code(pid), 1);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_answer), cmocka_unit_test(test_answer_lost)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}

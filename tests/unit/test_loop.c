#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/loop.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PAIRS 40 /* more than the loop's first arrays hold */

struct world {
    struct loop *loop;
    int pair[PAIRS][2];
    int calls[PAIRS];
    short seen;
    int remove_other; /* index that a callback takes away; -1: none */
    int add_from;     /* pairs that a callback adds; -1: none */
};

static int index_of(const struct world *w, int fd)
{
    for (int i = 0; i < PAIRS; i++)
        if (w->pair[i][0] == fd)
            return i;
    fail_msg("a callback for a stranger");
    return -1;
}

static void on_ready(void *ctx, int fd, short revents)
{
    struct world *w = ctx;
    char byte;

    w->calls[index_of(w, fd)]++;
    w->seen = revents;
    if (revents & POLLIN && read(fd, &byte, 1) == 0)
        loop_remove(w->loop, fd);
    if (w->remove_other >= 0)
        loop_remove(w->loop, w->pair[w->remove_other][0]);
    if (w->add_from >= 0)
        for (int i = w->add_from; i < PAIRS; i++)
            loop_add(w->loop, w->pair[i][0], POLLIN, on_ready, w);
    w->add_from = -1;
}

static int setup(void **state)
{
    static struct world w;

    memset(&w, 0, sizeof w);
    w.remove_other = w.add_from = -1;
    w.loop = loop_new();
    for (int i = 0; i < PAIRS; i++)
        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, w.pair[i]))
            return -1;
    *state = &w;
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;

    loop_free(&w->loop);
    loop_free(&w->loop);
    for (int i = 0; i < PAIRS; i++) {
        close(w->pair[i][0]);
        close(w->pair[i][1]);
    }
    return 0;
}

static void poke(const struct world *w, int i)
{
    assert_int_equal(write(w->pair[i][1], "x", 1), 1);
}

static void test_calls_what_is_ready(void **state)
{
    struct world *w = *state;

    for (int i = 0; i < PAIRS; i++)
        loop_add(w->loop, w->pair[i][0], POLLIN, on_ready, w);
    poke(w, 3);
    poke(w, PAIRS - 1);
    loop_once(w->loop, 1000);
    for (int i = 0; i < PAIRS; i++)
        assert_int_equal(w->calls[i], i == 3 || i == PAIRS - 1);
    loop_once(w->loop, 0);
    assert_int_equal(w->calls[3], 1);
}

static void test_times_out(void **state)
{
    struct world *w = *state;
    int64_t start = clock_monotonic_ms();

    loop_once(w->loop, 0);
    loop_add(w->loop, w->pair[0][0], POLLIN, on_ready, w);
    loop_once(w->loop, 20);
    assert_true(clock_monotonic_ms() - start >= 19);
    assert_int_equal(w->calls[0], 0);
}

static void test_events_change(void **state)
{
    struct world *w = *state;

    loop_add(w->loop, w->pair[0][0], 0, on_ready, w);
    poke(w, 0);
    loop_once(w->loop, 0);
    assert_int_equal(w->calls[0], 0);
    loop_set_events(w->loop, w->pair[0][0], POLLOUT);
    loop_once(w->loop, 0);
    assert_int_equal(w->seen, POLLOUT);
    loop_set_events(w->loop, w->pair[0][0], POLLIN);
    loop_once(w->loop, 0);
    assert_int_equal(w->seen, POLLIN);
    assert_int_equal(w->calls[0], 2);
}

/* A callback takes away one that is ready as well: it is not called any more. */
static void test_remove_another(void **state)
{
    struct world *w = *state;

    for (int i = 0; i < 3; i++) {
        loop_add(w->loop, w->pair[i][0], POLLIN, on_ready, w);
        poke(w, i);
    }
    w->remove_other = 2;
    loop_once(w->loop, 0);
    assert_int_equal(w->calls[0], 1);
    assert_int_equal(w->calls[1], 1);
    assert_int_equal(w->calls[2], 0);
    loop_once(w->loop, 0);
    assert_int_equal(w->calls[2], 0);
}

static void test_remove_itself_at_the_end(void **state)
{
    struct world *w = *state;

    loop_add(w->loop, w->pair[0][0], POLLIN, on_ready, w);
    shutdown(w->pair[0][1], SHUT_WR);
    loop_once(w->loop, 0);
    loop_once(w->loop, 0);
    assert_int_equal(w->calls[0], 1);
}

/* A callback adds so many that the arrays move; the new ones have their turn the next time. */
static void test_add_while_calling(void **state)
{
    struct world *w = *state;

    loop_add(w->loop, w->pair[0][0], POLLIN, on_ready, w);
    loop_add(w->loop, w->pair[1][0], POLLIN, on_ready, w);
    for (int i = 0; i < PAIRS; i++)
        poke(w, i);
    w->add_from = 2;
    loop_once(w->loop, 0);
    for (int i = 0; i < PAIRS; i++)
        assert_int_equal(w->calls[i], i < 2);
    loop_once(w->loop, 0);
    for (int i = 0; i < PAIRS; i++)
        assert_int_equal(w->calls[i], 1);
}

/* The same number again in one callback, as close and accept give it: the old watcher is gone, the new one is not due.
 */
static void test_number_used_again(void **state)
{
    struct world *w = *state;

    loop_add(w->loop, w->pair[0][0], POLLIN, on_ready, w);
    loop_add(w->loop, w->pair[1][0], POLLIN, on_ready, w);
    loop_remove(w->loop, w->pair[1][0]);
    loop_add(w->loop, w->pair[1][0], POLLIN, on_ready, w);
    poke(w, 1);
    loop_once(w->loop, 0);
    assert_int_equal(w->calls[1], 1);
}

static void test_prepare_fd(void **state)
{
    struct world *w = *state;
    char byte;

    assert_true(loop_prepare_fd(w->pair[0][0]));
    assert_int_equal(read(w->pair[0][0], &byte, 1), -1);
    assert_int_equal(errno, EAGAIN);
    assert_int_equal(fcntl(w->pair[0][0], F_GETFD), FD_CLOEXEC);
    assert_false(loop_prepare_fd(-1));
}

#define WITH_LOOP(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_LOOP(test_calls_what_is_ready),
        WITH_LOOP(test_times_out),
        WITH_LOOP(test_events_change),
        WITH_LOOP(test_remove_another),
        WITH_LOOP(test_remove_itself_at_the_end),
        WITH_LOOP(test_add_while_calling),
        WITH_LOOP(test_number_used_again),
        WITH_LOOP(test_prepare_fd),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

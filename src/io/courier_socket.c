#include "io/courier_socket.h"

#include "base/clock.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#define FDS_LOOKED_AT 64 /* a session's process has a handful */
#define TICK_US       250000

static volatile sig_atomic_t socket_fd = -1;
static volatile sig_atomic_t passed;
static _Atomic int64_t deadline_ms; /* 0: none */
static bool ticking, corked;

void courier_socket_shut(void)
{
    if (socket_fd >= 0)
        shutdown(socket_fd, SHUT_RDWR);
}

static void on_alarm(int sig)
{
    int saved = errno;
    int64_t at = deadline_ms;

    (void)sig;
    if (at && clock_monotonic_ms() >= at) {
        passed = 1;
        courier_socket_shut();
    }
    errno = saved;
}

void courier_deadline_open(void)
{
    struct sigaction action = {.sa_handler = on_alarm}; /* no SA_RESTART: connect() is to return */
    sigset_t set;

    sigaction(SIGALRM, &action, NULL);
    sigemptyset(&set);
    sigaddset(&set, SIGALRM);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
}

/* One timer that looks at the clock, rather than one that is set a dozen times for each mail. */
static void tick(bool on)
{
    struct itimerval timer = {{0, on ? TICK_US : 0}, {0, on ? TICK_US : 0}};

    if (on != ticking)
        setitimer(ITIMER_REAL, &timer, NULL);
    ticking = on;
}

void courier_deadline(int seconds)
{
    deadline_ms = seconds ? clock_monotonic_ms() + 1000 * (int64_t)seconds : 0;
    tick(true);
}

void courier_deadline_close(void)
{
    deadline_ms = 0;
    tick(false);
}

void courier_deadline_reset(void)
{
    passed = 0;
}

bool courier_deadline_passed(void)
{
    return passed;
}

static bool is_tcp(int fd)
{
    int domain = 0, type = 0;
    socklen_t size = sizeof domain;

    if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size))
        return false;
    size = sizeof type;
    return (domain == AF_INET || domain == AF_INET6) && !getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) &&
           type == SOCK_STREAM;
}

void courier_socket_find(void)
{
    int on = 1;

    courier_socket_forget();
    for (int fd = 3; fd < FDS_LOOKED_AT; fd++)
        if (is_tcp(fd))
            socket_fd = fd;
    if (socket_fd >= 0)
        setsockopt(socket_fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

void courier_socket_cork(bool on)
{
    int value = on;

    if (socket_fd >= 0 && corked != on && !setsockopt(socket_fd, IPPROTO_TCP, TCP_CORK, &value, sizeof value))
        corked = on;
}

void courier_socket_forget(void)
{
    corked = false;
    socket_fd = -1;
}

int courier_socket(void)
{
    return socket_fd;
}

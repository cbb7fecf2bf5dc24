/*
 * A look from inside each role at what it must not be able to do: loaded into the daemon and all that it starts
 * (LD_PRELOAD). When a role waits for its first input, and so has given up what it does not need, it tries each thing
 * once and writes a line to PROBE_OUT: ROLE WHAT done|refused.
 *
 *   cc -shared -fPIC -o probe.so probe.c
 *
 * PROBE_DB, PROBE_KEY, PROBE_SPOOL: paths; PROBE_AGENT: a socket's path; PROBE_PORT: a TCP port of 127.0.0.1 that
 * listens; PROBE_OUTSIDE: a folder outside of the instance.
 */
#include <arpa/inet.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define OUT_FD     200
#define WORKER_FD  3
#define CHANNEL_FD 4

static char role[16];
static int is_worker, done;
static const char *db, *key, *spool, *agent, *outside;
static int port;
static ssize_t (*real_read)(int, void *, size_t);
static ssize_t (*real_recv)(int, void *, size_t, int);
static int (*real_poll)(struct pollfd *, nfds_t, int);

static void find_role(void)
{
    char words[4096];
    int fd = open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? 0 : read(fd, words, sizeof words - 1);

    if (fd >= 0)
        close(fd);
    for (ssize_t i = 0; i < n; i += (ssize_t)strlen(words + i) + 1) {
        words[n] = 0;
        if (strncmp(words + i, "--role=", 7) == 0)
            snprintf(role, sizeof role, "%s", words + i + 7);
    }
}

__attribute__((constructor)) static void begin(void)
{
    const char *out = getenv("PROBE_OUT");
    int fd;

    real_read = (ssize_t(*)(int, void *, size_t))dlsym(RTLD_NEXT, "read");
    real_recv = (ssize_t(*)(int, void *, size_t, int))dlsym(RTLD_NEXT, "recv");
    real_poll = (int (*)(struct pollfd *, nfds_t, int))dlsym(RTLD_NEXT, "poll");
    find_role();
    if (!*role || !out)
        return;
    is_worker = strcmp(role, "mime") == 0 || strcmp(role, "crypto") == 0;
    db = getenv("PROBE_DB");
    key = getenv("PROBE_KEY");
    spool = getenv("PROBE_SPOOL");
    agent = getenv("PROBE_AGENT");
    outside = getenv("PROBE_OUTSIDE");
    port = getenv("PROBE_PORT") ? (int)strtol(getenv("PROBE_PORT"), NULL, 10) : 0;
    fd = open(out, O_WRONLY | O_APPEND | O_CLOEXEC);
    if (fd >= 0) {
        fcntl(fd, F_DUPFD_CLOEXEC, OUT_FD);
        close(fd);
    }
}

static void say(const char *what, int ok)
{
    char line[64];
    int n = snprintf(line, sizeof line, "%s %s %s\n", role, what, ok ? "done" : "refused");

    if (write(OUT_FD, line, (size_t)n) != n)
        return;
}

static void try_open(const char *what, const char *path, int flags)
{
    int fd = open(path, flags | O_CLOEXEC, 0600);

    say(what, fd >= 0);
    if (fd >= 0)
        close(fd);
}

static void try_connect(const char *what, int family, const struct sockaddr *to, socklen_t len)
{
    int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);

    say(what, fd >= 0 && connect(fd, to, len) == 0);
    if (fd >= 0)
        close(fd);
}

static void try_program(void)
{
    extern char **environ;
    char *words[] = {(char *)"true", NULL};
    pid_t pid;
    int ok = posix_spawn(&pid, "/bin/true", NULL, NULL, words, environ) == 0, status = 0;

    if (ok)
        ok = waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0;
    say("program", ok);
}

static void try_all(void)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    struct sockaddr_in host = {.sin_family = AF_INET, .sin_port = htons((unsigned short)port)};
    char path[256];

    done = 1;
    host.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    snprintf(at.sun_path, sizeof at.sun_path, "%s", agent);
    snprintf(path, sizeof path, "%s/%s", outside, role);
    try_open("database", db, O_RDONLY);
    try_open("key", key, O_RDONLY);
    try_open("spool", spool, O_RDONLY | O_DIRECTORY);
    try_open("outside", path, O_WRONLY | O_CREAT);
    try_open("system", "/etc/passwd", O_WRONLY | O_APPEND);
    try_connect("agent", AF_UNIX, (struct sockaddr *)&at, sizeof at);
    try_connect("network", AF_INET, (struct sockaddr *)&host, sizeof host);
    try_program();
    say("parent", kill(getppid(), 0) == 0);
    say("end", 1);
}

ssize_t read(int fd, void *to, size_t n)
{
    if (*role && !done && fd == (is_worker ? WORKER_FD : CHANNEL_FD))
        try_all();
    return real_read(fd, to, n);
}

ssize_t recv(int fd, void *to, size_t n, int flags)
{
    if (*role && is_worker && !done && fd == WORKER_FD)
        try_all();
    return real_recv(fd, to, n, flags);
}

int poll(struct pollfd *fds, nfds_t n, int timeout)
{
    if (*role && !is_worker && !done)
        try_all();
    return real_poll(fds, n, timeout);
}

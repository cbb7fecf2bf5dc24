/*
 * A trip wire for the crash and fault tests: loaded into the daemon and all that it starts (LD_PRELOAD), it counts the
 * calls of each role, and at the Nth call of one kind it kills the process, or makes that one call fail.
 *
 *   cc -shared -fPIC -o trip.so trip.c        the wire; EMBARGO_TRIP names the file that all processes share
 *   cc -DTRIP_TOOL -o trip trip.c             trip FILE arm [ROLE CALL N kill|EOF|ERRNO]... | trip FILE counts |
 *                                             trip FILE fired | trip FILE later SECONDS
 *
 * Each of its points goes off once: then FILE says where (the object and the offset of the caller), and the point does
 * nothing more until it is armed again. `fired` prints a line for each point, `-` where it was not reached. Arming sets
 * all counts to 0. The call `change` is each call that changes something that others see (a
 * file, a folder, a socket); a kill is before the call, so that N and N + 1 are before and after it. The log is left
 * out: its loss is nobody's. Roles: parent, core, intake, courier, fetch, mime, crypto, gpg, agent; session is one of
 * the courier's SMTP sessions, which it forks; child is a process between fork and exec, other all else (gpgconf). EOF:
 * a read that finds the other end gone. In a mime worker only what its filter allows is used. FILE and trip.so must lie
 * where all roles may read and write (proc/confine.h): in the folder of the GnuPG homes.
 *
 * `later` moves all clocks of all these processes, for an instance that is no rehearsal.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define CALLS(X)                                                                                                       \
    X(change)                                                                                                          \
    X(write)                                                                                                           \
    X(pwrite)                                                                                                          \
    X(fsync)                                                                                                           \
    X(ftruncate)                                                                                                       \
    X(openat)                                                                                                          \
    X(linkat)                                                                                                          \
    X(rename)                                                                                                          \
    X(unlink) X(mkdir) X(send) X(read) X(pread) X(recv) X(socket) X(socketpair) X(pipe) X(accept) X(connect) X(fork)   \
        X(spawn) X(malloc) X(mmap) X(poll) X(opendir) X(fchmod) X(flock) X(bind) X(signalfd)
#define ROLES(X)                                                                                                       \
    X(parent) X(core) X(intake) X(courier) X(session) X(fetch) X(mime) X(crypto) X(gpg) X(agent) X(child) X(other)
#define IN_ENUM_CALL(name) CALL_##name,
#define IN_ENUM_ROLE(name) ROLE_##name,
#define IN_NAMES(name)     #name,

enum { CALLS(IN_ENUM_CALL) CALL_N };
enum { ROLES(IN_ENUM_ROLE) ROLE_N };

#define ACTION_KILL (-1)
#define ACTION_EOF  (-2)

#define POINTS_MAX 8

struct point {
    int32_t role, call, action;
    uint32_t when;
    _Atomic uint32_t armed; /* 1 until it has gone off */
    char where[160];
};

struct wire {
    _Atomic int64_t later_s; /* stays when it is armed */
    uint32_t n;
    struct point points[POINTS_MAX];
    _Atomic uint32_t counts[ROLE_N][CALL_N];
};

#ifdef TRIP_TOOL

static const char *const call_names[] = {CALLS(IN_NAMES)};
static const char *const role_names[] = {ROLES(IN_NAMES)};
static const struct {
    const char *name;
    int value;
} actions[] = {{"kill", ACTION_KILL},      {"EOF", ACTION_EOF},
               {"ENOSPC", ENOSPC},         {"EIO", EIO},
               {"EMFILE", EMFILE},         {"ENOMEM", ENOMEM},
               {"EAGAIN", EAGAIN},         {"EINTR", EINTR},
               {"ECONNRESET", ECONNRESET}, {"ECONNREFUSED", ECONNREFUSED},
               {"EPIPE", EPIPE},           {"ETIMEDOUT", ETIMEDOUT},
               {"EADDRINUSE", EADDRINUSE}};

static int find(const char *const *names, int n, const char *word)
{
    for (int i = 0; i < n; i++)
        if (strcmp(names[i], word) == 0)
            return i;
    fprintf(stderr, "trip: what is %s?\n", word);
    exit(2);
}

static int32_t find_action(const char *word)
{
    for (size_t i = 0; i < sizeof actions / sizeof actions[0]; i++)
        if (strcmp(actions[i].name, word) == 0)
            return actions[i].value;
    fprintf(stderr, "trip: what is %s?\n", word);
    exit(2);
}

static void arm(struct wire *w, int n_words, char **words)
{
    w->n = 0;
    memset(w->points, 0, sizeof w->points);
    memset(w->counts, 0, sizeof w->counts);
    for (; n_words >= 4 && w->n < POINTS_MAX; n_words -= 4, words += 4)
        w->points[w->n++] = (struct point){.role = find(role_names, ROLE_N, words[0]),
                                           .call = find(call_names, CALL_N, words[1]),
                                           .when = (uint32_t)strtoul(words[2], NULL, 10),
                                           .action = find_action(words[3]),
                                           .armed = 1};
    if (n_words) {
        fprintf(stderr, "trip: a point is ROLE CALL N ACTION, and %d are the most\n", POINTS_MAX);
        exit(2);
    }
}

int main(int argc, char **argv)
{
    int fd = argc < 3 ? -1 : open(argv[1], O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    struct wire *w = fd < 0 || ftruncate(fd, sizeof *w)
                         ? MAP_FAILED
                         : mmap(NULL, sizeof *w, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

    if (w == MAP_FAILED)
        return 2;
    if (strcmp(argv[2], "arm") == 0) {
        arm(w, argc - 3, argv + 3);
    } else if (strcmp(argv[2], "counts") == 0) {
        for (int r = 0; r < ROLE_N; r++)
            for (int c = 0; c < CALL_N; c++)
                if (w->counts[r][c])
                    printf("%s %s %u\n", role_names[r], call_names[c], (unsigned)w->counts[r][c]);
    } else if (strcmp(argv[2], "fired") == 0) {
        for (uint32_t i = 0; i < w->n; i++)
            puts(w->points[i].where[0] ? w->points[i].where : "-");
    } else if (strcmp(argv[2], "later") == 0 && argc == 4) {
        atomic_fetch_add(&w->later_s, strtol(argv[3], NULL, 10));
    } else {
        return 2;
    }
    return 0;
}

#else

#include <dirent.h>
#include <dlfcn.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdbool.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <time.h>

static struct wire *wire;
static int my_role = ROLE_other;
static pid_t my_pid;

static int role_of(const char *line, size_t len)
{
    static const struct {
        const char *word;
        int role;
    } words[] = {{"--role=core", ROLE_core},   {"--role=intake", ROLE_intake}, {"--role=courier", ROLE_courier},
                 {"--role=fetch", ROLE_fetch}, {"--role=mime", ROLE_mime},     {"--role=crypto", ROLE_crypto}};
    const char *base = strrchr(line, '/') ? strrchr(line, '/') + 1 : line;

    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (memmem(line, len, words[i].word, strlen(words[i].word)))
            return words[i].role;
    if (strcmp(base, "gpg") == 0)
        return ROLE_gpg;
    if (strcmp(base, "gpg-agent") == 0)
        return ROLE_agent;
    return strcmp(base, "embargod") == 0 ? ROLE_parent : ROLE_other;
}

__attribute__((constructor)) static void set_up(void)
{
    const char *file = getenv("EMBARGO_TRIP");
    char line[4096] = "";
    int fd = (int)syscall(SYS_openat, AT_FDCWD, "/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? 0 : syscall(SYS_read, fd, line, sizeof line - 1);
    void *map;

    if (fd >= 0)
        syscall(SYS_close, fd);
    my_role = role_of(line, n > 0 ? (size_t)n : 0);
    my_pid = getpid();
    fd = file ? (int)syscall(SYS_openat, AT_FDCWD, file, O_RDWR | O_CLOEXEC) : -1;
    if (fd < 0)
        return;
    map = mmap(NULL, sizeof *wire, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    syscall(SYS_close, fd);
    if (map != MAP_FAILED)
        wire = map;
}

/* Hexadecimal by hand: what stdio would do, a mime worker's filter may refuse, and malloc may be who asks. */
static void say_where(char *where, const void *caller, int call)
{
    static const char *const names[] = {CALLS(IN_NAMES)};
    char offset[20], *digit = offset + sizeof offset;
    uintptr_t at = (uintptr_t)caller;
    Dl_info info;
    const char *object = "?";

    if (dladdr(caller, &info) && info.dli_fname) {
        object = strrchr(info.dli_fname, '/') ? strrchr(info.dli_fname, '/') + 1 : info.dli_fname;
        at -= (uintptr_t)info.dli_fbase;
    }
    *--digit = 0;
    do
        *--digit = "0123456789abcdef"[at & 15];
    while (at >>= 4);
    strncat(where, names[call], 20);
    strncat(where, " ", 2);
    strncat(where, object, 60);
    strncat(where, "+", 2);
    strncat(where, digit, 20);
}

/* Counts it; the point that it is, or NULL. */
static struct point *due(int role, int call)
{
    uint32_t n = atomic_fetch_add(&wire->counts[role][call], 1) + 1;

    for (uint32_t i = 0; i < wire->n && i < POINTS_MAX; i++) {
        struct point *p = &wire->points[i];
        uint32_t one = 1;

        if (p->role == role && p->call == call && n == p->when && atomic_compare_exchange_strong(&p->armed, &one, 0))
            return p;
    }
    return NULL;
}

static int role_now(void)
{
    /* An agent goes on in a fork of itself, and so does each look-up. */
    if (getpid() == my_pid || my_role == ROLE_agent || my_role == ROLE_fetch)
        return my_role;
    return my_role == ROLE_courier ? ROLE_session : ROLE_child;
}

/* True: the call is to fail, and errno is set; to 0 for the end of what is read. */
static bool trip(int call, bool change, const void *caller)
{
    struct point *hit, *changed;
    int role, saved = errno;

    if (!wire)
        return false;
    role = role_now();
    hit = due(role, call);
    changed = change ? due(role, CALL_change) : NULL;
    errno = saved;
    if (changed)
        hit = changed;
    if (!hit)
        return false;
    say_where(hit->where, caller, call);
    if (hit->action == ACTION_KILL) {
        /* kill() is not among the calls that a mime worker may make; tgkill is. */
        syscall(SYS_tgkill, getpid(), syscall(SYS_gettid), SIGKILL);
        for (;;)
            ;
    }
    errno = hit->action == ACTION_EOF ? 0 : hit->action;
    return true;
}

/* A connection that is lost stays lost. Keeps errno. */
static void lose(int fd)
{
    int saved = errno, domain = 0;
    socklen_t size = sizeof domain;

    if ((!saved || saved == EPIPE || saved == ECONNRESET || saved == ETIMEDOUT) &&
        !getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) && domain == AF_INET)
        shutdown(fd, SHUT_RDWR);
    errno = saved;
}

#define CALLER     __builtin_return_address(0)
#define NEXT(name) ((__typeof__(&name))look_up(&next_##name, #name))

static void *look_up(void **slot, const char *name)
{
    if (!*slot)
        *slot = dlsym(RTLD_NEXT, name);
    return *slot;
}

#define HOOK(type, name, call, change, failed, parameters, arguments)                                                  \
    static void *next_##name;                                                                                          \
    type name parameters                                                                                               \
    {                                                                                                                  \
        if (trip(CALL_##call, change, CALLER))                                                                         \
            return failed;                                                                                             \
        return NEXT(name) arguments;                                                                                   \
    }
#define IO_HOOK(name, change, parameters, arguments)                                                                   \
    static void *next_##name;                                                                                          \
    ssize_t name parameters                                                                                            \
    {                                                                                                                  \
        if (trip(CALL_##name, change, CALLER)) {                                                                       \
            lose(fd);                                                                                                  \
            return errno ? -1 : 0;                                                                                     \
        }                                                                                                              \
        return NEXT(name) arguments;                                                                                   \
    }

HOOK(ssize_t, pwrite, pwrite, true, -1, (int fd, const void *b, size_t n, off_t at), (fd, b, n, at))
HOOK(ssize_t, pwrite64, pwrite, true, -1, (int fd, const void *b, size_t n, off64_t at), (fd, b, n, at))
HOOK(int, fsync, fsync, true, -1, (int fd), (fd))
HOOK(int, fdatasync, fsync, true, -1, (int fd), (fd))
HOOK(int, ftruncate, ftruncate, true, -1, (int fd, off_t n), (fd, n))
HOOK(int, ftruncate64, ftruncate, true, -1, (int fd, off64_t n), (fd, n))
HOOK(int, linkat, linkat, true, -1, (int a, const char *b, int c, const char *d, int e), (a, b, c, d, e))
HOOK(int, renameat, rename, true, -1, (int a, const char *b, int c, const char *d), (a, b, c, d))
HOOK(int, renameat2, rename, true, -1, (int a, const char *b, int c, const char *d, unsigned e), (a, b, c, d, e))
HOOK(int, rename, rename, true, -1, (const char *a, const char *b), (a, b))
HOOK(int, unlinkat, unlink, true, -1, (int fd, const char *name, int flags), (fd, name, flags))
HOOK(int, unlink, unlink, true, -1, (const char *name), (name))
HOOK(int, mkdirat, mkdir, true, -1, (int fd, const char *name, mode_t mode), (fd, name, mode))
HOOK(int, mkdir, mkdir, true, -1, (const char *name, mode_t mode), (name, mode))
HOOK(int, fchmod, fchmod, true, -1, (int fd, mode_t mode), (fd, mode))
HOOK(int, flock, flock, false, -1, (int fd, int how), (fd, how))
IO_HOOK(send, true, (int fd, const void *b, size_t n, int flags), (fd, b, n, flags))
IO_HOOK(recv, false, (int fd, void *b, size_t n, int flags), (fd, b, n, flags))
IO_HOOK(read, false, (int fd, void *b, size_t n), (fd, b, n))
HOOK(ssize_t, pread, pread, false, -1, (int fd, void *b, size_t n, off_t at), (fd, b, n, at))
HOOK(ssize_t, pread64, pread, false, -1, (int fd, void *b, size_t n, off64_t at), (fd, b, n, at))
HOOK(int, socket, socket, false, -1, (int a, int b, int c), (a, b, c))
HOOK(int, socketpair, socketpair, false, -1, (int a, int b, int c, int d[2]), (a, b, c, d))
HOOK(int, pipe, pipe, false, -1, (int fds[2]), (fds))
HOOK(int, pipe2, pipe, false, -1, (int fds[2], int flags), (fds, flags))
HOOK(pid_t, fork, fork, false, -1, (void), ())
HOOK(DIR *, fdopendir, opendir, false, NULL, (int fd), (fd))
HOOK(int, rmdir, unlink, true, -1, (const char *name), (name))
HOOK(int, chmod, fchmod, true, -1, (const char *name, mode_t mode), (name, mode))
HOOK(int, dup, openat, false, -1, (int fd), (fd))
HOOK(int, memfd_create, openat, false, -1, (const char *name, unsigned flags), (name, flags))
HOOK(int, signalfd, signalfd, false, -1, (int fd, const sigset_t *set, int flags), (fd, set, flags))
HOOK(int, inotify_init1, signalfd, false, -1, (int flags), (flags))
HOOK(int, timerfd_create, signalfd, false, -1, (clockid_t clock, int flags), (clock, flags))
HOOK(int, listen, bind, true, -1, (int fd, int n), (fd, n))
HOOK(DIR *, opendir, opendir, false, NULL, (const char *name), (name))
HOOK(int, poll, poll, false, -1, (struct pollfd * fds, nfds_t n, int ms), (fds, n, ms))

static void *next_accept4, *next_connect, *next_sendto, *next_write, *next_mmap, *next_mmap64, *next_posix_spawn,
    *next_posix_spawnp, *next_bind, *next_fopen;

int accept4(int fd, __SOCKADDR_ARG address, socklen_t *len, int flags)
{
    return trip(CALL_accept, false, CALLER) ? -1 : NEXT(accept4)(fd, address, len, flags);
}

int bind(int fd, __CONST_SOCKADDR_ARG address, socklen_t len)
{
    return trip(CALL_bind, true, CALLER) ? -1 : NEXT(bind)(fd, address, len);
}

int connect(int fd, __CONST_SOCKADDR_ARG address, socklen_t len)
{
    return trip(CALL_connect, false, CALLER) ? -1 : NEXT(connect)(fd, address, len);
}

ssize_t sendto(int fd, const void *bytes, size_t n, int flags, __CONST_SOCKADDR_ARG address, socklen_t len)
{
    return trip(CALL_send, true, CALLER) ? -1 : NEXT(sendto)(fd, bytes, n, flags, address, len);
}

/* The log goes to standard error. */
ssize_t write(int fd, const void *bytes, size_t len)
{
    if (fd == 2 || !trip(CALL_write, true, CALLER))
        return NEXT(write)(fd, bytes, len);
    lose(fd);
    return -1;
}

int posix_spawn(pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions,
                const posix_spawnattr_t *attributes, char *const argv[], char *const envp[])
{
    /* It hands its error back instead of setting errno. */
    return trip(CALL_spawn, false, CALLER) ? errno : NEXT(posix_spawn)(pid, path, actions, attributes, argv, envp);
}

int posix_spawnp(pid_t *pid, const char *file, const posix_spawn_file_actions_t *actions,
                 const posix_spawnattr_t *attributes, char *const argv[], char *const envp[])
{
    return trip(CALL_spawn, false, CALLER) ? errno : NEXT(posix_spawnp)(pid, file, actions, attributes, argv, envp);
}

FILE *fopen(const char *restrict name, const char *restrict mode)
{
    return trip(CALL_openat, *mode != 'r', CALLER) ? NULL : NEXT(fopen)(name, mode);
}

void *mmap(void *at, size_t len, int protection, int flags, int fd, off_t offset)
{
    return trip(CALL_mmap, false, CALLER) ? MAP_FAILED : NEXT(mmap)(at, len, protection, flags, fd, offset);
}

void *mmap64(void *at, size_t len, int protection, int flags, int fd, off64_t offset)
{
    return trip(CALL_mmap, false, CALLER) ? MAP_FAILED : NEXT(mmap64)(at, len, protection, flags, fd, offset);
}

/* ---- time ---- */

static void *next_clock_gettime, *next_gettimeofday, *next_time;

static time_t later_s(void)
{
    return wire ? (time_t)atomic_load(&wire->later_s) : 0;
}

int clock_gettime(clockid_t id, struct timespec *out)
{
    int result = NEXT(clock_gettime)(id, out);

    if (!result && id != CLOCK_PROCESS_CPUTIME_ID && id != CLOCK_THREAD_CPUTIME_ID)
        out->tv_sec += later_s();
    return result;
}

int gettimeofday(struct timeval *restrict out, void *restrict zone)
{
    int result = NEXT(gettimeofday)(out, zone);

    if (!result)
        out->tv_sec += later_s();
    return result;
}

time_t time(time_t *out)
{
    time_t now = NEXT(time)(NULL) + later_s();

    if (out)
        *out = now;
    return now;
}

/* ---- files ---- */

#define OPEN_HOOK(name, before, arguments)                                                                             \
    static void *next_##name;                                                                                          \
    int name before                                                                                                    \
    {                                                                                                                  \
        mode_t mode = 0;                                                                                               \
        va_list rest;                                                                                                  \
                                                                                                                       \
        if (flags & (O_CREAT | O_TMPFILE)) {                                                                           \
            va_start(rest, flags);                                                                                     \
            mode = va_arg(rest, mode_t);                                                                               \
            va_end(rest);                                                                                              \
        }                                                                                                              \
        if (trip(CALL_openat, (flags & (O_CREAT | O_TRUNC)) != 0, CALLER))                                             \
            return -1;                                                                                                 \
        return NEXT(name) arguments;                                                                                   \
    }
OPEN_HOOK(open, (const char *path, int flags, ...), (path, flags, mode))
OPEN_HOOK(open64, (const char *path, int flags, ...), (path, flags, mode))
OPEN_HOOK(openat, (int at, const char *path, int flags, ...), (at, path, flags, mode))
OPEN_HOOK(openat64, (int at, const char *path, int flags, ...), (at, path, flags, mode))

#ifndef TRIP_NO_MALLOC
extern void *__libc_malloc(size_t n);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *p, size_t n);

void *malloc(size_t n)
{
    return trip(CALL_malloc, false, CALLER) ? NULL : __libc_malloc(n);
}

void *calloc(size_t n, size_t size)
{
    return trip(CALL_malloc, false, CALLER) ? NULL : __libc_calloc(n, size);
}

void *realloc(void *p, size_t n)
{
    return trip(CALL_malloc, false, CALLER) ? NULL : __libc_realloc(p, n);
}
#endif
#endif

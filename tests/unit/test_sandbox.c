#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/sandbox.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

/* What a process gives up, it gives up for good: each check runs in a child, which ends with the line that failed. */
#define CHECK(condition)                                                                                               \
    do {                                                                                                               \
        if (!(condition))                                                                                              \
            return __LINE__ % 250 + 1;                                                                                 \
    } while (0)

static void in_child(int (*what)(void))
{
    pid_t pid = fork();
    int status;

    if (pid == 0)
        _exit(what());
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static int common(void)
{
    struct rlimit core;
    struct diag why;

    CHECK(sandbox_common(&why) == ERR_OK);
    CHECK(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1);
    CHECK(prctl(PR_GET_DUMPABLE) == 0);
    CHECK(getrlimit(RLIMIT_CORE, &core) == 0 && core.rlim_cur == 0 && core.rlim_max == 0);
    CHECK(sandbox_common(&why) == ERR_OK);
    return 0;
}

static int worker(void)
{
    struct rlimit cpu;
    struct diag why;
    int signal = 0;

    CHECK(sandbox_worker(7, 0, &why) == ERR_OK);
    CHECK(getpgrp() == getpid());
    CHECK(prctl(PR_GET_PDEATHSIG, &signal) == 0 && signal == SIGKILL);
    CHECK(getrlimit(RLIMIT_CPU, &cpu) == 0 && cpu.rlim_cur == 7 && cpu.rlim_max == 7);
    CHECK(sandbox_worker(7, 0, &why) == ERR_OK);
    CHECK(sandbox_worker(8, 0, &why) == ERR_INTERNAL || geteuid() == 0); /* no way back up */
    return 0;
}

static int refused(int result)
{
    return result == -1 && (errno == EPERM || errno == EACCES);
}

static int compute_only(void)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX, .sun_path = "/nowhere"};
    char byte, *memory;
    struct diag why;
    int fds[2], sockets[2];

    CHECK(pipe2(fds, O_CLOEXEC) == 0);
    CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) == 0);
    CHECK(sandbox_common(&why) == ERR_OK);
    CHECK(sandbox_compute_only(&why) == ERR_OK);
    CHECK(write(fds[1], "x", 1) == 1 && read(fds[0], &byte, 1) == 1);
    CHECK(send(sockets[0], "x", 1, MSG_NOSIGNAL) == 1 && recv(sockets[1], &byte, 1, 0) == 1);
    memory = malloc((size_t)4 << 20);
    CHECK(memory);
    memset(memory, 1, (size_t)4 << 20);
    free(memory);
    CHECK(refused(open("/dev/null", O_RDONLY | O_CLOEXEC)));
    CHECK(refused(openat(AT_FDCWD, ".", O_RDONLY | O_CLOEXEC)));
    CHECK(refused(socket(AF_UNIX, SOCK_STREAM, 0)));
    CHECK(refused(socket(AF_INET, SOCK_STREAM, 0)));
    CHECK(refused(socketpair(AF_UNIX, SOCK_STREAM, 0, fds)));
    CHECK(refused(connect(sockets[0], (struct sockaddr *)&at, sizeof at)));
    CHECK(refused(unlink("/nowhere")));
    CHECK(refused(mkdir("/nowhere", 0700)));
    CHECK(refused(kill(getppid(), 0)));
    CHECK(refused((int)fork()));
    CHECK(refused(execl("/bin/true", "true", (char *)NULL)));
    CHECK(refused(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0)));
    return 0;
}

/* A family with bits above the 32 that the kernel looks at. */
static int socket_of_long(unsigned long family)
{
    return (int)syscall(SYS_socket, family | 1UL << 32, SOCK_DGRAM, 0);
}

static int no_network(void)
{
    int fds[2], fd;
    struct diag why;

    CHECK(sandbox_common(&why) == ERR_OK);
    CHECK(sandbox_deny(SANDBOX_NO_INTERNET, &why) == ERR_OK);
    CHECK(refused(socket(AF_INET, SOCK_STREAM, 0)));
    CHECK(refused(socket(AF_INET, SOCK_DGRAM, 0)));
    CHECK(refused(socket_of_long(AF_INET)));
    CHECK(refused(socket(AF_INET6, SOCK_STREAM, 0)));
    CHECK(refused(socket(AF_NETLINK, SOCK_RAW, 0)));
    CHECK(refused(socket(AF_PACKET, SOCK_RAW, 0)));
    CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0);
    fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    CHECK(fd >= 0);
    return 0;
}

static int no_programs(void)
{
    int fds[2];
    struct diag why;

    CHECK(sandbox_common(&why) == ERR_OK);
    CHECK(sandbox_deny(SANDBOX_NO_UNIX | SANDBOX_NO_EXEC | SANDBOX_NO_FORK, &why) == ERR_OK);
    CHECK(refused(socket(AF_UNIX, SOCK_STREAM, 0)));
    CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0);
    CHECK(refused((int)fork()));
    CHECK(refused(execl("/bin/true", "true", (char *)NULL)));
    CHECK(refused((int)ptrace(PTRACE_TRACEME, 0, NULL, NULL)));
    CHECK(refused(chroot("/")));
    return 0;
}

static int open_close(const char *path, int flags)
{
    int fd = open(path, flags | O_CLOEXEC, 0600);

    if (fd >= 0)
        close(fd);
    return fd < 0 ? -1 : 0;
}

static char folder[] = "/tmp/embargod-test-XXXXXX";

/* In folder: read/a, write/, other/b, list/c. */
static int paths(void)
{
    const struct sandbox_path allowed[] = {{"read", SANDBOX_READ},
                                           {"list", SANDBOX_LIST},
                                           {"write", SANDBOX_WRITE},
                                           {"missing", SANDBOX_WRITE},
                                           {NULL, SANDBOX_READ}};
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(9), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct diag why;
    int fd;

    CHECK(chdir(folder) == 0);
    CHECK(sandbox_common(&why) == ERR_OK);
    CHECK(sandbox_paths(allowed, 5, false, &why) == ERR_OK);
    CHECK(open_close("read/a", O_RDONLY) == 0);
    CHECK(refused(open_close("read/a", O_WRONLY)));
    CHECK(refused(open_close("read/new", O_WRONLY | O_CREAT)));
    CHECK(open_close("write/new", O_WRONLY | O_CREAT) == 0);
    CHECK(rename("write/new", "write/newer") == 0 && unlink("write/newer") == 0);
    CHECK(mkdir("write/sub", 0700) == 0 && rmdir("write/sub") == 0);
    CHECK(refused(open_close("other/b", O_RDONLY)));
    CHECK(refused(open_close("write/../other/b", O_RDONLY)));
    CHECK(refused(unlink("other/b")));
    CHECK(open_close("list", O_RDONLY | O_DIRECTORY) == 0);
    CHECK(refused(open_close("list/c", O_RDONLY)));
    CHECK(refused(open_close("/etc/passwd", O_RDONLY)));
    CHECK(refused(execl("/bin/true", "true", (char *)NULL)));
    fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (sandbox_landlock_abi() >= 4)
        CHECK(refused(connect(fd, (struct sockaddr *)&at, sizeof at)));
    return 0;
}

/* The address space is bounded: what the limit does not hold, malloc refuses. */
static int bounded(void)
{
#ifdef __SANITIZE_ADDRESS__
    return 0; /* its shadow memory alone is beyond any limit */
#else
    struct diag why;
    void *memory;

    CHECK(sandbox_worker(60, (size_t)256 << 20, &why) == ERR_OK);
    memory = malloc((size_t)1 << 30);
    CHECK(!memory);
    return 0;
#endif
}

static void test_common(void **state)
{
    (void)state;
    in_child(common);
}

static void test_worker(void **state)
{
    (void)state;
    in_child(worker);
    in_child(bounded);
}

static void test_compute_only(void **state)
{
    (void)state;
    in_child(compute_only);
}

static void test_no_network(void **state)
{
    (void)state;
    in_child(no_network);
    in_child(no_programs);
}

static void make_file(const char *name)
{
    int fd = open(name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

    assert_true(fd >= 0);
    close(fd);
}

/* Without a descriptor it cannot be done now; that the kernel has none is another thing. */
static int paths_without_descriptors(void)
{
    const struct sandbox_path items[] = {{"/usr", SANDBOX_READ}};
    struct rlimit files, none;
    struct diag why;

    CHECK(sandbox_common(&why) == ERR_OK);
    CHECK(getrlimit(RLIMIT_NOFILE, &files) == 0);
    for (rlim_t n = 3; n < 5; n++) { /* the ruleset's, and the first folder's */
        none = (struct rlimit){n, files.rlim_max};
        CHECK(setrlimit(RLIMIT_NOFILE, &none) == 0);
        CHECK(sandbox_paths(items, 1, false, &why) == ERR_AGAIN);
    }
    CHECK(setrlimit(RLIMIT_NOFILE, &files) == 0);
    CHECK(sandbox_paths(items, 1, false, &why) == ERR_OK);
    return 0;
}

static void test_paths(void **state)
{
    static const char *const files[] = {"read/a", "other/b", "list/c"}, *const folders[] = {"read", "write", "other",
                                                                                            "list"};

    (void)state;
    if (!sandbox_landlock_abi())
        return; /* the kernel has none: what then happens */
    in_child(paths_without_descriptors);
    assert_non_null(mkdtemp(folder));
    assert_int_equal(chdir(folder), 0);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(mkdir(folders[i], 0700), 0);
    for (size_t i = 0; i < 3; i++)
        make_file(files[i]);
    in_child(paths);
    for (size_t i = 0; i < 3; i++)
        unlink(files[i]);
    for (size_t i = 0; i < 4; i++)
        rmdir(folders[i]);
    assert_int_equal(chdir("/"), 0);
    rmdir(folder);
}

#if defined(__SANITIZE_ADDRESS__)
#define OWN_MALLOC 0
#elif defined(__has_feature)
#define OWN_MALLOC !__has_feature(address_sanitizer)
#else
#define OWN_MALLOC 1
#endif

#if OWN_MALLOC && defined(__GLIBC__)
/* All allocations, a library's too: the one with this number, from 1, finds no memory. 0: each does. */
static int malloc_fails, malloc_n;

extern void *__libc_malloc(size_t n);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *p, size_t n);

static bool no_memory(void)
{
    return malloc_fails && ++malloc_n == malloc_fails;
}

void *malloc(size_t n)
{
    return no_memory() ? NULL : __libc_malloc(n);
}

void *calloc(size_t n, size_t size)
{
    return no_memory() ? NULL : __libc_calloc(n, size);
}

void *realloc(void *p, size_t n)
{
    return no_memory() ? NULL : __libc_realloc(p, n);
}

static bool tight(bool compute)
{
    static const int families[] = {AF_INET, AF_INET6, AF_PACKET, AF_NETLINK, AF_UNIX};
    static const long calls[] = {SYS_ptrace, SYS_bpf, SYS_keyctl, SYS_chroot, SYS_execve, SYS_unshare, SYS_umount2};

    for (size_t i = 0; i < sizeof families / sizeof families[0]; i++)
        if (!refused(socket(families[i], SOCK_DGRAM, 0)))
            return false;
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++)
        if (!refused((int)syscall(calls[i], -1L, 0L, 0L, 0L, 0L)))
            return false;
    return !compute || refused(open("/dev/null", O_RDONLY | O_CLOEXEC));
}

enum { TIGHT, NOT_TIGHT, REFUSED, NOT_REACHED };

/* What comes of a filter when the nth allocation finds no memory. */
static int without_memory(bool compute, int nth)
{
    pid_t pid = fork();
    int status;

    if (pid == 0) {
        struct diag why;
        enum err err;

        signal(SIGSEGV, SIG_DFL); /* cmocka's would go on with the next test */
        signal(SIGABRT, SIG_DFL);
        alarm(10);
        malloc_n = 0;
        malloc_fails = nth;
        err = compute ? sandbox_compute_only(&why)
                      : sandbox_deny(SANDBOX_NO_INTERNET | SANDBOX_NO_UNIX | SANDBOX_NO_EXEC | SANDBOX_NO_FORK, &why);
        malloc_fails = 0;
        if (malloc_n < nth)
            _exit(NOT_REACHED);
        _exit(err ? REFUSED : tight(compute) ? TIGHT : NOT_TIGHT);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : REFUSED;
}

static void test_without_memory(void **state)
{
    (void)state;
    for (int compute = 0; compute < 2; compute++) {
        int n[NOT_REACHED + 1] = {0};

        for (int nth = 1; !n[NOT_REACHED]; nth++)
            n[without_memory(compute, nth)]++;
        assert_int_equal(n[NOT_TIGHT], 0);
    }
}
#else
static void test_without_memory(void **state)
{
    (void)state;
    skip(); /* the sanitizer's malloc is not to be replaced */
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_common),     cmocka_unit_test(test_worker), cmocka_unit_test(test_compute_only),
        cmocka_unit_test(test_no_network), cmocka_unit_test(test_paths),  cmocka_unit_test(test_without_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The machine: user, disk, swap, clock, gpg, kernel. */
#include "main/ctl_check.h"

#include "base/sandbox.h"
#include "flow/clock_guard.h"
#include "proc/users.h"

#include "base/fsx.h"
#include "base/mem.h"

#include <dirent.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timex.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static void check_user(struct check *k)
{
    const struct settings *s = k->settings;
    bool named = s && (s->user_core || s->user_intake || s->user_courier);

    struct diag why;

    if (geteuid() == 0 && !named)
        check_add(k, CHECK_WARN, "users",
                  "name core, intake and courier in `users`, or start embargod as a user of its own",
                  "you are root: every role of a daemon that root starts runs as root");
    else if (geteuid() == 0 && users_check(s, &why))
        check_add(k, CHECK_FAIL, "users", "make the users, or take `users` out of embargod.conf", "%s", why.text);
    else if (named && geteuid() != 0)
        check_add(k, CHECK_WARN, "users", "start embargod as root, or take `users` out of embargod.conf",
                  "only root can give the roles their own users: all run as the user who starts embargod");
}

/* The device of a swap line: zram is memory; a dm- device may be dm-crypt, which its uuid says. */
static bool swap_is_safe(const char *device)
{
    const char *base = strrchr(device, '/');
    char *real = realpath(device, NULL), *path;
    struct buf uuid = {.max = 4096};
    bool safe = false;

    if (real && strrchr(real, '/'))
        base = strrchr(real, '/');
    base = base ? base + 1 : device;
    if (strncmp(base, "zram", 4) == 0) {
        safe = true;
    } else if (strncmp(base, "dm-", 3) == 0) {
        path = mem_printf("/sys/block/%s/dm/uuid", base);
        safe = !fsx_read_path(path, uuid.max, &uuid, NULL) && strncmp(buf_text(&uuid), "CRYPT-", 6) == 0;
        free(path);
    }
    free(real);
    buf_free(&uuid);
    return safe;
}

static void check_swap(struct check *k)
{
    FILE *f = fopen("/proc/swaps", "re");
    char line[512], device[256];
    size_t n = 0, unsafe = 0;

    while (f && fgets(line, sizeof line, f))
        if (line[0] == '/' && sscanf(line, "%255s", device) == 1) {
            n++;
            unsafe += !swap_is_safe(device);
        }
    if (!f)
        check_add(k, CHECK_WARN, "swap", "", "/proc/swaps cannot be read");
    else if (unsafe)
        check_add(k, CHECK_WARN, "swap", "encrypt it, or turn it off: memory holds keys and reports",
                  "%zu of %zu swap areas are not encrypted", unsafe, n);
    else
        check_add(k, CHECK_OK, "swap", "", "%s", n ? "encrypted, or in memory" : "none");
    if (f)
        fclose(f);
}

static void check_clock(struct check *k)
{
    struct timex t = {0};
    int state = adjtimex(&t);
    bool needed = k->settings && k->settings->limits.require_synchronised_clock;

    if (state < 0 || state == TIME_ERROR || (t.status & STA_UNSYNC))
        check_add(k, needed ? CHECK_WARN : CHECK_OK, "clock",
                  needed ? "run a time daemon: embargoes end by this clock" : "",
                  "the kernel's clock is not synchronised");
    else
        check_add(k, CHECK_OK, "clock", "", "synchronised");
}

/* By what a daemon has kept of the time that it believed; a rehearsal, or one that never ran, has kept nothing. */
static void check_clock_jump(struct check *k)
{
    struct clock_facts now;
    struct clock_guard g;
    char words[320];

    if (!k->db || !k->settings->limits.require_synchronised_clock)
        return;
    clock_facts_read(&now);
    clock_guard_open(&g, k->db, true);
    if (clock_guard_judge(&g, &now) != CLOCK_JUMPED)
        return;
    clock_guard_words(&g, words, sizeof words);
    check_add(k, CHECK_FAIL, "clock", "set it by a time daemon; or, if it is right now, embargoctl publish confirm ID",
              "%s", words);
}

/* The first line of `gpg --version`; false where it does not run. */
static bool gpg_version(char *out, size_t size)
{
    static const char *const argv[] = {"gpg", "--version", NULL};
    posix_spawn_file_actions_t actions;
    int ends[2], status = -1;
    ssize_t n = 0;
    pid_t pid;
    bool ok;

    if (pipe2(ends, O_CLOEXEC))
        return false;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    ok = posix_spawnp(&pid, argv[0], &actions, NULL, (char *const *)argv, environ) == 0;
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    if (ok) {
        n = read(ends[0], out, size - 1);
        /* The rest is let go by, so that gpg does not end by SIGPIPE. */
        for (char rest[4096]; read(ends[0], rest, sizeof rest) > 0;)
            ;
        waitpid(pid, &status, 0);
    }
    close(ends[0]);
    out[n > 0 ? n : 0] = 0;
    out[strcspn(out, "\n")] = 0;
    return ok && n > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static void check_gpg(struct check *k)
{
    char version[256];
    const char *number;
    int major = 0, minor = 0;

    if (!gpg_version(version, sizeof version)) {
        check_add(k, CHECK_FAIL, "gpg", "install GnuPG (Debian: gnupg)", "gpg cannot be run");
        return;
    }
    number = strrchr(version, ' ');
    if (!number || sscanf(number, " %d.%d", &major, &minor) != 2 || major < 2 || (major == 2 && minor < 2))
        check_add(k, CHECK_FAIL, "gpg", "install GnuPG 2.2.40 or later", "%s", version);
    else
        check_add(k, CHECK_OK, "gpg", "", "%s", version);
}

static void check_kernel(struct check *k)
{
    bool seccomp = access("/proc/sys/kernel/seccomp/actions_avail", R_OK) == 0;

    if (seccomp)
        check_add(k, CHECK_OK, "seccomp", "", "there");
    else
        check_add(k, CHECK_FAIL, "seccomp", "use a kernel with CONFIG_SECCOMP_FILTER",
                  "the kernel filters no system calls: the workers that read mail do not start without");
}

/* Versions of Landlock below 4 know files, and no network. */
static void check_sandbox(struct check *k)
{
    enum settings_sandbox how = k->settings->sandbox;
    int abi = sandbox_landlock_abi();

    if (how == SANDBOX_OFF)
        check_add(k, CHECK_WARN, "sandbox", "set sandbox = \"best-effort\" or \"required\"",
                  "it is off: only the workers that read mail are confined");
    else if (abi)
        check_add(k, CHECK_OK, "sandbox", "", "Landlock of version %d%s", abi,
                  abi < 4 ? ": files, and no network; for that a filter of system calls" : "");
    else
        check_add(k, how == SANDBOX_REQUIRED ? CHECK_FAIL : CHECK_WARN, "sandbox",
                  "use a kernel with CONFIG_SECURITY_LANDLOCK, started with landlock among its lsm=",
                  "the kernel has no Landlock: roles are confined by a filter of system calls alone");
}

void check_system(struct check *k)
{
    check_user(k);
    if (k->settings)
        check_sandbox(k);
    check_swap(k);
    check_clock(k);
    check_clock_jump(k);
    check_kernel(k);
}

void check_gpg_runs(struct check *k)
{
    size_t failed = k->n_failed;

    check_watched(k, "gpg", REMEDY_GPG, check_gpg);
    k->gpg_runs = k->n_failed == failed;
}

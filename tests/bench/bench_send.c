/*
 * Runs a command (embargoctl advisory send …) and waits until every copy is sealed, that is until no copy is in state
 * `sealing`; prints, separated by tabs:
 *
 *   seconds    from the start of the command to the last copy's commit (looked at every 2 ms)
 *   core_kib   peak of core (VmHWM of the kernel)
 *   work_kib   highest resident memory of all workers and their gpg together (looked at every 10 ms)
 *   peak_kib   highest growth of the state folder on the way, files alone (looked at every 10 ms)
 *
 *   bench-send STATE_DIR CORE_PID COPIES COMMAND...    COPIES: how many there will be in all
 */
#include "base/clock.h"
#include "base/mem.h"
#include "store/db.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

#define LOOK_NS     2000000
#define LOOKS       5 /* memory and files: every 5th look */
#define GIVE_UP_MS  900000
#define PROCESS_MAX 256

/* A value in KiB of /proc/PID/status, 0 where there is none. */
static long status_kib(long pid, const char *name)
{
    char *path = mem_printf("/proc/%ld/status", pid), line[256];
    FILE *f = fopen(path, "r");
    size_t len = strlen(name);
    long value = 0;

    while (f && !value && fgets(line, sizeof line, f))
        if (strncmp(line, name, len) == 0)
            value = strtol(line + len, NULL, 10);
    if (f)
        fclose(f);
    free(path);
    return value;
}

/* Resident memory of all that descends from pid, without itself. */
static long descendants_kib(long pid)
{
    long queue[PROCESS_MAX] = {pid}, sum = 0, child;
    size_t n = 1;

    for (size_t i = 0; i < n; i++) {
        char *path = mem_printf("/proc/%ld/task/%ld/children", queue[i], queue[i]);
        FILE *f = fopen(path, "r");

        while (f && n < PROCESS_MAX && fscanf(f, "%ld", &child) == 1)
            queue[n++] = child;
        if (f)
            fclose(f);
        free(path);
        if (i)
            sum += status_kib(queue[i], "VmRSS:");
    }
    return sum;
}

static long long folder_bytes(const char *path)
{
    DIR *dir = opendir(path);
    struct dirent *e;
    struct stat st;
    long long sum = 0;

    while (dir && (e = readdir(dir)))
        if (fstatat(dirfd(dir), e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode))
            sum += st.st_size;
    if (dir)
        closedir(dir);
    return sum;
}

static long long state_bytes(const char *state_dir)
{
    char *bodies = mem_printf("%s/bodies", state_dir);
    long long sum = folder_bytes(state_dir) + folder_bytes(bodies);

    free(bodies);
    return sum;
}

struct peaks {
    long workers_kib;
    long long bytes;
};

static void look(const char *state_dir, long core, struct peaks *p)
{
    long kib = descendants_kib(core);
    long long bytes = state_bytes(state_dir);

    p->workers_kib = kib > p->workers_kib ? kib : p->workers_kib;
    p->bytes = bytes > p->bytes ? bytes : p->bytes;
}

static bool is_sealed(struct db *db, int64_t copies)
{
    return !db_value(db, 1, "SELECT EXISTS(SELECT 1 FROM copy WHERE state = 'sealing')", "") &&
           db_value(db, 0, "SELECT COUNT(*) FROM copy", "") >= copies;
}

/* False where the command fails, or time is up. */
static bool wait_sealed(struct db *db, const char *state_dir, long core, int64_t copies, pid_t pid, struct peaks *p)
{
    int64_t give_up = clock_monotonic_ms() + GIVE_UP_MS;
    bool ended = false;
    int status;

    for (unsigned i = 0; clock_monotonic_ms() < give_up; i++) {
        if (!ended && waitpid(pid, &status, WNOHANG) == pid) {
            ended = true;
            if (!WIFEXITED(status) || WEXITSTATUS(status))
                return false;
        }
        if (ended && is_sealed(db, copies))
            return true;
        if (i % LOOKS == 0)
            look(state_dir, core, p);
        nanosleep(&(struct timespec){.tv_nsec = LOOK_NS}, NULL);
    }
    return false;
}

int main(int argc, char **argv)
{
    struct diag why = {0};
    struct db *db = NULL;
    struct peaks peaks = {0};
    long long before;
    int64_t start;
    long core;
    pid_t pid;

    if (argc < 5) {
        fputs("usage: bench-send STATE_DIR CORE_PID COPIES COMMAND...\n", stderr);
        return 2;
    }
    core = strtol(argv[2], NULL, 10);
    if (db_open(argv[1], DB_READ_ONLY, &db, &why)) {
        fprintf(stderr, "bench-send: %s\n", why.text);
        return 1;
    }
    before = state_bytes(argv[1]);
    start = clock_monotonic_ms();
    if (posix_spawnp(&pid, argv[4], NULL, NULL, argv + 4, environ) ||
        !wait_sealed(db, argv[1], core, strtoll(argv[3], NULL, 10), pid, &peaks)) {
        fputs("bench-send: the command failed, or its copies were not sealed\n", stderr);
        return 1;
    }
    printf("%.3f\t%ld\t%ld\t%lld\n", (double)(clock_monotonic_ms() - start) / 1000, status_kib(core, "VmHWM:"),
           peaks.workers_kib, peaks.bytes > before ? (peaks.bytes - before) / 1024 : 0);
    db_close(&db);
    return 0;
}

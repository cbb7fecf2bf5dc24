/*
 * contain COMMAND WORD...: runs a test, and answers for all that it starts, whoever adopts it (PR_SET_CHILD_SUBREAPER).
 *
 * What lives five seconds after the test has ended is named, killed, and a failure (1), however the test ended. A test
 * that runs longer than $TEST_SECONDS (1800) is asked to end, and is a failure. SIGTERM, SIGINT and SIGHUP, and the end
 * of who started this, are passed on to the test as SIGTERM, so that it tidies up. Otherwise the test's exit code.
 */
#include <dirent.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PATIENCE_S 5  /* for what ends by itself, such as an agent that was told to */
#define TIDYING_S  30 /* for a test that was told to end */
#define TEST_S     1800
#define SHOWN_MAX  300

static time_t now_s(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec;
}

/* Collects what has ended; the test's own status goes to *status. True while there are children. */
static bool reap(pid_t test, int *status)
{
    int code;
    pid_t pid;

    while ((pid = waitpid(-1, &code, WNOHANG)) > 0)
        if (pid == test)
            *status = code;
    return pid == 0;
}

static pid_t parent_of(pid_t pid)
{
    char path[64], line[512];
    const char *end;
    FILE *f;
    int parent = 0;

    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    f = fopen(path, "r");
    if (!f)
        return 0;
    /* The name in brackets may hold anything. */
    end = fgets(line, sizeof line, f) ? strrchr(line, ')') : NULL;
    fclose(f);
    return end && sscanf(end, ") %*c %d", &parent) == 1 ? parent : 0;
}

static void show(pid_t pid)
{
    char path[64], words[SHOWN_MAX + 1];
    size_t n = 0;
    FILE *f;

    snprintf(path, sizeof path, "/proc/%d/cmdline", (int)pid);
    f = fopen(path, "r");
    if (f) {
        n = fread(words, 1, SHOWN_MAX, f);
        fclose(f);
    }
    for (size_t i = 0; i < n; i++)
        if (!words[i])
            words[i] = ' ';
    words[n] = 0;
    printf("not ok - a process outlives its test: %d %s\n", (int)pid, words);
}

/* Each child; those of the killed are children then. */
static void kill_children(void)
{
    DIR *dir = opendir("/proc");
    struct dirent *e;

    while (dir && (e = readdir(dir))) {
        pid_t pid = (pid_t)strtol(e->d_name, NULL, 10);

        if (pid <= 0 || parent_of(pid) != getpid())
            continue;
        show(pid);
        kill(pid, SIGKILL);
    }
    if (dir)
        closedir(dir);
}

static pid_t begin(char **argv, const sigset_t *before)
{
    pid_t pid = fork();

    if (pid)
        return pid;
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    sigprocmask(SIG_SETMASK, before, NULL);
    execvp(argv[0], argv);
    perror(argv[0]);
    _exit(99);
}

/* Until the test has ended, or was killed for not ending. */
static int await(pid_t test, const sigset_t *watched, bool *late)
{
    const char *given = getenv("TEST_SECONDS");
    time_t limit = now_s() + (given ? strtol(given, NULL, 10) : TEST_S);
    int status = -1;
    bool told = false;

    while (reap(test, &status), status == -1) {
        const struct timespec second = {.tv_sec = 1};
        int sig = sigtimedwait(watched, NULL, &second);
        bool over = now_s() >= limit;

        if (over && told)
            kill(test, SIGKILL);
        else if (over || sig == SIGTERM || sig == SIGINT || sig == SIGHUP) {
            if (over)
                printf("not ok - the test has not ended in its time\n");
            *late = *late || over;
            told = true;
            limit = now_s() + TIDYING_S;
            kill(test, SIGTERM);
        }
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int main(int argc, char **argv)
{
    const struct timespec pause = {.tv_nsec = 50000000};
    bool failed = false;
    sigset_t watched, before;
    time_t until;
    pid_t test;
    int code, status;

    if (argc < 2)
        return 2;
    setvbuf(stdout, NULL, _IOLBF, 0);
    sigemptyset(&watched);
    sigaddset(&watched, SIGTERM);
    sigaddset(&watched, SIGINT);
    sigaddset(&watched, SIGHUP);
    sigaddset(&watched, SIGCHLD);
    sigprocmask(SIG_BLOCK, &watched, &before);
    if (prctl(PR_SET_CHILD_SUBREAPER, 1) || prctl(PR_SET_PDEATHSIG, SIGTERM)) {
        perror("prctl");
        return 99;
    }
    test = begin(argv + 1, &before);
    if (test < 0) {
        perror("fork");
        return 99;
    }
    code = await(test, &watched, &failed);
    for (until = now_s() + PATIENCE_S; reap(0, &status) && now_s() < until;)
        nanosleep(&pause, NULL);
    while (reap(0, &status)) {
        failed = true;
        kill_children();
        nanosleep(&pause, NULL);
    }
    return failed && code != 99 ? 1 : code;
}

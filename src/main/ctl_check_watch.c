/* Checks that run gpg, which may never answer: in a process of their own, that is ended at its time. */
#include "main/ctl_check.h"

#include "base/clock.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define WATCH_MS  10000
#define ROWS_MOST ((size_t)4 << 20) /* bytes */

/* The rows of the child, as JSON. Its database is its own: SQLite's connections do not survive a fork. */
static _Noreturn void child(const struct check *k, void (*run)(struct check *), int out)
{
    struct check mine = {.rows = json_array(), .settings = k->settings, .daemon_running = k->daemon_running};
    char *state = k->settings ? settings_path(k->settings, "state") : NULL;
    struct diag why;

    /* gpg, which it starts, ends with it; an agent has a group of its own. */
    setpgid(0, 0);
    if (k->db && db_open(state, DB_READ_ONLY, &mine.db, &why))
        mine.db = NULL;
    run(&mine);
    _exit(json_dumpfd(mine.rows, out, JSON_COMPACT) ? 1 : 0);
}

/* False where the time was over first. */
static bool read_all(int fd, struct buf *rows)
{
    int64_t until = clock_monotonic_ms() + WATCH_MS;

    for (;;) {
        int64_t left = until - clock_monotonic_ms();
        struct pollfd wait = {.fd = fd, .events = POLLIN};
        uint8_t bytes[4096];
        ssize_t n;

        if (left <= 0)
            return false;
        if (poll(&wait, 1, (int)left) <= 0)
            continue;
        n = read(fd, bytes, sizeof bytes);
        if (n == 0 || (n < 0 && errno != EINTR))
            return n == 0;
        if (n > 0)
            buf_add(rows, bytes, (size_t)n);
    }
}

/* True: the rows are all there. */
static bool take_rows(struct check *k, const struct buf *bytes)
{
    json_t *rows = json_loadb(bytes->len ? (const char *)bytes->data : "", bytes->len, 0, NULL), *row;
    bool whole = json_is_array(rows);
    size_t i;

    json_array_foreach(rows, i, row)
    {
        const char *status = json_string_value(json_object_get(row, "status"));

        k->n_failed += status && strcmp(status, "fail") == 0;
        json_array_append(k->rows, row);
    }
    json_decref(rows);
    return whole;
}

void check_watched(struct check *k, const char *name, const char *remedy, void (*run)(struct check *))
{
    struct buf rows = {.max = ROWS_MOST};
    bool in_time = false, whole = false;
    int ends[2];
    pid_t pid;

    if (pipe2(ends, O_CLOEXEC)) {
        check_add(k, CHECK_FAIL, name, remedy, "cannot be tried: %s", strerror(errno));
        return;
    }
    pid = fork();
    if (pid == 0)
        child(k, run, ends[1]);
    close(ends[1]);
    if (pid > 0) {
        in_time = read_all(ends[0], &rows);
        whole = in_time && take_rows(k, &rows);
        if (!in_time && kill(-pid, SIGKILL))
            kill(pid, SIGKILL);
        while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
            ;
    }
    close(ends[0]);
    if (!whole)
        check_add(k, CHECK_FAIL, name, remedy, "%s",
                  in_time || pid < 0 ? "the check ended before it was done" : "gpg gives no answer");
    buf_free(&rows);
}

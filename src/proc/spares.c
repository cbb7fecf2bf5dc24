#include "proc/spares.h"

#include "base/clock.h"
#include "base/frame.h"
#include "base/log.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

#define KINDS    2
#define EACH_MAX 8
#define ARGS_MAX (8 + 2 * WORKER_WARM_MAX)

struct spare {
    struct worker_process process;
    enum worker_kind kind;
    int64_t began_ms;
};

struct spares {
    struct loop *loop;
    char *program;
    const char *homes, *how; /* borrowed */
    char *warm[WORKER_WARM_MAX];
    size_t n_warm;
    int want[KINDS];
    int deadline_ms;
    struct spare items[KINDS * EACH_MAX];
    size_t n;
    struct pause {
        int64_t failed_ms, not_before_ms;
        int ms; /* 0: nothing is wrong */
    } pauses[KINDS];
};

struct spares *spares_new(struct loop *loop, const char *program, int workers, int deadline_s)
{
    struct spares *s = mem_zero(1, sizeof *s);

    s->loop = loop;
    s->program = mem_strdup(program);
    /* A mail is read twice, and goes to a key once or twice. */
    s->want[WORKER_MIME] = workers + 2 < EACH_MAX ? workers + 2 : EACH_MAX;
    s->want[WORKER_CRYPTO] = workers + 1 < EACH_MAX ? workers + 1 : EACH_MAX;
    s->deadline_ms = deadline_s * 1000;
    return s;
}

void spares_confine(struct spares *s, const char *homes, const char *how)
{
    s->homes = homes;
    s->how = how;
}

void spares_warm(struct spares *s, const char *home)
{
    if (s->n_warm < WORKER_WARM_MAX)
        s->warm[s->n_warm++] = mem_strdup(home);
}

void worker_kill(pid_t pid)
{
    kill(-pid, SIGKILL);
    kill(pid, SIGKILL);
}

/* Takes it out: whatever becomes of it is the caller's. */
static struct worker_process take_out(struct spares *s, size_t i)
{
    struct worker_process process = s->items[i].process;

    loop_remove(s->loop, process.fd);
    s->n--;
    memmove(&s->items[i], &s->items[i + 1], (s->n - i) * sizeof *s->items);
    return process;
}

static void drop(struct spares *s, size_t i)
{
    struct worker_process process = take_out(s, i);
    int status;

    worker_kill(process.pid);
    close(process.fd);
    while (waitpid(process.pid, &status, 0) < 0 && errno == EINTR)
        ;
}

void spares_free(struct spares **spares)
{
    struct spares *s = *spares;

    if (!s)
        return;
    while (s->n)
        drop(s, s->n - 1);
    for (size_t i = 0; i < s->n_warm; i++)
        free(s->warm[i]);
    free(s->program);
    free(s);
    *spares = NULL;
}

/* ---- to start one ---- */

static void fill_args(const struct spares *s, enum worker_kind kind, bool warm, char **argv)
{
    size_t n = 0;

    argv[n++] = (char *)"embargod";
    argv[n++] = (char *)(kind == WORKER_MIME ? "--role=mime" : "--role=crypto");
    if (kind == WORKER_CRYPTO && s->homes) {
        argv[n++] = (char *)"--sandbox";
        argv[n++] = (char *)s->how;
        argv[n++] = (char *)"--homes";
        argv[n++] = (char *)s->homes;
    }
    for (size_t i = 0; kind == WORKER_CRYPTO && warm && i < s->n_warm; i++) {
        argv[n++] = (char *)"--warm";
        argv[n++] = s->warm[i];
    }
    argv[n] = NULL;
}

static bool spawn(const struct spares *s, char **argv, int theirs, pid_t *pid)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none;
    int rc;

    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, theirs, WORKER_FD);
    /* Core blocks signals that it reads from a descriptor; a worker shall have none blocked. */
    sigemptyset(&none);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
    rc = posix_spawn(pid, s->program, &actions, &attributes, argv, environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return rc == 0;
}

static bool start(const struct spares *s, enum worker_kind kind, bool warm, struct worker_process *out)
{
    int pair[2] = {-1, -1};
    bool ok = socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0;
    char *argv[ARGS_MAX];

    *out = (struct worker_process){.fd = -1};
    if (ok && pair[1] == WORKER_FD) {
        /* dup2 onto itself would leave close-on-exec set. */
        int other = fcntl(pair[1], F_DUPFD_CLOEXEC, WORKER_FD + 1);
        close(pair[1]);
        pair[1] = other;
    }
    fill_args(s, kind, warm, argv);
    ok = ok && pair[1] >= 0 && spawn(s, argv, pair[1], &out->pid);
    if (pair[1] >= 0)
        close(pair[1]);
    if (ok) {
        out->fd = pair[0];
        loop_prepare_fd(out->fd);
    } else if (pair[0] >= 0) {
        close(pair[0]);
    }
    return ok;
}

/* ---- those that wait ---- */

size_t spares_ready(const struct spares *s, enum worker_kind kind)
{
    size_t n = 0;

    for (size_t i = 0; i < s->n; i++)
        n += s->items[i].kind == kind && s->items[i].process.ready;
    return n;
}

bool spares_are_ready(const struct spares *s)
{
    bool all = true;

    for (int k = 0; k < KINDS; k++)
        all = all && spares_ready(s, (enum worker_kind)k) >= (size_t)s->want[k];
    return all;
}

static int count(const struct spares *s, enum worker_kind kind)
{
    int n = 0;

    for (size_t i = 0; i < s->n; i++)
        n += s->items[i].kind == kind;
    return n;
}

static const char *kind_name(enum worker_kind kind)
{
    return kind == WORKER_MIME ? "mime" : "crypto";
}

/* Something is wrong with the machine, or with us: not again at once, or it is all that the machine does. */
static void pause_after(struct spares *s, enum worker_kind kind, const char *what)
{
    struct pause *p = &s->pauses[kind];

    if (!p->ms)
        log_event(NULL, "spare-worker-failed", "worker.spare",
                  "role=%s %s; others are started after pauses, which grow up to %d s: what it said is above",
                  kind_name(kind), what, SPARES_PAUSE_MAX_MS / 1000);
    p->ms = p->ms ? p->ms * 2 : SPARES_PAUSE_MS;
    if (p->ms > SPARES_PAUSE_MAX_MS)
        p->ms = SPARES_PAUSE_MAX_MS;
    p->failed_ms = clock_monotonic_ms();
    p->not_before_ms = p->failed_ms + p->ms;
}

/* One does; where it began after the last that did not, its kind does. */
static void does_well(struct spares *s, const struct spare *one)
{
    struct pause *p = &s->pauses[one->kind];

    if (!p->ms || one->began_ms < p->failed_ms)
        return;
    log_event(NULL, "spare-workers-again", NULL, "role=%s", kind_name(one->kind));
    *p = (struct pause){0};
}

/* It says that it stands ready; whatever else it says or does before its request is the end of it. */
static void on_spare(void *ctx, int fd, short revents)
{
    struct spares *s = ctx;
    uint8_t said[WORKER_READY_BYTES + 1];
    enum worker_kind kind;
    size_t i = 0;
    ssize_t n;

    (void)revents;
    while (i < s->n && s->items[i].process.fd != fd)
        i++;
    if (i == s->n)
        return;
    n = read(fd, said, sizeof said);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (!s->items[i].process.ready && n > 0 && worker_said_ready((struct span){said, (size_t)n})) {
        s->items[i].process.ready = true;
        return;
    }
    kind = s->items[i].kind;
    drop(s, i);
    pause_after(s, kind, "a worker ended before its request");
}

/* One that is ready before one that is not yet; the oldest first. */
static bool best(const struct spares *s, enum worker_kind kind, size_t *at)
{
    bool found = false;

    for (size_t i = 0; i < s->n; i++)
        if (s->items[i].kind == kind && (!found || (s->items[i].process.ready && !s->items[*at].process.ready))) {
            *at = i;
            found = true;
        }
    return found;
}

bool spares_take(struct spares *s, enum worker_kind kind, struct worker_process *out)
{
    size_t i = 0;
    int status;

    while (best(s, kind, &i)) {
        struct spare one = s->items[i];

        *out = take_out(s, i);
        if (waitpid(out->pid, &status, WNOHANG) == 0) {
            if (out->ready)
                does_well(s, &one);
            return true;
        }
        close(out->fd);
    }
    return start(s, kind, false, out);
}

/* Ends what is too old, or does not come to the point of being ready; true where one is on its way. */
static bool look_over(struct spares *s, int64_t now)
{
    bool starting = false;

    for (size_t i = s->n; i-- > 0;) {
        const struct spare *one = &s->items[i];
        enum worker_kind kind = one->kind;
        int64_t age = now - one->began_ms;
        bool late = !one->process.ready && age > s->deadline_ms;

        starting = starting || (!one->process.ready && !late);
        if (one->process.ready && age > SPARES_STEADY_MS)
            does_well(s, one);
        if (late || age > SPARES_OLDEST_MS)
            drop(s, i);
        if (late)
            pause_after(s, kind, "a worker does not come to be ready");
    }
    return starting;
}

/* The kind of which most is missing, and that may be started. */
static bool missing(const struct spares *s, enum spares_need need, int64_t now, enum worker_kind *kind)
{
    int most = 0;

    for (int k = 0; k < KINDS; k++) {
        int left = (need == SPARES_ALL ? s->want[k] : 1) - count(s, (enum worker_kind)k);

        if (left > most && now >= s->pauses[k].not_before_ms) {
            most = left;
            *kind = (enum worker_kind)k;
        }
    }
    return most > 0;
}

void spares_tick(struct spares *s, enum spares_need need)
{
    int64_t now = clock_monotonic_ms();
    struct spare one = {.began_ms = now};

    if (need == SPARES_NONE || look_over(s, now) || !missing(s, need, now, &one.kind))
        return;
    if (!start(s, one.kind, true, &one.process)) {
        pause_after(s, one.kind, "a worker cannot be started");
        return;
    }
    s->items[s->n++] = one;
    loop_add(s->loop, one.process.fd, POLLIN, on_spare, s);
}

#include "proc/pool.h"

#include "base/clock.h"
#include "base/frame.h"
#include "base/log.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* A crypto worker that has started, found its gpg, and waits for its one request. */
struct spare {
    pid_t pid;
    int fd;
};

struct job {
    struct job *next;
    struct pool *pool;
    enum worker_kind kind;
    enum worker_op op;
    struct buf out; /* the request frame; what is left of it */
    size_t sent;
    struct buf in; /* the reply frame so far */
    pool_done *done;
    void *ctx;
    pid_t pid;
    int fd;
    int64_t deadline_ms;
};

struct pool {
    struct loop *loop;
    char *program;
    const char *homes, *how;
    int max;
    int deadline_s;
    struct job *waiting, **waiting_end;
    struct job *running;
    int n_running;
    size_t n_jobs;
    struct spare *spares;
    int n_spares;
};

struct pool *pool_new(struct loop *loop, const char *program, int workers, int deadline_s)
{
    struct pool *p = mem_zero(1, sizeof *p);

    p->loop = loop;
    p->program = mem_strdup(program);
    p->max = workers;
    p->deadline_s = deadline_s;
    p->waiting_end = &p->waiting;
    p->spares = mem_zero((size_t)workers + 1, sizeof *p->spares);
    return p;
}

void pool_confine(struct pool *p, const char *homes, const char *how)
{
    p->homes = homes;
    p->how = how;
}

static void job_free(struct job *j)
{
    buf_free(&j->out);
    buf_free(&j->in);
    free(j);
}

static void kill_worker(pid_t pid)
{
    int status;

    if (pid <= 0)
        return;
    kill(-pid, SIGKILL);
    kill(pid, SIGKILL);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
}

static void job_kill(struct job *j)
{
    kill_worker(j->pid);
    j->pid = 0;
}

static void job_close(struct job *j)
{
    if (j->fd >= 0) {
        loop_remove(j->pool->loop, j->fd);
        close(j->fd);
        j->fd = -1;
    }
}

void pool_free(struct pool **pool)
{
    struct pool *p = *pool;

    if (!p)
        return;
    for (struct job *j = p->running, *next; j; j = next) {
        next = j->next;
        job_close(j);
        job_kill(j);
        job_free(j);
    }
    for (struct job *j = p->waiting, *next; j; j = next) {
        next = j->next;
        job_free(j);
    }
    while (p->n_spares) {
        struct spare *s = &p->spares[--p->n_spares];

        kill_worker(s->pid);
        close(s->fd);
    }
    free(p->spares);
    free(p->program);
    free(p);
    *pool = NULL;
}

size_t pool_busy(const struct pool *pool)
{
    return pool->n_jobs;
}

/* Ends a job: takes it out, then calls back (which may submit again). */
static void finish(struct job *j, enum err err, struct span reply, const struct diag *why)
{
    struct pool *p = j->pool;
    struct job **at = &p->running;

    while (*at && *at != j)
        at = &(*at)->next;
    if (*at) {
        *at = j->next;
        p->n_running--;
    }
    job_close(j);
    job_kill(j);
    p->n_jobs--;
    j->done(j->ctx, err, reply, why);
    job_free(j);
}

static void fail(struct job *j, const char *rule, const char *words)
{
    struct diag why;

    diag_set(&why, ERR_AGAIN, rule, "%s", words);
    log_event(NULL, "worker-failed", rule, "op=%d %s", (int)j->op, words);
    finish(j, ERR_AGAIN, (struct span){NULL, 0}, &why);
}

/* The worker's own refusal: a frame of rule and text. */
static void finish_refused(struct job *j, uint32_t type, struct span payload)
{
    struct frame_reader r;
    struct diag why;
    char *rule, *text;

    frame_reader_init(&r, payload);
    rule = frame_get_str(&r);
    text = frame_get_str(&r);
    if (!frame_done(&r) || !rule || !text || type > ERR_INTERNAL) {
        fail(j, "worker.frame", "a worker answered with a damaged frame");
    } else {
        diag_set(&why, (enum err)type, rule, "%s", text);
        finish(j, (enum err)type, (struct span){NULL, 0}, &why);
    }
    free(rule);
    free(text);
}

/* True when the job has ended. */
static bool take_answer(struct job *j)
{
    struct span payload;
    uint32_t type;
    size_t used;
    enum err err = frame_next(buf_span(&j->in), FRAME_PAYLOAD_MAX, &type, &payload, &used);

    if (err == ERR_AGAIN)
        return false;
    if (err || used != j->in.len)
        fail(j, "worker.frame", "a worker answered with a damaged frame");
    else if (type == 0)
        finish(j, ERR_OK, payload, NULL);
    else
        finish_refused(j, type, payload);
    return true;
}

static void read_answer(struct job *j)
{
    for (;;) {
        uint8_t *room = buf_room(&j->in, 65536);
        ssize_t n;

        if (!room) {
            fail(j, "worker.frame", "a worker's answer is over the limit");
            return;
        }
        n = read(j->fd, room, 65536);
        if (n > 0) {
            buf_grown(&j->in, (size_t)n);
            if (take_answer(j))
                return;
            continue;
        }
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        fail(j, "worker.died", "a worker ended without an answer");
        return;
    }
}

/* False when the job has ended. */
static bool write_request(struct job *j)
{
    while (j->sent < j->out.len) {
        ssize_t n = send(j->fd, j->out.data + j->sent, j->out.len - j->sent, MSG_NOSIGNAL);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            return true;
        if (n < 0) {
            fail(j, "worker.died", "a worker ended before it had read its request");
            return false;
        }
        j->sent += (size_t)n;
    }
    buf_free(&j->out);
    j->sent = 0;
    loop_set_events(j->pool->loop, j->fd, POLLIN);
    return true;
}

static void on_ready(void *ctx, int fd, short revents)
{
    struct job *j = ctx;

    (void)fd;
    if ((revents & POLLOUT) && !write_request(j))
        return;
    if (revents & (POLLIN | POLLHUP | POLLERR))
        read_answer(j);
}

static bool spawn(const struct pool *p, enum worker_kind kind, int theirs, pid_t *pid)
{
    char *argv[] = {(char *)"embargod",
                    (char *)(kind == WORKER_MIME ? "--role=mime" : "--role=crypto"),
                    (char *)"--sandbox",
                    (char *)p->how,
                    (char *)"--homes",
                    (char *)p->homes,
                    NULL};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none;
    int rc;

    if (kind == WORKER_MIME || !p->homes)
        argv[2] = NULL;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, theirs, WORKER_FD);
    /* Core blocks signals that it reads from a descriptor; a worker shall have none blocked. */
    sigemptyset(&none);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
    rc = posix_spawn(pid, p->program, &actions, &attributes, argv, environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return rc == 0;
}

/* A worker that waits for its request; false where there can be none. */
static bool worker_new(const struct pool *p, enum worker_kind kind, struct spare *out)
{
    int pair[2] = {-1, -1};
    bool ok = socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0;

    *out = (struct spare){.fd = -1};
    if (ok && pair[1] == WORKER_FD) {
        /* dup2 onto itself would leave close-on-exec set. */
        int other = fcntl(pair[1], F_DUPFD_CLOEXEC, WORKER_FD + 1);
        close(pair[1]);
        pair[1] = other;
    }
    ok = ok && pair[1] >= 0 && spawn(p, kind, pair[1], &out->pid);
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

/* One that was started before and lives; a dead one is dropped. */
static bool take_spare(struct pool *p, struct spare *out)
{
    int status;

    while (p->n_spares) {
        *out = p->spares[--p->n_spares];
        if (waitpid(out->pid, &status, WNOHANG) == 0)
            return true;
        close(out->fd);
    }
    return false;
}

static void start(struct job *j)
{
    struct pool *p = j->pool;
    struct spare worker;
    bool ok = (j->kind == WORKER_CRYPTO && take_spare(p, &worker)) || worker_new(p, j->kind, &worker);

    j->next = p->running;
    p->running = j;
    p->n_running++;
    j->deadline_ms = clock_monotonic_ms() + (int64_t)p->deadline_s * 1000;
    if (!ok) {
        fail(j, "worker.start", "a worker could not be started");
        return;
    }
    j->pid = worker.pid;
    j->fd = worker.fd;
    loop_add(p->loop, j->fd, POLLIN | POLLOUT, on_ready, j);
}

/* While nothing else is to be done, one at a time: an operation then need not wait for its worker's start. */
static void add_spare(struct pool *p)
{
    struct spare one;

    if (!p->n_jobs && p->n_spares <= p->max && worker_new(p, WORKER_CRYPTO, &one))
        p->spares[p->n_spares++] = one;
}

void pool_submit(struct pool *p, enum worker_kind kind, enum worker_op op, struct buf *request, pool_done *done,
                 void *ctx)
{
    struct job *j = mem_zero(1, sizeof *j);

    j->pool = p;
    j->kind = kind;
    j->op = op;
    j->fd = -1;
    j->done = done;
    j->ctx = ctx;
    buf_init(&j->out, FRAME_PAYLOAD_MAX + FRAME_HEAD_BYTES);
    buf_init(&j->in, FRAME_PAYLOAD_MAX + 2 * 65536);
    frame_write(&j->out, op, buf_span(request));
    buf_free(request);
    *p->waiting_end = j;
    p->waiting_end = &j->next;
    p->n_jobs++;
}

void pool_tick(struct pool *p)
{
    int64_t now = clock_monotonic_ms();

    for (struct job *j = p->running, *next; j; j = next) {
        next = j->next;
        if (now >= j->deadline_ms) {
            fail(j, "worker.deadline", "a worker did not answer in time and was killed");
            next = p->running; /* the callback may have changed the list */
        }
    }
    while (p->waiting && p->n_running < p->max) {
        struct job *j = p->waiting;

        p->waiting = j->next;
        if (!p->waiting)
            p->waiting_end = &p->waiting;
        start(j);
    }
    add_spare(p);
}

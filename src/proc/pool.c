#include "proc/pool.h"

#include "base/clock.h"
#include "base/frame.h"
#include "base/log.h"
#include "base/mem.h"
#include "proc/spares.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define DYING_MAX 16

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
    struct worker_process worker;
    int64_t deadline_ms;
    struct diag *refusal; /* of the guard; NULL where it has none */
    enum err refused;
};

struct pool {
    struct loop *loop;
    int max;
    int deadline_s;
    struct job *waiting, **waiting_end;
    struct job *running;
    int n_running;
    size_t n_jobs;
    struct spares *spares;
    pool_may *may;
    void *may_ctx;
    pid_t dying[DYING_MAX]; /* killed, and not waited for yet: their end takes a while, and nobody needs to see it */
    size_t n_dying;
};

struct pool *pool_new(struct loop *loop, const char *program, int workers, int deadline_s)
{
    struct pool *p = mem_zero(1, sizeof *p);

    p->loop = loop;
    p->max = workers;
    p->deadline_s = deadline_s;
    p->waiting_end = &p->waiting;
    p->spares = spares_new(loop, program, workers, deadline_s);
    return p;
}

void pool_confine(struct pool *p, const char *homes, const char *how)
{
    spares_confine(p->spares, homes, how);
}

void pool_warm(struct pool *p, const char *home)
{
    spares_warm(p->spares, home);
}

void pool_guard(struct pool *p, pool_may *may, void *ctx)
{
    p->may = may;
    p->may_ctx = ctx;
}

static void job_free(struct job *j)
{
    free(j->refusal);
    buf_free(&j->out);
    buf_free(&j->in);
    free(j);
}

/* Takes those out that have ended; all: waits for them. */
static void reap(struct pool *p, bool all)
{
    size_t left = 0;
    int status;

    for (size_t i = 0; i < p->n_dying; i++)
        if (waitpid(p->dying[i], &status, all ? 0 : WNOHANG) == 0)
            p->dying[left++] = p->dying[i];
    p->n_dying = left;
}

static void let_die(struct pool *p, pid_t pid)
{
    if (pid <= 0)
        return;
    if (p->n_dying == DYING_MAX)
        reap(p, true);
    worker_kill(pid);
    p->dying[p->n_dying++] = pid;
}

static void job_close(struct job *j)
{
    if (j->worker.fd >= 0) {
        loop_remove(j->pool->loop, j->worker.fd);
        close(j->worker.fd);
        j->worker.fd = -1;
    }
    let_die(j->pool, j->worker.pid);
    j->worker.pid = 0;
}

void pool_free(struct pool **pool)
{
    struct pool *p = *pool;

    if (!p)
        return;
    for (struct job *j = p->running, *next; j; j = next) {
        next = j->next;
        job_close(j);
        job_free(j);
    }
    for (struct job *j = p->waiting, *next; j; j = next) {
        next = j->next;
        job_free(j);
    }
    reap(p, true);
    spares_free(&p->spares);
    free(p);
    *pool = NULL;
}

size_t pool_busy(const struct pool *pool)
{
    return pool->n_jobs;
}

bool pool_is_ready(const struct pool *pool)
{
    return !pool->n_jobs && spares_are_ready(pool->spares);
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
    enum err err = ERR_AGAIN;

    if (!j->worker.ready && j->in.len >= WORKER_READY_BYTES) {
        j->worker.ready = worker_said_ready((struct span){j->in.data, WORKER_READY_BYTES});
        if (j->worker.ready)
            buf_drop_front(&j->in, WORKER_READY_BYTES);
        else
            err = ERR_REJECT;
    }
    if (j->worker.ready)
        err = frame_next(buf_span(&j->in), FRAME_PAYLOAD_MAX, &type, &payload, &used);
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
        n = read(j->worker.fd, room, 65536);
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
        ssize_t n = send(j->worker.fd, j->out.data + j->sent, j->out.len - j->sent, MSG_NOSIGNAL);

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
    loop_set_events(j->pool->loop, j->worker.fd, POLLIN);
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

static void start(struct job *j)
{
    struct pool *p = j->pool;

    j->next = p->running;
    p->running = j;
    p->n_running++;
    if (j->refused) {
        finish(j, j->refused, (struct span){NULL, 0}, j->refusal);
        return;
    }
    j->deadline_ms = clock_monotonic_ms() + (int64_t)p->deadline_s * 1000;
    if (!spares_take(p->spares, j->kind, &j->worker)) {
        fail(j, "worker.start", "a worker could not be started");
        return;
    }
    loop_add(p->loop, j->worker.fd, POLLIN | POLLOUT, on_ready, j);
}

static void ask_guard(struct job *j)
{
    struct diag why;

    j->refused = j->pool->may ? j->pool->may(j->pool->may_ctx, &why) : ERR_OK;
    if (j->refused) {
        j->refusal = mem_zero(1, sizeof why);
        *j->refusal = why;
    }
}

void pool_submit(struct pool *p, enum worker_kind kind, enum worker_op op, struct buf *request, pool_done *done,
                 void *ctx)
{
    struct job *j = mem_zero(1, sizeof *j);

    j->pool = p;
    j->kind = kind;
    j->op = op;
    j->worker.fd = -1;
    j->done = done;
    j->ctx = ctx;
    buf_init(&j->out, FRAME_PAYLOAD_MAX + FRAME_HEAD_BYTES);
    buf_init(&j->in, FRAME_PAYLOAD_MAX + 2 * 65536);
    frame_write(&j->out, op, buf_span(request));
    buf_free(request);
    ask_guard(j);
    *p->waiting_end = j;
    p->waiting_end = &j->next;
    p->n_jobs++;
}

void pool_tick(struct pool *p)
{
    int64_t now = clock_monotonic_ms();

    reap(p, false);
    for (struct job *j = p->running, *next; j; j = next) {
        next = j->next;
        if (now >= j->deadline_ms) {
            fail(j, "worker.deadline",
                 "a worker did not answer in limits.worker_seconds and was killed: where gpg hangs or asks something, "
                 "embargoctl check tells");
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
    spares_tick(p->spares, p->waiting || p->n_running >= p->max ? SPARES_NONE : p->n_jobs ? SPARES_SOME : SPARES_ALL);
}

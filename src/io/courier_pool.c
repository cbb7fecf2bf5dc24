#include "io/courier_pool.h"

#include "base/clock.h"
#include "base/fsx.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"
#include "io/courier.h"
#include "io/courier_lane.h"
#include "io/courier_reply.h"
#include "io/courier_smtp.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define TICK_MS      500
#define RELAY_OUT_MS 5000 /* how long "nobody can be served" is believed */
#define READ_BYTES   65536
#define SLOWEST_RATE 1024 /* bytes a second, below which a mail is given up */

struct job {
    struct job *next;
    int64_t id;
    uint64_t domain;
    size_t len;
    uint8_t frame[]; /* as it goes to a session */
};

struct member {
    struct pool *pool;
    pid_t pid; /* 0: none */
    int fd;
    struct buf in, out;
    bool busy;
    int64_t job;
    uint64_t domain;
    int64_t since_ms, give_up_ms; /* of the job */
};

struct pool {
    struct courier_relay relay;
    int bodies_fd;
    int fd; /* to core */
    struct loop *loop;
    struct buf in, out;
    struct job *first, **last;
    struct member members[COURIER_SESSIONS_MAX];
    struct courier_lanes lanes;
    int64_t good_ms; /* when a session last did something with a mail */
    int64_t out_until_ms;
    char out_code[COURIER_CODE_SIZE];
    bool ended;
    enum err err;
    struct diag *why;
};

/* ---- to core ---- */

/* Writes what it can of b; false: the other end is gone. */
static bool write_some(struct loop *loop, int fd, struct buf *b)
{
    size_t at = 0;
    bool gone = false;

    while (at < b->len && !gone) {
        ssize_t n = send(fd, b->data + at, b->len - at, MSG_NOSIGNAL);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            break;
        gone = n < 0;
        at += n > 0 ? (size_t)n : 0;
    }
    buf_drop_front(b, at);
    loop_set_events(loop, fd, b->len ? POLLIN | POLLOUT : POLLIN);
    return !gone;
}

static void tell_core(struct pool *p, struct span payload)
{
    frame_write(&p->out, COURIER_RESULT, payload);
    if (!write_some(p->loop, p->fd, &p->out))
        p->ended = true;
}

static void defer(struct pool *p, int64_t job, const char *code)
{
    struct buf payload = BUF_EMPTY;

    courier_result_put(job, COURIER_DEFERRED, code, NULL, &payload);
    tell_core(p, buf_span(&payload));
    buf_free(&payload);
}

/* ---- jobs that wait ---- */

static bool relay_is_out(const struct pool *p)
{
    return p->out_until_ms > clock_monotonic_ms();
}

/* Of a job whose number has been read. */
static uint64_t domain_of(struct frame_reader *r)
{
    char *delivery_id = frame_get_str(r), *sender = frame_get_str(r), *recipient = frame_get_str(r);
    uint64_t domain = courier_lane_of(recipient);

    free(delivery_id);
    free(sender);
    mem_free_secret(&recipient);
    return domain;
}

static enum err add_job(struct pool *p, struct span payload, struct diag *why)
{
    struct frame_reader r;
    struct buf frame = BUF_EMPTY;
    struct job *job;
    int64_t id;

    frame_reader_init(&r, payload);
    id = frame_get_i64(&r);
    if (r.bad)
        return diag_set(why, ERR_REJECT, "frame.bad", "a courier's job is damaged");
    if (relay_is_out(p)) {
        defer(p, id, p->out_code);
        return ERR_OK;
    }
    frame_write(&frame, COURIER_DELIVER, payload);
    job = mem_zero(1, sizeof *job + frame.len);
    job->id = id;
    job->domain = domain_of(&r);
    job->len = frame.len;
    memcpy(job->frame, frame.data, frame.len);
    *p->last = job;
    p->last = &job->next;
    buf_free(&frame);
    return ERR_OK;
}

/* Out of the row; the caller frees. */
static struct job *take_job(struct pool *p, struct job **at)
{
    struct job *job = *at;

    *at = job->next;
    if (!*at)
        p->last = at;
    return job;
}

static void free_job(struct job *job)
{
    mem_wipe(job->frame, job->len);
    free(job);
}

static void defer_waiting(struct pool *p)
{
    while (p->first) {
        struct job *job = take_job(p, &p->first);

        defer(p, job->id, p->out_code);
        free_job(job);
    }
}

/* ---- sessions ---- */

static void end_member(struct pool *p, struct member *m, const char *code)
{
    bool busy = m->busy;
    int status;

    kill(m->pid, SIGKILL);
    waitpid(m->pid, &status, 0);
    loop_remove(p->loop, m->fd);
    fsx_close(&m->fd);
    buf_free(&m->in);
    buf_free(&m->out);
    m->pid = 0;
    m->busy = false;
    if (busy)
        defer(p, m->job, code);
}

static bool read_result(const struct member *m, uint32_t type, struct span payload)
{
    struct frame_reader r;
    int64_t id;

    frame_reader_init(&r, payload);
    id = frame_get_i64(&r);
    return !r.bad && m->busy && id == m->job && (type == COURIER_RESULT || type == COURIER_NO_RELAY);
}

static void relay_is_gone(struct pool *p, struct span payload)
{
    struct frame_reader r;
    char *code;

    if (clock_monotonic_ms() - p->good_ms < RELAY_OUT_MS)
        return;
    frame_reader_init(&r, payload);
    frame_get_i64(&r);
    frame_get_u32(&r);
    code = frame_get_str(&r);
    snprintf(p->out_code, sizeof p->out_code, "%s", code ? code : "smtp.connect");
    free(code);
    if (!relay_is_out(p))
        log_event(NULL, "relay-out", NULL, "%s", p->out_code);
    p->out_until_ms = clock_monotonic_ms() + RELAY_OUT_MS;
    defer_waiting(p);
}

static bool take_results(struct pool *p, struct member *m)
{
    struct span payload;
    uint32_t type;
    size_t used;
    enum err err;

    while (!(err = frame_next(buf_span(&m->in), READ_BYTES, &type, &payload, &used))) {
        if (!read_result(m, type, payload))
            return false;
        m->busy = false;
        if (clock_monotonic_ms() - m->since_ms < COURIER_SLOW_MS)
            courier_lane_clear(&p->lanes, m->domain);
        if (type == COURIER_RESULT)
            p->good_ms = clock_monotonic_ms();
        tell_core(p, payload);
        if (type == COURIER_NO_RELAY)
            relay_is_gone(p, payload);
        buf_drop_front(&m->in, used);
    }
    return err == ERR_AGAIN;
}

static void on_member(void *ctx, int fd, short revents)
{
    struct member *m = ctx;
    struct pool *p = m->pool;
    uint8_t *room = buf_room(&m->in, READ_BYTES);
    bool ok = !(revents & POLLOUT) || write_some(p->loop, fd, &m->out);
    ssize_t n;

    if (ok && (revents & (POLLIN | POLLHUP | POLLERR))) {
        n = room ? read(fd, room, READ_BYTES) : -1;
        if (n > 0)
            buf_grown(&m->in, (size_t)n);
        ok = n > 0 ? take_results(p, m) : n < 0 && (errno == EAGAIN || errno == EINTR);
    }
    if (!ok)
        end_member(p, m, "courier.session: a session ended unasked");
}

/* In the child: nothing of the pool stays open but its own socket. */
static _Noreturn void become(struct pool *p, int fd)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    for (int i = 0; i < COURIER_SESSIONS_MAX; i++)
        if (p->members[i].pid)
            close(p->members[i].fd);
    close(p->fd);
    _exit(courier_smtp_main(&p->relay, p->bodies_fd, fd));
}

static bool start_member(struct pool *p, struct member *m)
{
    int pair[2];

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
        return false;
    m->pid = fork();
    if (m->pid == 0) {
        close(pair[0]);
        m->pid = 0;
        become(p, pair[1]);
    }
    close(pair[1]);
    if (m->pid < 0) {
        m->pid = 0;
        close(pair[0]);
        return false;
    }
    m->pool = p;
    m->fd = pair[0];
    buf_init(&m->in, (size_t)1 << 20);
    buf_init(&m->out, BUF_MAX_DEFAULT);
    loop_prepare_fd(m->fd);
    loop_add(p->loop, m->fd, POLLIN, on_member, m);
    return true;
}

/* One that is free, or a new one where there is room for it; NULL: none. */
static struct member *find_member(struct pool *p)
{
    int64_t now = clock_monotonic_ms();
    struct member *unused = NULL;
    int quick = 0;

    for (int i = 0; i < COURIER_SESSIONS_MAX; i++) {
        struct member *m = &p->members[i];

        if (m->pid && !m->busy)
            return m;
        if (!m->pid && !unused)
            unused = m;
        quick += m->pid && now - m->since_ms < COURIER_SLOW_MS;
    }
    return unused && quick < COURIER_SESSIONS && start_member(p, unused) ? unused : NULL;
}

/* Sessions that are busy with a slow domain: with this one, and with any. */
static void count_slow(const struct pool *p, uint64_t domain, int64_t now, int *with_it, int *with_any)
{
    *with_it = *with_any = 0;
    for (int i = 0; i < COURIER_SESSIONS_MAX; i++) {
        const struct member *m = &p->members[i];

        if (m->pid && m->busy && courier_lane_is_slow(&p->lanes, m->domain, now)) {
            ++*with_any;
            *with_it += m->domain == domain;
        }
    }
}

/*
 * The first in the row whose turn it is: a slow domain has some of the sessions before others, and more of them when
 * nobody else waits; the rest is for who comes next.
 */
static struct job **next_job(struct pool *p)
{
    int64_t now = clock_monotonic_ms();
    int with_it, with_any = 0;

    for (struct job **at = &p->first; *at; at = &(*at)->next) {
        if (!courier_lane_is_slow(&p->lanes, (*at)->domain, now))
            return at;
        count_slow(p, (*at)->domain, now, &with_it, &with_any);
        if (with_it < COURIER_SESSIONS_SLOW && with_any < 2 * COURIER_SESSIONS_SLOW)
            return at;
    }
    return p->first && with_any < COURIER_SESSIONS_MAX / 2 ? &p->first : NULL;
}

static void mark_slow(struct pool *p)
{
    int64_t now = clock_monotonic_ms();

    for (int i = 0; i < COURIER_SESSIONS_MAX; i++) {
        const struct member *m = &p->members[i];

        if (m->pid && m->busy && now - m->since_ms >= COURIER_SLOW_MS)
            courier_lane_mark(&p->lanes, m->domain, now);
    }
}

static void hand_out(struct pool *p)
{
    struct member *m;
    struct job **at;

    mark_slow(p);
    while (!p->ended && (at = next_job(p)) && (m = find_member(p))) {
        struct job *job = take_job(p, at);

        m->busy = true;
        m->job = job->id;
        m->domain = job->domain;
        m->since_ms = clock_monotonic_ms();
        /* Every step of a session ends by itself; this is for what nobody has thought of. */
        m->give_up_ms = m->since_ms + 15000 * (int64_t)p->relay.timeout_s + (int64_t)job->len * 1000 / SLOWEST_RATE;
        buf_add(&m->out, job->frame, job->len);
        free_job(job);
        if (!write_some(p->loop, m->fd, &m->out))
            end_member(p, m, "courier.session: a session ended unasked");
    }
}

static void end_overdue(struct pool *p)
{
    int64_t now = clock_monotonic_ms();

    for (int i = 0; i < COURIER_SESSIONS_MAX; i++) {
        struct member *m = &p->members[i];

        if (m->pid && m->busy && now > m->give_up_ms) {
            log_event(NULL, "session-killed", "courier.overdue", NULL);
            end_member(p, m, "smtp.timeout: a session did not end in time");
        }
    }
}

/* ---- core ---- */

static void take_frames(struct pool *p)
{
    struct span payload;
    uint32_t type;
    size_t used;
    enum err err;

    while (!(err = frame_next(buf_span(&p->in), FRAME_PAYLOAD_MAX, &type, &payload, &used))) {
        if (type != COURIER_DELIVER)
            err = diag_set(p->why, ERR_REJECT, "frame.bad", "core sent a frame of another type");
        else
            err = add_job(p, payload, p->why);
        if (err)
            break;
        buf_drop_front(&p->in, used);
    }
    if (err != ERR_AGAIN) {
        p->err = ERR_REJECT;
        p->ended = true;
    }
}

static void on_core(void *ctx, int fd, short revents)
{
    struct pool *p = ctx;
    uint8_t *room;
    ssize_t n;

    if ((revents & POLLOUT) && !write_some(p->loop, fd, &p->out))
        p->ended = true;
    if (!(revents & (POLLIN | POLLHUP | POLLERR)))
        return;
    room = buf_room(&p->in, READ_BYTES);
    n = room ? read(fd, room, READ_BYTES) : 0;
    if (n > 0) {
        buf_grown(&p->in, (size_t)n);
        take_frames(p);
    } else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
        p->ended = true;
    }
}

static void stop(struct pool *p)
{
    for (int i = 0; i < COURIER_SESSIONS_MAX; i++)
        if (p->members[i].pid) {
            p->members[i].busy = false; /* nobody is left to be told */
            end_member(p, &p->members[i], NULL);
        }
    while (p->first)
        free_job(take_job(p, &p->first));
    loop_free(&p->loop);
    buf_free(&p->in);
    buf_free(&p->out);
}

enum err courier_pool_run(const struct settings *settings, int bodies_fd, int fd, struct diag *why)
{
    struct pool *p = mem_zero(1, sizeof *p);
    enum err err;

    p->relay = courier_relay_of(settings);
    p->bodies_fd = bodies_fd;
    p->fd = fd;
    p->last = &p->first;
    p->why = why;
    p->good_ms = -RELAY_OUT_MS;
    p->loop = loop_new();
    buf_init(&p->in, BUF_MAX_DEFAULT);
    buf_init(&p->out, BUF_MAX_DEFAULT);
    loop_prepare_fd(fd);
    loop_add(p->loop, fd, POLLIN, on_core, p);
    while (!p->ended) {
        hand_out(p);
        loop_once(p->loop, TICK_MS);
        end_overdue(p);
    }
    err = p->err;
    stop(p);
    free(p);
    return err;
}

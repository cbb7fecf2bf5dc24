/* The role: reads jobs, starts a process for each, hands its answer on. */
#include "io/fetch.h"

#include "base/clock.h"
#include "base/frame.h"
#include "base/fsx.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define REQUEST_MAX 4096
#define SPARE_S     5 /* beyond the two methods' time-outs before a look-up is killed */

struct job {
    int64_t id; /* 0: free */
    pid_t pid;
    int fd;
    struct buf in;
    int64_t deadline_ms;
};

struct fetch {
    const struct settings *settings;
    bool rehearsal;
    int fd;
    struct buf in;
    struct job jobs[FETCH_JOBS_MAX];
    bool lost; /* an answer */
};

void fetch_result_put(int64_t job, const struct fetch_result *result, struct buf *out)
{
    frame_put_i64(out, job);
    frame_put_u32(out, result->outcome);
    frame_put_str(out, result->rule);
    frame_put_str(out, result->text);
    frame_put_buf(out, &result->bytes);
}

static void copy_words(char *to, size_t size, const char *from)
{
    size_t n = from ? strnlen(from, size - 1) : 0;

    memcpy(to, from ? from : "", n);
    to[n] = 0;
}

enum err fetch_result_get(struct span payload, int64_t *job, struct fetch_result *out, struct diag *why)
{
    struct frame_reader r;
    struct span bytes;
    uint32_t outcome;
    char *rule, *text;
    bool ok;

    memset(out, 0, sizeof *out);
    buf_init(&out->bytes, FETCH_BYTES_MAX);
    frame_reader_init(&r, payload);
    *job = frame_get_i64(&r);
    outcome = frame_get_u32(&r);
    rule = frame_get_str(&r);
    text = frame_get_str(&r);
    bytes = frame_get_bytes(&r);
    ok = frame_done(&r) && outcome <= FETCH_REFUSED && bytes.len <= FETCH_BYTES_MAX;
    if (ok) {
        out->outcome = (enum fetch_outcome)outcome;
        copy_words(out->rule, sizeof out->rule, rule);
        copy_words(out->text, sizeof out->text, text);
        buf_add(&out->bytes, bytes.data, bytes.len);
    }
    free(rule);
    free(text);
    return ok ? ERR_OK : diag_set(why, ERR_REJECT, "frame.bad", "the answer of a look-up is damaged");
}

/* ---- the process of one look-up ---- */

static _Noreturn void run_job(const struct fetch *f, int64_t id, const char *address, int out_fd)
{
    struct rlimit cpu = {20, 20}, file = {0, 0};
    struct fetch_result result;
    struct buf payload = BUF_EMPTY;
    struct diag why;
    bool ok = !sandbox_end_with_parent(&why) && !setrlimit(RLIMIT_CPU, &cpu) && !setrlimit(RLIMIT_FSIZE, &file);

    if (!ok)
        _exit(1);
    fetch_look_up(f->settings, f->rehearsal, address, &result);
    fetch_result_put(id, &result, &payload);
    _exit(frame_send(out_fd, FETCH_RESULT, buf_span(&payload), &why) ? 1 : 0);
}

/* An answer that is lost would be waited for: the roles are started anew. */
static void send_result(struct fetch *f, int64_t id, const struct fetch_result *result)
{
    struct buf payload = BUF_EMPTY;
    struct diag why;

    fetch_result_put(id, result, &payload);
    if (frame_send(f->fd, FETCH_RESULT, buf_span(&payload), &why)) {
        log_diag(NULL, "fetch-lost", &why);
        f->lost = true;
    }
    buf_free(&payload);
}

static void send_failure(struct fetch *f, int64_t id, const char *rule, const char *text)
{
    struct fetch_result result = {.outcome = FETCH_REFUSED, .bytes = BUF_EMPTY};

    copy_words(result.rule, sizeof result.rule, rule);
    copy_words(result.text, sizeof result.text, text);
    send_result(f, id, &result);
}

static void start_job(struct fetch *f, int64_t id, const char *address)
{
    struct job *j = f->jobs;
    int ends[2];

    while (j < f->jobs + FETCH_JOBS_MAX && j->id)
        j++;
    if (j == f->jobs + FETCH_JOBS_MAX || pipe2(ends, O_CLOEXEC)) {
        send_failure(f, id, "fetch.busy", "too many look-ups at a time");
        return;
    }
    j->pid = fork();
    if (j->pid == 0) {
        close(ends[0]);
        close(f->fd);
        run_job(f, id, address, ends[1]);
    }
    close(ends[1]);
    if (j->pid < 0) {
        close(ends[0]);
        send_failure(f, id, "fetch.start", "a look-up could not be started");
        return;
    }
    j->id = id;
    j->fd = ends[0];
    buf_init(&j->in, FETCH_BYTES_MAX + 65536);
    j->deadline_ms = clock_monotonic_ms() + (2 * (int64_t)f->settings->fetch_timeout_s + SPARE_S) * 1000;
}

static void end_job(struct job *j)
{
    int status;

    kill(j->pid, SIGKILL);
    while (waitpid(j->pid, &status, 0) < 0 && errno == EINTR)
        ;
    close(j->fd);
    buf_free(&j->in);
    j->id = 0;
}

/* The process has closed its pipe: its whole answer is here, or it died. */
static void finish_job(struct fetch *f, struct job *j)
{
    struct fetch_result result = {.bytes = BUF_EMPTY};
    struct span payload;
    struct diag why;
    uint32_t type;
    size_t used;
    int64_t id = 0;

    if (!frame_next(buf_span(&j->in), FETCH_BYTES_MAX + 8192, &type, &payload, &used) && used == j->in.len &&
        type == FETCH_RESULT && !fetch_result_get(payload, &id, &result, &why) && id == j->id)
        send_result(f, j->id, &result);
    else
        send_failure(f, j->id, "fetch.died", "the look-up ended without an answer");
    buf_free(&result.bytes);
    end_job(j);
}

static void read_job(struct fetch *f, struct job *j)
{
    uint8_t *room = buf_room(&j->in, 16384);
    ssize_t n = room ? read(j->fd, room, 16384) : 0;

    if (n < 0 && errno == EINTR)
        return;
    if (n > 0)
        buf_grown(&j->in, (size_t)n);
    else
        finish_job(f, j);
}

/* ---- core ---- */

/* False: core has gone, or speaks what no core says. */
static bool read_core(struct fetch *f)
{
    uint8_t *room = buf_room(&f->in, REQUEST_MAX);
    ssize_t n = room ? read(f->fd, room, REQUEST_MAX) : 0;
    struct span payload;
    uint32_t type;
    size_t used;
    enum err err;

    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return true;
    if (n <= 0)
        return false;
    buf_grown(&f->in, (size_t)n);
    while (!(err = frame_next(buf_span(&f->in), REQUEST_MAX, &type, &payload, &used))) {
        struct frame_reader r;
        int64_t id;
        char *address;
        bool ok;

        frame_reader_init(&r, payload);
        id = frame_get_i64(&r);
        address = frame_get_str(&r);
        ok = frame_done(&r) && address && id > 0 && type == FETCH_LOOKUP;
        if (ok)
            start_job(f, id, address);
        mem_free_secret(&address);
        buf_drop_front(&f->in, used);
        if (!ok)
            return false;
    }
    return err == ERR_AGAIN;
}

/* What is ready or late; false when core has gone. */
static bool turn(struct fetch *f)
{
    struct pollfd fds[FETCH_JOBS_MAX + 1] = {{.fd = f->fd, .events = POLLIN}};
    int64_t now;

    for (size_t i = 0; i < FETCH_JOBS_MAX; i++)
        fds[i + 1] = (struct pollfd){.fd = f->jobs[i].id ? f->jobs[i].fd : -1, .events = POLLIN};
    if (poll(fds, FETCH_JOBS_MAX + 1, 1000) < 0)
        return errno == EINTR;
    now = clock_monotonic_ms();
    for (size_t i = 0; i < FETCH_JOBS_MAX; i++) {
        if (f->jobs[i].id && fds[i + 1].revents)
            read_job(f, &f->jobs[i]);
        else if (f->jobs[i].id && now > f->jobs[i].deadline_ms)
            finish_job(f, &f->jobs[i]);
    }
    return !fds[0].revents || read_core(f);
}

int fetch_main(const struct settings *settings, bool rehearsal, int fd)
{
    struct fetch f = {.settings = settings, .rehearsal = rehearsal, .fd = fd};
    struct diag why = {0};
    enum err err = ERR_OK;

    signal(SIGPIPE, SIG_IGN);
    log_set_role("fetch");
    buf_init(&f.in, 2 * REQUEST_MAX);
    if (chdir("/"))
        err = diag_errno(&why, ERR_INTERNAL, "fetch.folder", "leaving the folder");
    while (!err && !f.lost && turn(&f))
        ;
    if (err)
        log_diag(NULL, "fetch-ended", &why);
    for (size_t i = 0; i < FETCH_JOBS_MAX; i++)
        if (f.jobs[i].id)
            end_job(&f.jobs[i]);
    buf_free(&f.in);
    return err || f.lost ? 1 : 0;
}

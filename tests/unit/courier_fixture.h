/*
 * For tests of the courier by SMTP: a folder, a mail server that follows a script (tests/lib/smtp_server.h), the
 * courier role or one session of it in a process of its own, jobs that go in and results that come out.
 */
#ifndef TESTS_COURIER_FIXTURE_H
#define TESTS_COURIER_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fsx.h"
#include "io/courier.h"
#include "io/courier_smtp.h"
#include "tests/lib/smtp_server.h"
#include "tests/lib/testdir.h"

#define RESULT_MS 20000

struct fixture {
    char *dir;
    char sink[4096];
    struct settings settings; /* home, host, port and a time-out of a second are set */
    int bodies_fd;
    pid_t server, courier;
    int fd; /* to the courier */
};

struct result {
    int64_t job;
    uint32_t type, outcome;
    char code[512], queue_id[128];
};

static inline int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    char path[4200];

    f->dir = testdir_make();
    snprintf(path, sizeof path, "%s/state", f->dir);
    mkdir(path, 0700);
    snprintf(path, sizeof path, "%s/state/bodies", f->dir);
    mkdir(path, 0700);
    f->bodies_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    snprintf(f->sink, sizeof f->sink, "%s/sink", f->dir);
    mkdir(f->sink, 0700);
    f->settings = (struct settings){.home = f->dir,
                                    .courier = COURIER_SMTP,
                                    .smtp_host = (char *)"127.0.0.1",
                                    .smtp_tls = SMTP_TLS_OPPORTUNISTIC,
                                    .smtp_timeout_s = 1};
    f->fd = -1;
    *state = f;
    return 0;
}

static inline int stop_courier(struct fixture *f)
{
    int status = 0;

    fsx_close(&f->fd);
    if (f->courier > 0)
        waitpid(f->courier, &status, 0);
    f->courier = 0;
    return status;
}

static inline void stop_server(struct fixture *f)
{
    if (f->server > 0)
        smtp_server_stop(f->server);
    f->server = 0;
}

static inline int teardown(void **state)
{
    struct fixture *f = *state;

    stop_courier(f);
    stop_server(f);
    close(f->bodies_fd);
    testdir_remove(f->dir);
    free(f);
    return 0;
}

static inline void start_server(struct fixture *f, struct smtp_script script)
{
    static struct smtp_script kept;

    kept = script;
    kept.dir = f->sink;
    f->settings.smtp_port = 0;
    f->server = smtp_server_start(&kept, &f->settings.smtp_port);
}

/* relay: one session of the courier with it alone; NULL: the whole role. */
static inline void start_courier(struct fixture *f, const struct courier_relay *relay, bool rehearsal)
{
    int pair[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    f->courier = fork();
    assert_true(f->courier >= 0);
    if (f->courier == 0) {
        close(pair[0]);
        _exit(relay ? courier_smtp_main(relay, f->bodies_fd, pair[1]) : courier_main(&f->settings, rehearsal, pair[1]));
    }
    close(pair[1]);
    f->fd = pair[0];
}

static inline struct courier_job make_job(int64_t id, const char *recipient, const char *mail)
{
    struct courier_job job = {.id = id,
                              .delivery_id = (char *)"test.1",
                              .sender = (char *)"security+b-tag@example.org",
                              .recipient = (char *)recipient,
                              .prefix = BUF_EMPTY,
                              .head = BUF_EMPTY,
                              .suffix = BUF_EMPTY};

    buf_add_str(&job.prefix, mail ? mail
                                  : "From: security@example.org\r\nTo: security@example.org\r\nSubject: [...]\r\n"
                                    "Message-ID: <1@example.org>\r\nDate: Sun, 22 Nov 2026 15:00:00 +0000\r\n"
                                    "\r\nbody\r\n");
    return job;
}

static inline void free_job_parts(struct courier_job *job)
{
    buf_free(&job->prefix);
    buf_free(&job->head);
    buf_free(&job->suffix);
}

static inline void give_job(struct fixture *f, const struct courier_job *job)
{
    struct buf out = BUF_EMPTY;

    courier_job_put(job, &out);
    assert_int_equal(frame_send(f->fd, COURIER_DELIVER, buf_span(&out), NULL), ERR_OK);
    buf_free(&out);
}

static inline void give(struct fixture *f, int64_t id, const char *recipient)
{
    struct courier_job job = make_job(id, recipient, NULL);

    give_job(f, &job);
    free_job_parts(&job);
}

static inline struct result take(struct fixture *f)
{
    struct pollfd wait = {.fd = f->fd, .events = POLLIN};
    struct buf in = BUF_EMPTY;
    struct frame_reader r;
    struct result out = {0};
    char *code, *queue_id;

    assert_int_equal(poll(&wait, 1, RESULT_MS), 1);
    assert_int_equal(frame_receive(f->fd, 1 << 20, &out.type, &in, NULL), ERR_OK);
    frame_reader_init(&r, buf_span(&in));
    out.job = frame_get_i64(&r);
    out.outcome = frame_get_u32(&r);
    code = frame_get_str(&r);
    queue_id = frame_get_str(&r);
    assert_true(frame_done(&r));
    snprintf(out.code, sizeof out.code, "%s", code ? code : "");
    snprintf(out.queue_id, sizeof out.queue_id, "%s", queue_id ? queue_id : "");
    free(code);
    free(queue_id);
    buf_free(&in);
    return out;
}

/* How many files of the server's folder end with this. */
static inline int count_files(const struct fixture *f, const char *end)
{
    DIR *stream = opendir(f->sink);
    struct dirent *item;
    int n = 0;

    while ((item = readdir(stream))) {
        size_t len = strlen(item->d_name);

        n += len >= strlen(end) && strcmp(item->d_name + len - strlen(end), end) == 0;
    }
    closedir(stream);
    return n;
}

static inline void read_file(const struct fixture *f, const char *name, struct buf *out)
{
    char path[4200];

    snprintf(path, sizeof path, "%s/%s", f->sink, name);
    assert_int_equal(fsx_read_path(path, 64 << 20, out, NULL), ERR_OK);
}

static inline void expect_code(const struct result *r, enum courier_outcome outcome, const char *code)
{
    if (r->outcome != outcome || strncmp(r->code, code, strlen(code)) != 0)
        fail_msg("outcome %u, code `%s` instead of %d, `%s…`", r->outcome, r->code, outcome, code);
}

#endif

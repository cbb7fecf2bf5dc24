/*
 * courier-feed HOST PORT MAILS BYTES [JOBS]: how many mails a second the courier role hands over by SMTP, at most JOBS
 * (default: as core does) in its hands at a time, each a head and a shared body. Prints "MAILS SECONDS RATE".
 */
#include "base/clock.h"
#include "io/courier.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void make_home(char *dir, size_t body_bytes)
{
    char path[256];
    FILE *f;

    if (!mkdtemp(dir))
        exit(1);
    snprintf(path, sizeof path, "%s/state", dir);
    mkdir(path, 0700);
    snprintf(path, sizeof path, "%s/state/bodies", dir);
    mkdir(path, 0700);
    snprintf(path, sizeof path, "%s/state/bodies/b1", dir);
    f = fopen(path, "w");
    for (size_t i = 0; f && i < body_bytes; i++)
        fputc((int)(i * 7919 >> 3 & 0xff), f);
    if (!f || fclose(f))
        exit(1);
}

static void remove_home(const char *dir)
{
    static const char *const parts[] = {"/state/bodies/b1", "/state/bodies", "/state", ""};
    char path[256];

    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        snprintf(path, sizeof path, "%s%s", dir, parts[i]);
        remove(path);
    }
}

static void give(int fd, int64_t id)
{
    struct buf out = BUF_EMPTY;
    char recipient[64];
    struct courier_job job = {.id = id,
                              .delivery_id = (char *)"feed.1",
                              .sender = (char *)"security+b-abcdefghijklmnop@example.org",
                              .recipient = recipient,
                              .prefix = BUF_EMPTY,
                              .head = BUF_EMPTY,
                              .suffix = BUF_EMPTY,
                              .body_file = (char *)"b1"};

    snprintf(recipient, sizeof recipient, "member%lld@example.net", (long long)id);
    buf_add_str(&job.prefix, "From: security@example.org\r\nTo: security@example.org\r\nSubject: [...]\r\n"
                             "Message-ID: <feed@example.org>\r\nDate: Sun, 22 Nov 2026 15:00:00 +0000\r\n"
                             "MIME-Version: 1.0\r\nContent-Type: text/plain\r\n\r\n");
    buf_add(&job.head, recipient, sizeof recipient);
    buf_add_str(&job.suffix, "\r\n--end--\r\n");
    courier_job_put(&job, &out);
    if (frame_send(fd, COURIER_DELIVER, buf_span(&out), NULL))
        exit(1);
    buf_free(&out);
    buf_free(&job.prefix);
    buf_free(&job.head);
    buf_free(&job.suffix);
}

/* 1: sent. */
static int take(int fd)
{
    struct buf in = {.max = 1 << 20};
    struct frame_reader r;
    uint32_t type, outcome;
    char *code;

    if (frame_receive(fd, 1 << 20, &type, &in, NULL))
        exit(1);
    frame_reader_init(&r, buf_span(&in));
    frame_get_i64(&r);
    outcome = frame_get_u32(&r);
    code = frame_get_str(&r);
    if (outcome != COURIER_SENT)
        fprintf(stderr, "%s\n", code);
    free(code);
    buf_free(&in);
    return outcome == COURIER_SENT;
}

int main(int argc, char **argv)
{
    char dir[] = "/tmp/courier-feed-XXXXXX";
    struct settings s = {.courier = COURIER_SMTP, .smtp_timeout_s = 30};
    int mails, jobs, sent = 0, given = 0, pair[2];
    int64_t start;
    double seconds;
    struct rusage usage;
    pid_t pid;

    if (argc < 5)
        return 2;
    s.home = dir;
    s.smtp_host = argv[1];
    s.smtp_port = (int)strtol(argv[2], NULL, 10);
    mails = (int)strtol(argv[3], NULL, 10);
    jobs = argc > 5 ? (int)strtol(argv[5], NULL, 10) : 20;
    make_home(dir, (size_t)strtol(argv[4], NULL, 10) * 3 / 4);
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
        return 1;
    pid = fork();
    if (pid == 0) {
        close(pair[0]);
        _exit(courier_main(&s, false, pair[1]));
    }
    close(pair[1]);
    start = clock_monotonic_ms();
    for (int taken = 0; taken < mails; taken++) {
        while (given < mails && given - taken < jobs)
            give(pair[0], ++given);
        sent += take(pair[0]);
    }
    seconds = (double)(clock_monotonic_ms() - start) / 1000;
    close(pair[0]);
    wait4(pid, NULL, 0, &usage);
    remove_home(dir);
    printf("%d %.3f %.0f peak-KiB %ld\n", sent, seconds, sent / seconds, usage.ru_maxrss);
    return sent == mails ? 0 : 1;
}
